import "./monitor.scss";
import { ServerClock } from "../exam/clock";
import { watchRoom } from "../live/room";
import { AskDialog, whom, type Answer } from "./ask";
import { Calls, NotDone, type ControlReport } from "./calls";
import { Details } from "./details";
import { VirtualList } from "./list";
import { rowDrawer } from "./row";
import { matches, reachable, sorted, summarise, withEvent, type Action, type Filter, type Order, type Row, type RowEvent, type Summary } from "./rows";

const AGE_MS = 5000;
const ARRANGE_MS = 1000;
const SPEAK_MS = 30_000;

interface Snapshot {
  server_now: string;
  delivery_id: string;
  rows: Row[];
}

class Monitor {
  readonly #rows = new Map<string, Row>();
  readonly #changed = new Set<string>();
  readonly #clock = new ServerClock();
  readonly #root: HTMLElement;
  readonly #list: VirtualList<Row>;
  readonly #chosen = new Set<string>();
  readonly #calls: Calls;
  readonly #ask: AskDialog;
  readonly #details: Details;
  #shown: readonly Row[] = [];
  #frame = 0;
  #spoken = "";
  #arrangedAt = 0;
  #arrangeTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(root: HTMLElement) {
    this.#root = root;
    this.#calls = new Calls(root.dataset.monitor ?? "", root.dataset.csrf ?? "");
    this.#ask = new AskDialog(root);
    const now = () => this.#clock.now();
    this.#details = new Details(root, {
      calls: this.#calls,
      now,
      timeZone: root.dataset.zone ?? "UTC",
      act: (action, row) => void this.#act(action, [row]),
      identify: (row) => void this.#identifyWithout(row),
    });
    const drawer = rowDrawer({
      isChosen: (id) => this.#chosen.has(id),
      choose: (id, chosen) => this.#choose([id], chosen),
      open: (id) => this.#details.open(this.#rows.get(id)!),
      now,
    });
    this.#list = new VirtualList(root.querySelector("[data-monitor-scroller]")!, root.querySelector("[data-monitor-rows]")!, drawer);
    for (const button of root.querySelectorAll<HTMLButtonElement>("[data-bar] [data-act]")) {
      button.addEventListener("click", () => void this.#act(button.dataset.act as Action, this.#chosenRows()));
    }
    root.querySelector<HTMLInputElement>("[data-choose-shown]")!.addEventListener("change", (event) => {
      const { checked } = event.currentTarget as HTMLInputElement;
      this.#choose(this.#shown.map((row) => row.student_id), checked);
    });
    root.querySelector("[data-choose-none]")!.addEventListener("click", () => this.#choose([...this.#chosen], false));
    root.querySelector<HTMLFormElement>("[data-identity]")!.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.#identify();
    });
    for (const control of root.querySelectorAll("[data-monitor-control]")) control.addEventListener("input", () => this.#arrange());
    for (const tile of root.querySelectorAll<HTMLButtonElement>("[data-tile]")) tile.addEventListener("click", () => this.#filterBy(tile.dataset.tile as Filter));
    setInterval(() => this.#age(), AGE_MS);
    setInterval(() => this.#speak(), SPEAK_MS);
  }

  watch(): void {
    watchRoom<Snapshot, RowEvent>("join_delivery", { delivery_id: this.#root.dataset.monitor ?? "" }, "attempt_progressed", {
      onSnapshot: (snapshot) => this.#start(snapshot),
      onEvent: (event) => this.#apply(event),
      onConnection: (connected) => this.#setConnected(connected),
      onRefused: (detail) => this.#refuse(detail),
    });
  }

  get #filter(): Filter {
    return this.#control("filter") as Filter;
  }

  #control(name: string): string {
    return this.#root.querySelector<HTMLInputElement | HTMLSelectElement>(`[data-monitor-control="${name}"]`)?.value ?? "";
  }

  #start(snapshot: Snapshot): void {
    this.#clock.learn(snapshot.server_now);
    const gone = new Set(this.#rows.keys());
    for (const row of snapshot.rows) {
      gone.delete(row.student_id);
      this.#rows.set(row.student_id, row);
    }
    if (gone.size > 0) {
      for (const id of gone) {
        this.#rows.delete(id);
        this.#chosen.delete(id);
      }
    }
    this.#root.querySelector<HTMLElement>("[data-monitor-loading]")!.hidden = true;
    this.#root.querySelector<HTMLElement>("[data-monitor-empty]")!.hidden = this.#rows.size > 0;
    this.#root.querySelector<HTMLElement>("[data-monitor-board]")!.hidden = this.#rows.size === 0;
    this.#arrange();
    this.#showSummary();
    this.#speak();
  }

  #apply(event: RowEvent): void {
    const before = this.#rows.get(event.student_id);
    if (!before) return; // joined the batch meanwhile: the next whole state has the name
    const after = withEvent(before, event);
    if (after === before) return;
    this.#rows.set(event.student_id, after);
    this.#changed.add(event.student_id);
    // Many events in one frame cost one drawing.
    this.#frame ||= requestAnimationFrame(() => this.#draw());
  }

  #draw(): void {
    this.#frame = 0;
    for (const id of this.#changed) {
      this.#list.refresh(this.#rows.get(id)!);
      this.#details.update(this.#rows.get(id)!);
    }
    this.#changed.clear();
    this.#showSummary();
    this.#arrangeSoon();
  }

  /** At most once a second: rows that jump about cannot be read. */
  #arrangeSoon(): void {
    if (this.#arrangeTimer) return;
    const wait = Math.max(0, this.#arrangedAt + ARRANGE_MS - performance.now());
    this.#arrangeTimer = setTimeout(() => this.#arrange(), wait);
  }

  #arrange(): void {
    clearTimeout(this.#arrangeTimer);
    this.#arrangeTimer = undefined;
    this.#arrangedAt = performance.now();
    const now = this.#clock.now();
    const text = this.#control("find");
    const shown = sorted(this.#rows.values(), this.#control("order") as Order, now).filter((row) => matches(row, this.#filter, text, now));
    this.#shown = shown;
    this.#root.querySelector("[data-monitor-table]")!.setAttribute("aria-rowcount", String(shown.length + 1));
    this.#list.show(shown);
    this.#showChosen();
    this.#root.querySelector<HTMLElement>("[data-monitor-none]")!.hidden = shown.length > 0;
    this.#root.querySelector<HTMLElement>("[data-monitor-shown]")!.textContent = shown.length === this.#rows.size ? "" : `${shown.length} of ${this.#rows.size} shown`;
    for (const tile of this.#root.querySelectorAll<HTMLElement>("[data-tile]")) tile.setAttribute("aria-pressed", String(tile.dataset.tile === this.#filter));
  }

  #filterBy(filter: Filter): void {
    const select = this.#root.querySelector<HTMLSelectElement>('[data-monitor-control="filter"]')!;
    select.value = select.value === filter ? "all" : filter;
    this.#arrange();
  }

  // --- choosing and acting ----------------------------------------------------------------------------------------

  #chosenRows(): Row[] {
    return [...this.#chosen].map((id) => this.#rows.get(id)).filter((row): row is Row => row !== undefined);
  }

  #choose(ids: string[], chosen: boolean): void {
    for (const id of ids) {
      if (chosen) this.#chosen.add(id);
      else this.#chosen.delete(id);
    }
    this.#list.redraw();
    this.#showChosen();
  }

  #showChosen(): void {
    const { size } = this.#chosen;
    const box = this.#root.querySelector<HTMLInputElement>("[data-choose-shown]")!;
    const shownChosen = this.#shown.filter((row) => this.#chosen.has(row.student_id)).length;
    box.checked = this.#shown.length > 0 && shownChosen === this.#shown.length;
    box.indeterminate = shownChosen > 0 && !box.checked;
    this.#root.querySelector<HTMLElement>("[data-bar]")!.hidden = size === 0;
    this.#root.querySelector("[data-chosen]")!.textContent = size === this.#rows.size ? `All ${size} chosen` : `${size} chosen`;
    const rows = this.#chosenRows();
    for (const button of this.#root.querySelectorAll<HTMLButtonElement>("[data-bar] [data-act]")) {
      button.disabled = reachable(rows, button.dataset.act as Action).length === 0;
    }
  }

  async #act(action: Action, rows: Row[]): Promise<void> {
    const reached = reachable(rows, action);
    if (reached.length === 0) return;
    const controlId = crypto.randomUUID(); // one decision: pressed again after a lost reply, it is the same one
    const done = await this.#ask.ask(action, reached, rows.length - reached.length, this.#rows.size, (answer) => this.#do(action, reached, answer, controlId, rows.length === this.#rows.size));
    if (done !== null) this.#tell(done);
  }

  async #do(action: Action, rows: Row[], { text, minutes, isUrgent, kind }: Answer, controlId: string, everybody: boolean): Promise<string> {
    const ids = rows.map((row) => row.student_id);
    const to = whom(rows, this.#rows.size);
    if (action === "message") return this.#calls.message(everybody ? [] : ids, text, isUrgent).then(() => `Message sent to ${to}.`);
    if (action === "incident") return this.#calls.incident(everybody ? [] : ids, kind, text).then(() => `Noted about ${to}.`);
    const attempts = rows.map((row) => row.attempt_id).filter((id): id is string => id !== null);
    // For everybody the test itself is held or moved: it also reaches who is just beginning, and closing time.
    const whole = everybody && (action === "pause" || action === "resume" || action === "extend");
    const report = await this.#calls.control(controlId, action, whole ? "all" : attempts, text, minutes);
    return inWordsOf(action, report);
  }

  async #identify(): Promise<void> {
    const input = this.#root.querySelector<HTMLInputElement>("[data-identity] input")!;
    try {
      const { student_id: id } = await this.#calls.identify({ code: input.value || "-" });
      const row = this.#rows.get(id);
      input.value = "";
      this.#tell(row ? `${row.student_name}, ${row.roll_number}: identity checked.` : "Identity checked.");
    } catch (error) {
      if (!(error instanceof NotDone)) throw error;
      this.#tell(error.message, true);
    }
    input.focus();
  }

  async #identifyWithout(row: Row): Promise<void> {
    const act = (answer: Answer) => this.#calls.identify({ student_id: row.student_id, reason: answer.text }).then(() => `${row.student_name}: identity checked without the card.`);
    const done = await this.#ask.ask("identify", [row], 0, this.#rows.size, act);
    if (done !== null) this.#tell(done);
  }

  #tell(text: string, isProblem = false): void {
    const line = this.#root.querySelector<HTMLElement>("[data-monitor-told]")!;
    line.textContent = text;
    line.classList.toggle("problem", isProblem);
  }

  /** Nothing came, but time has passed: who was connected may be lost. */
  #age(): void {
    this.#list.redraw();
    this.#showSummary();
    this.#arrangeSoon();
  }

  #showSummary(): void {
    const summary = summarise(this.#rows.values(), this.#clock.now());
    for (const [name, count] of Object.entries(summary)) {
      const value = this.#root.querySelector(`[data-count="${name}"]`);
      if (value && value.textContent !== String(count)) value.textContent = String(count);
    }
    this.#root.querySelector('[data-tile="trouble"]')?.classList.toggle("alarm", summary.trouble > 0);
  }

  /** For screen readers: the sums, when they have changed, twice a minute at most. */
  #speak(): void {
    const text = inWords(summarise(this.#rows.values(), this.#clock.now()));
    if (text === this.#spoken) return;
    this.#spoken = text;
    this.#root.querySelector("[data-monitor-speaks]")!.textContent = text;
  }

  #setConnected(connected: boolean): void {
    this.#root.querySelector<HTMLElement>("[data-monitor-lost]")!.hidden = connected;
    this.#root.classList.toggle("stale", !connected);
  }

  #refuse(detail: string): void {
    const lost = this.#root.querySelector<HTMLElement>("[data-monitor-lost]")!;
    lost.hidden = false;
    lost.querySelector("[data-monitor-lost-text]")!.textContent = `${detail} Load the page again.`;
  }
}

