import { h, icon, Meter, Ring, type IconName } from "./dom";
import { minutesAndSeconds } from "./clock";
import { OWN_END } from "./conditions";
import { promptMs } from "./machine";
import { OwnEnd } from "./own_end";
import type { ItemView, SectionView } from "./types";
import { meterOf } from "./voice";

const ASKS: Record<string, string> = {
  read_aloud: "Read this sentence aloud",
  repeat: "Repeat the sentence",
  short_answer: "Answer in a word or two",
  sentence_build: "Say the words as one sentence",
  retelling: "Tell the story in your own words",
  open_question: "Say what you think, and why",
  conversation: "Answer the question in a word or two",
};

/** One item, from its prompt to the end of its window. It stays on while its parts change: nothing jumps. */
export class ItemScreen {
  readonly element: HTMLElement;
  readonly #ring = new Ring();
  readonly #meter = new Meter(28);
  readonly #word = h("p", { class: "exam-word" });
  readonly #hint = h("p", { class: "exam-hint" });
  readonly #core = h("div", { class: "exam-core" });
  readonly #end = new OwnEnd();
  readonly #endButton = h("button", { type: "button", class: "btn btn-primary btn-lg exam-own-end", "on:click": () => this.#end.press(performance.now()) }, OWN_END);

  /** `hasOwnEnd`: the candidate ends the recording by a button, silence does not. */
  constructor(
    readonly item: ItemView,
    section: SectionView | undefined,
    total: number,
    private readonly hasOwnEnd: boolean,
  ) {
    const count = h("progress", { max: String(total), value: String(item.position), "aria-label": "Items done" });
    this.element = h(
      "section",
      { class: "exam-item", "data-position": String(item.position) },
      h(
        "header",
        { class: "exam-item-head" },
        h("h1", {}, `Part ${item.section_letter}`, section ? h("span", {}, ` ${section.title}`) : null),
        h("p", {}, `Item ${item.number} of ${item.of}`),
      ),
      count,
      item.practice ? h("p", { class: "exam-practice" }, "Practice, not scored") : null,
      item.text ? h("p", { class: "exam-text" }, item.text) : h("p", { class: "exam-ask" }, ASKS[item.task] ?? "Answer"),
      h("div", { class: "exam-dial" }, this.#ring.element, this.#core),
      this.#word,
      this.#meter.element,
      hasOwnEnd ? this.#endButton : null, // before the hint: on a low screen the hint is what stays below the edge
      this.#hint,
    );
  }

  /** Whether the candidate has ended the answer. */
  get isEnded(): boolean {
    return this.#end.isEnded;
  }

  waitForPrompt(waiting: boolean): void {
    this.#set("waiting", "speaker", waiting ? "Waiting for the network" : "One moment");
    this.#hint.textContent = waiting ? "Your time for this item has not begun. It starts by itself as soon as the sound is here." : "";
  }

  showPrompt(elapsedMs: number): void {
    this.#set("listening", "speaker", "Listen");
    this.#hint.textContent = "You hear this once. Recording starts by itself.";
    this.#ring.set(elapsedMs / Math.max(1, promptMs(this.item)));
    this.#meter.set(0);
  }

  /** Resolves true when the candidate asks for the prompt once more within that time. */
  offerAgain(left: number, withinMs: number, signal: AbortSignal): Promise<boolean> {
    this.#set("listening", "speaker", "Hear it again?");
    this.#hint.textContent = `You may hear it ${left === 1 ? "once" : `${left} times`} more. Otherwise recording starts by itself.`;
    return new Promise((resolve, reject) => {
      const again = h("button", { type: "button", class: "btn btn-outline-secondary", "on:click": () => end(() => resolve(true)) }, "Hear it again");
      const timer = setTimeout(() => end(() => resolve(false)), withinMs);
      const stop = (): void => end(() => reject(signal.reason as Error));
      const end = (settle: () => void): void => {
        clearTimeout(timer);
        signal.removeEventListener("abort", stop);
        again.remove();
        settle();
      };
      signal.addEventListener("abort", stop, { once: true });
      this.element.append(again);
      again.focus();
    });
  }

  /** `heard`: whether there was a voice so far. */
  showRecording(elapsedMs: number, rms: number, heard: boolean): void {
    this.#set("recording", "microphone", "Speak now");
    const leftMs = Math.max(0, this.item.window_ms - elapsedMs);
    if (heard) this.#end.hear();
    this.#hint.textContent = `${minutesAndSeconds(leftMs)} left. ${this.#howItEnds()}`;
    this.#nameEnd(this.#end.asks ? `Yes, ${OWN_END}` : OWN_END);
    this.#ring.set(leftMs / Math.max(1, this.item.window_ms));
    this.#meter.set(meterOf(rms));
  }

  #nameEnd(name: string): void {
    if (this.#endButton.textContent !== name) this.#endButton.textContent = name;
  }

  #howItEnds(): string {
    if (!this.hasOwnEnd) return "Recording ends by itself when you stop.";
    return this.#end.asks ? "No voice was heard yet. End this answer all the same?" : "Silence does not end it: press the button when you are finished.";
  }

  /** The window runs on; the banner above says what to do. */
  showNoMicrophone(elapsedMs: number): void {
    this.#set("waiting", "warning", "No microphone");
    const leftMs = Math.max(0, this.item.window_ms - elapsedMs);
    this.#hint.textContent = `${minutesAndSeconds(leftMs)} left for this item. Recording goes on as soon as the microphone is back.`;
    this.#ring.set(leftMs / Math.max(1, this.item.window_ms));
  }

  showKept(): void {
    this.#set("kept", "check", "Recorded");
    this.#hint.textContent = "Kept on this device and being sent. The next item comes by itself.";
    this.#meter.set(0);
    this.#ring.set(1);
  }

  showWaiting(): void {
    this.#set("kept", "network", "Waiting for the network");
    this.#hint.textContent =
      "Your answer is safe on this device. Check the cable or the Wi-Fi; leave this page open. The next item opens by itself when the network is back.";
  }

  #set(mode: string, name: IconName, word: string): void {
    if (this.element.dataset.mode === mode && this.#word.textContent === word) return;
    this.element.dataset.mode = mode;
    this.#word.textContent = word;
    this.#core.replaceChildren(icon(name));
  }
}
