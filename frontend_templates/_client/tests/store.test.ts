import "fake-indexeddb/auto";
import { beforeEach, describe, expect, it } from "vitest";
import { DeviceStore, type Recording } from "../src/exam/store";

const recording = (id: string, changes: Partial<Recording> = {}): Recording => ({
  recording_id: id, attempt_id: "a", position: 0, segment: 0, content_type: "audio/webm", duration_ms: 0, started_at: 1000, state: "recording", ...changes,
});
const bytes = (...values: number[]) => new Uint8Array(values).buffer;

let name = "";
beforeEach(() => {
  name = `viva-${Math.random()}`;
});

describe("recordings on the device", () => {
  it("survive the page: what was recorded up to the last whole second becomes complete", async () => {
    const before = await DeviceStore.open(name);
    await before.add(recording("0-0-x"));
    await before.addChunk("0-0-x", 0, bytes(1, 2));
    await before.addChunk("0-0-x", 1, bytes(3));

    const after = await DeviceStore.open(name);
    await after.recover(2000);
    expect(await after.list()).toMatchObject([{ recording_id: "0-0-x", state: "recorded", duration_ms: 2000 }]);
    expect([...(await after.bytesOf("0-0-x"))]).toEqual([1, 2, 3]);
  });

  it("leave nothing when not even one piece was written", async () => {
    const before = await DeviceStore.open(name);
    await before.add(recording("0-0-x"));
    const after = await DeviceStore.open(name);
    await after.recover(2000);
    expect(await after.list()).toEqual([]);
  });

  it("go with all their pieces when removed", async () => {
    const store = await DeviceStore.open(name);
    await store.add(recording("0-0-x"));
    await store.addChunk("0-0-x", 0, bytes(1));
    await store.finish("0-0-x", 900);
    await store.remove("0-0-x");
    expect(await store.list()).toEqual([]);
    expect(await store.bytesOf("0-0-x")).toHaveLength(0);
  });

  it("are forgotten a week after the server refused them for good", async () => {
    const store = await DeviceStore.open(name);
    await store.add(recording("0-0-x"));
    await store.refuse("0-0-x");
    const later = await DeviceStore.open(name);
    await later.recover(1000 + 6 * 86_400_000);
    expect(await later.list()).toHaveLength(1);
    await later.recover(1000 + 8 * 86_400_000);
    expect(await later.list()).toEqual([]);
  });

  it("stay in memory when the device is full, and are still readable", async () => {
    const store = await DeviceStore.open(name);
    await store.add(recording("0-0-x"));
    await store.addChunk("0-0-x", 0, bytes(1));
    const put = IDBObjectStore.prototype.put;
    IDBObjectStore.prototype.put = () => {
      throw new DOMException("full", "QuotaExceededError");
    };
    try {
      await store.addChunk("0-0-x", 1, bytes(2));
      await store.finish("0-0-x", 2000);
    } finally {
      IDBObjectStore.prototype.put = put;
    }
    expect([...(await store.bytesOf("0-0-x"))]).toEqual([1, 2]);
    expect(await store.list()).toMatchObject([{ state: "recorded", duration_ms: 2000 }]);
  });
});
