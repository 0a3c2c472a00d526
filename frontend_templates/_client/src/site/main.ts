import "@fontsource-variable/inter/wght.css";
import "./site.scss";
import "bootstrap/js/src/collapse.js";
import "bootstrap/js/src/dropdown.js";
import "bootstrap/js/src/tab.js";
import { startConfirm } from "./confirm";
import { startCopy } from "./copy";
import { startPlayback } from "./playback";
import { startRefresh } from "./refresh";
import { startRescue } from "./rescue";
import { startTables } from "./tables";
import { startTheme } from "./theme";

/** The focus goes to the mistakes, each after the name of its field. */
function focusMistakes(): void {
  const summary = document.querySelector<HTMLElement>("[data-error-summary]");
  for (const link of summary?.querySelectorAll<HTMLAnchorElement>("a[href^='#']") ?? []) {
    const label = document.querySelector(`label[for="${CSS.escape(link.hash.slice(1))}"]`)?.firstChild?.textContent?.trim();
    if (label) link.prepend(`${label}: `);
  }
  summary?.focus();
}

function dismissAlerts(): void {
  document.addEventListener("click", (event) => {
    const button = event.target instanceof Element ? event.target.closest("[data-dismiss-alert]") : null;
    button?.closest(".alert")?.remove();
  });
}

/** The keyboard follows a link to a field into the field itself. */
function followErrorLinks(): void {
  document.addEventListener("click", (event) => {
    const link = event.target instanceof Element ? event.target.closest<HTMLAnchorElement>("[data-error-summary] a[href^='#']") : null;
    const field = link ? document.getElementById(link.hash.slice(1)) : null;
    if (!field) return;
    event.preventDefault();
    field.focus();
  });
}

function wayBack(): void {
  document.addEventListener("click", (event) => {
    if (!(event.target instanceof Element)) return;
    if (event.target.closest("[data-go-back]")) history.back();
    else if (event.target.closest("[data-reload]")) location.reload();
  });
}

startTheme();
wayBack();
startConfirm();
startCopy();
startTables();
startPlayback();
startRefresh();
dismissAlerts();
followErrorLinks();
focusMistakes();
void startRescue();
