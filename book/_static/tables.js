// Tables that sort and filter: every .dp-board, from what its rows carry. Without this
// script the table stands as it was written.
document.addEventListener("DOMContentLoaded", () => {
  for (const board of document.querySelectorAll(".dp-board")) {
    const table = board.querySelector("table");
    const rows = [...table.tBodies[0].rows], heads = [...table.tHead.rows[0].cells];
    const label = (key) => ({ dataset: "data set" })[key] ?? key;

    // A choice of one value, in front of the table.
    const bar = document.createElement("p");
    bar.className = "dp-board-bar";
    const choice = (key, values, start, apply) => {
      const frame = document.createElement("label"), select = document.createElement("select");
      frame.append(`${label(key)} `, select);
      for (const value of values) select.add(new Option(value, value, false, value === start));
      select.addEventListener("change", () => apply(select.value));
      bar.append(frame);
    };

    // A column that says the same in every row that is left is not needed.
    const wanted = {};
    const filter = () => {
      for (const [key, value] of Object.entries(wanted)) {
        const i = heads.findIndex((head) => head.textContent === label(key));
        if (i >= 0) for (const row of [table.tHead.rows[0], ...rows])
          row.cells[i].hidden = value !== "all";
      }
      for (const row of rows)
        row.hidden = Object.entries(wanted).some(
          ([key, value]) => value !== "all" && row.dataset[key] !== value);
    };
    for (const key of Object.keys(rows[0]?.dataset ?? {})) {
      const start = board.dataset["show" + key[0].toUpperCase() + key.slice(1)] ?? "all";
      const values = [...new Set(rows.map((row) => row.dataset[key]))];
      const set = (value) => { wanted[key] = value; filter(); };
      choice(key, values.length > 2 ? ["all", ...values] : values, start, set);
      set(start);
    }
    if (board.dataset.columns) {
      const names = heads.slice(1).map((head) => head.textContent);
      choice(board.dataset.columns, ["all", ...names], "all", (value) => {
        for (const row of [table.tHead.rows[0], ...rows])
          [...row.cells].forEach((cell, i) => {
            cell.hidden = i > 0 && value !== "all" && value !== names[i - 1];
          });
      });
    }
    const hint = board.previousElementSibling; // of book.js: it stays beside the table
    const place = hint?.className === "scroll-hint" ? hint : board;
    if (bar.children.length) place.before(bar);

    // A click on a column's name sorts: numbers from the top, words from A; a second
    // click turns the order round. Empty cells come last both ways.
    const words = Number(board.dataset.words);
    const value = (row, i) => {
      const text = row.cells[i].textContent.trim();
      return i < words ? text : parseFloat(text.replaceAll(",", ""));
    };
    const sort = (i) => {
      const down = heads[i].ariaSort ? heads[i].ariaSort === "ascending" : i >= words;
      for (const head of heads) head.ariaSort = null;
      heads[i].ariaSort = down ? "descending" : "ascending";
      const sign = down ? -1 : 1;
      const order = (a, b) => {
        const [x, y] = [value(a, i), value(b, i)];
        if (i < words) return sign * x.localeCompare(y);
        return Number.isNaN(x) - Number.isNaN(y) || sign * (x - y) || 0;
      };
      table.tBodies[0].append(...rows.sort(order));
    };
    heads.forEach((head, i) => {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...head.childNodes);
      button.addEventListener("click", () => sort(i));
      head.append(button);
    });
  }
});
