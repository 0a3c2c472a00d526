import { NoiseFloor } from "./voice";

/** Why there is no sound from the microphone; sent to the server as "trouble:<code>". */
export type MicrophoneTrouble = "denied" | "not_found" | "in_use" | "unsupported" | "ended" | "muted" | "silent";

export class MicrophoneError extends Error {
  constructor(readonly trouble: MicrophoneTrouble) {
    super(trouble);
  }
}

// The browser's own cleaning is on: exam rooms have fans, neighbours, and loudspeakers that play the prompt.
const WANTED: MediaStreamConstraints = {
  audio: { channelCount: 1, echoCancellation: true, noiseSuppression: true, autoGainControl: true },
};

/** One open microphone with its level. `onTrouble` is told when the device goes or comes back (null). */
export class Microphone {
  readonly floor = new NoiseFloor();
  readonly #samples: Float32Array<ArrayBuffer>;
  #closed = false;

  private constructor(
    readonly stream: MediaStream,
    private readonly source: MediaStreamAudioSourceNode,
    private readonly analyser: AnalyserNode,
    onTrouble: (trouble: MicrophoneTrouble | null) => void,
  ) {
    this.#samples = new Float32Array(new ArrayBuffer(analyser.fftSize * 4));
    const track = this.track;
    track.addEventListener("ended", () => this.#closed || onTrouble("ended"));
    track.addEventListener("mute", () => this.#closed || onTrouble("muted"));
    track.addEventListener("unmute", () => this.#closed || onTrouble(null));
  }

  static async open(context: AudioContext, onTrouble: (trouble: MicrophoneTrouble | null) => void): Promise<Microphone> {
    if (!navigator.mediaDevices?.getUserMedia) throw new MicrophoneError("unsupported");
    let stream: MediaStream;
    try {
      stream = await navigator.mediaDevices.getUserMedia(WANTED);
    } catch (error) {
      throw new MicrophoneError(troubleOf(error));
    }
    const source = context.createMediaStreamSource(stream);
    const analyser = context.createAnalyser();
    analyser.fftSize = 2048;
    source.connect(analyser);
    return new Microphone(stream, source, analyser, onTrouble);
  }

  get track(): MediaStreamTrack {
    return this.stream.getAudioTracks()[0]!;
  }

  get isAlive(): boolean {
    return this.track.readyState === "live";
  }

  /** Whether `level` tells what sounds now: not while a call mutes the track, or the system has suspended the sound. */
  get isHeard(): boolean {
    return !this.track.muted && this.analyser.context.state === "running";
  }

  /** RMS of the last 40 ms or so. */
  level(): number {
    this.analyser.getFloatTimeDomainData(this.#samples);
    let sum = 0;
    for (const sample of this.#samples) sum += sample * sample;
    return Math.sqrt(sum / this.#samples.length);
  }

  close(): void {
    this.#closed = true;
    this.source.disconnect();
    for (const track of this.stream.getTracks()) track.stop();
  }
}

function troubleOf(error: unknown): MicrophoneTrouble {
  const name = error instanceof Error ? error.name : "";
  if (name === "NotAllowedError" || name === "SecurityError") return "denied";
  if (name === "NotFoundError" || name === "OverconstrainedError") return "not_found";
  if (name === "NotReadableError" || name === "AbortError") return "in_use";
  return "unsupported";
}

/** What to say, and what to do next. */
export const MICROPHONE_HELP: Record<MicrophoneTrouble, { title: string; steps: string[] }> = {
  denied: {
    title: "The browser does not let this page use the microphone",
    steps: [
      "Press the lock or microphone sign beside the address at the top, and allow the microphone.",
      "On an iPhone or iPad: Settings, Apps, Safari, Microphone, Allow. On Android: the padlock, then Permissions.",
      "Then press Try again. If it stays blocked, load this page again.",
    ],
  },
  not_found: {
    title: "No microphone was found",
    steps: ["Plug in your headset, or switch it on if it is wireless.", "Wait for the computer to notice it, then press Try again."],
  },
  in_use: {
    title: "Another program is using the microphone",
    steps: ["Close calls and recorders: Zoom, Teams, Meet, WhatsApp, other tabs.", "Then press Try again. If that does not help, unplug the headset and plug it in again."],
  },
  unsupported: {
    title: "This browser cannot use the microphone here",
    steps: ["Open this page in a current Chrome, Edge, Firefox or Safari.", "Inside another app (mail, chat), choose Open in browser."],
  },
  ended: {
    title: "The microphone was disconnected",
    steps: ["Plug the headset in again, or switch it on.", "The test goes on by itself as soon as the microphone is back."],
  },
  muted: {
    title: "The microphone is switched off",
    steps: ["Look for a mute switch on the headset, the cable or the keyboard.", "On a phone, end any call."],
  },
  silent: {
    title: "The microphone delivers no sound",
    steps: [
      "Look for a mute switch on the headset or the cable.",
      "In the computer's sound settings, choose the right microphone and turn its level up.",
      "On an iPhone or iPad, close the other apps that use the microphone and load this page again.",
    ],
  },
};
