/** Items whose answer is chosen: one option, several, an order, pairs, or what fits a gap. */
import { h } from "../dom";
import { onNumber } from "./panel";
import { unaided } from "./typed";
import type { AnswerPart, AnswerTools, MakeQuestion } from "./registry";

export function chosenBefore(draft: unknown): number[] {
  const choices = (draft as { choices?: unknown } | null)?.choices;
  return Array.isArray(choices) ? choices.filter((each): each is number => Number.isInteger(each)) : [];
}

/** The text of a question that stands by itself, or about a stimulus. */
function question(tools: AnswerTools): HTMLElement {
  return h("legend", { class: "answer-question" }, tools.item.text ?? "");
}

function options(tools: AnswerTools, kind: "radio" | "checkbox"): AnswerPart {
  const before = new Set(chosenBefore(tools.draft));
  const inputs = (tools.item.shown?.options ?? []).map((_, index) =>
    h("input", { type: kind, class: "form-check-input", name: "answer", value: String(index), checked: before.has(index) }),
  );
  const element = h(
    "fieldset",
    { class: "answer-options" },
    question(tools),
    ...inputs.map((input, index) =>
      h("label", { class: "answer-option" }, input, h("kbd", { "aria-hidden": "true" }, String(index + 1)), h("span", {}, tools.item.shown?.options?.[index] ?? "")),
    ),
  );
  const chosen = () => inputs.flatMap((input, index) => (input.checked ? [index] : []));
  element.addEventListener("change", () => tools.keep({ choices: chosen() }));
  onNumber(element, (index) => {
    const input = inputs[index];
    if (!input || element.disabled) return;
    input.focus();
    input.click();
  });
  return {
    element,
    content: () => ({ choices: chosen() }),
    isBlank: () => chosen().length === 0,
    setEnabled: (enabled) => (element.disabled = !enabled),
    focus: () => (inputs.find((input) => input.checked) ?? inputs[0])?.focus(),
  };
}

export const multipleChoice: MakeQuestion = (tools) =>
  ({ ask: "Choose one answer", part: options(tools, "radio"), keys: "The number keys choose." });

export const multipleResponse: MakeQuestion = (tools) => {
  const count = tools.item.shown?.choose;
  return { ask: count ? `Choose ${count} answers` : "Choose every right answer", part: options(tools, "checkbox"), keys: "The number keys choose and take back." };
};

export function moved(order: readonly number[], from: number, to: number): number[] {
  if (to < 0 || to >= order.length) return [...order];
  const after = [...order];
  const [part] = after.splice(from, 1);
  after.splice(to, 0, part!);
  return after;
}

/** Parts in a list; each can be moved by its buttons, or by the arrow keys while it has the focus. */
export const ordering: MakeQuestion = (tools) => {
  const parts = tools.item.shown?.parts ?? [];
  const before = chosenBefore(tools.draft);
  let order = before.length === parts.length ? before : parts.map((_, index) => index);
  let touched = before.length === parts.length;
  const list = h("ol", { class: "answer-order" });
  const element = h("fieldset", { class: "answer-options" }, question(tools), list);
  const move = (from: number, to: number, focusOn: "part" | "up" | "down") => {
    if (to < 0 || to >= order.length || element.disabled) return;
    order = moved(order, from, to);
    touched = true;
    tools.keep({ choices: order });
    draw();
    const row = list.children[to];
    row?.querySelector<HTMLElement>(focusOn === "part" ? ".answer-part" : `.answer-${focusOn}`)?.focus();
    tools.announce(`${parts[order[to]!]} Now place ${to + 1} of ${order.length}.`);
  };
  const draw = () => {
    list.replaceChildren(
      ...order.map((part, place) => {
        const handle = h("button", { type: "button", class: "answer-part", "aria-describedby": "answer-keys-hint" }, h("span", { class: "answer-place", "aria-hidden": "true" }, String(place + 1)), parts[part] ?? "");
        handle.addEventListener("keydown", (event) => {
          const by = { ArrowUp: -1, ArrowDown: 1 }[(event as KeyboardEvent).key];
          if (!by) return;
          event.preventDefault();
          move(place, place + by, "part");
        });
        const up = h("button", { type: "button", class: "btn btn-icon answer-up", "aria-label": `Move up: ${parts[part]}`, disabled: place === 0, "on:click": () => move(place, place - 1, "up") }, "↑");
        const down = h("button", { type: "button", class: "btn btn-icon answer-down", "aria-label": `Move down: ${parts[part]}`, disabled: place === order.length - 1, "on:click": () => move(place, place + 1, "down") }, "↓");
        return h("li", {}, handle, up, down);
      }),
    );
  };
  draw();
  element.append(h("p", { class: "visually-hidden", id: "answer-keys-hint" }, "Arrow up and arrow down move it."));
  const part: AnswerPart = {
    element,
    content: () => ({ choices: touched ? order : [] }),
    isBlank: () => !touched,
    setEnabled: (enabled) => (element.disabled = !enabled),
    focus: () => list.querySelector<HTMLElement>(".answer-part")?.focus(),
  };
  return { ask: "Put them into the right order", part, keys: "Arrow up and arrow down move the part that has the focus." };
};

