"""Secrets that are known by their form: tokens of services, private keys, web tokens.

Forms after the providers' own documentation and the rule set of gitleaks (MIT); lengths are lower than the real ones,
for the recorder may have cut a text.
"""

from __future__ import annotations

import re

from runsum.frozen import frozen


@frozen
class Rule:
    """A form of text that is not published.

    Attributes:
        name: stands in the mark that replaces it and in the report.
        needles: words of which one must be in the text; searched first, for that is a hundred times faster.
        pattern: what is replaced.
    """

    name: str
    needles: tuple[str, ...]
    pattern: re.Pattern[str]


def _rule(name: str, needles: str, form: str) -> Rule:
    """A rule for a form that begins where no letter or digit stands before it."""
    return Rule(name, tuple(needles.split()), re.compile(rf"(?<![A-Za-z0-9])(?:{form})"))


_END = r"-----END [A-Z0-9 ]{0,30}PRIVATE KEY(?: BLOCK)?-----"
_PRIVATE_KEY = re.compile(
    rf"-----BEGIN [A-Z0-9 ]{{0,30}}PRIVATE KEY(?: BLOCK)?-----.*?(?:{_END}|\Z)"
    # the end of one whose begin is not in the text
    rf"|(?<![A-Za-z0-9+/=])(?:[A-Za-z0-9+/=]{{16,}}(?:\\[nr]|\s)+){{0,99}}(?:[A-Za-z0-9+/=]+(?:\\[nr]|\s)+)?{_END}",
    re.DOTALL,
)

_PUTTY_KEY = re.compile(
    r"Private-Lines:\s*\d+(?:\\[nr]|\s)+(?:[A-Za-z0-9+/=]+(?:\\[nr]|\s)+){0,99}(?:[A-Za-z0-9+/=]+\Z)?"
)

_HOSTS = (
    _rule("aws-key", "AKIA ASIA AROA AIDA ABIA ACCA", r"(?:AKIA|ASIA|AROA|AIDA|ABIA|ACCA)[A-Z0-9]{12,}"),
    _rule("github-token", "ghp_ gho_ ghu_ ghs_ ghr_", r"gh[pousr]_[A-Za-z0-9]{10,}"),
    _rule("github-token", "github_pat_", r"github_pat_[A-Za-z0-9_]{10,}"),
    _rule("gitlab-token", "glpat- gldt- glrt- glcbt- glptt- glft- glimt- glagent- glsoat-",
          r"gl(?:pat|dt|rt|cbt|ptt|ft|imt|agent|soat)-[A-Za-z0-9_.-]{10,}"),
    _rule("google-key", "AIza GOCSPX-", r"(?:AIza|GOCSPX-)[0-9A-Za-z_-]{16,}"),
    _rule("google-key", "ya29. 1//0", r"(?:ya29\.|1//0)[0-9A-Za-z_-]{20,}"),
    _rule("service-token", "Q~", r"[A-Za-z0-9_.~-]{3}\dQ~[A-Za-z0-9_.~-]{20,}"),  # Azure
    _rule("service-token", "do", r"do[opr]_v1_[a-f0-9]{20,}"),
    _rule("service-token", "ATATT3 ATBB", r"(?:ATATT3|ATBB)[A-Za-z0-9_=-]{20,}"),
    _rule("service-token", "HRKU- fo1_", r"(?:HRKU-|fo1_)[A-Za-z0-9_-]{30,}"),
    _rule("service-token", ".atlasv1.", r"[A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9_=-]{20,}"),
    _rule("service-token", "hvs. hvb. hvr.", r"hv[sbr]\.[A-Za-z0-9_-]{20,}"),
    _rule("service-token", "pul-", r"pul-[a-f0-9]{40}"),
    _rule("service-token", "tskey-", r"tskey-[a-z]+-[A-Za-z0-9-]{10,}"),
    _rule("service-token", "npm_ rubygems_ figd_ pnu_ pnb_", r"(?:npm|rubygems|figd|pn[ub])_[A-Za-z0-9_-]{20,}"),
    _rule("service-token", "pypi-AgE", r"pypi-AgE[A-Za-z0-9_-]{20,}"),
    _rule("service-token", "dckr_", r"dckr_(?:pat|oat)_[A-Za-z0-9_-]{16,}"),
    _rule("service-token", "dp.", r"dp\.(?:pt|st|ct|sa)\.[A-Za-z0-9.]{20,}"),
    _rule("service-token", "pscale_ sbp_", r"(?:pscale_(?:tkn|pw|oauth)|sbp)_[A-Za-z0-9_.-]{16,}"),
)  # fmt: skip

