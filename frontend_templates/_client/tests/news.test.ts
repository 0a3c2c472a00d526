import { describe, expect, it } from "vitest";
import { withNews, type News } from "../src/exam/news";
import type { AttemptSnapshot, ItemView } from "../src/exam/types";

const T0 = Date.parse("2026-11-23T04:30:00Z");
const at = (seconds: number): string => new Date(T0 + seconds * 1000).toISOString();

const known = {
  id: "a1",
  version: 7,
  epoch: 1,
  state: "in_progress",
  position: 3,
  server_now: at(0),
  deadline_at: at(600),
  item: { position: 3, opened_at: at(-10), elapsed_ms: 0 } as ItemView,
} as AttemptSnapshot;

function news(more: Partial<News> = {}): News {
  const clock = { deadline_at: at(600), paused_at: null, break_until: null, item_opened_at: at(-10) };
  return { version: 8, epoch: 1, state: "in_progress", position: 3, server_now: at(5), ...clock, ...more };
}

describe("news of the attempt", () => {
  it("stop the clock as of the pause, and start it where it stood", () => {
    const paused = withNews(known, news({ state: "paused", paused_at: at(5) }), T0 + 6_000);
    expect([paused?.state, paused?.version, paused?.item?.elapsed_ms]).toEqual(["paused", 8, 15_000]);
    const resumed = news({ version: 9, deadline_at: at(660), item_opened_at: at(50) });
    const goingOn = withNews(paused as AttemptSnapshot, resumed, T0 + 65_500);
    expect([goingOn?.state, goingOn?.deadline_at, goingOn?.item?.elapsed_ms]).toEqual(["in_progress", at(660), 15_500]);
  });

  it("hold for all items of a part that share its clock", () => {
    const items = [3, 4].map((position) => ({ ...known.item!, position }));
    const paused = withNews({ ...known, part_items: items }, news({ state: "paused", paused_at: at(5) }), T0 + 6_000);
    expect(paused?.part_items?.map((item) => [item.position, item.elapsed_ms])).toEqual([[3, 15_000], [4, 15_000]]);
    expect(withNews({ ...known, part_items: items }, news({ state: "voided", item_opened_at: null }), T0)?.part_items).toEqual([]);
  });

  it("bring an extension, and the end", () => {
    expect(withNews(known, news({ deadline_at: at(900) }), T0)?.deadline_at).toBe(at(900));
    const ended = withNews(known, news({ state: "voided", item_opened_at: null }), T0);
    expect([ended?.state, ended?.item]).toEqual(["voided", null]);
  });

  it.each([
    ["a change between was missed", { version: 9 }],
    ["another page took over", { epoch: 2 }],
    ["another item is on", { position: 4 }],
    ["the item was closed", { item_opened_at: null }],
  ])("say too little when %s", (_, more) => {
    expect(withNews(known, news(more), T0)).toBeNull();
  });

  it("say too little of a test that was given back", () => {
    expect(withNews({ ...known, state: "submitted", item: null }, news({ item_opened_at: null }), T0)).toBeNull();
  });
});
