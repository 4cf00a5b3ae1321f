"""What redaction takes out of a text, and what it leaves."""

from __future__ import annotations

import random
import re
import string
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runsum.redact.found import RANDOM
from runsum.redact.keys import secrecy
from runsum.redact.policy import Mode, Policy
from runsum.redact.redactor import Redactor

_CHANCE = random.Random(5)


def letters(count: int, kinds: str = string.ascii_letters + string.digits) -> str:
    return "".join(_CHANCE.choices(kinds, k=count))


TOKEN = "gh" + "p_" + letters(36)


def test_a_token_is_replaced_by_a_mark_that_names_the_rule() -> None:
    """The rest of the text stays as it was."""
    assert Redactor().text(f"pushed with {TOKEN}, then trained") == (
        "pushed with ‹redacted:github-token›, then trained"
    )


@pytest.mark.parametrize(
    ("name", "how"),
    [
        ("password", "strong"), ("db_passwd", "strong"), ("clientSecret", "strong"), ("API_KEY", "strong"),
        ("apiKey", "strong"), ("private-key", "strong"), ("AWS_SECRET_ACCESS_KEY", "strong"), ("wandb_key", "strong"),
        ("HF_TOKEN", "weak"), ("auth", "weak"), ("session", "weak"), ("cookie", "weak"), ("dsn", "weak"),
        ("tokenizer", ""), ("max_tokens", ""), ("eos_token", ""), ("token_budget", ""), ("tokens_per_second", ""),
        ("author", ""), ("keyboard", ""), ("monkey", ""), ("key", ""), ("session_count", ""), ("compass", ""),
        ("n_passes", ""), ("secretary", ""), ("password_policy", ""), ("auth_mode", ""),
    ],
)  # fmt: skip
def test_names_that_mean_a_secret(name: str, how: str) -> None:
    """By whole words in any spelling, never by a part of a word."""
    assert secrecy(name) == how


@pytest.mark.parametrize(
    ("text", "published"),
    [
        (r"C:\Users\Ann Lee\retro\run.log", r"~\retro\run.log"),
        ("C:/Users/ann/retro", "~/retro"),
        (r'"C:\\Users\\ann\\retro"', r'"~\\retro"'),
        ("/home/ann/runs/a.zip", "~/runs/a.zip"),
        ("/Users/ann lee/runs", "~/runs"),
        ("https://example.org/~ann/a.zip", "https://example.org/~/a.zip"),
        ("file:///home/ann/x.html", "~/x.html"),
        ("/mnt/c/Users/ann/x", "~/x"),
        (r"\\wsl$\Ubuntu\home\ann\x", r"~\x"),
        (r"\\nas01\films\run-1\a.mp4", r"…\run-1\a.mp4"),
        ("C%3A%5CUsers%5Cann%5Cx", "~%5Cx"),
        ("https://ann:pw1@example.org/x", "https://‹redacted:url-userinfo›@example.org/x"),
        ("write to ann@example.org", "write to ‹redacted:e-mail›"),
        ("http://gpu-box:6006/#scalars", "http://‹redacted:private-host›:6006/#scalars"),
        ("connected to 10.1.2.3:29500", "connected to ‹redacted:private-host›:29500"),
        ("--api-key abc123 --seed 3", "--api-key ‹redacted:key-name› --seed 3"),
        ("password: hunter2", "password: ‹redacted:key-name›"),
        ("Authorization: Bearer abcdef123456789", "Authorization: Bearer ‹redacted:authorization›"),
        ("//b.example.org/k?X-Amz-Signature=ab1&v=3", "//b.example.org/k?X-Amz-Signature=‹redacted:signed-url›&v=3"),
        ("gh\u200bp_" + TOKEN[4:], "‹redacted:github-token›"),
        ("-----BEGIN EC PRIVATE KEY-----\nMIIE\nabc\n-----END EC PRIVATE KEY-----\nx", "‹redacted:private-key›\nx"),
    ],
)  # fmt: skip
def test_what_is_published_in_place_of(text: str, published: str) -> None:
    """Secrets become marks, homes a tilde; all around them stays."""
    assert Redactor().text(text) == published


