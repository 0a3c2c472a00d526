import { Refused, type Announced, type ExamApi } from "./api";
import { backoffMs, pause } from "./backoff";
import { fateOf, type Heard } from "./fate";
import { answersAmong } from "./machine";
import type { NoteStore, Recording, RecordingStore } from "./store";

export interface UploadStatus {
  /** Items of this attempt of which the server has acknowledged a recording. */
  saved: number;
  /** Complete on this device and on their way. */
  pending: number;
  /** Why nothing moves at the moment, or null. "signed_out" needs the candidate. */
  trouble: "unreachable" | "signed_out" | null;
  /** With the server, apart: they came after their time, and staff decide. */
  late: number;
  /** The server did not take these: they stay on this device. */
  refused: number;
}

interface Options {
  api: Pick<ExamApi, "sendRecording" | "askRecording">;
  store: RecordingStore & NoteStore;
  attemptId: string;
  /** As the server said last; its replies to moves name the open item's alone. */
  alreadyStored: readonly string[];
  /** Whether the server has heard of every move: before that it may not know yet that an item was opened. */
  isHeard?: () => Heard;
  onChange: (status: UploadStatus) => void;
  random?: () => number;
  wait?: (ms: number) => Promise<void>;
}

/** The notes of what the server has acknowledged, and of what it keeps apart: a page that is loaded without network cannot ask it. */
const SAVED = "saved";
const LATE = "late";
/** One request takes this much; a longer recording goes in parts, each acknowledged by itself. */
export const PART_BYTES = 256 * 1024;

/**
 * Sends recordings behind the exam, one after another, until the server has acknowledged each. The id is ours, so sending
 * it twice is sending it once; after a break the server says at which byte to go on. Only then the device's copy goes.
 */
export class Uploader {
  readonly #options: Options;
  readonly #saved: Set<string>;
  readonly #late = new Set<string>();
  #working: Promise<void> | null = null;
  /** How often the sending of a recording broke: what the server has of it is asked before going on, and the others go first. */
  readonly #breaks = new Map<string, number>();
  /** Recordings of items that the server does not know to be reached: they wait for moves, and hold up no others. */
  readonly #unheard = new Set<string>();
  #trouble: UploadStatus["trouble"] = null;
  #again = false;

  constructor(options: Options) {
    this.#options = options;
    this.#saved = new Set(options.alreadyStored);
  }

  /** What earlier pages on this device heard to be stored counts as well. Call before anything else. */
  async open(): Promise<void> {
    const { store, attemptId } = this.#options;
    for (const [name, ids] of this.#notes) {
      const kept = await store.findNote(attemptId, name).catch(() => null);
      if (kept) for (const id of JSON.parse(new TextDecoder().decode(kept)) as string[]) ids.add(id);
    }
    await this.#remember();
    await this.#report();
  }

  /** What the server has acknowledged, to this page or to earlier ones on this device. */
  get acknowledged(): ReadonlySet<string> {
    return this.#saved;
  }

  get #notes(): [string, Set<string>][] {
    return [[SAVED, this.#saved], [LATE, this.#late]];
  }

  async #remember(): Promise<void> {
    const { store, attemptId } = this.#options;
    for (const [name, ids] of this.#notes) if (ids.size > 0) await store.putNote(attemptId, name, new TextEncoder().encode(JSON.stringify([...ids])));
  }

  /** Call after each recording, when the network is back, and after signing in again. */
  kick(): void {
    this.#again = true;
    this.#working ??= this.#work().finally(() => {
      this.#working = null;
      if (this.#again && this.#trouble !== "signed_out") this.kick(); // asked for in the very last moment
    });
  }

