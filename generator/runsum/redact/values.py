"""Secrets that are known by where they stand: after a name, in a header, an address, a command."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain

from runsum.redact.entropy import is_random
from runsum.redact.keys import secrecy

Span = tuple[str, int, int]
"""A rule's name and where its secret begins and ends in a text."""

MARK = "‹redacted:"
_NAMES = (
    "pass", "pwd", "pw", "secret", "token", "apikey", "authkey", "accesskey", "privatekey", "secretkey", "_key", "-key",
    " key", ".key", 'key"', "key'", "key=", "key:", "auth", "cred", "cookie", "session", "dsn", "conn", "webhook",
    "jwt", "recovery",
)  # fmt: skip
_CAMEL = "Key"
_BEFORE, _STRETCH = 100, 4200  # characters before such a word, and from it on, that are looked at
_ASSIGNED = re.compile(
    r"(?P<name>[A-Za-z_][\w.-]{1,80}|(?<![A-Za-z])[A-Za-z]{2,12} [Kk]ey)"
    r"\\*[\"'`]?\]?\s{0,40}(?:=>|:=|->|=|:|：|→|(?<=\s)[|│](?=\s))(?P<gap>\s{0,40})(?=[^\s\"'`<>]|[\"'`].|>)",
    re.DOTALL,
)
_VALUE = re.compile(  # of its own, for most names are no secrets and their values may be long
    r"\[(?P<list>[^\[\]]{1,4000})\]|[|>][-+]?\s*\n(?P<block>[ \t]+[^\n]+)"
    r"|\\*(?P<quote>[\"'`])(?P<quoted>(?:(?!\\*(?P=quote)).){1,4000})|(?P<bare>[^\s\"'`<>]{1,4000})",
    re.DOTALL,
)
_OPTION = re.compile(
    r"(?<![\w-])--?(?P<name>[A-Za-z][\w-]{1,60})\\*[\"']?,?\s+\\*[\"']?(?P<value>[^\s\"'\\-][^\s\"'\\]*)"
)
_SET = re.compile(
    r"(?<![\w-])(?:setx|setenv|ENV|configure\s+set)\s+(?P<name>[A-Za-z][\w.-]{1,80})\s+(?P<value>[^\s\"'=][^\s\"']*)"
)
_ELEMENT = re.compile(r"<(?P<name>[A-Za-z][\w.-]{1,60})>(?P<value>[^<>]{4,400})</")
_PAIR = re.compile(
    r"(?<!\w)(?:key|name)\\*[\"']?\s*:\s*\\*[\"']?(?P<name>[\w.-]{2,80})\\*[\"']?\s*[,\n]\s*"
    r"\\*[\"']?value\\*[\"']?\s*:\s*\\*[\"']?(?P<value>[^\"'\\\s]+)"
)
_KEY_ALONE = re.compile(
    r"(?<![\w.-])key\\*[\"']?\s?[:=]\s?\\*[\"']?(?P<value>[0-9a-f]{32}(?![0-9a-f])|[0-9a-f]{40}(?![0-9a-f]))"
)
_SAID = re.compile(
    r"\b(?:passw\w+|pass(?:phrase|code)|pwd|(?:api|secret|access|private) (?:key|token))\s+(?:is|was|ist|lautet)\s+"
    r"(?P<value>(?=[^\s\"']*\d)(?=[^\s\"']*[a-z])[^\s\"'‹]{6,}?)(?=[.,;:!?)\"']*(?:\s|$))",
    re.IGNORECASE,
)
_BESIDE = re.compile(
    r"(?<![\w.-])(?P<name>[A-Za-z]{2,12} [Kk]ey|[A-Za-z_][\w.-]{1,80}+)\\*[\"'`]?(?:\s{0,9}[,;]\s{0,9}|\s{1,9})"
    r"\\*[\"'`]?(?P<value>[A-Za-z0-9_+/=~.-]{16,200})(?![\w+/=~-])"
)
_WHOLE_HASH = re.compile(r"[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64}")
_LOGIN = re.compile(r"\bwandb\s+login\s+(?:--\S+\s+)*(?P<secret>[A-Za-z0-9_-]{16,})|\bsshpass\s+-p\s*(?P<more>\S+)"
                    r"|\blogin\s+\S+\s+password\s+(?P<net>\S+)|\bdocker\s+login\b[^\n]{0,200}?\s-p\s*(?P<docker>\S+)"
                    r"|\bmysql\w*\b[^\n]{0,200}?\s-p(?P<sql>[^\s-]\S*)|\bredis-cli\b[^\n]{0,200}?\s-a\s+(?P<redis>\S+)"
                    r"|\bcurl\b[^\n]{0,200}?\s-u(?P<curl>[^\s:\"'/]+:[^\s\"']+)"
                    r"|(?<![\w-])(?:-u|--user)[\s=]+(?P<user>[^\s:\"'/]+:[^\s\"']+)")  # fmt: skip
