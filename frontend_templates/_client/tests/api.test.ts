import { describe, expect, it } from "vitest";
import { ExamApi, Refused } from "../src/exam/api";
import { backoffMs } from "../src/exam/backoff";
import { minutesAndSeconds, ServerClock } from "../src/exam/clock";

const json = (status: number, body: object) => new Response(JSON.stringify(body), { status });

function apiOn(replies: (Response | Error)[]) {
  const requests: { url: string; init: RequestInit }[] = [];
  const connection: boolean[] = [];
  const waits: number[] = [];
  const api = new ExamApi({
    base: "/api", csrf: "token", random: () => 1,
    fetch: async (url, init) => {
      requests.push({ url: String(url), init: init ?? {} });
      const reply = replies.shift()!;
      if (reply instanceof Error) throw reply;
      return reply;
    },
    wait: async (ms) => void waits.push(ms),
    onConnection: (connected) => connection.push(connected),
  });
  return { api, requests, connection, waits };
}

describe("the exam API's client", () => {
  it("repeats with growing pauses until the server answers, and tells how the connection is", async () => {
    const { api, requests, connection, waits } = apiOn([new TypeError("offline"), json(503, {}), json(200, { id: "a" })]);
    expect(await api.begin("a")).toEqual({ id: "a" });
    expect(requests).toHaveLength(3);
    expect(connection).toEqual([false, false, true]);
    expect(waits).toEqual([500, 1000]);
  });

  it("lets an answer outlive its page when asked to, unless it is larger than browsers allow", async () => {
    const { api, requests } = apiOn([json(200, {}), json(200, {}), json(200, {})]);
    await api.answer("a", 0, [1, 1], "x", true);
    await api.answer("a", 0, [1, 2], "x".repeat(30_000), true);
    await api.answer("a", 0, [1, 3], "x");
    expect(requests.map((each) => each.init.keepalive)).toEqual([true, undefined, undefined]);
  });

  it("does not repeat what was refused, and names the reason", async () => {
    const { api, requests } = apiOn([json(409, { code: "item_not_current", title: "No", detail: "Not the next one." })]);
    await expect(api.move("a", [{ kind: "open", position: 3, at: "2026-11-23T05:00:00Z" }])).rejects.toMatchObject({ code: "item_not_current", detail: "Not the next one." });
    expect(requests).toHaveLength(1);
  });

  it("calls every 401 signed out, also a page that is not ours", async () => {
    const { api } = apiOn([new Response("<html>", { status: 401 })]);
    await expect(api.show("a")).rejects.toBeInstanceOf(Refused);
    const again = apiOn([new Response("<html>", { status: 401 })]);
    await expect(again.api.show("a")).rejects.toMatchObject({ code: "signed_out" });
  });

  it.each([403, 404, 413, 431])("takes a refusal (%d) that is not our server's for no reply, and repeats", async (status) => {
    const { api, connection } = apiOn([new Response("<html>Blocked by the college's filter", { status }), json(status, { error: "blocked" }), json(200, { id: "a" })]);
    expect(await api.begin("a")).toEqual({ id: "a" });
    expect(connection).toEqual([false, false, true]);
  });

  it("sends the token with unsafe calls only", async () => {
    const { api, requests } = apiOn([json(200, {}), json(200, {})]);
    await api.show("a");
    await api.begin("a");
    expect(requests.map(({ init }) => (init.headers as Record<string, string>)["X-CSRF-TOKEN"])).toEqual([undefined, "token"]);
  });

  it("repeats a reply that was cut off", async () => {
    const { api } = apiOn([new Response('{"id": ', { status: 200 }), json(200, { id: "a" })]);
    expect(await api.show("a")).toEqual({ id: "a" });
  });
});

it("waits at most eight seconds, and never twice the same for everybody", () => {
  expect(backoffMs(1, () => 1)).toBe(500);
  expect(backoffMs(20, () => 1)).toBe(8000);
  expect(backoffMs(20, () => 0)).toBe(4000);
});

describe("the server's clock", () => {
  it("counts on by the monotonic clock, whatever the device's date says", () => {
    let monotonic = 1000;
    const clock = new ServerClock(() => monotonic);
    clock.learn("2026-01-01T10:00:00Z");
    monotonic += 30_000;
    expect(clock.untilMs("2026-01-01T10:01:00Z")).toBe(30_000);
  });
  it("trusts the quickest reply", () => {
    let monotonic = 0;
    const clock = new ServerClock(() => monotonic);
    clock.learn("2026-01-01T10:00:00.000Z");
    monotonic = 5000;
    clock.learn("2026-01-01T10:00:02.000Z"); // three seconds on its way
    expect(clock.untilMs("2026-01-01T10:00:10.000Z")).toBe(5000);
  });
  it("says nothing before it knows, nothing below zero", () => {
    const clock = new ServerClock(() => 0);
    expect(clock.untilMs("2026-01-01T10:00:00Z")).toBeNull();
    clock.learn("2026-01-01T10:00:00Z");
    expect(clock.untilMs("2026-01-01T09:00:00Z")).toBe(0);
  });
  it("writes minutes and seconds", () => {
    expect([754_000, 59_001, 0].map(minutesAndSeconds)).toEqual(["12:34", "1:00", "0:00"]);
  });
});
