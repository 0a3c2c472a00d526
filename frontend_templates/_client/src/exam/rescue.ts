/** Answers that a closed page left on this device are sent from whatever page their student opens next. */
import { ExamApi, Refused } from "./api";
import { DeviceStore } from "./device_store";
import { Drafts } from "./drafts";
import { whileAlone } from "./lock";
import type { AttemptSnapshot } from "./types";
import { Uploader, type UploadStatus } from "./uploader";

/**
 * This student's attempts of which something waits here, unlocked. Another student's stay as they are, and sealed: their
 * key leaves this device.
 */
export async function listUnsent(api: ExamApi, store: DeviceStore): Promise<AttemptSnapshot[]> {
  const mine: AttemptSnapshot[] = [];
  for (const attemptId of await store.attemptsHere()) {
    try {
      const snapshot = await api.peek(attemptId);
      await store.unlock(attemptId, snapshot.storage_key);
      mine.push(snapshot);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      if (error.status === 404) await store.lock(attemptId);
    }
  }
  const waiting = new Set((await store.list()).filter((each) => each.state !== "refused").map((each) => each.attempt_id));
  for (const { id } of mine) if ((await store.listDrafts(id)).some((draft) => draft.state === "waiting")) waiting.add(id);
  return mine.filter((snapshot) => waiting.has(snapshot.id));
}

/** Sends them, one attempt after another. Does nothing while an exam is open in another tab: it sends its own. */
export async function sendUnsent(csrf: string, onChange: (status: UploadStatus) => void): Promise<void> {
  const store = await DeviceStore.open();
  const api = new ExamApi({ base: "/api", csrf });
  let mine: AttemptSnapshot[] = [];
  const isAlone = await whileAlone(async () => {
    mine = await listUnsent(api, store).catch(() => []); // without network: the next page looks again
    await store.recover(Date.now());
  });
  for (const snapshot of isAlone ? mine : []) await sendAll(api, store, snapshot, onChange);
}

async function sendAll(api: ExamApi, store: DeviceStore, snapshot: AttemptSnapshot, onChange: (status: UploadStatus) => void): Promise<void> {
  const uploader = new Uploader({ api, store, attemptId: snapshot.id, alreadyStored: snapshot.stored_recordings, onChange });
  const drafts = new Drafts({ api, store, attemptId: snapshot.id, epoch: () => snapshot.epoch ?? 0, onChange: () => undefined });
  await drafts.open();
  window.addEventListener("online", () => {
    uploader.kick();
    drafts.kick();
  });
  await Promise.all([uploader.drained(), drafts.drained()]);
  if (snapshot.state === "submitted" || snapshot.state === "expired") await store.purge(snapshot.id);
}
