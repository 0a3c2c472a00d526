import "fake-indexeddb/auto";
import { beforeEach, describe, expect, it } from "vitest";
import { Refused, Unreachable, type Announced, type ExamApi } from "../src/exam/api";
import { DeviceStore } from "../src/exam/device_store";
import { findSitting } from "../src/exam/moves";
import { listLeftHere, rescue, type Rescued } from "../src/exam/rescue";
import type { AttemptSnapshot, Move, Sequence } from "../src/exam/types";
import { tellOf } from "../src/site/rescue";

const KEY = "A".repeat(43) + "=";
const RAVIS_KEY = "B".repeat(42) + "A=";
const AT = "2026-11-23T05:00:00.000Z";
const snapshot = (changes: Partial<AttemptSnapshot> = {}): AttemptSnapshot => ({
  id: "a", state: "in_progress", number: 1, server_now: AT, started_at: AT, deadline_at: null, title: "t", student_name: "Asha", total_items: 4, position: 1,
  item: null, sections: [], demonstration: null, stored_recordings: [], storage_key: KEY, goes_on_offline: true, epoch: 4, ...changes,
});
const moves: Move[] = [{ kind: "open", position: 1, at: AT }, { kind: "close", position: 1, at: AT }, { kind: "open", position: 2, at: AT }];

/** The exam's server, as far as it matters here: it takes answers to items that it knows to be reached. */
function fakeServer(faults: { move?: Error[]; answer?: Error[] } = {}, reached = 0) {
  const told: string[] = [];
  const taken = new Map<string, unknown>();
  let known = reached;
  let epoch: number | undefined;
  const api = {
    goOnWith: (given: number | undefined) => void (epoch = given),
    async peek() {
      return snapshot();
    },
    async move(_: string, made: readonly Move[]) {
      const fault = faults.move?.shift();
      if (fault) throw fault;
      told.push(`moves ${made.length} of lease ${epoch}`);
      known = Math.max(known, ...made.map((each) => each.position));
      return snapshot({ position: known });
    },
    async answer(_: string, position: number, _sequence: Sequence, content: unknown) {
      const fault = faults.answer?.shift();
      if (fault) throw fault;
      if (position > known) throw new Refused(409, "item_not_open", "", "");
      taken.set(`typed ${position}`, content);
      return {};
    },
    async sendRecording(_: string, { recording_id, position }: Announced) {
      if (position > known) throw new Refused(409, "item_not_open", "", "");
      taken.set(`spoken ${position}`, recording_id);
      return { recording_id, stored: true };
    },
    async askRecording(_: string, recording_id: string) {
      return { recording_id, stored: false, offset: 0 };
    },
  };
  return { api: api as unknown as ExamApi, told, taken };
}

/** As a page left it that was closed off-line: two typed answers and a spoken one, two of them to items that nobody heard of. */
async function leftBehind(name: string, pending = moves): Promise<DeviceStore> {
  const store = await DeviceStore.open("asha", name);
  await store.unlock("a", KEY);
  await store.putNote("a", "sitting", new TextEncoder().encode(JSON.stringify({ delivery_id: "d", offset_ms: 0, pending, snapshot: snapshot() })));
  await store.putDraft({ attempt_id: "a", position: 0, sequence: [4, 1], content: "reached", changed_at: 1, state: "waiting" });
  await store.putDraft({ attempt_id: "a", position: 1, sequence: [4, 1], content: "off-line", changed_at: 0, state: "waiting" });
  await store.add({ recording_id: "2-0-x", attempt_id: "a", position: 2, segment: 0, content_type: "audio/webm", duration_ms: 900, started_at: 1, state: "recorded" });
  await store.addChunk("2-0-x", 0, new Uint8Array([1]).buffer);
  return store;
}

const wait = () => new Promise<void>((resolve) => setTimeout(resolve, 0));
async function rescued(store: DeviceStore, server: ReturnType<typeof fakeServer>, given = snapshot()): Promise<Rescued> {
  const seen: Rescued[] = [];
  await rescue({ api: server.api, store, snapshot: given, onChange: (each) => seen.push(each), wait });
  return seen.at(-1)!;
}

let name = "";
beforeEach(() => {
  name = `viva-${Math.random()}`;
});

