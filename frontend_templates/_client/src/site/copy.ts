/** `data-copy="#field"`: copies the field's text and says so; where the browser does not let it, the text is selected. */
export function startCopy(): void {
  document.addEventListener("click", (event) => {
    const button = event.target instanceof Element ? event.target.closest<HTMLElement>("[data-copy]") : null;
    const field = button ? document.querySelector<HTMLInputElement>(button.dataset["copy"] ?? "") : null;
    if (button && field) void copy(field, button);
  });
}

async function copy(field: HTMLInputElement, button: HTMLElement): Promise<void> {
  field.select();
  try {
    // Absent on plain http, which is why this may throw.
    await navigator.clipboard.writeText(field.value);
    button.textContent = "Copied";
  } catch {
    button.textContent = "Selected";
  }
}
