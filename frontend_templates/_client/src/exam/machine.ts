/**
 * The exam's states, pure: what is on, and what comes after what. There is no event that leads back to an earlier item.
 *
 *   loading -> welcome -> check -> [demonstration] -> ready --begun--> running
 *   loading -> resume ------------------------------------resumed--> running
 *   running: [instructions] -> opening -> prompt -> recording -> closing -> (next item) | finishing
 *            an item that is typed or chosen: opening -> answering -> closing
 *            a part with a time limit: opening -> part (its items, to and fro) -> closing
 *   running -> paused -> running, by staff or as a break
 *   finishing -> done;  anything -> elsewhere (a newer window or machine went on), stopped (repeating mends nothing)
 */
import { isSpoken } from "./answers/registry";
import type { AttemptSnapshot, ItemView, SectionView } from "./types";

export interface Problem {
  code: string;
  title: string;
  detail: string;
}

export type Ending = "submitted" | "expired";

export type Phase =
  | { name: "loading" }
  | { name: "welcome" }
  | { name: "check" }
  | { name: "demonstration" }
  | { name: "ready" }
  | { name: "resume" }
  | { name: "instructions"; section: SectionView }
  | { name: "opening"; position: number }
  | { name: "prompt"; item: ItemView; offsetMs: number }
  | { name: "recording"; item: ItemView; offsetMs: number }
  | { name: "answering"; item: ItemView; offsetMs: number }
  | { name: "part"; items: readonly ItemView[]; offsetMs: number }
  | { name: "closing"; item: ItemView }
  | { name: "finishing"; ending: Ending }
  | { name: "done"; ending: Ending }
  | { name: "paused" }
  | { name: "elsewhere" }
  | { name: "stopped"; problem: Problem };

export interface Exam {
  phase: Phase;
  snapshot: AttemptSnapshot | null;
  instructed: readonly string[];
}

export type ExamEvent =
  | { type: "entered"; snapshot: AttemptSnapshot }
  | { type: "welcomed" }
  | { type: "checked"; snapshot: AttemptSnapshot }
  | { type: "demonstrated" }
  | { type: "begun"; snapshot: AttemptSnapshot }
  | { type: "resumed"; snapshot: AttemptSnapshot }
  | { type: "instructed" }
  | { type: "prompt_ended" }
  | { type: "recorded" }
  | { type: "answered" }
  | { type: "moved"; snapshot: AttemptSnapshot; fresh: number | null }
  | { type: "changed"; snapshot: AttemptSnapshot }
  | { type: "ended"; ending: Ending }
  | { type: "uploaded" }
  | { type: "taken" }
  | { type: "stopped"; problem: Problem };

export const START: Exam = { phase: { name: "loading" }, snapshot: null, instructed: [] };

/** Less than this is left of a window: not worth a recording. */
const CRUMB_MS = 250;

const RUNNING: ReadonlySet<Phase["name"]> = new Set(["resume", "instructions", "opening", "prompt", "recording", "answering", "part", "closing", "paused"]);

export function isRunning(exam: Exam): boolean {
  return RUNNING.has(exam.phase.name);
}

export function promptMs(item: ItemView): number {
  return item.prompt?.duration_ms ?? 0;
}

/** The kind of item at a place of the test; "" past its end. */
export function taskAt(snapshot: AttemptSnapshot, position: number): string {
  return snapshot.sections.find((section) => position >= section.first_position && position < section.first_position + section.item_count)?.task ?? "";
}

/** Where an open item stands after `elapsedMs`: in its prompt, in its window, or over. */
export function placeInItem(item: ItemView, elapsedMs: number): Phase {
  const intoWindow = elapsedMs - promptMs(item);
  if (!isSpoken(item.task) && intoWindow < item.window_ms) return { name: "answering", item, offsetMs: Math.max(0, elapsedMs) };
  if (intoWindow < 0) return { name: "prompt", item, offsetMs: Math.max(0, elapsedMs) };
  if (intoWindow < item.window_ms - CRUMB_MS) return { name: "recording", item, offsetMs: intoWindow };
  return { name: "closing", item };
}

/** The same of a part whose items share one clock: its last item closes them all. */
export function placeInPart(items: readonly ItemView[], elapsedMs: number): Phase {
  const last = items.at(-1)!;
  return elapsedMs < last.window_ms ? { name: "part", items, offsetMs: Math.max(0, elapsedMs) } : { name: "closing", item: last };
}

