"""The second wall: what the rules of redaction find in a built site."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from runsum.check.site import SiteReport, check_site
from runsum.redact.policy import Mode, Policy

TOKEN = "gh" + "p_" + "aB3dE6gH9jK2mN5pQ8sT1vW4yZ7bC0dF3gH6"
BUDGET = 10**9


def site(folder: Path, files: dict[str, str | bytes]) -> Path:
    """A site of a home page and these files."""
    for path, content in ({"index.html": "<h1>Home</h1>"} | files).items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content.encode() if isinstance(content, str) else content)
    return folder


def leaks(report: SiteReport) -> list[tuple[str, str, str]]:
    return [(found.page, found.target, found.hint) for found in report.problems if found.kind == "leak"]


@pytest.mark.parametrize(
    ("path", "content", "line"),
    [
        ("p/index.html", f"<p>one\n<p>{TOKEN}", 2),
        ("p/index.html", "".join(f"&#{ord(char)};" for char in TOKEN), 1),
        ("data/runs.js", f'runsum.put("runs", ["{TOKEN}"])', 1),
        ("data/a.json", "\n" + json.dumps({"a": TOKEN}).replace("_", "\\u005f"), 2),
        ("search/search_index.json", json.dumps({"docs": [{"text": TOKEN}]}), 1),
        ("runs/x/metrics.csv.gz", gzip.compress(f"a,b\n1,{TOKEN}\n".encode(), mtime=0), 2),
        ("feed.xml", f"<feed><title>{TOKEN}</title></feed>", 1),
        ("robots.txt", TOKEN, 1),
        ("assets/javascripts/bundle.js", f'var a = "{TOKEN}"', 1),
        ("logs/train.log", f"started\n{TOKEN}", 2),
        ("id_rsa", TOKEN, 1),
        ("a.ipynb", TOKEN, 1),
        ("wide.txt", f"a {TOKEN}".encode("utf-16"), 1),
        ("model.pt", b"\0 " + TOKEN.encode() + b"\0 ann@example.org", 1),
    ],
)
def test_a_token_is_found(tmp_path: Path, path: str, content: str | bytes, line: int) -> None:
    """In any kind of file and any way of writing; told by rule and line, never itself."""
    report = check_site(site(tmp_path, {path: content}), BUDGET)
    assert leaks(report) == [(path, "github-token", f"in line {line}")]
    assert TOKEN not in str(report.problems)


def test_a_database_is_no_part_of_a_site(tmp_path: Path) -> None:
    """It holds what redaction keeps back, wherever its name comes from; with redaction off, that was the aim."""
    folder = site(tmp_path, {"data/runs.bin": b"SQLite format 3\0" + bytes(100)})
    assert leaks(check_site(folder, BUDGET)) == [("data/runs.bin", "database", "in line 1")]
    assert leaks(check_site(folder, BUDGET, Policy(Mode.OFF, "inside"))) == []


def test_the_name_of_a_file_is_looked_at_too(tmp_path: Path) -> None:
    """As people read it: without percent signs."""
    report = check_site(site(tmp_path, {f"runs/{TOKEN}.png": b"x"}), BUDGET)
    assert [(rule, where) for _, rule, where in leaks(report)] == [("github-token", "in its name")]


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("/home/ann/runs/a.zip", "home-folder"),
        (r"C:\Users\ann\runs", "home-folder"),
        ("ann@example.org", "e-mail"),
        ("password: hunter2", "key-name"),
        ("https://ann:pw@example.org/x", "url-userinfo"),
        ("http://gpu-box:6006/", "private-host"),
    ],
)
def test_identities_and_named_secrets_are_found(tmp_path: Path, text: str, rule: str) -> None:
    """The same rules that the build applies."""
    assert [found[1] for found in leaks(check_site(site(tmp_path, {"p/index.html": f"<p>{text}</p>"}), BUDGET))] == [
        rule
    ]


def test_a_redacted_setting_that_one_run_has_and_the_other_has_not_is_no_leak(tmp_path: Path) -> None:
    """The lineage's page says so of it; a token behind these words would be one all the same."""
    page = "<p>clientsecret: not set → ‹redacted:key-name›<p>api_key: not set → TEXT"
    files = {"a/index.html": page.replace("TEXT", "‹redacted:key-na…"), "b/index.html": page.replace("TEXT", TOKEN)}
    assert {found[0] for found in leaks(check_site(site(tmp_path, files), BUDGET))} == {"b/index.html"}


def test_programs_are_searched_for_tokens_alone(tmp_path: Path) -> None:
    """In the source of the theme, `password` is the name of a field."""
    script = 'var field = {password: "required", token: "abc123"}, mail = "ann@example.org"'
    assert leaks(check_site(site(tmp_path, {"assets/javascripts/a.js": script}), BUDGET)) == []
    assert len(leaks(check_site(site(tmp_path, {"data/a.js": script}), BUDGET))) == 2  # by rule and line


def test_numbers_in_letters_are_no_leak(tmp_path: Path) -> None:
    """A packed column may spell an address; a text of a run, whatever it looks like, is read."""
    column = '[4,0,-3,1,"ann@example.org.uk:x"]'
    said = json.dumps('[4,0,-3,1,"ann@example.org"]')
    data = f'(window.runsumData=window.runsumData||{{}})["a"]={{"v":{column},"text":TEXT}};\n'
    folder = site(tmp_path, {"runs/a/data.js": data.replace("TEXT", "0"), "runs/b/data.js": data.replace("TEXT", said)})
    assert [found[:2] for found in leaks(check_site(folder, BUDGET))] == [("runs/b/data.js", "e-mail")]


def test_each_page_is_told_although_a_line_was_seen_before(tmp_path: Path) -> None:
    """Only clean lines are remembered."""
    page = f"<p>same\n<p>{TOKEN}"
    report = check_site(site(tmp_path, {"a/index.html": page, "b/index.html": page, "c/index.html": "<p>same"}), BUDGET)
    assert [found[0] for found in leaks(report)] == ["a/index.html", "b/index.html"]


def test_a_secret_at_the_seam_of_a_large_file_is_found(tmp_path: Path) -> None:
    """Files are read in stretches of a megabyte."""
    text = "x " * ((1 << 19) - 8) + TOKEN
    assert [rule for _, rule, _ in leaks(check_site(site(tmp_path, {"big.txt": text}), BUDGET))] == ["github-token"]


def test_the_site_may_name_where_it_lies(tmp_path: Path) -> None:
    """An archive for an internal server says so on each page; other machines stay unnamed."""
    head = '<link rel="canonical" href="http://runs.corp/archive/">'
    files = {"index.html": head, "p/index.html": '<link rel="canonical" href="http://runs.corp/archive/p/"> gpu.corp'}
    found = leaks(check_site(site(tmp_path, files), BUDGET))
    assert found == [("p/index.html", "private-host", "in line 1")]


def test_what_is_allowed_and_what_is_off(tmp_path: Path) -> None:
    """Texts that the settings allow are no leaks; with redaction off nobody looks, and the report says so."""
    folder = site(tmp_path, {"about.html": "<p>ann@example.org"})
    assert leaks(check_site(folder, BUDGET, Policy(allow_values=frozenset({"ann@example.org"})))) == []
    off = check_site(folder, BUDGET, Policy(Mode.OFF, "inside"))
    assert (leaks(off), off.unredacted) == ([], "inside")
