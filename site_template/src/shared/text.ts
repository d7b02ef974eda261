// Texts and numbers in the page's language; the build writes them the same way
// (hexseal/pages/locales.py).

const SQUARE_METRES_PER_HECTARE = 10_000;
const TAGS: Record<string, string> = { en: "en-GB", fr: "fr-FR" };

export class Text {
  readonly tag: string;
  private readonly formats = new Map<string, Intl.NumberFormat>();

  constructor(
    language: string,
    private readonly texts: Record<string, string>,
  ) {
    this.tag = TAGS[language] ?? language;
  }

  /** Return the text of a key with its {names} filled in. */
  of(key: string, values: Record<string, string | number> = {}): string {
    const text = this.texts[key] ?? key;
    return text.replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
  }

  /** Write a number; what is not one is no figure. */
  number(value: number, digits: number, signed = false): string {
    if (Number.isNaN(value)) {
      return this.of("app.none");
    }
    const key = `${digits}${signed}`;
    let format = this.formats.get(key);
    if (format === undefined) {
      format = new Intl.NumberFormat(this.tag, {
        minimumFractionDigits: digits,
        maximumFractionDigits: digits,
        signDisplay: signed ? "exceptZero" : "negative",
      });
      this.formats.set(key, format);
    }
    return format.format(value).replace("-", "−");
  }

  /** Write a break of a legend with just the digits that it has. */
  plain(value: number, signed = false): string {
    const digits = String(Math.abs(value)).split(".")[1]?.length ?? 0;
    return this.number(value, digits, signed);
  }

  /** Write square metres as hectares, with more decimals the smaller they are. */
  hectares(squareMetres: number, signed = false): string {
    return this.number(
      squareMetres / SQUARE_METRES_PER_HECTARE,
      hectareDigits(squareMetres),
      signed,
    );
  }

  /** Write an interval of square metres in hectares, both ends with the same decimals. */
  interval(low: number, high: number): string {
    if (Number.isNaN(low) || Number.isNaN(high)) {
      return this.of("app.none");
    }
    const digits = hectareDigits(Math.max(Math.abs(low), Math.abs(high)));
    const [from, to] = [low, high].map((end) =>
      this.number(end / SQUARE_METRES_PER_HECTARE, digits, low < 0),
    );
    return this.of("app.interval", { low: from ?? "", high: to ?? "" });
  }

  share(percent: number | null): string {
    return percent === null ? this.of("app.none") : this.number(percent, 2);
  }

  points(points: number | null): string {
    return points === null ? this.of("app.none") : this.number(points, 2, true);
  }

  bytes(count: number): string {
    const letter = this.tag.startsWith("fr") ? "o" : "B";
    return `${this.number(count / 1e6, 1)}\u00a0M${letter}`;
  }

  /** Write the mean size of a hexagon, in km² or hectares or m². */
  cellArea(squareMetres: number): string {
    if (squareMetres >= 1e5) {
      const value = squareMetres / 1e6;
      return `${this.number(value, value < 1 ? 2 : value < 100 ? 1 : 0)}\u00a0km²`;
    }
    return squareMetres >= 1e4
      ? `${this.number(squareMetres / 1e4, 1)}\u00a0ha`
      : `${this.number(squareMetres, 0)}\u00a0m²`;
  }
}

function hectareDigits(squareMetres: number): number {
  const size = Math.abs(squareMetres / SQUARE_METRES_PER_HECTARE);
  return size < 10 ? 2 : size < 1000 ? 1 : 0;
}
