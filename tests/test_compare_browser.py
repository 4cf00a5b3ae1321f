"""The comparison in a real browser: by address, with its charts, tables, sentences and state."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from runsum.formatting import FILTERS
from runsum.pages.run_layout import FORMATS
from support.browser import COLOURS, visiting
from support.compared import CHILD, FORK, GRANDCHILD, PONG, REPEATED, ROOT, SIBLING, TWIN, Compared
from support.comparing import BOTH_DRAWN, METRIC, REWARD, cells, comparing, from_a_server, reached, said

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser

# The rows behind the lines of a chart: name of the run, first and last x, number of values.
LINES = """place => [...window.runsum.charts].filter((chart) => chart.figure.matches(place))
    .flatMap((chart) => chart.series.map((series, i) => {
        const points = chart.shown[i];
        return [series.short, points.length ? points[0].x : null, points.length ? points[points.length - 1].x : null];
    }))"""


@pytest.fixture(scope="module", params=["http", "file"])
def home(request: pytest.FixtureRequest, compared: Compared) -> Iterator[str]:
    """The archive, each way to it."""
    with reached(compared, request.param) as url:
        yield url


def best(page: Page, name: str) -> list[int]:
    """The columns that are marked as the best of a row."""
    marked = page.locator(f"tr[data-row={name}] > td").evaluate_all(
        "cells => cells.map((cell) => Boolean(cell.querySelector('.rs-best') && cell.querySelector('strong')))"
    )
    return [place for place, is_best in enumerate(marked) if is_best]


# ---------------------------------------------------------------- by address


def test_a_comparison_by_address(browser: Browser, home: str) -> None:
    """Two charts with a line per run, at the timesteps of each, and a title that says what is compared."""
    with comparing(browser, home, f"runs={ROOT},{CHILD},{REPEATED}") as visit:
        page = visit.page
        assert page.locator(f"{REWARD} canvas").evaluate(COLOURS) > 10
        lines = page.evaluate(LINES, REWARD)
        assert [line[0] for line in lines] == [ROOT, CHILD, REPEATED]
        assert lines[0][2] == 198 * 4096
        assert lines[1][1] == FORK + 4096  # a leg keeps its absolute timesteps
        assert page.title().startswith(f"{ROOT}, {CHILD}, {REPEATED} · Compare runs")
        assert page.locator(".rs-compare-empty").is_hidden()
        assert f"{ROOT} from 0.125 to 12.375" in str(page.locator(f"{REWARD} .rs-canvas").get_attribute("aria-label"))
        assert page.locator(".rs-compare-chosen li > a").all_inner_texts() == [ROOT, CHILD, REPEATED]
        assert page.locator(f".rs-compare-chosen a[href$='runs/{CHILD}/index.html']").count() == 1
        assert not visit.errors
        assert not visit.foreign()


def test_values_are_those_of_run_json(browser: Browser, home: str, compared: Compared) -> None:
    """Printed as on the runs' own pages."""
    chosen = [ROOT, GRANDCHILD, PONG]
    with comparing(browser, home, f"runs={','.join(chosen)}") as visit:
        summaries = [compared.document(slug)["summary"] for slug in chosen]
        for name, placeholder in (
            ("best_reward", "best_reward"), ("final_reward", "final_reward"), ("rew_50", "rew_50"),
            ("steps", "current_timestep"), ("target", "total_timesteps"), ("progress", "progress_pct"),
            ("gpu_avg", "gpu_avg"), ("vram_avg", "vram_avg"), ("mem_avg", "mem_avg"),
        ):  # fmt: skip
            shown = cells(visit.page, name)
            for text, summary in zip(shown, summaries, strict=True):
                value = summary[placeholder]
                if value is None:
                    assert text in ("not recorded", "not reached", "not measurable"), name
                else:
                    assert text == FILTERS[FORMATS[placeholder]](value), name
        assert cells(visit.page, "best_reward") == ["12.38", "16", "−13.5"]


