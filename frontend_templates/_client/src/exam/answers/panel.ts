/** What every typed or chosen item that stands alone has around its answer: where it is, what to do, its clock, the way on. */
import { minutesAndSeconds } from "../clock";
import { h, icon } from "../dom";
import { promptMs } from "../machine";
import type { ItemView } from "../types";
import type { AnswerScreen, AnswerTools, Question } from "./registry";

export const TICK_MS = 200;
export const SOON_MS = 10_000;

export function panel(tools: AnswerTools, options: Question): AnswerScreen {
  const { item, section, total } = tools;
  const { part } = options;
  const clock = h("span", { class: "answer-clock" });
  const bar = h("progress", { max: "1", value: "1", "aria-hidden": "true" });
  const note = h("p", { class: "answer-note", role: "status" });
  const next = h("button", { type: "button", class: "btn btn-primary btn-lg answer-next" }, options.nextLabel ?? "Next");
  const element = h(
    "section",
    { class: "exam-item answer-item", "data-position": String(item.position), "data-task": item.task },
    h(
      "header",
      { class: "exam-item-head" },
      h("h1", {}, `Part ${item.section_letter}`, section ? h("span", {}, ` ${section.title}`) : null),
      h("p", {}, `Item ${item.number} of ${item.of}`),
    ),
    h("progress", { max: String(total), value: String(item.position), "aria-label": "Items done" }),
    h("div", { class: "answer-time" }, bar, icon("clock"), clock),
    item.practice ? h("p", { class: "exam-practice" }, "Practice, not scored") : null,
    stimulusOf(item),
    h("p", { class: "answer-ask", id: "answer-ask" }, options.ask),
    part.element,
    note,
    h("div", { class: "answer-actions" }, next, h("p", { class: "answer-keys" }, options.keys)),
  );

  function showTime(elapsedMs: number): void {
    const intoWindow = elapsedMs - promptMs(item);
    const leftMs = Math.max(0, item.window_ms - Math.max(0, intoWindow));
    clock.textContent = intoWindow < 0 ? "Listen" : `${minutesAndSeconds(leftMs)} left`;
    bar.value = leftMs / Math.max(1, item.window_ms);
    element.classList.toggle("answer-short", intoWindow >= 0 && leftMs <= SOON_MS);
    next.hidden = part.tick?.(elapsedMs) ?? false;
  }

  async function run(_: ItemView, offsetMs: number, signal: AbortSignal): Promise<void> {
    const began = performance.now() - offsetMs;
    const elapsed = () => performance.now() - began;
    let warned = false;
    const timer = setInterval(() => {
      showTime(elapsed());
      const leftMs = promptMs(item) + item.window_ms - elapsed();
      if (!warned && leftMs < SOON_MS && item.window_ms > 2 * SOON_MS) {
        warned = true;
        tools.announce("Ten seconds left.");
      }
    }, TICK_MS);
    try {
      showTime(offsetMs);
      if (offsetMs < promptMs(item)) {
        await listen(offsetMs, signal);
      }
      part.setEnabled(true);
      part.focus();
      await gone(signal);
    } finally {
      clearInterval(timer);
      part.setEnabled(false);
      next.disabled = true;
      // Also when nothing was typed: then the server knows that, and waits for nothing.
      tools.keep(part.content());
    }
  }

  async function listen(offsetMs: number, signal: AbortSignal): Promise<void> {
    part.setEnabled(false);
    next.disabled = true;
    note.textContent = "You hear this once.";
    const onWaiting = (waiting: boolean) => {
      note.textContent = waiting ? "Waiting for the sound." : "You hear this once.";
    };
    await tools.playPrompt(offsetMs, onWaiting, signal);
    note.textContent = "";
    next.disabled = false;
  }

  /** Until the candidate goes on. An empty answer is asked about once: a key that was hit by mistake must not cost an item. */
  function gone(signal: AbortSignal): Promise<void> {
    let asked = false;
    return new Promise((resolve) => {
      const goOn = () => {
        if (part.isBlank() && !asked) {
          asked = true;
          note.textContent = "Nothing is answered yet. Press again to go on without an answer.";
          return;
        }
        resolve();
      };
      next.addEventListener("click", goOn);
      element.addEventListener("answer:next", goOn);
      signal.addEventListener("abort", () => resolve(), { once: true });
      if (signal.aborted) resolve();
    });
  }

  element.addEventListener("answer:note", (event) => (note.textContent = (event as CustomEvent<string>).detail));
  return { element, run };
}

/** From inside a part: go on, as the button does. */
export function goOn(from: HTMLElement): void {
  from.dispatchEvent(new CustomEvent("answer:next", { bubbles: true }));
}

export function say(from: HTMLElement, text: string): void {
  from.dispatchEvent(new CustomEvent("answer:note", { bubbles: true, detail: text }));
}

export function stimulusOf(item: ItemView): HTMLElement | null {
  const stimulus = item.shown?.stimulus;
  if (!stimulus) return null;
  return h(
    "article",
    { class: "answer-stimulus" },
    h("h2", {}, stimulus.title),
    ...(stimulus.text?.split("\n").map((paragraph) => h("p", {}, paragraph)) ?? []),
    stimulus.text ? null : h("p", { class: "answer-heard" }, item.prompt ? "You hear this once. Read the question meanwhile." : "You have heard this."),
  );
}

/** Number keys 1..9 anywhere on the item, unless somebody types into a field. */
export function onNumber(element: HTMLElement, choose: (index: number) => void): void {
  const listener = (event: KeyboardEvent) => {
    if (!element.isConnected) return document.removeEventListener("keydown", listener);
    if (event.ctrlKey || event.metaKey || event.altKey || !/^[1-9]$/.test(event.key)) return;
    if (event.target instanceof HTMLInputElement && event.target.type === "text") return;
    choose(Number(event.key) - 1);
  };
  document.addEventListener("keydown", listener);
}
