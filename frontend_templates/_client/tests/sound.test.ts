import { afterEach, describe, expect, it, vi } from "vitest";
import { Sound } from "../src/exam/sound";

/** An audio context of a machine whose browser does, or does not, say that it has resumed. */
function context(resume: (self: { state: string }) => Promise<void>): Sound {
  class Fake {
    state = "suspended";
    resume(): Promise<void> {
      return resume(this);
    }
  }
  vi.stubGlobal("AudioContext", Fake);
  return new Sound();
}

afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

describe("unlocking sound", () => {
  it("waits until sound comes out", async () => {
    const sound = context(async (self) => {
      self.state = "running";
    });
    await expect(sound.unlock()).resolves.toBe(true);
  });

  it("holds nobody fast where there is no output", async () => {
    vi.useFakeTimers();
    const sound = context(() => new Promise(() => undefined));
    const unlocked = sound.unlock();
    await vi.advanceTimersByTimeAsync(3_000);
    await expect(unlocked).resolves.toBe(false);
  });

  it("says that it cannot sound when the browser refuses", async () => {
    const sound = context(() => Promise.reject(new DOMException("no", "NotAllowedError")));
    await expect(sound.unlock()).resolves.toBe(false);
    await expect(sound.chime(new AbortController().signal)).resolves.toBe(false);
  });
});

describe("playing", () => {
  it("is over at once for whoever goes on, also where the browser never says that it ended", async () => {
    const sound = context(() => new Promise(() => undefined));
    const stop = vi.fn();
    const source = { connect: () => undefined, addEventListener: () => undefined, start: () => undefined, stop };
    Object.assign(sound.context, { createBufferSource: () => source, destination: {} });
    const going = new AbortController();
    const played = sound.play({ duration: 60 } as AudioBuffer, 0, going.signal);
    going.abort();
    await expect(played).resolves.toBeUndefined();
    expect(stop).toHaveBeenCalledOnce();
  });
});
