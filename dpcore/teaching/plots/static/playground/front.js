// The front page's graph: it trains once while you look, for less than five seconds.
"use strict";

document.addEventListener("DOMContentLoaded", () => {
  const root = document.querySelector("[data-front]");
  if (!root) return;
  const { graph, model, gradients, draw } = DiffPoolPlayground;
  const STEPS = 280;
  const LONGEST = 4500; // milliseconds; a slow machine skips to the end
  const still = matchMedia("(prefers-reduced-motion: reduce)");
  const find = (selector) => root.querySelector(selector);

  const net = graph.preset("groups");
  const [a, x] = [graph.adjacency(net), graph.features(net)];
  const picture = draw.buildGraph(find('[data-draw="graph"]'), net, 5);
  const coarse = draw.buildCoarse(find('[data-draw="coarse"]'), 5, 0);
  for (const node of root.querySelectorAll("[data-node], [data-cluster]")) {
    for (const name of ["role", "tabindex"]) node.removeAttribute(name); // a picture, no control
  }
  draw.placeGraph(picture, net);

  let seed = 0;
  let running = null;

  // Chapter 04's recipe: the link loss first, the entropy loss when the groups are there.
  const play = (motion) => {
    cancelAnimationFrame(running);
    const shape = { nodes: 17, width: 17, layers: 0, clusters: [5], seed };
    const parameters = model.create(shape);
    const memory = {};
    const begun = performance.now();
    let [step, run] = [0, null];
    const advance = () => {
      const entropyWeight = step < 140 ? 0 : 0.5;
      const settings = { temperature: 1, reduction: "rms", linkWeight: 1, entropyWeight };
      run = model.forward(parameters, a, x, settings);
      gradients.adam(parameters, gradients.backward(parameters, run, settings), memory, 0.1);
      step++;
    };
    const show = () => {
      const { s, adj, mass } = run.levels[0];
      picture.nodes.forEach((one, i) => {
        draw.updatePie(one, s[i]);
      });
      draw.updateCoarse(coarse, adj, mass);
    };
    const frame = () => {
      advance();
      const late = performance.now() - begun > LONGEST;
      while (step < STEPS && (late || !motion)) advance();
      show();
      if (step < STEPS) running = requestAnimationFrame(frame);
    };
    frame();
  };

  find('[data-do="again"]').addEventListener("click", () => {
    seed++;
    play(!still.matches);
  });
  play(!still.matches);
});
