/* The query line of the run finder: text to clauses, clauses to marked rows, and back to text.
 *
 *     game:breakout lr<3e-4 state:completed -tag:old "long note" best_reward > 200 steps:1M..5M started>2025-11 preset:*
 *
 * Everything that narrows the table is a clause here, facets and ranges too, so that a view is one line of text.
 */
(function () {
  "use strict";

  const { plainText } = window.runsum.runs;

  const ALIASES = {
    lr: "learning_rate",
    reward: "final_reward",
    last: "final_reward",
    final: "final_reward",
    best: "best_reward",
    algo: "algorithm",
    status: "state",
    env: "env_id",
    environment: "env_id",
    fps: "speed",
    hours: "trained_h",
    trained: "trained_h",
    timesteps: "steps",
    timestep: "steps",
    id: "run",
    run_id: "run",
    label: "name",
    date: "started",
    start: "started",
    tags: "tag",
    notes: "note",
    gate: "verdict",
    kwh: "energy_kwh",
    energy: "energy_kwh",
    legs: "leg",
    oddities: "problems",
    failure: "error",
    total_timesteps: "target",
  };
  const FIELD = /(-?)([\p{L}_][\p{L}\p{N}_.-]*)\s*(!=|<=|>=|[:=<>≤≥])\s*/uy;
  const VALUE = /"([^"]*)"?|([^\s,"]+)/y;
  const WORD = /(-?)(?:"([^"]*)"?|(\S+))/y;
  const NUMBER = /^([-+−]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?)\s*(k|m|%|h|min|d)?$/i;
  const SCALES = { k: 1e3, m: 1e6, "%": 1, h: 1, min: 1 / 60, d: 24 };
  const SAME = { "≤": "<=", "≥": ">=" };
  const NAMED = 6; // values that a message names
  const quoted = (value) => (/^[^\s,"]+$/.test(value) ? value : '"' + value.replace(/"/g, "") + '"');

  function findColumn(table, name) {
    const small = name.toLowerCase();
    return (
      table.column(name) ||
      table.column(small) ||
      table.column(ALIASES[small] || "") ||
      table.columns.find((column) => column.name.toLowerCase() === small || column.title.toLowerCase() === small)
    );
  }

  /* Splits a query into clauses: { source, negated, name, op, values } or { source, negated, word }. */
  function parse(text) {
    const clauses = [];
    let at = 0;
    const read = (pattern) => {
      pattern.lastIndex = at;
      const found = pattern.exec(text);
      if (found) at = pattern.lastIndex;
      return found;
    };
    for (;;) {
      while (/\s/.test(text[at] || "")) at++;
      if (at >= text.length) return clauses;
      const start = at,
        field = read(FIELD);
      if (field) {
        const values = [];
        for (let value = read(VALUE); value; value = text[at] === "," ? (at++, read(VALUE)) : null) {
          values.push(value[1] !== undefined ? value[1] : value[2]);
        }
        clauses.push({
          source: text.slice(start, at).trim(),
          negated: field[1] === "-",
          name: field[2],
          op: SAME[field[3]] || field[3],
          values,
        });
      } else {
        const word = read(WORD);
        clauses.push({
          source: text.slice(start, at),
          negated: word[1] === "-",
          word: word[2] !== undefined ? word[2] : word[3],
        });
      }
    }
  }

  function numberOf(text) {
    const found = NUMBER.exec(text.trim());
    return found ? Number(found[1].replace("−", "-")) * (found[2] ? SCALES[found[2].toLowerCase()] : 1) : NaN;
  }

  /* A number is found as it was typed: 7.5 finds 7.54 where values are measured, and is exact where they are set. */
  function numberTest(column, op, text) {
    const [from, to] = text.includes("..") ? text.split("..") : [null, null];
    if (from !== null) {
      const low = from === "" ? -Infinity : numberOf(from),
        high = to === "" ? Infinity : numberOf(to);
      if (isNaN(low) || isNaN(high))
        throw new Error(column.name + ": a range is two numbers, such as " + column.name + ":10..20");
      if (low > high) throw new Error(column.name + ": “" + text + "” begins above its end");
      return (value) => value >= low && value <= high;
    }
    const wanted = numberOf(text);
    if (isNaN(wanted))
      throw new Error(column.name + ": " + (text ? "“" + text + "” is no number" : "a number is missing"));
    if (op === "<") return (value) => value < wanted;
    if (op === "<=") return (value) => value <= wanted;
    if (op === ">") return (value) => value > wanted;
    if (op === ">=") return (value) => value >= wanted;
    const typed = /\.(\d+)$/.exec(text),
      isExact = op === "=" || column.group === "configuration" || /e/i.test(text);
    const within = isExact ? Math.abs(wanted) * 1e-9 : typed ? 0.5 * 10 ** -typed[1].length : Math.abs(wanted) * 1e-9;
    return (value) => Math.abs(value - wanted) <= within;
  }

  function timeTest(column, op, text) {
    if (!/^\d{4}(-(0[1-9]|1[0-2])(-(0[1-9]|[12]\d|3[01])([T ]\d\d(:\d\d)?)?)?)?$/.test(text))
      throw new Error(column.name + ": a time is written 2025-11-30, 2025-11 or 2025-11-30T22:00");
    const wanted = text.replace(" ", "T"),
      cut = (value) => value.replace(" ", "T").slice(0, wanted.length);
    if (op === "<") return (value) => cut(value) < wanted;
    if (op === "<=") return (value) => cut(value) <= wanted;
    if (op === ">") return (value) => cut(value) > wanted;
    if (op === ">=") return (value) => cut(value) >= wanted;
    return (value) => cut(value) === wanted;
  }

  function textTest(column, op, text) {
    if (op.startsWith("<") || op.startsWith(">"))
      throw new Error(column.name + " holds words, not numbers: write " + column.name + ":word");
    const small = text.toLowerCase(),
      plain = plainText(text) || small;
    if (op === "=") return (value) => value.toLowerCase() === small;
    if (text.includes("*")) {
      const pattern = new RegExp(
        "^" +
          small
            .split("*")
            .map((part) => part.replace(/[\\^$.|?+()[\]{}]/g, "\\$&"))
            .join(".*") +
          "$",
        "s",
      );
      return (value) => pattern.test(value.toLowerCase());
    }
    if (column.kind === "text") return (value) => value.toLowerCase().includes(small);
    const forms = (column.distinct || column.values)
      .filter((value) => value !== null)
      .map((value) => plainText(value) || value.toLowerCase());
    const whole = forms.includes(plain); // a value that is begun finds all that go on like it
    return (value) => {
      const form = plainText(value) || value.toLowerCase();
      return whole ? form === plain : form.startsWith(plain);
    };
  }

  function fieldMarks(table, clause) {
    const column = findColumn(table, clause.name);
    if (!column) throw new Error("no column is called “" + clause.name + "”; their names are under Columns");
    if (!clause.values.length)
      throw new Error(
        column.name + ": a value is missing, such as " + column.name + (column.isNumber ? ">10" : ":word"),
      );
    const make = column.isNumber ? numberTest : column.kind === "time" ? timeTest : textTest;
    const marks = new Uint8Array(table.count);
    for (const value of clause.values) {
      const found = column.mark(value === "*" ? () => true : make(column, clause.op === "!=" ? ":" : clause.op, value));
      for (let row = 0; row < marks.length; row++) marks[row] |= found[row];
    }
    return marks;
  }

  /* What a reader should know of a clause that is understood and may still not be what was meant. */
  function adviceOn({ column, values, op, word }) {
    if (word === "OR" || word === "AND")
      return [word + " is looked for as a word; all clauses must hold, and game:breakout,pong means either of two"];
    if (!column || !column.distinct || !(column.kind === "category" || column.isTags)) return [];
    const known = column.distinct.slice(0, NAMED).join(", ") + (column.distinct.length > NAMED ? " …" : "");
    return values
      .filter((text) => text !== "*" && !column.distinct.some(textTest(column, op === "!=" ? ":" : op, text)))
      .map((text) => column.name + " is nowhere “" + text + "”; there are " + known);
  }

  /* A word is looked for in all names, notes, tags and settings; that of a setting finds the runs that have it. */
  function wordMarks(table, clause) {
    const word = clause.word.toLowerCase(),
      wanted = numberOf(word),
      marks = new Uint8Array(table.count);
    const named = /_/.test(word) ? findColumn(table, word) : null;
    if (!word) return marks.fill(1);
    for (const column of table.columns) {
      if (column.isSearched) column.markWord(word, plainText(word), marks);
      else if (column === named || (column.group === "configuration" && !isNaN(wanted))) {
        const near = Math.abs(wanted) * 1e-9,
          found = column.mark(column === named ? () => true : (value) => Math.abs(value - wanted) <= near);
        for (let row = 0; row < marks.length; row++) marks[row] |= found[row];
      }
    }
    return marks;
  }

  const isNone = (clause) =>
    clause.negated && clause.op === ":" && clause.values.length === 1 && clause.values[0] === "*";
  const isEqual = (clause) => !clause.negated && (clause.op === ":" || clause.op === "=");
  const isBound = (clause) => !clause.negated && /^[<>]/.test(clause.op || "");

  /* The values of a column that a clause asks for, as they are recorded; null stands for "not recorded". */
  function chosenValues(clause) {
    if (isNone(clause)) return [null];
    const tests = clause.values.filter((text) => text !== "*").map((text) => textTest(clause.column, clause.op, text));
    return (clause.column.distinct || []).filter((value) => tests.some((passes) => passes(value)));
  }

  /* A query over a table of runs. */
  class Query {
    constructor(table) {
      this.table = table;
      this.held = new Map(); // marks by the text of their clause: typing on asks only what is new
      this.set("");
    }

    set(text) {
      this.text = text;
      this.errors = [];
      this.parsed = parse(text);
      for (const clause of this.parsed) {
        clause.column = clause.name ? findColumn(this.table, clause.name) : null;
        try {
          clause.marks = this.marksOf(clause);
          this.errors.push(...adviceOn(clause));
        } catch (error) {
          this.errors.push(error.message); // and the clause narrows nothing
        }
      }
    }

    marksOf(clause) {
      const key = clause.source;
      if (!this.held.has(key)) {
        if (this.held.size > 300) this.held.clear();
        const marks = clause.name ? fieldMarks(this.table, clause) : wordMarks(this.table, clause);
        if (clause.negated !== (clause.op === "!=")) for (let row = 0; row < marks.length; row++) marks[row] ^= 1;
        this.held.set(key, marks);
      }
      return this.held.get(key);
    }

    /* The rows that pass every clause; those on one column may be left out, for the counts of its facet. */
    marks(without) {
      const marks = new Uint8Array(this.table.count).fill(1);
      for (const clause of this.parsed) {
        if (!clause.marks || (without && clause.column === without)) continue;
        for (let row = 0; row < marks.length; row++) marks[row] &= clause.marks[row];
      }
      return marks;
    }

    choices(column) {
      return this.parsed.filter(
        (clause) => clause.marks && clause.column === column && (isNone(clause) || isEqual(clause)),
      );
    }

    /* The values of a column that the query asks for; null stands for "not recorded". */
    chosen(column) {
      return new Set(this.choices(column).flatMap(chosenValues));
    }

    /* The text with a value of a column added or, where it stands already, taken out. */
    toggled(column, value) {
      const clauses = this.choices(column),
        chosen = this.chosen(column);
      const others = this.parsed.filter((clause) => !clauses.includes(clause)).map((clause) => clause.source);
      if (chosen.has(value)) chosen.delete(value);
      else if (value === null) chosen.clear();
      else chosen.add(value).delete(null);
      const values = [...chosen],
        op = values.some((one) => one.includes("*")) ? "=" : ":";
      if (value === null && !values.length && !clauses.some(isNone))
        return [...others, "-" + column.name + ":*"].join(" ");
      return [...others, ...(values.length ? [column.name + op + values.map(quoted).join(",")] : [])].join(" ");
    }

    /* The bounds that the query puts on a number: what stands behind > and <. */
    bounds(column) {
      const bound = (mark) =>
        this.parsed.find((one) => one.column === column && isBound(one) && one.op.startsWith(mark));
      return [bound(">"), bound("<")].map((clause) => (clause ? clause.values[0] || "" : ""));
    }

    /* The text with other bounds; an empty one is none. */
    bounded(column, low, high) {
      const others = this.parsed.filter((one) => one.column !== column || !isBound(one)).map((clause) => clause.source);
      const bounds = [...(low ? [">=" + low] : []), ...(high ? ["<=" + high] : [])].map((bound) => column.name + bound);
      return [...others, ...bounds].join(" ");
    }
  }

  window.runsum.query = { Query, parse, findColumn, numberOf };
})();
