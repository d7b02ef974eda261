// On a phone the panel is a sheet over the map: half open after every choice, dragged or pressed to
// a strip or to the whole height. On wider screens it is a column and none of this applies.

import { PHONE } from "../shared/dom.ts";
import { element } from "../shared/settings.ts";

export type Snap = "peek" | "half" | "full";
const ORDER: readonly Snap[] = ["peek", "half", "full"];
const PEEK_PX = 96;
const HALF = 0.52;
// A shorter way of the finger is a press.
const PRESS_PX = 8;

const NARROW = matchMedia(PHONE);

/** In another page's frame there is no sheet: text and map stand beside each other. */
function isNarrow(): boolean {
  return NARROW.matches && !document.documentElement.classList.contains("embedded");
}

/** Return the pixels of the map that the half-open sheet covers. */
export function coveredBySheet(): number {
  return isNarrow() ? HALF * element("stage").clientHeight : 0;
}

export class Sheet {
  private readonly panel = element("figures");
  private readonly handle = element<HTMLButtonElement>("sheet-handle");

  constructor(private readonly onSnap: () => void) {
    this.handle.hidden = false;
    let start: { y: number; height: number } | null = null;
    this.handle.addEventListener("pointerdown", (event) => {
      start = { y: event.clientY, height: this.panel.offsetHeight };
      this.handle.setPointerCapture(event.pointerId);
    });
    this.handle.addEventListener("pointermove", ({ clientY }) => {
      if (start !== null && Math.abs(clientY - start.y) > PRESS_PX) {
        this.panel.classList.add("dragged");
        this.panel.style.setProperty("--sheet", `${start.height + start.y - clientY}px`);
      }
    });
    const end = ({ clientY }: PointerEvent) => {
      if (start !== null && this.panel.classList.contains("dragged")) {
        this.snap(this.nearest(start.height + start.y - clientY));
      } else if (start !== null) {
        this.next();
      }
      start = null;
    };
    this.handle.addEventListener("pointerup", end);
    this.handle.addEventListener("pointercancel", end);
    this.handle.addEventListener("keydown", (event) => {
      const step = { ArrowUp: 1, ArrowDown: -1 }[event.key];
      if (step !== undefined) {
        event.preventDefault();
        this.snap(ORDER[Math.max(0, Math.min(2, ORDER.indexOf(this.state) + step))] ?? "half");
      } else if (event.key === "Enter" || event.key === " ") {
        event.preventDefault();
        this.next();
      }
    });
  }

  /** Return whether the panel is a sheet now. */
  get isSheet(): boolean {
    return isNarrow();
  }

  /** Pixels at the bottom of the map that the sheet covers. */
  get covered(): number {
    return this.isSheet && this.state !== "full" ? this.heightOf(this.state) : 0;
  }

  snap(to: Snap): void {
    this.panel.classList.remove("dragged");
    this.panel.style.removeProperty("--sheet");
    this.panel.dataset["snap"] = to;
    this.handle.setAttribute("aria-expanded", String(to !== "peek"));
    this.onSnap();
  }

  private get state(): Snap {
    return ORDER.find((one) => one === this.panel.dataset["snap"]) ?? "half";
  }

  private next(): void {
    this.snap(this.state === "half" ? "full" : "half");
  }

  private heightOf(snap: Snap): number {
    const whole = this.panel.parentElement?.clientHeight ?? 0;
    return snap === "peek" ? PEEK_PX : snap === "half" ? HALF * whole : whole;
  }

  private nearest(height: number): Snap {
    const far = (snap: Snap) => Math.abs(this.heightOf(snap) - height);
    return [...ORDER].sort((one, two) => far(one) - far(two))[0] ?? "half";
  }
}
