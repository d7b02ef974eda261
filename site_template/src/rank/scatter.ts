// Two figures of all shown areas against each other; arrow keys go from point to point.

import { axisOf, place, SCATTER, scatterDrawing } from "./charts.ts";
import type { Column, RankArea } from "./data.ts";
import { element } from "../shared/settings.ts";
import type { Text } from "../shared/text.ts";

const NEAR = 24;

export class Scatter {
  private readonly frame = element("scatter");
  private readonly speaker = element("scatter-read");
  /** Areas by the position of their points, from left to right. */
  private areas: RankArea[] = [];
  private points: [number, number][] = [];
  private columns: [Column, Column] | null = null;
  private at = -1;

  constructor(private readonly text: Text) {
    this.frame.tabIndex = 0;
    this.frame.setAttribute("role", "application");
    this.frame.setAttribute("aria-labelledby", "scatter-title");
    this.frame.setAttribute("aria-describedby", "scatter-read");
    this.frame.addEventListener("keydown", (event) => this.press(event));
    this.frame.addEventListener("pointermove", (event) => this.point(event));
    this.frame.addEventListener("click", (event) => {
      this.point(event);
      this.open();
    });
  }

  show(areas: RankArea[], across: Column, up: Column): void {
    const known = areas
      .map((area) => ({ area, x: across.value(area), y: up.value(area) }))
      .filter((dot): dot is { area: RankArea; x: number; y: number } => dot.x !== null && dot.y !== null)
      .sort((one, two) => one.x - two.x || one.y - two.y);
    const axes = { across: axisOf(known.map(({ x }) => x)), up: axisOf(known.map(({ y }) => y)) };
    this.areas = known.map(({ area }) => area);
    this.points = place(known, axes.across, axes.up);
    this.columns = [across, up];
    this.at = -1;
    this.speaker.textContent = "";
    const all = this.text.of("app.rank.scatter", { x: across.label, y: up.label, count: this.text.number(known.length, 0) });
    const words = { across: `${across.label} →`, up: `↑ ${up.label}`, all };
    this.frame.replaceChildren(scatterDrawing(this.points, this.areas.map(({ name }) => name), axes, words, (value) => this.text.plain(Number(value.toPrecision(8)))));
  }

  private press(event: KeyboardEvent): void {
    const steps: Record<string, number> = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1 };
    const step = steps[event.key];
    if (step !== undefined && this.areas.length > 0) {
      event.preventDefault();
      this.read(Math.min(this.areas.length - 1, Math.max(0, this.at + step)));
    } else if (event.key === "Home" || event.key === "End") {
      event.preventDefault();
      this.read(event.key === "Home" ? 0 : this.areas.length - 1);
    } else if (event.key === "Enter") {
      this.open();
    }
  }

  private point(event: MouseEvent): void {
    const drawing = this.frame.querySelector("svg");
    const box = drawing?.getBoundingClientRect();
    if (!box) {
      return;
    }
    const scale = SCATTER.width / box.width;
    const [x, y] = [(event.clientX - box.left) * scale, (event.clientY - box.top) * scale];
    let [nearest, least] = [-1, NEAR ** 2];
    this.points.forEach(([across, down], position) => {
      const far = (across - x) ** 2 + (down - y) ** 2;
      if (far < least) {
        [nearest, least] = [position, far];
      }
    });
    this.read(nearest);
  }

  private read(position: number): void {
    if (position === this.at) {
      return;
    }
    this.at = position;
    const area = this.areas[position];
    const [x, y] = this.points[position] ?? [-99, -99];
    const cursor = this.frame.querySelector(".scatter-cursor");
    cursor?.setAttribute("cx", String(x));
    cursor?.setAttribute("cy", String(y));
    this.frame.classList.toggle("on-point", area !== undefined);
    const [across, up] = this.columns ?? [];
    this.speaker.textContent =
      area && across && up
        ? this.text.of("app.rank.point", {
            name: area.name,
            x: `${across.label} ${across.text(area)}`,
            y: `${up.label} ${up.text(area)}`,
          })
        : "";
  }

  private open(): void {
    const area = this.areas[this.at];
    if (area !== undefined) {
      location.assign(area.sheet);
    }
  }
}
