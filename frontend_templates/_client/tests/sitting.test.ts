import { describe, expect, it, vi } from "vitest";
import { Refused, Unreachable } from "../src/exam/api";
import { ServerClock } from "../src/exam/clock";
import { findSitting, Moves } from "../src/exam/moves";
import { Packages } from "../src/exam/packages";
import { Seal, type Bytes } from "../src/exam/sealing";
import { ALONE_MS, mayGoOnAlone, standing, type PackedItem, type Sitting } from "../src/exam/sitting";
import { MemoryStore } from "../src/exam/store";
import type { AttemptSnapshot, Move } from "../src/exam/types";

const T0 = Date.parse("2026-11-23T05:00:00Z");
const at = (ms: number) => new Date(T0 + ms).toISOString();
const packed = (position: number): PackedItem => ({
  position, section_letter: "A", number: position + 1, of: 4, task: "repeat", practice: false, text: null,
  prompt: { url: `package:A/${position}`, duration_ms: 2000 }, window_ms: 10_000, begin_within_ms: 5000, silence_end_ms: 2000,
});
const find = (position: number) => (position < 4 ? packed(position) : null);
const nothing = () => null;

function snapshot(changes: Partial<AttemptSnapshot> = {}): AttemptSnapshot {
  return {
    id: "a", state: "in_progress", number: 1, server_now: at(0), started_at: at(0), deadline_at: null, title: "t", student_name: "Asha",
    total_items: 6, position: 0, item: null, sections: [], demonstration: null, stored_recordings: [], storage_key: "", goes_on_offline: true,
    ...changes,
  };
}
const open = (position: number, ms = 0): Move => ({ kind: "open", position, at: at(ms) });
const close = (position: number, ms = 0): Move => ({ kind: "close", position, at: at(ms) });
const sitting = (pending: Move[], changes: Partial<AttemptSnapshot> = {}): Sitting => ({ snapshot: snapshot(changes), pending });

describe("how the attempt stands here", () => {
  it("is the server's word with the moves that it has not heard of", () => {
    const now = standing(sitting([open(0), close(0, 9000), open(1, 9000)]), find, T0 + 12_500);
    expect(now).toMatchObject({ position: 1, item: { position: 1, opened_at: at(9000), elapsed_ms: 3500 } });
  });
  it("passes over what the server has made already, in part or whole", () => {
    const heard = { position: 1, item: { ...packed(1), opened_at: at(9000), elapsed_ms: 0 } };
    expect(standing(sitting([open(0), close(0), open(1, 9100)], heard), find, T0)).toMatchObject(heard);
  });
  it("lets the open item's clock go on from the server's last word, unless it stands", () => {
    const heard = { position: 1, item: { ...packed(1), opened_at: at(0), elapsed_ms: 100 } };
    expect(standing(sitting([], heard), find, T0 + 7000).item?.elapsed_ms).toBe(7000);
    expect(standing(sitting([], { ...heard, state: "paused" }), find, T0 + 7000).item?.elapsed_ms).toBe(100);
  });
  it("is handed in when the last item is closed, and takes nothing more", () => {
    expect(standing(sitting([close(5), open(6)], { position: 5 }), find, T0)).toMatchObject({ state: "submitted", position: 6, item: null });
  });
  it("has no item where the package is not open: then the server is asked", () => {
    expect(standing(sitting([open(0)]), nothing, T0)).toMatchObject({ position: 0, item: null });
  });
  it("gives everybody the windows that they were granted", () => {
    const conditions = { extra_time: 1.5, break_ms: 0, replays: 0, larger_text: false };
    expect(standing(sitting([open(0)], { conditions }), find, T0).item).toMatchObject({ window_ms: 15_000, begin_within_ms: 7500 });
    const own = { ...conditions, no_silence_end: true };
    expect(standing(sitting([open(0)], { conditions: own }), find, T0).item).toMatchObject({ window_ms: 15_000, begin_within_ms: 0, silence_end_ms: 0 });
  });
});

