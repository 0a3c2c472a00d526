/**
 * `<table data-sortable>`: headings with `data-sort="text|number"` become buttons (a cell's `data-value` sorts instead of
 * its text). `<input data-filter="#table-id">` hides the rows that do not contain what was typed; a `[data-filter-count]`
 * beside it says how many are left.
 */
function valueOf(row: HTMLTableRowElement, column: number): string {
  const cell = row.cells[column];
  return cell ? (cell.dataset.value ?? cell.textContent ?? "").trim() : "";
}

function sortBy(table: HTMLTableElement, heading: HTMLTableCellElement): void {
  const body = table.tBodies[0];
  if (!body) return;
  const descending = heading.getAttribute("aria-sort") === "ascending";
  const numbers = heading.dataset.sort === "number";
  const order = new Intl.Collator("en", { numeric: true, sensitivity: "base" });
  const column = heading.cellIndex;
  const rows = [...body.rows];
  rows.sort((a, b) => {
    const [left, right] = [valueOf(a, column), valueOf(b, column)];
    if (left === "" || right === "") return Number(left === "") - Number(right === ""); // empty cells stay at the end
    const sign = numbers ? Number(left) - Number(right) : order.compare(left, right);
    return descending ? -sign : sign;
  });
  for (const other of table.querySelectorAll("th[aria-sort]")) other.removeAttribute("aria-sort");
  heading.setAttribute("aria-sort", descending ? "descending" : "ascending");
  body.append(...rows);
}

function makeSortable(table: HTMLTableElement): void {
  for (const heading of table.querySelectorAll<HTMLTableCellElement>("th[data-sort]")) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "viva-sort";
    button.append(...heading.childNodes);
    heading.append(button);
    button.addEventListener("click", () => sortBy(table, heading));
  }
}

function makeFilter(input: HTMLInputElement): void {
  const table = document.querySelector<HTMLTableElement>(input.dataset.filter ?? "");
  const count = input.parentElement?.querySelector<HTMLElement>("[data-filter-count]");
  if (!table) return;
  input.addEventListener("input", () => {
    const wanted = input.value.trim().toLocaleLowerCase();
    let left = 0;
    for (const row of table.tBodies[0]?.rows ?? []) {
      row.hidden = wanted !== "" && !(row.textContent ?? "").toLocaleLowerCase().includes(wanted);
      if (!row.hidden) left += 1;
    }
    if (count) count.textContent = wanted === "" ? "" : `${left} shown`;
  });
}

export function startTables(): void {
  document.querySelectorAll<HTMLTableElement>("table[data-sortable]").forEach(makeSortable);
  document.querySelectorAll<HTMLInputElement>("input[data-filter]").forEach(makeFilter);
  // A table that scrolls sideways must be reachable by keyboard.
  for (const box of document.querySelectorAll<HTMLElement>(".table-responsive")) {
    if (box.scrollWidth > box.clientWidth && !box.hasAttribute("tabindex")) {
      box.tabIndex = 0;
      box.setAttribute("role", "region");
      if (!box.hasAttribute("aria-label")) box.setAttribute("aria-label", box.querySelector("caption")?.textContent ?? "Table");
    }
  }
}
