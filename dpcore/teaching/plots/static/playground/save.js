// What can be taken away: a picture (SVG or PNG) and the numbers (JSON).
"use strict";

(() => {
  const P = DiffPoolPlayground;
  const KEPT = [
    "fill",
    "fill-opacity",
    "stroke",
    "stroke-width",
    "stroke-dasharray",
    "stroke-opacity",
    "font-family",
    "font-size",
    "font-weight",
    "text-anchor",
    "opacity",
  ];

  // A copy that looks the same without the style sheet.
  const frozen = (svg) => {
    const copy = svg.cloneNode(true);
    const originals = [svg, ...svg.querySelectorAll("*")];
    [copy, ...copy.querySelectorAll("*")].forEach((node, i) => {
      const style = getComputedStyle(originals[i]);
      for (const name of KEPT) node.setAttribute(name, style.getPropertyValue(name));
      for (const name of ["class", "style", "tabindex", "role", "aria-label"]) {
        node.removeAttribute(name);
      }
    });
    return copy;
  };

  // Graph, S and A′ side by side in one SVG, on the page's own ground.
  const picture = (svgs, ground) => {
    const all = P.draw.make("svg", { xmlns: "http://www.w3.org/2000/svg" });
    let [x, height] = [16, 0];
    const paper = P.draw.make("rect", { x: 0, y: 0, fill: ground }, all);
    for (const svg of svgs) {
      const [, , w, h] = svg.getAttribute("viewBox").split(" ").map(Number);
      const copy = frozen(svg);
      P.draw.set(copy, { x, y: 16, width: w, height: h });
      all.append(copy);
      x += w + 24;
      height = Math.max(height, h + 32);
    }
    const size = { width: x - 8, height };
    P.draw.set(all, { ...size, viewBox: `0 0 ${size.width} ${size.height}` });
    P.draw.set(paper, size);
    return { text: new XMLSerializer().serializeToString(all), ...size };
  };

  const png = async ({ text, width, height }) => {
    const image = new Image();
    image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(text)}`;
    await image.decode();
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [2 * width, 2 * height];
    canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
    return new Promise((done) => {
      canvas.toBlob(done, "image/png");
    });
  };

  const numbers = (state, run) => {
    const { reduction, temperature, linkWeight, entropyWeight, layers, seed, step } = state;
    return {
      graph: {
        nodes: state.graph.nodes.length,
        directed: state.graph.directed,
        edges: state.graph.edges,
        x: P.graph.features(state.graph),
      },
      settings: { reduction, temperature, linkWeight, entropyWeight, layers, seed, step },
      levels: run.levels.map((level) => ({
        s: level.s,
        adj: level.adj,
        x: level.coarseX,
        link_loss: level.linkLoss,
        entropy_loss: level.entropyLoss,
        effective_clusters: level.inUse,
      })),
      parameters: state.model,
    };
  };

  const download = (name, blob) => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(blob);
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  };

  P.save = { picture, png, numbers, download };
})();
