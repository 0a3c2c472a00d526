import { h } from "../exam/dom";
import { connectionLabel, microphoneLabel, placeLabel, scoringLabel, uploadsLabel, type Label, type Row } from "./rows";

const STATE = 0;

interface Drawn {
  element: HTMLTableRowElement;
  cells: HTMLTableCellElement[];
  texts: string[];
}

/** The table's body. A row is built once; later only the cells whose text has changed are touched. */
export class RowTable {
  readonly #drawn = new Map<string, Drawn>();

  constructor(private readonly body: HTMLTableSectionElement) {}

  draw(row: Row, nowMs: number): void {
    const drawn = this.#drawn.get(row.student_id) ?? this.#build(row);
    const labels = [placeLabel(row), connectionLabel(row, nowMs), microphoneLabel(row), uploadsLabel(row), scoringLabel(row)];
    labels.forEach((label, index) => this.#set(drawn, index, label));
  }

  /** Shows exactly these, in this order; moves only what is not in its place. */
  arrange(rows: readonly Row[]): void {
    const wanted = new Set<Element>();
    let cursor: Element | null = this.body.firstElementChild;
    for (const row of rows) {
      const element = this.#drawn.get(row.student_id)?.element;
      if (!element) continue;
      wanted.add(element);
      if (cursor === element) cursor = cursor.nextElementSibling;
      else this.body.insertBefore(element, cursor);
    }
    while (cursor) {
      const next: Element | null = cursor.nextElementSibling;
      if (!wanted.has(cursor)) cursor.remove();
      cursor = next;
    }
  }

  clear(): void {
    this.#drawn.clear();
    this.body.replaceChildren();
  }

  #build(row: Row): Drawn {
    const cells = ["State", "Connection", "Microphone", "Uploads", "Scoring"].map((name) => h("td", { "data-label": name }));
    const name = h("th", { scope: "row" }, h("a", { href: `/students/${encodeURIComponent(row.student_id)}` }, row.student_name), h("span", {}, row.roll_number));
    const element = h("tr", { "data-student": row.student_id }, name, ...cells);
    const drawn = { element, cells, texts: cells.map(() => "") };
    this.#drawn.set(row.student_id, drawn);
    return drawn;
  }

  #set(drawn: Drawn, index: number, label: Label | null): void {
    const text = label ? `${label.tone} ${label.text}` : "none";
    const cell = drawn.cells[index];
    if (!cell || drawn.texts[index] === text) return;
    drawn.texts[index] = text;
    cell.replaceChildren(spanOf(label, index === STATE));
  }
}

/** What is as it should be stays plain, so that trouble stands out. */
function spanOf(label: Label | null, isState: boolean): HTMLElement {
  if (!label) return h("span", { class: "monitor-nothing" }, "–");
  const plain = !isState && (label.tone === "green" || label.tone === "secondary");
  return h("span", { class: plain ? `monitor-fine ${label.tone}` : `badge viva-badge viva-${label.tone}` }, label.text);
}
