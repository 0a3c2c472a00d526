/**
 * The server's clock, whatever the device's says: the offset is taken from replies and counted on by the monotonic
 * clock, which no correction of the device's time moves.
 */
export class ServerClock {
  #offsetMs: number | null = null;
  #isAssumed = false;
  readonly #monotonic: () => number;

  constructor(monotonic: () => number = () => performance.now()) {
    this.#monotonic = monotonic;
  }

  /** Call when a reply that carries `serverNow` arrives. */
  learn(serverNow: string): void {
    const moment = Date.parse(serverNow);
    if (Number.isNaN(moment)) return;
    const offset = moment - this.#monotonic();
    // A reply is late by its travel: of all the offsets seen, the largest is the nearest to the truth.
    this.#offsetMs = this.#offsetMs === null || this.#isAssumed ? offset : Math.max(this.#offsetMs, offset);
    this.#isAssumed = false;
  }

  /** Without network after a reload: by the device's clock and how far it was off before. The first reply corrects it. */
  assume(serverNowMs: number): void {
    if (this.#offsetMs !== null) return;
    this.#offsetMs = serverNowMs - this.#monotonic();
    this.#isAssumed = true;
  }

  /** Milliseconds since the epoch by the server's clock; NaN before anything was learnt. */
  now(): number {
    return this.#offsetMs === null ? NaN : this.#monotonic() + this.#offsetMs;
  }

  /** How long until then, never below zero; null without a moment. */
  untilMs(moment: string | null | undefined): number | null {
    if (!moment || this.#offsetMs === null) return null;
    return Math.max(0, Date.parse(moment) - this.now());
  }
}

/** 754000 -> "12:34". */
export function minutesAndSeconds(ms: number): string {
  const seconds = Math.ceil(ms / 1000);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

/** For reading aloud: "12 minutes", "40 seconds". */
export function roughly(ms: number): string {
  if (ms >= 90_000) return `${Math.round(ms / 60_000)} minutes`;
  if (ms >= 60_000) return "1 minute";
  return `${Math.ceil(ms / 1000)} seconds`;
}
