// Hands on the graph: pointer and keys. They change the state through `actions` only.
"use strict";

(() => {
  const P = DiffPoolPlayground;
  const D = P.draw;
  const RING = 66; // how far the targets lie from a node that is pulled

  const create = (root, svg, actions) => {
    let drag = null;
    let waiting = null; // the node at which an edge begins, chosen by a click or a key

    const tool = () => root.querySelector('[name="dp-tool"]:checked').value;
    const over = () => svg.querySelector(".dp-over");
    const nodeOf = (target) => {
      const found = target.closest?.("[data-node]");
      return found ? Number(found.dataset.node) : null;
    };
    const edgeOf = (target) => {
      const found = target.closest?.("[data-edge]");
      return found ? Number(found.dataset.edge) : null;
    };

    const point = (event) => {
      const box = svg.getBoundingClientRect();
      const scale = D.SIZE / box.width;
      return [(event.clientX - box.left) * scale, (event.clientY - box.top) * scale];
    };

    const nodeAt = ([x, y]) => {
      const { nodes } = actions.graph();
      const reach = D.radius(nodes.length) + 6;
      return nodes.findIndex((node) => {
        const [a, b] = D.toScreen(node);
        return Math.hypot(a - x, b - y) < reach;
      });
    };

    // --- pulling a row of S: k targets around the node --------------------------------

    const targets = (node) => {
      const row = actions.row(node);
      const clear = (v) => Math.min(D.SIZE - RING - 16, Math.max(RING + 16, v));
      const [x, y] = D.toScreen(actions.graph().nodes[node]);
      const centre = [clear(x), clear(y)];
      const spots = P.graph
        .circle(row.length)
        .map(([a, b]) => [centre[0] + RING * a, centre[1] - RING * b]);
      over().replaceChildren();
      svg.classList.add("dp-pulling");
      D.make("circle", { cx: centre[0], cy: centre[1], r: RING, class: "dp-ring" }, over());
      spots.forEach(([a, b], c) => {
        const at = { transform: `translate(${a} ${b})`, class: "dp-target" };
        const group = D.make("g", at, over());
        D.make("circle", { r: 13, fill: D.COLORS[c % D.COLORS.length] }, group);
        D.make("circle", { r: 8.5, class: "dp-hole" }, group);
        D.make("text", { class: "dp-number", dy: "0.36em" }, group, String(c));
      });
      return { row, centre, spots };
    };

    // The row between where it started and the target that the pointer goes to.
    const pulled = ({ row, centre, spots }, [x, y]) => {
      const far = Math.hypot(x - centre[0], y - centre[1]);
      const part = Math.min(1, Math.max(0, (far - 14) / (RING - 24)));
      const away = spots.map(([a, b]) => Math.hypot(a - x, b - y));
      const nearest = away.indexOf(Math.min(...away));
      return towards(row, nearest, part);
    };

    const towards = (row, cluster, part) =>
      row.map((p, c) => (1 - part) * p + (c === cluster ? part : 0));

    // --- pointer ------------------------------------------------------------------------

    const down = (event) => {
      if (event.button) return;
      const [at, now] = [point(event), tool()];
      const found = nodeAt(at);
      const node = found >= 0 ? found : null;
      if (node === null) {
        const edge = edgeOf(event.target);
        if (now === "erase" && edge !== null) actions.removeEdge(edge);
        else if (now === "node") actions.addNode(...D.toPlace(...at));
        else actions.select(edge === null ? null : { edge });
        choose(null);
        return;
      }
      event.preventDefault();
      svg.setPointerCapture(event.pointerId);
      focusOn(node);
      if (now === "erase") {
        actions.removeNode(node);
        return;
      }
      drag = { node, tool: now, from: at, moved: false };
      if (now === "pull") drag.targets = targets(node);
      actions.select({ node });
    };

    const move = (event) => {
      if (!drag) return;
      const at = point(event);
      drag.moved ||= Math.hypot(at[0] - drag.from[0], at[1] - drag.from[1]) > 5;
      if (!drag.moved) return;
      if (drag.tool === "move") actions.moveNode(drag.node, ...D.toPlace(...at));
      else if (drag.tool === "pull") actions.pull(drag.node, pulled(drag.targets, at));
      else if (drag.tool === "edge") {
        const [x, y] = D.toScreen(actions.graph().nodes[drag.node]);
        over().replaceChildren();
        D.make("path", { d: `M${x} ${y}L${at[0]} ${at[1]}`, class: "dp-draft" }, over());
      }
    };

    const up = (event) => {
      if (!drag) return;
      const { node, tool: now, moved } = drag;
      drag = null;
      svg.classList.remove("dp-pulling");
      over().replaceChildren();
      if (now !== "edge") {
        actions.rest();
        return;
      }
      const end = nodeAt(point(event));
      if (moved && end >= 0 && end !== node) actions.toggleEdge(node, end);
      else if (!moved && waiting !== null) actions.toggleEdge(waiting, node);
      if (!moved && waiting === null) choose(node);
      else choose(null);
    };

    const choose = (node) => {
      waiting = node;
      for (const one of svg.querySelectorAll("[data-node]")) {
        one.classList.toggle("dp-waiting", Number(one.dataset.node) === node);
      }
      if (node !== null) actions.news(`An edge begins at node ${node}: choose its other end.`);
    };

    // --- keys -----------------------------------------------------------------------------

    const focusOn = (node) => {
      for (const one of svg.querySelectorAll("[data-node]")) {
        const chosen = Number(one.dataset.node) === node;
        one.setAttribute("tabindex", chosen ? 0 : -1);
        if (chosen) one.focus({ preventScroll: true });
      }
    };

    const STEPS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };

    // The nearest node in a direction, within 60 degrees of it.
    const neighbour = (node, [dx, dy]) => {
      const { nodes } = actions.graph();
      const here = nodes[node];
      let [best, nearest] = [node, Number.POSITIVE_INFINITY];
      nodes.forEach((other, i) => {
        const [x, y] = [other.x - here.x, other.y - here.y];
        const along = x * dx + y * dy;
        const far = Math.hypot(x, y);
        if (i === node || along <= 0.5 * far || far >= nearest) return;
        [best, nearest] = [i, far];
      });
      return best;
    };

    const key = (event) => {
      const node = nodeOf(event.target);
      if (node === null || event.altKey || event.ctrlKey || event.metaKey) return;
      const step = STEPS[event.key];
      const { nodes } = actions.graph();
      if (step && event.shiftKey) {
        actions.moveNode(node, nodes[node].x + 0.05 * step[0], nodes[node].y + 0.05 * step[1]);
        actions.rest();
      } else if (step) focusOn(neighbour(node, step));
      else if (/^[0-7]$/.test(event.key) && Number(event.key) < actions.row(node).length) {
        actions.pull(node, towards(actions.row(node), Number(event.key), 0.25));
        actions.rest();
      } else if (event.key === "e") {
        if (waiting === null) choose(node);
        else {
          actions.toggleEdge(waiting, node);
          choose(null);
          focusOn(node);
        }
      } else if (event.key === "Enter" || event.key === " ") {
        actions.select({ node });
      } else if (event.key === "a") {
        const made = actions.addNode(nodes[node].x + 0.14, nodes[node].y + 0.14);
        if (made >= 0) focusOn(made);
      } else if (event.key === "Delete" || event.key === "Backspace") {
        actions.removeNode(node);
        focusOn(Math.min(node, actions.graph().nodes.length - 1));
      } else if (event.key === "Escape") {
        choose(null);
        actions.select(null);
      } else return;
      event.preventDefault();
    };

    // A finger on a node holds it; beside nodes it scrolls the page.
    const hold = (event) => {
      if (nodeAt(point(event.touches[0])) >= 0) event.preventDefault();
    };

    svg.addEventListener("touchstart", hold, { passive: false });
    svg.addEventListener("pointerdown", down);
    svg.addEventListener("pointermove", move);
    svg.addEventListener("pointerup", up);
    svg.addEventListener("pointercancel", up);
    svg.addEventListener("keydown", key);
    return { focusOn };
  };

  P.hands = { create };
})();
