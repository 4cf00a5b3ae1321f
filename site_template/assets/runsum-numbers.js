/* Numbers as people write them and as the table prints them: 2,686 or 450.6 k, 34 h 46 min, 12.5 %, 3e-4.
 *
 * A comma is part of a number where groups of three digits follow it. Settings are printed without commas, so that
 * batch_size:128,256 stays one of two; a group that begins with 0 is no number of its own there either.
 */
(function () {
  "use strict";

  const PLAIN = "(?:\\d+(?:\\.(?!\\.)\\d*)?|\\.\\d+)(?:e[-+]?\\d+)?";
  const GROUPED = "\\d{1,3}(?:,\\d{3})+(?:\\.\\d+)?(?!\\d|,\\d|\\.\\d)";
  const WITH_NOUGHTS = "(?=[\\d,]*,0)" + GROUPED;
  const HOURS = { d: 24, h: 1, min: 1 / 60, m: 1 / 60, s: 1 / 3600 },
    HOUR = "(?:min|[dhms])";
  const SIZES = { k: 1e3, m: 1e6 };
  const UNITS = { percent: "%", whole_percent: "%", speed: "steps\\/s", kwh: "kwh" }; // what a format prints behind
  const END_OF_LISTED = "(?=[\\s,]|$)",
    END_OF_BOUND = "(?=,?(?:\\s|$))",
    NO_NAME = "(?!\\s*(?:[:=<>≤≥]|!=))"; // "2 h" and not the beginning of "2 h:3"
  const MEASURED_DIGITS = 6; // of a duration in the data file, see _MEASURED_DIGITS in run_columns.py

  const held = new Map();
  function made(key, make) {
    if (!held.has(key)) held.set(key, make());
    return held.get(key);
  }

  /* One number with its unit. isSet: in a list of values of a setting. */
  function numeral(format, isSet) {
    const number = "[-+−]?(?:" + (isSet ? WITH_NOUGHTS : GROUPED) + "|" + PLAIN + ")",
      unit = UNITS[format] ? "(?:\\s*" + UNITS[format] + ")?" : "";
    if (format !== "hours") return number + "(?:\\s*[km])?" + unit;
    return number + "\\s*" + HOUR + "(?:\\s*" + PLAIN + "\\s*" + HOUR + ")*|" + number;
  }

  const isSetting = (column) => column.group === "configuration";

  /* Reads a number or a range of them, where a query names a column. */
  function pattern(column, op) {
    const isBound = /^[<>]/.test(op),
      isSet = isSetting(column) && !isBound;
    return made(["in a query", column.format, isSet, isBound].join(), () => {
      const one = "(?:" + numeral(column.format, isSet) + ")",
        end = (isBound ? END_OF_BOUND : END_OF_LISTED) + NO_NAME;
      return new RegExp("(?:" + one + "?\\.\\." + one + "?|" + one + ")" + end, "iuy");
    });
  }

  /* What a text says: NaN where it is no number. Durations are hours. */
  function numberOf(text, format = "") {
    const said = text.trim().toLowerCase();
    if (!made("alone " + format, () => new RegExp("^(?:" + numeral(format) + ")$", "iu")).test(said)) return NaN;
    const plain = said.replace(/,/g, "").replace("−", "-");
    if (format !== "hours") {
      const [, number, size] = /^(.*?)\s*([km]?)$/.exec(plain.replace(/\s*(?:%|steps\/s|kwh)$/, ""));
      return Number(number) * (SIZES[size] || 1);
    }
    let hours = 0;
    for (const [, number, unit] of plain.matchAll(/(-?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?)\s*([a-z]*)/g))
      hours += Number(number) * (HOURS[unit] || 1);
    return Number(hours.toPrecision(MEASURED_DIGITS));
  }

  /* Examples of what a column understands. */
  function ways(column) {
    if (column.format === "hours") return "write 7 s, 53 min, 34 h 46 min or 3 d 2 h; a number alone is hours";
    return "write 2,686, 0.5, 3e-4, 450.6 k or 2.5 M";
  }

  /* Text of a number without what only makes it readable. */
  const compact = (text) => text.toLowerCase().replace(/[\s,]/g, "").replace("−", "-");

  /* A number is found as it was typed or is printed: 7.5 finds 7.54 where values are measured, 450.6 k what the table
     calls so; where values are set, it is exact. */
  function equal(column, op, text, wanted) {
    const within = Math.abs(wanted) * 1e-9;
    if (op === "=" || isSetting(column)) return (value) => Math.abs(value - wanted) <= within;
    const typed = (column.format === "hours" ? /\.(\d+)()$/ : /^[^e]*\.(\d+)\s*([km]?)(?![a-z])/i).exec(text),
      printed = compact(text);
    const half = typed ? 0.5 * 10 ** -typed[1].length * (SIZES[typed[2].toLowerCase()] || 1) : within;
    return (value) => Math.abs(value - wanted) <= half || compact(column.text(value)) === printed;
  }

  function range(column, text) {
    const [low, high] = text.split("..").map((end) => (end === "" ? null : numberOf(end, column.format)));
    if (Number.isNaN(low) || Number.isNaN(high))
      throw new Error(column.name + ": a range is two numbers, such as " + column.name + ":10..20");
    if (low !== null && high !== null && low > high)
      throw new Error(column.name + ": “" + text + "” begins above its end");
    return (value) => (low === null || value >= low) && (high === null || value <= high);
  }

  /* The test of a clause on a column of numbers. */
  function numberTest(column, op, text) {
    if (text.includes("..")) return range(column, text);
    const wanted = numberOf(text, column.format);
    if (isNaN(wanted))
      throw new Error(
        column.name + ": " + (text ? "“" + text + "” is no number" : "a number is missing") + "; " + ways(column),
      );
    if (op === "<") return (value) => value < wanted;
    if (op === "<=") return (value) => value <= wanted;
    if (op === ">") return (value) => value > wanted;
    if (op === ">=") return (value) => value >= wanted;
    return equal(column, op, text, wanted);
  }

  window.runsum.numbers = { pattern, numberOf, numberTest };
})();
