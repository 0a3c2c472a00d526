/** Runs the exam: does what each phase of the machine needs, and tells the machine what happened. */
import { Refused, type ExamApi } from "./api";
import { CheckScreen } from "./checks";
import { minutesAndSeconds, roughly, type ServerClock } from "./clock";
import type { Frame } from "./frame";
import { ItemScreen } from "./item_screen";
import { isRunning, placeOf, promptMs, recordingId, segmentFor, START, step, type Exam, type ExamEvent, type Phase } from "./machine";
import { Microphone, MicrophoneError, MICROPHONE_HELP, type MicrophoneTrouble } from "./microphone";
import { record } from "./recorder";
import * as screens from "./screens";
import type { Sound } from "./sound";
import type { RecordingStore } from "./store";
import type { AttemptSnapshot, ItemView } from "./types";
import type { Uploader, UploadStatus } from "./uploader";
import { button } from "./screens";

const BEAT_MS = 10_000;
const COUNTDOWN_S = 10;
const KEPT_MS = 600;
const TICK_MS = 250;
const SLOW_REPLY_MS = 1500;
const FEWEST_MS = 400;

export interface SessionParts {
  api: ExamApi;
  clock: ServerClock;
  frame: Frame;
  sound: Sound;
  store: RecordingStore;
  storageWorks: boolean;
  home: string;
  makeUploader(snapshot: AttemptSnapshot, onChange: (status: UploadStatus) => void): Uploader;
}

export class Session {
  #exam: Exam = START;
  #microphone: Microphone | null = null;
  #trouble: MicrophoneTrouble | null = null;
  #uploader: Uploader | null = null;
  #status: UploadStatus = { saved: 0, pending: 0, refused: 0, trouble: null };
  #phaseEnd = new AbortController();
  #itemScreen: ItemScreen | null = null;
  #deadline: string | null = null;
  #beatTimer: ReturnType<typeof setTimeout> | undefined;
  #wakeLock: { release(): Promise<void> } | null = null;
  #onStatus: ((status: UploadStatus) => void) | null = null;
  #take: Promise<unknown> = Promise.resolve();

  constructor(private readonly parts: SessionParts) {}

  get hasUnsaved(): boolean {
    return this.#status.pending > 0 || this.#exam.phase.name === "recording";
  }

  start(snapshot: AttemptSnapshot): void {
    this.#uploader = this.parts.makeUploader(snapshot, (status) => this.#showUploads(status));
    this.#uploader.kick();
    setInterval(() => this.#tick(), TICK_MS);
    window.addEventListener("online", () => this.#uploader?.kick());
    document.addEventListener("visibilitychange", () => this.#keepAwake());
    navigator.mediaDevices?.addEventListener?.("devicechange", () => void this.#mendMicrophone());
    this.#dispatch({ type: "entered", snapshot });
    if (snapshot.state === "in_progress" || snapshot.state === "checking") this.#beat();
  }

  // --- the loop ---------------------------------------------------------------------------------------------------

  #dispatch(event: ExamEvent): void {
    if ("snapshot" in event) this.#learn(event.snapshot);
    const before = this.#exam;
    this.#exam = step(before, event);
    if (this.#exam === before || this.#exam.phase === before.phase) return;
    this.#phaseEnd.abort();
    this.#phaseEnd = new AbortController();
    const { phase } = this.#exam;
    this.parts.frame.setQuiet(phase.name === "prompt" || phase.name === "recording");
    document.body.dataset.phase = phase.name;
    if (this.#trouble) this.#showTrouble();
    void this.#run(phase, this.#phaseEnd.signal);
  }

  #learn(snapshot: AttemptSnapshot): void {
    this.parts.clock.learn(snapshot.server_now);
    this.#deadline = snapshot.state === "in_progress" ? snapshot.deadline_at : null;
  }

  async #run(phase: Phase, signal: AbortSignal): Promise<void> {
    try {
      await this.#perform(phase, signal);
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof Refused)) throw error;
      await this.#refused(error);
    }
  }

  async #refused(error: Refused): Promise<void> {
    const snapshot = this.#exam.snapshot;
    if (error.code === "attempt_not_open" && snapshot) {
      const now = await this.parts.api.show(snapshot.id).catch(() => null);
      if (now?.state === "submitted" || now?.state === "expired") return this.#dispatch({ type: "ended", ending: now.state });
    }
    this.#dispatch({ type: "stopped", problem: { code: error.code, title: error.title, detail: error.detail } });
  }