@from_a_server
def test_the_best_is_marked_as_the_database_has_it(browser: Browser, home: str, compared: Compared) -> None:
    """The largest reward of all rows, by SQL; a tie is marked twice, and what is equal everywhere not at all."""
    chosen = [ROOT, REPEATED, CHILD, SIBLING]
    rewards = [compared.rewards(run_id) for run_id in chosen]
    with comparing(browser, home, f"runs={','.join(chosen)}") as visit:
        page = visit.page
        peaks = [max(values) for values in rewards]
        assert best(page, "best_reward") == [peaks.index(max(peaks))] == [2]
        lasts = [values[-1] for values in rewards]
        assert best(page, "final_reward") == [lasts.index(max(lasts))]
        assert best(page, "speed") == best(page, "explained_variance") == []
        assert best(page, "steps") == best(page, "trained_h") == best(page, "mem_avg") == []
        assert best(page, "rew_10") == []  # the legs begin elsewhere
        assert "do not begin and end at the same steps" in page.locator(".rs-compare-why").inner_text()
    with comparing(browser, home, f"runs={ROOT},{REPEATED}") as visit:
        assert best(visit.page, "rew_10") == best(visit.page, "rew_100") == [0]
        assert "steps" not in visit.page.locator(".rs-compare-why").inner_text()
    with comparing(browser, home, f"runs={CHILD},{SIBLING},{CHILD},{GRANDCHILD}") as visit:
        assert best(visit.page, "best_reward") == [2]  # named twice, shown once


@from_a_server
def test_ties_are_marked_together(browser: Browser, home: str, compared: Compared) -> None:
    """Two runs share the largest value: both are the best; where all are equal, none is."""
    slugs = sorted(path.name for path in (compared.docs / "runs").glob(f"{TWIN}*"))
    facts = {slug: compared.facts(slug)["outcomes"]["best_reward"][0] for slug in slugs}
    low, high = sorted(slugs, key=lambda slug: facts[slug])
    with comparing(browser, home, f"runs={low},{high}") as visit:
        assert best(visit.page, "best_reward") == [1]
        assert f"{TWIN} (one)" in visit.page.locator(".rs-compare-chosen").inner_text()
        # the same run under another name would be a third value: make the tie of what is there
        visit.page.evaluate(
            """([low, high]) => { const of = (slug) => window.runsumData['facts/' + slug].outcomes;
            of(low).best_reward = of(high).best_reward; }""",
            [low, high],
        )
        visit.page.evaluate("location.hash += '&config=all'")
        visit.page.wait_for_function("() => document.querySelector('.rs-compare-toggle input').checked")
        assert best(visit.page, "best_reward") == []
        visit.page.evaluate("slugs => { location.hash = 'runs=' + slugs.join(','); }", [low, high, ROOT, REPEATED])
        visit.page.wait_for_selector(".rs-compare-chosen li:nth-child(4)")
        visit.page.evaluate(
            """(slugs) => { for (const slug of slugs) {
            window.runsumData['facts/' + slug].outcomes.best_reward = [99, '99']; } }""",
            [low, ROOT],
        )
        visit.page.evaluate("location.hash += '&config=all'")
        visit.page.wait_for_function(
            "() => document.querySelectorAll('tr[data-row=best_reward] .rs-best').length === 2"
        )
        assert best(visit.page, "best_reward") == [0, 2]


@from_a_server
def test_rewards_of_different_games_are_not_ranked(browser: Browser, home: str) -> None:
    """And the page says why."""
    with comparing(browser, home, f"runs={ROOT},{PONG}") as visit:
        page = visit.page
        assert best(page, "best_reward") == best(page, "final_reward") == best(page, "rew_10") == []
        assert "different environments" in page.locator(".rs-compare-why").inner_text()
        assert page.locator(".rs-compare-chosen small").all_inner_texts() == ["Breakout · PPO", "Pong · DQN"]


