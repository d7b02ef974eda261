// Charts of what the reader selects, each with its table: the same drawings as those made at build
// (hexseal/pages/charts.py), with the same table of sizes; tests/test_charts.py draws both and compares.

import sizes from "../../templates/chart.json";
import { make } from "../shared/dom.ts";
import { draw, short } from "../shared/svg.ts";
import type { Text } from "../shared/text.ts";
import { hasFigure, hectaresText, type Period, signedInterval, verdictOf } from "./headline.ts";
import type { YearPoint } from "./years.ts";

const { width: WIDTH, height: HEIGHT, left: LEFT, right: RIGHT, top: TOP, bottom: BOTTOM } = sizes;
const { barLine: BAR_LINE, bar: BAR, mostOrigins: MOST_ORIGINS } = sizes;
const HECTARE = 10_000;
const { span: SPAN, axisLeft: AXIS_LEFT, axisRight: AXIS_RIGHT } = sizes;
const { periodLine: PERIOD_LINE, targetRoom: TARGET_ROOM } = sizes;

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
  const inset = LEFT + sizes.inset;
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

export interface IntervalMarks {
  /** The median of the areas of the same layer by pair ("2018_2021"), square metres a year. */
  medians: Record<string, number>;
  /** The yearly pace that a target allows, square metres; null where there is none. */
  target: number | null;
  targetYear: number;
}

/** Return the chart of net change a year, all periods on one axis; null where none has a figure. */
export function intervalChart(periods: Period[], text: Text, marks: IntervalMarks): HTMLElement | null {
  if (!periods.some(hasFigure)) {
    return null;
  }
  const { medians, target } = marks;
  const shown = periods.filter(hasFigure).flatMap(({ low, high }) => [low, high]);
  const ends = [...shown, ...Object.values(medians), target].flatMap((end) => (end === null ? [] : [end / HECTARE]));
  const steps = ticks(Math.min(0, ...ends), Math.max(0, ...ends));
  const [first, last] = [steps[0] ?? 0, steps.at(-1) ?? 1];
  const top = target === null ? 4 : TARGET_ROOM;
  const bottom = top + PERIOD_LINE * periods.length;
  const axis: Axis = {
    x: (squareMetres) => AXIS_LEFT + ((squareMetres / HECTARE - first) / (last - first)) * (AXIS_RIGHT - AXIS_LEFT),
    top,
    bottom,
  };
  const parts = [
    ...axisParts(axis, steps, text),
    ...(target === null ? [] : targetParts(axis, target, text)),
    ...periods.flatMap((period, place) => periodParts(axis, place, period, periods.length, medians, text)),
  ];
  const viewBox = `0 0 ${SPAN} ${short(bottom + 18)}`;
  const words = periods.map((period) => spoken(period, text)).join("; ");
  const svg = draw("svg", { class: "interval-chart", viewBox, role: "img", "aria-label": words }, ...parts);
  return make("div", {}, svg, intervalKey(periods, text, marks));
}

interface Axis {
  x(squareMetres: number): number;
  top: number;
  bottom: number;
}

function intervalKey(periods: Period[], text: Text, { medians, target, targetYear }: IntervalMarks): HTMLElement {
  const isMeasured = periods.some(({ grade }) => grade === "reference");
  const key = [
    ["bar", text.of(isMeasured ? "app.chart.interval.measured" : "app.chart.interval.noise")],
    ...(Object.keys(medians).length > 0 ? [["median", text.of("app.chart.median")]] : []),
    ...(target === null ? [] : [["target", text.of("app.chart.target", { year: targetYear })]]),
  ];
  const items = key.map(([name, words]) => make("li", {}, make("span", { class: `key-mark ${name}` }), words ?? ""));
  return make("ul", { class: "chart-key" }, ...items);
}

function axisParts({ x, top, bottom }: Axis, steps: number[], text: Text): SVGElement[] {
  const step = (steps[1] ?? 1) - (steps[0] ?? 0);
  const digits = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  return steps.flatMap((value) => {
    const at = x(value * HECTARE);
    const classes = Math.abs(value) < 1e-12 ? "axis-zero" : "axis-grid";
    return [
      draw("line", { class: classes, x1: at, x2: at, y1: top, y2: bottom }),
      label(text.number(value, value === 0 ? 0 : digits, true), "chart-label middle", at, bottom + 14),
    ];
  });
}

