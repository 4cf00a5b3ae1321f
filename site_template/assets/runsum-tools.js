/* What all charts of a page share: colours, words, the numbers behind a line, the tooltip.
 *
 * The first of three rooms of drawing.js: runsum-tools.js, runsum-chart.js, runsum-controls.js. Texts of
 * the data are set as textContent or as rows of a chart: never as HTML, as an expression or as a link.
 */
(function () {
  "use strict";
  if (window.runsum.tools) return; // it is in two scripts, which one page may both load

  const THEMES = {
    light: {
      accent: "#0072b2", muted: "#6b6f76", note: "#d55e00", paper: "#ffffff", ink: "#212529", grid: "#e9ebee",
      context: "#b4b9c1", raw: 0.28, series: ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9"],
      legs: ["#5b2a86", "#3b528b", "#1f7a8c", "#2a9d6f", "#7fae1f"],
    },
    dark: {
      accent: "#56b4e9", muted: "#9aa1ad", note: "#f0a35c", paper: "#1e2129", ink: "#e3e6ec", grid: "#343944",
      context: "#5b6270", raw: 0.34, series: ["#56b4e9", "#e69f00", "#2dc59a", "#e59cc4", "#f0e442", "#9ab8ff"],
      legs: ["#a98be0", "#7c9cf0", "#4fb8d0", "#4fcf96", "#c8e04f"],
    },
  };
  const DASHES = [[1, 0], [7, 4], [2, 3], [9, 3, 2, 3]]; // where there are more lines than colours
  const STATES = { // Okabe-Ito; the same words and colours as the badges in runsum.css
    light: { running: "#009e73", stale: "#e69f00", paused: "#56b4e9", finished: "#0072b2", completed: "#0072b2",
      stopped: "#cc79a7", failed: "#d55e00", unknown: "#8a8f98" },
    dark: { running: "#2dc59a", stale: "#f0b341", paused: "#8fd0f5", finished: "#56b4e9", completed: "#56b4e9",
      stopped: "#e59cc4", failed: "#f08a4b", unknown: "#8a8f98" },
  };
  const EVENT_WORDS = { milestone: "milestone", restart: "restart", gap: "gap", finding: "check", annotation: "note", video: "video",
    end: "end" };

  const COLUMNS = ["t", "h", "s", "v", "std", "lo", "hi"]; // of a chart, each of which may be packed
  const ALPHABET = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ!#$%'()*+,-./:;=?@[]^_`{|}~";

  // ---------------------------------------------------------------- small tools

  const isNumber = (value) => typeof value === "number" && isFinite(value);
  const own = (object, key) => (object && Object.prototype.hasOwnProperty.call(object, key) ? object[key] : undefined);
  const schemeName = () => (document.body.getAttribute("data-md-color-scheme") === "slate" ? "dark" : "light");

  function element(tag, className, text, attributes) {
    const node = document.createElement(tag);
    if (className) node.className = className;
    if (text !== undefined && text !== null) node.textContent = text;
    for (const name in attributes || {}) node.setAttribute(name, attributes[name]);
    return node;
  }

  function valueText(value) {
    if (!isNumber(value)) return "not recorded";
    const size = Math.abs(value), sign = value < 0 ? "−" : ""; // a real minus sign, as in the tables
    if (size > 0 && size < 1e-3) return sign + String(Number(size.toPrecision(4)));
    return sign + size.toLocaleString("en-US", { maximumSignificantDigits: size >= 1e5 ? 9 : 5 });
  }

  const stepText = (step) => Math.round(step).toLocaleString("en-US");

  function hoursText(hours) {
    const minutes = Math.round(hours * 60);
    if (minutes < 1) return Math.round(hours * 3600) + " s";
    if (minutes < 60) return minutes + " min";
    return Math.floor(minutes / 60) + " h " + (minutes % 60 ? (minutes % 60) + " min" : "");
  }

  function mixed(stops, share) {
    const place = share * (stops.length - 1), i = Math.min(Math.floor(place), stops.length - 2), part = place - i;
    const channel = (hex, at) => parseInt(hex.slice(at, at + 2), 16);
    return "#" + [1, 3, 5].map((at) => Math.round(channel(stops[i], at) * (1 - part) + channel(stops[i + 1], at) * part)
      .toString(16).padStart(2, "0")).join("");
  }

  // ---------------------------------------------------------------- the numbers of a chart

  const PLACES = new Map([...ALPHABET].map((letter, place) => [letter, place]));
  const numbers = new WeakMap(); // of each packed column: charts share their steps and hours

  /* The numbers of a packed column, null where there is none; generator/runsum/packing.py says how they are written. */
  function unpacked(column) {
    if (typeof column[column.length - 1] !== "string") return column;
    if (numbers.has(column)) return numbers.get(column);
    const [count, digits, least, unit] = column, letters = column[column.length - 1], width = letters.length / count;
    const isSum = column.length > 5, power = Math.pow(10, digits), found = [];
    let before = isSum ? column[4] : 0;
    for (let row = 0; row < count; row++) {
      let code = width ? 0 : 1;
      for (let at = row * width; at < (row + 1) * width; at++) code = code * PLACES.size + PLACES.get(letters[at]);
      const number = code ? before + least + unit * (code - 1) : null;
      if (code && isSum) before = number;
      found.push(code ? number / power : null);
    }
    numbers.set(column, found);
    return found;
  }

  /* A chart or a line of one with its numbers, and with those of the axis that it shares with others. */
  function withNumbers(data, part) {
    const whole = Object.assign({}, part.x && own(data.axes || {}, part.x), part);
    for (const name in whole) if (Array.isArray(whole[name]) && COLUMNS.includes(name)) whole[name] = unpacked(whole[name]);
    return whole;
  }

  /* What a data script says of a chart; undefined where it says nothing. */
  function modelOf(data, id) {
    const part = own((data || {}).charts, id);
    if (!part) return undefined;
    const model = withNumbers(data, part), { t, s, std, ...rest } = model;
    if (part.series) model.series = part.series.map((line) => withNumbers(data, line));
    if (model.kind === "progress") return Object.assign(rest, { v: t }); // one line, also where a session begins
    if (std) {
      const away = (sign) => model.v.map((value, i) => (isNumber(value) && isNumber(std[i]) ? value + sign * std[i] : null));
      Object.assign(model, { lo: away(-1), hi: away(1) });
    }
    return model;
  }

  /* Makes a node a piece of a line, as it is drawn in a chart. */
  function paintSwatch(node, colour, dash) {
    let at = 0;
    const stops = (dash || DASHES[0]).map((length, i) => {
      const begin = at;
      at += length;
      return (i % 2 ? "transparent " : colour + " ") + begin + "px " + at + "px";
    });
    node.style.background = "repeating-linear-gradient(90deg, " + stops.join(", ") + ")";
  }

  /* Smooths with a weight that decays along x, so that unevenly thinned points count for the stretch they stand
   * for, and corrects the bias of the first values (the time-weighted average of Weights & Biases). */
  function smoothed(points, weight, span) {
    let last = 0, debias = 0, before = null;
    return points.map((point) => {
      const step = before === null || span <= 0 ? 0 : Math.max(point.x - before, 0) / span * 1000;
      const decay = before === null ? 0 : Math.pow(Math.min(Math.sqrt(weight), 0.999), Math.max(step, 0.05));
      before = point.x;
      last = last * decay + point.y * (1 - decay);
      debias = debias * decay + (1 - decay);
      return Object.assign({}, point, { y: last / debias, recorded: point.y });
    });
  }

  /* Turns columns into points; a new segment starts where the session changes and after a long stretch of missing
   * values (longer than usual: a column written at every tenth row is still one line). */
  function pointsOf(series, index, column) {
    const xs = series[column] || [], points = [];
    for (let i = 0; i < xs.length; i++) {
      if (isNumber(xs[i]) && isNumber(series.v[i])) points.push({ x: xs[i], y: series.v[i], series: index, i });
    }
    const steps = points.slice(1).map((point, k) => Math.abs(point.x - points[k].x)).sort((a, b) => a - b);
    const usual = steps[Math.floor(steps.length / 2)] || 0;
    const span = points.length ? Math.abs(points[points.length - 1].x - points[0].x) : 0;
    let piece = 0, before = null;
    for (const point of points) {
      if (before) {
        const silent = point.i > before.i + 1 && point.x - before.x > Math.max(2.5 * usual, 0.01 * span);
        if (silent || (series.s && series.s[point.i] !== series.s[before.i])) piece++;
      }
      point.seg = index + "." + piece;
      before = point;
    }
    return points;
  }

  /* Keeps what is seen between two positions, and one point more on either side so that lines leave the picture: of two
   * neighbours both, where what lies between them is seen. */
  function within(rows, [lo, hi]) {
    const seen = (a, b) => a && b && Math.min(a.x, b.x) <= hi && Math.max(a.x, b.x) >= lo;
    return rows.filter((row, i) => seen(row, row) || seen(rows[i - 1], row) || seen(row, rows[i + 1]));
  }

  /* Makes a segment of one point a dot: a line so short that its round ends meet. */
  function dotted(rows, [lo, hi]) {
    return rows.flatMap((row, i) => {
      const alone = (!rows[i - 1] || rows[i - 1].seg !== row.seg) && (!rows[i + 1] || rows[i + 1].seg !== row.seg);
      if (!alone) return [row];
      const dot = Object.assign({}, row, { w: 4 });
      return [dot, Object.assign({}, dot, { x: row.x + (hi - lo) * 1e-4 })];
    });
  }

  /* Gives a constant some height: unseen rows above and below, since a scale needs two different values. What only
   * rounding tells apart, as after smoothing, is constant too. */
  function spread(rows, [lo]) {
    if (!rows.length) return rows;
    const y = rows[0].y, by = Math.abs(y) * 0.05 || 1;
    if (rows.some((row) => Math.abs(row.y - y) > Math.abs(y) * 1e-9)) return rows;
    return rows.concat([y - by, y + by].map((level) => Object.assign({}, rows[0], { x: lo, y: level, seg: "unseen", o: 0 })));
  }

  function nearest(points, x) {
    let best = null;
    for (const point of points) if (!best || Math.abs(point.x - x) < Math.abs(best.x - x)) best = point;
    return best;
  }

  /* Makes the y scale of a spec logarithmic, for all values it will ever show; symmetric around zero where they are not
   * all positive. Returns the size below which it is about linear; 0 where it is logarithmic everywhere. */
  function logScale(spec, values) {
    const isLog = values.every((value) => value > 0), scale = spec.scales.find((s) => s.name === "y");
    const sizes = values.map(Math.abs).filter((value) => value > 0).sort((a, b) => a - b);
    const constant = isLog ? 0 : (sizes[Math.floor(sizes.length / 2)] || 1) / 10;
    Object.assign(scale, { zero: false, type: isLog ? "log" : "symlog" }, isLog ? {} : { constant });
    spec.signals.push({ name: "yTicks", value: null }); // they change with the part in view: see logTicks
    for (const axis of spec.axes) {
      if (axis.scale !== "y") continue;
      axis.values = { signal: "yTicks" };
      axis.tickCount = { signal: "yTicks ? length(yTicks) : ceil(height / 55)" }; // Vega thins ticks that are more
    }
    return constant;
  }

  /* Where the lines of a logarithmic axis are: Vega would draw nine for every power of ten, and a symmetric axis as on a
   * linear scale. 1-2-5 where that makes a few, powers of ten over many; null, which is Vega's own, within one power. */
  function logTicks(rows, constant) {
    let low = Infinity, high = -Infinity;
    for (const { y, lo, hi } of [...rows.line, ...rows.raw, ...rows.band]) {
      for (const value of [y, lo, hi]) if (isNumber(value)) [low, high] = [Math.min(low, value), Math.max(high, value)];
    }
    const sizes = [Math.abs(low), Math.abs(high)], power = (size) => Math.floor(Math.log10(size));
    const first = power(constant || Math.min(...sizes)), last = power(Math.max(...sizes));
    if (!isNumber(first) || !isNumber(last)) return null;
    const ticks = (steps) => {
      const found = constant ? [0] : [];
      for (let k = first; k <= last; k++) for (const step of steps) found.push(step * Math.pow(10, k), -step * Math.pow(10, k));
      return found.filter((tick) => tick >= low && tick <= high && (tick === 0 || Math.abs(tick) > constant)).sort((a, b) => a - b);
    };
    const fine = ticks([1, 2, 5]);
    if (fine.length < 4) return null;
    return fine.length > 9 ? ticks([1]) : fine;
  }

  // ---------------------------------------------------------------- looks

  function themeConfig() {
    const theme = THEMES[schemeName()], font = getComputedStyle(document.body).fontFamily;
    return {
      background: null,
      axis: {
        labelColor: theme.muted, titleColor: theme.muted, gridColor: theme.grid, tickColor: theme.grid, labelFont: font,
        titleFont: font, labelFontSize: 11, titleFontSize: 11, titleFontWeight: "normal", titlePadding: 8,
      },
      text: { font },
    };
  }

  // ---------------------------------------------------------------- the tooltip

  let tip = null;

  function showTip(event, rows) {
    if (!tip || !tip.isConnected) {
      tip = element("div", "rs-tip", null, { "aria-hidden": "true" });
      document.body.appendChild(tip);
    }
    tip.replaceChildren(...rows.map((row) => {
      const line = element("div", row.event ? "rs-tip-event" : "");
      if (row.colour) paintSwatch(line.appendChild(element("i")), row.colour, row.dash);
      if (row.label) line.appendChild(element("span", "", row.label));
      line.appendChild(element(row.strong ? "strong" : "b", "", String(row.text).slice(0, 300)));
      return line;
    }));
    tip.style.display = "block";
    const width = tip.offsetWidth, height = tip.offsetHeight, edge = 8;
    const room = document.documentElement.clientWidth - width - edge;
    let left = event.clientX + 14, top = event.clientY - height - 12;
    if (left > room) left = event.clientX - width - 14;
    if (top < edge) top = event.clientY + 16;
    tip.style.left = Math.max(edge, Math.min(left, room)) + "px";
    tip.style.top = Math.max(edge, Math.min(top, window.innerHeight - height - edge)) + "px";
  }

  function hideTip() { if (tip) tip.style.display = "none"; }

  window.runsum.hideTip = hideTip;
  window.runsum.tools = {
    THEMES, STATES, DASHES, EVENT_WORDS, isNumber, own, schemeName, element, valueText, stepText, hoursText, mixed,
    paintSwatch, modelOf, smoothed, pointsOf, within, dotted, spread, nearest, logScale, logTicks, themeConfig, showTip, hideTip,
  };
})();
