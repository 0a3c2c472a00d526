import "fake-indexeddb/auto";
import { beforeEach, describe, expect, it } from "vitest";
import { forceCloseDatabase } from "fake-indexeddb";
import { deleteDB, openDB } from "idb";
import { makeAnswersFile } from "../src/exam/answers_file";
import { DeviceStore } from "../src/exam/device_store";
import { Seal } from "../src/exam/sealing";
import type { Recording } from "../src/exam/store";
import { Uploader } from "../src/exam/uploader";

const KEY = "A".repeat(43) + "=";
const OTHER_KEY = "B".repeat(42) + "A=";
const recording = (id: string, changes: Partial<Recording> = {}): Recording => ({
  recording_id: id, attempt_id: "a", position: 0, segment: 0, content_type: "audio/webm", duration_ms: 0, started_at: 1000, state: "recording", ...changes,
});
const bytes = (...values: number[]) => new Uint8Array(values).buffer;
const text = (value: string) => new TextEncoder().encode(value);

let name = "";
let connections: IDBDatabase[] = [];
const open = indexedDB.open.bind(indexedDB);
beforeEach(() => {
  name = `viva-${Math.random()}`;
  connections = [];
  indexedDB.open = (...given) => {
    const opening = open(...given);
    opening.addEventListener("success", () => connections.push(opening.result));
    return opening;
  };
});

/** As WebKit says "Connection to Indexed Database server lost". */
function loseConnection(): void {
  for (const each of connections) forceCloseDatabase(each as never);
}

/** A page of a newer version, for which this one has to give way. */
async function upgrade(): Promise<void> {
  (await openDB(name, 99)).close();
}

/** Sends what attempt "a" has; the bytes that arrived. */
async function sentFrom(store: DeviceStore): Promise<number[][]> {
  const arrived: number[][] = [];
  const api = {
    sendRecording: async (_: string, { recording_id }: { recording_id: string }, __: number, sent: Uint8Array) => {
      arrived.push([...sent]);
      return { recording_id, stored: true };
    },
    askRecording: async (_: string, recording_id: string) => ({ recording_id, stored: false, offset: 0 }),
  };
  await new Uploader({ api, store, attemptId: "a", alreadyStored: [], onChange: () => undefined, wait: async () => undefined }).drained();
  return arrived;
}

/** The device's store with the key of attempt "a". */
async function unlocked(): Promise<DeviceStore> {
  const store = await DeviceStore.open("asha", name);
  await store.unlock("a", KEY);
  return store;
}

/** Every byte and word that lies in the database, as a thief of the disk would read it. */
async function everythingAtRest(): Promise<string> {
  const database = await openDB(name);
  const rows = await Promise.all([...database.objectStoreNames].map((store) => database.getAll(store)));
  database.close();
  return JSON.stringify(rows, (_, value: unknown) => (value instanceof Uint8Array ? Buffer.from(value).toString("latin1") : value instanceof CryptoKey ? "[key]" : value));
}