@pytest.mark.parametrize(
    "text",
    [
        "3f786850e387550fdab836ed7e6dc881de23001b", "ppo_CartPole-v1", "ALE/SpaceInvaders-v5", "2025-12-22T10:00:00",
        "learning_rate: 0.00025", "max_tokens=4096, tokenizer: bert-base", "nvidia-curand-cu12 10.3.2.106",
        "git@github.com:org/repo.git", "https://example.org/users/ann/x?page=2", "sprite@2x.png", "a@b", "@property",
        "D:\\retro\\models\\run-1a2b3c4d\\latest.zip", "/opt/runs/a", "C:\\Users\\Public\\x", "http://localhost:6006/",
        "127.0.0.1", "threading.local()", "token: it is required", "the password dialog of the game",
        "torch==2.13.0+cu121", "sha256:" + "ab12" * 16,
    ],
)  # fmt: skip
def test_look_alikes_stay(text: str) -> None:
    """What only looks like a secret is published as it is."""
    assert Redactor().text(text) == text


@pytest.mark.parametrize(
    ("text", "published"),
    [
        ("api_key          :     {}", "api_key          :     ‹redacted:key-name›"),
        ("| HF_TOKEN | {} |", "| HF_TOKEN | ‹redacted:key-name› |"),
        ("HF_TOKEN → {}", "HF_TOKEN → ‹redacted:key-name›"),
        ("('HF_TOKEN', '{}')", "('HF_TOKEN', '‹redacted:key-name›')"),
        ("the token {}, until May", "the token ‹redacted:key-name›, until May"),
        ("wandb key 0123456789abcdef0123456789abcdef01234567", "wandb key ‹redacted:key-name›"),
        ("curl -s -uann:hunter2 https://example.org", "curl -s -u‹redacted:command› https://example.org"),
        ("ssh-rsa AAAAB3Nza ann@laptop", "ssh-rsa AAAAB3Nza ‹redacted:user-and-host›"),
        ("USER=ann SHELL=bash", "USER=‹redacted:user-and-host› SHELL=bash"),
        ("cc -I/home/ann/include", "cc -I~/include"),
        ("/fsx/users/ann/x and /users/ann/x", "~/x and ~/x"),
        ("Private-Lines: 2\nAAAAgQC1\nBBBB=\nPrivate-MAC: 1", "‹redacted:private-key›Private-MAC: 1"),
    ],
)
def test_secrets_in_rows_and_commands(text: str, published: str) -> None:
    """As programs print them: in columns, beside a name without a sign, in options."""
    assert Redactor().text(text.format("Zq7kLm9PxR2vT4wYb8Nd")) == published


@pytest.mark.parametrize(
    "text",
    [
        "session BreakoutNoFrameskip-v4", "token 2025-12-22T10:00:00", "secret checkpoint_step_00081920_pct_10.zip",
        "max_tokens, 0123456789abcdef0123456789abcdef", "eos_token | tokenizer_config_v2_final", "user=ann",
        "token /data/runs/run-1a2b3c4d/latest.zip", "the session run-1a2b3c4d-2025-12-22", "GET api/users/list",
        "CONFIG(USER='TRAINER')",
    ],
)  # fmt: skip
def test_words_beside_a_name_stay(text: str) -> None:
    """Without a sign between them, only what looks random belongs to the name."""
    assert Redactor().text(text) == text


def test_documents_are_read_with_their_names() -> None:
    """Below a secret name everything is secret; numbers below a weak one are not."""
    document = {
        "api_key": "x",
        "seed": 4,
        "auth": {"user": "a1b2c3", "tries": 3},
        "tags": ["ann@example.org"],
        "pwd": 1234,
    }
    assert Redactor().value(document, "t", "c") == {
        "api_key": "‹redacted:key-name›", "seed": 4, "auth": {"user": "‹redacted:key-name›", "tries": 3},
        "tags": ["‹redacted:e-mail›"], "pwd": "‹redacted:key-name›",
    }  # fmt: skip


def test_the_account_names_places_and_never_the_secret() -> None:
    """Rule, table, column and count; a scope has an account of its own."""
    whole = Redactor()
    part = whole.scope()
    part.text(f"{TOKEN} and {TOKEN}", "notes", "text")
    part.row("runs", {"a": "ann@example.org", "b": b"\x00", "c": 3}, frozenset())
    told = [(one.rule, one.table, one.column, one.count) for one in part.found()]
    assert told == [("blob", "runs", "b", 1), ("e-mail", "runs", "a", 1), ("github-token", "notes", "text", 2)]
    assert whole.found() == ()


