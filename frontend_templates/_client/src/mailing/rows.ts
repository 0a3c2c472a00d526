/** A mailing's rows and sums; pure. */

export type DispatchState = "queued" | "claimed" | "sent" | "failed" | "unknown";

export interface DispatchRow {
  dispatch_id: string;
  state: DispatchState;
  reason: string | null;
  version: number;
}

export interface Counts {
  total: number;
  sent: number;
  waiting: number;
  failed: number;
  unknown: number;
}

export function countStates(rows: Iterable<Pick<DispatchRow, "state">>): Counts {
  const counts: Counts = { total: 0, sent: 0, waiting: 0, failed: 0, unknown: 0 };
  for (const { state } of rows) {
    counts.total += 1;
    counts[state === "queued" || state === "claimed" ? "waiting" : state] += 1;
  }
  return counts;
}

/** The newer of the two; a late event never takes a row back. */
export function newer<R extends DispatchRow>(before: R | undefined, after: R): R {
  return before && before.version >= after.version ? before : after;
}
