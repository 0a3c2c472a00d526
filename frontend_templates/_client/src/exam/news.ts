/** Hears at once that the attempt was changed; the heartbeat finds it within ten seconds where no socket gets through. */
import { withClock } from "./sitting";
import type { AttemptSnapshot, AttemptState } from "./types";

/** How the attempt's clock stands, without anything of its items. */
export interface News {
  version: number;
  epoch: number;
  state: AttemptState;
  position: number;
  server_now: string;
  deadline_at: string | null;
  paused_at: string | null;
  break_until: string | null;
  item_opened_at: string | null;
}

const RUNNING: ReadonlySet<AttemptState> = new Set(["in_progress", "paused"]);
const OVER: ReadonlySet<AttemptState> = new Set(["submitted", "expired", "voided"]);

/**
 * The attempt with the news, without asking the server: a thousand pages that hear of a pause must not all ask at once.
 * Null where the news say too little: a change between was missed, or another item is on.
 */
export function withNews(known: AttemptSnapshot, news: News, nowMs: number): AttemptSnapshot | null {
  if (news.version !== (known.version ?? 0) + 1 || news.epoch !== known.epoch) return null;
  const { version, state, server_now, deadline_at, break_until } = news;
  const told = { ...known, version, state, server_now, deadline_at, break_until };
  if (OVER.has(state)) return { ...told, item: null, part_items: [] };
  const isSameItem = news.position === known.position && (news.item_opened_at !== null) === (known.item !== null);
  if (!RUNNING.has(state) || !RUNNING.has(known.state) || !isSameItem) return null;
  if (!known.item || !news.item_opened_at) return told;
  const until = news.paused_at ? Date.parse(news.paused_at) : nowMs;
  const elapsedMs = Math.max(0, until - Date.parse(news.item_opened_at));
  return withClock(told, news.item_opened_at, elapsedMs);
}

/** `onNews` gets how the attempt stands now, `onEpoch` its lease; `onMessage`: staff wrote to the candidate. Best effort: nothing depends on it. Returns the end. */
export async function hearNews(attemptId: string, onNews: (news: News) => void, onEpoch: (epoch: number) => void, onMessage: () => void): Promise<() => void> {
  try {
    const { watchRoom } = await import("../live/room"); // not there without network: the exam does not wait for it
    const socket = watchRoom<News, News>(
      "join_attempt",
      { attempt_id: attemptId },
      "attempt_changed",
      {
        onSnapshot: (news) => {
          onEpoch(news.epoch);
          onNews(news);
        },
        onEvent: onNews,
        onConnection: () => undefined,
        onRefused: () => undefined,
      },
      "/exam",
    );
    socket.on("invigilation_message", onMessage);
    return () => void socket.disconnect();
  } catch {
    return () => undefined;
  }
}