  async #perform(phase: Phase, signal: AbortSignal): Promise<void> {
    const snapshot = this.#exam.snapshot;
    const { frame } = this.parts;
    if (phase.name === "stopped") return frame.show(screens.stopped(phase.problem, this.parts.home));
    if (!snapshot) return;
    switch (phase.name) {
      case "welcome":
        return frame.show(screens.welcome(snapshot, () => this.#dispatch({ type: "welcomed" })));
      case "check":
        return this.#check(snapshot, signal);
      case "demonstration":
        return this.#demonstrate(snapshot, signal);
      case "ready":
        return this.#ready(snapshot, signal);
      case "resume":
        return frame.show(screens.resume(snapshot, () => void this.#resume(snapshot, signal)));
      case "instructions":
        return this.#instruct(snapshot, phase.section.letter, signal);
      case "opening":
        return this.#open(snapshot, phase.position, signal);
      case "prompt":
        return this.#prompt(snapshot, phase.item, phase.offsetMs, signal);
      case "recording":
        return this.#record(snapshot, phase.item, phase.offsetMs, signal);
      case "closing":
        return this.#close(snapshot, phase.item, signal);
      case "finishing":
        return this.#finish();
      case "done":
        this.#microphone?.close();
        await this.#wakeLock?.release().catch(() => undefined);
        clearTimeout(this.#beatTimer);
        return frame.show(screens.done(phase.ending, this.#status, this.parts.home));
      case "loading":
        return;
    }
  }

  // --- before the clock -------------------------------------------------------------------------------------------

  async #check(snapshot: AttemptSnapshot, signal: AbortSignal): Promise<void> {
    const { api, sound, frame, storageWorks } = this.parts;
    const screen = new CheckScreen({ api, sound, snapshot, storageWorks, openMicrophone: () => this.#openMicrophone() });
    frame.show(screen.element);
    const outcome = await screen.run();
    this.#dispatch({ type: "checked", snapshot: await api.check(snapshot.id, outcome, signal) });
  }

  async #demonstrate(snapshot: AttemptSnapshot, signal: AbortSignal): Promise<void> {
    const { sound, frame } = this.parts;
    const url = snapshot.demonstration?.audio_url ?? null;
    const play = async (): Promise<void> => {
      await sound.unlock();
      if (!url) return;
      screen.setPlaying(true);
      const again = () => this.#renew((fresh) => fresh.demonstration?.audio_url);
      const buffer = await sound.load(url, signal, () => undefined, again);
      await sound.play(buffer, 0, signal);
      screen.setPlaying(false);
    };
    const screen = screens.demonstration(snapshot, () => void play().catch(() => undefined), () => this.#dispatch({ type: "demonstrated" }));
    frame.show(screen.element);
  }

  async #ready(snapshot: AttemptSnapshot, signal: AbortSignal): Promise<void> {
    const { api, clock, frame } = this.parts;
    const begin = async (): Promise<void> => {
      await this.#prepare();
      try {
        const begun = await api.begin(snapshot.id, signal);
        this.#keepAwake();
        this.#dispatch({ type: "begun", snapshot: begun });
      } catch (error) {
        if (error instanceof Refused && error.code === "delivery_not_open") return screen.refuse(error.detail);
        if (error instanceof Refused) return this.#refused(error);
        throw error;
      }
    };
    const screen = screens.ready(snapshot, () => void begin());
    frame.show(screen.element);
    const look = (): void => {
      const left = clock.untilMs(snapshot.opens_at) ?? 0;
      screen.setOpening(left > 0 ? minutesAndSeconds(left) : null);
      if (left > 0 && !signal.aborted) setTimeout(look, 500);
    };
    look();
  }

  async #resume(snapshot: AttemptSnapshot, signal: AbortSignal): Promise<void> {
    await this.#prepare();
    this.#keepAwake();
    this.#dispatch({ type: "resumed", snapshot: await this.parts.api.show(snapshot.id, signal) });
  }

  /** Within a click: unlocks sound and opens the microphone. A failure of the latter is dealt with before the next item. */
  async #prepare(): Promise<void> {
    await this.parts.sound.unlock();
    if (!this.#microphone?.isAlive) await this.#openMicrophone().catch(() => undefined);
  }

  // --- parts and items --------------------------------------------------------------------------------------------

  async #instruct(snapshot: AttemptSnapshot, letter: string, signal: AbortSignal): Promise<void> {
    const { sound, frame } = this.parts;
    const index = snapshot.sections.findIndex((section) => section.letter === letter);
    const section = snapshot.sections[index];
    if (!section) return this.#dispatch({ type: "instructed" });
    const screen = screens.instructions(section, index + 1, snapshot.sections.length, () => this.#dispatch({ type: "instructed" }));
    frame.show(screen.element);
    if (section.instructions_audio_url) {
      const again = () => this.#renew((fresh) => fresh.sections[index]?.instructions_audio_url);
      const buffer = await sound.load(section.instructions_audio_url, signal, () => undefined, again);
      await sound.play(buffer, 0, signal);
    }
    for (let seconds = COUNTDOWN_S; seconds > 0; seconds -= 1) {
      screen.setCountdown(seconds);
      await sleep(1000, signal);
    }
    this.#dispatch({ type: "instructed" });
  }

  async #open(snapshot: AttemptSnapshot, position: number, signal: AbortSignal): Promise<void> {
    await this.#needMicrophone(signal);
    const slow = setTimeout(() => this.#itemScreen?.showWaiting() ?? this.parts.frame.show(screens.loading("Waiting for the network")), SLOW_REPLY_MS);
    try {
      const item = await this.parts.api.open(snapshot.id, position, signal);
      this.#dispatch({ type: "opened", item });
    } finally {
      clearTimeout(slow);
    }
  }

  #screenFor(snapshot: AttemptSnapshot, item: ItemView): ItemScreen {
    if (this.#itemScreen?.item.position !== item.position || !this.#itemScreen.element.isConnected) {
      const section = snapshot.sections.find((each) => each.letter === item.section_letter);
      this.#itemScreen = new ItemScreen(item, section, snapshot.total_items);
      this.parts.frame.show(this.#itemScreen.element, { focus: false });
    }
    return this.#itemScreen;
  }

  async #prompt(snapshot: AttemptSnapshot, item: ItemView, offsetMs: number, signal: AbortSignal): Promise<void> {
    const screen = this.#screenFor(snapshot, item);
    const { sound } = this.parts;
    if (!item.prompt) return this.#dispatch({ type: "prompt_ended" });
    screen.waitForPrompt(false);
    const again = () => this.#renew((fresh) => fresh.item?.prompt?.url);
    const buffer = await sound.load(item.prompt.url, signal, (waiting) => screen.waitForPrompt(waiting), again);
    const startedAt = performance.now() - offsetMs;
    const timer = setInterval(() => screen.showPrompt(performance.now() - startedAt), 100);
    signal.addEventListener("abort", () => clearInterval(timer), { once: true });
    screen.showPrompt(offsetMs);
    // The sound may be a little shorter than the item's prompt: what is left is silence before the answer.
    await Promise.all([sound.play(buffer, offsetMs, signal), sleep(promptMs(item) - offsetMs, signal)]);
    clearInterval(timer);
    this.#dispatch({ type: "prompt_ended" });
  }

  /** Records until the window or the answer ends. A microphone that goes away and comes back makes a further segment. */
  async #record(snapshot: AttemptSnapshot, item: ItemView, offsetMs: number, signal: AbortSignal): Promise<void> {
    const screen = this.#screenFor(snapshot, item);
    const startedAt = performance.now() - offsetMs;
    const elapsed = () => performance.now() - startedAt;
    const taken = await this.#segmentsOf(snapshot, item.position);
    let finished = false;
    while (!finished && item.window_ms - elapsed() > FEWEST_MS) {
      const from = elapsed();
      if (!this.#microphone?.isAlive && !(await this.#mendMicrophone())) {
        screen.showNoMicrophone(from);
        await sleep(500, signal);
        continue;
      }
      screen.showRecording(from, 0);
      const segment = segmentFor(item.window_ms, from, taken);
      taken.push(segment);
      const take = record(
        this.#microphone!,
        this.parts.store,
        {
          recordingId: recordingId(item.position, segment, crypto.randomUUID()),
          attemptId: snapshot.id,
          position: item.position,
          segment,
          windowMs: item.window_ms - from,
          beginWithinMs: from > 0 && offsetMs > 0 ? 0 : item.begin_within_ms, // after a reload the answer may have begun
          silenceEndMs: item.silence_end_ms,
        },
        {
          onLevel: (rms, ms) => screen.showRecording(from + ms, rms),
          onDead: (dead) => this.#setTrouble(dead ? "silent" : null),
        },
        signal,
      );
      this.#take = take;
      const { endedBy } = await take;
      this.#uploader?.kick();
      finished = endedBy !== "microphone";
    }
    if (!signal.aborted) this.#dispatch({ type: "recorded" });
  }

  /** Of an item that a reload or another device has begun to record: what is there already, here and on the server. */
  async #segmentsOf(snapshot: AttemptSnapshot, position: number): Promise<number[]> {
    const here = (await this.parts.store.list()).filter((each) => each.attempt_id === snapshot.id).map((each) => each.recording_id);
    const places = [...here, ...snapshot.stored_recordings].map(placeOf);
    return places.filter((place) => place?.position === position).map((place) => place!.segment);
  }

  async #close(snapshot: AttemptSnapshot, item: ItemView, signal: AbortSignal): Promise<void> {
    const screen = this.#screenFor(snapshot, item);
    screen.showKept();
    this.#uploader?.kick();
    const slow = setTimeout(() => screen.showWaiting(), SLOW_REPLY_MS);
    try {
      const [next] = await Promise.all([this.parts.api.close(snapshot.id, item.position, signal), sleep(KEPT_MS, signal)]);
      this.#dispatch({ type: "closed", snapshot: next });
    } finally {
      clearTimeout(slow);
    }
  }

  async #finish(): Promise<void> {
    this.#deadline = null;
    this.parts.frame.setTimeLeft(null);
    const screen = screens.finishing();
    this.parts.frame.show(screen.element);
    this.#onStatus = (status) => screen.set(status);
    screen.set(this.#status);
    await this.#take; // the time may have ended in the middle of an answer: its last second is being written
    await this.#uploader?.drained();
    this.#onStatus = null;
    this.#dispatch({ type: "uploaded" });
  }

  async #renew(pick: (fresh: AttemptSnapshot) => string | null | undefined): Promise<string | null> {
    const id = this.#exam.snapshot?.id;
    if (!id) return null;
    return pick(await this.parts.api.show(id, this.#phaseEnd.signal)) ?? null;
  }

  // --- microphone -------------------------------------------------------------------------------------------------

  async #openMicrophone(): Promise<Microphone> {
    this.#microphone?.close();
    this.#microphone = null;
    try {
      this.#microphone = await Microphone.open(this.parts.sound.context, (trouble) => this.#setTrouble(trouble));
    } catch (error) {
      if (error instanceof MicrophoneError) this.#setTrouble(error.trouble);
      throw error;
    }
    this.#setTrouble(null);
    return this.#microphone;
  }

  async #mendMicrophone(): Promise<boolean> {
    if (!this.#trouble || this.#microphone?.isAlive) return Boolean(this.#microphone?.isAlive);
    return this.#openMicrophone().then(
      () => true,
      () => false,
    );
  }

