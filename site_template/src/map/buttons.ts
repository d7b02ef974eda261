// The buttons on the map beside zoom: whole region, north up, full screen, picture.

import type { IControl, Map as MapLibre } from "maplibre-gl";
import { make } from "../shared/dom.ts";
import type { Text } from "../shared/text.ts";

const SVG = "http://www.w3.org/2000/svg";
const ICONS = {
  home: "M3 11 12 3.5 21 11M5.5 9.5V20h13V9.5M10 20v-6h4v6",
  north: "M12 3l4.5 9h-9zM12 21l-4.5-9h9z",
  screen: "M4 9V4h5M15 4h5v5M20 15v5h-5M9 20H4v-5",
  picture: "M12 4v10M8 10.5l4 4 4-4M4.5 16v4h15v-4",
};

class ButtonControl implements IControl {
  readonly box = make("div", { class: "maplibregl-ctrl maplibregl-ctrl-group" });
  readonly button: HTMLButtonElement;
  readonly icon = document.createElementNS(SVG, "svg");

  constructor(icon: keyof typeof ICONS, label: string, act: () => void) {
    this.button = make("button", { type: "button", class: `map-button ${icon}-button` });
    this.icon.setAttribute("viewBox", "0 0 24 24");
    this.icon.setAttribute("aria-hidden", "true");
    const path = document.createElementNS(SVG, "path");
    path.setAttribute("d", ICONS[icon]);
    this.icon.append(path);
    this.button.append(this.icon);
    this.button.addEventListener("click", act);
    this.name(label);
    this.box.append(this.button);
  }

  name(label: string): void {
    this.button.title = label;
    this.button.setAttribute("aria-label", label);
  }

  onAdd(): HTMLElement {
    return this.box;
  }

  onRemove(): void {
    this.box.remove();
  }
}

export interface MapButtons {
  home(): void;
  picture(): void;
}

/** Add the buttons; the frame, legend included, is what fills the screen. */
export function addButtons(map: MapLibre, frame: HTMLElement, text: Text, actions: MapButtons): void {
  map.addControl(new ButtonControl("home", text.of("app.map.home"), () => actions.home()), "top-right");
  map.addControl(northButton(map, text), "top-right");
  if (document.fullscreenEnabled) {
    map.addControl(screenButton(frame, text), "top-right");
  }
  const label = text.of("app.map.picture");
  map.addControl(new ButtonControl("picture", label, () => actions.picture()), "top-right");
}

function northButton(map: MapLibre, text: Text): ButtonControl {
  const animate = !matchMedia("(prefers-reduced-motion: reduce)").matches;
  const control = new ButtonControl("north", text.of("app.map.north"), () => map.rotateTo(0, { animate }));
  map.on("rotate", () => {
    control.icon.style.transform = `rotate(${-map.getBearing()}deg)`;
  });
  return control;
}

function screenButton(frame: HTMLElement, text: Text): ButtonControl {
  const isFull = () => document.fullscreenElement === frame;
  const control = new ButtonControl("screen", text.of("app.map.full_screen"), () => {
    const done = isFull() ? document.exitFullscreen() : frame.requestFullscreen();
    // Refused where the page stands in another page's frame: the button then does nothing.
    done.catch(() => undefined);
  });
  document.addEventListener("fullscreenchange", () => {
    control.name(text.of(isFull() ? "app.map.part_screen" : "app.map.full_screen"));
  });
  return control;
}
