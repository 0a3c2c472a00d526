/** The screens between items. Each is built new; buttons call back. */
import { isSpoken } from "./answers/registry";
import { roughly } from "./clock";
import { OWN_END, differences, endsOwnAnswers } from "./conditions";
import { h, icon } from "./dom";
import type { MicrophoneTrouble } from "./microphone";
import { MICROPHONE_HELP } from "./microphone";
import type { Ending, Problem } from "./machine";
import type { AttemptSnapshot, SectionView } from "./types";
import { savedLine } from "./frame";
import type { SavingStatus } from "./saving";

export function card(...children: (Node | string | null)[]): HTMLElement {
  return h("section", { class: "card exam-card" }, h("div", { class: "card-body" }, ...children));
}

export function button(label: string, act: () => void, kind = "btn-primary btn-lg"): HTMLButtonElement {
  return h("button", { type: "button", class: `btn ${kind}`, "on:click": act }, label);
}

export function loading(text: string): HTMLElement {
  return card(h("h1", { class: "exam-title" }, text), h("div", { class: "exam-spinner", "aria-hidden": "true" }));
}

/** What awaits the candidate, by whether there is something to say, to type, or both. */
export function welcome(snapshot: AttemptSnapshot, onGo: () => void): HTMLElement {
  const speaks = snapshot.sections.some((section) => isSpoken(section.task));
  const types = snapshot.sections.some((section) => !isSpoken(section.task));
  const kind = speaks && types ? "A test" : speaks ? "A spoken test" : "A written test";
  const points = [
    speaks ? "Find a quiet place and put on your headset." : "Find a quiet place. Some questions may be heard: a headset helps.",
    `First we check ${speaks ? "your microphone and sound" : "your browser and sound"} together. That takes ${speaks ? "two minutes" : "a minute"} and no clock runs.`,
    speaks
      ? `${snapshot.conditions?.replays ? "" : "Each question is heard once. "}Recording starts ${endsOwnAnswers(snapshot) ? "by itself; you end it with a button" : "and ends by itself"}. You cannot go back.`
      : snapshot.sections.some((section) => section.time_limit_ms)
        ? "Each question has its own time, or its part has; each part says which. You cannot go back to a part that is over."
        : "Each question has its own time. You cannot go back.",
    types ? "What you type is saved while you type it. The browser does not correct it, and pasting is switched off." : "",
    snapshot.asks_full_screen ? "The test fills the whole screen, where your device can. Leaving it is noted for the college; it is no mistake by itself." : "",
    "Your answers are kept on this device and sent as you go. If the page closes, open it again: you continue where you were.",
  ];
  return card(
    h("p", { class: "exam-over" }, snapshot.title),
    h("h1", { class: "exam-title" }, `Welcome, ${snapshot.student_name}`),
    h("p", { class: "exam-lead" }, `${kind} with ${snapshot.sections.length} ${snapshot.sections.length === 1 ? "part" : "parts"} and ${snapshot.total_items} items.`),
    h("ul", { class: "exam-list" }, ...points.filter(Boolean).map((text) => h("li", {}, icon("check"), h("span", {}, text)))),
    ...different(snapshot),
    button("Check my device", onGo),
  );
}

function different(snapshot: AttemptSnapshot): HTMLElement[] {
  const told = differences(snapshot);
  if (told.length === 0) return [];
  const list = h("ul", { class: "exam-list" }, ...told.map((text) => h("li", {}, icon("check"), h("span", {}, text))));
  return [h("h2", { class: "exam-subtitle" }, "Different for you"), list];
}

export function demonstration(snapshot: AttemptSnapshot, onPlay: () => void, onGo: () => void): { element: HTMLElement; setPlaying(playing: boolean): void } {
  const demo = snapshot.demonstration;
  const play = button(demo?.audio_url ? "Play the example" : "Continue", onPlay);
  const go = button("I know what to do", onGo, "btn-outline-secondary btn-lg");
  const element = card(
    h("p", { class: "exam-over" }, "Example"),
    h("h1", { class: "exam-title" }, demo?.title ?? "How it works"),
    h("p", { class: "exam-lead" }, demo?.text ?? ""),
    endsOwnAnswers(snapshot) ? h("p", { class: "exam-lead" }, h("strong", {}, "Different for you: "), `a recording goes on while you are silent. The next question comes when you press “${OWN_END}”, or when the time of the answer is over.`) : null,
    h("div", { class: "exam-actions" }, demo?.audio_url ? play : null, go),
  );
  return {
    element,
    setPlaying(playing) {
      play.disabled = playing;
      play.textContent = playing ? "Playing …" : "Play it again";
      go.className = playing ? "btn btn-lg btn-outline-secondary" : "btn btn-lg btn-primary";
      play.className = playing ? "btn btn-lg btn-primary" : "btn btn-lg btn-outline-secondary";
    },
  };
}

