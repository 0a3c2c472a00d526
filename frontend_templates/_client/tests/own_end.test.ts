import { expect, it } from "vitest";
import { OwnEnd } from "../src/exam/own_end";

it("ends an answer by one press once a voice was heard", () => {
  const end = new OwnEnd();
  end.hear();
  end.press(5000);
  expect([end.isEnded, end.asks]).toEqual([true, false]);
});

it("asks before it ends an answer without a voice; a double click is one press", () => {
  const end = new OwnEnd();
  end.press(5000);
  end.press(5200);
  expect([end.isEnded, end.asks]).toEqual([false, true]);
  end.press(6000);
  expect([end.isEnded, end.asks]).toEqual([true, false]);
});

it("takes a voice for the answer to what it asked", () => {
  const end = new OwnEnd();
  end.press(5000);
  end.hear();
  expect([end.isEnded, end.asks]).toEqual([false, false]);
});
