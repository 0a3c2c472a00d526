/** Whether somebody speaks, from levels alone (RMS of -1..1 samples). Judges only when to stop, never the answer. */

const LEAST_THRESHOLD = 0.006; // about -44 dBFS: softer than any voice at arm's length, by a usual microphone
const SOFTEST_THRESHOLD = 0.001; // by the softest that the check lets pass
const UNCHECKED_THRESHOLD = 0.002; // while nobody knows how soft this microphone is: rather too long an answer than half of one
const OF_THE_VOICE = 0.4; // a sentence's softer syllables
const HELD_LOOKS = 10; // half a second of the check's: longer than a knock
const MOST_THRESHOLD = 0.05;
const OVER_FLOOR = 3; // about 9.5 dB above the room
const SPEECH_MS = 120; // shorter is a click
const ENOUGH_MS = 600; // less voice may be a cough, or an "um" before thinking
const MOST_STEP_MS = 500; // more between two looks: the page stood still, and nobody listened
const DIGITAL_SILENCE = 1e-5; // no room is that quiet: the microphone delivers nothing

/** The room's noise: follows the level down at once and up slowly, so that words do not raise it. */
export class NoiseFloor {
  #floor = 0.01;
  #least = UNCHECKED_THRESHOLD;
  #lastMs: number | null = null;

  feed(rms: number, atMs: number): void {
    if (rms <= DIGITAL_SILENCE) return;
    const seconds = this.#lastMs === null ? 0 : Math.max(0, atMs - this.#lastMs) / 1000;
    this.#lastMs = atMs;
    this.#floor = Math.min(rms, this.#floor * (1 + 0.06 * seconds) + 1e-6);
  }

  /** How strong a voice this microphone delivers: from the levels of the check's sentence, one every 50 ms. */
  learnVoice(levels: readonly number[]): void {
    const held = [...levels].sort((a, b) => b - a)[HELD_LOOKS] ?? 0;
    this.#least = Math.min(LEAST_THRESHOLD, Math.max(SOFTEST_THRESHOLD, held * OF_THE_VOICE));
  }

  get threshold(): number {
    return Math.min(MOST_THRESHOLD, Math.max(this.#least, this.#floor * OVER_FLOOR));
  }
}

export type VoiceState = "waiting" | "speaking" | "ended" | "never_began";

/**
 * Ends an answer early: after `silenceEndMs` without voice once some was heard, or when none was heard within
 * `beginWithinMs`. Zero switches a rule off. Little voice ends no answer sooner than none would. Only time counts in
 * which somebody listened: a microphone that delivers nothing, a call that mutes it, or a page that stands still never
 * end an answer. That is trouble to be mended, not an answer.
 */
export class VoiceEnd {
  #overSince: number | null = null;
  #lastVoiceMs: number | null = null;
  #voicedMs = 0;
  #anySignal = false;
  #lookedAtMs = 0;
  #listenedMs = 0;

  constructor(
    private readonly rules: { beginWithinMs: number; silenceEndMs: number },
    private readonly floor: NoiseFloor,
  ) {}

  get heard(): boolean {
    return this.#lastVoiceMs !== null;
  }

  /** `atMs` counts from the start of the answer. */
  feed(rms: number, atMs: number): VoiceState {
    const stepMs = Math.min(atMs - this.#lookedAtMs, MOST_STEP_MS);
    this.#lookedAtMs = atMs;
    this.#listenedMs += stepMs;
    if (rms > DIGITAL_SILENCE) this.#anySignal = true;
    const threshold = this.floor.threshold;
    this.floor.feed(rms, atMs);
    if (rms >= threshold * (this.heard ? 0.7 : 1)) this.#hear(stepMs);
    else this.#overSince = null;
    return this.#judge();
  }

  /** Instead of `feed` while nothing can be heard. */
  miss(atMs: number): VoiceState {
    this.#lookedAtMs = atMs;
    this.#overSince = null;
    return this.#judge();
  }

  #hear(stepMs: number): void {
    const now = this.#listenedMs;
    this.#overSince ??= now;
    if (!this.heard && now - this.#overSince < SPEECH_MS) return;
    this.#voicedMs += this.heard ? stepMs : now - this.#overSince;
    this.#lastVoiceMs = now;
  }

  #judge(): VoiceState {
    const { beginWithinMs, silenceEndMs } = this.rules;
    const now = this.#listenedMs;
    const mustHaveBegun = beginWithinMs > 0 && now >= beginWithinMs;
    if (this.#lastVoiceMs === null) return this.#anySignal && mustHaveBegun ? "never_began" : "waiting";
    const isSilent = silenceEndMs > 0 && now - this.#lastVoiceMs >= silenceEndMs;
    return isSilent && (mustHaveBegun || this.#voicedMs >= ENOUGH_MS) ? "ended" : "speaking";
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
