/**
 * The exam's service worker: the page that sits an exam, and what it is built of, load without network after the first visit.
 * It answers for pages under /sit/ and built files only; never for the API, never with anything that somebody answered.
 */
const scope = self as unknown as WorkerScope;

const PREFIX = "viva-exam:";
const ASSETS = "/static/";
const NETWORK_WITHIN_MS = 6000;

/** As much of ServiceWorkerGlobalScope as is used here: its types exclude those of pages. */
interface WorkerScope {
  skipWaiting(): Promise<void>;
  clients: { claim(): Promise<void> };
  location: Location;
  addEventListener(type: "install" | "activate", act: (event: { waitUntil(work: Promise<unknown>): void }) => void): void;
  addEventListener(type: "message", act: (event: MessageEvent<Keep> & { waitUntil(work: Promise<unknown>): void }) => void): void;
  addEventListener(type: "fetch", act: (event: { request: Request; respondWith(reply: Promise<Response>): void }) => void): void;
}

/** What a page asks to be kept: itself, and every built file that it has loaded. `build` names the set. */
export interface Keep {
  kind: "keep";
  build: string;
  page: string;
  assets: string[];
}

scope.addEventListener("install", (event) => event.waitUntil(scope.skipWaiting()));
scope.addEventListener("activate", (event) => event.waitUntil(scope.clients.claim()));
scope.addEventListener("message", (event) => {
  if (event.data?.kind === "keep") event.waitUntil(keep(event.data).then(() => event.ports[0]?.postMessage("kept")));
});
scope.addEventListener("fetch", (event) => {
  const address = new URL(event.request.url);
  if (event.request.method !== "GET" || address.origin !== scope.location.origin) return;
  if (event.request.mode === "navigate" && address.pathname.startsWith("/sit/")) event.respondWith(pageOf(event.request, address.pathname));
  else if (address.pathname.startsWith(ASSETS)) event.respondWith(assetOf(event.request));
});

/** A page and its files are kept together, and sets of other builds go: a page never meets files of another build. */
async function keep({ build, page, assets }: Keep): Promise<void> {
  const cache = await caches.open(PREFIX + build);
  await Promise.all(
    assets.map(async (asset) => {
      if (!(await cache.match(asset))) await cache.add(asset);
    }),
  );
  const reply = await fetch(page, { credentials: "same-origin", cache: "no-store" });
  if (isWhole(reply)) await cache.put(page, reply);
  const names = await caches.keys();
  await Promise.all(names.filter((name) => name.startsWith(PREFIX) && name !== PREFIX + build).map((name) => caches.delete(name)));
}

/** The network's page; without network, or when it does not answer in time, the kept one. */
async function pageOf(request: Request, path: string): Promise<Response> {
  const kept = await caches.match(path);
  try {
    if (!kept) return await fetch(request);
    const reply = await within(fetch(request), NETWORK_WITHIN_MS);
    return reply.status >= 500 ? kept : reply;
  } catch (error) {
    if (kept) return kept;
    throw error;
  }
}

/** Built files have their content's hash in their name: a kept one is always right. Others only stand in. */
async function assetOf(request: Request): Promise<Response> {
  const kept = await caches.match(request, { ignoreVary: true });
  if (kept && new URL(request.url).pathname.startsWith("/static/dist/assets/")) return kept;
  try {
    return await fetch(request);
  } catch (error) {
    if (kept) return kept;
    throw error;
  }
}

/** Neither a refusal nor the sign-in page in its place. */
function isWhole(reply: Response): boolean {
  return reply.ok && !reply.redirected;
}

function within<T>(work: Promise<T>, ms: number): Promise<T> {
  return Promise.race([work, new Promise<never>((_, reject) => setTimeout(() => reject(new Error("slow")), ms))]);
}
