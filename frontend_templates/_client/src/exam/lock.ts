/** One window of this browser at a time records: two would record over each other. The newest wins, politely. */
const LOCK = "viva-exam";
const YIELDS_WITHIN_MS = 2500;
/** A page that is being closed holds its lock for a moment longer. */
const GONE_WITHIN_MS = 10_000;

/**
 * Resolves when this window is the one that goes on. A window that had the exam is asked to yield, and has a moment to
 * write down what it was recording. `onTaken` is called when a newer window asks for the same of us; once it has resolved,
 * the newer one goes on.
 */
export async function holdAlone(onTaken: () => Promise<void>): Promise<void> {
  if (!navigator.locks) return;
  const channel = new BroadcastChannel(LOCK);
  channel.postMessage("yield");
  const held = (await request({ signal: AbortSignal.timeout(YIELDS_WITHIN_MS) }, onTaken)) ?? (await request({ steal: true }, onTaken));
  channel.addEventListener("message", () => void onTaken().finally(() => held?.()));
}

/** The lock's release, once it is ours; null when it was not to be had in time. */
function request(options: LockOptions, onStolen: () => Promise<void>): Promise<(() => void) | null> {
  return new Promise((resolve) => {
    let isOurs = false;
    navigator.locks
      .request(LOCK, options, () => {
        isOurs = true;
        return new Promise<void>((release) => resolve(release));
      })
      .catch(() => (isOurs ? void onStolen() : resolve(null)));
  });
}

/** Does the work while no exam is open in this browser, and lets go afterwards; false where one is, or comes meanwhile. */
export async function whileAlone(work: () => Promise<void>): Promise<boolean> {
  if (!navigator.locks) return false;
  const signal = AbortSignal.timeout(GONE_WITHIN_MS);
  return navigator.locks.request(LOCK, { signal }, () => work().then(() => true)).catch(() => false);
}
