/** Times by kind of call in milliseconds, failures by kind and reason. */
export class Figures {
  #times = new Map();
  #failures = new Map();
  #notes = new Map();

  /** Something that was due at `since` (by performance.now()) and is done now. */
  took(kind, since) {
    if (!this.#times.has(kind)) this.#times.set(kind, []);
    this.#times.get(kind).push({ since, ms: performance.now() - since });
  }

  /** Something to be told that is no failure. */
  note(what) {
    this.#notes.set(what, (this.#notes.get(what) ?? 0) + 1);
  }

  failed(kind, reason, body) {
    const what = `${kind}: ${reason} ${codeOf(body)}`.trim();
    this.#failures.set(what, (this.#failures.get(what) ?? 0) + 1);
  }

  summary() {
    return {
      times: Object.fromEntries([...this.#times].map(([kind, times]) => [kind, summaryOf(times)])),
      failures: Object.fromEntries(this.#failures),
      notes: Object.fromEntries(this.#notes),
    };
  }

  /** The times of several kinds together. */
  together(kinds) {
    return summaryOf(this.#all(kinds));
  }

  /** Each by itself: when it was due, counted from `start`, and how long it took. */
  each(kinds, start) {
    return this.#all(kinds).map(({ since, ms }) => [Math.round(since - start), Math.round(ms * 10) / 10]);
  }

  #all(kinds) {
    return kinds.flatMap((kind) => this.#times.get(kind) ?? []);
  }
}

function codeOf(body) {
  try {
    return JSON.parse(body).code ?? "";
  } catch {
    return "";
  }
}

function summaryOf(times) {
  const sorted = times.map(({ ms }) => ms).sort((a, b) => a - b);
  const at = (share) => (sorted.length ? sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1)] : 0);
  return { count: sorted.length, p50: at(0.5), p99: at(0.99), p999: at(0.999), longest: at(1) };
}
