/** One candidate's row. Built once; later only the cells whose text has changed are touched. */
import { h } from "../exam/dom";
import type { Drawer } from "./list";
import { connectionLabel, grantedOf, identityLabel, microphoneLabel, placeLabel, scoringLabel, signalsLabel, troublesOf, uploadsLabel, type Label, type Row } from "./rows";

const NAMES = ["State", "Attention", "Connection", "Microphone", "Uploads", "Signals", "Scoring"] as const;

export interface RowActions {
  isChosen(studentId: string): boolean;
  choose(studentId: string, chosen: boolean): void;
  open(studentId: string): void;
  now(): number;
}

export function rowDrawer(actions: RowActions): Drawer<Row> {
  return {
    keyOf: (row) => row.student_id,
    build: (row) => build(row, actions),
    draw: (element, row) => draw(element, row, actions),
  };
}

function build(row: Row, actions: RowActions): HTMLElement {
  const id = row.student_id;
  const box = h("input", { type: "checkbox", class: "form-check-input", "data-place": "choose", "aria-label": `Choose ${row.student_name}` });
  box.addEventListener("change", () => actions.choose(id, box.checked));
  const open = h("button", { type: "button", class: "monitor-name", "data-place": "name", "on:click": () => actions.open(id) }, row.student_name);
  return h(
    "div",
    { class: "monitor-row", role: "row", "data-student": id },
    h("div", { class: "monitor-choose", role: "cell" }, box),
    h("div", { class: "monitor-who", role: "rowheader" }, open, h("span", { class: "monitor-under" }, h("span", {}, row.roll_number), h("span", { class: "monitor-granted", "data-granted": "", hidden: true }))),
    ...NAMES.map((name) => h("div", { role: "cell", "data-label": name })),
  );
}

function draw(element: HTMLElement, row: Row, actions: RowActions): void {
  const now = actions.now();
  const chosen = actions.isChosen(row.student_id);
  const box = element.querySelector<HTMLInputElement>("input");
  if (box && box.checked !== chosen) box.checked = chosen;
  element.classList.toggle("chosen", chosen);
  mark(element.querySelector<HTMLElement>("[data-granted]")!, row);
  const troubles = troublesOf(row, now);
  const identity = identityLabel(row);
  const cells: (Label | null)[][] = [
    [placeLabel(row), identity],
    troubles.slice(0, 2).concat(troubles.length > 2 ? [{ text: `+${troubles.length - 2}`, tone: "secondary", weight: 0 }] : []),
    [connectionLabel(row, now)],
    [microphoneLabel(row)],
    [uploadsLabel(row)],
    [signalsLabel(row)],
    [scoringLabel(row)],
  ];
  cells.forEach((labels, index) => set(element.children[index + 2] as HTMLElement, labels, index < 2));
}

/** That the candidate has accommodations, and which: in short to be seen, whole to be read out and pointed at. */
function mark(element: HTMLElement, row: Row): void {
  const granted = grantedOf(row);
  const long = granted ? `Accommodations: ${granted.long}` : "";
  if (element.title === long) return;
  element.title = long;
  element.hidden = granted === null;
  element.replaceChildren(h("span", { class: "visually-hidden" }, long), h("span", { "aria-hidden": "true" }, granted?.short ?? ""));
}

function set(cell: HTMLElement, labels: (Label | null)[], isState: boolean): void {
  const shown = labels.filter((label): label is Label => label !== null);
  const text = shown.map((label) => `${label.tone} ${label.text}`).join("|");
  if (cell.dataset.text === text) return;
  cell.dataset.text = text;
  cell.classList.toggle("nothing", shown.length === 0);
  cell.replaceChildren(...shown.map((label) => spanOf(label, isState)));
}

/** What is as it should be stays plain, so that trouble stands out. */
export function spanOf(label: Label, isState: boolean): HTMLElement {
  const plain = !isState && (label.tone === "green" || label.tone === "secondary");
  return h("span", { class: plain ? `monitor-fine ${label.tone}` : `badge viva-badge viva-${label.tone}` }, label.text);
}
