/** A part's instructions, heard and read, and fetched before they are wanted. */
import { roughly } from "./clock";
import type { Frame } from "./frame";
import * as screens from "./screens";
import { sleep } from "./sleep";
import { fetchBytes, type Sound } from "./sound";
import type { AttemptSnapshot, SectionView } from "./types";

const COUNTDOWN_S = 10;
const READING_S = 25;
const SOUND_WITHIN_MS = 8000;

interface Options {
  frame: Frame;
  sound: Sound;
  /** Takes the break that was granted; the page shows it then. */
  rest: (signal: AbortSignal) => Promise<void>;
  renew: (pick: (fresh: AttemptSnapshot) => string | null | undefined) => Promise<string | null>;
}

export class Parts {
  constructor(private readonly options: Options) {}

  /** Resolves when the candidate goes on, or the countdown has ended. */
  async introduce(snapshot: AttemptSnapshot, letter: string, signal: AbortSignal): Promise<void> {
    const index = snapshot.sections.findIndex((section) => section.letter === letter);
    const section = snapshot.sections[index];
    if (!section) return;
    const over = new AbortController();
    signal.addEventListener("abort", () => over.abort(signal.reason), { once: true });
    const left = snapshot.position > 0 ? (snapshot.break_left_ms ?? 0) : 0;
    const rest = left > 0 ? { label: `Take a break (${roughly(left)} left)`, onRest: () => void this.options.rest(signal) } : undefined;
    const screen = screens.instructions(section, index + 1, snapshot.sections.length, () => over.abort(), rest);
    this.options.frame.show(screen.element);
    try {
      await this.#play(section, index, over.signal);
      // What was heard needs a moment to settle; what is only printed has to be read first.
      for (let seconds = section.instructions_audio_url ? COUNTDOWN_S : READING_S; seconds > 0; seconds -= 1) {
        screen.setCountdown(seconds);
        await sleep(1000, over.signal);
      }
    } catch (error) {
      if (signal.aborted || !over.signal.aborted) throw error;
    }
  }

  async fetchAhead({ letter, instructions_audio_url: url }: SectionView): Promise<void> {
    if (!url || this.options.sound.has(nameOf(letter))) return;
    const bytes = await fetchBytes(url, AbortSignal.timeout(60_000)).catch(() => null);
    if (bytes && typeof bytes !== "number") this.options.sound.keep(nameOf(letter), bytes);
  }

  /** They are on the screen too: without network, and not fetched ahead, the exam goes on without hearing them. */
  async #play({ letter, instructions_audio_url: url }: SectionView, index: number, signal: AbortSignal): Promise<void> {
    const { sound, renew } = this.options;
    if (!url) return;
    const patience = AbortSignal.any([signal, AbortSignal.timeout(SOUND_WITHIN_MS)]);
    const address = sound.has(nameOf(letter)) ? nameOf(letter) : url;
    const again = () => renew((fresh) => fresh.sections[index]?.instructions_audio_url);
    const buffer = await sound.load(address, patience, () => undefined, again).catch(() => null);
    signal.throwIfAborted();
    await sound.play(buffer, 0, signal);
  }
}

function nameOf(letter: string): string {
  return `instructions:${letter}`;
}
