/** What passes between a candidate's page and those who oversee the exam: messages to it, signals from it. */
import type { ExamApi } from "./api";
import type { ServerClock } from "./clock";
import type { Frame } from "./frame";
import { Messages } from "./messages";
import { Signals, watchPage } from "./signals";
import type { Pulse } from "./types";

const QUIET = new Set(["prompt", "recording"]);
const BEFORE_AND_AFTER = new Set(["loading", "welcome", "check", "demonstration", "ready", "paused", "done", "stopped", "elsewhere", ""]);

interface Options {
  api: Pick<ExamApi, "acknowledgeMessage" | "sendSignals">;
  clock: ServerClock;
  frame: Pick<Frame, "announce">;
  attemptId: string;
}

/** Returns what to do with each pulse. The phase that the session is in is read from the page. */
export function oversee({ api, clock, frame, attemptId }: Options): (pulse: Pulse) => void {
  const phase = (): string => document.body.dataset.phase ?? "";
  const messages = new Messages({
    host: document.getElementById("exam-banners")!,
    isQuiet: () => QUIET.has(phase()),
    announce: (text) => frame.announce(text),
    acknowledge: (id) => api.acknowledgeMessage(attemptId, id),
  });
  const signals = new Signals({
    now: () => clock.now(),
    deviceNow: () => Date.now(),
    isOn: () => !BEFORE_AND_AFTER.has(phase()),
    send: (batch) => api.sendSignals(attemptId, batch),
  });
  let before = phase();
  new MutationObserver(() => {
    const now = phase();
    messages.look();
    if (now === "elsewhere" && !BEFORE_AND_AFTER.has(before)) signals.takenOver();
    before = now;
  }).observe(document.body, { attributes: true, attributeFilter: ["data-phase"] });
  watchPage(signals);
  return (pulse) => messages.receive(pulse.messages ?? []);
}
