import { describe, expect, it } from "vitest";
import { chosenBefore, moved } from "../src/exam/answers/chosen";
import "../src/exam/answers/screens";
import { QUESTIONS, isSpoken } from "../src/exam/answers/registry";
import { countWords, typedBefore } from "../src/exam/answers/typed";

describe("typed and chosen answers", () => {
  it("count words as a reader would", () => {
    expect(["", "  ", "one", "I don't know.", "A - B", "twenty-two cats\nand 3 dogs"].map(countWords)).toEqual([0, 0, 1, 3, 2, 5]);
  });

  it("go on with what was kept, and with nothing where it was something else", () => {
    expect(typedBefore({ text: "half a sent" })).toBe("half a sent");
    expect([typedBefore(null), typedBefore({ choices: [1] }), typedBefore("x")]).toEqual(["", "", ""]);
    expect([chosenBefore({ choices: [2, 0] }), chosenBefore({ text: "x" }), chosenBefore(null)]).toEqual([[2, 0], [], []]);
  });

  it("move a part up and down, and never out of the list", () => {
    expect(moved([0, 1, 2], 0, 1)).toEqual([1, 0, 2]);
    expect(moved([0, 1, 2], 2, 0)).toEqual([2, 0, 1]);
    expect([moved([0, 1], 0, -1), moved([0, 1], 1, 2)]).toEqual([[0, 1], [0, 1]]);
  });

  it("have a screen for every task that is not spoken", () => {
    expect(Object.keys(QUESTIONS)).toHaveLength(11);
    expect([isSpoken("repeat"), isSpoken("conversation"), isSpoken("essay")]).toEqual([true, true, false]);
  });
});
