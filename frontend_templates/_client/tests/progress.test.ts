import { describe, expect, it } from "vitest";
import { isBlankAnswer, labelOf, noteFrom, statesOf, summaryOf, withFlag } from "../src/exam/answers/progress";
import type { ItemView } from "../src/exam/types";

const items = [10, 11, 12].map((position, index): ItemView => ({
  position, section_letter: "E", number: index + 1, of: 3, task: "multiple_choice", practice: false, text: "?", prompt: null,
  window_ms: 60_000, begin_within_ms: 60_000, silence_end_ms: 60_000, opened_at: "", elapsed_ms: 0,
}));
const answered = (...positions: number[]) => (item: ItemView) => (positions.includes(item.position) ? { choices: [0] } : null);

describe("the questions of a part", () => {
  it("count as answered when something was said, chosen or filled in", () => {
    const blank = [null, {}, { text: " \n" }, { texts: ["", " "] }, { choices: [] }, { choices: [-1, -1] }];
    expect(blank.map(isBlankAnswer)).toEqual(blank.map(() => true));
    expect([{ text: "a" }, { texts: ["", "b"] }, { choices: [0] }, { choices: [-1, 2] }].map(isBlankAnswer)).toEqual([false, false, false, false]);
  });

  it("go on where this device was, on another at the first without an answer", () => {
    expect(noteFrom({ current: 12, flagged: [11, 99] }, items, answered())).toEqual({ current: 12, flagged: [11] });
    expect(noteFrom(null, items, answered(10))).toEqual({ current: 11, flagged: [] });
    expect(noteFrom(null, items, answered(10, 11, 12)).current).toBe(10);
    expect(noteFrom({ current: 3, flagged: [] }, items, answered(10)).current).toBe(11);
  });

  it("are flagged and unflagged", () => {
    const flagged = withFlag({ current: 10, flagged: [] }, 11);
    expect(flagged.flagged).toEqual([11]);
    expect(withFlag(flagged, 11).flagged).toEqual([]);
  });

  it("say how they stand", () => {
    const states = statesOf(items, { current: 11, flagged: [12] }, answered(10));
    expect(states.map(labelOf)).toEqual(["Question 1, answered", "Question 2, not answered", "Question 3, not answered, flagged for review"]);
    expect(states.map((state) => state.isCurrent)).toEqual([false, true, false]);
  });

  it("are named before the part is finished, when they have no answer", () => {
    const said = (note: number[], ...done: number[]) => summaryOf(statesOf(items, { current: 10, flagged: note }, answered(...done)));
    expect(said([], 10, 11, 12)).toEqual(["You have answered all 3 questions."]);
    expect(said([12], 10, 12)).toEqual(["Question 2 has no answer yet.", "Question 3 is flagged for review."]);
    expect(said([10, 12])).toEqual(["Questions 1, 2 and 3 have no answer yet.", "Questions 1 and 3 are flagged for review."]);
  });
});
