"""The run finder in a real browser: query line, facets, ranges, columns, chosen runs, the address."""

from __future__ import annotations

import csv
import io
from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

from support.browser import FINDER, from_a_server, on_any_address, visiting

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Locator, Page

    from conftest import BuiltSite

pytestmark = pytest.mark.browser

READY = "[data-tool=finder][data-ready]"


@pytest.fixture(scope="module")
def rows(built_site: BuiltSite) -> list[dict[str, str]]:
    """The table of all runs as data/runs.csv has it."""
    with (built_site.docs / "data" / "runs.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@contextmanager
def finder(browser: Browser, where: str, state: str = "", **options: Any) -> Iterator[Page]:
    """The page of the finder, when its table stands; nothing may have gone wrong when it is left."""
    with visiting(browser, where, **options) as visit:
        page = visit.open(FINDER + state)
        page.wait_for_selector(READY)
        yield page
        assert not visit.errors
        assert not visit.foreign()


def found(page: Page) -> int:
    """How many runs the finder says it has found."""
    return int(page.inner_text(".rs-found").split()[0].replace(",", ""))


def shown(page: Page) -> list[str]:
    """The run ids in the table, from top to bottom (those that fit)."""
    return [link.inner_text() for link in page.locator(".tabulator-row .rs-run a").all()]


def state_of(page: Page) -> str:
    """What stands behind the # once the page has written it."""
    page.wait_for_timeout(300)
    return page.url.partition("#")[2]


def number(text: str) -> float:
    return float(text) if text else float("nan")


@on_any_address
def test_all_runs_stand_in_the_table_and_the_plain_one_is_gone(
    browser: Browser,
    address: str,
    rows: list[dict[str, str]],
) -> None:
    """From a server and from a folder: every run counted, the newest first, no second table."""
    with finder(browser, address) as page:
        assert found(page) == len(rows)
        assert set(shown(page)) <= {row["run_id"] for row in rows}
        assert not page.locator(".rs-fallback").is_visible()
        assert page.locator(".tabulator-row .rs-spark polyline").count() > 3


@from_a_server
def test_a_finder_that_cannot_begin_leaves_the_plain_table(browser: Browser, address: str) -> None:
    """The library does not come: the newest runs and the games stand there as they do without JavaScript."""
    with visiting(browser, address) as visit:
        visit.page.route("**/finder.js", lambda route: route.abort())
        page = visit.open(FINDER)
        page.wait_for_selector(".rs-fallback table")
        assert page.locator(".rs-fallback tbody tr").count() == 25
        assert page.locator(".rs-fallback .rs-links a").count() > 3
        assert not page.locator("[data-tool=finder]").is_visible()


@from_a_server
@pytest.mark.parametrize(
    ("query", "holds"),
    [
        ("game:breakout", lambda row: row["game"] == "Breakout"),
        ("state:completed,failed", lambda row: row["state"] in ("completed", "failed")),
        ("-state:completed", lambda row: row["state"] != "completed"),
        ("best_reward > 20", lambda row: number(row["best_reward"]) > 20),
        ("best>=5 best<=20", lambda row: 5 <= number(row["best_reward"]) <= 20),
        ("final_reward:5..20", lambda row: 5 <= number(row["final_reward"]) <= 20),
        ("best>0.5, state:completed", lambda row: number(row["best_reward"]) > 0.5 and row["state"] == "completed"),
        ("game:breakout, pong", lambda row: row["game"] in ("Breakout", "Pong")),
        ("game:breakout,,pong", lambda row: row["game"] in ("Breakout", "Pong")),
        ("steps>450.6 k", lambda row: number(row["timestep"]) > 450_600),
        ("steps>1,000,000", lambda row: number(row["timestep"]) > 1_000_000),
        ("steps<500k", lambda row: number(row["timestep"]) < 500_000),
        ("started:2025-11", lambda row: row["started_at"].startswith("2025-11")),
        ("game:* -final_reward:*", lambda row: row["game"] and not row["final_reward"]),
        ("game:break algo:ppo", lambda row: row["game"] == "Breakout" and row["algorithm"] == "PPO"),
        ("no-such-word-anywhere", lambda row: False),
    ],
)
def test_the_query_line_finds_what_the_csv_counts(
    browser: Browser,
    address: str,
    rows: list[dict[str, str]],
    query: str,
    holds: Any,
) -> None:
    """Each clause leaves as many runs as the CSV has of that kind."""
    with finder(browser, address) as page:
        page.fill(".rs-query", query)
        assert found(page) == sum(bool(holds(row)) for row in rows)


@from_a_server
def test_a_word_finds_notes_tags_and_settings(browser: Browser, address: str, built_site: BuiltSite) -> None:
    """A number as it is written either way, a game as people say it, a tag, an id: the run is in the table."""
    wanted = built_site.wanted
    with finder(browser, address) as page:
        for words in (
            "0.000137",
            "1.37e-4",
            "lr:1.37e-4",
            "lr<1.4e-4",
            f"{wanted.game.lower()} 1536",
            wanted.name.split()[0],
        ):
            page.fill(".rs-query", words)
            assert wanted.run_id in shown(page), words


@from_a_server
@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("colour:red", "no column is called"),
        ("best:high", "is no number"),
        ("best>2,5", "is no number"),
        ("at>5", "Best at is written best_at"),
        ("game>3", "holds words"),
        ("curve:1", "is a drawing"),
        ("started:monday", "a time is"),
        ("started:2025-13", "a time is"),
        ("steps:5M..1M", "begins above its end"),
    ],
)
def test_a_clause_that_means_nothing_is_named(browser: Browser, address: str, query: str, said: str) -> None:
    """The rest of the query still narrows, and one line says what is wrong."""
    with finder(browser, address) as page:
        page.fill(".rs-query", "state:completed")
        before = found(page)
        page.fill(".rs-query", f"state:completed {query}")
        assert found(page) == before
        assert said in page.inner_text(".rs-query-error")


