/** What the exam keeps while the network is elsewhere, and the same in memory for a device that keeps nothing. */
import type { Draft, DraftStore } from "./drafts";
import { joinBytes, Seal, type Bytes } from "./sealing";

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
  bytesOf(recordingId: string): Promise<Bytes>;
}

/** Everything else of one attempt, by name: how it stands, packages, sounds. */
export interface NoteStore {
  putNote(attemptId: string, name: string, bytes: Bytes): Promise<void>;
  findNote(attemptId: string, name: string): Promise<Bytes | null>;
}

export interface ExamStore extends RecordingStore, DraftStore, NoteStore {
  /** Takes the attempt's key into use; without one given, the one that is here. False: what lies here stays sealed. */
  unlock(attemptId: string, storageKey?: string): Promise<boolean>;
  /** Recordings that were being made when the page died become complete; refusals of more than a week ago are dropped. */
  recover(nowMs: number): Promise<void>;
  /** These bytes sealed with the attempt's key, to be taken away; null without a key. */
  sealFor(attemptId: string, label: string, bytes: Bytes): Promise<Bytes | null>;
  /** Everything of an attempt that the server has acknowledged goes; what it refused stays. */
  purge(attemptId: string): Promise<void>;
}

export class MemoryStore implements ExamStore {
  readonly #recordings = new Map<string, Recording>();
  readonly #chunks = new Map<string, Map<number, ArrayBuffer>>();
  readonly #notes = new Map<string, Bytes>();

  #seal: Seal | null = null;

  async unlock(_attemptId: string, storageKey?: string): Promise<boolean> {
    if (storageKey && globalThis.crypto?.subtle) this.#seal = await Seal.from(storageKey);
    return true;
  }
  async sealFor(_attemptId: string, label: string, bytes: Bytes): Promise<Bytes | null> {
    return (await this.#seal?.close(label, bytes)) ?? null;
  }
  async recover(): Promise<void> {
    return;
  }
  async purge(): Promise<void> {
    this.#notes.clear();
  }
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
  async bytesOf(recordingId: string): Promise<Bytes> {
    return joinChunks(this.chunksOf(recordingId));
  }
  async putDraft(): Promise<void> {
    return; // `Drafts` itself holds them for as long as the page lives
  }
  async listDrafts(): Promise<Draft[]> {
    return [];
  }
  async putNote(attemptId: string, name: string, bytes: Bytes): Promise<void> {
    this.#notes.set(`${attemptId}:${name}`, bytes);
  }
  async findNote(attemptId: string, name: string): Promise<Bytes | null> {
    return this.#notes.get(`${attemptId}:${name}`) ?? null;
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

export function joinChunks(chunks: ReadonlyMap<number, ArrayBuffer>): Bytes {
  return joinBytes([...chunks].sort(([a], [b]) => a - b).map(([, bytes]) => new Uint8Array(bytes)));
}
