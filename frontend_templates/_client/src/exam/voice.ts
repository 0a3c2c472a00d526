/** Whether somebody speaks, from levels alone (RMS of -1..1 samples). Judges only when to stop, never the answer. */

const LEAST_THRESHOLD = 0.006; // about -44 dBFS: softer than any voice at arm's length
const MOST_THRESHOLD = 0.05;
const OVER_FLOOR = 3; // about 9.5 dB above the room
const SPEECH_MS = 120; // shorter is a click
const DIGITAL_SILENCE = 1e-5; // no room is that quiet: the microphone delivers nothing

/** The room's noise: follows the level down at once and up slowly, so that words do not raise it. */
export class NoiseFloor {
  #floor = 0.01;
  #lastMs: number | null = null;

  feed(rms: number, atMs: number): void {
    if (rms <= DIGITAL_SILENCE) return;
    const seconds = this.#lastMs === null ? 0 : Math.max(0, atMs - this.#lastMs) / 1000;
    this.#lastMs = atMs;
    this.#floor = Math.min(rms, this.#floor * (1 + 0.06 * seconds) + 1e-6);
  }

  get threshold(): number {
    return Math.min(MOST_THRESHOLD, Math.max(LEAST_THRESHOLD, this.#floor * OVER_FLOOR));
  }
}

export type VoiceState = "waiting" | "speaking" | "ended" | "never_began";

/**
 * Ends an answer early: after `silenceEndMs` without voice once some was heard, or when none was heard within
 * `beginWithinMs`. Zero switches a rule off. A microphone that delivers nothing at all never ends an answer: that is
 * trouble to be mended, not an answer.
 */
export class VoiceEnd {
  #overSince: number | null = null;
  #lastVoiceMs: number | null = null;
  #anySignal = false;

  constructor(
    private readonly rules: { beginWithinMs: number; silenceEndMs: number },
    private readonly floor: NoiseFloor,
  ) {}

  get heard(): boolean {
    return this.#lastVoiceMs !== null;
  }

  /** `atMs` counts from the start of the answer. */
  feed(rms: number, atMs: number): VoiceState {
    if (rms > DIGITAL_SILENCE) this.#anySignal = true;
    const threshold = this.floor.threshold;
    this.floor.feed(rms, atMs);
    if (rms >= threshold * (this.heard ? 0.7 : 1)) {
      this.#overSince ??= atMs;
      if (this.heard || atMs - this.#overSince >= SPEECH_MS) this.#lastVoiceMs = atMs;
    } else {
      this.#overSince = null;
    }
    return this.#judge(atMs);
  }

  #judge(atMs: number): VoiceState {
    if (this.#lastVoiceMs !== null) {
      const { silenceEndMs } = this.rules;
      return silenceEndMs > 0 && atMs - this.#lastVoiceMs >= silenceEndMs ? "ended" : "speaking";
    }
    const { beginWithinMs } = this.rules;
    return this.#anySignal && beginWithinMs > 0 && atMs >= beginWithinMs ? "never_began" : "waiting";
  }
}

/** Tells a microphone that delivers nothing: digital silence for `afterMs` on end. */
export class DeadMicrophone {
  #since: number | null = null;
  constructor(private readonly afterMs: number) {}

  feed(rms: number, atMs: number): boolean {
    if (rms > DIGITAL_SILENCE) {
      this.#since = null;
      return false;
    }
    this.#since ??= atMs;
    return atMs - this.#since >= this.afterMs;
  }
}

/** 0..1 for a meter: -54 dB and below is 0, -9 dB and above is 1. */
export function meterOf(rms: number): number {
  const decibels = 20 * Math.log10(Math.max(rms, 1e-6));
  return Math.min(1, Math.max(0, (decibels + 54) / 45));
}
