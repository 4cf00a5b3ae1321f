"""What `runsum check` says about the addresses of a site, and what it must not say: small sites made by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from runsum.check.files import list_files
from runsum.check.links import Place, guess_path, place_of
from runsum.check.pages import read_page, srcset_addresses
from runsum.check.site import SiteReport, check_site
from runsum.check.styles import css_addresses

BUDGET = 900_000_000
Files = dict[str, str | bytes]
CANONICAL = '<link rel="canonical" href="https://example.org/repo/">'


def written(root: Path, files: Files) -> Path:
    """A site of these files; a home page is always there."""
    for name, content in {"index.html": "<h1 id=home>Home</h1>", **files}.items():
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return root


def checked(root: Path, files: Files) -> SiteReport:
    return check_site(written(root, files), BUDGET)


def a(address: str) -> str:
    return f'<a href="{address}">there</a>'


def found(report: SiteReport) -> list[tuple[str, str, str]]:
    """Without private details in the addresses, which test_check_leaks.py is about."""
    return [(problem.kind, problem.page, problem.target) for problem in report.problems if problem.kind != "leak"]


# ---------------------------------------------------------------- what is wrong, in a page "p/index.html"


@pytest.mark.parametrize(
    ("html", "kind", "target"),
    [
        (a("gone.html"), "dead_link", "gone.html"),
        (a("../gone/"), "dead_link", "../gone/"),
        (a("../home.html?x=1#y"), "dead_link", "../home.html?x=1#y"),
        (a("../Home"), "dead_link", "../Home"),
        (a("../b/INDEX.html"), "dead_link", "../b/INDEX.html"),
        (a("../files"), "dead_link", "../files"),
        (a("../b/index.html/"), "dead_link", "../b/index.html/"),
        (a("../b%2Fx.html"), "dead_link", "../b%2Fx.html"),
        (a("http://[half"), "dead_link", "http://[half"),
        ('<area href="gone.html">', "dead_link", "gone.html"),
        ('<link rel="next" href="../gone/">', "dead_link", "../gone/"),
        ('<link rel="canonical" href="gone.html">', "dead_link", "gone.html"),
        ('<form action="gone.php"></form>', "dead_link", "gone.php"),
        ('<button formaction="gone.php"></button>', "dead_link", "gone.php"),
        ('<meta http-equiv="Refresh" content="0; URL=\'gone.html\'">', "dead_link", "gone.html"),
        ('<svg><a xlink:href="gone.html"></a></svg>', "dead_link", "gone.html"),
        (a("#gone"), "dead_anchor", "#gone"),
        (a("../b/#Here"), "dead_anchor", "../b/#Here"),
        (a("../z/index.html#gone:~:text=word"), "dead_anchor", "../z/index.html#gone:~:text=word"),
        ('<svg><use href="#gone"/></svg>', "dead_anchor", "#gone"),
        ('<script src="gone.js"></script>', "missing_asset", "gone.js"),
        ('<script src=""></script>', "missing_asset", ""),
        ('<img src="gone.png">', "missing_asset", "gone.png"),
        ('<img srcset="../files/x.svg 1x, gone.png 2x">', "missing_asset", "gone.png"),
        ('<picture><source srcset="gone.webp"></picture>', "missing_asset", "gone.webp"),
        ('<video src="gone.mp4"></video>', "missing_asset", "gone.mp4"),
        ('<video poster="gone.jpg"></video>', "missing_asset", "gone.jpg"),
        ('<video><track src="gone.vtt"></video>', "missing_asset", "gone.vtt"),
        ('<iframe src="gone.html"></iframe>', "missing_asset", "gone.html"),
        ('<object data="gone.pdf"></object>', "missing_asset", "gone.pdf"),
        ('<svg><image xlink:href="gone.png"/></svg>', "missing_asset", "gone.png"),
        ('<body background="gone.png">', "missing_asset", "gone.png"),
        ('<link rel="stylesheet" href="gone.css">', "missing_asset", "gone.css"),
        ('<link rel="shortcut icon" href="gone.ico">', "missing_asset", "gone.ico"),
        ('<figure data-chart="reward" data-src="data.js"></figure>', "missing_asset", "data.js"),
        ('<p style="background: URL( gone.png )">', "missing_asset", "gone.png"),
        ('<p style="background: url(&quot;gone&amp;.png&quot;)">', "missing_asset", "gone&.png"),
        ("<style>@import 'gone.css';</style>", "missing_asset", "gone.css"),
        ("<noscript><img src='gone.png'></noscript>", "missing_asset", "gone.png"),
        ('<script src="https://cdn.example.com/x.js"></script>', "external_asset", "https://cdn.example.com/x.js"),
        ('<script src="//cdn.example.com/x.js"></script>', "external_asset", "//cdn.example.com/x.js"),
        ('<img src="HTTP://example.com/x.png">', "external_asset", "HTTP://example.com/x.png"),
        ('<img srcset="https://example.com/x.png 2x">', "external_asset", "https://example.com/x.png"),
        ('<iframe src="https://example.com/"></iframe>', "external_asset", "https://example.com/"),
        ('<link rel="stylesheet" href="https://example.com/x.css">', "external_asset", "https://example.com/x.css"),
        ('<link rel="preconnect" href="https://fonts.example.com">', "external_asset", "https://fonts.example.com"),
        ('<link rel="dns-prefetch" href="//fonts.example.com">', "external_asset", "//fonts.example.com"),
        ("<p style=\"background:url('https://example.com/x')\">", "external_asset", "https://example.com/x"),
        ("<style>@import url(//example.com/x.css);</style>", "external_asset", "//example.com/x.css"),
        (a("/"), "absolute_path", "/"),
        (a("/b/index.html"), "absolute_path", "/b/index.html"),
        ('<img src="/files/x.svg">', "absolute_path", "/files/x.svg"),
        (a("file:///home/ann/x"), "local_address", "file:///home/ann/x"),
        (a("C:\\Users\\ann"), "local_address", "C:\\Users\\ann"),
        (a("\\\\nas\\runs"), "local_address", "\\\\nas\\runs"),
        (a("http://localhost:6006/"), "local_address", "http://localhost:6006/"),
        (a("https://x.localhost./"), "local_address", "https://x.localhost./"),
        (a("http://127.0.0.1:8000/"), "local_address", "http://127.0.0.1:8000/"),
        (a("http://[::1]/"), "local_address", "http://[::1]/"),
        (a("http://192.168.1.7/"), "local_address", "http://192.168.1.7/"),
        (a("http://gpu-box/"), "local_address", "http://gpu-box/"),
        (a("http://gpu.local/"), "local_address", "http://gpu.local/"),
        ('<img src="http://10.0.0.1/x.png">', "local_address", "http://10.0.0.1/x.png"),
        (a("javascript:alert(1)"), "script_address", "javascript:alert(1)"),
        (a(" java&#10;script:alert(1)"), "script_address", " java\nscript:alert(1)"),
        (a("VBScript:x"), "script_address", "VBScript:x"),
        (a("../../x.html"), "leaves_site", "../../x.html"),
        (a("%2e%2e/%2E./x.html"), "leaves_site", "%2e%2e/%2E./x.html"),
        ('<img src="../../x.png">', "leaves_site", "../../x.png"),
    ],
)
def test_a_problem_is_found(tmp_path: Path, html: str, kind: str, target: str) -> None:
    """One address, one problem: its kind, the page, and the address as it is written."""
    files: Files = {
        "p/index.html": html,
        "b/index.html": "<p id=here>",
        "z/index.html": "<p id=here>",
        "files/x.svg": "<svg/>",
    }
    assert found(checked(tmp_path, files)) == [(kind, "p/index.html", target)]


@pytest.mark.parametrize(
    ("address", "hint"),
    [
        ("gone/", "p/gone is not in the site"),
        ("../B/", "the site has b/index.html: upper and lower case matter on a server"),
        ("../files/", "the folder files has no index.html"),
        ("../b/index.html/", "b/index.html is a file, no folder"),
        ("../b/#gone", "b/index.html has no #gone"),
    ],
)
def test_a_hint_says_what_exactly(tmp_path: Path, address: str, hint: str) -> None:
    """Where the address alone does not show what is wrong."""
    files: Files = {"p/index.html": a(address), "b/index.html": "<p>", "files/x.svg": "<svg/>"}
    assert [problem.hint for problem in checked(tmp_path, files).problems] == [hint]


# ---------------------------------------------------------------- what is not wrong


@pytest.mark.parametrize(
    "html",
    [
        a("../b/"), a("../b"), a("../b/index.html"), a("../b/index.html?h=word#here"), a(".."), a("../."), a(""),
        a("./"), a("?x=1"), a("#"), a("#top"), a("#TOP"), a("#:~:text=word"), a("../b/#:~:text=word"), a("../#home"),
        a("../b/#here:~:text=word"), a("../b/#%68ere"), a("../b/#na%C3%AFve"), a("../b/#naïve"), a("../b/#old"),
        a("#__skip"), a("../b/#__codelineno-0-1"), a("../a%20b/%C3%BC.html"), a("../a b/ü.html"),
        a("../files/x&amp;y.svg?a=1&amp;b=2#part"), a("..\\b\\"), a("  ../b/  "), a("../b//"), a("../b/../b/"),
        a("../files/x&#38;y.svg"), a("https://example.com/"), a("//example.com/gone"), a("http://8.8.8.8/"),
        a("mailto:ann@example.com"), a("tel:+123"), a("data:text/plain,x"), a("javascript:void(0)"), a("javascript:;"),
        "<a id=x></a>" + a("#x"), "<a name=y></a>" + a("#y"), "<p id=later>" + a("#later"), "<a>no address</a>",
        '<img src="data:image/png;base64,AA//A=">', '<img srcset="../files/x%26y.svg, ../files/x&y.svg 2x">',
        '<link rel="canonical" href="https://example.com/gone">', '<link rel="preconnect" href="../nowhere">',
        '<link rel="alternate" type="application/rss+xml" href="https://example.com/feed.xml">',
        '<meta property="og:image" content="https://example.com/card.png">',
        '<meta name="refresh" content="0; url=gone.html">',
        '<p style="clip-path: url(#clip)">', "<style>@namespace url(http://www.w3.org/1999/xhtml);</style>",
        "<style>/* url(gone.png) */ p { src: local('x') }</style>", '<script>var x = "<img src=gone.png>"</script>',
        "<pre><code>&lt;img src=gone.png&gt;</code></pre>", "<!-- <img src=gone.png> -->",
        '<script id="__config">not JSON</script>', '<script id="__config">["search"]</script>',
        '<svg xmlns="http://www.w3.org/2000/svg"><path id=g /><use href="#g"/></svg>', "<form></form>",
        '<style>p { background: url("data:image/svg+xml,<svg fill=\'url(gone)\'/>") }</style>',
    ],
)  # fmt: skip
def test_no_false_alarm(tmp_path: Path, html: str) -> None:
    """What works in a browser, or fetches nothing, is no problem."""
    files: Files = {
        "p/index.html": html,
        "b/index.html": "<p id=here><i id=naïve></i><a name=old></a>",
        "a b/ü.html": "<p>",
        "files/x&y.svg": "<svg/>",
    }
    assert found(checked(tmp_path, files)) == []


def test_a_base_moves_every_relative_address(tmp_path: Path) -> None:
    """`<base href>` counts for all addresses of the page, also for '#here' and for what stands before it."""
    links = a("x.html") + '<base href="../b/start.html">' + a("#here") + a("gone.html") + a("https://example.com/")
    files: Files = {"p/index.html": links, "b/x.html": "<p>", "b/start.html": "<p id=here>"}
    assert found(checked(tmp_path, files)) == [("dead_link", "p/index.html", "../b/gone.html")]


def test_a_base_elsewhere_makes_assets_external(tmp_path: Path) -> None:
    """A picture beside the page is fetched from the other server."""
    page = '<base href="https://example.com/"><img src="x.png">'
    assert found(checked(tmp_path, {"x.png": "", "p.html": page})) == [
        ("external_asset", "p.html", "https://example.com/x.png")
    ]


def test_the_same_address_is_told_once_a_page(tmp_path: Path) -> None:
    """Twice in one page is one problem, in two pages two."""
    files: Files = {"p.html": a("gone") + a("gone"), "q.html": a("gone")}
    assert found(checked(tmp_path, files)) == [("dead_link", "p.html", "gone"), ("dead_link", "q.html", "gone")]


# ---------------------------------------------------------------- style sheets, feeds, scripts


def test_css_addresses() -> None:
    """`url()`, `@import` and `image-set()`, with and without quotes and escapes, each once."""
    css = r"""@import "a.css"; @import url(b.css) screen; p { background: url( 'c d.png' ), URL("e\"f.png"), url(c.css)
    url(\67.png) } i { src: url(c.css); mask: url(#here); background: image-set("h.png" 1x) } /* url(not.png) */"""
    assert css_addresses(css) == ["a.css", "b.css", "c d.png", 'e"f.png', "c.css", "g.png", "h.png"]


def test_srcset_addresses() -> None:
    """Commas separate candidates only behind an address."""
    assert srcset_addresses(" a.png 1x,\n b.png , data:x/y;base64,AA== 2x,c.png 10w") == [
        "a.png",
        "b.png",
        "data:x/y;base64,AA==",
        "c.png",
    ]


@pytest.mark.parametrize(
    ("css", "kind", "target"),
    [
        ("p { background: url(../img/gone.png) }", "missing_asset", "../img/gone.png"),
        ("@font-face { src: url(https://fonts.example.com/x.woff2) }", "external_asset", "https://fonts.example.com/x.woff2"),
        ("p { background: url(/css/there.png) }", "absolute_path", "/css/there.png"),
        (b"p { content: '\xff' }", "unreadable_file", "css/x.css"),
    ],
)  # fmt: skip
def test_style_sheets_are_read(tmp_path: Path, css: str | bytes, kind: str, target: str) -> None:
    """What they load lies where the sheet lies, not where the page does."""
    assert found(checked(tmp_path, {"css/x.css": css, "css/there.png": ""})) == [(kind, "css/x.css", target)]


def test_a_style_sheet_loads_from_its_own_folder(tmp_path: Path) -> None:
    """A picture beside it is found, and an empty sheet is none that cannot be read."""
    css = "p { background: url(there.png) }"
    assert found(checked(tmp_path, {"css/x.css": css, "css/there.png": "", "css/empty.css": ""})) == []


SITEMAP = '<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"><url><loc>{}</loc></url></urlset>'
ATOM = '<feed xmlns="http://www.w3.org/2005/Atom"><id>tag:x</id><entry><link href="{}"/></entry></feed>'
RSS = "<rss><channel><item><link>{}</link><guid>gone</guid></item></channel></rss>"


@pytest.mark.parametrize(("name", "feed"), [("sitemap.xml", SITEMAP), ("feed.xml", ATOM), ("rss.xml", RSS)])
def test_feeds_and_sitemaps_lead_somewhere(tmp_path: Path, name: str, feed: str) -> None:
    """Their addresses are whole; those of this site must be there, identifiers need not."""
    good, bad = (feed.format(f"https://example.org/repo/{page}") for page in ("b/", "gone/"))
    files: Files = {"index.html": CANONICAL, "b/index.html": "<p>", "feed.xml": "<feed/>"}
    assert found(checked(tmp_path, {**files, name: good})) == []
    assert found(checked(tmp_path, {**files, name: bad})) == [("dead_link", name, "https://example.org/repo/gone/")]


def test_a_feed_that_is_no_xml(tmp_path: Path) -> None:
    """Cut off in the middle."""
    assert found(checked(tmp_path, {"feed.xml": "<feed><entry>"})) == [("unreadable_file", "feed.xml", "feed.xml")]


def test_other_xml_is_not_looked_into(tmp_path: Path) -> None:
    """A file that is no feed may hold any address."""
    files: Files = {"robot.xml": "<mujoco><link>gone</link>", "feed.xml": "<other><link>gone</link></other>"}
    assert found(checked(tmp_path, files)) == []


def test_what_the_script_of_the_charts_loads(tmp_path: Path) -> None:
    """It names its files in quotes; no page does."""
    script = 'load(base + "drawing.js"); load(base + "charts.js");'
    files: Files = {"assets/runsum/runsum.js": script, "assets/runsum/charts.js": "window.runsumCharts = {};"}
    assert found(checked(tmp_path, files)) == [("missing_asset", "assets/runsum/runsum.js", "drawing.js")]


SEARCHING = '<script id="__config">{"search": "worker.js"}</script>'


def test_a_search_needs_its_worker(tmp_path: Path) -> None:
    """The settings of the theme name it, no attribute does."""
    files: Files = {"p.html": SEARCHING, "search.json": "{}"}
    assert found(checked(tmp_path, files)) == [("missing_asset", "p.html", "worker.js")]


@pytest.mark.parametrize("index", ["search/search_index.json", "search/search_index.js", "search.json", "search.js"])
def test_a_search_needs_its_index(tmp_path: Path, index: str) -> None:
    """Each builder has a name for it; without any the search finds nothing."""
    files: Files = {"p.html": SEARCHING, "worker.js": ""}
    assert found(checked(tmp_path, {**files, index: "{}"})) == []
    (tmp_path / index).unlink()
    assert found(check_site(tmp_path, BUDGET)) == [("missing_asset", "p.html", "search/search_index.json")]


# ---------------------------------------------------------------- where the site will lie


@pytest.mark.parametrize(
    ("canonical", "place"),
    [
        ("https://example.org/", Place("example.org", "/")),
        ("https://example.org", Place("example.org", "/")),
        ("https://example.org/repo/index.html", Place("example.org", "/repo/")),
        ("http://example.org:8000/a/b/", Place("example.org:8000", "/a/b/")),
        ("https://example.org:443/", Place("example.org", "/")),
        ("index.html", None),
        ("https://[", None),
        ("", None),
    ],
)
def test_the_home_page_says_where_the_site_will_lie(canonical: str, place: Place | None) -> None:
    """With and without a file name."""
    assert place_of(canonical) == place


@pytest.mark.parametrize("base", ["/", "/repo/", "/a/b/"])
@pytest.mark.parametrize("home", ["", '<link rel="canonical" href="https://example.org{}">'])
def test_the_error_page_begins_at_the_root(tmp_path: Path, base: str, home: str) -> None:
    """Its absolute paths are right, whether or not the home page says where the site will lie."""
    lost = f'<link rel=stylesheet href="{base}x.css"><img src="{base}gone.png">' + a(f"{base}b/#here") + a(base)
    files: Files = {
        "index.html": "<p>" + home.format(base), "404.html": lost, "x.css": "", "b/index.html": "<p id=here>",
    }  # fmt: skip
    assert found(checked(tmp_path, files)) == [("missing_asset", "404.html", f"{base}gone.png")]


def test_the_error_page_stays_within_the_site(tmp_path: Path) -> None:
    """What does not begin with the path of the site belongs to somebody else."""
    files: Files = {"index.html": CANONICAL, "404.html": a("/other/")}
    assert found(checked(tmp_path, files)) == [("leaves_site", "404.html", "/other/")]


def test_only_the_first_error_page_is_exempt(tmp_path: Path) -> None:
    """A page of that name in a folder is a page like others."""
    assert found(checked(tmp_path, {"de/404.html": a("/")})) == [("absolute_path", "de/404.html", "/")]


def test_the_path_is_guessed_from_what_most_assets_agree_on(tmp_path: Path) -> None:
    """A folder of the site may be called like the path before it."""
    files = list_files(written(tmp_path, {"repo/x.css": "", "y.css": "", "z.css": ""}))
    page = read_page("".join(f'<img src="/repo/{name}">' for name in ("x.css", "repo/x.css", "y.css", "z.css")))
    assert guess_path(page.references, files) == "/repo/"


@pytest.mark.parametrize(
    ("html", "problems"),
    [
        (a("https://example.org/repo/b/"), []),
        (a("https://example.org/repo"), []),
        (a("https://example.org/other/"), []),
        (a("https://example.org/repo/gone/"), ["dead_link"]),
        (a("https://example.org/repo/b/#gone"), ["dead_anchor"]),
        ('<img src="https://example.org/repo/x.png">', ["external_asset"]),
    ],
)
def test_whole_addresses_of_the_site_itself(tmp_path: Path, html: str, problems: list[str]) -> None:
    """Links must lead somewhere; what is loaded must be named from the page on, or a copy asks the original."""
    files: Files = {"index.html": CANONICAL, "p.html": html, "b/index.html": "<p>", "x.png": ""}
    assert [problem.kind for problem in checked(tmp_path, files).problems] == problems


@pytest.mark.parametrize(("host", "problems"), [("wiki", []), ("10.0.0.5", []), ("localhost:8000", ["local_address"])])
def test_a_site_may_lie_in_a_private_network(tmp_path: Path, host: str, problems: list[str]) -> None:
    """Its own address is no secret there, unless it is one that leads every reader to themselves."""
    page = f'<link rel="canonical" href="http://{host}/">'
    assert [problem.kind for problem in checked(tmp_path, {"index.html": page}).problems] == problems


def test_other_servers_are_counted(tmp_path: Path) -> None:
    """Links and addresses of pages by server, most frequent first; schemes without a server by their name."""
    links = a("https://b.example/1") + a("https://b.example/2") + a("http://A.example:8080/") + a("mailto:x@y.z")
    report = checked(tmp_path, {"index.html": CANONICAL, "p.html": links})
    assert list(report.external_hosts.items()) == [
        ("b.example", 2),
        ("a.example:8080", 1),
        ("example.org", 1),
        ("mailto:", 1),
    ]


# ---------------------------------------------------------------- fragments that are no places


STATEFUL = '<div data-tool="compare" data-fragment="state"></div><p id=here>'


@pytest.mark.parametrize("fragment", ["runs=a,b", "runs=a,b&metric=kl&x=hours&smooth=0.6", "q=", "q=lr%3C3e-4"])
def test_a_page_may_keep_its_state_in_the_fragment(tmp_path: Path, fragment: str) -> None:
    """It says so itself, and then values by name are no dead anchors, whether it is read before or after the link."""
    files: Files = {"a.html": STATEFUL + a(f"z.html#{fragment}"), "z.html": STATEFUL + a(f"a.html#{fragment}")}
    assert not found(checked(tmp_path, files))


def test_a_place_in_such_a_page_must_be_there(tmp_path: Path) -> None:
    """Only values are exempt, not every fragment."""
    files: Files = {"a.html": STATEFUL, "z.html": a("a.html#here") + a("a.html#gone") + a("a.html#=x")}
    assert found(checked(tmp_path, files)) == [
        ("dead_anchor", "z.html", "a.html#gone"),
        ("dead_anchor", "z.html", "a.html#=x"),
    ]


def test_values_in_the_fragment_of_any_other_page_are_a_dead_anchor(tmp_path: Path) -> None:
    """Nothing there would read them."""
    files: Files = {"a.html": "<p id=here>", "z.html": a("a.html#runs=a,b")}
    assert found(checked(tmp_path, files)) == [("dead_anchor", "z.html", "a.html#runs=a,b")]
