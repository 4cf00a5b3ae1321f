/* What is compared: the state in the address, the chosen runs' data, and how the runs are related.
 *
 * The first of three rooms of the comparison: runsum-compare-data.js, runsum-compare-tables.js, runsum-compare.js.
 */
(function () {
  "use strict";

  const { load, root } = window.runsum;
  const { own } = window.runsum.tools;
  const SLUG = /^[a-z0-9][a-z0-9-]*$/;
  const CHARTS = ["reward", "metric"];

  // ---------------------------------------------------------------- the address

  /* #runs=a,b&metric=kl&x=hours&smooth=0.6&log=1&config=all; what is not said is as on any first visit. */
  function readState(hash) {
    const said = new URLSearchParams(hash.replace(/^#/, "")), list = (name) => (said.get(name) || "").split(",").map((one) => one.trim()).filter(Boolean);
    const smooth = Number(said.get("smooth")), log = list("log");
    return {
      slugs: [...new Set(list("runs"))],
      metric: said.get("metric") || "",
      x: said.get("x") === "hours" ? "hours" : "steps",
      smooth: smooth > 0 ? Math.min(smooth, 0.99) : 0,
      log: CHARTS.filter((chart) => log.includes(chart) || log.includes("1")),
      all: said.get("config") === "all",
    };
  }

  function writeState(state) {
    const parts = [];
    if (state.slugs.length) parts.push("runs=" + state.slugs.map(encodeURIComponent).join(","));
    if (state.metric) parts.push("metric=" + encodeURIComponent(state.metric));
    if (state.x !== "steps") parts.push("x=" + state.x);
    if (state.smooth) parts.push("smooth=" + state.smooth);
    if (state.log.length) parts.push("log=" + (state.log.length === CHARTS.length ? "1" : state.log[0]));
    if (state.all) parts.push("config=all");
    return parts.length ? "#" + parts.join("&") : location.pathname + location.search;
  }

  // ---------------------------------------------------------------- the runs

  const fileOf = (slug, name) => root + "runs/" + slug + "/" + name;
  const pageOf = (slug) => fileOf(slug, "index.html");

  async function loadPart(slug, file, key) {
    if (!own(window.runsumData, key)) await load(fileOf(slug, file));
    return own(window.runsumData, key) || Promise.reject(new Error("no " + key + " in " + file));
  }

  /* Facts and curves of a run, asked for at once; either is null where it cannot be loaded. */
  function loadRun(slug) {
    if (!SLUG.test(slug)) return { slug, facts: Promise.resolve(null), curves: Promise.resolve(null) };
    const part = (file, key) => loadPart(slug, file, key).catch((error) => {
      console.warn("runsum: " + error.message);
      return null;
    });
    return { slug, facts: part("facts.js", "facts/" + slug), curves: part("data.js", slug) };
  }

  /* Gives the runs the names they have on this page: the id, with the source where two runs share it, and besides in
   * what the runs differ. */
  function nameRuns(runs) {
    const differs = (key) => new Set(runs.map((run) => run.facts[key])).size > 1;
    const telling = ["game", "algorithm"].filter(differs);
    for (const run of runs) {
      const facts = run.facts, isTwin = runs.some((other) => other !== run && other.facts.run_id === facts.run_id);
      run.name = facts.run_id + (isTwin ? " (" + facts.source + ")" : "");
      const said = telling.map((key) => facts[key] || "unknown " + key);
      if (!said.length && facts.label !== facts.run_id) said.push(facts.label);
      run.about = said.join(" · ");
      run.whole = [facts.label, facts.env_id, facts.algorithm, facts.source].filter(Boolean).join(" · ");
    }
  }

  // ---------------------------------------------------------------- how they are related

  function joined(runs) {
    if (runs.length > 6) return runs.length + " of the runs";
    const names = runs.map((run) => run.name);
    return names.length < 2 ? names.join("") : names.slice(0, -1).join(", ") + " and " + names[names.length - 1];
  }

  function groupBy(items, keyOf) {
    const groups = new Map();
    for (const item of items) {
      const key = keyOf(item);
      if (key === null || key === undefined) continue;
      if (!groups.has(key)) groups.set(key, []);
      groups.get(key).push(item);
    }
    return groups;
  }

  /* Sentences about runs of one tree: who continues whom, as far as the chosen runs show it. */
  function treeSentences(runs, bySlug) {
    const said = [];
    let ties = 0;
    for (const [parent, children] of groupBy(runs, (run) => run.facts.kin.parent)) {
      const chosen = bySlug.get(parent), name = chosen ? chosen.name : children[0].facts.kin.parent_run_id;
      ties += children.length - (chosen ? 0 : 1);
      const both = children.length === 2 ? " both continue " : " all continue ";
      if (children.length > 1) said.push(joined(children) + both + name + ".");
      else if (chosen) said.push(children[0].name + " continues " + name + ".");
    }
    for (const run of runs) {
      const above = run.facts.kin.ancestors, at = above.findIndex((slug) => bySlug.has(slug));
      if (at < 1) continue;
      ties++;
      said.push(run.name + " goes back to " + bySlug.get(above[at]).name + "; " + at + (at === 1 ? " run lies" : " runs lie") + " between them.");
    }
    if (ties < runs.length - 1) said.unshift(joined(runs) + " are legs of one lineage.");
    return said;
  }

  /* How the chosen runs are related: sentences, each with a link where there is a page that says more. */
  function relations(runs) {
    if (runs.length < 2) return [];
    const bySlug = new Map(runs.map((run) => [run.slug, run])), found = [], related = new Set();
    for (const [lineage, members] of groupBy(runs, (run) => run.facts.kin.lineage)) {
      if (members.length < 2) continue;
      for (const run of members) related.add(run);
      const href = root + "lineages/" + lineage + "/index.html";
      found.push({ text: treeSentences(members, bySlug).join(" "), link: "the lineage of " + members[0].facts.kin.root, href });
    }
    const alone = runs.filter((run) => !related.has(run));
    if (alone.length === runs.length) found.push({ text: "No lineage relation is recorded between " + (runs.length === 2 ? joined(runs) : "these runs") + "." });
    else if (alone.length) found.push({ text: "Nothing on record relates " + joined(alone) + " to the other runs here." });
    return found.concat(repetitions(runs));
  }

  /* Runs of equal settings: they differ in the seed at most. */
  function repetitions(runs) {
    const settings = ({ facts }) => {
      const rest = Object.entries(facts.config).filter(([key]) => key !== "seed");
      return rest.length ? JSON.stringify([facts.env_id, facts.algorithm, rest]) : null;
    };
    const found = [];
    for (const equal of groupBy(runs, settings).values()) {
      if (equal.length < 2) continue;
      const seeds = equal.map((run) => own(run.facts.config, "seed")), distinct = [...new Set(seeds)].filter(Boolean);
      const told = distinct.length <= 6 ? " (" + distinct.join(", ") + ")" : "";
      const rest = distinct.length > 1 ? "; only the seed differs" + told
        : distinct.length && !seeds.includes(undefined) ? ", the seed included" + told : "; no seed is recorded" + (distinct.length ? " for all of them" : "");
      found.push({ text: joined(equal) + " have the same configuration" + rest + "." });
    }
    return found;
  }

  window.runsum.compare = { readState, writeState, loadRun, nameRuns, relations, pageOf, joined };
})();
