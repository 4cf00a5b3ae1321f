/* Finds a page's charts and tools and has them begin. No framework, no eval, no fetch: works from file://.
 *
 * A figure, or the head of its page, says where its data is (data-src, data-key, data-chart). Beside this script lie charts.js, Vega and one spec
 * per kind of chart, and drawing.js, the rooms that draw; both wait until a chart is near. Until then, and when drawing
 * fails, the static curve in the page stays. Which rooms a script is made of is said in generator/runsum/site/assets.py.
 *
 * A tool is a part of a page that needs scripts of its own (data-tool): the table of all runs, the comparison. Without
 * them its content is what stands in the page.
 */
(function () {
  "use strict";
  if (window.runsum) return;

  const CHARTS = ["charts.js", "drawing.js"];
  const TOOLS = { // of each tool: its scripts, of which the last puts its beginning into window.runsum.begin; its styles
    finder: { scripts: ["finder.js"], styles: ["finder.css"] },
    compare: { scripts: ["drawing.js", "compare.js"], styles: ["compare.css"] },
  };
  const NEAR = 300; // pixels outside of the window
  const base = new URL(".", document.currentScript.src).href;
  const charts = new Set();
  const loads = new Map();
  const own = (object, key) => (object && Object.prototype.hasOwnProperty.call(object, key) ? object[key] : undefined);
  const hideTip = () => { if (window.runsum.hideTip) window.runsum.hideTip(); };

  function load(url, isAlone = true) {
    if (!loads.has(url)) {
      loads.set(url, new Promise((resolve, reject) => {
        const script = document.createElement("script");
        script.src = url;
        script.async = isAlone; // the others run in the order in which they were asked for
        script.onload = resolve;
        script.onerror = () => { loads.delete(url); reject(new Error("could not load " + url)); };
        document.head.appendChild(script);
      }));
    }
    return loads.get(url);
  }

  /* A style that does not come leaves a page that works. */
  function loadStyle(file) {
    return new Promise((resolve) => {
      const link = document.createElement("link");
      link.rel = "stylesheet";
      link.href = base + file;
      link.onload = link.onerror = resolve;
      document.head.appendChild(link);
    });
  }

  const loadAll = (scripts) => Promise.all(scripts.map((script) => load(base + script, false)));
  const loadChartTools = () => loadAll(CHARTS);

  /* Begins a tool; what stands in its place in the page stays when that fails. */
  async function beginTool(node) {
    const name = node.dataset.tool;
    try {
      if (!own(TOOLS, name)) throw new Error("no tool " + name);
      const { scripts, styles } = TOOLS[name], loading = [loadAll(scripts), ...styles.map(loadStyle)];
      if (node.dataset.src) load(new URL(node.dataset.src, document.baseURI).href).catch(() => {}); // on its way meanwhile
      if (name === "compare" && location.hash) loadChartTools().catch(() => {}); // as well: runs are chosen already
      await Promise.all(loading);
      if (!node.isConnected) return;
      await window.runsum.begin[name](node);
      node.dataset.ready = "";
    } catch (error) {
      console.warn("runsum: " + name + " did not begin:", error);
      node.classList.add("rs-tool-failed");
      withoutScript(node);
    }
  }

  /* Shows what stands beside a tool for browsers without scripts. Until then it is text: it costs no layout. */
  function withoutScript(node) {
    for (const kept of node.parentNode.querySelectorAll("noscript.rs-fallback")) {
      const shown = document.createElement("div");
      shown.className = kept.className;
      shown.innerHTML = kept.textContent; // of the page itself, as the browser would have read it
      kept.replaceWith(shown);
    }
  }

  /* Says below a chart that it could not be drawn. */
  function failed(figure, error) {
    console.warn("runsum: chart not drawn:", error);
    if (figure.querySelector(".rs-chart-note")) return;
    const note = document.createElement("p"), outline = figure.querySelector(".rs-static");
    note.className = "rs-chart-note";
    note.textContent = "The interactive chart could not be drawn" + (outline ? "; this is its outline." : ".");
    figure.appendChild(note);
  }

  /* Where the data of a figure is: the figure says so, or the head of its page for all of them. */
  const sourceOf = (figure) => (figure.dataset.src ? figure : document.querySelector(".rs-head[data-src]")).dataset;

  async function draw(figure) {
    try {
      const id = figure.dataset.chart, { src, key } = sourceOf(figure);
      const held = () => own(window.runsumData, key);
      const data = held() ? null : load(new URL(src, document.baseURI).href);
      await Promise.all([loadChartTools(), data]);
      const model = window.runsum.tools.modelOf(held(), id);
      if (!model || !own(window.runsumCharts, model.kind)) throw new Error("no chart " + id + " in " + key);
      if (!figure.isConnected) return;
      const chart = new window.runsum.Chart(figure, model, held().events);
      charts.add(chart);
      chart.repaint();
    } catch (error) {
      failed(figure, error);
    }
  }

  const watcher = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      if (!entry.isIntersecting) continue;
      watcher.unobserve(entry.target);
      draw(entry.target);
    }
  }, { rootMargin: NEAR + "px" });

  /* Has a figure drawn now if it is near, else when it comes near. Asking for its place now is much sooner than the
   * watcher's first answer, which waits for the page's first frame; but it costs, so it is asked of one figure only. */
  function watch(figure, place) {
    figure.setAttribute("data-rs-seen", "");
    const box = place === 0 && figure.getBoundingClientRect();
    if (box && box.height && box.top < window.innerHeight + NEAR && box.bottom > -NEAR) draw(figure);
    else watcher.observe(figure);
  }

  function tellAges() {
    const units = [["year", 31557600], ["month", 2629800], ["day", 86400], ["hour", 3600], ["minute", 60]];
    const words = new Intl.RelativeTimeFormat("en", { numeric: "always" });
    for (const node of document.querySelectorAll("time.rs-time[datetime]")) {
      const age = (Date.now() - Date.parse(node.getAttribute("datetime"))) / 1000;
      const unit = units.find(([, seconds]) => Math.abs(age) >= seconds);
      if (isFinite(age)) node.title = unit ? words.format(-Math.trunc(age / unit[1]), unit[0]) : "just now";
    }
  }

  let telling = 0;

  /* A new page: with instant navigation the old one's figures are gone, and their views must go too. */
  function start() {
    hideTip();
    for (const chart of [...charts]) if (!chart.figure.isConnected) chart.finalize();
    document.querySelectorAll("figure.rs-chart[data-chart]:not([data-rs-seen])").forEach(watch);
    for (const node of document.querySelectorAll("[data-tool]:not([data-rs-seen])")) {
      node.setAttribute("data-rs-seen", "");
      beginTool(node);
    }
    clearTimeout(telling);
    telling = setTimeout(tellAges, 500); // after what a reader waits for
  }

  function begin() {
    new MutationObserver(() => {
      for (const chart of charts) {
        if (chart.scheme !== document.body.getAttribute("data-md-color-scheme")) chart.repaint();
      }
    }).observe(document.body, { attributes: true, attributeFilter: ["data-md-color-scheme"] });
    window.addEventListener("scroll", hideTip, { passive: true });
    if (window.document$ && window.document$.subscribe) window.document$.subscribe(start);
    start();
  }

  /* What is in the page already need not wait for the theme's script, which runs at its end. */
  function beginEarly() {
    if (document.readyState !== "loading") return;
    start();
    requestAnimationFrame(beginEarly);
  }

  window.runsum = {
    charts, failed, load, loadChartTools, begin: {},
    root: new URL("../../", base).href, // of the site, wherever it lies
  };
  if (document.readyState === "loading") {
    document.addEventListener("DOMContentLoaded", begin);
    beginEarly();
  } else begin();
})();