export interface ReadyScreen {
  element: HTMLElement;
  setOpening(left: string | null): void;
  setTime(time: { ms: number; isCut: boolean } | null): void;
  refuse(text: string): void;
}

export function ready(snapshot: AttemptSnapshot, onGo: () => void): ReadyScreen {
  const go = button("Begin the test", onGo);
  const time = h("p", { class: "exam-lead" });
  const note = h("p", { class: "exam-note" });
  return {
    element: card(
      h("p", { class: "exam-over" }, snapshot.title),
      h("h1", { class: "exam-title" }, "Ready to begin"),
      h("p", { class: "exam-lead" }, "When you press the button, the clock starts. Keep this page open until it says that you are done."),
      time,
      note,
      h("div", { class: "exam-actions" }, go),
    ),
    setOpening(left) {
      go.disabled = left !== null;
      note.textContent = left === null ? "" : `The test opens in ${left}. Stay on this page: the button works then.`;
    },
    setTime(told) {
      const cut = told?.isCut ? " The test closes then, whoever is inside." : "";
      time.textContent = told ? `You have up to ${roughly(told.ms)}.${cut}` : "";
    },
    refuse(text) {
      note.textContent = text;
    },
  };
}

export function resume(snapshot: AttemptSnapshot, onGo: () => void): HTMLElement {
  return card(
    h("p", { class: "exam-over" }, `${snapshot.title} · ${snapshot.student_name}`), // on a shared machine, without network
    h("h1", { class: "exam-title" }, "Your test goes on"),
    h("p", { class: "exam-lead" }, `You are at item ${Math.min(snapshot.position + 1, snapshot.total_items)} of ${snapshot.total_items}. The clock has gone on, so continue now. Everything that you answered before is kept.`),
    h("div", { class: "exam-actions" }, button("Continue the test", onGo)),
  );
}

export function instructions(section: SectionView, part: number, parts: number, onGo: () => void, rest?: { label: string; onRest: () => void }): { element: HTMLElement; setCountdown(seconds: number | null): void } {
  const go = button("Continue", onGo);
  const note = h("p", { class: "exam-note" });
  const scored = section.item_count - section.practice_count;
  return {
    element: card(
      h("p", { class: "exam-over" }, `Part ${part} of ${parts}`),
      h("h1", { class: "exam-title" }, `Part ${section.letter}: ${section.title}`),
      h("p", { class: "exam-lead" }, section.instructions),
      section.example ? h("div", { class: "exam-example" }, h("strong", {}, "Example"), h("p", {}, section.example)) : null,
      h("p", { class: "exam-note" }, `${scored} ${scored === 1 ? "item" : "items"}${section.practice_count ? `, after ${section.practice_count} for practice` : ""}.${timed(section)}`),
      h("div", { class: "exam-actions" }, go, rest ? button(rest.label, rest.onRest, "btn-outline-secondary btn-lg") : null, note),
    ),
    setCountdown(seconds) {
      note.textContent = seconds === null ? "" : `Continues by itself in ${seconds} s`;
    },
  };
}

/** Of a part with one time for all its items. */
function timed({ time_limit_ms: limit }: SectionView): string {
  return limit ? ` You have ${roughly(limit)} for all of them: go to and fro, and change what you answered, until you finish the part.` : "";
}

export function microphoneHelp(trouble: MicrophoneTrouble, onRetry: () => void): HTMLElement {
  const help = MICROPHONE_HELP[trouble];
  return card(
    h("h1", { class: "exam-title" }, help.title),
    h("ol", { class: "exam-steps" }, ...help.steps.map((text) => h("li", {}, text))),
    h("div", { class: "exam-actions" }, button("Try again", onRetry)),
    h("p", { class: "exam-note" }, "The next item does not open before the microphone works."),
  );
}

