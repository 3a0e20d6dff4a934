document.querySelectorAll(".dpcore-levels:not([data-ready])").forEach((box) => {
  box.dataset.ready = "yes";
  const levels = [...box.querySelectorAll("[data-level]")];
  const slider = box.querySelector("input"), told = box.querySelector("[data-told]");
  const caption = box.querySelector("div[data-caption]"), help = told.textContent;
  let now = 0;
  const discs = () => [...levels[now].querySelectorAll("[data-text]")];
  const members = (disc) => {
    const ghosts = levels[now].querySelectorAll("[data-ghost]");
    const shares = disc ? JSON.parse(disc.dataset.members || "[]") : [];
    ghosts.forEach((ghost, i) => {
      ghost.setAttribute("fill", disc ? disc.dataset.color : box.dataset.plain);
      ghost.setAttribute("fill-opacity", disc ? (shares[i] || 0) / 100 : 1);
    });
  };
  const tell = (disc) => { told.textContent = disc.dataset.text; members(disc); };
  const go = (to) => {
    levels[now].style.display = "none";
    now = Math.max(0, Math.min(levels.length - 1, to));
    levels[now].style.display = "";
    slider.value = now;
    caption.textContent = levels[now].dataset.caption;
    slider.setAttribute("aria-valuetext", caption.textContent);
    told.textContent = help;
    members(null);
  };
  slider.addEventListener("input", () => go(Number(slider.value)));
  levels.forEach((level) => {
    level.addEventListener("pointerover", (event) => {
      const disc = event.target.closest("[data-text]");
      if (disc) tell(disc);
    });
    level.addEventListener("focusin", (event) => tell(event.target));
    level.addEventListener("click", (event) => {
      const disc = event.target.closest("[data-text]");
      if (disc) disc.focus();
    });
  });
  box.addEventListener("keydown", (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    event.stopPropagation();  // Jupyter listens to letters, the book to arrows
    const all = discs(), at = all.indexOf(event.target);
    const steps = {ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1};
    let next = null;
    if (at >= 0 && event.key in steps) next = at + steps[event.key];
    if (at >= 0 && event.key === "Home") next = 0;
    if (at >= 0 && event.key === "End") next = all.length - 1;
    if (next === null) return;
    event.preventDefault();
    next = (next + all.length) % all.length;
    all[at].tabIndex = -1;
    all[next].tabIndex = 0;
    all[next].focus();
  });
});
