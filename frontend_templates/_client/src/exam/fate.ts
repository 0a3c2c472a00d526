/** What an answer's refusal means for it, spoken or typed: one table for both. */
import { Refused } from "./api";

/**
 * signed_out: somebody has to sign in first. unheard: the server does not know yet that its item was reached. late: the
 * server keeps it apart for staff to decide. refused: never as things stand; it stays on this device for a week, is named
 * on the last page and stands in the file of answers. again: everything else; asked again until one of the others is the answer.
 */
export type Fate = "signed_out" | "unheard" | "late" | "refused" | "again";

/** Whether the server has heard of every move; never: this page cannot tell it, the exam's own page can. */
export type Heard = boolean | "never";

/** The server's own words for never. A code that is not here is some proxy's, or of a day to come: it decides nothing. */
const NEVER = new Set([
  "attempt_not_open", "invalid_input", "answer_of_other_kind", "recording_differs",
  "not_spoken", "not_audio", "empty_recording", "unsupported_type", "too_large", "too_many_segments",
]);

export function fateOf(error: unknown, heard: Heard): Fate {
  if (!(error instanceof Refused)) return "again";
  // not_found: somebody else has signed in on this browser meanwhile. Theirs it is not, and lost it must not be.
  if (error.code === "signed_out" || error.code === "csrf_failed" || error.code === "not_found") return "signed_out";
  if (error.code === "answer_late") return "late";
  if (error.code === "item_not_open") return heard === true ? "refused" : "unheard";
  return NEVER.has(error.code) ? "refused" : "again";
}
