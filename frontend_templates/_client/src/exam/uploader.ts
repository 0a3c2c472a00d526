import { Refused, type Announced, type ExamApi } from "./api";
import { backoffMs, pause } from "./backoff";
import { answersAmong } from "./machine";
import type { NoteStore, Recording, RecordingStore } from "./store";

export interface UploadStatus {
  /** Items of this attempt of which the server has acknowledged a recording. */
  saved: number;
  /** Complete on this device and on their way. */
  pending: number;
  /** Why nothing moves at the moment, or null. "signed_out" needs the candidate. */
  trouble: "unreachable" | "signed_out" | null;
  /** The server refused these for good. */
  refused: number;
}

interface Options {
  api: Pick<ExamApi, "sendRecording" | "askRecording">;
  store: RecordingStore & NoteStore;
  attemptId: string;
  /** As the server said last; its replies to moves name the open item's alone. */
  alreadyStored: readonly string[];
  /** Whether the server has heard of every move: before that it may not know yet that an item was opened. */
  isHeard?: () => boolean;
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

  /** Resolves when nothing is left to send. */
  async drained(): Promise<void> {
    while ((await this.#waiting()).length > 0) {
      this.kick();
      await (this.#working ?? Promise.resolve());
      if (this.#trouble !== null) await this.#wait(1000);
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

  async #work(): Promise<void> {
    let tries = 0;
    while (this.#again) {
      this.#again = false;
      for (const recording of await this.#waiting()) {
        await this.#report();
        const outcome = await this.#send(recording);
        if (outcome === "done") {
          tries = 0;
          this.#trouble = null;
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

  async #send(recording: Recording): Promise<"done" | "again" | "signed_out"> {
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
      if (!(error instanceof Refused)) return "again";
      // 404: somebody else has signed in on this browser meanwhile. Theirs it is not, and lost it must not be.
      if (error.code === "signed_out" || error.code === "csrf_failed" || error.status === 404) return "signed_out";
      if (error.code === "upload_mismatch") return "again"; // damaged on its way: the server has forgotten it
      if (error.code === "item_not_open" && !(this.#options.isHeard?.() ?? true)) return "again";
      await store.refuse(recording.recording_id); // kept on the device, named on the last page
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
