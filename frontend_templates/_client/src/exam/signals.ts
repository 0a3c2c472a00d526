/** What the page notices of the candidate leaving it: kept, sent, shown to the candidate later. Nothing is judged here. */

export type SignalKind = "tab_left" | "window_blurred" | "fullscreen_left" | "paste_tried" | "clock_skew" | "taken_over";

export interface Signal {
  signal_id: string;
  kind: SignalKind;
  at: string;
  duration_ms: number | null;
}

/** A glance at a notification is no signal. */
export const SHORTEST_MS = 1000;
export const SKEW_MS = 120_000;
const BATCH = 50;
const KEPT = 300;
const SEND_MS = 5000;

interface Options {
  /** The server's time in ms; NaN before it is known. */
  now: () => number;
  deviceNow: () => number;
  /** Whether the test's clock runs for this page. */
  isOn: () => boolean;
  send: (signals: Signal[]) => Promise<unknown>;
  newId?: () => string;
}

/** Keeps signals until they are sent. Safe to send twice: each has its id. */
export class Signals {
  #waiting: Signal[] = [];
  #sending = false;
  #kept = 0;
  readonly #since = new Map<SignalKind, number>();
  #saidSkew = false;

  constructor(private readonly options: Options) {}

  get waiting(): number {
    return this.#waiting.length;
  }

  /** Something has begun that lasts, such as being away. */
  begin(kind: SignalKind): void {
    const now = this.options.now();
    if (this.options.isOn() && !Number.isNaN(now) && !this.#since.has(kind)) this.#since.set(kind, now);
  }

  end(kind: SignalKind): void {
    const since = this.#since.get(kind);
    if (since === undefined) return;
    this.#since.delete(kind);
    const lasted = this.options.now() - since;
    if (lasted >= SHORTEST_MS) this.#keep(kind, since, Math.round(lasted));
  }

  note(kind: SignalKind): void {
    const now = this.options.now();
    if (this.options.isOn() && !Number.isNaN(now)) this.#keep(kind, now, null);
  }

  /** Another page or device went on with the exam while this one was open. */
  takenOver(): void {
    const now = this.options.now();
    if (!Number.isNaN(now)) this.#keep("taken_over", now, null);
  }

  /** Once a sitting: a wrong clock is the device's fault, and harms nothing. */
  checkClock(): void {
    const skew = Math.abs(this.options.deviceNow() - this.options.now());
    if (this.#saidSkew || !this.options.isOn() || !(skew > SKEW_MS)) return;
    this.#saidSkew = true;
    this.#keep("clock_skew", this.options.now(), Math.min(Math.round(skew), 24 * 3600 * 1000));
  }

  async flush(): Promise<void> {
    if (this.#sending || this.#waiting.length === 0) return;
    this.#sending = true;
    const batch = this.#waiting.slice(0, BATCH);
    try {
      await this.options.send(batch);
      const sent = new Set(batch.map((signal) => signal.signal_id));
      this.#waiting = this.#waiting.filter((signal) => !sent.has(signal.signal_id));
    } catch {
      /* tried again with the next */
    } finally {
      this.#sending = false;
    }
  }

  #keep(kind: SignalKind, at: number, durationMs: number | null): void {
    if (this.#kept >= KEPT) return;
    this.#kept += 1;
    const id = this.options.newId?.() ?? crypto.randomUUID();
    this.#waiting.push({ signal_id: id, kind, at: new Date(at).toISOString(), duration_ms: durationMs });
  }
}

/** Ties signals to this page's events. */
export function watchPage(signals: Signals): void {
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "hidden") return signals.begin("tab_left");
    signals.end("tab_left");
    signals.end("window_blurred"); // hidden and unfocused is one absence, told by the tab
  });
  window.addEventListener("blur", () => {
    // The tab's own event comes at the same time when the tab is left.
    setTimeout(() => document.visibilityState === "visible" && !document.hasFocus() && signals.begin("window_blurred"), 250);
  });
  window.addEventListener("focus", () => signals.end("window_blurred"));
  document.addEventListener("fullscreenchange", () => !document.fullscreenElement && signals.note("fullscreen_left"));
  document.addEventListener("paste", () => signals.note("paste_tried"), { capture: true });
  setInterval(() => {
    signals.checkClock();
    void signals.flush();
  }, SEND_MS);
}
