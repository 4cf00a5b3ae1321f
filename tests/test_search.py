"""The search in a browser: whatever a person remembers of a run leads to it, and nothing is fetched before."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from support.browser import PHONE, RUN, from_a_server, on_any_address, visiting

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

    from conftest import BuiltSite, Wanted

INPUT, RESULTS = "input.md-search__input", ".md-search-result__list > li"
INDEX = "search/search_index.json"
GAME, ALGORITHM = "games/space-invaders/index.html", "algorithms/ppo/index.html"
SAYS = "says => document.querySelector('.md-search-result__meta').textContent.trim().startsWith(says)"
FORGET = """() => {
  document.querySelector(".md-search-result__meta").textContent = "waiting";
  document.querySelector(".md-search-result__list").replaceChildren(); // of the question before
}"""
ANSWERED = """results => document.querySelector(results) !== null
  && / matching documents?$/.test(document.querySelector(".md-search-result__meta").textContent)"""
LARGEST = 900  # bytes of a run in the index: title, place and card

pytestmark = pytest.mark.browser


def page_of(run_id: str) -> str:
    return f"runs/{run_id}/index.html"


def cases(wanted: Wanted) -> dict[str, str]:
    """What is typed, and the page that must come first."""
    tutankham, invader, failed = page_of(wanted.run_id), page_of(wanted.invader), page_of(wanted.failed)
    return {
        wanted.run_id: tutankham,
        wanted.run_id.removeprefix("run-")[:4]: tutankham,
        wanted.run_id[:8]: tutankham,
        wanted.run_id[:7]: tutankham,
        "5EEC": tutankham,
        wanted.name: tutankham,
        "gardener": tutankham,
        "learning_rate 1.37e-4": tutankham,
        "learning_rate=0.000137": tutankham,
        "lr 1.37E-04": tutankham,
        "batch_size 1536": tutankham,
        "mothership": invader,
        "leftmost bunker": invader,
        "wobble": invader,
        "space invaders learning_rate 4.5e-4": invader,
        wanted.error: failed,
        "device-side assert": failed,
        "device-side-assert: triggered": failed,
        "+run-90570e44": failed,
        "9057": failed,
        wanted.other_hex: page_of(wanted.other_hex),
        "4e12": page_of(wanted.other_hex),
        "space invaders": GAME,
        "SpaceInvaders": GAME,
        "spaceinvaders": GAME,
        "ALE/SpaceInvaders-v5": GAME,
        "ppo": ALGORITHM,
        "phantom row": "methods/index.html",
    }


SPELLINGS = ("learning_rate 2.5e-4", "learning_rate=0.00025", "0.00025", "2.5e-4", "2.50E-04", ".00025")


@on_any_address
def test_the_search_finds_what_is_meant(browser: Browser, address: str, built_site: BuiltSite) -> None:
    """An id or its beginning, a name, a game, a setting, a word of a note, an error: its page is the first result."""
    with visiting(browser, address) as visit:
        page = visit.open("index.html")
        begin(page)
        missed = [words for words, place in cases(built_site.wanted).items() if not finds(page, words, place)]
        assert not missed
        assert not visit.errors


@on_any_address
def test_a_number_is_found_in_each_spelling(browser: Browser, address: str, built_site: BuiltSite) -> None:
    """2.5e-4 is 0.00025: the results on top have that learning rate, the same ones in the same order."""
    with visiting(browser, address) as visit:
        page = visit.open("index.html")
        begin(page)
        tops = {}
        for words in SPELLINGS:
            ask(page, words)
            top = places(page)[:5]
            settings = [read_run(built_site, place)["config"]["learning_rate"] for place in top]
            assert settings == [0.00025] * 5, words
            assert tops.setdefault("learning_rate" in words, top) == top, words
        ask(page, "n_envs 8")
        assert all(place.startswith("runs/") for place in places(page)[:5])  # "n" begins no month


@on_any_address
def test_a_misspelt_word_finds_what_was_meant(browser: Browser, address: str, built_site: BuiltSite) -> None:
    """One letter missing or two changed over, in one word of several, in a name, in a note."""
    meant = {
        "spaec invaders": GAME,
        "SPACE INVDERS": GAME,
        "tutankam": page_of(built_site.wanted.run_id),
        "gardner": page_of(built_site.wanted.run_id),
        "mothrship": page_of(built_site.wanted.invader),
    }
    with visiting(browser, address) as visit:
        page = visit.open("index.html")
        begin(page)
        missed = {}
        for words, place in meant.items():
            ask(page, words)
            for _ in range(25):  # the second answer comes a moment after the first
                if place in (found := places(page)[:3]):
                    break
                page.wait_for_timeout(200)
            else:
                missed[words] = found
        assert not missed
        type_in(page, "xyzzyplugh")
        page.wait_for_function(SAYS, arg="No matching documents")
        page.wait_for_timeout(200)
        assert places(page) == []
        assert not visit.errors


def begin(page: Page) -> None:
    """Click into the search and wait until it is ready: an answer to the empty question that comes late finds none."""
    page.locator(INPUT).click()
    page.wait_for_function(SAYS, arg="Type to start searching")


def type_in(page: Page, words: str) -> None:
    """Type the last letter of some words, which is one question."""
    page.evaluate(FORGET)
    page.locator(INPUT).fill(words[:-1])
    page.locator(INPUT).press_sequentially(words[-1])


def ask(page: Page, words: str) -> None:
    """Type some words that something matches, and wait for the list, which may be that of a second question."""
    type_in(page, words)
    page.wait_for_function(ANSWERED, arg=RESULTS)
    page.wait_for_timeout(100)  # for the rest of the list


def places(page: Page) -> list[str]:
    """Where the results lead, without the site's address and the words to mark."""
    found: list[str] = page.locator(f"{RESULTS} > a").evaluate_all("links => links.map(link => link.href)")
    root = page.url.split("index.html")[0]
    return [place.removeprefix(root).partition("?")[0].partition("#")[0] for place in found]


