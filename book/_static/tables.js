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

    // A column that says the same in every row that is left is not needed, nor is one
    // without a number there, unless it was asked for.
    const wanted = {};
    const show = () => {
      for (const row of rows)
        row.hidden = Object.entries(wanted).some(
          ([key, value]) => key in row.dataset && value !== "all" && row.dataset[key] !== value);
      const left = rows.filter((row) => !row.hidden);
      heads.forEach((head, i) => {
        const name = head.textContent;
        const same = Object.keys(wanted).some((key) => label(key) === name && wanted[key] !== "all");
        const one = board.dataset.columns && wanted[board.dataset.columns] !== "all" && i > 0;
        const empty = left.every((row) => !/\w/.test(row.cells[i].textContent));
        const hidden = one ? name !== wanted[board.dataset.columns] : same || empty;
        for (const row of [table.tHead.rows[0], ...rows]) row.cells[i].hidden = hidden;
      });
    };
    const choose = (key, values, start) => {
      wanted[key] = start;
      choice(key, values, start, (value) => { wanted[key] = value; show(); });
    };
    for (const key of Object.keys(rows[0]?.dataset ?? {})) {
      const start = board.dataset["show" + key[0].toUpperCase() + key.slice(1)] ?? "all";
      const values = [...new Set(rows.map((row) => row.dataset[key]))];
      choose(key, values.length > 2 ? ["all", ...values] : values, start);
    }
    if (board.dataset.columns)
      choose(board.dataset.columns, ["all", ...heads.slice(1).map((head) => head.textContent)], "all");
    show();
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
