/** Plays, records and types one item: each returns when its part of the item is over. */
import { panel } from "./answers/panel";
import { PartScreen } from "./answers/part";
import type { PartNote } from "./answers/progress";
import { QUESTIONS, type AnswerTools } from "./answers/registry";
import { endsOwnAnswers } from "./conditions";
import type { Drafts } from "./drafts";
import type { Frame } from "./frame";
import { ItemScreen } from "./item_screen";
import { placeOf, promptMs, recordingId, segmentFor } from "./machine";
import type { MicrophoneCare } from "./mic_care";
import { record } from "./recorder";
import { sleep } from "./sleep";
import type { Sound } from "./sound";
import type { NoteStore, RecordingStore } from "./store";
import type { AttemptSnapshot, ItemView } from "./types";

const FEWEST_MS = 400;
const RETRY_MS = 500;
/** A little less than the server gives (HEAR_AGAIN_MS), for the way there. */
const HEAR_AGAIN_MS = 4500;

interface Options {
  frame: Frame;
  sound: Sound;
  store: RecordingStore & NoteStore;
  microphone: MicrophoneCare;
  drafts: Drafts;
  /** The recordings that the server has acknowledged to this device. */
  acknowledged: () => Iterable<string>;
  /** A fresh address for what has one only for some minutes. */
  renew: (pick: (fresh: AttemptSnapshot) => string | null | undefined) => Promise<string | null>;
  onRecorded: () => void;
  /** Whether the test has ended, so that nothing more will be answered. */
  isOver: () => boolean;
  /** The prompt once more, where that was granted; the item with its longer clock. */
  hearAgain: (position: number, number: number, signal: AbortSignal) => Promise<ItemView | null>;
}

export class ItemRunner {
  #screen: ItemScreen | null = null;
  #part: PartScreen | null = null;
  #take: Promise<unknown> = Promise.resolve();
  /** What this page has begun to record: no two takes of an item are one segment, whatever has left the device since. */
  readonly #begun = new Set<string>();

  constructor(private readonly options: Options) {}

  /** Resolves when what is being recorded is on the device. */
  get written(): Promise<unknown> {
    return this.#take.catch(() => undefined);
  }

  screenFor(snapshot: AttemptSnapshot, item: ItemView): ItemScreen {
    if (this.#screen?.item.position !== item.position || !this.#screen.element.isConnected) {
      const section = snapshot.sections.find((each) => each.letter === item.section_letter);
      this.#screen = new ItemScreen(item, section, snapshot.total_items, endsOwnAnswers(snapshot));
      this.options.frame.show(this.#screen.element, { focus: false });
    }
    return this.#screen;
  }

  async prompt(snapshot: AttemptSnapshot, item: ItemView, offsetMs: number, signal: AbortSignal): Promise<void> {
    const screen = this.screenFor(snapshot, item);
    const { sound, renew } = this.options;
    if (!item.prompt) return;
    screen.waitForPrompt(false);
    const again = () => renew((fresh) => fresh.item?.prompt?.url);
    const buffer = await sound.load(item.prompt.url, signal, (waiting) => screen.waitForPrompt(waiting), again);
    await this.#hear(screen, item, buffer, offsetMs, signal);
    for (let now: ItemView | null = item; now && (now.replays_left ?? 0) > 0; ) {
      if (!(await screen.offerAgain(now.replays_left ?? 0, HEAR_AGAIN_MS, signal))) return;
      now = await this.options.hearAgain(item.position, (now.heard ?? 0) + 1, signal);
      if (now) await this.#hear(screen, { ...now, prompt: item.prompt }, buffer, 0, signal);
    }
  }

  /** One hearing. The sound may be a little shorter than the item's prompt: what is left is silence before the answer. */
  async #hear(screen: ItemScreen, item: ItemView, buffer: AudioBuffer | null, offsetMs: number, signal: AbortSignal): Promise<void> {
    const startedAt = performance.now() - offsetMs;
    const timer = setInterval(() => screen.showPrompt(performance.now() - startedAt), 100);
    signal.addEventListener("abort", () => clearInterval(timer), { once: true });
    screen.showPrompt(offsetMs);
    const silent = (item.replays_left ?? 0) > 0 || (item.heard ?? 0) > 0 ? 0 : promptMs(item) - offsetMs;
    await Promise.all([this.options.sound.play(buffer, offsetMs, signal), sleep(silent, signal)]);
    clearInterval(timer);
  }

