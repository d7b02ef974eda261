// The places that changed, as cards with before and after; next and previous fly the map. Of pairs
// that are inconclusive these are candidates: without hectares, and called so.

import { Marker } from "maplibre-gl";
import { findArchive, tilePicture } from "../map/archives.ts";
import type { HexagonMap } from "../map/map.ts";
import { button, make } from "../shared/dom.ts";
import { element, type Figures, type Settings } from "../shared/settings.ts";
import type { AreaKey, Store } from "../shared/state.ts";
import type { Text } from "../shared/text.ts";
import type { Theme } from "../shared/theme.ts";
import { chosenPeriod, hectaresText, isSupported, type Period, periodsOf } from "./headline.ts";

/** Rank, square metres, former class, outline as lon, lat, lon, lat and so on. */
type Place = [number, number, number, number[]];
interface Listed {
  count: number;
  m2: number;
  places: Place[];
}
/** By pair of years and area; that of the whole region is "". */
type Script = Record<string, Record<string, Listed>>;
type Bounds = [number, number, number, number];

declare global {
  // Set by assets/places-HASH/*.js (hexseal/pages/places.py).
  var hexsealPlaces: Record<string, Script> | undefined;
}

const [THUMB_WIDTH, THUMB_HEIGHT] = [176, 132];
const TILE = 512;
// A place fills this part of its picture, and its surroundings the rest.
const FILLED = 0.5;
const LEAST_DEGREES = 0.0008;

export class ChangedPlaces {
  private readonly loading = new Map<string, Promise<Script>>();
  private markers: Marker[] = [];
  private shown = "";

  constructor(
    private readonly settings: Settings,
    private readonly text: Text,
    private readonly store: Store,
    private readonly view: HexagonMap,
    private readonly theme: Theme,
  ) {
    store.onChange((state, before) => {
      if (state.view !== before.view || state.pair !== before.pair || state.patches !== before.patches) {
        this.follow();
      }
    });
  }

  /** Return the section of an area, or of the region (null); filled when its script is there. */
  section(area: AreaKey | null, figures: Figures): HTMLElement {
    const box = make("section", { class: "places" });
    box.hidden = true;
    const period = chosenPeriod(periodsOf(this.settings, figures));
    this.shown = "";
    this.clear();
    if (period !== null && period.grade !== "incomparable" && this.settings.places.folder !== "") {
      void this.fill(box, area, period);
    }
    return box;
  }

  private async fill(box: HTMLElement, area: AreaKey | null, period: Period): Promise<void> {
    const script = await this.read(this.fileOf(area));
    const pair = period.pair.join("-");
    const listed = script[pair]?.[area?.id ?? ""];
    if (listed === undefined || listed.places.length === 0) {
      return;
    }
    const isConfirmed = isSupported(period.grade);
    const list = make("ol", { class: "place-cards" });
    list.append(...listed.places.map((place, at) => this.card(place, at, period, isConfirmed, area === null)));
    box.replaceChildren(this.head(listed, period, list), list, ...this.note(isConfirmed));
    box.hidden = false;
    this.shown = pair;
    // Of a whole region they would hide the map.
    this.mark(area === null ? [] : listed.places, isConfirmed);
  }

  private head({ count, m2 }: Listed, { grade, confirmed }: Period, list: HTMLElement): HTMLElement {
    const { text } = this;
    const isConfirmed = isSupported(grade);
    // The hectares of the headline leave the unsure edges of places out.
    const sure = hectaresText(text, confirmed ?? m2);
    const values = { count: text.number(count, 0), area: hectaresText(text, m2), sure };
    const key = isConfirmed ? (count === 1 ? "one" : "count") : "candidates.count";
    const title = text.of(isConfirmed ? "app.places.title" : "app.places.candidates");
    const brief = make("span", { class: "unit" }, text.of(`app.places.${key}`, values));
    const step = (name: string, sign: string, way: number) => {
      const made = button(sign, "step-button", () => this.step(list, way));
      made.setAttribute("aria-label", text.of(`app.places.${name}`));
      return made;
    };
    return make(
      "div",
      { class: "places-head" },
      make("h3", {}, title, " ", brief),
      ...(list.children.length > 1 ? [step("previous", "‹", -1), step("next", "›", 1)] : []),
    );
  }

  private note(isConfirmed: boolean): HTMLElement[] {
    const level = this.text.number(100 * this.settings.level, 0);
    return isConfirmed ? [make("p", { class: "table-note" }, this.text.of("app.places.false", { level }))] : [];
  }

