/** Runs the exam: does what each phase of the machine needs, and tells the machine what happened. */
import { isSpoken } from "./answers/registry";
import { saveAnswersFile } from "./answers_file";
import { Refused, Unreachable, type ExamApi } from "./api";
import { Beginning } from "./beginning";
import { minutesAndSeconds, roughly, type ServerClock } from "./clock";
import { askToKeep } from "./device_store";
import type { Frame } from "./frame";
import { FullScreen } from "./full_screen";
import { Heart } from "./heart";
import { ItemRunner } from "./item_runner";
import { Line } from "./line";
import { isRunning, START, step, taskAt, type Exam, type ExamEvent, type Phase } from "./machine";
import { MicrophoneCare } from "./mic_care";
import { Moves } from "./moves";
import { hearNews, withNews, type News } from "./news";
import { Packages } from "./packages";
import { Parts } from "./parts";
import { Saving } from "./saving";
import * as screens from "./screens";
import { sleep } from "./sleep";
import type { Sitting } from "./sitting";
import type { Sound } from "./sound";
import type { ExamStore } from "./store";
import type { AttemptSnapshot, ItemView, Pulse, SectionView } from "./types";
import { WakeLock } from "./wake_lock";

const KEPT_MS = 600;
const TICK_MS = 250;
const SLOW_REPLY_MS = 1500;

export interface SessionParts {
  api: ExamApi;
  clock: ServerClock;
  frame: Frame;
  sound: Sound;
  store: ExamStore;
  storageWorks: boolean;
  deliveryId: string;
  home: string;
}

export class Session {
  readonly #moves: Moves;
  readonly #packages: Packages;
  readonly #saving: Saving;
  readonly #line: Line;
  readonly #fullScreen: FullScreen;
  readonly #wakeLock = new WakeLock(() => isRunning(this.#exam));
  readonly #microphone: MicrophoneCare;
  readonly #items: ItemRunner;
  readonly #heart: Heart;
  readonly #beginning: Beginning;
  readonly #parts: Parts;
  #exam: Exam = START;
  #phaseEnd = new AbortController();
  #deadline: string | null = null;
  #stopNews: () => void = () => undefined;

