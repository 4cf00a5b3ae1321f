"""The policy of a whole site: every page read once, and its tag written if asked for."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from runsum.check.files import HOME, SiteError, SiteFiles, is_page, list_files
from runsum.csp.page import PageCode, read_code
from runsum.csp.policy import HEADER, Allowed, header_policy, meta_policy
from runsum.csp.theme import ThemeScripts, installed_scripts, script_styles
from runsum.errors import OutputError
from runsum.frozen import frozen
from runsum.patience import patiently

_THEMES_SCRIPT = re.compile(r"assets/javascripts/bundle\.\w+\.min\.js")
_OWN_TAG = re.compile(rf'<meta http-equiv="{HEADER}" data-by="runsum" content="[^"]*">')


@frozen
class Blocked:
    """One thing that the policy keeps from running, or a page that has no policy.

    Attributes:
        page: the file it stands in.
        kind: a name of `report.KINDS`.
        text: the code, or what else it is about.
    """

    page: str
    kind: str
    text: str


@dataclass
class PolicyReport:
    """What became of a site.

    Attributes:
        pages: how many there are.
        policy: the one that holds for all pages, for a server's header.
        allowed: what it allows by hash.
        blocked: by page.
        written: pages that got a new tag.
        unchanged: pages that had this very tag; 0 when none was to be written.
    """

    site: str
    pages: int
    policy: str = ""
    allowed: Allowed = field(default_factory=Allowed)
    blocked: list[Blocked] = field(default_factory=list)
    written: int = 0
    unchanged: int = 0


def make_policy(root: Path, write: bool) -> PolicyReport:
    """Compose the policy of a built site.

    Args:
        root: its folder.
        write: put its policy into the head of every page.

    Raises:
        SiteError: the folder is not there, or is not a site.
        OutputError: a page cannot be written.
    """
    if not (root / HOME).is_file():
        build = "Type 'mkdocs build' first, or name the folder: runsum csp SITE"
        raise SiteError("not the folder of a built site", build, place=root)
    files = list_files(root)
    report = PolicyReport(str(root), len(files.pages))
    report.allowed.styles = _theme_styles(files)
    theme_styles = frozenset(report.allowed.styles)
    report.blocked += [Blocked(path, "unread_page", reason) for path, reason in files.unreadable if is_page(path)]
    for path in files.pages:
        _do_page(path, files, theme_styles, write, report)
    report.policy = header_policy(report.allowed)
    return report


def _theme_styles(files: SiteFiles) -> set[str]:
    """The style sheets that the theme's script makes."""
    scripts = [path for path in files.sizes if _THEMES_SCRIPT.fullmatch(path)]
    texts = [(files.root / path).read_text(encoding="utf-8", errors="replace") for path in scripts]
    return {style for text in texts for style in script_styles(text)}


def _do_page(path: str, files: SiteFiles, theme_styles: frozenset[str], write: bool, report: PolicyReport) -> None:
    file = files.root / path
    if path in files.symlinks:
        report.blocked.append(Blocked(path, "unread_page", "a symbolic link"))
        return
    try:
        html = file.read_bytes().decode("utf-8")
        code = read_code(html)
    except OSError as error:
        report.blocked.append(Blocked(path, "unread_page", error.strerror or "cannot be read"))
        return
    except ValueError as error:  # not UTF-8, not HTML
        report.blocked.append(Blocked(path, "unread_page", str(error)))
        return
    report.blocked += _blocked(path, code, installed_scripts())
    known = {script for script in code.scripts if installed_scripts().know(script)}
    allowed = Allowed(known, set(code.styles) | theme_styles, set(code.attributes))
    report.allowed.add(allowed)
    if not write:
        return
    sealed = _sealed(html, code.place, meta_policy(allowed))
    if sealed == html:
        report.unchanged += 1
    else:
        _replace(file, sealed.encode("utf-8"))
        report.written += 1


def _blocked(path: str, code: PageCode, theme: ThemeScripts) -> Iterator[Blocked]:
    for script in code.scripts:
        if not theme.know(script):
            yield Blocked(path, "inline_script", script.strip())
    for attribute in code.unhashable:
        yield Blocked(path, "script_attribute", attribute)


def _sealed(html: str, place: int, policy: str) -> str:
    """The page with this policy, in place of the one it got before."""
    before = _OWN_TAG.match(html, place)
    tag = f'<meta http-equiv="{HEADER}" data-by="runsum" content="{policy}">'
    return html[:place] + tag + html[before.end() if before else place :]


def _replace(file: Path, content: bytes) -> None:
    """Write a page as a whole or not at all."""
    fresh = file.with_name(f".{file.name}.runsum-csp")
    try:
        try:
            fresh.write_bytes(content)
            shutil.copymode(file, fresh)
            patiently(os.replace, fresh, file)  # atomic on every system
        finally:
            fresh.unlink(missing_ok=True)
    except OSError as error:
        reason = error.strerror or "cannot be written"
        raise OutputError(reason, "It is as it was; build the site again where there is room", place=file) from error
