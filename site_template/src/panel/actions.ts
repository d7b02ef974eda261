// The bar under a headline: what a reader takes away from a place.

import { make } from "../shared/dom.ts";
import { draw } from "../shared/svg.ts";
import type { Text } from "../shared/text.ts";

/** One button of the bar; `run` gets the button, to say in it what came of it. */
export interface Action {
  id: string;
  label: string;
  /** The path of a drawing of 24 x 24, stroked. */
  icon: string;
  run: (button: HTMLButtonElement) => void;
}

const ICONS = {
  link: "M9.5 14.5a4 4 0 0 0 5.7 0l3.3-3.3a4 4 0 0 0-5.7-5.7l-1.2 1.2M14.5 9.5a4 4 0 0 0-5.7 0l-3.3 3.3a4 4 0 0 0 5.7 5.7l1.2-1.2",
  picture: "M4 5h16v14H4zM4 16l5-5 4 4 3-3 4 4M15.5 9.5h.01",
  print: "M7 9V4h10v5M7 17H4V9h16v8h-3M7 14h10v6H7z",
};
const SAID_FOR_MS = 2500;

export function actionBar(text: Text, actions: Action[]): HTMLElement {
  const bar = make("div", { class: "actions", role: "group", "aria-label": text.of("app.actions") });
  fillActions(bar, actions);
  return bar;
}

/** Fill the bar that a template left room for. */
export function fillActions(bar: HTMLElement, actions: Action[]): void {
  bar.replaceChildren(...actions.map(actionButton));
}

function actionButton({ id, label, icon, run }: Action): HTMLButtonElement {
  const path = draw("path", { d: icon });
  const drawing = draw("svg", { viewBox: "0 0 24 24", "aria-hidden": "true" }, path);
  const made = make("button", { type: "button", class: "action", "data-action": id }, drawing);
  made.append(make("span", {}, label));
  made.addEventListener("click", () => run(made));
  return made;
}

/** Return link, picture and print, which every place has. */
export function plainActions(text: Text, say: (words: string) => void, picture: () => void): Action[] {
  return [
    {
      id: "link",
      label: text.of("app.action.link"),
      icon: ICONS.link,
      run: (made) => {
        copied(location.href).then(
          () => reply(made, text.of("app.action.link.done"), say),
          () => reply(made, text.of("app.action.link.failed"), say),
        );
      },
    },
    { id: "picture", label: text.of("app.action.picture"), icon: ICONS.picture, run: picture },
    { id: "print", label: text.of("app.action.print"), icon: ICONS.print, run: () => print() },
  ];
}

/** Say in the button and aloud what came of a press. */
function reply(made: HTMLButtonElement, words: string, say: (words: string) => void): void {
  const label = made.querySelector("span");
  const before = label?.textContent ?? "";
  if (label !== null && before !== words) {
    label.textContent = words;
    made.classList.add("said");
    setTimeout(() => {
      label.textContent = before;
      made.classList.remove("said");
    }, SAID_FOR_MS);
  }
  say(words);
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
