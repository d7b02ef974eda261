// Cells of CSV files that readers take with them.

/** Return a text so that no spreadsheet runs it: one that begins like a formula gets an apostrophe. */
export function asText(text: string): string {
  return /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
}

/** Return a cell in quotes where it needs them (RFC 4180). */
export function quoted(cell: string): string {
  return /[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell;
}
