// The dashboard: settings in, map and panel out. This file only puts the parts together.
// A bundle of its own, so that the other pages load no map.

import type { PMTiles } from "pmtiles";
import { openArchive } from "./map/archive.ts";
import { connectAddress, connectControls } from "./panel/controls.ts";
import { withUnlinked } from "./custom/items.ts";
import { OwnAreas } from "./custom/own.ts";
import { explain, showFailure, showStatus } from "./map/failure.ts";
import { Hover } from "./map/hover.ts";
import { Labels } from "./map/labels.ts";
import { Legend } from "./map/legend.ts";
import { addButtons } from "./map/buttons.ts";
import { Comparison } from "./map/comparison.ts";
import { areaColors, areasUntil } from "./map/areas.ts";
import { groundOf } from "./map/ground.ts";
import { savePicture } from "./map/picture.ts";
import { HexagonMap } from "./map/map.ts";
import { PALETTES } from "./map/palette.ts";
import { connectPairs } from "./panel/pairs.ts";
import { plainActions } from "./panel/actions.ts";
import { captionOf, citation, embedCode } from "./panel/caption.ts";
import { dressEmbed, isEmbedded } from "./panel/embed.ts";
import { ChangedPlaces } from "./panel/changed.ts";
import { PlaceComparison } from "./panel/compare.ts";
import { paceOf, targetSection } from "./panel/target.ts";
import { Panel } from "./panel/panel.ts";
import { connectPrinting } from "./map/print.ts";
import { Search } from "./panel/search.ts";
import { coveredBySheet, Sheet } from "./panel/sheet.ts";
import { cameraOn, SelectionKeeper } from "./map/selection.ts";
import { type Area, element, readSettings, type Settings } from "./shared/settings.ts";
import { startPage } from "./shared/start.ts";
import { fromHash, isSame, shownMeasure, startState, type State, Store, unknownIn } from "./shared/state.ts";
import type { ClassKey, Look } from "./map/style.ts";
import { enhanceTables } from "./shared/table.ts";
import { Text } from "./shared/text.ts";
import type { Theme } from "./shared/theme.ts";

const settings = readSettings();
// Just past the first zoom of a layer, so that a rounding does not miss it.
const CLOSE = 0.2;
// The class of the legend that stands out: of the moment, so no part of the state.
let highlight: ClassKey | null = null;
const text = new Text(settings.language, settings.texts);

start(startPage()).catch((err: unknown) => {
  console.error(err);
  showFailure(err, text);
});

async function start(theme: Theme): Promise<void> {
  // Read before the address is written again.
  const unknown = unknownLink();
  const store = new Store({ ...startState(settings), ...fromHash(location.hash, settings) });
  const keeper: { value: SelectionKeeper | null } = { value: null };
  connectTables(store, keeper);
  for (const hint of document.querySelectorAll<HTMLElement>(".needs-script")) {
    hint.hidden = false;
  }
  const archive = await open(settings);
  keeper.value = showMap(store, archive, theme, unknown);
  connectControls(store, settings);
  element("hint").hidden = false;
}

async function open({ tiles }: Settings): Promise<PMTiles> {
  showStatus(text.of("app.loading"));
  const archive = await openArchive(settings, (loaded) => {
    const percent = text.number((100 * loaded) / tiles.bytes, 0);
    showStatus(text.of("app.loading.whole", { size: text.bytes(tiles.bytes), percent }));
  });
  return archive;
}

