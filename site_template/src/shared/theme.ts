// Light or dark: the system's choice until the reader makes another.

import type { ThemeName } from "../map/palette.ts";

const KEY = "hexseal-theme";

export class Theme {
  private readonly system = matchMedia("(prefers-color-scheme: dark)");
  private readonly listeners: (() => void)[] = [];

  constructor() {
    this.show(read());
    this.system.addEventListener("change", () => this.notify());
  }

  get name(): ThemeName {
    const chosen = document.documentElement.dataset["theme"];
    if (chosen === "light" || chosen === "dark") {
      return chosen;
    }
    return this.system.matches ? "dark" : "light";
  }

  toggle(): void {
    const next = this.name === "dark" ? "light" : "dark";
    this.show(next);
    keep(next);
    this.notify();
  }

  onChange(listener: () => void): void {
    this.listeners.push(listener);
  }

  private show(name: string | null): void {
    if (name === "light" || name === "dark") {
      document.documentElement.dataset["theme"] = name;
    }
  }

  private notify(): void {
    this.listeners.forEach((listener) => listener());
  }
}

// A browser may refuse storage, for instance to pages opened from a folder.
function read(): string | null {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null;
  }
}

function keep(name: ThemeName): void {
  try {
    localStorage.setItem(KEY, name);
  } catch {
    // The choice then lasts as long as the page.
  }
}
