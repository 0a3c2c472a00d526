/** The monitor's rows and what they mean; pure. */

export interface Conditions {
  extra_time: number;
  break_ms: number;
  replays: number;
  larger_text: boolean;
  no_silence_end: boolean;
}

export interface Row {
  student_id: string;
  student_name: string;
  roll_number: string;
  attempt_id: string | null;
  state: "not_started" | "checking" | "in_progress" | "paused" | "submitted" | "expired" | "voided" | "scored";
  section_letter: string | null;
  position: number;
  /** How many items are open from `position` on: more than one in a part with a time limit. */
  items_open?: number;
  total_items: number;
  last_seen_at: string | null;
  uploads_pending: number;
  microphone: string;
  responses: { queued: number; scored: number; failed: number; needs_rater: number };
  /** How somebody made sure who it is: "card", "document", or "" for nobody yet. */
  identity: string;
  /** The code of the condition that keeps the candidate out, or "". */
  refused: string;
  /** Went on without a connection at some time. */
  offline: boolean;
  signals: { total: number; finding: string; appealed: boolean };
  /** Of one that is over: the position at which it would go on, if it were reopened; null where nothing is left. */
  reopens_at: number | null;
  /** What is different for this candidate; null where nothing is. Never why. */
  conditions: Conditions | null;
  version: number;
  /** Of the attempt, as `state` and `position` show it. */
  revision: number;
  /** The moment of each part's latest news; under `version` that of the whole row, for parts without any. */
  heard?: Partial<Record<keyof Row, number>>;
  /** Since when uploads wait, as far as this page knows. */
  pending_since?: number;
}

/** An event: always student_id and version; of the rest only what has changed. Never a name. */
export type RowEvent = Pick<Row, "student_id" | "version"> & Partial<Row>;

export type Tone = "green" | "yellow" | "red" | "blue" | "secondary";
export type Group = "waiting" | "sitting" | "paused" | "finished" | "scored";
export interface Label {
  text: string;
  tone: Tone;
}

/** A client beats every 10 s; two beats missed and it is lost. */
export const LOST_AFTER_MS = 25_000;
/** Uploads go out within seconds; what waits longer does not get through. */
export const PENDING_LONG_MS = 60_000;

const STANDING: ReadonlySet<string> = new Set(["attempt_id", "revision", "state", "section_letter", "position", "items_open", "total_items", "offline", "reopens_at", "conditions"]);

/** The row with what is new in the event, each part by itself; the same row when nothing is. */
export function withEvent(row: Row, event: RowEvent): Row {
  const { student_id: _id, student_name: _name, roll_number: _roll, version, ...news } = event;
  const names = Object.keys(news) as (keyof Row & keyof typeof news)[];
  const taken = names.filter((name) => (STANDING.has(name) && event.revision !== undefined ? isFurther(row, event) : version >= momentOf(row, name)));
  if (taken.length === 0) return row;
  const heard = { version: momentOf(row, "version"), ...row.heard, ...Object.fromEntries(taken.map((name) => [name, version])) };
  const after = { ...row, ...Object.fromEntries(taken.map((name) => [name, news[name]])), version: Math.max(version, row.version), heard };
  if (after.uploads_pending === 0) delete after.pending_since;
  else after.pending_since = row.pending_since ?? event.version;
  return after;
}

/** By the attempt's revision; another attempt of the same student by the moment of the news. */
function isFurther(row: Row, event: RowEvent): boolean {
  if (event.attempt_id !== row.attempt_id) return event.version >= momentOf(row, "attempt_id");
  return (event.revision ?? 0) >= row.revision;
}

function momentOf(row: Row, name: keyof Row): number {
  return row.heard?.[name] ?? row.heard?.version ?? row.version;
}

export function groupOf(row: Row): Group {
  if (row.state === "scored") return "scored";
  if (row.state === "submitted" || row.state === "expired" || row.state === "voided") return "finished";
  if (row.state === "paused") return "paused";
  return row.state === "in_progress" ? "sitting" : "waiting";
}

