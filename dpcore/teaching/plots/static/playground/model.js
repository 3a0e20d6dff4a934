// DiffPool forwards, as dpcore computes it: GCN stacks, S, X′, A′ and both losses.
//
// Nothing here knows of the page. `trace` keeps every intermediate value, because
// gradients.js walks back over them.
"use strict";

(() => {
  const { add, entropy, dot, eigenvalues, map, multiply, normal, random, scale, transpose } =
    DiffPoolPlayground.matrix;

  const TINY = 1e-30; // row sums up to this count as zero
  const HIDDEN = 8;

  // D̃^-½ Ã D̃^-½ with Ã = A + I. A node without a positive row sum sends nothing.
  const normalized = (a) => {
    const loops = map(a, (value, i, j) => value + (i === j));
    const degree = loops.map((row) => row.reduce((x, y) => x + y, 0));
    const root = degree.map((d) => (d > TINY ? d ** -0.5 : 0));
    return { loops, degree, root, matrix: map(loops, (v, i, j) => root[i] * v * root[j]) };
  };

  // A stack of GCN layers, each H ← ReLU(N H W + b), the last too.
  const gcn = (stack, n, x) => {
    const inputs = [];
    let h = x;
    for (const { weight, bias } of stack) {
      const mixed = multiply(n, h);
      inputs.push(mixed);
      h = map(multiply(mixed, weight), (v, _, j) => Math.max(0, v + bias[j]));
      inputs.at(-1).output = h;
    }
    return { inputs, output: h };
  };

  // S = softmax(scores / τ) and log S, row by row.
  const softmax = (scores, temperature) => {
    const log = scores.map((row) => {
      const t = row.map((v) => v / temperature);
      const top = Math.max(...t);
      const lse = top + Math.log(t.reduce((total, v) => total + Math.exp(v - top), 0));
      return t.map((v) => v - lse);
    });
    return { s: map(log, Math.exp), log };
  };

  // ‖A − SSᵀ‖_F and its parts: ‖A‖² − 2 tr(SᵀAS) + ‖SᵀS‖². Below its own rounding
  // error the square is zero, and so is its gradient.
  const linkLoss = (a, s, coarse, reduction) => {
    const gram = multiply(transpose(s), s);
    const parts = {
      edges: dot(a, a),
      inside: coarse.reduce((total, row, i) => total + row[i], 0),
      shared: dot(gram, gram),
    };
    const square = parts.edges - 2 * parts.inside + parts.shared;
    const above = square > 8 * Number.EPSILON * (parts.edges + parts.shared);
    const norm = above ? Math.sqrt(square) : 0;
    return { parts, gram, norm, value: reduction === "frobenius" ? norm : norm / a.length };
  };

  // One level: from the graph (a, x) to the coarse graph (adj, x).
  const level = (parameters, a, x, { temperature, reduction }) => {
    const n = parameters.assign ? normalized(a) : null;
    const assign = n && gcn(parameters.assign, n.matrix, x);
    const embed = n && gcn(parameters.embed, n.matrix, x);
    const z = embed ? embed.output : x;
    const scores = assign ? assign.output : parameters.scores;
    const { s, log } = softmax(scores, temperature);
    const st = transpose(s);
    const as = multiply(a, s);
    const adj = multiply(st, as); // A′ = SᵀAS
    const link = linkLoss(a, s, adj, reduction);
    const rows = s.map(entropy); // H(Sᵢ) of every node
    const ent = rows.reduce((total, h) => total + h, 0) / rows.length;
    const mass = st.map((column) => column.reduce((total, v) => total + v, 0));
    return {
      a,
      x,
      n,
      assign,
      embed,
      z,
      scores,
      s,
      log,
      as,
      adj,
      link,
      rows,
      mass,
      coarseX: multiply(st, z), // X′ = SᵀZ
      linkLoss: link.value,
      entropyLoss: ent,
      inUse: Math.exp(entropy(mass.map((m) => m / s.length))),
      aNode: Math.exp(ent),
    };
  };

  // All levels and the objective: the weighted sum of both losses over the levels.
  const forward = (model, a, x, settings) => {
    const levels = [];
    let [adj, features] = [a, x];
    for (const parameters of model) {
      const out = level(parameters, adj, features, settings);
      levels.push(out);
      [adj, features] = [out.adj, out.coarseX];
    }
    const link = levels.reduce((total, out) => total + out.linkLoss, 0);
    const ent = levels.reduce((total, out) => total + out.entropyLoss, 0);
    const total = settings.linkWeight * link + settings.entropyWeight * ent;
    return { levels, link, entropy: ent, total };
  };

  // --- parameters -------------------------------------------------------------------

  // Xavier's uniform weights, zero biases.
  const stack = (widths, next) =>
    widths.slice(1).map((out, i) => {
      const bound = Math.sqrt(6 / (widths[i] + out));
      const weight = Array.from({ length: widths[i] }, () =>
        Array.from({ length: out }, () => bound * (2 * next() - 1)),
      );
      return { weight, bias: new Array(out).fill(0) };
    });

  // Parameters of every level from a seed. Without layers every node has its own free
  // scores, small and normal, as in chapter 04, and Z is X.
  const create = ({ nodes, width, layers, clusters, seed }) => {
    const next = random(seed + 1);
    let [rows, features] = [nodes, width];
    return clusters.map((k) => {
      const hidden = new Array(Math.max(0, layers - 1)).fill(HIDDEN);
      const made =
        layers === 0
          ? {
              scores: Array.from({ length: rows }, () =>
                Array.from({ length: k }, () => 0.1 * normal(next)),
              ),
            }
          : {
              assign: stack([features, ...hidden, k], next),
              embed: stack([features, ...hidden, HIDDEN], next),
            };
      [rows, features] = [k, layers === 0 ? features : HIDDEN];
      return made;
    });
  };

  // Every row of numbers that is learned, in one fixed order.
  const rowsOf = (model) =>
    model.flatMap((one) =>
      one.scores
        ? one.scores
        : [...one.assign, ...one.embed].flatMap(({ weight, bias }) => [...weight, bias]),
    );

  // --- what chapter 05 predicts -----------------------------------------------------

  // The entropy weights between which the link loss loses its lead near a uniform S:
  // w* = 2λ / (k‖M‖) for M = A − 11ᵀ/k, with the largest λ ("all") and the (k−1)-th,
  // the weakest of the directions that tell k groups apart ("some"). null: no lead.
  const balance = (a, k, linkWeight, reduction) => {
    if (a.length < 2 || k < 2) return null;
    const m = map(a, (value) => value - 1 / k);
    const symmetric = scale(add(m, transpose(m)), 0.5);
    const norm = Math.sqrt(dot(m, m));
    const values = eigenvalues(symmetric);
    const weight = (value) =>
      ((2 * value) / (k * norm)) * linkWeight * (reduction === "frobenius" ? a.length : 1);
    const strongest = weight(values[0]);
    if (!(strongest > 0)) return null;
    return { some: Math.max(0, weight(values[Math.min(k - 1, a.length) - 1])), all: strongest };
  };

  DiffPoolPlayground.model = {
    HIDDEN,
    normalized,
    gcn,
    softmax,
    level,
    forward,
    create,
    rowsOf,
    balance,
  };
})();
