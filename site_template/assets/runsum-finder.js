/* The run finder: one table over all runs, with a query line, facets, ranges, chosen columns and selected runs.
 *
 * Its whole state stands behind the # of the address, so that a view is a link:
 *     #q=game:breakout lr<3e-4&sort=-best_reward,game&cols=run,curve,game&sel=run-a,run-b
 */
(function () {
  "use strict";

  const { load, root } = window.runsum;
  const { element } = window.runsum.tools;
  const { RunTable, csv } = window.runsum.runs;
  const { Query } = window.runsum.query;
  const { Facets, ColumnChoice, button } = window.runsum.facets;
  const { Cells, rowHeight, fieldOf, nameOf } = window.runsum.cells;

  const MOST_COMPARED = 20;
  const WRITTEN_AFTER = 200; // ms without another change
  const STAR = "* What must be known of such a best is in the column “About the best”.";
  const HELP =
    "Words look everywhere; name:value, name:this,that, -name:value, name>2,686 and name:2 h..3 d look in one column. " +
    "For example: game:breakout lr<3e-4 state:completed";

  /* A column's name in a list of the address: names may hold what the list is made of. */
  const packed = (name) =>
    name.replace(/[%,]|^-/g, (mark) => "%" + mark.charCodeAt(0).toString(16).toUpperCase());
  const unpacked = (name) =>
    name.replace(/%(25|2C|2D)/g, (_, code) => String.fromCharCode(parseInt(code, 16)));

  class Finder {
    constructor(node, table) {
      this.node = node;
      this.runs = table;
      this.query = new Query(table);
      this.usual = table.columns.filter((column) => column.shown).map((column) => column.name);
      this.columns = this.usual;
      this.sort = [];
      this.selected = new Set();
      this.cells = new Cells(table, node, this.selected, () => {
        this.paintChosen();
        this.write();
      });
      this.marks = this.query.marks();
      this.layOut();
    }

    // --- the page

    layOut() {
      const line = (this.line = element("input", "rs-input rs-query", null, {
        type: "search",
        "aria-label": "find runs",
        placeholder: "game:breakout lr<3e-4 state:completed",
        spellcheck: "false",
        autocomplete: "off",
        title: HELP,
      }));
      line.addEventListener("input", () => this.ask(line.value, true));
      line.addEventListener("keydown", (event) => {
        const first = event.key === "ArrowDown" && this.holder.querySelector(".tabulator-cell input");
        if (first) first.focus();
      });
      this.count = element("strong", "rs-found", null, { role: "status" });
      this.errors = element("p", "rs-query-error", null, { role: "alert" });
      this.chosen = element("span", "rs-chosen", null, { tabindex: -1 });
      const columns = element("details", "rs-panel"),
        panel = element("div", "rs-columns"),
        facets = element("details", "rs-facets"),
        list = element("div", "rs-facet-list");
      columns.append(element("summary", "rs-button", "Columns"), panel);
      facets.append(element("summary", "", "Filters"), list);
      facets.open = window.matchMedia("(min-width: 60em)").matches;
      this.facets = new Facets(
        list,
        this.runs,
        this.query,
        (column, value) => this.cells.words(column, value),
        (text) => this.ask(text),
      );
      this.choice = new ColumnChoice(
        panel,
        this.runs,
        () => this.columns,
        (names) => this.show(names),
      );
      columns.addEventListener("toggle", () => {
        if (columns.open) this.choice.paint();
      });
      columns.addEventListener("keydown", (event) => {
        if (event.key === "Escape") {
          columns.open = false;
          columns.firstChild.focus();
        }
      });
      document.addEventListener("pointerdown", (event) => {
        if (!columns.contains(event.target)) columns.open = false;
      });
      const head = element("div", "rs-finder-bar"),
        body = element("div", "rs-finder-body");
      const download = button("CSV", () => this.download(), { title: "Download the shown rows and columns" });
      const clear = (this.clear = button("Clear", () => this.startAnew(), { title: "Show all runs" }));
      head.append(this.count, clear, this.chosen, columns, download);
      this.holder = element("div", "rs-grid");
      body.append(facets, this.holder);
      this.printed = element("div", "rs-print");
      const help = element("p", "rs-query-help", HELP),
        stars = this.runs.column("best_of") ? [element("p", "rs-query-help", STAR)] : [];
      this.node.replaceChildren(line, help, this.errors, head, body, ...stars, this.printed);
    }

    begin() {
      return new Promise((resolve) => {
        this.read();
        this.grid = new window.Tabulator(this.holder, {
          data: Array.from({ length: this.runs.count }, (_, row) => this.rowData(row)),
          index: "row",
          columns: this.cells.definitions(this.columns),
          layout: "fitColumns",
          height: this.height(),
          rowHeight: rowHeight(),
          renderVerticalBuffer: 300, // pixels drawn beyond the window of the table; the usual is its height, twice
          nestedFieldSeparator: false,
          movableColumns: true,
          sortOrderReverse: true,
          headerSortClickElement: "header",
          initialSort: this.gridSort(),
          placeholder: () => element("div", "rs-muted", "No run is like that."),
          columnDefaults: { resizable: "header" },
        });
        this.grid.on("tableBuilt", () => {
          const holder = this.holder.querySelector(".tabulator-tableholder"); // takes the focus, so it has to be something
          holder.setAttribute("role", "rowgroup");
          holder.setAttribute("aria-label", "rows");
          holder.querySelector(".tabulator-table").setAttribute("role", "presentation");
          this.holder.setAttribute("aria-label", "Runs");
          if (this.query.text) this.narrow();
          this.grid.on("dataSorted", (sorters) => this.sorted(sorters));
          this.grid.on("columnMoved", () => {
            this.columns = this.grid
              .getColumns()
              .map((c) => c.getField())
              .filter((field) => field.startsWith(":")) // all but the one to choose runs with
              .map(nameOf);
            this.write();
          });
          window.addEventListener("hashchange", () => this.reread());
          window.addEventListener("pagehide", () => this.writeNow());
          document.addEventListener("click", () => this.writeNow()); // a link leads away: its page has begun at pagehide
          window.addEventListener("beforeprint", () => this.printTable());
          window.addEventListener("afterprint", () => this.printed.replaceChildren());
          this.paint();
          resolve();
        });
      });
    }

    height() {
      return this.runs.count > 12 ? "min(44rem, max(20rem, calc(100vh - 15rem)))" : undefined;
    }

    /* A row for the grid: only its place; what a column says of it is asked when it is shown or sorted. */
    rowData(row) {
      if (!this.rowKind) {
        const runs = this.runs;
        this.rowKind = class {
          constructor(place) {
            this.row = place;
          }
        };
        for (const column of runs.columns) {
          Object.defineProperty(this.rowKind.prototype, fieldOf(column.name), {
            get() {
              const value = column.at(this.row);
              return value !== null && column.isTags ? column.text(value) : value;
            },
            set() {}, // the grid writes back what it has read
          });
        }
      }
      return new this.rowKind(row);
    }

    // --- what a reader does

    /* Narrows the table; the line keeps what is being typed. */
    ask(text, isTyped) {
      const began = performance.now();
      if (!isTyped) this.line.value = text;
      this.query.set(text);
      this.marks = this.query.marks();
      this.narrow();
      this.paint();
      this.write();
      this.node.dataset.took = (performance.now() - began).toFixed(1);
    }

    startAnew() {
      this.ask("");
      this.line.focus(); // the button is gone
    }

    narrow() {
      if (this.isNarrowed) return this.grid.refreshFilter();
      this.isNarrowed = true;
      this.grid.setFilter((data) => this.marks[data.row] === 1);
    }

    show(names) {
      this.columns = names;
      this.setColumns();
      this.choice.paint();
      this.write();
    }

    /* Sorts anew only where it must: each time the grid goes through all rows. */
    setColumns() {
      const wasSorted = this.grid.getSorters().length > 0,
        sort = this.gridSort();
      this.grid.setColumns(this.cells.definitions(this.columns));
      if (wasSorted || sort.length) this.grid.setSort(sort);
    }

    /* What the grid shall sort by: copies, since it changes what it is given. */
    gridSort() {
      const shown = this.sort.filter(({ column }) => this.columns.includes(column));
      return shown.map(({ column, dir }) => ({ column: fieldOf(column), dir }));
    }

    sorted(sorters) {
      this.sort = sorters.map(({ field, dir }) => ({ column: nameOf(field), dir }));
      this.write();
    }

    /* The places of the runs that are found, in the order of the table. */
    foundRows() {
      return this.grid.getRows("active").map((row) => row.getData().row);
    }

    shownColumns() {
      return this.columns.map((name) => this.runs.column(name));
    }

    download() {
      const text = csv(
        this.shownColumns().filter((column) => column.format !== "spark"),
        this.foundRows(),
      );
      const link = element("a", "", null, {
        download: "runs.csv",
        href: URL.createObjectURL(new Blob([text], { type: "text/csv" })),
      });
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 10000);
    }

    /* The table for paper: the grid draws only the rows that its window shows. */
    printTable() {
      const columns = this.shownColumns(),
        table = element("table", "rs-table"),
        body = element("tbody"),
        of = (column) => (column.isNumber ? "rs-num" : "");
      const row = (tag, cell) => {
        const line = element("tr");
        for (const column of columns) line.appendChild(element(tag, of(column))).append(cell(column));
        return line;
      };
      for (const place of this.foundRows()) body.append(row("td", (column) => this.cells.cell(column, place)));
      table.append(element("thead"), body);
      table.firstChild.append(row("th", (column) => column.title));
      this.printed.replaceChildren(
        element("p", "", [this.count.textContent, this.query.text.trim()].filter(Boolean).join(": ")),
        table,
      );
    }

    // --- painting

    paint() {
      let found = 0;
      for (const mark of this.marks) found += mark;
      const all = this.runs.count.toLocaleString("en-US") + (this.runs.count === 1 ? " run" : " runs");
      this.count.textContent = found === this.runs.count ? all : found.toLocaleString("en-US") + " of " + all;
      this.errors.textContent = this.query.errors.join(" · ");
      this.errors.hidden = !this.query.errors.length;
      this.clear.hidden = !this.query.text.trim();
      this.facets.paint();
      this.paintChosen();
    }

    paintChosen() {
      const slugs = [...this.selected],
        n = slugs.length;
      const parts = [];
      if (n >= 2 && n <= MOST_COMPARED)
        parts.push(
          element("a", "rs-button rs-primary", "Compare " + n + " runs", {
            href: root + "compare/index.html#runs=" + slugs.join(","),
          }),
        );
      else if (n)
        parts.push(
          element(
            "span",
            "rs-muted",
            n === 1
              ? "1 run chosen: choose another to compare"
              : n + " runs chosen: " + MOST_COMPARED + " at most can be compared",
          ),
        );
      else parts.push(element("span", "rs-muted", "choose runs to compare them"));
      if (n)
        parts.push(
          button("Choose none", () => {
            this.selected.clear();
            this.paintChosen();
            this.chosen.focus(); // the button is gone
            this.grid.redraw(true);
            this.write();
          }),
        );
      this.chosen.replaceChildren(...parts);
    }

    // --- the address

    read() {
      const state = new URLSearchParams(location.hash.slice(1)),
        known = (name) => this.runs.column(name);
      const columns = (state.get("cols") || "").split(",").map(unpacked).filter(known);
      this.columns = columns.length ? [...new Set(columns)] : this.usual;
      this.sort = (state.get("sort") || "")
        .split(",")
        .filter(Boolean)
        .map((name) => (name.startsWith("-") ? [name.slice(1), "desc"] : [name, "asc"]))
        .map(([name, dir]) => ({ column: unpacked(name), dir }))
        .filter(({ column }) => known(column));
      this.selected.clear();
      for (const slug of (state.get("sel") || "").split(","))
        if (this.runs.rowOf(slug) !== undefined) this.selected.add(slug);
      this.line.value = state.get("q") || "";
      this.query.set(this.line.value);
      this.marks = this.query.marks();
    }

    /* Another address in the same tab: a link of this page, or the way back. */
    reread() {
      if (location.hash === this.written) return;
      this.read();
      this.setColumns();
      this.narrow();
      this.paint();
    }

    write() {
      const state = new URLSearchParams();
      if (this.query.text.trim()) state.set("q", this.query.text.trim());
      if (this.sort.length)
        state.set("sort", this.sort.map(({ column, dir }) => (dir === "desc" ? "-" : "") + packed(column)).join(","));
      if (this.columns.join() !== this.usual.join()) state.set("cols", this.columns.map(packed).join(","));
      if (this.selected.size) state.set("sel", [...this.selected].join(","));
      const text = state.toString().replace(/%2C/g, ",").replace(/%3A/g, ":");
      this.written = text ? "#" + text : "";
      clearTimeout(this.writing); // browsers refuse more than about 100 changes of the address in half a minute
      this.writing = setTimeout(() => this.writeNow(), WRITTEN_AFTER);
    }

    /* Writes what waits to be written: whoever comes back to a page that was left has to find it as it was. */
    writeNow() {
      clearTimeout(this.writing);
      if (this.writing) history.replaceState(history.state, "", this.written || location.pathname + location.search);
      this.writing = 0;
    }
  }

  window.runsum.begin.finder = async (node) => {
    await load(new URL(node.dataset.src, document.baseURI).href);
    const finder = new Finder(node, new RunTable(window.runsumData[node.dataset.key]));
    await finder.begin();
    window.runsum.finder = finder;
  };
})();
