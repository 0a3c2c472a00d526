import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Microphone } from "../src/exam/microphone";
import { record, type Take } from "../src/exam/recorder";
import { MemoryStore } from "../src/exam/store";
import { NoiseFloor } from "../src/exam/voice";

/** A recorder as browsers have it; `Fake.faults` are what some of them do. */
class Fake extends EventTarget {
  static faults = { start: false, stopsSilently: false };
  static newest: Fake;
  static isTypeSupported = (): boolean => true;
  state = "inactive";
  #timer: ReturnType<typeof setInterval> | undefined;
  start(): void {
    if (Fake.faults.start) throw new DOMException("The track is gone.", "NotSupportedError");
    Fake.newest = this;
    this.state = "recording";
    this.#timer = setInterval(() => this.emit(800), 1000);
  }
  emit(size: number): void {
    this.dispatchEvent(Object.assign(new Event("dataavailable"), { data: new Blob([new Uint8Array(size)]) }));
  }
  /** By itself, as when its track ends: the state first, the last piece and the event later. */
  end(): void {
    clearInterval(this.#timer);
    this.state = "inactive";
    if (Fake.faults.stopsSilently) return;
    setTimeout(() => {
      this.emit(300);
      this.dispatchEvent(new Event("stop"));
    }, 200);
  }
  stop(): void {
    this.end();
  }
}

const TAKE: Take = { recordingId: "3-0-abcdefgh", attemptId: "a", position: 3, segment: 0, windowMs: 15_000, beginWithinMs: 6000, silenceEndMs: 2000 };
const listener = { onLevel: () => undefined, onDead: () => undefined, isEnded: () => false };

function microphone(changes: Partial<Record<"isAlive" | "isHeard", boolean>> = {}, level = 0.08): Microphone {
  return { isAlive: true, isHeard: true, stream: {}, floor: new NoiseFloor(), level: () => level, ...changes } as unknown as Microphone;
}

beforeEach(() => {
  vi.useFakeTimers();
  Fake.faults = { start: false, stopsSilently: false };
  vi.stubGlobal("MediaRecorder", Fake);
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

async function run(mic = microphone(), during: () => void | Promise<void> = () => undefined, forMs = 30_000) {
  const store = new MemoryStore();
  const taken = record(mic, store, TAKE, listener, new AbortController().signal);
  await vi.advanceTimersByTimeAsync(500);
  await during();
  await vi.advanceTimersByTimeAsync(forMs);
  const [recording] = await store.list();
  return { ...(await taken), recording, size: recording ? (await store.bytesOf(recording.recording_id)).length : 0 };
}

describe("a take", () => {
  it("counts no sleep: a page that stood still for a minute claims its window", async () => {
    const real = performance.now.bind(performance);
    let slept = 0;
    vi.spyOn(performance, "now").mockImplementation(() => real() + slept);
    const { durationMs, recording } = await run(microphone(), () => void (slept = 60_000));
    expect([durationMs, recording?.duration_ms]).toEqual([15_000, 15_000]);
  });

  it("holds the last piece of a recorder that ended by itself, also in its first second", async () => {
    const { endedBy, recording, size } = await run(microphone(), () => Fake.newest.end());
    expect([endedBy, recording?.state, size]).toEqual(["microphone", "recorded", 300]);
  });

  it("is over although the browser never says that recording has stopped", async () => {
    Fake.faults.stopsSilently = true;
    const { endedBy, recording, size } = await run();
    expect([endedBy, recording?.state, size]).toEqual(["window", "recorded", 15 * 800]);
  });

  it("takes nothing more once it is over: its bytes may be on their way", async () => {
    Fake.faults.stopsSilently = true;
    const store = new MemoryStore();
    const taken = record(microphone(), store, TAKE, listener, new AbortController().signal);
    await vi.advanceTimersByTimeAsync(30_000);
    await taken;
    Fake.newest.emit(300);
    await vi.advanceTimersByTimeAsync(100);
    expect(await store.bytesOf(TAKE.recordingId)).toHaveLength(15 * 800);
  });

  it("whose microphone dies as it begins is none, and may be tried again", async () => {
    Fake.faults.start = true;
    expect(await run()).toMatchObject({ endedBy: "microphone", durationMs: 0, recording: undefined });
  });

  it("goes on through any silence, and ends when the candidate says so, where silence ends nothing", async () => {
    const store = new MemoryStore();
    let isEnded = false;
    const heard: boolean[] = [];
    const own = { ...listener, onLevel: (_rms: number, _ms: number, has: boolean) => void heard.push(has), isEnded: () => isEnded };
    const take = { ...TAKE, windowMs: 45_000, beginWithinMs: 0, silenceEndMs: 0 };
    let level = 0.001;
    const taken = record({ ...microphone(), level: () => level } as unknown as Microphone, store, take, own, new AbortController().signal);
    await vi.advanceTimersByTimeAsync(12_000);
    expect(heard.includes(true)).toBe(false);
    level = 0.08;
    await vi.advanceTimersByTimeAsync(1000);
    level = 0.001;
    await vi.advanceTimersByTimeAsync(12_000);
    expect(heard.at(-1)).toBe(true);
    isEnded = true;
    await vi.advanceTimersByTimeAsync(1000);
    const { endedBy, durationMs } = await taken;
    expect(endedBy).toBe("candidate");
    expect(durationMs).toBeGreaterThanOrEqual(25_000);
    expect((await store.list())[0]).toMatchObject({ state: "recorded", ended_by: "candidate" });
  });

  it("does not end by a silence that nobody can hear: the sound is suspended, or the track muted by a call", async () => {
    const quiet = microphone({}, 0.001);
    expect((await run(quiet)).endedBy).toBe("never_began");
    expect((await run(microphone({ isHeard: false }, 0.001))).endedBy).toBe("window");
  });
});
