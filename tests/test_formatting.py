"""How numbers, times and other people's words are written; slugs and files for programs."""

from __future__ import annotations

import csv
import gzip
import html
import io
import math
import random
import re
import string
from html.parser import HTMLParser

import markdown
import numpy as np
import pytest

from runsum import formatting
from runsum.archive.slugs import SlugMaker
from runsum.cleaning.series import Series
from runsum.downloads import metrics_csv, table_csv
from runsum.formatting import clean_text, escape_markdown
from runsum.source.records import METRICS
from support.hostile import CORPUS

# ---------------------------------------------------------------- numbers


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("steps", 0, "0"),
        ("steps", 9_999, "9,999"),
        ("steps", 10_000, "10.0 k"),
        ("steps", 503_808, "503.8 k"),
        ("steps", 999_949, "999.9 k"),
        ("steps", 999_950, "1.00 M"),
        ("steps", 1_220_608, "1.22 M"),
        ("steps", 16_203_776, "16.20 M"),
        ("steps", 4_063_648_768, "4,063.65 M"),
        ("steps", -4096, "−4,096"),
        ("exact", 811_008, "811,008"),
        ("exact", 811_008.0, "811,008"),
        ("exact", 0.5, "0.5"),
        ("reward", 20.5, "20.5"),
        ("reward", -21.0, "−21"),
        ("reward", 0.5625, "0.5625"),
        ("reward", 12.3751, "12.38"),
        ("reward", 992.0, "992"),
        ("reward", 1234.5, "1,234.5"),
        ("reward", 1234.0, "1,234"),
        ("reward", 12_345.6, "12,346"),
        ("reward", math.nan, "nan"),
        ("delta", 2.625, "+2.625"),
        ("delta", -1.0, "−1"),
        ("delta", 0.0, "±0"),
        ("number", 0.012345, "0.0123"),
        ("number", -1234.5, "−1,234"),
        ("percent", 7.534, "7.5 %"),
        ("percent", 99.9, "99.9 %"),
        ("percent", 99.96, "99.96 %"),
        ("percent", 99.9999, "99.9999 %"),
        ("percent", 100.0, "100.0 %"),
        ("percent", 100.7616, "100.8 %"),
        ("whole_percent", 22.9, "23 %"),
        ("at_least", 0.83, "at least 83 %"),
        ("at_least", 0.994, "at least 99 %"),
        ("at_least", 1.0, "all"),
        ("mib", 2181, "2,181 MiB"),
        ("mib", 10_240, "10.0 GiB"),
        ("megabytes", 1234.56, "1,234.6 MB"),
        ("speed", 453.2, "453 steps/s"),
        ("speed", 1818.0, "1,818 steps/s"),
        ("speed", 9.51, "9.51 steps/s"),
        ("signed_speed", 12.0, "+12.0 steps/s"),
        ("signed_speed", -12.34, "−12.3 steps/s"),
        ("offset", -360, "UTC−06:00"),
        ("offset", 330, "UTC+05:30"),
        ("offset", 0, "UTC+00:00"),
    ],
)
def test_numbers(name: str, value: float, text: str) -> None:
    """Units, signs and digits as people write them."""
    assert formatting.FILTERS[name](value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(24.9, "24.9 %"), (24.993, "24.99 %"), (24.9996, "24.9996 %"), (0.0, "0.0 %"), (3.14159, "3.1 %")],
)
def test_what_is_below_a_limit_does_not_read_as_the_limit(value: float, text: str) -> None:
    """As many decimals as it takes to be less than 25.0."""
    assert formatting.percent_below(value, 25.0) == text


