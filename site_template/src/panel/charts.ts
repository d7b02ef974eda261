// Charts of what the reader selects, each with its table: the same drawings as those made at build
// (hexseal/pages/charts.py); change both together.

import { make } from "../shared/dom.ts";
import { draw, short } from "../shared/svg.ts";
import type { Text } from "../shared/text.ts";
import type { YearPoint } from "./years.ts";

const [WIDTH, HEIGHT] = [360, 190];
const [LEFT, RIGHT, TOP, BOTTOM] = [58, 22, 10, 26];
const [BAR_LINE, BAR] = [36, 9];
const MOST_ORIGINS = 6;
const HECTARE = 10_000;

/** What became sealed from one former class, square metres. */
export interface Origin {
  label: string;
  raw: number;
  confirmed: number;
}

/** Return the chart of sealed area over the years; null where fewer than two years are known. */
export function stockChart(points: YearPoint[], text: Text): HTMLElement | null {
  const known = points.filter((point) => point.raw !== null);
  if (known.length < 2) {
    return null;
  }
  const write = (value: number | null) => (value === null ? text.of("app.none") : text.hectares(value));
  const rows = points.map(({ year, raw, adjusted }) => [
    String(year),
    write(raw),
    write(adjusted),
  ]);
  const key = ["adjusted", "raw", ...(known.some((point) => point.isDoubtful) ? ["doubtful"] : [])];
  return figure(text, {
    kind: "stock",
    drawing: stockDrawing(known, text),
    key: key.map((name) => [name, text.of(`app.chart.${name}`)]),
    heads: ["year", "raw", "adjusted"].map((name) => text.of(`app.chart.${name}`)),
    rows,
  });
}

/** Return the chart of former classes, the largest first; null where nothing became sealed. */
export function originsChart(origins: Origin[], text: Text): HTMLElement | null {
  const found = largest(origins, text);
  if (found.length === 0) {
    return null;
  }
  const [confirmed, raw] = [text.of("app.chart.confirmed"), text.of("app.chart.raw")];
  return figure(text, {
    kind: "origins",
    drawing: originsDrawing(found, text),
    key: [
      ["confirmed", confirmed],
      ["raw-bar", raw],
    ],
    heads: [text.of("app.chart.class"), confirmed, raw],
    rows: found.map((o) => [o.label, text.hectares(o.confirmed), text.hectares(o.raw)]),
  });
}

/** Return at most six round numbers that enclose a range. */
export function ticks(low: number, high: number): number[] {
  if (high <= low) {
    return [Math.floor(low), Math.floor(low) + 1];
  }
  const span = (high - low) / 4;
  const power = 10 ** Math.floor(Math.log10(span));
  const step = power * ([1, 2, 5].find((factor) => span / power <= factor) ?? 10);
  const [first, last] = [Math.floor(low / step), Math.ceil(high / step)];
  return Array.from({ length: last - first + 1 }, (_, place) => (first + place) * step);
}

interface Parts {
  kind: "stock" | "origins";
  drawing: SVGSVGElement;
  key: (readonly [string, string])[];
  heads: string[];
  rows: string[][];
}

function figure(text: Text, { kind, drawing, key, heads, rows }: Parts): HTMLElement {
  const title = text.of(`app.chart.${kind}`);
  const head = heads.map((name, place) =>
    make("th", { scope: "col", ...(place > 0 ? { class: "number" } : {}) }, name),
  );
  const body = rows.map(([label, ...cells]) =>
    make(
      "tr",
      {},
      make("th", { scope: "row" }, label ?? ""),
      ...cells.map((cell) => make("td", { class: "number" }, cell)),
    ),
  );
  const table = make(
    "table",
    { class: "figures" },
    make("caption", { class: "hidden" }, title),
    make("thead", {}, make("tr", {}, ...head)),
    make("tbody", {}, ...body),
  );
  const swatches = key.map(([name, words]) =>
    make("li", {}, make("span", { class: `chart-swatch ${name}` }), words),
  );
  return make(
    "figure",
    { class: "chart", "data-chart": kind },
    make("figcaption", {}, title),
    drawing,
    make("ul", { class: "chart-key" }, ...swatches),
    make(
      "details",
      { class: "chart-table" },
      make("summary", {}, text.of("app.chart.table")),
      table,
    ),
  );
}

function drawing(height: number, label: string, parts: SVGElement[]): SVGSVGElement {
  const viewBox = `0 0 ${short(WIDTH)} ${short(height)}`;
  return draw("svg", { class: "chart-drawing", viewBox, role: "img", "aria-label": label }, ...parts);
}

interface Plot {
  x(year: number): number;
  y(squareMetres: number): number;
}

