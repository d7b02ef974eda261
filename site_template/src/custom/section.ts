// The part of the panel where a reader draws, opens, picks, renames, compares and saves areas.

import { button, make } from "../shared/dom.ts";
import { element, type Settings } from "../shared/settings.ts";
import type { Text } from "../shared/text.ts";
import type { Tool } from "./drawing.ts";
import { LONGEST_NAME, MOST_ITEMS } from "./items.ts";

const ACCEPTED = ".geojson,.geojsonl,.json,.kml,.kmz,.gpkg,.zip";

export interface SectionActions {
  draw(tool: Tool): void;
  open(file: File): void;
  paste(text: string): void;
  pick(layer: string, id: string): void;
  show(place: number): void;
  remove(place: number): void;
  rename(place: number, name: string): void;
  save(kind: "csv" | "geojson"): void;
}

export interface ListedItem {
  name: string;
  kind: string;
  isShape: boolean;
  isShown: boolean;
}

export class Section {
  readonly box = element<HTMLDetailsElement>("own");
  private readonly tools = make("div", { class: "own-tools" });
  private readonly message = make("p", { class: "own-message", role: "status" });
  private readonly list = make("ol", { class: "own-list" });
  private readonly choices = make("div", { class: "own-choices" });
  private readonly many = make("div", {});
  private readonly answer = make("div", { class: "own-answer" });
  private readonly comparison = make("div", {});
  private readonly savers = make("div", { class: "own-tools", hidden: "" });
  private readonly picker = make("input", { type: "file", accept: ACCEPTED, class: "hidden" });

  constructor(
    private readonly settings: Settings,
    private readonly text: Text,
    private readonly actions: SectionActions,
  ) {
    this.fillTools();
    this.fillSavers();
    this.box.append(
      make("p", { class: "detail" }, text.of("app.custom.intro")),
      this.tools,
      this.message,
      this.choices,
      this.many,
      this.list,
      this.answer,
      this.comparison,
      this.savers,
    );
    this.box.hidden = false;
  }

  announce(words: string, isError = false): void {
    this.message.textContent = words;
    this.message.classList.toggle("error", isError);
  }

  /** Show the items as a list, the shown one marked. */
  showItems(items: ListedItem[]): void {
    const held = this.box.contains(document.activeElement);
    const place = [...this.list.querySelectorAll("button")].indexOf(
      document.activeElement as HTMLButtonElement,
    );
    this.list.replaceChildren(...items.map((item, at) => this.line(item, at)));
    this.savers.hidden = items.length === 0;
    const isFull = items.length >= MOST_ITEMS;
    for (const control of this.tools.querySelectorAll<HTMLButtonElement>("button, select")) {
      control.disabled = isFull;
    }
    if (held && place >= 0) {
      const buttons = this.list.querySelectorAll("button");
      (buttons[Math.min(place, buttons.length - 1)] ?? this.tools.querySelector("button"))?.focus();
    }
  }

  /** Show the table of a file, or nothing. */
  showMany(parts: HTMLElement[]): void {
    this.many.replaceChildren(...parts);
  }

  showAnswer(parts: HTMLElement[]): void {
    this.answer.replaceChildren(...parts);
  }

  showComparison(parts: HTMLElement[]): void {
    this.comparison.replaceChildren(...parts);
  }

  /** Offer a choice of one of many shapes of a file; "" of them all as one area. */
  offer(names: string[], choose: (place: number | null) => void): void {
    const select = make(
      "select",
      { id: "own-feature" },
      make("option", { value: "" }, this.text.of("app.custom.file.all", { count: names.length })),
      ...names.map((name, place) => make("option", { value: String(place) }, name)),
    );
    const add = button(this.text.of("app.custom.file.add"), "plain-button", () => {
      choose(select.value === "" ? null : Number(select.value));
    });
    const label = this.text.of("app.custom.file.choose", { count: names.length });
    const close = button(this.text.of("app.custom.file.done"), "plain-button", () => this.endOffer());
    this.choices.replaceChildren(
      make("label", { for: "own-feature" }, label),
      make("div", { class: "own-tools" }, select, add, close),
    );
    select.focus();
  }

