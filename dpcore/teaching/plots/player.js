document.querySelectorAll(".dpcore-player:not([data-ready])").forEach((box) => {
  box.dataset.ready = "yes";
  const frames = box.querySelectorAll("[data-frames] > *");
  const slider = box.querySelector("input"), last = frames.length - 1;
  const caption = box.querySelector(":scope > [data-caption]");
  const play = box.querySelector("[data-do=play]");
  let now = 0, timer = null;
  const go = (to) => {
    frames[now].style.display = "none";
    now = Math.max(0, Math.min(last, to));
    frames[now].style.display = "";
    slider.value = now;
    caption.textContent = frames[now].dataset.caption;
    slider.setAttribute("aria-valuetext", caption.textContent);
  };
  const stop = () => {
    clearInterval(timer); timer = null;
    caption.setAttribute("aria-live", "polite");
    play.innerHTML = "&#9654; play"; play.setAttribute("aria-label", "play");
  };
  const start = () => {
    if (now === last) go(0);
    caption.setAttribute("aria-live", "off");
    play.innerHTML = "&#10074;&#10074; pause";
    play.setAttribute("aria-label", "pause");
    timer = setInterval(() => now < last ? go(now + 1) : stop(),
                        Number(box.dataset.interval));
  };
  const actions = {
    back: () => { stop(); go(now - 1); },
    on: () => { stop(); go(now + 1); },
    play: () => timer ? stop() : start(),
    first: () => { stop(); go(0); },
    last: () => { stop(); go(last); },
  };
  box.querySelectorAll("button").forEach((button) =>
    button.addEventListener("click", () => actions[button.dataset.do]()));
  slider.addEventListener("input", () => { stop(); go(Number(slider.value)); });
  box.addEventListener("keydown", (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const keys = {ArrowLeft: "back", ArrowRight: "on", Home: "first", End: "last"};
    let act = keys[event.key];
    if (event.key === " " && event.target.tagName !== "BUTTON") act = "play";
    event.stopPropagation();
    if (act) { event.preventDefault(); actions[act](); }
  });
});