def test_own_rules_and_exceptions() -> None:
    """Patterns of the user are taken out, allowed names and texts stay."""
    policy = Policy(
        patterns=(("codename", re.compile(r"Project \w+")),),
        allow_keys=frozenset({"session"}),
        allow_values=frozenset({"ann@example.org"}),
    )
    keep = Redactor(policy)
    assert keep.text("Project Falcon") == "‹redacted:codename›"
    assert keep.text("ann@example.org, bob@example.org") == "ann@example.org, ‹redacted:e-mail›"
    assert keep.value({"session": "ab12cd34"}, "t", "c") == {"session": "ab12cd34"}


@pytest.mark.parametrize(
    ("text", "published"),
    [
        ("scp a.zip ann@10.0.0.5:/srv", "scp a.zip ‹redacted:user-and-host›:/srv"),
        ("ann@203.0.113.9's password:", "‹redacted:user-and-host›'s password:"),
        (
            "wandb: Currently logged in as: ann-smith (lab).",
            "wandb: Currently logged in as: ‹redacted:user-and-host› (lab).",
        ),
        ("torch@2.5.1.0.post1", "torch@2.5.1.0.post1"),
    ],
)
def test_who_logged_in_where(text: str, published: str) -> None:
    """A user is left out together with the machine."""
    assert Redactor().text(text) == published


@pytest.mark.parametrize(
    "text",
    [
        'os.environ["WANDB_API_KEY"] = "0123456789abcdef0123456789abcdef01234567"',
        "config['password'] = 'hunter2'",
        "setx WANDB_API_KEY 0123456789abcdef0123456789abcdef01234567",
        "ENV WANDB_API_KEY abcdefgh12345",
        "aws configure set aws_secret_access_key wJalrabc",
        "DB_HOST=10.0.0.5",
        "{'node_ip_address': '10.1.1.20', 'raylet_ip_address': '10.1.1.20'}",
        "[ann@login01 retro]$ sbatch job.sh",
        "ann@MacBook-Pro ~ % python train.py",
        "ssh -p 2222 ann@gpu1",
        "/storage/home/ann/m.zip",
        "/mnt/nfs/home/ann/m.zip",
        "/global/homes/a/ann/x",
        "/home/users/ann/exp",
        "- name: WANDB_API_KEY\n  value: 0123456789abcdef0123456789abcdef01234567",
        "docker login -u ann -p hunter2",
        "mysql -u root -phunter2 exp",
        "redis-cli -a hunter2",
        "Passwort: geheim123",
        "the password is hunter2.",
        "its API key was abcdefgh12345, now gone",
        "copied C:\\Users\\ann to ../out/model.zip",
        "cwd=/home/ann step 45/100",
        "C:\\Users\\Ann Smith\\retro\\a.zip",
        "/Users/ann smith/retro/a.zip",
    ],
)
def test_what_consoles_notebooks_and_clusters_write(text: str) -> None:
    """Keys, passwords, people and machines as commands, notebooks, schedulers and other people write them."""
    published = Redactor().text(text).lower()
    for secret in ("0123456789abcdef", "hunter2", "abcdefgh12345", "wjalrabc", "10.0.0.5", "10.1.1.20", "geheim123"):
        assert secret not in published
    assert not re.search(r"\bann\b(?! -p)", published)


@pytest.mark.parametrize(
    "text",
    [
        "basic architecture",
        "Basic reinforcement learning",
        "basic hyperparameters",
        "the password is required",
        "the secret is batch_size=64",
        "the api key is read from the environment",
        "ImportError: cannot import name 'builder' from 'google.protobuf.internal'",
        "runs/24-01-15-12-30-45/model.zip",
        "tokens: 1.2M",
        "forward_pass: 12.3ms",
        "pass: 3/5",
        "session=00:45:12",
        "PWD=/workspace/retro",
        "algo=PPO;policy=CnnPolicy;mean=21.3;se=0.4",
        "return x@self.weight + b",
        "example.org/docs/home/page",
        "https://example.org/home/users",
        "version 10.0.19045.1",
    ],
)
def test_what_only_sounds_like_it_is_kept(text: str) -> None:
    """Prose, code, amounts and times."""
    assert Redactor().text(text) == text