@pytest.mark.parametrize("name", ["steps", "exact", "reward", "number", "percent", "whole_percent", "signed_speed"])
@pytest.mark.parametrize("value", [-0.0, -0.00001])
def test_nothing_is_minus_nought(name: str, value: float) -> None:
    """What rounds to 0 has no sign."""
    assert not re.match(r"−0(\.0+)?( |$)", formatting.FILTERS[name](value))


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"), (45.4, "45 s"), (89, "89 s"), (120, "2 min"), (2_700, "45 min"), (3_599, "1 h"), (3_600, "1 h"),
        (34_320, "9 h 32 min"), (172_799, "2 d"), (172_800, "2 d"), (273_600, "3 d 4 h"), (86_400 * 30, "30 d"),
    ],
)  # fmt: skip
def test_durations(seconds: float, text: str) -> None:
    """Two units at most, the second only where it says something."""
    assert formatting.duration(seconds) == text
    assert formatting.hours(seconds / 3600) == text


@pytest.mark.parametrize(
    ("iso", "when", "day"),
    [
        ("2025-11-30T22:20:27.572862", "30 Nov 2025, 22:20", "30 Nov 2025"),
        ("2025-12-01 04:05:06", "1 Dec 2025, 04:05", "1 Dec 2025"),
        ("2025-12-01T04:05+00:00", "1 Dec 2025, 04:05", "1 Dec 2025"),
        (" 2025-12-01T04:05 ", "1 Dec 2025, 04:05", "1 Dec 2025"),
        ("2025-12-24 24:00", "2025-12-24 24:00", "2025-12-24 24:00"),  # no time for all versions of Python
        ("2025-12-24", "24 Dec 2025, 00:00", "24 Dec 2025"),
        ("yesterday\n<b>", "yesterday <b>", "yesterday <b>"),
    ],
)
def test_times(iso: str, when: str, day: str) -> None:
    """As recorded, to the minute; what is no time stays as it is."""
    assert (formatting.when(iso), formatting.day(iso)) == (when, day)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "not set"), (True, "true"), (False, "false"), (512, "512"), (0.00025, "0.00025"), (0.1 + 0.2, "0.3"),
        ("auto", "auto"), ("two\nlines", "two lines"), (5e-05, "5e-05"), (1e6, "1000000"),
    ],
)  # fmt: skip
def test_settings(value: object, text: str) -> None:
    """As people write them in a file."""
    assert formatting.setting(value) == text


def test_counts_carry_their_noun() -> None:
    """One row, two rows, no rows."""
    assert [formatting.plural(n, "row", "rows") for n in (1, 2, 0, 1200)] == ["1 row", "2 rows", "0 rows", "1,200 rows"]


def test_long_texts_are_cut() -> None:
    """At most so many characters, the last one a sign of it; shorter ones stay."""
    assert (formatting.cut("a" * 200, 10), formatting.cut("short", 10)) == ("a" * 9 + "…", "short")
    assert formatting.cut("ends in blanks  and more", 16) == "ends in blanks…"


def test_lists_in_one_line() -> None:
    """Pairs, changes, counts and items."""
    assert formatting.pairs([("gamma", 0.9), ("seed", None)]) == "gamma = 0.9, seed = not set"
    assert formatting.changes([("gamma", 0.99, 0.9)]) == "gamma: 0.99 → 0.9"
    assert formatting.counts([("completed", 2), ("failed", 1)]) == "completed 2, failed 1"
    assert formatting.joined(["a.mp4", "b\n.mp4"]) == "a.mp4; b .mp4"


# ---------------------------------------------------------------- other people's words