describe("a part with a time limit", () => {
  const section = { letter: "A", title: "Reading", task: "multiple_choice", instructions: "", example: "", instructions_audio_url: null, first_position: 1, item_count: 3, practice_count: 0, time_limit_ms: 60_000 };
  const part = { position: 1, sections: [section] };

  it("opens as a whole, each item with the clock of all", () => {
    const now = standing(sitting([open(1)], part), find, T0 + 4000);
    expect(now.part_items?.map((item) => [item.position, item.elapsed_ms])).toEqual([[1, 4000], [2, 4000], [3, 4000]]);
    expect(now.item?.position).toBe(1);
  });
  it("is closed by its last item only, and the next stands alone again", () => {
    expect(standing(sitting([open(1), close(1)], part), find, T0)).toMatchObject({ position: 1, item: { position: 1 } });
    expect(standing(sitting([open(1), close(3)], part), find, T0)).toMatchObject({ position: 4, item: null, part_items: [] });
  });
  it("goes on at the very second after a reload without network", () => {
    const kept = standing(sitting([open(1)], part), find, T0);
    const now = standing({ snapshot: kept, pending: [] }, find, T0 + 25_000);
    expect([now.item, ...now.part_items!].map((item) => item?.elapsed_ms)).toEqual([25_000, 25_000, 25_000, 25_000]);
  });
  it("needs all its items here to go on alone", () => {
    const most = (position: number) => (position < 3 ? packed(position) : null);
    expect([mayGoOnAlone(sitting([], part), open(1), find, T0), mayGoOnAlone(sitting([], part), open(1), most, T0)]).toEqual([true, false]);
    expect(standing(sitting([open(1)], part), most, T0)).toMatchObject({ position: 1, item: null });
  });
});

describe("going on alone", () => {
  it("needs the item here, a format that allows it, and a past that the server believes", () => {
    expect(mayGoOnAlone(sitting([]), open(1), find, T0)).toBe(true);
    expect(mayGoOnAlone(sitting([]), open(4), find, T0)).toBe(false);
    expect(mayGoOnAlone(sitting([]), close(3), find, T0)).toBe(true);
    expect(mayGoOnAlone(sitting([], { goes_on_offline: false }), close(0), find, T0)).toBe(false);
    expect(mayGoOnAlone(sitting([close(0)]), open(1), find, T0 + ALONE_MS - 1)).toBe(true);
    expect(mayGoOnAlone(sitting([close(0)]), open(1), find, T0 + ALONE_MS)).toBe(false);
    const hears = { conditions: { extra_time: 1, break_ms: 0, replays: 1, larger_text: false } };
    expect(mayGoOnAlone(sitting([], hears), open(1), find, T0)).toBe(false);
  });
});

/** A server that makes moves as ours does: once, in order, whatever comes again. */
function fakeServer(faults: (Error | null)[] = []) {
  const made: string[] = [];
  let position = 0;
  let isOpen = false;
  const batches: number[] = [];
  return {
    made, batches,
    async move(_: string, moves: readonly Move[]): Promise<AttemptSnapshot> {
      batches.push(moves.length);
      const fault = faults.shift();
      if (fault && fault.message !== "lost reply") throw fault;
      for (const move of moves) {
        if (move.position < position || (move.kind === "open" && isOpen && move.position === position)) continue;
        if (move.position !== position) throw new Refused(409, "item_not_current", "", "");
        made.push(`${move.kind} ${move.position} ${move.at}`);
        isOpen = move.kind === "open";
        if (move.kind === "close") position += 1;
      }
      if (fault) throw new Unreachable("lost reply");
      return snapshot({ position, item: isOpen ? { ...packed(position), opened_at: "", elapsed_ms: 0 } : null });
    },
  };
}

function desk(server: { move: ReturnType<typeof fakeServer>["move"] }, options: { find?: typeof find; store?: MemoryStore; from?: Sitting; now?: () => number; wait?: () => Promise<void> } = {}) {
  const clock = new ServerClock(options.now ?? (() => 0));
  clock.learn(at(0));
  const refused: Refused[] = [];
  const store = options.store ?? new MemoryStore();
  const moves = new Moves(
    { api: server, store, clock, deliveryId: "d", find: options.find ?? find, onSnapshot: () => undefined, onRefused: (error) => refused.push(error), wait: options.wait ?? (() => Promise.resolve()) },
    options.from ?? sitting([]),
  );
  return { moves, refused, store, clock };
}
const signal = new AbortController().signal;

