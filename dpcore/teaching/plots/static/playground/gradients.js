// The way back: gradients of the objective by every parameter, by hand, and Adam.
//
// Letters as in the book; dM stands for the gradient of the objective by M.
"use strict";

(() => {
  const { add, dot, map, multiply, scale, transpose, zeros } = DiffPoolPlayground.matrix;
  const { forward, rowsOf } = DiffPoolPlayground.model;

  // Back through H′ = ReLU(N H W + b), layer by layer; dN and dX add up.
  const backThroughStack = (layers, trace, n, x, dOut) => {
    const gradients = [];
    let [dN, dH] = [zeros(n.length, n.length), dOut];
    for (let i = layers.length - 1; i >= 0; i--) {
      const mixed = trace.inputs[i]; // N H
      const dPre = map(dH, (v, r, c) => (mixed.output[r][c] > 0 ? v : 0));
      const bias = layers[i].bias.map((_, c) => dPre.reduce((total, row) => total + row[c], 0));
      gradients[i] = { weight: multiply(transpose(mixed), dPre), bias };
      const dMixed = multiply(dPre, transpose(layers[i].weight));
      const h = i > 0 ? trace.inputs[i - 1].output : x;
      dN = add(dN, multiply(dMixed, transpose(h)));
      dH = multiply(transpose(n), dMixed);
    }
    return { gradients, dN, dX: dH };
  };

  // Back through N = r Ã r with r = (row sums of Ã)^-½.
  const backThroughNormalization = ({ loops, degree, root }, dN) => {
    const dRoot = root.map((_, i) => {
      let total = 0;
      for (let j = 0; j < root.length; j++) {
        total += root[j] * (dN[i][j] * loops[i][j] + dN[j][i] * loops[j][i]);
      }
      return total;
    });
    const dDegree = root.map((r, i) => (r > 0 ? (-0.5 * r * dRoot[i]) / degree[i] : 0));
    return map(dN, (v, i, j) => root[i] * v * root[j] + dDegree[i]);
  };

  // One level back. dX, dAdj: gradients by X′ and A′, from the level above.
  const backThroughLevel = (parameters, trace, settings, dX, dAdj) => {
    const { a, s, z, as, log, rows, link } = trace;
    const st = transpose(s);
    const spread = multiply(s, dAdj);
    let dS = add(multiply(z, transpose(dX)), multiply(transpose(a), spread));
    dS = add(dS, multiply(as, transpose(dAdj)));
    let dA = multiply(spread, st);
    let dZ = multiply(s, dX);

    // The link loss: d‖A − SSᵀ‖² = −2(A + Aᵀ)S + 4 S(SᵀS) by S, 2(A − SSᵀ) by A.
    const count = settings.reduction === "frobenius" ? 1 : s.length;
    const push = link.norm > 0 ? settings.linkWeight / (2 * link.norm * count) : 0;
    const pull = add(as, multiply(transpose(a), s));
    const repulsion = multiply(s, link.gram);
    dS = map(dS, (v, i, c) => v + push * (4 * repulsion[i][c] - 2 * pull[i][c]));
    const overlap = multiply(s, st);
    dA = map(dA, (v, i, j) => v + push * 2 * (a[i][j] - overlap[i][j]));

    // Through the softmax, and the entropy loss: −p (log p + H) by a score.
    const share = settings.entropyWeight / s.length;
    const dScores = s.map((row, i) => {
      const mean = row.reduce((total, p, c) => total + p * dS[i][c], 0);
      return row.map((p, c) => {
        const sharpen = p > 0 ? p * (log[i][c] + rows[i]) : 0;
        return (p * (dS[i][c] - mean) - share * sharpen) / settings.temperature;
      });
    });

    if (parameters.scores) return { gradients: { scores: dScores }, dX: dZ, dA };
    const n = trace.n.matrix;
    const assign = backThroughStack(parameters.assign, trace.assign, n, trace.x, dScores);
    const embed = backThroughStack(parameters.embed, trace.embed, n, trace.x, dZ);
    dZ = add(assign.dX, embed.dX);
    dA = add(dA, backThroughNormalization(trace.n, add(assign.dN, embed.dN)));
    return { gradients: { assign: assign.gradients, embed: embed.gradients }, dX: dZ, dA };
  };

  // Gradients in the shape of the model. `seed` {x, adj}: gradients by the last level's
  // X′ and A′ of a loss that is added to the objective; zero where none is given.
  const backward = (model, run, settings, seed = null) => {
    const last = run.levels.at(-1);
    let dX = seed?.x ?? map(last.coarseX, () => 0);
    let dA = seed?.adj ?? map(last.adj, () => 0);
    const gradients = [];
    for (let i = model.length - 1; i >= 0; i--) {
      const back = backThroughLevel(model[i], run.levels[i], settings, dX, dA);
      gradients[i] = back.gradients;
      [dX, dA] = [back.dX, back.dA];
    }
    return gradients;
  };

  // The same by central differences: slow, and independent of every line above.
  const byDifferences = (model, a, x, settings, seed = null, step = 1e-6) => {
    const objective = () => {
      const run = forward(model, a, x, settings);
      const { coarseX, adj } = run.levels.at(-1);
      return run.total + (seed ? dot(seed.x, coarseX) + dot(seed.adj, adj) : 0);
    };
    return rowsOf(model).map((row) =>
      row.map((value, i) => {
        row[i] = value + step;
        const above = objective();
        row[i] = value - step;
        const below = objective();
        row[i] = value;
        return (above - below) / (2 * step);
      }),
    );
  };

  // One step of Adam with PyTorch's defaults, in place. `memory` starts as {}.
  const adam = (model, gradients, memory, rate) => {
    const rows = rowsOf(model);
    memory.step = (memory.step ?? 0) + 1;
    memory.first ??= scale(rows, 0);
    memory.second ??= scale(rows, 0);
    const correction = Math.sqrt(1 - 0.999 ** memory.step);
    const size = rate / (1 - 0.9 ** memory.step);
    rowsOf(gradients).forEach((gradient, r) => {
      const [row, m, v] = [rows[r], memory.first[r], memory.second[r]];
      for (let i = 0; i < row.length; i++) {
        m[i] = 0.9 * m[i] + 0.1 * gradient[i];
        v[i] = 0.999 * v[i] + 0.001 * gradient[i] ** 2;
        row[i] -= (size * m[i]) / (Math.sqrt(v[i]) / correction + 1e-8);
      }
    });
  };

  DiffPoolPlayground.gradients = { backward, byDifferences, adam };
})();