@from_a_server
@pytest.mark.parametrize(
    ("query", "said"),
    [("breakout OR pong", "OR is looked for as a word"), ("state:completed,bogus", "nowhere “bogus”; there are")],
)
def test_what_may_be_meant_otherwise_is_said(browser: Browser, address: str, query: str, said: str) -> None:
    """A query that is understood, and finds less than somebody may expect."""
    with finder(browser, address) as page:
        page.fill(".rs-query", query)
        assert said in page.inner_text(".rs-query-error")
        page.fill(".rs-query", "steps≥1M steps≤2M")
        assert found(page) > 0
        assert not page.locator(".rs-query-error").is_visible()


@from_a_server
def test_facets_count_narrow_and_speak_the_query(
    browser: Browser,
    address: str,
    rows: list[dict[str, str]],
) -> None:
    """A click on a value writes its clause; two values of one facet add up; counts are those of the CSV."""
    games = Counter(row["game"] for row in rows if row["game"])
    with finder(browser, address) as page:
        facet = page.locator(".rs-facet", has=page.locator("summary", has_text="Game"))
        counts = {
            line.locator("span").inner_text(): int(line.locator("small").inner_text())
            for line in facet.locator("label").all()
        }
        assert {name: count for name, count in counts.items() if name in games} == {
            name: games[name] for name in counts if name in games
        }
        facet.get_by_label("Breakout").check()
        assert page.input_value(".rs-query") == "game:Breakout"
        assert found(page) == games["Breakout"]
        other = next(name for name, _ in games.most_common() if name != "Breakout")
        facet.get_by_label(other, exact=False).first.check()
        assert found(page) == games["Breakout"] + games[other]
        states = page.locator(".rs-facet", has=page.locator("summary", has_text="State"))
        wanted = Counter(row["state"] for row in rows if row["game"] in ("Breakout", other))
        assert int(states.locator("label", has_text="completed").locator("small").inner_text()) == wanted["completed"]
        facet.get_by_label("Breakout").uncheck()
        assert found(page) == games[other]
        page.fill(".rs-query", f'-game:Breakout,"{other}"')
        facet.get_by_label("Breakout").check()
        assert found(page) == games["Breakout"]