  private card(place: Place, at: number, { pair }: Period, isConfirmed: boolean, isRegion: boolean): HTMLElement {
    const [, m2, code, outline] = place;
    const { text } = this;
    const origin = this.settings.origins.classes[code] ?? "";
    const words = isConfirmed
      ? [make("strong", {}, `${hectaresText(text, m2)}\u00a0ha`), " ", text.of("app.places.from", { origin })]
      : [text.of("app.places.was", { origin })];
    const number = make("span", { class: isConfirmed ? "place-number" : "place-number candidate" }, String(at + 1));
    const chosen = make("button", { type: "button", class: "place-card" });
    chosen.title = text.of("app.places.show", { number: at + 1 });
    const hasPictures = findArchive(this.settings, "pixels") !== undefined;
    const pictures = make("span", { class: "place-pictures", ...(hasPictures ? {} : { hidden: "" }) });
    const caption = make("span", { class: "place-words" }, number, " ", ...words);
    chosen.append(pictures, caption);
    chosen.addEventListener("click", () => this.fly(chosen, outline, pair));
    whenWanted(chosen, isRegion, () => void this.draw(pictures, outline, pair));
    return make("li", {}, chosen);
  }

  private step(list: HTMLElement, way: number): void {
    const cards = [...list.querySelectorAll<HTMLButtonElement>(".place-card")];
    const at = cards.findIndex((card) => card.getAttribute("aria-current") === "true");
    const next = cards[(at + way + cards.length) % cards.length] ?? cards[0];
    next?.scrollIntoView({ block: "nearest", inline: "nearest" });
    next?.click();
  }

  private fly(card: HTMLElement, outline: number[], pair: [number, number]): void {
    for (const other of card.closest("ol")?.querySelectorAll(".place-card") ?? []) {
      other.setAttribute("aria-current", String(other === card));
    }
    if (this.store.state.view !== "change" || this.store.state.pair !== pair.join("-")) {
      this.store.set({ view: "change", pair: pair.join("-"), basis: "adjusted" });
    }
    this.view.fit(around(outline, 1));
  }

  /** Draw both years side by side: images where there are some, else single pixels. */
  private async draw(box: HTMLElement, outline: number[], pair: [number, number]): Promise<void> {
    const { imageYears } = this.settings.mapLayers;
    const isSeen = pair.every((year) => imageYears.includes(year));
    for (const year of pair) {
      const name = isSeen ? `image-${year}` : "pixels";
      if (findArchive(this.settings, name) === undefined) {
        return;
      }
      const canvas = make("canvas", { width: String(THUMB_WIDTH), height: String(THUMB_HEIGHT), "aria-hidden": "true" });
      box.append(make("span", { class: "place-picture" }, canvas, make("span", { class: "place-year" }, String(year))));
      await this.paint(canvas, name, year, outline).catch(() => undefined);
    }
  }

  private async paint(canvas: HTMLCanvasElement, name: string, year: number, outline: number[]): Promise<void> {
    const context = canvas.getContext("2d");
    const archive = findArchive(this.settings, name);
    if (context === null || archive === undefined) {
      return;
    }
    const frame = frameOf(around(outline, FILLED), archive.maxzoom, archive.minzoom);
    context.imageSmoothingEnabled = name !== "pixels";
    for (const [x, y] of frame.tiles) {
      const blob = await tilePicture(this.settings, { name, theme: this.theme.name, year }, [frame.zoom, x, y]);
      if (blob !== null) {
        const picture = await createImageBitmap(blob);
        const size = TILE * frame.scale;
        context.drawImage(picture, x * size - frame.left, y * size - frame.top, size, size);
      }
    }
    trace(context, outline, frame);
  }

  private fileOf(area: AreaKey | null): string {
    if (area === null) {
      return "region";
    }
    return `${area.layer}-${partOf(area.id, this.settings.places.scripts[area.layer] ?? 1)}`;
  }

  private read(name: string): Promise<Script> {
    const known = this.loading.get(name) ?? load(`${this.settings.root}${this.settings.places.folder}/${name}.js`, name);
    this.loading.set(name, known);
    return known;
  }

  private mark(places: Place[], isConfirmed: boolean): void {
    this.clear();
    this.markers = places.map(([, , , outline], at) => {
      const classes = isConfirmed ? "place-mark" : "place-mark candidate";
      const element = make("span", { class: classes, "aria-hidden": "true" }, String(at + 1));
      const [west, south, east, north] = around(outline, 1);
      const marker = new Marker({ element, anchor: "center", offset: [0, -16] });
      return marker.setLngLat([(west + east) / 2, (south + north) / 2]).addTo(this.view.map);
    });
    this.follow();
  }

