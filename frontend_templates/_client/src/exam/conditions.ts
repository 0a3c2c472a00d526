/** What a candidate is told of its own conditions, pure: what is different, and how long there is. */
import { isSpoken } from "./answers/registry";
import type { AttemptSnapshot } from "./types";

/** What staff granted this candidate, in words; nothing for the usual conditions. */
export function differences(snapshot: AttemptSnapshot): string[] {
  const conditions = snapshot.conditions;
  if (!conditions) return [];
  const minutes = Math.round(conditions.break_ms / 60_000);
  return [
    conditions.extra_time > 1 ? `You have ${conditions.extra_time} times the usual time, for the test and for each answer.` : "",
    minutes > 0 ? `You may rest between parts, for ${minutes} minutes in all. The clock stands meanwhile.` : "",
    conditions.replays > 0 ? `You may hear each question ${conditions.replays === 1 ? "once" : `${conditions.replays} times`} more.` : "",
    conditions.larger_text ? "The text is larger." : "",
    endsOwnAnswers(snapshot) ? `Silence does not end your spoken answers. Take your time, and press “${OWN_END}” after each; otherwise an answer ends when its time is over.` : "",
  ].filter(Boolean);
}

export const OWN_END = "I am finished";

/** Whether the candidate ends spoken answers by a button, never silence: granted, and there is something to say. */
export function endsOwnAnswers({ conditions, sections }: AttemptSnapshot): boolean {
  return Boolean(conditions?.no_silence_end) && sections.some((section) => isSpoken(section.task));
}

/** How long a candidate has who begins now: the test's time, or less where the test closes sooner. Null: not known. */
export function timeFromNowMs(snapshot: AttemptSnapshot, nowMs: number): { ms: number; isCut: boolean } | null {
  if (!snapshot.allowed_ms || !snapshot.closes_at || Number.isNaN(nowMs)) return null;
  const begins = Math.max(nowMs, snapshot.opens_at ? Date.parse(snapshot.opens_at) : nowMs);
  const left = Math.max(0, Date.parse(snapshot.closes_at) - begins);
  return { ms: Math.min(snapshot.allowed_ms, left), isCut: left < snapshot.allowed_ms };
}