@from_a_server
def test_rewards_of_different_functions_are_not_ranked(browser: Browser, home: str) -> None:
    """As on the page of their game: of two runs of one environment, one says what it was rewarded for."""
    with visiting(browser, home) as visit:
        visit.page.route(
            f"**/{REPEATED}/facts.js",
            lambda route: route.fulfill(
                content_type="text/javascript",
                body=route.fetch()
                .text()
                .replace('"lost_rewards":', '"rewarded":"queue","best_early":true,"lost_rewards":'),
            ),
        )
        visit.open(f"compare/index.html#runs={ROOT},{REPEATED}")
        visit.page.wait_for_selector(BOTH_DRAWN)
        assert best(visit.page, "best_reward") == best(visit.page, "final_reward") == []
        why = visit.page.locator(".rs-compare-why").inner_text()
        assert "rewarded for different things" in why
        assert f"The best mean reward of {REPEATED} is a mean of fewer than 100 episodes." in why


# ---------------------------------------------------------------- settings


@from_a_server
def test_only_what_differs_is_listed(browser: Browser, home: str) -> None:
    """0.00025 and "2.5e-4" are equal; a switch lists all settings, and the address keeps it."""
    rows = ".rs-compare-settings tbody th[scope=row]"
    with comparing(browser, home, f"runs={ROOT},{REPEATED},{PONG}") as visit:
        page = visit.page
        assert set(page.locator(rows).all_inner_texts()) == {"algorithm", "env_id", "seed", "buffer_size"}
        assert page.locator("tr", has_text="buffer_size").locator("td").all_inner_texts() == [
            "not set",
            "not set",
            "5000",
        ]
        page.locator(".rs-compare-toggle input").check()
        every = page.locator(rows).all_inner_texts()
        assert {"learning_rate", "gamma", "total_timesteps"} < set(every)
        line = page.locator("tr", has=page.locator("th", has_text=re.compile("^learning_rate$")))
        assert set(line.locator("td").all_inner_texts()) == {"0.00025"}
        assert page.evaluate("location.hash").endswith("&config=all")
        assert page.locator("tr.rs-differs").count() == 4


# ---------------------------------------------------------------- sentences


@from_a_server
def test_who_continues_whom(browser: Browser, home: str) -> None:
    """Parents, siblings and what lies between, each with a link to the lineage."""
    with comparing(browser, home, f"runs={ROOT},{CHILD}") as visit:
        assert said(visit.page) == f"{CHILD} continues {ROOT}. See the lineage of {ROOT}."
        visit.page.locator(".rs-compare-said a").click()
        visit.page.wait_for_url("**/lineages/**")
    for chosen, words in (
        ((CHILD, SIBLING), f"{CHILD} and {SIBLING} both continue {ROOT}."),
        ((ROOT, GRANDCHILD), f"{GRANDCHILD} goes back to {ROOT}; 1 run lies between them."),
        ((SIBLING, GRANDCHILD), f"{SIBLING} and {GRANDCHILD} are legs of one lineage."),
        ((ROOT, PONG), f"No lineage relation is recorded between {ROOT} and {PONG}."),
        ((ROOT, CHILD, PONG), f"Nothing on record relates {PONG} to the other runs here."),
        ((ROOT, REPEATED), f"{ROOT} and {REPEATED} have the same configuration; only the seed differs (1, 7)."),
        ((ROOT, GRANDCHILD), f"{ROOT} and {GRANDCHILD} have the same configuration, the seed included (1)."),
    ):
        with comparing(browser, home, f"runs={','.join(chosen)}") as visit:
            assert words in said(visit.page)


# ---------------------------------------------------------------- the address as the state


