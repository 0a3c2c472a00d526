import { stretchOf, type Stretch } from "./stretch";

/**
 * Plays an answer whole or by word on a page with `data-playback`. The recording is fetched at the first press, and its parts
 * are decoded and joined, so that a word starts where it starts in any browser's container. Buttons: `data-play-from` and
 * `data-play-to` in ms of the joined recording.
 */
export function startPlayback(): void {
  for (const root of document.querySelectorAll<HTMLElement>("[data-playback][data-sources]")) new Player(root);
}

class Player {
  private readonly context = new AudioContext();
  private readonly status: HTMLElement | null;
  private readonly stopButton: HTMLButtonElement | null;
  private sound: Promise<AudioBuffer> | null = null;
  private source: AudioBufferSourceNode | null = null;
  private marked: HTMLElement | null = null;
  private turn = 0;

  constructor(private readonly root: HTMLElement) {
    this.status = root.querySelector("[data-play-status]");
    this.stopButton = root.querySelector("[data-play-stop]");
    root.addEventListener("click", (event) => this.pressed(event));
  }

  private pressed(event: MouseEvent): void {
    const target = event.target instanceof Element ? event.target : null;
    const word = target?.closest<HTMLElement>("[data-play-from]");
    const line = target?.closest<SVGSVGElement>("[data-timeline]");
    if (word) void this.play((ms) => stretchOf(Number(word.dataset.playFrom), Number(word.dataset.playTo), ms), word);
    else if (target?.closest("[data-play-all]")) void this.play((ms) => ({ from: 0, length: ms / 1000 }), null);
    else if (target?.closest("[data-play-stop]")) this.stop("Stopped.");
    else if (line) {
      const box = line.getBoundingClientRect();
      const share = Math.min(Math.max((event.clientX - box.left) / box.width, 0), 1);
      void this.play((ms) => ({ from: (share * ms) / 1000, length: ((1 - share) * ms) / 1000 }), null);
    }
  }

  private async play(choose: (durationMs: number) => Stretch, word: HTMLElement | null): Promise<void> {
    this.stop("");
    const turn = ++this.turn;
    this.say(this.sound ? "" : "Fetching the recording …");
    try {
      await this.context.resume();
      this.sound ??= this.fetchSound();
      const sound = await this.sound;
      if (turn === this.turn) this.begin(sound, choose(sound.duration * 1000), word);
    } catch {
      this.sound = null;
      this.say("The recording could not be played. Check the connection and try again.");
    }
  }

  private begin(sound: AudioBuffer, stretch: Stretch, word: HTMLElement | null): void {
    const source = this.context.createBufferSource();
    source.buffer = sound;
    source.connect(this.context.destination);
    source.onended = () => {
      if (this.source === source) this.stop(word ? "Choose another word, or the same again." : "The end.");
    };
    this.source = source;
    this.marked = word;
    if (word) word.dataset.playing = "";
    if (this.stopButton) this.stopButton.hidden = false;
    this.say(word ? `Playing “${spokenText(word)}”.` : "Playing.");
    const began = this.context.currentTime;
    source.start(0, stretch.from, stretch.length);
    this.follow(source, began, stretch.from, sound.duration);
  }

  private follow(source: AudioBufferSourceNode, began: number, from: number, duration: number): void {
    const cursor = this.root.querySelector("[data-cursor]");
    if (!cursor || this.source !== source) return;
    const at = from + this.context.currentTime - began;
    cursor.setAttribute("x", String(Math.min(1000, (1000 * at) / duration)));
    requestAnimationFrame(() => this.follow(source, began, from, duration));
  }

  private stop(text: string): void {
    const source = this.source;
    this.source = null;
    source?.stop();
    if (this.marked) delete this.marked.dataset.playing;
    this.marked = null;
    this.root.querySelector("[data-cursor]")?.setAttribute("x", "-4");
    if (this.stopButton) {
      if (document.activeElement === this.stopButton) this.root.querySelector<HTMLElement>("[data-play-all]")?.focus();
      this.stopButton.hidden = true;
    }
    this.say(text);
  }

  private say(text: string): void {
    if (this.status) this.status.textContent = text;
  }

  private async fetchSound(): Promise<AudioBuffer> {
    const addresses = (this.root.dataset.sources ?? "").split(" ").filter(Boolean);
    const parts = await Promise.all(addresses.map((address) => this.fetchPart(address)));
    return parts.length === 1 && parts[0] ? parts[0] : this.joined(parts);
  }

  private async fetchPart(address: string): Promise<AudioBuffer> {
    const reply = await fetch(address, { credentials: "same-origin" });
    if (!reply.ok) throw new Error(`recording ${reply.status}`);
    return this.context.decodeAudioData(await reply.arrayBuffer());
  }

  /** Parts of one answer, one after the other, as scoring joined them. */
  private joined(parts: AudioBuffer[]): AudioBuffer {
    const length = parts.reduce((sum, part) => sum + part.length, 0);
    const whole = this.context.createBuffer(1, Math.max(1, length), this.context.sampleRate);
    let at = 0;
    for (const part of parts) {
      whole.copyToChannel(part.getChannelData(0), 0, at);
      at += part.length;
    }
    return whole;
  }
}

/** The word itself, without the notes that only screen readers hear. */
function spokenText(word: HTMLElement): string {
  return [...word.childNodes].find((node) => node.nodeType === Node.TEXT_NODE)?.textContent?.trim() ?? "";
}
