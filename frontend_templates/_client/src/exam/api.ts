import { backoffMs, pause } from "./backoff";
import type { AttemptSnapshot, DeviceCheck, ItemView, Pulse, Registration } from "./types";

/** A refusal with a reason (problem+json, 4xx): repeating it changes nothing. */
export class Refused extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    readonly title: string,
    readonly detail: string,
  ) {
    super(code);
  }
}

/** No usable reply: the network, a timeout, or a server that is busy. Repeating may help. */
export class Unreachable extends Error {}

/** Whether the server answers, told whenever that may have changed. */
export type ConnectionListener = (connected: boolean) => void;

interface Options {
  base: string;
  csrf: string;
  fetch?: typeof fetch;
  random?: () => number;
  wait?: (ms: number, signal?: AbortSignal) => Promise<void>;
  onConnection?: ConnectionListener;
}

const TIMEOUT_MS = 12_000;
const RETRIED = new Set([408, 425, 429]);

/**
 * The exam API. Every call may safely be repeated (the server promises so), so each one is repeated with growing pauses
 * until it is answered: by a reply, or by a refusal (`Refused`). Only the caller's signal ends it otherwise.
 */
export class ExamApi {
  readonly #options: Options;
  readonly #fetch: typeof fetch;

  constructor(options: Options) {
    this.#options = options;
    this.#fetch = options.fetch ?? ((input, init) => fetch(input, init));
  }

  enter(deliveryId: string, signal?: AbortSignal): Promise<AttemptSnapshot> {
    return this.#post(`/deliveries/${encodeURIComponent(deliveryId)}/attempts`, {}, signal);
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
  open(attemptId: string, position: number, signal?: AbortSignal): Promise<ItemView> {
    return this.#post(`/attempts/${attemptId}/items/${position}/open`, {}, signal);
  }
  close(attemptId: string, position: number, signal?: AbortSignal): Promise<AttemptSnapshot> {
    return this.#post(`/attempts/${attemptId}/items/${position}/close`, {}, signal);
  }
  register(attemptId: string, recording: object, signal?: AbortSignal): Promise<Registration> {
    return this.#post(`/attempts/${attemptId}/recordings`, recording, signal);
  }
  confirm(attemptId: string, recordingId: string, signal?: AbortSignal): Promise<{ stored: boolean }> {
    return this.#post(`/attempts/${attemptId}/recordings/${recordingId}/confirm`, {}, signal);
  }
  /** Tried once: the next beat comes soon enough. */
  heartbeat(attemptId: string, body: object): Promise<Pulse> {
    return this.once("POST", `/attempts/${attemptId}/heartbeat`, body);
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

  async once<T>(method: string, path: string, body?: object, signal?: AbortSignal): Promise<T> {
    let reply: Response;
    try {
      const timeout = AbortSignal.timeout(TIMEOUT_MS);
      reply = await this.#fetch(this.#options.base + path, {
        method,
        credentials: "same-origin",
        cache: "no-store",
        headers: {
          Accept: "application/json",
          ...(method === "GET" ? {} : { "Content-Type": "application/json", "X-CSRF-TOKEN": this.#options.csrf }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
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
    this.#options.onConnection?.(true);
    if (!reply.ok) throw await refusalOf(reply);
    try {
      return (await reply.json()) as T;
    } catch {
      throw new Unreachable("cut_reply");
    }
  }
}

async function refusalOf(reply: Response): Promise<Refused> {
  let problem: { code?: string; title?: string; detail?: string } = {};
  try {
    problem = (await reply.json()) as typeof problem;
  } catch {
    /* not ours: a proxy's page; the status must do */
  }
  const code = reply.status === 401 ? "signed_out" : (problem.code ?? `status_${reply.status}`);
  return new Refused(reply.status, code, problem.title ?? "Refused", problem.detail ?? "");
}