describe("what lies on the device", () => {
  it("cannot be read without the attempt's key: no voice, no typed word, no question", async () => {
    const store = await unlocked();
    await store.add(recording("0-0-x", { content_type: "audio/canary" }));
    await store.addChunk("0-0-x", 0, text("canary voice").buffer);
    await store.putDraft({ attempt_id: "a", position: 1, sequence: [1, 1], content: { text: "canary draft" }, changed_at: 0, state: "waiting" });
    await store.putNote("a", "sitting", text("canary question"));
    expect(await everythingAtRest()).not.toContain("canary");
    expect(new TextDecoder().decode((await store.findNote("a", "sitting"))!)).toBe("canary question");
    expect(await store.listDrafts("a")).toMatchObject([{ content: { text: "canary draft" } }]);
    expect(new TextDecoder().decode(await store.bytesOf("0-0-x"))).toBe("canary voice");
  });

  it("has a key that this page may use and nobody can take out", async () => {
    await unlocked();
    const database = await openDB(name);
    const [row] = (await database.getAll("keys")) as { key: CryptoKey }[];
    expect(row!.key.extractable).toBe(false);
    await expect(crypto.subtle.exportKey("raw", row!.key)).rejects.toThrow();
  });

  it("is nothing to another on a shared machine, and opens again for its owner, with or without network", async () => {
    const before = await unlocked();
    await before.add(recording("0-0-x"));
    await before.addChunk("0-0-x", 0, bytes(7));
    await before.finish("0-0-x", 900, "window");
    const other = await DeviceStore.open("ravi", name);
    expect([await other.unlock("a"), other.attemptsOpen(), await other.list()]).toEqual([false, [], []]);
    expect(await other.attemptsHere()).toEqual([]);
    await other.recover(1000 + 8 * 86_400_000);
    const owner = await DeviceStore.open("asha", name);
    expect([await owner.attemptsHere(), await owner.list()]).toMatchObject([["a"], [{ state: "recorded" }]]);
    expect([...(await owner.bytesOf("0-0-x"))]).toEqual([7]);
  });

  it("is asked about by everybody where the device does not know whose it is; the server's word says it once and for all", async () => {
    const before = await unlocked();
    await before.add(recording("0-0-x"));
    const database = await openDB(name);
    await database.delete("keys", "a"); // it could not be kept, or is of a page that did not write whose it was
    const [ravi, asha] = [await DeviceStore.open("ravi", name), await DeviceStore.open("asha", name)];
    expect([await ravi.attemptsHere(), await asha.attemptsHere()]).toEqual([["a"], ["a"]]);
    await asha.unlock("a", KEY);
    expect(await asha.list()).toHaveLength(1);
    expect([await ravi.attemptsHere(), await asha.attemptsHere()]).toEqual([[], ["a"]]);
  });

  it("goes once everything is acknowledged, but for what the server refused", async () => {
    const store = await unlocked();
    for (const note of ["saved", "sitting", "package:A"]) await store.putNote("a", note, text("x"));
    for (const [position, state] of (["acknowledged", "late", "refused", "waiting"] as const).entries()) {
      await store.putDraft({ attempt_id: "a", position, sequence: [1, 1], content: "x", changed_at: 0, state });
    }
    await store.add(recording("0-0-x"));
    await store.addChunk("0-0-x", 0, bytes(1));
    await store.refuse("0-0-x");
    await store.purge("a");
    expect(await store.list()).toMatchObject([{ state: "refused" }]);
    expect((await store.listDrafts("a")).map((draft) => draft.state)).toEqual(["refused", "waiting"]);
    // The moves stay with them, and the key: without either no file of answers could be made.
    expect(await Promise.all(["saved", "sitting", "package:A"].map((note) => store.findNote("a", note)))).toMatchObject([null, text("x"), null]);
    expect(await (await DeviceStore.open("asha", name)).unlock("a")).toBe(true);
    for (const draft of await store.listDrafts("a")) await store.putDraft({ ...draft, state: "late" });
    await store.purge("a");
    expect(await store.list()).toHaveLength(1);
    await store.remove("0-0-x");
    await store.purge("a");
    expect(await everythingAtRest()).toBe("[[],[],[],[],[]]");
  });
});

it("keeps the newer of two pages' words for an answer: an acknowledgement of the older is not one of it", async () => {
  const [session, other] = [await unlocked(), await unlocked()];
  const draft = { attempt_id: "a", position: 1, content: "half", changed_at: 0, state: "waiting" } as const;
  await session.putDraft({ ...draft, sequence: [4, 9], content: "half" });
  await session.putDraft({ ...draft, sequence: [5, 1], content: "whole" });
  await other.putDraft({ ...draft, sequence: [4, 9], state: "acknowledged" });
  for (const page of [session, other]) expect(await page.listDrafts("a")).toMatchObject([{ content: "whole", state: "waiting" }]);
  await session.putDraft({ ...draft, sequence: [5, 1], content: "whole", state: "acknowledged" });
  expect(await session.listDrafts("a")).toMatchObject([{ content: "whole", state: "acknowledged" }]);
});

describe("sealing", () => {
  it("opens with its own key under its own label only", async () => {
    const [mine, other] = [await Seal.from(KEY), await Seal.from(OTHER_KEY)];
    const sealed = await mine.close("rec:0", text("voice"));
    expect(new TextDecoder().decode(await mine.open("rec:0", sealed))).toBe("voice");
    await expect(mine.open("rec:1", sealed)).rejects.toThrow();
    await expect(other.open("rec:0", sealed)).rejects.toThrow();
  });
});