/** What is safe, what happens next, and that nothing has to be done. */
export function waiting(snapshot: AttemptSnapshot, status: SavingStatus, onSave: () => void): HTMLElement {
  const next = snapshot.sections.find((section) => section.first_position === snapshot.position);
  return card(
    h("div", { class: "exam-spinner", "aria-hidden": "true" }),
    h("h1", { class: "exam-title" }, "Waiting for the network"),
    h("p", { class: "exam-lead" }, `${status.isKept ? "Nothing is lost: every answer is kept." : "Your answers are in this page: do not close it."} ${next ? "The next part" : "The test"} goes on by itself as soon as the network is back.`),
    h("p", { class: "exam-note" }, `${savedLine(status)}.`),
    h("ul", { class: "exam-list" }, ...["Leave this page open, and the device switched on.", "Check the network cable or the Wi-Fi, or tell the invigilator."].map((text) => h("li", {}, icon("check"), h("span", {}, text)))),
    h("div", { class: "exam-actions" }, button("Save my answers as a file", onSave, "btn-outline-secondary")),
  );
}

/** By staff, or as the candidate's own break, which `onGo` ends. */
export function paused(snapshot: AttemptSnapshot, onGo: () => void): { element: HTMLElement; setLeft(left: string): void } {
  const isBreak = Boolean(snapshot.break_until);
  const note = h("p", { class: "exam-note" }, "Everything that you answered is kept.");
  const text = isBreak ? "The clock stands still. The test goes on by itself when your break is over." : "The clock stands still. Leave this page open: it goes on by itself, where you were.";
  return {
    element: card(
      h("p", { class: "exam-over" }, snapshot.title),
      h("h1", { class: "exam-title" }, isBreak ? "Your break" : "The test is paused"),
      h("p", { class: "exam-lead" }, text),
      note,
      isBreak ? h("div", { class: "exam-actions" }, button("Go on now", onGo)) : null,
    ),
    setLeft(left) {
      note.textContent = `${left} left of your break.`;
    },
  };
}

interface Notice {
  icon: "network" | "warning";
  title: string;
  text: string;
  tone?: "red" | "yellow";
  action?: HTMLElement;
}

export function offline(onSave?: () => void): Notice {
  return {
    icon: "network",
    title: "You are offline.",
    text: "Your answers are kept on this device and sent when the network is back. Leave this page open.",
    ...(onSave ? { action: button("Save a file", onSave, "btn-sm btn-outline-secondary") } : {}),
  };
}

export function signedOut(): Notice {
  const action = button("Sign in", () => window.open("/sign-in", "_blank"), "btn-sm btn-outline-secondary");
  return { icon: "warning", title: "You were signed out.", text: "Your answers are kept on this device. Sign in again, then load this page.", tone: "red", action };
}

export function answersAre(count: number): string {
  return count === 1 ? "One answer is" : `${count} answers are`;
}

/** What to do about answers that the server did not take. */
export function keptForAWeek(count: number): string {
  const [it, stays] = count === 1 ? ["it", "It stays"] : ["them", "They stay"];
  return `${stays} on this device, encrypted, for a week. Save ${it} as a file and give it to your invigilator or campus admin, who can upload it.`;
}

export function notKept(): Notice {
  return {
    icon: "warning",
    title: "This device does not keep your answers.",
    text: "It may be full, or this is a private window. They are sent from this page: leave it open until all are saved, and tell your invigilator.",
    tone: "red",
  };
}

export function noFile(): Notice {
  return { icon: "warning", title: "No file could be made.", text: "This browser cannot encrypt it. Leave this page open, and tell your invigilator.", tone: "red" };
}

/** For the invigilator to carry: what this device holds and the college does not. */
function lastResort(onSave: () => void): HTMLElement {
  return h(
    "details",
    { class: "exam-resort" },
    h("summary", {}, "The network does not come back?"),
    h("p", {}, "Save your answers as a file and give it to your invigilator, who can upload it. It is encrypted. Keep this page as it is."),
    button("Save my answers as a file", onSave, "btn-outline-secondary"),
  );
}

