import "fake-indexeddb/auto";
import { createDecipheriv, createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { makeAnswersFile } from "../src/exam/answers_file";
import { DeviceStore } from "../src/exam/device_store";

const KEY = "A".repeat(43) + "=";

/** As the server opens it: see backend/features/attempts/response_files/model.py. */
function opened(file: Uint8Array): { outside: Record<string, string>; head: Record<string, unknown[]>; data: Buffer } {
  const bytes = Buffer.from(file);
  const first = bytes.indexOf("\n");
  const second = bytes.indexOf("\n", first + 1);
  expect(bytes.subarray(0, first).toString()).toBe("VIVA-ANSWERS-1");
  const outside = JSON.parse(bytes.subarray(first + 1, second).toString()) as Record<string, string>;
  const sealed = bytes.subarray(second + 1);
  const decipher = createDecipheriv("aes-256-gcm", Buffer.from(KEY, "base64"), sealed.subarray(0, 12));
  decipher.setAAD(Buffer.from(`answers:${outside.attempt_id}`));
  decipher.setAuthTag(sealed.subarray(-16));
  const inside = Buffer.concat([decipher.update(sealed.subarray(12, -16)), decipher.final()]);
  const length = inside.readUInt32BE(0);
  return { outside, head: JSON.parse(inside.subarray(4, 4 + length).toString()) as Record<string, unknown[]>, data: inside.subarray(4 + length) };
}

describe("the file of answers", () => {
  it("holds what the server has not acknowledged, sealed with the attempt's key", async () => {
    const store = await DeviceStore.open("asha", `viva-${Math.random()}`);
    await store.unlock("attempt-1", KEY);
    for (const [position, state] of [[0, "recorded"], [1, "recording"], [2, "refused"]] as const) {
      await store.add({ recording_id: `${position}-0-uuid`, attempt_id: "attempt-1", position, segment: 0, content_type: "audio/webm", duration_ms: 1234.5, started_at: position, state });
      await store.addChunk(`${position}-0-uuid`, 0, new Uint8Array([position, 7]).buffer);
    }
    const draft = { attempt_id: "attempt-1", sequence: [1, 3] as const, changed_at: 0 };
    await store.putDraft({ ...draft, position: 3, content: { text: "canary" }, state: "waiting" });
    await store.putDraft({ ...draft, position: 4, content: { text: "arrived" }, state: "acknowledged" });
    const moves = [{ kind: "close" as const, position: 0, at: "2026-11-23T05:00:00.000Z" }];

    const file = await makeAnswersFile(store, "attempt-1", moves, new Date(0));
    expect(Buffer.from(file!).toString("latin1")).not.toContain("canary");
    const { outside, head, data } = opened(file!);
    expect(outside).toEqual({ attempt_id: "attempt-1", made_at: "1970-01-01T00:00:00.000Z" });
    expect(head.moves).toEqual(moves);
    expect(head.drafts).toEqual([{ position: 3, sequence: [1, 3], content: { text: "canary" } }]);
    expect([...data]).toEqual([0, 7, 2, 7]);
    expect(head.recordings![0]).toEqual({
      recording_id: "0-0-uuid", position: 0, segment: 0, size: 2, content_type: "audio/webm", duration_ms: 1235, ended_by: "",
      sha256: createHash("sha256").update(new Uint8Array([0, 7])).digest("hex"),
    });
  });

  it("cannot be made without a key: nothing leaves a device that could be read", async () => {
    const store = await DeviceStore.open("asha", `viva-${Math.random()}`);
    expect(await makeAnswersFile(store, "attempt-1", [], new Date())).toBeNull();
  });
});