function inWords({ total, waiting, sitting, paused, finished, scored, trouble }: Summary): string {
  return `Of ${total} students, ${waiting} waiting, ${sitting} in the test, ${paused} paused, ${finished} finished, ${scored} scored. ${trouble} in trouble.`;
}

const DONE: Partial<Record<Action, string>> = { extend: "Given more time", pause: "Paused", resume: "Going on", reopen: "Reopened", void: "Voided" };

const REFUSED: Record<string, string> = {
  attempt_not_open: "the test is over or was not begun",
  attempt_running: "the test is not over",
  attempt_voided: "the attempt was voided",
  result_released: "the student sees the result: take it back first",
  nothing_left: "every question was passed before the time ended",
  invalid_input: "no time was left: say how many minutes",
};

function inWordsOf(action: Action, { changed, unchanged, refused }: ControlReport): string {
  const codes = Object.values(refused);
  const reasons = [...new Set(codes.map((code) => REFUSED[code] ?? ""))].filter(Boolean).join("; ");
  const parts = [`${DONE[action] ?? "Done"}: ${changed.length}.`];
  if (unchanged.length > 0) parts.push(`As before: ${unchanged.length}.`);
  if (codes.length > 0) parts.push(`Not possible now: ${codes.length}${reasons ? ` (${reasons})` : ""}.`);
  return parts.join(" ");
}

const root = document.querySelector<HTMLElement>("[data-monitor]");
if (root) new Monitor(root).watch();
