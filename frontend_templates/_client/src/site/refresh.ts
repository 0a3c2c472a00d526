/**
 * A part of a page that asks for itself anew: `data-refresh-every` in seconds. It stands still while the page is hidden, and while
 * the keyboard is inside it; when no reply comes, `data-refresh-status` says since when the figures are old.
 */
export function startRefresh(): void {
  for (const part of document.querySelectorAll<HTMLElement>("[data-refresh-every]")) {
    const everyMs = 1000 * Math.max(2, Number(part.dataset.refreshEvery));
    let seenAt = new Date();
    const say = (text: string): void => {
      const status = document.querySelector("[data-refresh-status]");
      if (status && status.textContent !== text) status.textContent = text;
    };
    const ask = async (): Promise<void> => {
      if (document.hidden || part.contains(document.activeElement)) return;
      try {
        const reply = await fetch(location.href, { credentials: "same-origin", headers: { Accept: "text/html" } });
        if (!reply.ok || reply.redirected) throw new Error(`refresh ${reply.status}`);
        const fresh = new DOMParser().parseFromString(await reply.text(), "text/html").querySelector("[data-refresh-every]");
        if (!fresh) throw new Error("refresh without its part");
        if (fresh.innerHTML !== part.innerHTML && !part.contains(document.activeElement)) part.replaceChildren(...fresh.childNodes);
        seenAt = new Date();
        say("");
      } catch {
        say(`No connection: these figures are of ${seenAt.toLocaleTimeString()}.`);
      }
    };
    setInterval(() => void ask(), everyMs);
    document.addEventListener("visibilitychange", () => void ask());
  }
}
