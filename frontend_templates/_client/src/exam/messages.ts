/** Messages of the invigilator: shown between answers, an urgent one at once, until the candidate says that it is read. */
import { h, icon } from "./dom";
import type { Notice } from "./types";

/** Which one to show now; null while an answer is recorded or a prompt plays, unless one is urgent. The oldest first. */
export function nextNotice(waiting: readonly Notice[], isQuiet: boolean): Notice | null {
  const urgent = waiting.find((notice) => notice.is_urgent);
  return urgent ?? (isQuiet ? null : (waiting[0] ?? null));
}

interface Options {
  host: HTMLElement;
  /** Whether nothing may disturb: a prompt plays or the microphone is open. */
  isQuiet: () => boolean;
  announce: (text: string) => void;
  /** Tells the server; rejects when it could not be told. */
  acknowledge: (id: string) => Promise<unknown>;
}

export class Messages {
  #waiting: Notice[] = [];
  readonly #read = new Set<string>();
  #shown: { id: string; element: HTMLElement } | null = null;

  constructor(private readonly options: Options) {}

  /** What the server has for this candidate and was not told to be read. */
  receive(notices: readonly Notice[]): void {
    this.#waiting = notices.filter((notice) => !this.#read.has(notice.id));
    for (const notice of notices) if (this.#read.has(notice.id)) this.#tell(notice.id); // the telling was lost
    this.look();
  }

  /** To be called when what may be disturbed has changed. */
  look(): void {
    const next = nextNotice(this.#waiting, this.options.isQuiet());
    // One that is there stays, also when recording begins: it lies beside the answer, and nothing is said of it.
    if (!next || (this.#shown && (this.#shown.id === next.id || !next.is_urgent))) return;
    this.#shown?.element.remove();
    this.#show(next);
  }

  #show(notice: Notice): void {
    const read = h("button", { type: "button", class: "btn btn-sm btn-outline-secondary", "on:click": () => this.#close(notice.id) }, "I have read it");
    const element = h(
      "div",
      { class: `exam-banner exam-message ${notice.is_urgent ? "red" : "blue"}`, "data-message": notice.id },
      icon("warning"),
      h("div", {}, h("strong", {}, "Message from your invigilator"), " ", h("span", {}, notice.text)),
      read,
    );
    this.#shown = { id: notice.id, element };
    this.options.host.append(element);
    this.options.announce(`Message from your invigilator. ${notice.text}`);
  }

  #close(id: string): void {
    this.#read.add(id);
    this.#waiting = this.#waiting.filter((notice) => notice.id !== id);
    this.#shown?.element.remove();
    this.#shown = null;
    this.#tell(id);
    this.look();
  }

  #tell(id: string): void {
    this.options.acknowledge(id).catch(() => undefined); // the next heartbeat brings it again, and it is told again
  }
}