export function isThere(row: Row): boolean {
  return row.state === "checking" || row.state === "in_progress" || row.state === "paused";
}

/** For how long nothing was heard of a candidate who should be there; null while connected or not expected. */
export function lostForMs(row: Row, nowMs: number): number | null {
  if (!isThere(row) && !(groupOf(row) === "finished" && row.uploads_pending > 0)) return null;
  if (row.last_seen_at === null) return null;
  const silentMs = nowMs - Date.parse(row.last_seen_at);
  return silentMs > LOST_AFTER_MS ? silentMs : null;
}

export function placeLabel(row: Row): Label {
  switch (row.state) {
    case "not_started":
      return { text: "Not started", tone: "secondary" };
    case "checking":
      return { text: "Checking the device", tone: "blue" };
    case "in_progress":
      return { text: `Part ${row.section_letter ?? "?"}, ${itemsOf(row)}`, tone: "blue" };
    case "paused":
      return { text: `Paused at ${itemsOf(row)}`, tone: "yellow" };
    case "voided":
      return { text: "Voided", tone: "secondary" };
    case "scored":
      return { text: "Scored", tone: "green" };
    case "expired":
      return { text: "Time over", tone: "green" };
    case "submitted":
      return { text: "Finished", tone: "green" };
  }
}

/** What is open: one item, or all of a part, between which the candidate goes to and fro. */
function itemsOf({ position, items_open: open = 1, total_items: total }: Row): string {
  return open > 1 ? `${position + 1}–${position + open} of ${total}` : `item ${Math.min(position + 1, total)} of ${total}`;
}

export function connectionLabel(row: Row, nowMs: number): Label | null {
  const lost = lostForMs(row, nowMs);
  if (lost !== null) return { text: `Lost ${ago(lost)}`, tone: "red" };
  return isThere(row) && row.last_seen_at !== null ? { text: "Connected", tone: "green" } : null;
}

const MICROPHONE_TEXTS: Record<string, string> = {
  denied: "not allowed",
  not_found: "not found",
  in_use: "used elsewhere",
  unsupported: "browser cannot",
  ended: "disconnected",
  muted: "muted",
  silent: "no sound",
};

export function microphoneLabel(row: Row): Label | null {
  if (!isThere(row)) return null;
  if (row.microphone === "ok") return { text: "Works", tone: "green" };
  if (!row.microphone.startsWith("trouble:")) return null;
  const code = row.microphone.slice("trouble:".length);
  return { text: MICROPHONE_TEXTS[code] ?? "trouble", tone: "red" };
}

export function uploadsLabel(row: Row): Label | null {
  if (row.uploads_pending === 0) return null;
  return { text: `${row.uploads_pending} pending`, tone: row.uploads_pending > 2 || groupOf(row) === "finished" ? "yellow" : "secondary" };
}

export function scoringLabel(row: Row): Label | null {
  const { queued, scored, failed, needs_rater: rater } = row.responses;
  const total = queued + scored + failed + rater;
  if (failed > 0) return { text: `${failed} could not be scored`, tone: "red" };
  if (total === 0) return null;
  const text = `${scored + rater} of ${total}${rater ? `, ${rater} for a rater` : ""}`;
  return { text, tone: queued === 0 && groupOf(row) === "scored" ? "green" : "secondary" };
}

const REFUSAL_TEXTS: Record<string, string> = { network_not_allowed: "Outside the network", seb_required: "Not in the safe browser" };

export function signalsLabel(row: Row): Label | null {
  const { total, finding, appealed } = row.signals;
  if (total === 0) return null;
  if (appealed) return { text: `${total}, appealed`, tone: "red" };
  return finding === "new" ? { text: `${total} to review`, tone: "yellow" } : { text: `${total} reviewed`, tone: "secondary" };
}

export interface Trouble extends Label {
  /** Higher needs somebody sooner. */
  weight: number;
}