  /** Resolves when nothing is left that this page can send. */
  async drained(): Promise<void> {
    while ((await this.#sendable()).length > 0) {
      this.kick();
      await (this.#working ?? Promise.resolve());
      if (this.#trouble !== null || this.#unheard.size > 0) await this.#wait(1000);
    }
    await this.#report();
  }

  async status(): Promise<UploadStatus> {
    const mine = (await this.#options.store.list()).filter((each) => each.attempt_id === this.#options.attemptId);
    return {
      saved: answersAmong(this.#saved),
      late: answersAmong(this.#late),
      pending: mine.filter((each) => each.state === "recorded").length,
      refused: mine.filter((each) => each.state === "refused").length,
      trouble: this.#trouble,
    };
  }

  async #waiting(): Promise<Recording[]> {
    const all = await this.#options.store.list();
    const breaks = (each: Recording): number => this.#breaks.get(each.recording_id) ?? 0;
    return all.filter((each) => each.attempt_id === this.#options.attemptId && each.state === "recorded").sort((a, b) => breaks(a) - breaks(b));
  }

  /** Without what waits for moves that this page cannot tell. */
  async #sendable(): Promise<Recording[]> {
    const waiting = await this.#waiting();
    return this.#heard() === "never" ? waiting.filter((each) => !this.#unheard.has(each.recording_id)) : waiting;
  }

  #heard(): Heard {
    return this.#options.isHeard?.() ?? true;
  }

  async #work(): Promise<void> {
    let tries = 0;
    while (this.#again) {
      this.#again = false;
      if (this.#heard() === true) this.#unheard.clear();
      for (const recording of await this.#waiting()) {
        if (this.#unheard.has(recording.recording_id)) continue;
        await this.#report();
        const outcome = await this.#send(recording);
        if (outcome === "done") {
          tries = 0;
          this.#trouble = null;
          continue;
        }
        if (outcome === "unheard") {
          this.#unheard.add(recording.recording_id);
          continue;
        }
        if (outcome === "signed_out") {
          this.#trouble = "signed_out";
          await this.#report();
          return; // the page asks the candidate to sign in, then kicks again
        }
        this.#trouble = "unreachable";
        this.#again = true;
        await this.#report();
        tries += 1;
        await this.#wait(backoffMs(tries, this.#options.random ?? Math.random));
        break; // the others first; among them the oldest
      }
    }
    await this.#report();
  }

  async #send(recording: Recording): Promise<"done" | "again" | "unheard" | "signed_out"> {
    const { store } = this.#options;
    try {
      const bytes = await store.bytesOf(recording.recording_id);
      if (bytes.length === 0) {
        await store.remove(recording.recording_id);
        return "done";
      }
      await this.#sendBytes(await announcementOf(recording, bytes), bytes);
      await this.#settle(recording, this.#saved);
      return "done";
    } catch (error) {
      this.#breaks.set(recording.recording_id, (this.#breaks.get(recording.recording_id) ?? 0) + 1);
      const fate = fateOf(error, this.#heard());
      if (fate === "again" || fate === "unheard" || fate === "signed_out") return fate;
      if (fate === "late") await this.#settle(recording, this.#late);
      else await store.refuse(recording.recording_id);
      return "done";
    }
  }

  /** The server has it: the device's copy goes. */
  async #settle({ recording_id }: Recording, among: Set<string>): Promise<void> {
    this.#breaks.delete(recording_id);
    among.add(recording_id);
    await this.#remember();
    await this.#options.store.remove(recording_id);
  }

  /** Resolves when the server has stored it. */
  async #sendBytes(announced: Announced, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    const { api, attemptId } = this.#options;
    const known = this.#breaks.has(announced.recording_id) ? await api.askRecording(attemptId, announced.recording_id) : null;
    if (known?.stored) return;
    for (let offset = known?.offset ?? 0; ; ) {
      try {
        const receipt = await api.sendRecording(attemptId, announced, offset, bytes.slice(offset, offset + PART_BYTES));
        if (receipt.stored) return;
        offset = receipt.offset ?? 0;
      } catch (error) {
        if (!(error instanceof Refused) || error.code !== "upload_offset") throw error;
        const wanted = Number(error.facts.offset);
        if (wanted === offset) throw error; // it asks for what it has just refused: later, from the beginning
        offset = wanted;
      }
    }
  }

  async #report(): Promise<void> {
    this.#options.onChange(await this.status());
  }

  #wait(ms: number): Promise<void> {
    return (this.#options.wait ?? pause)(ms);
  }
}

async function announcementOf(recording: Recording, bytes: Uint8Array<ArrayBuffer>): Promise<Announced> {
  return {
    recording_id: recording.recording_id,
    position: recording.position,
    segment: recording.segment,
    sha256: hex(await crypto.subtle.digest("SHA-256", bytes)),
    size: bytes.length,
    content_type: recording.content_type,
    duration_ms: recording.duration_ms,
    ...(recording.ended_by ? { ended_by: recording.ended_by } : {}),
  };
}

export function hex(digest: ArrayBuffer): string {
  return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
