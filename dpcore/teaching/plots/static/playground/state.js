// The state of the page: its defaults, its bounds, and the link that holds it.
"use strict";

(() => {
  const P = DiffPoolPlayground;
  const { PRESETS, MOST_NODES } = P.graph;

  const FORMS = ["rms", "frobenius"];
  const KINDS = ["ones", "degree", "onehot", "own"];

  // Bounds of every number; sliders run over the logarithm between `low` and `high`,
  // with zero at the left end where `zero` says so.
  const NUMBERS = {
    layers: { low: 0, high: 3, start: 0, whole: true },
    k: { low: 1, high: 8, start: 5, whole: true },
    levels: { low: 1, high: 2, start: 1, whole: true },
    k2: { low: 1, high: 8, start: 2, whole: true },
    seed: { low: 0, high: 9999, start: 0, whole: true },
    linkWeight: { low: 0.001, high: 30, start: 1, zero: true },
    entropyWeight: { low: 0.001, high: 30, start: 0.05, zero: true },
    temperature: { low: 0.1, high: 5, start: 1 },
    rate: { low: 0.001, high: 1, start: 0.1 },
  };

  // Adam's learning rate for free scores, and for a GNN, whose ReLUs a large one kills.
  const RATES = [0.1, 0.03];

  const bounded = (name, value) => {
    const { low, high, start, whole, zero } = NUMBERS[name];
    const number = Number(value);
    if (value === "" || !Number.isFinite(number)) return start;
    if (zero && number < low) return 0;
    const inside = Math.min(high, Math.max(low, number));
    return whole ? Math.round(inside) : inside;
  };

  const usePreset = (state, name) => {
    state.preset = name;
    state.graph = P.graph.preset(name);
    state.k = PRESETS[name].clusters;
    state.edited = false;
  };

  const fresh = (preset = "groups") => {
    const state = { reduction: "rms", model: null, memory: {}, step: 0, byHand: false };
    for (const [name, { start }] of Object.entries(NUMBERS)) state[name] = start;
    usePreset(state, preset);
    return state;
  };

  const clusters = (state) => (state.levels === 2 ? [state.k, state.k2] : [state.k]);

  const shapeOf = (state) => ({
    nodes: state.graph.nodes.length,
    width: P.graph.features(state.graph)[0].length,
    layers: state.layers,
    clusters: clusters(state),
    seed: state.seed,
  });

  // New parameters from the seed, and nothing learned.
  const reset = (state) => {
    state.model = P.model.create(shapeOf(state));
    state.memory = {};
    state.step = 0;
    state.byHand = false;
  };

  // Whether the parameters still fit graph, features, clusters and layers.
  const fits = (state) => {
    const wanted = P.model.rowsOf(P.model.create(shapeOf(state)));
    const found = P.model.rowsOf(state.model);
    return (
      wanted.length === found.length && wanted.every((row, i) => row.length === found[i].length)
    );
  };

  // --- the link -------------------------------------------------------------------

  const short = (value) => Number(value.toPrecision(5));

  const packed = (rows) => {
    const bytes = new Uint8Array(Float32Array.from(rows.flat()).buffer);
    let text = "";
    for (const byte of bytes) text += String.fromCharCode(byte);
    return btoa(text).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  };

  const unpacked = (text) => {
    const raw = atob(text.replace(/-/g, "+").replace(/_/g, "/"));
    return new Float32Array(Uint8Array.from(raw, (c) => c.charCodeAt(0)).buffer);
  };

  const fill = (model, numbers) => {
    const rows = P.model.rowsOf(model);
    if (rows.flat().length !== numbers.length || !numbers.every(Number.isFinite)) {
      throw new Error("the learned numbers do not fit this model");
    }
    let at = 0;
    for (const row of rows) for (let i = 0; i < row.length; i++) row[i] = numbers[at++];
  };

  // What differs from the defaults, as name=value&…: readable, and short.
  const encode = (state) => {
    const out = new URLSearchParams();
    const base = fresh(state.preset);
    out.set("graph", state.preset);
    if (state.edited) {
      const { nodes, edges } = state.graph;
      out.set("places", nodes.map(({ x, y }) => `${short(x)},${short(y)}`).join(" "));
      out.set("edges", P.graph.formatEdges(edges));
      if (nodes.some(({ id }, i) => id !== i)) out.set("ids", nodes.map((n) => n.id).join(" "));
    }
    const { features, directed, nodes } = state.graph;
    if (features !== base.graph.features) out.set("features", features);
    if (directed) out.set("directed", "1");
    const own = nodes.map((node) => node.own.map(short).join(",")).join(" ");
    const known = base.graph.nodes.map((node) => node.own.join(",")).join(" ");
    if (features === "own" && own !== known) out.set("own", own);
    for (const name of Object.keys(NUMBERS)) {
      if (state[name] !== base[name]) out.set(name, String(short(state[name])));
    }
    if (state.reduction !== "rms") out.set("reduction", state.reduction);
    if (state.step > 0 || state.byHand) {
      out.set("step", String(state.step));
      if (state.byHand) out.set("hand", "1");
      out.set("learned", packed(P.model.rowsOf(state.model)));
    }
    return out.toString().replace(/%2C/g, ",").replace(/%20/g, "+");
  };

  const pairs = (text) =>
    text
      .split(" ")
      .filter(Boolean)
      .map((row) => row.split(",").map(Number));

  const finite = (rows, what) => {
    if (!rows.flat().every(Number.isFinite)) throw new Error(`${what}: expected numbers`);
    return rows;
  };

  // The state that a link describes. Anything that cannot be is refused with an Error.
  const decode = (text) => {
    const given = new URLSearchParams(text);
    const preset = given.get("graph") ?? "groups";
    if (!Object.hasOwn(PRESETS, preset)) throw new Error(`there is no graph "${preset}"`);
    const state = fresh(preset);
    if (given.has("places")) {
      const places = finite(pairs(given.get("places")), "places");
      if (places.length < 1 || places.length > MOST_NODES) {
        throw new Error(`${places.length} nodes: expected 1 to ${MOST_NODES}`);
      }
      const own = given.has("own") ? finite(pairs(given.get("own")), "own") : null;
      const { features } = state.graph;
      state.graph = P.graph.build({ places, own, features, edges: given.get("edges") ?? "" });
      state.edited = true;
      const ids = (given.get("ids") ?? "").split(" ").filter(Boolean).map(Number);
      if (ids.length) {
        if (ids.length !== places.length || !ids.every(Number.isInteger)) {
          throw new Error("ids: expected one whole number a node");
        }
        ids.forEach((id, i) => {
          state.graph.nodes[i].id = id;
        });
      }
    } else if (given.has("own")) {
      finite(pairs(given.get("own")), "own").forEach((row, i) => {
        if (state.graph.nodes[i]) state.graph.nodes[i].own = row;
      });
    }
    if (KINDS.includes(given.get("features"))) state.graph.features = given.get("features");
    state.graph.directed = given.get("directed") === "1";
    for (const name of Object.keys(NUMBERS)) {
      if (given.has(name)) state[name] = bounded(name, given.get(name));
    }
    if (FORMS.includes(given.get("reduction"))) state.reduction = given.get("reduction");
    reset(state);
    if (given.has("learned")) {
      fill(state.model, unpacked(given.get("learned")));
      state.step = Math.max(0, Math.round(Number(given.get("step")) || 0));
      state.byHand = given.get("hand") === "1";
    }
    return state;
  };

  P.state = { NUMBERS, RATES, bounded, usePreset, fresh, clusters, reset, fits, encode, decode };
})();
