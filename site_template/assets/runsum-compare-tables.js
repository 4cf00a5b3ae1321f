/* The tables of the comparison: outcomes with the best of each row marked, and the settings that differ. */
(function () {
  "use strict";

  const { element, own, paintSwatch, THEMES, DASHES, schemeName } = window.runsum.tools;
  const { pageOf, joined } = window.runsum.compare;

  const missing = (words) => element("span", "rs-missing", words);

  /* The piece of line by which a run is known on this page. */
  function swatch(run) {
    const colours = THEMES[schemeName()].series, node = element("i", "rs-swatch", null, { "aria-hidden": "true" });
    paintSwatch(node, colours[run.slot % colours.length], DASHES[Math.floor(run.slot / colours.length) % DASHES.length]);
    return node;
  }

  function head(table, runs) {
    const row = element("tr");
    row.append(element("td"), ...runs.map((run) => {
      const cell = element("th", "", null, { scope: "col" }), name = element("span");
      name.append(swatch(run), element("a", "", run.name, { href: pageOf(run.slug), title: run.whole }));
      cell.append(name);
      if (run.about) cell.append(element("small", "", run.about));
      return cell;
    }));
    table.tHead.replaceChildren(row);
  }

  // ---------------------------------------------------------------- outcomes

  const same = (runs, valueOf) => new Set(runs.map(valueOf)).size < 2;
  const value = (run, name) => (own(run.facts.outcomes, name) || [null])[0];

  /* Which kinds of rows have a best among these runs, and why the others have none. */
  function judge(runs) {
    const why = [], environment = (run) => run.facts.env_id;
    let reward = true, milestone = true;
    const nameless = runs.filter((run) => !environment(run)), lost = runs.filter((run) => run.facts.lost_rewards);
    if (nameless.length) why.push("The environment of " + joined(nameless) + " is not recorded, so no reward is marked as the best.");
    else if (!same(runs, environment)) why.push("The runs are of different environments, whose rewards cannot be compared: no reward is marked as the best.");
    else if (!same(runs, (run) => run.facts.rewarded)) why.push("The runs were rewarded for different things, as their settings say, so their rewards are different units: no reward is marked as the best.");
    if (lost.length) why.push("Rewards of 1000 and more were not stored for " + joined(lost) + ", so no reward is marked as the best.");
    if (why.length) reward = milestone = false;
    else {
      const planned = runs.filter((run) => value(run, "target") !== null);
      milestone = same(planned, (run) => run.facts.start_timestep + " " + value(run, "target"));
      if (!milestone) why.push("The runs do not begin and end at the same steps, so a share of the target is another timestep in each: rewards at 10 to 100 % are not marked.");
    }
    const early = runs.filter((run) => run.facts.best_early);
    if (early.length) why.push("The best mean reward of " + joined(early) + " is a mean of fewer than 100 episodes.");
    return { reward, milestone, high: true, why };
  }

  /* The runs with the largest value; none where all are equal, or only one has a value. Values that read the same count
   * as equal: a difference below what is printed is none to a reader. */
  function bestOf(runs, name) {
    const known = runs.filter((run) => value(run, name) !== null);
    if (known.length < 2) return [];
    const text = (run) => run.facts.outcomes[name][1];
    const top = known.reduce((best, run) => (value(run, name) > value(best, name) ? run : best));
    const best = known.filter((run) => text(run) === text(top));
    return best.length < known.length ? best : [];
  }

  function outcomeCell(run, name, isBest) {
    const entry = own(run.facts.outcomes, name), cell = element("td", "rs-num");
    if (!entry || entry[0] === null) cell.append(missing(entry ? entry[1] : "not recorded"));
    else if (isBest) cell.append(element("span", "rs-best", "best"), " ", element("strong", "", entry[1]));
    else cell.append(entry[1]);
    return cell;
  }

  const statesOf = (tool) => (state) => tool.getAttribute("data-label-" + state) || state;

  function badge(state, word) { return element("span", "rs-badge rs-state-" + state, word); }

  /* Rows that are words, not numbers. */
  function wordRows(runs, wordOf) {
    const row = (title, cellOf) => {
      const line = element("tr", "rs-said");
      line.append(element("th", "", title, { scope: "row" }), ...runs.map((run) => {
        const cell = element("td", "rs-num"), said = cellOf(run);
        cell.append(said === null ? missing("not recorded") : said);
        return cell;
      }));
      return line;
    };
    return [
      row("State", (run) => badge(run.facts.state, wordOf(run.facts.state))),
      row("Verdict", (run) => run.facts.verdict),
      row("Started", (run) => run.facts.started_at && run.facts.started_at[1]),
    ];
  }

  function outcomes(tool, runs) {
    const table = tool.querySelector(".rs-compare-outcomes"), why = tool.querySelector(".rs-compare-why"), unknown = [];
    const verdict = judge(runs);
    head(table, runs);
    for (const row of table.querySelectorAll("tbody tr.rs-said")) row.remove();
    table.tBodies[0].prepend(...wordRows(runs, statesOf(tool)));
    for (const row of table.querySelectorAll("tr[data-row]")) {
      const name = row.dataset.row, better = row.dataset.better, title = row.cells[0];
      const best = own(verdict, better) ? bestOf(runs, name) : [];
      row.replaceChildren(title, ...runs.map((run) => outcomeCell(run, name, best.includes(run))));
      row.hidden = !runs.some((run) => own(run.facts.outcomes, name));
      if (row.hidden) unknown.push(title.textContent);
    }
    const said = runs.length > 1 ? verdict.why : [];
    if (unknown.length) said.push("Recorded for none of them: " + unknown.join(", ") + ".");
    why.replaceChildren(...said.map((text) => element("p", "rs-muted", text)));
  }

  // ---------------------------------------------------------------- settings

  function settings(tool, runs, isAll) {
    const table = tool.querySelector(".rs-compare-settings"), [box, note] = [".rs-compare-toggle input", ".rs-compare-toggle .rs-muted"].map((one) => tool.querySelector(one));
    const told = runs.filter((run) => Object.keys(run.facts.config).length), keys = [...new Set(told.flatMap((run) => Object.keys(run.facts.config)))].sort();
    const differing = keys.filter((key) => !same(told, (run) => own(run.facts.config, key)));
    const shown = isAll || runs.length < 2 ? keys : differing;
    head(table, runs);
    for (const body of [...table.tBodies]) body.remove();
    table.append(...sections(shown).map(([section, names]) => {
      const body = element("tbody");
      if (section) body.append(sectionRow(section, runs.length));
      body.append(...names.map((key) => settingRow(key, key.slice(section ? section.length + 1 : 0), runs, told, isAll && runs.length > 1 && differing.includes(key))));
      return body;
    }));
    box.checked = isAll;
    box.closest("label").hidden = told.length < 2 || !keys.length;
    table.parentNode.hidden = !shown.length;
    note.textContent = settingsNote(runs, told, keys.length, differing.length);
  }

  /* Keys by the section that their name begins with, those without one first. */
  function sections(keys) {
    const found = new Map([["", []]]);
    for (const key of keys) {
      const section = key.slice(0, Math.max(key.lastIndexOf("."), 0));
      if (!found.has(section)) found.set(section, []);
      found.get(section).push(key);
    }
    return [...found].filter(([, names]) => names.length);
  }

  function sectionRow(section, columns) {
    const row = element("tr", "rs-section");
    row.append(element("th", "", section, { scope: "rowgroup" }), element("td", "", null, { colspan: columns }));
    return row;
  }

  function settingRow(key, name, runs, told, differs) {
    const row = element("tr", differs ? "rs-differs" : "");
    row.append(element("th", "", name, { scope: "row", title: key }), ...runs.map((run) => {
      const cell = element("td"), text = own(run.facts.config, key);
      if (!told.includes(run)) cell.append(missing("not recorded"));
      else cell.append(text === undefined ? missing("not set") : element("span", "", text, text.length > 20 ? { title: text } : {}));
      return cell;
    }));
    return row;
  }

  function settingsNote(runs, told, count, differing) {
    const silent = runs.filter((run) => !told.includes(run));
    const absent = silent.length ? " No configuration is recorded for " + joined(silent) + "." : "";
    if (!told.length) return "No configuration is recorded.";
    if (told.length < 2) return absent.trim();
    if (!differing) return "All " + count + " settings are equal." + absent;
    return differing + " of " + count + (differing === 1 ? " settings differs." : " settings differ.") + absent;
  }

  // ---------------------------------------------------------------- paper

  const ON_PAPER = 6; // runs that a page is wide enough for

  /* Paper is not scrolled: what a table has of more runs follows below it, in pieces that name their rows again. */
  function splitForPaper(tool) {
    joinAgain(tool); // a browser may ask for a preview twice
    for (const table of tool.querySelectorAll("table.rs-side")) {
      const count = table.tHead.rows.length ? table.tHead.rows[0].cells.length - 1 : 0;
      if (count <= ON_PAPER) continue;
      for (let from = 0; from < count; from += ON_PAPER) table.parentNode.append(pieceOf(table, from + 1, from + ON_PAPER));
    }
  }

  /* A copy of a table with its row headers and the columns from first to last; that of a section has one cell for all. */
  function pieceOf(table, first, last) {
    const piece = table.cloneNode(true);
    piece.classList.add("rs-piece");
    for (const row of piece.rows) {
      [...row.cells].forEach((cell, at) => { if (at && cell.colSpan === 1 && (at < first || at > last)) cell.remove(); });
      for (const cell of row.cells) cell.colSpan = Math.min(cell.colSpan, last - first + 1);
    }
    return piece;
  }

  function joinAgain(tool) { for (const piece of tool.querySelectorAll(".rs-piece")) piece.remove(); }

  Object.assign(window.runsum.compare, { swatch, badge, statesOf, outcomes, settings, splitForPaper, joinAgain });
})();
