/**
 * One browser: its cookies, its token against forgery, its few connections kept open. Every call is timed; one that is
 * refused, or not answered, counts as an error and is sent again with pauses, as the exam's client does.
 */
import http from "node:http";

const CONNECTIONS = 2;
const TIMEOUT_MS = 30_000;
const TRIES = 6;

export class Failed extends Error {}

export class Browser {
  /** `root` stands before the paths of calls. */
  constructor(address, pass, figures, root = "/api") {
    this.root = root;
    this.url = new URL(address);
    this.cookies = new Map(Object.entries(pass.cookies));
    this.csrf = pass.csrf;
    this.figures = figures;
    this.agent = new http.Agent({ keepAlive: true, maxSockets: CONNECTIONS, maxFreeSockets: CONNECTIONS });
  }

  get cookieHeader() {
    return [...this.cookies].map(([name, value]) => `${name}=${value}`).join("; ");
  }

  /** The parsed reply of a call under `kind`. */
  async call(kind, method, path, { json, headers = {} } = {}) {
    const body = json === undefined ? undefined : JSON.stringify(json);
    const typed = json === undefined ? headers : { "Content-Type": "application/json", ...headers };
    const since = performance.now();
    for (let tries = 1; ; tries += 1) {
      const outcome = await this.send(method, path, body, typed);
      if (outcome.ok) {
        this.figures.took(kind, since);
        return outcome.body.length ? JSON.parse(outcome.body) : null;
      }
      this.refused(kind, outcome, tries);
      await new Promise((resolve) => setTimeout(resolve, 500 * tries));
    }
  }

  /** Counts a try that failed; Failed when there is no use in another. */
  refused(kind, outcome, tries) {
    this.figures.failed(kind, outcome.status || outcome.reason, outcome.body);
    const final = outcome.status >= 400 && outcome.status < 500 && outcome.status !== 429;
    if (final || tries >= TRIES) throw new Failed(`${kind} ${outcome.status || outcome.reason}`);
  }

  /** One try: its status, 0 when no reply came, and body. */
  async send(method, path, body, headers) {
    const outcome = await this.#send(method, path, body, headers);
    return { ...outcome, ok: outcome.status >= 200 && outcome.status < 300 };
  }

  /** Bytes from an address outside of the API, such as a prompt's sound. */
  async fetch(kind, url) {
    const began = performance.now();
    const outcome = await this.#send("GET", url, undefined, {}, new URL(url));
    if (outcome.status !== 200) return this.figures.failed(kind, outcome.status || outcome.reason, "");
    return this.figures.took(kind, began);
  }

  leave() {
    this.agent.destroy();
  }

  #send(method, path, body, headers, elsewhere = null) {
    const target = elsewhere ?? this.url;
    const ours = elsewhere
      ? {}
      : {
          Cookie: this.cookieHeader,
          Accept: "application/json",
          Origin: this.url.origin,
          ...(method === "GET" ? {} : { "X-CSRF-TOKEN": this.csrf }),
        };
    return new Promise((resolve) => {
      const request = http.request(
        {
          host: target.hostname,
          port: target.port,
          method,
          path: elsewhere ? elsewhere.pathname + elsewhere.search : this.root + path,
          agent: this.agent,
          timeout: TIMEOUT_MS,
          headers: { ...ours, ...headers, ...(body === undefined ? {} : { "Content-Length": Buffer.byteLength(body) }) },
        },
        (reply) => {
          const parts = [];
          reply.on("data", (part) => parts.push(part));
          reply.on("end", () => {
            this.#keep(reply.headers["set-cookie"]);
            resolve({ status: reply.statusCode, body: Buffer.concat(parts) });
          });
          reply.on("error", (error) => resolve({ status: 0, reason: error.code ?? "cut", body: "" }));
        },
      );
      request.on("timeout", () => request.destroy(Object.assign(new Error("timeout"), { code: "timeout" })));
      request.on("error", (error) => {
        // A kept connection that the server closed at this very moment: browsers send again, and so do we.
        if (error.code === "ECONNRESET" && request.reusedSocket) {
          this.figures.note("resent on a fresh connection");
          resolve(this.#send(method, path, body, headers, elsewhere));
        } else resolve({ status: 0, reason: error.code ?? "error", body: "" });
      });
      request.end(body);
    });
  }

  #keep(lines = []) {
    for (const line of lines) {
      const [pair] = line.split(";", 1);
      const at = pair.indexOf("=");
      this.cookies.set(pair.slice(0, at), pair.slice(at + 1));
    }
  }
}
