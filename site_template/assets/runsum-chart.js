/* One chart: what the columns of a run become on a canvas, its controls and its tooltip.
 *
 * Loaded by runsum.js together with Vega when the first chart comes near. Texts of the data are set as textContent
 * or as rows of a chart: never as HTML, as an expression or as a link.
 */
(function () {
  "use strict";

  const charts = window.runsum.charts;
  let xMode = "steps"; // one choice for all charts of the page, so that they can be compared

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
  const STATES = { // Okabe-Ito; the same words and colours as the badges in runsum.css
    light: { running: "#009e73", stale: "#e69f00", paused: "#56b4e9", finished: "#0072b2", completed: "#0072b2",
      stopped: "#cc79a7", failed: "#d55e00", unknown: "#8a8f98" },
    dark: { running: "#2dc59a", stale: "#f0b341", paused: "#8fd0f5", finished: "#56b4e9", completed: "#56b4e9",
      stopped: "#e59cc4", failed: "#f08a4b", unknown: "#8a8f98" },
  };
  const EVENT_WORDS = { milestone: "milestone", restart: "restart", gap: "gap", annotation: "note", video: "video",
    end: "end" };

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
    if (value !== 0 && Math.abs(value) < 1e-3) return String(Number(value.toPrecision(4)));
    return value.toLocaleString("en-US", { maximumSignificantDigits: Math.abs(value) >= 1e5 ? 9 : 5 });
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

  /* Keeps what is seen between two positions, and one point more on either side so that lines leave the picture. */
  function within(rows, [lo, hi]) {
    const inside = (row) => row && row.x >= lo && row.x <= hi;
    return rows.filter((row, i) => inside(row) || inside(rows[i - 1]) || inside(rows[i + 1]));
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

  /* Gives a constant some height: unseen rows above and below, since a scale needs two different values. */
  function spread(rows, [lo]) {
    if (!rows.length || rows.some((row) => row.y !== rows[0].y)) return rows;
    const y = rows[0].y, by = Math.abs(y) * 0.05 || 1;
    return rows.concat([y - by, y + by].map((level) => Object.assign({}, rows[0], { x: lo, y: level, seg: "unseen", o: 0 })));
  }

  // ---------------------------------------------------------------- one chart

  class Chart {
    constructor(figure, model, events) {
      this.figure = figure;
      this.canvas = figure.querySelector(".rs-canvas");
      this.model = model;
      this.isTree = model.kind === "tree";
      this.isProgress = model.kind === "progress";
      this.series = this.isTree ? [] : model.series || [model];
      this.events = model.events === false || model.kind === "lineage" || model.kind === "group" ? [] : events || [];
      this.stroke = figure.closest(".rs-panels") ? 1.2 : 1.7;
      this.zoom = null;
      this.weight = 0;
      this.isLog = false;
      this.chosen = null;
      this.turn = 0;
      this.live = element("div", "rs-live");
      this.canvas.appendChild(this.live);
      this.addPointer();
      if (!this.isTree) this.addControls();
      this.resizer = new ResizeObserver(() => this.resize());
    }

    // --- what to draw

    has(column) { return this.series.some((series) => (series[column] || []).some(isNumber)); }

    column() {
      if (this.isProgress) return "h";
      if (this.isTree) return "t";
      const wanted = xMode === "hours" ? "h" : "t", other = xMode === "hours" ? "t" : "h";
      return this.has(wanted) ? wanted : other;
    }

    prepare() {
      const column = this.column();
      this.points = this.series.map((series, i) => pointsOf(series, i, column));
      const xs = this.isTree ? this.model.bars.flatMap((bar) => [bar.from, bar.to]).filter(isNumber)
        : this.points.flat().map((point) => point.x);
      let lo = Infinity, hi = -Infinity;
      for (const x of xs) { lo = Math.min(lo, x); hi = Math.max(hi, x); }
      if (lo > hi) [lo, hi] = [0, 1];
      if (lo >= 0 && lo < (hi - lo) * 0.05) lo = 0;
      if (lo === hi) [lo, hi] = [lo - Math.max(Math.abs(lo) * 0.05, 0.5), hi + Math.max(Math.abs(hi) * 0.05, 0.5)];
      this.full = [lo, hi];
      this.shown = this.weight > 0 ? this.points.map((points) => smoothed(points, this.weight, hi - lo)) : this.points;
    }

    range() { return this.zoom || this.full; }

    colours() {
      const theme = THEMES[schemeName()], kind = this.model.kind, n = this.series.length;
      let highlighted = 0;
      return this.series.map((series, i) => {
        if (kind === "lineage") return mixed(theme.legs, n > 1 ? i / (n - 1) : 0);
        if (kind === "multi") return theme.series[i % theme.series.length];
        if (kind !== "group") return theme.accent;
        return series.highlight ? theme.series[highlighted++ % theme.series.length] : theme.context;
      });
    }

    rows() {
      if (this.isTree) return this.treeRows();
      const theme = THEMES[schemeName()], colours = this.colours(), range = this.range(), group = this.model.kind === "group";
      const order = this.series.map((_, i) => i);
      order.sort((a, b) => (this.rank(a) - this.rank(b)) || a - b); // what matters is drawn last, on top
      const draw = (lists, faint) => order.flatMap((i) => {
        const dimmed = this.chosen !== null && this.chosen !== i, main = !group || this.series[i].highlight;
        const o = (faint ? theme.raw : main || this.chosen === i ? 1 : 0.75) * (dimmed ? 0.25 : 1);
        const c = group && this.chosen === i ? (main ? colours[i] : theme.note) : colours[i];
        const w = faint ? 1 : this.chosen === i ? 2.4 : main ? this.stroke : 1.1;
        return dotted(within(lists[i], range).map(({ x, y, seg }) => ({ x, y, seg, c, o, w })), range);
      });
      return Object.assign({
        line: spread(draw(this.shown, false), range),
        raw: this.weight > 0 ? draw(this.points, true) : [],
        band: this.bandRows(range),
        target: isNumber(this.model.target) ? [{ y: this.model.target, text: "planned total" }] : [],
        hover: [],
      }, this.eventRows());
    }

    rank(i) { return (this.chosen === i ? 2 : 0) + (this.series[i].highlight ? 1 : 0); }

    bandRows(range) {
      const { lo, hi } = this.model;
      if (this.model.kind !== "reward" || !lo || !hi) return [];
      const rows = this.points[0].map(({ x, seg, i }) => ({ x, seg, lo: lo[i], hi: hi[i] }));
      return within(rows.filter((row) => isNumber(row.lo) && isNumber(row.hi)), range);
    }

    eventRows() {
      const column = this.column(), second = column + "2", reward = this.model.kind === "reward";
      const spans = [], rules = [], ticks = [], dots = [];
      this.marks = [];
      for (const event of this.events) {
        const x = event[column], x2 = event[second];
        if (!isNumber(x)) continue;
        const mark = { x, x2: isNumber(x2) ? x2 : x, event };
        if (event.kind === "gap" && mark.x2 > x) spans.push({ x, x2: mark.x2 });
        else if (event.kind === "gap" || event.kind === "restart") rules.push({ x });
        else if (!reward) continue;
        else if (event.kind === "milestone") ticks.push({ x, text: String(event.text || "") });
        else if (event.kind === "end") rules.push({ x });
        else {
          const near = nearest(this.shown[0] || [], x);
          const y = isNumber(event.y) ? event.y : near && near.y;
          if (!isNumber(y)) continue;
          dots.push({ x, y, shape: event.kind === "video" ? "triangle-right" : "circle" });
        }
        this.marks.push(mark);
      }
      const seen = (row) => row.x >= this.range()[0] && row.x <= this.range()[1];
      return { spans, rules, ticks, dots: dots.filter(seen) };
    }

    treeRows() {
      const scheme = schemeName(), colours = STATES[scheme], bars = this.model.bars.filter((b) => isNumber(b.from) && isNumber(b.to));
      const [lo, hi] = this.full, width = Math.max(this.live.clientWidth - 20, 100);
      const pixels = (x) => (x - lo) / (hi - lo) * width;
      const any = bars.some((bar) => bar.highlight);
      return {
        bars: bars.map((bar) => ({ x: bar.from, x2: bar.to, y: bar.lane - 0.06, y2: bar.lane + 0.26,
          c: own(colours, bar.state) || colours.unknown, o: any && !bar.highlight ? 0.4 : 0.9 })),
        links: (this.model.links || []).map((link) => ({ x: link.at, y: link.from_lane + 0.1, y2: link.to_lane + 0.1 })),
        names: bars.map((bar) => {
          const next = Math.min(...bars.filter((b) => b.lane === bar.lane && b.from > bar.from).map((b) => pixels(b.from)), width);
          const room = Math.floor((next - pixels(bar.from) - 4) / 6.4), label = String(bar.label || "");
          const text = label.length <= room ? label : room > 3 ? label.slice(0, room - 1) + "…" : "";
          return { x: bar.from, y: bar.lane - 0.26, text };
        }),
      };
    }

    // --- the view

    async build() {
      const turn = ++this.turn; // a later call wins, whichever ends first
      this.scheme = document.body.getAttribute("data-md-color-scheme");
      this.prepare();
      if (this.isTree) {
        this.lanes = 1 + Math.max(0, ...this.model.bars.map((bar) => bar.lane || 0));
        this.canvas.style.height = this.lanes * 46 + 46 + "px";
      }
      this.figure.classList.add("rs-drawn"); // before measuring: the static curve leaves, the live part gets its size
      const spec = JSON.parse(JSON.stringify(window.runsumCharts[this.model.kind]));
      const rows = this.rows();
      if (this.isLog) logScale(spec, rows);
      if (!this.yTitle()) for (const axis of spec.axes) if (axis.scale === "y") delete axis.title;
      const holder = element("div");
      const view = new vega.View(vega.parse(spec, themeConfig(), { ast: true }), {
        renderer: "canvas", container: holder, hover: false, tooltip: () => {}, logLevel: vega.Error,
        expr: vegaInterpreter.expressionInterpreter,
      });
      const theme = THEMES[schemeName()];
      for (const name of ["accent", "muted", "note", "paper", "ink"]) {
        if (spec.signals.some((signal) => signal.name === name)) view.signal(name, theme[name]);
      }
      if (this.isTree) view.signal("laneLo", -0.5).signal("laneHi", this.lanes - 0.5);
      view.signal("yTitle", this.yTitle());
      this.size(view);
      await this.feed(view, rows);
      if (turn !== this.turn) {
        view.finalize();
        return;
      }
      if (this.view) this.view.finalize();
      this.view = view;
      this.live.replaceChildren(holder);
      this.resizer.observe(this.live);
    }

    /* The title of the y axis, unless the figure's title just above says the same. */
    yTitle() {
      const above = this.figure.querySelector(".rs-chart-title"), title = String(this.model.y || "");
      return above && above.textContent.trim().toLowerCase() === title.toLowerCase() ? "" : title;
    }

    size(view) {
      view.width(Math.max(this.live.clientWidth, 120)).height(Math.max(this.live.clientHeight, 80));
    }

    resize() {
      if (!this.view || !this.live.clientWidth) return;
      this.size(this.view);
      this.update();
    }

    feed(view, rows) {
      const [lo, hi] = this.range();
      view.signal("xLo", lo).signal("xHi", hi);
      view.signal("xTitle", this.column() === "h" ? "hours" : "timesteps");
      for (const name of Object.keys(rows)) {
        if (this.sources(name)) view.change(name, vega.changeset().remove(vega.truthy).insert(rows[name]));
      }
      return view.runAsync();
    }

    sources(name) { return window.runsumCharts[this.model.kind].data.some((data) => data.name === name); }

    update() {
      if (!this.view) return;
      this.prepare();
      this.feed(this.view, this.rows());
      if (this.reset) this.reset.hidden = !this.zoom;
      this.canvas.classList.toggle("rs-zoomed", Boolean(this.zoom));
    }

    /* Draws again from the start, with another theme or another scale. */
    repaint() {
      this.paintLegend();
      this.build().catch((error) => {
        this.finalize();
        window.runsum.failed(this.figure, error);
      });
    }

    finalize() {
      this.turn++;
      this.resizer.disconnect();
      this.figure.classList.remove("rs-drawn");
      if (this.view) this.view.finalize();
      this.view = null;
      this.live.remove();
      if (this.controls) this.controls.remove();
      charts.delete(this);
    }

    // --- zoom

    setZoom(lo, hi) {
      const [first, last] = this.full, least = (last - first) / 2000;
      const span = Math.max(hi - lo, least);
      if (span >= (last - first) * 0.999) this.zoom = null;
      else {
        lo = Math.min(Math.max(lo, first), last - span);
        this.zoom = [lo, lo + span];
      }
      this.update();
    }

    scale(factor, at) {
      const [lo, hi] = this.range(), middle = at === undefined ? (lo + hi) / 2 : at;
      this.setZoom(middle - (middle - lo) * factor, middle + (hi - middle) * factor);
    }

    /* Where the pointer is, in pixels of the plot and in units of x. */
    place(event) {
      const box = this.live.getBoundingClientRect(), origin = this.view.origin(), scale = this.view.scale("x");
      const padding = this.view.padding();
      const left = event.clientX - box.left - origin[0] - padding.left, top = event.clientY - box.top - origin[1] - padding.top;
      return { left, top, x: scale.invert(left), width: scale.range()[1], inside: left >= -4 && left <= scale.range()[1] + 4 };
    }

    addPointer() {
      const canvas = this.canvas;
      let drag = null;
      const brush = element("div", "rs-brush");
      canvas.addEventListener("pointermove", (event) => {
        if (!this.view || event.pointerType === "touch") return;
        const place = this.place(event);
        if (!drag) return this.hover(event, place);
        hideTip();
        if (drag.range) {
          const shift = (drag.left - place.left) / place.width * (drag.range[1] - drag.range[0]);
          this.setZoom(drag.range[0] + shift, drag.range[1] + shift);
        } else {
          const box = canvas.getBoundingClientRect();
          if (!brush.isConnected) canvas.appendChild(brush);
          brush.style.left = Math.min(drag.clientX, event.clientX) - box.left + "px";
          brush.style.width = Math.abs(event.clientX - drag.clientX) + "px";
        }
      });
      canvas.addEventListener("pointerdown", (event) => {
        if (!this.view || this.isTree || event.button !== 0 || event.pointerType === "touch") return;
        const place = this.place(event);
        if (!place.inside) return;
        drag = { left: place.left, x: place.x, clientX: event.clientX, range: this.zoom && this.zoom.slice() };
        canvas.setPointerCapture(event.pointerId);
        event.preventDefault(); // no text selection while dragging
      });
      const drop = (event) => {
        if (!drag) return;
        const start = drag;
        drag = null;
        brush.remove();
        if (event.type !== "pointerup" || start.range || Math.abs(event.clientX - start.clientX) < 6) return;
        const x = this.place(event).x;
        this.setZoom(Math.max(Math.min(start.x, x), this.full[0]), Math.min(Math.max(start.x, x), this.full[1]));
      };
      canvas.addEventListener("pointerup", drop);
      canvas.addEventListener("pointercancel", drop);
      canvas.addEventListener("pointerleave", () => this.leave());
      canvas.addEventListener("click", (event) => { // a tap reads the value; the page keeps scrolling under a finger
        if (this.view && event.pointerType === "touch") this.hover(event, this.place(event));
      });
      canvas.addEventListener("dblclick", () => { if (this.view && this.zoom) this.setZoom(...this.full); });
      canvas.addEventListener("wheel", (event) => {
        if (!this.view || this.isTree || !(event.ctrlKey || event.shiftKey)) return;
        event.preventDefault();
        const turn = event.deltaY || event.deltaX;
        this.scale(Math.exp(Math.max(-1, Math.min(1, turn / 300))), this.place(event).x);
      }, { passive: false });
    }

    // --- reading values

    leave() {
      hideTip();
      if (this.view && !this.isTree) this.view.change("hover", vega.changeset().remove(vega.truthy)).runAsync();
    }

    hover(event, place) {
      if (!place.inside) return this.leave();
      if (this.isTree) return this.hoverTree(event, place);
      const scaleX = this.view.scale("x"), scaleY = this.view.scale("y"), colours = this.colours(), [lo, hi] = this.range();
      let found = this.shown.map((points) => nearest(points.filter((p) => p.x >= lo && p.x <= hi), place.x)).filter(Boolean);
      if (this.model.kind !== "multi" && found.length > 1) {
        const near = (p) => Math.hypot(scaleX(p.x) - place.left, (scaleY(p.y) - place.top) * 1.5);
        found = [found.reduce((best, point) => (near(point) < near(best) ? point : best))];
      }
      if (!found.length) return this.leave();
      if (this.chosen !== null && this.model.kind !== "multi") {
        const point = nearest(this.shown[this.chosen], place.x);
        if (point) found = [point];
      }
      const rows = found.map((point) => ({ x: point.x, y: point.y, c: colours[point.series] }));
      this.view.change("hover", vega.changeset().remove(vega.truthy).insert(rows)).runAsync();
      const marks = this.marks.filter((mark) => place.left >= scaleX(mark.x) - 7 && place.left <= scaleX(mark.x2) + 7);
      showTip(event, this.tipRows(found, marks.slice(0, 4), colours));
    }

    tipRows(found, marks, colours) {
      const rows = [], named = this.series.length > 1, first = found[0];
      for (const point of found) {
        if (named) rows.push({ text: this.series[point.series].name, colour: colours[point.series], strong: true });
        rows.push({ label: named ? "value" : this.model.y || "value",
          text: this.isProgress ? stepText(point.y) : valueText(point.y), strong: !named });
        if (point.recorded !== undefined) rows.push({ label: "unsmoothed", text: valueText(point.recorded) });
      }
      const series = this.series[first.series], lo = own(this.model.lo, first.i), hi = own(this.model.hi, first.i);
      if (isNumber(lo) && isNumber(hi)) rows.push({ label: "band", text: valueText(lo) + " – " + valueText(hi) });
      const t = own(series.t, first.i), h = own(series.h, first.i);
      if (isNumber(t)) rows.push({ label: "timestep", text: stepText(t) });
      if (isNumber(h)) rows.push({ label: "after", text: hoursText(h) });
      for (const { event } of marks) rows.push({ label: own(EVENT_WORDS, event.kind) || "event", text: event.text || "", event: true });
      return rows;
    }

    hoverTree(event, place) {
      const lane = this.view.scale("y").invert(place.top);
      const bar = this.model.bars.find((b) => Math.abs(lane - b.lane) < 0.45 && place.x >= b.from && place.x <= b.to);
      if (!bar) return hideTip();
      const rows = [{ text: bar.label, strong: true }, { label: "run", text: bar.id }, { label: "state", text: bar.state },
        { label: "from", text: stepText(bar.from) }, { label: "to", text: stepText(bar.to) }];
      if (isNumber(bar.reward)) rows.push({ label: "reward", text: valueText(bar.reward) });
      showTip(event, rows);
    }

    // --- controls

    addControls() {
      const box = this.controls = element("div", "rs-controls");
      if (!this.isProgress) {
        if (this.has("t") && this.has("h")) box.appendChild(this.axisChoice());
        box.appendChild(this.smoothing());
        box.appendChild(this.logChoice());
      }
      const zoom = element("span", "rs-zoom");
      const button = (text, label, act) => {
        const node = element("button", "", text, { type: "button", "aria-label": label, title: label });
        node.addEventListener("click", act);
        zoom.appendChild(node);
        return node;
      };
      this.reset = button("reset", "Show the whole range (or double click)", () => this.setZoom(...this.full));
      this.reset.hidden = true;
      button("−", "Zoom out", () => this.scale(1.6));
      button("+", "Zoom in (or drag over a range, or turn the wheel with Ctrl or Shift)", () => this.scale(1 / 1.6));
      box.appendChild(zoom);
      if (this.series.length > 1) box.appendChild(this.legend());
      this.canvas.after(box);
    }

    axisChoice() {
      const box = element("span", "rs-choice", null, { role: "radiogroup", "aria-label": "x axis" });
      const name = "rs-x-" + (Chart.count = (Chart.count || 0) + 1);
      this.radios = ["steps", "hours"].map((mode) => {
        const label = element("label"), input = element("input", "", null, { type: "radio", name });
        input.value = mode;
        input.checked = mode === xMode;
        input.addEventListener("change", () => {
          xMode = mode;
          for (const chart of charts) chart.switchAxis();
        });
        label.append(input, element("span", "", mode));
        box.appendChild(label);
        return input;
      });
      return box;
    }

    switchAxis() {
      for (const radio of this.radios || []) radio.checked = radio.value === xMode;
      if (this.isTree || this.isProgress) return;
      this.zoom = null; // a range of steps is not a range of hours
      this.update();
    }

    smoothing() {
      const label = element("label", "rs-smooth"), input = element("input", "", null, { type: "range", min: 0, max: 0.99, step: 0.01 });
      const shown = element("output");
      input.value = 0;
      input.addEventListener("input", () => {
        this.weight = Number(input.value);
        shown.textContent = this.weight ? this.weight.toFixed(2) : "";
        this.update();
      });
      label.append(element("span", "", "smooth"), input, shown);
      return label;
    }

    logChoice() {
      const label = element("label"), input = element("input", "", null, { type: "checkbox" });
      input.addEventListener("change", () => { this.isLog = input.checked; this.repaint(); });
      label.append(input, element("span", "", "log y"));
      return label;
    }

    legend() {
      const box = element("div", "rs-legend");
      this.chips = this.series.map((series, i) => {
        const chip = element("button", "rs-chip", null, { type: "button", "aria-pressed": "false", title: series.name || "" });
        chip.append(element("i"), element("span", "", series.name || "series " + (i + 1)));
        chip.addEventListener("click", () => {
          this.chosen = this.chosen === i ? null : i;
          this.paintLegend();
          this.update();
        });
        return chip;
      });
      const isContext = (i) => this.model.kind === "group" && !this.series[i].highlight;
      const context = this.chips.filter((_, i) => isContext(i));
      box.append(...this.chips.filter((_, i) => !isContext(i)));
      if (context.length) {
        const more = element("details"), list = element("div", "rs-legend");
        list.append(...context);
        more.append(element("summary", "", context.length + (context.length === 1 ? " other run" : " other runs")), list);
        box.appendChild(more);
      }
      this.paintLegend();
      return box;
    }

    paintLegend() {
      const colours = this.colours();
      (this.chips || []).forEach((chip, i) => {
        chip.firstChild.style.backgroundColor = colours[i];
        chip.setAttribute("aria-pressed", String(this.chosen === i));
      });
    }
  }

  function nearest(points, x) {
    let best = null;
    for (const point of points) if (!best || Math.abs(point.x - x) < Math.abs(best.x - x)) best = point;
    return best;
  }

  /* Makes the y scale logarithmic in a spec; symmetric around zero where values are not all positive. */
  function logScale(spec, rows) {
    const values = [...rows.line, ...rows.raw].map((row) => row.y).concat(rows.band.flatMap((row) => [row.lo, row.hi]));
    const scale = spec.scales.find((s) => s.name === "y");
    const sizes = values.map(Math.abs).filter((value) => value > 0).sort((a, b) => a - b);
    scale.zero = false;
    scale.type = values.every((value) => value > 0) ? "log" : "symlog";
    if (scale.type !== "symlog") return;
    scale.constant = (sizes[Math.floor(sizes.length / 2)] || 1) / 10;
    const first = Math.floor(Math.log10(scale.constant)) + 1, last = Math.floor(Math.log10(sizes[sizes.length - 1] || 1));
    const powers = Array.from({ length: Math.max(last - first + 1, 0) }, (_, k) => Math.pow(10, first + k));
    const ticks = [...powers.map((power) => -power).reverse(), 0, ...powers];
    for (const axis of spec.axes) if (axis.scale === "y" && powers.length) axis.values = ticks;
  }

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
      if (row.colour) line.appendChild(element("i")).style.backgroundColor = row.colour;
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

  window.runsum.Chart = Chart;
  window.runsum.hideTip = hideTip;
})();
