/** Keeps the screen awake: one that falls asleep ends many phones' recordings. */
interface Lock {
  release(): Promise<void>;
}

export class WakeLock {
  #held: Lock | null = null;

  constructor(private readonly isWanted: () => boolean) {}

  /** Call whenever the page comes back into sight: out of sight it loses the lock. */
  keep(): void {
    if (document.visibilityState !== "visible" || !this.isWanted()) return;
    const lock = (navigator as { wakeLock?: { request(kind: "screen"): Promise<Lock> } }).wakeLock;
    lock?.request("screen").then(
      (held) => (this.#held = held),
      () => undefined,
    );
  }

  async release(): Promise<void> {
    await this.#held?.release().catch(() => undefined);
  }
}