  endOffer(): void {
    this.choices.replaceChildren();
  }

  private fillTools(): void {
    const { text, actions } = this;
    const act = (key: string, action: () => void) => button(text.of(key), "plain-button", action);
    this.picker.tabIndex = -1;
    this.picker.setAttribute("aria-hidden", "true");
    this.picker.addEventListener("change", () => {
      const [file] = this.picker.files ?? [];
      this.picker.value = "";
      if (file !== undefined) {
        actions.open(file);
      }
    });
    this.tools.append(
      act("app.custom.tool.polygon", () => actions.draw("polygon")),
      act("app.custom.tool.circle", () => actions.draw("circle")),
      act("app.custom.tool.file", () => this.picker.click()),
      act("app.custom.tool.paste", () => this.offerPaste()),
      this.picker,
    );
    if (this.settings.layers.some(({ areas }) => areas.length > 0)) {
      this.tools.append(this.areaPicker());
    }
  }

  private areaPicker(): HTMLElement {
    const groups = this.settings.layers.map(({ layer, title, areas }) =>
      make(
        "optgroup",
        { label: title },
        ...areas.map(({ id, name }) => make("option", { value: `${layer}/${id}` }, name)),
      ),
    );
    const first = make("option", { value: "" }, this.text.of("app.custom.tool.list"));
    const label = this.text.of("app.custom.tool.list.label");
    const select = make("select", { "aria-label": label }, first, ...groups);
    select.addEventListener("change", () => {
      const cut = select.value.indexOf("/");
      if (cut > 0) {
        this.actions.pick(select.value.slice(0, cut), select.value.slice(cut + 1));
      }
      select.value = "";
    });
    return select;
  }

  private offerPaste(): void {
    const field = make("textarea", { id: "own-paste", rows: "4", spellcheck: "false" });
    const read = button(this.text.of("app.custom.paste.read"), "plain-button", () => {
      this.actions.paste(field.value);
    });
    const close = button(this.text.of("app.custom.draw.cancel"), "plain-button", () => this.endOffer());
    this.choices.replaceChildren(
      make("label", { for: "own-paste" }, this.text.of("app.custom.paste.label")),
      field,
      make("div", { class: "own-tools" }, read, close),
    );
    field.focus();
  }

  private fillSavers(): void {
    const act = (key: string, kind: "csv" | "geojson") =>
      button(this.text.of(key), "plain-button", () => this.actions.save(kind));
    this.savers.append(act("app.custom.save.csv", "csv"), act("app.custom.save.geojson", "geojson"));
  }

  private line(item: ListedItem, place: number): HTMLElement {
    const { text, actions } = this;
    const show = button(item.name, "own-name", () => actions.show(place));
    show.setAttribute("aria-pressed", String(item.isShown));
    const named = (key: string, act: () => void) => {
      const made = button(text.of(key), "text-button", act);
      made.setAttribute("aria-label", text.of(`${key}.label`, { name: item.name }));
      return made;
    };
    const line = make(
      "li",
      item.isShown ? { class: "shown" } : {},
      show,
      make("span", { class: "kind" }, item.kind),
      item.isShape ? named("app.custom.rename", () => this.rename(line, item.name, place)) : null,
      named("app.custom.remove", () => actions.remove(place)),
    );
    return line;
  }

  private rename(line: HTMLElement, name: string, place: number): void {
    const label = this.text.of("app.custom.rename.label", { name });
    const field = make("input", { type: "text", maxlength: String(LONGEST_NAME), "aria-label": label });
    field.value = name;
    const keep = () => this.actions.rename(place, field.value);
    field.addEventListener("keydown", (event) => {
      if (event.key === "Enter") {
        keep();
      } else if (event.key === "Escape") {
        event.stopPropagation();
        this.actions.rename(place, name);
      }
    });
    const done = button(this.text.of("app.custom.rename.done"), "text-button", keep);
    line.replaceChildren(field, done);
    field.select();
  }
}