EXTENSIONS = ["tables", "attr_list", "toc", "admonition", "footnotes", "abbr", "md_in_html"]
HOSTILE = [
    "plain words", "<script>alert(1)</script>", "</dd></dl><img src=x onerror=alert(1)>", "a < b > c & d",
    "&lt;script&gt;", "&amp;", "&#60;b&#62;", "&notanentity;", "'quotes' and \"double\"", "\" onclick=\"alert(1)",
    "[link](https://evil.example)", "[x](javascript:alert(1))", "![image](x.png)", "[ref][1]",
    "[1]: https://evil.example", "<https://evil.example>", "<javascript:alert(1)>",
    "https://evil.example/a?b=c&d=e#f", "mail@evil.example",
    "*em* **strong** _em_ __strong__ ***both***", "snake_case_name", "`code` ``more``", "``` fence", "~~~ fence",
    "# heading", "###### deep", "> quote", "- item", "+ item", "* item", "1. item", "12. item", "1) item", "===", "---",
    "***", "- - -", "!!! note", "!!! danger \"title\"", "???+ note", "[TOC]", "[^1]", "[^1]: a footnote",
    "*[HTML]: an abbreviation", "{: #id .class onclick=alert(1) }",
    "word {: .class }", "{#id}", "{{ 7*7 }}", "{% raw %}",
    "| a | b |", "|---|---|", "a | b\n---|---\n1 | 2", "first\n\n# second", "line\r\nbreak", "tab\there",
    "Term\n: text",
    "<!-- comment -->", "<?php echo 1 ?>", "<![CDATA[x]]>", "<div markdown=\"1\">*x*</div>", "\\*not escaped\\*",
    "back\\slash", r"D:\Python projects\out", "$math$ ^sup^ ~sub~ ==mark== ++ins++", ":smile:", '--8<-- "file.md"',
    "\x00null\x07bell", "\u202eright to left", "\u200bzero\ufeffwidth", "\x02wzxhzdk:0\x03", "wzxhzdk:0 klzzwxh:0001",
    "Ünïcödé 🎮 👩‍🚀 ❤️ 日本語", "-21.5 at 12:30 on 2025-11-30, 3/4", "run-54d8ae4e", "v1.2.3-rc.1", "a.b.c",
    "100 %", "(brackets)",
    "x" * 5000, "&" * 50, "<" * 50, "[" * 50, "`" * 50,
]  # fmt: skip
HOSTILE = list(dict.fromkeys(HOSTILE + [hostile.read for hostile in CORPUS if clean_text(hostile.read).strip()]))


