// The page that ranks and compares areas: one state, kept in the address, shown as table,
// drawing and download. It is read when a page holds the areas (main.ts).

import { asText, quoted } from "../shared/csv.ts";
import { button, make, PHONE } from "../shared/dom.ts";
import { type Choice, type Column, fold, type RankArea, RankData, type RankSettings } from "./data.ts";
import { Scatter } from "./scatter.ts";
import { parentKey, rankFromHash, type RankState, rankToHash, startRank } from "./state.ts";
import { PAGE_ROWS, RankTable, sorted } from "./table.ts";
import { element } from "../shared/settings.ts";
import { Text } from "../shared/text.ts";

const PER_INHABITANT = "-per_inhabitant";
/** Figures that make no point of a drawing: ends and signs of others. */
const NOT_DRAWN = ["interval", "grade"];

/** Yield to the browser between two pieces of work: ten thousand areas take a while. */
const breathe = () => new Promise<void>((resolve) => void setTimeout(resolve));

export async function startRankPage(home: string): Promise<void> {
  await breathe();
  const settings = JSON.parse(element("hexseal-rank").textContent ?? "") as RankSettings;
  const data = new RankData(settings);
  await breathe();
  new RankPage(data, new Text(settings.language, settings.texts), home);
}

class RankPage {
  private readonly start: RankState;
  private readonly table: RankTable;
  private readonly scatter: Scatter;
  private readonly form = element<HTMLFormElement>("rank-controls");
  private state: RankState;
  private shown: RankArea[] = [];
  private columns: Column[] = [];

  constructor(
    private readonly data: RankData,
    private readonly text: Text,
    home: string,
  ) {
    this.start = startRank(data);
    this.state = rankFromHash(location.hash, data);
    this.scatter = new Scatter(text);
    this.table = new RankTable(data, text, home, {
      sortBy: (id) => this.sortBy(id),
      showChildren: (area) => this.showChildren(area),
    });
    element("rank-static").remove();
    element("rank").hidden = false;
    this.connect();
    this.show();
    performance.mark("hexseal-ready");
    document.documentElement.dataset["hexseal"] = "ready";
  }

  private connect(): void {
    this.form.addEventListener("submit", (event) => event.preventDefault());
    this.form.addEventListener("input", (event) => this.read(event));
    element("scatter-controls").addEventListener("input", (event) => this.read(event));
    for (const question of document.querySelectorAll<HTMLButtonElement>("#rank-questions button")) {
      question.addEventListener("click", () => this.sortByQuestion(question.value));
    }
    this.foldControls();
    element("rank-csv").addEventListener("click", () => this.download());
    addEventListener("popstate", () => {
      this.state = rankFromHash(location.hash, this.data);
      this.show();
    });
  }

  /** On a phone the table comes before further choices. */
  private foldControls(): void {
    const narrow = matchMedia(PHONE);
    const fold = () => {
      element<HTMLDetailsElement>("rank-filters").open = !narrow.matches;
    };
    narrow.addEventListener("change", fold);
    fold();
  }

  /** Take a control's value; typing replaces the address, choosing adds to the history. */
  private read(event: Event): void {
    const control = event.target as HTMLInputElement | HTMLSelectElement;
    const value = control.name === "year" ? Number(control.value) : control.value;
    const change: Partial<RankState> = { [control.name]: value, ...(this.isOfRows(control.name) ? { page: 1 } : {}) };
    if (control.name === "layer") {
      change.parent = "";
    }
    this.set(change, control.name === "q");
  }

  /** Sort by a question; of inhabitants only some years have figures: the last of these is chosen. */
  private sortByQuestion(sort: string): void {
    const { year } = this.state;
    const known = this.data.peopledYears;
    const answered = sort !== PER_INHABITANT || known.includes(year) ? year : (known.at(-1) ?? year);
    this.set({ sort, basis: "adjusted", page: 1, year: answered });
  }

