import { beforeEach, describe, expect, it, vi } from "vitest";
import { whatToKeep } from "../src/exam/offline";

type Handler = (event: Record<string, unknown>) => void;

/** The worker in a world of its own: caches in maps, a network that answers from a table or is gone. */
async function load(network: Record<string, Response | Error>) {
  const handlers = new Map<string, Handler>();
  const stores = new Map<string, Map<string, Response>>();
  const pathOf = (key: string | Request) => new URL(typeof key === "string" ? key : key.url, "http://viva.test").pathname;
  const open = (name: string) => {
    const store = stores.get(name) ?? stores.set(name, new Map()).get(name)!;
    return {
      match: async (key: string | Request) => store.get(pathOf(key))?.clone(),
      put: async (key: string, reply: Response) => void store.set(pathOf(key), reply),
      add: async (key: string) => void store.set(pathOf(key), await fetched(key)),
    };
  };
  const fetched = async (key: string | Request) => {
    const found = network[pathOf(key)];
    if (!found || found instanceof Error) throw new TypeError("network");
    return found.clone();
  };
  vi.stubGlobal("self", { skipWaiting: async () => undefined, clients: { claim: async () => undefined }, location: new URL("http://viva.test/sit/worker.js"), addEventListener: (type: string, act: Handler) => handlers.set(type, act) });
  vi.stubGlobal("fetch", fetched);
  vi.stubGlobal("caches", {
    open: async (name: string) => open(name),
    keys: async () => [...stores.keys()],
    delete: async (name: string) => stores.delete(name),
    match: async (key: string | Request) => [...stores.values()].map((store) => store.get(pathOf(key))).find(Boolean)?.clone(),
  });
  vi.resetModules();
  await import("../src/exam/worker");
  return {
    stores,
    async keep(build: string, page: string, assets: string[]) {
      let work: Promise<unknown> = Promise.resolve();
      handlers.get("message")!({ data: { kind: "keep", build, page, assets }, ports: [], waitUntil: (given: Promise<unknown>) => (work = given) });
      await work;
    },
    async ask(path: string, { mode = "navigate", method = "GET" } = {}): Promise<string | null> {
      let reply: Promise<Response> | null = null;
      handlers.get("fetch")!({ request: { url: `http://viva.test${path}`, mode, method }, respondWith: (given: Promise<Response>) => (reply = given) });
      return reply ? (await (reply as Promise<Response>)).text() : null;
    },
  };
}

const page = (text: string) => new Response(text, { status: 200 });

describe("the service worker", () => {
  let network: Record<string, Response | Error>;
  beforeEach(() => {
    network = { "/sit/d1": page("exam"), "/static/dist/assets/main-1.js": page("code"), "/api/session": page("secret") };
  });

  it("loads the exam and its files without network once they were kept", async () => {
    const worker = await load(network);
    await worker.keep("1", "/sit/d1", ["/static/dist/assets/main-1.js"]);
    for (const path of Object.keys(network)) network[path] = new Error();
    expect(await worker.ask("/sit/d1")).toBe("exam");
    expect(await worker.ask("/static/dist/assets/main-1.js", { mode: "no-cors" })).toBe("code");
    await expect(worker.ask("/sit/another")).rejects.toThrow();
  });

  it("never answers for the API, for what changes something, or for other pages", async () => {
    const worker = await load(network);
    expect(await worker.ask("/api/session", { mode: "cors" })).toBeNull();
    expect(await worker.ask("/sit/d1", { method: "POST" })).toBeNull();
    expect(await worker.ask("/results")).toBeNull();
  });

  it("shows the network's page while there is one, and the kept one when the server fails", async () => {
    const worker = await load(network);
    await worker.keep("1", "/sit/d1", []);
    network["/sit/d1"] = page("exam of today");
    expect(await worker.ask("/sit/d1")).toBe("exam of today");
    network["/sit/d1"] = new Response("down", { status: 503 });
    expect(await worker.ask("/sit/d1")).toBe("exam");
  });

  it("keeps no sign-in page in the exam's place, and no files of another build", async () => {
    const worker = await load(network);
    await worker.keep("1", "/sit/d1", ["/static/dist/assets/main-1.js"]);
    const away = page("sign in");
    Object.defineProperty(away, "redirected", { value: true });
    away.clone = () => away;
    network["/sit/d2"] = away;
    await worker.keep("2", "/sit/d2", []);
    expect([...worker.stores.keys()]).toEqual(["viva-exam:2"]);
    expect(worker.stores.get("viva-exam:2")!.size).toBe(0);
  });
});

describe("what a page asks to be kept", () => {
  it("is itself and its built files, under the name of the build", () => {
    const files = ["/static/dist/assets/main-AB.js", "/static/dist/assets/main-AB.js", "/static/brand/icon.svg", "/api/attempts/1", "/sit/worker.js"];
    expect(whatToKeep({ pathname: "/sit/d1" }, files)).toEqual({
      kind: "keep", build: "main-AB.js", page: "/sit/d1", assets: ["/static/brand/icon.svg", "/static/dist/assets/main-AB.js"],
    });
  });
});
