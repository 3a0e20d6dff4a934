// The panels: puts a state and its run into the pictures, and lights up what belongs
// to the thing that the reader points at.
"use strict";

(() => {
  const P = DiffPoolPlayground;
  const D = P.draw;
  const f3 = (v) => v.toFixed(3);

  const create = (root) => {
    const find = (selector) => root.querySelector(selector);
    const shown = (name) => find(`[data-show="${name}"]`);
    const drawn = (name) => find(`[data-draw="${name}"]`);
    const say = (name, text) => {
      const node = shown(name);
      if (node.textContent !== text) node.textContent = text;
    };
    const curves = {
      link: D.buildCurve(drawn("link-curve")),
      entropy: D.buildCurve(drawn("entropy-curve")),
    };
    const pictures = {};
    const keys = {};

    // New elements for a picture, where its structure is another one.
    const remake = (name, structure, make) => {
      const key = structure.join("|");
      if (keys[name] === key) return;
      keys[name] = key;
      pictures[name] = make();
    };

    const build = ({ graph }, run) => {
      const [first, second] = run.levels;
      const [k, n, width] = [first.s[0].length, graph.nodes.length, first.coarseX[0].length];
      const k2 = second ? second.s[0].length : 0;
      const ends = graph.edges.map(([i, j]) => `${i}-${j}`);
      const table = (name) => find(`[data-table="${name}"]`);
      remake("graph", [n, k, graph.directed, ends], () => D.buildGraph(drawn("graph"), graph, k));
      remake("heat", [n, k], () => D.buildHeat(drawn("assignment"), n, k));
      remake("coarse", [k, k2], () => D.buildCoarse(drawn("coarse"), k, k2));
      remake("adjacency", [k], () => D.buildTable(table("adjacency"), k, k, true));
      remake("features", [k, width], () => D.buildTable(table("features"), k, width, false));
      if (second) {
        remake("heat2", [k, k2], () => D.buildHeat(drawn("assignment2"), k, k2));
        remake("adjacency2", [k2], () => D.buildTable(table("adjacency2"), k2, k2, true));
      }
      for (const node of root.querySelectorAll("[data-second]")) node.hidden = !second;
      say("s-shape", `${n} × ${k}`);
      say("x-shape", `${k} × ${width}`);
      say("second", second ? `S ${k} × ${k2}, A″ beside it` : "");
    };

    const name = (node, s) => {
      const row = s.map((p, c) => [p, c]).filter(([p]) => p >= 0.005);
      const parts = row.sort((a, b) => b[0] - a[0]).slice(0, 3);
      return `node ${node}: ${parts.map(([p, c]) => `cluster ${c} ${p.toFixed(2)}`).join(", ")}`;
    };

    // Names for who does not see the pies. Not while training: nobody could follow.
    const describe = (run) => {
      const { s, mass } = run.levels[0];
      pictures.graph.nodes.forEach(({ group }, i) => {
        group.setAttribute("aria-label", name(i, s[i]));
      });
      pictures.coarse.nodes.forEach(({ group }, c) => {
        group.setAttribute("aria-label", `cluster ${c}: ${mass[c].toFixed(1)} nodes`);
      });
    };

    const numbers = (state, run, best) => {
      const { link, rows, mass, inUse, aNode } = run.levels[0];
      const { edges, inside, shared } = link.parts;
      const { number } = D;
      const [over, count] = state.reduction === "rms" ? [" / n", ` / ${rows.length}`] : ["", ""];
      const second = run.levels[1];
      const parts = `√(${number(edges)} − ${number(2 * inside)} + ${number(shared)})${count}`;
      say("link", f3(run.link));
      say("link-formula", `√(‖A‖² − 2 tr A′ + ‖SᵀS‖²)${over}`);
      say("link-parts", second ? `${parts}, then ${f3(second.linkLoss)}` : parts);
      const most = rows.indexOf(Math.max(...rows));
      const node = `node ${most} has most: ${rows[most].toFixed(2)}`;
      say("entropy", f3(run.entropy));
      say("entropy-parts", second ? `${node}; level 2 ${f3(second.entropyLoss)}` : node);
      const [w, v] = [state.linkWeight, state.entropyWeight].map((x) => Number(x.toPrecision(2)));
      say("total", f3(run.total));
      say("sum", `${w} × ${f3(run.link)} + ${v} × ${f3(run.entropy)}`);
      say("in-use", `${inUse.toFixed(2)} of ${mass.length}`);
      say("a-node", aNode.toFixed(2));
      say("step", `step ${state.step}`);
      const trained = best && `training has found ${f3(best.total)}, at step ${best.step}`;
      const whose = state.byHand ? "your S" : "this S";
      say("best", trained ? `${whose}; ${trained}` : "what training lowers");
    };

    const place = (graph) => D.placeGraph(pictures.graph, graph);

    // While the page trains, what is out of sight waits, and numbers are written in turns:
    // fifteen times a second, which is more than anyone reads. Pies and lines move at every
    // step.
    const TURNS = 4;
    let turn = 0;
    const inSight = new Set();
    const watch = new IntersectionObserver((entries) => {
      for (const { target, isIntersecting } of entries) {
        inSight[isIntersecting ? "add" : "delete"](target);
      }
    });
    for (const part of root.querySelectorAll("[data-draw], [data-table]")) watch.observe(part);

    const update = (state, run, { history, best }, { resting, training }) => {
      turn = (turn + 1) % TURNS;
      if (!training) {
        build(state, run);
        place(state.graph);
      }
      const dark = D.isDark();
      const [first, second] = run.levels;
      const written = (i) => !training || i % TURNS === turn;
      const due = (part, order) => !training || (inSight.has(part) && written(order ?? turn));
      const heat = (name, picture, s) => {
        if (due(drawn(name))) D.updateHeat(picture, s, dark, written);
      };
      const table = (name, order, values, tinted) => {
        if (due(find(`[data-table="${name}"]`), order)) {
          D.updateTable(pictures[name], values, tinted);
        }
      };
      if (due(drawn("graph"))) {
        pictures.graph.nodes.forEach((one, i) => {
          D.updatePie(one, first.s[i]);
        });
      }
      heat("assignment", pictures.heat, first.s);
      if (due(drawn("coarse"))) D.updateCoarse(pictures.coarse, first.adj, first.mass, second?.s);
      table("adjacency", 0, first.adj, true);
      table("features", 1, first.coarseX, false);
      if (second) {
        heat("assignment2", pictures.heat2, second.s);
        table("adjacency2", 2, second.adj, true);
      }
      if (written(2)) numbers(state, run, best);
      for (const name of ["link", "entropy"]) {
        if (!due(drawn(`${name}-curve`), 3)) continue;
        D.updateCurve(curves[name], history[name]);
        const most = D.number(Math.max(...history[name]));
        say(`${name}-tick`, `from 0 to ${most}, step by step`);
      }
      if (training) return;
      const { nodes, edges } = state.graph;
      say("size", `${nodes.length} nodes, ${edges.length} edges`);
      say("mass", `edge mass ${D.number(P.matrix.sum(first.a))}`);
      if (resting) describe(run);
    };

    // --- pointing ---------------------------------------------------------------------

    // The share of an edge's mass that the thing pointed at holds, 0 … 1.
    const held = (focus, s, i, j) => {
      if (focus.node !== undefined) return Number(i === focus.node || j === focus.node);
      if (focus.edge !== undefined) return 0;
      const [c, d] = [focus.cluster, focus.other];
      if (d === undefined) return 1 - (1 - s[i][c]) * (1 - s[j][c]);
      return c === d ? s[i][c] * s[j][c] : s[i][c] * s[j][d] + s[i][d] * s[j][c];
    };

    const sentence = (focus, state, run) => {
      const { s, rows, mass, adj, a } = run.levels[0];
      const { number } = D;
      if (focus.edge !== undefined) {
        const [i, j, w] = state.graph.edges[focus.edge];
        const meet = s[i].reduce((total, p, c) => total + p * s[j][c], 0);
        return `Edge ${i}–${j}: A says ${number(w)}, SSᵀ says ${meet.toFixed(2)}.`;
      }
      if (focus.node !== undefined) {
        const i = focus.node;
        const degree = a[i].reduce((x, y) => x + y, 0);
        const row = s[i].map((p) => p.toFixed(2)).join("  ");
        return `Node ${i}: S = ${row}; H = ${rows[i].toFixed(2)} nats; degree ${number(degree)}.`;
      }
      const { cluster: c, other: d } = focus;
      if (d !== undefined) {
        return `A′[${c}, ${d}] = ${adj[c][d].toFixed(3)}: the edges that hold it are lit.`;
      }
      const total = adj[c].reduce((x, y) => x + y, 0);
      return (
        `Cluster ${c}: ${mass[c].toFixed(2)} of ${s.length} nodes; its row of A′ holds ` +
        `${number(total)}, of which ${number(adj[c][c])} inside.`
      );
    };

    const IDLE = "Point at a node, an edge, a cluster or a number of A′.";

    const highlight = (focus, state, run) => {
      const s = run.levels[0].s;
      const { graph: picture, heat, coarse } = pictures;
      const known =
        focus &&
        (focus.node ?? 0) < s.length &&
        (focus.edge ?? 0) < picture.edges.length &&
        Math.max(focus.cluster ?? 0, focus.other ?? 0) < s[0].length;
      const now = known ? focus : null;
      root.classList.toggle("dp-pointing", Boolean(now));
      picture.edges.forEach(({ line }, e) => {
        const [i, j] = state.graph.edges[e];
        const lit = now ? Math.max(held(now, s, i, j), Number(now.edge === e)) : 0;
        line.style.setProperty("--dp-lit", lit.toFixed(2));
      });
      const touched = (i) =>
        now?.node === i ||
        (now?.edge !== undefined && state.graph.edges[now.edge].slice(0, 2).includes(i));
      picture.nodes.forEach(({ group }, i) => {
        group.classList.toggle("dp-lit", Boolean(touched(i)));
      });
      const cluster = now?.cluster ?? null;
      coarse.nodes.forEach(({ group }, c) => {
        group.classList.toggle("dp-lit", now !== null && (c === cluster || c === now.other));
      });
      D.frameHeat(heat, now?.node ?? null, now?.node === undefined ? cluster : null);
      for (const cell of find('[data-table="adjacency"]').querySelectorAll("[data-entry]")) {
        const [i, j] = cell.dataset.entry.split(" ").map(Number);
        const exact = now?.other !== undefined;
        const lit = exact ? i === cluster && j === now.other : cluster !== null && i === cluster;
        cell.classList.toggle("dp-lit", lit);
      }
      say("focus", now ? sentence(now, state, run) : IDLE);
      root.style.setProperty("--dp-focus", cluster === null ? "" : D.COLORS[cluster]);
    };

    // The band of chapter 05 on the slider of the entropy weight, in percent of its way.
    const band = (balance, toPercent) => {
      const node = shown("band");
      node.hidden = !balance;
      if (!balance) {
        say("balance", "w*: the link loss has no lead on this graph");
        return;
      }
      const [from, to] = [toPercent(balance.some), toPercent(balance.all)];
      node.style.setProperty("--dp-from", `${from}%`);
      node.style.setProperty("--dp-to", `${to}%`);
      say(
        "balance",
        `w* = ${D.number(balance.some)} … ${D.number(balance.all)}: beyond, entropy wins`,
      );
    };

    return { update, place, highlight, band, say, find, shown, drawn };
  };

  P.view = { create };
})();
