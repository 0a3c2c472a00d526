import type { Microphone } from "./microphone";
import { sleep } from "./sleep";
import type { RecordingStore } from "./store";
import { DeadMicrophone, VoiceEnd } from "./voice";

const CHUNK_MS = 1000;
const LOOK_MS = 50;
const BITS_PER_SECOND = 64_000; // Opus for speech is transparent well below that
const DEAD_AFTER_MS = 2500;
const STOPS_WITHIN_MS = 3000;

/** The first of these that the browser can record. */
const TYPES = ["audio/webm;codecs=opus", "audio/webm", "audio/mp4;codecs=mp4a.40.2", "audio/mp4", "audio/ogg;codecs=opus"];

export function recordingType(): string | null {
  if (typeof MediaRecorder === "undefined") return null;
  return TYPES.find((type) => MediaRecorder.isTypeSupported(type)) ?? null;
}

export type EndedBy = "window" | "silence" | "never_began" | "candidate" | "microphone" | "aborted";

export interface Take {
  recordingId: string;
  attemptId: string;
  position: number;
  segment: number;
  windowMs: number;
  beginWithinMs: number;
  silenceEndMs: number;
}

export interface TakeListener {
  /** `heard`: whether there was a voice in this take so far. */
  onLevel(rms: number, elapsedMs: number, heard: boolean): void;
  /** Whether the candidate has ended the answer. */
  isEnded(): boolean;
  /** The microphone delivers nothing (true), or again something (false). */
  onDead(dead: boolean): void;
}

/**
 * Records one take; begins and ends by itself. Each second's piece is on the device before the next one comes. Resolves
 * when the take is complete in the store, or removed from it where nothing was recorded: then `durationMs` is 0 if it
 * could not begin.
 */
export async function record(
  microphone: Microphone,
  store: RecordingStore,
  take: Take,
  listener: TakeListener,
  signal: AbortSignal,
): Promise<{ endedBy: EndedBy; durationMs: number }> {
  const type = recordingType();
  if (type === null || !microphone.isAlive) return { endedBy: "microphone", durationMs: 0 };
  const recorder = new MediaRecorder(microphone.stream, { mimeType: type, audioBitsPerSecond: BITS_PER_SECOND });
  await store.add({
    recording_id: take.recordingId,
    attempt_id: take.attemptId,
    position: take.position,
    segment: take.segment,
    content_type: type.split(";")[0] ?? type,
    duration_ms: 0,
    started_at: Date.now(),
    state: "recording",
  });

  let sequence = 0;
  let written = Promise.resolve();
  const keep = ({ data }: BlobEvent): void => {
    if (data.size === 0) return;
    const mine = sequence;
    sequence += 1;
    written = written.then(async () => store.addChunk(take.recordingId, mine, await data.arrayBuffer()));
  };
  recorder.addEventListener("dataavailable", keep);
  const stopped = new Promise<void>((resolve) => recorder.addEventListener("stop", () => resolve(), { once: true }));

  const startedAt = performance.now();
  try {
    recorder.start(CHUNK_MS);
  } catch {
    await store.remove(take.recordingId); // the microphone went just now
    return { endedBy: "microphone", durationMs: 0 };
  }
  const endedBy = await untilEnd(microphone, recorder, take, listener, signal);
  // A page that slept counts the sleep.
  const durationMs = Math.min(take.windowMs, Math.round(performance.now() - startedAt));
  if (recorder.state !== "inactive") recorder.stop();
  await Promise.race([stopped, sleep(STOPS_WITHIN_MS)]); // some never say that they have stopped
  recorder.removeEventListener("dataavailable", keep);
  await written;
  if (sequence === 0) await store.remove(take.recordingId);
  else await store.finish(take.recordingId, durationMs, endedBy);
  return { endedBy, durationMs };
}

function untilEnd(
  microphone: Microphone,
  recorder: MediaRecorder,
  take: Take,
  listener: TakeListener,
  signal: AbortSignal,
): Promise<EndedBy> {
  const voice = new VoiceEnd(take, microphone.floor);
  const dead = new DeadMicrophone(DEAD_AFTER_MS);
  const startedAt = performance.now();
  let wasDead = false;
  return new Promise((resolve) => {
    const end = (by: EndedBy) => {
      clearInterval(timer);
      resolve(by);
    };
    const look = () => {
      const elapsedMs = performance.now() - startedAt;
      if (signal.aborted) return end("aborted");
      if (!microphone.isAlive || recorder.state === "inactive") return end("microphone");
      const { isHeard } = microphone;
      const rms = isHeard ? microphone.level() : 0;
      listener.onLevel(rms, elapsedMs, voice.heard);
      const isDead = dead.feed(rms, elapsedMs);
      if (isDead !== wasDead) listener.onDead((wasDead = isDead));
      if (listener.isEnded()) return end("candidate");
      if (elapsedMs >= take.windowMs) return end("window");
      const state = isHeard ? voice.feed(rms, elapsedMs) : voice.miss(elapsedMs);
      if (state === "ended") end("silence");
      else if (state === "never_began") end("never_began");
    };
    const timer = setInterval(look, LOOK_MS);
  });
}