@from_a_server
def test_facet_range_query_sort_columns_and_choice_come_back_from_the_address(
    browser: Browser,
    address: str,
    rows: list[dict[str, str]],
) -> None:
    """The view, opened again by its address in another tab, is the same view."""
    with finder(browser, address) as page:
        page.get_by_label("completed").check()
        page.locator("summary", has_text="Ranges").click()
        page.fill(".rs-query", "state:completed best_reward:0..1,000,000")
        assert page.get_by_label("most Best", exact=True).input_value() == "1,000,000"
        page.get_by_label("most Best", exact=True).fill("")
        page.get_by_label("most Best", exact=True).press("Enter")
        page.get_by_label("least Best", exact=True).fill("1")
        page.get_by_label("least Best", exact=True).press("Enter")
        assert "best_reward>=1" in page.input_value(".rs-query")
        page.locator(".rs-header", has_text="Best").click()
        page.locator(".rs-header", has_text="Game").click(modifiers=["Shift"])
        page.locator("summary", has_text="Columns").click()
        page.get_by_label("find a column or a setting").fill("learning_rate")
        page.locator(".rs-columns-list button", has_text="learning_rate").first.click()
        page.get_by_label("hide Started").click()
        page.get_by_label("move Best to the left").click()
        page.keyboard.press("Escape")
        for box in page.locator(".tabulator-cell input").all()[:2]:
            box.check()
        view = (page.input_value(".rs-query"), found(page), shown(page), page.locator(".rs-header").all_inner_texts())
        link = page.locator("a", has_text="Compare 2 runs").get_attribute("href")
        state = state_of(page)
    assert view[1] == sum(row["state"] == "completed" and number(row["best_reward"]) >= 1 for row in rows)
    assert "learning_rate" in view[3]
    assert "Started" not in view[3]
    with finder(browser, address, f"#{state}") as page:
        again = (page.input_value(".rs-query"), found(page), shown(page), page.locator(".rs-header").all_inner_texts())
        assert again == view
        assert page.locator("a", has_text="Compare 2 runs").get_attribute("href") == link
        best_of = {row["slug"]: row["best_reward"] for row in rows}
        links = page.locator(".tabulator-row .rs-run a").all()
        best = [float(best_of[str(link.get_attribute("href")).split("/")[-2]]) for link in links]
        assert best == sorted(best, reverse=True)


@from_a_server
def test_sorting_by_two_columns_and_what_is_missing_comes_last(
    browser: Browser,
    address: str,
    rows: list[dict[str, str]],
) -> None:
    """First by game, then by best reward within it; the CSV that is downloaded has all of it in that order."""
    with finder(browser, address) as page:
        page.locator(".rs-header", has_text="Game").click()
        page.locator(".rs-header", has_text="Best").click(modifiers=["Shift"])
        with page.expect_download() as download:
            page.get_by_role("button", name="CSV").click()
        table = list(csv.DictReader(io.StringIO(download.value.path().read_text(encoding="utf-8"))))
    assert Counter(row["run"] for row in table) == Counter(row["run_id"] for row in rows)
    keys = [
        (not row["game"], row["game"].casefold(), not row["best_reward"], -number(row["best_reward"] or "0"))
        for row in table
    ]
    assert keys == sorted(keys)


@from_a_server
def test_the_keyboard_reaches_everything(browser: Browser, address: str) -> None:
    """Without a mouse: a facet is set and keeps the focus, a header sorts, a run is chosen, its link has its turn."""
    with finder(browser, address) as page:
        page.focus(".rs-query")
        facet = page.locator(".rs-choice-line input").first
        facet.focus()
        page.keyboard.press("Space")
        assert page.locator(".rs-choice-line input").first.is_checked()
        assert page.evaluate("document.activeElement.type") == "checkbox"
        header = page.locator(".rs-header", has_text="Last")
        header.focus()
        page.keyboard.press("Enter")
        assert "sort=-final_reward" in state_of(page)
        page.locator(".tabulator-cell input").first.focus()
        page.keyboard.press("Space")
        assert page.locator(".tabulator-cell input").first.is_checked()
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.tagName") == "A"


@from_a_server
def test_the_focus_stays_near_what_has_gone(browser: Browser, address: str) -> None:
    """A button that its own work takes away, or switches off, leaves the focus to its successor."""
    with finder(browser, address) as page:
        holder = "document.activeElement.dataset.key || document.activeElement.className"

        def press(button: Locator) -> str:
            button.focus()
            page.keyboard.press("Enter")
            return str(page.evaluate(holder))

        more = page.locator(".rs-facet button[data-key^=more]").first
        column = str(more.get_attribute("data-key")).removeprefix("more ")
        choices = page.locator(f'.rs-choice-line [data-key^="{column} "]')
        begun = choices.count()
        if not more.is_visible():
            page.locator(f'summary[data-key="facet {column}"]').click()
        assert press(more) == choices.nth(begun).get_attribute("data-key")
        page.locator("summary", has_text="Columns").press("Enter")
        added = page.locator(".rs-columns-list button")
        following = added.nth(1).get_attribute("data-key")
        assert press(added.first) == following
        assert press(page.get_by_label("hide Game")) == "out algorithm"
        assert press(page.get_by_label("move Reward curve to the left")) == "down curve"
        page.keyboard.press("Escape")
        assert not page.locator(".rs-columns").is_visible()
        page.fill(".rs-query", "state:completed")
        assert "rs-query" in press(page.locator(".rs-finder-bar button", has_text="Clear"))
        page.locator(".tabulator-cell input").first.check()
        assert "rs-chosen" in press(page.get_by_role("button", name="Choose none"))


