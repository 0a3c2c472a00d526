/** Only the rows that can be seen are in the page: a thousand candidates cost as much as twenty. */

export interface Range {
  first: number;
  /** One past the last. */
  end: number;
}

const OVERSCAN = 6;

/** Which of `count` rows of `rowPx` each are seen in a window of `heightPx` that is scrolled to `scrollPx`. */
export function visibleRange(scrollPx: number, heightPx: number, rowPx: number, count: number, overscan = OVERSCAN): Range {
  if (count === 0 || rowPx <= 0) return { first: 0, end: 0 };
  const top = Math.min(Math.max(0, scrollPx), Math.max(0, count * rowPx - heightPx));
  const first = Math.max(0, Math.floor(top / rowPx) - overscan);
  const end = Math.min(count, Math.ceil((top + heightPx) / rowPx) + overscan);
  return { first, end };
}

/** How far to scroll so that the row can be seen whole; null where it is. */
export function scrollToShow(index: number, scrollPx: number, heightPx: number, rowPx: number): number | null {
  const top = index * rowPx;
  if (top < scrollPx) return top;
  if (top + rowPx > scrollPx + heightPx) return top + rowPx - heightPx;
  return null;
}

/** Where the arrow keys, Page, Home and End lead; null for other keys. */
export function stepOf(key: string, index: number, count: number, page: number): number | null {
  const to = { ArrowDown: index + 1, ArrowUp: index - 1, PageDown: index + page, PageUp: index - page, Home: 0, End: count - 1 }[key];
  return to === undefined ? null : Math.min(count - 1, Math.max(0, to));
}

export interface Drawer<Item> {
  keyOf(item: Item): string;
  /** A new row, empty. */
  build(item: Item): HTMLElement;
  /** Brings the row up to date; called often, so it touches only what has changed. */
  draw(element: HTMLElement, item: Item): void;
}

/** `scroller` scrolls, `body` holds the rows; every row has the height of the first one that is drawn. */
export class VirtualList<Item> {
  #items: readonly Item[] = [];
  readonly #indexes = new Map<string, number>();
  readonly #elements = new Map<string, HTMLElement>();
  #rowPx = 0;
  #frame = 0;

  constructor(
    private readonly scroller: HTMLElement,
    private readonly body: HTMLElement,
    private readonly drawer: Drawer<Item>,
  ) {
    scroller.addEventListener("scroll", () => this.#soon(), { passive: true });
    new ResizeObserver(() => this.#measure()).observe(scroller);
    body.addEventListener("keydown", (event) => this.#onKey(event));
  }

  get drawn(): number {
    return this.#elements.size;
  }

  show(items: readonly Item[]): void {
    this.#items = items;
    this.#indexes.clear();
    items.forEach((item, index) => this.#indexes.set(this.drawer.keyOf(item), index));
    this.#render();
  }

  /** The item has changed, its place has not. */
  refresh(item: Item): void {
    const key = this.drawer.keyOf(item);
    const index = this.#indexes.get(key);
    if (index === undefined) return;
    (this.#items as Item[])[index] = item;
    const element = this.#elements.get(key);
    if (element) this.drawer.draw(element, item);
  }

  redraw(): void {
    for (const [key, element] of this.#elements) {
      const item = this.#items[this.#indexes.get(key) ?? -1];
      if (item) this.drawer.draw(element, item);
    }
  }

  #soon(): void {
    this.#frame ||= requestAnimationFrame(() => {
      this.#frame = 0;
      this.#render();
    });
  }

  /** The height of a row is the style sheet's business: it changes with the width of the window. */
  #measure(): void {
    this.#rowPx = 0;
    this.#render();
  }

  #render(): void {
    if (this.#rowPx === 0 && this.#items[0]) {
      const probe = this.#elementOf(this.#items[0]);
      if (!probe.isConnected) this.body.append(probe);
      this.#rowPx = probe.getBoundingClientRect().height;
    }
    this.body.style.height = `${this.#items.length * this.#rowPx}px`;
    const range = visibleRange(this.scroller.scrollTop, this.scroller.clientHeight, this.#rowPx, this.#items.length);
    const wanted = new Map<string, number>();
    for (let index = range.first; index < range.end; index += 1) wanted.set(this.drawer.keyOf(this.#items[index]!), index);
    // The row that has the focus stays, wherever it went: or the keyboard would start anew at the top of the page.
    const focused = this.#focusedKey();
    const focusedAt = focused === null ? undefined : this.#indexes.get(focused);
    if (focused !== null && focusedAt !== undefined) wanted.set(focused, focusedAt);
    for (const [key, element] of this.#elements) {
      if (wanted.has(key)) continue;
      element.remove();
      this.#elements.delete(key);
    }
    this.#place([...wanted.entries()].sort((a, b) => a[1] - b[1]), focused);
  }

  #place(rows: [string, number][], focused: string | null): void {
    const active = document.activeElement;
    let cursor: Element | null = this.body.firstElementChild;
    for (const [, index] of rows) {
      const item = this.#items[index]!;
      const element = this.#elementOf(item);
      this.drawer.draw(element, item);
      element.setAttribute("aria-rowindex", String(index + 2)); // the headings are the first row
      element.style.transform = `translateY(${index * this.#rowPx}px)`;
      if (cursor === element) cursor = cursor.nextElementSibling;
      else this.body.insertBefore(element, cursor);
    }
    if (focused !== null && active instanceof HTMLElement && document.activeElement !== active) active.focus({ preventScroll: true });
  }

  #elementOf(item: Item): HTMLElement {
    const key = this.drawer.keyOf(item);
    let element = this.#elements.get(key);
    if (!element) {
      element = this.drawer.build(item);
      element.dataset.key = key;
      this.#elements.set(key, element);
      this.drawer.draw(element, item);
    }
    return element;
  }

  #focusedKey(): string | null {
    const row = document.activeElement?.closest<HTMLElement>("[data-key]");
    return row && this.body.contains(row) ? (row.dataset.key ?? null) : null;
  }

  /** Arrows lead from row to row, also to those that are not in the page yet. */
  #onKey(event: KeyboardEvent): void {
    const row = (event.target as HTMLElement).closest<HTMLElement>("[data-key]");
    const index = row ? this.#indexes.get(row.dataset.key ?? "") : undefined;
    if (index === undefined || event.altKey || event.ctrlKey || event.metaKey) return;
    const page = Math.max(1, Math.floor(this.scroller.clientHeight / this.#rowPx) - 1);
    const to = stepOf(event.key, index, this.#items.length, page);
    if (to === null) return;
    event.preventDefault();
    const place = (event.target as HTMLElement).dataset.place ?? "name";
    const scroll = scrollToShow(to, this.scroller.scrollTop, this.scroller.clientHeight, this.#rowPx);
    if (scroll !== null) this.scroller.scrollTop = scroll;
    this.#render();
    const next = this.#elements.get(this.drawer.keyOf(this.#items[to]!));
    next?.querySelector<HTMLElement>(`[data-place="${place}"]`)?.focus({ preventScroll: true });
  }
}
