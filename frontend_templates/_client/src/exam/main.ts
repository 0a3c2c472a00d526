import "./exam.scss";
import { ExamApi, Refused } from "./api";
import { ServerClock } from "./clock";
import { Frame } from "./frame";
import { holdAlone } from "./lock";
import { loading, stopped } from "./screens";
import { listUnsent } from "./rescue";
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
    return { store, works: true };
  } catch {
    return { store: new MemoryStore(), works: false };
  }
}

/** An attempt whose recordings are still on this device comes first, even when the student may begin another. */
async function findUnsent(api: ExamApi, store: RecordingStore): Promise<AttemptSnapshot | null> {
  const mine = await listUnsent(api, store);
  return mine.find((snapshot) => snapshot.state === "submitted" || snapshot.state === "expired") ?? null;
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
