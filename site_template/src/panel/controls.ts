// The choices above the panel: view, year, pair of years, outlines; the languages.

import { type Basis, element, type Settings } from "../shared/settings.ts";
import { BASES, fromHash, GROUNDS, isStep, type State, type Store, toHash } from "../shared/state.ts";

type Switch = "patches" | "unsure" | "basemap";
const SWITCHES: readonly Switch[] = ["patches", "unsure", "basemap"];

export function connectControls(store: Store, settings: Settings): void {
  const form = element<HTMLFormElement>("controls");
  form.hidden = false;
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("change", () => store.set(readChoices(form, store.state)));
  closeMore(form);
  const follow = () => {
    writeChoices(form, store.state, settings);
    showChosen(form);
  };
  store.onChange(follow);
  follow();
}

/** On a phone rows of choices are cut: bring the chosen one into view. */
function showChosen(form: HTMLFormElement): void {
  for (const row of form.querySelectorAll<HTMLElement>(".map-choices > .choice > .segments")) {
    const chosen = row.querySelector(":checked")?.closest<HTMLElement>(".segment");
    if (chosen && row.scrollWidth > row.clientWidth) {
      const [inner, outer] = [chosen, row].map((each) => each.getBoundingClientRect()) as [DOMRect, DOMRect];
      row.scrollLeft += inner.left + inner.width / 2 - outer.left - outer.width / 2;
    }
  }
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

/** The further settings lie over the map: they close when the reader turns to something else. */
function closeMore(form: HTMLFormElement): void {
  const more = form.querySelector<HTMLDetailsElement>("#more");
  document.addEventListener("pointerdown", ({ target }) => {
    if (more?.open && target instanceof Node && !more.contains(target)) {
      more.open = false;
    }
  });
  more?.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      event.stopPropagation();
      more.open = false;
      more.querySelector("summary")?.focus();
    }
  });
}

function readChoices(form: HTMLFormElement, state: State): Partial<State> {
  const chosen = new FormData(form);
  const read = (name: string, otherwise: string) => String(chosen.get(name) ?? otherwise);
  const view = read("view", viewOf(state));
  return {
    view: view === "share" ? "share" : "change",
    year: Number(read("year", String(state.year))),
    pair: read("pair", state.pair),
    basis: view === "difference" ? "raw" : basisOf(chosen.get("basis"), state),
    ground: GROUNDS.find((ground) => ground === chosen.get("ground")) ?? state.ground,
    compare: Number(read("compare", String(state.compare))),
    ...Object.fromEntries(SWITCHES.flatMap((name) => readSwitch(form, name))),
    outlines: read("outlines", state.outlines),
  };
}

/** The difference of the maps is a view of its own, change on the basis of the raw maps. */
function viewOf({ view, basis }: State): "share" | "change" | "difference" {
  return view === "change" && basis === "raw" ? "difference" : view;
}

/** Return the basis of a change that is not the raw difference. */
function basisOf(chosen: FormDataEntryValue | null, state: State): Basis {
  const wanted = BASES.find((basis) => basis === chosen && basis !== "raw");
  return wanted ?? (state.basis === "raw" ? "adjusted" : state.basis);
}

function readSwitch(form: HTMLFormElement, name: Switch): [Switch, boolean][] {
  const box = form.querySelector<HTMLInputElement>(`input[name="${name}"]`);
  return box === null ? [] : [[name, box.checked]];
}

function writeChoices(form: HTMLFormElement, state: State, settings: Settings): void {
  const { year, pair, basis, ground, compare, outlines } = state;
  const view = viewOf(state);
  const values = { view, year, pair, basis, ground, compare, outlines };
  for (const [name, value] of Object.entries(values)) {
    for (const input of form.querySelectorAll<HTMLInputElement>(`input[name="${name}"]`)) {
      input.checked = input.value === String(value);
    }
  }
  for (const choice of form.querySelectorAll<HTMLElement>("[data-view]")) {
    choice.hidden = !(choice.dataset["view"] ?? "").split(" ").includes(view);
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
