import { describe, expect, it } from "vitest";
import { createHash, randomUUID } from "node:crypto";
import { Refused, Unreachable, type Announced } from "../src/exam/api";
import { MemoryStore, type Recording } from "../src/exam/store";
import { PART_BYTES, Uploader, type UploadStatus } from "../src/exam/uploader";

const ATTEMPT = "attempt-1";
const BYTES = new Uint8Array([1, 2, 3, 4]);

async function withRecordings(count: number, attempt = ATTEMPT, store = new MemoryStore(), length = BYTES.length): Promise<MemoryStore> {
  const bytes = length === BYTES.length ? BYTES : new Uint8Array(length).map((_, index) => index % 251);
  for (let position = 0; position < count; position += 1) {
    const recording: Recording = {
      recording_id: `${position}-0-${randomUUID()}`, attempt_id: attempt, position, segment: 0, content_type: "audio/webm",
      duration_ms: 1000, started_at: position, state: "recorded",
    };
    await store.add(recording);
    await store.addChunk(recording.recording_id, 1, bytes.slice(2).buffer);
    await store.addChunk(recording.recording_id, 0, bytes.slice(0, 2).buffer);
  }
  return store;
}

/** A server that keeps what arrives whole, with faults for the first calls: each fault is used once. */
function fakeServer(faults: { before?: Error[]; after?: Error[]; cutAt?: number[] } = {}) {
  const stored = new Map<string, string>();
  const arrived = new Map<string, Uint8Array>();
  const calls: string[] = [];
  const sentBytes: number[] = [];
  return {
    stored, calls, sentBytes,
    api: {
      async askRecording(_: string, recording_id: string) {
        calls.push("ask");
        return { recording_id, stored: stored.has(recording_id), offset: arrived.get(recording_id)?.length ?? 0 };
      },
      async sendRecording(_: string, { recording_id, sha256, size }: Announced, offset: number, bytes: Uint8Array) {
        calls.push("send");
        sentBytes.push(bytes.length);
        const before = faults.before?.shift();
        if (before) throw before;
        const there = arrived.get(recording_id) ?? new Uint8Array();
        if (stored.has(recording_id)) return { recording_id, stored: true };
        if (offset !== there.length) throw new Refused(409, "upload_offset", "", "", { offset: there.length });
        const cut = faults.cutAt?.shift();
        const whole = new Uint8Array([...there, ...bytes.slice(0, cut)]);
        arrived.set(recording_id, whole);
        if (cut !== undefined) throw new Unreachable("cut");
        if (whole.length < size) return { recording_id, stored: false, offset: whole.length };
        expect(createHash("sha256").update(whole).digest("hex")).toBe(sha256);
        stored.set(recording_id, sha256);
        const after = faults.after?.shift();
        if (after) throw after;
        return { recording_id, stored: true };
      },
    },
  };
}

function uploaderOn(store: MemoryStore, server: ReturnType<typeof fakeServer>, alreadyStored: string[] = []) {
  const seen: UploadStatus[] = [];
  const uploader = new Uploader({
    api: server.api, store, attemptId: ATTEMPT, alreadyStored, onChange: (status) => seen.push(status),
    random: () => 0, wait: () => Promise.resolve(),
  });
  return { uploader, seen };
}

