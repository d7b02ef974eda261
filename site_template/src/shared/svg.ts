// Elements of drawings; they take classes and numbers, never styles (the page's policy).

const SPACE = "http://www.w3.org/2000/svg";

export function draw<K extends keyof SVGElementTagNameMap>(
  tag: K,
  attributes: Record<string, string | number>,
  ...children: (Node | string)[]
): SVGElementTagNameMap[K] {
  const made = document.createElementNS(SPACE, tag);
  for (const [name, value] of Object.entries(attributes)) {
    made.setAttribute(name, typeof value === "number" ? short(value) : value);
  }
  made.append(...children);
  return made;
}

/** Write a coordinate with one decimal, halves up as the build does (hexseal/pages/charts.py). */
export function short(value: number): string {
  const tenths = Math.floor(value * 10 + 0.5);
  return tenths % 10 === 0 ? String(tenths / 10) : (tenths / 10).toFixed(1);
}