/** What is wrong with a candidate, the gravest first. */
export function troublesOf(row: Row, nowMs: number): Trouble[] {
  const found: Trouble[] = [];
  const lost = lostForMs(row, nowMs);
  const microphone = microphoneLabel(row);
  const isOut = row.state === "not_started" || row.state === "checking";
  if (row.refused && isOut) found.push({ text: REFUSAL_TEXTS[row.refused] ?? "Not let in", tone: "red", weight: 64 });
  if (microphone?.tone === "red") found.push({ text: `Microphone: ${microphone.text}`, tone: "red", weight: 32 });
  if (lost !== null) found.push({ text: `Not seen, ${ago(lost)}`, tone: "red", weight: 16 });
  if (row.responses.failed > 0) found.push({ text: `${row.responses.failed} could not be scored`, tone: "red", weight: 8 });
  if (areUploadsStuck(row, nowMs)) found.push({ text: `${row.uploads_pending} ${row.uploads_pending === 1 ? "answer" : "answers"} not sent`, tone: "yellow", weight: 4 });
  if (row.offline) found.push({ text: "Was off-line", tone: "yellow", weight: 2 });
  if (row.signals.total > 0 && (row.signals.finding === "new" || row.signals.appealed)) {
    found.push({ text: row.signals.appealed ? "Appeal waits" : `${row.signals.total} ${row.signals.total === 1 ? "signal" : "signals"}`, tone: "yellow", weight: 1 });
  }
  return found;
}

function areUploadsStuck(row: Row, nowMs: number): boolean {
  if (row.uploads_pending === 0) return false;
  return groupOf(row) === "finished" || row.uploads_pending > 2 || (row.pending_since !== undefined && nowMs - row.pending_since > PENDING_LONG_MS);
}

export function troubleOf(row: Row, nowMs: number): number {
  return troublesOf(row, nowMs).reduce((sum, each) => sum + each.weight, 0);
}

export type Order = "trouble" | "name" | "roll" | "progress";
const collator = new Intl.Collator("en", { numeric: true, sensitivity: "base" });
const GROUP_RANK: Record<Group, number> = { paused: 0, sitting: 1, waiting: 2, finished: 3, scored: 4 };

export function sorted(rows: Iterable<Row>, order: Order, nowMs: number): Row[] {
  const byName = (a: Row, b: Row): number => collator.compare(a.student_name, b.student_name);
  // Once a row, not once a comparison: a thousand rows are compared ten thousand times.
  const all = [...rows];
  const trouble = order === "trouble" ? new Map(all.map((row) => [row, troubleOf(row, nowMs)])) : new Map<Row, number>();
  const compare: Record<Order, (a: Row, b: Row) => number> = {
    name: byName,
    roll: (a, b) => collator.compare(a.roll_number, b.roll_number) || byName(a, b),
    progress: (a, b) => GROUP_RANK[groupOf(a)] - GROUP_RANK[groupOf(b)] || a.position - b.position || byName(a, b),
    trouble: (a, b) => trouble.get(b)! - trouble.get(a)! || GROUP_RANK[groupOf(a)] - GROUP_RANK[groupOf(b)] || byName(a, b),
  };
  return all.sort(compare[order]);
}

export interface Granted {
  /** For the row. */
  short: string;
  /** The same, to be read out. */
  long: string;
}

/** A candidate's accommodations in words; null where there are none. */
export function grantedOf({ conditions }: Row): Granted | null {
  if (!conditions) return null;
  const { extra_time: factor, break_ms, replays, larger_text, no_silence_end } = conditions;
  const minutes = Math.round(break_ms / 60_000);
  const pieces: [string, string][] = [];
  if (factor > 1) pieces.push([`×${factor}`, `${factor} times the usual time`]);
  if (minutes > 0) pieces.push(["rest", `breaks of ${minutes} minutes in all`]);
  if (replays > 0) pieces.push(["replay", replays === 1 ? "each prompt once more" : `each prompt ${replays} times more`]);
  if (larger_text) pieces.push(["Aa", "larger text"]);
  if (no_silence_end) pieces.push(["end", "answers not ended by silence"]);
  return { short: pieces.map(([short]) => short).join(" "), long: pieces.map(([, long]) => long).join(", ") };
}