class Parsed(HTMLParser):
    """Tags, attributes and text of a piece of HTML."""

    def __init__(self, source: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(source)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_comment(self, data: str) -> None:
        self.tags.append(("comment", {}))

    def handle_decl(self, decl: str) -> None:
        self.tags.append(("declaration", {}))

    def handle_pi(self, data: str) -> None:
        self.tags.append(("instruction", {}))


def render(source: str) -> Parsed:
    return Parsed(markdown.markdown(source, extensions=EXTENSIONS))


@pytest.mark.parametrize("text", HOSTILE)
def test_a_paragraph_of_hostile_text_is_that_text(text: str) -> None:
    """No tag, no link and no other word comes out of it."""
    page = render(escape_markdown(text))
    assert [tag for tag, _ in page.tags] == ["p"]
    assert page.text.strip() == clean_text(text).strip()


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_between_words_is_that_text(text: str) -> None:
    """In the middle of a sentence of ours, nothing before or after it changes either."""
    page = render(f"It says {escape_markdown(text)} and ends.")
    assert [tag for tag, _ in page.tags] == ["p"]
    assert page.text == f"It says {clean_text(text)} and ends."


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_in_a_heading_is_that_text(text: str) -> None:
    """A heading of a hostile name has that name, and an id made of it."""
    page = render(f"# {escape_markdown(text)} <small>run-1</small>")
    assert [tag for tag, _ in page.tags] == ["h1", "small"]
    assert page.text.strip() == f"{clean_text(text)} run-1".strip()


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_in_a_link_is_that_text(text: str) -> None:
    """Its brackets close nothing, and the link leads where it should."""
    page = render(f"[{escape_markdown(text)}](../a/index.md)\n{{: .rs-links }}")
    assert page.tags == [("p", {"class": "rs-links"}), ("a", {"href": "../a/index.md"})]
    assert page.text.strip() == clean_text(text).strip()


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_in_html_is_that_text(text: str) -> None:
    """In an attribute and in a cell of a block of HTML."""
    page = render(f'<div><p title="{escape_markdown(text)}">{escape_markdown(text)}</p></div>')
    assert page.tags == [("div", {}), ("p", {"title": clean_text(text)})]
    assert page.text.strip() == clean_text(text).strip()


def test_any_mix_of_marks_is_that_text() -> None:
    """Five hundred texts of marks, letters and blanks come out as they went in."""
    dice = random.Random(20251222)
    letters = string.punctuation * 3 + "ab01 \n"
    for _ in range(500):
        text = "".join(dice.choice(letters) for _ in range(dice.randint(1, 24))).strip()
        page = render(f"x {escape_markdown(text)} y")
        assert ([tag for tag, _ in page.tags], page.text) == (["p"], f"x {clean_text(text)} y"), repr(text)


def test_escaped_text_is_readable_by_any_html_reader() -> None:
    """Nothing but character references is used."""
    for text in HOSTILE:
        assert html.unescape(escape_markdown(text)) == clean_text(text)


def test_control_and_direction_characters_go() -> None:
    """They could hide or turn around what follows; line breaks become blanks."""
    assert clean_text("a\x00\x1b[1m\u202eb\u2066c\ufeff\nd\u2028e\tf") == "a[1mbc d e f"


# ---------------------------------------------------------------- slugs

SAFE = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?")
RESERVED = ["con", "CON", "prn", "aux", "nul", "com1", "LPT9", "index", "assets", "Index"]
NASTY = [
    "", " ", ".", "..", "../../etc/passwd", "/etc/passwd", r"..\..\windows", "C:\\run", "a/b", "a\x00b", "a\nb",
    "run-1.",
    "run-1 ", "-run", "run-", "Run-A", "run-a", "RUN-A", "ünï", "unı", "🎮", "👩‍🚀", "a", "x" * 10_000, "X" * 10_000,
    "<script>", "%2e%2e%2f", "run-1?x=1#y", "con.md", *RESERVED,
]  # fmt: skip


def slug(text: str, folder: str = "runs") -> str:
    return SlugMaker().make(folder, text, text)


@pytest.mark.parametrize("text", ["run-54d8ae4e", "run-1", "aa", "r" * 64])
def test_a_safe_run_id_is_its_slug(text: str) -> None:
    """Links to usual runs can be typed."""
    assert slug(text) == text


@pytest.mark.parametrize("text", NASTY)
@pytest.mark.parametrize("folder", ["runs", "games"])
def test_every_slug_is_safe(text: str, folder: str) -> None:
    """Small letters, digits and dashes; short; no name that a system reserves; nothing of a path."""
    made = slug(text, folder)
    assert SAFE.fullmatch(made)
    assert len(made) <= 71
    assert made not in {name.lower() for name in RESERVED}


def test_slugs_never_collide() -> None:
    """Neither on systems that know no case, nor with an id that looks like another's slug."""
    maker, made = SlugMaker(), []
    for text in [*NASTY, *(slug(text) for text in NASTY)]:
        made.append(maker.make("runs", text, text))
    assert len({name.lower() for name in made}) == len(made)


def test_equal_ids_of_two_databases_are_told_apart() -> None:
    """The first keeps the id, the second gets a suffix made of its database."""
    maker = SlugMaker()
    first, second = (maker.make("runs", "run-1", f"{name}\nrun-1") for name in ("one", "two"))
    assert first == "run-1"
    assert re.fullmatch(r"run-1-[0-9a-f]{6}", second)


def test_even_equal_identities_get_two_slugs() -> None:
    """The same text given three times makes three folders."""
    maker = SlugMaker()
    assert len({maker.make("runs", "run-1", "run-1") for _ in range(3)}) == 3


def test_slugs_stay_the_same_for_ever() -> None:
    """A link to a run made once leads there after every later build."""
    assert [slug("Run-A"), slug("")] == ["run-a-ea6a5e", "run-e3b0c4"]
    assert slug("Space Invaders", "games") == "space-invaders"


def test_folders_do_not_know_each_other() -> None:
    """A game may have the slug of an algorithm."""
    maker = SlugMaker()
    assert maker.make("games", "PPO", "PPO") == maker.make("algorithms", "PPO", "PPO") == "ppo"


# ---------------------------------------------------------------- files for programs


def read_csv(content: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode("utf-8"), newline="")))


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1+1", "@SUM(A1)", "\t=1", '=HYPERLINK("http://x")'])
def test_no_cell_is_a_formula(text: str) -> None:
    """A spreadsheet shows the text with an apostrophe instead of running it."""
    assert read_csv(table_csv(["name"], [[text]])) == [["name"], ["'" + text]]


