import { describe, expect, it } from "vitest";
import { countStates, newer, type DispatchRow } from "../src/mailing/rows";
import { scrollToShow, stepOf, visibleRange } from "../src/monitor/list";
import { connectionLabel, grantedOf, lostForMs, matches, microphoneLabel, placeLabel, reachable, reopeningOf, scoringLabel, sorted, summarise, troubleOf, troublesOf, withEvent, type Row } from "../src/monitor/rows";

const NOW = Date.parse("2026-01-01T10:00:00Z");
const before = (ms: number) => new Date(NOW - ms).toISOString();

function row(changes: Partial<Row> = {}): Row {
  return {
    student_id: "s1", student_name: "Asha", roll_number: "N-2", attempt_id: "a1", state: "in_progress", section_letter: "B",
    position: 4, total_items: 63, last_seen_at: before(3000), uploads_pending: 0, microphone: "ok",
    responses: { queued: 0, scored: 0, failed: 0, needs_rater: 0 }, identity: "", refused: "",
    offline: false, signals: { total: 0, finding: "", appealed: false }, reopens_at: null, conditions: null, version: 10, revision: 5, ...changes,
  };
}

describe("events", () => {
  it("change what they carry and leave the rest, the name above all", () => {
    const after = withEvent(row(), { student_id: "s1", version: 11, uploads_pending: 3 });
    expect(after).toMatchObject({ uploads_pending: 3, student_name: "Asha", position: 4, version: 11 });
  });
  it("are ignored when older than the row", () => {
    const newest = row();
    expect(withEvent(newest, { student_id: "s1", version: 9, position: 1 })).toBe(newest);
  });
  it("are not kept off by a heartbeat that overtook them: each part has a moment of its own", () => {
    const beaten = withEvent(row(), { student_id: "s1", attempt_id: "a1", version: 30, uploads_pending: 1 });
    const paused = withEvent(beaten, { student_id: "s1", attempt_id: "a1", revision: 6, version: 20, state: "paused" });
    expect(paused).toMatchObject({ state: "paused", uploads_pending: 1, version: 30 });
    expect(withEvent(paused, { student_id: "s1", version: 25, uploads_pending: 4 })).toBe(paused);
    expect(withEvent(paused, { student_id: "s1", version: 12, identity: "card" })).toMatchObject({ identity: "card" });
  });
  it("tell where the candidate stands by the attempt's revision, whenever they were written", () => {
    const later = { student_id: "s1", attempt_id: "a1", revision: 4, version: 99, state: "in_progress" as const, position: 2 };
    expect(withEvent(row({ state: "paused" }), later)).toMatchObject({ state: "paused", position: 4 });
    const again = { student_id: "s1", attempt_id: "a2", revision: 0, version: 99, state: "checking" as const, position: 0 };
    expect(withEvent(row({ state: "voided" }), again)).toMatchObject({ state: "checking", attempt_id: "a2", revision: 0 });
  });
});

describe("the place of a candidate", () => {
  it("is one item, or all of a part whose items share a time limit", () => {
    expect(placeLabel(row()).text).toBe("Part B, item 5 of 63");
    expect(placeLabel(row({ items_open: 6 })).text).toBe("Part B, 5–10 of 63");
    expect(placeLabel(row({ items_open: 6, state: "paused" })).text).toBe("Paused at 5–10 of 63");
  });
});

