// Questions before a result, answered in the page (the form: book/tools/predictions.py).
// Without this script a question is text, and its answer is folded below it.
document.addEventListener("DOMContentLoaded", () => {
  const KEY = "dpcore-predictions";

  const load = () => {
    try {
      const kept = JSON.parse(localStorage.getItem(KEY));
      return kept && typeof kept === "object" && !Array.isArray(kept) ? kept : {};
    } catch {
      return {}; // damaged, or the browser keeps nothing here
    }
  };
  const save = (kept) => {
    try {
      localStorage.setItem(KEY, JSON.stringify(kept));
    } catch {
      // a private window: the answers last as long as the page
    }
  };
  const make = (tag, attributes = {}, ...children) => {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes))
      node.setAttribute(name, value);
    node.append(...children);
    return node;
  };
  const copies = (nodes) => [...nodes].map((node) => node.cloneNode(true));
  const afterStrong = (node) => copies([...node.childNodes].slice(1));

  // "2.16 ± 0.2." is the number 2.16, and how far an answer may be off.
  const number = (text) => {
    const [value, spread] = text.replace(/\.$/, "").split("±").map(Number);
    return { value, spread: spread || 1e-9 };
  };

  function read(question) {
    const next = question.nextElementSibling;
    const list = next?.tagName === "OL" ? next : null;
    const details = list ? list.nextElementSibling : next;
    if (details?.tagName !== "DETAILS") return null;
    const answer = details.querySelector("p");
    const right = answer.querySelector("strong").textContent.replace(/\.$/, "");
    const why = afterStrong(answer);
    const wrong = new Map();
    for (const item of details.querySelectorAll("li")) {
      const paragraph = item.querySelector("p") ?? item;
      const said = paragraph.querySelector("strong").textContent.replace(/:$/, "");
      wrong.set(said, afterStrong(paragraph));
    }
    return { list, details, right, why, wrong };
  }

  function ask(question, name) {
    const parts = read(question);
    if (!parts) return;
    const { list, details, right, why, wrong } = parts;
    const id = `prediction-${name.replace(".", "-")}`;
    const box = make("section", { class: "prediction", id, "aria-label": `Prediction ${name}` });
    const verdict = make("div", { class: "verdict", role: "status" });
    question.removeAttribute("id"); // the box has it now
    question.before(box);
    box.append(question);

    const judge = (said, keep = true) => {
      let good, reason;
      if (list) {
        good = said === right;
        reason = wrong.get(said);
        for (const button of list.querySelectorAll("button"))
          button.setAttribute("aria-pressed", button.dataset.said === said);
      } else {
        const near = (text, value) =>
          Math.abs(number(text).value - value) <= number(text).spread;
        const value = Number(said.replace(",", ".").replace("%", ""));
        good = near(right, value);
        const known = [...wrong.keys()].find((text) => near(text, value));
        reason = wrong.get(known);
        if (said.trim() === "" || Number.isNaN(value)) {
          verdict.textContent = "Give a number, 2.5 say.";
          return;
        }
      }
      box.dataset.state = good ? "right" : "wrong";
      const lead = make("strong", {}, good ? "Right. " : `Not ${list ? `answer ${said}` : said}. `);
      const told = good ? why : (reason ?? ["Think again, or unfold the answer."]);
      verdict.replaceChildren(lead, ...told.map((n) => n.cloneNode?.(true) ?? n));
      if (!keep) return;
      const kept = load();
      const before = kept[name] ?? { first: said };
      kept[name] = { first: before.first, said, right: good, atOnce: before.atOnce ?? good };
      save(kept);
    };

    if (list) {
      for (const [i, item] of [...list.children].entries()) {
        const button = make("button", { type: "button", "aria-pressed": "false" });
        button.dataset.said = String(i + 1);
        const inner = item.querySelector("p") ?? item;
        button.append(...inner.childNodes);
        item.replaceChildren(button);
        button.addEventListener("click", () => judge(button.dataset.said));
      }
      box.append(list);
    } else {
      const field = make("input", { type: "text", inputmode: "decimal", size: "8", autocomplete: "off" });
      const form = make(
        "form",
        {},
        make("label", {}, "Your number: ", field),
        make("button", { type: "submit" }, "Check"),
      );
      form.addEventListener("submit", (event) => {
        event.preventDefault();
        judge(field.value);
      });
      form.addEventListener("keydown", (event) => event.stopPropagation());
      box.append(form);
    }
    box.append(verdict, details);

    const before = load()[name];
    if (typeof before?.said === "string") {
      const field = box.querySelector("input");
      if (field) field.value = before.said;
      judge(before.said, false);
    }
  }

  for (const strong of document.querySelectorAll("article p > strong:first-child")) {
    const found = /^Prediction (\d+\.\d+)\.$/.exec(strong.textContent);
    if (found) ask(strong.parentElement, found[1]);
  }
  if (location.hash.startsWith("#prediction-"))
    document.querySelector(location.hash)?.scrollIntoView();

  // The page that lists them all.
  const items = document.querySelectorAll("[id^=asked-prediction-]");
  const total = document.querySelector("[data-predictions-total]");
  const tell = () => {
    const kept = load();
    let right = 0;
    let atOnce = 0;
    for (const item of items) {
      const one = kept[item.id.replace("asked-prediction-", "").replace("-", ".")];
      const line = item.querySelector("p") ?? item;
      item.querySelector(".state")?.remove();
      if (!one) continue;
      right += one.right ? 1 : 0;
      atOnce += one.atOnce ? 1 : 0;
      const told = one.atOnce ? "right at once" : one.right ? "right in the end" : "not yet right";
      line.append(make("span", { class: "state" }, ` (${told})`));
    }
    total.textContent = `${right} of ${items.length} right, ${atOnce} of them at once.`;
  };
  if (total) {
    tell();
    const forget = make("button", { type: "button", class: "forget" }, "Forget my answers");
    forget.addEventListener("click", () => {
      save({});
      tell();
    });
    total.after(forget);
  }
});
