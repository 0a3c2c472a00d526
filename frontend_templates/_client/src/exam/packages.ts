/**
 * The items of a part with their sounds, fetched ahead while they are sealed; the server tells the key when the part begins.
 * A package is `4 bytes: length of the head || head as JSON || sounds, one after another`.
 */
import type { ExamApi } from "./api";
import { backoffMs, pause } from "./backoff";
import { Seal, type Bytes } from "./sealing";
import type { PackedItem } from "./sitting";
import { PACKAGE, type NoteStore } from "./store";

interface Head {
  letter: string;
  items: PackedItem[];
  sounds: { name: string; size: number }[];
}

interface Options {
  api: Pick<ExamApi, "packageOf">;
  store: NoteStore;
  attemptId: string;
  /** Where sounds of opened packages are looked for by their address. */
  keepSound: (address: string, bytes: Bytes) => void;
  load?: (url: string) => Promise<Bytes>;
  random?: () => number;
  wait?: (ms: number) => Promise<void>;
}

const TRIES = 8;
/** When the coming part is fetched, after one began: a college's candidates begin in the same moment, and that is over then. */
const SOON_MS = 8000;
const SPREAD_MS = 16_000;
/** Up to so long before each of those after it. */
const GAP_MS = 20_000;
/** Whoever comes back while the store is away goes on without the package, item by item. */
const PATIENCE_MS = 3000;

export class Packages {
  readonly #options: Options;
  readonly #items = new Map<number, PackedItem>();
  readonly #fetching = new Map<string, Promise<Bytes | null>>();
  readonly #opened = new Set<string>();
  #isFetchingAhead = false;

  constructor(options: Options) {
    this.#options = options;
  }

  readonly find = (position: number): PackedItem | null => this.#items.get(position) ?? null;

  /** Fetches the part's package to this device, unless it is here. Behind the exam: nothing waits for it, nothing fails with it. */
  prefetch(letter: string): Promise<Bytes | null> {
    const known = this.#fetching.get(letter);
    if (known) return known;
    const fetching = this.#fetch(letter).then((bytes) => {
      if (!bytes) this.#fetching.delete(letter);
      return bytes;
    });
    this.#fetching.set(letter, fetching);
    return fetching;
  }

  /** Fetches these parts one after another, the nearest first, so that no store is needed any more when they begin. */
  async fetchAhead<Part extends { letter: string }>(parts: readonly Part[], onFetched: (part: Part) => void): Promise<void> {
    if (this.#isFetchingAhead) return;
    this.#isFetchingAhead = true;
    const { random = Math.random, wait = pause } = this.#options;
    for (const [number, part] of parts.entries()) {
      if (!this.#fetching.has(part.letter)) await wait(number === 0 ? SOON_MS + SPREAD_MS * random() : GAP_MS * random());
      await this.prefetch(part.letter);
      onFetched(part);
    }
    this.#isFetchingAhead = false;
  }

  /** Opens the part's package with the key that the server told; without package or with a wrong key nothing changes. */
  async unlock(letter: string, key: string): Promise<boolean> {
    if (this.#opened.has(letter)) return true;
    const sealed = await Promise.race([this.prefetch(letter), pause(PATIENCE_MS).then(() => null)]);
    if (!sealed) return false;
    try {
      this.#take(await (await Seal.from(key)).open(`package:${letter}`, sealed));
    } catch {
      return false; // of another build or key: the server gives each item by itself then
    }
    this.#opened.add(letter);
    return true;
  }

  #take(bytes: Bytes): void {
    const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0);
    const head = JSON.parse(new TextDecoder().decode(bytes.subarray(4, 4 + length))) as Head;
    let at = 4 + length;
    for (const { name, size } of head.sounds) {
      this.#options.keepSound(name, bytes.slice(at, at + size));
      at += size;
    }
    for (const item of head.items) this.#items.set(item.position, item);
  }

  async #fetch(letter: string): Promise<Bytes | null> {
    const { api, store, attemptId, random, wait } = this.#options;
    const name = `${PACKAGE}${letter}`;
    const here = await store.findNote(attemptId, name).catch(() => null);
    if (here) return here;
    for (let tries = 1; tries <= TRIES; tries += 1) {
      try {
        const { url } = await api.packageOf(attemptId, letter);
        const bytes = await (this.#options.load ?? loadBytes)(url);
        await store.putNote(attemptId, name, bytes);
        return bytes;
      } catch {
        await (wait ?? pause)(backoffMs(tries, random ?? Math.random, { first: 1000, most: 30_000 }));
      }
    }
    return null;
  }
}

async function loadBytes(url: string): Promise<Bytes> {
  const reply = await fetch(url, { credentials: "omit", signal: AbortSignal.timeout(60_000) });
  if (!reply.ok) throw new Error("no_package");
  return new Uint8Array(await reply.arrayBuffer());
}
