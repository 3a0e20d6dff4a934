// Pictures in SVG: pies, the graph, heat maps, the coarse graph, curves, tables.
//
// Every picture has two halves: `build` makes the elements once a structure, `update`
// writes numbers into them, sixty times a second while the page trains.
"use strict";

(() => {
  const P = DiffPoolPlayground;

  // The book's colours: dpcore.plots.CLUSTER_COLORS.
  const COLORS = [
    "#0072B2",
    "#E69F00",
    "#009E73",
    "#CC79A7",
    "#56B4E9",
    "#D55E00",
    "#F0E442",
    "#999999",
  ];

  const SIZE = 400; // of the drawing of the graph, in its own units

  const make = (name, attributes = {}, parent = null, text = "") => {
    const svg = "g path circle rect line text title svg polyline".split(" ").includes(name);
    const node = svg
      ? document.createElementNS("http://www.w3.org/2000/svg", name)
      : document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
    if (text !== "") node.textContent = text;
    parent?.append(node);
    return node;
  };

  // Only what differs is written: a browser lays out and paints anew whatever is set.
  const put = (node, name, value) => {
    if (node.getAttribute(name) !== value) node.setAttribute(name, value);
  };

  const set = (node, attributes) => {
    for (const [key, value] of Object.entries(attributes)) put(node, key, String(value));
  };

  const f1 = (v) => v.toFixed(1);

  // A share as short as it can be read: 1, .82, and nothing below half a percent.
  const share = (p) => (p > 0.995 ? "1" : p < 0.005 ? "" : p.toFixed(2).slice(1));

  const number = (v) => {
    const size = Math.abs(v);
    const digits = size >= 100 ? 0 : size >= 10 ? 1 : 2;
    const text = v.toFixed(digits);
    return Number(text) === 0 ? "0" : text;
  };

  // Slices of a pie around (0, 0), clockwise from the top; "" for an empty one.
  const slices = (shares, r) => {
    let at = 0;
    const point = (turn) => {
      const angle = 2 * Math.PI * turn - Math.PI / 2;
      return `${(r * Math.cos(angle)).toFixed(2)} ${(r * Math.sin(angle)).toFixed(2)}`;
    };
    return shares.map((part) => {
      const from = at;
      at += part;
      if (part < 0.002) return "";
      if (part > 0.998) return `M0 ${-r}A${r} ${r} 0 1 1 0 ${r}A${r} ${r} 0 1 1 0 ${-r}Z`;
      return `M0 0L${point(from)}A${r} ${r} 0 ${Number(part > 0.5)} 1 ${point(at)}Z`;
    });
  };

  const pie = (parent, count, r, label) => {
    const group = make("g", { class: "dp-pie" }, parent);
    make("circle", { r: r + 1.5, class: "dp-rim" }, group);
    const parts = Array.from({ length: count }, (_, c) =>
      make("path", { fill: COLORS[c % COLORS.length] }, group),
    );
    if (label !== null) {
      make("circle", { r: Math.max(8.4, 0.58 * r), class: "dp-hole" }, group);
      make("text", { class: "dp-number", dy: "0.36em" }, group, label);
    }
    return { group, parts, r };
  };

  const updatePie = ({ parts, r }, shares) => {
    slices(shares, r).forEach((d, c) => {
      put(parts[c], "d", d);
    });
  };

  // Black or white on a cluster's colour that covers the ground by `alpha`.
  const inkOn = (color, alpha, dark) => {
    const ground = dark ? 24 : 255;
    const light = [1, 3, 5].map((i) => {
      const part = Number.parseInt(color.slice(i, i + 2), 16);
      const c = (alpha * part + (1 - alpha) * ground) / 255;
      return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
    });
    const luminance = 0.2126 * light[0] + 0.7152 * light[1] + 0.0722 * light[2];
    return luminance > 0.18 ? "#111" : "#fff";
  };

  const isDark = () => document.documentElement.dataset.theme === "dark";

  // --- the graph ------------------------------------------------------------------

  const toScreen = ({ x, y }) => [SIZE / 2 + 172 * x, SIZE / 2 - 172 * y];
  const toPlace = (x, y) => [(x - SIZE / 2) / 172, (SIZE / 2 - y) / 172];
  const radius = (count) => Math.max(8.5, Math.min(17, 68 / Math.sqrt(count)));

  const buildGraph = (svg, graph, k) => {
    svg.replaceChildren();
    const r = radius(graph.nodes.length);
    const lines = make("g", {}, svg);
    const edges = graph.edges.map(([i, j], index) => {
      const line = make("g", { class: "dp-edge", "data-edge": index }, lines);
      const hit = make("path", { class: "dp-hit" }, line);
      const seen = make("path", { class: "dp-line" }, line);
      const arrow = graph.directed && i !== j ? make("path", { class: "dp-arrow" }, line) : null;
      return { line, hit, seen, arrow };
    });
    const dots = make("g", {}, svg);
    const named = r > 10;
    const nodes = graph.nodes.map((_, i) => {
      const one = pie(dots, k, r, named ? String(i) : null);
      set(one.group, { "data-node": i, role: "button", tabindex: i === 0 ? 0 : -1 });
      one.group.classList.add("dp-node");
      return one;
    });
    const over = make("g", { class: "dp-over" }, svg);
    return { svg, edges, nodes, over, r };
  };

  const loopPath = (x, y, r, cx, cy) => {
    const away = Math.atan2(y - cy, x - cx);
    const [a, b] = [away - 0.5, away + 0.5];
    const far = r + 22;
    const at = (angle, d) => `${f1(x + d * Math.cos(angle))} ${f1(y + d * Math.sin(angle))}`;
    return `M${at(a, r)}C${at(a - 0.1, far)} ${at(b + 0.1, far)} ${at(b, r)}`;
  };

  const placeGraph = (picture, graph) => {
    const at = graph.nodes.map(toScreen);
    picture.nodes.forEach(({ group }, i) => {
      put(group, "transform", `translate(${f1(at[i][0])} ${f1(at[i][1])})`);
    });
    graph.edges.forEach(([i, j, weight], index) => {
      const { hit, seen, arrow } = picture.edges[index];
      const [[x1, y1], [x2, y2]] = [at[i], at[j]];
      let d = `M${f1(x1)} ${f1(y1)}L${f1(x2)} ${f1(y2)}`;
      if (i === j) d = loopPath(x1, y1, picture.r, SIZE / 2, SIZE / 2);
      const width = Math.max(1, Math.min(6, 1.6 * Math.abs(weight)));
      set(seen, { d, "stroke-width": f1(width) });
      put(hit, "d", d);
      if (!arrow) return;
      const angle = Math.atan2(y2 - y1, x2 - x1);
      const back = (turn, length) =>
        `${f1(x2 - (picture.r + 2 + length) * Math.cos(angle) + turn * Math.sin(angle))} ` +
        `${f1(y2 - (picture.r + 2 + length) * Math.sin(angle) - turn * Math.cos(angle))}`;
      arrow.setAttribute("d", `M${back(0, 0)}L${back(4, 8)}L${back(-4, 8)}Z`);
    });
  };

  // --- heat map ---------------------------------------------------------------------

  const buildHeat = (svg, rows, columns) => {
    svg.replaceChildren();
    const width = Math.max(21, Math.min(36, Math.floor(170 / columns)));
    const height = Math.max(7, Math.min(24, Math.floor(400 / rows)));
    const [left, top] = [24, 22];
    const size = [left + columns * width + 2, top + rows * height + 2];
    set(svg, { viewBox: `0 0 ${size[0]} ${size[1]}`, width: size[0], height: size[1] });
    for (let c = 0; c < columns; c++) {
      const head = make("g", { class: "dp-head", "data-cluster": c }, svg);
      make("rect", { x: left + c * width, y: 0, width, height: top, class: "dp-clear" }, head);
      const where = { x: left + (c + 0.5) * width, y: 11, class: "dp-number" };
      make("text", { ...where, dy: "0.1em" }, head, String(c));
      const mark = { x: left + c * width + 3, y: 17, width: width - 6, height: 3 };
      make("rect", { ...mark, fill: COLORS[c % COLORS.length] }, head);
    }
    const every = Math.ceil(12 / height);
    const cells = Array.from({ length: rows }, (_, i) => {
      const line = make("g", { class: "dp-row", "data-row": i }, svg);
      const y = top + i * height;
      make("rect", { x: 0, y, width: size[0], height, class: "dp-clear" }, line);
      if (i % every === 0) {
        const where = { x: left - 6, y: y + height / 2, dy: "0.36em" };
        make("text", { ...where, class: "dp-number dp-right" }, line, String(i));
      }
      return Array.from({ length: columns }, (_, c) => {
        const box = { x: left + c * width + 0.5, y: y + 0.5, width: width - 1, height: height - 1 };
        make("rect", { ...box, class: "dp-ground" }, line);
        const fill = COLORS[c % COLORS.length];
        const cell = make("rect", { ...box, fill, "data-cell": c }, line);
        const where = { x: left + (c + 0.5) * width, y: y + height / 2, dy: "0.36em" };
        const text = height >= 14 ? make("text", { ...where, class: "dp-share" }, line) : null;
        return { cell, text };
      });
    });
    const frame = make("rect", { class: "dp-frame", x: -9, y: -9, width: 0, height: 0 }, svg);
    return { svg, cells, frame, width, height, left, top };
  };

  // `written` says in which rows the numbers are written too.
  const updateHeat = (picture, s, dark, written = () => true) => {
    const turned = picture.dark !== dark; // day became night: other ink on the same words
    picture.dark = dark;
    picture.cells.forEach((row, i) => {
      const due = written(i) || turned;
      row.forEach(({ cell, text }, c) => {
        const p = s[i][c];
        put(cell, "fill-opacity", p.toFixed(2));
        if (!text || !due) return;
        const words = share(p);
        if (text.textContent === words && !turned) return;
        text.textContent = words;
        put(text, "fill", inkOn(COLORS[c % COLORS.length], p, dark));
      });
    });
  };

  // Frame a row or a column; nothing for null.
  const frameHeat = ({ frame, cells, width, height, left, top }, row, column) => {
    if (row !== null) {
      const y = top + row * height;
      set(frame, {
        x: left - 1,
        y: y - 0.5,
        width: cells[0].length * width + 2,
        height: height + 1,
      });
    } else if (column !== null) {
      const x = left + column * width;
      set(frame, { x: x - 0.5, y: top - 1, width: width + 1, height: cells.length * height + 2 });
    } else {
      set(frame, { width: 0, height: 0 });
    }
  };

  // --- the coarse graph -------------------------------------------------------------

  const buildCoarse = (svg, k, inner) => {
    svg.replaceChildren();
    const places = P.graph.circle(k, k === 1 ? 0 : 80).map(([x, y]) => [150 + 1.25 * x, 132 - y]);
    const lines = make("g", {}, svg);
    const links = [];
    for (let c = 0; c < k; c++) {
      for (let d = c; d < k; d++) {
        const path = make("path", { class: "dp-link", "data-pair": `${c} ${d}` }, lines);
        links.push({ path, c, d });
      }
    }
    const nodes = places.map(([x, y], c) => {
      const group = make("g", { class: "dp-node", "data-cluster": c, role: "button" }, svg);
      set(group, { transform: `translate(${f1(x)} ${f1(y)})`, tabindex: c === 0 ? 0 : -1 });
      const rim = make("circle", { class: "dp-rim" }, group);
      const disc = make("circle", { fill: COLORS[c % COLORS.length] }, group);
      const parts = Array.from({ length: inner }, (_, m) =>
        make("path", { fill: COLORS[m % COLORS.length] }, group),
      );
      make("circle", { r: 9, class: "dp-hole" }, group);
      make("text", { class: "dp-number", dy: "0.36em" }, group, String(c));
      return { group, rim, disc, parts };
    });
    return { svg, places, links, nodes };
  };

  const updateCoarse = (picture, adj, mass, second) => {
    const total = mass.reduce((a, b) => a + b, 0);
    const radii = mass.map((m) => 11 + 20 * Math.sqrt(m / total));
    picture.nodes.forEach(({ group, rim, disc, parts }, c) => {
      const r = radii[c];
      put(rim, "r", f1(r + 1.5));
      put(disc, "r", f1(r));
      if (second) {
        slices(second[c], r - 3.5).forEach((d, m) => {
          put(parts[m], "d", d);
        });
      }
      group.classList.toggle("dp-empty", mass[c] < 0.01 * total);
    });
    const values = picture.links.map(({ c, d }) =>
      Math.abs(c === d ? adj[c][c] : adj[c][d] + adj[d][c]),
    );
    const most = Math.max(1e-9, ...values);
    picture.links.forEach(({ path, c, d }, index) => {
      const width = (8 * values[index]) / most;
      const [[x1, y1], [x2, y2]] = [picture.places[c], picture.places[d]];
      const line =
        c === d
          ? loopPath(x1, y1, radii[c], 150, 132.01)
          : `M${f1(x1)} ${f1(y1)}L${f1(x2)} ${f1(y2)}`;
      set(path, { d: line, "stroke-width": width < 0.15 ? 0 : f1(Math.max(0.6, width)) });
    });
  };

  // --- tables and curves --------------------------------------------------------------

  // A table with numbered rows and columns; `head` names what is counted.
  const buildTable = (table, rows, columns, coloured) => {
    table.replaceChildren();
    const chip = (cell, c) => cell.style.setProperty("--dp-chip", COLORS[c % COLORS.length]);
    const head = make("tr", {}, make("thead", {}, table));
    make("td", {}, head);
    for (let c = 0; c < columns; c++) {
      const cell = make("th", { scope: "col", "data-column": c }, head, String(c));
      if (coloured) chip(cell, c);
    }
    const body = make("tbody", {}, table);
    return Array.from({ length: rows }, (_, i) => {
      const line = make("tr", {}, body);
      chip(make("th", { scope: "row", "data-line": i }, line, String(i)), i);
      return Array.from({ length: columns }, (_, c) =>
        make("td", { "data-entry": `${i} ${c}` }, line),
      );
    });
  };

  const updateTable = (cells, values, tinted) => {
    const most = tinted ? Math.max(1e-9, ...values.flat().map(Math.abs)) : 1;
    cells.forEach((row, i) => {
      row.forEach((cell, c) => {
        const text = number(values[i][c]);
        if (cell.textContent !== text) cell.textContent = text;
        if (!tinted) return;
        const tint = ((34 * Math.abs(values[i][c])) / most).toFixed(0);
        put(cell, "style", `--dp-tint: ${tint}%`);
      });
    });
  };

  const buildCurve = (svg) => {
    svg.replaceChildren();
    make("path", { d: "M0 62H300", class: "dp-axis" }, svg);
    const line = make("polyline", { class: "dp-curve" }, svg);
    const dot = make("circle", { r: 3, class: "dp-now" }, svg);
    return { line, dot };
  };

  // At most 240 points of the history; the axis begins at zero.
  const updateCurve = ({ line, dot }, values) => {
    const most = Math.max(1e-9, ...values);
    const every = Math.ceil(values.length / 240);
    const shown = values.filter((_, i) => i % every === 0 || i === values.length - 1);
    const at = (v, i) => [
      4 + (290 * i) / Math.max(1, shown.length - 1, 60 / every),
      62 - (56 * v) / most,
    ];
    line.setAttribute("points", shown.map((v, i) => at(v, i).map(f1).join(",")).join(" "));
    const [x, y] = at(shown.at(-1), shown.length - 1);
    set(dot, { cx: f1(x), cy: f1(y) });
  };

  P.draw = {
    COLORS,
    SIZE,
    make,
    set,
    number,
    share,
    isDark,
    radius,
    toScreen,
    toPlace,
    buildGraph,
    placeGraph,
    updatePie,
    buildHeat,
    updateHeat,
    frameHeat,
    buildCoarse,
    updateCoarse,
    buildTable,
    updateTable,
    buildCurve,
    updateCurve,
  };
})();
