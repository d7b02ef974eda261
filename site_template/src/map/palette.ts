// Colours of the map in both themes: an object apart from the layers that use it.
// Ramps were computed in OKLCH: lightness runs one way in the sequential ramp and two ways from
// a neutral middle in the diverging one (blue and orange), so both read without hue.

import type { Scale } from "../shared/settings.ts";

export type ThemeName = "light" | "dark";

export interface Palette {
  name: ThemeName;
  /** Sequential: the classes above zero, lowest first. Diverging: lowest to highest. */
  ramps: Record<Scale, string[]>;
  zero: string;
  /** Change that cannot be told from noise. */
  noise: string;
  water: string;
  background: string;
  hatch: string;
  /** Single pixels: sealed; and in a pair sealed in both years, new, confirmed, no longer. */
  pixels: { sealed: string; stable: string; fresh: string; confirmed: string; returned: string };
  cellLine: string;
  areaLine: string;
  areaCasing: string;
  hover: string;
  selected: string;
  /** Outlines of confirmed patches. */
  patch: string;
  selectedCasing: string;
}

export const PALETTES: Record<ThemeName, Palette> = {
  light: {
    name: "light",
    ramps: {
      share: ["#f6e8c8", "#f1c388", "#ec9552", "#df5f35", "#b63646", "#7e2050", "#411843"],
      change: [
        "#1d487c", "#2e76b4", "#6eacd7", "#b5d6eb", "#ecece8",
        "#efd3ac", "#ec9d53", "#c96222", "#873616",
      ],
      confirmed: ["#f7e6c9", "#efc283", "#e0913f", "#bd5a1e", "#7c3012"],
    },
    zero: "#f7f8f4",
    noise: "#d6d9da",
    water: "#cfdfe8",
    background: "#e7ebec",
    hatch: "#d9dfe1",
    pixels: {
      sealed: "#7e2050",
      stable: "#8b9096",
      fresh: "#f0b77a",
      confirmed: "#b5441a",
      returned: "#2e76b4",
    },
    cellLine: "rgba(60, 70, 80, 0.14)",
    areaLine: "#3b4550",
    areaCasing: "rgba(255, 255, 255, 0.65)",
    hover: "#0c1116",
    selected: "#0c1116",
    patch: "#9c1c6b",
    selectedCasing: "#ffffff",
  },
  dark: {
    name: "dark",
    ramps: {
      share: ["#46274d", "#742b5b", "#a63255", "#d64938", "#ea813a", "#f3b96b", "#fdefba"],
      change: [
        "#97ddf9", "#4ba8e0", "#2f74aa", "#324f70", "#33393f",
        "#6b4631", "#aa5d28", "#e4882c", "#f7cd87",
      ],
      confirmed: ["#4d3626", "#7d4a26", "#b56926", "#e5942f", "#fad999"],
    },
    zero: "#262c33",
    noise: "#454c53",
    water: "#13212d",
    background: "#0f1317",
    hatch: "#1b2127",
    pixels: {
      sealed: "#ea813a",
      stable: "#6f777f",
      fresh: "#8f5a2c",
      confirmed: "#f7b04f",
      returned: "#4ba8e0",
    },
    cellLine: "rgba(0, 0, 0, 0.35)",
    areaLine: "#c3ccd4",
    areaCasing: "rgba(0, 0, 0, 0.55)",
    hover: "#ffffff",
    selected: "#ffffff",
    patch: "#ff9be0",
    selectedCasing: "#000000",
  },
};