  private isOfRows(name: string): boolean {
    return !["x", "y", "year", "pair", "basis"].includes(name);
  }

  private set(change: Partial<RankState>, isTyping = false): void {
    this.state = { ...this.state, ...change };
    const hash = rankToHash(this.state, this.start);
    const address = hash === "" ? location.href.replace(/#.*/, "") : `#${hash}`;
    if (isTyping) {
      history.replaceState(null, "", address);
    } else {
      history.pushState(null, "", address);
    }
    this.show();
  }

  private sortBy(id: string): void {
    const first = id === "name" ? id : `-${id}`;
    const other = id === "name" ? `-${id}` : id;
    this.set({ sort: this.state.sort === first ? other : first, page: 1 });
    element("rank-table").querySelector<HTMLElement>(`[data-column="${id}"]`)?.focus();
  }

  private showChildren(area: RankArea): void {
    const inside = [...this.data.layers.entries()].find(([, areas]) =>
      areas.some(({ parent }) => parent?.[0] === area.layer && parent[1] === area.id),
    );
    if (inside !== undefined) {
      this.set({ layer: inside[0], parent: `${area.layer}/${area.id}`, q: "", page: 1 });
      this.form.querySelector<HTMLElement>("[name=parent]")?.focus();
    }
  }

  private get choice(): Choice {
    const { year, pair, basis } = this.state;
    return { year, pair: pair.replace("-", "_"), basis };
  }

  private show(): void {
    const { state } = this;
    this.columns = this.data.columns(this.choice, this.text);
    this.shown = sorted(this.matching(), state.sort, this.columns, this.data);
    const pages = Math.max(1, Math.ceil(this.shown.length / PAGE_ROWS));
    const page = Math.min(state.page, pages);
    const from = (page - 1) * PAGE_ROWS;
    this.table.show(this.shown.slice(from, from + PAGE_ROWS), this.columns, state);
    this.showPager(page, pages);
    const all = this.data.layers.get(state.layer)?.length ?? 0;
    const counts = { shown: this.text.number(this.shown.length, 0), all: this.text.number(all, 0) };
    element("rank-count").textContent = this.text.of("app.rank.count", counts);
    this.listDrawn();
    this.showChoices();
    void this.showScatter();
  }

  private matching(): RankArea[] {
    const { layer, parent, signal, q, pair } = this.state;
    const words = fold(q.trim());
    const key = parent === "" ? null : parentKey(parent);
    return (this.data.layers.get(layer) ?? []).filter(
      (area) =>
        (words === "" || this.data.plainName(area).includes(words)) &&
        (key === null || this.data.isInside(area, key)) &&
        (signal === "" || this.data.signal(area, pair.replace("-", "_")) === signal),
    );
  }

  private showPager(page: number, pages: number): void {
    const pager = element("rank-pager");
    pager.hidden = pages === 1;
    const turn = (to: number, key: string) => {
      const made = button(this.text.of(key), "plain-button", () => this.turn(to));
      made.disabled = to < 1 || to > pages;
      return made;
    };
    const words = { page: this.text.number(page, 0), pages: this.text.number(pages, 0) };
    pager.replaceChildren(
      turn(page - 1, "app.rank.previous"),
      make("span", {}, this.text.of("app.rank.page", words)),
      turn(page + 1, "app.rank.next"),
    );
  }

  private turn(page: number): void {
    this.set({ page });
    element("rank-table").scrollIntoView({ block: "start" });
    element("rank-pager").querySelector<HTMLElement>("button:not(:disabled)")?.focus({ preventScroll: true });
  }

  /** Return the columns that the drawing compares: those chosen, or the first two. */
  private get drawn(): [Column, Column] {
    const drawn = this.columns.filter(({ id }) => !NOT_DRAWN.includes(id));
    const chosen = (id: string, otherwise: number) => drawn.find((each) => each.id === id) ?? drawn[otherwise]!;
    return [chosen(this.state.x, 0), chosen(this.state.y, 1)];
  }

  private listDrawn(): void {
    const drawn = this.columns.filter(({ id }) => !NOT_DRAWN.includes(id));
    for (const [place, name] of ["x", "y"].entries()) {
      const list = element("scatter-controls").querySelector<HTMLSelectElement>(`[name=${name}]`)!;
      list.replaceChildren(...drawn.map(({ id, label }) => make("option", { value: id }, label)));
      list.value = this.drawn[place]!.id;
    }
  }

  /** Draw the points after the table, unless the reader has chosen something else since. */
  private async showScatter(): Promise<void> {
    const { shown } = this;
    await breathe();
    if (shown === this.shown) {
      this.scatter.show(shown, ...this.drawn);
    }
  }

  /** Bring the controls and the links to other languages in line with what is shown. */
  private showChoices(): void {
    this.listParents();
    for (const question of document.querySelectorAll<HTMLButtonElement>("#rank-questions button")) {
      question.hidden = question.value === PER_INHABITANT && this.data.peopledYears.length === 0;
      question.setAttribute("aria-pressed", String(question.value === this.state.sort));
    }
    for (const [name, value] of Object.entries(this.state)) {
      const control = this.form.elements.namedItem(name);
      if ((control instanceof HTMLSelectElement || control instanceof HTMLInputElement) && control.value !== String(value)) {
        control.value = String(value);
      }
    }
    for (const link of document.querySelectorAll<HTMLAnchorElement>("[data-language]")) {
      link.hash = rankToHash(this.state, this.start);
    }
  }

  /** List the areas that those of the layer lie in, by layer. */
  private listParents(): void {
    const list = this.form.elements.namedItem("parent") as HTMLSelectElement;
    const above = new Map<string, RankArea>();
    for (const area of this.data.layers.get(this.state.layer) ?? []) {
      for (let key = area.parent; key !== null && !above.has(key.join("/")); ) {
        const found = this.data.find(key);
        if (found === undefined) {
          break;
        }
        above.set(key.join("/"), found);
        key = found.parent;
      }
    }
    const ordered = [...above].sort(([, one], [, two]) => this.data.nameOrder(one) - this.data.nameOrder(two));
    const options = ordered.map(([value, { name }]) => make("option", { value }, name));
    list.replaceChildren(make("option", { value: "" }, this.text.of("app.rank.everywhere")), ...options);
    list.value = this.state.parent;
    list.closest("label")!.hidden = above.size === 0;
  }

  /** Write the rows of all pages as they are shown: numbers without groups, points as decimals. */
  private download(): void {
    const { settings } = this.data;
    const plain = (area: RankArea, column: Column) => this.plain(area, column);
    const low = this.columns.flatMap(({ id, label }) => (id === "interval" ? [`${label} −`, `${label} +`] : [label]));
    const head = ["id", this.text.of("app.rank.name"), ...low];
    const rows = this.shown.map((area) => [asText(area.id), asText(area.name), ...this.columns.flatMap((column) => plain(area, column))]);
    const lines = [head, ...rows].map((row) => `${row.map(quoted).join(",")}\r\n`);
    const file = new Blob(["\ufeff", ...lines], { type: "text/csv" });
    const link = make("a", { href: URL.createObjectURL(file), download: `${settings.id}_${this.state.layer}.csv` });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  }

  private plain(area: RankArea, column: Column): string[] {
    if (column.id === "grade") {
      return [column.text(area)];
    }
    if (column.id !== "interval") {
      const value = column.value(area);
      return [value === null ? "" : value.toFixed(column.digits)];
    }
    return (["adjusted_low_m2", "adjusted_high_m2"] as const).map((end) => {
      const found = this.data.growth(area, this.choice.pair, end);
      return found === null ? "" : found.toFixed(column.digits);
    });
  }
}
