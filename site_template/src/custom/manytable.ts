// The table of a file of many areas: every area has its row, sorted by any column, with its answer.

import { button, make } from "../shared/dom.ts";
import { percentOfLand, sealed } from "../shared/measures.ts";
import type { Settings } from "../shared/settings.ts";
import { AreaTable } from "../shared/table.ts";
import type { Text } from "../shared/text.ts";
import { chosenPeriod, hasFigure, periodsOf, signedInterval, verdictOf } from "../panel/headline.ts";
import type { NamedShape } from "./features.ts";
import type { AreaRow } from "./rows.ts";

export interface TableActions {
  /** Fly to an area of the file and mark it. */
  show(place: number): void;
  cancel(): void;
  save(kind: "csv" | "geojson"): void;
  close(): void;
}

/** Words and key to sort by. */
type Cell = [words: string, key: string];

export class ManyTable {
  readonly box = make("section", { class: "own-many", "aria-labelledby": "own-many-title" });
  private readonly bar: HTMLProgressElement;
  private readonly status = make("p", { class: "own-message", role: "status" });
  private readonly rows: HTMLTableRowElement[];
  private readonly cancel: HTMLButtonElement;
  private readonly savers: HTMLElement;
  private readonly table: AreaTable;
  private readonly details = make("div", { class: "own-answer" });
  private done = 0;

  constructor(
    shapes: NamedShape[],
    private readonly settings: Settings,
    private readonly text: Text,
    actions: TableActions,
  ) {
    const title = text.of("app.custom.many.title", { count: text.number(shapes.length, 0) });
    this.bar = make("progress", { max: String(shapes.length), value: "0", "aria-label": text.of("app.custom.many.progress") });
    this.cancel = button(text.of("app.custom.many.cancel"), "plain-button", () => actions.cancel());
    this.savers = make(
      "div",
      { class: "own-tools", hidden: "" },
      button(text.of("app.custom.many.csv"), "plain-button", () => actions.save("csv")),
      button(text.of("app.custom.many.geojson"), "plain-button", () => actions.save("geojson")),
    );
    this.rows = shapes.map((shape, place) => this.emptyRow(shape, place));
    const table = this.drawTable(title);
    this.table = new AreaTable(table, text, { choose: (_, id) => actions.show(Number(id)) });
    this.box.append(
      make("h3", { id: "own-many-title" }, title),
      make("div", { class: "own-many-progress" }, this.bar, this.cancel),
      this.status,
      make("div", { class: "own-scroll own-many-rows", tabindex: "0", role: "region", "aria-label": title }, table),
      this.savers,
      make("p", { class: "detail" }, text.of("app.custom.many.note")),
      this.details,
      make("div", { class: "own-tools" }, button(text.of("app.custom.file.done"), "plain-button", () => actions.close())),
    );
  }

  /** Fill the row of an area that was measured. */
  fill(place: number, row: AreaRow): void {
    this.done += 1;
    this.bar.value = this.done;
    this.cellsOf(row).forEach(([words, key], column) => {
      const cell = this.rows[place]?.cells[column + 1];
      if (cell !== undefined) {
        cell.textContent = words;
        cell.dataset["value"] = key;
      }
    });
    this.rows[place]?.classList.toggle("is-empty", row.found === null);
  }

  /** Show how it ended: with what counts, and whether the reader ended it. */
  finish(rows: (AreaRow | undefined)[]): void {
    const known = rows.flatMap((row) => row ?? []);
    const count = (answer: string) => known.filter((row) => row.answer === answer).length;
    const parts = (["ok", "partly", "outside", "no valid pixel", "not measured"] as const).flatMap((answer) => {
      const found = count(answer);
      return found > 0 ? [this.text.of(`app.custom.many.count.${answer.replaceAll(" ", "_")}`, { count: found })] : [];
    });
    const left = rows.length - known.length;
    const words = left > 0 ? this.text.of("app.custom.many.cancelled", { count: left }) : this.text.of("app.custom.many.done");
    this.status.textContent = `${words} ${parts.join(", ")}.`;
    this.bar.parentElement!.hidden = true;
    this.savers.hidden = known.length === 0;
  }

  /** Show the whole answer of a chosen area below the table. */
  detail(parts: HTMLElement[]): void {
    this.details.replaceChildren(...parts);
  }

  mark(place: number | null): void {
    this.table.mark(place === null ? null : String(place));
  }

  private drawTable(title: string): HTMLTableElement {
    const { text, settings } = this;
    const head = (label: string, sort: "text" | "number") =>
      make("th", { scope: "col", "data-sort": sort, ...(sort === "number" ? { class: "number" } : {}) }, label);
    const year = settings.years.at(-1) ?? 0;
    const heads = [
      head(text.of("app.custom.many.name"), "text"),
      head(text.of("app.custom.many.answer"), "text"),
      head(text.of("app.custom.many.share", { year }), "number"),
      ...(settings.pairs.length > 0 ? [head(text.of("app.custom.many.change"), "number")] : []),
    ];
    return make(
      "table",
      { class: "figures sortable own-many-table", "data-layer": "" },
      make("caption", { class: "hidden" }, title),
      make("thead", {}, make("tr", {}, ...heads)),
      make("tbody", {}, ...this.rows),
    );
  }

  private emptyRow({ id, name }: NamedShape, place: number): HTMLTableRowElement {
    const label = make("button", { type: "button", class: "text-button own-row-name" }, name);
    const number = id === name ? null : make("span", { class: "own-row-id" }, id);
    const cells = Array.from({ length: this.settings.pairs.length > 0 ? 3 : 2 }, (_, column) =>
      make("td", column === 0 ? {} : { class: "number" }, column === 0 ? "…" : ""),
    );
    const heading = make("th", { scope: "row", "data-value": name }, label, number);
    return make("tr", { "data-area": String(place) }, heading, ...cells);
  }

  private cellsOf(row: AreaRow): Cell[] {
    const { text, settings } = this;
    const covered = text.number(100 * (row.found?.covered ?? 0), 0);
    const words = row.problem || text.of(`app.custom.many.answer.${row.answer.replaceAll(" ", "_")}`, { covered });
    const answer: Cell = [words, row.answer];
    if (row.found === null) {
      return [answer, ["", ""], ["", ""]];
    }
    const { figures } = row.found;
    const share = percentOfLand(sealed(figures, settings.years.at(-1) ?? 0), figures);
    const period = chosenPeriod(periodsOf(settings, figures));
    const change: Cell =
      period === null
        ? ["", ""]
        : hasFigure(period)
          ? [`${text.of(`app.verdict.${verdictOf(period)}`)}: ${signedInterval(text, period)}`, String(period.middle ?? "")]
          : [text.of(`app.verdict.${verdictOf(period)}`), ""];
    return [answer, [text.share(share), share === null ? "" : String(share)], change];
  }
}
