import type { Microphone } from "./microphone";
import type { RecordingStore } from "./store";
import { DeadMicrophone, VoiceEnd } from "./voice";

const CHUNK_MS = 1000;
const LOOK_MS = 50;
const BITS_PER_SECOND = 64_000; // Opus for speech is transparent well below that
const DEAD_AFTER_MS = 2500;

/** The first of these that the browser can record. */
const TYPES = ["audio/webm;codecs=opus", "audio/webm", "audio/mp4;codecs=mp4a.40.2", "audio/mp4", "audio/ogg;codecs=opus"];

export function recordingType(): string | null {
  if (typeof MediaRecorder === "undefined") return null;
  return TYPES.find((type) => MediaRecorder.isTypeSupported(type)) ?? null;
}

export type EndedBy = "window" | "silence" | "never_began" | "microphone" | "aborted";

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
  onLevel(rms: number, elapsedMs: number): void;
  /** The microphone delivers nothing (true), or again something (false). */
  onDead(dead: boolean): void;
}

/**
 * Records one take; begins and ends by itself. Each second's piece is on the device before the next one comes. Resolves
 * when the take is complete in the store.
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
  recorder.addEventListener("dataavailable", ({ data }) => {
    if (data.size === 0) return;
    const mine = sequence;
    sequence += 1;
    written = written.then(async () => store.addChunk(take.recordingId, mine, await data.arrayBuffer()));
  });

  const startedAt = performance.now();
  recorder.start(CHUNK_MS);
  const endedBy = await untilEnd(microphone, recorder, take, listener, signal);
  const durationMs = Math.round(performance.now() - startedAt);
  await stopped(recorder);
  await written;
  if (sequence === 0) await store.remove(take.recordingId);
  else await store.finish(take.recordingId, durationMs);
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
      const rms = microphone.level();
      listener.onLevel(rms, elapsedMs);
      const isDead = dead.feed(rms, elapsedMs);
      if (isDead !== wasDead) listener.onDead((wasDead = isDead));
      if (elapsedMs >= take.windowMs) return end("window");
      const state = voice.feed(rms, elapsedMs);
      if (state === "ended") end("silence");
      else if (state === "never_began") end("never_began");
    };
    const timer = setInterval(look, LOOK_MS);
  });
}

function stopped(recorder: MediaRecorder): Promise<void> {
  if (recorder.state === "inactive") return Promise.resolve();
  return new Promise((resolve) => {
    recorder.addEventListener("stop", () => resolve(), { once: true });
    recorder.stop();
  });
}
