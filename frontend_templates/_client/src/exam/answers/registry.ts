/**
 * Tasks that are answered by typing, choosing or arranging: each brings a screen of its own. A task that is not here is
 * spoken (item_screen.ts). One line a task; screens live beside this file and know neither network nor storage.
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

export interface AnswerScreen {
  readonly element: HTMLElement;
  /**
   * Runs until the candidate has gone on; the session ends it at the window's end by aborting `signal` (`item.window_ms`
   * after the prompt). `offsetMs` counts from the item's opening: after a reload it is not 0. Called once.
   */
  run(item: ItemView, offsetMs: number, signal: AbortSignal): Promise<void>;
}

export type MakeAnswerScreen = (tools: AnswerTools) => AnswerScreen;

export const ITEM_SCREENS: Record<string, MakeAnswerScreen> = {};

export function isSpoken(task: string): boolean {
  return !(task in ITEM_SCREENS);
}
