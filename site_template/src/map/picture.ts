// The map as a PNG file: title, years, map as it is seen, legend, scale and whom to name.

import type { HexagonMap } from "./map.ts";
import type { Legend, LegendEntry } from "./legend.ts";
import { element, type Settings } from "../shared/settings.ts";
import type { Comparison } from "./comparison.ts";
import { taken } from "./graphics.ts";

const PAD = 16;
const LINE = 20;
const SWATCH = 14;
const COLUMN = 210;
const FONT = "system-ui, sans-serif";

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
  legend: Legend,
  settings: Settings,
  name: string,
): Promise<void> {
  const sides = await sidesOf(view, comparison);
  const picture = compose(view, sides, legend, settings);
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
  right: CanvasImageSource;
  left: CanvasImageSource | null;
  part: number;
}

/** Take both maps one after the other: together they would keep the page from answering. */
async function sidesOf({ map }: HexagonMap, { picture }: Comparison): Promise<Sides> {
  const right = await taken(map);
  const left = picture === null ? null : await taken(picture.map);
  return { right, left, part: picture?.part ?? 0 };
}

function compose(
  view: HexagonMap,
  sides: Sides,
  legend: Legend,
  settings: Settings,
): HTMLCanvasElement {
  const box = view.map.getContainer();
  const { clientWidth: width, clientHeight: height } = box;
  const ratio = view.map.getCanvas().width / width;
  const rows = Math.ceil(legend.entries.length / columnsIn(width));
  const attribution = wrapped(attributionOf(box, settings), width - 2 * PAD);
  const foot = PAD + (rows + 1) * LINE + attribution.length * LINE + PAD;
  const top = PAD + 3 * LINE;
  const canvas = document.createElement("canvas");
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round((top + height + foot) * ratio);
  // It is read as a whole once, so it is better kept where it can be read.
  const context = canvas.getContext("2d", { willReadFrequently: true });
  if (context === null) {
    throw new Error("the browser gives no canvas to draw on");
  }
  context.scale(ratio, ratio);
  const sheet = sheetOf(context, width);
  context.fillStyle = sheet.paper;
  context.fillRect(0, 0, width, top + height + foot);
  write(sheet, settings.region.title, PAD, PAD + LINE, `650 20px ${FONT}`);
  write(sheet, legend.title, PAD, PAD + 2.2 * LINE, `14px ${FONT}`);
  drawMap(sheet, sides, box, top);
  drawLegend(sheet, legend.entries, top + height + PAD);
  attribution.forEach((line, place) => {
    write(sheet, line, PAD, top + height + PAD + (rows + 1 + place) * LINE, `12px ${FONT}`);
  });
  return canvas;
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

function drawLegend(sheet: Sheet, entries: LegendEntry[], top: number): void {
  const { context, width } = sheet;
  const columns = columnsIn(width);
  entries.forEach(({ color, words }, place) => {
    const x = PAD + (place % columns) * COLUMN;
    const y = top + Math.floor(place / columns) * LINE;
    context.fillStyle = color ?? sheet.paper;
    context.fillRect(x, y, SWATCH, SWATCH);
    context.strokeStyle = sheet.ink;
    context.lineWidth = 0.5;
    context.strokeRect(x, y, SWATCH, SWATCH);
    if (color === null) {
      context.beginPath();
      context.moveTo(x, y + SWATCH);
      context.lineTo(x + SWATCH, y);
      context.stroke();
    }
    write(sheet, words, x + SWATCH + 6, y + 11, `12px ${FONT}`);
  });
}

function write({ context, ink }: Sheet, words: string, x: number, y: number, font: string): void {
  context.fillStyle = ink;
  context.font = font;
  context.fillText(words, x, y);
}

function columnsIn(width: number): number {
  return Math.max(1, Math.floor((width - 2 * PAD) / COLUMN));
}

function attributionOf(box: HTMLElement, settings: Settings): string {
  const shown = box.querySelector(".maplibregl-ctrl-attrib-inner")?.textContent ?? "";
  return shown || settings.region.attribution;
}

/** Cut a text into lines that fit, at about 6.2 pixels a letter of 12 pixels. */
function wrapped(text: string, width: number): string[] {
  const most = Math.max(20, Math.floor(width / 6.2));
  const lines: string[] = [""];
  for (const word of text.split(/\s+/)) {
    const last = lines.at(-1) ?? "";
    if (last !== "" && last.length + word.length + 1 > most) {
      lines.push(word);
    } else {
      lines[lines.length - 1] = last === "" ? word : `${last} ${word}`;
    }
  }
  return lines;
}
