type Child = Node | string | null | undefined | false;

/** An element with attributes and children. Handlers go under "on:click"; false and null leave an attribute out. */
export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Record<string, string | boolean | null | ((event: Event) => void)> = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name.replace(/^on:/, ""), value);
    else if (value === true) element.setAttribute(name, "");
    else if (typeof value === "string") element.setAttribute(name, value);
  }
  element.append(...children.filter((child): child is Node | string => Boolean(child)));
  return element;
}

export function svg(viewBox: string, inner: readonly [string, Record<string, string>][], className = "icon"): SVGSVGElement {
  const space = "http://www.w3.org/2000/svg";
  const root = document.createElementNS(space, "svg");
  root.setAttribute("viewBox", viewBox);
  root.setAttribute("class", className);
  root.setAttribute("aria-hidden", "true");
  for (const [tag, attributes] of inner) {
    const element = document.createElementNS(space, tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    root.append(element);
  }
  return root;
}

const PATHS = {
  check: "M5 12.5l4.5 4.5L19 7.5",
  cross: "M6 6l12 12M18 6L6 18",
  microphone: "M12 3a3 3 0 0 0-3 3v5a3 3 0 0 0 6 0V6a3 3 0 0 0-3-3zM5.5 11a6.5 6.5 0 0 0 13 0M12 17.5V21M8.5 21h7",
  speaker: "M4 9.5v5h3.5L12 18.5v-13L7.5 9.5zM15.5 9a4.2 4.2 0 0 1 0 6M18 6.5a8 8 0 0 1 0 11",
  network: "M4.5 10.5a11 11 0 0 1 15 0M7.5 14a6.6 6.6 0 0 1 9 0M12 18.2v.1",
  browser: "M4 6.5A1.5 1.5 0 0 1 5.5 5h13A1.5 1.5 0 0 1 20 6.5v11a1.5 1.5 0 0 1-1.5 1.5h-13A1.5 1.5 0 0 1 4 17.5zM4 9.5h16M7 7.3v.1",
  clock: "M12 4a8 8 0 1 0 0 16 8 8 0 0 0 0-16zM12 8v4.3l2.8 1.7",
  saved: "M7 17.5a4 4 0 0 1-.4-8A5.5 5.5 0 0 1 17.3 8.6a4.5 4.5 0 0 1-.3 8.9zM9.3 13l2 2 3.6-3.8",
  flag: "M6.5 20V4.5M6.5 5.5h10.5l-2.3 3.6 2.3 3.6H6.5",
  warning: "M12 4.5l8.5 15h-17zM12 10v4.2M12 16.8v.1",
} as const;

export type IconName = keyof typeof PATHS;

export function icon(name: IconName): SVGSVGElement {
  return svg("0 0 24 24", [["path", { d: PATHS[name] }]]);
}

/** A meter of `count` bars; set(0..1) lights them. It is drawn, not spoken: aria-hidden. */
export class Meter {
  readonly element: HTMLElement;
  readonly #bars: HTMLElement[];

  constructor(count = 24) {
    this.#bars = Array.from({ length: count }, () => h("i"));
    this.element = h("div", { class: "exam-meter", "aria-hidden": "true" }, ...this.#bars);
  }

  set(value: number): void {
    const lit = Math.round(value * this.#bars.length);
    this.#bars.forEach((bar, index) => bar.classList.toggle("lit", index < lit));
  }
}

/** A ring that empties: 1 is full. */
export class Ring {
  static readonly LENGTH = 2 * Math.PI * 54;
  readonly element: SVGSVGElement;
  readonly #arc: SVGElement;

  constructor() {
    this.element = svg(
      "0 0 120 120",
      [
        ["circle", { cx: "60", cy: "60", r: "54", class: "track" }],
        ["circle", { cx: "60", cy: "60", r: "54", class: "arc", "stroke-dasharray": String(Ring.LENGTH), transform: "rotate(-90 60 60)" }],
      ],
      "exam-ring",
    );
    this.#arc = this.element.querySelector(".arc")!;
  }

  set(share: number): void {
    this.#arc.setAttribute("stroke-dashoffset", String(Ring.LENGTH * (1 - Math.min(1, Math.max(0, share)))));
  }
}
