/** Everything that is heard: prompts, instructions, the check's tone. One AudioContext, unlocked by the first click. */
import { backoffMs, pause } from "./backoff";
import type { Bytes } from "./sealing";
import { sleep } from "./sleep";

const UNPLAYABLE_AFTER = 3;
const LATE_MS = 1500;
const STARTS_WITHIN_MS = 2500;

export class Sound {
  readonly context: AudioContext = new AudioContext();
  readonly #kept = new Map<string, Bytes>();

  /**
   * Call from a click: browsers let nothing sound before one. Whether sound comes out now. Where there is no output
   * (Firefox) or a call holds it (iOS), a browser never says so: nobody waits for it longer than a moment.
   */
  async unlock(): Promise<boolean> {
    const { context } = this;
    const isRunning = (): boolean => context.state === "running";
    if (isRunning()) return true;
    const late = new AbortController();
    await Promise.race([context.resume(), sleep(STARTS_WITHIN_MS, late.signal)]).catch(() => undefined);
    late.abort();
    return isRunning();
  }

  /** Has these bytes answer for that address: of a package, or of what was fetched ahead. */
  readonly keep = (address: string, bytes: Bytes): void => {
    this.#kept.set(address, bytes);
  };

  has(address: string): boolean {
    return this.#kept.has(address);
  }

  /**
   * The sound at `url`, ready to play. Repeated until it comes; a refused address asks `renew` for a fresh one. Null for
   * a file that no browser could play: the exam goes on rather than hold a candidate fast.
   */
  async load(
    url: string,
    signal: AbortSignal,
    onWaiting: (waiting: boolean) => void,
    renew?: () => Promise<string | null>,
  ): Promise<AudioBuffer | null> {
    let address = url;
    let unplayable = 0;
    for (let tries = 1; unplayable < UNPLAYABLE_AFTER; tries += 1) {
      try {
        const bytes = this.#kept.get(address)?.slice() ?? (await fetchBytes(address, signal));
        if (typeof bytes !== "number") {
          const buffer = await this.context.decodeAudioData(bytes.buffer);
          onWaiting(false);
          return buffer;
        }
        if (bytes < 500 && renew) address = (await renew()) ?? address;
      } catch (error) {
        if (signal.aborted) throw error;
        if (error instanceof DOMException && error.name === "EncodingError") unplayable += 1;
      }
      if (tries > 1) onWaiting(true);
      await pause(backoffMs(tries, Math.random), signal);
    }
    return null;
  }

  /** Plays from `offsetMs` to the end; resolves when it has ended, or should have, or at once when aborted. */
  play(buffer: AudioBuffer | null, offsetMs: number, signal: AbortSignal): Promise<void> {
    const offset = offsetMs / 1000;
    if (buffer === null || signal.aborted || offset >= buffer.duration) return Promise.resolve();
    const source = this.context.createBufferSource();
    source.buffer = buffer;
    source.connect(this.context.destination);
    return new Promise((resolve) => {
      // A context that the system has suspended never says "ended".
      const timer = setTimeout(resolve, (buffer.duration - offset) * 1000 + LATE_MS);
      const end = (): void => {
        clearTimeout(timer);
        resolve();
      };
      source.addEventListener("ended", end, { once: true });
      const stop = (): void => {
        source.stop();
        end(); // whoever went on does not wait for the browser to say so
      };
      signal.addEventListener("abort", stop, { once: true });
      void this.unlock();
      source.start(0, offset);
    });
  }

  /** Three rising notes, soft at the edges. Whether they could sound. */
  async chime(signal: AbortSignal): Promise<boolean> {
    if (!(await this.unlock())) return false;
    const at = this.context.currentTime + 0.05;
    [392, 494, 587].forEach((frequency, index) => this.#note(frequency, at + index * 0.35));
    await pause(1300, signal).catch(() => undefined);
    return true;
  }

  #note(frequency: number, at: number): void {
    const tone = this.context.createOscillator();
    const gain = this.context.createGain();
    tone.frequency.value = frequency;
    gain.gain.setValueAtTime(0, at);
    gain.gain.linearRampToValueAtTime(0.25, at + 0.04);
    gain.gain.exponentialRampToValueAtTime(0.001, at + 0.55);
    tone.connect(gain).connect(this.context.destination);
    tone.start(at);
    tone.stop(at + 0.6);
  }
}

/** The bytes, or the status of a refusal. */
export async function fetchBytes(address: string, signal: AbortSignal): Promise<Bytes | number> {
  const reply = await fetch(address, { credentials: "omit", signal: AbortSignal.any([signal, AbortSignal.timeout(20_000)]) });
  return reply.ok ? new Uint8Array(await reply.arrayBuffer()) : reply.status;
}