describe("another page of the student", () => {
  it("tells the moves first, under the lease of the page that made them; then every answer is taken", async () => {
    const store = await leftBehind(name);
    const server = fakeServer({ move: [new Unreachable("cut")] });
    expect(await rescued(store, server)).toMatchObject({ pending: 0, refused: 0, isOver: true });
    expect(server.told).toEqual(["moves 3 of lease 4"]);
    expect(Object.fromEntries(server.taken)).toEqual({ "typed 0": "reached", "typed 1": "off-line", "spoken 2": "2-0-x" });
    expect((await findSitting(store, "a"))?.pending).toEqual(moves); // the exam's page may send them again: they are made once
  });

  it.each(["attempt_elsewhere", "network_not_allowed", "signed_out"])("gives up nothing where the moves are refused (%s)", async (code) => {
    const store = await leftBehind(name);
    const server = fakeServer({ move: [new Refused(409, code, "", "")] });
    expect(await rescued(store, server)).toMatchObject({ pending: 2, refused: 0, isOver: true });
    expect([...server.taken.keys()]).toEqual(["typed 0"]);
    const states = [...(await store.listDrafts("a")), ...(await store.list())].map((each) => [each.position, each.state]);
    expect(states).toEqual([[0, "acknowledged"], [1, "waiting"], [2, "recorded"]]);
    expect((await findSitting(store, "a"))?.pending).toEqual(moves);
  });

  it("keeps what the server does not take, with its moves, and says so", async () => {
    const store = await leftBehind(name);
    const server = fakeServer({ move: [new Refused(409, "attempt_not_open", "", "")] });
    const last = await rescued(store, server, snapshot({ state: "expired" }));
    expect(last).toMatchObject({ pending: 0, refused: 2 });
    const next = await DeviceStore.open("asha", name);
    await next.unlock("a", KEY);
    expect((await next.listDrafts("a")).map((each) => [each.content, each.state])).toEqual([["off-line", "refused"]]);
    expect((await findSitting(next, "a"))?.pending).toEqual(moves);
    await next.revive("a");
    expect([...(await next.listDrafts("a")), ...(await next.list())].map((each) => each.state)).toEqual(["waiting", "recorded"]);
  });

  it("leaves nothing where everything of an ended test has arrived or is kept apart by the server", async () => {
    const store = await leftBehind(name);
    await rescued(store, fakeServer({ answer: [new Refused(409, "answer_late", "", "")] }), snapshot({ state: "submitted" }));
    expect([await store.attemptsHere(), await store.unlock("a")]).toEqual([[], false]);
  });

  it("knows what waits from what was refused: the latter keeps nobody from another test", async () => {
    const store = await leftBehind(name);
    const { api } = fakeServer();
    expect(await listLeftHere(api, store)).toMatchObject([{ snapshot: { id: "a" }, waits: true }]);
    await store.refuse("2-0-x");
    for (const draft of await store.listDrafts("a")) await store.putDraft({ ...draft, state: "refused" });
    expect(await listLeftHere(api, store)).toMatchObject([{ waits: false }]);
    for (const draft of await store.listDrafts("a")) await store.putDraft({ ...draft, state: "late" });
    await store.remove("2-0-x");
    expect(await listLeftHere(api, store)).toEqual([]);
  });
});

describe("a machine that several students use", () => {
  it("asks the server about this student's attempts alone, and leaves the others' as they are until they sign in", async () => {
    await leftBehind(name);
    const server = fakeServer();
    const asked: string[] = [];
    const api = {
      async peek(id: string) {
        asked.push(id);
        return snapshot({ id, storage_key: id === "a" ? KEY : RAVIS_KEY });
      },
    };
    const ravi = await DeviceStore.open("ravi", name);
    await ravi.unlock("b", RAVIS_KEY);
    await ravi.putDraft({ attempt_id: "b", position: 0, sequence: [1, 1], content: "mine", changed_at: 0, state: "waiting" });
    expect(await listLeftHere(api, ravi)).toMatchObject([{ snapshot: { id: "b" }, waits: true }]);
    expect(asked).toEqual(["b"]);
    await ravi.recover(Date.now());

    const asha = await DeviceStore.open("asha", name);
    expect(await listLeftHere(api, asha)).toMatchObject([{ snapshot: { id: "a" }, waits: true }]);
    expect(asked).toEqual(["b", "a"]);
    expect(await rescued(asha, server)).toMatchObject({ pending: 0, refused: 0, isOver: true });
    expect(Object.fromEntries(server.taken)).toEqual({ "typed 0": "reached", "typed 1": "off-line", "spoken 2": "2-0-x" });
  });
});

describe("what the page says", () => {
  const said = (changes: Partial<Rescued>) => tellOf({ pending: 0, refused: 0, trouble: null, isOver: false, ...changes });
  it("is where the answers are, and never that they have arrived when they have not", () => {
    expect(said({ pending: 2 }).text).toContain("2 answers of your last test are being sent");
    expect(said({ pending: 1, trouble: "unreachable" }).text).toContain("Waiting for the network");
    expect(said({ pending: 1, isOver: true })).toMatchObject({ tone: "warning", text: expect.stringContaining("only on this device") });
    expect(said({ refused: 1, isOver: true })).toMatchObject({ tone: "warning", text: expect.stringContaining("could not be taken") });
    expect(said({ isOver: true })).toEqual({ tone: "success", text: "The last answers of your test have arrived." });
  });
});