describe("trouble", () => {
  it("is a candidate in the test who was not heard of for 25 seconds", () => {
    expect(lostForMs(row({ last_seen_at: before(24_000) }), NOW)).toBeNull();
    expect(connectionLabel(row({ last_seen_at: before(190_000) }), NOW)).toEqual({ text: "Lost 3 min ago", tone: "red" });
  });
  it("is not a candidate who has finished and gone, unless answers are missing", () => {
    const gone = row({ state: "submitted", last_seen_at: before(600_000) });
    expect(troubleOf(gone, NOW)).toBe(0);
    expect(troubleOf({ ...gone, uploads_pending: 2 }, NOW)).toBeGreaterThan(0);
  });
  it("is uploads that wait for a minute, not those on their way", () => {
    const waiting = withEvent(row({ version: NOW - 70_000 }), { student_id: "s1", version: NOW - 65_000, uploads_pending: 1 });
    expect(troubleOf(waiting, NOW - 60_000)).toBe(0);
    const still = withEvent(waiting, { student_id: "s1", version: NOW - 1000, uploads_pending: 1, last_seen_at: before(1000) });
    expect(troublesOf(still, NOW).map((each) => each.text)).toEqual(["1 answer not sent"]);
    expect(troubleOf(withEvent(still, { student_id: "s1", version: NOW, uploads_pending: 0 }), NOW)).toBe(0);
  });
  it("is signals that nobody has looked at, and appeals", () => {
    const signals = { total: 3, finding: "new", appealed: false };
    expect(troublesOf(row({ signals, offline: true }), NOW).map((each) => each.text)).toEqual(["Was off-line", "3 signals"]);
    expect(troubleOf(row({ signals: { ...signals, finding: "no_concern" } }), NOW)).toBe(0);
  });
  it("is being turned away, until let in", () => {
    const out = row({ state: "not_started", attempt_id: null, refused: "network_not_allowed" });
    expect(troublesOf(out, NOW)[0]?.text).toBe("Outside the network");
    expect(troubleOf({ ...out, state: "in_progress" }, NOW)).toBe(0);
  });
  it("names the microphone's", () => {
    expect(microphoneLabel(row({ microphone: "trouble:muted" }))).toEqual({ text: "muted", tone: "red" });
    expect(microphoneLabel(row({ microphone: "trouble:something_new" }))?.tone).toBe("red");
  });
  it("shows answers that could not be scored rather than a sum that hides them", () => {
    expect(scoringLabel(row({ responses: { queued: 0, scored: 7, failed: 1, needs_rater: 0 } }))).toEqual({ text: "1 could not be scored", tone: "red" });
  });
});

describe("accommodations", () => {
  const granted = { extra_time: 1.25, break_ms: 600_000, replays: 0, larger_text: true, no_silence_end: false };

  it("are told in short on the row, and whole to be read out", () => {
    expect(grantedOf(row())).toBeNull();
    expect(grantedOf(row({ conditions: granted }))).toEqual({ short: "×1.25 rest Aa", long: "1.25 times the usual time, breaks of 10 minutes in all, larger text" });
    expect(grantedOf(row({ conditions: { ...granted, extra_time: 1, break_ms: 0, replays: 1, larger_text: false } }))?.long).toBe("each prompt once more");
    const own = { extra_time: 1, break_ms: 0, replays: 0, larger_text: false, no_silence_end: true };
    expect(grantedOf(row({ conditions: own }))).toEqual({ short: "end", long: "answers not ended by silence" });
  });
  it("are a filter, and are of the attempt: what was fixed when it began replaces what was granted before", () => {
    expect(matches(row({ conditions: granted }), "granted", "", NOW)).toBe(true);
    expect(matches(row(), "granted", "", NOW)).toBe(false);
    const begun = withEvent(row({ conditions: granted }), { student_id: "s1", attempt_id: "a1", revision: 6, version: 11, conditions: null });
    expect(grantedOf(begun)).toBeNull();
  });
});

describe("the list", () => {
  const rows = [
    row({ student_id: "calm", student_name: "Asha", roll_number: "N-10" }),
    row({ student_id: "lost", student_name: "Ravi", roll_number: "N-9", last_seen_at: before(60_000) }),
    row({ student_id: "mute", student_name: "Zoya", roll_number: "N-1", microphone: "trouble:muted" }),
    row({ student_id: "away", student_name: "Bela", roll_number: "N-2", state: "not_started", attempt_id: null, last_seen_at: null }),
  ];
  const ids = (order: Parameters<typeof sorted>[1]) => sorted(rows, order, NOW).map((each) => each.student_id);

  it("puts trouble first, numbers in roll numbers as numbers", () => {
    expect(ids("trouble")).toEqual(["mute", "lost", "calm", "away"]);
    expect(ids("roll")).toEqual(["mute", "away", "lost", "calm"]);
  });
  it("finds by part of a name or roll number, within a filter", () => {
    expect(rows.filter((each) => matches(each, "all", "rAv", NOW))).toHaveLength(1);
    expect(rows.filter((each) => matches(each, "trouble", "", NOW)).map((each) => each.student_id)).toEqual(["lost", "mute"]);
    expect(rows.filter((each) => matches(each, "waiting", "n-9", NOW))).toHaveLength(0);
  });
  it("adds up", () => {
    expect(summarise(rows, NOW)).toEqual({ total: 4, waiting: 1, sitting: 3, paused: 0, finished: 0, scored: 0, trouble: 2 });
  });
});

