/** Answers that a closed page left on this device are sent from whatever page their student opens next. */
import { saveAnswersFile } from "./answers_file";
import { ExamApi, Refused } from "./api";
import { ServerClock } from "./clock";
import { DeviceStore } from "./device_store";
import { whileAlone } from "./lock";
import { findSitting, Moves } from "./moves";
import { Saving, type SavingStatus } from "./saving";
import type { ExamStore, NoteStore } from "./store";
import type { AttemptSnapshot } from "./types";

/** This student's attempt, and whether something of it waits here to be sent; else it has what the server refused. */
export interface LeftHere {
  snapshot: AttemptSnapshot;
  waits: boolean;
}

/** How it stands with one attempt. */
export interface Rescued extends SavingStatus {
  /** Nothing more is sent from this page: what waits needs the exam's own page, or staff. */
  isOver: boolean;
  saveFile: () => Promise<boolean>;
}

/**
 * This student's attempts of which the server has not everything, unlocked. Another student's stay as they are, sealed and
 * unasked for; of one without an owner here, the server says whose it is.
 */
export async function listLeftHere(api: Pick<ExamApi, "peek">, store: DeviceStore): Promise<LeftHere[]> {
  const mine: AttemptSnapshot[] = [];
  for (const attemptId of await store.attemptsHere()) {
    try {
      const snapshot = await api.peek(attemptId);
      await store.unlock(attemptId, snapshot.storage_key);
      mine.push(snapshot);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
    }
  }
  const recordings = await store.list();
  const left: LeftHere[] = [];
  for (const snapshot of mine) {
    const states = [...recordings.filter((each) => each.attempt_id === snapshot.id), ...(await store.listDrafts(snapshot.id))].map((each) => each.state);
    const waits = states.some((state) => state === "waiting" || state === "recording" || state === "recorded");
    if (waits || states.includes("refused")) left.push({ snapshot, waits });
  }
  return left;
}

/** Sends them, one attempt after another. Does nothing while an exam is open in another tab: it sends its own. */
export async function sendUnsent({ csrf, account }: { csrf: string; account: string }, onChange: (rescued: Rescued) => void): Promise<void> {
  const store = await DeviceStore.open(account);
  const api = new ExamApi({ base: "/api", csrf });
  let left: LeftHere[] = [];
  const isAlone = await whileAlone(async () => {
    left = await listLeftHere(api, store).catch(() => []); // without network: the next page looks again
    await store.recover(Date.now());
  });
  for (const { snapshot } of isAlone ? left : []) await rescue({ api, store, snapshot, onChange });
}

interface Options {
  api: ExamApi;
  store: ExamStore;
  snapshot: AttemptSnapshot;
  onChange: (rescued: Rescued) => void;
  wait?: (ms: number) => Promise<void>;
}

/**
 * Moves first, then the answers to the items that they reached; each until the server has answered. Moves go under the lease
 * of the page that made them: another machine that has gone on meanwhile is not overtaken, and the exam's page brings them.
 */
export async function rescue({ api, store, snapshot, onChange, ...waiting }: Options): Promise<void> {
  const kept = await findSitting(store, snapshot.id).catch(() => null);
  const clock = new ServerClock();
  clock.learn(snapshot.server_now);
  api.goOnWith(kept?.snapshot.epoch);
  let isOver = false;
  const moves = new Moves(
    {
      api, clock, store: readOnly(store), deliveryId: kept?.delivery_id ?? "", find: () => null,
      onSnapshot: () => saving.kick(), onRefused: () => saving.kick(), ...waiting,
    },
    { snapshot: kept?.snapshot ?? snapshot, pending: kept?.pending ?? [], refused: kept?.refused ?? [] },
  );
  const tell = (status: SavingStatus): void => onChange({ ...status, isOver, saveFile: () => saveAnswersFile(store, snapshot.id, moves.unmade) });
  const saving: Saving = new Saving({
    api, store, attemptId: snapshot.id, alreadyStored: snapshot.stored_recordings, epoch: () => snapshot.epoch ?? 0,
    frame: { setUploads: tell, banner: () => undefined }, isHeard: () => moves.heard, onPending: () => undefined, ...waiting,
  });
  await saving.open();
  globalThis.addEventListener?.("online", () => {
    moves.kick();
    saving.kick();
  });
  await moves.drained().catch(() => undefined); // what the moves did not reach stays for the exam's page
  await saving.drained();
  isOver = true;
  tell(saving.status);
  const isAttemptOver = moves.now.state === "submitted" || moves.now.state === "expired" || snapshot.state === "submitted" || snapshot.state === "expired";
  if (isAttemptOver && saving.status.pending === 0) await store.purge(snapshot.id);
}

/** The exam's page may go on meanwhile: its moves are not written over. Those that were made already it may send again. */
function readOnly(store: NoteStore): NoteStore {
  return { findNote: (attemptId, name) => store.findNote(attemptId, name), putNote: async () => undefined };
}
