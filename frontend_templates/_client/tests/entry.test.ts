import "fake-indexeddb/auto";
import { describe, expect, it, vi } from "vitest";
import { Unreachable, type ExamApi } from "../src/exam/api";
import { ServerClock } from "../src/exam/clock";
import { DeviceStore } from "../src/exam/device_store";
import { enterSitting } from "../src/exam/entry";

const KEY = "A".repeat(43) + "=";

describe("a page that is loaded without network", () => {
  it("goes on with what the one before it kept, at the same second by the server's clock", async () => {
    const name = `viva-${Math.random()}`;
    const store = await DeviceStore.open("asha", name);
    await store.unlock("a", KEY);
    const pending = [{ kind: "open", position: 3, at: "2026-11-23T05:00:00.000Z" }];
    const snapshot = { id: "a", state: "in_progress", epoch: 4, server_now: "2026-11-23T04:50:00.000Z", sections: [] };
    const kept = { delivery_id: "d", offset_ms: 5000, pending, snapshot };
    await store.putNote("a", "sitting", new TextEncoder().encode(JSON.stringify(kept)));
    const goOnWith = vi.fn();
    const cut = async () => Promise.reject(new Unreachable("no_reply"));
    const api = { enter: cut, peek: cut, goOnWith } as unknown as ExamApi;
    const clock = new ServerClock(() => 100);

    const sitting = await enterSitting({ api, store, clock, deliveryId: "d", onWaiting: () => undefined });
    expect(sitting).toEqual({ snapshot, pending, refused: [] });
    expect(goOnWith).toHaveBeenCalledWith(4);
    expect(Math.abs(clock.now() - (Date.now() + 5000))).toBeLessThan(1000);

    const theirs = await DeviceStore.open("ravi", name);
    const onWaiting = vi.fn(() => {
      throw new Error("waits for the network");
    });
    await expect(enterSitting({ api, store: theirs, clock, deliveryId: "d", onWaiting })).rejects.toThrow("waits for the network");
    expect(goOnWith).toHaveBeenCalledTimes(1);
  });

  it.each(["paused", "expired", "submitted"])("has its moves kept also when the test is %s meanwhile", async (state) => {
    const store = await DeviceStore.open("asha", `viva-${Math.random()}`);
    await store.unlock("a", KEY);
    const pending = [{ kind: "open", position: 3, at: "2026-11-23T05:00:00.000Z" }];
    const snapshot = { id: "a", state, server_now: "2026-11-23T04:50:00.000Z", sections: [], storage_key: KEY };
    await store.putNote("a", "sitting", new TextEncoder().encode(JSON.stringify({ delivery_id: "d", offset_ms: 0, pending, snapshot })));
    const api = { enter: async () => snapshot } as unknown as ExamApi;
    const { pending: sent, refused } = await enterSitting({ api, store, clock: new ServerClock(() => 0), deliveryId: "d", onWaiting: () => undefined });
    expect([sent, refused]).toEqual(state === "submitted" ? [[], pending] : [pending, []]);
  });
});