  /** No item opens without a microphone: its window would run empty. */
  async #needMicrophone(signal: AbortSignal): Promise<void> {
    while (!this.#microphone?.isAlive) {
      const opened = await this.#openMicrophone().catch(() => null);
      if (opened || signal.aborted) return;
      await new Promise<void>((resolve) => {
        this.parts.frame.show(screens.microphoneHelp(this.#trouble ?? "not_found", resolve));
        signal.addEventListener("abort", () => resolve(), { once: true });
        navigator.mediaDevices?.addEventListener?.("devicechange", () => resolve(), { once: true });
      });
    }
  }

  #setTrouble(trouble: MicrophoneTrouble | null): void {
    if (this.#trouble === trouble) return;
    this.#trouble = trouble;
    this.#showTrouble();
    this.#beat();
  }

  #showTrouble(): void {
    const { name } = this.#exam.phase;
    // Before an item opens, the whole screen says it.
    const help = this.#trouble && isRunning(this.#exam) && name !== "opening" ? MICROPHONE_HELP[this.#trouble] : null;
    const reconnect = () => void this.#openMicrophone().catch(() => undefined);
    this.parts.frame.banner(
      "microphone",
      help
        ? {
            icon: "microphone",
            title: `${help.title}.`,
            text: help.steps[0] ?? "",
            tone: "red",
            action: button("Reconnect", reconnect, "btn-sm btn-outline-secondary"),
          }
        : null,
    );
  }