describe("moves on their way", () => {
  it("do not hold the candidate up where the item is here, and are all made, once, in order, with their moments", async () => {
    let ms = 0;
    let isCut = true;
    const server = fakeServer();
    const api = { move: async (id: string, batch: readonly Move[]) => (isCut ? Promise.reject(new Unreachable("cut")) : server.move(id, batch)) };
    const { moves } = desk(api, { now: () => ms, wait: () => new Promise((resolve) => setTimeout(resolve, 0)) });
    for (let position = 0; position < 4; position += 1) {
      const now = await moves.make([{ kind: "open", position }], signal);
      expect(now.item).toMatchObject({ position, elapsed_ms: 0 });
      ms += 60_000;
      await moves.make([{ kind: "close", position }], signal);
    }
    expect(moves.pending).toBe(8);
    isCut = false;
    await moves.drained();
    expect(server.made).toEqual([0, 1, 2, 3].flatMap((n) => [`open ${n} ${at(n * 60_000)}`, `close ${n} ${at((n + 1) * 60_000)}`]));
    expect(moves.pending).toBe(0);
  });

  it("are replayed once though a reply is lost", async () => {
    const server = fakeServer([new Error("lost reply")]);
    const { moves } = desk(server);
    await moves.make([{ kind: "open", position: 0 }], signal);
    await moves.drained();
    expect(server.made).toEqual([`open 0 ${at(0)}`]);
    expect(server.batches).toEqual([1, 1]);
  });

  it("wait for the server where the item is not here", async () => {
    const server = fakeServer([new Unreachable("x"), new Unreachable("x")]);
    const { moves } = desk(server, { find: nothing });
    expect((await moves.make([{ kind: "open", position: 0 }], signal)).item?.position).toBe(0);
    expect(server.batches).toEqual([1, 1, 1]);
  });

  it("survive the page: the next one finds how it stood, and brings them", async () => {
    const cut = { move: () => new Promise<AttemptSnapshot>(() => undefined) };
    const { moves, store } = desk(cut);
    await moves.make([{ kind: "open", position: 0 }], signal);
    const kept = await findSitting(store, "a");
    expect(kept).toMatchObject({ delivery_id: "d", pending: [open(0)] });
    const server = fakeServer();
    const after = desk(server, { from: kept! });
    await after.moves.drained();
    expect(server.made).toEqual([`open 0 ${at(0)}`]);
  });

  it("stop at a refusal; what can never be made is not sent again, and kept: answers in a file need the moves that reached them", async () => {
    const { moves, refused, store } = desk(fakeServer([new Refused(409, "attempt_elsewhere", "", "")]), { find: nothing });
    await expect(moves.make([{ kind: "open", position: 0 }], signal)).rejects.toMatchObject({ code: "attempt_elsewhere" });
    expect(refused).toHaveLength(1);
    expect((await findSitting(store, "a"))?.pending).toHaveLength(1);
    const over = desk(fakeServer([new Refused(409, "attempt_not_open", "", "")]), { find: nothing });
    await expect(over.moves.make([{ kind: "open", position: 0 }], signal)).rejects.toMatchObject({ code: "attempt_not_open" });
    const left = await findSitting(over.store, "a");
    expect([left?.pending, left?.refused]).toEqual([[], [open(0)]]);
    expect([over.moves.unmade, over.moves.heard]).toEqual([[open(0)], true]);
    const next = desk(fakeServer(), { from: left! });
    expect([next.moves.pending, next.moves.unmade]).toEqual([0, [open(0)]]);
  });

  it.each(["not_found", "status_403", "csrf_failed"])("wait for the next page where a refusal is not about them (%s)", async (code) => {
    const { moves, store } = desk(fakeServer([new Refused(404, code, "", "")]));
    await moves.make([{ kind: "open", position: 0 }], signal);
    await moves.drained().catch(() => undefined);
    expect([(await findSitting(store, "a"))?.pending, moves.heard]).toEqual([[open(0)], "never"]);
  });

  it("wait out a pause that staff made meanwhile", async () => {
    const server = fakeServer([new Refused(409, "attempt_paused", "", "")]);
    const { moves, refused } = desk(server, { find: nothing });
    await moves.make([{ kind: "open", position: 0 }], signal);
    expect(refused.map((each) => each.code)).toEqual(["attempt_paused"]);
    expect(server.made).toHaveLength(1);
  });
});

