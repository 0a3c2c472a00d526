import "./exam.scss";
import "./answers/screens";
import { ExamApi, Refused } from "./api";
import { ServerClock } from "./clock";
import { DeviceStore } from "./device_store";
import { enterSitting } from "./entry";
import { Frame } from "./frame";
import { holdAlone } from "./lock";
import { keepThisPage } from "./offline";
import { oversee } from "./overseen";
import { readSafeBrowser } from "./safe_browser";
import { BROKEN, loading, stopped } from "./screens";
import { Session } from "./session";
import { Sound } from "./sound";
import { MemoryStore, type ExamStore } from "./store";

interface Config {
  delivery_id: string;
  /** Whose page this is, also when it is loaded without network on a machine that several use. */
  account: string;
  csrf: string;
  api: string;
  home: string;
}

const config = JSON.parse(document.getElementById("exam-config")?.textContent ?? "{}") as Config;

async function openStore(): Promise<{ store: ExamStore; storageWorks: boolean }> {
  try {
    if (!window.crypto?.subtle) throw new Error("insecure"); // nothing is kept that cannot be sealed
    return { store: await DeviceStore.open(config.account), storageWorks: true };
  } catch {
    return { store: new MemoryStore(), storageWorks: false };
  }
}

async function start(): Promise<void> {
  const frame = new Frame();
  frame.show(loading("Opening your test"), { focus: false });
  let session: Session | null = null;
  const api = new ExamApi({ base: config.api, csrf: config.csrf, onConnection: (connected) => session?.setConnected(connected) });
  const clock = new ServerClock();
  const { delivery_id: deliveryId, home } = config;
  try {
    await holdAlone(async () => (session ? session.yield() : undefined));
    const { store, storageWorks } = await openStore();
    const onWaiting = () => frame.show(loading("Waiting for the network"), { focus: false });
    await readSafeBrowser();
    const sitting = await enterSitting({ api, store, clock, deliveryId, onWaiting });
    api.onPulse = oversee({ api, clock, frame, attemptId: sitting.snapshot.id });
    session = new Session({ api, clock, frame, sound: new Sound(), store, storageWorks, deliveryId, home }, sitting);
    window.addEventListener("beforeunload", (event) => {
      if (session?.hasUnsaved) event.preventDefault();
    });
    await session.start();
    void keepThisPage().then((kept) => (document.body.dataset.offline = kept ? "ready" : "none"));
  } catch (error) {
    const isRefusal = error instanceof Refused;
    frame.show(stopped(isRefusal ? { code: error.code, title: error.title, detail: error.detail } : BROKEN, config.home));
    if (!isRefusal) throw error;
  }
}

void start();
