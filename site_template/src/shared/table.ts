// Tables of areas, written by the build: sorted by a column, one pair of years at a time.

import { make } from "./dom.ts";
import type { Text } from "./text.ts";

type Direction = "ascending" | "descending";

export interface TableActions {
  choose(layer: string, id: string): void;
}

export function enhanceTables(text: Text, actions: TableActions): AreaTable[] {
  const tables = document.querySelectorAll<HTMLTableElement>("table.sortable");
  return [...tables].map((table) => new AreaTable(table, text, actions));
}

export class AreaTable {
  private readonly collator: Intl.Collator;

  constructor(
    private readonly table: HTMLTableElement,
    private readonly text: Text,
    actions: TableActions,
  ) {
    this.collator = new Intl.Collator(text.tag, { numeric: true });
    this.headings.forEach((heading) => this.makeSortable(heading));
    this.body.addEventListener("click", (event) => {
      const row = (event.target as Element).closest<HTMLTableRowElement>("tr[data-area]");
      if (row !== null && (getSelection()?.isCollapsed ?? true)) {
        event.preventDefault();
        actions.choose(this.layer, row.dataset["area"] ?? "");
      }
    });
  }

  get layer(): string {
    return this.table.dataset["layer"] ?? "";
  }

  /** Show the changes of one pair of years only. */
  showPair(pair: string): void {
    const shown = this.headings.map(({ dataset }) => !dataset["pair"] || dataset["pair"] === pair);
    for (const heading of this.table.tHead?.querySelectorAll<HTMLElement>("[data-pair]") ?? []) {
      heading.hidden = heading.dataset["pair"] !== pair;
    }
    for (const row of this.rows) {
      shown.forEach((isShown, place) => {
        const cell = row.cells[place];
        if (cell !== undefined) {
          cell.hidden = !isShown;
        }
      });
    }
  }

  mark(id: string | null): void {
    for (const row of this.rows) {
      row.classList.toggle("chosen", row.dataset["area"] === id);
    }
  }

  private get body(): HTMLTableSectionElement {
    return this.table.tBodies[0]!;
  }

  private get rows(): HTMLTableRowElement[] {
    return [...this.body.rows];
  }

  /** The headings that stand over one column, in the order of the cells of a row. */
  private get headings(): HTMLTableCellElement[] {
    return [...(this.table.tHead?.querySelectorAll<HTMLTableCellElement>("[data-sort]") ?? [])];
  }

  private makeSortable(heading: HTMLTableCellElement): void {
    const label = heading.textContent?.trim() ?? "";
    const group = heading.dataset["pair"]?.replace("-", "–");
    const words = this.text.of("app.table.sort", { column: group ? `${label} ${group}` : label });
    const control = make("button", { type: "button", class: "sort-button", title: words }, label);
    control.addEventListener("click", () => this.sort(heading));
    heading.replaceChildren(control);
  }

  private sort(heading: HTMLTableCellElement): void {
    const place = this.headings.indexOf(heading);
    const numeric = heading.dataset["sort"] === "number";
    const first: Direction = numeric ? "descending" : "ascending";
    const other: Direction = numeric ? "ascending" : "descending";
    const direction = heading.ariaSort === first ? other : first;
    this.headings.forEach((each) => each.removeAttribute("aria-sort"));
    heading.setAttribute("aria-sort", direction);
    const keyed = this.rows.map((row) => ({ row, key: row.cells[place]?.dataset["value"] ?? "" }));
    const compare = numeric
      ? (one: string, two: string) => Number(one) - Number(two)
      : (one: string, two: string) => this.collator.compare(one, two);
    const sign = direction === "ascending" ? 1 : -1;
    keyed.sort((one, two) => {
      // No data comes last in both directions.
      const empty = Number(one.key === "") - Number(two.key === "");
      return empty || sign * compare(one.key, two.key);
    });
    this.body.append(...keyed.map(({ row }) => row));
  }
}
