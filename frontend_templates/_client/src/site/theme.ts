/** Light or dark: the system's choice until the person makes one. The layout applies the same rule before first paint. */
const KEY = "viva-theme";
const system = matchMedia("(prefers-color-scheme: dark)");

function kept(): string | null {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null; // storage may be off; then the choice lasts for the page
  }
}

function apply(theme: "light" | "dark"): void {
  document.documentElement.setAttribute("data-bs-theme", theme);
  for (const button of document.querySelectorAll("[data-theme-switch]")) {
    button.setAttribute("aria-label", theme === "dark" ? "Switch to light colours" : "Switch to dark colours");
  }
}

export function startTheme(): void {
  apply(document.documentElement.getAttribute("data-bs-theme") === "dark" ? "dark" : "light");
  system.addEventListener("change", () => {
    if (kept() === null) apply(system.matches ? "dark" : "light");
  });
  document.addEventListener("click", (event) => {
    if (!(event.target instanceof Element) || !event.target.closest("[data-theme-switch]")) return;
    const next = document.documentElement.getAttribute("data-bs-theme") === "dark" ? "light" : "dark";
    try {
      // Back to what the system says = follow the system again.
      if ((next === "dark") === system.matches) localStorage.removeItem(KEY);
      else localStorage.setItem(KEY, next);
    } catch {
      /* lasts for this page only */
    }
    apply(next);
  });
}
