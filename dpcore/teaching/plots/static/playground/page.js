// The page: one state, one view, and what every control does to them.
"use strict";

(() => {
  const P = DiffPoolPlayground;
  const S = P.state;
  const C = P.controls;
  const MOST_STEPS = 5000;
  const STILL = matchMedia("(prefers-reduced-motion: reduce)");

  const start = (root, link) => {
    root.hidden = false;
    const view = P.view.create(root);
    const { find, say } = view;
    const controls = (name) => find(`[data-set="${name}"]`);
    let state = S.fresh();
    let run = null;
    let [a, x] = [null, null];
    let history = { link: [], entropy: [] };
    let running = null;
    let best = null;
    let [focus, selected] = [null, null];
    let kept = null;
    const solved = new Set();

    // --- computing ----------------------------------------------------------------------

    const compute = () => {
      run = P.model.forward(state.model, a, x, state);
    };

    const remember = () => {
      history.link.push(run.link);
      history.entropy.push(run.entropy);
    };

    const forget = () => {
      history = { link: [run.link], entropy: [run.entropy] };
      best = null;
    };

    const train = () => {
      P.gradients.adam(
        state.model,
        P.gradients.backward(state.model, run, state),
        state.memory,
        state.rate,
      );
      state.step++;
      compute();
      remember();
      if (best === null || run.total < best.total) best = { total: run.total, step: state.step };
    };

    // --- showing ------------------------------------------------------------------------

    const show = (resting = running === null) => {
      const training = !resting && running !== null;
      view.update(state, run, { history, best }, { resting, training });
      if (resting || focus || selected) view.highlight(focus ?? selected, state, run);
      if (resting) {
        check();
        keepInAddress();
      }
    };

    const showBalance = () => {
      const balance = P.model.balance(a, state.k, state.linkWeight, state.reduction);
      view.band(balance, (value) => C.toSlider(S.NUMBERS.entropyWeight, Math.max(0.0009, value)));
    };

    const showControls = () => {
      for (const name of ["layers", "k", "levels", "k2", "seed", "preset", "reduction"]) {
        controls(name).value = state[name];
      }
      controls("features").value = state.graph.features;
      controls("directed").checked = state.graph.directed;
      find("[data-own]").hidden = state.graph.features !== "own";
      controls("own").value = state.graph.nodes.map((node) => node.own.join(" ")).join("\n");
      for (const slider of root.querySelectorAll("[data-slide]")) {
        const name = slider.dataset.slide;
        slider.value = C.toSlider(S.NUMBERS[name], state[name]);
        const text = state[name] === 0 ? "0" : String(Number(state[name].toPrecision(2)));
        slider.setAttribute("aria-valuetext", text);
        say(name.replace("Weight", "-weight"), text);
      }
      showBalance();
    };

    // After any change of graph, features or shape. Parameters stay where they fit.
    const refresh = ({ anew = false } = {}) => {
      [a, x] = [P.graph.adjacency(state.graph), P.graph.features(state.graph)];
      if (anew || !state.model || !S.fits(state)) S.reset(state);
      compute();
      forget();
      showControls();
      show();
    };

    const check = () => {
      const now = { state, run, level: run.levels[0], kept, best };
      for (const { id, title, check: test } of P.challenges.LIST) {
        if (solved.has(id) || !test(now)) continue;
        solved.add(id);
        find(`[data-challenge="${id}"]`).classList.add("dp-solved");
        find(`[data-challenge="${id}"] .dp-mark`).textContent = "✓ solved";
        news(`Solved: ${title}.`);
      }
      say("solved", `${solved.size} of ${P.challenges.LIST.length}`);
    };

    const news = (text) => say("news", text);

    let later = null;
    const keepInAddress = () => {
      if (!link.write) return;
      clearTimeout(later);
      later = setTimeout(() => link.write(S.encode(state)), 250);
    };

    // --- training -----------------------------------------------------------------------

    const stop = () => {
      if (running !== null) cancelAnimationFrame(running);
      running = null;
      find('[data-do="run"]').textContent = "Train";
    };

    const frame = () => {
      const begun = performance.now();
      train();
      if (state.step >= MOST_STEPS) stop();
      show();
      P.timings.push(performance.now() - begun);
      if (P.timings.length > 600) P.timings.shift();
      if (running !== null) running = requestAnimationFrame(frame);
    };

    const go = () => {
      if (state.step >= MOST_STEPS) {
        news(`${MOST_STEPS} steps are done: reset to begin again.`);
        return;
      }
      if (STILL.matches) {
        for (let i = 0; i < 300; i++) train();
        news("300 steps, shown without motion, as your system asks.");
        show();
        return;
      }
      find('[data-do="run"]').textContent = "Pause";
      running = requestAnimationFrame(frame);
    };

    // --- what hands may do --------------------------------------------------------------

    const edit = (change) => {
      stop();
      const before = state.graph.nodes.length;
      const result = change();
      state.edited = true;
      selected = null;
      const after = state.graph.nodes.length;
      const free = state.layers === 0;
      if (free && after > before) {
        state.model[0].scores.push(new Array(state.k).fill(0));
        state.memory = {};
      }
      refresh();
      return result;
    };

    const actions = {
      graph: () => state.graph,
      row: (node) => run.levels[0].s[node].slice(),
      news,
      rest: () => show(),
      select: (what) => {
        selected = what;
        show();
      },
      moveNode: (node, px, py) => {
        const inside = (v) => Math.max(-1.06, Math.min(1.06, v));
        Object.assign(state.graph.nodes[node], { x: inside(px), y: inside(py) });
        state.edited = true;
        view.place(state.graph);
      },
      pull: (node, row) => {
        stop();
        takeInHand();
        const floor = row.map((p) => Math.max(p, 1e-6));
        state.model[0].scores[node] = floor.map((p) => state.temperature * Math.log(p));
        compute();
        show(false);
      },
      toggleEdge: (i, j) => edit(() => P.graph.toggleEdge(state.graph, i, j)),
      removeEdge: (edge) => edit(() => state.graph.edges.splice(edge, 1)),
      addNode: (px, py) => {
        if (state.graph.nodes.length >= P.graph.MOST_NODES) {
          news(`A graph of ${P.graph.MOST_NODES} nodes is full.`);
          return -1;
        }
        return edit(() => P.graph.addNode(state.graph, px, py));
      },
      removeNode: (node) => {
        if (state.graph.nodes.length === 1) {
          news("The last node stays: a graph has at least one.");
          return;
        }
        if (state.layers === 0) {
          state.model[0].scores.splice(node, 1);
          state.memory = {};
        }
        edit(() => P.graph.removeNode(state.graph, node));
      },
    };

    // S becomes free scores, each level's as it stands: hands and training may go on.
    const takeInHand = () => {
      if (state.layers !== 0) {
        state.model = run.levels.map(({ log }) => ({
          scores: P.matrix.map(log, (v) => state.temperature * Math.max(v, Math.log(1e-6))),
        }));
        state.layers = 0;
        state.rate = S.RATES[0];
        compute();
        showControls();
        news("S is yours now: free scores, no GNN.");
      }
      state.memory = {};
      state.byHand = true;
    };

    const permute = () => {
      stop();
      const before = run.levels[0].adj;
      const order = P.graph.shuffled(state.graph.nodes.length, P.matrix.random(Date.now() % 1e6));
      state.graph = P.graph.permuted(state.graph, order);
      if (state.layers === 0)
        state.model[0].scores = order.map((old) => state.model[0].scores[old]);
      state.memory = {};
      state.edited = true;
      selected = null;
      [a, x] = [P.graph.adjacency(state.graph), P.graph.features(state.graph)];
      compute();
      showControls();
      show();
      const moved = P.matrix.map(before, (v, i, j) => Math.abs(v - run.levels[0].adj[i][j]));
      const most = Math.max(...moved.flat());
      news(
        `New numbers: the rows of S have moved. Largest change in A′: ${most < 1e-9 ? "0" : most.toExponential(1)}.`,
      );
    };

    const take = async (kind) => {
      const name = `diffpool-${state.preset}-step-${state.step}`;
      if (kind === "json") {
        const text = JSON.stringify(P.save.numbers(state, run), null, 1);
        P.save.download(`${name}.json`, new Blob([text], { type: "application/json" }));
        return;
      }
      show(true); // while the page trains, not everything is drawn
      const ground = getComputedStyle(root).getPropertyValue("--dp-paper").trim();
      const pictures = ["graph", "assignment", "coarse"].map(view.drawn);
      const picture = P.save.picture(pictures, ground);
      const svg = new Blob([picture.text], { type: "image/svg+xml" });
      P.save.download(`${name}.${kind}`, kind === "svg" ? svg : await P.save.png(picture));
    };

    const copyLink = async () => {
      const address = link.address(S.encode(state));
      try {
        await navigator.clipboard.writeText(address);
        news(link.copied);
      } catch {
        link.write?.(S.encode(state));
        news("The link stands in the address line: copy it from there.");
      }
    };

    const DO = {
      run: () => {
        if (running === null) go();
        else {
          stop();
          show();
        }
      },
      step: () => {
        stop();
        train();
        show();
      },
      reset: () => {
        stop();
        refresh({ anew: true });
      },
      permute,
      link: copyLink,
      png: () => take("png"),
      svg: () => take("svg"),
      json: () => take("json"),
      keep: () => {
        kept = { a: P.graph.adjacency(state.graph) };
        say(
          "kept",
          `kept: ${kept.a.length} nodes, edge mass ${P.draw.number(P.matrix.sum(kept.a))}`,
        );
        check();
      },
    };

    const SET = {
      preset: (value) => {
        S.usePreset(state, value);
        refresh({ anew: true });
        news(P.graph.PRESETS[value].source);
      },
      layers: (value) => {
        const before = state.layers;
        state.layers = S.bounded("layers", value);
        if ((before === 0) !== (state.layers === 0)) state.rate = S.RATES[Number(state.layers > 0)];
        refresh({ anew: true });
      },
      features: (value) => {
        state.graph.features = value;
        refresh();
      },
      directed: (_, control) => {
        state.graph.directed = control.checked;
        refresh();
      },
      own: (value) => {
        const lines = value.split("\n");
        state.graph.nodes.forEach((node, i) => {
          const row = (lines[i] ?? "")
            .split(/[\s,;]+/)
            .filter(Boolean)
            .map(Number);
          node.own = row.length && row.every(Number.isFinite) ? row : [0];
        });
        refresh();
      },
      reduction: (value) => {
        state.reduction = value;
        compute();
        forget();
        showControls();
        show();
      },
    };

    // --- wiring ---------------------------------------------------------------------------

    C.fillLists(view);
    C.wireArrows(view.drawn("coarse"));
    C.watchWidths(root);
    C.wireSliders(root, (name, value) => {
      state[name] = value;
      best = null;
      compute();
      showControls();
      show();
    });
    root.addEventListener("click", (event) => {
      const button = event.target.closest("[data-do]");
      if (button) DO[button.dataset.do]();
    });
    root.addEventListener("change", (event) => {
      const name = event.target.dataset.set;
      if (!name) return;
      stop();
      if (SET[name]) SET[name](event.target.value, event.target);
      else {
        state[name] = S.bounded(name, event.target.value);
        refresh({ anew: true });
      }
    });

    const point = (event) => {
      const next = C.pointed(event.target);
      if (JSON.stringify(next) === JSON.stringify(focus)) return;
      focus = next;
      view.highlight(focus ?? selected, state, run);
    };
    for (const kind of ["pointerover", "focusin"]) root.addEventListener(kind, point);
    root.addEventListener("pointerleave", point);
    P.hands.create(root, find('[data-draw="graph"]'), actions);
    new MutationObserver(() => show()).observe(document.documentElement, {
      attributes: true,
      attributeFilter: ["data-theme"],
    });

    const load = (text) => {
      stop();
      try {
        state = S.decode(text);
        news("");
      } catch (error) {
        state = S.fresh();
        news(`The link could not be read: ${error.message}.`);
      }
      selected = null;
      refresh();
    };
    load(link.read());
    return { load };
  };

  P.timings = []; // milliseconds of script of the last frames
  P.page = { start };
})();