function targetParts({ x, bottom }: Axis, target: number, text: Text): SVGElement[] {
  const at = x(target);
  const words = text.of("app.chart.target.value", { value: hectaresText(text, target) });
  return [
    draw("line", { class: "target-line", x1: at, x2: at, y1: TARGET_ROOM - 4, y2: bottom }),
    label(words, "target-label middle", at, 11),
  ];
}

function periodParts(
  { x, top }: Axis,
  place: number,
  period: Period,
  count: number,
  medians: Record<string, number>,
  text: Text,
): SVGElement[] {
  const y = top + PERIOD_LINE * place;
  const isWhole = place === count - 1;
  const below = period.byModel ? "app.chart.model" : isWhole && count > 1 ? "app.chart.whole" : null;
  const verdict = verdictOf(period);
  const parts: SVGElement[] = [
    label(period.pair.join("–"), isWhole ? "chart-label strong" : "chart-label", 0, y + 16),
    ...(below === null ? [] : [label(text.of(below), "chart-label small", 0, y + 31)]),
    label(text.of(`app.verdict.${verdict}`), "chart-label strong end", SPAN, y + 16),
  ];
  if (hasFigure(period)) {
    const [low = 0, middle = 0, high = 0] = [period.low, period.middle, period.high].map((end) => x(end ?? 0));
    const width = Math.max(4, high - low);
    parts.push(
      draw("rect", { class: `interval-bar ${verdict}`, x: low, y: y + 15, width, height: 10 }),
      draw("circle", { class: "interval-dot", cx: middle, cy: y + 20, r: 3.2 }),
      label(signedInterval(text, period), "chart-label small end", SPAN, y + 31),
    );
  }
  const median = medians[period.pair.join("_")];
  if (median !== undefined) {
    const at = x(median);
    parts.push(draw("line", { class: "median-tick", x1: at, x2: at, y1: y + 10, y2: y + 30 }));
  }
  return parts;
}

function spoken(period: Period, text: Text): string {
  const words = `${period.pair.join("–")}: ${text.of(`app.verdict.${verdictOf(period)}`)}`;
  const interval = signedInterval(text, period);
  return interval === "" ? words : text.of("app.chart.spoken", { words, interval });
}

/** Return the chart of several places on one axis; null where none has a figure. */
export function comparisonChart(rows: { name: string; period: Period }[], text: Text): SVGSVGElement | null {
  const shown = rows.filter(({ period }) => hasFigure(period));
  if (shown.length === 0) {
    return null;
  }
  const ends = shown.flatMap(({ period: { low, high } }) => [(low ?? 0) / HECTARE, (high ?? 0) / HECTARE]);
  const steps = ticks(Math.min(0, ...ends), Math.max(0, ...ends));
  const [first, last] = [steps[0] ?? 0, steps.at(-1) ?? 1];
  const bottom = 4 + PERIOD_LINE * rows.length;
  const axis: Axis = {
    x: (squareMetres) => PLACE_LEFT + ((squareMetres / HECTARE - first) / (last - first)) * (AXIS_RIGHT - PLACE_LEFT),
    top: 4,
    bottom,
  };
  const parts = rows.flatMap(({ name, period }, at): SVGElement[] => {
    const y = 4 + PERIOD_LINE * at;
    const verdict = text.of(`app.verdict.${verdictOf(period)}`);
    const words = [label(shortened(name), "chart-label strong", 0, y + 24), label(verdict, "chart-label strong end", SPAN, y + 16)];
    if (!hasFigure(period)) {
      return words;
    }
    const [low = 0, middle = 0, high = 0] = [period.low, period.middle, period.high].map((end) => axis.x(end ?? 0));
    return [
      ...words,
      draw("rect", { class: `interval-bar place-${at}`, x: low, y: y + 15, width: Math.max(4, high - low), height: 10 }),
      draw("circle", { class: "interval-dot", cx: middle, cy: y + 20, r: 3.2 }),
      label(signedInterval(text, period), "chart-label small end", SPAN, y + 31),
    ];
  });
  const viewBox = `0 0 ${SPAN} ${short(bottom + 18)}`;
  const words = rows.map(({ name, period }) => `${name}: ${spoken(period, text)}`).join("; ");
  const attributes = { class: "interval-chart", viewBox, role: "img", "aria-label": words };
  return draw("svg", attributes, ...axisParts(axis, steps, text), ...parts);
}

const PLACE_LEFT = 136;
const MOST_LETTERS = 18;

function shortened(name: string): string {
  return name.length > MOST_LETTERS ? `${name.slice(0, MOST_LETTERS - 1)}…` : name;
}
