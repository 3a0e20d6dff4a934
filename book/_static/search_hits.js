// Every hit of the search lands at the section that speaks of it and shows a line of it.
// The text comes from excerpts.js, since a plain folder cannot be fetched from.
document.addEventListener("DOMContentLoaded", () => {
  const results = document.querySelector("#search-results");
  const asked = new URLSearchParams(location.search).get("q") ?? "";
  const words = asked.toLowerCase().split(/\s+/).filter(Boolean);
  if (!results || !words.length || !window.bookExcerpts) return;

  // "clusters" is found as "cluster", as the index does it, by the beginning of a word.
  const stem = (word) => (/^[a-z]{5,}$/.test(word) ? word.replace(/(ings?|es|s|ed)$/, "") : word);
  const stems = words.map(stem);
  const count = (text) => stems.filter((word) => text.toLowerCase().includes(word)).length;

  function excerpt(text) {
    const low = text.toLowerCase();
    const places = stems.map((word) => low.indexOf(word)).filter((at) => at >= 0);
    const first = places.length ? Math.min(...places) : 0;
    const from = Math.max(0, low.lastIndexOf(" ", Math.max(0, first - 60)) + 1);
    const last = from + 200 < text.length ? text.lastIndexOf(" ", from + 200) : text.length;
    const to = last > from + 100 ? last : from + 200; // not every script has spaces
    const line = document.createElement("p");
    line.className = "hit";
    line.append(from ? "… " : "");
    const pattern = stems.map((word) => word.replace(/[^\p{L}\p{N}]/gu, "\\$&")).join("|");
    for (const part of text.slice(from, to).split(new RegExp(`(${pattern})`, "iu"))) {
      if (!stems.includes(part.toLowerCase())) line.append(part);
      else line.append(Object.assign(document.createElement("mark"), { textContent: part }));
    }
    line.append(text.length > to ? " …" : "");
    return line;
  }

  function complete(item) {
    const link = item.querySelector("a");
    if (!link || item.dataset.told) return;
    item.dataset.told = "yes";
    const root = new URL(document.documentElement.dataset.content_root ?? "./", location.href);
    const page = decodeURIComponent(link.href.split(/[?#]/)[0].replace(root.href, ""));
    const sections = window.bookExcerpts[page.replace(/\.html$/, "")];
    if (!sections) return;
    const here = decodeURIComponent(new URL(link.href).hash.slice(1));
    const score = ([id, title, text]) => (id === here ? 99 : 0) + 3 * count(title) + count(text);
    const best = sections.reduce((a, b) => (score(b) > score(a) ? b : a));
    if (!score(best)) return;
    const [id, title, text] = best;
    if (best !== sections[0]) {
      const address = new URL(link.href);
      address.hash = id;
      link.href = address.href;
      link.append(`, ${title}`);
    }
    if (text) item.append(excerpt(text));
  }

  const all = () => results.querySelectorAll("li").forEach(complete);
  new MutationObserver(all).observe(results, { childList: true, subtree: true });
  all();
});