describe("sending recordings", () => {
  it("says what ended each: after a fault a person listens before silence is a zero", async () => {
    const store = await withRecordings(2);
    const [first] = await store.list();
    await store.finish(first!.recording_id, 1000, "microphone");
    const server = fakeServer();
    const announced: Announced[] = [];
    const api = { ...server.api, sendRecording: (id: string, each: Announced, offset: number, bytes: Uint8Array) => (announced.push(each), server.api.sendRecording(id, each, offset, bytes)) };
    await uploaderOn(store, { ...server, api }).uploader.drained();
    expect(announced.map((each) => each.ended_by)).toEqual(["microphone", undefined]);
  });

  it("hashes the pieces in order, and deletes the device's copy only after the acknowledgement", async () => {
    const store = await withRecordings(2);
    const server = fakeServer();
    const { uploader } = uploaderOn(store, server);
    await uploader.drained();
    expect([...server.stored.values()]).toEqual(Array(2).fill(createHash("sha256").update(BYTES).digest("hex")));
    expect(await store.list()).toEqual([]);
    expect(await uploader.status()).toEqual({ saved: 2, pending: 0, late: 0, refused: 0, trouble: null });
  });

  it("counts what is saved without network as well: by what the pages before it heard", async () => {
    const before = await withRecordings(2);
    const first = uploaderOn(before, fakeServer(), ["7-0-by-another-machine"]);
    await first.uploader.open();
    await first.uploader.drained();
    const store = await withRecordings(3, ATTEMPT, before);
    const { uploader, seen } = uploaderOn(store, fakeServer()); // loaded off-line: the kept word names no recording
    await uploader.open();
    expect(seen.at(-1)).toEqual({ saved: 3, pending: 3, late: 0, refused: 0, trouble: null });
    const other = new Uploader({ api: fakeServer().api, store, attemptId: "attempt-2", alreadyStored: [], onChange: () => undefined });
    await other.open();
    expect(await other.status()).toMatchObject({ saved: 0, pending: 0 });
  });

  it("takes one request for a small recording", async () => {
    const server = fakeServer();
    await uploaderOn(await withRecordings(3), server).uploader.drained();
    expect(server.calls).toEqual(["send", "send", "send"]);
  });

  it("sends a long one in parts", async () => {
    const store = await withRecordings(1, ATTEMPT, new MemoryStore(), PART_BYTES * 2 + 10);
    const server = fakeServer();
    await uploaderOn(store, server).uploader.drained();
    expect(server.sentBytes).toEqual([PART_BYTES, PART_BYTES, 10]);
    expect(server.stored.size).toBe(1);
  });

  it("goes on at the byte at which the line broke", async () => {
    const store = await withRecordings(1, ATTEMPT, new MemoryStore(), PART_BYTES + 500);
    const server = fakeServer({ cutAt: [1000] });
    const { uploader, seen } = uploaderOn(store, server);
    await uploader.drained();
    expect(server.calls).toEqual(["send", "ask", "send", "send"].slice(0, server.calls.length));
    expect(server.sentBytes).toEqual([PART_BYTES, PART_BYTES + 500 - 1000]);
    expect(seen.some((status) => status.trouble === "unreachable" && status.pending === 1)).toBe(true);
  });

  it("asks after a lost reply rather than send again, and stores once", async () => {
    const store = await withRecordings(1);
    const server = fakeServer({ before: [new Unreachable("x")], after: [new Unreachable("the reply was lost")] });
    const { uploader } = uploaderOn(store, server);
    await uploader.drained();
    expect(server.stored.size).toBe(1);
    expect(server.calls).toEqual(["send", "ask", "send", "ask"]);
    expect(await uploader.status()).toMatchObject({ saved: 1, pending: 0, trouble: null });
  });

  it("takes the server's word for where to go on", async () => {
    const store = await withRecordings(1);
    const server = fakeServer();
    const [recording] = await store.list();
    await server.api.sendRecording(ATTEMPT, { ...recording!, sha256: "", size: 4 }, 0, BYTES.slice(0, 1));
    await uploaderOn(store, server).uploader.drained();
    expect(server.sentBytes).toEqual([1, 4, 3]);
    expect(server.stored.size).toBe(1);
  });

  it("sends what arrived damaged again", async () => {
    const store = await withRecordings(1);
    const server = fakeServer({ before: [new Refused(409, "upload_mismatch", "", "")] });
    await uploaderOn(store, server).uploader.drained();
    expect(await store.list()).toEqual([]);
  });

  it("keeps what the server will never take, and goes on with the rest", async () => {
    const store = await withRecordings(2);
    const server = fakeServer({ before: [new Refused(409, "attempt_not_open", "", "")] });
    const { uploader } = uploaderOn(store, server);
    await uploader.drained();
    expect(await uploader.status()).toMatchObject({ saved: 1, refused: 1, pending: 0 });
    expect((await store.list()).map((each) => each.state)).toEqual(["refused"]);
  });

  it("lets go of what the server keeps apart, and counts it as late, on the next page too", async () => {
    const store = await withRecordings(2);
    const server = fakeServer({ before: [new Refused(409, "answer_late", "", "")] });
    const { uploader } = uploaderOn(store, server);
    await uploader.drained();
    expect(await uploader.status()).toMatchObject({ saved: 1, late: 1, refused: 0, pending: 0 });
    expect(await store.list()).toEqual([]);
    const next = uploaderOn(store, fakeServer()).uploader;
    await next.open();
    expect(await next.status()).toMatchObject({ saved: 1, late: 1, refused: 0 });
  });

  it("sends the others while the server fails at one, which it is asked about again and again", async () => {
    const store = await withRecordings(3);
    const server = fakeServer();
    const [poison] = await store.list();
    let isIll = true;
    const tries: string[] = [];
    const sendRecording: typeof server.api.sendRecording = async (attempt, announced, offset, bytes) => {
      tries.push(announced.recording_id);
      if (isIll && announced.recording_id === poison!.recording_id) throw new Unreachable("status_500");
      return server.api.sendRecording(attempt, announced, offset, bytes);
    };
    const seen: UploadStatus[] = [];
    const uploader = new Uploader({ api: { ...server.api, sendRecording }, store, attemptId: ATTEMPT, alreadyStored: [], onChange: (status) => seen.push(status), wait: () => new Promise((resolve) => setTimeout(resolve, 0)) });
    const drained = uploader.drained();
    await expect.poll(() => tries.filter((id) => id === poison!.recording_id).length).toBeGreaterThan(3);
    expect([server.stored.size, seen.at(-1)]).toMatchObject([2, { saved: 2, pending: 1, trouble: "unreachable" }]);
    expect(new Set(tries.slice(0, 3)).size).toBe(3); // one failure held nobody up
    isIll = false;
    await drained;
    expect(await uploader.status()).toMatchObject({ saved: 3, pending: 0, trouble: null });
  });

  it.each(["status_403", "forbidden_by_filter", "too_many_requests"])("asks again after a refusal that is not our server's word for never (%s)", async (code) => {
    const store = await withRecordings(1);
    const server = fakeServer({ before: [new Refused(403, code, "", ""), new Refused(403, code, "", "")] });
    const { uploader } = uploaderOn(store, server);
    await uploader.drained();
    expect(await uploader.status()).toMatchObject({ saved: 1, refused: 0, pending: 0 });
  });

  it("sends the others while one waits for its moves, and that one once they were heard", async () => {
    const store = await withRecordings(2);
    const server = fakeServer({ before: [new Refused(409, "item_not_open", "", "")] });
    let isHeard = false;
    const uploader = new Uploader({ api: server.api, store, attemptId: ATTEMPT, alreadyStored: [], isHeard: () => isHeard, onChange: () => undefined, wait: () => new Promise((resolve) => setTimeout(resolve, 0)) });
    uploader.kick();
    await expect.poll(() => server.stored.size).toBe(1);
    expect(await uploader.status()).toMatchObject({ pending: 1, refused: 0 });
    isHeard = true;
    await uploader.drained();
    expect(await uploader.status()).toMatchObject({ saved: 2, pending: 0, refused: 0 });
  });

  it("stops when signed out, keeping everything, and goes on when asked again", async () => {
    const store = await withRecordings(1);
    const server = fakeServer({ before: [new Refused(401, "signed_out", "", "")] });
    const { uploader, seen } = uploaderOn(store, server);
    uploader.kick();
    await expect.poll(() => seen.at(-1)?.trouble).toBe("signed_out");
    expect(await store.list()).toHaveLength(1);
    await uploader.drained();
    expect(server.stored.size).toBe(1);
  });

  it("keeps everything when somebody else has signed in on this browser", async () => {
    const store = await withRecordings(1);
    const server = fakeServer({ before: [new Refused(404, "not_found", "", "")] });
    const { uploader, seen } = uploaderOn(store, server);
    uploader.kick();
    await expect.poll(() => seen.at(-1)?.trouble).toBe("signed_out");
    expect((await store.list()).map((each) => each.state)).toEqual(["recorded"]);
  });

  it("leaves another attempt's recordings alone", async () => {
    const store = await withRecordings(1, "somebody-elses");
    const server = fakeServer();
    await uploaderOn(store, server).uploader.drained();
    expect(server.calls).toEqual([]);
    expect(await store.list()).toHaveLength(1);
  });
});
