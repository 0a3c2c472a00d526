/** What stays on screen while the stage changes: banners, the line of what is saved, the time that is left. */
import { h, icon, type IconName } from "./dom";
import { minutesAndSeconds } from "./clock";
import type { SavingStatus } from "./saving";

export type BannerName = "offline" | "signed_out" | "microphone" | "storage" | "full_screen" | "file";

export class Frame {
  readonly stage = required("exam-stage");
  readonly #banners = required("exam-banners");
  readonly #saved = required("exam-saved");
  readonly #left = required("exam-left");
  readonly #announcer = required("exam-announcer");
  readonly #shown = new Map<BannerName, HTMLElement>();
  #quiet = false;

  /** Puts a new screen on. Its heading takes the focus, so that keyboard and screen reader start there. */
  show(screen: HTMLElement, { focus = true } = {}): void {
    this.stage.replaceChildren(screen);
    if (!focus) return;
    const heading = screen.querySelector<HTMLElement>("h1, h2");
    heading?.setAttribute("tabindex", "-1");
    heading?.focus();
    window.scrollTo({ top: 0 });
  }

  /**
   * While a prompt plays or the microphone records nothing is announced and the focus stays: a screen reader's voice
   * would cover the prompt or be recorded as the answer. What was said meanwhile is dropped; the screen still shows it.
   */
  setQuiet(quiet: boolean): void {
    this.#quiet = quiet;
    if (quiet) this.#announcer.textContent = "";
  }

  announce(text: string): void {
    if (!this.#quiet) this.#announcer.textContent = text;
  }

  banner(name: BannerName, content: { icon: IconName; title: string; text: string; tone?: "red" | "yellow"; action?: HTMLElement } | null): void {
    this.#shown.get(name)?.remove();
    this.#shown.delete(name);
    if (!content) return;
    const banner = h(
      "div",
      { class: `exam-banner ${content.tone ?? "yellow"}` },
      icon(content.icon),
      h("div", {}, h("strong", {}, content.title), " ", h("span", {}, content.text)),
      content.action ?? null,
    );
    this.#shown.set(name, banner);
    this.#banners.append(banner);
    this.announce(`${content.title}. ${content.text}`);
  }

  setUploads(status: SavingStatus): void {
    this.#saved.replaceChildren(icon(status.trouble ? "warning" : "saved"), h("span", {}, savedLine(status)));
    const here = status.isKept ? "On this device: kept here until the college has it." : "In this page only: lost if the page is closed before it is sent.";
    this.#saved.title = status.pending > 0 ? `Saved: with the college. ${here}` : "With the college";
    this.#saved.classList.toggle("waiting", status.pending > 0);
    this.#saved.hidden = false;
  }

  setTimeLeft(ms: number | null): void {
    this.#left.hidden = ms === null;
    if (ms === null) return;
    const text = minutesAndSeconds(ms);
    if (this.#left.dataset.text === text) return;
    this.#left.dataset.text = text;
    this.#left.replaceChildren(icon("clock"), h("span", {}, h("span", { class: "visually-hidden" }, "Time left: "), text, h("span", { class: "exam-left-word" }, " left")));
    this.#left.classList.toggle("short", ms < 60_000);
  }
}

/** What is with the college, what is only on this device, and what not even that: the line always says which. */
export function savedLine({ saved, pending, late, refused, isKept }: Pick<SavingStatus, "saved" | "pending" | "late" | "refused" | "isKept">): string {
  const parts = [saved + pending + late + refused === 0 ? "Nothing to save yet" : `${saved} ${saved === 1 ? "answer" : "answers"} saved`];
  if (pending > 0) parts.push(isKept ? `${pending} kept on this device` : `${pending} in this page only`);
  if (late > 0) parts.push(`${late} came after the time`);
  if (refused > 0) parts.push(`${refused} not taken`);
  return parts.join(", ");
}

function required(id: string): HTMLElement {
  const element = document.getElementById(id);
  if (!element) throw new Error(`#${id} is missing from the page`);
  return element;
}
