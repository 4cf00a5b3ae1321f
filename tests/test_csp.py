"""`runsum csp`: the policy of a built site, as a header and in the head of every page."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import subprocess
import sys
from html import unescape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from runsum.csp.theme import ThemeScripts, installed_scripts, script_styles
from support.cli import typed, work

if TYPE_CHECKING:
    from conftest import BuiltSite

__all__ = ["work"]  # a fixture

FIXED = (
    "default-src 'none'; script-src 'self'{}; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "media-src 'self'; connect-src 'self'; worker-src 'self'; frame-src 'self'; object-src 'none'; base-uri 'none'; "
    "form-action 'self'"
)
THEMES = 'var target=document.getElementById(location.hash.slice(1));target&&target.name&&(target.checked=target.name.startsWith("__tabbed_"))'  # noqa: E501 as Material has it
TAG = re.compile(r'<meta http-equiv="Content-Security-Policy" data-by="runsum" content="([^"]*)">')
INLINE = re.compile(r"<script>(.*?)</script>", re.DOTALL)


def hash_of(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def page(body: str, head: str = "") -> str:
    top = f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n{head}</head>\n'
    return f"{top}<body>{body}</body>\n</html>\n"


def site_with(folder: Path, **pages: str) -> Path:
    """A site of these pages, whose home page has the theme's script."""
    folder.mkdir()
    for name, html in {"index": page(f"<script>{THEMES}</script>"), **pages}.items():
        (folder / f"{name}.html").write_bytes(html.encode())
    return folder


def report(*words: str | Path, code: int = 0) -> dict[str, Any]:
    done = typed("csp", "--json", *map(str, words))
    assert done.exit_code == code, done.output
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def policy_in(html: str) -> str:
    (policy,) = TAG.findall(html)
    return str(policy)


def bytes_of(site: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in site.rglob("*") if path.is_file()}


# ---------------------------------------------------------------- the header


def test_the_header_allows_the_site_and_the_theme(work: Path) -> None:
    """One line on stdout, ready for a server; frames of other sites may not show it; nothing is written."""
    site = site_with(work / "site")
    before = bytes_of(site)
    done = typed("csp", "site")
    assert (done.exit_code, bytes_of(site)) == (0, before)
    expected = FIXED.format(f" {hash_of(THEMES)}")
    assert done.stdout == f"Content-Security-Policy: {expected}; frame-ancestors 'self'\n"
    assert "1 inline script of the theme" in done.stderr
    assert "runsum csp --write" in done.stderr


def test_the_site_is_where_mkdocs_yml_says(work: Path) -> None:
    """Without a name, that folder, else `site`."""
    site_with(work / "site")
    assert report()["site"] == "site"
    (work / "mkdocs.yml").write_text("site_name: x\nsite_dir: public\n", encoding="utf-8")
    site_with(work / "public", more=page(""))
    assert (Path(report()["site"]).name, report()["pages"]) == ("public", 2)


def test_the_header_of_a_real_site_has_every_page_s_hashes(built_site: BuiltSite) -> None:
    """Pages of different depth have different scripts: the header is their union and knows nothing unsafe."""
    pages = [path.read_text(encoding="utf-8") for path in sorted(built_site.online.rglob("*.html"))]
    scripts = {script for html in pages for script in INLINE.findall(html)}
    assert len(scripts) > 3
    expected = FIXED.format(" " + " ".join(sorted(map(hash_of, scripts))))
    assert report(built_site.online)["policy"] == f"{expected}; frame-ancestors 'self'"


# ---------------------------------------------------------------- in the pages


@pytest.mark.parametrize("kind", ["online", "offline"])
def test_every_page_has_the_policy_of_its_own_scripts(built_site: BuiltSite, kind: str) -> None:
    """The tag follows the charset, before anything is loaded, and holds the hashes of this page alone."""
    assert built_site.finished[f"policy {kind}"].returncode == 0, built_site.finished[f"policy {kind}"].stderr
    for path in (built_site.online if kind == "online" else built_site.offline).rglob("*.html"):
        html = path.read_text(encoding="utf-8")
        hashes = sorted({hash_of(script) for script in INLINE.findall(html)})
        assert policy_in(html) == FIXED.format("".join(f" {it}" for it in hashes)), path
        assert re.match(r'\s*<!doctype html>\s*<html[^>]*>\s*<head>\s*<meta charset="utf-8"><meta http-equiv="C', html)


def test_writing_again_changes_nothing(work: Path) -> None:
    """Not a byte, and no file is touched; another policy takes the place of the old one."""
    site = site_with(work / "site", plain=page("x"))
    first = report("--write", "site")
    assert (first["written"], first["unchanged"]) == (2, 0)
    before, touched = bytes_of(site), (site / "index.html").stat().st_mtime_ns
    again = report("--write", "site")
    assert (again["written"], again["unchanged"]) == (0, 2)
    assert (bytes_of(site), (site / "index.html").stat().st_mtime_ns) == (before, touched)
    html = (site / "index.html").read_text(encoding="utf-8")
    (site / "index.html").write_text(html.replace("form-action 'self'", "form-action *"), encoding="utf-8")
    assert report("--write", "site")["written"] == 1
    assert bytes_of(site) == before