  /** Numbers stand on the map only where it shows the change of the same years. */
  private follow(): void {
    const { view, pair } = this.store.state;
    const isShown = view === "change" && pair === this.shown;
    for (const marker of this.markers) {
      marker.getElement().hidden = !isShown;
    }
    // Names keep clear of the numbers: they are drawn when the map comes to rest.
    this.view.map.triggerRepaint();
  }

  private clear(): void {
    this.markers.forEach((marker) => marker.remove());
    this.markers = [];
  }
}

/** Act once a card is in view, those of the whole region once the reader turns to the panel: a page
 * that opens loads no pictures. */
function whenWanted(card: HTMLElement, isRegion: boolean, act: () => void): void {
  const observer = new IntersectionObserver((entries) => {
    if (!entries.some(({ isIntersecting }) => isIntersecting)) {
      return;
    }
    observer.disconnect();
    if (!isRegion) {
      act();
      return;
    }
    const begun = new AbortController();
    const panel = element("figures");
    for (const kind of ["pointermove", "touchstart", "focusin", "scroll"]) {
      const begin = () => {
        begun.abort();
        act();
      };
      panel.addEventListener(kind, begin, { signal: begun.signal, passive: true });
    }
  });
  observer.observe(card);
}

/** The part of a layer's scripts that holds an area (script_of in hexseal/pages/places.py). */
function partOf(id: string, parts: number): number {
  let value = 0;
  for (const character of id) {
    value = (value * 31 + (character.codePointAt(0) ?? 0)) % 1_000_003;
  }
  return value % parts;
}

function load(address: string, name: string): Promise<Script> {
  return new Promise((resolve) => {
    const script = document.createElement("script");
    script.src = address;
    script.onload = () => resolve(globalThis.hexsealPlaces?.[name] ?? {});
    script.onerror = () => resolve({});
    document.head.append(script);
  });
}

/** Return bounds of which an outline fills a part, never smaller than a picture can show. */
function around(outline: number[], part: number): Bounds {
  const [lng, lat] = [0, 1].map((axis) => outline.filter((_, place) => place % 2 === axis));
  const ends = ([lng, lat] as number[][]).map((values) => {
    const [low, high] = [Math.min(...values), Math.max(...values)];
    const half = Math.max((high - low) / part, LEAST_DEGREES) / 2;
    return [(low + high) / 2 - half, (low + high) / 2 + half] as const;
  });
  const [[west, east] = [0, 0], [south, north] = [0, 0]] = ends;
  return [west, south, east, north];
}

interface Frame {
  zoom: number;
  /** Pixels of the picture for one of a tile, and where the picture begins in them. */
  scale: number;
  left: number;
  top: number;
  tiles: [number, number][];
}

/** Return how tiles of the best zoom lie under a picture of bounds. */
function frameOf([west, south, east, north]: Bounds, maxzoom: number, minzoom: number): Frame {
  const [left, right] = [across(west), across(east)];
  const [top, bottom] = [down(north), down(south)];
  // Pixels for the whole width of the world.
  const world = Math.min(THUMB_WIDTH / (right - left), THUMB_HEIGHT / (bottom - top));
  const zoom = Math.max(minzoom, Math.min(maxzoom, Math.ceil(Math.log2(world / TILE))));
  const scale = world / (TILE * 2 ** zoom);
  const [x, y] = [((left + right) / 2) * world - THUMB_WIDTH / 2, ((top + bottom) / 2) * world - THUMB_HEIGHT / 2];
  const size = TILE * scale;
  const tiles: [number, number][] = [];
  for (let column = Math.floor(x / size); column * size < x + THUMB_WIDTH; column++) {
    for (let row = Math.floor(y / size); row * size < y + THUMB_HEIGHT; row++) {
      tiles.push([column, row]);
    }
  }
  return { zoom, scale, left: x, top: y, tiles };
}

function trace(context: CanvasRenderingContext2D, outline: number[], { zoom, scale, left, top }: Frame): void {
  const world = TILE * scale * 2 ** zoom;
  context.beginPath();
  for (let at = 0; at < outline.length; at += 2) {
    context.lineTo(across(outline[at] ?? 0) * world - left, down(outline[at + 1] ?? 0) * world - top);
  }
  context.closePath();
  for (const [color, width] of [["#ffffff", 4.5], ["#1d1b22", 1.8]] as const) {
    context.strokeStyle = color;
    context.lineWidth = width;
    context.stroke();
  }
}

/** Web Mercator, from 0 to 1 across and down. */
function across(lng: number): number {
  return lng / 360 + 0.5;
}

function down(lat: number): number {
  return 0.5 - Math.asinh(Math.tan((lat * Math.PI) / 180)) / (2 * Math.PI);
}
