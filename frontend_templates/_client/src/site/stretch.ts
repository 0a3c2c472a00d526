/** A piece of a recording, in seconds. */
export interface Stretch {
  from: number;
  length: number;
}

/** Around a word there is a little air: its edges are a recogniser's guess, and a word cut at its first sound is another word. */
const BEFORE_MS = 60;
const AFTER_MS = 90;

/** What to play of a recording of `durationMs` for a word; never empty, never beyond the ends. */
export function stretchOf(fromMs: number, toMs: number, durationMs: number): Stretch {
  const from = Math.min(Math.max(0, fromMs - BEFORE_MS), Math.max(0, durationMs - 50));
  const to = Math.min(durationMs, Math.max(toMs + AFTER_MS, from + 150));
  return { from: from / 1000, length: Math.max(0.05, (to - from) / 1000) };
}
