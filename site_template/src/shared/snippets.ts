// Code to copy: a button beside each piece, and the site's real address in place of the example.

import { button } from "./dom.ts";

const SHOWN_MS = 2000;

export function connectSnippets(page: HTMLElement): void {
  const figures = page.querySelectorAll<HTMLElement>("[data-snippet]");
  const status = document.getElementById("copied");
  for (const figure of figures) {
    const code = figure.querySelector("code");
    const caption = figure.querySelector("figcaption");
    if (code === null || caption === null) {
      continue;
    }
    putAddress(code, page);
    caption.append(copyButton(code, caption.textContent ?? "", page.dataset, status));
  }
}

/** A served page has the address of its site; one opened from a folder has none. */
function putAddress(code: HTMLElement, page: HTMLElement): void {
  const anywhere = page.dataset.anywhere ?? "";
  if (anywhere !== "" && location.protocol.startsWith("http")) {
    const site = new URL(page.dataset.root || "./", location.href).href;
    code.textContent = (code.textContent ?? "").replaceAll(anywhere, site);
  }
}

function copyButton(
  code: HTMLElement,
  what: string,
  texts: DOMStringMap,
  status: HTMLElement | null,
): HTMLButtonElement {
  const label = texts.copy ?? "";
  const made = button(label, "copy-code copy-button", () => {
    const announce = (words: string | undefined) => {
      made.textContent = words ?? "";
      if (status !== null) {
        status.textContent = words ?? "";
      }
      setTimeout(() => (made.textContent = label), SHOWN_MS);
    };
    // Absent where the page is neither a file nor served securely.
    const write =
      navigator.clipboard?.writeText(code.textContent ?? "") ??
      Promise.reject(new Error("refused"));
    write.then(
      () => announce(texts.copied),
      () => announce(texts.refused),
    );
  });
  made.setAttribute("aria-label", `${label}: ${what.trim()}`);
  return made;
}
