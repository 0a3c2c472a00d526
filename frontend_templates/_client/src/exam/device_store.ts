import { openDB, type DBSchema, type IDBPDatabase } from "idb";
import type { Draft } from "./drafts";
import { Seal, type Bytes } from "./sealing";
import { isOnlyHere, joinChunks, MemoryStore, PACKAGE, SITTING, type ExamStore, type Recording } from "./store";

/** Beside ids and positions nothing in here can be read without the attempt's key. */
interface Schema extends DBSchema {
  keys: { key: string; value: { attempt_id: string; account?: string; key: CryptoKey } };
  recordings: { key: string; value: { recording_id: string; attempt_id: string; sealed: Bytes } };
  chunks: { key: [string, number]; value: { recording_id: string; sequence: number; sealed: Bytes } };
  drafts: { key: [string, number]; value: { attempt_id: string; position: number; sealed: Bytes } };
  notes: { key: [string, string]; value: { attempt_id: string; name: string; sealed: Bytes } };
}

const VERSION = 3;
const WEEK_MS = 7 * 24 * 3600 * 1000;
/** Not a full device: an attempt without its key here. */
class Locked extends Error {}
/** One chunk a second: see recorder.ts. */
const CHUNK_MS = 1000;

/**
 * The exam's things on this device, sealed with the key of their attempt (ADR 0086). What the device refuses to keep
 * (quota) stays in memory, so that it is still uploaded.
 */
export class DeviceStore implements ExamStore {
  readonly #memory = new MemoryStore();
  readonly #seals = new Map<string, Seal>();
  readonly #owners = new Map<string, string>();

  #isWritten = true;
  onKeeping: (() => void) | null = null;

  private constructor(
    private readonly database: IDBPDatabase<Schema>,
    private readonly account: string | null,
  ) {}

  /** This account's keys on this device are taken into use; another's stay, unused. Null: only what the server unlocks. */
  static async open(account: string | null, name = "viva-exam"): Promise<DeviceStore> {
    const database = await openDB<Schema>(name, VERSION, {
      upgrade(fresh) {
        for (const old of [...fresh.objectStoreNames]) fresh.deleteObjectStore(old); // before 3 nothing was sealed
        fresh.createObjectStore("keys", { keyPath: "attempt_id" });
        fresh.createObjectStore("recordings", { keyPath: "recording_id" });
        fresh.createObjectStore("chunks", { keyPath: ["recording_id", "sequence"] });
        fresh.createObjectStore("drafts", { keyPath: ["attempt_id", "position"] });
        fresh.createObjectStore("notes", { keyPath: ["attempt_id", "name"] });
      },
      blocking: (_current, _blocked, event) => (event.target as IDBDatabase).close(),
    });
    const store = new DeviceStore(database, account);
    for (const row of await database.getAll("keys")) {
      if (account !== null && row.account === account) store.#seals.set(row.attempt_id, new Seal(row.key));
    }
    return store;
  }

  get keeps(): boolean {
    return this.#isWritten && this.#memory.isEmpty;
  }

  async unlock(attemptId: string, storageKey?: string): Promise<boolean> {
    if (storageKey) {
      const seal = await Seal.from(storageKey);
      this.#seals.set(attemptId, seal);
      const { account } = this;
      if (account !== null) await this.#tryToKeep(() => this.database.put("keys", { attempt_id: attemptId, account, key: seal.key }));
    }
    return this.#seals.has(attemptId);
  }

  /** Attempts of which something waits here, readable or not. */
  async attemptsHere(): Promise<string[]> {
    const [recordings, drafts] = await Promise.all([this.database.getAll("recordings"), this.database.getAll("drafts")]);
    return [...new Set([...recordings, ...drafts].map((each) => each.attempt_id))];
  }

