import { describe, expect, it } from "vitest";
import { nextNotice } from "../src/exam/messages";
import { Signals, type Signal } from "../src/exam/signals";
import type { Notice } from "../src/exam/types";

const notice = (id: string, is_urgent = false): Notice => ({ id, is_urgent, text: id, sent_at: "2026-01-01T10:00:00Z" });

describe("a message", () => {
  it("waits while an answer is recorded, unless it is urgent", () => {
    expect(nextNotice([notice("first"), notice("second")], true)).toBeNull();
    expect(nextNotice([notice("first"), notice("now", true)], true)?.id).toBe("now");
  });
  it("comes in order between answers, urgent ones first", () => {
    expect(nextNotice([notice("first"), notice("second")], false)?.id).toBe("first");
    expect(nextNotice([notice("first"), notice("now", true)], false)?.id).toBe("now");
    expect(nextNotice([], false)).toBeNull();
  });
});

function world() {
  const state = { now: 1_000_000, device: 1_000_000, isOn: true, works: true, sent: [] as Signal[] };
  const signals = new Signals({
    now: () => state.now,
    deviceNow: () => state.device,
    isOn: () => state.isOn,
    newId: (() => { let n = 0; return () => `s${(n += 1)}`; })(),
    send: async (batch) => {
      if (!state.works) throw new Error("no network");
      state.sent.push(...batch);
    },
  });
  return { state, signals };
}

describe("signals", () => {
  it("tell when it began and how long it lasted", async () => {
    const { state, signals } = world();
    signals.begin("tab_left");
    state.now += 7000;
    signals.end("tab_left");
    await signals.flush();
    expect(state.sent).toEqual([{ signal_id: "s1", kind: "tab_left", at: new Date(1_000_000).toISOString(), duration_ms: 7000 }]);
  });
  it("leave out a glance, and everything before and after the test", () => {
    const { state, signals } = world();
    signals.begin("window_blurred");
    state.now += 400;
    signals.end("window_blurred");
    state.isOn = false;
    signals.begin("tab_left");
    signals.note("paste_tried");
    state.now += 9000;
    signals.end("tab_left");
    expect(signals.waiting).toBe(0);
  });
  it("are kept while there is no network, and sent once it is back", async () => {
    const { state, signals } = world();
    state.works = false;
    signals.note("paste_tried");
    await signals.flush();
    expect(signals.waiting).toBe(1);
    state.works = true;
    await signals.flush();
    await signals.flush();
    expect(state.sent.map((signal) => signal.kind)).toEqual(["paste_tried"]);
  });
  it("say once that the device's clock is wrong", () => {
    const { state, signals } = world();
    signals.checkClock();
    expect(signals.waiting).toBe(0);
    state.device += 600_000;
    signals.checkClock();
    signals.checkClock();
    expect(signals.waiting).toBe(1);
  });
  it("are not without end, and go in batches", async () => {
    const { state, signals } = world();
    for (let n = 0; n < 400; n += 1) signals.note("paste_tried");
    expect(signals.waiting).toBe(300);
    await signals.flush();
    expect(state.sent).toHaveLength(50);
  });
  it("wait until the server's time is known", () => {
    const { state, signals } = world();
    state.now = NaN;
    signals.note("paste_tried");
    signals.begin("tab_left");
    signals.checkClock();
    expect(signals.waiting).toBe(0);
  });
});
