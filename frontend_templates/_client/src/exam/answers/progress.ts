/** How far a candidate is with the questions of a part, pure: what the navigator shows and the last question says. */
import type { ItemView } from "../types";

/** What this device remembers of a part beside its answers. */
export interface PartNote {
  current: number;
  flagged: readonly number[];
}

export interface QuestionState {
  position: number;
  number: number;
  isAnswered: boolean;
  isFlagged: boolean;
  isCurrent: boolean;
}

/** Whether an answer says anything, of whatever kind it is. */
export function isBlankAnswer(content: unknown): boolean {
  const { text, texts, choices } = (content ?? {}) as { text?: string; texts?: string[]; choices?: number[] };
  return !(text?.trim() || texts?.some((each) => each.trim()) || choices?.some((each) => each >= 0));
}

export function statesOf(items: readonly ItemView[], note: PartNote, contentOf: (item: ItemView) => unknown): QuestionState[] {
  return items.map((item) => ({
    position: item.position,
    number: item.number,
    isAnswered: !isBlankAnswer(contentOf(item)),
    isFlagged: note.flagged.includes(item.position),
    isCurrent: item.position === note.current,
  }));
}

/** Where to go on: at the question that was on, else at the first without an answer. */
export function noteFrom(kept: PartNote | null, items: readonly ItemView[], contentOf: (item: ItemView) => unknown): PartNote {
  const known = new Set(items.map((item) => item.position));
  const open = items.find((item) => isBlankAnswer(contentOf(item))) ?? items[0]!;
  const flagged = (kept?.flagged ?? []).filter((position) => known.has(position));
  return { current: kept && known.has(kept.current) ? kept.current : open.position, flagged };
}

export function withFlag(note: PartNote, position: number): PartNote {
  const others = note.flagged.filter((each) => each !== position);
  return { ...note, flagged: others.length < note.flagged.length ? others : [...others, position] };
}

/** For the navigator's buttons, read aloud: "Question 3, answered, flagged for review". */
export function labelOf(state: QuestionState): string {
  return [`Question ${state.number}`, state.isAnswered ? "answered" : "not answered", state.isFlagged ? "flagged for review" : ""].filter(Boolean).join(", ");
}

/** What is asked before a part is finished: which questions have no answer, which are flagged. */
export function summaryOf(states: readonly QuestionState[]): string[] {
  const numbers = (wanted: (state: QuestionState) => boolean) => states.filter(wanted).map((state) => state.number);
  const blank = numbers((state) => !state.isAnswered);
  const flagged = numbers((state) => state.isFlagged);
  return [
    blank.length === 0 ? `You have answered all ${states.length} questions.` : `${listed(blank)} ${blank.length === 1 ? "has" : "have"} no answer yet.`,
    flagged.length === 0 ? "" : `${listed(flagged)} ${flagged.length === 1 ? "is" : "are"} flagged for review.`,
  ].filter(Boolean);
}

function listed(numbers: readonly number[]): string {
  if (numbers.length === 1) return `Question ${numbers[0]}`;
  return `Questions ${numbers.slice(0, -1).join(", ")} and ${numbers.at(-1)}`;
}
