import { describe, expect, it } from "vitest";
import { QUESTIONS, type AnswerPart } from "../src/exam/answers/registry";
import { answersAmong, placeInItem, placeInPart, recordingId, placeOf, segmentFor, START, step, type Exam, type ExamEvent } from "../src/exam/machine";
import type { AttemptSnapshot, ItemView } from "../src/exam/types";

function item(position: number, elapsed_ms = 0): ItemView {
  return {
    position, section_letter: "A", number: position + 1, of: 3, task: "repeat", practice: false, text: null,
    prompt: { url: "u", duration_ms: 2000 }, window_ms: 10_000, begin_within_ms: 5000, silence_end_ms: 2000,
    opened_at: "2026-01-01T00:00:00Z", elapsed_ms,
  };
}

function snapshot(changes: Partial<AttemptSnapshot> = {}): AttemptSnapshot {
  const section = { letter: "A", title: "Repeat", task: "repeat", instructions: "", example: "", instructions_audio_url: null, first_position: 0, item_count: 3, practice_count: 0 };
  return {
    id: "a", state: "in_progress", number: 1, server_now: "2026-01-01T00:00:00Z", started_at: null, deadline_at: null,
    title: "t", student_name: "Asha", total_items: 3, position: 0, item: null, sections: [section], demonstration: null,
    stored_recordings: [], storage_key: "", ...changes,
  };
}

const play = (events: ExamEvent[], from: Exam = START): Exam => events.reduce(step, from);
const phaseAfter = (...events: ExamEvent[]) => play(events).phase;

describe("the way through the exam", () => {
  const begun: ExamEvent[] = [
    { type: "entered", snapshot: snapshot({ state: "checking" }) },
    { type: "welcomed" },
    { type: "checked", snapshot: snapshot({ state: "checking" }) },
    { type: "begun", snapshot: snapshot() },
  ];

  it("instructs once at a part's start, then opens, prompts, records, closes", () => {
    const names = [...begun, { type: "instructed" }, { type: "moved", snapshot: snapshot({ item: item(0) }), fresh: 0 }, { type: "prompt_ended" }, { type: "recorded" }, { type: "moved", snapshot: snapshot({ position: 1 }), fresh: null }]
      .reduce<[Exam, string[]]>(([exam, seen], event) => {
        const next = step(exam, event as ExamEvent);
        return [next, [...seen, next.phase.name]];
      }, [START, []])[1];
    expect(names).toEqual(["welcome", "check", "ready", "instructions", "opening", "prompt", "recording", "closing", "opening"]);
  });

  it("shows the demonstration before the clock starts when there is one", () => {
    const demo = snapshot({ state: "checking", demonstration: { title: "", text: "", audio_url: null } });
    expect(phaseAfter({ type: "entered", snapshot: demo }, { type: "welcomed" }, { type: "checked", snapshot: demo }).name).toBe("demonstration");
  });

  it("has no way back: an earlier item's reply changes nothing", () => {
    const opening = play([...begun, { type: "instructed" }, { type: "moved", snapshot: snapshot({ item: item(0) }), fresh: 0 }, { type: "prompt_ended" }, { type: "recorded" }, { type: "moved", snapshot: snapshot({ position: 1 }), fresh: null }]);
    expect(step(opening, { type: "moved", snapshot: snapshot({ item: item(0) }), fresh: 0 })).toBe(opening);
    expect(step(opening, { type: "prompt_ended" })).toBe(opening);
  });

  it("plays the whole prompt of an item that this page opened, however late the reply", () => {
    const phase = play([...begun, { type: "instructed" }, { type: "moved", snapshot: snapshot({ item: item(0, 60_000) }), fresh: 0 }]).phase;
    expect(phase).toMatchObject({ name: "prompt", offsetMs: 0 });
  });

  it("ends when the server says so, and is done only when everything has arrived", () => {
    const finishing = play([...begun, { type: "ended", ending: "expired" }]);
    expect(finishing.phase).toEqual({ name: "finishing", ending: "expired" });
    expect(step(finishing, { type: "uploaded" }).phase).toEqual({ name: "done", ending: "expired" });
  });

  it("stops with a reason for a voided attempt", () => {
    expect(phaseAfter({ type: "entered", snapshot: snapshot({ state: "voided" }) })).toMatchObject({ name: "stopped", problem: { code: "voided" } });
  });
});

describe("an item that is typed or chosen", () => {
  it("has no prompt or recording of its own: its screen runs until it is answered, then it closes", () => {
    QUESTIONS.essay = () => ({ ask: "", keys: "", part: {} as AnswerPart });
    try {
      const typed = { ...item(0), task: "essay" };
      expect(placeInItem(typed, 0)).toEqual({ name: "answering", item: typed, offsetMs: 0 });
      expect(placeInItem(typed, 11_990)).toMatchObject({ name: "answering", offsetMs: 11_990 });
      expect(placeInItem(typed, 12_000).name).toBe("closing");
      const answering: Exam = { phase: placeInItem(typed, 0), snapshot: snapshot(), instructed: [] };
      expect(step(answering, { type: "answered" }).phase.name).toBe("closing");
    } finally {
      delete QUESTIONS.essay;
    }
  });
});

