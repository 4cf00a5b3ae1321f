/* What a reader does with a chart: reading values, dragging and zooming, the controls and the legend below it.
 *
 * These are methods of the Chart of runsum-chart.js.
 */
(function () {
  "use strict";

  const Chart = window.runsum.Chart, charts = window.runsum.charts;
  const {
    EVENT_WORDS, isNumber, own, element, valueText, stepText, hoursText, nearest, paintSwatch, showTip, hideTip,
  } = window.runsum.tools;
  let choices = 0; // of an x axis so far: each needs a name of its own

  Object.assign(Chart.prototype, {
    // --- the pointer

    /* Where the pointer is, in pixels of the plot and in units of x. */
    place(event) {
      const box = this.live.getBoundingClientRect(), origin = this.view.origin(), scale = this.view.scale("x");
      const padding = this.view.padding();
      const left = event.clientX - box.left - origin[0] - padding.left, top = event.clientY - box.top - origin[1] - padding.top;
      return { left, top, x: scale.invert(left), width: scale.range()[1], inside: left >= -4 && left <= scale.range()[1] + 4 };
    },

    addPointer() {
      const canvas = this.canvas;
      let drag = null;
      const isHeld = (event) => drag && event.pointerId === drag.pointer;
      const brush = element("div", "rs-brush");
      canvas.addEventListener("pointermove", (event) => {
        if (!this.view || (event.pointerType === "touch" && !isHeld(event))) return;
        const place = this.place(event);
        if (!isHeld(event)) return this.hover(event, place);
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
        if (!this.view || this.isTree || event.button !== 0 || !event.isPrimary) return;
        if (event.pointerType === "touch" && !this.zoom) return; // a finger scrolls the page; sideways it moves what is zoomed
        const place = this.place(event);
        if (!place.inside) return;
        drag = { pointer: event.pointerId, left: place.left, x: place.x, clientX: event.clientX, range: this.zoom && this.zoom.slice() };
        canvas.setPointerCapture(event.pointerId);
        event.preventDefault(); // no text selection while dragging
      });
      const drop = (event) => {
        if (!isHeld(event)) return;
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
    },

    // --- reading values

    leave() {
      hideTip();
      if (this.view && !this.isTree) this.view.change("hover", vega.changeset().remove(vega.truthy)).runAsync();
    },

    hover(event, place) {
      if (!place.inside) return this.leave();
      if (this.isTree) return this.hoverTree(event, place);
      const scaleX = this.view.scale("x"), scaleY = this.view.scale("y"), colours = this.colours(), [lo, hi] = this.range();
      const seen = (points) => points.filter((p) => p.x >= lo && p.x <= hi), offset = (p) => Math.abs(scaleY(p.y) - place.top);
      let found = this.shown.map((points) => nearest(seen(points), place.x)).filter(Boolean);
      if (this.isCompare) found = found.filter((point) => this.reaches(point, place.x));
      if (!this.readsAll && found.length > 1) {
        const near = (p) => Math.hypot(scaleX(p.x) - place.left, (scaleY(p.y) - place.top) * 1.5);
        found = [found.reduce((best, point) => (near(point) < near(best) ? point : best))];
      }
      if (!found.length) return this.leave();
      if (this.chosen !== null && !this.readsAll) {
        const point = nearest(this.shown[this.chosen], place.x);
        if (point) found = [point];
      }
      const near = found.reduce((best, point) => (offset(point) < offset(best) ? point : best));
      if (this.readsAll) found = found.map((point) => nearest(seen(this.shown[point.series]), near.x)); // of one timestep, if they can
      const rows = found.map((point) => ({ x: point.x, y: point.y, c: colours[point.series] }));
      this.view.change("hover", vega.changeset().remove(vega.truthy).insert(rows)).runAsync();
      const marks = this.marks.filter((mark) => place.left >= scaleX(mark.x) - 7 && place.left <= scaleX(mark.x2) + 7);
      showTip(event, this.isCompare ? this.compareRows(found, near.series, colours) : this.tipRows(found, marks.slice(0, 4), colours));
    },

    /* Whether a line has a value at x, or at least very near to it: a run that ended long before says nothing here. */
    reaches(point, x) {
      const points = this.shown[point.series], [lo, hi] = this.range();
      const inside = x >= points[0].x && x <= points[points.length - 1].x;
      return inside || Math.abs(point.x - x) <= (hi - lo) * 0.02;
    },

    /* The values of all lines, highest first, and the place of the one nearest to the pointer; a value of another place
     * says which. */
    compareRows(found, nearest, colours) {
      const near = found.find((point) => point.series === nearest), isHours = this.column() === "h";
      const axis = isHours ? "h" : "t", other = isHours ? "t" : "h";
      const rows = [...found].sort((a, b) => b.y - a.y).map((point) => ({
        label: this.series[point.series].short, text: valueText(point.y) + this.elsewhere(point, near), colour: colours[point.series],
        dash: this.dash(point.series), strong: point === near,
      }));
      const isShared = found.every((point) => this.placeText(point, other) === this.placeText(near, other));
      return rows.concat(this.placeRow(near, axis), this.placeRow(near, other, isShared ? "" : " (" + this.series[near.series].short + ")"));
    },

    placeText({ series, i }, column) {
      const value = own(this.series[series][column], i);
      return !isNumber(value) ? "" : column === "h" ? hoursText(value) : stepText(value);
    },

    placeRow(point, column, whose = "") {
      const text = this.placeText(point, column);
      return text ? [{ label: column === "h" ? "after" : "timestep", text: text + whose }] : [];
    },

    /* Where a point is, if it is not where another one is. */
    elsewhere(point, other) {
      const at = this.placeText(point, this.column());
      return at === this.placeText(other, this.column()) ? "" : " at " + at;
    },

    tipRows(found, marks, colours) {
      const rows = [], named = this.series.length > 1, first = found[0];
      for (const point of found) {
        if (named) rows.push({ text: this.series[point.series].name, colour: colours[point.series], strong: true });
        rows.push({ label: named ? "value" : this.model.y || "value",
          text: (this.isProgress ? stepText(point.y) : valueText(point.y)) + this.elsewhere(point, first), strong: !named });
        if (point.recorded !== undefined) rows.push({ label: "unsmoothed", text: valueText(point.recorded) });
      }
      const lo = own(this.model.lo, first.i), hi = own(this.model.hi, first.i);
      if (isNumber(lo) && isNumber(hi)) rows.push({ label: "band", text: valueText(lo) + " – " + valueText(hi) });
      rows.push(...this.placeRow(first, "t"), ...this.placeRow(first, "h"));
      for (const { event } of marks) rows.push({ label: own(EVENT_WORDS, event.kind) || "event", text: event.text || "", event: true });
      return rows;
    },

    hoverTree(event, place) {
      const lane = this.view.scale("y").invert(place.top);
      const bar = this.model.bars.find((b) => Math.abs(lane - b.lane) < 0.45 && place.x >= b.from && place.x <= b.to);
      if (!bar) return hideTip();
      const rows = [{ text: bar.label, strong: true }, { label: "run", text: bar.id }, { label: "state", text: bar.state },
        { label: "from", text: stepText(bar.from) }, { label: "to", text: stepText(bar.to) }];
      if (isNumber(bar.reward)) rows.push({ label: "reward", text: valueText(bar.reward) });
      showTip(event, rows);
    },

    // --- controls

    addControls() {
      const [what] = (this.canvas.getAttribute("aria-label") || "").split(":"); // of many charts: whose "log y" is it?
      const box = this.controls = element("div", "rs-controls", null, { role: "group", "aria-label": "View of " + (what || "the chart") });
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
      this.movers = [
        button("‹", "Move to the left (or drag)", () => this.move(-0.5)),
        button("›", "Move to the right (or drag)", () => this.move(0.5)),
      ];
      button("−", "Zoom out", () => this.scale(1.6));
      button("+", "Zoom in (or drag over a range, or turn the wheel with Ctrl or Shift)", () => this.scale(1 / 1.6));
      this.showZoom();
      box.appendChild(zoom);
      if (this.series.length > 1 && this.model.legend !== false) box.appendChild(this.legend());
      this.canvas.after(box);
    },

    /* Shows the buttons that a part in view needs; where they leave, the keyboard stays at the chart. */
    showZoom() {
      this.canvas.classList.toggle("rs-zoomed", Boolean(this.zoom));
      if (!this.controls) return;
      const extra = [this.reset, ...this.movers], isLost = !this.zoom && extra.includes(document.activeElement);
      if (isLost) this.movers[1].nextSibling.focus({ preventScroll: true });
      for (const node of extra) node.hidden = !this.zoom;
    },

    axisChoice() {
      const box = element("span", "rs-choice", null, { role: "radiogroup", "aria-label": "x axis" });
      const name = "rs-x-" + ++choices;
      this.radios = ["steps", "hours"].map((mode) => {
        const label = element("label"), input = element("input", "", null, { type: "radio", name });
        input.value = mode;
        input.checked = mode === Chart.xMode;
        input.addEventListener("change", () => {
          Chart.xMode = mode;
          for (const chart of charts) chart.switchAxis();
          this.tell();
        });
        label.append(input, element("span", "", mode));
        box.appendChild(label);
        return input;
      });
      return box;
    },

    switchAxis() {
      for (const radio of this.radios || []) radio.checked = radio.value === Chart.xMode;
      if (this.isTree || this.isProgress) return;
      this.zoom = null; // a range of steps is not a range of hours
      this.update();
    },

    /* Lets the page know that a reader changed the view. */
    tell() { this.figure.dispatchEvent(new CustomEvent("rs-view", { bubbles: true, detail: this })); },

    /* Takes over how another chart of the page is smoothed, and which line stands out there. */
    adopt({ weight, chosen }) {
      if (weight === this.weight && chosen === this.chosen) return;
      Object.assign(this, { weight, chosen });
      this.showWeight();
      this.paintLegend();
      this.update();
    },

    showWeight() {
      this.slider.value = this.weight;
      this.slider.nextSibling.textContent = this.weight ? this.weight.toFixed(2) : "";
    },

    smoothing() {
      const label = element("label", "rs-smooth"), input = element("input", "", null, { type: "range", min: 0, max: 0.99, step: 0.01 });
      input.addEventListener("input", () => {
        this.weight = Number(input.value);
        this.showWeight();
        this.update();
        this.tell();
      });
      label.append(element("span", "", "smooth"), input, element("output"));
      this.slider = input;
      this.showWeight();
      return label;
    },

    logChoice() {
      const label = element("label"), input = element("input", "", null, { type: "checkbox" });
      input.checked = this.isLog;
      input.addEventListener("change", () => {
        this.isLog = input.checked;
        this.repaint();
        this.tell();
      });
      label.append(input, element("span", "", "log y"));
      return label;
    },

    legend() {
      const box = element("div", "rs-legend");
      this.chips = this.series.map((series, i) => {
        const chip = element("button", "rs-chip", null, { type: "button", "aria-pressed": "false", title: series.name || "" });
        chip.append(element("i"), element("span", "", series.name || "series " + (i + 1)));
        chip.addEventListener("click", () => {
          this.chosen = this.chosen === i ? null : i;
          this.paintLegend();
          this.update();
          this.tell();
        });
        return chip;
      });
      const isContext = (i) => this.hasContext && !this.series[i].highlight;
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
    },

    paintLegend() {
      const colours = this.colours();
      (this.chips || []).forEach((chip, i) => {
        paintSwatch(chip.firstChild, colours[i], this.dash(i));
        chip.setAttribute("aria-pressed", String(this.chosen === i));
      });
    },
  });
})();
