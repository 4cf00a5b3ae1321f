/* What stands around the table of the run finder: facets with counts, ranges of numbers, the choice of columns.
 *
 * None of them holds a state of its own: facets and ranges read the query and answer with its next text.
 */
(function () {
  "use strict";

  const { element, isNumber } = window.runsum.tools;

  const FIRST = 7; // values of a facet that stand there at once
  const MOST = 300;
  const OPEN = ["game", "algorithm", "state"];
  const RANGES = ["final_reward", "best_reward", "progress", "steps", "trained_h", "learning_rate"];

  const keyed = (box) => [...box.querySelectorAll("[data-key]")];

  function focusOn(box, key) {
    const node = keyed(box).find((one) => one.dataset.key === key);
    if (node) node.focus();
  }

  /* Runs a change of the page and gives the focus back to what stands in the place of its holder. Where that has gone,
     the next of its kind has it (the first word of the key), or the one before, or whatever is near. */
  function keepingFocus(box, change) {
    const held = box.contains(document.activeElement) ? document.activeElement.dataset.key : null,
      keys = keyed(box).map((node) => node.dataset.key),
      place = keys.indexOf(held);
    change();
    if (!held) return;
    const now = new Map(keyed(box).map((node) => [node.dataset.key, node]));
    const near = [...keys.slice(place), ...keys.slice(0, place).reverse()],
      kind = (key) => key.split(" ")[0] === held.split(" ")[0];
    const beside = now.get(held) ? [...now.get(held).parentNode.querySelectorAll("[data-key]")] : [];
    const heirs = [now.get(held), ...beside, ...[...near.filter(kind), ...near].map((key) => now.get(key))];
    const next = heirs.find((node) => node && !node.disabled);
    if (next) next.focus();
  }

  function button(text, act, attributes) {
    const node = element("button", "rs-button", text, Object.assign({ type: "button" }, attributes));
    node.addEventListener("click", act);
    return node;
  }

  class Facets {
    /* words: how a value of a column is said. ask: called with the next text of the query. */
    constructor(box, table, query, words, ask) {
      Object.assign(this, { box, table, query, words, ask });
      this.columns = table.columns.filter((column) => column.facet && column.distinct);
      this.isOpen = new Map(this.columns.map((column) => [column, OPEN.includes(column.name)]));
      this.isWhole = new Set();
      this.ranged = RANGES.map((name) => table.column(name)).filter(
        (column) => column && column.isNumber && column.extent,
      );
    }

    paint() {
      keepingFocus(this.box, () => {
        this.box.replaceChildren(...this.columns.map((column) => this.facet(column)).filter(Boolean), this.ranges());
      });
    }

    facet(column) {
      const chosen = this.query.chosen(column),
        counts = column.counts(this.query.marks(column));
      for (const value of chosen) if (!counts.some(([one]) => one === value)) counts.push([value, 0]);
      if (counts.length < 2 && !chosen.size) return null;
      const box = element("details", "rs-facet"),
        list = element("div", "rs-facet-values");
      box.open = this.isOpen.get(column) || chosen.size > 0;
      box.addEventListener("toggle", () => this.isOpen.set(column, box.open));
      box.append(element("summary", "", column.title, { "data-key": "facet " + column.name }), list);
      const shown = this.isWhole.has(column)
        ? counts.slice(0, MOST)
        : counts.filter(([value], place) => place < FIRST || chosen.has(value));
      list.append(...shown.map(([value, count]) => this.choice(column, value, count, chosen.has(value))));
      const more = counts.length - shown.length;
      if (more > 0 && this.isWhole.has(column)) {
        list.append(element("small", "rs-muted", more + " more: write " + column.name + ":… above"));
      } else if (more > 0) {
        const [next] = counts.find(([value], place) => place >= FIRST && !chosen.has(value));
        list.append(
          button(
            more + " more",
            () => {
              this.isWhole.add(column);
              this.paint();
              focusOn(this.box, column.name + " " + next);
            },
            { "data-key": "more " + column.name },
          ),
        );
      }
      return box;
    }

    choice(column, value, count, isChosen) {
      const label = element("label", "rs-choice-line"),
        input = element("input", "", null, { type: "checkbox", "data-key": column.name + " " + value });
      const words = value === null ? "not recorded" : this.words(column, value);
      input.checked = isChosen;
      input.addEventListener("change", () => this.ask(this.query.toggled(column, value)));
      label.append(
        input,
        element("span", value === null ? "rs-muted" : "", words, { title: words }),
        element("small", "rs-count", count.toLocaleString("en-US")),
      );
      return label;
    }

    ranges() {
      const box = element("details", "rs-facet"),
        numbers = this.table.columns.filter((column) => column.isNumber && column.extent);
      const bounded = numbers.filter((column) => this.query.bounds(column).some(Boolean));
      const shown = [...this.ranged, ...bounded.filter((column) => !this.ranged.includes(column))];
      box.open = this.isOpen.get("ranges") || bounded.length > 0;
      box.addEventListener("toggle", () => this.isOpen.set("ranges", box.open));
      box.append(
        element("summary", "", "Ranges", { "data-key": "ranges" }),
        ...shown.map((column) => this.range(column)),
      );
      const rest = numbers.filter((column) => !shown.includes(column));
      if (rest.length) box.append(this.another(rest));
      return box;
    }

    range(column) {
      const row = element("div", "rs-range"),
        bounds = this.query.bounds(column);
      const inputs = ["least", "most"].map((which, place) => {
        const input = element("input", "rs-input", null, {
          type: "text",
          inputmode: "text",
          size: 6,
          "data-key": which + " " + column.name,
          "aria-label": which + " " + column.title,
          placeholder: column.text(column.extent[place]),
        });
        input.value = bounds[place];
        input.addEventListener("change", () =>
          this.ask(this.query.bounded(column, ...inputs.map((one) => one.value.replace(/\s/g, "")))),
        );
        return input;
      });
      row.append(
        element("span", "rs-range-name", column.title, { title: column.name }),
        inputs[0],
        element("span", "rs-muted", "to"),
        inputs[1],
      );
      return row;
    }

    another(columns) {
      const choice = element("select", "rs-input", null, {
        "aria-label": "another range",
        "data-key": "another range",
      });
      choice.append(
        element("option", "", "another range …", { value: "" }),
        ...columns.map((column) => element("option", "", column.title, { value: column.name })),
      );
      choice.addEventListener("change", () => {
        const column = this.table.column(choice.value);
        if (!column) return;
        this.ranged.push(column);
        this.paint();
        focusOn(this.box, "least " + column.name);
      });
      return choice;
    }
  }

  /* What a column is called: its title and, where that is not how a query names it, its name. */
  function titleOf(column, mark = "") {
    const words = element("span", "", mark + column.title, { title: column.name });
    if (column.title.toLowerCase() !== column.name.toLowerCase())
      words.append(" ", element("small", "rs-muted", column.name));
    return words;
  }

  /* The choice of columns: those shown, in their order, and the others, found by a word. */
  class ColumnChoice {
    constructor(box, table, shown, choose) {
      Object.assign(this, { box, table, shown, choose });
      this.word = "";
    }

    paint() {
      keepingFocus(this.box, () => {
        const shown = element("div", "rs-columns-shown"),
          others = element("div", "rs-columns-others"),
          names = this.shown();
        shown.append(
          element("h3", "", "Shown, in this order"),
          ...names.map((name, place) => this.shownLine(names, name, place)),
        );
        const find = element("input", "rs-input", null, {
          type: "search",
          placeholder: "find a column or a setting",
          "aria-label": "find a column or a setting",
          "data-key": "find a column",
        });
        find.value = this.word;
        find.addEventListener("input", () => {
          this.word = find.value;
          this.paint();
        });
        others.append(element("h3", "", "More"), find, this.others(names));
        this.box.replaceChildren(shown, others);
      });
    }

    shownLine(names, name, place) {
      const column = this.table.column(name),
        line = element("div", "rs-column-line");
      const moved = (by) => {
        const next = names.slice();
        next.splice(place, 1);
        next.splice(place + by, 0, name);
        this.choose(next);
      };
      const up = button("↑", () => moved(-1), {
        "aria-label": "move " + column.title + " to the left",
        "data-key": "up " + name,
      });
      const down = button("↓", () => moved(1), {
        "aria-label": "move " + column.title + " to the right",
        "data-key": "down " + name,
      });
      const out = button("×", () => this.choose(names.filter((one) => one !== name)), {
        "aria-label": "hide " + column.title,
        "data-key": "out " + name,
      });
      up.disabled = place === 0;
      down.disabled = place === names.length - 1;
      out.disabled = names.length === 1;
      line.append(titleOf(column), up, down, out);
      return line;
    }

    others(names) {
      const list = element("div", "rs-columns-list"),
        word = this.word.toLowerCase();
      const found = this.table.columns.filter(
        (column) => !names.includes(column.name) && (column.title + " " + column.name).toLowerCase().includes(word),
      );
      for (const [group, title] of [
        ["run", "of the run"],
        ["configuration", "of its configuration"],
      ]) {
        const columns = found.filter((column) => column.group === group);
        if (!columns.length) continue;
        list.append(element("small", "rs-muted", title));
        list.append(
          ...columns.map((column) => {
            const add = button("", () => this.choose([...names, column.name]), { "data-key": "add " + column.name });
            add.append(titleOf(column, "+ "));
            return add;
          }),
        );
      }
      if (!found.length) list.append(element("small", "rs-muted", "no other column is called so"));
      return list;
    }
  }

  window.runsum.facets = { Facets, ColumnChoice, button, isNumber };
})();