/** The event's effect. An event that does not fit the phase changes nothing: it came late. */
export function step(exam: Exam, event: ExamEvent): Exam {
  const { phase } = exam;
  switch (event.type) {
    case "entered":
      return phase.name === "loading" ? entered(exam, event.snapshot) : exam;
    case "welcomed":
      return phase.name === "welcome" ? { ...exam, phase: { name: "check" } } : exam;
    case "checked":
      return phase.name === "check" ? checked(exam, event.snapshot) : exam;
    case "demonstrated":
      return phase.name === "demonstration" ? { ...exam, phase: { name: "ready" } } : exam;
    case "begun":
      return phase.name === "ready" ? goOn(exam, event.snapshot) : exam;
    case "resumed":
      return phase.name === "resume" ? goOn(exam, event.snapshot) : exam;
    case "instructed":
      return phase.name === "instructions" && exam.snapshot
        ? { ...exam, phase: { name: "opening", position: exam.snapshot.position } }
        : exam;
    case "prompt_ended":
      return phase.name === "prompt" ? { ...exam, phase: { name: "recording", item: phase.item, offsetMs: 0 } } : exam;
    case "recorded":
      return phase.name === "recording" ? { ...exam, phase: { name: "closing", item: phase.item } } : exam;
    case "answered":
      if (phase.name === "part") return { ...exam, phase: { name: "closing", item: phase.items.at(-1)! } };
      return phase.name === "answering" ? { ...exam, phase: { name: "closing", item: phase.item } } : exam;
    case "moved":
      return (phase.name === "opening" || phase.name === "closing") && event.snapshot.position >= (exam.snapshot?.position ?? 0)
        ? goOn(exam, event.snapshot, event.fresh)
        : exam;
    case "changed":
      return changed(exam, event.snapshot);
    case "ended":
      return isRunning(exam) || phase.name === "ready" || phase.name === "loading"
        ? { ...exam, phase: { name: "finishing", ending: event.ending } }
        : exam;
    case "uploaded":
      return phase.name === "finishing" ? { ...exam, phase: { name: "done", ending: phase.ending } } : exam;
    case "taken":
      return phase.name === "done" || phase.name === "stopped" ? exam : { ...exam, phase: { name: "elsewhere" } };
    case "stopped":
      return phase.name === "done" ? exam : { ...exam, phase: { name: "stopped", problem: event.problem } };
  }
}

function entered(exam: Exam, snapshot: AttemptSnapshot): Exam {
  switch (snapshot.state) {
    case "checking":
      return { ...exam, snapshot, phase: { name: "welcome" } };
    case "in_progress":
    case "paused":
      // A click is needed before anything can sound or record; the server's clock goes on meanwhile.
      return { ...exam, snapshot, phase: { name: "resume" } };
    default:
      return goOn(exam, snapshot);
  }
}

function checked(exam: Exam, snapshot: AttemptSnapshot): Exam {
  return { ...exam, snapshot, phase: { name: snapshot.demonstration ? "demonstration" : "ready" } };
}

/** What staff or the clock have changed: a pause, its end, the test's end, a test given back. Anything else is only noted. */
function changed(exam: Exam, snapshot: AttemptSnapshot): Exam {
  const { phase } = exam;
  const wasOver = phase.name === "finishing" || phase.name === "done";
  if (wasOver && snapshot.state === "in_progress") return { ...exam, snapshot, phase: { name: "resume" } };
  if (phase.name === "paused" && snapshot.state !== "paused") return goOn(exam, snapshot);
  if (isRunning(exam) && phase.name !== "resume" && snapshot.state !== "in_progress") return goOn(exam, snapshot);
  return { ...exam, snapshot };
}

/**
 * What comes next. The item at `fresh` was opened by this page just now: the candidate has not heard it yet, however long
 * the reply took.
 */
function goOn(exam: Exam, snapshot: AttemptSnapshot, fresh: number | null = null): Exam {
  const next = { ...exam, snapshot };
  if (snapshot.state === "paused") return { ...next, phase: { name: "paused" } };
  if (snapshot.state === "submitted" || snapshot.state === "expired") {
    return { ...next, phase: { name: "finishing", ending: snapshot.state } };
  }
  if (snapshot.state === "voided") {
    const problem = { code: "voided", title: "This attempt was cancelled", detail: "Ask your campus admin what to do next." };
    return { ...next, phase: { name: "stopped", problem } };
  }
  if (snapshot.item) {
    const elapsedMs = snapshot.item.position === fresh ? 0 : snapshot.item.elapsed_ms;
    const items = snapshot.part_items ?? [];
    return { ...next, phase: items.length > 1 ? placeInPart(items, elapsedMs) : placeInItem(snapshot.item, elapsedMs) };
  }
  const section = snapshot.sections.find((candidate) => candidate.first_position === snapshot.position);
  if (section && !exam.instructed.includes(section.letter)) {
    return { ...next, instructed: [...exam.instructed, section.letter], phase: { name: "instructions", section } };
  }
  return { ...next, phase: { name: "opening", position: snapshot.position } };
}

/**
 * The number of a recording among those of its item. A later part of the window always has a higher one, on whatever
 * device, and no two on the same device share one. The server takes 0 to 19.
 */
export function segmentFor(windowMs: number, offsetMs: number, takenHere: readonly number[]): number {
  const byTime = Math.floor((Math.min(offsetMs, windowMs) / Math.max(1, windowMs)) * 18);
  return Math.min(19, Math.max(byTime, ...takenHere.map((segment) => segment + 1)));
}

/**
 * A recording's id, chosen here so that sending it twice is sending it once. It tells its place: any device can read off
 * the server's list which items have arrived and which segments are taken.
 */
export function recordingId(position: number, segment: number, unique: string): string {
  return `${position}-${segment}-${unique}`;
}

export function placeOf(id: string): { position: number; segment: number } | null {
  const match = /^(\d{1,4})-(\d{1,2})-/.exec(id);
  return match ? { position: Number(match[1]), segment: Number(match[2]) } : null;
}

/** How many items have at least one of these recordings. */
export function answersAmong(ids: Iterable<string>): number {
  return new Set([...ids].map((id) => placeOf(id)?.position ?? id)).size;
}
