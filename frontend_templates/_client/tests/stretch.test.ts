import { describe, expect, it } from "vitest";
import { stretchOf } from "../src/site/stretch";

describe("what is played for a word", () => {
  it("is the word with a little air around it", () => {
    expect(stretchOf(1320, 1680, 9000)).toEqual({ from: 1.26, length: 0.51 });
  });

  it("stays inside the recording and is never empty", () => {
    for (const [from, to] of [[0, 0], [-50, 20], [8990, 9500], [9500, 9600], [500, 400]] as const) {
      const stretch = stretchOf(from, to, 9000);
      expect(stretch.from).toBeGreaterThanOrEqual(0);
      expect(stretch.from + stretch.length).toBeLessThanOrEqual(9.0001);
      expect(stretch.length).toBeGreaterThan(0);
    }
  });
});
