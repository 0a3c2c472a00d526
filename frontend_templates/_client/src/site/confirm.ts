/**
 * `data-confirm="Question"` on a submit button (or link) asks first, in the layout's dialog; `data-confirm-yes` names
 * the button. `data-busy` on a submit button: sent once, and it says so. Without scripts both just submit.
 */
function ask(question: string, yes: string, title: string): Promise<boolean> {
  const dialog = document.querySelector<HTMLDialogElement>("#confirm-dialog");
  if (!dialog) return Promise.resolve(window.confirm(question));
  dialog.querySelector("#confirm-title")!.textContent = title;
  dialog.querySelector("#confirm-text")!.textContent = question;
  dialog.querySelector("#confirm-yes")!.textContent = yes;
  dialog.returnValue = "no";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true });
  });
}

function textOf(element: Element): string {
  return (element instanceof HTMLInputElement ? element.value : element.textContent ?? "").trim();
}

async function askThenGo(element: HTMLElement): Promise<void> {
  const label = textOf(element);
  const question = element.dataset.confirm ?? "";
  if (!(await ask(question, element.dataset.confirmYes ?? label, element.dataset.confirmTitle ?? `${label}?`))) return;
  element.dataset.confirmed = "yes";
  element.click();
  delete element.dataset.confirmed;
}

function showBusy(button: HTMLElement): void {
  button.setAttribute("aria-busy", "true");
  button.dataset.idleText = button.textContent ?? "";
  if (button.dataset.busy) button.textContent = button.dataset.busy;
}

function showIdle(): void {
  for (const form of document.querySelectorAll<HTMLFormElement>("form[data-sent]")) delete form.dataset.sent;
  for (const button of document.querySelectorAll<HTMLElement>("[aria-busy='true'][data-idle-text]")) {
    button.removeAttribute("aria-busy");
    button.textContent = button.dataset.idleText ?? "";
  }
}

export function startConfirm(): void {
  document.addEventListener("click", (event) => {
    const element = event.target instanceof Element ? event.target.closest<HTMLElement>("[data-confirm]") : null;
    if (!element || element.dataset.confirmed) return;
    if (element instanceof HTMLButtonElement && element.form && !element.form.reportValidity()) {
      event.preventDefault();
      return;
    }
    event.preventDefault();
    void askThenGo(element);
  });
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!(form instanceof HTMLFormElement) || event.defaultPrevented) return;
    if (form.method !== "post") return;
    if (form.dataset.sent) {
      event.preventDefault(); // a second click sends nothing twice
      return;
    }
    const button = event.submitter instanceof HTMLElement ? event.submitter : null;
    // A reply that is a download leaves the page standing: such forms say data-stays.
    if (form.dataset.stays !== undefined) return;
    form.dataset.sent = "yes";
    if (button?.dataset.busy !== undefined) showBusy(button);
  });
  // Back from the next page: the browser may show this one as it was left.
  window.addEventListener("pageshow", showIdle);
}
