import "./exam.scss";
import { ExamApi, Refused } from "./api";
import { ServerClock } from "./clock";
import { Frame } from "./frame";
import { loading, stopped } from "./screens";
import { Session } from "./session";
import { Sound } from "./sound";
import { DeviceStore, MemoryStore, type RecordingStore } from "./store";
import type { AttemptSnapshot } from "./types";
import { Uploader } from "./uploader";

interface Config {
  delivery_id: string;
  csrf: string;
  api: string;
  home: string;
}

const config = JSON.parse(document.getElementById("exam-config")?.textContent ?? "{}") as Config;

async function openStore(): Promise<{ store: RecordingStore; works: boolean }> {
  try {
    const store = await DeviceStore.open();
    await store.recover(Date.now()); // the lock is ours: nothing is being recorded now
    void navigator.storage?.persist?.().catch(() => false);
    return { store, works: true };
  } catch {
    return { store: new MemoryStore(), works: false };
  }
}

const LOCK = "viva-exam";
const LOCK_TRIES = 12;

/** One window at a time: two would record over each other. Held until the page goes; false when another has it. */
async function holdAlone(): Promise<boolean> {
  if (!navigator.locks) return true;
  for (let tries = 1; tries <= LOCK_TRIES; tries += 1) {
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

/** An attempt whose recordings are still on this device comes first, even when the student may begin another. */
async function findUnsent(api: ExamApi, store: RecordingStore): Promise<AttemptSnapshot | null> {
  const unsent = (await store.list()).filter((each) => each.state === "recorded");
  for (const attemptId of new Set(unsent.map((each) => each.attempt_id))) {
    try {
      const snapshot = await api.show(attemptId);
      if (snapshot.state === "submitted" || snapshot.state === "expired") return snapshot;
    } catch (error) {
      if (!(error instanceof Refused)) throw error; // another student's on a shared computer: left alone
    }
  }
  return null;
}

async function start(): Promise<void> {
  const frame = new Frame();
  frame.show(loading("Opening your test"), { focus: false });
  let session: Session | null = null;
  const api = new ExamApi({ base: config.api, csrf: config.csrf, onConnection: (connected) => session?.setConnected(connected) });
  try {
    if (!(await holdAlone())) throw new Refused(409, "other_tab", "", "");
    const { store, works } = await openStore();
    const snapshot = (await findUnsent(api, store)) ?? (await api.enter(config.delivery_id));
    session = new Session({
      api,
      clock: new ServerClock(),
      frame,
      sound: new Sound(),
      store,
      storageWorks: works,
      home: config.home,
      makeUploader: (entered, onChange) =>
        new Uploader({ api, store, attemptId: entered.id, alreadyStored: entered.stored_recordings, onChange }),
    });
    window.addEventListener("beforeunload", (event) => {
      if (session?.hasUnsaved) event.preventDefault();
    });
    session.start(snapshot);
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    frame.show(stopped({ code: error.code, title: error.title, detail: error.detail }, config.home));
  }
}

void start();
