// The map as a PNG file: place, headline, badge and warnings, map as it is seen, legend, sources.

import type { HexagonMap } from "./map.ts";
import type { LegendEntry } from "./legend.ts";
import { element } from "../shared/settings.ts";
import type { Comparison } from "./comparison.ts";
import { takenAt } from "./graphics.ts";

const PAD = 16;
const LINE = 20;
const SWATCH = 14;
// Between the words of a class and the next swatch.
const GAP = 22;
const FONT = "system-ui, sans-serif";
const SERIF = "Georgia, serif";
// Pixels of a picture for each of the screen.
const SHARPNESS = 2;

/** The text of a picture: all that stands beside the map on the screen. */
export interface Caption {
  region: string;
  /** The place that is chosen; the region's title where none is. */
  place: string;
  headline: string;
  /** The badge of the headline with its class in the style sheet; null where there is no change. */
  badge: { words: string; name: string; note: string } | null;
  warnings: string[];
  legend: { title: string; entries: LegendEntry[] };
  /** Version and date of the data, and the address. */
  foot: string[];
}

export interface Sheet {
  context: CanvasRenderingContext2D;
  width: number;
  ink: string;
  paper: string;
}

/** Save what the map shows; resolves when the browser has taken the file over. */
export async function savePicture(
  view: HexagonMap,
  comparison: Comparison,
  caption: Caption,
  attribution: string,
  name: string,
): Promise<void> {
  const sides = await sidesOf(view, comparison);
  const picture = compose(view.map.getContainer(), sides, caption, attribution);
  const blob = await new Promise<Blob | null>((resolve) => picture.toBlob(resolve, "image/png"));
  if (blob === null) {
    throw new Error("the browser made no picture of the map");
  }
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = `${name}.png`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

/** What is seen on both sides of a divider; ``part`` is that of the left, 0 where there is no divider. */
export interface Sides {
  right: ImageBitmap | HTMLCanvasElement;
  left: ImageBitmap | HTMLCanvasElement | null;
  part: number;
}

/** Take both maps one after the other: together they would keep the page from answering. */
async function sidesOf({ map }: HexagonMap, { picture }: Comparison): Promise<Sides> {
  const ratio = SHARPNESS * devicePixelRatio;
  const right = await takenAt(map, ratio);
  const left = picture === null ? null : await takenAt(picture.map, ratio);
  return { right, left, part: picture?.part ?? 0 };
}

function compose(box: HTMLElement, sides: Sides, caption: Caption, attribution: string): HTMLCanvasElement {
  const { clientWidth: width, clientHeight: height } = box;
  const ratio = sides.right.width / width;
  const canvas = document.createElement("canvas");
  // It is read as a whole once, so it is better kept where it can be read.
  const context = canvas.getContext("2d", { willReadFrequently: true });
  if (context === null) {
    throw new Error("the browser gives no canvas to draw on");
  }
  const sheet = sheetOf(context, width);
  const head = headOf(sheet, caption);
  const foot = footOf(sheet, caption, attributionOf(box, attribution));
  const whole = head.height + height + foot.height;
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(whole * ratio);
  context.scale(ratio, ratio);
  context.fillStyle = sheet.paper;
  context.fillRect(0, 0, width, whole);
  head.draw(0);
  drawMap(sheet, sides, box, head.height);
  foot.draw(head.height + height);
  return canvas;
}

/** Title, headline, badge and every warning that stands beside them. */
function headOf(sheet: Sheet, { region, place, headline, badge, warnings }: Caption): Flow {
  const flow = new Flow(sheet);
  if (place !== region) {
    flow.words(region, `13px ${FONT}`, LINE);
  }
  flow.words(place, `650 24px ${SERIF}`, 30);
  flow.words(headline, `18px ${SERIF}`, 25);
  if (badge !== null) {
    flow.badge(badge.words, badge.name, badge.note);
  }
  for (const warning of warnings) {
    flow.warning(warning);
  }
  return flow.close();
}

function footOf(sheet: Sheet, { legend, foot }: Caption, attribution: string): Flow {
  const flow = new Flow(sheet);
  flow.words(legend.title, `600 14px ${FONT}`, LINE + 3);
  flow.legend(legend.entries);
  for (const line of [attribution, ...foot].filter((words) => words !== "")) {
    flow.words(line, `12px ${FONT}`, 17);
  }
  return flow.close();
}

/** What stands one below the other: placed first, so that its height is known, and drawn then. */
class Flow {
  height = PAD;
  private readonly parts: ((top: number) => void)[] = [];

  constructor(private readonly sheet: Sheet) {}

  words(words: string, font: string, line: number, indent = 0): void {
    const { context, width } = this.sheet;
    context.font = font;
    for (const row of wrapped(context, words, width - 2 * PAD - indent)) {
      const y = this.height + 0.75 * line;
      this.parts.push((top) => write(this.sheet, row, PAD + indent, top + y, font));
      this.height += line;
    }
  }

  badge(words: string, name: string, note: string): void {
    const { context } = this.sheet;
    const font = `650 13px ${FONT}`;
    context.font = font;
    const wide = context.measureText(words).width + 20;
    const y = this.height + 4;
    const shown = document.querySelector(`.grade.${name}`);
    const style = shown === null ? null : getComputedStyle(shown);
    this.parts.push((top) => {
      context.beginPath();
      context.roundRect(PAD, top + y, wide, 24, 12);
      context.fillStyle = style?.backgroundColor ?? this.sheet.paper;
      context.fill();
      context.strokeStyle = style?.color ?? this.sheet.ink;
      context.lineWidth = 1;
      context.stroke();
      write({ ...this.sheet, ink: style?.color ?? this.sheet.ink }, words, PAD + 10, top + y + 16.5, font);
    });
    this.height += 8;
    const before = this.height;
    this.words(note, `13px ${FONT}`, LINE, wide + 10);
    this.height = Math.max(this.height, before + LINE) + 6;
  }

  warning(words: string): void {
    const y = this.height;
    const { context } = this.sheet;
    this.parts.push((top) => {
      context.beginPath();
      context.moveTo(PAD + 7, top + y + 3);
      context.lineTo(PAD + 14, top + y + 16);
      context.lineTo(PAD, top + y + 16);
      context.closePath();
      context.fillStyle = this.sheet.ink;
      context.fill();
      write({ ...this.sheet, ink: this.sheet.paper }, "!", PAD + 5.4, top + y + 15, `700 10px ${FONT}`);
    });
    this.words(words, `13px ${FONT}`, LINE, 20);
  }

  /** Swatches with their words in rows; neighbours of the same words share them. */
  legend(entries: LegendEntry[]): void {
    const { context, width } = this.sheet;
    const font = `12px ${FONT}`;
    let x = PAD;
    for (const { colors, words } of grouped(entries)) {
      context.font = font;
      const swatches = colors.length * SWATCH;
      const wide = swatches + 6 + context.measureText(words).width;
      if (x > PAD && x + wide > width - PAD) {
        [x, this.height] = [PAD, this.height + LINE];
      }
      const [left, y] = [x, this.height];
      this.parts.push((top) => {
        colors.forEach((color, place) => drawSwatch(this.sheet, color, left + place * SWATCH, top + y));
        write(this.sheet, words, left + swatches + 6, top + y + 11, font);
      });
      x += wide + GAP;
    }
    this.height += LINE + 6;
  }

  close(): this {
    this.height += PAD / 2;
    return this;
  }

  draw(top: number): void {
    this.parts.forEach((part) => part(top));
  }
}

function grouped(entries: LegendEntry[]): { colors: (string | null)[]; words: string }[] {
  const groups: { colors: (string | null)[]; words: string }[] = [];
  for (const { color, words } of entries) {
    const last = groups.at(-1);
    if (last?.words === words) {
      last.colors.push(color);
    } else {
      groups.push({ colors: [color], words });
    }
  }
  return groups;
}

/** Return a sheet of a width in units of the context, in the colours of the page. */
export function sheetOf(context: CanvasRenderingContext2D, width: number): Sheet {
  const page = getComputedStyle(element("figures").parentElement ?? document.body);
  return { context, width, ink: page.color, paper: page.backgroundColor };
}

/** Draw the map as it stands in a box: both sides of a divider, names and scale. */
export function drawMap(sheet: Sheet, sides: Sides, box: HTMLElement, top: number): void {
  const { clientHeight: height } = box;
  drawSides(sheet, sides, top, height);
  drawNames(sheet, box, top);
  drawScale(sheet, box, top + height);
}

/** Draw the map, and left of a divider the other year. */
function drawSides({ context, width }: Sheet, { right, left, part }: Sides, top: number, height: number): void {
  context.drawImage(right, 0, top, width, height);
  if (left !== null) {
    const cut = width * part;
    context.save();
    context.beginPath();
    context.rect(0, top, cut, height);
    context.clip();
    context.drawImage(left, 0, top, width, height);
    context.restore();
    context.fillStyle = "#ffffff";
    context.fillRect(cut - width / 600, top, width / 300, height);
  }
}

/** Names of areas, and of the years beside a divider, stand over the map as page text. */
function drawNames(sheet: Sheet, box: HTMLElement, top: number): void {
  const frame = box.getBoundingClientRect();
  const { context } = sheet;
  for (const name of box.querySelectorAll<HTMLElement>(".area-name, .compare-name")) {
    const { left, right, top: up, bottom } = name.getBoundingClientRect();
    if (right > left) {
      context.textAlign = "center";
      context.lineJoin = "round";
      context.lineWidth = 4;
      context.strokeStyle = sheet.paper;
      context.font = `600 12px ${FONT}`;
      const [x, y] = [(left + right) / 2 - frame.left, top + (up + bottom) / 2 - frame.top + 4];
      context.strokeText(name.textContent ?? "", x, y);
      write(sheet, name.textContent ?? "", x, y, context.font);
      context.textAlign = "left";
    }
  }
}

function drawScale(sheet: Sheet, box: HTMLElement, bottom: number): void {
  const scale = box.querySelector<HTMLElement>(".maplibregl-ctrl-scale");
  if (scale === null) {
    return;
  }
  const { context, width } = sheet;
  const [left, right] = [width - PAD - scale.offsetWidth, width - PAD];
  context.fillStyle = sheet.paper;
  context.fillRect(left - 6, bottom - 30, right - left + 12, 26);
  context.strokeStyle = sheet.ink;
  context.lineWidth = 2;
  context.beginPath();
  context.moveTo(left, bottom - 16);
  context.lineTo(left, bottom - 9);
  context.lineTo(right, bottom - 9);
  context.lineTo(right, bottom - 16);
  context.stroke();
  write(sheet, scale.textContent ?? "", left + 6, bottom - 15, `11px ${FONT}`);
}

function drawSwatch({ context, ink, paper }: Sheet, color: string | null, x: number, y: number): void {
  context.fillStyle = color ?? paper;
  context.fillRect(x, y, SWATCH, SWATCH);
  context.strokeStyle = ink;
  context.lineWidth = 0.5;
  context.strokeRect(x, y, SWATCH, SWATCH);
  if (color === null) {
    context.beginPath();
    context.moveTo(x, y + SWATCH);
    context.lineTo(x + SWATCH, y);
    context.stroke();
  }
}

function write({ context, ink }: Sheet, words: string, x: number, y: number, font: string): void {
  context.fillStyle = ink;
  context.font = font;
  context.fillText(words, x, y);
}

function attributionOf(box: HTMLElement, attribution: string): string {
  return box.querySelector(".maplibregl-ctrl-attrib-inner")?.textContent || attribution;
}

/** Cut a text into lines that fit in the font of a context. */
function wrapped(context: CanvasRenderingContext2D, text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(/[ \n\t]+/).filter((each) => each !== "")) {
    const last = lines.at(-1);
    if (last !== undefined && context.measureText(`${last} ${word}`).width <= width) {
      lines[lines.length - 1] = `${last} ${word}`;
    } else {
      lines.push(word);
    }
  }
  return lines;
}
