// Tables of an SQLite file, read only (https://www.sqlite.org/fileformat2.html): as much as GeoPackages
// need. Every step moves forward or ends in RangeError, so that a damaged file ends early.

import { timeLimit } from "./slices.ts";

export type Cell = string | number | Uint8Array | null;
export type Row = Record<string, Cell>;

const HEAD_BYTES = 100;
const [INTERIOR, LEAF] = [0x05, 0x0d];
/** Deeper trees do not occur: each level multiplies the rows by hundreds. */
const DEEPEST = 20;
const ENCODINGS = ["utf-8", "utf-8", "utf-16le", "utf-16be"];

interface Table {
  root: number;
  columns: string[];
  /** The column that stands for the number of the row, or -1. */
  key: number;
}

export class SqliteFile {
  private readonly view: DataView;
  private readonly pageSize: number;
  /** Bytes of a page without what is reserved at its end. */
  private readonly usable: number;
  private readonly text: TextDecoder;
  private readonly tables: Map<string, Table>;
  private readonly inTime = timeLimit();

  constructor(private readonly bytes: Uint8Array) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    const size = this.view.getUint16(16);
    this.pageSize = size === 1 ? 65_536 : size;
    this.usable = this.pageSize - this.view.getUint8(20);
    if (this.pageSize < 512 || this.usable < 480) {
      throw new RangeError("page size");
    }
    this.text = new TextDecoder(ENCODINGS[this.view.getUint32(56)] ?? "utf-8");
    const schema = { root: 1, columns: ["type", "name", "tbl_name", "rootpage", "sql"], key: -1 };
    this.tables = new Map(
      [...this.rowsOf(schema)]
        .filter(({ type }) => type === "table")
        .map(({ name, rootpage, sql }) => [String(name).toLowerCase(), tableOf(Number(rootpage), String(sql ?? ""))]),
    );
  }

  /** Return the rows of a table by column; none where there is no such table. */
  rows(name: string): Row[] {
    const table = this.tables.get(name.toLowerCase());
    return table === undefined ? [] : [...this.rowsOf(table)];
  }

  private *rowsOf(table: Table): Generator<Row> {
    for (const [number, record] of this.cells(table.root, 0)) {
      const values = this.values(record);
      const row: Row = {};
      table.columns.forEach((column, place) => {
        row[column] = place === table.key ? number : (values[place] ?? null);
      });
      yield row;
    }
  }

  /** Walk a table's tree: number and record of every row. */
  private *cells(page: number, depth: number): Generator<[number, Uint8Array]> {
    this.inTime();
    if (depth > DEEPEST || page < 1) {
      throw new RangeError("tree");
    }
    const start = (page - 1) * this.pageSize;
    const head = start + (page === 1 ? HEAD_BYTES : 0);
    const kind = this.view.getUint8(head);
    if (kind !== INTERIOR && kind !== LEAF) {
      throw new RangeError("page");
    }
    const first = head + (kind === INTERIOR ? 12 : 8);
    const count = this.view.getUint16(head + 3);
    for (let cell = 0; cell < count; cell++) {
      const at = start + this.view.getUint16(first + 2 * cell);
      if (kind === LEAF) {
        yield this.leafCell(at);
      } else {
        yield* this.cells(this.view.getUint32(at), depth + 1);
      }
    }
    if (kind === INTERIOR) {
      yield* this.cells(this.view.getUint32(head + 8), depth + 1);
    }
  }

  private leafCell(at: number): [number, Uint8Array] {
    const [length, afterLength] = this.varint(at);
    const [number, start] = this.varint(afterLength);
    return [number, this.payload(start, length)];
  }

  /** Return a record that may continue in overflow pages. */
  private payload(start: number, length: number): Uint8Array {
    const most = this.usable - 35;
    if (length <= most) {
      return this.part(start, length);
    }
    if (length > this.bytes.length) {
      throw new RangeError("record");
    }
    const least = Math.floor(((this.usable - 12) * 32) / 255) - 23;
    const rest = least + ((length - least) % (this.usable - 4));
    const here = rest <= most ? rest : least;
    const whole = new Uint8Array(length);
    whole.set(this.part(start, here));
    let page = this.view.getUint32(start + here);
    for (let filled = here; filled < length; ) {
      this.inTime();
      const at = (page - 1) * this.pageSize;
      const part = this.part(at + 4, Math.min(this.usable - 4, length - filled));
      whole.set(part, filled);
      filled += part.length;
      page = this.view.getUint32(at);
    }
    return whole;
  }

  private part(start: number, length: number): Uint8Array {
    if (start < 0 || length < 0 || start + length > this.bytes.length) {
      throw new RangeError("end of file");
    }
    return this.bytes.subarray(start, start + length);
  }

  private values(record: Uint8Array): Cell[] {
    const view = new DataView(record.buffer, record.byteOffset, record.length);
    const [head, first] = varintAt(view, 0);
    const values: Cell[] = [];
    let body = head;
    for (let at = first; at < head; ) {
      const [type, next] = varintAt(view, at);
      const [value, length] = this.value(record, view, type, body);
      values.push(value);
      body += length;
      at = next;
    }
    return values;
  }

  /** Return a value by its serial type, and how many bytes it takes. */
  private value(record: Uint8Array, view: DataView, type: number, at: number): [Cell, number] {
    if (type >= 12) {
      const length = (type - (type % 2 === 0 ? 12 : 13)) / 2;
      if (at + length > record.length) {
        throw new RangeError("value");
      }
      const part = record.subarray(at, at + length);
      return [type % 2 === 0 ? part : this.text.decode(part), length];
    }
    switch (type) {
      case 1:
        return [view.getInt8(at), 1];
      case 2:
        return [view.getInt16(at), 2];
      case 3:
        return [view.getInt8(at) * 65_536 + view.getUint16(at + 1), 3];
      case 4:
        return [view.getInt32(at), 4];
      case 5:
        return [view.getInt16(at) * 2 ** 32 + view.getUint32(at + 2), 6];
      case 6:
        return [Number(view.getBigInt64(at)), 8];
      case 7:
        return [view.getFloat64(at), 8];
      default:
        return [type === 8 ? 0 : type === 9 ? 1 : null, 0];
    }
  }

  private varint(at: number): [number, number] {
    return varintAt(this.view, at);
  }
}

