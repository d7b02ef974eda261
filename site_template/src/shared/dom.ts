// Building the page: every text goes in as text, never as markup.

/** Where the styles lay the page out for a phone. */
export const PHONE = "(max-width: 48rem)";

type Child = Node | string | null;
type Attributes = Record<string, string>;

export function make<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}

export function button(label: string, className: string, act: () => void): HTMLButtonElement {
  const made = make("button", { type: "button", class: className }, label);
  made.addEventListener("click", act);
  return made;
}