def test_what_looks_random_is_counted_and_taken_out_only_when_strict() -> None:
    """Entropy alone proves nothing."""
    text = letters(48)
    standard, strict = Redactor(), Redactor(Policy(Mode.STRICT))
    assert standard.text(text, "t", "c") == text
    assert [one.rule for one in standard.found()] == [RANDOM]
    assert strict.text(text) == f"‹redacted:{RANDOM}›"
    assert strict.text("/opt/models/a.zip") == "…/a.zip"


@pytest.mark.parametrize(
    "name",
    [
        "a2c/AsteroidsNoFrameskip-v4_1/AsteroidsNoFrameskip-v4",
        "qrdqn/LunarLanderContinuous-v2_1/LunarLanderContinuous-v2",
        "video_run-7f3a9c01_1766886000",
        "step_12000000_pct_74_episode_118",
        "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b",
        "run_2025-12-22_10-00-00_seed_1_lr_0003",
    ],
)
def test_names_of_files_and_environments_are_no_random_texts(name: str) -> None:
    """Or the warning would be about every archive, and nobody would read it."""
    keep = Redactor()
    assert keep.text(name) == name
    assert keep.found() == ()


def test_nearly_every_key_is_a_random_text() -> None:
    """Of keys that follow no rule, 95 of 100 are warned of."""
    chance = random.Random(1)
    for alphabet in (string.ascii_letters + string.digits, string.ascii_letters + string.digits + "-_"):
        keep = Redactor()
        for _ in range(200):
            keep.text("".join(chance.choice(alphabet) for _ in range(40)))
        assert sum(one.count for one in keep.found() if one.rule == RANDOM) >= 190


def test_off_leaves_everything() -> None:
    """Then nothing is looked at."""
    off = Redactor(Policy(Mode.OFF, "inside"))
    assert off.text(TOKEN) == TOKEN
    assert off.value({"password": "x"}, "t", "c") == {"password": "x"}


@pytest.mark.parametrize(
    "text",
    [
        "a" * 100_000 + " private key", "token=" * 20_000, 'pass:"' * 20_000, "/home" * 20_000, "@a." * 30_000,
        "eyJ" * 30_000, "-----BEGIN PRIVATE KEY" * 3_000, ("b" * 20 + "\n") * 5_000 + "PRIVATE KEY", "10." * 30_000,
        'password: "' + '\\"' * 50_000, "\\\\a" * 30_000, "://" * 30_000, " -a" * 30_000 + " pass",
    ],
    ids=range(13),
)  # fmt: skip
def test_time_grows_with_the_length(text: str) -> None:
    """No text of 100 kB takes long, and a text that was redacted stays as it is."""
    keep = Redactor()
    began = time.process_time()
    once = keep.text(text)
    assert time.process_time() - began < 5
    assert keep.text(once) == once


_PIECES = [
    TOKEN,
    "ann@example.org",
    "/home/ann",
    "C:\\Users\\ann lee",
    "C:\\\\Users\\\\ann",
    "\\\\nas\\share",
    "//wsl$/U/home/ann",
    "~",
    "password",
    "token",
    "apiKey",
    "Authorization",
    "Bearer",
    "Cookie",
    "https://",
    "ann:pw@",
    "example.org",
    "?sig=",
    "&key=",
    "10.0.0.7",
    "192.168.1.5",
    "gpu.local",
    "http://gpu",
    "DESKTOP-AB12CD3",
    "-----BEGIN PRIVATE KEY-----",
    "MIIEabcd",
    "-----END PRIVATE KEY-----",
    "--api-key",
    "wandb login",
    "-u",
    "ssh",
    "abc123",
    "a.b",
    "eyJhbGciOi.eyJzdWIi.x",
    "/media/ann",
    "OneDrive - Firm",
    "%2Fhome%2Fann",
    "file://",
    "Übung",
    "\n",
    " ",
    " ",
    "=",
    ": ",
    ":",
    "/",
    "\\",
    '"',
    "'",
    ",",
    ".",
    "@",
    "-",
]


@settings(max_examples=1500, deadline=None, derandomize=True)
@given(st.lists(st.sampled_from(_PIECES), max_size=9).map("".join))
def test_nothing_is_found_in_what_was_redacted(text: str) -> None:
    """Otherwise the check of the site would find what the build made itself."""
    keep = Redactor()
    published = keep.text(text)
    assert [rule for rule, _ in keep.find(published)] == []
    assert keep.text(published) == published
