/** The line about the network: whether the server answers, and the answers as a file where it has not for long. */
import type { Frame } from "./frame";
import * as screens from "./screens";

/** After this long without network, the answers are offered as a file. */
const LONG_OFFLINE_MS = 90_000;

interface Options {
  frame: Pick<Frame, "banner">;
  saveFile: () => void;
  /** The server answers again. */
  onBack: () => void;
}

export class Line {
  #offlineSince: number | null = null;

  constructor(private readonly options: Options) {}

  /** A reply from the server is the only proof that it is there. */
  setConnected(connected: boolean): void {
    if (connected === (this.#offlineSince === null)) return;
    this.#offlineSince = connected ? null : performance.now();
    this.options.frame.banner("offline", connected ? null : screens.offline());
    if (connected) this.options.onBack();
  }

  /** Call every now and then. */
  tick(): void {
    if (this.#offlineSince === null || performance.now() - this.#offlineSince <= LONG_OFFLINE_MS) return;
    this.#offlineSince = Infinity;
    this.options.frame.banner("offline", screens.offline(this.options.saveFile));
  }
}
