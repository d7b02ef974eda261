// Where a selection lies: the region, its areas from large to small, the selection itself.

import { ofTable } from "../shared/columns.ts";
import { button, make } from "../shared/dom.ts";
import type { Area, AreaLayer, Settings } from "../shared/settings.ts";
import { type AreaKey, findArea } from "../shared/state.ts";
import type { Text } from "../shared/text.ts";

export interface CrumbActions {
  letGo(): void;
  choose(area: AreaKey): void;
}

/** Return the areas that hold an area, the largest first (nested at build: hexseal/pages/figures.py). */
export function holders(settings: Settings, area: Area): Area[] {
  const found: Area[] = [];
  for (let parent = area.parent; parent !== null; ) {
    const [layer, id] = parent;
    const holder = findArea(settings, layer, id);
    if (holder === undefined || found.includes(holder)) {
      break;
    }
    found.unshift(holder);
    parent = holder.parent;
  }
  return found;
}

/** Return areas that hold a hexagon's centre, those of layers with large areas first. */
export function bySize(settings: Settings, keys: AreaKey[]): Area[] {
  const sizes = new Map(settings.layers.map((layer) => [layer.layer, meanLand(layer)]));
  const size = ({ layer }: Area) => sizes.get(layer) ?? 0;
  return keys
    .flatMap(({ layer, id }) => findArea(settings, layer, id) ?? [])
    .sort((one, two) => size(two) - size(one));
}

export function breadcrumb(
  settings: Settings,
  text: Text,
  areas: Area[],
  actions: CrumbActions,
): HTMLElement {
  const links = [
    button(settings.region.title, "crumb", () => actions.letGo()),
    ...areas.map((area) => button(area.name, "crumb", () => actions.choose(area))),
  ];
  const items = links.map((link) => make("li", {}, link));
  return make("nav", { class: "crumbs", "aria-label": text.of("app.crumbs") }, make("ol", {}, ...items));
}

function meanLand({ areas }: AreaLayer): number {
  return areas.reduce((sum, { figures }) => sum + (figures[ofTable("valid_m2")] ?? 0), 0) / areas.length;
}
