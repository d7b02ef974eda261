// Drawing over the map: a sheet above it takes pointer, touch and keys, so that the map's own
// handlers rest. Dragging still moves the map, wheel and pinch still zoom.

import type { Map as MapLibre } from "maplibre-gl";
import { button, make } from "../shared/dom.ts";
import type { Text } from "../shared/text.ts";
import { areaOf, circleRing, distance, findCrossing, type Point, type Shape } from "./shapes.ts";

export type Tool = "polygon" | "circle";

export interface DrawingActions {
  done(shape: Shape): void;
  cancelled(): void;
  /** Announce a text, visibly and to screen readers. */
  announce(words: string): void;
}

const SVG = "http://www.w3.org/2000/svg";
// A press that moves less than this many pixels is a tap.
const TAP = 8;
// A tap this near to the first corner, or twice at the last, closes the polygon.
const NEAR = 14;
const STEP = 24;
const FINE_STEP = 4;
const MARGIN = 40;

interface Place {
  x: number;
  y: number;
}

export class Drawing {
  private readonly sheet = make("div", { class: "draw-sheet", tabindex: "0", role: "application" });
  private readonly picture = document.createElementNS(SVG, "svg");
  private readonly bar = make("div", { class: "draw-bar", role: "toolbar" });
  private readonly hint = make("p", { class: "draw-hint" });
  private points: Point[] = [];
  private tool: Tool = "polygon";
  private cursor: Place = { x: 0, y: 0 };
  private hasKeys = false;
  private readonly pressed = new Map<number, Place>();
  private moved = false;

  constructor(
    private readonly map: MapLibre,
    private readonly text: Text,
    private readonly actions: DrawingActions,
  ) {
    this.picture.setAttribute("class", "draw-picture");
    this.picture.setAttribute("aria-hidden", "true");
    this.sheet.append(this.picture);
    this.bar.setAttribute("aria-label", text.of("app.custom.draw.bar"));
    const act = (key: string, className: string, action: () => void) =>
      button(text.of(key), className, action);
    this.bar.append(
      this.hint,
      make(
        "div",
        { class: "draw-buttons" },
        act("app.custom.draw.undo", "plain-button", () => this.undo()),
        act("app.custom.draw.finish", "plain-button strong", () => this.finish()),
        act("app.custom.draw.cancel", "plain-button", () => this.cancel()),
      ),
    );
    this.connect();
    map.on("move", () => this.draw());
  }

  get isActive(): boolean {
    return this.sheet.isConnected;
  }

  start(tool: Tool): void {
    this.tool = tool;
    this.points = [];
    this.hasKeys = false;
    this.sheet.setAttribute("aria-label", this.text.of(`app.custom.draw.${tool}.label`));
    this.hint.textContent = this.text.of(`app.custom.draw.${tool}.hint`);
    this.map.getContainer().append(this.sheet, this.bar);
    this.cursor = { x: this.sheet.clientWidth / 2, y: this.sheet.clientHeight / 2 };
    this.sheet.focus();
    this.draw();
  }

  cancel(): void {
    this.stop();
    this.actions.cancelled();
  }

  undo(): void {
    this.points.pop();
    this.draw();
    this.actions.announce(this.text.of("app.custom.draw.undone", { count: this.points.length }));
  }

  finish(): void {
    const least = this.tool === "polygon" ? 3 : 2;
    if (this.points.length < least) {
      this.actions.announce(this.text.of(`app.custom.draw.${this.tool}.few`));
      return;
    }
    const shape = this.shape();
    if (shape.kind === "polygons" && findCrossing(shape.polygons) !== null) {
      this.actions.announce(this.text.of("app.custom.draw.crossing"));
      return;
    }
    this.stop();
    this.actions.done(shape);
  }

  private shape(): Shape {
    const [center, rim] = this.points;
    return this.tool === "circle"
      ? { kind: "circle", center: center!, radius: distance(center!, rim!) }
      : { kind: "polygons", polygons: [[[...this.points]]] };
  }