def test_nothing_but_the_tag_is_new(work: Path) -> None:
    """Line ends, marks of byte order and other files stay as they are."""
    site = site_with(work / "site", windows=page("x").replace("\n", "\r\n"), marked="\ufeff" + page("y"))
    (site / "data.js").write_text("<script>1</script>", encoding="utf-8")
    before = bytes_of(site)
    report("--write", "site")
    assert {path: TAG.sub("", data.decode()).encode() for path, data in bytes_of(site).items()} == before


@pytest.mark.parametrize(
    ("html", "begin"),
    [
        ("<head><title>t</title><meta name=a charset=utf-8><b>", "<head><title>t</title><meta name=a charset=utf-8>"),
        ('<!doctype html><html><head><link rel="icon" href="i"><meta charset="utf-8">', "<!doctype html><html><head>"),
        ("<!-- <head> --><!doctype html><html><p>x", "<!-- <head> --><!doctype html><html>"),
        ("<!doctype html>\n<p>x", "<!doctype html>"),
        ("\ufeff<p>x", "\ufeff"),
        ("<p>x<meta charset=utf-8>", ""),
        ("x", ""),
    ],
)  # fmt: skip
def test_the_tag_stands_before_all_that_is_loaded(work: Path, html: str, begin: str) -> None:
    """Behind the charset where that comes first, else as far ahead as a page can have it."""
    site = site_with(work / "site", odd=html)
    typed("csp", "--write", "site")
    sealed = (site / "odd.html").read_bytes().decode()
    assert sealed.startswith(f'{begin}<meta http-equiv="Content-Security-Policy"')
    assert TAG.sub("", sealed) == html


@pytest.mark.skipif(sys.platform == "win32", reason="a largest file size is a thing of POSIX")
def test_a_page_that_cannot_be_written_stays_whole(work: Path) -> None:
    """A full disk, here a limit for files, ends it with one line; no page is cut, and nothing is left beside it."""
    import resource

    site = site_with(work / "site", long=page("long " * 4000))
    before = bytes_of(site)
    done = subprocess.run(
        [sys.executable, "-m", "runsum", "csp", "--write", "site"],
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000)),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert re.fullmatch(r"runsum: site/long\.html: File too large\. .*\n", done.stderr)
    after = bytes_of(site)
    assert after.keys() == before.keys()
    assert after[site / "long.html"] == before[site / "long.html"]


# ---------------------------------------------------------------- whose script is it?


@pytest.mark.parametrize(
    "script",
    [
        "alert(1)",
        THEMES + ";alert(1)",
        THEMES.replace("checked", "hidden"),
        '__md_scope=new URL("");alert(1);("",location)',
    ],
)
@pytest.mark.parametrize("tag", ["script", "SCRIPT", "script type=module", 'script type=" Text/JavaScript "'])
def test_a_script_of_anybody_else_is_not_allowed(work: Path, script: str, tag: str) -> None:
    """It is named with its page, its hash is in no policy, and the command ends with 1."""
    site = site_with(work / "site", bad=page(f"<{tag}>{script}</script>"))
    done = typed("csp", "--write", "site")
    assert done.exit_code == 1
    assert f"bad.html: {script}"[:100] in done.stderr
    assert policy_in((site / "bad.html").read_text(encoding="utf-8")) == FIXED.format("")
    found = report("site", code=1)
    assert found["blocked"] == [{"kind": "inline_script", "page": "bad.html", "text": script}]
    assert found["policy"].startswith(FIXED.format(f" {hash_of(THEMES)}"))


@pytest.mark.parametrize(
    "html",
    [
        '<script type="application/json">{"a": 1}</script>',
        '<script type="text/x-template">alert(1)</script>',
        '<script src="data.js"></script>',
        '<script src="data.js">never read</script>',
        '<a href="javascript:void(0)">a button</a>',
        "<pre>&lt;script&gt;alert(1)&lt;/script&gt; onclick=1</pre>",
        "<!-- <script>alert(1)</script> -->",
    ],
)
def test_what_never_runs_needs_no_leave(work: Path, html: str) -> None:
    """Data, files, comments, text and buttons without an address pass, and add nothing to the policy."""
    site_with(work / "site", fine=page(html))
    assert report("site")["policy"].startswith(FIXED.format(f" {hash_of(THEMES)}"))


