/* The table of all runs as the browser holds it: columns of values, each stored once.
 *
 * data/runs.js has two forms of a column: its values, or the distinct ones with a place for each row (0: missing).
 */
(function () {
  "use strict";
  if (window.runsum.runs) return; // it is in two scripts, which one page may both load

  const { format } = window.runsum;

  const SPARK_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

  /* Text without case, marks and blanks: "Space Invaders", "SpaceInvaders" and "space-invaders" are one. */
  const plainText = (text) => text.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, "");

  class Column {
    constructor(described, count) {
      Object.assign(this, described);
      this.count = count;
      this.isNumber = this.kind === "number";
      this.isTags = this.kind === "tags";
      this.isSearched = this.kind === "category" || this.isTags || (this.kind === "text" && this.format !== "spark");
    }

    /* The value of a row; null where nothing is recorded; the words of a row of tags. */
    at(row) {
      if (!this.distinct) return this.values[row];
      const place = this.places[row];
      if (this.isTags) return place.length ? place.map((one) => this.distinct[one - 1]) : null;
      return place ? this.distinct[place - 1] : null;
    }

    /* Marks the rows with a value that passes; each distinct value is asked once. */
    mark(passes) {
      const marks = new Uint8Array(this.count);
      if (this.distinct) {
        const good = [0, ...this.distinct.map((value) => (passes(value) ? 1 : 0))];
        if (this.isTags)
          this.places.forEach((places, row) => {
            if (places.some((place) => good[place])) marks[row] = 1;
          });
        else for (let row = 0; row < this.count; row++) marks[row] = good[this.places[row]];
        return marks;
      }
      for (let row = 0; row < this.count; row++) {
        const value = this.values[row];
        if (value !== null && passes(value)) marks[row] = 1;
      }
      return marks;
    }

    /* The words that a search looks at, in small letters, made once. */
    get searched() {
      if (!this.small) {
        const small = (value) => (value === null ? "" : String(value).toLowerCase());
        this.small = (this.distinct || this.values).map(small);
      }
      return this.small;
    }

    /* Marks the rows whose words contain one; that of a category also without marks and blanks. */
    markWord(word, plain, marks) {
      const found = this.searched.map(
        (text) => text.includes(word) || (plain && this.kind === "category" && plainText(text).includes(plain)),
      );
      for (let row = 0; row < this.count; row++) {
        if (marks[row]) continue;
        const place = this.distinct ? this.places[row] : row + 1;
        if (this.isTags ? place.some((one) => found[one - 1]) : place && found[place - 1]) marks[row] = 1;
      }
    }

    /* How often each distinct value stands in the marked rows: pairs of value and count, most frequent first. */
    counts(marks) {
      const found = new Uint32Array(this.distinct.length + 1),
        none = [0];
      for (let row = 0; row < this.count; row++) {
        if (!marks[row]) continue;
        const place = this.places[row];
        if (this.isTags) for (const one of place.length ? place : none) found[one]++;
        else found[place]++;
      }
      const counts = [null, ...this.distinct].map((value, place) => [value, found[place]]).filter(([, count]) => count);
      return counts.sort((a, b) => (a[0] === null) - (b[0] === null) || b[1] - a[1] || (a[0] < b[0] ? -1 : 1));
    }

    /* The least and the largest number; null without any. */
    get extent() {
      if (this.held === undefined) {
        let low = Infinity,
          high = -Infinity;
        for (const value of this.distinct || this.values) {
          if (value === null) continue;
          if (value < low) low = value;
          if (value > high) high = value;
        }
        this.held = low <= high ? [low, high] : null;
      }
      return this.held;
    }

    /* A value as the pages print it. */
    text(value) {
      if (value === null || value === undefined) return "not recorded";
      if (this.isTags) return value.join(", ");
      return format[this.format] ? format[this.format](value) : String(value);
    }
  }

  class RunTable {
    constructor(data) {
      this.count = data.count;
      this.slugs = data.slugs;
      this.columns = data.columns.map((described) => new Column(described, data.count));
      this.byName = new Map(this.columns.map((column) => [column.name, column]));
    }

    column(name) {
      return this.byName.get(name);
    }

    slug(row) {
      return this.slugs[row] || this.column("run").at(row);
    }

    /* Rows by slug, made when first asked for. */
    rowOf(slug) {
      if (!this.rows) {
        this.rows = new Map();
        for (let row = 0; row < this.count; row++) this.rows.set(this.slug(row), row);
      }
      return this.rows.get(slug);
    }

    href(row) {
      return window.runsum.root + "runs/" + this.slug(row) + "/index.html";
    }
  }

  /* A curve of a few digits as a drawing the size of a word. */
  function sparkline(code, width = 90, height = 20) {
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    const line = document.createElementNS("http://www.w3.org/2000/svg", "polyline");
    const top = SPARK_DIGITS.length - 1,
      step = (width - 4) / (code.length - 1);
    const points = [...code].map(
      (digit, i) =>
        (2 + i * step).toFixed(1) + "," + (2 + (height - 4) * (1 - SPARK_DIGITS.indexOf(digit) / top)).toFixed(1),
    );
    for (const [name, value] of Object.entries({
      class: "rs-spark",
      width,
      height,
      viewBox: "0 0 " + width + " " + height,
      fill: "none",
      stroke: "currentColor",
      "aria-hidden": "true",
    }))
      svg.setAttribute(name, value);
    line.setAttribute("points", points.join(" "));
    svg.appendChild(line);
    return svg;
  }

  /* Rows as CSV; text that a spreadsheet would run as a formula gets an apostrophe in front. */
  function csv(columns, rows) {
    const cell = (value) => {
      if (value === null || value === undefined) return "";
      if (typeof value === "number") return String(value);
      const text = String(value)
          .replace(/\r\n?/g, "\n")
          .replace(/[\0-\x08\x0b-\x1f\x7f-\x9f]/g, "")
          .replace(/([;\n])(?=["\s]{0,99}[=+\-@＝＋－＠])/g, "$1'"),
        safe = /^[=+\-@\t\n＝＋－＠]/.test(text) ? "'" + text : text;
      return /[",\n]/.test(safe) ? '"' + safe.replace(/"/g, '""') + '"' : safe;
    };
    const lines = [columns.map((column) => column.name)];
    for (const row of rows)
      lines.push(
        columns.map((column) => {
          const value = column.at(row);
          return Array.isArray(value) ? column.text(value) : value;
        }),
      );
    return lines.map((line) => line.map(cell).join(",")).join("\n") + "\n";
  }

  window.runsum.runs = { RunTable, plainText, sparkline, csv };
})();
