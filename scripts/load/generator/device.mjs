/**
 * The recordings on one candidate's device: sent behind the exam, one after another, until each is acknowledged, with the
 * waits of the exam's client (backoff.ts). While the object store is away they wait: deferred, which is no error.
 */
import { Failed } from "./browser.mjs";
import { pause } from "./pause.mjs";

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 8000;
/** How far a call that the outage broke may lie outside of it, by our clock. */
const MARGIN_MS = 1000;

export class Device {
  #waiting = [];
  #working = null;
  #lost = null;

  /** `isAway(from, to)`: whether the store was away at some moment between. */
  constructor(browser, figures, isAway) {
    this.browser = browser;
    this.figures = figures;
    this.isAway = isAway;
  }

  /** `stored` is called when the server has it. */
  keep(path, body, headers, stored) {
    const deferred = this.#waiting.length > 0 && this.#waiting[0].deferred;
    this.#waiting.push({ path, body, headers, stored, deferred, since: performance.now() });
    this.#work();
  }

  /** Resolves when everything has been sent; Failed when something was refused for good. */
  async drained() {
    while (this.#working) await this.#working;
    if (this.#lost) throw this.#lost;
  }

  #work() {
    if (this.#working || this.#waiting.length === 0) return;
    this.#working = this.#sendAll().finally(() => {
      this.#working = null;
      this.#work(); // kept in the very last moment
    });
  }

  async #sendAll() {
    for (let tries = 0, counted = 0; this.#waiting.length > 0; ) {
      const one = this.#waiting[0];
      const began = performance.now();
      const outcome = await this.browser.send("PUT", one.path, one.body, one.headers);
      if (outcome.ok && JSON.parse(outcome.body).stored) {
        this.#waiting.shift();
        this.figures.took(one.deferred ? "deferred" : "recording", one.since);
        one.stored();
        tries = counted = 0;
        continue;
      }
      tries += 1;
      if (this.isAway(began - MARGIN_MS, performance.now() + MARGIN_MS)) this.#defer();
      else {
        counted += 1;
        try {
          this.browser.refused("recording", outcome, counted);
        } catch (error) {
          if (!(error instanceof Failed)) throw error;
          this.#lost ??= error;
          this.#waiting.shift();
        }
      }
      const full = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** (tries - 1));
      await pause(full / 2 + (full / 2) * Math.random());
    }
  }

  #defer() {
    for (const one of this.#waiting) one.deferred = true;
  }
}