  constructor(
    private readonly parts: SessionParts,
    private readonly sitting: Sitting,
  ) {
    const { api, clock, frame, sound, store, deliveryId } = parts;
    const attemptId = sitting.snapshot.id;
    this.#packages = new Packages({ api, store, attemptId, keepSound: sound.keep });
    this.#moves = new Moves(
      { api, store, clock, deliveryId, find: this.#packages.find, onSnapshot: (snapshot) => this.#heard(snapshot), onRefused: (error) => void this.#refused(error) },
      sitting,
    );
    this.#saving = new Saving({
      api, store, frame, attemptId, alreadyStored: sitting.snapshot.stored_recordings,
      epoch: () => this.#exam.snapshot?.epoch ?? sitting.snapshot.epoch ?? 0,
      isHeard: () => this.#moves.pending === 0,
      onPending: () => this.#heart.beat(),
    });
    this.#line = new Line({ frame, saveFile: () => this.#saveFile(), onBack: () => this.#kickAll() });
    const mayTell = () => isRunning(this.#exam) && this.#exam.phase.name !== "opening";
    this.#microphone = new MicrophoneCare({ sound, frame, mayTell, onChange: () => this.#heart.beat() });
    this.#items = new ItemRunner({
      frame, sound, store, microphone: this.#microphone, drafts: this.#saving.drafts, acknowledged: () => this.#saving.acknowledged, renew: (pick) => this.#renew(pick), onRecorded: () => this.#saving.kickRecordings(),
      isOver: () => this.#exam.phase.name === "finishing",
      hearAgain: (position, number, signal) => this.#hearAgain(position, number, signal),
    });
    this.#fullScreen = new FullScreen({ frame, asks: () => this.sitting.snapshot.asks_full_screen === true, mayTell });
    const renew = (pick: (fresh: AttemptSnapshot) => string | null | undefined) => this.#renew(pick);
    this.#beginning = new Beginning({ ...parts, microphone: this.#microphone, prepare: () => this.#prepare(), renew });
    this.#parts = new Parts({ frame, sound, renew, rest: (signal) => this.#rest(signal) });
    this.#heart = new Heart({ api, clock, attemptId, state: () => this.#state(), onPulse: (pulse) => this.#felt(pulse), onRefused: (error) => this.#heartRefused(error) });
  }

  get hasUnsaved(): boolean {
    return this.#saving.status.pending > 0 || this.#exam.phase.name === "recording";
  }

  async start(): Promise<void> {
    const { snapshot } = this.sitting;
    this.#learn(snapshot);
    await this.parts.store.revive(snapshot.id);
    await this.#saving.open();
    setInterval(() => this.#tick(), TICK_MS);
    window.addEventListener("online", () => this.#kickAll());
    document.addEventListener("visibilitychange", () => {
      this.#wakeLock.keep();
      if (document.visibilityState === "hidden") this.#saving.drafts.leave();
    });
    window.addEventListener("pagehide", () => this.#saving.drafts.leave());
    await this.#unlock(snapshot);
    this.#dispatch({ type: "entered", snapshot: this.#moves.now });
    if (!["in_progress", "paused", "checking"].includes(snapshot.state)) return;
    this.#heart.beat();
    this.#stopNews = await hearNews(snapshot.id, (news) => this.#hearNews(news), (epoch) => this.#hearEpoch(epoch), () => this.#heart.fetchNews());
  }

  /** A newer window or machine goes on with this exam: resolves when what was being recorded here is on the device. */
  async yield(): Promise<void> {
    this.#dispatch({ type: "taken" });
    this.#heart.stop();
    this.#stopNews();
    this.parts.frame.setTimeLeft(null);
    await Promise.all([this.#items.written, this.#saving.drafts.flush()]);
    this.#microphone.close();
    this.#saving.kickRecordings();
  }

  // --- the loop ---------------------------------------------------------------------------------------------------

  #dispatch(event: ExamEvent): void {
    const before = this.#exam;
    this.#exam = step(before, event);
    if (this.#exam === before || this.#exam.phase === before.phase) return;
    this.#phaseEnd.abort();
    this.#phaseEnd = new AbortController();
    const { phase } = this.#exam;
    this.parts.frame.setQuiet(phase.name === "prompt" || phase.name === "recording");
    document.body.dataset.phase = phase.name;
    this.#microphone.show();
    this.#fullScreen.show();
    void this.#run(phase, this.#phaseEnd.signal);
  }

  /** What the server said last: its clock, the deadline, the key of the part that is on. */
  #learn(snapshot: AttemptSnapshot): void {
    this.#deadline = snapshot.state === "in_progress" ? snapshot.deadline_at : null;
    if (snapshot.conditions?.larger_text) document.body.classList.add("exam-larger");
  }

  /** Opens the part that is on, and fetches the coming ones, sealed: one of them before the exam begins, all after that. */
  async #unlock(snapshot: AttemptSnapshot): Promise<void> {
    if (snapshot.state !== "in_progress" && snapshot.state !== "checking") return;
    const on = snapshot.sections.findLastIndex((section) => section.first_position <= snapshot.position);
    const section = snapshot.sections[on];
    if (!section) return;
    if (snapshot.section_key) await this.#packages.unlock(section.letter, snapshot.section_key);
    const hear = (part: SectionView): void => void this.#parts.fetchAhead(part);
    if (!snapshot.section_key) return void this.#packages.prefetch(section.letter).then(() => hear(section));
    void this.#packages.fetchAhead(snapshot.sections.slice(on + 1), hear);
  }

  /** A reply to moves. */
  #heard(snapshot: AttemptSnapshot): void {
    this.parts.clock.learn(snapshot.server_now);
    this.#learn(snapshot);
    void this.#unlock(snapshot);
    this.#saving.kick();
    const isNews = snapshot.state !== "in_progress" && snapshot.state !== "submitted";
    if (isNews || this.#exam.phase.name === "paused") this.#dispatch({ type: "changed", snapshot: this.#moves.now });
  }

  async #run(phase: Phase, signal: AbortSignal): Promise<void> {
    try {
      await this.#perform(phase, signal);
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof Refused) return this.#refused(error);
      this.#dispatch({ type: "stopped", problem: screens.BROKEN }); // a page that stands still says nothing
      throw error;
    }
  }

  async #refused(error: Refused): Promise<void> {
    this.#saving.kick(); // answers that waited for moves need not any more
    if (error.code === "attempt_elsewhere" || error.code === "item_not_current") return this.yield();
    if (error.code === "attempt_paused" || error.code === "attempt_not_open") {
      const now = await this.parts.api.show(this.sitting.snapshot.id).catch(() => null);
      if (now && now.state !== "in_progress") return this.#takeWord(now);
      if (error.code === "attempt_paused") return;
    }
    this.#dispatch({ type: "stopped", problem: { code: error.code, title: error.title, detail: error.detail } });
  }

  /** Reads the attempt anew: staff or the clock changed it. What was not sent yet counts as made. */
  async #reread(): Promise<void> {
    if (this.#moves.pending > 0) return this.#moves.kick();
    const now = await this.parts.api.peek(this.sitting.snapshot.id).catch(() => null);
    if (!now || this.#moves.pending > 0) return;
    if ((now.epoch ?? 0) > (this.#moves.now.epoch ?? 0)) return this.yield();
    this.#takeWord(now);
  }

  #takeWord(snapshot: AttemptSnapshot): void {
    this.parts.clock.learn(snapshot.server_now);
    this.#learn(snapshot);
    this.#moves.learn(snapshot);
    this.#dispatch({ type: "changed", snapshot });
  }

  async #perform(phase: Phase, signal: AbortSignal): Promise<void> {
    const snapshot = this.#exam.snapshot;
    const { frame, home } = this.parts;
    if (phase.name === "elsewhere") return frame.show(screens.elsewhere(() => location.reload()));
    if (phase.name === "stopped") return frame.show(screens.stopped(phase.problem, home, () => this.#saveFile()));
    if (!snapshot) return;
    switch (phase.name) {
      case "welcome":
        return frame.show(screens.welcome(snapshot, () => this.#welcomed()));
      case "check":
        return this.#dispatch({ type: "checked", snapshot: await this.#beginning.check(snapshot, signal) });
      case "demonstration":
        return this.#beginning.demonstrate(snapshot, signal, () => this.#dispatch({ type: "demonstrated" }));
      case "ready":
        return this.#begun(await this.#beginning.ready(snapshot, signal));
      case "resume":
        return frame.show(screens.resume(snapshot, () => void this.#resume()));
      case "instructions":
        await this.#parts.introduce(snapshot, phase.section.letter, signal);
        return this.#dispatch({ type: "instructed" });
      case "opening":
        return this.#open(snapshot, phase.position, signal);
      case "prompt":
        await this.#items.prompt(snapshot, phase.item, phase.offsetMs, signal);
        return this.#dispatch({ type: "prompt_ended" });
      case "recording":
        await this.#items.record(snapshot, phase.item, phase.offsetMs, signal);
        if (!signal.aborted) this.#dispatch({ type: "recorded" });
        return;
      case "answering":
        await this.#items.answer(snapshot, phase.item, phase.offsetMs, signal);
        if (!signal.aborted) this.#dispatch({ type: "answered" });
        return;
      case "part":
        await this.#items.part(snapshot, phase.items, phase.offsetMs, signal);
        if (!signal.aborted) this.#dispatch({ type: "answered" });
        return;
      case "closing":
        return this.#close(snapshot, phase.item, signal);
      case "paused":
        return this.#pause(snapshot, signal);
      case "finishing":
        return this.#finish();
      case "done":
        return this.#done(phase.ending);
      case "loading":
        return;
    }
  }

  // --- beginning and going on -------------------------------------------------------------------------------------

  #welcomed(): void {
    askToKeep();
    this.#dispatch({ type: "welcomed" });
  }

  #begun(snapshot: AttemptSnapshot): void {
    this.#moves.learn(snapshot);
    this.#heard(snapshot);
    this.#wakeLock.keep();
    this.#dispatch({ type: "begun", snapshot });
  }

  /** By the server's word, or by what is known here when it cannot be asked now. */
  async #resume(): Promise<void> {
    askToKeep();
    await this.#prepare();
    this.#wakeLock.keep();
    if (this.#moves.pending === 0) {
      const now = await this.parts.api.peek(this.sitting.snapshot.id).catch((error: unknown) => {
        if (error instanceof Unreachable) return null;
        throw error;
      });
      if (now) {
        this.#moves.learn(now);
        this.#heard(now);
      }
    }
    await this.#unlock(this.#moves.now);
    this.#dispatch({ type: "resumed", snapshot: this.#moves.now });
  }

  /** The server has to know every move before: a break is possible between two parts only. */
  async #rest(signal: AbortSignal): Promise<void> {
    await this.#moves.drained();
    if (!signal.aborted) this.#takeWord(await this.parts.api.takeBreak(this.sitting.snapshot.id, signal));
  }

  async #pause(snapshot: AttemptSnapshot, signal: AbortSignal): Promise<void> {
    const { frame, clock, api } = this.parts;
    frame.setTimeLeft(null);
    const goOn = async (): Promise<void> => this.#takeWord(await api.endBreak(snapshot.id, signal));
    const screen = screens.paused(snapshot, () => void goOn().catch(() => undefined));
    frame.show(screen.element);
    while (snapshot.break_until) {
      screen.setLeft(minutesAndSeconds(clock.untilMs(snapshot.break_until) ?? 0));
      await sleep(500, signal);
    }
  }

  async #hearAgain(position: number, number: number, signal: AbortSignal): Promise<ItemView | null> {
    await this.#moves.drained();
    const now = await this.parts.api.hearAgain(this.sitting.snapshot.id, position, number, signal);
    this.#learn(now);
    this.#moves.learn(now);
    return now.item;
  }

  /** Within a click: takes the full screen, unlocks sound and opens the microphone. A failure of the latter is dealt with before the next item. */
  async #prepare(): Promise<void> {
    this.#fullScreen.take();
    await this.parts.sound.unlock();
    const speaks = this.#moves.now.sections.some((section) => isSpoken(section.task));
    if (speaks && !this.#microphone.live) await this.#microphone.open().catch(() => undefined);
  }

  // --- parts and items --------------------------------------------------------------------------------------------

  async #open(snapshot: AttemptSnapshot, position: number, signal: AbortSignal): Promise<void> {
    if (isSpoken(taskAt(snapshot, position))) await this.#microphone.need(signal);
    await this.#move(snapshot, [{ kind: "open", position }], position, signal);
  }

  async #close(snapshot: AttemptSnapshot, item: ItemView, signal: AbortSignal): Promise<void> {
    const screen = isSpoken(item.task) ? this.#items.screenFor(snapshot, item) : null;
    screen?.showKept();
    this.#saving.kick();
    const next = item.position + 1;
    const goesOn = next < snapshot.total_items && !snapshot.sections.some((section) => section.first_position === next);
    const isReady = !isSpoken(taskAt(snapshot, next)) || this.#microphone.live !== null;
    const close = { kind: "close", position: item.position } as const;
    const moves = goesOn && isReady ? [close, { kind: "open", position: next } as const] : [close];
    await sleep(screen ? KEPT_MS : 0, signal);
    await this.#move(snapshot, moves, goesOn && isReady ? next : null, signal);
  }

  async #move(snapshot: AttemptSnapshot, moves: Parameters<Moves["make"]>[0], fresh: number | null, signal: AbortSignal): Promise<void> {
    const wait = () => this.parts.frame.show(screens.waiting(snapshot, this.#saving.status, () => this.#saveFile()), { focus: false });
    const slow = setTimeout(wait, SLOW_REPLY_MS);
    try {
      const now = await this.#moves.make(moves, signal);
      if (!signal.aborted) this.#dispatch({ type: "moved", snapshot: now, fresh });
    } finally {
      clearTimeout(slow);
    }
  }

  async #finish(): Promise<void> {
    this.#deadline = null;
    this.parts.frame.setTimeLeft(null);
    const screen = screens.finishing(() => this.#saveFile());
    this.parts.frame.show(screen.element);
    this.#saving.watch((status) => screen.set(status));
    await this.#items.written; // the time may have ended in the middle of an answer: its last second is being written
    await this.#moves.drained().catch(() => undefined); // those that the server refuses never happened
    await this.#saving.drained();
    this.#saving.watch(null);
    this.#dispatch({ type: "uploaded" });
  }

  async #done(ending: "submitted" | "expired"): Promise<void> {
    this.#heart.stop();
    this.#stopNews();
    this.#microphone.close();
    this.#fullScreen.leave();
    await this.#wakeLock.release();
    if (this.#saving.status.pending === 0) await this.parts.store.purge(this.sitting.snapshot.id);
    this.parts.frame.show(screens.done(ending, this.#saving.status, this.parts.home, () => this.#saveFile()));
  }

  async #renew(pick: (fresh: AttemptSnapshot) => string | null | undefined): Promise<string | null> {
    return pick(await this.parts.api.show(this.sitting.snapshot.id, this.#phaseEnd.signal)) ?? null;
  }

  // --- what goes on beside ----------------------------------------------------------------------------------------

  #saveFile(): void {
    const save = () => saveAnswersFile(this.parts.store, this.sitting.snapshot.id, this.#moves.unmade);
    void this.#saving.drafts.flush().then(save).then((isSaved) => this.parts.frame.banner("file", isSaved ? null : screens.noFile()));
  }

  #kickAll(): void {
    this.#moves.kick();
    this.#saving.kick();
    this.#heart.beat();
  }

  setConnected(connected: boolean): void {
    this.#line.setConnected(connected);
  }

  #tick(): void {
    const left = this.parts.clock.untilMs(this.#deadline);
    this.parts.frame.setTimeLeft(isRunning(this.#exam) ? left : null);
    if (left === 0 && isRunning(this.#exam)) this.#dispatch({ type: "ended", ending: "expired" });
    if (left !== null && left > 59_800 && left < 60_000) this.parts.frame.announce(`${roughly(60_000)} left`);
    this.#line.tick();
  }

  #state(): { position: number; uploads_pending: number; microphone: string } {
    const { phase } = this.#exam;
    const shown = phase.name === "part" ? this.#items.partItem : "item" in phase ? phase.item : null;
    const position = shown?.position ?? this.#moves.now.position;
    return { position, uploads_pending: this.#saving.status.pending, microphone: this.#microphone.word };
  }

  #felt(pulse: Pulse): void {
    if (this.#saving.status.trouble) this.#saving.kickRecordings();
    const known = this.#moves.heardVersion;
    const isNews = pulse.version === undefined ? pulse.state !== this.#moves.now.state : pulse.version > known;
    if (isNews) void this.#reread();
  }

  #hearNews(news: News): void {
    if (news.version <= this.#moves.heardVersion) return;
    const told = this.#moves.pending > 0 ? null : withNews(this.#moves.now, news, this.parts.clock.now());
    if (told) this.#takeWord(told);
    else void this.#reread();
  }

  #hearEpoch(epoch: number): void {
    if (epoch > (this.#moves.now.epoch ?? 0)) void this.yield();
  }

  #heartRefused(error: Refused): void {
    if (error.code === "attempt_elsewhere") void this.yield();
  }
}