describe("a part with a time limit", () => {
  const items = [item(1), item(2)].map((each) => ({ ...each, prompt: null, window_ms: 60_000 }));
  const open = snapshot({ position: 1, item: { ...items[0]!, elapsed_ms: 5000 }, part_items: items });
  const resumed = play([{ type: "entered", snapshot: snapshot() }, { type: "resumed", snapshot: open }]);

  it("shows all its items under one clock, and goes on at the very second", () => {
    expect(resumed.phase).toEqual({ name: "part", items, offsetMs: 5000 });
    expect(placeInPart(items, 59_999).name).toBe("part");
  });
  it("is closed by its last item, once: finished, or its time over", () => {
    expect(step(resumed, { type: "answered" }).phase).toEqual({ name: "closing", item: items[1] });
    expect(placeInPart(items, 60_000)).toEqual({ name: "closing", item: items[1] });
  });
  it("stands while the test is paused, and ends with it", () => {
    expect(step(resumed, { type: "changed", snapshot: { ...open, state: "paused" } }).phase.name).toBe("paused");
    expect(step(resumed, { type: "ended", ending: "expired" }).phase.name).toBe("finishing");
  });
});

describe("what staff change while the test runs", () => {
  const listening = play([
    { type: "entered", snapshot: snapshot() },
    { type: "resumed", snapshot: snapshot({ item: item(0, 500) }) },
  ]);
  const paused = step(listening, { type: "changed", snapshot: snapshot({ state: "paused" }) });

  it("a pause stops everything, and its end goes on at the very second", () => {
    expect(paused.phase.name).toBe("paused");
    expect(step(paused, { type: "changed", snapshot: snapshot({ item: item(0, 700) }) }).phase).toMatchObject({ name: "prompt", offsetMs: 700 });
  });
  it("more time is only noted", () => {
    const later = step(listening, { type: "changed", snapshot: snapshot({ deadline_at: "2026-01-01T01:00:00Z" }) });
    expect(later.phase).toBe(listening.phase);
    expect(later.snapshot?.deadline_at).toBe("2026-01-01T01:00:00Z");
  });
  it("a test that is given back goes on", () => {
    const over = step(listening, { type: "ended", ending: "expired" });
    expect(step(over, { type: "changed", snapshot: snapshot() }).phase.name).toBe("resume");
  });
  it("a test that was cancelled stops", () => {
    expect(step(paused, { type: "changed", snapshot: snapshot({ state: "voided" }) }).phase.name).toBe("stopped");
  });
  it("a newer window makes this one read-only, whatever was on, but for what is over", () => {
    expect(step(listening, { type: "taken" }).phase.name).toBe("elsewhere");
    expect(step(paused, { type: "taken" }).phase.name).toBe("elsewhere");
  });
});

describe("resuming", () => {
  const resumed = (view: AttemptSnapshot) => phaseAfter({ type: "entered", snapshot: view }, { type: "resumed", snapshot: view });

  it("asks for a click first: nothing may sound or record without one", () => {
    expect(phaseAfter({ type: "entered", snapshot: snapshot() }).name).toBe("resume");
  });
  it("goes on in the middle of the prompt", () => {
    expect(resumed(snapshot({ item: item(0, 1500) }))).toMatchObject({ name: "prompt", offsetMs: 1500 });
  });
  it("goes on in the middle of the window", () => {
    expect(resumed(snapshot({ item: item(0, 5000) }))).toMatchObject({ name: "recording", offsetMs: 3000 });
  });
  it("closes an item whose time has gone", () => {
    expect(resumed(snapshot({ item: item(0, 13_000) })).name).toBe("closing");
  });
  it("does not record a crumb", () => {
    expect(placeInItem(item(0), 11_900).name).toBe("closing");
  });
  it("finishes an attempt that is over, so that unsent answers go first", () => {
    expect(phaseAfter({ type: "entered", snapshot: snapshot({ state: "submitted" }) }).name).toBe("finishing");
  });
});

describe("recordings' places", () => {
  it("keeps segments in the order of the window, also over two devices", () => {
    const onPhone = segmentFor(10_000, 0, []);
    const onLaptop = segmentFor(10_000, 4000, []);
    const again = segmentFor(10_000, 4100, [onLaptop]);
    expect(onPhone).toBe(0);
    expect(onLaptop).toBeGreaterThan(onPhone);
    expect(again).toBeGreaterThan(onLaptop);
    expect(segmentFor(10_000, 10_000, [18])).toBe(19);
  });
  it("reads an id's place back, and counts items rather than recordings", () => {
    expect(placeOf(recordingId(12, 3, "3f0c"))).toEqual({ position: 12, segment: 3 });
    expect(placeOf("3f0c3e1e-0000")).toBeNull();
    expect(answersAmong(["0-0-a", "0-6-b", "1-0-c"])).toBe(2);
  });
});