function showMap(store: Store, archive: PMTiles, theme: Theme, unknown: string): SelectionKeeper {
  const { selection } = store.state;
  if (store.state.camera === null && selection?.kind === "cell") {
    store.set({ camera: cameraOn(selection.index, settings) });
  }
  const legend = new Legend(settings, text, {
    highlight: (key) => {
      highlight = key;
      view.show(look(store, theme));
    },
    zoomTo: (zoom) => view.map.easeTo({ zoom: zoom + CLOSE }),
  });
  legend.show(look(store, theme), store.state.camera?.zoom ?? 0);
  const container = element("map");
  const view: HexagonMap = new HexagonMap(container, settings, text, archive, look(store, theme), store.state.camera);
  view.cover(coveredBySheet());
  if (store.state.camera === null) {
    view.home(true);
  }
  const sheet = new Sheet(() => view.cover(sheet.covered));
  const picture = () => {
    const measure = shownMeasure(store.state, settings);
    const place = store.state.selection?.kind === "area" ? `-${store.state.selection.id.replace(/[^\w-]+/g, "_")}` : "";
    const name = `${settings.region.id}${place}-${measure.id}`;
    const caption = captionOf(settings, text, panel.place, measure, legend);
    savePicture(view, comparison, caption, settings.region.attribution, name).catch((err: unknown) => {
      showStatus(explain(err, text));
    });
  };
  const panel: Panel = new Panel(
    settings,
    text,
    store,
    {
      letGo: () => keeper.letGo(),
      zoomTo: (area) => keeper.zoomTo(area),
      choose: (area) => keeper.chooseArea(area),
    },
    {
      actions: () => actions(),
      beside: (area) => [places.opener(area)],
      below: ({ area, selection, figures }) => [
        ...[targetSection(settings, text, store, figures)].flatMap((section) => section ?? []),
        ...(selection?.kind === "cell" ? [] : [changed.section(area, figures)]),
      ],
      target: (figures) => ({
        target: paceOf(settings, figures, store.state.reduction),
        targetYear: settings.target?.year ?? 0,
      }),
    },
  );
  const actions = () =>
    plainActions(text, {
      announce: (words) => panel.announce(words),
      picture,
      files: { csv: tableOf("csv"), xlsx: tableOf("xlsx") },
      embed: () => embedCode(settings, panel.place.title),
      cite: () => citation(settings, text, panel.place.title),
    });
  const changed = new ChangedPlaces(settings, text, store, view, theme);
  const places = new PlaceComparison(settings, text, store, {
    actions,
    fit: (areas) => view.fit(boundsOfAll(areas)),
    close: (first) => first !== null && keeper.chooseArea(first),
  });
  panel.enhanceRegion();
  store.onChange(({ selection }, before) => {
    if (!isSame(selection, before.selection) && sheet.isSheet) {
      sheet.snap("half");
    }
  });
  const comparison = new Comparison(view, settings, text, (divider) => store.set({ divider }));
  addButtons(view.map, container.parentElement ?? container, text, {
    home: () => view.home(),
    picture,
  });
  const keeper: SelectionKeeper = new SelectionKeeper(
    store,
    settings,
    view,
    panel,
    new Hover(container, text, settings),
    text,
    (x) => shownMeasure(comparison.isLeft(x) ? compared(store.state) : store.state, settings),
    (area) => places.isOn && (places.add(area), true),
  );
  if (store.state.camera === null && selection?.kind === "area") {
    keeper.chooseArea(selection);
  }
  connectPairs(store);
  new Search(settings, text, {
    chooseArea: (area) => keeper.chooseArea(area),
    chooseCell: (index) => keeper.chooseCell(index),
    arrive: () => panel.focus(),
  });
  connectLook(store, view, comparison, legend, theme);
  if (isEmbedded()) {
    // What the frame shows is the address that it was given.
    const dress = dressEmbed(settings, text, () => panel.place, () => shownMeasure(store.state, settings));
    view.map.on("idle", dress);
    dress();
  } else {
    connectAddress(store, settings);
  }
  view.map.on("moveend", () => store.set({ camera: view.camera }));
  if (location.hash === "") {
    // So that going back from the first choice leads here.
    store.set({ camera: view.camera });
  }
  new OwnAreas(store, settings, text, view, theme, (figures, note) => panel.tables(figures, note));
  addEventListener("hashchange", () => followAddress(store, view, keeper));
  // Images are no colours of ours.
  connectPrinting(view, comparison, () => theme.name === "dark" && store.state.ground !== "images");
  view.map.on("error", ({ error }) => showStatus(explain(error, text)));
  view.map.on("movestart", () => {
    document.documentElement.dataset["map"] = "moving";
  });
  view.map.on("idle", () => {
    document.documentElement.dataset["map"] = "still";
  });
  view.map.once("idle", () => {
    showStatus(unknown);
    performance.mark("hexseal-ready");
    const finish = () => {
      document.documentElement.dataset["hexseal"] = "ready";
    };
    if (view.showCover()) {
      view.map.once("idle", finish);
    } else {
      finish();
    }
  });
  return keeper;
}

/** The address of the table of all areas in a format; "" where the site has none. */
function tableOf(format: "csv" | "xlsx"): string {
  const path = settings.tables[format];
  return path === "" ? "" : settings.root + path;
}

