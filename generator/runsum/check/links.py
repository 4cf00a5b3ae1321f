"""Where an address leads, and what is wrong with it."""

from __future__ import annotations

import ipaddress
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from urllib.parse import unquote, urlsplit

from runsum.check.files import ERROR_PAGE, HOME, SiteFiles
from runsum.check.references import Reference, Use
from runsum.frozen import frozen

_IGNORED_AROUND = "".join(map(chr, range(33)))  # a browser strips control characters and blanks
_IGNORED_WITHIN = re.compile(r"[\t\n\r]")
_SCHEME = re.compile(r"([a-zA-Z][a-zA-Z0-9+.-]*):")
_DRIVE = re.compile(r"[a-zA-Z]:[\\/]")
_SERVERS = ("http", "https", "ftp", "ws", "wss")
_SCRIPTS = ("javascript", "vbscript")
_NOTHING = re.compile(r"javascript:\s*(void\s*\(?\s*0\s*\)?)?\s*;?", re.IGNORECASE)  # themes make buttons of links
_WITHIN = ("about", "blob", "data")
_PRIVATE_ENDINGS = (".home.arpa", ".internal", ".intranet", ".lan", ".local", ".localhost")
_VALUES = re.compile(r"[a-z_]+=[^&=#]*(?:&[a-z_]+=[^&=#]*)*")
_DIRECTIVE = ":~:"  # text to be highlighted, no place in the page


@frozen
class Verdict:
    """What became of an address.

    Attributes:
        kind: what is wrong, a name of `problems.KINDS`; empty when nothing is.
        hint: what exactly, where the kind alone does not say it.
        file: the file of the site it leads to.
        fragment: the place in that file, still percent-encoded.
        host: the other server, or the scheme of an address without one ("mailto:").
    """

    kind: str = ""
    hint: str = ""
    file: str = ""
    fragment: str = ""
    host: str = ""


@frozen
class Place:
    """Where the site will lie, as far as its pages say so.

    Attributes:
        host: of `site_url`; empty when no page says it.
        path: of `site_url`, with slashes at both ends; 404.html begins its addresses with it.
    """

    host: str = ""
    path: str = "/"


def place_of(canonical: str) -> Place | None:
    """The place of a site, from the address that its home page gives itself; None when that says nothing."""
    try:
        parts = urlsplit(canonical)
        host = _host_with_port(parts.hostname, parts.port)
    except ValueError:
        return None
    if parts.scheme not in _SERVERS or not host:
        return None
    return Place(host, parts.path[: parts.path.rfind("/") + 1] or "/")


def guess_path(references: Iterable[Reference], files: SiteFiles) -> str:
    """The path of `site_url`, from 404.html alone: what has to be taken off before its files are those of the site."""
    votes: Counter[str] = Counter()
    for reference in references:
        if reference.use is not Use.ASSET or not reference.address.startswith("/"):
            continue
        parts = unquote(re.split(r"[?#]", reference.address, maxsplit=1)[0]).split("/")
        fits = (place for place in range(1, len(parts)) if "/".join(parts[place:]) in files.sizes)
        votes.update("/".join(parts[:place]) + "/" for place in fits)
    return max(votes, key=lambda path: (votes[path], -len(path)), default="/")


def judge(reference: Reference, document: str, files: SiteFiles, place: Place) -> Verdict:
    """Say where an address leads, and whether it does.

    Args:
        reference: the address as the document writes it.
        document: the file it stands in.
        files: all files of the site.
        place: where the site will lie.
    """
    address = _IGNORED_WITHIN.sub("", reference.address.strip(_IGNORED_AROUND))
    if _DRIVE.match(address):
        return Verdict("local_address")
    scheme = _SCHEME.match(address)
    if _NOTHING.fullmatch(address):
        return Verdict()
    if scheme and scheme[1].lower() not in _SERVERS:
        return _without_server(scheme[1].lower(), reference.use)
    address = address.replace("\\", "/")  # as browsers do
    if scheme or address.startswith("//"):
        return _on_a_server(address, reference.use, files, place)
    if reference.use is Use.HINT:
        return Verdict()
    return _by_path(address, reference.use, document, files, place)


