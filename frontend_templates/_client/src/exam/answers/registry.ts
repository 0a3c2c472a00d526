/**
 * Tasks that are answered by typing, choosing or arranging: each brings a question of its own, which stands alone
 * (panel.ts) or among those of its part (part.ts). A task that is not here is spoken (item_screen.ts). One line a task;
 * questions live beside this file and know neither network nor storage.
 */
import type { ItemView, SectionView } from "../types";

/** What an answer's screen may use. Everything that it hands to `keep` is on the device within a second. */
export interface AnswerTools {
  item: ItemView;
  section: SectionView | undefined;
  total: number;
  /** What was kept of this answer before a reload or on another machine; null when there is nothing. */
  draft: unknown;
  /** Keeps the whole answer as it is now, newest wins: on the device within 1 s, with the server within 5 s. JSON values only. */
  keep(content: unknown): void;
  /** Loads the item's prompt and plays it from `offsetMs`; resolves at its end. Nothing to play: at once. */
  playPrompt(offsetMs: number, onWaiting: (waiting: boolean) => void, signal: AbortSignal): Promise<void>;
  /** For the screen reader, unless a prompt plays. */
  announce(text: string): void;
}

/** The part that differs from type to type. */
export interface AnswerPart {
  readonly element: HTMLElement;
  /** As the server takes it: {text}, {texts} or {choices}. */
  content(): object;
  isBlank(): boolean;
  /** While a prompt plays, answers wait. */
  setEnabled(enabled: boolean): void;
  focus(): void;
  /** Counts from the item's opening; for parts that change with time (a text that goes). True: not yet to be left. */
  tick?(elapsedMs: number): boolean;
}

export interface Question {
  ask: string;
  part: AnswerPart;
  /** Said under the way on, for those who use a keyboard. */
  keys: string;
  nextLabel?: string;
}

export interface AnswerScreen {
  readonly element: HTMLElement;
  /**
   * Runs until the candidate has gone on; the session ends it at the window's end by aborting `signal` (`item.window_ms`
   * after the prompt). `offsetMs` counts from the item's opening: after a reload it is not 0. Called once.
   */
  run(item: ItemView, offsetMs: number, signal: AbortSignal): Promise<void>;
}

export type MakeQuestion = (tools: AnswerTools) => Question;

export const QUESTIONS: Record<string, MakeQuestion> = {};

export function isSpoken(task: string): boolean {
  return !(task in QUESTIONS);
}
