/* The query line of the run finder: text to clauses, clauses to marked rows, and back to text.
 *
 *     game:breakout lr<3e-4 state:completed -tag:old "long note" best_reward > 200 steps:1M..5M started>2025-11 preset:*
 *
 * Everything that narrows the table is a clause here, facets and ranges too, so that a view is one line of text.
 */
(function () {
  "use strict";

  const { plainText } = window.runsum.runs;
  const { pattern, numberOf, numberTest } = window.runsum.numbers;

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
  const BOUND = /"([^"]*)"?|([^\s"]+?)(?=,?(?:[\s"]|$))/y; // there is no list behind < and >
  const WORD = /(-?)(?:"([^"]*)"?|(\S+))/y;
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

  /* Reads a text from its beginning to its end by patterns. */
  class Reader {
    constructor(text) {
      this.text = text;
      this.at = 0;
    }

    /* What a pattern finds here; null, and no step further, where it does not. */
    read(pattern) {
      pattern.lastIndex = this.at;
      const found = pattern.exec(this.text);
      if (found) this.at = pattern.lastIndex;
      return found;
    }

    isAtEnd() {
      this.read(/\s+/y);
      return this.at >= this.text.length;
    }

    /* The values behind a name: numbers as its column prints them, else words, with commas between them. */
    values(column, op) {
      const isBound = /^[<>]/.test(op),
        number = column && column.isNumber ? pattern(column, op) : null;
      const value = () => (number && this.read(number)) || this.read(isBound ? BOUND : VALUE);
      const values = [];
      for (let found = value(); found; found = !isBound && this.goesOn(number) ? value() : null)
        values.push([found[1], found[2], found[0]].find((text) => text !== undefined));
      return values;
    }

    /* Steps over a comma with another value behind it, which is no clause of its own. */
    goesOn(number) {
      const before = this.at,
        comma = this.read(/,+(\s*)/y);
      if (!comma) return false;
      if (!comma[1]) return true;
      const next = this.at,
        isValue = number ? this.read(number) : !this.read(FIELD) && this.read(/[^\s,-]/y);
      this.at = isValue ? next : before;
      return Boolean(isValue);
    }
  }

  /* Splits a query into clauses: { source, negated, name, column, op, values } or { source, negated, word }. */
  function parse(text, columnOf) {
    const clauses = [],
      reader = new Reader(text);
    while (!reader.isAtEnd()) {
      const start = reader.at,
        field = reader.read(FIELD);
      if (field) {
        const op = SAME[field[3]] || field[3],
          column = columnOf(field[2]);
        const values = reader.values(column, op),
          source = text.slice(start, reader.at).trim();
        reader.read(/,(?=\s|$)/y); // what is listed ends here, as in "best>2, game:pong"
        clauses.push({ source, negated: field[1] === "-", name: field[2], column, op, values });
      } else {
        const word = reader.read(WORD);
        clauses.push({
          source: text.slice(start, reader.at),
          negated: word[1] === "-",
          word: word[2] !== undefined ? word[2] : word[3],
        });
      }
    }
    return clauses;
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
    if (column.format === "spark")
      throw new Error(column.name + " is a drawing: write " + column.name + ":* for the runs that have one");
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

  /* Where a reader finds the name of a column that is called otherwise: "at" may be all that came of "Best at". */
  function resembling(table, name) {
    const small = name.toLowerCase(),
      found = table.columns.find((column) => column.title.toLowerCase().split(/\s+/).includes(small));
    return found ? ": " + found.title + " is written " + found.name : "; their names are under Columns";
  }

  function fieldMarks(table, clause) {
    const column = clause.column;
    if (!column) throw new Error("no column is called “" + clause.name + "”" + resembling(table, clause.name));
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

  function isNowhere(column, text) {
    const wanted = numberOf(text);
    return !(column.distinct || column.values).some(
      (value) => value !== null && Math.abs(value - wanted) <= Math.abs(value) * 1e-9,
    );
  }

  /* What a reader should know of a clause that is understood and may still not be what was meant. */
  function adviceOn({ source, column, values, op, word }) {
    if (word === "OR" || word === "AND")
      return [word + " is looked for as a word; all clauses must hold, and game:breakout,pong means either of two"];
    const listed = / *([\d]{1,3}(?:,\d{3})+)$/.exec(source || "");
    if (listed && column && column.isNumber && values.length > 1 && values.some((text) => isNowhere(column, text)))
      return [column.name + ": " + listed[1] + " is a list here; one number is written " + listed[1].replace(/,/g, "")];
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
  const isRange = (clause) => isEqual(clause) && clause.values.length === 1 && clause.values[0].includes("..");

  /* The values of a column that a clause asks for, as they are recorded; null stands for "not recorded". */
  function chosenValues(clause) {
    if (isNone(clause)) return [null];
    const tests = clause.values.filter((text) => text !== "*").map((text) => textTest(clause.column, clause.op, text));
    return (clause.column.distinct || []).filter((value) => tests.some((passes) => passes(value)));
  }

  /* The source of a clause that no longer shuts a value out; empty where it did nothing else. */
  function admitting(clause, value) {
    if (!clause.marks || clause.negated === (clause.op === "!=")) return clause.source;
    const op = clause.op === "!=" ? ":" : clause.op,
      kept = clause.values.filter((text) => text !== "*" && !textTest(clause.column, op, text)(value));
    if (kept.length === clause.values.length || !kept.length) return kept.length ? clause.source : "";
    return (clause.negated ? "-" : "") + clause.name + clause.op + kept.map(quoted).join(",");
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
      this.parsed = parse(text, (name) => findColumn(this.table, name));
      for (const clause of this.parsed) {
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
        chosen = this.chosen(column),
        isAdded = value !== null && !chosen.has(value);
      const others = this.parsed
        .filter((clause) => !clauses.includes(clause))
        .map((clause) => (isAdded && clause.column === column ? admitting(clause, value) : clause.source));
      if (chosen.has(value)) chosen.delete(value);
      else if (value === null) chosen.clear();
      else chosen.add(value).delete(null);
      const values = [...chosen],
        op = values.some((one) => one.includes("*")) ? "=" : ":";
      if (value === null && !values.length && !clauses.some(isNone)) others.push("-" + column.name + ":*");
      if (values.length) others.push(column.name + op + values.map(quoted).join(","));
      return others.filter(Boolean).join(" ");
    }

    /* The bounds that the query puts on a number: what stands behind > and <, or on both sides of a range. */
    bounds(column) {
      const found = (passes) => this.parsed.find((one) => one.column === column && passes(one));
      const range = found(isRange),
        ends = range ? range.values[0].split("..") : ["", ""];
      return [">", "<"].map((mark, place) => {
        const clause = found((one) => isBound(one) && one.op.startsWith(mark));
        return (clause && clause.values[0]) || ends[place];
      });
    }

    /* The text with other bounds; an empty one is none. */
    bounded(column, low, high) {
      const others = this.parsed
        .filter((one) => one.column !== column || !(isBound(one) || isRange(one)))
        .map((clause) => clause.source);
      const bounds = [...(low ? [">=" + low] : []), ...(high ? ["<=" + high] : [])].map((bound) => column.name + bound);
      return [...others, ...bounds].join(" ");
    }
  }

  window.runsum.query = { Query };
})();