export function finishing(onSave: () => void): { element: HTMLElement; set(status: SavingStatus): void } {
  const bar = h("progress", { "aria-label": "Answers saved" });
  const line = h("p", { class: "exam-note" });
  const element = card(
    h("h1", { class: "exam-title" }, "Sending your last answers"),
    h("p", { class: "exam-lead" }, "You have answered everything. Do not close this page yet."),
    bar,
    line,
    lastResort(onSave),
  );
  return {
    element,
    set(status) {
      bar.max = Math.max(1, status.saved + status.pending);
      bar.value = status.saved;
      line.textContent = savedLine(status) + (status.trouble === "unreachable" ? ". Waiting for the network; it goes on by itself." : "");
    },
  };
}

/** The last page, which says of every answer where it is. */
export function done(ending: Ending, status: SavingStatus, home: string, onSave: () => void): HTMLElement {
  const { late, refused } = status;
  const arrived = ending === "submitted" ? "Every answer has arrived. Thank you." : "Every answer that you gave in time has arrived.";
  return card(
    h("div", { class: refused > 0 ? "exam-done short" : "exam-done", "aria-hidden": "true" }, icon(refused > 0 ? "warning" : "check")),
    h("h1", { class: "exam-title" }, ending === "submitted" ? "You are done" : "The time is over"),
    h("p", { class: "exam-lead" }, refused > 0 ? `${answersAre(refused)} not with the college.` : arrived),
    refused > 0 ? h("p", { class: "exam-note" }, keptForAWeek(refused)) : null,
    refused > 0 ? h("div", { class: "exam-actions" }, button(refused === 1 ? "Save it as a file" : "Save them as a file", onSave, "btn-outline-secondary")) : null,
    h("p", { class: "exam-note" }, `${savedLine(status)}. When your campus releases the results, you find yours on your page.`),
    late > 0 ? h("p", { class: "exam-note" }, `${late === 1 ? "One answer" : `${late} answers`} came after the time. Your college has ${late === 1 ? "it" : "them"} and decides whether ${late === 1 ? "it counts" : "they count"}.`) : null,
    h("div", { class: "exam-actions" }, h("a", { class: "btn btn-primary btn-lg", href: home }, "Back to my tests")),
  );
}

/** This page only watches now. What it has recorded is still sent. */
export function elsewhere(onTakeOver: () => void): HTMLElement {
  return card(
    h("h1", { class: "exam-title" }, "Your test goes on in another window"),
    h("p", { class: "exam-lead" }, "It was opened again, in another window or on another device, and continues there. This window has stopped recording; what you answered here is kept and sent."),
    h("p", { class: "exam-note" }, "The clock goes on. To continue here instead, press the button: the other window then stops."),
    h("div", { class: "exam-actions" }, button("Continue here", onTakeOver)),
  );
}

/** A fault of the page itself. */
export const BROKEN: Problem = { code: "broken", title: "The page needs to be loaded again", detail: "Something in it has failed. The test continues where you were, and its clock goes on." };

const WAYS_ON: Record<string, { title: string; text: string; action: "home" | "reload" | "sign_in" }> = {
  signed_out: { title: "You were signed out", text: "Sign in again: the test continues where you were. Your answers are kept on this device.", action: "sign_in" },
  csrf_failed: { title: "The page needs to be loaded again", text: "The test continues where you were. Your answers are kept on this device.", action: "reload" },
  identity_not_checked: { title: "First: who you are", text: "", action: "reload" },
  network_not_allowed: { title: "Not from this network", text: "", action: "reload" },
  seb_required: { title: "Open the test in Safe Exam Browser", text: "", action: "reload" },
  delivery_not_open: { title: "The test is not open", text: "", action: "home" },
  attempts_used_up: { title: "You have taken this test", text: "", action: "home" },
};

export function stopped(problem: Problem, home: string, onSave?: () => void): HTMLElement {
  const known = WAYS_ON[problem.code];
  const action = known?.action ?? "reload";
  return card(
    h("h1", { class: "exam-title" }, known?.title ?? problem.title),
    h("p", { class: "exam-lead" }, (known?.text || problem.detail) ?? ""),
    h(
      "div",
      { class: "exam-actions" },
      action === "reload" ? button("Load the page", () => location.reload()) : null,
      action === "sign_in" ? h("a", { class: "btn btn-primary btn-lg", href: `/sign-in?next=${encodeURIComponent(location.pathname)}` }, "Sign in") : null,
      h("a", { class: "btn btn-outline-secondary btn-lg", href: home }, "My tests"),
    ),
    onSave ? lastResort(onSave) : null,
  );
}
