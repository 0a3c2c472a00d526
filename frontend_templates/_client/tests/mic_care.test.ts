import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { MicrophoneCare } from "../src/exam/mic_care";

vi.mock("../src/exam/screens", () => ({
  button: (label: string, act: () => void) => ({ label, act }),
  microphoneHelp: (trouble: string, onRetry: () => void) => ({ trouble, onRetry }),
}));

/** A microphone's track, which the browser ends or mutes when it likes. */
class Track extends EventTarget {
  readyState = "live";
  muted = false;
  end(): void {
    this.readyState = "ended";
    this.dispatchEvent(new Event("ended"));
  }
  mute(muted: boolean): void {
    this.muted = muted;
    this.dispatchEvent(new Event(muted ? "mute" : "unmute"));
  }
  stop(): void {
    this.readyState = "ended"; // by the page: no event
  }
}

let tracks: Track[];
let fault: string | null;
let devices: EventTarget & { getUserMedia: () => Promise<unknown> };
let permission: EventTarget & { state: string };
let page: EventTarget & { visibilityState: string };

beforeEach(() => {
  tracks = [];
  fault = null;
  devices = Object.assign(new EventTarget(), {
    async getUserMedia() {
      if (fault) throw Object.assign(new Error(), { name: fault });
      const track = new Track();
      tracks.push(track);
      return { getAudioTracks: () => [track], getTracks: () => [track] };
    },
  });
  permission = Object.assign(new EventTarget(), { state: "granted" });
  page = Object.assign(new EventTarget(), { visibilityState: "visible" });
  vi.stubGlobal("navigator", { mediaDevices: devices, permissions: { query: async () => permission } });
  vi.stubGlobal("document", page);
});
afterEach(() => vi.unstubAllGlobals());

async function desk({ mayTell = true, sounds = true } = {}) {
  const banners: (string | null)[] = [];
  const shown: { trouble: string; onRetry: () => void }[] = [];
  const words: string[] = [];
  const node = { connect: () => undefined, disconnect: () => undefined };
  const context = { createMediaStreamSource: () => node, createAnalyser: () => ({ fftSize: 0 }) } as unknown as AudioContext;
  const unlock = vi.fn(async () => sounds);
  const care: MicrophoneCare = new MicrophoneCare({
    sound: { context, unlock },
    frame: { show: (screen: unknown) => void shown.push(screen as (typeof shown)[number]), banner: (_: string, content: { title: string } | null) => void banners.push(content?.title ?? null) } as never,
    mayTell: () => mayTell,
    onChange: () => words.push(care.word),
  });
  await care.open();
  return { care, banners, shown, words, unlock };
}
const settled = () => new Promise<void>((resolve) => setTimeout(resolve, 0));

describe("a microphone during the test", () => {
  it("that is unplugged is named, to candidate and server, and taken back when it returns", async () => {
    const { care, banners, words } = await desk();
    fault = "NotFoundError";
    tracks[0]!.end();
    expect([care.live, care.word, banners.at(-1)]).toEqual([null, "trouble:ended", "The microphone was disconnected."]);
    devices.dispatchEvent(new Event("devicechange")); // another device went: ours is not back
    await settled();
    expect(care.word).toBe("trouble:not_found");
    fault = null;
    devices.dispatchEvent(new Event("devicechange"));
    await settled();
    expect([care.word, care.live?.track, banners.at(-1)]).toEqual(["ok", tracks.at(-1), null]);
    expect(words).toEqual(["trouble:ended", "trouble:not_found", "ok"]);
  });

  it("that is forbidden in the middle is named as that, and taken back when it is allowed again", async () => {
    const { care, banners } = await desk();
    fault = "NotAllowedError";
    permission.state = "denied";
    tracks[0]!.stop();
    permission.dispatchEvent(new Event("change"));
    expect([care.live, care.word, banners.at(-1)]).toEqual([null, "trouble:denied", "The browser does not let this page use the microphone."]);
    devices.dispatchEvent(new Event("devicechange"));
    await settled();
    expect(care.word).toBe("trouble:denied");
    fault = null;
    permission.state = "granted";
    permission.dispatchEvent(new Event("change"));
    await settled();
    expect([care.word, care.live !== null]).toEqual(["ok", true]);
  });

  it("that is muted is named until it is not any more, without being opened again", async () => {
    const { care, banners } = await desk();
    tracks[0]!.mute(true);
    expect([care.word, banners.at(-1)]).toEqual(["trouble:muted", "The microphone is switched off."]);
    tracks[0]!.mute(false);
    expect([care.word, banners.at(-1), tracks.length]).toEqual(["ok", null, 1]);
  });

  it("that a call took, muted and without a word of its end, is asked for again with the sound when the page is back", async () => {
    const { care, unlock } = await desk({ sounds: false }); // the sound stays suspended: the microphone is asked for all the same
    page.visibilityState = "hidden";
    tracks[0]!.mute(true);
    page.dispatchEvent(new Event("visibilitychange"));
    await settled();
    expect([unlock.mock.calls.length, tracks.length]).toEqual([0, 1]);
    page.visibilityState = "visible";
    page.dispatchEvent(new Event("visibilitychange"));
    await settled();
    expect([unlock.mock.calls.length, tracks.length, care.word, care.live?.track.muted]).toEqual([1, 2, "ok", false]);
    tracks[0]!.mute(true); // the old one was closed: what it says is not news
    expect(care.word).toBe("ok");
  });

  it("that works is left alone, whatever devices come and go; one that was never wanted is not opened", async () => {
    const { care } = await desk();
    devices.dispatchEvent(new Event("devicechange"));
    await settled();
    expect(tracks).toHaveLength(1);
    care.close();
    devices.dispatchEvent(new Event("devicechange"));
    await settled();
    expect(tracks).toHaveLength(1);
  });

  it("is said by the whole screen before an item, which waits for it", async () => {
    const { care, shown, banners } = await desk({ mayTell: false });
    fault = "NotReadableError";
    tracks[0]!.end();
    expect(banners.at(-1)).toBeNull();
    let isOpen = false;
    const waiting = care.need(new AbortController().signal).then(() => (isOpen = true));
    await settled();
    expect([isOpen, shown.map((each) => each.trouble)]).toEqual([false, ["in_use"]]);
    fault = null;
    shown[0]!.onRetry();
    await waiting;
    expect(care.live).not.toBeNull();
  });
});
