// The pairs of years in the panel: the chosen one stands open, on the basis that the reader chose.

import { element } from "./settings.ts";
import { BASES, type Store } from "./state.ts";

export function connectPairs(store: Store): void {
  if (store.state.pair === "") {
    return;
  }
  const panel = element("figures");
  panel.addEventListener("toggle", ({ target }) => choosePair(store, target), true);
  const choices = element<HTMLFormElement>("reading-choices");
  choices.addEventListener("change", () => {
    const chosen = new FormData(choices).get("reading");
    store.set({ basis: BASES.find((basis) => basis === chosen) ?? store.state.basis });
  });
  const follow = () => {
    const { pair, basis, view } = store.state;
    for (const details of panel.querySelectorAll<HTMLDetailsElement>(".pair-details")) {
      details.open = details.dataset["pair"] === pair;
    }
    for (const reading of panel.querySelectorAll<HTMLElement>(".reading")) {
      reading.hidden = reading.dataset["basis"] !== basis;
    }
    for (const input of choices.querySelectorAll("input")) {
      input.checked = input.value === basis;
    }
    // Where the map shows change, its own choices stand above the panel.
    choices.hidden = view === "change";
  };
  store.onChange((state, before) => {
    if (state.pair !== before.pair || state.basis !== before.basis || state.view !== before.view) {
      follow();
    }
  });
  follow();
  connectFlags();
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
      if (pair !== null) {
        pair.open = true;
      }
      box.scrollIntoView({ block: "center" });
      box.focus({ preventScroll: true });
    }
  });
}