_HEADER = re.compile(
    r"(?<![A-Za-z])(?:proxy-)?authorization\\*[\"']?\s*[:=]\s*\\*[\"']?(?:[A-Za-z]+\s+)?(?P<secret>[^\s\"',;\\]{4,})"
    r"|(?<![A-Za-z])bearer\s+(?P<bearer>(?=\S*\d)[\w.~+/=-]{12,})"
    r"|(?<![A-Za-z])basic\s+(?P<basic>(?=[a-z0-9+/]*(?:[0-9=]|(?-i:[a-z][A-Z])))[a-z0-9+/]{12,}={0,2})(?![\w-])"
    r"|(?<![A-Za-z])(?:set-)?cookie\\*[\"']?\s*[:=]\s*\\*[\"']?(?P<cookie>[^\s=\"']{1,80}=[^\r\n\"']+)",
    re.IGNORECASE,
)
_USERINFO = re.compile(r"(?<=://)(?!git@)(?P<secret>[^\s/\"'<>@]*(?:@[^\s/\"'<>@]*)*)@(?=[^\s/@])")
_QUERY = re.compile(r"[?&;](?P<name>[\w.-]{1,60})=(?P<value>[^&\s\"'<>#]+)")
_SIGNATURE_NAMES = """
    sig se signature x-amz-signature x-amz-credential x-amz-security-token x-goog-signature x-goog-credential
    awsaccesskeyid googleaccessid key-pair-id policy hmac access_token id_token refresh_token code_verifier
    """
_ELSEWHERE = ("se", "policy")  # parameters of signatures that mean something else in other places
_SIGNATURES = frozenset(_SIGNATURE_NAMES.split())
_HARMLESS = re.compile(
    r"[-+]?[\d.,]+(?:[eE][-+]?\d+)?(?:[/:][\d.,:]+)?\s?(?:%|[kmgbt]|[munµ]?s|min|h)?(?:/s)?|true|false|none|null|nan|yes|no|on|off|unset|required|missing|invalid|expired|"
    r"[({\[<$*]+.*|\*+|x{3,}|\.{3,}",
    re.IGNORECASE,
)
# Names the place of a secret and not the secret.
_REFERENCE = re.compile(r"\$[{(]|\$[A-Z_]{3,}$|os\.(?:environ|getenv)|getenv\(|\*{3}|x{3,}$|<[a-z _-]+>$")
_WORD = re.compile(r"[a-z]+|[A-Z][a-z]+|[A-Z]+|[a-z]+(?:[_-][a-z]+){1,3}")


def assigned(text: str, allowed: frozenset[str]) -> Iterator[Span]:
    """Values after a name that means a secret: `api_key=…`, `"clientSecret": "…"`, `--password …`.

    Args:
        text: any text.
        allowed: names, in lower case, whose values are none.
    """
    for begin, end in _near_names(text):
        yield from _after_names(text, begin, end, allowed)
        for pattern in (_ELEMENT, _PAIR, _OPTION, _SET):
            for match in pattern.finditer(text, begin, end):
                how = "" if match["name"].lower() in allowed else secrecy(match["name"])
                value = match["value"]
                if how and not value.startswith(MARK) and is_secret(value, how, quoted=True, spaced=False):
                    yield "key-name", *match.span("value")
        for match in chain(_KEY_ALONE.finditer(text, begin, end), _SAID.finditer(text, begin, end)):
            yield "key-name", *match.span("value")
        yield from _beside_names(text, begin, end, allowed)


def _beside_names(text: str, begin: int, end: int, allowed: frozenset[str]) -> Iterator[Span]:
    """What looks random and stands beside a name without a sign, as in prose and in rows of a table."""
    position = begin
    while match := _BESIDE.search(text, position, end):
        position = match.end("name")
        how = "" if match["name"].lower() in allowed else secrecy(match["name"])
        value = match["value"]
        if how and (is_random(value) or (how == "strong" and _WHOLE_HASH.fullmatch(value))):
            yield "key-name", *match.span("value")


