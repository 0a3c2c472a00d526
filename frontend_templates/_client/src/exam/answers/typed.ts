/** Items that are typed: a word in a gap, a sentence, a text. No help of the browser's, and nothing pasted from elsewhere. */
import { h } from "../dom";
import { minutesAndSeconds } from "../clock";
import { goOn, say } from "./panel";
import type { AnswerPart, AnswerTools, MakeQuestion } from "./registry";

type Field = HTMLInputElement | HTMLTextAreaElement;

/** Spelling, completing, correcting and translating are the candidate's own here. */
const UNAIDED = { spellcheck: "false", autocomplete: "off", autocorrect: "off", autocapitalize: "off", "data-gramm": "false", "data-lt-active": "false", translate: "no" };

export function typedBefore(draft: unknown): string {
  const text = (draft as { text?: unknown } | null)?.text;
  return typeof text === "string" ? text : "";
}

export function countWords(text: string): number {
  return text.split(/\s+/).filter((word) => /[\p{L}\p{N}]/u.test(word)).length;
}

/** Keeps each change, and refuses what comes from outside; what was cut or copied here may be put in again here. */
export function unaided(field: Field, onChange: () => void): void {
  let own = "";
  const remember = () => (own = field.value.slice(field.selectionStart ?? 0, field.selectionEnd ?? 0));
  field.addEventListener("copy", remember);
  field.addEventListener("cut", remember);
  field.addEventListener("paste", (event) => {
    if (own && (event as ClipboardEvent).clipboardData?.getData("text/plain") === own) return;
    event.preventDefault();
    say(field, "Pasting is switched off here: please type.");
  });
  field.addEventListener("drop", (event) => event.preventDefault());
  field.addEventListener("input", onChange);
}

function onEnter(field: Field): void {
  field.addEventListener("keydown", (event) => {
    const key = event as KeyboardEvent;
    if (key.key !== "Enter" || key.isComposing) return;
    event.preventDefault();
    goOn(field);
  });
}

function textPart(tools: AnswerTools, field: Field, element: HTMLElement, tick?: (elapsedMs: number) => boolean): AnswerPart {
  field.value = typedBefore(tools.draft);
  unaided(field, () => tools.keep({ text: field.value }));
  return {
    element,
    content: () => ({ text: field.value }),
    isBlank: () => field.value.trim() === "",
    setEnabled: (enabled) => (field.disabled = !enabled),
    focus: () => field.focus(),
    ...(tick ? { tick } : {}),
  };
}

/** One word, typed where it is missing. */
export const sentenceCompletion: MakeQuestion = (tools) => {
  const field = h("input", { type: "text", class: "form-control answer-gap", "aria-label": "The missing word", maxlength: "40", ...UNAIDED });
  onEnter(field);
  const [before, after] = (tools.item.text ?? "").split("___");
  const element = h("p", { class: "answer-sentence" }, before ?? "", field, after ?? "");
  return { ask: "Type the one word that is missing", part: textPart(tools, field, element), keys: "Enter goes on." };
};

/** A heard sentence. */
export const dictation: MakeQuestion = (tools) => {
  const field = h("input", { type: "text", class: "form-control form-control-lg answer-line", "aria-labelledby": "answer-ask", maxlength: "300", ...UNAIDED });
  onEnter(field);
  return { ask: "Type the sentence exactly as you hear it", part: textPart(tools, field, field), keys: "Enter goes on." };
};

/** A text that is read, goes, and is written again. */
export const passageReconstruction: MakeQuestion = (tools) => {
  const readingMs = tools.item.shown?.reading_ms ?? 0;
  const passage = h("p", { class: "answer-passage" }, tools.item.text ?? "");
  const reading = h("p", { class: "answer-counter" });
  const { field, counter } = area(tools, 7, "Write down what the text said");
  const element = h("div", { class: "answer-block" }, passage, reading, field, counter);
  let writes = false;
  const part = textPart(tools, field, element, (elapsedMs) => {
    const leftMs = readingMs - elapsedMs;
    passage.hidden = reading.hidden = leftMs <= 0;
    field.hidden = counter.hidden = leftMs > 0;
    reading.textContent = `Read. The text goes in ${minutesAndSeconds(Math.max(0, leftMs))}.`;
    if (leftMs <= 0 && !writes) {
      writes = true;
      field.focus();
      tools.announce("The text is gone. Write what it said.");
    }
    return leftMs > 0;
  });
  return { ask: "Read the text; when it goes, write what it said", part, keys: "" };
};

/** A longer text with its words counted. */
function area(tools: AnswerTools, rows: number, label: string): { field: HTMLTextAreaElement; counter: HTMLElement } {
  const field = h("textarea", { class: "form-control answer-area", rows: String(rows), "aria-label": label, "aria-describedby": "answer-counter", maxlength: "19000", ...UNAIDED });
  const counter = h("p", { class: "answer-counter", id: "answer-counter" });
  const { least_words: least, most_words: most } = tools.item.shown ?? {};
  const count = (text: string) => {
    const words = countWords(text);
    const range = least && most ? ` · ${least} to ${most} are asked for` : "";
    counter.textContent = `${words} ${words === 1 ? "word" : "words"}${range}`;
    counter.classList.toggle("answer-enough", least !== undefined && words >= least && words <= (most ?? Infinity));
  };
  field.addEventListener("input", () => count(field.value));
  count(typedBefore(tools.draft));
  return { field, counter };
}

export const email: MakeQuestion = (tools) => {
  const points = tools.item.shown?.points ?? [];
  const { field, counter } = area(tools, 9, "Your e-mail");
  const element = h(
    "div",
    { class: "answer-block" },
    h("p", { class: "answer-situation" }, tools.item.text ?? ""),
    h("p", { class: "answer-sub" }, "Say something about each of these:"),
    h("ul", { class: "answer-points" }, ...points.map((point) => h("li", {}, point))),
    field,
    counter,
  );
  return { ask: "Write the e-mail", part: textPart(tools, field, element), keys: "", nextLabel: "Finished, next" };
};

export const essay: MakeQuestion = (tools) => {
  const source = tools.item.shown?.source;
  const { field, counter } = area(tools, 9, "Your text");
  const element = h(
    "div",
    { class: "answer-block" },
    source ? h("blockquote", { class: "answer-source" }, source) : null,
    h("p", { class: "answer-situation" }, tools.item.text ?? ""),
    field,
    counter,
  );
  return { ask: source ? "Read, summarize, and give your opinion" : "Write your text", part: textPart(tools, field, element), keys: "", nextLabel: "Finished, next" };
};

/** A printed text, copied for a minute. */
export const typing: MakeQuestion = (tools) => {
  const field = h("textarea", { class: "form-control answer-area", rows: "6", "aria-label": "Type the text here", maxlength: "4000", ...UNAIDED });
  const text = tools.item.text ?? "";
  const copy = h("p", { class: "answer-passage answer-copy", translate: "no", tabindex: "0", role: "region", "aria-label": "The text to type" }, text);
  // The line that is being typed stays in sight.
  field.addEventListener("input", () => (copy.scrollTop = (copy.scrollHeight * field.value.length) / Math.max(1, text.length) - copy.clientHeight / 3));
  const element = h("div", { class: "answer-block" }, copy, field);
  return { ask: "Type this text until the time is over", part: textPart(tools, field, element), keys: "Not scored: it shows how fast you type." };
};
