"""Inputs that get far into a parser, by the name of the target."""

from __future__ import annotations

import codecs
import json

from support.rows import CONFIG

_CONFIG = json.dumps(CONFIG).encode()
_LOG = b"""[Stats] Progress: 80,000/16,200,000 (0.5%)
\x1b[31mTraceback (most recent call last):\x1b[0m
  File "train.py", line 7, in <module>
RuntimeError: CUDA error: device-side assert triggered
run-1a2b3c4d: Process failed with exit code: -9
run-5e6f7a8b: no space left on device
    KeyboardInterrupt
"""
_YAML = b"""game: {env_id: ALE/Breakout-v5, frame_stack: 4}
train:
  algo: PPO
  vec_envs: 16
  learning_rate: 2.5e-4
  hyperparameters: &h {gamma: 0.99, clip_range: .1}
  more: *h
  created: 2025-12-22T10:00:00Z
seed: 0x2a
when: 2025-12-22
text: |
  one
  two
"""


def _token() -> bytes:
    """A key of a known form; put together here, so that no file holds one."""
    return b"ghp" + b"_" + b"a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"


SEEDS: dict[str, tuple[bytes, ...]] = {
    "json_columns": (
        _CONFIG,
        _CONFIG + b"\xff" + _CONFIG.replace(b"0.99", b"0.999"),
        b'{"train": {"gamma": 1}, "training": [1], "custom_params": {"zoo": {"a": NaN}}}\xff{"gamma": "1.0"}',
        b'["ppo", "a", null, 1]',
        b"a, b,, c",
        b'Training ppo on ALE/Pong-v5 for 1,000 timesteps\xff{"a": 1e999, "b": "\\ud800"}',
        b'{"seed": ' + b"9" * 400 + b"}",
        b"[" * 2000,
    ),
    "numbers": (b"12", b"-1.5e308", b"1_000", b"9" * 400, b"inf", b"nan", b" 7 ", "٣".encode()),
    "timestamps": (
        b"2025-12-22T10:00:00|2025-12-22 10:00:00.123456|",
        b"2025-12-22T10:00:00+14:00|0001-01-01T00:00:00+14:00|9999-12-31T23:59:59.999999-14:00",
        b"2025-12-22|20251222T100000Z|2025-W52-1|2025-12|2025",
        b"NaT|2025-12-22T24:00|-0001-01-01|292277-01-01",
    ),
    "log_tails": (
        _LOG,
        codecs.BOM_UTF16_LE + _LOG.decode().encode("utf-16-le"),
        _LOG * 200,
        b"\xff\xfe",
        b"\r\n\x1b]0;",
    ),
    "documents": (
        b"\0" + _CONFIG,
        b"\1" + _YAML,
        b"\2" + _YAML,
        b"\1!!int ''",
        b"\1!!timestamp x",
        b"\1<<: {a: 1}",
        b"\1" + b"[" * 60,
        b"\1a: &a [1, 1]\nb: &b [*a, *a]\nc: [*b, *b]",
        b'\0{"a": "\\ud800", "b": 1e999}',
        b"\1? [1, 2]\n: 3",
        b"\1- 1\n---\n",
    ),
    "sidecars": (
        _CONFIG + b"\xff" + _YAML,
        b'{"path": "a\\\\run-1a2b3c4d_step_4096.mp4", "duration_sec": 3, "run_id": "run-5e6f7a8b", "timestep": 7}\xff'
        + _LOG,
        b'{"created_at": "2025-12-22T10:00:00.5", "video": {"duration": 1e308}, "segments": {}}\xffcheckpoint: a/b',
    ),
    "file_names": (
        b"checkpoint_step_00081920_pct_10.zip\xffoutputs/run-1a2b3c4d/a.mp4",
        b"run-1a2b3c4d__ts-2025-12-22T10-00-00-06-00\xffD:\\My project\\outputs\\run-1a2b3c4d\\a.mp4",
        b"episode-10.mp4\xff../../etc/passwd",
        "٣²\xff/".encode(),
    ),
    "written_notes": (
        b"# What I saw\n\nIt **learned** to [tunnel](https://example.org/?a=1&b=2).\n\n"
        b"| a | b |\n|---|---|\n| 1 | `2` |\n",
        b"```\n<b>\n```\n\n1. one\n    - two\n\n"
        b"> quoted <mailto:a@example.org> {: onclick=1 } [x](javascript:1)\n\n<p onclick=1>",
        b"***a**b*\n\n[a]: <b>\n\n![x](y)\n\n&#60;b&#62;\n\n---\n",
    ),
    "redactor": (
        b"token=" + _token() + b" and " + _token(),
        b'{"wandb": {"api_key": "'
        + _token()
        + b'", "max_tokens": 5}, "password": 12345, "a": [1, "C:\\\\Users\\\\ada\\\\x"]}',
        b"/home/ada/models/a.zip https://ada:"
        + _token()
        + b"@example.org/?key=1 ada@example.org 192.168.0.7 ssh gpu01.local",
        b"Authorization: Bearer "
        + _token()
        + b"\n--password hunter2secret -----BEGIN RSA "
        + b"PRIVATE KEY-----\nMIIE\n",
        b"0123456789abcdef0123456789abcdef01234567 run-1a2b3c4d 2025-12-22T10:00:00",
    ),
}
"""Seeds of every target."""

LONG = 100_000
REPEATED = (
    "a", "A", "1", " ", "\t", "\n", ".", "-", "_", "/", "\\", ":", "=", ",", ";", "@", "*", "#", "`", "~", "|",
    ">", "<", "&", "(", "[", "{", "!", "\"", "'", "\x1b", "\x1b]", "\x1b[", "%", "0", "é", "a ", "a.", "a-",
    "a_", "a/", "a\\", "a@", "a:", "a=", "1,", "1.", "1:", "<a", "[a](", "![", "[[", "](", "**a", "_a_", "> ",
    "- ", "1. ", "|a", "&#", "{a", "\n\n", "\n#", " \n", "a\n", "a:\n ", "- - ", "x1Y2z3", "key=", "://",
    "http://", "a://b:", "C:\\a", "token: ", "eyJ", "-----", "--a ", "${", "a=\"",
)  # fmt: skip
"""Text that a careless regular expression takes forever for, when it is repeated to 100 kB."""
