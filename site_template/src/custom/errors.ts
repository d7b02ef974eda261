// Errors that a reader can fix, shown in the page.

/** Something that the reader can mend: the key of its text and what to fill in. */
export class ShapeError extends Error {
  override readonly name = "ShapeError";

  constructor(
    readonly key: string,
    readonly values: Record<string, string | number> = {},
  ) {
    super(key);
  }
}
