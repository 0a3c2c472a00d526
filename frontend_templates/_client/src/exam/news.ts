/** Hears at once that the attempt was changed; the heartbeat finds it within ten seconds where no socket gets through. */
interface State {
  version: number;
  epoch: number;
}

/** `onNews` gets the version that the attempt has now, `onEpoch` its lease; `onMessage`: staff wrote to the candidate. Best effort: nothing depends on it. Returns the end. */
export async function hearNews(attemptId: string, onNews: (version: number) => void, onEpoch: (epoch: number) => void, onMessage: () => void): Promise<() => void> {
  try {
    const { watchRoom } = await import("../live/room"); // not there without network: the exam does not wait for it
    const socket = watchRoom<State, { version: number }>(
      "join_attempt",
      { attempt_id: attemptId },
      "attempt_changed",
      {
        onSnapshot: ({ version, epoch }) => {
          onEpoch(epoch);
          onNews(version);
        },
        onEvent: ({ version }) => onNews(version),
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
