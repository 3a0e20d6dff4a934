// Things to try, each with a test that the page runs after every change.
"use strict";

(() => {
  const P = DiffPoolPlayground;
  const { matrix } = P;

  const spectrum = (a) => matrix.eigenvalues(matrix.scale(matrix.add(a, matrix.transpose(a)), 0.5));

  // Different eigenvalues prove that two graphs are not the same one renumbered.
  const surelyDifferent = (a, b) => {
    if (a.length !== b.length) return true;
    const [first, second] = [spectrum(a), spectrum(b)];
    return first.some((value, i) => Math.abs(value - second[i]) > 1e-6);
  };

  const offDiagonal = (adj) => {
    const total = matrix.sum(adj);
    return total - adj.reduce((trace, row, i) => trace + row[i], 0);
  };

  const decided = ({ s }) => s.every((row) => Math.max(...row) > 0.5);

  // How hard the losses push S: the largest gradient by a score. Without a weight there
  // are none.
  const push = ({ state, run }) => {
    if (state.layers !== 0 || !(state.linkWeight || state.entropyWeight))
      return Number.POSITIVE_INFINITY;
    const rows = P.model.rowsOf(P.gradients.backward(state.model, run, state));
    return Math.max(...rows.flat().map(Math.abs));
  };

  const GROUPS = [4, 4, 3, 3, 3].flatMap((size, g) => new Array(size).fill(g));

  // Each check gets {state, run, kept}; true: solved. The level looked at is the first.
  const LIST = [
    {
      id: "groups",
      title: "Find the five groups of chapter 04",
      hint: "Free scores, entropy weight below w*, and train. Beyond w* it fails: try that as well.",
      check: ({ state, level }) => {
        if (state.preset !== "groups" || state.edited || state.step < 10) return false;
        if (!decided(level)) return false;
        const names = new Set(
          state.graph.nodes.map(({ id }, i) => {
            const row = level.s[i];
            return `${GROUPS[id]}:${row.indexOf(Math.max(...row))}`;
          }),
        );
        return names.size === 5 && new Set([...names].map((name) => name[2])).size === 5;
      },
    },
    {
      id: "diagonal",
      title: "Make A′ diagonal, with more than one cluster in use",
      hint: "No edge may run between two clusters. Which graphs allow that? You may erase edges.",
      check: ({ level }) =>
        matrix.sum(level.a) > 0 &&
        Math.abs(offDiagonal(level.adj)) < 0.01 * matrix.sum(level.adj) &&
        level.inUse > 1.5,
    },
    {
      id: "empty",
      title: "Find weights at which training empties a cluster",
      hint: "Free scores freeze where chance put them. A GNN shares its weights, so nodes agree easily.",
      check: ({ state, level }) =>
        state.step >= 20 &&
        !state.byHand &&
        level.mass.length <= level.s.length &&
        Math.min(...level.mass) < 0.01 * level.s.length,
    },
    {
      id: "twins",
      title: "Find two graphs that no S of equal rows tells apart",
      hint:
        "If all rows of S are the same p, then A′ = (edge mass) · p pᵀ. Keep one graph, then make " +
        "another with as many nodes and the same edge mass. Features: ones.",
      check: ({ state, level, kept }) =>
        kept !== null &&
        state.graph.features === "ones" &&
        kept.a.length === level.a.length &&
        Math.abs(matrix.sum(kept.a) - matrix.sum(level.a)) < 1e-9 &&
        surelyDifferent(kept.a, level.a),
    },
    {
      id: "stuck",
      title: "Find an S on which the losses hardly push, although it is mush",
      hint:
        "Equal rows are not enough: they must prefer no cluster. What does the temperature do " +
        "to free scores? (Adam leaves such a place all the same: it divides a push by its size.)",
      check: (now) => now.level.aNode > 1.9 && now.level.s.length > 2 && push(now) < 2e-5,
    },
    {
      id: "beat",
      title: "Beat training by hand",
      hint: "Train a little. Then choose ‘Pull S’ and pull pies until ‘Together’ lies below what it found.",
      check: ({ state, run, best }) =>
        state.byHand && best !== null && run.total < best.total - 1e-4,
    },
  ];

  P.challenges = { LIST, surelyDifferent };
})();
