import { openDB, type DBSchema, type IDBPDatabase } from "idb";
import type { Draft } from "./drafts";
import { Seal, type Bytes } from "./sealing";
import { isOnlyHere, joinChunks, MemoryStore, PACKAGE, SITTING, type Ending, type ExamStore, type Recording } from "./store";

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
/** What a browser says of a connection that it has dropped: WebKit drops those of pages in the background. */
const LOST = new Set(["InvalidStateError", "UnknownError", "AbortError"]);

/**
 * The exam's things on this device, sealed with the key of their attempt (ADR 0086). What this page makes stays in memory
 * too until the server has it (8 kB for a second of speech): a device may be full, or the way to it lost.
 */
export class DeviceStore implements ExamStore {
  readonly #memory = new MemoryStore();
  readonly #seals = new Map<string, Seal>();
  readonly #owners = new Map<string, string>();
  /** What the last look at the device found, for when there is no way to it. */
  readonly #seen = new Map<string, unknown>();
  /** Removed by this page, whether or not the device could. */
  readonly #gone = new Set<string>();
  /** How what this page made is written, by what it is; and what of that is not on the device. */
  readonly #writes = new Map<string, () => Promise<unknown>>();
  readonly #unwritten = new Set<string>();
  #turn: Promise<unknown> = Promise.resolve();
  #isKept = true;
  #database: Promise<IDBPDatabase<Schema>>;
  onKeeping: (() => void) | null = null;

  private constructor(
    private readonly name: string,
    private readonly account: string,
  ) {
    this.#database = connect(name);
  }

  /** This account's keys on this device are taken into use; another's stay, unused. */
  static async open(account: string, name = "viva-exam"): Promise<DeviceStore> {
    const store = new DeviceStore(name, account);
    for (const row of await store.#use((database) => database.getAll("keys"))) {
      if (row.account === account) store.#seals.set(row.attempt_id, new Seal(row.key));
    }
    return store;
  }

  get keeps(): boolean {
    return this.#isKept;
  }

  async unlock(attemptId: string, storageKey?: string): Promise<boolean> {
    if (storageKey) {
      const { account } = this;
      const seal = await Seal.from(storageKey);
      this.#seals.set(attemptId, seal);
      await this.#keep(`${attemptId}|key`, () => this.#use((database) => database.put("keys", { attempt_id: attemptId, account, key: seal.key })));
    }
    return this.#seals.has(attemptId);
  }

  /** This account's attempts of which something waits here, and those of which the device does not know whose they are. */
  async attemptsHere(): Promise<string[]> {
    const [keys, ...rows] = await this.#use((database) => Promise.all([database.getAll("keys"), database.getAll("recordings"), database.getAll("drafts")]));
    const owners = new Map(keys.map((each) => [each.attempt_id, each.account]));
    const here = new Set(rows.flat().map((each) => each.attempt_id));
    return [...here].filter((attemptId) => (owners.get(attemptId) ?? this.account) === this.account);
  }

