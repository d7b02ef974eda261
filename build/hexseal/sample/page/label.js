"use strict";
// The labelling page: one block at a time, both dates side by side, without a network.
// A label is null (not yet), {unknown}, {share} (typed) or {cells} (painted, row by row).
(() => {
  const byId = (id) => document.getElementById(id);
  const read = (id) => JSON.parse(byId(id).textContent);
  const data = read("data");
  const texts = read("texts");
  const pictures = read("pictures");
  const SIDE = 10;
  const BEFORE = (data.cells - SIDE) / 2;
  const KEY = `hexseal-sample:${data.design}`;
  const DIFFERENT = 0.05;
  const NO_CHANGE = 0.004;
  const LONGEST_LOOK = 300;
  const WHO = ["A", "B", "settled"];
  const SVG = "http://www.w3.org/2000/svg";
  const ICONS = {
    back: "m12.5 4-6 6 6 6", undo: "M7 4 3.5 7.5 7 11M4 7.500h8a4.3 4.3 0 0 1 0 8.600H8",
    save: "M10 3v9M6.500 8.700 10 12.200l3.500-3.500M4 16.500h12", open: "M10 12V3M6.500 6.500 10 3l3.500 3.500M4 16.500h12",
    less: "M4 10h12", more: "M10 4v12M4 10h12", tick: "m4 10.500 4 4 8-9", list: "M4 5h12M4 10h12M4 15h12", close: "m5 5 10 10M15 5 5 15",
  };

  const state = {
    who: "A", at: 0, date: 0, row: 0, column: 0, gridless: false, typing: -1, shown: 0,
    labels: { A: {}, B: {}, settled: {} }, seconds: [], undo: [], note: "", isKept: true,
    language: (navigator.language || "en").startsWith("fr") ? "fr" : "en",
  };

  // --- texts ---------------------------------------------------------------------------------
  const text = (key, values = {}) =>
    (texts[state.language][key] ?? texts.en[key] ?? key)
      .replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
  const number = (value, digits = 0) =>
    value.toLocaleString(state.language, { maximumFractionDigits: digits });
  // Texts carry <b> alone; values from files are escaped.
  const escaped = (value) => String(value).replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);
  const rich = (key, values = {}) =>
    text(key, Object.fromEntries(Object.entries(values).map(([k, v]) => [k, escaped(v)])));
  const icon = (name) => `<svg class="i" viewBox="0 0 20 20" aria-hidden="true"><path d="${ICONS[name]}"/></svg>`;

  // --- labels --------------------------------------------------------------------------------
  const units = data.units;
  const unit = () => units[state.at];
  // Blocks and labels never change in place: what follows from one is kept beside it.
  const kept = new WeakMap();
  const once = (key, make) => {
    if (!kept.has(key)) kept.set(key, make());
    return kept.get(key);
  };
  const counts = (one) => once(one, () => {
    const flags = new Array(SIDE * SIDE).fill(false);
    for (let row = 0; row < one.rows; row++) {
      for (let column = 0; column < one.columns; column++) {
        const place = row * SIDE + column;
        flags[place] = !one.mask || one.mask[place] === "1";
      }
    }
    return flags;
  });
  const counting = (one) => counts(one).filter(Boolean).length;
  const labelsOf = (who, one) => state.labels[who][one.unit] ?? [null, null];
  const current = () => labelsOf(state.who, unit());
  const painted = (label, one) =>
    label?.cells ? counts(one).reduce((sum, yes, place) => sum + (yes && label.cells[place] ? 1 : 0), 0) : 0;
  const shareOf = (label, one) => {
    if (!label || label.unknown) return null;
    return label.cells ? painted(label, one) / Math.max(counting(one), 1) : label.share;
  };
  const isDone = (who, one) => labelsOf(who, one).every((label) => label !== null);
  const differ = (one) => {
    if (!isDone("A", one) || !isDone("B", one)) return false;
    const [a, b] = ["A", "B"].map((who) => labelsOf(who, one).map((label) => shareOf(label, one)));
    const isKnown = [...a, ...b].every((share) => share !== null);
    if (!isKnown) return a.some((share, date) => (share === null) !== (b[date] === null));
    // As hexseal accuracy has it: five cells, or change that only one of them saw.
    const changed = [a, b].map(([first, second]) => Math.abs(second - first) > NO_CHANGE);
    return changed[0] !== changed[1] || a.some((share, date) => Math.abs(share - b[date]) > DIFFERENT);
  };
  const toSettle = () => units.filter(differ);
  const shown = () => (state.who === "settled" ? toSettle() : units);
  const doneBy = (who) => units.filter((one) => isDone(who, one)).length;

  const setLabel = (date, label, keep = true) => {
    const one = unit();
    const before = labelsOf(state.who, one);
    if (keep) state.undo.push({ who: state.who, unit: one.unit, at: state.at, before });
    if (state.undo.length > 500) state.undo.shift();
    const after = [...before];
    after[date] = label;
    state.labels[state.who][one.unit] = after;
    store();
  };
  const cellsOf = (date) => {
    const label = current()[date];
    return label?.cells ? label.cells.slice() : new Array(SIDE * SIDE).fill(0);
  };
  const paint = (date, place, value, keep = true) => {
    if (!counts(unit())[place]) return;
    const cells = cellsOf(date);
    cells[place] = value;
    setLabel(date, { cells }, keep);
  };

  // --- keeping -------------------------------------------------------------------------------
  const packed = (label) => (label ? once(label, () => packedOnce(label)) : "");
  const packedOnce = (label) => {
    if (label.unknown) return "?";
    if (!label.cells) return `=${label.share}`;
    let hex = "";
    for (let place = 0; place < label.cells.length; place += 4) {
      hex += parseInt(label.cells.slice(place, place + 4).join(""), 2).toString(16);
    }
    return hex;
  };
  const unpacked = (cell) => {
    if (cell === "?") return { unknown: true };
    if (/^=(0|1|0?\.\d+|1\.0+|0\.\d+)(e-\d+)?$/.test(cell)) return { share: Number(cell.slice(1)) };
    if (!/^[0-9a-f]{25}$/.test(cell)) return null;
    return { cells: [...cell].flatMap((digit) => [...parseInt(digit, 16).toString(2).padStart(4, "0")].map(Number)) };
  };
  const store = () => {
    const labels = {};
    for (const who of WHO) {
      labels[who] = Object.fromEntries(Object.entries(state.labels[who]).map(([key, pair]) => [key, pair.map(packed)]));
    }
    try {
      localStorage.setItem(KEY, JSON.stringify({
        labels, who: state.who, unit: unit()?.unit, seconds: state.seconds.slice(-100), language: state.language,
      }));
      state.isKept = true;
    } catch {
      state.isKept = false;
    }
  };
  const restore = () => {
    let kept = null;
    try {
      kept = JSON.parse(localStorage.getItem(KEY) ?? "null");
    } catch {
      state.isKept = false;
    }
    if (!kept) return;
    for (const who of WHO) {
      for (const [key, pair] of Object.entries(kept.labels?.[who] ?? {})) state.labels[who][key] = pair.map(unpacked);
    }
    state.who = WHO.includes(kept.who) ? kept.who : "A";
    state.seconds = kept.seconds ?? [];
    state.language = texts[kept.language] ? kept.language : state.language;
    const at = units.findIndex((one) => one.unit === kept.unit);
    state.at = at < 0 ? 0 : at;
    if (state.who === "settled" && !toSettle().length) state.who = "A";
  };

  // --- the table -----------------------------------------------------------------------------
  const quoted = (cell) => (/[",\n\r]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell);
  const rounded = (share) => (share === null ? "" : String(Math.round(share * 1e6) / 1e6));
  const parts = (one, pair) => {
    if (!pair.every((label) => label?.cells)) return ["", ""];
    const [first, second] = pair.map((label) => label.cells);
    const count = (test) => counts(one).filter((yes, place) => yes && test(first[place], second[place])).length;
    const total = Math.max(counting(one), 1);
    return [rounded(count((a, b) => b && !a) / total), rounded(count((a, b) => a && !b) / total)];
  };
  const table = () => {
    const used = WHO.filter((who) => Object.values(state.labels[who]).some((pair) => pair.some(Boolean)));
    const extra = ["gain_share", "loss_share", ...data.years.map((year) => `cells_${year}`), "interpreter"];
    const lines = [[...data.columns, ...extra]];
    for (const who of used.length ? used : ["A"]) {
      for (const one of units) {
        const pair = labelsOf(who, one);
        if (who === "settled" && !pair.some(Boolean)) continue;
        const row = one.row.slice();
        pair.forEach((label, date) => { row[data.shareColumns[date]] = rounded(shareOf(label, one)); });
        lines.push([...row, ...parts(one, pair), ...pair.map(packed), who]);
      }
    }
    return lines.map((cells) => cells.map((cell) => quoted(String(cell))).join(",")).join("\n") + "\n";
  };
  const parsed = (source) => {
    const rows = [[""]];
    let isQuoted = false;
    for (let place = 0; place < source.length; place++) {
      const sign = source[place];
      const row = rows[rows.length - 1];
      if (isQuoted) {
        if (sign !== '"') row[row.length - 1] += sign;
        else if (source[place + 1] === '"') { row[row.length - 1] += '"'; place++; } else isQuoted = false;
      } else if (sign === '"') isQuoted = true;
      else if (sign === ",") row.push("");
      else if (sign === "\n") rows.push([""]);
      else if (sign !== "\r") row[row.length - 1] += sign;
    }
    return rows.filter((row) => row.length > 1);
  };
  const take = (name, source) => {
    const [head = [], ...rows] = parsed(source.replace(/^\uFEFF/, ""));
    const column = Object.fromEntries(head.map((title, place) => [title.trim().toLowerCase(), place]));
    const needed = ["unit", "design", ...data.years.map((year) => `sealed_share_${year}`)];
    if (!needed.every((title) => title in column)) return text("not_a_file");
    const foreign = rows.find((row) => row[column.design] !== data.design);
    if (foreign) return text("wrong_file", { design: foreign[column.design] ?? "" });
    const known = new Map(units.map((one) => [String(one.unit), one]));
    let count = 0;
    for (const row of rows) {
      const one = known.get(row[column.unit]);
      const who = WHO.includes(row[column.interpreter]) ? row[column.interpreter] : "A";
      if (!one) continue;
      const pair = data.years.map((year) => {
        const packedCell = row[column[`cells_${year}`]] ?? "";
        const share = row[column[`sealed_share_${year}`]];
        const value = Number(share);
        if (packedCell) return unpacked(packedCell);
        return share && value >= 0 && value <= 1 ? { share: value } : null;
      });
      if (!pair.some(Boolean)) continue;
      state.labels[who][one.unit] = pair;
      count++;
    }
    return text("opened", { count: number(count), name });
  };
  const save = () => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([table()], { type: "text/csv" }));
    link.download = data.file;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  };

  // --- drawing -------------------------------------------------------------------------------
  const squares = (one, test) => {
    let path = "";
    for (let place = 0; place < SIDE * SIDE; place++) {
      if (test(place)) path += `M${BEFORE + (place % SIDE)} ${BEFORE + Math.floor(place / SIDE)}h1v1h-1z`;
    }
    return path;
  };
  const overlay = (one, date, label) => {
    const [columns, rows, yes] = [one.columns, one.rows, counts(one)];
    const all = data.cells;
    const [right, bottom] = [BEFORE + columns, BEFORE + rows];
    let lines = "";
    for (let place = 1; place < columns; place++) lines += `M${BEFORE + place} ${BEFORE}v${rows}`;
    for (let place = 1; place < rows; place++) lines += `M${BEFORE} ${BEFORE + place}h${columns}`;
    const inside = (place) => place % SIDE < columns && Math.floor(place / SIDE) < rows;
    const cursor = date === state.date
      ? `<rect class="cursor" x="${BEFORE + state.column}" y="${BEFORE + state.row}" width="1" height="1"/>` : "";
    return `<defs><pattern id="hatch" width=".5" height=".5" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><path d="M0 0v.5" stroke="#141118" stroke-width=".2"/></pattern></defs>
      <path class="veil" fill-rule="evenodd" d="M0 0H${all}V${all}H0ZM${BEFORE} ${BEFORE}V${bottom}H${right}V${BEFORE}Z"/>
      <path class="painted" d="${squares(one, (place) => label?.cells?.[place] && yes[place])}"/>
      <g class="grid"><path d="${lines}"/></g><path class="void" d="${squares(one, (place) => inside(place) && !yes[place])}"/>
      <rect class="frame" x="${BEFORE}" y="${BEFORE}" width="${columns}" height="${rows}"/>${cursor}`;
  };
  const panes = [...document.querySelectorAll(".pane")];
  const buildPane = (pane, date) => {
    const year = data.years[date];
    const source = data.sources[year];
    pane.innerHTML = `<div class="head"><b>${year}</b><span class="name"></span><kbd>${date + 1}</kbd></div>
      <div class="image"><div class="under"></div><svg viewBox="0 0 ${data.cells} ${data.cells}" preserveAspectRatio="none" tabindex="0" role="application"></svg><span class="stamp" hidden></span></div>
      <div class="foot"></div>`;
    const parts = [];
    if (source) parts.push(source.name, text("pixels", { size: number(source.pixel, 2) }));
    if (data.tiles[year]) parts.push(text("tiles"));
    pane.querySelector(".name").textContent = parts.join(", ") || text("no_image");
    const svg = pane.querySelector("svg");
    svg.addEventListener("focus", () => { if (state.date !== date) { state.date = date; render(); } });
    svg.addEventListener("pointerdown", (event) => startPainting(event, svg, date));
  };
  const buildUnder = (pane, date) => {
    const under = pane.querySelector(".under");
    const [one, year] = [unit(), data.years[date]];
    const picture = pictures[year]?.[state.at];
    under.replaceChildren();
    if (data.tiles[year]) {
      const canvas = document.createElement("canvas");
      drawTiles(canvas, data.tiles[year], one);
      under.replaceWith(canvas);
      canvas.className = "under";
      if (!picture) return;
    }
    if (picture) {
      const image = new Image();
      image.alt = "";
      image.draggable = false;
      image.src = `data:image/jpeg;base64,${picture}`;
      image.className = "under";
      pane.querySelector(".under").replaceWith(image);
      if (data.tiles[year]) image.style.opacity = "0";
      return;
    }
    const blank = document.createElement("div");
    blank.className = "under blank";
    blank.innerHTML = `<p class="missing">${rich(data.sources[year] ? "no_cover" : "missing", { year })}</p>`;
    pane.querySelector(".under").replaceWith(blank);
  };
  const buildFoot = (pane, date) => {
    const foot = pane.querySelector(".foot");
    const [one, label] = [unit(), current()[date]];
    const total = counting(one);
    if (state.typing === date) {
      foot.innerHTML = `<label class="hidden" for="typed">${escaped(text("type"))}</label><input id="typed" inputmode="decimal" autocomplete="off"><span>${escaped(text("percent"))}</span>`;
      const input = foot.querySelector("input");
      input.addEventListener("keydown", (event) => typed(event, input, date));
      input.addEventListener("blur", () => finishTyping(input, date));
      input.focus();
      return;
    }
    const share = shareOf(label, one);
    const shownNumber = label?.unknown ? "?" : label?.share !== undefined ? number(label.share * 100, 1) : number(painted(label, one));
    const words = label === null ? text("not_yet", { count: total }) : label.share !== undefined ? text("percent") : text("cells", { count: total });
    foot.innerHTML = `<span class="number">${shownNumber}</span><span>${label?.unknown ? "" : escaped(words)}</span>
      <span class="steps"><button type="button" class="btn sm icon less" aria-label="${escaped(text("number"))}"><kbd>#</kbd></button></span>
      <button type="button" class="btn sm tell" aria-pressed="${Boolean(label?.unknown)}">${escaped(text("unknown"))} <kbd>N</kbd></button>`;
    foot.querySelector(".less").addEventListener("click", () => startTyping(date));
    foot.querySelector(".tell").addEventListener("click", () => { state.date = date; toggleUnknown(); });
    if (state.who === "settled") {
      const seen = document.createElement("div");
      seen.className = "seen";
      for (const who of ["A", "B"]) {
        const theirs = labelsOf(who, one)[date];
        const value = shareOf(theirs, one);
        const button = document.createElement("button");
        button.type = "button";
        button.className = "btn sm";
        button.textContent = value === null ? text("saw_unknown", { who })
          : text("saw", { who, share: theirs.cells ? number(painted(theirs, one)) : `${number(value * 100, 1)} %` });
        button.addEventListener("click", () => { state.date = date; setLabel(date, theirs); render(); });
        seen.append(button);
      }
      foot.append(seen);
    }
    pane.querySelector(".image").classList.toggle("unknown", Boolean(label?.unknown));
    const stamp = pane.querySelector(".stamp");
    stamp.hidden = !label?.unknown && label?.share === undefined;
    stamp.textContent = label?.unknown ? text("unknown") : `${number((share ?? 0) * 100, 1)} %`;
  };
  const renderPane = (pane, date) => {
    const one = unit();
    pane.classList.toggle("on", date === state.date);
    pane.querySelector(".image").classList.toggle("gridless", state.gridless);
    const svg = pane.querySelector("svg");
    svg.setAttribute("aria-label", text("pane", { unit: one.unit, year: data.years[date] }));
    svg.innerHTML = overlay(one, date, current()[date]);
    buildFoot(pane, date);
  };
  let drawn = "";
  const render = () => {
    const mark = `${state.at}/${state.language}`;
    if (mark !== drawn) {
      panes.forEach((pane, date) => { buildPane(pane, date); buildUnder(pane, date); });
      renderContext();
      drawn = mark;
    }
    panes.forEach(renderPane);
    renderFrame();
  };
  const renderContext = () => {
    const [one, last] = [unit(), data.contextYear];
    const picture = pictures.context?.[state.at];
    const [lon, lat] = one.lonlat;
    const place = text("at", { lat: lat.toFixed(5), lon: lon.toFixed(5) });
    const box = (size, begin, style) => `<rect x="${begin}" y="${begin}" width="${size}" height="${size}" fill="none" ${style}/>`;
    const around = (100 - data.cells) / 2;
    const image = picture ? `<div class="context"><img alt="" src="data:image/jpeg;base64,${picture}"><svg viewBox="0 0 100 100" aria-hidden="true">
      ${box(data.cells, around, 'stroke="#fff" stroke-width="1.6"')}${box(data.cells, around, 'stroke="#111" stroke-width=".8" stroke-dasharray="2 1.4"')}
      ${box(SIDE, 45, 'stroke="#fff" stroke-width="2"')}${box(SIDE, 45, 'stroke="#111" stroke-width=".8"')}</svg><i>${escaped(text("context", { size: data.contextSize, year: last }))}</i></div>` : "";
    byId("context").innerHTML = `${image}<p class="at">${place}<br><a href="https://www.openstreetmap.org/?mlat=${lat}&mlon=${lon}#map=18/${lat}/${lon}" target="_blank" rel="noreferrer noopener">${escaped(text("map"))}</a></p>`;
  };
  const renderFrame = () => {
    const [all, settling] = [shown(), state.who === "settled"];
    const done = all.filter((one) => isDone(state.who, one)).length;
    const differing = toSettle();
    document.documentElement.lang = state.language;
    document.title = `${text("title")} – ${data.title[state.language] ?? data.title.en ?? data.region}`;
    for (const part of document.querySelectorAll("[data-text]")) part.textContent = text(part.dataset.text);
    byId("place").textContent = `${data.title[state.language] ?? Object.values(data.title)[0]}, ${text("years", { first: data.years[0], second: data.years[1] })}`;
    byId("count").innerHTML = `<b>${number(done)}</b> ${escaped(text("of", { total: number(all.length) }))}`;
    const bar = byId("bar");
    bar.setAttribute("aria-valuemax", all.length);
    bar.setAttribute("aria-valuenow", done);
    bar.setAttribute("aria-label", text("of", { total: all.length }));
    bar.firstElementChild.style.width = `${(100 * done) / Math.max(all.length, 1)}%`;
    const who = byId("who");
    who.replaceChildren(...WHO.map((name) => {
      const option = new Option(text(`who.${name}`, { count: number(differing.length) }), name, false, name === state.who);
      option.disabled = name === "settled" && !differing.length;
      return option;
    }));
    byId("language").value = state.language;
    const saved = byId("saved");
    saved.classList.toggle("not", !state.isKept);
    saved.innerHTML = `${state.isKept ? icon("tick") : ""}<span class="word">${escaped(text(state.isKept ? "saved" : "unsaved"))}</span>`;
    button("open", "open", "open");
    button("save", "save", "save");
    button("back", "back", "previous");
    byId("forth").innerHTML = `${escaped(text("next"))} <kbd>Enter</kbd>`;
    byId("undo").innerHTML = `${icon("undo")}<span class="word">${escaped(text("undo"))} <kbd>Z</kbd></span>`;
    byId("undo").setAttribute("aria-label", text("undo"));
    byId("undo").disabled = !state.undo.length;
    byId("overview").innerHTML = `${icon("list")}<span class="word">${escaped(text("overview"))}</span>`;
    byId("overview").setAttribute("aria-label", text("overview"));
    const isOnline = data.years.some((year) => data.tiles[year]);
    byId("unit").textContent = text(isOnline ? "unit_tiles" : "unit", { unit: unit().unit, metres: data.metres });
    byId("blind").innerHTML = settling ? rich("settling") : rich("blind", { other: state.who === "A" ? "B" : "A" });
    byId("pace").innerHTML = ["A", "B"].map(paceOf).filter(Boolean).join("<br>") + timeLeft(all.length - done);
    const banner = bannerText(done, all, differing);
    byId("banner").hidden = !banner;
    byId("banner").textContent = banner;
    renderKeys();
  };
  const button = (id, name, key) => {
    byId(id).innerHTML = `${icon(name)}<span class="word">${escaped(text(key))}</span>`;
    byId(id).setAttribute("aria-label", text(key));
    byId(id).title = text(key);
  };
  const paceOf = (who) => {
    const done = doneBy(who);
    if (!done && who !== state.who) return "";
    const unknown = units.filter((one) => labelsOf(who, one).some((label) => label?.unknown)).length;
    return rich("pace", { who, done: number(done), total: number(units.length) })
      + (unknown ? escaped(text("pace_unknown", { count: number(unknown) })) : "");
  };
  const timeLeft = (left) => {
    if (state.seconds.length < 5 || !left) return "";
    const sorted = [...state.seconds].sort((a, b) => a - b);
    const minutes = (left * sorted[Math.floor(sorted.length / 2)]) / 60;
    return `<br>${escaped(minutes > 90 ? text("left_hours", { hours: number(minutes / 60) }) : text("left_minutes", { minutes: number(Math.max(1, Math.round(minutes))) }))}`;
  };
  const bannerText = (done, all, differing) => {
    if (state.note) return state.note;
    const both = doneBy("A") === units.length && doneBy("B") === units.length;
    if (state.who === "settled") return done === all.length ? text("settled_done") : "";
    if (both) return differing.length ? text("both_done", { count: number(differing.length) }) : text("agreed");
    return done === units.length ? text("all_done", { total: number(units.length) }) : "";
  };
  const KEYS = [
    ["move", "← ↑ → ↓"], ["paint", "Space"], ["drag", "Shift →"], ["date", "1 2"], ["copy", "C"], ["all", "A"],
    ["number", "#"], ["unknown", "N"], ["undo", "Z"], ["grid", "G"], ["next", "Enter ⌫"], ["list", "L S"],
  ];
  const renderKeys = () => {
    const values = { first: data.years[0], second: data.years[1] };
    byId("keys").innerHTML = KEYS.map(([key, signs]) =>
      `<dt>${escaped(text(`key.${key}`, values))}</dt><dd>${signs.split(" ").map((sign) => `<kbd>${sign}</kbd>`).join("")}</dd>`).join("");
  };

  // --- tiles of a service the user named -----------------------------------------------------
  const mercator = ([lon, lat], size) => [
    ((lon + 180) / 360) * size,
    ((1 - Math.asinh(Math.tan((lat * Math.PI) / 180)) / Math.PI) / 2) * size,
  ];
  const drawTiles = (canvas, service, one) => {
    const pixels = 528;
    canvas.width = canvas.height = pixels;
    const context = canvas.getContext("2d");
    const resolution = (data.cells * data.cellMetres) / pixels;
    const wanted = Math.log2((156543.03 * Math.cos((one.lonlat[1] * Math.PI) / 180)) / resolution);
    const zoom = Math.max(0, Math.min(service.maxzoom, Math.ceil(wanted)));
    const size = 256 * 2 ** zoom;
    // Upper left, upper right and lower left corner of the surroundings fix the affine map.
    const [origin, right, down] = one.corners.map((corner) => mercator(corner, size));
    const [ax, ay, bx, by] = [right[0] - origin[0], right[1] - origin[1], down[0] - origin[0], down[1] - origin[1]];
    const scale = pixels / (ax * by - ay * bx);
    const [a, b, c, d] = [by * scale, -ay * scale, -bx * scale, ax * scale];
    const last = [right[0] + bx, right[1] + by];
    const edges = [0, 1].map((axis) => [origin, right, down, last].map((corner) => Math.floor(corner[axis] / 256)));
    for (let x = Math.min(...edges[0]); x <= Math.max(...edges[0]); x++) {
      for (let y = Math.min(...edges[1]); y <= Math.max(...edges[1]); y++) {
        const image = new Image();
        image.onload = () => {
          const [dx, dy] = [x * 256 - origin[0], y * 256 - origin[1]];
          context.setTransform(a, b, c, d, a * dx + c * dy, b * dx + d * dy);
          context.drawImage(image, 0, 0, 256.5, 256.5);
        };
        // Without the network the picture inside the page, if there is one, takes over.
        image.onerror = () => { const under = canvas.parentElement?.querySelector("img"); if (under) under.style.opacity = "1"; };
        image.src = service.url.replace("{z}", zoom).replace("{x}", x).replace("{y}", y);
      }
    }
  };

  // --- acting --------------------------------------------------------------------------------
  const say = () => {
    const [one, label] = [unit(), current()[state.date]];
    const place = state.row * SIDE + state.column;
    const kind = !counts(one)[place] ? "outside" : label?.cells?.[place] ? "on" : "off";
    byId("live").textContent = text("live", {
      year: data.years[state.date], row: state.row + 1, column: state.column + 1,
      state: text(kind), count: painted(label, one), total: counting(one),
    });
  };
  const move = (rows, columns, isPainting) => {
    const one = unit();
    state.row = Math.max(0, Math.min(one.rows - 1, state.row + rows));
    state.column = Math.max(0, Math.min(one.columns - 1, state.column + columns));
    if (isPainting) paint(state.date, state.row * SIDE + state.column, 1);
    render();
    say();
  };
  const toggle = () => {
    const place = state.row * SIDE + state.column;
    paint(state.date, place, current()[state.date]?.cells?.[place] ? 0 : 1);
    render();
    say();
  };
  const toggleAll = () => {
    const label = current()[state.date];
    const isFull = label?.cells && painted(label, unit()) === counting(unit());
    setLabel(state.date, { cells: counts(unit()).map((yes) => (yes && !isFull ? 1 : 0)) });
    render();
  };
  const toggleUnknown = () => {
    setLabel(state.date, current()[state.date]?.unknown ? null : { unknown: true });
    render();
  };
  const copy = () => {
    const [first] = current();
    setLabel(1, first?.cells ? { cells: first.cells.slice() } : first ? { ...first } : { cells: new Array(SIDE * SIDE).fill(0) });
    state.date = 1;
    render();
  };
  const startTyping = (date) => { state.date = date; state.typing = date; render(); };
  const typed = (event, input, date) => {
    event.stopPropagation();
    if (event.key === "Enter") finishTyping(input, date);
    if (event.key === "Escape") { state.typing = -1; render(); focusPane(); }
  };
  const finishTyping = (input, date) => {
    if (state.typing !== date) return;
    state.typing = -1;
    const cell = input.value.trim().replace(",", ".").replace(/\s*%$/, "");
    if (/^[0-9]+(\.[0-9]+)?$/.test(cell) && Number(cell) <= 100) setLabel(date, { share: Number(cell) / 100 });
    render();
    focusPane();
  };
  const undo = () => {
    const last = state.undo.pop();
    if (!last) return;
    state.labels[last.who][last.unit] = last.before;
    if (last.who !== state.who) state.who = last.who;
    state.at = last.at;
    store();
    render();
  };
  const go = (at) => {
    state.at = at;
    state.date = 0;
    state.typing = -1;
    state.note = "";
    state.shown = performance.now();
    const one = unit();
    state.row = Math.min(Math.floor(one.rows / 2), one.rows - 1);
    state.column = Math.min(Math.floor(one.columns / 2), one.columns - 1);
    store();
    render();
    focusPane();
  };
  const step = (by) => {
    const all = shown();
    if (!all.length) return;
    const here = all.indexOf(unit());
    const next = here < 0 ? 0 : Math.max(0, Math.min(all.length - 1, here + by));
    go(units.indexOf(all[next]));
  };
  const forth = () => {
    // Going on says that what is not painted is not sealed.
    const wasDone = isDone(state.who, unit());
    current().forEach((label, date) => {
      if (label === null) setLabel(date, { cells: new Array(SIDE * SIDE).fill(0) });
    });
    const seconds = (performance.now() - state.shown) / 1000;
    if (!wasDone && seconds < LONGEST_LOOK) state.seconds.push(Math.round(seconds * 10) / 10);
    step(1);
  };
  const focusPane = () => panes[state.date].querySelector("svg").focus({ preventScroll: true });
  const startPainting = (event, svg, date) => {
    event.preventDefault();
    state.date = date;
    const placeOf = (pointer) => {
      const box = svg.getBoundingClientRect();
      const column = Math.floor(((pointer.clientX - box.left) / box.width) * data.cells) - BEFORE;
      const row = Math.floor(((pointer.clientY - box.top) / box.height) * data.cells) - BEFORE;
      const one = unit();
      return column >= 0 && row >= 0 && column < one.columns && row < one.rows ? [row, column] : null;
    };
    const first = placeOf(event);
    if (!first) { render(); svg.focus({ preventScroll: true }); return; }
    const value = current()[date]?.cells?.[first[0] * SIDE + first[1]] ? 0 : 1;
    let isFirst = true;
    const brush = (pointer) => {
      const at = placeOf(pointer);
      if (!at) return;
      [state.row, state.column] = at;
      if ((current()[date]?.cells?.[at[0] * SIDE + at[1]] ?? 0) === value && !isFirst) return;
      paint(date, at[0] * SIDE + at[1], value, isFirst);
      isFirst = false;
      render();
    };
    brush(event);
    const stop = () => {
      removeEventListener("pointermove", brush);
      removeEventListener("pointerup", stop);
      removeEventListener("pointercancel", stop);
      svg.focus({ preventScroll: true });
    };
    addEventListener("pointermove", brush);
    addEventListener("pointerup", stop);
    addEventListener("pointercancel", stop);
  };
  const choose = (who) => {
    state.who = who;
    state.undo = [];
    const all = shown();
    const open = all.find((one) => !isDone(who, one)) ?? all[0] ?? units[0];
    go(units.indexOf(open));
  };
  const showList = () => {
    const differing = new Set(doneBy("A") === units.length && doneBy("B") === units.length ? toSettle() : []);
    byId("list-title").textContent = text("list_title");
    byId("list-note").textContent = text("list_note");
    byId("close").innerHTML = `${icon("close")}<span>${escaped(text("close"))}</span>`;
    byId("units").replaceChildren(...shown().map((one) => {
      const item = document.createElement("li");
      const jump = document.createElement("button");
      const pair = labelsOf(state.who, one);
      jump.type = "button";
      jump.textContent = one.unit;
      jump.classList.toggle("done", isDone(state.who, one));
      jump.classList.toggle("some", !isDone(state.who, one) && pair.some(Boolean));
      jump.classList.toggle("open", differing.has(one));
      jump.classList.toggle("here", one === unit());
      jump.addEventListener("click", () => { byId("list").close(); go(units.indexOf(one)); });
      item.append(jump);
      return item;
    }));
    byId("list").showModal();
  };

  const ACTIONS = {
    ArrowUp: (e) => move(-1, 0, e.shiftKey), ArrowDown: (e) => move(1, 0, e.shiftKey),
    ArrowLeft: (e) => move(0, -1, e.shiftKey), ArrowRight: (e) => move(0, 1, e.shiftKey),
    " ": toggle, 1: () => pick(0), 2: () => pick(1), c: copy, a: toggleAll, "#": () => startTyping(state.date),
    n: toggleUnknown, z: undo, g: () => { state.gridless = !state.gridless; render(); },
    Enter: forth, Backspace: () => step(-1), l: showList, s: save,
  };
  const pick = (date) => { state.date = date; render(); focusPane(); };
  addEventListener("keydown", (event) => {
    if (event.altKey || event.metaKey || (event.ctrlKey && event.key.toLowerCase() !== "z") || byId("list").open) return;
    const onControl = event.target.closest("button, select, input, a");
    if (onControl && ["Enter", " ", "ArrowUp", "ArrowDown", "ArrowLeft", "ArrowRight"].includes(event.key)) return;
    if (onControl?.matches("select, input")) return;
    const act = ACTIONS[event.key] ?? ACTIONS[event.key.toLowerCase()];
    if (!act) return;
    event.preventDefault();
    act(event);
  });
  byId("forth").addEventListener("click", forth);
  byId("back").addEventListener("click", () => step(-1));
  byId("undo").addEventListener("click", undo);
  byId("overview").addEventListener("click", showList);
  byId("close").addEventListener("click", () => byId("list").close());
  byId("list").addEventListener("close", focusPane);
  byId("save").addEventListener("click", save);
  byId("open").addEventListener("click", () => byId("file").click());
  byId("file").addEventListener("change", async (event) => {
    const [file] = event.target.files;
    if (!file) return;
    const note = take(file.name, await file.text());
    event.target.value = "";
    store();
    choose(state.who);
    state.note = note;
    render();
  });
  byId("who").addEventListener("change", (event) => choose(event.target.value));
  byId("language").addEventListener("change", (event) => { state.language = event.target.value; store(); render(); });

  restore();
  const first = isDone(state.who, unit()) ? shown().find((one) => !isDone(state.who, one)) : null;
  go(first ? units.indexOf(first) : state.at);
})();