describe("recordings on the device", () => {
  it("survive the page: what was recorded up to the last whole second becomes complete", async () => {
    const before = await unlocked();
    await before.add(recording("0-0-x"));
    await before.addChunk("0-0-x", 0, bytes(1, 2));
    await before.addChunk("0-0-x", 1, bytes(3));

    const after = await unlocked();
    await after.recover(2000);
    expect(await after.list()).toMatchObject([{ recording_id: "0-0-x", state: "recorded", duration_ms: 2000, ended_by: "interrupted" }]);
    expect([...(await after.bytesOf("0-0-x"))]).toEqual([1, 2, 3]);
  });

  it("leave nothing when not even one piece was written", async () => {
    const before = await unlocked();
    await before.add(recording("0-0-x"));
    const after = await unlocked();
    await after.recover(2000);
    expect(await after.list()).toEqual([]);
  });

  it("go with all their pieces when removed", async () => {
    const store = await unlocked();
    await store.add(recording("0-0-x"));
    await store.addChunk("0-0-x", 0, bytes(1));
    await store.finish("0-0-x", 900, "window");
    await store.remove("0-0-x");
    expect(await store.list()).toEqual([]);
    expect(await store.bytesOf("0-0-x")).toHaveLength(0);
  });

  it("are forgotten a week after the server refused them for good, as typed answers are, and the key with the last", async () => {
    const store = await unlocked();
    await store.add(recording("0-0-x"));
    await store.refuse("0-0-x");
    await store.putDraft({ attempt_id: "a", position: 1, sequence: [1, 1], content: "x", changed_at: 1000, state: "refused" });
    const later = await unlocked();
    await later.recover(1000 + 6 * 86_400_000);
    expect([...(await later.list()), ...(await later.listDrafts("a"))]).toHaveLength(2);
    await later.recover(1000 + 8 * 86_400_000);
    expect(await everythingAtRest()).toBe("[[],[],[],[],[]]");
  });

  it("stay in memory when the device is full, and are still readable", async () => {
    const store = await unlocked();
    await store.add(recording("0-0-x"));
    await store.addChunk("0-0-x", 0, bytes(1));
    await store.putDraft({ attempt_id: "a", position: 1, sequence: [1, 1], content: "half", changed_at: 0, state: "waiting" });
    expect(store.keeps).toBe(true);
    const seen: boolean[] = [];
    store.onKeeping = () => seen.push(store.keeps);
    const put = IDBObjectStore.prototype.put;
    IDBObjectStore.prototype.put = () => {
      throw new DOMException("full", "QuotaExceededError");
    };
    try {
      await store.addChunk("0-0-x", 1, bytes(2));
      await store.finish("0-0-x", 2000, "window");
      await store.putDraft({ attempt_id: "a", position: 1, sequence: [1, 2], content: "whole", changed_at: 0, state: "waiting" });
      expect([...(await store.bytesOf("0-0-x"))]).toEqual([1, 2]);
      expect(await store.list()).toMatchObject([{ state: "recorded", duration_ms: 2000 }]);
      expect(await store.listDrafts("a")).toMatchObject([{ content: "whole" }]);
      expect([seen, store.keeps]).toEqual([[false], false]);
    } finally {
      IDBObjectStore.prototype.put = put;
    }
    await store.putNote("a", "saved", text("x")); // there is room again: the rest is written as well
    expect([seen, store.keeps]).toEqual([[false, true], true]);
    const next = await unlocked();
    expect(await next.list()).toMatchObject([{ state: "recorded", duration_ms: 2000 }]);
    expect([...(await next.bytesOf("0-0-x"))]).toEqual([1, 2]);
    expect(await next.listDrafts("a")).toMatchObject([{ content: "whole" }]);
  });

  it("are not said to be kept before their own entry is, without which their pieces mean nothing", async () => {
    const store = await unlocked();
    const put = IDBObjectStore.prototype.put;
    IDBObjectStore.prototype.put = function (value: object, ...given) {
      if ("recording_id" in value) throw new DOMException("full", "QuotaExceededError");
      return put.apply(this, [value, ...given]);
    };
    try {
      await store.add(recording("0-0-x"));
      await store.putNote("a", "sitting", text("moves"));
      expect(store.keeps).toBe(false);
      await store.remove("0-0-x");
      expect(store.keeps).toBe(true);
    } finally {
      IDBObjectStore.prototype.put = put;
    }
  });

  it("take the room of questions that were fetched ahead: those can be had again", async () => {
    const store = await unlocked();
    await store.putNote("a", "package:B", text("many sounds"));
    await store.putNote("a", "sitting", text("moves"));
    const put = IDBObjectStore.prototype.put;
    let full = true;
    const drop = IDBObjectStore.prototype.delete;
    IDBObjectStore.prototype.put = function (...given) {
      if (full) throw new DOMException("full", "QuotaExceededError");
      return put.apply(this, given);
    };
    IDBObjectStore.prototype.delete = function (...given) {
      full = false;
      return drop.apply(this, given);
    };
    try {
      await store.putDraft({ attempt_id: "a", position: 1, sequence: [1, 1], content: "typed", changed_at: 0, state: "waiting" });
    } finally {
      Object.assign(IDBObjectStore.prototype, { put, delete: drop });
    }
    expect(store.keeps).toBe(true);
    const next = await unlocked();
    expect(await next.listDrafts("a")).toMatchObject([{ content: "typed" }]);
    expect([await next.findNote("a", "package:B"), await next.findNote("a", "sitting")]).toMatchObject([null, text("moves")]);
  });
});

