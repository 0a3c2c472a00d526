/**
 * A part whose items share one time limit: one question at a time beside the text that it is about, a navigator to go to
 * and fro, one clock, and a last question before the part is finished. Each question is built anew from what was kept of
 * its answer, so that a reload and a way back are the same thing.
 */
import { minutesAndSeconds } from "../clock";
import { h, icon } from "../dom";
import type { ItemView, SectionView } from "../types";
import { SOON_MS, stimulusOf, TICK_MS } from "./panel";
import { labelOf, noteFrom, statesOf, summaryOf, withFlag, type PartNote, type QuestionState } from "./progress";
import { QUESTIONS, type AnswerTools, type Question } from "./registry";

export interface PartTools {
  items: readonly ItemView[];
  section: SectionView | undefined;
  total: number;
  note: PartNote | null;
  /** The newest answer to an item, from this device or from the server. */
  contentOf(item: ItemView): unknown;
  toolsFor(item: ItemView, onKept: () => void): AnswerTools;
  remember(note: PartNote): void;
  announce(text: string): void;
}

const MINUTE_MS = 60_000;

export class PartScreen {
  readonly element: HTMLElement;
  #note: PartNote;
  #question: Question | null = null;
  #stimulusId: string | undefined;
  readonly #navigator = h("ol", { class: "part-numbers" });
  readonly #count = h("p", {});
  readonly #progress = h("progress", { "aria-label": "Items done" });
  readonly #stimulus = h("div", { class: "part-stimulus", tabindex: "0", role: "region", "aria-label": "The text" });
  readonly #answer = h("div", { class: "part-question" });
  readonly #message = h("p", { class: "answer-note", role: "status" });
  readonly #clock = h("span", { class: "answer-clock" });
  readonly #bar = h("progress", { max: "1", value: "1", "aria-hidden": "true" });
  readonly #previous = way("Previous", "btn-outline-secondary", () => this.#step(-1));
  readonly #next = way("Next", "btn-primary", () => this.#step(1));
  readonly #flag = way("", "btn-outline-secondary part-flag", () => this.#toggleFlag());
  readonly #finish = way("Finish this part", "btn-outline-primary part-finish", () => this.#ask());
  readonly #dialog = h("dialog", { class: "part-dialog", "aria-labelledby": "part-dialog-title" });
  #finished: () => void = () => undefined;
  #leftMs = 0;
  #isOver = false;