/** Keep colours, legend and names in line with state, theme and zoom. */
function connectLook(
  store: Store,
  view: HexagonMap,
  comparison: Comparison,
  legend: Legend,
  theme: Theme,
): void {
  const labels = new Labels(view.map, settings);
  const showLegend = () => legend.show(look(store, theme), view.map.getZoom());
  const showAll = () => {
    view.show(look(store, theme));
    showComparison(store, comparison, theme);
    showLegend();
  };
  store.onChange((state, before) => {
    if (state.outlines !== before.outlines) {
      labels.show(state.outlines);
    }
    if (JSON.stringify({ ...state, camera: null }) !== JSON.stringify({ ...before, camera: null })) {
      showAll();
    }
  });
  theme.onChange(showAll);
  const showUnits = () => {
    const { outlines } = store.state;
    const areAreas = fillsAreas(store.state) && view.map.getZoom() < (areasUntil(settings, outlines) ?? -1);
    const title = settings.layers.find(({ layer }) => layer === outlines)?.title ?? null;
    legend.showUnits(areAreas ? title : null, view.resolution);
  };
  view.map.on("move", showUnits);
  store.onChange(showUnits);
  view.map.on("zoom", showLegend);
  showComparison(store, comparison, theme);
  labels.show(store.state.outlines);
  showUnits();
}

/** Change is filled only where it is established: in areas as a whole it would be a flood. */
function fillsAreas({ selection, view, compare }: State): boolean {
  return selection === null && view === "share" && compare === 0;
}

function boundsOfAll(areas: Area[]): [number, number, number, number] {
  const all = areas.flatMap(({ bounds }) => (bounds === null ? [] : [bounds]));
  const of = (axis: 0 | 1 | 2 | 3) => all.map((bounds) => bounds[axis]);
  return all.length === 0
    ? settings.tiles.bounds
    : [Math.min(...of(0)), Math.min(...of(1)), Math.max(...of(2)), Math.max(...of(3))];
}

/** Show the other year left of the divider, or take it away. */
function showComparison({ state }: Store, comparison: Comparison, theme: Theme): void {
  const sides = { left: String(state.compare), right: String(state.year) };
  const left = isCompared(state) ? lookOf(compared(state), theme) : null;
  comparison.show(left, sides, state.divider);
}

function isCompared({ view, compare, year }: State): boolean {
  return view === "share" && compare !== 0 && compare !== year;
}

/** Return the state that the left side shows. */
function compared(state: State): State {
  return { ...state, year: state.compare };
}

function look(store: Store, theme: Theme): Look {
  return lookOf(store.state, theme);
}

function lookOf(state: State, theme: Theme): Look {
  const { selection, outlines } = state;
  return {
    palette: PALETTES[theme.name],
    measure: shownMeasure(state, settings),
    breaks: settings.breaks,
    ground: groundOf(state, settings),
    unsure: state.unsure && state.view === "change" && state.basis === "adjusted",
    highlight,
    beside: isCompared(state) ? state.compare : 0,
    outlines,
    selectedArea: selection?.kind === "area" ? selection : null,
    areas: fillsAreas(state) ? areaColors(settings, state, PALETTES[theme.name], highlight) : null,
    places: state.places,
  };
}

/** Tables sort even where the map cannot be shown; their rows choose areas once it is there. */
function connectTables(store: Store, keeper: { value: SelectionKeeper | null }): void {
  const choose = (layer: string, id: string) => {
    keeper.value?.chooseArea({ layer, id });
    element("stage").scrollIntoView({ block: "start" });
  };
  const tables = enhanceTables(text, { choose });
  const follow = () => {
    const { selection, pair } = store.state;
    for (const table of tables) {
      table.showPair(pair);
      const here = selection?.kind === "area" && selection.layer === table.layer;
      table.mark(here ? selection.id : null);
    }
  };
  store.onChange((state, before) => {
    if (state.pair !== before.pair || state.selection !== before.selection) {
      follow();
    }
  });
  follow();
}

/** Return what the address names that this site does not have; "" where it has all. */
function unknownLink(): string {
  const parts = unknownIn(location.hash, settings);
  return parts.length === 0 ? "" : text.of("app.link.unknown", { parts: parts.join(", ") });
}

/** Show what another address names; one without state is a place in the page. */
function followAddress(store: Store, view: HexagonMap, keeper: SelectionKeeper): void {
  if (!location.hash.includes("=")) {
    return;
  }
  const linked = fromHash(location.hash, settings);
  showStatus(unknownLink());
  store.set({
    ...linked,
    selection: linked.selection ?? null,
    own: withUnlinked(linked.own ?? [], store.state.own),
    shown: linked.shown ?? 0,
  });
  if (linked.camera) {
    const { lng, lat, zoom, bearing = 0 } = linked.camera;
    view.map.jumpTo({ center: [lng, lat], zoom, bearing });
  } else if (linked.selection?.kind === "area") {
    keeper.chooseArea(linked.selection);
  }
}
