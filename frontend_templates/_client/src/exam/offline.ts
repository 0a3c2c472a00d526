/** Has the service worker keep this page and what it is built of, so that it loads without network. Best effort. */
import type { Keep } from "./worker";

const WORKER = "/sit/worker.js";

export async function keepThisPage(): Promise<boolean> {
  if (!navigator.serviceWorker || !window.isSecureContext) return false;
  try {
    await navigator.serviceWorker.register(WORKER, { scope: "/sit/" });
    const { active } = await navigator.serviceWorker.ready;
    if (!active) return false;
    const channel = new MessageChannel();
    const kept = new Promise<boolean>((resolve) => channel.port1.addEventListener("message", () => resolve(true), { once: true }));
    channel.port1.start();
    active.postMessage(whatToKeep(location, filesOf(document, performance)), [channel.port2]);
    return await kept;
  } catch {
    return false; // private windows and old browsers have none: the exam needs the network then to be loaded again
  }
}

export function whatToKeep(page: { pathname: string }, files: readonly string[]): Keep {
  const assets = [...new Set(files)].filter((file) => file.startsWith("/static/")).sort();
  // Built files carry their content's hash in their names, so their names are the build's name.
  const build = assets.filter((file) => /\/assets\/(main|exam)[^/]*\.(js|css)$/.test(file)).map((file) => file.replace(/^.*\//, "")).join("+");
  return { kind: "keep", build, page: page.pathname, assets };
}

/** Paths of everything that this page has loaded from here. */
function filesOf(page: Document, timings: Performance): string[] {
  const named = [...page.querySelectorAll<HTMLElement>("script[src], link[href]")].map((tag) => tag.getAttribute("src") ?? tag.getAttribute("href") ?? "");
  const loaded = timings.getEntriesByType("resource").map((entry) => entry.name);
  return [...named, ...loaded]
    .map((address) => new URL(address, location.href))
    .filter((address) => address.origin === location.origin)
    .map((address) => address.pathname);
}
