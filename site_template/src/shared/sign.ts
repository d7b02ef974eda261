// The sign of a warning, the same as in the templates (macros.html.jinja).

const SPACE = "http://www.w3.org/2000/svg";

/** Return the sign; with a label it is named, without one the text beside it names it. */
export function sign(label = ""): SVGSVGElement {
  const picture = document.createElementNS(SPACE, "svg");
  const attributes: Record<string, string> = { class: "sign", viewBox: "0 0 24 24" };
  Object.assign(
    attributes,
    label ? { role: "img", "aria-label": label } : { "aria-hidden": "true", focusable: "false" },
  );
  for (const [name, value] of Object.entries(attributes)) {
    picture.setAttribute(name, value);
  }
  picture.append(
    path("M12 2.5 23 21.5H1z", { fill: "currentColor" }),
    path("M11 9h2v6.5h-2zM11 17h2v2h-2z", { class: "sign-mark" }),
  );
  return picture;
}

function path(shape: string, attributes: Record<string, string>): SVGPathElement {
  const made = document.createElementNS(SPACE, "path");
  made.setAttribute("d", shape);
  for (const [name, value] of Object.entries(attributes)) {
    made.setAttribute(name, value);
  }
  return made;
}
