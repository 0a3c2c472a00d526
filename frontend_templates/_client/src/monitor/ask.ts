/** The dialog that asks before something is done to candidates: whom it reaches, why, and how long. */
import { NotDone } from "./calls";
import { reopeningOf, type Action, type Row } from "./rows";

interface Question {
  title: string;
  /** What it means for the candidates. */
  effect: string;
  yes: string;
  /** Whether minutes are asked for, and may be left out: then what was left counts. */
  minutes?: "needed" | "optional";
  text: "reason" | "message" | "note";
  danger?: boolean;
}

export const QUESTIONS: Record<Action | "identify", Question> = {
  identify: { title: "Identity checked without the card:", effect: "The reason is kept as a note about the candidate.", yes: "Identity is checked", text: "reason" },
  message: { title: "Send a message to", effect: "It appears on their screen at once, but never over an answer that is being recorded, unless it is urgent.", yes: "Send", text: "message" },
  incident: { title: "Note an incident about", effect: "Notes are kept for good. A correction is a new note.", yes: "Note it", text: "note" },
  extend: { title: "Give more time to", effect: "The end moves by these minutes, on their screen within seconds.", yes: "Give more time", minutes: "needed", text: "reason" },
  pause: { title: "Pause the test of", effect: "The clock stops until you let it go on. No time is lost.", yes: "Pause", text: "reason" },
  resume: { title: "Let go on:", effect: "The clock runs on from where it stopped.", yes: "Go on", text: "reason" },
  reopen: { title: "Reopen the test of", effect: "With these minutes, or with the time that was left at the end. An earlier result stays in the record and is replaced. Not possible once the student sees the result.", yes: "Reopen", minutes: "optional", text: "reason" },
  void: { title: "Void the test of", effect: "It does not count and gets no result. The recordings are kept. The student can begin another attempt.", yes: "Void", text: "reason", danger: true },
};

export interface Answer {
  text: string;
  minutes: number | null;
  isUrgent: boolean;
  kind: string;
}

export function whom(rows: readonly Row[], total: number): string {
  if (rows.length === 1) return rows[0]!.student_name;
  return rows.length === total ? `all ${total} candidates` : `${rows.length} candidates`;
}

export class AskDialog {
  readonly #dialog: HTMLDialogElement;

  constructor(root: HTMLElement) {
    this.#dialog = root.querySelector<HTMLDialogElement>("[data-ask]")!;
    this.#find("[data-ask-no]").addEventListener("click", () => this.#dialog.close());
  }

  /** Asks, and does it when the answer is yes. Stays open with the reason when it is refused. */
  ask(action: Action | "identify", reached: readonly Row[], left: number, total: number, act: (answer: Answer) => Promise<string>): Promise<string | null> {
    const question = QUESTIONS[action];
    this.#fill(action, question, reached, left, total);
    const yes = this.#find<HTMLButtonElement>("[data-ask-yes]");
    const form = this.#find<HTMLFormElement>("form");
    this.#dialog.showModal();
    return new Promise((resolve) => {
      let done: string | null = null;
      const over = new AbortController();
      form.addEventListener(
        "submit",
        (event) => {
          event.preventDefault();
          if (yes.disabled) return;
          yes.disabled = true;
          act(this.#read(question))
            .then((text) => {
              done = text;
              this.#dialog.close();
            })
            .catch((error: unknown) => {
              if (!(error instanceof NotDone)) throw error;
              this.#complain(error.message);
            })
            .finally(() => (yes.disabled = false));
        },
        { signal: over.signal },
      );
      this.#dialog.addEventListener("close", () => (over.abort(), resolve(done)), { once: true });
    });
  }

  #fill(action: Action | "identify", question: Question, reached: readonly Row[], left: number, total: number): void {
    this.#find("[data-ask-title]").textContent = `${question.title} ${whom(reached, total)}${question.title.endsWith(":") ? "" : "?"}`;
    const notReached = left > 0 ? ` It does not reach ${left} of those chosen: they are not at that point.` : "";
    const again = action === "reopen" ? `${reopeningOf(reached)} ` : "";
    this.#find("[data-ask-effect]").textContent = again + question.effect + notReached;
    const labels = { reason: "Reason, kept in the candidate’s record", message: "Message", note: "What happened" };
    this.#find("[data-ask-label]").textContent = labels[question.text];
    const text = this.#find<HTMLTextAreaElement>("[data-ask-text]");
    text.value = "";
    text.maxLength = question.text === "note" ? 2000 : 500;
    this.#show("[data-ask-minutes-field]", question.minutes !== undefined);
    const minutes = this.#find<HTMLInputElement>("[data-ask-minutes]");
    minutes.required = question.minutes === "needed";
    minutes.value = question.minutes === "needed" ? "5" : "";
    this.#find("[data-ask-minutes-label]").textContent = question.minutes === "optional" ? "Minutes (empty: the time that was left)" : "Minutes";
    this.#show("[data-ask-urgent-field]", action === "message");
    this.#find<HTMLInputElement>("[data-ask-urgent]").checked = false;
    this.#show("[data-ask-kind-field]", action === "incident");
    const yes = this.#find<HTMLButtonElement>("[data-ask-yes]");
    yes.textContent = question.yes;
    yes.disabled = false;
    yes.classList.toggle("btn-danger", question.danger === true);
    yes.classList.toggle("btn-primary", question.danger !== true);
    this.#complain("");
  }

  #read(question: Question): Answer {
    const minutes = this.#find<HTMLInputElement>("[data-ask-minutes]").valueAsNumber;
    return {
      text: this.#find<HTMLTextAreaElement>("[data-ask-text]").value.trim(),
      minutes: question.minutes && Number.isFinite(minutes) ? minutes : null,
      isUrgent: this.#find<HTMLInputElement>("[data-ask-urgent]").checked,
      kind: this.#find<HTMLSelectElement>("[data-ask-kind]").value,
    };
  }

  #complain(text: string): void {
    this.#find("[data-ask-problem]").textContent = text;
  }

  #show(selector: string, shown: boolean): void {
    this.#find(selector).hidden = !shown;
  }

  #find<T extends HTMLElement = HTMLElement>(selector: string): T {
    return this.#dialog.querySelector<T>(selector)!;
  }
}