  /** Records until the window or the answer ends, by silence or by the candidate. A microphone that goes away and comes back makes a further segment. */
  async record(snapshot: AttemptSnapshot, item: ItemView, offsetMs: number, signal: AbortSignal): Promise<void> {
    const { microphone, onRecorded } = this.options;
    const screen = this.screenFor(snapshot, item);
    const startedAt = performance.now() - offsetMs;
    const elapsed = () => performance.now() - startedAt;
    const here = await this.#onDevice(snapshot.id);
    let finished = false;
    while (!finished && !screen.isEnded && item.window_ms - elapsed() > FEWEST_MS) {
      const from = elapsed();
      if (!microphone.live && !(await microphone.mend())) {
        screen.showNoMicrophone(from);
        await sleep(RETRY_MS, signal);
        continue;
      }
      screen.showRecording(from, 0, false);
      const segment = segmentFor(item.window_ms, from, this.#segmentsOf(snapshot, item.position, here));
      const id = recordingId(item.position, segment, crypto.randomUUID());
      this.#begun.add(id);
      const isRest = from > 0 && offsetMs > 0; // after a reload the answer may have begun
      const take = this.#takeOne(snapshot, item, { id, segment, from, isRest }, screen, signal);
      this.#take = take;
      const { endedBy, durationMs } = await take;
      onRecorded();
      finished = endedBy !== "microphone";
      if (finished || durationMs > 0) continue;
      this.#begun.delete(id);
      await sleep(RETRY_MS, signal);
    }
  }

  #takeOne(
    snapshot: AttemptSnapshot,
    item: ItemView,
    { id, segment, from, isRest }: { id: string; segment: number; from: number; isRest: boolean },
    screen: ItemScreen,
    signal: AbortSignal,
  ): ReturnType<typeof record> {
    const { microphone, store, sound } = this.options;
    return record(
      microphone.live!,
      store,
      {
        recordingId: id,
        attemptId: snapshot.id,
        position: item.position,
        segment,
        windowMs: item.window_ms - from,
        beginWithinMs: isRest ? 0 : item.begin_within_ms,
        silenceEndMs: item.silence_end_ms,
      },
      {
        onLevel: (rms, ms, heard) => screen.showRecording(from + ms, rms, heard),
        isEnded: () => screen.isEnded,
        onDead: (dead) => {
          microphone.tell(dead ? "silent" : null);
          if (dead) void sound.unlock(); // it may be the page that does not hear: the system has suspended its sound
        },
      },
      signal,
    );
  }

  /** An item that is typed or chosen: its own screen, until it is answered or its window ends. */
  async answer(snapshot: AttemptSnapshot, item: ItemView, offsetMs: number, signal: AbortSignal): Promise<void> {
    const tools = this.#answerTools(snapshot, item);
    const screen = panel(tools, QUESTIONS[item.task]!(tools));
    this.options.frame.show(screen.element);
    await this.#within(item, offsetMs, signal, (over) => screen.run(item, offsetMs, over));
    await this.options.drafts.flush();
  }

  /** A part with a time limit: its questions to and fro, until the candidate finishes it or its time ends. */
  async part(snapshot: AttemptSnapshot, items: readonly ItemView[], offsetMs: number, signal: AbortSignal): Promise<void> {
    const { store, frame, drafts } = this.options;
    const first = items[0]!;
    const name = `part:${first.section_letter}`;
    const began = performance.now();
    const kept = await store.findNote(snapshot.id, name).catch(() => null);
    if (signal.aborted) return;
    const screen = new PartScreen({
      items,
      section: snapshot.sections.find((each) => each.letter === first.section_letter),
      total: snapshot.total_items,
      note: kept ? (JSON.parse(new TextDecoder().decode(kept)) as PartNote) : null,
      contentOf: (item) => this.#contentOf(item),
      toolsFor: (item, onKept) => {
        const tools = this.#answerTools(snapshot, item);
        const keep = (content: unknown): void => {
          tools.keep(content);
          onKept();
        };
        return { ...tools, keep };
      },
      remember: (note) => void store.putNote(snapshot.id, name, new TextEncoder().encode(JSON.stringify(note))),
      announce: (text) => frame.announce(text),
    });
    this.#part = screen;
    frame.show(screen.element);
    const nowMs = offsetMs + performance.now() - began;
    await this.#within(first, nowMs, signal, (over) => screen.run(nowMs, over));
    if (!signal.aborted || this.options.isOver()) screen.keepBlanks();
    await drafts.flush();
  }

  /** The question of the open part that is on the screen. */
  get partItem(): ItemView | null {
    return this.#part?.item ?? null;
  }

  /** Runs until it resolves, or until the item's clock has ended. */
  async #within(item: ItemView, offsetMs: number, signal: AbortSignal, run: (over: AbortSignal) => Promise<void>): Promise<void> {
    const over = new AbortController();
    signal.addEventListener("abort", () => over.abort(signal.reason), { once: true });
    const timer = setTimeout(() => over.abort(), Math.max(0, promptMs(item) + item.window_ms - offsetMs));
    try {
      await run(over.signal);
    } catch (error) {
      if (!over.signal.aborted) throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  #contentOf(item: ItemView): unknown {
    return this.options.drafts.latest(item.position) ?? item.draft?.content ?? null;
  }

  #answerTools(snapshot: AttemptSnapshot, item: ItemView): AnswerTools {
    const { sound, frame, drafts, renew } = this.options;
    return {
      item,
      section: snapshot.sections.find((each) => each.letter === item.section_letter),
      total: snapshot.total_items,
      draft: this.#contentOf(item),
      keep: (content) => drafts.keep(item.position, content),
      announce: (text) => frame.announce(text),
      playPrompt: async (offsetMs, onWaiting, signal) => {
        if (!item.prompt) return;
        const again = () => renew((fresh) => fresh.item?.prompt?.url);
        const buffer = await sound.load(item.prompt.url, signal, onWaiting, again);
        await sound.play(buffer, offsetMs, signal);
      },
    };
  }

  /** The attempt's recordings that are here. None from a device that does not say: what it has told before is enough. */
  async #onDevice(attemptId: string): Promise<string[]> {
    const all = await this.options.store.list().catch(() => []);
    return all.filter((each) => each.attempt_id === attemptId).map((each) => each.recording_id);
  }

  /** Which segments of an item there are: of this page, of earlier ones, of other devices. News name no recordings. */
  #segmentsOf(snapshot: AttemptSnapshot, position: number, here: readonly string[]): number[] {
    const places = [...here, ...this.#begun, ...this.options.acknowledged(), ...snapshot.stored_recordings].map(placeOf);
    return places.filter((place) => place?.position === position).map((place) => place!.segment);
  }
}
