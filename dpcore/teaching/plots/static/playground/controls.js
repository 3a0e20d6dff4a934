// The parts of the page's controls that know nothing of its state.
"use strict";

(() => {
  const P = DiffPoolPlayground;

  // A slider of 0 … 100 runs over the logarithm; with `zero` its left end is 0.
  const toSlider = ({ low, high, zero }, value) => {
    if (zero && value < low) return 0;
    const part = Math.log(value / low) / Math.log(high / low);
    return zero ? 2 + 98 * part : 100 * part;
  };
  const fromSlider = ({ low, high, zero }, at) => {
    if (zero && at < 2) return 0;
    const part = zero ? (at - 2) / 98 : at / 100;
    return Number((low * (high / low) ** part).toPrecision(2));
  };

  const wireSliders = (root, onInput) => {
    for (const slider of root.querySelectorAll("[data-slide]")) {
      const name = slider.dataset.slide;
      P.draw.set(slider, { min: 0, max: 100, step: "any" });
      slider.addEventListener("input", () => {
        onInput(name, fromSlider(P.state.NUMBERS[name], Number(slider.value)));
      });
      slider.addEventListener("keydown", (event) => {
        const turn = { ArrowRight: 2, ArrowUp: 2, ArrowLeft: -2, ArrowDown: -2 }[event.key];
        if (!turn) return;
        event.preventDefault();
        slider.value = Math.max(0, Math.min(100, Number(slider.value) + turn));
        slider.dispatchEvent(new Event("input"));
      });
    }
  };

  // The graphs to choose from, and the challenges.
  const fillLists = ({ find, shown }) => {
    for (const [name, { name: text }] of Object.entries(P.graph.PRESETS)) {
      P.draw.make("option", { value: name }, find('[data-set="preset"]'), text);
    }
    for (const { id, title, hint } of P.challenges.LIST) {
      const item = P.draw.make("li", { "data-challenge": id }, shown("challenges"));
      P.draw.make("span", {}, item, title);
      P.draw.make("span", { class: "dp-mark" }, item);
      const fold = P.draw.make("details", {}, item);
      P.draw.make("summary", {}, fold, "hint");
      P.draw.make("p", {}, fold, hint);
    }
  };

  // A table that is wider than its place says that it scrolls.
  const watchWidths = (root) => {
    const observer = new ResizeObserver(() => {
      for (const box of root.querySelectorAll(".dp-scroll")) {
        box.previousElementSibling.hidden = box.scrollWidth <= box.clientWidth + 1;
      }
    });
    for (const box of root.querySelectorAll(".dp-scroll")) {
      observer.observe(box);
      observer.observe(box.firstElementChild);
    }
  };

  // One stop of the tab key for the coarse graph; arrows go around it.
  const wireArrows = (svg) => {
    svg.addEventListener("keydown", (event) => {
      const turn = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
      if (!turn) return;
      event.preventDefault();
      const nodes = [...svg.querySelectorAll("[data-cluster]")];
      const at = nodes.indexOf(document.activeElement);
      nodes[(at + turn + nodes.length) % nodes.length].focus();
    });
  };

  // What is under the pointer, or has the focus: {node}, {edge} or {cluster, other}.
  const pointed = (target) => {
    const at = target.closest?.(
      "[data-node],[data-edge],[data-cluster],[data-row],[data-entry],[data-pair],[data-column],[data-line]",
    );
    if (!at || at.closest("[data-second]")) return null;
    const { node, edge, cluster, row, entry, pair, column, line } = at.dataset;
    if (at.closest('[data-table="features"]')) {
      return column ? null : { cluster: Number(line ?? entry.split(" ")[0]) };
    }
    if (node ?? row) return { node: Number(node ?? row) };
    if (edge) return { edge: Number(edge) };
    if (entry ?? pair) {
      const [c, d] = (entry ?? pair).split(" ").map(Number);
      return { cluster: c, other: d };
    }
    return { cluster: Number(cluster ?? column ?? line) };
  };

  P.controls = {
    toSlider,
    fromSlider,
    wireSliders,
    fillLists,
    wireArrows,
    watchWidths,
    pointed,
  };
})();
