/** Where this page goes on: by the server's word, or without network by what an earlier page kept on this device. */
import { Unreachable, type ExamApi } from "./api";
import { backoffMs, pause } from "./backoff";
import type { ServerClock } from "./clock";
import { DeviceStore } from "./device_store";
import { findSitting, type KeptSitting } from "./moves";
import { listLeftHere } from "./rescue";
import type { Sitting } from "./sitting";
import type { ExamStore } from "./store";
import type { AttemptSnapshot, AttemptState } from "./types";

/** Paused: they wait for its end. Expired: what was made before the deadline still counts for a while. */
const TAKES_MOVES: ReadonlySet<AttemptState> = new Set(["in_progress", "paused", "expired"]);

interface Options {
  api: ExamApi;
  store: ExamStore;
  clock: ServerClock;
  deliveryId: string;
  onWaiting: () => void;
}

export async function enterSitting(options: Options): Promise<Sitting> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await byTheServer(options);
    } catch (error) {
      if (!(error instanceof Unreachable)) throw error;
    }
    const kept = await findKept(options.store, options.deliveryId);
    if (kept) return goOnWithout(kept, options);
    options.onWaiting();
    await pause(backoffMs(tries, Math.random));
  }
}

async function byTheServer({ api, store, clock, deliveryId }: Options): Promise<Sitting> {
  const snapshot = (await findUnsent(api, store)) ?? (await api.enter(deliveryId));
  clock.learn(snapshot.server_now);
  await store.unlock(snapshot.id, snapshot.storage_key);
  await store.recover(Date.now()); // the lock is ours: nothing is being recorded now
  const kept = await findSitting(store, snapshot.id);
  const { pending = [], refused = [] } = kept ?? {};
  return TAKES_MOVES.has(snapshot.state) ? { snapshot, pending, refused } : { snapshot, pending: [], refused: [...refused, ...pending] };
}

async function goOnWithout(kept: KeptSitting, { api, store, clock }: Options): Promise<Sitting> {
  clock.assume(Date.now() + kept.offset_ms);
  api.goOnWith(kept.snapshot.epoch);
  await store.recover(Date.now());
  return { snapshot: kept.snapshot, pending: kept.pending, refused: kept.refused ?? [] };
}

/** An attempt whose answers are still on this device comes first, even when the student may begin another. */
async function findUnsent(api: ExamApi, store: ExamStore): Promise<AttemptSnapshot | null> {
  const left = store instanceof DeviceStore ? await listLeftHere(api, store) : [];
  return left.find(({ snapshot, waits }) => waits && (snapshot.state === "submitted" || snapshot.state === "expired"))?.snapshot ?? null;
}

/** This student's attempt at this delivery that was on when an earlier page went; never another's who used this browser. */
async function findKept(store: ExamStore, deliveryId: string): Promise<KeptSitting | null> {
  if (!(store instanceof DeviceStore)) return null;
  for (const attemptId of store.attemptsOpen()) {
    const kept = await findSitting(store, attemptId).catch(() => null);
    if (kept?.delivery_id === deliveryId && kept.snapshot.state === "in_progress") return kept;
  }
  return null;
}
