"""Who and where: home folders, e-mail addresses, machines of a private network."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple


class Change(NamedTuple):
    """A stretch of a text and what is published in its place; None: a mark with the name of the rule."""

    rule: str
    start: int
    end: int
    becomes: str | None


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_SEP = r"(?:[\\/]+|%5[cC]|%2[fF])"
_PROSE = r"(?! (?:to|in|at|from|and|into|as|step|\.\.|\d+)[ /])"  # the next words, and no second name of a person
_WINDOWS_USER = r"(?:(?:" + _PROSE + r"[^\\/:*?\"<>|%\r\n\t]){1,64}(?=[\\/\"])|[^\\/:*?\"<>|%\s]{1,64})"
_POSIX_USER = r"(?:[^/\s\"'<>|:;,)\]}`%]+(?:" + _PROSE + r" [\w.-]+){0,2}(?=/)|[^/\s\"'<>|:;,)\]}`%]+)"
_WINDOWS = re.compile(
    r"(?<![A-Za-z0-9])(?:\\\\\?\\)?[A-Za-z](?::|%3[aA])"
    + _SEP
    + r"(?:users|benutzer|documents(?: |%20)and(?: |%20)settings)"
    + _SEP
    + r"(?!(?:public|default|all users)\b)"
    + _WINDOWS_USER,
    re.IGNORECASE,
)
_WSL = re.compile(
    r"(?:\\{2,}|//)wsl(?:\$|\.localhost)" + _SEP + r"[^\\/\s]+(?:" + _SEP + r"home" + _SEP + _WINDOWS_USER + r")?",
    re.IGNORECASE,
)
_ROOTS = (
    r"(?:/(?:var|export|usr|data|net|nfs|nas|fsx|efs|private|exports|cluster|gpfs|lustre|storage|global|scratch|work|"
    r"(?:mnt|cygdrive)(?:/\w{1,20})?|[A-Za-z]))?"
)
_GROUP = r"(?:(?:\w?users?|staff|students?|[a-z])/(?=[^/\s]))?"  # between a home and its users
# Or glued behind an address or a compiler's option.
_BEGIN = r"(?:(?<=file://)|(?<=-[IL])|(?<=:///)|(?<=localhost)|(?<=\w/)(?=/)|(?<![\w.\-/~…]))"
_POSIX = re.compile(
    _BEGIN
    + r"(?:"
    + _ROOTS
    + r"/(?:home|homes|[Uu]sers))/"
    + _GROUP
    + r"(?!(?:Shared|Public|Default)\b)"
    + _POSIX_USER
    + r"|(?:(?<=file://)|(?<![\w.\-/~…]))/root(?=[/\s\"':;,)]|$)"
)
_TILDE = re.compile(r"(?<![\w~\\›])~[a-z_][a-z0-9_-]{1,31}(?=/)")
_REMOTE = re.compile(r"vscode-remote://[^/\s]+/(?:home|Users)/" + _POSIX_USER)
_EVENTS = re.compile(r"events\.out\.tfevents\.\d+\.(?P<host>[^./\s‹]+)(?=\.)")
_WHOLE = re.compile(r"\A(?:file://)?" + _ROOTS + r"/(?:home|homes|Users)/[^/\n]{1,64}(?=/)")
_ENCODED = re.compile(r"%2[fF](?:home|Users)%2[fF](?:(?!%2[fF])[^\s/&\"'<>]){1,64}")
_MEDIA = re.compile(_BEGIN + r"/(?:run/)?media/(?!…)(?P<user>[^/\s\"'<>|:;,]+)(?=/)")
_ONEDRIVE = re.compile(r"(?<=[\\/])OneDrive - (?P<company>[^\\/\r\n\"]+)")
_UNC = re.compile(
    r"(?<![A-Za-z0-9:.\\~…›])\\{2,}(?P<host>[A-Za-z0-9][\w.-]+)\\+(?P<share>[\w$. -]{2,64}?)(?=\\|[\s\"',;]|$)"
)
_SHARE = re.compile(r"(?:(?<![^\s>])|(?<=\w/))//[\w.-]+/[\w$.-]+(?=/|$)")

_MAIL = re.compile(
    r"(?<![\w.+%-])(?P<local>\w[\w.%+-]{0,63}?)(?:@|%40)(?P<domain>(?:[^\W_](?:[\w-]{0,62})\.)+(?P<end>[^\W\d_]{2,24}))(?![\w(-])"
)
_MAIL_END = re.compile(r"\w\.(?:com|org|net|edu|gov|info|io|ai|dev|[a-z]{2})$", re.IGNORECASE)
_FILE_ENDS = _words(
    """
    png jpg jpeg gif svg webp ico bmp mp4 webm avi zip gz tar pt pth pkl json yaml yml csv txt log py js ts css html md
    ipynb onnx safetensors npz npy h5 so dll exe rom bin a26 nes sfc smc gb gba sum mean item shape cpu numpy dot
    """
)
_AT = r"[a-z_][\w.-]{0,31}@(?!sha\d)[A-Za-z][\w-]{1,62}"
_PROMPT = re.compile(
    rf"(?<![\w.@/+-])(?P<secret>{_AT})(?=:[~/\w]|\s*[$#]\s|\s+[^\s\]]+\]?\s?[$#%]\s)|(?<=/)(?P<behind>{_AT})(?=:~/)"
    r"|(?<![A-Za-z])(?:ssh|ecdsa)-[\w-]+\s+AAAA\S+\s+(?P<comment>[\w.-]+@[\w.-]+)"  # of a public key
    r"|(?<![A-Za-z])ssh(?:\s+-\w+(?:\s+[^\s@-][^\s@]*)?){0,5}\s+(?P<ssh>[a-z_][\w.-]{0,31}@[\w.-]{2,})"
)
_LOGIN = re.compile(
    r"(?<![\w.@/+-])(?P<at>[A-Za-z_][\w.-]{0,31}@(?:\d{1,3}\.){3}\d{1,3})(?![\w.]*\w)"
    r"|\blogged in as:?\s+(?P<as>(?!‹)[\w.-]{2,40})",
    re.IGNORECASE,
)
_OCTET = r"(?:25[0-5]|2[0-4]\d|1?\d?\d)"
_PRIVATE_IP = re.compile(
    rf"(?<![\d.\w-])(?:10(?:\.{_OCTET}){{3}}|192\.168(?:\.{_OCTET}){{2}}|172\.(?:1[6-9]|2\d|3[01])(?:\.{_OCTET}){{2}}|"
    rf"169\.254(?:\.{_OCTET}){{2}})(?!\.?\d)"
)
_ADDRESSED = re.compile(
    r"(?:://(?:\S*@)?|@|(?<![A-Za-z])(?:hosts?|hostname|ips?|addr|address|addresses|connection|servers?|nodes?|machine|"
    r"gateway|from|to|at|on|connect(?:ed|ing)?|"
    r"listening|bind|bound|peer|workers?|ping|ssh|scp)(?![A-Za-z])[\s:=\"'(\[]{0,4})$", re.IGNORECASE)  # fmt: skip
_LOCAL_V6 = re.compile(r"(?<![\w:])(?:fe80|f[cd][0-9a-f]{2}):[0-9a-f:]{4,}(?:%\w+)?", re.IGNORECASE)
_HOST = re.compile(
    r"(?<![\w.-])(?P<first>[A-Za-z0-9][\w-]*)(?:\.[\w-]+)*\.(?:local|lan|internal|intranet|corp|localdomain|home\.arpa)(?![\w(-]|\.\w)",
    re.IGNORECASE)  # fmt: skip
_CODE = _words(
    """
    threading self cls gevent werkzeug asgiref config settings env torch np tf jax os this etc usr google tensorflow
    tensorflow_probability
    """
)
_BARE_HOST = re.compile(
    r"(?:https?|wss?|ssh|s?ftp|tcp|rtsps?|rediss?|postgres(?:ql)?|mysql|mongodb|amqps?|smb|nfs)://(?:[^\s/@\"'<>]*@)?"
    r"(?P<secret>(?!localhost\b|redacted)[A-Za-z][A-Za-z0-9_-]*)(?=[:/\s\"'<>)]|$)")  # fmt: skip
_WINDOWS_HOST = re.compile(r"(?<![\w-])(?:DESKTOP|LAPTOP|WIN)-[A-Z0-9]{7,15}(?![\w-])")
_OWNERS = r"(?:(?-i:(?<![_-])USER)|host_?name|computer_?name|machine_?name|node_?name|user_?name|logname)"
OWNER_NAMES = re.compile(_OWNERS, re.IGNORECASE)
"""Names of settings that say on whose machine a run was trained."""
_NAMED = re.compile(
    rf"(?<![A-Za-z]){_OWNERS}"
    r"\\*[\"']?\s?[:=]\s?\\*[\"']?"
    r"(?P<value>(?!(?:none|null|unknown|true|false|str|string|not)\b)[A-Za-z][\w.-]{1,62})",
    re.IGNORECASE,
)
_MAC = re.compile(
    r"(?<![0-9A-Fa-f:\-.])(?=[\d-]*[A-Fa-f:])(?:[0-9A-Fa-f]{2}([:-]))(?:[0-9A-Fa-f]{2}\1){4}[0-9A-Fa-f]{2}(?![0-9A-Fa-f:-])(?!\.\d)"
)

# Searched before the patterns, for that is a hundred times faster.
_HOME_WORDS = ("/home", "users", "benutzer", "documents and", "documents%20and", "/root", "%2fhome", "home\\", "wsl")
_PRIVATE_BEGINS = ("10.", "192.168.", "172.", "169.254.")
_PRIVATE_END = re.compile(r"\.(?:local|lan|internal|intranet|corp|localdomain|home\.arpa)(?!\w)", re.IGNORECASE)
_MACHINE_NAMES = tuple(
    f"{what}{gap}name" for what in ("host", "computer", "machine", "node", "user", "log") for gap in ("", "_")
)
_MAC_HINT = re.compile(r":[0-9A-Fa-f]{2}:[0-9A-Fa-f]{2}:[0-9A-Fa-f]{2}:|-[0-9A-Fa-f]{2}-[0-9A-Fa-f]{2}-[0-9A-Fa-f]{2}-")
_HOMES = (_WHOLE, _REMOTE, _WINDOWS, _WSL, _POSIX, _ENCODED)


def find_paths(text: str) -> Iterator[Change]:
    """Home folders become `~`, names of media, companies and file servers an ellipsis."""
    if "/" not in text and "\\" not in text and "%" not in text:
        return
    folded = text.lower()
    for pattern in _HOMES if any(word in folded for word in _HOME_WORDS) else ():
        for match in pattern.finditer(text):
            yield Change("home-folder", match.start(), match.end(), "~")
    for match in _TILDE.finditer(text) if "~" in text else ():
        yield Change("home-folder", match.start(), match.end(), "~")
    for match in _MEDIA.finditer(text) if "/media/" in text else ():
        yield Change("home-folder", *match.span("user"), "…")
    for match in _ONEDRIVE.finditer(text) if "OneDrive - " in text else ():
        yield Change("home-folder", match.start("company") - 3, match.end("company"), "")
    for pattern in (_UNC, _SHARE) if "\\\\" in text or "//" in text else ():
        for match in pattern.finditer(text):
            yield Change("file-server", match.start(), match.end(), "…")


def find_people(text: str) -> Iterator[Change]:
    """E-mail addresses, the user@machine of a prompt, and who logged in."""
    if "@" not in text and "%40" not in text and "ogged in as" not in text:
        return
    for match in _LOGIN.finditer(text):
        yield Change("user-and-host", *match.span(match.lastgroup or 0), None)
    for match in _MAIL.finditer(text):
        end = match.end()
        if match["end"].lower() in _FILE_ENDS:  # ann@example.org.log is a file with an address in its name
            end = match.start("end") - 1 if _MAIL_END.search(match["domain"][: -len(match["end"]) - 1]) else 0
        if match["local"].lower() != "git" and end and not match["domain"].startswith("self."):
            yield Change("e-mail", match.start(), end, None)
    for match in _PROMPT.finditer(text):
        group = match.lastgroup or "secret"
        if not match[group].startswith("git@"):
            yield Change("user-and-host", *match.span(group), None)


def find_hosts(text: str) -> Iterator[Change]:
    """Machines that only a private network knows."""
    if not any(mark in text for mark in ".-:="):
        return
    folded = text.lower()
    for match in _EVENTS.finditer(text) if "events.out.tfevents." in text else ():
        yield Change("private-host", *match.span("host"), None)
    for match in _NAMED.finditer(text) if "USER" in text or any(name in folded for name in _MACHINE_NAMES) else ():
        shouted = match.group().startswith("USER") and match["value"].isupper()  # a page may write user=… in capitals
        if not shouted and not match["value"].startswith(("‹", "localhost", "127.")):
            yield Change("user-and-host", *match.span("value"), None)
    for match in _PRIVATE_IP.finditer(text) if any(begin in text for begin in _PRIVATE_BEGINS) else ():
        if _is_address(text, match):
            yield Change("private-host", match.start(), match.end(), None)
    for match in _HOST.finditer(text) if _PRIVATE_END.search(text) else ():
        if match["first"].lower() not in _CODE:
            yield Change("private-host", match.start(), match.end(), None)
    for match in _BARE_HOST.finditer(text) if "://" in text else ():
        yield Change("private-host", *match.span("secret"), None)
    if any(begin in text for begin in ("DESKTOP-", "LAPTOP-", "WIN-")):
        for match in _WINDOWS_HOST.finditer(text):
            yield Change("private-host", match.start(), match.end(), None)
    for pattern, hint in ((_LOCAL_V6, "::" in text or "fe80:" in folded), (_MAC, _MAC_HINT.search(text))):
        if not hint:
            continue
        for match in pattern.finditer(text):
            yield Change("private-host", match.start(), match.end(), None)


def _is_address(text: str, match: re.Match[str]) -> bool:
    """Whether four numbers are an address and no version, as of a library: nvidia-curand 10.3.2.106."""
    if match.group().startswith(("192.168.", "172.", "169.254.")):
        return True
    after = text[match.end() : match.end() + 6]
    return bool(re.match(r":\d|/", after) or _ADDRESSED.search(text[max(0, match.start() - 60) : match.start()]))


def is_private_address(text: str) -> bool:
    """Whether a text is a private IP address and nothing else."""
    return _PRIVATE_IP.fullmatch(text.strip()) is not None


IDENTITY: tuple[Callable[[str], Iterator[Change]], ...] = (find_paths, find_people, find_hosts)
