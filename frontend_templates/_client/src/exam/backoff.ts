/** Waits that grow, with jitter: a whole college that lost its network must not come back in one second. */
export function backoffMs(tries: number, random: () => number, { first = 500, most = 8000 } = {}): number {
  const full = Math.min(most, first * 2 ** Math.max(0, tries - 1));
  return full / 2 + (full / 2) * random();
}

/** Resolves after `ms`, or at once when the browser says that the network is back. Rejects when aborted. */
export function pause(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason as Error);
    const done = (settle: () => void) => () => {
      clearTimeout(timer);
      globalThis.removeEventListener?.("online", onOnline);
      signal?.removeEventListener("abort", onAbort);
      settle();
    };
    const onOnline = done(resolve);
    const onAbort = done(() => reject(signal?.reason as Error));
    const timer = setTimeout(done(resolve), ms);
    globalThis.addEventListener?.("online", onOnline);
    signal?.addEventListener("abort", onAbort);
  });
}
