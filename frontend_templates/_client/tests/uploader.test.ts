import { describe, expect, it } from "vitest";
import { createHash, randomUUID } from "node:crypto";
import { Refused, Unreachable } from "../src/exam/api";
import { MemoryStore, type Recording } from "../src/exam/store";
import { Uploader, type PutOutcome, type UploadStatus } from "../src/exam/uploader";

const ATTEMPT = "attempt-1";
const BYTES = new Uint8Array([1, 2, 3, 4]);

async function withRecordings(count: number, attempt = ATTEMPT, store = new MemoryStore()): Promise<MemoryStore> {
  for (let position = 0; position < count; position += 1) {
    const recording: Recording = {
      recording_id: `${position}-0-${randomUUID()}`, attempt_id: attempt, position, segment: 0, content_type: "audio/webm",
      duration_ms: 1000, started_at: position, state: "recorded",
    };
    await store.add(recording);
    await store.addChunk(recording.recording_id, 1, BYTES.slice(2).buffer);
    await store.addChunk(recording.recording_id, 0, BYTES.slice(0, 2).buffer);
  }
  return store;
}

/** A server that keeps what is confirmed, with faults for the first calls: each fault is used once. */
function fakeServer(faults: { register?: Error[]; put?: PutOutcome[]; confirm?: Error[] } = {}) {
  const stored = new Map<string, string>();
  const announced = new Map<string, { sha256: string; size: number }>();
  const arrived = new Map<string, string>();
  const calls: string[] = [];
  return {
    stored, calls,
    api: {
      async register(_: string, body: object) {
        const { recording_id, sha256, size } = body as { recording_id: string; sha256: string; size: number };
        calls.push("register");
        const fault = faults.register?.shift();
        if (fault) throw fault;
        announced.set(recording_id, { sha256, size });
        if (stored.has(recording_id)) return { recording_id, stored: true };
        return { recording_id, stored: false, upload: { method: "PUT" as const, url: recording_id, headers: {}, expires_at: "" } };
      },
      async confirm(_: string, id: string) {
        calls.push("confirm");
        const sha256 = arrived.get(id);
        if (sha256 !== announced.get(id)?.sha256) throw new Refused(409, "upload_missing", "", "");
        stored.set(id, sha256!);
        const fault = faults.confirm?.shift();
        if (fault) throw fault;
        return { stored: true };
      },
    },
    async put(url: string, bytes: Uint8Array<ArrayBuffer>): Promise<PutOutcome> {
      calls.push("put");
      const fault = faults.put?.shift();
      if (fault) return fault;
      arrived.set(url, createHash("sha256").update(bytes).digest("hex"));
      return "stored";
    },
  };
}

function uploaderOn(store: MemoryStore, server: ReturnType<typeof fakeServer>) {
  const seen: UploadStatus[] = [];
  const uploader = new Uploader({
    api: server.api, store, attemptId: ATTEMPT, alreadyStored: [], onChange: (status) => seen.push(status),
    put: server.put, random: () => 0, wait: () => Promise.resolve(),
  });
  return { uploader, seen };
}

describe("sending recordings", () => {
  it("hashes the pieces in order, and deletes the device's copy only after the acknowledgement", async () => {
    const store = await withRecordings(2);
    const server = fakeServer();
    const { uploader } = uploaderOn(store, server);
    await uploader.drained();
    expect([...server.stored.values()]).toEqual(Array(2).fill(createHash("sha256").update(BYTES).digest("hex")));
    expect(await store.list()).toEqual([]);
    expect(await uploader.status()).toEqual({ saved: 2, pending: 0, refused: 0, trouble: null });
  });

  it("sends again after network faults at every step, and stores once", async () => {
    const store = await withRecordings(1);
    const server = fakeServer({
      register: [new Unreachable("x")], put: ["unreachable", "refused"], confirm: [new Unreachable("the reply was lost")],
    });
    const { uploader, seen } = uploaderOn(store, server);
    await uploader.drained();
    expect(server.stored.size).toBe(1);
    expect(server.calls.filter((call) => call === "confirm")).toHaveLength(1); // stored already: told by the next register
    expect(seen.some((status) => status.trouble === "unreachable" && status.pending === 1)).toBe(true);
    expect(await uploader.status()).toMatchObject({ saved: 1, pending: 0, trouble: null });
  });

  it("sends damaged or vanished uploads again", async () => {
    const store = await withRecordings(1);
    const server = fakeServer({ confirm: [new Refused(409, "upload_mismatch", "", "")] });
    await uploaderOn(store, server).uploader.drained();
    expect(await store.list()).toEqual([]);
  });

  it("keeps what the server will never take, and goes on with the rest", async () => {
    const store = await withRecordings(2);
    const server = fakeServer({ register: [new Refused(409, "attempt_not_open", "", "")] });
    const { uploader } = uploaderOn(store, server);
    await uploader.drained();
    expect(await uploader.status()).toMatchObject({ saved: 1, refused: 1, pending: 0 });
    expect((await store.list()).map((each) => each.state)).toEqual(["refused"]);
  });

  it("stops when signed out, keeping everything, and goes on when asked again", async () => {
    const store = await withRecordings(1);
    const server = fakeServer({ register: [new Refused(401, "signed_out", "", "")] });
    const { uploader, seen } = uploaderOn(store, server);
    uploader.kick();
    await expect.poll(() => seen.at(-1)?.trouble).toBe("signed_out");
    expect(await store.list()).toHaveLength(1);
    await uploader.drained();
    expect(server.stored.size).toBe(1);
  });

  it("keeps everything when somebody else has signed in on this browser", async () => {
    const store = await withRecordings(1);
    const server = fakeServer({ register: [new Refused(404, "not_found", "", "")] });
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
