import { io, type Socket } from "socket.io-client";

export interface RoomHandlers<Snapshot, Event> {
  /** The whole state: on joining, and again after every reconnection. */
  onSnapshot(snapshot: Snapshot): void;
  /** One small change. Events that come before the snapshot are kept and told after it. */
  onEvent(event: Event): void;
  /** Whether news come in at the moment. */
  onConnection(connected: boolean): void;
  /** The server does not let us in. */
  onRefused(detail: string): void;
}

type Joined<Snapshot> = { snapshot: Snapshot } | { problem: { code: string; detail: string } };

const ACK_TIMEOUT_MS = 10_000;
const REJOIN_MS = 3000;

/**
 * Watches one room: joins, gets the whole state, then small events. A lost event costs nothing: each
 * reconnection joins again and starts from a whole state. Websocket only: with several web workers polling cannot work.
 */
export function watchRoom<Snapshot, Event>(
  join: string,
  message: Record<string, string>,
  event: string,
  handlers: RoomHandlers<Snapshot, Event>,
  namespace = "/live",
): Socket {
  const socket = io(namespace, { transports: ["websocket"], reconnectionDelay: 500, reconnectionDelayMax: 5000, randomizationFactor: 0.5 });
  let early: Event[] | null = [];

  const enter = (): void => {
    early = [];
    socket.timeout(ACK_TIMEOUT_MS).emit(join, message, (late: Error | null, reply?: Joined<Snapshot>) => {
      if (late || !reply || ("problem" in reply && reply.problem.code === "unavailable")) {
        handlers.onConnection(false);
        setTimeout(() => socket.connected && enter(), REJOIN_MS);
        return;
      }
      if ("problem" in reply) return handlers.onRefused(reply.problem.detail);
      handlers.onSnapshot(reply.snapshot);
      handlers.onConnection(true);
      const waiting = early ?? [];
      early = null;
      waiting.forEach(handlers.onEvent);
    });
  };

  socket.on("connect", enter);
  socket.on(event, (news: Event) => (early ? early.push(news) : handlers.onEvent(news)));
  socket.on("disconnect", (reason) => {
    handlers.onConnection(false);
    // The server closed it (a new version started, say): socket.io does not come back by itself then.
    if (reason === "io server disconnect") setTimeout(() => socket.connect(), REJOIN_MS);
  });
  socket.on("connect_error", () => {
    handlers.onConnection(false);
    if (!socket.active) setTimeout(() => socket.connect(), REJOIN_MS); // turned away: perhaps signed out meanwhile
  });
  return socket;
}
