/* The page that compares runs: which ones are chosen, their curves over each other, and the state in the address. */
(function () {
  "use strict";

  const { root, load, loadChartTools, charts } = window.runsum;
  const { element, own } = window.runsum.tools;
  const { readState, writeState, loadRun, nameRuns, relations, pageOf, joined, swatch, badge, statesOf, outcomes, settings, splitForPaper, joinAgain } = window.runsum.compare;
  const MEASURED = "measured between rows"; // of the two lines of a throughput, the one that can be compared
  const MACHINE = ["memory", "cpu", "throughput", "gpu", "vram", "temperature", "power", "progress"]; // shown when asked for
  const FOUND = 8; // runs that the search offers at once

  /* What a run gives to a chart; null without it. */
  function modelOf(run, id) {
    const model = window.runsum.tools.modelOf(run.data, id);
    if (!model) return null;
    if (model.kind !== "multi") return model;
    const line = model.series.find((series) => series.name === MEASURED);
    return line ? Object.assign({ y: model.y + ", " + MEASURED }, line) : null;
  }

  class Comparison {
    constructor(tool) {
      this.tool = tool;
      this.find = (selector) => tool.querySelector(selector);
      this.most = Number(tool.dataset.most);
      this.runs = new Map(); // everything that was asked for so far, by slug
      this.drawn = {};
      this.turn = 0;
      this.title = document.title;
      this.choice = this.find("select");
      this.metrics = [...this.choice.options].map((option) => [option.value, option.textContent]);
      this.listen();
    }

    listen() {
      const follow = () => (this.tool.isConnected ? this.follow() : window.removeEventListener("hashchange", follow));
      window.addEventListener("hashchange", follow);
      window.addEventListener("beforeprint", () => splitForPaper(this.tool));
      window.addEventListener("afterprint", () => joinAgain(this.tool));
      this.choice.addEventListener("change", () => {
        this.state.metric = this.choice.value;
        this.keep();
        this.drawMetric();
      });
      this.find(".rs-compare-toggle input").addEventListener("change", (event) => {
        this.state.all = event.target.checked;
        this.keep();
        settings(this.tool, this.present, this.state.all);
      });
      this.tool.addEventListener("rs-view", ({ detail: chart }) => {
        this.state.x = window.runsum.Chart.xMode;
        this.state.smooth = chart.weight;
        this.state.log = ["reward", "metric"].filter((name) => (this.drawn[name] ? this.drawn[name].isLog : this.state.log.includes(name)));
        for (const other of Object.values(this.drawn)) if (other && other !== chart) other.adopt(chart);
        this.keep();
      });
      new MutationObserver(() => { if (this.present) this.showChosen(); this.showTables(); })
        .observe(document.body, { attributes: true, attributeFilter: ["data-md-color-scheme"] });
    }

    keep() { history.replaceState(history.state, "", writeState(this.state)); }

    choose(slugs) {
      this.state.slugs = slugs;
      this.keep();
      return this.show();
    }

    follow() {
      this.state = readState(location.hash);
      return this.show();
    }

    // --- loading and showing

    async show() {
      const turn = ++this.turn, slugs = this.state.slugs.slice(0, this.most);
      const tools = slugs.length ? loadChartTools() : Promise.resolve(); // asked for first: the largest files
      tools.catch(() => {}); // said when the charts are drawn
      for (const slug of slugs) if (!this.runs.has(slug)) this.runs.set(slug, loadRun(slug));
      const asked = slugs.map((slug) => this.runs.get(slug));
      await Promise.all(asked.map(async (run) => { if (typeof run.facts.then === "function") run.facts = await run.facts; }));
      if (turn !== this.turn || !this.tool.isConnected) return;
      this.present = asked.filter((run) => run.facts);
      this.unknown = asked.filter((run) => !run.facts);
      for (const run of this.unknown) this.runs.delete(run.slug); // it may be there at the next try
      this.giveSlots();
      nameRuns(this.present);
      this.showPage();
      await Promise.all(this.present.map(async (run) => { run.data = await run.curves; }));
      if (turn !== this.turn || !this.present.length) return;
      this.say();
      try {
        await tools;
        if (turn === this.turn) await this.drawAll(turn);
      } catch (error) {
        window.runsum.failed(this.find(".rs-compare-reward"), error);
      }
    }

    /* A run keeps its colour while others come and go. */
    giveSlots() {
      const taken = new Set();
      for (const run of this.runs.values()) if (!this.present.includes(run)) delete run.slot;
      for (const run of this.present) if (run.slot !== undefined) taken.add(run.slot);
      for (const run of this.present) {
        if (run.slot !== undefined) continue;
        let free = 0;
        while (taken.has(free)) free++;
        taken.add(run.slot = free);
      }
    }

    showPage() {
      const names = this.present.map((run) => run.name);
      this.find(".rs-compare-empty").hidden = this.present.length > 0;
      this.find(".rs-compare-body").hidden = !this.present.length;
      document.title = names.length ? names.slice(0, 3).join(", ") + (names.length > 3 ? " and " + (names.length - 3) + " more" : "") + " · " + this.title : this.title;
      this.showChosen();
      this.say();
      this.showTables();
    }

    showTables() {
      if (!this.present || !this.present.length) return;
      outcomes(this.tool, this.present);
      settings(this.tool, this.present, this.state.all);
    }

    /* One line for everything that is not as it was asked for, then how the runs are related. */
    say() {
      const lines = [], line = (text, className) => lines.push(element("p", className, text));
      for (const run of this.unknown) line(run.slug + ": no such run in this archive, or its data could not be loaded.", "rs-compare-odd");
      const more = this.state.slugs.length - this.most;
      if (more > 0) line("A comparison takes " + this.most + " runs; the last " + more + (more === 1 ? " is" : " are") + " left out.", "rs-compare-odd");
      if (this.present.length === 1) line("One run alone: add another one to compare it with.", "rs-compare-odd");
      const bare = this.present.filter((run) => run.data === null);
      if (bare.length) line("The curves of " + joined(bare) + " could not be loaded.", "rs-compare-odd");
      for (const { text, link, href } of relations(this.present)) {
        line(text, "rs-compare-kin");
        if (link) lines[lines.length - 1].append(" See ", element("a", "", link, { href }), ".");
      }
      this.find(".rs-compare-said").replaceChildren(...lines);
    }

    // --- which runs

    showChosen() {
      const box = this.find(".rs-compare-chosen"), wordOf = statesOf(this.tool), list = element("ul");
      for (const run of this.present) {
        const item = element("li", "", null, { title: run.whole });
        const drop = element("button", "", "×", { type: "button", "aria-label": "Remove " + run.name + " from the comparison", title: "Remove" });
        drop.addEventListener("click", () => {
          const place = this.present.indexOf(run);
          this.choose(this.state.slugs.filter((slug) => slug !== run.slug)).then(() => {
            const left = this.tool.querySelectorAll(".rs-compare-chosen li button");
            (left[Math.min(place, left.length - 1)] || this.find(".rs-add input")).focus();
          });
        });
        item.append(swatch(run), element("a", "", run.name, { href: pageOf(run.slug) }));
        if (run.about) item.append(element("small", "", run.about));
        item.append(badge(run.facts.state, wordOf(run.facts.state)), drop);
        list.append(item);
      }
      if (!this.adder) this.adder = this.makeAdder();
      this.adder.firstChild.hidden = this.state.slugs.length >= this.most;
      if (!this.adder.isConnected) box.append(element("ul"), this.adder);
      box.querySelector("ul").replaceWith(list);
      box.hidden = false;
    }

    /* A search over all runs; their table is loaded when somebody begins to type. */
    makeAdder() {
      const box = element("div", "rs-add"), list = element("ul", "", null, { id: "rs-add-found", "aria-label": "Runs found" });
      const input = element("input", "", null, { type: "search", placeholder: "Add a run: id, name, game …", "aria-label": "Add a run", "aria-controls": "rs-add-found", autocomplete: "off", spellcheck: "false" });
      const said = element("span", "rs-unseen", null, { role: "status" }); // the list is seen at once, and heard only when it is walked
      const offer = (items) => {
        const count = items.filter((item) => item.firstElementChild).length, words = items.filter((item) => !item.firstElementChild).map((item) => item.textContent);
        list.replaceChildren(...items);
        said.textContent = [...(count ? [count + (count === 1 ? " run found" : " runs found")] : []), ...words].join(", ");
      };
      const close = () => offer([]);
      const find = async () => {
        const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
        if (!words.length) return close();
        const table = await this.loadTable();
        if (!table) return offer([element("li", "rs-muted", "The list of all runs could not be loaded.")]);
        offer(this.searched(table, words, (slug) => {
          input.value = "";
          close();
          input.focus();
          this.choose([...this.state.slugs, slug]).then(() => { if (input.hidden) more.focus(); }); // there is room for no other
        }));
      };
      input.addEventListener("focus", () => this.loadTable());
      input.addEventListener("input", find);
      box.addEventListener("keydown", (event) => this.walk(event, input, list, close));
      box.addEventListener("focusout", (event) => { if (!box.contains(event.relatedTarget)) close(); });
      const more = element("a", "", "choose in the table of all runs", { href: root + "runs/index.html" });
      more.addEventListener("click", () => { more.href = root + "runs/index.html#sel=" + this.state.slugs.join(","); });
      box.append(input, list, said, more);
      return box;
    }

    walk(event, input, list, close) {
      const places = [input, ...list.querySelectorAll("button")], at = places.indexOf(document.activeElement);
      const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      if (event.key === "Escape") { close(); input.focus(); }
      else if (event.key === "Enter" && at === 0 && places[1]) places[1].click();
      else if (step && at >= 0) places[Math.min(Math.max(at + step, 0), places.length - 1)].focus();
      else return;
      event.preventDefault();
    }

    async loadTable() {
      if (this.table) return this.table;
      try {
        await load(root + "data/runs.js");
        this.table = new window.runsum.runs.RunTable(own(window.runsumData, "runs"));
        return this.table;
      } catch (error) {
        console.warn("runsum: " + error.message);
        return null;
      }
    }

    searched(table, words, take) {
      const columns = ["run", "name", "game", "algorithm"].map((name) => table.column(name)).filter(Boolean), found = [];
      let more = 0;
      const text = (row, column) => String(column.at(row) === null ? "" : column.at(row));
      for (let row = 0; row < table.count; row++) {
        const slug = table.slug(row), said = [slug, ...columns.map((column) => text(row, column))];
        const small = said.join(" ").toLowerCase();
        if (this.state.slugs.includes(slug) || !words.every((word) => small.includes(word))) continue;
        if (found.length === FOUND) {
          more++;
          continue;
        }
        const item = element("li"), button = element("button", "", null, { type: "button" });
        button.append(element("b", "", said[1] || slug), " ", element("span", "", said.slice(2).filter((one) => one && one !== said[1]).join(" · ")));
        button.addEventListener("click", () => take(slug));
        item.append(button);
        found.push(item);
      }
      if (more) found.push(element("li", "rs-muted", more.toLocaleString("en-US") + " more: another word narrows them"));
      return found.length ? found : [element("li", "rs-muted", "No other run has these words in its id, name, game or algorithm.")];
    }

    // --- curves

    async drawAll(turn) {
      window.runsum.Chart.xMode = this.state.x;
      this.draw("reward", "reward");
      await new Promise((resolve) => { setTimeout(resolve); }); // the first chart is seen while the second is made
      if (turn !== this.turn) return;
      const offered = this.metrics.map(([id, title]) => ({ id, title, count: this.present.filter((run) => modelOf(run, id)).length })).filter(({ count }) => count);
      const aboutMachine = ({ id }) => MACHINE.includes(id);
      const usual = [...offered.filter((one) => !aboutMachine(one)), ...offered.filter(aboutMachine)].reduce((best, metric) => (!best || metric.count > best.count ? metric : best), null);
      this.usual = usual && usual.id;
      this.choice.replaceChildren(...offered.map(({ id, title, count }) => element("option", "", title + (count < this.present.length ? " (" + count + " of " + this.present.length + " runs)" : ""), { value: id })));
      this.find(".rs-compare-metric").hidden = !usual;
      if (usual) this.drawMetric();
      else this.drop("metric");
    }

    drawMetric() {
      const wanted = [...this.choice.options].some((option) => option.value === this.state.metric);
      this.choice.value = wanted ? this.state.metric : this.usual;
      this.draw("metric", this.choice.value);
      const [, title] = this.metrics.find(([id]) => id === this.state.metric) || [];
      if (title && !wanted) this.find(".rs-compare-metric").append(element("p", "rs-chart-note", title + " is recorded for none of these runs; this is " + this.choice.selectedOptions[0].textContent.toLowerCase() + " instead."));
    }

    drop(place) {
      if (this.drawn[place]) this.drawn[place].finalize();
      this.drawn[place] = null;
    }

    draw(place, id) {
      const figure = this.find(".rs-compare-" + place), models = this.present.map((run) => modelOf(run, id)), first = models.find(Boolean);
      const chosen = (this.drawn.reward || this.drawn.metric || {}).chosen, keeps = place === "metric" && chosen !== undefined;
      this.drop(place);
      for (const old of figure.querySelectorAll(".rs-canvas, .rs-chart-note")) old.remove();
      figure.hidden = !first && place === "metric";
      const without = this.present.filter((run, i) => run.data !== null && !models[i]);
      if (first) this.plot(figure, place, id, models, keeps ? chosen : null);
      if (without.length) figure.append(element("p", "rs-chart-note", (first ? "Not recorded for " + joined(without) : "No rewards are recorded") + "."));
    }

    plot(figure, place, id, models, chosen) {
      const series = this.present.map((run, i) => Object.assign({ t: [], h: [], v: [] }, models[i] && { t: models[i].t, h: models[i].h, s: models[i].s, v: models[i].v }, { name: run.name + (run.about ? " · " + run.about : ""), short: run.name, slot: run.slot }));
      const y = models.find(Boolean).y;
      figure.setAttribute("aria-label", this.words(y, models));
      const chart = new window.runsum.Chart(figure, {
        kind: "compare", y, series, events: false, legend: place === "reward" || !this.drawn.reward,
        view: { weight: this.state.smooth, isLog: this.state.log.includes(place), chosen },
      }, []);
      charts.add(chart);
      this.drawn[place] = chart;
      chart.repaint();
    }

    /* The text alternative of a chart: where each curve begins and ends. */
    words(y, models) {
      const { valueText } = window.runsum.tools;
      const ends = this.present.map((run, i) => {
        const seen = models[i] ? models[i].v.filter((value) => value !== null) : [];
        return seen.length ? run.name + " from " + valueText(seen[0]) + " to " + valueText(seen[seen.length - 1]) : run.name + " not recorded";
      });
      return y + " of " + this.present.length + " runs: " + ends.join("; ");
    }
  }

  window.runsum.begin.compare = (tool) => new Comparison(tool).follow();
})();
