import { h, icon, Meter, Ring, type IconName } from "./dom";
import { minutesAndSeconds } from "./clock";
import { promptMs } from "./machine";
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

  constructor(
    readonly item: ItemView,
    section: SectionView | undefined,
    total: number,
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
      this.#hint,
    );
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

  showRecording(elapsedMs: number, rms: number): void {
    this.#set("recording", "microphone", "Speak now");
    const leftMs = Math.max(0, this.item.window_ms - elapsedMs);
    this.#hint.textContent = `${minutesAndSeconds(leftMs)} left. Recording ends by itself when you stop.`;
    this.#ring.set(leftMs / Math.max(1, this.item.window_ms));
    this.#meter.set(meterOf(rms));
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
