/** The full screen, where a test asks for it and the device has one: taken within a click, offered again when it was left. */
import type { Frame } from "./frame";
import { button } from "./screens";

interface Options {
  frame: Pick<Frame, "banner">;
  /** Whether the test asks for it. */
  asks: () => boolean;
  /** Whether the banner may say it: the test runs here. */
  mayTell: () => boolean;
}

export class FullScreen {
  #isTold = false;

  constructor(private readonly options: Options) {
    document.addEventListener("fullscreenchange", () => this.show());
  }

  /** Within a click: browsers refuse it otherwise. Refused, the test goes on without. */
  take(): void {
    if (!this.#isWanted) return;
    void document.documentElement
      .requestFullscreen({ navigationUI: "hide" })
      .catch(() => undefined)
      .then(() => this.show());
  }

  leave(): void {
    if (document.fullscreenElement) void document.exitFullscreen().catch(() => undefined);
  }

  show(): void {
    const isLeft = this.#isWanted && this.options.mayTell();
    if (isLeft === this.#isTold) return;
    this.#isTold = isLeft;
    const back = button("Back to full screen", () => this.take());
    this.options.frame.banner(
      "full_screen",
      isLeft ? { icon: "warning", title: "This test is taken in full screen.", text: "Your answers are safe and your time goes on. That you left it is noted.", action: back } : null,
    );
  }

  get #isWanted(): boolean {
    return this.options.asks() && document.fullscreenEnabled && !document.fullscreenElement;
  }
}
