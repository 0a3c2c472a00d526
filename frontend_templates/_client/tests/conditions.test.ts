import { describe, expect, it } from "vitest";
import "../src/exam/answers/screens";
import { differences, endsOwnAnswers, timeFromNowMs } from "../src/exam/conditions";
import type { AttemptSnapshot } from "../src/exam/types";

const NOW = Date.parse("2026-11-23T05:00:00Z");
const snapshot = (changes: Partial<AttemptSnapshot>) =>
  ({ allowed_ms: 1_200_000, opens_at: "2026-11-23T04:30:00Z", closes_at: "2026-11-23T06:30:00Z", sections: [], ...changes }) as AttemptSnapshot;

describe("how long there is", () => {
  it("is the test's time inside a long window", () => {
    expect(timeFromNowMs(snapshot({}), NOW)).toEqual({ ms: 1_200_000, isCut: false });
  });
  it("is what is left of a window that ends sooner", () => {
    expect(timeFromNowMs(snapshot({ closes_at: "2026-11-23T05:05:00Z" }), NOW)).toEqual({ ms: 300_000, isCut: true });
  });
  it("counts from the opening on for who is early", () => {
    expect(timeFromNowMs(snapshot({ opens_at: "2026-11-23T06:20:00Z" }), NOW)?.ms).toBe(600_000);
  });
});

describe("what is different", () => {
  it("is nothing for most", () => {
    expect(differences(snapshot({ conditions: { extra_time: 1, break_ms: 0, replays: 0, larger_text: false } }))).toEqual([]);
  });
  it("is said in words", () => {
    const told = differences(snapshot({ conditions: { extra_time: 1.5, break_ms: 600_000, replays: 1, larger_text: true } }));
    expect(told).toHaveLength(4);
    expect(told.join(" ")).toContain("1.5 times the usual time");
    expect(told.join(" ")).toContain("10 minutes in all");
  });
  it("is how an answer ends, where there is something to say", () => {
    const own = { extra_time: 1, break_ms: 0, replays: 0, larger_text: false, no_silence_end: true };
    const of = (task: string, conditions: AttemptSnapshot["conditions"] = own) => snapshot({ conditions, sections: [{ task }] as AttemptSnapshot["sections"] });
    expect(differences(of("repeat"))).toEqual([expect.stringContaining("Silence does not end your spoken answers")]);
    expect(differences(of("essay"))).toEqual([]);
    const keptBefore = { extra_time: 1, break_ms: 0, replays: 0, larger_text: false };
    expect([endsOwnAnswers(of("repeat")), endsOwnAnswers(of("repeat", keptBefore))]).toEqual([true, false]);
  });
});
