// The theme's icons are put in place once; watching every page for more of them costs the
// playground a tenth of its time.
window.FontAwesomeConfig = { observeMutations: false };

// What the theme, docutils and pandas leave out for readers who do not see the page.
document.addEventListener("DOMContentLoaded", () => {
  // The left sidebar holds the book's name, the search button and the table of
  // contents, but is no landmark: who moves by landmarks would miss the first two.
  const sidebar = document.querySelector(".bd-sidebar-primary");
  sidebar?.setAttribute("role", "navigation");
  sidebar?.setAttribute("aria-label", "Book");

  // Its arrow beside a page with pages of its own has no name.
  for (const arrow of document.querySelectorAll(".has-children > details > summary"))
    arrow.setAttribute("aria-label", "pages below");

  // docutils gives the entries of a list of references a role that ARIA 1.2 withdrew.
  for (const entry of document.querySelectorAll("[role=doc-biblioentry]"))
    entry.setAttribute("role", "listitem");

  // The empty corner of a table heads no column and no row.
  for (const corner of document.querySelectorAll("article th")) {
    if (corner.textContent.trim()) continue;
    const cell = document.createElement("td");
    cell.className = corner.className;
    corner.replaceWith(cell);
  }

  // A line neither begins with the full stop after a formula nor ends with the bracket
  // before it: what touches a formula stays with it.
  for (const formula of document.querySelectorAll("article span.math")) {
    const { previousSibling: before, nextSibling: after } = formula;
    const whole = document.createElement("span");
    whole.className = "whole";
    formula.replaceWith(whole);
    whole.append(formula);
    const take = (text, pattern) => {
      if (text?.nodeType !== Node.TEXT_NODE) return "";
      const taken = text.data.match(pattern)?.[0] ?? "";
      text.data = text.data.replace(pattern, "");
      return taken;
    };
    whole.prepend(take(before, /[(‘“]+$/));
    whole.append(take(after, /^[.,:;?!)’”]+/));
  }

  // An option of a command is not broken after its hyphens.
  for (const word of document.querySelectorAll("article code .pre"))
    if (/^--\w/.test(word.textContent)) word.classList.add("whole");

  // What scrolls sideways says so, and can be reached by the keyboard.
  const wide =
    "article table.table, article .cell_output [style*=overflow], .ground, .dp-board, " +
    "mjx-container[display]";
  const hints = new Map();
  const measure = (box) => {
    const scrolls = box.scrollWidth > box.clientWidth + 1;
    if (scrolls && !hints.has(box)) {
      const hint = document.createElement("div");
      hint.className = "scroll-hint";
      hint.setAttribute("aria-hidden", "true");
      hint.textContent = "wider than the page: scroll →";
      box.before(hint);
      box.tabIndex = 0;
      hints.set(box, hint);
    }
    if (hints.has(box)) hints.get(box).hidden = !scrolls;
  };
  // Of a box or of what is in it: windows change, folds open, columns come back.
  const sizes = new ResizeObserver((changes) => {
    for (const { target } of changes) measure(target.closest(wide));
  });
  const observe = () => {
    for (const box of document.querySelectorAll(wide))
      for (const node of [box, ...box.children]) sizes.observe(node);
  };
  observe();
  window.MathJax?.startup?.promise?.then(observe); // formulas are there only then
});
