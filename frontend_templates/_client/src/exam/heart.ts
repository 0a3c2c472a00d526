/** Says to the server that we are here: every ten seconds or so, and at once when something has changed. */
import { Refused, type ExamApi } from "./api";
import type { ServerClock } from "./clock";
import type { Pulse } from "./types";

const BEAT_MS = 10_000;
const SLOWEST_MS = 40_000;
const AT_ONCE_MS = 150;
const NEWS_MS = 1200;

interface Options {
  api: Pick<ExamApi, "heartbeat">;
  clock: ServerClock;
  attemptId: string;
  state: () => { position: number; uploads_pending: number; microphone: string };
  onPulse: (pulse: Pulse) => void;
  onRefused: (error: Refused) => void;
  random?: () => number;
}

export class Heart {
  #timer: ReturnType<typeof setTimeout> | undefined;
  #missed = 0;
  #stopped = false;

  constructor(private readonly options: Options) {}

  beat(): void {
    this.#next(AT_ONCE_MS);
  }

  /** Something waits at the server that a beat brings; it may show there a second later only. */
  fetchNews(): void {
    this.beat();
    setTimeout(() => this.beat(), NEWS_MS);
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  #next(ms: number): void {
    clearTimeout(this.#timer);
    if (!this.#stopped) this.#timer = setTimeout(() => void this.#send(), ms);
  }

  /** With jitter, and rarer while nobody answers: a college that comes back must not come back in one second. */
  #pause(): number {
    const full = Math.min(SLOWEST_MS, BEAT_MS * 2 ** Math.min(2, this.#missed));
    return full * (0.85 + 0.3 * (this.options.random ?? Math.random)());
  }

  async #send(): Promise<void> {
    const { api, clock, attemptId, state } = this.options;
    this.#next(this.#pause());
    try {
      const pulse = await api.heartbeat(attemptId, state());
      this.#missed = 0;
      clock.learn(pulse.server_now);
      if (!this.#stopped) this.options.onPulse(pulse);
    } catch (error) {
      this.#missed += 1;
      // Otherwise the next beat tries again; what matters is shown by the calls that matter.
      if (error instanceof Refused && !this.#stopped) this.options.onRefused(error);
    }
  }
}
