/** The device check: browser, microphone, speaker, connection. Each failure names its next step. */
import { isSpoken } from "./answers/registry";
import type { ExamApi } from "./api";
import { h, icon, Meter, type IconName } from "./dom";
import { Microphone, MicrophoneError, MICROPHONE_HELP, type MicrophoneTrouble } from "./microphone";
import { recordingType } from "./recorder";
import { button, card } from "./screens";
import type { Sound } from "./sound";
import type { AttemptSnapshot, DeviceCheck } from "./types";
import { meterOf } from "./voice";

type CheckName = keyof DeviceCheck;
const ORDER: { name: CheckName; label: string; icon: IconName }[] = [
  { name: "browser", label: "Browser", icon: "browser" },
  { name: "microphone", label: "Microphone", icon: "microphone" },
  { name: "speaker", label: "Sound", icon: "speaker" },
  { name: "connection", label: "Connection", icon: "network" },
];
const SAMPLE_MS = 4000;
const SLOW_MS = 1500;

export interface CheckTools {
  api: ExamApi;
  sound: Sound;
  snapshot: AttemptSnapshot;
  storageWorks: boolean;
  openMicrophone(): Promise<Microphone>;
}

/** Whether anything is spoken in this test: who only types needs no microphone. */
function speaks(snapshot: AttemptSnapshot): boolean {
  return snapshot.sections.some((section) => isSpoken(section.task));
}

export class CheckScreen {
  readonly element: HTMLElement;
  readonly #panel = h("div", { class: "exam-check-panel" });
  readonly #marks = new Map<CheckName, HTMLElement>();
  readonly #outcome: DeviceCheck = { browser: "failed:not_done", microphone: "failed:not_done", speaker: "failed:not_done", connection: "failed:not_done" };
  readonly #stop = new AbortController();

  constructor(private readonly tools: CheckTools) {
    const list = ORDER.filter((each) => each.name !== "microphone" || speaks(tools.snapshot)).map((each) => {
      const mark = h("li", { "data-state": "todo" }, icon(each.icon), h("span", {}, each.label), h("em", {}, ""));
      this.#marks.set(each.name, mark);
      return mark;
    });
    this.element = card(h("h1", { class: "exam-title" }, "Device check"), h("ol", { class: "exam-checks" }, ...list), this.#panel);
  }

  /** Resolves when all that this test needs have passed. */
  async run(): Promise<DeviceCheck> {
    await this.#checkBrowser();
    if (speaks(this.tools.snapshot)) await this.#checkMicrophone();
    else this.#outcome.microphone = "passed"; // nothing here that it could fail
    await this.#checkSpeaker();
    await this.#checkConnection();
    this.#stop.abort();
    return this.#outcome;
  }

  #mark(name: CheckName, state: "now" | "passed" | "failed", code?: string): void {
    const mark = this.#marks.get(name)!;
    mark.dataset.state = state;
    mark.querySelector("em")!.textContent = { now: "checking", passed: "works", failed: "needs help" }[state];
    if (state === "now") mark.setAttribute("aria-current", "step");
    else mark.removeAttribute("aria-current");
    if (state === "passed") this.#outcome[name] = "passed";
    if (state === "failed") this.#outcome[name] = `failed:${code ?? "unknown"}`;
  }

