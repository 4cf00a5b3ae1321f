"""Which names tell that their value is a secret: `api_key`, `clientSecret`; not `tokenizer`, not `max_tokens`."""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import pairwise

_PARTS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_PLAIN = re.compile(r"[A-Za-z]+|\d+")  # for My_ApI_ToKeN


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# A value under one of these is a secret whatever it looks like, a number too.
_STRONG = _words(
    """
    password passwords passwort kennwort passwd passphrase passcode pwd pw secret secrets credential credentials cred
    creds apikey apikeys authkey privatekey secretkey accesskey mysqlpwd pgpassword
    """
)
# Under these, numbers, flags and counts are no secrets.
_WEAK = _words("pass token tokens auth authorization bearer cookie cookies session sessionid dsn jwt oauth")
# What such names are glued together from where a tool has put them in lower case: clientsecret, secretaccesskey.
_GLUED = _words(
    """
    id bot personal user admin database db root aws hub github gitlab slack my key keys refresh bearer web connection
    string
    """
)
# Before "key" or "keys" these make a secret.
_KEYS_OF = _words(
    """
    api private secret access ssh signing encryption license master account deploy host rsa gpg pgp app client service
    storage subscription auth wandb hf openai kaggle comet neptune
    """
)
_WEAK_PAIRS = frozenset(
    {
        ("conn", "str"),
        ("conn", "string"),
        ("connection", "str"),
        ("connection", "string"),
        ("recovery", "code"),
        ("webhook", "url"),
    }
)
# Words beside a weak one that make it harmless: eos_token, token_budget, tokens_per_second, session_count, auth_mode.
_BEFORE = _words(
    """
    eos bos pad unk sep cls mask special stop start end num max min n per next prev previous total input output new
    prompt completion generated image text sequence vocab word sub first last mean avg average context cached
    observation obs action reward state frame patch class register latent
    """
)
_AFTER = _words(
    """
    id ids type types count counts limit limits budget len length size dim dims embedding embeddings embed rate usage
    level levels bucket per mode method enabled required policy number index hours minutes seconds gap merging pruning
    found bonus reward rewards room rooms door doors area areas
    ring mixing dropout classification prediction s step steps shift position positions mask masks cutter clicker
    """
)


_GLUE = re.compile("|".join(sorted(_STRONG | _WEAK | _KEYS_OF | _GLUED, key=len, reverse=True)))


@lru_cache(maxsize=8192)
def secrecy(name: str) -> str:
    """How a name speaks of its value.

    Args:
        name: key of a mapping, environment variable, option or query parameter.

    Returns:
        "strong": the value is secret whatever it is; "weak": secret unless it is a number, a flag or a plain word;
        "": nothing is known.
    """
    if name in ("PWD", "OLDPWD"):  # where a shell stands
        return ""
    found = {
        _secrecy([part for word in words for part in _unglued(word.lower())])
        for words in (_PARTS.findall(name), _PLAIN.findall(name))
    }
    return "strong" if "strong" in found else "weak" if "weak" in found else ""


def _unglued(word: str) -> list[str]:
    """The words that one without gaps is made of, when it is made of such words alone."""
    if word in _STRONG or word in _WEAK or word in _AFTER or _GLUE.sub("", word):
        return [word]
    return _GLUE.findall(word)


def _secrecy(words: list[str]) -> str:
    pairs = list(pairwise(words))
    if not _STRONG.isdisjoint(words):
        place = next(place for place, word in enumerate(words) if word in _STRONG)
        return "" if words[place + 1 : place + 2] and words[place + 1] in _AFTER - {"id", "ids"} else "strong"
    if any(first in _KEYS_OF and second in ("key", "keys") for first, second in pairs):
        return "strong"
    if not _WEAK_PAIRS.isdisjoint(pairs):
        return "weak"
    for place, word in enumerate(words):
        if word not in _WEAK:
            continue
        before, after = words[place - 1] if place else "", words[place + 1] if place + 1 < len(words) else ""
        harmless = before in _BEFORE or (after in _AFTER and (word, after) != ("session", "id"))
        if not harmless and not (word == "pass" and after):
            return "weak"
    return ""
