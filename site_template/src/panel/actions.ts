// The bar under a headline: what a reader takes away from a place.

import { make } from "../shared/dom.ts";
import { draw } from "../shared/svg.ts";
import type { Text } from "../shared/text.ts";

/** One button of the bar; `run` gets the button, to show in it what came of it. */
export interface Action {
  id: string;
  label: string;
  /** The path of a drawing of 24 x 24, stroked. */
  icon: string;
  run: (button: HTMLButtonElement) => void;
}

/** A file of the bar, fetched with one click. */
interface FileAction extends Omit<Action, "run"> {
  href: string;
  /** What the file holds; begins with the label. */
  holds: string;
}

export type BarItem = Action | FileAction;

const ICONS = {
  link: "M9.5 14.5a4 4 0 0 0 5.7 0l3.3-3.3a4 4 0 0 0-5.7-5.7l-1.2 1.2M14.5 9.5a4 4 0 0 0-5.7 0l-3.3 3.3a4 4 0 0 0 5.7 5.7l1.2-1.2",
  file: "M6 3h8l4 4v14H6zM14 3v4h4M9 12h6M9 16h6",
  embed: "M8.5 8 4 12l4.5 4M15.5 8l4.5 4-4.5 4",
  cite: "M10 7H5v5h5zM10 12c0 3-1.5 4.5-4 5M19 7h-5v5h5zM19 12c0 3-1.5 4.5-4 5",
  picture: "M4 5h16v14H4zM4 16l5-5 4 4 3-3 4 4M15.5 9.5h.01",
  print: "M7 9V4h10v5M7 17H4V9h16v8h-3M7 14h10v6H7z",
};
const SAID_FOR_MS = 2500;

export function actionBar(text: Text, actions: BarItem[]): HTMLElement {
  const bar = make("div", { class: "actions", role: "group", "aria-label": text.of("app.actions") });
  fillActions(bar, actions);
  return bar;
}

/** Fill the bar that a template left room for. */
export function fillActions(bar: HTMLElement, actions: BarItem[]): void {
  bar.replaceChildren(...actions.map(actionButton));
}

function actionButton(item: BarItem): HTMLElement {
  const path = draw("path", { d: item.icon });
  const drawing = draw("svg", { viewBox: "0 0 24 24", "aria-hidden": "true" }, path);
  const attributes = { class: "action", "data-action": item.id };
  const label = make("span", {}, item.label);
  if ("href" in item) {
    const named = { "aria-label": item.holds, title: item.holds };
    return make("a", { ...attributes, ...named, href: item.href, download: "" }, drawing, label);
  }
  const made = make("button", { ...attributes, type: "button" }, drawing, label);
  made.addEventListener("click", () => item.run(made));
  return made;
}

/** What the bar takes from the page around it. */
export interface BarContext {
  announce: (words: string) => void;
  picture: () => void;
  /** The tables of all areas; "" for one that the site does not have. */
  files: { csv: string; xlsx: string };
  embed: () => string;
  cite: () => string;
}

/** Return link, picture, tables, print, code to embed and citation, which every place has. */
export function plainActions(text: Text, context: BarContext): BarItem[] {
  const { announce, picture, files } = context;
  const label = (id: string) => text.of(`app.action.${id}`);
  const tables = (["csv", "xlsx"] as const).filter((kind) => files[kind] !== "");
  return [
    {
      id: "link",
      label: label("link"),
      icon: ICONS.link,
      run: (made) => copyAndReply(made, location.href, "link", text, announce),
    },
    { id: "picture", label: label("picture"), icon: ICONS.picture, run: picture },
    ...tables.map((kind) => ({ id: kind, label: label(kind), icon: ICONS.file, href: files[kind], holds: label(`${kind}.holds`) })),
    { id: "print", label: label("print"), icon: ICONS.print, run: () => print() },
    {
      id: "embed",
      label: label("embed"),
      icon: ICONS.embed,
      run: (made) => openCode(made, context.embed(), "embed", text, announce),
    },
    {
      id: "cite",
      label: label("cite"),
      icon: ICONS.cite,
      run: (made) => openCode(made, context.cite(), "cite", text, announce),
    },
  ];
}

/** Show text to copy below the bar with a button that does it; a second press folds it again. */
function openCode(made: HTMLButtonElement, words: string, id: string, text: Text, announce: (words: string) => void): void {
  const bar = made.closest(".actions");
  const shown = bar?.nextElementSibling;
  const isOpen = shown?.matches(".take") === true && shown.getAttribute("data-take") === id;
  if (shown?.matches(".take")) {
    shown.remove();
  }
  bar?.querySelectorAll("[aria-expanded]").forEach((each) => each.setAttribute("aria-expanded", "false"));
  if (isOpen) {
    return;
  }
  made.setAttribute("aria-expanded", "true");
  const label = text.of(`app.action.${id}.label`);
  const field = make("textarea", { class: "take-words", readonly: "", rows: "4", "aria-label": label, spellcheck: "false" });
  field.value = words;
  const copy = make("button", { type: "button", class: "plain-button" }, make("span", {}, text.of("app.action.copy")));
  copy.addEventListener("click", () => copyAndReply(copy, words, "copy", text, announce));
  bar?.after(make("div", { class: "take", "data-take": id }, make("p", {}, label), field, copy));
  copy.focus();
}

/** Copy words; show in a button of the bar, and announce, what came of it. */
function copyAndReply(made: HTMLButtonElement, words: string, id: string, text: Text, announce: (words: string) => void): void {
  copied(words).then(
    () => reply(made, text.of(`app.action.${id}.done`), announce),
    () => reply(made, text.of(`app.action.${id}.failed`), announce),
  );
}

/** Show in the button, and announce, what came of a press. */
function reply(made: HTMLButtonElement, words: string, announce: (words: string) => void): void {
  const label = made.querySelector("span");
  const before = label?.textContent ?? "";
  if (label !== null && before !== words) {
    label.textContent = words;
    made.classList.add("replied");
    setTimeout(() => {
      label.textContent = before;
      made.classList.remove("replied");
    }, SAID_FOR_MS);
  }
  announce(words);
}

/** Copy text; a page opened from a folder may have to do it through a field. */
async function copied(words: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(words);
  } catch {
    const field = make("textarea", { class: "hidden", "aria-hidden": "true" });
    field.value = words;
    document.body.append(field);
    field.select();
    const isDone = document.execCommand("copy");
    field.remove();
    if (!isDone) {
      throw new Error("the browser refused to copy");
    }
  }
}