  private stop(): void {
    this.sheet.remove();
    this.bar.remove();
    this.pressed.clear();
  }

  private add(place: Place): void {
    const { points, tool } = this;
    const last = points.at(-1);
    const closes =
      tool === "polygon" &&
      points.length > 2 &&
      (near(this.screen(points[0]!), place) || near(this.screen(last!), place));
    if (closes) {
      this.finish();
      return;
    }
    if (last !== undefined && near(this.screen(last), place, 2)) {
      return;
    }
    const { lng, lat } = this.map.unproject([place.x, place.y]);
    points.push([lng, lat]);
    this.draw();
    if (tool === "circle" && points.length === 2) {
      this.finish();
      return;
    }
    const values = { count: points.length, place: `${lat.toFixed(4)}, ${lng.toFixed(4)}` };
    this.actions.announce(this.text.of("app.custom.draw.added", values));
  }

  private screen([lng, lat]: Point): Place {
    return this.map.project([lng, lat]);
  }

  private connect(): void {
    const { sheet } = this;
    sheet.addEventListener("pointerdown", (event) => this.press(event));
    sheet.addEventListener("pointermove", (event) => this.move(event));
    sheet.addEventListener("pointerup", (event) => this.release(event));
    sheet.addEventListener("pointercancel", ({ pointerId }) => this.pressed.delete(pointerId));
    sheet.addEventListener("contextmenu", (event) => event.preventDefault());
    sheet.addEventListener("wheel", (event) => this.passWheel(event), { passive: false });
    for (const part of [sheet, this.bar]) {
      part.addEventListener("keydown", (event) => this.key(event, part === sheet));
    }
  }

  private placeOf(event: MouseEvent): Place {
    const box = this.sheet.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  }

  private press(event: PointerEvent): void {
    if (event.button === 0) {
      this.sheet.setPointerCapture(event.pointerId);
      this.moved = this.pressed.size > 0;
      this.pressed.set(event.pointerId, this.placeOf(event));
    }
  }

  private move(event: PointerEvent): void {
    const place = this.placeOf(event);
    const before = this.pressed.get(event.pointerId);
    this.hasKeys = false;
    if (before === undefined) {
      this.cursor = place;
      this.draw();
    } else if (this.pressed.size === 2) {
      this.pinch(event.pointerId, place);
    } else if (this.moved || !near(before, place, TAP)) {
      this.moved = true;
      this.map.panBy([before.x - place.x, before.y - place.y], { animate: false });
      this.pressed.set(event.pointerId, place);
    }
  }

  private release(event: PointerEvent): void {
    if (this.pressed.delete(event.pointerId) && !this.moved) {
      this.cursor = this.placeOf(event);
      this.add(this.cursor);
    }
  }

  /** Two fingers zoom about the point between them. */
  private pinch(moved: number, place: Place): void {
    const [other] = [...this.pressed].flatMap(([id, at]) => (id === moved ? [] : [at]));
    const before = this.pressed.get(moved)!;
    const width = (from: Place) => Math.max(1, Math.hypot(from.x - other!.x, from.y - other!.y));
    const around = this.map.unproject([(place.x + other!.x) / 2, (place.y + other!.y) / 2]);
    const zoom = this.map.getZoom() + Math.log2(width(place) / width(before));
    this.map.zoomTo(zoom, { around, animate: false });
    this.pressed.set(moved, place);
  }

  private passWheel(event: WheelEvent): void {
    event.preventDefault();
    this.map.getCanvasContainer().dispatchEvent(new WheelEvent("wheel", event));
  }

