// The search field: a combobox (WAI-ARIA Authoring Practices) over areas, H3 cells, coordinates.

import { cellToParent, getResolution, latLngToCell } from "h3-js";
import { centerOf } from "../map/cells.ts";
import { make } from "../shared/dom.ts";
import { type Found, Gazetteer, type Place } from "./places.ts";
import { element, type Settings } from "../shared/settings.ts";
import { type AreaKey, findArea } from "../shared/state.ts";
import type { Text } from "../shared/text.ts";

const MOST = 8;

export interface SearchActions {
  chooseArea(key: AreaKey): void;
  chooseCell(index: string): void;
  /** Put the keyboard where the reader reads on. */
  arrive(): void;
}

export class Search {
  private readonly field = element<HTMLInputElement>("search-field");
  private readonly list = element<HTMLUListElement>("search-list");
  private readonly status = element("search-status");
  private readonly gazetteer: Gazetteer;
  private places: Place[] = [];
  private active = -1;

  constructor(
    private readonly settings: Settings,
    private readonly text: Text,
    private readonly actions: SearchActions,
  ) {
    this.gazetteer = new Gazetteer(settings);
    this.field.addEventListener("input", () => this.look());
    this.field.addEventListener("focus", () => this.look());
    this.field.addEventListener("blur", () => this.close());
    this.field.addEventListener("keydown", (event) => this.press(event));
    // What is typed here is no choice of the form around it.
    this.field.addEventListener("change", (event) => event.stopPropagation());
    this.list.addEventListener("pointerdown", (event) => event.preventDefault());
    this.list.addEventListener("click", ({ target }) => {
      const option = target instanceof Element ? target.closest("[role=option]") : null;
      if (option !== null) {
        this.choose([...this.list.children].indexOf(option));
      }
    });
  }

  private look(): void {
    const found = this.gazetteer.find(this.field.value, MOST);
    this.places = found.places;
    this.active = -1;
    this.list.replaceChildren(...found.places.map((place, at) => this.option(place, at)));
    this.announce(found);
    this.open(found.places.length > 0);
  }

  private announce({ places, count }: Found): void {
    if (this.field.value.trim() === "") {
      this.status.textContent = "";
    } else if (count === 0) {
      this.status.textContent = this.text.of("app.search.none");
    } else {
      const key = count > places.length ? "app.search.more" : "app.search.found";
      const values = { count: this.text.number(count, 0), shown: places.length };
      this.status.textContent = this.text.of(key, values);
    }
  }

  private option(place: Place, at: number): HTMLElement {
    const [name, about] = this.words(place);
    return make(
      "li",
      { role: "option", id: `search-option-${at}`, "aria-selected": "false" },
      make("span", { class: "search-name" }, name),
      make("span", { class: "search-about" }, about),
    );
  }

  private words(place: Place): [string, string] {
    if (place.kind === "area") {
      const { area } = place;
      const layer = this.settings.layers.find((known) => known.layer === area.layer)?.title ?? "";
      const holder = area.parent && findArea(this.settings, area.parent[0], area.parent[1]);
      return [area.name, holder ? `${layer} · ${holder.name}` : layer];
    }
    const name =
      place.kind === "cell" ? place.index : `${place.lat.toFixed(5)}, ${place.lng.toFixed(5)}`;
    const index = this.cellAt(place);
    if (index === null) {
      return [name, this.text.of("app.search.outside")];
    }
    const resolution = getResolution(index);
    return [name, this.text.of("app.search.hexagon", { resolution })];
  }

  /** Return the published hexagon that a place means; null outside the region or its sizes. */
  private cellAt(place: Place): string | null {
    if (place.kind === "area") {
      return null;
    }
    const sizes = this.settings.tiles.bands.map(({ resolution }) => resolution);
    const [coarsest, finest] = [Math.min(...sizes), Math.max(...sizes)];
    const index = place.kind === "cell" ? place.index : latLngToCell(place.lat, place.lng, finest);
    const resolution = getResolution(index);
    const [lng, lat] = centerOf(index);
    const [west, south, east, north] = this.settings.tiles.bounds;
    const margin = 0.02 + (resolution < finest ? (east - west) / 2 : 0);
    const isInside =
      lng > west - margin && lng < east + margin && lat > south - margin && lat < north + margin;
    if (!isInside || resolution < coarsest) {
      return null;
    }
    return resolution > finest ? cellToParent(index, finest) : index;
  }

  private press(event: KeyboardEvent): void {
    const { key } = event;
    const last = this.places.length - 1;
    if (key === "ArrowDown" || key === "ArrowUp") {
      event.preventDefault();
      const step = key === "ArrowDown" ? 1 : -1;
      const next = this.active + step;
      this.point(next > last ? 0 : next < 0 ? last : next);
    } else if (key === "Enter") {
      event.preventDefault();
      this.choose(Math.max(0, this.active));
    } else if (key === "Escape") {
      // Escape elsewhere clears the selection; here it first ends the search.
      if (!this.list.hidden || this.field.value !== "") {
        event.stopPropagation();
      }
      if (this.list.hidden) {
        this.field.value = "";
        this.status.textContent = "";
      }
      this.close();
    }
  }

  private point(at: number): void {
    if (this.places.length === 0) {
      return;
    }
    this.open(true);
    this.active = at;
    [...this.list.children].forEach((option, place) =>
      option.setAttribute("aria-selected", String(place === at)),
    );
    this.field.setAttribute("aria-activedescendant", `search-option-${at}`);
    this.list.children[at]?.scrollIntoView({ block: "nearest" });
  }

  private choose(at: number): void {
    const place = this.places[at];
    if (place === undefined) {
      return;
    }
    if (place.kind === "area") {
      this.field.value = place.area.name;
      this.actions.chooseArea({ layer: place.area.layer, id: place.area.id });
    } else {
      const index = this.cellAt(place);
      if (index === null) {
        const [name] = this.words(place);
        this.status.textContent = this.text.of("app.search.outside_long", { name });
        this.close();
        return;
      }
      this.actions.chooseCell(index);
    }
    this.status.textContent = "";
    this.close();
    this.actions.arrive();
  }

  private open(isOpen: boolean): void {
    this.list.hidden = !isOpen;
    this.field.setAttribute("aria-expanded", String(isOpen));
    this.field.removeAttribute("aria-activedescendant");
  }

  private close(): void {
    this.open(false);
    this.active = -1;
  }
}