describe("the package of a part", () => {
  const KEY = "A".repeat(43) + "=";
  async function sealedPackage(): Promise<Bytes> {
    const sounds = [new Uint8Array([1, 2, 3]), new Uint8Array([4])];
    const head = new TextEncoder().encode(JSON.stringify({ letter: "A", items: [packed(0), packed(1)], sounds: sounds.map(({ length }, index) => ({ name: `package:A/${index}`, size: length })) }));
    const whole = new Uint8Array(4 + head.length + 4);
    new DataView(whole.buffer).setUint32(0, head.length);
    whole.set(head, 4);
    whole.set([1, 2, 3, 4], 4 + head.length);
    return (await Seal.from(KEY)).close("package:A", whole);
  }
  async function packages(load: () => Promise<Bytes>, store = new MemoryStore()) {
    const sounds = new Map<string, Bytes>();
    const made = new Packages({ api: { packageOf: async () => ({ url: "u" }) }, store, attemptId: "a", keepSound: (name, bytes) => sounds.set(name, bytes), load, wait: () => Promise.resolve() });
    return { made, sounds };
  }

  it("says nothing before the server tells its key, then every item and sound", async () => {
    const sealed = await sealedPackage();
    const { made, sounds } = await packages(async () => sealed);
    await made.prefetch("A");
    expect(made.find(0)).toBeNull();
    expect(await made.unlock("A", "B".repeat(42) + "A=")).toBe(false);
    expect(await made.unlock("A", KEY)).toBe(true);
    expect(made.find(1)).toMatchObject({ position: 1 });
    expect([...sounds].map(([name, bytes]) => [name, [...bytes]])).toEqual([["package:A/0", [1, 2, 3]], ["package:A/1", [4]]]);
  });

  it("is fetched again after faults, once, and found on the device by the next page", async () => {
    const sealed = await sealedPackage();
    const store = new MemoryStore();
    let calls = 0;
    const { made } = await packages(async () => {
      calls += 1;
      if (calls < 3) throw new Error("cut");
      return sealed;
    }, store);
    await Promise.all([made.prefetch("A"), made.prefetch("A")]);
    expect(calls).toBe(3);
    const next = await packages(async () => Promise.reject(new Error("no network")), store);
    expect(await next.made.unlock("A", KEY)).toBe(true);
  });

  it("comes for every later part, the nearest first, each once however often it is asked for", async () => {
    const asked: string[] = [];
    const load = async (url: string) => (asked.push(url), new Uint8Array([1]));
    const made = new Packages({ api: { packageOf: async (_, letter) => ({ url: letter }) }, store: new MemoryStore(), attemptId: "a", keepSound: () => undefined, load, wait: () => Promise.resolve() });
    const ahead = (letters: string) => made.fetchAhead([...letters].map((letter) => ({ letter })), () => undefined);
    await Promise.all([made.prefetch("B"), ahead("BCD"), ahead("BCD")]);
    await ahead("CD");
    expect(asked).toEqual(["B", "C", "D"]);
  });

  it("comes some seconds after a part began, because all candidates begin together; a part that begins has it at once", async () => {
    const waits: number[] = [];
    const heard: string[] = [];
    const wait = async (ms: number) => void waits.push(ms);
    const made = new Packages({ api: { packageOf: async (_, letter) => ({ url: letter }) }, store: new MemoryStore(), attemptId: "a", keepSound: () => undefined, load: async () => new Uint8Array([1]), wait, random: () => 0.5 });
    await made.fetchAhead([..."BCD"].map((letter) => ({ letter })), ({ letter }) => heard.push(letter));
    expect(waits).toEqual([16_000, 10_000, 10_000]);
    expect(heard).toEqual(["B", "C", "D"]);
    await made.prefetch("E");
    expect(waits).toHaveLength(3);
  });

  it("holds nobody while the store does not answer, and opens when it is there", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    let arrive: (bytes: Bytes) => void = () => undefined;
    const { made } = await packages(() => new Promise((resolve) => (arrive = resolve)));
    const late = made.unlock("A", KEY);
    await vi.advanceTimersByTimeAsync(3000);
    expect(await late).toBe(false);
    vi.useRealTimers();
    arrive(await sealedPackage());
    expect(await made.unlock("A", KEY)).toBe(true);
  });
});
