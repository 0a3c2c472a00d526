import "./monitor.scss";
import { ServerClock } from "../exam/clock";
import { watchRoom } from "../live/room";
import { matches, sorted, summarise, withEvent, type Filter, type Order, type Row, type RowEvent, type Summary } from "./rows";
import { RowTable } from "./table";

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
  readonly #table: RowTable;
  #frame = 0;
  #spoken = "";
  #arrangedAt = 0;
  #arrangeTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(root: HTMLElement) {
    this.#root = root;
    this.#table = new RowTable(root.querySelector("tbody")!);
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
      for (const id of gone) this.#rows.delete(id);
      this.#table.clear();
    }
    for (const row of this.#rows.values()) this.#table.draw(row, this.#clock.now());
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
    const now = this.#clock.now();
    for (const id of this.#changed) this.#table.draw(this.#rows.get(id)!, now);
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
    this.#table.arrange(shown);
    this.#root.querySelector<HTMLElement>("[data-monitor-none]")!.hidden = shown.length > 0;
    this.#root.querySelector<HTMLElement>("[data-monitor-shown]")!.textContent = shown.length === this.#rows.size ? "" : `${shown.length} of ${this.#rows.size} shown`;
    for (const tile of this.#root.querySelectorAll<HTMLElement>("[data-tile]")) tile.setAttribute("aria-pressed", String(tile.dataset.tile === this.#filter));
  }

  #filterBy(filter: Filter): void {
    const select = this.#root.querySelector<HTMLSelectElement>('[data-monitor-control="filter"]')!;
    select.value = select.value === filter ? "all" : filter;
    this.#arrange();
  }

  /** Nothing came, but time has passed: who was connected may be lost. */
  #age(): void {
    const now = this.#clock.now();
    for (const row of this.#rows.values()) this.#table.draw(row, now);
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

function inWords({ total, waiting, sitting, finished, scored, trouble }: Summary): string {
  return `Of ${total} students, ${waiting} waiting, ${sitting} in the test, ${finished} finished, ${scored} scored. ${trouble} in trouble.`;
}

const root = document.querySelector<HTMLElement>("[data-monitor]");
if (root) new Monitor(root).watch();