  /** Attempts with a key here: what they keep can be read. */
  attemptsOpen(): string[] {
    return [...this.#seals.keys()];
  }

  // --- recordings -------------------------------------------------------------------------------------------------

  async add(recording: Recording): Promise<void> {
    const { recording_id, attempt_id } = recording;
    this.#owners.set(recording_id, attempt_id);
    await this.#memory.add(recording);
    await this.#keep(`${recording_id}|`, async () => {
      const sealed = await this.#sealOf(attempt_id).closeJson(recording_id, recording);
      await this.#use((database) => database.put("recordings", { recording_id, attempt_id, sealed }));
    });
  }

  async addChunk(recordingId: string, sequence: number, bytes: ArrayBuffer): Promise<void> {
    await this.#memory.addChunk(recordingId, sequence, bytes);
    await this.#keep(`${recordingId}|${sequence}`, async () => {
      const sealed = await this.#sealOf(this.#owners.get(recordingId)).close(`${recordingId}:${sequence}`, new Uint8Array(bytes));
      await this.#use((database) => database.put("chunks", { recording_id: recordingId, sequence, sealed }));
    });
  }

  async finish(recordingId: string, durationMs: number, endedBy: Ending): Promise<void> {
    await this.#change(recordingId, { state: "recorded", duration_ms: durationMs, ended_by: endedBy });
  }

  async refuse(recordingId: string): Promise<void> {
    await this.#change(recordingId, { state: "refused" });
  }

  /** What the device cannot remove is sent once more by the next page, and removed then. */
  async remove(recordingId: string): Promise<void> {
    this.#gone.add(recordingId);
    await this.#memory.remove(recordingId);
    await this.#inTurn(async () => {
      this.#forget(`${recordingId}|`);
      await this.#use(async (database) => {
        const change = database.transaction(["recordings", "chunks"], "readwrite");
        await Promise.all([
          change.objectStore("recordings").delete(recordingId),
          change.objectStore("chunks").delete(chunksOf(recordingId)),
          change.done,
        ]);
      }).catch(() => undefined);
    });
  }

  async list(): Promise<Recording[]> {
    const rows = await this.#look("recordings", (database) => database.getAll("recordings"));
    if (this.#unwritten.size > 0) await this.#inTurn(() => this.#keepRest());
    const kept = (await Promise.all(rows.map((row) => this.#read(row)))).filter((each) => each !== null);
    for (const each of kept) this.#owners.set(each.recording_id, each.attempt_id);
    const known = new Map([...kept, ...(await this.#memory.list())].map((each) => [each.recording_id, each]));
    return [...known.values()].filter((each) => !this.#gone.has(each.recording_id)).sort((a, b) => a.started_at - b.started_at);
  }

  /** Rejects where they cannot be read. */
  async bytesOf(recordingId: string): Promise<Bytes> {
    const mine = this.#memory.chunksOf(recordingId);
    if (mine.size > 0) return joinChunks(mine); // made by this page: all of it
    const chunks = new Map<number, ArrayBuffer>();
    for (const { sequence, sealed } of await this.#use((database) => database.getAll("chunks", chunksOf(recordingId)))) {
      const bytes = await this.#sealOf(this.#owners.get(recordingId)).open(`${recordingId}:${sequence}`, sealed);
      chunks.set(sequence, bytes.buffer);
    }
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
        await this.#use((database) => database.delete("drafts", [attemptId, draft.position]));
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
    const chunks = await this.#use((database) => database.getAllKeys("chunks", chunksOf(recording.recording_id)));
    if (chunks.length === 0) await this.remove(recording.recording_id);
    else await this.finish(recording.recording_id, chunks.length * CHUNK_MS, "interrupted");
  }

  // --- drafts and notes -------------------------------------------------------------------------------------------

  async putDraft(draft: Draft): Promise<void> {
    const { attempt_id, position } = draft;
    await this.#memory.putDraft(draft);
    await this.#keep(`${attempt_id}|draft:${position}`, async () => {
      if (await this.#hasNewer(draft)) return; // of another page, which this one's acknowledgement says nothing of
      const sealed = await this.#sealOf(attempt_id).closeJson(`draft:${position}`, draft);
      await this.#use((database) => database.put("drafts", { attempt_id, position, sealed }));
    });
  }

  async #hasNewer(draft: Draft): Promise<boolean> {
    const { attempt_id, position } = draft;
    const row = await this.#use((database) => database.get("drafts", [attempt_id, position]));
    const known = row ? await this.#sealOf(attempt_id).openJson<Draft>(`draft:${position}`, row.sealed).catch(() => null) : null;
    return known !== null && isNewer(known, draft);
  }

  async listDrafts(attemptId: string): Promise<Draft[]> {
    const seal = this.#seals.get(attemptId);
    if (!seal) return [];
    const rows = await this.#look(`drafts:${attemptId}`, (database) => database.getAll("drafts", draftsOf(attemptId)));
    const kept = await Promise.all(rows.map((row) => seal.openJson<Draft>(`draft:${row.position}`, row.sealed).catch(() => null)));
    const known = new Map(kept.filter((each) => each !== null).map((each) => [each.position, each]));
    for (const mine of await this.#memory.listDrafts(attemptId)) {
      const other = known.get(mine.position);
      if (!other || !isNewer(other, mine)) known.set(mine.position, mine);
    }
    return [...known.values()];
  }

  async putNote(attemptId: string, name: string, bytes: Bytes): Promise<void> {
    await this.#memory.putNote(attemptId, name, bytes);
    if (!this.#seals.has(attemptId)) return; // everything has arrived, and the key is gone
    const write = async (): Promise<void> => {
      const sealed = await this.#sealOf(attemptId).close(`note:${name}`, bytes);
      await this.#use((database) => database.put("notes", { attempt_id: attemptId, name, sealed }));
    };
    if (name.startsWith(PACKAGE)) await write().catch(() => undefined); // a question can be had again, an answer cannot
    else await this.#keep(`${attemptId}|note:${name}`, write);
  }

  /** Rejects where the device has to be asked and cannot be. */
  async findNote(attemptId: string, name: string): Promise<Bytes | null> {
    const mine = await this.#memory.findNote(attemptId, name);
    const seal = this.#seals.get(attemptId);
    if (mine || !seal) return mine;
    const row = await this.#use((database) => database.get("notes", [attemptId, name]));
    return row ? seal.open(`note:${name}`, row.sealed) : null;
  }

  async purge(attemptId: string): Promise<void> {
    await this.#memory.purge();
    const drafts = await this.listDrafts(attemptId);
    const arrived = drafts.filter((draft) => !isOnlyHere(draft));
    const isLeft = arrived.length < drafts.length || (await this.list()).some((each) => each.attempt_id === attemptId);
    for (const draft of arrived) this.#memory.forgetDraft(draft);
    await this.#inTurn(async () => {
      for (const draft of arrived) this.#forget(`${attemptId}|draft:${draft.position}`);
      const isEmpty = await this.#use((database) => purged(database, attemptId, arrived, isLeft)).catch(() => false);
      if (!isEmpty) return;
      this.#forget(`${attemptId}|`);
      this.#seals.delete(attemptId);
    });
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

  async #read(row: Schema["recordings"]["value"]): Promise<Recording | null> {
    const seal = this.#seals.get(row.attempt_id);
    return seal ? seal.openJson<Recording>(row.recording_id, row.sealed).catch(() => null) : null;
  }

  async #change(recordingId: string, changes: Partial<Recording>): Promise<void> {
    const isIt = (each: Recording): boolean => each.recording_id === recordingId;
    const before = (await this.#memory.list()).find(isIt) ?? (await this.list()).find(isIt);
    if (before) await this.add({ ...before, ...changes });
  }

  // --- the way to the device --------------------------------------------------------------------------------------

  /** Over a new connection where the browser has dropped ours; rejects where there is none to be had. */
  async #use<T>(work: (database: IDBPDatabase<Schema>) => Promise<T>): Promise<T> {
    const connection = this.#database;
    try {
      return await work(await connection);
    } catch (error) {
      if (!(error instanceof DOMException && LOST.has(error.name))) throw error;
    }
    if (this.#database === connection) {
      this.#database = connect(this.name);
      for (const what of this.#writes.keys()) this.#unwritten.add(what); // it may have been cleared meanwhile
    }
    return work(await this.#database);
  }

  /** What is there or, without a way to it, what was there last. */
  async #look<T>(what: string, read: (database: IDBPDatabase<Schema>) => Promise<T>): Promise<T> {
    try {
      const found = await this.#use(read);
      this.#seen.set(what, found);
      return found;
    } catch (error) {
      if (!this.#seen.has(what)) throw error;
      return this.#seen.get(what) as T;
    }
  }

  /** One write after another: an older one that is tried again never lands on a newer one. */
  #inTurn(work: () => Promise<void>): Promise<void> {
    const mine = this.#turn.then(work);
    this.#turn = mine.catch(() => undefined);
    return mine;
  }

  /** What cannot be written is still sent; only a reload before that would lose it. It is tried again with whatever comes next. */
  async #keep(what: string, write: () => Promise<unknown>): Promise<void> {
    await this.#inTurn(async () => {
      this.#writes.set(what, write);
      if (await this.#tryToKeep(write)) {
        this.#unwritten.delete(what);
        await this.#keepRest();
      } else {
        this.#unwritten.add(what);
        this.#tell();
      }
    });
  }

  async #keepRest(): Promise<void> {
    for (const what of this.#unwritten) {
      if (!(await this.#tryToKeep(this.#writes.get(what)!))) break;
      this.#unwritten.delete(what);
    }
    this.#tell();
  }

  #forget(prefix: string): void {
    for (const what of this.#writes.keys()) {
      if (!what.startsWith(prefix)) continue;
      this.#writes.delete(what);
      this.#unwritten.delete(what);
    }
    this.#tell();
  }

  #tell(): void {
    const isKept = this.#unwritten.size === 0;
    if (isKept === this.#isKept) return;
    this.#isKept = isKept;
    this.onKeeping?.();
  }

  /** Where there is no room, questions make some. */
  #tryToKeep(write: () => Promise<unknown>): Promise<boolean> {
    return write()
      .catch(async (error: unknown) => {
        if (error instanceof Locked) throw error;
        await this.#makeRoom();
        await write();
      })
      .then(() => true, () => false);
  }

  /** Drops the questions that were fetched ahead; rejects where there are none. */
  async #makeRoom(): Promise<void> {
    const packages = (await this.#use((database) => database.getAllKeys("notes"))).filter(([, name]) => name.startsWith(PACKAGE));
    if (packages.length === 0) throw new Error("no_room");
    for (const key of packages) await this.#use((database) => database.delete("notes", key));
  }
}

