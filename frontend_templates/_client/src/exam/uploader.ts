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

/** The note of what the server has acknowledged: a page that is loaded without network cannot ask it. */
const SAVED = "saved";
/** One request takes this much; a longer recording goes in parts, each acknowledged by itself. */
export const PART_BYTES = 256 * 1024;

/**
 * Sends recordings behind the exam, one after another, until the server has acknowledged each. The id is ours, so sending
 * it twice is sending it once; after a break the server says at which byte to go on. Only then the device's copy goes.
 */
export class Uploader {
  readonly #options: Options;
  readonly #saved: Set<string>;
  #working: Promise<void> | null = null;
  /** Recordings whose sending broke: what the server has of them is asked before going on. */
  readonly #broken = new Set<string>();
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
    const kept = await store.findNote(attemptId, SAVED).catch(() => null);
    if (kept) for (const id of JSON.parse(new TextDecoder().decode(kept)) as string[]) this.#saved.add(id);
    await this.#remember();
    await this.#report();
  }

  /** What the server has acknowledged, to this page or to earlier ones on this device. */
  get acknowledged(): ReadonlySet<string> {
    return this.#saved;
  }

  async #remember(): Promise<void> {
    const { store, attemptId } = this.#options;
    if (this.#saved.size > 0) await store.putNote(attemptId, SAVED, new TextEncoder().encode(JSON.stringify([...this.#saved])));
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
      pending: mine.filter((each) => each.state === "recorded").length,
      refused: mine.filter((each) => each.state === "refused").length,
      trouble: this.#trouble,
    };
  }

  async #waiting(): Promise<Recording[]> {
    const all = await this.#options.store.list();
    return all.filter((each) => each.attempt_id === this.#options.attemptId && each.state === "recorded");
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
        break; // the oldest first, again
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
      this.#broken.delete(recording.recording_id);
      this.#saved.add(recording.recording_id);
      await this.#remember();
      await store.remove(recording.recording_id);
      return "done";
    } catch (error) {
      this.#broken.add(recording.recording_id);
      const fate = fateOf(error, this.#heard());
      if (fate === "again" || fate === "unheard" || fate === "signed_out") return fate;
      await store.refuse(recording.recording_id);
      return "done";
    }
  }

  /** Resolves when the server has stored it. */
  async #sendBytes(announced: Announced, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    const { api, attemptId } = this.#options;
    const known = this.#broken.has(announced.recording_id) ? await api.askRecording(attemptId, announced.recording_id) : null;
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
  };
}

export function hex(digest: ArrayBuffer): string {
  return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