def test_the_address_keeps_what_is_shown(browser: Browser, home: str) -> None:
    """Metric, x axis, smoothing and scales go into the address, and a new tab shows them again."""
    with comparing(browser, home, f"runs={ROOT},{REPEATED}") as visit:
        page = visit.page
        page.locator(f"{METRIC} select").select_option("value-loss")
        page.locator(f"{REWARD} .rs-choice input[value=hours]").check()
        page.locator(f"{METRIC} input[type=range]").fill("0.6")
        page.locator(f"{METRIC}").get_by_label("log y").check()
        kept = str(page.evaluate("location.hash"))
        assert kept == f"#runs={ROOT},{REPEATED}&metric=value-loss&x=hours&smooth=0.6&log=metric"
        assert page.locator(f"{REWARD} input[type=range]").input_value() == "0.6"  # one smoothing for both
        assert not visit.errors
    with comparing(browser, home, kept.removeprefix("#")) as visit:
        page = visit.page
        assert page.locator(f"{METRIC} select").input_value() == "value-loss"
        assert page.locator(f"{REWARD} .rs-choice input[value=hours]").is_checked()
        assert page.locator(f"{REWARD} input[type=range]").input_value() == "0.6"
        assert page.locator(METRIC).get_by_label("log y").is_checked()
        assert not page.locator(REWARD).get_by_label("log y").is_checked()
        assert page.evaluate("location.hash") == kept
        lines = page.evaluate(LINES, METRIC)
        assert lines[0][2] < 1  # half an hour


@from_a_server
def test_a_scale_fits_its_values(browser: Browser, home: str) -> None:
    """A log axis has few ticks, below zero too, rounding is no peak, and a line that crosses the view keeps both ends.

    Powers of ten over many of them, 1-2-5 over some; within one power Vega's own are few enough.
    """
    ticks = """(values) => {
        const spec = { scales: [{ name: "y" }], axes: [{ scale: "y" }, { scale: "x" }], signals: [] };
        const { logScale, logTicks } = window.runsum.tools, constant = logScale(spec, values);
        return logTicks({ line: values.map((y) => ({ y })), raw: [], band: [] }, constant);
    }"""
    constant = """() => {
        const { smoothed, spread } = window.runsum.tools;
        const points = Array.from({ length: 50 }, (_, x) => ({ x, y: 200 }));
        return spread(smoothed(points, 0.6, 49), [0, 49]).slice(-2).map((row) => Math.round(row.y));
    }"""
    crossing = "window.runsum.tools.within([0, 10, 20, 30].map((x) => ({ x })), [12, 18]).map((row) => row.x)"
    with comparing(browser, home, f"runs={ROOT},{REPEATED}&log=1") as visit:
        for values, wanted in (
            ([0.04, 2, 425], [0.1, 1, 10, 100]),
            ([150, 4000], [200, 500, 1000, 2000]),
            ([150, 1400], None),
            ([0, 20, 30, 4000], [0, 10, 100, 1000]),
            ([-1500, -800, -90], [-1000, -500, -200, -100]),
            ([-200, -150, -110], None),
        ):
            assert visit.page.evaluate(ticks, values) == wanted
        assert visit.page.evaluate(constant) == [190, 210]
        assert visit.page.evaluate(crossing) == [10, 20]
        assert not visit.errors


@from_a_server
def test_another_metric_is_drawn(browser: Browser, home: str) -> None:
    """Every chart that a run has is offered; one that only some have says for whom it is missing."""
    with comparing(browser, home, f"runs={ROOT},{PONG}&metric=explained-variance") as visit:
        page = visit.page
        assert page.locator(f"{METRIC} .rs-chart-note").inner_text() == f"Not recorded for {PONG}."
        offered = page.locator(f"{METRIC} option").all_inner_texts()
        assert "Explained variance (1 of 2 runs)" in offered
        assert "Throughput" in offered
        before = page.locator(f"{METRIC} canvas").evaluate("canvas => canvas.toDataURL()")
        page.locator(f"{METRIC} select").select_option("throughput")
        page.wait_for_function(
            f"before => {{ const canvas = document.querySelector('{METRIC} .rs-live canvas');"
            " return canvas && canvas.toDataURL() !== before; }",
            arg=before,
        )
        assert all(line[1] is not None for line in page.evaluate(LINES, METRIC))
        assert page.locator(f"{METRIC} canvas").count() == 1
        assert not visit.errors


