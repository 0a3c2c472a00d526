import { h } from "../exam/dom";
import { watchRoom } from "../live/room";
import { countStates, newer, type Counts, type DispatchRow, type DispatchState } from "./rows";

interface Pause {
  paused_until: string | null;
  pause_reason: string | null;
}
interface Snapshot {
  rows: DispatchRow[];
  pause: Pause;
}
interface News {
  row?: DispatchRow;
  pause?: Pause;
}

const LABELS: Record<DispatchState, [text: string, tone: string]> = {
  queued: ["Waiting", "secondary"],
  claimed: ["On its way", "blue"],
  sent: ["Sent", "green"],
  failed: ["Failed", "red"],
  unknown: ["Not certain", "yellow"],
};

/** Keeps the mailing's page up to date. The page itself is whole without scripts: it is as fresh as its last load. */
class Mailing {
  readonly #rows = new Map<string, DispatchRow>();

  constructor(private readonly root: HTMLElement) {
    for (const element of root.querySelectorAll<HTMLElement>("[data-dispatch]")) {
      const { dispatch = "", state = "queued", version = "0" } = element.dataset;
      this.#rows.set(dispatch, { dispatch_id: dispatch, state: state as DispatchState, reason: null, version: Number(version) });
    }
  }

  watch(): void {
    watchRoom<Snapshot, News>("join_mailing", { mailing_id: this.root.dataset.mailing ?? "" }, "mailing_progressed", {
      onSnapshot: ({ rows, pause }) => {
        rows.forEach((row) => this.#apply(row));
        this.#showPause(pause);
        this.#showCounts();
      },
      onEvent: ({ row, pause }) => {
        if (row) this.#apply(row);
        if (pause) this.#showPause(pause);
        this.#showCounts();
      },
      onConnection: (connected) => this.root.classList.toggle("stale", !connected),
      onRefused: () => this.root.classList.add("stale"),
    });
  }

  #apply(row: DispatchRow): void {
    const before = this.#rows.get(row.dispatch_id);
    if (newer(before, row) !== row) return;
    this.#rows.set(row.dispatch_id, row);
    const element = this.root.querySelector<HTMLElement>(`[data-dispatch="${CSS.escape(row.dispatch_id)}"]`);
    if (!element) return;
    // What to do about an uncertain mail is a form that only the server draws.
    if (row.state === "unknown" && before?.state !== "unknown") return this.#offerReload(element);
    const [text, tone] = LABELS[row.state];
    element.dataset.state = row.state;
    element.querySelector('[data-cell="state"]')?.replaceChildren(h("span", { class: `badge viva-badge viva-${tone}` }, text));
    element.querySelector('[data-cell="reason"]')?.replaceChildren(row.reason ?? "");
  }

  #offerReload(element: HTMLElement): void {
    const [text, tone] = LABELS.unknown;
    element.querySelector('[data-cell="state"]')?.replaceChildren(h("span", { class: `badge viva-badge viva-${tone}` }, text));
    element.querySelector('[data-cell="reason"]')?.replaceChildren(h("a", { href: location.pathname }, "Decide what to do"));
  }

  #showPause(pause: Pause): void {
    const note = this.root.querySelector<HTMLElement>("[data-pause]");
    if (!note) return;
    note.hidden = pause.paused_until === null;
    const reason = note.querySelector("[data-pause-reason]");
    if (reason) reason.textContent = pause.pause_reason ?? "";
  }

  #showCounts(): void {
    const counts = countStates(this.#rows.values());
    const values = this.root.querySelectorAll("[data-counts] .viva-stat-value");
    inOrder(counts).forEach((text, index) => {
      const value = values[index];
      if (value) value.textContent = text;
    });
    const bar = this.root.querySelector<HTMLProgressElement>("[data-progress]");
    if (bar) [bar.max, bar.value] = [Math.max(1, counts.total), counts.sent];
    const again = document.querySelector<HTMLElement>("[data-again]");
    if (again) again.hidden = counts.failed === 0;
  }
}

/** As the page's tiles stand. */
function inOrder(counts: Counts): string[] {
  return [`${counts.sent} of ${counts.total}`, String(counts.waiting), String(counts.failed), String(counts.unknown)];
}

const root = document.querySelector<HTMLElement>("[data-mailing]");
if (root) new Mailing(root).watch();
