/**
 * A candidate sits the whole exam: enters, checks the devices, begins with the others, moves from item to item, records
 * or types, and hands in. The first part's package is fetched before the start, the others behind the exam; recordings
 * go behind the next item, what is typed is saved while it is typed, heartbeats run beside everything, as in the exam's client.
 */
import { createHash, randomBytes, randomUUID } from "node:crypto";
import { Browser, Failed } from "./browser.mjs";
import { Device } from "./device.mjs";
import { pause } from "./pause.mjs";
import { Room } from "./room.mjs";

const CHECKS = { browser: "passed", microphone: "passed", speaker: "passed", connection: "passed" };
/** How long after the start the coming part's package is fetched, and at most before each further one (packages.ts). */
const SOON_MS = 8000;
const SPREAD_MS = 16_000;
const GAP_MS = 20_000;
/** The pace for which they are meant; quicker exams fetch sooner. */
const USUAL_PACE_MS = 16_000;
const WORDS_A_SAVE = "because the bridge is ";

export class Candidate {
  /** `away(part, from, to)`: whether that part was away at some moment between. */
  constructor(plan, pass, figures, recording, away) {
    this.plan = plan;
    this.away = away;
    this.browser = new Browser(plan.address, pass, figures);
    this.device = new Device(this.browser, figures, (from, to) => away("objects", from, to));
    this.figures = figures;
    this.recording = recording;
    this.attempt = null;
    this.entered = 0;
    this.acknowledged = 0;
    this.journal = [];
    this.lost = null;
    this.position = 0;
    this.beating = null;
  }

  /** Before the start: the attempt is there and the devices are checked. */
  async enter(delivery_id) {
    this.attempt = null;
    await this.#carefully(async () => {
      const json = { client_id: randomUUID() };
      const snapshot = await this.browser.call("enter", "POST", `/deliveries/${delivery_id}/attempts`, { json });
      this.attempt = snapshot.id;
      this.entered += 1;
      this.epoch = snapshot.epoch;
      await this.#post("check", "check", CHECKS);
      this.parts = this.plan.fetches_packages ? snapshot.sections.map(({ letter }) => letter) : [];
      await this.#package(this.parts.shift());
      const since = performance.now();
      this.room = new Room(this.browser, "/exam", "join_attempt", { attempt_id: this.attempt });
      await this.room.entered;
      if (this.room.trouble) this.#silent("join", since);
      else this.figures.took("join", performance.now() - this.room.joined_ms);
    });
  }

  async sit() {
    if (this.attempt === null) return;
    const began = performance.now();
    const heart = setInterval(() => (this.beating = this.#beat()), this.plan.heartbeat_ms);
    await this.#carefully(async () => {
      const due = performance.now();
      await this.#post("begin", "begin", {});
      let { item, total_items } = await this.#move({ kind: "open", position: 0 });
      this.figures.took("start", due);
      const fetching = this.#fetchAhead();
      while (item) {
        const { position } = item;
        this.position = position;
        if (item.answer_kind === "recording") {
          await pause(this.#about(this.plan.pace_ms));
          this.#record(position);
        } else await this.#type(position, this.#about(this.plan.typing_ms));
        const next = position + 1 < total_items ? [{ kind: "open", position: position + 1 }] : [];
        ({ item } = await this.#move({ kind: "close", position }, ...next));
      }
      const { state } = await this.browser.call("hand_in", "GET", `/attempts/${this.attempt}`);
      if (state !== "submitted") throw new Failed(`state ${state}`);
      await fetching;
    });
    clearInterval(heart);
    await this.beating;
    if (this.room.trouble) this.#silent("room", began);
    this.room.leave();
  }

  /** After the last exam: waits until the device holds nothing any more. */
  async leave() {
    await this.#carefully(() => this.device.drained());
    this.browser.leave();
  }

  #move(...moves) {
    const at = new Date().toISOString();
    return this.#post("move", "moves", { moves: moves.map((move) => ({ ...move, at })) });
  }

  /** The packages of the parts after the first; no item waits for them. */
  #fetchAhead() {
    return this.#carefully(async () => {
      for (const [number, letter] of this.parts.entries()) {
        const wait_ms = number === 0 ? SOON_MS + SPREAD_MS * Math.random() : GAP_MS * Math.random();
        await pause(wait_ms * Math.min(1, this.plan.pace_ms / USUAL_PACE_MS));
        await this.#package(letter);
      }
    });
  }

  async #package(letter) {
    if (!letter) return;
    const { url } = await this.browser.call("package", "GET", `/attempts/${this.attempt}/packages/${letter}`);
    await this.browser.fetch("fetched", url);
  }

  #record(position) {
    const { attempt } = this;
    const bytes = unique(this.recording);
    const sha256 = hashOf(bytes);
    const recording_id = randomUUID();
    const headers = {
      "Upload-Offset": 0,
      "Upload-Length": bytes.length,
      "Upload-Digest": sha256,
      "X-Position": position,
      "X-Segment": 0,
      "X-Duration-Ms": this.plan.answer_ms,
      "Content-Type": this.plan.content_type,
    };
    this.device.keep(`/attempts/${attempt}/recordings/${recording_id}`, bytes, headers, () => {
      this.acknowledged += 1;
      this.journal.push({ attempt, position, recording_id, sha256 });
    });
  }

  /** Types without a pause for `ms`; each save holds the whole text, the last one comes before the item is closed. */
  async #type(position, ms) {
    const ends = performance.now() + ms;
    let text = "";
    for (let number = 1; ; number += 1) {
      await pause(Math.min(this.plan.save_ms, Math.max(0, ends - performance.now())));
      text += WORDS_A_SAVE;
      const json = { sequence: [this.epoch, number], content: { text } };
      await this.browser.call("save", "PUT", `/attempts/${this.attempt}/answers/${position}`, { json });
      this.acknowledged += 1;
      if (performance.now() < ends) continue;
      this.journal.push({ attempt: this.attempt, position, sequence: json.sequence, sha256: hashOf(text) });
      return;
    }
  }

  /** No live news since then: an error, unless the queue was away, which they need and nothing else does. */
  #silent(what, since) {
    if (this.away("queue", since, performance.now())) this.figures.note(`${what} without live news`);
    else this.figures.failed(what, this.room.trouble, "");
  }

  #beat() {
    const body = { position: this.position, uploads_pending: 0, microphone: "ok" };
    return this.#carefully(() => this.#post("heartbeat", "heartbeat", body));
  }

  #post(kind, what, json) {
    const headers = { "X-Attempt-Epoch": this.epoch };
    return this.browser.call(kind, "POST", `/attempts/${this.attempt}/${what}`, { json, headers });
  }

  /** Nobody is as quick as the next one. */
  #about(ms) {
    return ms * (0.7 + 0.6 * Math.random());
  }

  /** A candidate whom the server failed for good stops; the others go on. */
  async #carefully(step) {
    try {
      await step();
    } catch (error) {
      this.lost ??= error instanceof Failed ? error.message : String(error.stack);
    }
  }
}

function hashOf(bytes) {
  return createHash("sha256").update(bytes).digest("hex");
}

/** The recording with a mark of its own in an element that players pass over (EBML Void), so that no two are the same. */
function unique(recording) {
  const mark = randomBytes(16);
  return Buffer.concat([recording, Buffer.from([0xec, 0x80 | mark.length]), mark]);
}