  private key(event: KeyboardEvent, onSheet: boolean): void {
    const undoes = event.key === "Backspace" || (event.key === "z" && (event.ctrlKey || event.metaKey));
    if (event.key === "Escape") {
      this.cancel();
    } else if (undoes) {
      this.undo();
    } else if (onSheet && event.key === "Enter") {
      this.add(this.cursor);
    } else if (onSheet && (event.key === "+" || event.key === "-")) {
      this.map.zoomTo(this.map.getZoom() + (event.key === "+" ? 1 : -1), { animate: false });
    } else if (!onSheet || !this.steer(event)) {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  }

  /** Move the cursor with the arrow keys; the map follows at its edge. */
  private steer({ key, shiftKey }: KeyboardEvent): boolean {
    const ways: Record<string, Place> = {
      ArrowLeft: { x: -1, y: 0 },
      ArrowRight: { x: 1, y: 0 },
      ArrowUp: { x: 0, y: -1 },
      ArrowDown: { x: 0, y: 1 },
    };
    const way = ways[key];
    if (way === undefined) {
      return false;
    }
    const step = shiftKey ? FINE_STEP : STEP;
    const x = this.cursor.x + way.x * step;
    const y = this.cursor.y + way.y * step;
    this.cursor = {
      x: Math.min(Math.max(x, MARGIN), this.sheet.clientWidth - MARGIN),
      y: Math.min(Math.max(y, MARGIN), this.sheet.clientHeight - MARGIN),
    };
    this.hasKeys = true;
    const over: [number, number] = [x - this.cursor.x, y - this.cursor.y];
    if (over[0] !== 0 || over[1] !== 0) {
      this.map.panBy(over, { animate: false });
    }
    this.draw();
    return true;
  }

  /** Draw the shape so far, with the cursor as the corner to come. */
  private draw(): void {
    if (!this.isActive) {
      return;
    }
    const corners = this.points.map((point) => this.screen(point));
    const path = [...this.outline(corners), ...corners.map((at) => dot(at, 5, "draw-corner"))];
    if (this.hasKeys) {
      path.push(dot(this.cursor, 9, "draw-cursor"), dot(this.cursor, 2, "draw-corner"));
    }
    this.picture.replaceChildren(...path);
    this.measure();
  }

  private outline(corners: Place[]): SVGElement[] {
    const [center] = this.points;
    if (center === undefined) {
      return [];
    }
    if (this.tool === "polygon") {
      return [line([...corners, this.cursor], "draw-shape"), line([this.cursor, corners[0]!], "draw-close")];
    }
    const { lng, lat } = this.map.unproject([this.cursor.x, this.cursor.y]);
    const rim = circleRing(center, Math.max(1, distance(center, [lng, lat])));
    const ring = rim.map((point) => this.screen(point));
    return [line([...ring, ring[0]!], "draw-shape")];
  }

  /** Show beside the buttons how large the shape would be. */
  private measure(): void {
    const { lng, lat } = this.map.unproject([this.cursor.x, this.cursor.y]);
    const [center] = this.points;
    const enough = this.points.length > (this.tool === "circle" ? 0 : 1);
    if (center === undefined || !enough) {
      return;
    }
    const radius = distance(center, [lng, lat]);
    const ring = this.tool === "circle" ? circleRing(center, radius) : [...this.points, [lng, lat] as Point];
    const size = `${this.text.number(areaOf([[ring]]) / 1e6, 2)}\u00a0km²`;
    this.hint.textContent = this.text.of("app.custom.draw.size", { size });
  }
}

function near(one: Place, other: Place, reach = NEAR): boolean {
  return Math.hypot(one.x - other.x, one.y - other.y) <= reach;
}

function dot({ x, y }: Place, radius: number, className: string): SVGElement {
  const circle = document.createElementNS(SVG, "circle");
  const values = { cx: x, cy: y, r: radius, class: className };
  Object.entries(values).forEach(([name, value]) => circle.setAttribute(name, String(value)));
  return circle;
}

function line(places: Place[], className: string): SVGElement {
  const path = document.createElementNS(SVG, "polyline");
  path.setAttribute("points", places.map(({ x, y }) => `${x.toFixed(1)},${y.toFixed(1)}`).join(" "));
  path.setAttribute("class", className);
  return path;
}
