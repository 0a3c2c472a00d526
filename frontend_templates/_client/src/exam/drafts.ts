/** Answers that are typed or chosen: kept on the device within a second, with the server within five. */
import type { ExamApi } from "./api";
import { backoffMs, pause } from "./backoff";
import { fateOf, type Fate, type Heard } from "./fate";
import type { Sequence } from "./types";

export interface Draft {
  attempt_id: string;
  position: number;
  sequence: Sequence;
  content: unknown;
  changed_at: number;
  /**
   * waiting: only here; acknowledged: with the server; late: with the server, apart, for staff to decide about;
   * refused: only here, for a week, in case somebody asks
   */
  state: "waiting" | "acknowledged" | "late" | "refused";
}

export interface DraftStore {
  putDraft(draft: Draft): Promise<void>;
  listDrafts(attemptId: string): Promise<Draft[]>;
}

interface Options {
  api: Pick<ExamApi, "answer">;
  store: DraftStore;
  attemptId: string;
  epoch: () => number;
  /** Whether the server has heard of every move: before that it may not know yet that an item was opened. */
  isHeard?: () => Heard;
  onChange: () => void;
  random?: () => number;
  wait?: (ms: number) => Promise<void>;
}

type Outcome = "done" | Exclude<Fate, "late" | "refused">;

const TO_DEVICE_MS = 400;
const TO_SERVER_MS = 2500;

export class Drafts {
  readonly #options: Options;
  readonly #drafts = new Map<number, Draft>();
  readonly #unwritten = new Set<number>();
  #writeTimer: ReturnType<typeof setTimeout> | undefined;
  #sendTimer: ReturnType<typeof setTimeout> | undefined;
  #writing: Promise<void> = Promise.resolve();
  #sending: Promise<void> | null = null;
  /** Those whose request is on its way. */
  readonly #inFlight = new Map<Draft, Promise<Outcome>>();
  /** Answers to items that the server does not know to be reached: they wait for moves, and hold up no others. */
  readonly #unheard = new Set<Draft>();
  /** How often each was sent in vain: one that the server cannot take for now holds up no others either. */
  readonly #failures = new WeakMap<Draft, number>();

  constructor(options: Options) {
    this.#options = options;
  }

  /** What an earlier page left on this device. Call before anything else; what waits there is sent. */
  async open(): Promise<void> {
    for (const draft of await this.#options.store.listDrafts(this.#options.attemptId)) {
      if (!this.#drafts.has(draft.position)) this.#drafts.set(draft.position, draft);
    }
    this.kick();
  }

  /** The newest content on this device; undefined where there is none. */
  latest(position: number): unknown {
    return this.#drafts.get(position)?.content;
  }

  /** How many answers the server has not acknowledged yet, keeps apart as come too late, or refused. */
  get waiting(): number {
    return this.#count("waiting");
  }
  get late(): number {
    return this.#count("late");
  }
  get refused(): number {
    return this.#count("refused");
  }
  /** Positions that the server has acknowledged. */
  get acknowledged(): number[] {
    return [...this.#drafts.values()].filter((draft) => draft.state === "acknowledged").map((draft) => draft.position);
  }

  keep(position: number, content: unknown): void {
    const before = this.#drafts.get(position);
    const epoch = this.#options.epoch();
    const count = before && before.sequence[0] === epoch ? before.sequence[1] + 1 : 1;
    this.#drafts.set(position, {
      attempt_id: this.#options.attemptId,
      position,
      sequence: [epoch, count],
      content: structuredClone(content),
      changed_at: Date.now(),
      state: "waiting",
    });
    this.#unwritten.add(position);
    this.#writeTimer ??= setTimeout(() => void this.flush(), TO_DEVICE_MS);
    this.#sendTimer ??= setTimeout(() => this.kick(), TO_SERVER_MS);
    this.#options.onChange();
  }

  /** Writes to the device what was kept last; resolves when it is there. */
  flush(): Promise<void> {
    clearTimeout(this.#writeTimer);
    this.#writeTimer = undefined;
    const positions = [...this.#unwritten];
    this.#unwritten.clear();
    this.#writing = this.#writing.then(async () => {
      for (const position of positions) await this.#write(position);
    });
    return this.#writing;
  }