  #show(title: string, ...children: (Node | string | null)[]): void {
    const heading = h("h2", { tabindex: "-1" }, title);
    this.#panel.replaceChildren(heading, ...children.filter((child): child is Node | string => child !== null));
    heading.focus();
  }

  /** A failure with its steps; resolves when the candidate wants to try again. */
  #fail(name: CheckName, code: string, title: string, steps: readonly string[], again = "Try again"): Promise<void> {
    this.#mark(name, "failed", code);
    return new Promise((resolve) => {
      this.#show(
        title,
        h("ol", { class: "exam-steps" }, ...steps.map((text) => h("li", {}, text))),
        h("div", { class: "exam-actions" }, button(again, resolve)),
      );
    });
  }

  #ask(title: string, text: string, ...answers: [label: string, value: string][]): Promise<string> {
    return new Promise((resolve) => {
      this.#show(
        title,
        h("p", {}, text),
        h("div", { class: "exam-actions" }, ...answers.map(([label, value], index) => button(label, () => resolve(value), index === 0 ? "btn-primary btn-lg" : "btn-outline-secondary btn-lg"))),
      );
    });
  }

  async #checkBrowser(): Promise<void> {
    this.#mark("browser", "now");
    for (;;) {
      const fault = this.#browserFault();
      if (!fault) return this.#mark("browser", "passed");
      await this.#fail("browser", fault.code, fault.title, fault.steps, "Check again");
    }
  }

  #browserFault(): { code: string; title: string; steps: string[] } | null {
    if (!window.isSecureContext) {
      return { code: "insecure", title: "This address is not secure", steps: ["Open the test by the address that begins with https. Your campus admin knows it."] };
    }
    if ((speaks(this.tools.snapshot) && recordingType() === null) || !window.crypto?.subtle) {
      return { code: "no_recorder", title: "This browser cannot record", steps: ["Open this page in a current Chrome, Edge, Firefox or Safari.", "Inside another app (mail, chat), choose Open in browser."] };
    }
    if (!this.tools.storageWorks) {
      return { code: "no_storage", title: "This browser cannot keep your answers safe", steps: ["You may be in a private window: open the page in a normal one.", "Or free some space on this device, then load the page again."] };
    }
    return null;
  }

  async #checkMicrophone(): Promise<void> {
    for (;;) {
      this.#mark("microphone", "now");
      await new Promise<void>((resolve) => {
        this.#show("Your microphone", h("p", {}, "The browser will ask whether this page may use the microphone. Choose Allow."), h("div", { class: "exam-actions" }, button("Use my microphone", resolve)));
      });
      await this.tools.sound.unlock();
      try {
        if (await this.#tryMicrophone(await this.tools.openMicrophone())) return this.#mark("microphone", "passed");
      } catch (error) {
        if (!(error instanceof MicrophoneError)) throw error;
        await this.#failMicrophone(error.trouble);
      }
    }
  }

  #failMicrophone(trouble: MicrophoneTrouble): Promise<void> {
    return this.#fail("microphone", trouble, MICROPHONE_HELP[trouble].title, MICROPHONE_HELP[trouble].steps);
  }

  async #tryMicrophone(microphone: Microphone): Promise<boolean> {
    for (;;) {
      await this.#ask("Say a sentence", "Press Record and say: “I am ready for my test.” It records for 4 seconds, then you hear yourself.", ["Record", "record"]);
      const { blob, loudest } = await this.#sample(microphone);
      if (!microphone.isAlive) throw new MicrophoneError("ended");
      if (loudest < 1e-4) throw new MicrophoneError("silent");
      await this.#playBack(blob);
      const heard = await this.#ask("Could you hear yourself?", loudest < 0.008 ? "It was very soft. Move the microphone closer to your mouth." : "", ["Yes, clearly", "yes"], ["Record again", "again"], ["No", "no"]);
      if (heard === "yes") return true;
      if (heard === "no") {
        await this.#fail("microphone", "not_heard", "You did not hear yourself", [...MICROPHONE_HELP.silent.steps, "If the bars moved while you spoke, the sound output is the problem: turn it up and record again."], "Record again");
        this.#mark("microphone", "now");
      }
    }
  }

  async #sample(microphone: Microphone): Promise<{ blob: Blob; loudest: number }> {
    const meter = new Meter(32);
    const bar = h("progress", { max: String(SAMPLE_MS), value: "0", "aria-label": "Recording" });
    this.#show("Speak now", meter.element, bar);
    const recorder = new MediaRecorder(microphone.stream, { mimeType: recordingType()! });
    const pieces: Blob[] = [];
    recorder.addEventListener("dataavailable", ({ data }) => pieces.push(data));
    const startedAt = performance.now();
    const levels: number[] = [];
    recorder.start();
    await new Promise<void>((resolve) => {
      const timer = setInterval(() => {
        const elapsed = performance.now() - startedAt;
        const rms = microphone.level();
        microphone.floor.feed(rms, startedAt + elapsed);
        levels.push(rms);
        meter.set(meterOf(rms));
        bar.value = elapsed;
        if (elapsed < SAMPLE_MS && microphone.isAlive) return;
        clearInterval(timer);
        resolve();
      }, 50);
    });
    await new Promise<void>((resolve) => {
      if (recorder.state === "inactive") return resolve();
      recorder.addEventListener("stop", () => resolve(), { once: true });
      recorder.stop();
    });
    microphone.floor.learnVoice(levels);
    return { blob: new Blob(pieces, { type: recorder.mimeType }), loudest: Math.max(...levels) };
  }

  async #playBack(blob: Blob): Promise<void> {
    this.#show("Listen to yourself", h("div", { class: "exam-playing", "aria-hidden": "true" }, icon("speaker")));
    const { sound } = this.tools;
    const buffer = await sound.context.decodeAudioData(await blob.arrayBuffer());
    await sound.play(buffer, 0, this.#stop.signal);
  }

  async #checkSpeaker(): Promise<void> {
    for (;;) {
      this.#mark("speaker", "now");
      await this.#ask("Your sound", "Put your headset on. You will hear three rising notes.", ["Play the notes", "play"]);
      this.#show("Playing", h("div", { class: "exam-playing", "aria-hidden": "true" }, icon("speaker")));
      if (!(await this.tools.sound.chime(this.#stop.signal))) {
        await this.#fail("speaker", "no_output", "This device plays no sound", ["Plug your headset in, or switch it on if it is wireless.", "Close calls and other programs that use the sound: Zoom, Teams, Meet, WhatsApp.", "Then press Try again. If it stays so, load this page again, or use another device."]);
        continue;
      }
      const heard = await this.#ask("Did you hear three notes?", "Turn the sound up until they are comfortable.", ["Yes", "yes"], ["Play again", "again"], ["No", "no"]);
      if (heard === "yes") return this.#mark("speaker", "passed");
      if (heard === "no") {
        await this.#fail("speaker", "not_heard", "No sound yet", ["Turn the volume up, on the device and on the headset's cable.", "Plug the headset in again; choose it as the output in the sound settings.", "On a phone, switch silent mode off."]);
      }
    }
  }

  async #checkConnection(): Promise<void> {
    for (;;) {
      this.#mark("connection", "now");
      this.#show("Your connection", h("p", {}, "Testing, one moment …"));
      const fault = await this.#connectionFault();
      if (!fault) return this.#mark("connection", "passed");
      await this.#fail("connection", fault.code, fault.title, fault.steps);
    }
  }

  async #connectionFault(): Promise<{ code: string; title: string; steps: string[] } | null> {
    const steps = ["Check the network cable or the Wi-Fi.", "Move closer to the Wi-Fi, or use another network.", "Then press Try again."];
    const times: number[] = [];
    let snapshot = this.tools.snapshot;
    try {
      for (let round = 0; round < 3; round += 1) {
        const startedAt = performance.now();
        snapshot = await this.tools.api.once<AttemptSnapshot>("GET", `/attempts/${snapshot.id}`);
        times.push(performance.now() - startedAt);
      }
    } catch {
      return { code: "no_server", title: "The exam server does not answer", steps };
    }
    const url = snapshot.demonstration?.audio_url ?? snapshot.sections.find((section) => section.instructions_audio_url)?.instructions_audio_url;
    if (url && !(await this.#canFetch(url))) {
      return { code: "no_store", title: "The exam's sound files cannot be reached", steps: [...steps, "If it stays so, the network blocks the file server: tell your campus admin."] };
    }
    const median = times.sort((a, b) => a - b)[1] ?? 0;
    return median > SLOW_MS ? { code: "slow", title: "The connection is very slow", steps } : null;
  }

  async #canFetch(url: string): Promise<boolean> {
    try {
      return (await fetch(url, { credentials: "omit", signal: AbortSignal.timeout(10_000) })).ok;
    } catch {
      return false;
    }
  }
}