function stockDrawing(points: YearPoint[], text: Text): SVGSVGElement {
  const ends = points
    .flatMap(({ raw, adjusted }) => [raw, adjusted])
    .flatMap((value) => (value === null ? [] : [value / HECTARE]));
  const steps = ticks(Math.min(...ends), Math.max(...ends));
  const [bottom, top] = [steps[0] ?? 0, steps.at(-1) ?? 1];
  const [first, last] = [points[0]?.year ?? 0, points.at(-1)?.year ?? 1];
  const inset = LEFT + 14;
  const height = (hectares: number) =>
    HEIGHT - BOTTOM - ((hectares - bottom) / (top - bottom)) * (HEIGHT - BOTTOM - TOP);
  const plot: Plot = {
    x: (year) => inset + ((year - first) / (last - first)) * (WIDTH - RIGHT - inset),
    y: (squareMetres) => height(squareMetres / HECTARE),
  };
  return drawing(HEIGHT, text.of("app.chart.stock"), [
    ...grid(steps, height, text),
    ...points.map(({ year }) => label(String(year), "chart-label middle", plot.x(year), HEIGHT - 8)),
    ...lines(plot, points, "raw"),
    ...lines(plot, points, "adjusted"),
    ...dots(plot, points, "raw", "3.5"),
    ...dots(plot, points, "adjusted", "4"),
  ]);
}

function grid(steps: number[], height: (hectares: number) => number, text: Text): SVGElement[] {
  const step = (steps[1] ?? 1) - (steps[0] ?? 0);
  const digits = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  return steps.flatMap((value) => {
    const y = height(value);
    return [
      draw("line", { class: "chart-grid", x1: LEFT, x2: WIDTH - RIGHT + 8, y1: y, y2: y }),
      label(text.number(value, digits), "chart-label end", LEFT - 6, y + 4),
    ];
  });
}

/** Join neighbouring years; a step between years that do not compare is dashed. */
function lines(plot: Plot, points: YearPoint[], name: "raw" | "adjusted"): SVGElement[] {
  return points.slice(1).flatMap((after, place) => {
    const before = points[place];
    const [low, high] = [before?.[name] ?? null, after[name]];
    if (before === undefined || low === null || high === null) {
      return [];
    }
    const classes = `chart-line ${name}${after.isDoubtful ? " doubtful" : ""}`;
    const [x1, x2] = [plot.x(before.year), plot.x(after.year)];
    return [draw("line", { class: classes, x1, x2, y1: plot.y(low), y2: plot.y(high) })];
  });
}

function dots(plot: Plot, points: YearPoint[], name: "raw" | "adjusted", r: string): SVGElement[] {
  return points.flatMap((point) => {
    const value = point[name];
    const place = { cx: plot.x(point.year), cy: plot.y(value ?? 0), r };
    return value === null ? [] : [draw("circle", { class: `chart-dot ${name}`, ...place })];
  });
}

function label(words: string, classes: string, x: number, y: number): SVGElement {
  return draw("text", { class: classes, x, y }, words);
}

/** Return origins by size, the smallest together when there are many. */
function largest(origins: Origin[], text: Text): Origin[] {
  const compare = (one: Origin, two: Origin) =>
    two.confirmed - one.confirmed || two.raw - one.raw || (one.label < two.label ? -1 : 1);
  const found = origins.filter(({ raw }) => raw > 0).sort(compare);
  if (found.length <= MOST_ORIGINS) {
    return found;
  }
  const rest = found.slice(MOST_ORIGINS - 1);
  const sum = (name: "raw" | "confirmed") => rest.reduce((total, origin) => total + origin[name], 0);
  const others = { label: text.of("app.chart.others"), raw: sum("raw"), confirmed: sum("confirmed") };
  return [...found.slice(0, MOST_ORIGINS - 1), others];
}

function originsDrawing(origins: Origin[], text: Text): SVGSVGElement {
  const most = Math.max(...origins.map(({ raw, confirmed }) => Math.max(raw, confirmed)));
  const parts = origins.flatMap((origin, place) => {
    const y = place * BAR_LINE;
    const values = { confirmed: text.hectares(origin.confirmed), raw: text.hectares(origin.raw) };
    const bar = (name: "raw" | "confirmed") => {
      const width = (origin[name] / most) * WIDTH;
      return draw("rect", { class: `chart-bar ${name}`, x: 0, y: y + 19, width, height: BAR });
    };
    return [
      label(origin.label, "chart-label strong", 0, y + 13),
      label(text.of("app.chart.origin_values", values), "chart-label end", WIDTH, y + 13),
      bar("raw"),
      bar("confirmed"),
    ];
  });
  return drawing(origins.length * BAR_LINE, text.of("app.chart.origins"), parts);
}
