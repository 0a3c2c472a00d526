/** Recordings and typed answers on their way to the server, and the one line that says how much of both is there. */
import type { ExamApi } from "./api";
import { Drafts } from "./drafts";
import type { Heard } from "./fate";
import type { Frame } from "./frame";
import * as screens from "./screens";
import type { ExamStore } from "./store";
import { Uploader, type UploadStatus } from "./uploader";

export interface SavingStatus extends UploadStatus {
  /** Whether what is pending is on this device, and not in this page alone. */
  isKept: boolean;
}

interface Options {
  api: ExamApi;
  store: ExamStore;
  frame: Pick<Frame, "setUploads" | "banner">;
  attemptId: string;
  alreadyStored: readonly string[];
  epoch: () => number;
  /** Whether the server has heard of every move: before that it may not know yet that an item was opened. */
  isHeard: () => Heard;
  /** More or less waits than before. */
  onPending: () => void;
  wait?: (ms: number) => Promise<void>;
}

export class Saving {
  readonly drafts: Drafts;
  readonly #uploader: Uploader;
  #recordings: UploadStatus = { saved: 0, pending: 0, late: 0, refused: 0, trouble: null };
  #status: SavingStatus = { ...this.#recordings, isKept: true };
  #watcher: ((status: SavingStatus) => void) | null = null;

  constructor(private readonly options: Options) {
    const { api, store, attemptId, alreadyStored, epoch, isHeard, wait } = options;
    const waiting = wait ? { wait } : {};
    store.onKeeping = () => this.#show(this.#recordings);
    this.#uploader = new Uploader({ api, store, attemptId, alreadyStored, isHeard, ...waiting, onChange: (status) => this.#show(status) });
    this.drafts = new Drafts({ api, store, attemptId, epoch, isHeard, ...waiting, onChange: () => this.#show(this.#recordings) });
  }

  /** Of recordings and typed answers together. */
  get status(): SavingStatus {
    return this.#status;
  }

  /** The recordings that the server has acknowledged to this device. */
  get acknowledged(): ReadonlySet<string> {
    return this.#uploader.acknowledged;
  }

  /** What earlier pages left on this device. Call before anything else; what waits there is sent. */
  async open(): Promise<void> {
    await Promise.all([this.drafts.open(), this.#uploader.open()]);
    this.#uploader.kick();
  }

  /** Sends what waits, now. */
  kick(): void {
    this.#uploader.kick();
    this.drafts.kick();
  }

  kickRecordings(): void {
    this.#uploader.kick();
  }

  /** `watcher` is told how it stands, now and whenever that changes; null: nobody is any more. */
  watch(watcher: ((status: SavingStatus) => void) | null): void {
    this.#watcher = watcher;
    watcher?.(this.#status);
  }

  /** Resolves when nothing is left to send. */
  async drained(): Promise<void> {
    await Promise.all([this.#uploader.drained(), this.drafts.drained()]);
  }

  #show(recordings: UploadStatus): void {
    this.#recordings = recordings;
    const { waiting, acknowledged, late, refused } = this.drafts;
    const pending = recordings.pending + waiting;
    const isKept = this.options.store.keeps;
    const status = { ...recordings, pending, saved: recordings.saved + acknowledged.length, late: recordings.late + late, refused: recordings.refused + refused, isKept };
    const moved = pending !== this.#status.pending;
    if (isKept !== this.#status.isKept) this.options.frame.banner("storage", isKept ? null : screens.notKept());
    this.#status = status;
    this.options.frame.setUploads(status);
    this.#watcher?.(status);
    this.options.frame.banner("signed_out", status.trouble === "signed_out" ? screens.signedOut() : null);
    if (moved) this.options.onPending();
  }
}