@pytest.mark.parametrize(
    "html",
    [
        '<b onclick="alert(1)">',
        "<svg onload=alert(1)>",
        '<a href="javascript:alert(1)">',
        '<a href=" java\nscript:alert(1)">',
        '<form action="JavaScript:alert(1)">',
        '<a href="&#106;avascript:alert(1)">',
    ],
)
def test_attributes_that_are_scripts_are_named(work: Path, html: str) -> None:
    """No hash can allow them, so the page needs a change."""
    site_with(work / "site", bad=page(html))
    (found,) = report("site", code=1)["blocked"]
    assert (found["kind"], found["page"]) == ("script_attribute", "bad.html")
    assert unescape(found["text"].split("=", 1)[1]).strip('"> ').endswith("alert(1)")


def test_the_same_on_many_pages_is_one_line(work: Path) -> None:
    """A script in a theme of one's own stands on every page."""
    site_with(work / "site", **{f"p{number}": page("<script>mine()</script>") for number in range(9)})
    done = typed("csp", "site")
    assert "9 inline scripts that are not the theme's" in done.stderr
    assert "  p0.html: mine(), and 8 times more\n" in done.stderr


def test_the_theme_s_scripts_are_read_from_its_templates(tmp_path: Path) -> None:
    """Letter for letter but for addresses between quotes; what has more in it than those is nobody's."""
    (tmp_path / "partials").mkdir()
    (tmp_path / "partials" / "a.html").write_text(
        '{% if x %}<script>go("{{ base_url }}",{a:"b"})</script>{% endif %}<script>n={{ n }}</script>'
        "<script>{% if y %}z(){% endif %}</script>",
        encoding="utf-8",
    )
    theme = ThemeScripts([tmp_path])
    assert theme.know('go("../..",{a:"b"})')
    assert theme.know('go("https://example.org/runs/~me/%20/",{a:"b"})')
    for script in ('go("",alert(1),"",{a:"b"})', 'go("..",{a:"c"})', "n=1", "z()", "", 'go("\\",{a:"b"})'):
        assert not theme.know(script), script


def test_both_themes_are_known() -> None:
    """Material and Zensical are installed here, and each sets the palette before the page is painted."""
    assert installed_scripts().know(THEMES)
    for rest in ("", ",__md_scope.pathname.endsWith"):
        assert any(f"location){rest}" in str(shape.pattern).replace("\\", "") for shape in installed_scripts()._shapes)


# ---------------------------------------------------------------- styles


def test_inline_styles_are_allowed_one_by_one(work: Path) -> None:
    """Tables of Markdown align with attributes: each value counts by its hash, on its own page only."""
    site = site_with(work / "site", table=page('<td style="text-align: right;">', "<style>b{color:red}</style>"))
    report("--write", "site")
    policy = policy_in((site / "table.html").read_text(encoding="utf-8"))
    assert f"style-src 'self' {hash_of('b{color:red}')}; " in policy
    assert f"; style-src-attr 'unsafe-hashes' {hash_of('text-align: right;')}; " in policy
    assert "unsafe-hashes" not in policy_in((site / "index.html").read_text(encoding="utf-8"))
    assert "unsafe-inline" not in report("site")["policy"]


def test_a_style_sheet_in_the_theme_s_script_is_found() -> None:
    """Of a script with an open shadow root the strings that are style sheets, and no other strings."""
    sheet = '.a{color:red}[b=""] :after{content:""}'
    script = f"""var T='{sheet}',u="not{{this}}";e=`.x${{1}}`;h=n.attachShadow({{mode:"open"}});q('.r{{',"}}")"""
    assert script_styles(script) == [sheet, "not{this}"]
    assert script_styles(script.replace("open", "closed")) == []


# ---------------------------------------------------------------- what is no site or no page


def test_what_is_no_site_is_said_in_one_line(work: Path) -> None:
    """With the folder, and what to do next."""
    (work / "empty").mkdir()
    for folder in ("gone", "empty"):
        done = typed("csp", folder)
        assert (done.exit_code, done.stdout) == (2, "")
        assert done.stderr == (
            f"runsum: {folder}: not the folder of a built site. "
            "Type 'mkdocs build' first, or name the folder: runsum csp SITE\n"
        )


def test_pages_that_cannot_be_sealed_are_named(work: Path) -> None:
    """A symbolic link, a device and what is not UTF-8 stay untouched and are no success."""
    site = site_with(work / "site")
    (site / "latin.html").write_bytes(page("caf\u00e9").encode("latin-1"))
    (work / "elsewhere.html").write_text(page("x"), encoding="utf-8")
    (site / "link.html").symlink_to(work / "elsewhere.html")
    (site / "device.html").symlink_to(os.devnull)
    found = report("--write", "site", code=1)
    assert [(it["kind"], it["page"]) for it in found["blocked"]] == [
        ("unread_page", "device.html"),
        ("unread_page", "latin.html"),
        ("unread_page", "link.html"),
    ]
    assert not TAG.search((work / "elsewhere.html").read_text(encoding="utf-8"))
    assert (site / "link.html").is_symlink()


def test_the_check_does_not_mind_a_policy(built_site: BuiltSite) -> None:
    """A sealed site is as good as it was."""
    assert typed("check", str(built_site.online)).exit_code == 0