  // --- what goes on beside ----------------------------------------------------------------------------------------

  #showUploads(status: UploadStatus): void {
    const moved = status.pending !== this.#status.pending;
    this.#status = status;
    this.parts.frame.setUploads(status);
    this.#onStatus?.(status);
    const action = button("Sign in", () => window.open("/sign-in", "_blank"), "btn-sm btn-outline-secondary");
    this.parts.frame.banner(
      "signed_out",
      status.trouble === "signed_out"
        ? { icon: "warning", title: "You were signed out.", text: "Your answers are kept on this device. Sign in again, then load this page.", tone: "red", action }
        : null,
    );
    if (moved) this.#beat();
  }

  /** Shows and hides the line about the network; a reply from the server is the only proof that it is there. */
  setConnected(connected: boolean): void {
    this.parts.frame.banner(
      "offline",
      connected ? null : { icon: "network", title: "You are offline.", text: "Your answers are kept on this device and sent when the network is back. Leave this page open." },
    );
  }

  #tick(): void {
    const left = this.parts.clock.untilMs(this.#deadline);
    this.parts.frame.setTimeLeft(isRunning(this.#exam) ? left : null);
    if (left === 0 && isRunning(this.#exam)) this.#dispatch({ type: "ended", ending: "expired" });
    if (left !== null && left > 59_800 && left < 60_000) this.parts.frame.announce(`${roughly(60_000)} left`);
  }

  /** Says that we are here: every 10 s, and at once when something has changed. */
  #beat(): void {
    clearTimeout(this.#beatTimer);
    this.#beatTimer = setTimeout(() => void this.#sendBeat(), 150);
  }

  async #sendBeat(): Promise<void> {
    const { snapshot, phase } = this.#exam;
    if (!snapshot || phase.name === "done" || phase.name === "stopped") return;
    this.#beatTimer = setTimeout(() => void this.#sendBeat(), BEAT_MS);
    const microphone = this.#trouble ? `trouble:${this.#trouble}` : this.#microphone ? "ok" : "unknown";
    const position = "item" in phase ? phase.item.position : snapshot.position;
    try {
      const pulse = await this.parts.api.heartbeat(snapshot.id, { position, uploads_pending: this.#status.pending, microphone });
      this.parts.clock.learn(pulse.server_now);
      if (pulse.state === "in_progress") this.#deadline = pulse.deadline_at; // may have been moved for this candidate
      if (this.#status.trouble) this.#uploader?.kick();
      if ((pulse.state === "expired" || pulse.state === "submitted") && isRunning(this.#exam) && phase.name !== "closing") {
        this.#dispatch({ type: "ended", ending: pulse.state });
      }
    } catch {
      /* the next beat tries again; what matters is shown by the calls that matter */
    }
  }

  /** A screen that falls asleep ends many phones' recordings. */
  #keepAwake(): void {
    if (document.visibilityState !== "visible" || !isRunning(this.#exam)) return;
    const lock = (navigator as { wakeLock?: { request(kind: "screen"): Promise<{ release(): Promise<void> }> } }).wakeLock;
    lock?.request("screen").then(
      (held) => (this.#wakeLock = held),
      () => undefined,
    );
  }
}

function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason as Error);
    const onAbort = (): void => {
      clearTimeout(timer);
      reject(signal.reason as Error);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", onAbort);
      resolve();
    }, Math.max(0, ms));
    signal.addEventListener("abort", onAbort, { once: true });
  });
}
