// Small drawings of the rank page: a line over the years, an interval, points of two figures.
// They are SVG with attributes and classes only: the page's policy forbids styles in place.

const NAMESPACE = "http://www.w3.org/2000/svg";
const LINE = { width: 72, height: 20, inset: 3 };
const BAR = { width: 96, height: 14 };
export const SCATTER = { width: 720, height: 380, left: 64, right: 16, top: 12, bottom: 34 };
const MOST_TICKS = 5;

export function draw(tag: string, attributes: Record<string, string | number>, ...children: (Node | string)[]): SVGElement {
  const element = document.createElementNS(NAMESPACE, tag) as SVGElement;
  for (const [name, value] of Object.entries(attributes)) {
    element.setAttribute(name, typeof value === "number" ? String(Math.round(value * 10) / 10) : value);
  }
  element.append(...children);
  return element;
}

/** Draw shares over the years; `span` in percentage points is the height of every line alike. */
export function sparkline(shares: (number | null)[], years: number[], span: number, words: string): SVGElement {
  const known = shares.flatMap((share, place) => (share === null ? [] : [[years[place] ?? 0, share] as const]));
  const middle = known.reduce((sum, [, share]) => sum + share, 0) / Math.max(1, known.length);
  const [first, last] = [years[0] ?? 0, years.at(-1) ?? 1];
  const room = { x: LINE.width - 2 * LINE.inset, y: LINE.height - 2 * LINE.inset };
  const points = known.map(([year, share]) => {
    const x = LINE.inset + ((year - first) / Math.max(1, last - first)) * room.x;
    const y = LINE.height / 2 - ((share - middle) / Math.max(span, 1e-9)) * room.y;
    return [x, y] as const;
  });
  const end = points.at(-1);
  return draw(
    "svg",
    { class: "spark", viewBox: `0 0 ${LINE.width} ${LINE.height}`, width: LINE.width, height: LINE.height, role: "img", "aria-label": words },
    draw("polyline", { class: "spark-line", points: points.map(([x, y]) => `${x.toFixed(1)},${y.toFixed(1)}`).join(" ") }),
    ...(end ? [draw("circle", { class: "spark-end", cx: end[0], cy: end[1], r: 2.5 })] : []),
  );
}

/** Draw an interval and its estimate around zero; `reach` hectares lie at both ends. */
export function intervalBar(low: number, value: number, high: number, reach: number): SVGElement {
  const x = (hectares: number) => BAR.width / 2 + (hectares / Math.max(reach, 1e-9)) * (BAR.width / 2 - 3);
  const middle = BAR.height / 2;
  const far = low > 0 || high < 0 ? " far" : "";
  return draw(
    "svg",
    { class: `interval-bar${far}`, viewBox: `0 0 ${BAR.width} ${BAR.height}`, width: BAR.width, height: BAR.height, "aria-hidden": "true", focusable: "false" },
    draw("line", { class: "interval-zero", x1: BAR.width / 2, x2: BAR.width / 2, y1: 0, y2: BAR.height }),
    draw("line", { class: "interval-range", x1: x(low), x2: x(high), y1: middle, y2: middle }),
    draw("circle", { class: "interval-value", cx: x(value), cy: middle, r: 3 }),
  );
}

export interface Axis {
  low: number;
  high: number;
  ticks: number[];
}

/** Return round ticks around all values. */
export function axisOf(values: number[]): Axis {
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) {
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  if (!(high > low)) {
    [low, high] = Number.isFinite(low) ? [low - 1, low + 1] : [0, 1];
  }
  const power = 10 ** Math.floor(Math.log10((high - low) / MOST_TICKS));
  const step = [1, 2, 5, 10].map((part) => part * power).find((each) => (high - low) / each <= MOST_TICKS) ?? 10 * power;
  const [from, to] = [Math.floor(low / step), Math.ceil(high / step)];
  const ticks = Array.from({ length: to - from + 1 }, (_, place) => (from + place) * step);
  return { low: from * step, high: to * step, ticks };
}

export interface Dot {
  x: number;
  y: number;
}

/** Place points in the drawing's own units. */
export function place(dots: Dot[], across: Axis, up: Axis): [number, number][] {
  const { width, height, left, right, top, bottom } = SCATTER;
  return dots.map(({ x, y }) => [
    left + ((x - across.low) / (across.high - across.low)) * (width - left - right),
    height - bottom - ((y - up.low) / (up.high - up.low)) * (height - top - bottom),
  ]);
}

/** Draw axes and all points; ten thousand points are one path of dots, which stays fast. */
export function scatterDrawing(points: [number, number][], names: string[], axes: { across: Axis; up: Axis }, words: { across: string; up: string; all: string }, write: (value: number) => string): SVGElement {
  const { width, height, left, right, top, bottom } = SCATTER;
  const rows = axes.up.ticks.flatMap((tick) => {
    const [[, y] = [0, 0]] = place([{ x: axes.across.low, y: tick }], axes.across, axes.up);
    return [
      draw("line", { class: "chart-grid", x1: left, x2: width - right, y1: y, y2: y }),
      draw("text", { class: "chart-label end", x: left - 6, y: y + 4 }, write(tick)),
    ];
  });
  const columns = axes.across.ticks.map((tick) => {
    const [[x] = [0, 0]] = place([{ x: tick, y: axes.up.low }], axes.across, axes.up);
    return draw("text", { class: "chart-label middle", x, y: height - bottom + 16 }, write(tick));
  });
  const dots = points.map(([x, y]) => `M${x.toFixed(1)} ${y.toFixed(1)}h0`).join("");
  return draw(
    "svg",
    { class: "scatter-drawing", viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": words.all },
    ...rows,
    ...columns,
    draw("text", { class: "chart-label strong", x: left, y: height - 3 }, words.across),
    draw("text", { class: "chart-label strong", x: left + 6, y: top + 10 }, words.up),
    draw("path", { class: "scatter-dots", d: dots }),
    ...pointNames(points, names),
    draw("circle", { class: "scatter-cursor", cx: -99, cy: -99, r: 7 }),
  );
}

const [LETTER, NAME_LINE] = [6.2, 13];

/** Write names beside points as far as none covers another, the outermost points first. */
function pointNames(points: [number, number][], names: string[]): SVGElement[] {
  if (points.length > MOST_NAMED) {
    return [];
  }
  const [across, down] = [0, 1].map((axis) => points.reduce((sum, point) => sum + (point[axis] ?? 0), 0) / points.length);
  const far = ([x, y]: [number, number]) => Math.hypot(x - (across ?? 0), y - (down ?? 0));
  const order = points.map((_, at) => at).sort((one, two) => far(points[two] ?? [0, 0]) - far(points[one] ?? [0, 0]));
  const taken: [number, number, number][] = [];
  return order.flatMap((at) => {
    const [[x, y] = [0, 0], name = ""] = [points[at], names[at]];
    const width = name.length * LETTER;
    const isRight = x + 7 + width < SCATTER.width;
    const left = isRight ? x + 7 : x - 7 - width;
    const isFree = taken.every(([from, to, line]) => left > to || left + width < from || Math.abs(line - y) > NAME_LINE);
    if (!isFree) {
      return [];
    }
    taken.push([left, left + width, y]);
    return [draw("text", { class: isRight ? "chart-label" : "chart-label end", x: isRight ? x + 7 : x - 7, y: y + 4 }, name)];
  });
}

const MOST_NAMED = 400;
