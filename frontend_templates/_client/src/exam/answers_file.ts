/**
 * The last resort: everything that the server does not have, with the moves that reached its items, as one sealed file that
 * staff can upload. Made without network; its shape is in backend/features/attempts/response_files/model.py.
 */
import { hex } from "./uploader";
import { joinBytes, type Bytes } from "./sealing";
import { isOnlyHere, type ExamStore } from "./store";
import type { Move } from "./types";

const MAGIC = "VIVA-ANSWERS-1";

/** The file's bytes; null when this device has no key to seal them with. */
export async function makeAnswersFile(store: ExamStore, attemptId: string, moves: readonly Move[], madeAt: Date): Promise<Bytes | null> {
  const ended = (await store.list()).filter((each) => each.attempt_id === attemptId && each.state !== "recording");
  const drafts = (await store.listDrafts(attemptId)).filter(isOnlyHere);
  const found = await Promise.all(ended.map((each) => store.bytesOf(each.recording_id).catch(() => null)));
  const recordings = ended.filter((_, index) => found[index]); // one that cannot be read must not cost the others
  const pieces = found.filter((each) => each !== null);
  const head = {
    moves,
    drafts: drafts.map(({ position, sequence, content }) => ({ position, sequence, content })),
    recordings: await Promise.all(
      recordings.map(async (each, index) => ({
        recording_id: each.recording_id,
        position: each.position,
        segment: each.segment,
        sha256: hex(await crypto.subtle.digest("SHA-256", pieces[index]!)),
        size: pieces[index]!.length,
        content_type: each.content_type,
        duration_ms: Math.round(each.duration_ms),
        ended_by: each.ended_by ?? "",
      })),
    ),
  };
  const text = new TextEncoder().encode(JSON.stringify(head));
  const length = new Uint8Array(4);
  new DataView(length.buffer).setUint32(0, text.length);
  const sealed = await store.sealFor(attemptId, `answers:${attemptId}`, joinBytes([length, text, ...pieces]));
  if (!sealed) return null;
  const outside = JSON.stringify({ attempt_id: attemptId, made_at: madeAt.toISOString() });
  return joinBytes([new TextEncoder().encode(`${MAGIC}\n${outside}\n`), sealed]);
}

/** Hands the file to the browser's downloads; says whether there was one to hand over. */
export async function saveAnswersFile(store: ExamStore, attemptId: string, moves: readonly Move[]): Promise<boolean> {
  const bytes = await makeAnswersFile(store, attemptId, moves, new Date());
  if (!bytes) return false;
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([bytes], { type: "application/octet-stream" }));
  link.download = `answers-${attemptId.slice(0, 8)}.viva`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
  return true;
}