/** To each on the left a choice from the right. */
export const matching: MakeQuestion = (tools) => {
  const { left = [], right = [] } = tools.item.shown ?? {};
  const before = chosenBefore(tools.draft);
  const selects = left.map((text, index) =>
    h(
      "select",
      { class: "form-select form-select-lg", "aria-label": text },
      h("option", { value: "-1" }, "Choose …"),
      ...right.map((each, number) => h("option", { value: String(number), selected: before[index] === number }, each)),
    ),
  );
  const chosen = () => selects.map((select) => Number(select.value));
  const rows = left.map((text, index) => h("div", { class: "answer-pair" }, h("span", {}, text), selects[index]!));
  const element = h("fieldset", { class: "answer-options" }, question(tools), ...rows);
  element.addEventListener("change", () => tools.keep({ choices: chosen() }));
  const part: AnswerPart = {
    element,
    content: () => ({ choices: chosen() }),
    isBlank: () => chosen().every((choice) => choice < 0),
    setEnabled: (enabled) => (element.disabled = !enabled),
    focus: () => selects[0]?.focus(),
  };
  return { ask: "Choose what belongs together", part, keys: "Tab goes to the next, arrows choose." };
};

/** A text with gaps, typed or chosen from what each offers. */
export const gapFill: MakeQuestion = (tools) => {
  const gaps = tools.item.shown?.gaps ?? [];
  const before = (tools.draft as { texts?: string[] } | null)?.texts ?? [];
  const fields = gaps.map((gap, index) => {
    const label = `Gap ${index + 1}`;
    if (gap.options.length) {
      return h("select", { class: "form-select answer-gap", "aria-label": label }, h("option", { value: "" }, "…"), ...gap.options.map((option) => h("option", { selected: before[index] === option }, option)));
    }
    const field = h("input", { type: "text", class: "form-control answer-gap", "aria-label": label, maxlength: "60", spellcheck: "false", autocomplete: "off", autocorrect: "off", autocapitalize: "off" });
    field.value = before[index] ?? "";
    return field;
  });
  const texts = () => fields.map((field) => field.value);
  const keep = () => tools.keep({ texts: texts() });
  const pieces = (tools.item.text ?? "").split(/\{\d+\}/);
  const text = h("p", { class: "answer-sentence answer-gaps" }, ...pieces.flatMap((piece, index) => [piece, fields[index] ?? null]));
  const element = h("fieldset", { class: "answer-options" }, text);
  for (const field of fields) {
    if (field instanceof HTMLInputElement) unaided(field, keep);
    else field.addEventListener("change", keep);
  }
  const part: AnswerPart = {
    element,
    content: () => ({ texts: texts() }),
    isBlank: () => texts().every((each) => each.trim() === ""),
    setEnabled: (enabled) => (element.disabled = !enabled),
    focus: () => fields[0]?.focus(),
  };
  return { ask: "Fill each gap", part, keys: "Tab goes to the next gap." };
};