def _near_names(text: str) -> Iterator[tuple[int, int]]:
    """Stretches around the words that names of secrets are made of; a page has few of them."""
    if len(text) < _STRETCH:
        folded = text.lower()
        if _CAMEL in text or any(name in folded for name in _NAMES):
            yield 0, len(text)
        return
    places: list[int] = []
    for name, where in (*((name, text.lower()) for name in _NAMES), (_CAMEL, text)):
        place = where.find(name)
        while place >= 0:
            places.append(place)
            place = where.find(name, place + len(name))
    begin, end = 0, -1
    for place in sorted(places):
        if place - _BEFORE > end:
            if end > 0:
                yield begin, end
            begin = max(0, place - _BEFORE)
        end = place + _STRETCH
    if end > 0:
        yield begin, min(end, len(text))


def _after_names(text: str, begin: int, end: int, allowed: frozenset[str]) -> Iterator[Span]:
    """What stands after a name and a sign in a stretch of the text."""
    position = begin
    while match := _ASSIGNED.search(text, position, end):
        position = match.end()
        how = "" if match["name"].lower() in allowed else secrecy(match["name"])
        found = _VALUE.match(text, position, end) if how else None
        if found is None:
            continue
        group = next(name for name in ("list", "block", "quoted", "bare") if found[name])
        value = found[group]
        if value.startswith(MARK):
            continue
        first, last = found.span(group)
        if group == "bare":
            last -= len(value) - len(value.rstrip(".,;:)]}\\"))
        if last > first and is_secret(text[first:last], how, quoted=group != "bare", spaced=match["gap"].endswith(" ")):
            yield "key-name", first, last
            position = last


def is_secret(value: str, how: str, *, quoted: bool, spaced: bool) -> bool:
    """Whether a value under a name of `secrecy` `how` is one.

    Args:
        value: the value as text.
        how: "strong" or "weak".
        quoted: whether it stood in quotes, so that it is a value and no prose.
        spaced: whether a blank stands before it, as in prose after a colon.
    """
    if _REFERENCE.match(value):
        return False
    if how == "strong":
        return value.lower() not in ("none", "null", "true", "false", "")
    if _HARMLESS.fullmatch(value):
        return False
    return not (_WORD.fullmatch(value) and (len(value) < 6 or (spaced and not quoted)))


def in_commands(text: str) -> Iterator[Span]:
    """Secrets in command lines that have no name before them."""
    if not any(word in text for word in ("wandb", "-u", "sshpass", "login", "mysql", "redis-cli")):
        return
    for match in _LOGIN.finditer(text):
        group = match.lastgroup or "secret"
        if not match[group].startswith(MARK):
            yield "command", *match.span(group)


def in_headers(text: str) -> Iterator[Span]:
    """Authorization headers and cookies."""
    folded = text.lower()
    if not ("auth" in folded or "bearer" in folded or "basic" in folded or "cookie" in folded):
        return
    for match in _HEADER.finditer(text):
        group = match.lastgroup or "secret"
        if not match[group].startswith(MARK) and match[group] != "required":
            yield ("cookie" if group == "cookie" else "authorization"), *match.span(group)


def _in_address(text: str, place: int) -> bool:
    """Whether a place lies in an address, and not only between semicolons."""
    before = text[max(0, place - 2_000) : place].split()
    return bool(before) and "://" in before[-1]


def in_addresses(text: str) -> Iterator[Span]:
    """User names and passwords in addresses, and what signs them."""
    if "://" not in text and "=" not in text:
        return
    for match in _USERINFO.finditer(text):
        if match["secret"] and not match["secret"].startswith(MARK):
            yield "url-userinfo", *match.span("secret")
    for match in _QUERY.finditer(text):
        name, value = match["name"].lower(), match["value"]
        if value.startswith(MARK):
            continue
        signs = name in _SIGNATURES and (name not in _ELSEWHERE or _in_address(text, match.start()))
        how = secrecy(name)
        if signs or (name == "key" and len(value) >= 16) or (how and is_secret(value, how, quoted=True, spaced=False)):
            yield "signed-url", *match.span("value")