def is_state(fragment: str) -> bool:
    """Whether what stands behind '#' is values by name (`runs=a,b&x=hours`), as tools of a page keep them there."""
    return bool(_VALUES.fullmatch(fragment.partition(_DIRECTIVE)[0]))


def is_place(fragment: str, anchors: Iterable[str]) -> bool:
    """Whether a page has the place behind '#'; what begins with two underscores belongs to the theme's scripts."""
    name = fragment.partition(_DIRECTIVE)[0]
    if not name or name.lower() == "top" or name.startswith("__"):
        return True
    return name in anchors or unquote(name) in anchors


def _without_server(scheme: str, use: Use) -> Verdict:
    if scheme in _WITHIN:
        return Verdict()
    if scheme in _SCRIPTS:
        return Verdict("script_address")
    if scheme == "file":
        return Verdict("local_address")
    return Verdict(host=f"{scheme}:") if use is Use.LINK else Verdict("external_asset", host=f"{scheme}:")


def _on_a_server(address: str, use: Use, files: SiteFiles, place: Place) -> Verdict:
    try:
        parts = urlsplit(address)
        name, host = _plain(parts.hostname), _host_with_port(parts.hostname, parts.port)
    except ValueError:
        host = ""
    if not host:
        return Verdict("missing_asset" if use is Use.ASSET else "dead_link", "not a valid address")
    own = host == place.host and (parts.path + "/").startswith(place.path)
    if _is_loopback(name) or (_is_private(name) and not own):
        return Verdict("local_address")
    if use is not Use.LINK:
        return Verdict("external_asset", host=host)
    if not own:
        return Verdict(host=host)
    return replace(_in_site("", parts.path[len(place.path) :], parts.fragment, use, files), host=host)


def _by_path(address: str, use: Use, document: str, files: SiteFiles, place: Place) -> Verdict:
    rest, _, fragment = address.partition("#")
    path = rest.partition("?")[0]
    if path.startswith("/"):
        if document != ERROR_PAGE:  # a server shows it in the place of any page, so it must begin at the root
            return Verdict("absolute_path")
        if not path.startswith(place.path) and path + "/" != place.path:
            return Verdict("leaves_site", f"the site begins at {place.path}")
        return _in_site("", path[len(place.path) :], fragment, use, files)
    if path:
        return _in_site(document.rpartition("/")[0], path, fragment, use, files)
    if use is Use.ASSET and not fragment:
        return Verdict("missing_asset", "an empty address")
    return Verdict(file=document, fragment=fragment)


def _in_site(folder: str, path: str, fragment: str, use: Use, files: SiteFiles) -> Verdict:
    target = _join(folder, path)
    if target is None:
        return Verdict("leaves_site")
    file = files.find(target, folder=path.endswith(("/", "/.", "/..")) or path in (".", ".."))
    if file is not None:
        return Verdict(file=file, fragment=fragment)
    if files.has_folder(target):
        hint = f"the folder {target} has no {HOME}"
    elif target in files.sizes:
        hint = f"{target} is a file, no folder"
    elif other := files.differs_in_case(target):
        hint = f"the site has {other}: upper and lower case matter on a server"
    else:
        hint = f"{target} is not in the site"
    return Verdict("missing_asset" if use is Use.ASSET else "dead_link", hint)


def _join(folder: str, path: str) -> str | None:
    """A path from a folder of the site, percent-decoded; None when it leaves the site."""
    parts = folder.split("/") if folder else []
    for part in path.split("/"):
        name = unquote(part) if "%" in part else part
        if name == "..":
            if not parts:
                return None
            parts.pop()
        elif name not in ("", "."):
            parts.append(name)
    return "/".join(parts)


def _plain(host: str | None) -> str:
    return (host or "").rstrip(".")


def _host_with_port(host: str | None, port: int | None) -> str:
    name = _plain(host)
    return f"{name}:{port}" if name and port and port not in (80, 443) else name


def _is_loopback(host: str) -> bool:
    number = _ip(host)
    return host == "localhost" or host.endswith(".localhost") or bool(number and _reaches_nobody(number))


def _is_private(host: str) -> bool:
    number = _ip(host)
    return number.is_private or number.is_link_local if number else "." not in host or host.endswith(_PRIVATE_ENDINGS)


def _ip(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _reaches_nobody(number: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    return number.is_loopback or number.is_unspecified
