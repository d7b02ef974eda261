// On paper the map is a picture: graphics memory is empty by the time a browser prints.

import { make } from "../shared/dom.ts";
import type { Comparison } from "./comparison.ts";
import { drawMap, sheetOf } from "./picture.ts";
import type { HexagonMap } from "./map.ts";

/** ``isDark``: whether the map is drawn in colours for a dark page: on paper they are turned. */
export function connectPrinting(view: HexagonMap, comparison: Comparison, isDark: () => boolean): void {
  const picture = make("canvas", { class: "map-picture" });
  addEventListener("beforeprint", () => {
    const canvas = view.map.getCanvas();
    const box = view.map.getContainer();
    picture.width = canvas.width;
    picture.height = canvas.height;
    const context = picture.getContext("2d");
    if (context !== null) {
      // Graphics memory is only full right after drawing.
      view.map.redraw();
      comparison.redraw();
      const twin = comparison.picture;
      const left = twin?.map.getCanvas() ?? null;
      const ratio = canvas.width / box.clientWidth;
      context.scale(ratio, ratio);
      drawMap(sheetOf(context, box.clientWidth), { right: canvas, left, part: twin?.part ?? 0 }, box, 0);
      box.after(picture);
      document.documentElement.toggleAttribute("data-drawn-dark", isDark());
    }
  });
  addEventListener("afterprint", () => {
    picture.remove();
    document.documentElement.removeAttribute("data-drawn-dark");
  });
}