  constructor(private readonly tools: PartTools) {
    const { items, section, total } = tools;
    this.#note = noteFrom(tools.note, items, (item) => tools.contentOf(item));
    this.#progress.max = total;
    const first = items[0]!;
    this.element = h(
      "section",
      { class: "exam-item answer-item part-item", "data-part": first.section_letter },
      h("header", { class: "exam-item-head" }, h("h1", {}, `Part ${first.section_letter}`, section ? h("span", {}, ` ${section.title}`) : null), this.#count),
      this.#progress,
      h("div", { class: "answer-time" }, this.#bar, icon("clock"), this.#clock),
      h("nav", { class: "part-navigator", "aria-label": "Questions of this part" }, this.#navigator),
      h("div", { class: "part-sheet" }, this.#stimulus, h("div", { class: "part-side" }, this.#answer, this.#message, h("div", { class: "part-ways" }, this.#previous, this.#flag, this.#next, this.#finish))),
      this.#dialog,
    );
    this.element.addEventListener("answer:note", (event) => (this.#message.textContent = (event as CustomEvent<string>).detail));
    this.#dialog.addEventListener("close", () => this.#question?.part.setEnabled(!this.#isOver));
    this.element.addEventListener("answer:next", () => (this.#isLast ? this.#ask() : this.#step(1)));
    this.#show();
  }

  /** The question that is on. */
  get item(): ItemView {
    return this.tools.items.find((item) => item.position === this.#note.current) ?? this.tools.items[0]!;
  }

  /** Until the candidate finishes the part; the session ends it when its time is over by aborting `signal`. */
  async run(offsetMs: number, signal: AbortSignal): Promise<void> {
    const began = performance.now() - offsetMs;
    const windowMs = this.item.window_ms;
    const warnings = [MINUTE_MS, SOON_MS].filter((each) => each * 2 < windowMs && each < windowMs - offsetMs);
    const tick = (): void => {
      this.#showTime(Math.max(0, windowMs - (performance.now() - began)), windowMs);
      if (warnings[0] !== undefined && this.#leftMs <= warnings[0]) {
        this.tools.announce(warnings.shift() === MINUTE_MS ? "One minute left for this part." : "Ten seconds left for this part.");
      }
    };
    const timer = setInterval(tick, TICK_MS);
    tick();
    this.#question?.part.focus();
    try {
      await new Promise<void>((resolve) => {
        this.#finished = resolve;
        signal.addEventListener("abort", () => resolve(), { once: true });
        if (signal.aborted) resolve();
      });
    } finally {
      clearInterval(timer);
      this.#isOver = true;
      if (this.#dialog.open) this.#dialog.close();
      this.#question?.part.setEnabled(false);
      for (const button of this.element.querySelectorAll("button")) button.disabled = true;
    }
  }

  /** Keeps an empty answer to each question without one: then the server knows that, and waits for nothing. */
  keepBlanks(): void {
    for (const item of this.tools.items) {
      if (this.tools.contentOf(item) != null) continue;
      const tools = this.tools.toolsFor(item, () => undefined);
      tools.keep(QUESTIONS[item.task]!(tools).part.content());
    }
  }

  // --- which question -----------------------------------------------------------------------------------------------

  get #index(): number {
    return this.tools.items.indexOf(this.item);
  }

  get #isLast(): boolean {
    return this.#index === this.tools.items.length - 1;
  }

  #step(by: number): void {
    const item = this.tools.items[this.#index + by];
    if (item) this.#goTo(item.position);
  }

  #goTo(position: number): void {
    this.#remember({ ...this.#note, current: position });
    this.#show();
    this.#question?.part.focus();
  }

  #toggleFlag(): void {
    this.#remember(withFlag(this.#note, this.item.position));
    this.#showNavigator();
  }

  #remember(note: PartNote): void {
    this.#note = note;
    this.tools.remember(note);
  }

  #states(): QuestionState[] {
    return statesOf(this.tools.items, this.#note, (item) => this.tools.contentOf(item));
  }

  // --- what is on the screen ----------------------------------------------------------------------------------------

  #show(): void {
    const { item } = this;
    this.element.dataset.position = String(item.position);
    this.element.dataset.task = item.task;
    this.#progress.value = item.position;
    this.#count.textContent = `Question ${item.number} of ${item.of}`;
    this.#message.textContent = "";
    const question = QUESTIONS[item.task]!(this.tools.toolsFor(item, () => this.#showNavigator()));
    question.part.setEnabled(true);
    this.#question = question;
    this.#answer.replaceChildren(h("p", { class: "answer-ask", id: "answer-ask" }, question.ask), question.part.element, h("p", { class: "answer-keys" }, question.keys));
    const stimulus = stimulusOf(item);
    if (item.shown?.stimulus?.id !== this.#stimulusId || !stimulus) {
      this.#stimulusId = item.shown?.stimulus?.id;
      this.#stimulus.replaceChildren(...(stimulus ? [stimulus] : []));
      this.#stimulus.scrollTop = 0;
      window.scrollTo({ top: 0 });
      this.#stimulus.hidden = !stimulus;
      this.element.classList.toggle("part-wide", stimulus !== null);
    }
    this.#previous.disabled = this.#index === 0;
    this.#next.hidden = this.#isLast;
    this.#finish.classList.toggle("btn-primary", this.#isLast);
    this.#finish.classList.toggle("btn-outline-primary", !this.#isLast);
    this.#showNavigator();
  }

  #showNavigator(): void {
    const states = this.#states();
    this.#navigator.replaceChildren(...states.map((state) => h("li", {}, this.#number(state))));
    const flagged = states.some((state) => state.isCurrent && state.isFlagged);
    this.#flag.setAttribute("aria-pressed", String(flagged));
    this.#flag.replaceChildren(icon("flag"), h("span", {}, flagged ? "Flagged for review" : "Flag for review"));
  }

  #number(state: QuestionState): HTMLElement {
    const kind = [state.isAnswered ? "part-answered" : "", state.isFlagged ? "part-flagged" : ""].join(" ");
    return h(
      "button",
      {
        type: "button",
        class: `part-number ${kind}`,
        "aria-label": labelOf(state),
        "aria-current": state.isCurrent ? "step" : null,
        "on:click": () => this.#goTo(state.position),
      },
      String(state.number),
      state.isAnswered ? icon("check") : null,
      state.isFlagged ? h("span", { class: "part-mark" }, icon("flag")) : null,
    );
  }

  #showTime(leftMs: number, windowMs: number): void {
    this.#leftMs = leftMs;
    this.#clock.textContent = `${minutesAndSeconds(leftMs)} left for this part`;
    this.#bar.value = leftMs / Math.max(1, windowMs);
    this.element.classList.toggle("answer-short", leftMs <= MINUTE_MS);
    const clock = this.#dialog.querySelector(".answer-clock");
    if (clock) clock.textContent = `${minutesAndSeconds(leftMs)} left`;
  }

  /** A part is finished once: what has no answer is named before. */
  #ask(): void {
    const back = way("Go back", "btn-outline-secondary", () => this.#dialog.close());
    const finish = way("Finish this part", "btn-primary", () => {
      this.#dialog.close();
      this.#finished();
    });
    this.#dialog.replaceChildren(
      h("h2", { id: "part-dialog-title" }, "Finish this part?"),
      ...summaryOf(this.#states()).map((text) => h("p", {}, text)),
      h("p", { class: "part-dialog-hint" }, "After this you cannot come back to these questions. ", h("span", { class: "answer-clock" })),
      h("div", { class: "part-ways" }, back, finish),
    );
    this.#question?.part.setEnabled(false); // a number key must not change an answer behind it
    this.#dialog.showModal();
    this.#showTime(this.#leftMs, this.item.window_ms);
  }
}

function way(label: string, kind: string, act: () => void): HTMLButtonElement {
  return h("button", { type: "button", class: `btn btn-lg ${kind}`, "on:click": act }, label);
}