describe("a browser that drops the way to the device", () => {
  /** In the middle of a recording, with an answer typed and moves made. */
  async function inTheMiddle(): Promise<DeviceStore> {
    const store = await unlocked();
    await Promise.all([store.list(), store.listDrafts("a")]); // as every page does when it opens
    await store.add(recording("0-0-x"));
    await store.addChunk("0-0-x", 0, bytes(1));
    await store.putDraft({ attempt_id: "a", position: 1, sequence: [1, 1], content: "typed", changed_at: 0, state: "waiting" });
    await store.putNote("a", "sitting", text("moves"));
    return store;
  }
  async function goOn(store: DeviceStore): Promise<void> {
    await store.addChunk("0-0-x", 1, bytes(2));
    await store.finish("0-0-x", 2000, "window");
    await store.putNote("a", "sitting", text("more moves"));
  }

  it("is asked for another: reading, writing and deleting go on, and a reload finds everything", async () => {
    const store = await inTheMiddle();
    loseConnection();
    await goOn(store);
    expect(store.keeps).toBe(true);
    const next = await unlocked();
    expect(await next.list()).toMatchObject([{ state: "recorded", duration_ms: 2000 }]);
    expect([...(await next.bytesOf("0-0-x"))]).toEqual([1, 2]);
    expect([await next.listDrafts("a"), await next.findNote("a", "sitting")]).toMatchObject([[{ content: "typed" }], text("more moves")]);
    for (const act of [() => next.list(), () => next.bytesOf("0-0-x"), () => next.listDrafts("a"), () => next.findNote("a", "saved"), () => next.attemptsHere(), () => next.recover(0)]) {
      loseConnection();
      await act();
    }
    loseConnection();
    expect(await sentFrom(next)).toEqual([[1, 2]]);
    await next.putDraft({ ...(await next.listDrafts("a"))[0]!, state: "acknowledged" });
    loseConnection();
    await next.purge("a");
    expect(await everythingAtRest()).toBe("[[],[],[],[],[]]");
  });

  it("for good costs nothing that this page made: it is sent from memory, stands in the file, and is not said to be kept", async () => {
    const store = await inTheMiddle();
    await upgrade();
    await goOn(store);
    expect(store.keeps).toBe(false);
    expect(await store.list()).toMatchObject([{ state: "recorded", duration_ms: 2000 }]);
    expect([await store.listDrafts("a"), await store.findNote("a", "sitting")]).toMatchObject([[{ content: "typed" }], text("more moves")]);
    expect(await sentFrom(store)).toEqual([[1, 2]]);
    expect(await store.list()).toEqual([]);
    await store.putDraft({ ...(await store.listDrafts("a"))[0]!, state: "acknowledged" });
    await store.purge("a"); // does not hold up the last page
  });

  it("for good makes nothing of an earlier page's look sent, or empty", async () => {
    const before = await unlocked();
    await before.add(recording("0-0-x"));
    await before.addChunk("0-0-x", 0, bytes(1));
    await before.finish("0-0-x", 900, "window");
    const store = await unlocked();
    await Promise.all([store.list(), store.listDrafts("a")]);
    await upgrade();
    expect(await store.list()).toMatchObject([{ state: "recorded" }]);
    await expect(store.bytesOf("0-0-x")).rejects.toThrow();
    expect(await makeAnswersFile(store, "a", [], new Date(0))).not.toBeNull();
    await expect(store.findNote("a", "saved")).rejects.toThrow();
    await store.refuse("0-0-x"); // what cannot be written is known to this page all the same
    expect(await store.list()).toMatchObject([{ state: "refused" }]);
  });

  it("and has cleared it meanwhile gets everything of this page again", async () => {
    const store = await inTheMiddle();
    await deleteDB(name);
    await DeviceStore.open("asha", name); // another page was first
    await goOn(store);
    expect(store.keeps).toBe(true);
    const next = await DeviceStore.open("asha", name); // the key too
    expect(await next.list()).toMatchObject([{ state: "recorded", duration_ms: 2000 }]);
    expect([...(await next.bytesOf("0-0-x"))]).toEqual([1, 2]);
    expect([await next.listDrafts("a"), await next.findNote("a", "sitting")]).toMatchObject([[{ content: "typed" }], text("more moves")]);
  });

  it("gets what could not be written as soon as there is a way again, also when nothing more is made", async () => {
    const store = await inTheMiddle();
    const { open: opens } = indexedDB;
    loseConnection();
    indexedDB.open = () => {
      throw new DOMException("no server", "UnknownError");
    };
    await goOn(store);
    expect(store.keeps).toBe(false);
    indexedDB.open = opens;
    await store.list();
    expect(store.keeps).toBe(true);
    const next = await unlocked();
    expect(await next.list()).toMatchObject([{ state: "recorded", duration_ms: 2000 }]);
    expect([...(await next.bytesOf("0-0-x"))]).toEqual([1, 2]);
  });
});
