/** What the exam keeps while the network is elsewhere, and the same in memory for a device that keeps nothing. */
import type { Draft, DraftStore } from "./drafts";
import type { EndedBy } from "./recorder";
import { joinBytes, Seal, type Bytes } from "./sealing";

/**
 * recording: being made; chunks arrive every second, so a crash costs at most the last one
 * recorded:  complete on this device, not yet acknowledged by the server
 * refused:   the server does not take it (too late, its item not reached); kept a week in case somebody asks
 * An acknowledged recording is deleted: it is the server's then.
 */
export type RecordingState = "recording" | "recorded" | "refused";

/** Interrupted: the page or the device died, and the next page found it. */
export type Ending = EndedBy | "interrupted";

export interface Recording {
  recording_id: string;
  attempt_id: string;
  position: number;
  segment: number;
  content_type: string;
  duration_ms: number;
  started_at: number;
  state: RecordingState;
  /** Unknown of those that an older page made. */
  ended_by?: Ending;
}

export interface RecordingStore {
  add(recording: Recording): Promise<void>;
  addChunk(recordingId: string, sequence: number, bytes: ArrayBuffer): Promise<void>;
  finish(recordingId: string, durationMs: number, endedBy: Ending): Promise<void>;
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
  /** Whether everything that was given will be here after a reload. */
  readonly keeps: boolean;
  /** Told when the device begins or ceases to keep. */
  onKeeping: (() => void) | null;
  /** Takes the attempt's key into use; without one given, the one that is here. False: what lies here stays sealed. */
  unlock(attemptId: string, storageKey?: string): Promise<boolean>;
  /** Recordings that were being made when the page died become complete; refusals of more than a week ago are dropped. */
  recover(nowMs: number): Promise<void>;
  /** What the server refused waits again: meanwhile it may have heard of the item, or been given back. */
  revive(attemptId: string): Promise<void>;
  /** These bytes sealed with the attempt's key, to be taken away; null without a key. */
  sealFor(attemptId: string, label: string, bytes: Bytes): Promise<Bytes | null>;
  /** Everything of an attempt that the server has goes; what it has not stays, with the moves and the key. */
  purge(attemptId: string): Promise<void>;
}

/** The note of how an attempt stands, with its moves (moves.ts). */
export const SITTING = "sitting";
/** Notes that begin so hold the questions of a part (packages.ts). */
export const PACKAGE = "package:";

/** Whether this device has what the server has not. */
export function isOnlyHere(draft: Draft): boolean {
  return draft.state === "waiting" || draft.state === "refused";
}

export class MemoryStore implements ExamStore {
  readonly #recordings = new Map<string, Recording>();
  readonly #chunks = new Map<string, Map<number, ArrayBuffer>>();
  readonly #notes = new Map<string, Bytes>();
  readonly #drafts = new Map<string, Draft>();
  #seal: Seal | null = null;
  readonly keeps = false;
  onKeeping: (() => void) | null = null;

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
  async revive(): Promise<void> {
    return; // nothing is older than the page
  }
  async purge(): Promise<void> {
    this.#notes.clear();
  }
  async add(recording: Recording): Promise<void> {
    this.#recordings.set(recording.recording_id, { ...recording });
    if (!this.#chunks.has(recording.recording_id)) this.#chunks.set(recording.recording_id, new Map());
  }
  async addChunk(recordingId: string, sequence: number, bytes: ArrayBuffer): Promise<void> {
    this.#chunks.get(recordingId)?.set(sequence, bytes);
  }
  async finish(recordingId: string, durationMs: number, endedBy: Ending): Promise<void> {
    this.#set(recordingId, { state: "recorded", duration_ms: durationMs, ended_by: endedBy });
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
  async putDraft(draft: Draft): Promise<void> {
    this.#drafts.set(`${draft.attempt_id}:${draft.position}`, draft);
  }
  async listDrafts(attemptId: string): Promise<Draft[]> {
    return [...this.#drafts.values()].filter((draft) => draft.attempt_id === attemptId);
  }
  forgetDraft({ attempt_id, position }: Draft): void {
    this.#drafts.delete(`${attempt_id}:${position}`);
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
  #set(recordingId: string, changes: Partial<Recording>): void {
    const before = this.#recordings.get(recordingId);
    if (before) this.#recordings.set(recordingId, { ...before, ...changes });
  }
}

export function joinChunks(chunks: ReadonlyMap<number, ArrayBuffer>): Bytes {
  return joinBytes([...chunks].sort(([a], [b]) => a - b).map(([, bytes]) => new Uint8Array(bytes)));
}
