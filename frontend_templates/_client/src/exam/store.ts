import { openDB, type DBSchema, type IDBPDatabase } from "idb";

/**
 * recording: being made; chunks arrive every second, so a crash costs at most the last one
 * recorded:  complete on this device, not yet acknowledged by the server
 * refused:   the server will never take it (too late, another account's); kept a week in case somebody asks
 * An acknowledged recording is deleted: it is the server's then.
 */
export type RecordingState = "recording" | "recorded" | "refused";

export interface Recording {
  recording_id: string;
  attempt_id: string;
  position: number;
  segment: number;
  content_type: string;
  duration_ms: number;
  started_at: number;
  state: RecordingState;
}

export interface RecordingStore {
  add(recording: Recording): Promise<void>;
  addChunk(recordingId: string, sequence: number, bytes: ArrayBuffer): Promise<void>;
  finish(recordingId: string, durationMs: number): Promise<void>;
  refuse(recordingId: string): Promise<void>;
  remove(recordingId: string): Promise<void>;
  list(): Promise<Recording[]>;
  bytesOf(recordingId: string): Promise<Uint8Array<ArrayBuffer>>;
}

interface Schema extends DBSchema {
  recordings: { key: string; value: Recording };
  chunks: { key: [string, number]; value: { recording_id: string; sequence: number; bytes: ArrayBuffer } };
}

const WEEK_MS = 7 * 24 * 3600 * 1000;

/** Recordings on this device. What the device refuses to keep (quota) stays in memory, so that it is still uploaded. */
export class DeviceStore implements RecordingStore {
  readonly #memory = new MemoryStore();

  private constructor(private readonly database: IDBPDatabase<Schema>) {}

  static async open(name = "viva-exam"): Promise<DeviceStore> {
    const database = await openDB<Schema>(name, 1, {
      upgrade(fresh) {
        fresh.createObjectStore("recordings", { keyPath: "recording_id" });
        fresh.createObjectStore("chunks", { keyPath: ["recording_id", "sequence"] });
      },
    });
    return new DeviceStore(database);
  }

  async add(recording: Recording): Promise<void> {
    await this.#memory.add(recording);
    await this.#tryToKeep(() => this.database.put("recordings", recording));
  }

  async addChunk(recordingId: string, sequence: number, bytes: ArrayBuffer): Promise<void> {
    await this.#memory.addChunk(recordingId, sequence, bytes);
    const kept = await this.#tryToKeep(() =>
      this.database.put("chunks", { recording_id: recordingId, sequence, bytes }),
    );
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
      change.objectStore("chunks").delete(IDBKeyRange.bound([recordingId, 0], [recordingId, Infinity])),
      change.done,
    ]);
  }

  async list(): Promise<Recording[]> {
    const kept = await this.database.getAll("recordings");
    const known = new Map([...kept, ...(await this.#memory.list())].map((each) => [each.recording_id, each]));
    return [...known.values()].sort((a, b) => a.started_at - b.started_at);
  }

  async bytesOf(recordingId: string): Promise<Uint8Array<ArrayBuffer>> {
    const kept = await this.database.getAll("chunks", IDBKeyRange.bound([recordingId, 0], [recordingId, Infinity]));
    const chunks = new Map(kept.map((chunk) => [chunk.sequence, chunk.bytes]));
    for (const [sequence, bytes] of this.#memory.chunksOf(recordingId)) chunks.set(sequence, bytes);
    return joined(chunks);
  }

  /** Recordings that were being made when the page died become complete; old refusals are dropped. */
  async recover(nowMs: number): Promise<void> {
    for (const recording of await this.list()) {
      if (recording.state === "recording") await this.#recoverOne(recording);
      if (recording.state === "refused" && nowMs - recording.started_at > WEEK_MS) await this.remove(recording.recording_id);
    }
  }

  async #recoverOne(recording: Recording): Promise<void> {
    const chunks = await this.database.getAllKeys(
      "chunks",
      IDBKeyRange.bound([recording.recording_id, 0], [recording.recording_id, Infinity]),
    );
    if (chunks.length === 0) await this.remove(recording.recording_id);
    else await this.finish(recording.recording_id, chunks.length * 1000); // one chunk a second
  }

  async #change(recordingId: string, changes: Partial<Recording>): Promise<void> {
    await this.#tryToKeep(async () => {
      const before = await this.database.get("recordings", recordingId);
      if (before) await this.database.put("recordings", { ...before, ...changes });
    });
  }

  async #tryToKeep(write: () => Promise<unknown>): Promise<boolean> {
    try {
      await write();
      return true;
    } catch {
      return false; // the copy in memory is uploaded; only a reload before that would lose it
    }
  }
}

export class MemoryStore implements RecordingStore {
  readonly #recordings = new Map<string, Recording>();
  readonly #chunks = new Map<string, Map<number, ArrayBuffer>>();

  async add(recording: Recording): Promise<void> {
    this.#recordings.set(recording.recording_id, { ...recording });
    this.#chunks.set(recording.recording_id, new Map());
  }
  async addChunk(recordingId: string, sequence: number, bytes: ArrayBuffer): Promise<void> {
    this.#chunks.get(recordingId)?.set(sequence, bytes);
  }
  async finish(recordingId: string, durationMs: number): Promise<void> {
    this.#set(recordingId, { state: "recorded", duration_ms: durationMs });
  }
  async refuse(recordingId: string): Promise<void> {
    this.#set(recordingId, { state: "refused" });
  }
  async remove(recordingId: string): Promise<void> {
    this.#recordings.delete(recordingId);
    this.#chunks.delete(recordingId);
  }
  async list(): Promise<Recording[]> {
    return [...this.#recordings.values()];
  }
  async bytesOf(recordingId: string): Promise<Uint8Array<ArrayBuffer>> {
    return joined(this.chunksOf(recordingId));
  }
  chunksOf(recordingId: string): ReadonlyMap<number, ArrayBuffer> {
    return this.#chunks.get(recordingId) ?? new Map();
  }
  forgetChunk(recordingId: string, sequence: number): void {
    this.#chunks.get(recordingId)?.delete(sequence);
  }
  #set(recordingId: string, changes: Partial<Recording>): void {
    const before = this.#recordings.get(recordingId);
    if (before) this.#recordings.set(recordingId, { ...before, ...changes });
  }
}

function joined(chunks: ReadonlyMap<number, ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const inOrder = [...chunks].sort(([a], [b]) => a - b).map(([, bytes]) => new Uint8Array(bytes));
  const whole = new Uint8Array(inOrder.reduce((sum, bytes) => sum + bytes.length, 0));
  let at = 0;
  for (const bytes of inOrder) {
    whole.set(bytes, at);
    at += bytes.length;
  }
  return whole;
}