@pytest.mark.parametrize(
    ("text", "cell"),
    [("a;=1+1", "a;'=1+1"), ('a;" ""=1', 'a;\'" ""=1'), ("a\n@SUM(A1)", "a\n'@SUM(A1)"), (";\n-1", ";'\n'-1")],
)
def test_no_part_of_a_cell_is_a_formula(text: str, cell: str) -> None:
    """Where a spreadsheet parts cells by semicolons, the middle of a text can be the beginning of a cell."""
    assert read_csv(table_csv(["name"], [[text]])) == [["name"], [cell]]


@pytest.mark.parametrize("value", [-21.5, -3, 0, 12.25, "run-1", "a,b", 'say "hi"', "two\nlines", "ünï 🎮", "a=b"])
def test_other_cells_are_as_they_are(value: object) -> None:
    """Negative numbers, commas, quotes and line breaks come back unchanged."""
    assert read_csv(table_csv(["name"], [[value]])) == [["name"], [str(value)]]


def test_a_carriage_return_begins_no_row() -> None:
    """A lone carriage return inside a cell would hide a formula at the start of a row of its own."""
    rows = read_csv(table_csv(["a", "b"], [["run\r=1+1", 2]]))
    assert (len(rows), len(rows[1])) == (2, 2)


def test_a_missing_cell_is_empty() -> None:
    """None is no word."""
    assert read_csv(table_csv(["a", "b"], [[None, 1]])) == [["a", "b"], ["", "1"]]


def canonical(rewards: list[float], losses: list[float]) -> Series:
    count = len(rewards)
    steps, seconds = np.arange(1.0, count + 1) * 4096, np.arange(float(count)) * 9
    columns = {name: np.full(count, math.nan) for name in METRICS}
    columns |= {"episode_reward_mean": np.array(rewards), "policy_loss": np.array(losses)}
    return Series(
        steps, seconds, seconds / 3600, np.zeros(count, dtype=np.int64), columns, 0, None,
        seconds, steps, np.ones(count, dtype=bool), np.empty(0),
    )  # fmt: skip


REWARDS, LOSSES = [math.nan, 0.1 + 0.2, -21.0, 1e-9], [-0.0123456789012345, math.nan, 5e-324, 1e300]


def test_the_csv_is_the_series() -> None:
    """Every value reads back as the same number; missing ones are empty."""
    rows = read_csv(gzip.decompress(metrics_csv(canonical(REWARDS, LOSSES))))
    assert rows[0] == ["timestep", "hours", "session", "episode_reward_mean", "policy_loss"]
    values = [[math.nan if cell == "" else float(cell) for cell in row] for row in rows[1:]]
    np.testing.assert_array_equal([row[3] for row in values], REWARDS)
    np.testing.assert_array_equal([row[4] for row in values], LOSSES)
    assert [row[0] for row in rows[1:]] == ["4096", "8192", "12288", "16384"]
    assert [row[1] for row in rows[1:]] == ["0", "0.0025", "0.005", "0.0075"]


def test_a_column_without_values_is_left_out() -> None:
    """Nineteen empty columns help nobody."""
    assert read_csv(gzip.decompress(metrics_csv(canonical([1.0], [math.nan]))))[0][3:] == ["episode_reward_mean"]


def test_an_empty_series_is_a_header() -> None:
    """A run without rows has a file that every reader can open."""
    assert gzip.decompress(metrics_csv(canonical([], []))) == b"timestep,hours,session\n"


def test_there_is_no_time_in_the_file() -> None:
    """Equal rows give equal bytes: neither a time stamp nor a name stands in the header."""
    content = metrics_csv(canonical(REWARDS, LOSSES))
    assert (content[:3], content[3], content[4:8]) == (b"\x1f\x8b\x08", 0, b"\0\0\0\0")
    assert content == metrics_csv(canonical(REWARDS, LOSSES))
