/** Moves on their way: kept on the device before anything else, sent in one batch, replayed in order when the network is back. */
import { Refused, type ExamApi } from "./api";
import { backoffMs, pause } from "./backoff";
import type { ServerClock } from "./clock";
import type { Heard } from "./fate";
import { mayGoOnAlone, standing, without, type FindItem, type Sitting } from "./sitting";
import { SITTING, type NoteStore } from "./store";
import type { AttemptSnapshot, Move } from "./types";

/** The server's own words for never. Whatever else refuses leaves the moves to the next page. */
const NEVER = new Set(["attempt_not_open", "item_not_current", "item_not_open", "invalid_input"]);

/** What a page that is loaded without network finds of the attempt. */
export interface KeptSitting extends Sitting {
  delivery_id: string;
  /** The server's clock less the device's, in ms. */
  offset_ms: number;
}

interface Options {
  api: Pick<ExamApi, "move">;
  store: NoteStore;
  clock: ServerClock;
  deliveryId: string;
  find: FindItem;
  onSnapshot: (snapshot: AttemptSnapshot) => void;
  onRefused: (error: Refused) => void;
  random?: () => number;
  wait?: (ms: number) => Promise<void>;
}

export class Moves {
  readonly #options: Options;
  #sitting: Sitting;
  #sending: Promise<void> | null = null;
  #writing: Promise<void> = Promise.resolve();
  #refused: Refused | null = null;

  constructor(options: Options, sitting: Sitting) {
    this.#options = options;
    this.#sitting = sitting;
    if (sitting.pending.length > 0) this.#send();
    else void this.#keep();
  }

  get pending(): number {
    return this.#sitting.pending.length;
  }

  /** Moves that the server has not made: of those that it refused, staff make what was in time (answers_file.ts). */
  get unmade(): readonly Move[] {
    return [...(this.#sitting.refused ?? []), ...this.#sitting.pending];
  }

  /** Whether the server has heard of all that it ever will from this page. */
  get heard(): Heard {
    return this.pending === 0 || (this.#refused ? "never" : false);
  }

  /** The version of the server's last word. */
  get heardVersion(): number {
    return this.#sitting.snapshot.version ?? 0;
  }

  /** The attempt as this page knows it. */
  get now(): AttemptSnapshot {
    return standing(this.#sitting, this.#options.find, this.#options.clock.now());
  }

  /** A newer word of the server's than that of a reply to moves. */
  learn(snapshot: AttemptSnapshot): void {
    this.#sitting = { ...this.#sitting, snapshot };
    void this.#keep();
  }

  /**
   * Makes these moves, now. Resolves with how the attempt stands after them: at once where this page may go on alone, else
   * when the server has answered. Rejects with the server's refusal.
   */
  async make(moves: readonly Omit<Move, "at">[], signal: AbortSignal): Promise<AttemptSnapshot> {
    const nowMs = this.#options.clock.now();
    const at = new Date(nowMs).toISOString();
    const { find } = this.#options;
    const goesOn = moves.every((move) => mayGoOnAlone(this.#sitting, move, find, nowMs));
    this.#sitting = { ...this.#sitting, pending: [...this.#sitting.pending, ...moves.map((move) => ({ ...move, at }))] };
    await this.#keep();
    this.#send();
    if (!goesOn) await this.#heard(signal);
    return this.now;
  }

  /** Resolves when the server has heard of everything. */
  async #heard(signal: AbortSignal): Promise<void> {
    while (this.pending > 0) {
      if (this.#refused) throw this.#refused;
      signal.throwIfAborted();
      this.#send();
      await Promise.race([this.#sending, aborted(signal)]);
    }
    if (this.#refused) throw this.#refused;
  }

  /** Call when the network is back. */
  kick(): void {
    if (this.pending > 0) this.#send();
  }

  async drained(): Promise<void> {
    await this.#heard(new AbortController().signal);
  }

  #send(): void {
    if (this.#refused) return;
    this.#sending ??= this.#sendAll().finally(() => {
      this.#sending = null;
    });
  }

  async #sendAll(): Promise<void> {
    const { api, random, wait } = this.#options;
    for (let tries = 1; this.pending > 0; tries += 1) {
      const batch = this.#sitting.pending;
      try {
        const snapshot = await api.move(this.#sitting.snapshot.id, batch);
        tries = 0;
        this.#sitting = { ...this.#sitting, snapshot, pending: without(this.#sitting.pending, batch) };
        await this.#keep();
        this.#options.onSnapshot(snapshot);
      } catch (error) {
        if (error instanceof Refused && error.code !== "attempt_paused") return this.#refuse(error);
        if (error instanceof Refused) this.#options.onRefused(error); // goes on by itself once the pause has ended
        await (wait ?? pause)(backoffMs(tries, random ?? Math.random));
      }
    }
  }

  /** Signed out, taken over: the moves stay for the next page. Those that never can be made are not sent again, and stay too. */
  async #refuse(error: Refused): Promise<void> {
    this.#refused = error;
    if (NEVER.has(error.code)) this.#sitting = { ...this.#sitting, pending: [], refused: this.unmade };
    await this.#keep();
    this.#options.onRefused(error);
  }

  #keep(): Promise<void> {
    const { store, clock, deliveryId } = this.#options;
    const kept: KeptSitting = { ...this.#sitting, delivery_id: deliveryId, offset_ms: clock.now() - Date.now() };
    const bytes = new TextEncoder().encode(JSON.stringify(kept));
    this.#writing = this.#writing.then(() => store.putNote(this.#sitting.snapshot.id, SITTING, bytes));
    return this.#writing;
  }
}

/** What an earlier page left of this attempt. */
export async function findSitting(store: NoteStore, attemptId: string): Promise<KeptSitting | null> {
  const bytes = await store.findNote(attemptId, SITTING);
  return bytes ? (JSON.parse(new TextDecoder().decode(bytes)) as KeptSitting) : null;
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
}
