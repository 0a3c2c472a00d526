import { beforeEach, expect, it, vi } from "vitest";
import { ItemRunner } from "../src/exam/item_runner";
import type { Take } from "../src/exam/recorder";
import type { AttemptSnapshot, ItemView } from "../src/exam/types";

const takes: Take[] = [];
const screens: { hasOwnEnd?: boolean; isEnded: boolean }[] = [];
const ended: { endedBy: string; durationMs: number }[] = [];
vi.mock("../src/exam/recorder", () => ({
  record: async (_microphone: unknown, _store: unknown, take: Take) => {
    takes.push(take);
    if (take.silenceEndMs === 0) screens.at(-1)!.isEnded = true; // pressed while this take is made
    return ended.shift() ?? { endedBy: "aborted", durationMs: 1500 };
  },
}));
vi.mock("../src/exam/item_screen", () => ({
  ItemScreen: class {
    element = { isConnected: true };
    isEnded = false;
    showRecording(): void {}
    constructor(readonly item: ItemView, ...[, , hasOwnEnd]: [unknown, number, boolean]) {
      screens.push(Object.assign(this, { hasOwnEnd }));
    }
  },
}));

const item = { position: 7, section_letter: "F", task: "open_question", window_ms: 40_000, begin_within_ms: 15_000, silence_end_ms: 8000 } as ItemView;
// As a socket's news leave it: they name no recordings.
const snapshot = { id: "a", sections: [], total_items: 9, stored_recordings: [] as string[] } as unknown as AttemptSnapshot;
const signal = new AbortController().signal;

function runner(options: { list?: () => Promise<unknown[]>; saved?: string[] } = {}): ItemRunner {
  return new ItemRunner({
    frame: { show: () => undefined },
    store: { list: options.list ?? (async () => []) },
    microphone: { live: {}, tell: () => undefined },
    acknowledged: () => options.saved ?? [],
    onRecorded: () => undefined,
  } as unknown as ConstructorParameters<typeof ItemRunner>[0]);
}

beforeEach(() => {
  takes.length = 0;
  screens.length = 0;
  ended.length = 0;
});

it("never records two takes of an answer as the same segment, when a pause came early and the first is with the server", async () => {
  const items = runner();
  await items.record(snapshot, item, 0, signal);
  await items.record(snapshot, item, 1500, signal);
  expect(takes.map((take) => take.segment)).toEqual([0, 1]);
  expect(takes[1]!.windowMs).toBeLessThanOrEqual(38_500);
});

it("knows what an earlier page of this device has sent", async () => {
  await runner({ saved: ["7-0-abcdefgh", "6-3-abcdefgh"] }).record(snapshot, item, 1500, signal);
  expect(takes.map((take) => take.segment)).toEqual([1]);
});

it("records also where the device does not say what it keeps", async () => {
  await runner({ list: () => Promise.reject(new DOMException("closed", "InvalidStateError")) }).record(snapshot, item, 0, signal);
  expect(takes).toHaveLength(1);
});

it("waits a moment after a take that could not begin", async () => {
  vi.useFakeTimers();
  ended.push({ endedBy: "microphone", durationMs: 0 });
  const recorded = runner().record(snapshot, item, 0, signal);
  await vi.advanceTimersByTimeAsync(100);
  expect(takes).toHaveLength(1);
  await vi.advanceTimersByTimeAsync(500);
  await recorded;
  expect(takes.map((take) => take.segment)).toEqual([0, 0]);
  vi.useRealTimers();
});

it("gives a candidate whom silence does not end a button, and records no more once it was pressed", async () => {
  const own = { ...snapshot, sections: [{ task: "open_question" }], conditions: { extra_time: 1, break_ms: 0, replays: 0, larger_text: false, no_silence_end: true } } as unknown as AttemptSnapshot;
  ended.push({ endedBy: "microphone", durationMs: 900 });
  await runner().record(own, { ...item, begin_within_ms: 0, silence_end_ms: 0 }, 0, signal);
  expect([screens[0]!.hasOwnEnd, takes.length]).toEqual([true, 1]);
  await runner().record(snapshot, item, 0, signal);
  expect(screens[1]!.hasOwnEnd).toBe(false);
});
