/** Two presses that are nearer than this are one: a double click, or a hand that trembles. */
const ONE_PRESS_MS = 700;

/**
 * The candidate's own end of an answer, pure. A press ends it; as long as no voice was heard it only asks, and a second
 * one ends it: a button that was hit by mistake loses no answer.
 */
export class OwnEnd {
  #heard = false;
  #askedAtMs: number | null = null;
  #isEnded = false;

  get isEnded(): boolean {
    return this.#isEnded;
  }

  /** Whether it waits for the second press. */
  get asks(): boolean {
    return this.#askedAtMs !== null && !this.#isEnded;
  }

  /** There is a voice: what was asked is answered. */
  hear(): void {
    this.#heard = true;
    this.#askedAtMs = null;
  }

  press(nowMs: number): void {
    if (this.#heard) this.#isEnded = true;
    else if (this.#askedAtMs === null) this.#askedAtMs = nowMs;
    else if (nowMs - this.#askedAtMs >= ONE_PRESS_MS) this.#isEnded = true;
  }
}