export type Filter = "all" | "trouble" | "granted" | Group;

export function matches(row: Row, filter: Filter, text: string, nowMs: number): boolean {
  if (filter === "trouble" && troubleOf(row, nowMs) === 0) return false;
  if (filter === "granted" && row.conditions === null) return false;
  if (filter !== "all" && filter !== "trouble" && filter !== "granted" && groupOf(row) !== filter) return false;
  const wanted = text.trim().toLocaleLowerCase();
  return wanted === "" || `${row.student_name} ${row.roll_number}`.toLocaleLowerCase().includes(wanted);
}

export interface Summary {
  total: number;
  waiting: number;
  sitting: number;
  paused: number;
  finished: number;
  scored: number;
  trouble: number;
}

export function summarise(rows: Iterable<Row>, nowMs: number): Summary {
  const summary: Summary = { total: 0, waiting: 0, sitting: 0, paused: 0, finished: 0, scored: 0, trouble: 0 };
  for (const row of rows) {
    summary.total += 1;
    summary[groupOf(row)] += 1;
    if (troubleOf(row, nowMs) > 0) summary.trouble += 1;
  }
  return summary;
}

/** "40 s ago", "3 min ago", "2 h ago". */
export function ago(ms: number): string {
  const seconds = Math.round(ms / 1000);
  if (seconds < 60) return `${Math.floor(seconds / 10) * 10} s ago`;
  return seconds < 3600 ? `${Math.floor(seconds / 60)} min ago` : `${Math.floor(seconds / 3600)} h ago`;
}

/** Whether somebody has made sure who it is; of interest until the test begins. */
export function identityLabel(row: Row): Label | null {
  if (row.state !== "not_started" && row.state !== "checking") return null;
  return row.identity ? { text: "Identity checked", tone: "green" } : null;
}

export type Action = "message" | "incident" | "extend" | "pause" | "resume" | "reopen" | "void";

/** Of the chosen, those whom an action can reach. Messages and notes reach everybody, who has begun or not. */
export function reachable(rows: Iterable<Row>, action: Action): Row[] {
  const may: Record<Action, (row: Row) => boolean> = {
    message: () => true,
    incident: () => true,
    extend: isThere,
    pause: (row) => row.state === "in_progress",
    resume: (row) => row.state === "paused",
    reopen: (row) => row.reopens_at !== null,
    void: (row) => row.attempt_id !== null && row.state !== "voided",
  };
  return [...rows].filter(may[action]);
}

/** Which questions come again when these are reopened, as whoever decides it has to know. */
export function reopeningOf(rows: readonly Row[]): string {
  const handedIn = rows.filter((row) => row.position >= row.total_items);
  const stopped = rows.filter((row) => row.position < row.total_items);
  const said = [
    stopped.length === 0 ? "" : `${whose(stopped, rows)} at the question at which the time ended${stopped.length === 1 ? `, ${stopped[0]!.reopens_at! + 1} of ${stopped[0]!.total_items}` : ""}.`,
    handedIn.length === 0 ? "" : handedInOf(handedIn, rows),
    "Every earlier answer is final.",
  ];
  return said.filter(Boolean).join(" ");
}

function whose(some: readonly Row[], all: readonly Row[]): string {
  if (all.length === 1) return "They go on";
  return some.length === 1 ? "1 goes on" : `${some.length} go on`;
}

function handedInOf(rows: readonly Row[], all: readonly Row[]): string {
  const who = all.length === 1 ? "They handed the test in" : `${rows.length} handed the test in`;
  const [row] = rows as [Row];
  const first = row.reopens_at! + 1;
  const isPart = first < row.total_items;
  const which = isPart ? `the last part, questions ${first} to ${row.total_items}, comes` : `the last question, ${first} of ${row.total_items}, comes`;
  const again = rows.length === 1 ? which : `the last question${rows.some((each) => each.reopens_at! + 1 < each.total_items) ? ", or the last part where it has one time for all its questions," : ""} comes`;
  return `${who}: only ${again} once more. A new recording is added to the first, a typed answer can be changed.`;
}