@from_a_server
def test_the_legend_and_the_pointer_tell_lines_apart(browser: Browser, home: str) -> None:
    """A click on a name brings its line out in both charts; the pointer reads every line, the highest first."""
    with comparing(browser, home, f"runs={ROOT},{REPEATED}") as visit:
        page = visit.page
        page.locator(f"{REWARD} .rs-chip").nth(1).click()
        assert page.evaluate("[...window.runsum.charts].map((chart) => chart.chosen)") == [1, 1]
        assert page.locator(f"{METRIC} .rs-chip").count() == 0
        box = page.locator(f"{REWARD} .rs-canvas").bounding_box()
        assert box is not None
        page.mouse.move(box["x"] + box["width"] * 0.8, box["y"] + 40)
        tip = page.locator(".rs-tip")
        tip.wait_for()
        lines = tip.inner_text().splitlines()
        assert lines.index(ROOT) < lines.index(REPEATED)
        assert tip.locator("strong").count() == 1
        assert not visit.errors


@from_a_server
def test_a_value_is_of_the_timestep_shown_or_says_its_own(browser: Browser, home: str) -> None:
    """Two runs with rows at other timesteps: what the pointer reads is in the data of each. Charts stay on paper."""
    thinned = """() => {
        const [chart] = window.runsum.charts, line = chart.series[1];
        for (const name of ["t", "h", "v"]) line[name] = line[name].filter((_, i) => i % 2);
        chart.update();
    }"""
    said = """() => {
        const [chart] = window.runsum.charts, { valueText, stepText } = window.runsum.tools;
        const rows = [...document.querySelectorAll(".rs-tip > div")].map((row) => [...row.children].slice(-2));
        const texts = Object.fromEntries(rows.map((cells) => cells.map((cell) => cell.textContent)));
        return chart.series.map(({ short, t, v }) => {
            const [value, at = texts.timestep] = texts[short].split(" at ");
            return [at !== texts.timestep, t.some((step, i) => stepText(step) === at && valueText(v[i]) === value)];
        });
    }"""
    with comparing(browser, home, f"runs={ROOT},{REPEATED}") as visit:
        page = visit.page
        page.evaluate(thinned)
        box = page.locator(f"{REWARD} .rs-canvas").bounding_box()
        assert box is not None
        elsewhere = 0
        for place in range(120, 900, 13):
            page.mouse.move(box["x"] + place, box["y"] + 20)
            for is_elsewhere, is_true in page.evaluate(said):
                assert is_true
                elsewhere += is_elsewhere
        assert 0 < elsewhere < 60
        page.emulate_media(media="print")
        for chart in (REWARD, METRIC):
            shown = page.locator(f"{chart} canvas").bounding_box()
            assert shown is not None
            assert shown["height"] > 100
        assert not visit.errors


@from_a_server
def test_the_end_of_a_run_can_be_enlarged_by_keyboard(browser: Browser, home: str) -> None:
    """Zoomed in, moved to the end, and back: the focus never leaves the buttons."""
    zoom = "[...window.runsum.charts][0].zoom"
    with comparing(browser, home, f"runs={ROOT},{REPEATED}") as visit:
        page = visit.page
        buttons = page.locator(f"{REWARD} .rs-zoom button:visible")
        assert buttons.all_inner_texts() == ["−", "+"]
        buttons.get_by_text("+").focus()
        page.keyboard.press("Enter")
        page.locator(f"{REWARD} .rs-zoom").get_by_label("Move to the right").focus()
        page.keyboard.press("Enter")
        page.keyboard.press("Enter")
        low, high = page.evaluate(zoom)
        assert [low > 0, high] == [True, page.evaluate("[...window.runsum.charts][0].full[1]")]
        page.keyboard.press("Shift+Tab")
        page.keyboard.press("Shift+Tab")
        page.keyboard.press("Enter")
        assert page.evaluate(zoom) is None
        assert page.evaluate("document.activeElement.textContent") == "−"
        assert not visit.errors
