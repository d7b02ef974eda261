// The pairs of years in the panel: the chosen one first and open.

import type { Pair } from "../shared/measures.ts";
import { element } from "../shared/settings.ts";
import type { State, Store } from "../shared/state.ts";

/** Sort the longest pair first, then the earliest, as the build does (hexseal/pages/stories.py). */
export function byLength(one: Pair, two: Pair): number {
  return two[1] - two[0] - (one[1] - one[0]) || one[0] - two[0];
}

export function connectPairs(store: Store): void {
  if (store.state.pair === "") {
    return;
  }
  const panel = element("figures");
  panel.addEventListener("toggle", ({ target }) => choosePair(store, target), true);
  const follow = () => {
    const { pair } = store.state;
    for (const details of panel.querySelectorAll<HTMLDetailsElement>(".pair-details")) {
      details.open = details.dataset["pair"] === pair;
    }
    order(panel, store.state);
  };
  store.onChange((state, before) => {
    if (state.pair !== before.pair) {
      follow();
    }
  });
  follow();
  connectFlags();
}

/** Put the chosen pair first wherever pairs stand below each other; the keyboard stays where it is. */
function order(panel: HTMLElement, { pair }: State): void {
  const focused = document.activeElement;
  const articles = [...panel.querySelectorAll<HTMLElement>(".pair")];
  for (const parent of new Set(articles.map((article) => article.parentElement))) {
    const listed = articles.filter((article) => article.parentElement === parent);
    const sorted = [...listed].sort((one, two) => byChoice(keyOf(one), keyOf(two), pair));
    const [first] = listed;
    if (first !== undefined && sorted.some((article, place) => article !== listed[place])) {
      const place = document.createComment("");
      first.before(place);
      place.replaceWith(...sorted);
    }
  }
  if (focused instanceof HTMLElement && focused !== document.activeElement && panel.contains(focused)) {
    focused.focus({ preventScroll: true });
    focused.scrollIntoView({ block: "nearest" });
  }
}

function keyOf(article: HTMLElement): string {
  return article.querySelector<HTMLElement>(".pair-details")?.dataset["pair"] ?? "";
}

function byChoice(one: string, two: string, chosen: string): number {
  const years = (key: string) => key.split("-").map(Number) as Pair;
  return Number(two === chosen) - Number(one === chosen) || byLength(years(one), years(two));
}

function choosePair(store: Store, opened: EventTarget | null): void {
  if (opened instanceof HTMLDetailsElement && opened.matches(".pair-details") && opened.open) {
    const pair = opened.dataset["pair"] ?? "";
    if (pair !== store.state.pair) {
      store.set({ pair });
    }
  }
}

/** A flag leads to the warning of what the panel shows, the region or a selection. */
function connectFlags(): void {
  document.addEventListener("click", (event) => {
    const flag = event.target instanceof Element ? event.target.closest("a.flag") : null;
    const key = flag?.getAttribute("href")?.replace("#notes-", "");
    const box = document.querySelector<HTMLElement>(`#selection [data-notes="${key}"]`);
    if (box !== null) {
      event.preventDefault();
      const pair = box.closest<HTMLDetailsElement>(".pair-details");
      for (let fold: HTMLDetailsElement | null = pair; fold !== null; ) {
        fold.open = true;
        fold = fold.parentElement?.closest("details") ?? null;
      }
      box.scrollIntoView({ block: "center" });
      box.focus({ preventScroll: true });
    }
  });
}
