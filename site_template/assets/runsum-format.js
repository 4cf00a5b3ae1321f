/* Numbers and times as the pages print them: the twin of generator/runsum/formatting.py, and tested against it. */
(function () {
  "use strict";
  if (window.runsum.format) return; // it is in two scripts, which one page may both load

  const MINUS = "−";
  const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

  /* Rounds like Python: a number that lies exactly between two goes to the even one. */
  function fixed(value, digits) {
    const halves = Math.abs(value) * 2 ** (digits + 1);
    if (digits < 0 || !(halves % 2 === 1)) return value.toFixed(Math.max(digits, 0));
    const low = Math.floor(value * 10 ** digits),
      even = low % 2 === 0 ? low : low + 1;
    return (even / 10 ** digits).toFixed(digits);
  }

  function grouped(text) {
    const [whole, fraction] = text.split(".");
    return whole.replace(/\B(?=(\d{3})+$)/g, ",") + (fraction === undefined ? "" : "." + fraction);
  }

  /* Python's "g": significant digits without trailing noughts, scientific where that is shorter. */
  function general(value, digits) {
    if (value === 0) return "0";
    const exponent = Number(value.toExponential(digits - 1).split("e")[1]);
    if (exponent >= -4 && exponent < digits) {
      const text = fixed(value, digits - 1 - exponent);
      return text.includes(".") ? text.replace(/\.?0+$/, "") : text;
    }
    const [mantissa, power] = value.toExponential(digits - 1).split("e");
    const size = Math.abs(Number(power));
    return (
      (mantissa.includes(".") ? mantissa.replace(/\.?0+$/, "") : mantissa) +
      "e" +
      (power < 0 ? "-" : "+") +
      (size < 10 ? "0" : "") +
      size
    );
  }

  /* A real minus sign, and none before nought. */
  function sign(text) {
    if (!text.startsWith("-")) return text;
    return /[1-9]/.test(text) ? MINUS + text.slice(1) : text.slice(1);
  }

  function steps(value) {
    const size = Math.abs(value);
    if (size >= 999950) return sign(grouped(fixed(value / 1e6, 2))) + " M";
    if (size >= 10000) return sign(fixed(value / 1e3, 1)) + " k";
    return sign(grouped(fixed(value, 0)));
  }

  const exact = (value) => sign(Number.isInteger(value) ? grouped(value.toFixed(0)) : grouped(general(value, 10)));

  function reward(value) {
    const size = Math.abs(value);
    if (size >= 10000) return sign(grouped(fixed(value, 0)));
    if (size >= 1000) return sign(grouped(fixed(value, 1)).replace(/\.0$/, ""));
    return sign(general(value, 4));
  }

  function percent(value) {
    let digits = 1;
    while (value < 100 && digits < 4 && Number(fixed(value, digits)) >= 100) digits++;
    return sign(fixed(value, digits)) + " %";
  }

  function duration(seconds) {
    const minutes = Number(fixed(seconds / 60, 0));
    if (seconds < 120 && (seconds < 90 || seconds % 60)) return fixed(seconds, 0) + " s";
    if (minutes < 60) return minutes + " min";
    if (minutes < 48 * 60) return Math.floor(minutes / 60) + " h" + (minutes % 60 ? " " + (minutes % 60) + " min" : "");
    const hours = Number(fixed(seconds / 3600, 0));
    return Math.floor(hours / 24) + " d" + (hours % 24 ? " " + (hours % 24) + " h" : "");
  }

  function when(text) {
    const parts = /^(\d{4})-(\d\d)-(\d\d)[T ](\d\d:\d\d)/.exec(text.trim());
    if (!parts || !MONTHS[parts[2] - 1]) return text;
    return Number(parts[3]) + " " + MONTHS[parts[2] - 1] + " " + parts[1] + ", " + parts[4];
  }

  window.runsum.format = {
    steps,
    exact,
    reward,
    percent,
    duration,
    when,
    day: (text) => when(text).split(",")[0],
    hours: (value) => duration(value * 3600),
    speed: (value) => (value >= 10 ? grouped(fixed(value, 0)) : general(value, 3)) + " steps/s",
    whole_percent: (value) => sign(fixed(value, 0)) + " %",
    mib: (value) => (value >= 10000 ? fixed(value / 1024, 1) + " GiB" : grouped(fixed(value, 0)) + " MiB"),
    kwh: (value) => sign(Math.abs(value) >= 1000 ? grouped(fixed(value, 0)) : general(value, 3)) + " kWh",
    setting: (value) => (typeof value === "number" && !Number.isInteger(value) ? general(value, 10) : String(value)),
  };
})();