_MODELS = (
    _rule("huggingface-token", "hf_", r"hf_(?=[A-Za-z0-9]*[A-Z])[A-Za-z0-9]{16,}"),
    _rule("huggingface-token", "api_org_", r"api_org_[A-Za-z0-9]{16,}"),
    _rule("api-key", "sk-", r"sk-(?=[A-Za-z0-9_-]*[A-Za-z0-9]{16})[A-Za-z0-9_-]{20,}"),
    _rule("api-key", "xai- pplx- gsk_ r8_ fw_", r"(?:xai-|pplx-|gsk_|r8_|fw_)[A-Za-z0-9]{20,}"),
    _rule("api-key", "nvapi- tgp_v1_", r"(?:nvapi-|tgp_v1_)[A-Za-z0-9_-]{20,}"),
    _rule("service-token", "lsv2_", r"lsv2_[a-z]{2}_[A-Za-z0-9_]{20,}"),
    _rule("service-token", "wandb_v1_", r"wandb_v1_[A-Za-z0-9_-]{20,}"),
    _rule("service-token", "dapi", r"dapi[0-9a-f]{32}(?:-\d)?"),
    _rule("service-token", "eyJhcGlf", r"eyJhcGlf[A-Za-z0-9+/=_-]{16,}"),  # {"api_…: Neptune
)

_SERVICES = (
    _rule("slack-token", "xox", r"xox[a-z](?:\.xox[a-z])?-[A-Za-z0-9-]{10,}"),
    _rule("slack-token", "xapp-", r"xapp-\d-[A-Za-z0-9-]{10,}"),
    _rule("webhook", "hooks.slack.com", r"https?://hooks\.slack\.com/(?:services|workflows|triggers)/[^\s\"'<>]+"),
    _rule("webhook", "/webhooks/", r"https?://(?:[a-z]+\.)?discord(?:app)?\.com/api/(?:v\d+/)?webhooks/[^\s\"'<>]+"),
    _rule("webhook", "/webhook", r"https?://[\w.-]*office(?:365)?\.com/webhook[^\s\"'<>]+"),
    _rule("webhook", "api.telegram.org", r"https?://api\.telegram\.org/bot[^\s\"'<>]+"),
    _rule("discord-token", ".", r"[MNO](?=[A-Za-z\d_-]{22,28}\.)[A-Za-z\d_-]+\.[A-Za-z\d_-]{6,7}\.[A-Za-z\d_-]{24,}"),
    _rule("telegram-token", ":AA", r"\d{8,10}:AA[A-Za-z0-9_-]{25,}"),
    _rule("stripe-key", "k_live_ k_test_", r"[srp]k_(?:live|test)_[A-Za-z0-9]{10,}"),
    _rule("stripe-key", "whsec_", r"whsec_[A-Za-z0-9+/=]{16,}"),
    _rule("service-token", "SG.", r"SG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}"),
    _rule("service-token", "SK AC", r"(?:SK|AC)[0-9a-f]{32}(?![0-9a-f])"),
    _rule("service-token", "key-", r"key-[0-9a-f]{32}(?![0-9a-f])"),
    _rule("service-token", "-us", r"[0-9a-f]{32}-us\d{1,2}(?!\d)"),
    _rule("service-token", "glsa_ glc_", r"gl(?:sa|c)_[A-Za-z0-9_+/=]{20,}"),
    _rule("service-token", "sntry", r"sntry[su]_[A-Za-z0-9_+/=-]{20,}"),
    _rule("service-token", "PMAK- NRAK-", r"(?:PMAK|NRAK)-[A-Za-z0-9-]{20,}"),
    _rule("service-token", "sq0", r"sq0[a-z]{3}-[A-Za-z0-9_-]{20,}"),
    _rule("service-token", "shpat_ shpca_ shppa_ shpss_", r"shp(?:at|ca|pa|ss)_[a-fA-F0-9]{20,}"),
    _rule("service-token", "lin_api_ ntn_", r"(?:lin_api|ntn)_[A-Za-z0-9]{20,}"),
    _rule("service-token", "secret_", r"secret_[A-Za-z0-9]{32,}"),
    _rule("service-token", "pat", r"pat[A-Za-z0-9]{14}\.[a-f0-9]{30,}"),
    _rule("service-token", "sl.", r"sl\.[A-Za-z0-9_-]{60,}"),
    _rule("service-token", "EAA", r"EAA[A-Za-z0-9]{60,}"),
    _rule("service-token", "AGE-SECRET-KEY-1", r"AGE-SECRET-KEY-1[A-Z0-9]{20,}"),
    _rule("web-token", "eyJ", r"eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{4,}(?:\.[A-Za-z0-9_-]*)*"),
)

TOKENS: tuple[Rule, ...] = (
    Rule("private-key", ("PRIVATE KEY",), _PRIVATE_KEY),
    Rule("private-key", ("Private-Lines:",), _PUTTY_KEY),
    *_HOSTS,
    *_MODELS,
    *_SERVICES,
)
