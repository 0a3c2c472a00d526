const LOCK = "viva-exam";
const LOCK_TRIES = 12;

/** One window at a time: two would record over each other. Held until the page goes; false when another has it. */
export async function holdAlone(): Promise<boolean> {
  if (!navigator.locks) return true;
  for (let left = LOCK_TRIES; left > 0; left -= 1) {
    if (await tryLock()) return true;
    await new Promise((resolve) => setTimeout(resolve, 250)); // after a reload the old page may still be going
  }
  return false;
}

function tryLock(): Promise<boolean> {
  return new Promise((resolve) => {
    void navigator.locks.request(LOCK, { ifAvailable: true }, (lock) => {
      resolve(lock !== null);
      return lock === null ? undefined : new Promise(() => undefined);
    });
  });
}

/** Does the work while no exam is open in this browser, and lets go afterwards; false, undone, when one is. */
export async function whileAlone(work: () => Promise<void>): Promise<boolean> {
  if (!navigator.locks) return false;
  return navigator.locks.request(LOCK, { ifAvailable: true }, async (lock) => {
    if (lock === null) return false;
    await work();
    return true;
  });
}
