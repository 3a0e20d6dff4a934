// Small matrices as arrays of rows. Everything here is a pure function.
"use strict";

globalThis.DiffPoolPlayground = {};

(() => {
  const zeros = (rows, columns) => Array.from({ length: rows }, () => new Array(columns).fill(0));

  const map = (a, f) => a.map((row, i) => row.map((value, j) => f(value, i, j)));

  const add = (a, b) => map(a, (value, i, j) => value + b[i][j]);

  const scale = (a, factor) => map(a, (value) => factor * value);

  const transpose = (a, columns = a[0]?.length ?? 0) =>
    Array.from({ length: columns }, (_, j) => a.map((row) => row[j]));

  // A·B. Zeros of A are skipped: adjacencies are mostly zeros.
  const multiply = (a, b) => {
    const columns = b[0].length;
    return a.map((row) => {
      const out = new Array(columns).fill(0);
      for (let m = 0; m < row.length; m++) {
        const value = row[m];
        if (value === 0) continue;
        const other = b[m];
        for (let j = 0; j < columns; j++) out[j] += value * other[j];
      }
      return out;
    });
  };

  const sum = (a) => a.reduce((total, row) => total + row.reduce((x, y) => x + y, 0), 0);

  const dot = (a, b) =>
    a.reduce((total, row, i) => {
      for (let j = 0; j < row.length; j++) total += row[j] * b[i][j];
      return total;
    }, 0);

  // −Σ p log p of one row, in nats.
  const entropy = (p) => p.reduce((h, value) => (value > 0 ? h - value * Math.log(value) : h), 0);

  // The eigenvalues of a symmetric matrix, largest first: Jacobi's rotations.
  const eigenvalues = (symmetric) => {
    const a = symmetric.map((row) => row.slice());
    const n = a.length;
    for (let sweep = 0; sweep < 60; sweep++) {
      let off = 0;
      for (let p = 0; p < n; p++) {
        for (let q = p + 1; q < n; q++) {
          if (Math.abs(a[p][q]) < 1e-14) continue;
          off += a[p][q] ** 2;
          const angle = (a[q][q] - a[p][p]) / (2 * a[p][q]);
          const t = (angle < 0 ? -1 : 1) / (Math.abs(angle) + Math.hypot(angle, 1));
          const c = 1 / Math.hypot(t, 1);
          const s = t * c;
          for (let i = 0; i < n; i++) {
            [a[i][p], a[i][q]] = [c * a[i][p] - s * a[i][q], s * a[i][p] + c * a[i][q]];
          }
          for (let i = 0; i < n; i++) {
            [a[p][i], a[q][i]] = [c * a[p][i] - s * a[q][i], s * a[p][i] + c * a[q][i]];
          }
        }
      }
      if (off < 1e-22) break;
    }
    return a.map((row, i) => row[i]).sort((x, y) => y - x);
  };

  // Uniform numbers in [0, 1) from a seed (mulberry32): the same in every browser.
  const random = (seed) => {
    let state = (seed * 2654435761) >>> 0;
    return () => {
      state = (state + 0x6d2b79f5) >>> 0;
      let t = Math.imul(state ^ (state >>> 15), 1 | state);
      t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
      return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
    };
  };

  // One number of the standard normal distribution (Box and Muller).
  const normal = (next) => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next());

  DiffPoolPlayground.matrix = {
    zeros,
    map,
    add,
    scale,
    transpose,
    multiply,
    sum,
    dot,
    entropy,
    eigenvalues,
    random,
    normal,
  };
})();
