import { Refused, type ExamApi } from "./api";
import { backoffMs, pause } from "./backoff";
import { answersAmong } from "./machine";
import type { Recording, RecordingStore } from "./store";

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
  api: Pick<ExamApi, "register" | "confirm">;
  store: RecordingStore;
  attemptId: string;
  alreadyStored: readonly string[];
  onChange: (status: UploadStatus) => void;
  put?: (url: string, bytes: Uint8Array<ArrayBuffer>, headers: Record<string, string>) => Promise<PutOutcome>;
  random?: () => number;
  wait?: (ms: number) => Promise<void>;
}

export type PutOutcome = "stored" | "refused" | "unreachable";

/**
 * Sends recordings behind the exam, one after another, until the server has acknowledged each: register (the id is ours,
 * so doing it twice is doing it once), PUT to the object store, confirm. Only then the device's copy goes.
 */
export class Uploader {
  readonly #options: Options;
  readonly #saved: Set<string>;
  #working: Promise<void> | null = null;
  #trouble: UploadStatus["trouble"] = null;
  #again = false;

  constructor(options: Options) {
    this.#options = options;
    this.#saved = new Set(options.alreadyStored);
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
    const { api, store, attemptId } = this.#options;
    try {
      const bytes = await store.bytesOf(recording.recording_id);
      if (bytes.length === 0) {
        await store.remove(recording.recording_id);
        return "done";
      }
      const registration = await api.register(attemptId, await announcementOf(recording, bytes));
      if (!registration.stored) {
        if (!registration.upload) return "again";
        const put = await (this.#options.put ?? putBytes)(registration.upload.url, bytes, registration.upload.headers);
        // Refused: the address has expired, or the connection was cut after another refusal. Ask for a new one.
        if (put !== "stored") return "again";
        await api.confirm(attemptId, recording.recording_id);
      }
      this.#saved.add(recording.recording_id);
      await store.remove(recording.recording_id);
      return "done";
    } catch (error) {
      if (!(error instanceof Refused)) return "again";
      // 404: somebody else has signed in on this browser meanwhile. Theirs it is not, and lost it must not be.
      if (error.code === "signed_out" || error.code === "csrf_failed" || error.status === 404) return "signed_out";
      if (error.code === "upload_missing" || error.code === "upload_mismatch") return "again";
      await store.refuse(recording.recording_id); // kept on the device, named on the last page
      return "done";
    }
  }

  async #report(): Promise<void> {
    this.#options.onChange(await this.status());
  }

  #wait(ms: number): Promise<void> {
    return (this.#options.wait ?? pause)(ms);
  }
}

async function announcementOf(recording: Recording, bytes: Uint8Array<ArrayBuffer>): Promise<object> {
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

const PUT_TIMEOUT_MS = 60_000;

async function putBytes(url: string, bytes: Uint8Array<ArrayBuffer>, headers: Record<string, string>): Promise<PutOutcome> {
  try {
    const reply = await fetch(url, {
      method: "PUT",
      headers,
      body: bytes,
      credentials: "omit",
      referrerPolicy: "no-referrer",
      signal: AbortSignal.timeout(PUT_TIMEOUT_MS),
    });
    return reply.ok ? "stored" : "refused";
  } catch {
    return "unreachable";
  }
}
