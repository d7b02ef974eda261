// The choices above the panel: view, year, pair of years, outlines; the languages.

import { element, type Settings } from "../shared/settings.ts";
import { BASES, fromHash, GROUNDS, isFurther, isStep, type State, type Store, toHash } from "../shared/state.ts";

type Switch = "patches" | "unsure" | "basemap";
const SWITCHES: readonly Switch[] = ["patches", "unsure", "basemap"];

export function connectControls(store: Store, settings: Settings): void {
  const form = element<HTMLFormElement>("controls");
  form.hidden = false;
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("change", () => store.set(readChoices(form, store.state)));
  const follow = () => {
    writeChoices(form, store.state, settings);
    openMore(form, store.state);
  };
  store.onChange(follow);
  follow();
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

/** What is set differently from a plain map must not be hidden; what the reader opened stays open. */
function openMore(form: HTMLFormElement, state: State): void {
  const more = form.querySelector<HTMLDetailsElement>("#more");
  if (more !== null && !more.open) {
    more.open = isFurther(state);
  }
}

function readChoices(form: HTMLFormElement, state: State): Partial<State> {
  const chosen = new FormData(form);
  const read = (name: string, otherwise: string) => String(chosen.get(name) ?? otherwise);
  return {
    view: read("view", state.view) === "change" ? "change" : "share",
    year: Number(read("year", String(state.year))),
    pair: read("pair", state.pair),
    basis: BASES.find((basis) => basis === chosen.get("basis")) ?? state.basis,
    ground: GROUNDS.find((ground) => ground === chosen.get("ground")) ?? state.ground,
    compare: Number(read("compare", String(state.compare))),
    ...Object.fromEntries(SWITCHES.flatMap((name) => readSwitch(form, name))),
    outlines: read("outlines", state.outlines),
  };
}

function readSwitch(form: HTMLFormElement, name: Switch): [Switch, boolean][] {
  const box = form.querySelector<HTMLInputElement>(`input[name="${name}"]`);
  return box === null ? [] : [[name, box.checked]];
}

function writeChoices(form: HTMLFormElement, state: State, settings: Settings): void {
  const { view, year, pair, basis, ground, compare, outlines } = state;
  const values = { view, year, pair, basis, ground, compare, outlines };
  for (const [name, value] of Object.entries(values)) {
    for (const input of form.querySelectorAll<HTMLInputElement>(`input[name="${name}"]`)) {
      input.checked = input.value === String(value);
    }
  }
  for (const choice of form.querySelectorAll<HTMLElement>("[data-view]")) {
    choice.hidden = choice.dataset["view"] !== state.view;
  }
  for (const name of SWITCHES) {
    for (const box of form.querySelectorAll<HTMLInputElement>(`input[name="${name}"]`)) {
      box.checked = state[name];
      // Only the adjusted net has an interval.
      box.disabled = name === "unsure" && state.basis !== "adjusted";
    }
  }
  for (const input of form.querySelectorAll<HTMLInputElement>(`input[name="compare"]`)) {
    // A year is not compared with itself.
    const segment = input.closest<HTMLElement>(".segment");
    if (segment !== null) {
      segment.hidden = input.value === String(state.year);
    }
  }
  form.classList.toggle("single", settings.years.length === 1);
}