/** Gives way to a page of a newer version. */
function connect(name: string): Promise<IDBPDatabase<Schema>> {
  return openDB<Schema>(name, VERSION, {
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
}

/** Deletes what has arrived; where nothing is left, the moves and the key too. Says whether that was so. */
async function purged(database: IDBPDatabase<Schema>, attemptId: string, arrived: readonly Draft[], isLeft: boolean): Promise<boolean> {
  const change = database.transaction(["keys", "drafts", "notes"], "readwrite");
  const [drafts, notes] = [change.objectStore("drafts"), change.objectStore("notes")];
  await Promise.all(arrived.map((draft) => drafts.delete([attemptId, draft.position])));
  const isEmpty = !isLeft && (await drafts.count(draftsOf(attemptId))) === 0;
  await Promise.all([
    notes.delete(IDBKeyRange.bound([attemptId, ""], [attemptId, SITTING], false, true)),
    notes.delete(IDBKeyRange.bound([attemptId, SITTING], [attemptId, "\uffff"], !isEmpty)),
    isEmpty ? change.objectStore("keys").delete(attemptId) : undefined,
    change.done,
  ]);
  return isEmpty;
}

/** Asks the browser not to clear this away when the device runs short of space. Call from a click: some ask the person. */
export function askToKeep(): void {
  void navigator.storage?.persist?.().catch(() => undefined);
}

function isNewer({ sequence: [epoch, count] }: Draft, { sequence: [otherEpoch, otherCount] }: Draft): boolean {
  return epoch > otherEpoch || (epoch === otherEpoch && count > otherCount);
}

function draftsOf(attemptId: string): IDBKeyRange {
  return IDBKeyRange.bound([attemptId, 0], [attemptId, Infinity]);
}

function chunksOf(recordingId: string): IDBKeyRange {
  return IDBKeyRange.bound([recordingId, 0], [recordingId, Infinity]);
}
