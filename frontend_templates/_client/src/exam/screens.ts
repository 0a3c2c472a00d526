/** The screens between items. Each is built new; buttons call back. */
import { h, icon } from "./dom";
import type { MicrophoneTrouble } from "./microphone";
import { MICROPHONE_HELP } from "./microphone";
import type { Ending, Problem } from "./machine";
import type { AttemptSnapshot, SectionView } from "./types";
import { savedLine } from "./frame";
import type { UploadStatus } from "./uploader";

export function card(...children: (Node | string | null)[]): HTMLElement {
  return h("section", { class: "card exam-card" }, h("div", { class: "card-body" }, ...children));
}

export function button(label: string, act: () => void, kind = "btn-primary btn-lg"): HTMLButtonElement {
  return h("button", { type: "button", class: `btn ${kind}`, "on:click": act }, label);
}

export function loading(text: string): HTMLElement {
  return card(h("h1", { class: "exam-title" }, text), h("div", { class: "exam-spinner", "aria-hidden": "true" }));
}

export function welcome(snapshot: AttemptSnapshot, onGo: () => void): HTMLElement {
  const minutes = ["Find a quiet place and put on your headset.", "First we check your microphone and sound together. That takes two minutes and no clock runs.", "Each question is heard once. Recording starts and ends by itself. You cannot go back.", "Your answers are kept on this device and sent as you go. If the page closes, open it again: you continue where you were."];
  return card(
    h("p", { class: "exam-over" }, snapshot.title),
    h("h1", { class: "exam-title" }, `Welcome, ${snapshot.student_name}`),
    h("p", { class: "exam-lead" }, `A spoken test with ${snapshot.sections.length} ${snapshot.sections.length === 1 ? "part" : "parts"} and ${snapshot.total_items} items.`),
    h("ul", { class: "exam-list" }, ...minutes.map((text) => h("li", {}, icon("check"), h("span", {}, text)))),
    button("Check my device", onGo),
  );
}

export function demonstration(snapshot: AttemptSnapshot, onPlay: () => void, onGo: () => void): { element: HTMLElement; setPlaying(playing: boolean): void } {
  const demo = snapshot.demonstration;
  const play = button(demo?.audio_url ? "Play the example" : "Continue", onPlay);
  const go = button("I know what to do", onGo, "btn-outline-secondary btn-lg");
  const element = card(
    h("p", { class: "exam-over" }, "Example"),
    h("h1", { class: "exam-title" }, demo?.title ?? "How it works"),
    h("p", { class: "exam-lead" }, demo?.text ?? ""),
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

export function ready(snapshot: AttemptSnapshot, onGo: () => void): { element: HTMLElement; setOpening(left: string | null): void; refuse(text: string): void } {
  const go = button("Begin the test", onGo);
  const note = h("p", { class: "exam-note" });
  return {
    element: card(
      h("p", { class: "exam-over" }, snapshot.title),
      h("h1", { class: "exam-title" }, "Ready to begin"),
      h("p", { class: "exam-lead" }, "When you press the button, the clock starts. Keep this page open until it says that you are done."),
      note,
      h("div", { class: "exam-actions" }, go),
    ),
    setOpening(left) {
      go.disabled = left !== null;
      note.textContent = left === null ? "" : `The test opens in ${left}. Stay on this page: the button works then.`;
    },
    refuse(text) {
      note.textContent = text;
    },
  };
}

export function resume(snapshot: AttemptSnapshot, onGo: () => void): HTMLElement {
  return card(
    h("p", { class: "exam-over" }, snapshot.title),
    h("h1", { class: "exam-title" }, "Your test goes on"),
    h("p", { class: "exam-lead" }, `You are at item ${Math.min(snapshot.position + 1, snapshot.total_items)} of ${snapshot.total_items}. The clock has gone on, so continue now. Everything that you recorded before is kept.`),
    h("div", { class: "exam-actions" }, button("Continue the test", onGo)),
  );
}

export function instructions(section: SectionView, part: number, parts: number, onGo: () => void): { element: HTMLElement; setCountdown(seconds: number | null): void } {
  const go = button("Continue", onGo);
  const note = h("p", { class: "exam-note" });
  const scored = section.item_count - section.practice_count;
  return {
    element: card(
      h("p", { class: "exam-over" }, `Part ${part} of ${parts}`),
      h("h1", { class: "exam-title" }, `Part ${section.letter}: ${section.title}`),
      h("p", { class: "exam-lead" }, section.instructions),
      section.example ? h("div", { class: "exam-example" }, h("strong", {}, "Example"), h("p", {}, section.example)) : null,
      h("p", { class: "exam-note" }, `${scored} ${scored === 1 ? "item" : "items"}${section.practice_count ? `, after ${section.practice_count} for practice` : ""}.`),
      h("div", { class: "exam-actions" }, go, note),
    ),
    setCountdown(seconds) {
      note.textContent = seconds === null ? "" : `Continues by itself in ${seconds} s`;
    },
  };
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

export function finishing(): { element: HTMLElement; set(status: UploadStatus): void } {
  const bar = h("progress", { "aria-label": "Answers saved" });
  const line = h("p", { class: "exam-note" });
  const element = card(
    h("h1", { class: "exam-title" }, "Sending your last answers"),
    h("p", { class: "exam-lead" }, "You have answered everything. Do not close this page yet."),
    bar,
    line,
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

export function done(ending: Ending, status: UploadStatus, home: string): HTMLElement {
  return card(
    h("div", { class: "exam-done", "aria-hidden": "true" }, icon("check")),
    h("h1", { class: "exam-title" }, ending === "submitted" ? "You are done" : "The time is over"),
    h("p", { class: "exam-lead" }, ending === "submitted" ? "Every answer has arrived. Thank you." : "Every answer that you recorded in time has arrived."),
    h("p", { class: "exam-note" }, `${savedLine(status)}. When your campus releases the results, you find yours on your page.`),
    status.refused > 0 ? h("p", { class: "exam-note" }, "Some recordings were not taken. They stay on this device for a week: tell your campus admin.") : null,
    h("div", { class: "exam-actions" }, h("a", { class: "btn btn-primary btn-lg", href: home }, "Back to my tests")),
  );
}

const WAYS_ON: Record<string, { title: string; text: string; action: "home" | "reload" | "sign_in" }> = {
  item_not_current: { title: "This test goes on elsewhere", text: "It was continued in another window or on another device. To continue here, load the page.", action: "reload" },
  other_tab: { title: "The test is open in another tab", text: "Continue there, or close the other tab and load this page.", action: "reload" },
  signed_out: { title: "You were signed out", text: "Sign in again: the test continues where you were. Your answers are kept on this device.", action: "sign_in" },
  csrf_failed: { title: "The page needs to be loaded again", text: "The test continues where you were. Your answers are kept on this device.", action: "reload" },
  delivery_not_open: { title: "The test is not open", text: "", action: "home" },
  attempts_used_up: { title: "You have taken this test", text: "", action: "home" },
};

export function stopped(problem: Problem, home: string): HTMLElement {
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
  );
}
