/** Safe Exam Browser on macOS and iOS says through JavaScript what it says in a header elsewhere. */
interface SafeExamBrowser {
  security?: { configKey?: string; updateKeys?: (done: () => void) => void };
}

const WITHIN_MS = 1500;

function found(): SafeExamBrowser["security"] {
  return (globalThis as { SafeExamBrowser?: SafeExamBrowser }).SafeExamBrowser?.security;
}

/** Asks it to work out the key for this page's address; at once where there is no such browser. */
export async function readSafeBrowser(): Promise<void> {
  const security = found();
  if (!security?.updateKeys) return;
  await Promise.race([new Promise<void>((resolve) => security.updateKeys!(resolve)), new Promise((resolve) => setTimeout(resolve, WITHIN_MS))]);
}

/** The header with which a call shows the key; none in other browsers. */
export function safeBrowserHeader(): Record<string, string> {
  const key = found()?.configKey;
  return key ? { "X-Viva-Page-ConfigKeyHash": key } : {};
}
