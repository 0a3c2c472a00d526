import { safeBrowserHeader } from "./safe_browser";
import type { Signal } from "./signals";
import { backoffMs, pause } from "./backoff";
import type { Ending } from "./store";
import type { AttemptSnapshot, DeviceCheck, Move, Pulse, Sequence } from "./types";

/** Our server's refusal, with its reason (problem+json, 4xx). What it means for an answer: fate.ts. */
export class Refused extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    readonly title: string,
    readonly detail: string,
    /** Further members of the reply, such as the offset at which an upload goes on. */
    readonly facts: Readonly<Record<string, unknown>> = {},
  ) {
    super(code);
  }
}

/** No usable reply: the network, a timeout, a server that is busy, or somebody between us and it who refused. Repeating may help. */
export class Unreachable extends Error {}

/** Whether the server answers, told whenever that may have changed. */
export type ConnectionListener = (connected: boolean) => void;

/** What the server has of a recording. */
export interface Receipt {
  recording_id: string;
  stored: boolean;
  offset?: number;
}

/** What is said of a recording before its bytes come. */
export interface Announced {
  recording_id: string;
  position: number;
  segment: number;
  sha256: string;
  size: number;
  content_type: string;
  duration_ms: number;
  ended_by?: Ending;
}

interface Call {
  headers: Record<string, string>;
  body?: BodyInit;
  signal?: AbortSignal;
  timeoutMs?: number;
  keepalive?: boolean;
}

interface Options {
  base: string;
  csrf: string;
  fetch?: typeof fetch;
  random?: () => number;
  wait?: (ms: number, signal?: AbortSignal) => Promise<void>;
  onConnection?: ConnectionListener;
}

/** Characters. Browsers refuse requests that outlive their page over 64 KiB, all that are on their way together. */
const KEEPALIVE_MOST = 20_000;
const TIMEOUT_MS = 12_000;
const UPLOAD_TIMEOUT_MS = 60_000;
const RETRIED = new Set([408, 425, 429]);

/**
 * The exam API. Every call may safely be repeated (the server promises so), so each one is repeated with growing pauses
 * until it is answered: by a reply, or by a refusal (`Refused`). Only the caller's signal ends it otherwise.
 */
export class ExamApi {
  /** Told of every heartbeat's reply. */
  onPulse: ((pulse: Pulse) => void) | null = null;
  readonly #options: Options;
  readonly #fetch: typeof fetch;
  readonly #clientId = crypto.randomUUID();
  #epoch: number | null = null;

  constructor(options: Options) {
    this.#options = options;
    this.#fetch = options.fetch ?? ((input, init) => fetch(input, init));
  }

  /** Tried once. Takes the lease for this page: an older page's calls are refused from now on (`attempt_elsewhere`). */
  async enter(deliveryId: string): Promise<AttemptSnapshot> {
    const body = { client_id: this.#clientId };
    const snapshot = await this.once<AttemptSnapshot>("POST", `/deliveries/${encodeURIComponent(deliveryId)}/attempts`, body);
    this.#epoch = snapshot.epoch ?? null;
    return snapshot;
  }
  /** Loaded without network: this page goes on with the lease of the one before it, until somebody else takes it. */
  goOnWith(epoch: number | undefined): void {
    this.#epoch = epoch ?? null;
  }
  /** Tried once. */
  peek(attemptId: string): Promise<AttemptSnapshot> {
    return this.once("GET", `/attempts/${attemptId}`);
  }
  show(attemptId: string, signal?: AbortSignal): Promise<AttemptSnapshot> {
    return this.#repeat("GET", `/attempts/${attemptId}`, undefined, signal);
  }
  check(attemptId: string, outcome: DeviceCheck, signal?: AbortSignal): Promise<AttemptSnapshot> {
    return this.#post(`/attempts/${attemptId}/check`, outcome, signal);
  }
  begin(attemptId: string, signal?: AbortSignal): Promise<AttemptSnapshot> {
    return this.#post(`/attempts/${attemptId}/begin`, {}, signal);
  }
  /** Tried once: `Moves` repeats it with what has come meanwhile. What was made already is passed over. */
  move(attemptId: string, moves: readonly Move[]): Promise<AttemptSnapshot> {
    return this.once("POST", `/attempts/${attemptId}/moves`, { moves });
  }
  /** A granted break between two parts, and its end. */
  takeBreak(attemptId: string, signal?: AbortSignal): Promise<AttemptSnapshot> {
    return this.#post(`/attempts/${attemptId}/break`, {}, signal);
  }
  endBreak(attemptId: string, signal?: AbortSignal): Promise<AttemptSnapshot> {
    return this.#post(`/attempts/${attemptId}/break/end`, {}, signal);
  }
  /** The open item's prompt once more, the `number`-th time. */
  hearAgain(attemptId: string, position: number, number: number, signal?: AbortSignal): Promise<AttemptSnapshot> {
    return this.#post(`/attempts/${attemptId}/hearings`, { position, number }, signal);
  }
  /** Tried once. Where the sealed package of a part lies. */
  packageOf(attemptId: string, letter: string): Promise<{ url: string }> {
    return this.once("GET", `/attempts/${attemptId}/packages/${encodeURIComponent(letter)}`);
  }
  /** Tried once: the uploader repeats it, from wherever the server says. `bytes` begin at `offset` of the whole. */
  sendRecording(attemptId: string, recording: Announced, offset: number, bytes: Uint8Array<ArrayBuffer>): Promise<Receipt> {
    const headers = {
      "Content-Type": recording.content_type,
      "Upload-Offset": String(offset),
      "Upload-Length": String(recording.size),
      "Upload-Digest": recording.sha256,
      "X-Position": String(recording.position),
      "X-Segment": String(recording.segment),
      "X-Duration-Ms": String(Math.round(recording.duration_ms)),
      ...(recording.ended_by ? { "X-Ended-By": recording.ended_by } : {}),
    };
    const path = `/attempts/${attemptId}/recordings/${encodeURIComponent(recording.recording_id)}`;
    return this.#call("PUT", path, { headers, body: bytes, timeoutMs: UPLOAD_TIMEOUT_MS });
  }
  /** Tried once. How much of a recording the server has. */
  askRecording(attemptId: string, recordingId: string): Promise<Receipt> {
    return this.once("GET", `/attempts/${attemptId}/recordings/${encodeURIComponent(recordingId)}`);
  }
  /** Tried once: `Drafts` repeats it with the newest content. */
  answer(attemptId: string, position: number, sequence: Sequence, content: unknown, outlivesPage = false): Promise<object> {
    const body = JSON.stringify({ sequence, content });
    const keepalive = outlivesPage && body.length < KEEPALIVE_MOST;
    const headers = { "Content-Type": "application/json" };
    return this.#call("PUT", `/attempts/${attemptId}/answers/${position}`, { headers, body, keepalive });
  }
  /** Tried once: the next beat comes soon enough. */
  async heartbeat(attemptId: string, body: object): Promise<Pulse> {
    const pulse = await this.once<Pulse>("POST", `/attempts/${attemptId}/heartbeat`, body);
    this.onPulse?.(pulse);
    return pulse;
  }
  /** Tried once: the next heartbeat brings the message again. */
  acknowledgeMessage(attemptId: string, messageId: string): Promise<object> {
    return this.once("POST", `/attempts/${attemptId}/messages/${encodeURIComponent(messageId)}/seen`, {});
  }
  /** Tried once: they are kept and sent with the next. */
  sendSignals(attemptId: string, signals: readonly Signal[]): Promise<object> {
    return this.once("POST", `/attempts/${attemptId}/signals`, { signals });
  }

  #post<T>(path: string, body: object, signal?: AbortSignal): Promise<T> {
    return this.#repeat("POST", path, body, signal);
  }