describe("an action", () => {
  const rows = [row({ student_id: "on" }), row({ student_id: "held", state: "paused" }), row({ student_id: "done", state: "submitted", reopens_at: 62 }), row({ student_id: "none", state: "not_started", attempt_id: null })];
  const ids = (action: Parameters<typeof reachable>[1]) => reachable(rows, action).map((each) => each.student_id);

  it("reaches those who are at that point", () => {
    expect(ids("pause")).toEqual(["on"]);
    expect(ids("resume")).toEqual(["held"]);
    expect(ids("extend")).toEqual(["on", "held"]);
    expect(ids("reopen")).toEqual(["done"]);
    expect(ids("void")).toEqual(["on", "held", "done"]);
    expect(ids("message")).toHaveLength(4);
  });
});

describe("reopening", () => {
  const stopped = row({ state: "expired", position: 11, reopens_at: 11 });
  const handedIn = row({ state: "submitted", position: 63, reopens_at: 62 });
  const lastPart = row({ state: "scored", position: 20, total_items: 20, reopens_at: 14 });

  it("says which questions come again before it is done", () => {
    expect(reopeningOf([stopped])).toBe("They go on at the question at which the time ended, 12 of 63. Every earlier answer is final.");
    expect(reopeningOf([handedIn])).toMatch(/^They handed the test in: only the last question, 63 of 63, comes once more\..+ Every earlier answer is final\.$/);
    expect(reopeningOf([lastPart])).toContain("only the last part, questions 15 to 20, comes once more");
    expect(reopeningOf([stopped, stopped, handedIn])).toMatch(/^2 go on at the question at which the time ended\. 1 handed the test in: only the last question, 63 of 63,/);
    expect(reopeningOf([handedIn, lastPart])).toContain("2 handed the test in: only the last question, or the last part");
  });
  it("reaches only what has something to go on with", () => {
    expect(reachable([stopped, handedIn, row({ state: "expired", position: 63 }), row()], "reopen")).toEqual([stopped, handedIn]);
  });
});

describe("a thousand rows", () => {
  it("are drawn only where they are seen", () => {
    expect(visibleRange(0, 500, 50, 1000, 4)).toEqual({ first: 0, end: 14 });
    expect(visibleRange(25_000, 500, 50, 1000, 4)).toEqual({ first: 496, end: 514 });
    expect(visibleRange(1e9, 500, 50, 1000, 4)).toEqual({ first: 986, end: 1000 });
    expect(visibleRange(0, 500, 50, 0)).toEqual({ first: 0, end: 0 });
    expect(visibleRange(0, 500, 0, 10)).toEqual({ first: 0, end: 0 });
  });
  it("always cover the window, wherever it is scrolled to", () => {
    for (let scroll = 0; scroll <= 49_500; scroll += 37) {
      const { first, end } = visibleRange(scroll, 500, 50, 1000);
      expect(first * 50).toBeLessThanOrEqual(scroll);
      expect(end * 50).toBeGreaterThanOrEqual(scroll + 500);
      expect(end - first).toBeLessThan(30);
    }
  });
  it("are reached by the keyboard one after another", () => {
    expect(stepOf("ArrowDown", 999, 1000, 9)).toBe(999);
    expect(stepOf("PageDown", 5, 1000, 9)).toBe(14);
    expect([stepOf("Home", 5, 1000, 9), stepOf("End", 5, 1000, 9), stepOf("a", 5, 1000, 9)]).toEqual([0, 999, null]);
    expect(scrollToShow(20, 0, 500, 50)).toBe(550);
    expect(scrollToShow(3, 0, 500, 50)).toBeNull();
    expect(scrollToShow(3, 400, 500, 50)).toBe(150);
  });
  it("are sorted in a moment", () => {
    const many = Array.from({ length: 1000 }, (_, n) => row({ student_id: `s${n}`, student_name: `Name ${(n * 7919) % 1000}`, last_seen_at: before((n % 40) * 1000) }));
    const startedAt = performance.now();
    sorted(many, "trouble", NOW);
    expect(performance.now() - startedAt).toBeLessThan(200);
  });
});

describe("a mailing", () => {
  it("counts claimed mails as waiting: they are on their way", () => {
    expect(countStates([{ state: "claimed" }, { state: "queued" }, { state: "sent" }, { state: "failed" }])).toEqual({ total: 4, sent: 1, waiting: 2, failed: 1, unknown: 0 });
  });
  it("never goes back to an older state", () => {
    const sent: DispatchRow = { dispatch_id: "d", state: "sent", reason: null, version: 3 };
    expect(newer(sent, { ...sent, state: "claimed", version: 2 })).toBe(sent);
  });
});
