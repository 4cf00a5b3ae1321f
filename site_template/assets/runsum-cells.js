/* What stands in the table of the run finder: its columns as the grid wants them, and a node for each cell. */
(function () {
  "use strict";

  const { format, root } = window.runsum;
  const { element } = window.runsum.tools;
  const { sparkline } = window.runsum.runs;

  const WIDTHS = {
    // in hundredths of a rem, like all of the page
    run: 690,
    name: 900,
    curve: 465,
    game: 520,
    algorithm: 385,
    state: 540,
    started: 465,
    active: 460,
    best_reward: 405,
    final_reward: 405,
    note: 1300,
    error: 1300,
  };
  const NUMBER_WIDTH = 405,
    OTHER_WIDTH = 650,
    ROW_HEIGHT = 170;
  const pixelsPerWidth = () => parseFloat(getComputedStyle(document.documentElement).fontSize) / 100;

  /* The widths are those of Helvetica and its kin; many a Linux has letters wider by a seventh, cut off without this, and
     a reader's own style sheet may set them further apart. */
  const SAMPLE = "not recorded",
    SAMPLE_EM = 5.62, // its width in Helvetica
    MOST_STRETCH = 1.5;
  const pen = document.createElement("canvas").getContext("2d");
  function stretchOf(family) {
    pen.font = "100px " + family;
    return Math.min(Math.max(pen.measureText(SAMPLE).width / 100 / SAMPLE_EM, 1), MOST_STRETCH);
  }

  /* How wide a header has to be for its title, set in bold when it sorts, and the arrow behind; a setting may be cut. */
  const TITLE_SIZE = 0.62,
    BESIDE_TITLE = 130, // both margins and the arrow
    MOST_FOR_TITLE = 800;
  function setApart({ fontSize, letterSpacing, wordSpacing }) {
    const scaled = (length) => ((parseFloat(length) || 0) / parseFloat(fontSize)) * 100 + "px";
    Object.assign(pen, { letterSpacing: scaled(letterSpacing), wordSpacing: scaled(wordSpacing) });
  }
  function titleWidth(title, family) {
    pen.font = "bold 100px " + family;
    return Math.min(pen.measureText(title).width * TITLE_SIZE + BESIDE_TITLE, MOST_FOR_TITLE);
  }

  /* What the grid calls a column: a setting may be called "row", as the place of a row is, or "__proto__". */
  const fieldOf = (name) => ":" + name;
  const nameOf = (field) => field.slice(1);

  /* Sorts by a column: what is not recorded comes last either way, texts go by their numbers too. */
  let collator = null; // made when a text is first sorted: it takes 20 ms
  function compare(a, b, direction) {
    if (a === null || b === null) return a === b ? 0 : (a === null) === (direction === "asc") ? 1 : -1;
    return typeof a === "number" && typeof b === "number"
      ? a - b
      : (collator = collator || new Intl.Collator("en", { numeric: true, sensitivity: "base" })).compare(a, b);
  }

  class Cells {
    /* labels: the node that holds the words of the states. selected: the chosen slugs; choose: called when they change. */
    constructor(runs, labels, selected, choose) {
      Object.assign(this, { runs, labels, selected, choose });
    }

    /* The grid's columns: one to choose runs with, and those of the given names. */
    definitions(names) {
      const scale = pixelsPerWidth(); // asked once: each time it has the whole page laid out
      if (!this.family) {
        const style = getComputedStyle(this.labels);
        setApart(style);
        this.family = style.fontFamily;
        this.stretch = stretchOf(this.family);
      }
      const select = {
        title: "",
        field: "row",
        width: Math.round(150 * scale),
        headerSort: false,
        resizable: false,
        hozAlign: "center",
        titleFormatter: () => element("span", "rs-unseen", "chosen"),
        formatter: (cell) => this.checkbox(cell.getData().row),
      };
      return [select, ...names.map((name) => this.definition(this.runs.column(name), scale))];
    }

    definition(column, scale) {
      const width = WIDTHS[column.name] || (column.isNumber ? NUMBER_WIDTH : OTHER_WIDTH);
      const isRun = column.name === "run",
        isSortable = column.format !== "spark",
        title = isRun || !isSortable ? 0 : titleWidth(column.title, this.family),
        wide = Math.max(width * (isRun ? 1 : this.stretch), title);
      return {
        title: "",
        field: fieldOf(column.name),
        hozAlign: column.isNumber ? "right" : "left",
        headerHozAlign: column.isNumber ? "right" : "left",
        [isRun ? "minWidth" : "width"]: Math.round(wide * scale),
        widthGrow: isRun ? 1 : 0,
        headerSort: isSortable,
        headerSortStartingDir: column.isNumber || column.kind === "time" ? "desc" : "asc",
        sorter: (a, b, _a, _b, _column, direction) => compare(a, b, direction),
        titleFormatter: () =>
          isSortable
            ? element("button", "rs-header", column.title, {
                type: "button",
                title: column.name + ": sort; with Shift, sort by several",
              })
            : element("span", "rs-header", column.title, { title: column.name }),
        formatter: (cell) => this.cell(column, cell.getData().row),
      };
    }

    cell(column, row) {
      const value = column.at(row);
      if (column.name === "run") return this.runCell(row);
      if (value === null || value === undefined) return element("span", "rs-missing", "not recorded");
      if (column.format === "spark") return sparkline(value);
      if (column.format === "state")
        return element("span", "rs-badge rs-state-" + value, value, { title: this.words(column, value) });
      if (column.format === "lineage")
        return element("a", "", value, { href: root + "lineages/" + value + "/index.html" });
      const text = column.text(value);
      const short = column.format === "when" ? format.day(value) : text;
      const exact = column.isNumber ? format.exact(value) : text,
        remark = column.name === "best_reward" ? this.remark(row) : null;
      const cell = element("span", "", short, { title: remark ? exact + ": " + remark : exact });
      if (remark) cell.append(element("span", "rs-star", "*"));
      return cell;
    }

    /* What must be known of a best mean; null where that is nothing, as for all runs of many an archive. */
    remark(row) {
      const column = this.runs.column("best_of");
      return column ? column.at(row) : null;
    }

    runCell(row) {
      const id = this.runs.column("run").at(row),
        named = this.runs.column("name"),
        name = named ? named.at(row) : null;
      const cell = element("span", "rs-run");
      cell.append(element("a", "", id, { href: this.runs.href(row), title: id }));
      if (name && name !== id) cell.append(element("small", "", name, { title: name }));
      return cell;
    }

    checkbox(row) {
      const slug = this.runs.slug(row),
        input = element("input", "", null, {
          type: "checkbox",
          "aria-label": "choose " + this.runs.column("run").at(row),
        });
      input.checked = this.selected.has(slug);
      input.addEventListener("change", () => {
        if (input.checked) this.selected.add(slug);
        else this.selected.delete(slug);
        this.choose();
      });
      return input;
    }

    words(column, value) {
      return column.format === "state"
        ? this.labels.getAttribute("data-label-" + value) || value
        : column.text(column.isTags ? [value] : value);
    }
  }

  window.runsum.cells = { Cells, fieldOf, nameOf, rowHeight: () => Math.round(ROW_HEIGHT * pixelsPerWidth()) };
})();