  /** Attempts with a key here: what they keep can be read. */
  attemptsOpen(): string[] {
    return [...this.#seals.keys()];
  }

  // --- recordings -------------------------------------------------------------------------------------------------

  async add(recording: Recording): Promise<void> {
    this.#owners.set(recording.recording_id, recording.attempt_id);
    await this.#memory.add(recording);
    await this.#tryToKeep(() => this.#putRecording(recording));
  }

  async addChunk(recordingId: string, sequence: number, bytes: ArrayBuffer): Promise<void> {
    await this.#memory.addChunk(recordingId, sequence, bytes);
    const kept = await this.#tryToKeep(async () => {
      const sealed = await this.#sealOf(this.#owners.get(recordingId)).close(`${recordingId}:${sequence}`, new Uint8Array(bytes));
      await this.database.put("chunks", { recording_id: recordingId, sequence, sealed });
    });
    if (kept) this.#memory.forgetChunk(recordingId, sequence);
  }

  async finish(recordingId: string, durationMs: number): Promise<void> {
    await this.#memory.finish(recordingId, durationMs);
    await this.#change(recordingId, { state: "recorded", duration_ms: durationMs });
  }

  async refuse(recordingId: string): Promise<void> {
    await this.#memory.refuse(recordingId);
    await this.#change(recordingId, { state: "refused" });
  }

  async remove(recordingId: string): Promise<void> {
    await this.#memory.remove(recordingId);
    const change = this.database.transaction(["recordings", "chunks"], "readwrite");
    await Promise.all([
      change.objectStore("recordings").delete(recordingId),
      change.objectStore("chunks").delete(chunksOf(recordingId)),
      change.done,
    ]);
  }

  async list(): Promise<Recording[]> {
    const kept = await Promise.all((await this.database.getAll("recordings")).map((row) => this.#read(row)));
    const readable = kept.filter((each) => each !== null);
    for (const each of readable) this.#owners.set(each.recording_id, each.attempt_id);
    const known = new Map([...readable, ...(await this.#memory.list())].map((each) => [each.recording_id, each]));
    return [...known.values()].sort((a, b) => a.started_at - b.started_at);
  }

  async bytesOf(recordingId: string): Promise<Bytes> {
    const chunks = new Map<number, ArrayBuffer>();
    for (const { sequence, sealed } of await this.database.getAll("chunks", chunksOf(recordingId))) {
      const bytes = await this.#sealOf(this.#owners.get(recordingId)).open(`${recordingId}:${sequence}`, sealed);
      chunks.set(sequence, bytes.buffer);
    }
    for (const [sequence, bytes] of this.#memory.chunksOf(recordingId)) chunks.set(sequence, bytes);
    return joinChunks(chunks);
  }

  async recover(nowMs: number): Promise<void> {
    const isOld = (state: string, at: number): boolean => state === "refused" && nowMs - at > WEEK_MS;
    const emptied = new Set<string>();
    for (const recording of await this.list()) {
      if (recording.state === "recording") await this.#recoverOne(recording);
      if (!isOld(recording.state, recording.started_at)) continue;
      await this.remove(recording.recording_id);
      emptied.add(recording.attempt_id);
    }
    for (const attemptId of this.#seals.keys()) {
      for (const draft of await this.listDrafts(attemptId)) {
        if (!isOld(draft.state, draft.changed_at)) continue;
        await this.database.delete("drafts", [attemptId, draft.position]);
        emptied.add(attemptId);
      }
    }
    for (const attemptId of emptied) await this.purge(attemptId);
  }

  async revive(attemptId: string): Promise<void> {
    for (const each of await this.list()) {
      if (each.attempt_id === attemptId && each.state === "refused") await this.#change(each.recording_id, { state: "recorded" });
    }
    for (const draft of await this.listDrafts(attemptId)) if (draft.state === "refused") await this.putDraft({ ...draft, state: "waiting" });
  }

  async #recoverOne(recording: Recording): Promise<void> {
    const chunks = await this.database.getAllKeys("chunks", chunksOf(recording.recording_id));
    if (chunks.length === 0) await this.remove(recording.recording_id);
    else await this.finish(recording.recording_id, chunks.length * CHUNK_MS);
  }

  // --- drafts and notes -------------------------------------------------------------------------------------------

  async putDraft(draft: Draft): Promise<void> {
    const { attempt_id, position } = draft;
    await this.#memory.putDraft(draft);
    const kept = await this.#tryToKeep(async () => {
      if (await this.#hasNewer(draft)) return; // of another page, which this one's acknowledgement says nothing of
      const sealed = await this.#sealOf(attempt_id).closeJson(`draft:${position}`, draft);
      await this.database.put("drafts", { attempt_id, position, sealed });
    });
    if (kept) this.#memory.forgetDraft(draft);
  }

  async #hasNewer({ attempt_id, position, sequence: [epoch, count] }: Draft): Promise<boolean> {
    const row = await this.database.get("drafts", [attempt_id, position]);
    const known = row ? await this.#sealOf(attempt_id).openJson<Draft>(`draft:${position}`, row.sealed).catch(() => null) : null;
    return known !== null && (known.sequence[0] > epoch || (known.sequence[0] === epoch && known.sequence[1] > count));
  }

  async listDrafts(attemptId: string): Promise<Draft[]> {
    const seal = this.#seals.get(attemptId);
    if (!seal) return [];
    const rows = await this.database.getAll("drafts", draftsOf(attemptId));
    const kept = await Promise.all(rows.map((row) => seal.openJson<Draft>(`draft:${row.position}`, row.sealed).catch(() => null)));
    const readable = kept.filter((each) => each !== null);
    return [...new Map([...readable, ...(await this.#memory.listDrafts(attemptId))].map((each) => [each.position, each])).values()];
  }

  async putNote(attemptId: string, name: string, bytes: Bytes): Promise<void> {
    await this.#memory.putNote(attemptId, name, bytes);
    const write = async (): Promise<void> => {
      const sealed = await this.#sealOf(attemptId).close(`note:${name}`, bytes);
      await this.database.put("notes", { attempt_id: attemptId, name, sealed });
    };
    if (name.startsWith(PACKAGE)) await write().catch(() => undefined); // a question can be had again, an answer cannot
    else await this.#tryToKeep(write);
  }

  async findNote(attemptId: string, name: string): Promise<Bytes | null> {
    const seal = this.#seals.get(attemptId);
    const row = seal ? await this.database.get("notes", [attemptId, name]) : undefined;
    return row && seal ? seal.open(`note:${name}`, row.sealed) : this.#memory.findNote(attemptId, name);
  }

  async purge(attemptId: string): Promise<void> {
    await this.#memory.purge();
    const arrived = (await this.listDrafts(attemptId)).filter((draft) => !isOnlyHere(draft));
    const gone = new Set(arrived.map((draft) => draft.position));
    const typed = (await this.database.getAllKeys("drafts", draftsOf(attemptId))).filter(([, position]) => !gone.has(position));
    const isEmpty = typed.length === 0 && !(await this.list()).some((each) => each.attempt_id === attemptId);
    const change = this.database.transaction(["keys", "drafts", "notes"], "readwrite");
    const notes = change.objectStore("notes");
    await Promise.all([
      ...arrived.map((draft) => change.objectStore("drafts").delete([attemptId, draft.position])),
      notes.delete(IDBKeyRange.bound([attemptId, ""], [attemptId, SITTING], false, true)),
      notes.delete(IDBKeyRange.bound([attemptId, SITTING], [attemptId, "\uffff"], !isEmpty)),
      isEmpty ? change.objectStore("keys").delete(attemptId) : undefined,
      change.done,
    ]);
    if (isEmpty) this.#seals.delete(attemptId);
  }

  async sealFor(attemptId: string, label: string, bytes: Bytes): Promise<Bytes | null> {
    return (await this.#seals.get(attemptId)?.close(label, bytes)) ?? null;
  }

  // --- sealing ----------------------------------------------------------------------------------------------------

  #sealOf(attemptId: string | undefined): Seal {
    const seal = this.#seals.get(attemptId ?? "");
    if (!seal) throw new Locked();
    return seal;
  }

  async #putRecording(recording: Recording): Promise<void> {
    const { recording_id, attempt_id } = recording;
    const sealed = await this.#sealOf(attempt_id).closeJson(recording_id, recording);
    await this.database.put("recordings", { recording_id, attempt_id, sealed });
  }

  async #read(row: Schema["recordings"]["value"]): Promise<Recording | null> {
    const seal = this.#seals.get(row.attempt_id);
    return seal ? seal.openJson<Recording>(row.recording_id, row.sealed).catch(() => null) : null;
  }

  async #change(recordingId: string, changes: Partial<Recording>): Promise<void> {
    await this.#tryToKeep(async () => {
      const row = await this.database.get("recordings", recordingId);
      const before = row ? await this.#read(row) : null;
      if (before) await this.#putRecording({ ...before, ...changes });
    });
  }

  /** Where there is no room, questions make some. What is not kept is still sent; only a reload before that would lose it. */
  async #tryToKeep(write: () => Promise<unknown>): Promise<boolean> {
    const isWritten = await write()
      .catch(async (error: unknown) => {
        if (error instanceof Locked) throw error;
        await this.#makeRoom();
        await write();
      })
      .then(() => true, (error: unknown) => (error instanceof Locked ? null : false));
    if (isWritten !== null && isWritten !== this.#isWritten) {
      this.#isWritten = isWritten;
      this.onKeeping?.();
    }
    return isWritten === true;
  }

  /** Drops the questions that were fetched ahead; rejects where there are none. */
  async #makeRoom(): Promise<void> {
    const packages = (await this.database.getAllKeys("notes")).filter(([, name]) => name.startsWith(PACKAGE));
    if (packages.length === 0) throw new Error("no_room");
    for (const key of packages) await this.database.delete("notes", key);
  }
}

/** Asks the browser not to clear this away when the device runs short of space. Call from a click: some ask the person. */
export function askToKeep(): void {
  void navigator.storage?.persist?.().catch(() => undefined);
}

function draftsOf(attemptId: string): IDBKeyRange {
  return IDBKeyRange.bound([attemptId, 0], [attemptId, Infinity]);
}

function chunksOf(recordingId: string): IDBKeyRange {
  return IDBKeyRange.bound([recordingId, 0], [recordingId, Infinity]);
}
