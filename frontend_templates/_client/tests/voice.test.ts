import { describe, expect, it } from "vitest";
import { DeadMicrophone, meterOf, NoiseFloor, VoiceEnd, type VoiceState } from "../src/exam/voice";

const ROOM = 0.001;
const VOICE = 0.08;

/** Feeds levels every 50 ms; `plan` = [until ms, level]; answers when it ended, and how. */
function run(plan: [number, number][], rules = { beginWithinMs: 4000, silenceEndMs: 1500 }, floor = new NoiseFloor()): [VoiceState, number] {
  const voice = new VoiceEnd(rules, floor);
  let state: VoiceState = "waiting";
  let at = 0;
  for (const [until, level] of plan) {
    for (; at < until; at += 50) {
      state = voice.feed(level, at);
      if (state === "ended" || state === "never_began") return [state, at];
    }
  }
  return [state, at];
}

describe("the end of an answer", () => {
  it("comes after silence once speech was heard", () => {
    const [state, at] = run([[500, ROOM], [2500, VOICE], [9000, ROOM]]);
    expect(state).toBe("ended");
    expect(at).toBeGreaterThanOrEqual(3900);
    expect(at).toBeLessThanOrEqual(4100);
  });
  it("does not come in a pause between words", () => {
    expect(run([[1000, VOICE], [2000, ROOM], [3000, VOICE], [4000, ROOM]])[0]).toBe("speaking");
  });
  it("comes when nobody begins in time", () => {
    expect(run([[9000, ROOM]])).toEqual(["never_began", 4000]);
  });
  it("is not brought on by a click", () => {
    expect(run([[1000, ROOM], [1050, VOICE], [9000, ROOM]])[0]).toBe("never_began");
  });
  it("waits in a noisy room for the voice above the noise", () => {
    const floor = new NoiseFloor();
    for (let at = 0; at < 5000; at += 50) floor.feed(0.01, at);
    expect(run([[4200, 0.012]], undefined, floor)[0]).toBe("never_began");
    expect(run([[1500, 0.012], [2500, VOICE], [9000, 0.012]], undefined, floor)[0]).toBe("ended");
  });
  it("hears a candidate who speaks from the first moment", () => {
    expect(run([[2000, VOICE], [2050, ROOM], [3000, VOICE], [9000, ROOM]])[0]).toBe("ended");
  });
  it("never comes from a microphone that delivers nothing", () => {
    expect(run([[20_000, 0]])[0]).toBe("waiting");
  });
  it.each([["a cough", 300, 550], ["an um", 1000, 1500]])("is not brought on by %s and the thinking after it", (_, from, until) => {
    expect(run([[from, ROOM], [until, VOICE], [9000, ROOM]])).toEqual(["ended", 4000]);
  });
  it("is not brought on by a cough where nobody has to begin", () => {
    expect(run([[300, ROOM], [550, VOICE], [20_000, ROOM]], { beginWithinMs: 0, silenceEndMs: 1500 })[0]).toBe("speaking");
  });
  it("waits for a word that came late", () => {
    expect(run([[3800, ROOM], [4200, VOICE], [9000, ROOM]])).toEqual(["ended", 5650]);
  });
  it("stands while nothing can be heard, and while the page stands still", () => {
    const voice = new VoiceEnd({ beginWithinMs: 4000, silenceEndMs: 1500 }, new NoiseFloor());
    for (let at = 0; at < 2000; at += 50) voice.feed(at < 500 ? ROOM : VOICE, at);
    for (let at = 2000; at < 30_000; at += 50) expect(voice.miss(at)).toBe("speaking");
    expect(voice.feed(ROOM, 30_000)).toBe("speaking");
    expect(voice.feed(ROOM, 60_000)).toBe("speaking");
    expect(voice.feed(ROOM, 60_400)).toBe("speaking");
    expect(voice.feed(ROOM, 60_800)).toBe("speaking");
    expect(voice.feed(ROOM, 61_200)).toBe("ended");
  });
  it("does not begin to be counted before anything can be heard", () => {
    const voice = new VoiceEnd({ beginWithinMs: 4000, silenceEndMs: 1500 }, new NoiseFloor());
    for (let at = 0; at < 10_000; at += 50) expect(voice.miss(at)).toBe("waiting");
    expect(voice.feed(ROOM, 10_000)).toBe("waiting");
  });
  it("knows switched-off rules", () => {
    expect(run([[20_000, ROOM]], { beginWithinMs: 0, silenceEndMs: 0 })[0]).toBe("waiting");
    expect(run([[1000, VOICE], [20_000, ROOM]], { beginWithinMs: 0, silenceEndMs: 0 })[0]).toBe("speaking");
  });
});

describe("a soft microphone", () => {
  const room = 0.0003;
  const soft = 0.005;
  const sentence = [...Array<number>(40).fill(soft), ...Array<number>(40).fill(room)];

  it("is heard once the check has heard its voice, whatever knocked on it meanwhile", () => {
    const floor = new NoiseFloor();
    for (let at = 0; at < 4000; at += 50) floor.feed(room, at);
    floor.learnVoice([...sentence, 0.4, 0.3]);
    expect(run([[1000, room], [4500, soft], [9000, room]], undefined, floor)).toEqual(["ended", 5950]);
  });
  it("is heard by a page that did no check: it was loaded again", () => {
    expect(run([[1000, room], [4500, soft], [9000, room]])[0]).toBe("ended");
  });
  it("does not make breath a voice where the voice is strong", () => {
    const floor = new NoiseFloor();
    floor.learnVoice(sentence.map((rms) => rms * 16));
    expect(run([[1000, room], [9000, soft]], undefined, floor)[0]).toBe("never_began");
  });
});

it("calls a microphone dead after a while without any signal, and alive again", () => {
  const dead = new DeadMicrophone(2500);
  expect([0, 1000, 2400, 2600].map((at) => dead.feed(0, at))).toEqual([false, false, false, true]);
  expect(dead.feed(ROOM, 2700)).toBe(false);
});

it("shows nothing for silence and everything for a loud voice", () => {
  expect(meterOf(0)).toBe(0);
  expect(meterOf(0.05)).toBeGreaterThan(0.5);
  expect(meterOf(1)).toBe(1);
});
