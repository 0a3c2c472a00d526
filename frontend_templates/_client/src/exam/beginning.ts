/** What comes before the clock: the device check, the example, the button that starts it. */
import { Refused, type ExamApi } from "./api";
import { CheckScreen } from "./checks";
import { minutesAndSeconds, type ServerClock } from "./clock";
import { timeFromNowMs } from "./conditions";
import type { Frame } from "./frame";
import type { MicrophoneCare } from "./mic_care";
import * as screens from "./screens";
import type { Sound } from "./sound";
import type { AttemptSnapshot } from "./types";

/** What changes while the candidate waits on this screen: the same button works then. */
const WAITS_HERE = new Set(["delivery_not_open", "identity_not_checked", "network_not_allowed"]);

interface Options {
  api: ExamApi;
  clock: ServerClock;
  frame: Frame;
  sound: Sound;
  storageWorks: boolean;
  microphone: MicrophoneCare;
  /** Within a click: unlocks sound and opens the microphone. */
  prepare: () => Promise<void>;
  renew: (pick: (fresh: AttemptSnapshot) => string | null | undefined) => Promise<string | null>;
}

export class Beginning {
  constructor(private readonly options: Options) {}

  /** Resolves when all checks have passed and the server knows it. */
  async check(snapshot: AttemptSnapshot, signal: AbortSignal): Promise<AttemptSnapshot> {
    const { api, sound, frame, storageWorks, microphone } = this.options;
    const screen = new CheckScreen({ api, sound, snapshot, storageWorks, openMicrophone: () => microphone.open() });
    frame.show(screen.element);
    return api.check(snapshot.id, await screen.run(), signal);
  }

  demonstrate(snapshot: AttemptSnapshot, signal: AbortSignal, onGo: () => void): void {
    const { sound, frame, renew } = this.options;
    const url = snapshot.demonstration?.audio_url ?? null;
    const play = async (): Promise<void> => {
      await sound.unlock();
      if (!url) return;
      screen.setPlaying(true);
      const buffer = await sound.load(url, signal, () => undefined, () => renew((fresh) => fresh.demonstration?.audio_url));
      await sound.play(buffer, 0, signal);
      screen.setPlaying(false);
    };
    const screen = screens.demonstration(snapshot, () => void play().catch(() => undefined), onGo);
    frame.show(screen.element);
  }

  /** Resolves when the candidate has started the clock. Rejects with a refusal that trying again does not mend. */
  ready(snapshot: AttemptSnapshot, signal: AbortSignal): Promise<AttemptSnapshot> {
    const { api, clock, frame, prepare } = this.options;
    return new Promise((resolve, reject) => {
      const begin = async (): Promise<void> => {
        await prepare();
        try {
          resolve(await api.begin(snapshot.id, signal));
        } catch (error) {
          if (error instanceof Refused && WAITS_HERE.has(error.code)) return screen.refuse(error.detail);
          reject(error as Error);
        }
      };
      const screen = screens.ready(snapshot, () => void begin());
      frame.show(screen.element);
      const look = (): void => {
        const left = clock.untilMs(snapshot.opens_at) ?? 0;
        screen.setOpening(left > 0 ? minutesAndSeconds(left) : null);
        screen.setTime(timeFromNowMs(snapshot, clock.now()));
        if (!signal.aborted && screen.element.isConnected) setTimeout(look, 500);
      };
      look();
    });
  }
}
