// The graph that the reader edits: nodes with places, edges with weights, features.
//
// A graph is {directed, nodes: [{x, y, id, own}], edges: [[from, to, weight]], features}.
// Places lie in −1 … 1. `id` is the node's number at birth: it stays when nodes are
// renumbered, and one-hot features go by it. `own` are numbers that the reader typed.
"use strict";

(() => {
  const { zeros } = DiffPoolPlayground.matrix;

  const MOST_NODES = 60;

  const circle = (count, radius = 1, turn = 0) =>
    Array.from({ length: count }, (_, i) => {
      const angle = Math.PI / 2 - (2 * Math.PI * (i + turn)) / count;
      return [radius * Math.cos(angle), radius * Math.sin(angle)];
    });

  // Groups in a circle, their nodes in small circles: chapter 04's drawing.
  const circles = (sizes, inner) => {
    const centres = circle(sizes.length, 0.74);
    return sizes.flatMap((size, g) =>
      circle(size, inner, (size * g) / sizes.length).map(([x, y]) => [
        x + centres[g][0],
        y + centres[g][1],
      ]),
    );
  };

  // Everyone linked to everyone inside runs of these sizes.
  const cliques = (sizes) => {
    const edges = [];
    let start = 0;
    for (const size of sizes) {
      for (let i = start; i < start + size; i++) {
        for (let j = i + 1; j < start + size; j++) edges.push(`${i}-${j}`);
      }
      start += size;
    }
    return edges.join(" ");
  };

  const places = (text) => text.split(" ").map((pair) => pair.split(",").map(Number));
  const types = (text, count) =>
    [...text].map((t) => Array.from({ length: count }, (_, i) => Number(i === Number(t))));

  const teams = [3, 3, 3, 3];
  const groups = [4, 4, 3, 3, 3];

  const PRESETS = {
    groups: {
      name: "17 nodes in five groups",
      source: "Chapter 04: five groups, six bridges.",
      clusters: 5,
      features: "onehot",
      edges: `${cliques(groups)} 1-7 2-6 5-10 9-13 12-16 10-15`,
      places: circles(groups, 0.25),
    },
    teams: {
      name: "Four teams",
      source: "Chapter 01: four teams of three, every team meets every other.",
      clusters: 4,
      edges: `${cliques(teams)} 0-3 1-6 2-9 4-7 5-10 8-11`,
      places: places(
        "-0.17,1 0.58,0.83 0.1,0.43 -0.83,0.58 -0.43,0.1 -1,-0.17 1,0.17 0.43,-0.1 " +
          "0.83,-0.58 -0.1,-0.43 -0.58,-0.83 0.17,-1",
      ),
    },
    table: {
      name: "Round table",
      source: "Chapter 01: the same four teams, in a ring.",
      clusters: 4,
      edges: `${cliques(teams)} 0-3 1-4 5-6 7-9 8-10 11-2`,
      places: places(
        "-0.1,-0.66 -0.27,-1 0.4,-0.71 -0.6,-0.3 -0.87,-0.56 -0.8,0.16 -0.4,0.71 0.27,1 " +
          "0.1,0.66 0.87,0.56 0.6,0.3 0.8,-0.16",
      ),
    },
    ring: {
      name: "Ring of six",
      source: "Chapter 01: one ring.",
      clusters: 2,
      edges: "0-1 1-2 2-3 3-4 4-5 5-0",
      places: circle(6, 0.85),
    },
    triangles: {
      name: "Two triangles",
      source: "Chapter 01: two triangles, which a flat readout takes for the ring.",
      clusters: 2,
      edges: "0-1 1-2 2-0 3-4 4-5 5-3",
      places: places("-0.55,0.5 -0.95,-0.3 -0.15,-0.3 0.55,0.5 0.15,-0.3 0.95,-0.3"),
    },
    molecule: {
      name: "Molecule (MUTAG)",
      source:
        "MUTAG, graph 0 (Debnath et al., 1991; TUDataset): 17 atoms, without hydrogen. " +
        "Features: carbon, nitrogen, oxygen.",
      clusters: 4,
      features: "own",
      edges:
        "0-1 0-5 1-2 2-3 3-4 3-9 4-5 4-6 6-7 7-8 8-9 8-13 9-10 10-11 11-12 12-13 12-14 " +
        "14-15 14-16",
      places: places(
        "0.1,1 0.34,0.86 0.35,0.59 0.14,0.39 -0.12,0.54 -0.12,0.82 -0.35,0.38 -0.34,0.1 " +
          "-0.11,-0.05 0.14,0.11 0.34,-0.09 0.33,-0.37 0.1,-0.53 -0.1,-0.33 0.08,-0.81 " +
          "-0.11,-1 0.28,-1",
      ),
      own: types("00000000000000122", 3),
    },
    protein: {
      name: "Protein (PROTEINS)",
      source:
        "PROTEINS, graph 89 (Borgwardt et al., 2005; TUDataset): 25 pieces of secondary " +
        "structure, joined where they are close. Features: the two kinds of piece.",
      clusters: 5,
      features: "own",
      edges:
        "0-1 0-2 0-16 1-2 1-16 2-16 3-4 3-16 3-21 4-5 4-21 4-22 5-20 5-22 6-7 6-18 6-19 " +
        "7-17 7-18 8-9 8-10 8-17 9-10 9-11 9-17 10-11 10-17 11-12 12-13 12-14 13-14 13-15 " +
        "13-23 14-15 14-23 14-24 15-24 16-21 17-18 18-19 19-20 20-22 21-22 23-24",
      places: places(
        "0.54,1 0.67,0.87 0.36,0.95 0.59,0.63 0.49,0.46 0.38,0.29 -0.17,0.24 -0.3,0.1 " +
          "-0.43,-0.1 -0.21,-0.28 -0.4,-0.28 -0.32,-0.46 -0.39,-0.63 -0.32,-0.81 " +
          "-0.51,-0.79 -0.35,-1 0.48,0.8 -0.24,-0.09 -0.12,0.06 0.02,0.2 0.18,0.3 0.4,0.62 " +
          "0.3,0.46 -0.68,-0.87 -0.54,-1",
      ),
      own: types("0000000000000000111111111", 2),
    },
    own: {
      name: "Your own",
      source: "Two nodes to begin with: choose ‘Add node’ and ‘Edge’.",
      clusters: 2,
      edges: "0-1",
      places: places("-0.3,0 0.3,0"),
    },
  };

  // "0-1 1-2*0.5" → [[0, 1, 1], [1, 2, 0.5]]; edges that leave the graph are refused.
  const parseEdges = (text, nodes) =>
    text
      .split(/\s+/)
      .filter(Boolean)
      .map((edge) => {
        const found = edge.match(/^(\d+)-(\d+)(?:\*(-?[\d.e+-]+))?$/);
        const [from, to, weight] = (found ?? []).slice(1).map((v) => Number(v ?? 1));
        if (!found || from >= nodes || to >= nodes || !Number.isFinite(weight)) {
          throw new Error(`edge "${edge}": expected from-to below ${nodes}, as in 0-1`);
        }
        return [from, to, weight];
      });

  const formatEdges = (edges) =>
    edges.map(([i, j, w]) => (w === 1 ? `${i}-${j}` : `${i}-${j}*${w}`)).join(" ");

  const build = ({ places: where, edges, own, features = "ones", directed = false }) => ({
    directed,
    features,
    nodes: where.map(([x, y], id) => ({ x, y, id, own: own?.[id] ?? [1] })),
    edges: parseEdges(edges, where.length),
  });

  const preset = (name) => build(PRESETS[name]);

  // A[i][j] is the weight of the edges from i to j; duplicates add up.
  const adjacency = (graph) => {
    const a = zeros(graph.nodes.length, graph.nodes.length);
    for (const [i, j, weight] of graph.edges) {
      a[i][j] += weight;
      if (!graph.directed && i !== j) a[j][i] += weight;
    }
    return a;
  };

  // X, one row a node. Own rows of different lengths are filled up with zeros.
  const features = (graph) => {
    const { nodes } = graph;
    if (graph.features === "onehot") {
      const order = nodes.map((node) => node.id).sort((a, b) => a - b);
      return nodes.map((node) => order.map((id) => Number(id === node.id)));
    }
    if (graph.features === "degree") {
      return adjacency(graph).map((row) => [row.reduce((a, b) => a + b, 0)]);
    }
    if (graph.features === "own") {
      const width = Math.max(1, ...nodes.map((node) => node.own.length));
      return nodes.map((node) => Array.from({ length: width }, (_, i) => node.own[i] ?? 0));
    }
    return nodes.map(() => [1]);
  };

  const edgeBetween = (graph, i, j) =>
    graph.edges.findIndex(
      ([a, b]) => (a === i && b === j) || (!graph.directed && a === j && b === i),
    );

  // Add the edge i → j, or take it away where it is. i = j is a self-loop.
  const toggleEdge = (graph, i, j) => {
    const found = edgeBetween(graph, i, j);
    if (found >= 0) graph.edges.splice(found, 1);
    else graph.edges.push([i, j, 1]);
  };

  // The new node's number, or −1 where the graph is full.
  const addNode = (graph, x, y) => {
    if (graph.nodes.length >= MOST_NODES) return -1;
    const id = 1 + Math.max(-1, ...graph.nodes.map((node) => node.id));
    return graph.nodes.push({ x, y, id, own: [1] }) - 1;
  };

  const removeNode = (graph, node) => {
    graph.nodes.splice(node, 1);
    graph.edges = graph.edges
      .filter(([i, j]) => i !== node && j !== node)
      .map(([i, j, w]) => [i - (i > node), j - (j > node), w]);
  };

  // The same graph with other numbers: node order[i] becomes node i.
  const permuted = (graph, order) => {
    const becomes = [];
    order.forEach((old, i) => {
      becomes[old] = i;
    });
    return {
      ...graph,
      nodes: order.map((old) => graph.nodes[old]),
      edges: graph.edges.map(([i, j, w]) => [becomes[i], becomes[j], w]),
    };
  };

  const shuffled = (count, next) => {
    const order = Array.from({ length: count }, (_, i) => i);
    for (let i = count - 1; i > 0; i--) {
      const j = Math.floor(next() * (i + 1));
      [order[i], order[j]] = [order[j], order[i]];
    }
    return order;
  };

  DiffPoolPlayground.graph = {
    MOST_NODES,
    PRESETS,
    circle,
    parseEdges,
    formatEdges,
    build,
    preset,
    adjacency,
    features,
    edgeBetween,
    toggleEdge,
    addNode,
    removeNode,
    permuted,
    shuffled,
  };
})();
