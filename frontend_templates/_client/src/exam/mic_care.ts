/** Keeps a working microphone: opens it, notices what goes wrong, says what to do, and takes it back when it returns. */
import type { Frame } from "./frame";
import { Microphone, MicrophoneError, MICROPHONE_HELP, type MicrophoneTrouble } from "./microphone";
import { button, microphoneHelp } from "./screens";
import type { Sound } from "./sound";

interface Options {
  sound: Pick<Sound, "context" | "unlock">;
  frame: Pick<Frame, "show" | "banner">;
  /** Whether the banner may say it: before an item opens, the whole screen does. */
  mayTell: () => boolean;
  onChange: () => void;
}

export class MicrophoneCare {
  #microphone: Microphone | null = null;
  #trouble: MicrophoneTrouble | null = null;

  constructor(private readonly options: Options) {
    // The list of devices changes when a headset is plugged in; the permission, when somebody allows the microphone again.
    navigator.mediaDevices?.addEventListener?.("devicechange", () => void this.mend());
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState === "visible") void this.mend();
    });
    void navigator.permissions
      ?.query({ name: "microphone" as PermissionName })
      .then((status) => status.addEventListener("change", () => (status.state === "denied" ? this.tell("denied") : void this.mend())))
      .catch(() => undefined); // Safari and Firefox do not tell
  }

  /** What the heartbeat says of it. */
  get word(): string {
    return this.#trouble ? `trouble:${this.#trouble}` : this.#microphone ? "ok" : "unknown";
  }

  /** The microphone if it delivers; a page that was in the background may have lost it without a word. */
  get live(): Microphone | null {
    return this.#microphone?.isAlive ? this.#microphone : null;
  }

  async open(): Promise<Microphone> {
    this.#microphone?.close();
    this.#microphone = null;
    try {
      this.#microphone = await Microphone.open(this.options.sound.context, (trouble) => this.tell(trouble));
    } catch (error) {
      if (error instanceof MicrophoneError) this.tell(error.trouble);
      throw error;
    }
    this.tell(null);
    return this.#microphone;
  }

  /**
   * Takes the microphone back if it went; says whether there is one now. A phone that had a call or another app in front
   * leaves the sound suspended and the microphone muted: both are asked for again.
   */
  async mend(): Promise<boolean> {
    await this.options.sound.unlock();
    if ((this.live && !this.live.track.muted) || (!this.#trouble && !this.#microphone)) return this.live !== null;
    return this.open().then(
      () => true,
      () => false,
    );
  }

  /** No item opens without a microphone: its window would run empty. */
  async need(signal: AbortSignal): Promise<void> {
    while (!this.live) {
      const opened = await this.open().catch(() => null);
      if (opened || signal.aborted) return;
      await new Promise<void>((resolve) => {
        this.options.frame.show(microphoneHelp(this.#trouble ?? "not_found", resolve));
        signal.addEventListener("abort", () => resolve(), { once: true });
        navigator.mediaDevices?.addEventListener?.("devicechange", () => resolve(), { once: true });
      });
    }
  }

  close(): void {
    this.#microphone?.close();
    this.#microphone = null;
  }

  tell(trouble: MicrophoneTrouble | null): void {
    if (this.#trouble === trouble) return;
    this.#trouble = trouble;
    this.show();
    this.options.onChange();
  }

  show(): void {
    const help = this.#trouble && this.options.mayTell() ? MICROPHONE_HELP[this.#trouble] : null;
    const reconnect = () => void this.open().catch(() => undefined);
    this.options.frame.banner(
      "microphone",
      help && {
        icon: "microphone",
        title: `${help.title}.`,
        text: help.steps[0] ?? "",
        tone: "red",
        action: button("Reconnect", reconnect, "btn-sm btn-outline-secondary"),
      },
    );
  }
}
