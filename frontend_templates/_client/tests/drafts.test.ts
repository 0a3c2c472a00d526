import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Refused, Unreachable } from "../src/exam/api";
import { Drafts, type Draft } from "../src/exam/drafts";
import type { Sequence } from "../src/exam/types";

class Shelf {
  readonly kept = new Map<number, Draft>();
  async putDraft(draft: Draft): Promise<void> {
    this.kept.set(draft.position, draft);
  }
  async listDrafts(): Promise<Draft[]> {
    return [...this.kept.values()];
  }
}

function desk(faults: Error[] = [], shelf = new Shelf(), epoch = 1, broken = { position: -1, times: 0 }) {
  const sent: { position: number; sequence: Sequence; content: unknown }[] = [];
  const outliving: number[] = [];
  const api = {
    async answer(_: string, position: number, sequence: Sequence, content: unknown, outlivesPage = false) {
      const fault = broken.position === position && broken.times-- > 0 ? new Refused(500, "internal", "", "") : faults.shift();
      if (fault) throw fault;
      sent.push({ position, sequence, content });
      if (outlivesPage) outliving.push(position);
      return { position, sequence, saved_at: "" };
    },
  };
  const drafts = new Drafts({ api, store: shelf, attemptId: "a", epoch: () => epoch, onChange: () => undefined, random: () => 0, wait: () => Promise.resolve() });
  return { drafts, sent, outliving, shelf };
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe("typed answers", () => {
  it("are on the device within a second and with the server within five, also while typing goes on", async () => {
    const { drafts, sent, shelf } = desk();
    for (let letter = 0; letter < 50; letter += 1) {
      drafts.keep(3, "x".repeat(letter + 1));
      await vi.advanceTimersByTimeAsync(100);
      if (letter === 9) expect((shelf.kept.get(3)?.content as string).length).toBeGreaterThan(4);
    }
    expect((shelf.kept.get(3)?.content as string).length).toBeGreaterThan(44);
    expect(sent.length).toBeGreaterThanOrEqual(1);
    await vi.advanceTimersByTimeAsync(5000);
    expect(sent.at(-1)).toEqual({ position: 3, sequence: [1, 50], content: "x".repeat(50) });
    expect(sent.length).toBeLessThan(6);
    expect(drafts.waiting).toBe(0);
  });

  it("wait while the server cannot be reached, newest first only once each", async () => {
    const { drafts, sent } = desk([new Unreachable("x"), new Unreachable("x")]);
    drafts.keep(0, { choice: 1 });
    drafts.keep(0, { choice: 2 });
    await drafts.drained();
    expect(sent).toEqual([{ position: 0, sequence: [1, 2], content: { choice: 2 } }]);
  });

  it("survive the page: the next one goes on with a newer sequence and sends what waits", async () => {
    const before = desk([new Unreachable("x")]);
    before.drafts.keep(0, "half a sent");
    await before.drafts.flush();
    const after = desk([], before.shelf, 2);
    await after.drafts.open();
    expect(after.drafts.latest(0)).toBe("half a sent");
    await after.drafts.drained();
    after.drafts.keep(0, "half a sentence");
    await after.drafts.drained();
    expect(after.sent.map((each) => each.sequence)).toEqual([[1, 1], [2, 1]]);
  });

  it("that the server keeps apart and those that it does not take are told from each other, and hold nothing up", async () => {
    const { drafts, shelf } = desk([new Refused(409, "answer_late", "", ""), new Refused(409, "item_not_open", "", ""), new Refused(422, "invalid_input", "", "")]);
    for (let position = 0; position < 3; position += 1) {
      drafts.keep(position, `text ${position}`);
      await drafts.drained();
    }
    expect([drafts.waiting, drafts.late, drafts.refused]).toEqual([0, 1, 2]);
    expect(drafts.latest(0)).toBe("text 0");
    expect([...shelf.kept.values()].map((draft) => draft.state)).toEqual(["late", "refused", "refused"]);
  });

  it("that somebody between us and the server refuses are sent again, whatever his reason", async () => {
    const { drafts, sent } = desk([new Refused(403, "status_403", "", ""), new Refused(413, "body_limit", "", "")]);
    drafts.keep(0, "x");
    await drafts.drained();
    expect([sent.length, drafts.refused]).toEqual([1, 0]);
  });

  it("that the server fails at, however often, hold up no others", async () => {
    const { drafts, sent } = desk([], new Shelf(), 1, { position: 0, times: 20 });
    for (let position = 0; position < 4; position += 1) drafts.keep(position, `text ${position}`);
    await drafts.drained();
    expect(sent.map((each) => each.position)).toEqual([1, 2, 3, 0]);
  });

  it("wait for a sign-in, and are sent after it", async () => {
    const { drafts, sent } = desk([new Refused(401, "signed_out", "", "")]);
    drafts.keep(0, "x");
    drafts.kick();
    await vi.advanceTimersByTimeAsync(10);
    expect(drafts.waiting).toBe(1);
    await drafts.drained();
    expect(sent).toHaveLength(1);
  });

  it("are written and sent at once when the tab is hidden or the page goes, by requests that outlive it, once each", async () => {
    const { drafts, sent, outliving, shelf } = desk();
    drafts.keep(0, "first");
    drafts.keep(1, "second");
    drafts.leave(); // hidden
    drafts.leave(); // and gone: browsers tell both
    await vi.advanceTimersByTimeAsync(0);
    expect(sent.map((each) => each.content)).toEqual(["first", "second"]);
    expect(outliving).toEqual([0, 1]);
    expect([...shelf.kept.values()].map((draft) => draft.content)).toEqual(["first", "second"]);
    expect(drafts.waiting).toBe(0);
    drafts.leave();
    await vi.advanceTimersByTimeAsync(10_000);
    expect(sent).toHaveLength(2);
  });

  it("are sent at once when an item is left or its window ends, not after the typing pause", async () => {
    const { drafts, sent } = desk();
    drafts.keep(0, "whole");
    drafts.kick(); // as the session does when an item closes, whatever closed it
    await vi.advanceTimersByTimeAsync(0);
    expect(sent.map((each) => each.content)).toEqual(["whole"]);
  });

  it("that could not be sent on leaving wait as before", async () => {
    const { drafts, sent } = desk([new Unreachable("x")]);
    drafts.keep(0, "kept");
    drafts.leave();
    await vi.advanceTimersByTimeAsync(0);
    expect([sent.length, drafts.waiting]).toEqual([0, 1]);
    await vi.advanceTimersByTimeAsync(5000);
    expect(sent).toHaveLength(1);
  });
});
