"""Secrets that what stands around them gives away: names of keys, private keys in PEM, addresses, headers, cookies."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator

from support.secrets import ALNUM, BASE64, DIGITS, HEX, URL64, Maker, Planted, named

_BEGIN, _END = "-----BEG" + "IN {}-----", "-----E" + "ND {}-----"


def credentials(make: Maker) -> Iterator[Planted]:
    """All of them."""
    yield from _pem(make)
    yield from _addresses(make)
    yield from _headers(make)
    yield from _assignments(make)
    yield from _documents(make)


def _pem(make: Maker) -> Iterator[Planted]:
    for name, lines in (
        ("RSA PRIVATE KEY", 12),
        ("EC PRIVATE KEY", 3),
        ("OPENSSH PRIVATE KEY", 6),
        ("PRIVATE KEY", 9),
        ("ENCRYPTED PRIVATE KEY", 9),
        ("PGP PRIVATE KEY BLOCK", 7),
    ):
        body = [make.of(BASE64, 64) for _ in range(lines)]
        text = "\n".join([_BEGIN.format(name), *body, _END.format(name)])
        yield Planted(f"pem, {name.lower()}", text, (), tuple(body), {"note": text})
    body = [make.of(BASE64, 64) for _ in range(6)]
    text = "\\n".join([_BEGIN.format("PRIVATE KEY"), *body, _END.format("PRIVATE KEY")]) + "\\n"
    yield Planted("pem, escaped line ends", f'"private_key": "{text}"', (), tuple(body))
    body = [make.of(BASE64, 64) for _ in range(3)]
    text = "\n".join([*body, _END.format("RSA PRIVATE KEY")])
    yield Planted("pem, only its tail", text, (), tuple(body))
    body = [make.of(BASE64, 64) for _ in range(3)]
    text = "\n".join([_BEGIN.format("RSA PRIVATE KEY"), *body])
    yield Planted("pem, only its head", text, (), tuple(body))
    body = [make.of(BASE64, 64) for _ in range(6)]
    account = {
        "type": "service_account",
        "project_id": "retro-runs",
        "private_key_id": (key_id := make.of(HEX, 40)),
        "private_key": "\n".join([_BEGIN.format("PRIVATE KEY"), *body, _END.format("PRIVATE KEY"), ""]),
        "client_email": f"{(who := make.name())}@retro-runs.iam.gserviceaccount.com",
    }
    yield Planted("google service account", json.dumps(account), (who,), (key_id, *body), {"gcp": account})


def _addresses(make: Maker) -> Iterator[Planted]:
    def secret() -> str:
        return make.of(ALNUM, 28)

    for scheme, rest in (
        ("https", "hub.example.org/simple"),
        ("postgresql", "db.example.org:5432/optuna"),
        ("redis", "cache.example.org:6379/0"),
        ("mongodb+srv", "cluster0.example.org/sacred"),
        ("amqp", "mq.example.org:5672/%2F"),
        ("mysql+pymysql", "db.example.org/mlflow"),
        ("ftp", "files.example.org/roms"),
    ):
        address = f"{scheme}://trainer:{(word := secret())}@{rest}"
        yield Planted(f"address with a password, {scheme}", f"connected to {address}", (), (word,), {"url": address})
    address = f"redis://:{(word := secret())}@cache.example.org:6379/1"
    yield Planted("address with a password and no user", address, (), (word,), {"broker": address})
    address = f"https://{(word := secret())}@git.example.org/lab/agent.git"
    yield Planted("git remote with a token", f"origin\t{address} (fetch)", (), (word,), {"git_remote": address})
    address = f"https://oauth2:{(word := secret())}@git.example.org/lab/agent.git"
    yield Planted("git remote with oauth2", f"remote.origin.url={address}", (), (word,), {"git_remote": address})
    address = f"https://trainer:p%40{(word := secret())}%23@hub.example.org/"
    yield Planted("address with an escaped password", address, (), (word,), {"url": address})
    word = secret()
    text = f"Server=db.example.org;Database=runs;User Id=trainer;Password={word};Encrypt=true"
    yield Planted("ado connection string", text, (), (word,), {"connection_string": text})
    word = secret()
    yield Planted("libpq words", f"host=db.example.org user=trainer password={word} dbname=runs", (), (word,))
    key = make.of(HEX, 32)
    text = f"https://{key}@o123.ingest.sentry.io/4501"
    yield Planted("sentry dsn", text, (), (key,), {"dsn": text})


def _headers(make: Maker) -> Iterator[Planted]:
    word = make.of(URL64, 40)
    text = f"curl -H 'Authorization: Bearer {word}' https://hub.example.org"
    yield Planted("bearer header", text, (), (word,), {"Authorization": f"Bearer {word}"})
    word = base64.b64encode(f"trainer:{make.of(ALNUM, 20)}".encode()).decode()
    yield Planted(
        "basic header", f"authorization: Basic {word}", (), (word[12:],), {"headers": [f"Authorization: Basic {word}"]}
    )
    word = make.of(HEX, 40)
    yield Planted("token header", f"Authorization: token {word}", (), (word,))
    word = make.of(ALNUM, 32)
    yield Planted("api key header", f"X-API-Key: {word}", (), (word,), {"X-Api-Key": word})
    word = make.of(ALNUM, 32)
    yield Planted("cookie", f"Cookie: theme=dark; sessionid={word}; lang=en", (), (word,), {"cookie": f"sid={word}"})
    word = make.of(URL64, 43)
    yield Planted("set-cookie", f"Set-Cookie: session={word}; HttpOnly; Path=/", (), (word,))


def _assignments(make: Maker) -> Iterator[Planted]:
    yield named("password=", "password", make.password(), "{}={}")
    yield named("Password:", "Password", make.password(), "{}: {}")
    yield named("pwd, quoted", "db_pwd", make.password(), "{} = '{}'")
    yield named("passwd", "DB_PASSWD", make.password(), 'export {}="{}"')
    yield named("passphrase", "ssh_passphrase", make.password(), "{}: {}")
    yield named("env TOKEN", "TRACKER_TOKEN", make.of(ALNUM, 32), "export {}={}")
    yield named("env SECRET", "FLASK_SECRET_KEY", make.of(ALNUM, 32), "{}={}")
    yield named("set on Windows", "MY_API_KEY", make.of(ALNUM, 32), "set {}={}")
    yield named("set in PowerShell", "HUB_TOKEN", make.of(ALNUM, 32), '$env:{} = "{}"')
    yield named("--api-key", "api-key", make.of(ALNUM, 32), "train.py --{} {} --seed 3")
    yield named("--token=", "token", make.of(ALNUM, 32), "train.py --{}={} --seed 3")
    yield named("--password", "password", make.password(), "mysql -u trainer --{} {} runs")
    yield named("apiKey", "apiKey", make.of(ALNUM, 32), "{{{}: '{}'}}")
    yield named("clientSecret", "clientSecret", make.of(ALNUM, 32), '"{}":"{}"')
    yield named("accessToken", "accessToken", make.of(ALNUM, 32), "{} -> {}")
    yield named("names in lower case", "clientsecret", make.of(ALNUM, 32), "{} = {}")  # configparser makes them so
    yield named("token in lower case", "accesstoken", make.of(ALNUM, 32), "{}={}")
    yield named("aws in lower case", "secretaccesskey", make.of(BASE64, 40), "{}: {}")
    yield named("refresh_token", "refresh_token", make.of(ALNUM, 32), "{}: {}")
    yield named("private_key", "private_key", make.of(HEX, 64), "{}=0x{}")
    yield named("signing key", "JWT_SIGNING_KEY", make.of(ALNUM, 32), "{}={}")
    yield named("mixed case", "My_ApI_ToKeN", make.of(ALNUM, 32), "{}={}")
    yield named("spaces in the name", "API key", make.of(ALNUM, 32), "{}: {}")
    yield named("credentials", "hub_credentials", make.of(ALNUM, 32), "{}={}")
    number = make.of(DIGITS[1:], 9)
    yield Planted("password that is a number", f"password: {number}", (number,), (), {"password": int(number)})
    number = make.of(DIGITS[1:], 8)
    yield Planted("pin as a list", f"passwords=[{number}]", (number,), (), {"passwords": [int(number)]})
    word = make.password()
    yield Planted(
        "password of words",
        f'password = "{word} {(more := make.password())}"',
        (word, more),
        (),
        {"password": f"{word} {more}"},
    )
    key = make.of(ALNUM, 32)
    yield Planted("key in a section", f"auth:\n  token: {key}", (), (key,), {"auth": {"token": key, "kind": "bearer"}})
    key = make.of(ALNUM, 32)
    yield Planted("keys in a list", f"api_keys: ['{key}']", (), (key,), {"api_keys": [key, key[::-1]]})


def _documents(make: Maker) -> Iterator[Planted]:
    word = make.of(ALNUM, 32)
    inner = json.dumps({"user": "trainer", "token": word})
    yield Planted("JSON in JSON", json.dumps({"config": inner}), (), (word,), {"raw": inner})
    word = make.of(ALNUM, 32)
    inner = json.dumps({"deeper": json.dumps({"password": word})})
    yield Planted("JSON in JSON in JSON", json.dumps({"config": inner}), (), (word,), {"raw": inner})
    word = make.password()
    yield Planted("YAML", f"database:\n  host: db.example.org\n  password: {word}\n", (word,))
    word = make.password()
    yield Planted("YAML, block", f"password: |\n  {word}\n", (word,))
    word = make.password()
    yield Planted("python dict", f"{{'user': 'trainer', 'password': '{word}', 'seed': 3}}", (word,))
    word = make.of(ALNUM, 32)
    yield Planted("python call", f"wandb.login(key='x', api_key=\"{word}\")", (), (word,))
    word = make.of(ALNUM, 32)
    yield Planted("xml", f"<token>{word}</token>", (), (word,))
    word = make.of(ALNUM, 32)
    pairs = {"key": "HUB_TOKEN", "value": word}
    yield Planted("a list of names and values", json.dumps([pairs]), (), (word,), {"environment": [pairs]})
    word = make.of(ALNUM, 32)
    yield Planted("arguments", f"['train.py', '--hub-token', '{word}', '--seed', '3']", (), (word,),
                  {"args": ["train.py", "--hub-token", word, "--seed", "3"]})  # fmt: skip
    word = make.password()
    yield Planted("url encoded form", f"user=trainer&password={word[:-1]}&remember=1", (word[:-1],))
    first, second = make.of(ALNUM, 32), make.of(ALNUM, 32)
    yield Planted("two on a line", f"HUB_TOKEN={first} MIRROR_TOKEN={second} python train.py", (), (first, second))
