/**
 * How the attempt stands here and now: the server's last word, and the moves that it has not heard of yet. Pure; the moves
 * are sent by `moves.ts`, and this page goes on alone only within a part that it has the key of.
 */
import type { AttemptSnapshot, ItemView, Move } from "./types";

export interface Sitting {
  snapshot: AttemptSnapshot;
  /** Made here; the server has not heard of them. */
  pending: readonly Move[];
  /** Made here; the server will not have them. Answers that are saved as a file need them. */
  refused?: readonly Move[];
}

/** An item as a part's package holds it: without the clock that opening starts. */
export type PackedItem = Omit<ItemView, "opened_at" | "elapsed_ms" | "heard" | "replays_left" | "draft">;
export type FindItem = (position: number) => PackedItem | null;

/** The server believes a claimed past of at most this much; a little less leaves time to say it. */
export const ALONE_MS = 29 * 60_000;

/** The attempt as it will be once the server has heard of the pending moves. `nowMs` by the server's clock. */
export function standing(sitting: Sitting, find: FindItem, nowMs: number): AttemptSnapshot {
  let now = aged(sitting.snapshot, nowMs);
  for (const move of sitting.pending) now = after(now, move, find, nowMs);
  return now;
}

/** What is open, on a clock that began at `openedAt` and stands at `elapsedMs`: one item, or all of a part. */
export function withClock(snapshot: AttemptSnapshot, openedAt: string, elapsedMs: number): AttemptSnapshot {
  const clock = { opened_at: openedAt, elapsed_ms: elapsedMs };
  const { item, part_items: items } = snapshot;
  return { ...snapshot, item: item && { ...item, ...clock }, ...(items ? { part_items: items.map((each) => ({ ...each, ...clock })) } : {}) };
}

/** The server's last word may be minutes old, when a page is loaded without network: the open item's clock went on. */
function aged(snapshot: AttemptSnapshot, nowMs: number): AttemptSnapshot {
  const { item, state } = snapshot;
  const elapsedMs = item ? Math.round(nowMs - Date.parse(item.opened_at)) : NaN;
  return item && state === "in_progress" && elapsedMs > item.elapsed_ms ? withClock(snapshot, item.opened_at, elapsedMs) : snapshot;
}

/** The items that share a clock with the one at `position`: it alone, or its whole part. */
export function windowOf(snapshot: AttemptSnapshot, position: number): number[] {
  const part = snapshot.sections.find((each) => each.time_limit_ms != null && position >= each.first_position && position < each.first_position + each.item_count);
  return part ? Array.from({ length: part.item_count }, (_, index) => part.first_position + index) : [position];
}

function after(before: AttemptSnapshot, move: Move, find: FindItem, nowMs: number): AttemptSnapshot {
  const positions = windowOf(before, before.position);
  const expected = move.kind === "open" ? before.position : positions.at(-1)!;
  if (before.state !== "in_progress" || move.position !== expected) return before; // made already, or overtaken
  if (move.kind === "open") {
    if (before.item) return before;
    const items = positions.map((position) => opened(position, move, find, before, nowMs)).filter((item) => item !== null);
    if (items.length < positions.length) return before; // not all is here: the server is asked
    return { ...before, item: items[0] ?? null, part_items: items.length > 1 ? items : [] };
  }
  const position = move.position + 1;
  const state = position === before.total_items ? "submitted" : before.state;
  return { ...before, position, state, item: null, part_items: [] };
}

function opened(position: number, move: Move, find: FindItem, snapshot: AttemptSnapshot, nowMs: number): ItemView | null {
  const packed = find(position);
  if (!packed) return null;
  const { extra_time: factor = 1, no_silence_end: hasOwnEnd = false } = snapshot.conditions ?? {};
  const stretch = (ms: number): number => Math.round(ms * factor);
  const limit = (ms: number): number => (hasOwnEnd ? 0 : stretch(ms));
  return {
    ...packed,
    window_ms: stretch(packed.window_ms),
    begin_within_ms: limit(packed.begin_within_ms),
    silence_end_ms: limit(packed.silence_end_ms),
    opened_at: move.at,
    elapsed_ms: Math.max(0, Math.round(nowMs - Date.parse(move.at))),
  };
}

/**
 * Whether this page may make that move without waiting for the server: the format goes on off-line, nothing unusual is
 * granted that only the server counts, the server would still believe the oldest move that it has not heard of, and what an
 * opened item needs is here.
 */
export function mayGoOnAlone(sitting: Sitting, move: Omit<Move, "at">, find: FindItem, nowMs: number): boolean {
  const { snapshot, pending } = sitting;
  if (!snapshot.goes_on_offline || (snapshot.conditions?.replays ?? 0) > 0) return false;
  const oldest = pending[0];
  if (oldest && nowMs - Date.parse(oldest.at) >= ALONE_MS) return false;
  return move.kind === "close" || windowOf(snapshot, move.position).every((position) => find(position) !== null);
}

/** The pending moves without those that were sent and answered. */
export function without(pending: readonly Move[], sent: readonly Move[]): readonly Move[] {
  return pending.filter((move) => !sent.some((each) => each.kind === move.kind && each.position === move.position));
}
