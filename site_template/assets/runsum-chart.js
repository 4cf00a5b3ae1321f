/* One chart: what the columns of a run become on a canvas, and which part of them is in view.
 *
 * What a reader does with it, by pointer, controls and legend, is in runsum-controls.js.
 */
(function () {
  "use strict";

  const charts = window.runsum.charts;
  const {
    THEMES, STATES, DASHES, isNumber, own, schemeName, element, mixed, smoothed, pointsOf, within, dotted, spread, nearest,
    logScale, logTicks, themeConfig,
  } = window.runsum.tools;

  /* The place to draw in, around the static curve. What the figure says of its picture, the place says from then on. */
  function canvasOf(figure) {
    const held = figure.querySelector(".rs-canvas");
    if (held) return held;
    const canvas = element("div", "rs-canvas", null, { role: "img" }), outline = figure.querySelector(".rs-static");
    for (const node of [outline, figure]) {
      if (!node) continue;
      const words = node.getAttribute("aria-label");
      if (words) canvas.setAttribute("aria-label", words);
      node.removeAttribute("role");
      node.removeAttribute("aria-label");
    }
    if (outline) {
      outline.replaceWith(canvas);
      outline.setAttribute("aria-hidden", "true");
      canvas.appendChild(outline);
    } else figure.appendChild(canvas);
    return canvas;
  }

  class Chart {
    constructor(figure, model, events) {
      this.figure = figure;
      this.canvas = canvasOf(figure);
      this.model = model;
      this.isTree = model.kind === "tree";
      this.isProgress = model.kind === "progress";
      this.isCompare = model.kind === "compare";
      this.hasContext = model.kind === "group" || model.kind === "seeds"; // lines that stay grey behind those that matter
      this.readsAll = this.isCompare || model.kind === "multi"; // at the pointer: every line, or the nearest one
      this.series = this.isTree ? [] : model.series || [model];
      this.events = model.events === false || ["lineage", "group", "seeds"].includes(model.kind) ? [] : events || [];
      this.stroke = figure.closest(".rs-panels") ? 1.2 : 1.7;
      this.zoom = null;
      Object.assign(this, { weight: 0, isLog: false, chosen: null }, model.view);
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
      const wanted = Chart.xMode === "hours" ? "h" : "t", other = Chart.xMode === "hours" ? "t" : "h";
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
        if (kind === "compare") return theme.series[series.slot % theme.series.length];
        if (kind !== "group" && kind !== "seeds") return theme.accent;
        if (series.highlight) return theme.series[highlighted++ % theme.series.length];
        return this.chosen === i ? theme.ink : theme.context; // a colour that no other line has
      });
    }

    /* The dashes of a line: in a comparison those of its slot, which it keeps when others come and go. */
    dash(i) {
      const colours = THEMES[schemeName()].series.length;
      return this.isCompare ? DASHES[Math.floor(this.series[i].slot / colours) % DASHES.length] : DASHES[0];
    }

    rows() {
      if (this.isTree) return this.treeRows();
      const theme = THEMES[schemeName()], colours = this.colours(), range = this.range(), group = this.hasContext;
      const order = this.series.map((_, i) => i);
      order.sort((a, b) => (this.rank(a) - this.rank(b)) || a - b); // what matters is drawn last, on top
      const draw = (lists, faint) => order.flatMap((i) => {
        const dimmed = this.chosen !== null && this.chosen !== i, main = !group || this.series[i].highlight;
        const o = (faint ? theme.raw : main || this.chosen === i ? 1 : 0.75) * (dimmed ? 0.25 : 1);
        const c = colours[i], d = this.isCompare ? this.dash(i) : undefined;
        const w = faint ? 1 : this.chosen === i ? 2.4 : main ? this.stroke : 1.1;
        return dotted(within(lists[i], range).map(({ x, y, seg }) => ({ x, y, seg, c, o, w, d })), range);
      });
      const line = draw(this.shown, false);
      return Object.assign({
        line: spread(line.length ? line : this.unseen(range), range),
        raw: this.weight > 0 ? draw(this.points, true) : [],
        band: this.bandRows(range),
        target: isNumber(this.model.target) ? [{ y: this.model.target, text: "planned total" }] : [],
        hover: [],
      }, this.eventRows());
    }

    /* Where no line is in view, as before the first point: one point nearby, unseen, so that the axis has its numbers. */
    unseen([lo]) {
      const point = nearest(this.shown.flat(), lo);
      return point ? [{ x: lo, y: point.y, seg: "unseen", c: "transparent", o: 0, w: 1, d: DASHES[0] }] : [];
    }

    rank(i) { return (this.chosen === i ? 2 : 0) + (this.series[i].highlight ? 1 : 0); }

    /* All values of the y axis, whichever part is in view. */
    values() {
      const band = this.bandRows(this.full).flatMap((row) => [row.lo, row.hi]);
      return this.points.flat().map((point) => point.y).concat(band);
    }

    bandRows(range) {
      const { lo, hi } = this.model;
      if (!["reward", "seeds"].includes(this.model.kind) || !lo || !hi) return [];
      const rows = this.points[0].map(({ x, seg, i }) => ({ x, seg, lo: lo[i], hi: hi[i] }));
      return within(rows.filter((row) => isNumber(row.lo) && isNumber(row.hi)), range);
    }

    eventRows() {
      const column = this.column(), second = column + "2", reward = this.model.kind === "reward";
      const theme = THEMES[schemeName()];
      const spans = [], rules = [], ticks = [], dots = [];
      this.marks = [];
      for (const event of this.events) {
        const x = event[column], x2 = event[second];
        if (!isNumber(x) || (event.chart && event.chart !== this.figure.dataset.chart)) continue;
        const mark = { x, x2: isNumber(x2) ? x2 : x, event };
        const least = (this.full[1] - this.full[0]) / 100, middle = (x + mark.x2) / 2;
        if (event.chart && mark.x2 - x < least) Object.assign(mark, { x: middle - least / 2, x2: middle + least / 2 });
        const shade = event.kind === "finding" ? theme.note : theme.muted;
        if ((event.kind === "gap" || event.chart) && mark.x2 > x) spans.push({ x: mark.x, x2: mark.x2, c: shade });
        else if (event.kind === "gap" || event.chart || event.kind === "restart") rules.push({ x });
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
      if (this.isLog) this.constant = logScale(spec, this.values());
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
      const above = this.figure.querySelector("figcaption, .rs-chart-title"), title = String(this.model.y || "");
      return above && above.textContent.trim().toLowerCase() === title.toLowerCase() ? "" : title;
    }

    size(view) {
      const [width, height] = this.room = [this.live.clientWidth, this.live.clientHeight];
      view.width(Math.max(width, 120)).height(Math.max(height, 80));
    }

    resize() {
      const { clientWidth, clientHeight } = this.live;
      if (!this.view || !clientWidth || (clientWidth === this.room[0] && clientHeight === this.room[1])) return;
      this.size(this.view);
      this.update();
    }

    feed(view, rows) {
      const [lo, hi] = this.range();
      view.signal("xLo", lo).signal("xHi", hi);
      view.signal("xTitle", this.column() === "h" ? "hours" : "timesteps");
      if (this.isLog) view.signal("yTicks", logTicks(rows, this.constant));
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
      this.showZoom();
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

    /* Moves the part in view by a share of its width. */
    move(share) {
      const [lo, hi] = this.range(), by = (hi - lo) * share;
      this.setZoom(lo + by, hi + by);
    }

    scale(factor, at) {
      const [lo, hi] = this.range(), middle = at === undefined ? (lo + hi) / 2 : at;
      this.setZoom(middle - (middle - lo) * factor, middle + (hi - middle) * factor);
    }
  }

  Chart.xMode = "steps"; // one choice for all charts of the page, so that they can be compared
  window.runsum.Chart = Chart;
})();
