"""Tokens that give themselves away by their form: of clouds, hubs, trackers, chats, shops; and tricks to hide them."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator

from support.secrets import ALNUM, BASE64, DIGITS, HEX, LOWER, UPPER, URL64, Maker, Planted, named, token


def tokens(make: Maker) -> Iterator[Planted]:
    """All of them."""
    yield from _clouds(make)
    yield from _code_hosts(make)
    yield from _models(make)
    yield from _trackers(make)
    yield from _chats(make)
    yield from _services(make)
    yield from _signed(make)
    yield from _tricks(make)


def _clouds(make: Maker) -> Iterator[Planted]:
    base32 = UPPER + "234567"
    yield token("aws access key id", "AK" + "IA", make.of(base32, 16), "using {} of the lab account")
    yield token("aws access key id, temporary", "AS" + "IA", make.of(base32, 16), "AWS_ACCESS_KEY_ID={}")
    yield named("aws secret key", "aws_secret_access_key", make.of(BASE64, 40), "[default]\n{} = {}")
    yield named("aws secret key, camel case", "SecretAccessKey", make.of(BASE64, 40), '"{}": "{}"')
    yield named("aws session token", "AWS_SESSION_TOKEN", "FwoGZXIv" + make.of(BASE64, 180) + "=", 'export {}="{}"')
    yield token("google api key", "AI" + "za", make.of(URL64, 35), "maps loaded with key={}")
    yield token("google oauth secret", "GOC" + "SPX-", make.of(URL64, 28), "client {} of the console")
    yield token("google access token", "ya" + "29.", "a0Af" + make.of(URL64, 160), "gcloud auth print-access-token: {}")
    key = make.of(BASE64, 86) + "=="
    text = f"DefaultEndpointsProtocol=https;AccountName=runsarchive;AccountKey={key};EndpointSuffix=core.windows.net"
    yield Planted("azure connection string", text, (), (key,), {"storage": text})
    yield token(
        "azure client secret", make.of(ALNUM, 3) + "8" + "Q~", make.of(ALNUM, 34), "service principal {} expires"
    )
    yield token("digitalocean token", "dop" + "_v1_", make.of(HEX, 64), "doctl auth init -t {}")
    yield token("databricks token", "da" + "pi", make.of(HEX, 32), "databricks token {}-2")


def _code_hosts(make: Maker) -> Iterator[Planted]:
    for letter in "pousr":
        yield token(f"github token gh{letter}", f"gh{letter}" + "_", make.of(ALNUM, 36), "checked out with {} by hand")
    body = make.of(ALNUM, 22) + "_" + make.of(ALNUM, 59)
    yield token("github fine-grained token", "github" + "_pat_", body, "gh auth login --with-token <<< {}")
    yield token("gitlab token", "gl" + "pat-", make.of(URL64, 20), "PRIVATE-TOKEN: {}")
    yield token("gitlab runner token", "gl" + "rt-", make.of(URL64, 20), "gitlab-runner register {}")
    yield token("npm token", "npm" + "_", make.of(ALNUM, 36), "//registry.example.org/:_authToken={}")
    yield token("pypi token", "pypi-" + "AgEIcHlwaS5vcmc", make.of(URL64, 120), "twine upload -u __token__ -p {}")
    yield token("docker hub token", "dckr" + "_pat_", make.of(URL64, 27), "docker login -p {}")
    body = make.of(ALNUM, 14) + ".atlasv1." + make.of(URL64, 64)
    yield Planted("terraform token", f"terraform login {body}", (body,), (body[23:],))


def _models(make: Maker) -> Iterator[Planted]:
    letters = LOWER + UPPER
    yield token("hugging face token", "hf" + "_", make.of(letters, 34), "huggingface-cli login --token {}", ["note"])
    yield token("hugging face organisation", "api" + "_org_", make.of(letters, 34), "pushed with {}")
    mark = "T3Blbk" + "FJ"
    body = make.of(ALNUM, 20) + mark + make.of(ALNUM, 20)
    yield token("openai key", "s" + "k-", body, "openai.api_key = '{}'")
    body = make.of(URL64, 74) + mark + make.of(URL64, 74)
    yield token("openai project key", "sk-" + "proj-", body, "reward model asked with {}")
    yield token("anthropic key", "sk-" + "ant-api03-", make.of(URL64, 93) + "AA", "judge: {}")
    yield token("openrouter key", "sk-" + "or-v1-", make.of(HEX, 64), "router {}")
    yield token("replicate token", "r8" + "_", make.of(ALNUM, 37), "replicate run {}")
    yield token("groq key", "gsk" + "_", make.of(ALNUM, 52), "groq {}")
    yield named("cohere key by name", "COHERE_API_KEY", make.of(ALNUM, 40), "{}={}")


def _trackers(make: Maker) -> Iterator[Planted]:
    old = make.of(HEX, 40)
    yield Planted("wandb login", f"$ wandb login {old}", (), (old,))
    yield Planted("wandb login, relogin", f"wandb login --relogin {(old := make.of(HEX, 40))}", (), (old,))
    yield named("wandb key by name", "WANDB_API_KEY", make.of(HEX, 40), "{}={}")
    yield named("wandb key as a setting", "wandb_api_key", make.of(HEX, 40), "{}: {}")
    yield token("wandb key, new", "wandb" + "_v1_", make.of(ALNUM, 22) + "_" + make.of(ALNUM, 50), "logged in with {}")
    netrc = make.of(HEX, 40)
    yield Planted("netrc line", f"machine api.wandb.ai login user password {netrc}", (), (netrc,))
    yield named("comet key", "COMET_API_KEY", make.of(ALNUM, 25), "{}={}")
    inside = {"api_address": "https://app.neptune.ai", "api_key": f"{make.of(HEX, 8)}-{make.of(HEX, 4)}-4c1d"}
    packed = base64.b64encode(json.dumps(inside).encode()).decode()
    yield Planted(
        "neptune token", f"neptune.init_run(api_token='{packed}')", (packed,), (packed[64:],), {"note": packed}
    )
    key = make.of(HEX, 32)
    text = f'{{"username":"trainer","key":"{key}"}}'
    yield Planted("kaggle.json", text, (), (key,), {"kaggle": {"username": "trainer", "key": key}})
    yield named("kaggle key", "KAGGLE_KEY", make.of(HEX, 32), "export {}={}")
    body = make.of(HEX, 32) + "_" + make.of(HEX, 10)
    yield token("langsmith key", "lsv2" + "_pt_", body, "tracing to {}")


def _chats(make: Maker) -> Iterator[Planted]:
    body = f"{make.of(DIGITS, 12)}-{make.of(DIGITS, 12)}-{make.of(ALNUM, 24)}"
    yield token("slack bot token", "xo" + "xb-", body, "notify {}")
    body = f"1-A{make.of(UPPER + DIGITS, 10)}-{make.of(DIGITS, 13)}-{make.of(HEX, 64)}"
    yield token("slack app token", "xa" + "pp-", body, "socket mode {}")
    path = f"T{make.of(UPPER + DIGITS, 10)}/B{make.of(UPPER + DIGITS, 10)}/"
    body = make.of(ALNUM, 24)
    yield Planted("slack webhook", f"posted to https://hooks.slack.com/services/{path}{body} at the end", (), (body,))
    first = base64.b64encode(make.of(DIGITS, 18).encode()).decode()
    body = f"{make.of(ALNUM, 6)}.{make.of(URL64, 38)}"
    yield Planted("discord bot token", f"bot = commands.Bot('{first}.{body}')", (), (body,))
    body = make.of(URL64, 68)
    address = f"https://discord.com/api/webhooks/{make.of(DIGITS, 18)}/{body}"
    yield Planted("discord webhook", f"curl -d @run.json {address}", (), (body,), {"url": address})
    body = make.of(URL64, 33)
    yield Planted("telegram bot token", f"bot {make.of(DIGITS, 10)}:AA{body} says done", (), (body,))
    address = f"https://api.telegram.org/bot{make.of(DIGITS, 9)}:AA{(body := make.of(URL64, 33))}/sendMessage"
    yield Planted("telegram address", address, (), (body,), {"notify": address})


def _services(make: Maker) -> Iterator[Planted]:
    yield token("stripe key", "sk" + "_live_", make.of(ALNUM, 24), "paid for with {}")
    yield token("stripe restricted key", "rk" + "_live_", make.of(ALNUM, 24), "read with {}")
    body = make.of(URL64, 22) + "." + make.of(URL64, 43)
    yield token("sendgrid key", "S" + "G.", body, "mail by {}")
    yield token("twilio key", "S" + "K", make.of(HEX, 32), "text message by {}")
    yield named("twilio token by name", "TWILIO_AUTH_TOKEN", make.of(HEX, 32), "{}={}")
    yield token("mailgun key", "key" + "-", make.of(HEX, 32), "--user api:{}")
    yield token("vault token", "hv" + "s.", make.of(URL64, 95), "VAULT says {}")
    yield token("grafana service account", "gl" + "sa_", make.of(ALNUM, 32) + "_" + make.of(HEX, 8), "dashboard {}")
    body = make.of(BASE64, 60)
    yield token("grafana cloud token", "gl" + "c_eyJ", body, "prometheus push {}")
    body = make.of(BASE64, 80) + "_" + make.of(BASE64, 43)
    yield token("sentry token", "sntr" + "ys_eyJpYXQiOjE3", body, "sentry-cli {}")
    yield token("new relic key", "NR" + "AK-", make.of(UPPER + DIGITS, 27), "newrelic {}")
    yield token("linear key", "lin" + "_api_", make.of(ALNUM, 40), "issue opened with {}")
    yield token("shopify token", "shp" + "at_", make.of(HEX, 32), "shop {}")
    yield token("age key", "AGE-SECRET-" + "KEY-1", make.of("QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L", 58), "{}")


def _signed(make: Maker) -> Iterator[Planted]:
    head = base64.urlsafe_b64encode(b'{"alg":"HS256","typ":"JWT"}').decode().rstrip("=")
    claims = base64.urlsafe_b64encode(json.dumps({"sub": make.name(), "iat": 1766404800}).encode()).decode().rstrip("=")
    seal = make.of(URL64, 43)
    yield Planted("jwt", f"session is {head}.{claims}.{seal} until noon", (), (claims, seal))
    seal = make.of(HEX, 64)
    text = (
        "https://runs.s3.amazonaws.com/a/best.zip?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential="
        f"{'AK' + 'IA'}{(who := make.of(UPPER + '234567', 16))}%2F20251222%2Feu-west-1%2Fs3%2Faws4_request"
        f"&X-Amz-Date=20251222T100000Z&X-Amz-Expires=3600&X-Amz-SignedHeaders=host&X-Amz-Signature={seal}"
    )
    yield Planted("signed address, s3", text, (), (seal, who), {"url": text})
    seal = make.of(HEX, 256)
    text = f"https://storage.googleapis.com/runs/best.zip?X-Goog-Algorithm=GOOG4-RSA-SHA256&X-Goog-Signature={seal}"
    yield Planted("signed address, gcs", text, (), (seal,), {"url": text})
    seal = make.of(ALNUM, 42)
    text = (
        "https://runs.blob.core.windows.net/models/best.zip?sv=2022-11-02&st=2025-12-22T10%3A00%3A00Z"
        f"&se=2026-12-22T10%3A00%3A00Z&sr=b&sp=r&sig={seal}%3D"
    )
    yield Planted("signed address, azure", text, (), (seal,), {"url": text})
    seal = make.of(ALNUM + "-~", 172)
    text = (
        f"https://d111abcdef8.cloudfront.net/best.zip?Expires=1766404800&Signature={seal}__&Key-Pair-Id=K2JCJMDEHXQW5F"
    )
    yield Planted("signed address, cloudfront", text, (), (seal,), {"url": text})
    text = f"https://hub.example.org/lab/tree?token={(seal := make.of(HEX, 48))}"
    yield Planted("jupyter address", f"[I 10:00 ServerApp] {text}", (), (seal,), {"url": text})
    text = f"https://files.example.org/clip.mp4?access_token={(seal := make.of(ALNUM, 40))}&dl=1"
    yield Planted("address with access_token", text, (), (seal,), {"url": text})


def _tricks(make: Maker) -> Iterator[Planted]:
    """Tokens of known forms, hidden: behind invisible characters, quotes, brackets, Markdown, other words."""

    def github() -> tuple[str, str]:
        body = make.of(ALNUM, 36)
        return "gh" + "p_" + body, body

    invisible = {"zero width space": "\u200b", "zero width joiner": "\u200d", "soft hyphen": "\u00ad"}
    invisible |= {"word joiner": "\u2060", "byte order mark": "\ufeff", "right to left mark": "\u200f"}
    invisible |= {"bell": "\x07", "nought": "\x00", "colour code": "\x1b[31m"}
    for name, char in invisible.items():
        whole, body = github()
        cut = 3 if len(name) % 2 else 14  # within the prefix, or within the body
        yield Planted(f"token with a {name}", f"token {whole[:cut]}{char}{whole[cut:]} end", (whole,), (body,))
    around = ("`{}`", "**{}**", "[{0}]({0})", "<{}>", '"{}"', "({})", "{},", "{}.", "x={};", "[{}]", "|{}|", "~~{}~~")
    around += (
        "_{}_",
        "/srv/{}/x",
        "model-{}.zip",
        "https://example.org/?q={}#top",
        "[[{}]]",
        "\\{}\\",
        "{}\n{}",
        "…{}…",
    )
    for form in around:
        whole, body = github()
        yield Planted(f"token as {form}", form.replace("{0}", "{}").replace("{}", whole), (whole,), (body,))
    spelled = json.dumps({"a": json.dumps({"b": json.dumps({"token": (whole := github())[0]})})})
    yield Planted("token in three layers of JSON", spelled, (whole[0],), (whole[1],))
    whole, body = github()
    yield Planted("token in percent signs", whole.replace("_", "%5F"), (whole,), (body,))