  /** Sends what waits, now: at an item's end, when the network is back. */
  kick(): void {
    clearTimeout(this.#sendTimer);
    this.#sendTimer = undefined;
    this.#sending ??= this.#send().finally(() => {
      this.#sending = null;
      if (this.#sendTimer === undefined && this.#sendable().length > 0) this.#sendTimer = setTimeout(() => this.kick(), TO_SERVER_MS);
    });
  }

  /** The page is hidden or goes: what is only here is written and sent at once, by requests that outlive the page. */
  leave(): void {
    void this.flush();
    for (const draft of this.#drafts.values()) if (draft.state === "waiting") void this.#sendOne(draft, true);
  }

  /** Resolves when nothing is left that this page can send. */
  async drained(): Promise<void> {
    await this.flush();
    while (this.#sendable().length > 0) {
      this.kick();
      await this.#sending;
      if (this.#sendable().length > 0) await this.#wait(1000);
    }
  }

  async #send(): Promise<void> {
    await this.flush();
    let tries = 0;
    if (this.#heard() === true) this.#unheard.clear();
    for (let next = this.#next(); next; next = this.#next()) {
      const outcome = await this.#sendOne(next);
      if (outcome === "signed_out") return; // somebody has to sign in first; the uploads' status says so
      if (outcome === "unheard") this.#unheard.add(next);
      if (outcome === "done") tries = 0;
      if (outcome === "again") {
        this.#failures.set(next, this.#failuresOf(next) + 1);
        tries += 1;
        await this.#wait(backoffMs(tries, this.#options.random ?? Math.random));
      }
    }
  }

  /** Once at a time each. */
  #sendOne(draft: Draft, isLeaving = false): Promise<Outcome> {
    const outcome = this.#inFlight.get(draft) ?? this.#tell(draft, isLeaving).finally(() => this.#inFlight.delete(draft));
    this.#inFlight.set(draft, outcome);
    return outcome;
  }

  async #tell(draft: Draft, isLeaving: boolean): Promise<Outcome> {
    try {
      await this.#options.api.answer(draft.attempt_id, draft.position, draft.sequence, draft.content, isLeaving);
      await this.#settle(draft, "acknowledged");
      return "done";
    } catch (error) {
      const fate = fateOf(error, this.#heard());
      if (fate !== "late" && fate !== "refused") return fate;
      await this.#settle(draft, fate);
      return "done";
    }
  }

  /** Unless it was changed meanwhile: then the newer one waits. */
  async #settle(draft: Draft, state: Draft["state"]): Promise<void> {
    if (this.#drafts.get(draft.position) !== draft) return;
    this.#drafts.set(draft.position, { ...draft, state });
    await this.#write(draft.position);
    this.#options.onChange();
  }

  async #write(position: number): Promise<void> {
    const draft = this.#drafts.get(position);
    if (draft) await this.#options.store.putDraft(draft);
  }

  /** The one that failed least, of these the oldest. */
  #next(): Draft | undefined {
    const waiting = [...this.#drafts.values()].filter((draft) => draft.state === "waiting" && !this.#unheard.has(draft));
    return waiting.sort((a, b) => this.#failuresOf(a) - this.#failuresOf(b) || a.changed_at - b.changed_at)[0];
  }

  #failuresOf(draft: Draft): number {
    return this.#failures.get(draft) ?? 0;
  }

  /** Without what waits for moves that this page cannot tell. */
  #sendable(): Draft[] {
    const isLeft = (draft: Draft): boolean => this.#heard() === "never" && this.#unheard.has(draft);
    return [...this.#drafts.values()].filter((draft) => draft.state === "waiting" && !isLeft(draft));
  }

  #heard(): Heard {
    return this.#options.isHeard?.() ?? true;
  }

  #count(state: Draft["state"]): number {
    return [...this.#drafts.values()].filter((draft) => draft.state === state).length;
  }

  #wait(ms: number): Promise<void> {
    return (this.#options.wait ?? pause)(ms);
  }
}