/** Read a number of 1 to 9 bytes, seven bits each; return it and the place after it. */
function varintAt(view: DataView, start: number): [number, number] {
  let value = 0;
  for (let place = 0; place < 8; place++) {
    const byte = view.getUint8(start + place);
    value = value * 128 + (byte & 127);
    if (byte < 128) {
      return [value, start + place + 1];
    }
  }
  return [value * 256 + view.getUint8(start + 8), start + 9];
}

/** Read the columns out of CREATE TABLE name (...): constraints of the table are none. */
export function tableOf(root: number, sql: string): Table {
  const inside = sql.slice(sql.indexOf("(") + 1, sql.lastIndexOf(")"));
  const tokens = inside.match(/"(?:[^"]|"")*"|'(?:[^']|'')*'|`[^`]*`|\[[^\]]*\]|[(),]|[^\s(),"'`[]+/g) ?? [];
  const parts: string[][] = [[]];
  let depth = 0;
  for (const token of tokens) {
    depth += token === "(" ? 1 : token === ")" ? -1 : 0;
    if (token === "," && depth === 0) {
      parts.push([]);
    } else {
      parts.at(-1)!.push(token);
    }
  }
  const columns = parts.filter(([name = ""]) => name !== "" && !/^(constraint|primary|unique|check|foreign)$/i.test(name));
  const key = columns.findIndex(([, type = "", ...words]) => /^integer$/i.test(type) && /primary key/i.test(words.join(" ")));
  return { root, columns: columns.map(([name = ""]) => unquoted(name)), key };
}

function unquoted(name: string): string {
  const [first] = name;
  return first === undefined || !"\"'`[".includes(first) ? name : name.slice(1, -1).replaceAll(first + first, first);
}
