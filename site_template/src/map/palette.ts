// Colours of the map in both themes: an object apart from the layers that use it.
// Neighbouring classes, and the lowest against the ground, differ by a contrast of 1.3 and more as
// they are drawn (tests/test_contrast.py). In the dark theme ramps run from dim to bright.

import type { Scale } from "../shared/settings.ts";

export type ThemeName = "light" | "dark";

export interface Palette {
  name: ThemeName;
  /** Sequential: the classes above zero, lowest first. Diverging: lowest to highest. */
  ramps: Record<Scale, string[]>;
  /** The quiet ground, from the region's own land cover. */
  ground: Record<GroundClass, string>;
  /** Change that is not established, where it has to be filled. */
  noise: string;
  background: string;
  /** Single pixels: sealed; and in a pair sealed in both years, new, confirmed, no longer. */
  pixels: { sealed: string; stable: string; fresh: string; confirmed: string; returned: string };
  cellLine: string;
  /** Outlines of hexagons whose change is not established. */
  unsureLine: string;
  areaLine: string;
  areaCasing: string;
  /** Over all that lies outside the chosen place. */
  veil: string;
  hover: string;
  selected: string;
  /** Outlines of confirmed patches. */
  patch: string;
  selectedCasing: string;
  /** Outlines of the places that are compared. */
  places: string[];
}

/** The classes of the ground (hexseal/tiles/ground.py). */
export type GroundClass = "water" | "grass" | "crop" | "wood" | "bare" | "sealed" | "outside";
export const GROUND_CLASSES: GroundClass[] = ["outside", "water", "grass", "crop", "wood", "bare", "sealed"];

export const PALETTES: Record<ThemeName, Palette> = {
  light: {
    name: "light",
    ramps: {
      share: ["#c8a473", "#bd824c", "#b06139", "#943e36", "#732a4c", "#3b1440"],
      change: ["#12585c", "#3f8f8c", "#79b0ab", "#e59260", "#cf5f2d", "#8f2d0f"],
      confirmed: ["#e59260", "#cf5f2d", "#8f2d0f"],
    },
    ground: {
      water: "#bad2dd",
      grass: "#f2f5ea",
      crop: "#f7f4ea",
      wood: "#e5eddc",
      bare: "#f3eee4",
      sealed: "#a39c98",
      outside: "#f6f5f2",
    },
    noise: "#918c99",
    background: "#edebe7",
    pixels: {
      sealed: "#732a4c",
      stable: "#8b8691",
      fresh: "#e59260",
      confirmed: "#8f2d0f",
      returned: "#3f8f8c",
    },
    cellLine: "rgba(255, 255, 255, 0.75)",
    unsureLine: "#6d6975",
    areaLine: "#5c5865",
    areaCasing: "rgba(255, 255, 255, 0.65)",
    veil: "rgba(255, 255, 255, 0.46)",
    hover: "#1d1b22",
    selected: "#1d1b22",
    patch: "#8f2d0f",
    selectedCasing: "#ffffff",
    places: ["#4a2f6b", "#00666b", "#8a5200", "#a02c5a"],
  },
  dark: {
    name: "dark",
    ramps: {
      share: ["#5d4859", "#97525e", "#c85c41", "#ea9050", "#f5c584", "#fdeec9"],
      change: ["#9fdfd7", "#42a7a2", "#1f6c6c", "#94492a", "#dd7a45", "#fbc49e"],
      confirmed: ["#94492a", "#dd7a45", "#fbc49e"],
    },
    ground: {
      water: "#12202a",
      grass: "#34392f",
      crop: "#3a382f",
      wood: "#2b352b",
      bare: "#3b3733",
      sealed: "#77726f",
      outside: "#19181d",
    },
    noise: "#7d7887",
    background: "#121115",
    pixels: {
      sealed: "#ea9050",
      stable: "#8a8590",
      fresh: "#94492a",
      confirmed: "#fbc49e",
      returned: "#42a7a2",
    },
    cellLine: "rgba(0, 0, 0, 0.45)",
    unsureLine: "#a19ca9",
    areaLine: "#bdb8c4",
    areaCasing: "rgba(0, 0, 0, 0.55)",
    veil: "rgba(18, 17, 21, 0.5)",
    hover: "#ffffff",
    selected: "#ffffff",
    patch: "#fbc49e",
    selectedCasing: "#000000",
    places: ["#c9b3ea", "#6fd0cb", "#f0bd77", "#f29ac0"],
  },
};
