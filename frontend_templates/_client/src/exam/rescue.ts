/** Answers that a closed page left on this device are sent from whatever page their student opens next. */
import { ExamApi, Refused } from "./api";
import { whileAlone } from "./lock";
import { DeviceStore, type RecordingStore } from "./store";
import type { AttemptSnapshot } from "./types";
import { Uploader, type UploadStatus } from "./uploader";

/** This student's attempts with recordings that the server does not have; another student's stay where they are. */
export async function listUnsent(api: ExamApi, store: RecordingStore): Promise<AttemptSnapshot[]> {
  const unsent = (await store.list()).filter((each) => each.state === "recorded");
  const mine: AttemptSnapshot[] = [];
  for (const attemptId of new Set(unsent.map((each) => each.attempt_id))) {
    try {
      mine.push(await api.show(attemptId));
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
    }
  }
  return mine;
}

/** Sends them, one attempt after another. Does nothing while an exam is open in another tab: it sends its own. */
export async function sendUnsent(csrf: string, onChange: (status: UploadStatus) => void): Promise<void> {
  const store = await DeviceStore.open();
  if (!(await whileAlone(() => store.recover(Date.now())))) return;
  const api = new ExamApi({ base: "/api", csrf });
  for (const snapshot of await listUnsent(api, store)) {
    const uploader = new Uploader({ api, store, attemptId: snapshot.id, alreadyStored: snapshot.stored_recordings, onChange });
    window.addEventListener("online", () => uploader.kick());
    await uploader.drained();
  }
}