  async #repeat<T>(method: string, path: string, body: object | undefined, signal?: AbortSignal): Promise<T> {
    const wait = this.#options.wait ?? pause;
    for (let tries = 1; ; tries += 1) {
      try {
        return await this.once<T>(method, path, body, signal);
      } catch (error) {
        if (!(error instanceof Unreachable) || signal?.aborted) throw error;
        await wait(backoffMs(tries, this.#options.random ?? Math.random), signal);
      }
    }
  }

  once<T>(method: string, path: string, body?: object, signal?: AbortSignal): Promise<T> {
    const content = body === undefined ? {} : { body: JSON.stringify(body) };
    return this.#call(method, path, { headers: { "Content-Type": "application/json" }, ...content, ...(signal ? { signal } : {}) });
  }

  #unsafe(): Record<string, string> {
    const lease = this.#epoch === null ? {} : { "X-Attempt-Epoch": String(this.#epoch) };
    return { "X-CSRF-TOKEN": this.#options.csrf, ...lease };
  }

  async #call<T>(method: string, path: string, { headers, body, signal, timeoutMs = TIMEOUT_MS, keepalive = false }: Call): Promise<T> {
    let reply: Response;
    try {
      const timeout = AbortSignal.timeout(timeoutMs);
      reply = await this.#fetch(this.#options.base + path, {
        method,
        credentials: "same-origin",
        cache: "no-store",
        headers: { Accept: "application/json", ...safeBrowserHeader(), ...(method === "GET" ? {} : { ...headers, ...this.#unsafe() }) },
        ...(body === undefined ? {} : { body }),
        ...(keepalive ? { keepalive } : {}),
        signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
      });
    } catch (error) {
      if (signal?.aborted) throw error;
      this.#options.onConnection?.(false);
      throw new Unreachable("no_reply");
    }
    if (reply.status >= 500 || RETRIED.has(reply.status)) {
      this.#options.onConnection?.(reply.status === 429);
      throw new Unreachable(`status_${reply.status}`);
    }
    const refusal = reply.ok ? null : await refusalOf(reply);
    this.#options.onConnection?.(reply.ok || refusal !== null);
    if (!reply.ok) throw refusal ?? new Unreachable(`status_${reply.status}`);
    try {
      return (await reply.json()) as T;
    } catch {
      throw new Unreachable("cut_reply");
    }
  }
}

/** Null for a reply that is not our server's: a proxy's, a filter's, a sign-in page's of the network. */
async function refusalOf(reply: Response): Promise<Refused | null> {
  const problem = (await reply.json().catch(() => null)) as { code?: unknown; title?: string; detail?: string; [fact: string]: unknown } | null;
  const code = reply.status === 401 ? "signed_out" : problem?.code;
  if (typeof code !== "string") return null;
  return new Refused(reply.status, code, problem?.title ?? "Refused", problem?.detail ?? "", problem ?? {});
}
