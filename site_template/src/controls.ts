// The choices above the panel: view, year, pair of years, outlines; the theme; the languages.

import { element, type Settings } from "./settings.ts";
import { BASES, fromHash, isStep, type State, type Store, toHash } from "./state.ts";
import type { Theme } from "./theme.ts";

export function connectControls(store: Store, settings: Settings): void {
  const form = element<HTMLFormElement>("controls");
  form.hidden = false;
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("change", () => store.set(readChoices(form, store.state)));
  const follow = () => writeChoices(form, store.state, settings);
  store.onChange(follow);
  follow();
}

export function connectTheme(theme: Theme): void {
  const toggle = element<HTMLButtonElement>("theme");
  toggle.hidden = false;
  toggle.addEventListener("click", () => theme.toggle());
}

/** Keep the state in the address, and in the links to the other languages. */
export function connectAddress(store: Store, settings: Settings): void {
  const write = () => {
    const hash = `#${toHash(store.state)}`;
    if (isStep(store.state, fromHash(location.hash, settings))) {
      history.pushState(null, "", hash);
    } else {
      history.replaceState(null, "", hash);
    }
    for (const link of document.querySelectorAll<HTMLAnchorElement>("[data-language]")) {
      link.hash = hash;
    }
  };
  store.onChange(write);
}

function readChoices(form: HTMLFormElement, state: State): Partial<State> {
  const chosen = new FormData(form);
  const read = (name: string, otherwise: string) => String(chosen.get(name) ?? otherwise);
  return {
    view: read("view", state.view) === "change" ? "change" : "share",
    year: Number(read("year", String(state.year))),
    pair: read("pair", state.pair),
    basis: BASES.find((basis) => basis === chosen.get("basis")) ?? state.basis,
    outlines: read("outlines", state.outlines),
  };
}

function writeChoices(form: HTMLFormElement, state: State, settings: Settings): void {
  const { view, year, pair, basis, outlines } = state;
  const values = { view, year, pair, basis, outlines };
  for (const [name, value] of Object.entries(values)) {
    for (const input of form.querySelectorAll<HTMLInputElement>(`input[name="${name}"]`)) {
      input.checked = input.value === String(value);
    }
  }
  for (const choice of form.querySelectorAll<HTMLElement>("[data-view]")) {
    choice.hidden = choice.dataset["view"] !== state.view;
  }
  form.classList.toggle("single", settings.years.length === 1);
}
