// Starts the page: its state comes from the address, or from a notebook.
"use strict";

document.addEventListener("DOMContentLoaded", () => {
  const root = document.querySelector("[data-playground]");
  if (!root) return;
  const given = root.dataset.state;
  const hash = () => (location.hash.includes("=") ? location.hash.slice(1) : "");
  const inNotebook = given !== undefined;
  const own = {
    read: () => given ?? hash(),
    address: (text) => `${inNotebook ? "" : location.href.split("#")[0]}#${text}`,
    copied: inNotebook
      ? "Copied: put it after the address of the book's playground."
      : "The link is copied: it holds the graph, the settings and what was learned.",
    write: inNotebook ? null : (text) => window.history.replaceState(null, "", `#${text}`),
  };
  const page = DiffPoolPlayground.page.start(root, own);
  window.addEventListener("hashchange", () => {
    if (hash()) page.load(hash()); // other anchors, such as headings, change nothing
  });
  // In a notebook the page stands in a frame, which is as high as the page.
  const frame = inNotebook ? window.frameElement : null;
  if (!frame) return;
  new ResizeObserver(() => {
    frame.style.height = `${document.documentElement.offsetHeight + 8}px`;
  }).observe(document.body);
});
