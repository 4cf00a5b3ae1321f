"""What can be wrong with a site, and what to do about it."""

from __future__ import annotations

from runsum.frozen import frozen


@frozen
class Problem:
    """One thing that is wrong.

    Attributes:
        kind: a name of `KINDS`.
        page: the file it was found in.
        target: the address as it is written there, or what else it is about.
        hint: what exactly, where the kind alone does not say it; equal for all that have the same cause.
    """

    kind: str
    page: str
    target: str
    hint: str = ""


@frozen
class Kind:
    """The words for a kind of problem."""

    name: str
    one: str
    many: str
    advice: str


KINDS = (
    Kind(
        "leak",
        "secret or private detail",
        "secrets and private details",
        "Build the docs and the site again. What you wrote yourself, take out, or allow it with redact: in runsum.yml.",
    ),
    Kind(
        "unreadable_file",
        "unreadable file",
        "unreadable files",
        "Build the site again. Pages must be UTF-8.",
    ),
    Kind(
        "dead_link",
        "dead link",
        "dead links",
        "The site has no such page or file. Correct the link, or build the docs and the site again.",
    ),
    Kind(
        "dead_anchor",
        "dead anchor",
        "dead anchors",
        "The page is there, the place in it is not. Correct what stands behind '#'.",
    ),
    Kind(
        "missing_asset",
        "missing asset",
        "missing assets",
        "A page loads what the site does not have. Put the file into docs, or build the docs and the site again.",
    ),
    Kind(
        "external_asset",
        "asset from elsewhere",
        "assets from elsewhere",
        "Opening the page asks another server, and offline it is missing. Put a copy into docs and load that.",
    ),
    Kind(
        "absolute_path",
        "absolute path",
        "absolute paths",
        "What begins with '/' breaks where the site lies in a subfolder. Write the path from the page on.",
    ),
    Kind(
        "local_address",
        "address of a private place",
        "addresses of private places",
        "Only this computer or network knows it, and it tells about them. Take it out.",
    ),
    Kind(
        "script_address",
        "link that is a script",
        "links that are scripts",
        "A link must lead to a page. Take it out, or name a page.",
    ),
    Kind(
        "leaves_site",
        "link out of the site",
        "links out of the site",
        "It climbs above the folder of the site. Put what it means into docs, or correct the path.",
    ),
    Kind(
        "symbolic_link",
        "symbolic link",
        "symbolic links",
        "What is published is a copy of wherever it points to, or nothing. Put the file itself into docs.",
    ),
    Kind(
        "large_file",
        "file that is too large",
        "files that are too large",
        "GitHub takes no file over 100 MB. Make it smaller, or leave it out.",
    ),
    Kind(
        "total_size",
        "site that is too large",
        "sites that are too large",
        "GitHub Pages takes 1 GB. Leave out videos or runs, or raise the budget with --max-size.",
    ),
)
"""Every kind, in the order of the report."""
