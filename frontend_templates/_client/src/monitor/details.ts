/** The drawer with one candidate: how they stand, what can be done, and everything that happened. */
import { h } from "../exam/dom";
import { NotDone, type Calls, type Happening } from "./calls";
import { spanOf } from "./row";
import { connectionLabel, grantedOf, identityLabel, microphoneLabel, placeLabel, reachable, scoringLabel, signalsLabel, troublesOf, uploadsLabel, type Action, type Label, type Row } from "./rows";

const AGAIN_MS = 1500;
const KINDS: Record<Happening["kind"], string> = { move: "Test", signal: "Signal", incident: "Incident", message: "Message", identity: "Identity", control: "Control" };

export interface DetailsParts {
  calls: Calls;
  now(): number;
  timeZone: string;
  act(action: Action, row: Row): void;
  identify(row: Row): void;
}

export class Details {
  readonly #dialog: HTMLDialogElement;
  #row: Row | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    root: HTMLElement,
    private readonly parts: DetailsParts,
  ) {
    this.#dialog = root.querySelector<HTMLDialogElement>("[data-details]")!;
    this.#find("[data-details-close]").addEventListener("click", () => this.#dialog.close());
    this.#dialog.addEventListener("close", () => {
      this.#row = null;
      clearTimeout(this.#timer);
    });
    for (const button of this.#dialog.querySelectorAll<HTMLButtonElement>("[data-act]")) {
      button.addEventListener("click", () => this.#row && parts.act(button.dataset.act as Action, this.#row));
    }
    this.#dialog.querySelector("[data-identify]")?.addEventListener("click", () => this.#row && parts.identify(this.#row));
  }

  open(row: Row): void {
    this.#row = row;
    this.#find("[data-details-happenings]").replaceChildren(h("li", { class: "monitor-none" }, "Loading …"));
    this.#draw();
    this.#dialog.showModal();
    this.#find("[data-details-name]").focus();
    void this.#load();
  }

  /** The candidate's row has changed: so has what happened. */
  update(row: Row): void {
    if (this.#row?.student_id !== row.student_id) return;
    this.#row = row;
    this.#draw();
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#load(), AGAIN_MS);
  }

  #draw(): void {
    const row = this.#row;
    if (!row) return;
    const now = this.parts.now();
    this.#find("[data-details-name]").textContent = row.student_name;
    this.#find("[data-details-roll]").textContent = row.roll_number;
    const troubles = troublesOf(row, now);
    this.#find("[data-details-troubles]").replaceChildren(...troubles.map((each) => spanOf(each, true)));
    const granted = grantedOf(row);
    const facts: [string, Label | null][] = [
      ["State", placeLabel(row)],
      ["Accommodations", granted && { text: granted.long, tone: "secondary" }],
      ["Identity", identityLabel(row) ?? (row.identity ? { text: "checked", tone: "green" } : null)],
      ["Connection", connectionLabel(row, now)],
      ["Microphone", microphoneLabel(row)],
      ["Uploads", uploadsLabel(row)],
      ["Signals", signalsLabel(row)],
      ["Scoring", scoringLabel(row)],
    ];
    const lines = facts.flatMap(([name, label]) => [h("dt", {}, name), h("dd", {}, label ? spanOf(label, name === "State") : "–")]);
    this.#find("[data-details-facts]").replaceChildren(...lines);
    for (const button of this.#dialog.querySelectorAll<HTMLButtonElement>("[data-act]")) {
      button.hidden = reachable([row], button.dataset.act as Action).length === 0;
    }
    const identify = this.#dialog.querySelector<HTMLButtonElement>("[data-identify]");
    if (identify) identify.hidden = row.identity !== "";
  }

  async #load(): Promise<void> {
    const row = this.#row;
    if (!row) return;
    let lines: HTMLElement[];
    try {
      const happenings = await this.parts.calls.timeline(row.student_id);
      lines = happenings.map((each) => this.#line(each));
      if (lines.length === 0) lines = [h("li", { class: "monitor-none" }, "Nothing yet.")];
    } catch (error) {
      if (!(error instanceof NotDone)) throw error;
      lines = [h("li", { class: "monitor-none" }, error.message)];
    }
    if (this.#row?.student_id === row.student_id) this.#find("[data-details-happenings]").replaceChildren(...lines);
  }

  #line({ at, kind, text, by }: Happening): HTMLElement {
    const time = new Date(at).toLocaleTimeString("en-GB", { timeZone: this.parts.timeZone });
    return h("li", { class: `happening ${kind}` }, h("time", { datetime: at }, time), h("div", {}, h("span", { class: "visually-hidden" }, `${KINDS[kind]}: `), text, by ? h("span", { class: "by" }, by) : null));
  }

  #find<T extends HTMLElement = HTMLElement>(selector: string): T {
    return this.#dialog.querySelector<T>(selector)!;
  }
}