def finds(page: Page, words: str, place: str) -> bool:
    ask(page, words)
    return places(page)[:1] == [place]


def read_run(built_site: BuiltSite, place: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((built_site.docs / place).with_name("run.json").read_text(encoding="utf-8"))
    return document


# ---------------------------------------------------------------- when the index is fetched


@from_a_server
@pytest.mark.parametrize("path", ["index.html", RUN])
def test_a_page_does_not_fetch_the_index(browser: Browser, address: str, path: str) -> None:
    """Whoever only reads does not load it, not even by scrolling and pointing."""
    with visiting(browser, address) as visit:
        page = visit.open(path)
        page.locator("h1").first.hover()
        page.evaluate("window.scrollTo(0, document.body.scrollHeight)")
        page.wait_for_timeout(1000)
        assert not [url for url in visit.asked if "search_index" in url]
        assert [url for url in visit.asked if "/workers/search" in url]  # the search itself is ready


SIGNS = {
    "pointing": lambda page: page.locator(INPUT).hover(),
    "the key s": lambda page: page.keyboard.press("s"),
    "the key /": lambda page: page.keyboard.press("/"),
    "tab": lambda page: page.locator(INPUT).focus(),
    "its button": lambda page: page.evaluate("document.querySelector('#__search').click()"),
}


@from_a_server
@pytest.mark.parametrize("sign", SIGNS)
def test_the_first_sign_fetches_the_index_once(browser: Browser, address: str, sign: str) -> None:
    """Pointing at the search, a key for it or its button; doing so again fetches nothing."""
    with visiting(browser, address) as visit:
        page = visit.open("index.html")
        with page.expect_response(lambda response: response.url.endswith(INDEX)):
            SIGNS[sign](page)
        page.locator(INPUT).focus()
        page.locator(INPUT).hover()
        assert len([url for url in visit.asked if url.endswith(INDEX)]) == 1


@from_a_server
def test_a_phone_searches(browser: Browser, address: str, built_site: BuiltSite) -> None:
    """A tap on the magnifier fetches the index, and typing finds."""
    with visiting(browser, address, viewport=PHONE, has_touch=True) as visit:
        page = visit.open(RUN)
        page.locator(".md-header__button[for=__search]").tap()
        page.locator(INPUT).wait_for()
        ask(page, built_site.wanted.run_id)
        assert page_of(built_site.wanted.run_id) in places(page)[0]


@from_a_server
def test_an_address_with_a_question_is_answered(browser: Browser, address: str, built_site: BuiltSite) -> None:
    """A link to a search (?q=) opens with its results."""
    with visiting(browser, address) as visit:
        page = visit.open(f"index.html?q={built_site.wanted.run_id}")
        page.locator(f"{RESULTS}:first-child > a[href*='{page_of(built_site.wanted.run_id)}']").wait_for()


@from_a_server
def test_a_page_without_the_theme_s_search_fetches_as_ever(browser: Browser, address: str) -> None:
    """Where the script knows no sign of a search, nothing waits for one."""
    with visiting(browser, address) as visit:
        page = visit.page
        page.goto(f"{address}assets/runsum/runsum.css")  # a page of the site without a header
        page.add_script_tag(url=f"{address}assets/runsum/runsum-search.js")
        status = page.evaluate(f"""() => new Promise((tell) => {{
            const request = new XMLHttpRequest();
            request.open("GET", "{address}{INDEX}");
            request.onload = () => tell(request.status);
            request.send();
        }})""")
        assert status == 200


# ---------------------------------------------------------------- what the index holds


def test_a_run_is_one_short_entry(built_site: BuiltSite) -> None:
    """Title and card of each run; no section, no chart, no table, and a bounded size."""
    runs = run_entries(built_site)
    folders = {path.parent.name for path in (built_site.docs / "runs").glob("*/run.json")}
    assert {entry["location"].split("/")[1] for entry in runs} == {*folders}
    assert len(runs) == len(folders)
    sizes = {entry["location"]: len(json.dumps(entry, ensure_ascii=False)) for entry in runs}
    assert max(sizes.values()) < LARGEST, max(sizes, key=lambda place: sizes[place])


def test_no_boilerplate_is_indexed(built_site: BuiltSite) -> None:
    """What the page of every run says, what its charts draw and what its tables list is in no entry."""
    text = json.dumps(run_entries(built_site))
    for words in (
        "not recorded", "Data quality", "canonical", "Downloads", "run.json", "rule:", "Rollout size", "verdict",
        "polyline", "runsumData", "Trained", "Explained variance", "Ranking", "Last activity", "See Next Actions",
    ):  # fmt: skip
        assert words not in text, words


def test_other_pages_are_a_title_and_a_few_words(built_site: BuiltSite) -> None:
    """One entry each, without tables; only the explanations of the Methods page have entries of their own."""
    others = [entry for entry in read_index(built_site) if not entry["location"].startswith(("runs/", "methods/"))]
    assert not [entry["location"] for entry in others if "#" in entry["location"]]
    assert not [entry["location"] for entry in others if len(entry["text"]) > 500]
    assert {"games/index.html", "lineages/index.html", "problems/index.html", "digest/index.html"} <= {
        entry["location"] for entry in others
    }


def read_index(built_site: BuiltSite) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = json.loads((built_site.online / INDEX).read_text(encoding="utf-8"))["docs"]
    return entries


def run_entries(built_site: BuiltSite) -> list[dict[str, Any]]:
    return [entry for entry in read_index(built_site) if entry["location"].startswith("runs/")]