@from_a_server
def test_the_found_rows_are_printed_and_a_view_is_kept(browser: Browser, address: str) -> None:
    """On paper stand all rows that are found; the page that was left at once comes back as it was."""
    with visiting(browser, address) as visit:
        page = visit.open(FINDER)
        page.wait_for_selector(READY)
        page.fill(".rs-query", "state:completed")
        for box in page.locator(".tabulator-cell input").all()[:2]:
            box.check()
        page.locator("a", has_text="Compare 2 runs").click()
        page.wait_for_url("**/compare/**")
        page.go_back()
        page.wait_for_selector(READY)
        assert page.locator("a", has_text="Compare 2 runs").is_visible()
        assert page.input_value(".rs-query") == "state:completed"
        page.evaluate("dispatchEvent(new Event('beforeprint'))")
        page.emulate_media(media="print")
        assert page.locator(".rs-print tbody tr:visible").count() == found(page) > 20
        assert not page.locator(".rs-grid").is_visible()
        assert not [
            error for error in visit.errors if not error.startswith("failed:")
        ]  # an icon that leaving broke off


@from_a_server
def test_another_address_in_the_same_tab_is_another_view(browser: Browser, address: str) -> None:
    """A link to a ready query works on the page itself, and no more than 20 runs go to the comparison."""
    with finder(browser, address) as page:
        every = found(page)
        page.evaluate("location.hash = 'q=' + encodeURIComponent('state:failed')")
        page.wait_for_function("() => document.querySelector('.rs-query').value === 'state:failed'")
        assert 0 < found(page) < every
        page.locator(".rs-finder-bar button", has_text="Clear").click()
        assert found(page) == every


@from_a_server
def test_a_phone_shows_the_table_and_hides_the_filters(browser: Browser, address: str) -> None:
    """At 390 pixels the table scrolls in itself, and the filters open on demand."""
    with finder(browser, address, viewport={"width": 390, "height": 844}) as page:
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        assert not page.locator(".rs-choice-line").first.is_visible()
        page.locator("summary", has_text="Filters").click()
        assert page.locator(".rs-choice-line").first.is_visible()


@from_a_server
@pytest.mark.parametrize(
    "wide",
    [
        "body { --md-text-font-family: monospace; font-family: monospace; }",
        "* { letter-spacing: 0.12em !important; word-spacing: 0.16em !important; line-height: 1.5 !important; }",
    ],
    ids=["font", "spacing"],
)
def test_wide_letters_are_not_cut(browser: Browser, address: str, wide: str) -> None:
    """What cannot do with an ellipsis is whole in a font of wide letters, and with WCAG's text spacing (1.4.12)."""
    with visiting(browser, address) as visit:
        visit.page.route(
            "**/runsum/runsum.css",
            lambda route: route.fulfill(content_type="text/css", body=route.fetch().text() + wide),
        )
        page = visit.open(FINDER)
        page.wait_for_selector(READY)
        cells = page.locator(".tabulator-cell:has(.rs-badge, .rs-missing), .rs-header")
        widths = cells.evaluate_all("cells => cells.map((cell) => [cell.scrollWidth, cell.clientWidth])")
        assert len(widths) > 5
        assert all(wanted <= given for wanted, given in widths)
        assert page.evaluate("document.documentElement.scrollWidth") <= 1280


@from_a_server
def test_a_remark_leaves_the_digits_in_their_column(browser: Browser, address: str) -> None:
    """The star of a best of few episodes stands beside the digits of the rows above and below."""
    ends = """cells => cells.filter(cell => !cell.querySelector(".rs-missing")).map(cell => {
        const digits = document.createRange(), text = cell.querySelector("span").firstChild;
        digits.setStart(text, 0);
        digits.setEnd(text, text.data.replace("*", "").length);
        return [Math.round(digits.getBoundingClientRect().right), cell.textContent.endsWith("*")];
    })"""
    with finder(browser, address) as page:
        page.evaluate("window.runsum.cells.Cells.prototype.remark = row => row % 2 ? 'of few episodes' : null")
        page.evaluate("window.runsum.finder.grid.redraw(true)")
        found = page.locator(".tabulator-cell[tabulator-field=':best_reward']").evaluate_all(ends)
        assert {has_star for _, has_star in found} == {True, False}
        assert len({end for end, _ in found}) == 1


@from_a_server
def test_text_of_the_database_stays_text(browser: Browser, address: str) -> None:
    """Markup in the address lands in the query line and in no element."""
    hostile = '"><img src=x onerror=alert(1)>'
    with finder(
        browser, address, f"#q={quote(hostile)}&cols={quote(hostile)}&sort={quote(hostile)}&sel={quote(hostile)}"
    ) as page:
        assert page.input_value(".rs-query") == hostile
        assert page.locator("img[src=x]").count() == 0
