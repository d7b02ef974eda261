"""Write site_template/src/shared/columns.ts from the codebook; with --check only compare it.

python tools/write_columns.py [--check]
"""

import json
import sys
from pathlib import Path

from hexseal.codebook import SIGNALS, Per, columns_by, names_for

TARGET = Path(__file__).resolve().parents[1] / "site_template/src/shared/columns.ts"
KINDS: dict[Per, str] = {"table": "Table", "year": "Year", "pair": "Pair"}
HEAD = """\
// The columns of hexagons and areas. Written from build/hexseal/codebook by
// tools/write_columns.py; do not edit.

type PairOfYears = readonly [number, number];
"""
FUNCTIONS = """
/** Return the name of a column that stands once in a table. */
export function ofTable(name: TableColumn): string {
  return name;
}

/** Return the name of a year's column. */
export function ofYear(name: YearColumn, year: number): string {
  return `${name}_${year}`;
}

/** Return the name of a column of a pair of years, which may be written as in columns: A_B. */
export function ofPair(name: PairColumn, pair: PairOfYears | string): string {
  return `${name}_${typeof pair === "string" ? pair : pair.join("_")}`;
}

/** Return the names of columns by their use, for these years and pairs. */
export function spread(
  use: Columns,
  years: readonly number[],
  pairs: readonly PairOfYears[],
): string[] {
  return [
    ...use.table,
    ...years.flatMap((year) => use.year.map((name) => ofYear(name, year))),
    ...pairs.flatMap((pair) => use.pair.map((name) => ofPair(name, pair))),
  ];
}
"""


def source() -> str:
    """Return the module's text."""
    lines = [HEAD]
    for kind, title in KINDS.items():
        names = sorted(set(columns_by(kind)))
        lines += [f"export type {title}Column =", *(f"  | {json.dumps(n)}" for n in names)]
        lines[-1] += ";"
        lines.append("")
    lines += ["/** Columns by what they belong to. */", "export interface Columns {"]
    lines += [f"  {kind}: readonly {title}Column[];" for kind, title in KINDS.items()]
    lines += ["}", ""]
    lines += ["/** The columns that add up to the answer for a shape. */"]
    lines += ["export const SHAPE: Columns = {"]
    for kind in KINDS:
        lines += [
            f"  {kind}: [",
            *(f"    {json.dumps(name)}," for name in names_for("shape", kind)),
        ]
        lines += ["  ],"]
    lines += ["};", ""]
    lines += ["/** What a net change can be; its place is its number in tiles. */"]
    lines += ["export const SIGNALS = [", *(f"  {json.dumps(signal)}," for signal in SIGNALS)]
    lines += ["] as const;"]
    return "\n".join(lines) + "\n" + FUNCTIONS


def main() -> None:
    """Write the module, or compare it and exit with 1 where it is out of date."""
    text = source()
    if "--check" in sys.argv:
        if not TARGET.is_file() or TARGET.read_text(encoding="utf-8") != text:
            print(f"{TARGET.name} is out of date; run python tools/write_columns.py")
            sys.exit(1)
        return
    TARGET.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
