"""Who a record gives away: names in home folders, mail addresses, prompts, machines and their addresses."""

from __future__ import annotations

from collections.abc import Iterator

from support.secrets import HEX, UPPER, Maker, Planted


def people(make: Maker) -> Iterator[Planted]:
    """All of them."""
    for form in _HOMES:
        yield _one(make, "home folder", form)
    for form in _ODD_HOMES:
        yield _one(make, "home folder, odd name", form)
    for form in _SHARES:
        yield _one(make, "share", form)
    for form in _MAILS:
        yield _one(make, "mail address", form)
    for form in _HOSTS:
        yield _one(make, "machine", form)
    yield from _numbers(make)


_HOMES = (
    "/home/{}/retro/models/latest.zip",
    "/Users/{}/Documents/retro/latest.zip",
    "/var/home/{}/retro",
    "/export/home/{}/retro",
    "/media/{}/USB DISK/roms",
    "/run/media/{}/backup/roms",
    "C:\\Users\\{}\\retro\\models\\latest.zip",
    "C:\\\\Users\\\\{}\\\\retro\\\\latest.zip",
    "c:/users/{}/retro/latest.zip",
    "C:\\Documents and Settings\\{}\\My Documents\\retro",
    "D:\\Users\\{}\\OneDrive - Company\\retro",
    "/mnt/c/Users/{}/retro",
    "/mnt/c/users/{}/retro",
    "/c/Users/{}/retro",
    "/cygdrive/c/Users/{}/retro",
    "file:///home/{}/retro/index.html",
    "file:///C:/Users/{}/retro/index.html",
    "C%3A%5CUsers%5C{}%5Cretro",
    "%2Fhome%2F{}%2Fretro",
    "vscode-remote://wsl+Ubuntu/home/{}/retro",
    "loaded '/home/{}/retro/latest.zip' (12 MB)",
    'File "/home/{}/retro/train.py", line 12, in <module>',
    "PYTHONPATH=/opt/lib:/home/{}/lib:/usr/lib",
    "--model=/home/{}",
    "sqlite:////home/{}/optuna.db",
    "\\\\?\\C:\\Users\\{}\\retro",
    "/Users/{}",
    "~{}/retro/latest.zip",
    "/home/{0}/.cache and /home/{0}/.config",
    "C:\\Users\\{}\\AppData\\Local\\Temp\\tmp1\\clip.mp4",
)
_ODD_HOMES = (
    "C:\\Users\\Anna {}\\retro\\latest.zip",
    "C:\\Users\\Jörg.{}\\retro\\latest.zip",
    "/Users/anna {}/retro/latest.zip",
    "/home/jörg-{}/retro",
    "C:\\Users\\{}.LAB\\retro",
    "/home/dom\\{}/retro",
    "/home/{}@lab/retro",
    '"C:\\Users\\Anna {}"',
)
_SHARES = (
    "\\\\{}\\share\\roms\\breakout.zip",
    "\\\\\\\\{}\\\\share\\\\roms",
    "//{}/share/roms/breakout.zip",
    "\\\\wsl$\\Ubuntu\\home\\{}\\retro",
    "\\\\wsl.localhost\\Ubuntu-22.04\\home\\{}\\retro",
    "//wsl.localhost/Ubuntu/home/{}/retro",
    "smb://{}/share/roms",
)
_MAILS = (
    "written by {}@example.org",
    "{}.anna+runs@mail.example.co.uk",
    "Author: A <{}@example.org>",
    "mailto:{}@example.org",
    "{}%40example.org",
)
_HOSTS = (
    "{}@trainbox:~/retro$ python train.py",
    "(venv) root@{}:/workspace# python train.py",
    "ssh trainer@{}.lan",
    "scp latest.zip {}@box.local:",
    "http://{}.local:6006/#scalars",
    "tensorboard at {}.internal:6006",
    "worker-3.{}.corp joined",
    "grpc://{}.home.arpa:50051",
    "hostname={}",
    "HOSTNAME: {}",
    "COMPUTERNAME={}",
    "USERNAME={}",
    "events.out.tfevents.1766404800.{}.4242.0",
)


def _one(make: Maker, kind: str, form: str) -> Planted:
    name = make.name()
    return Planted(f"{kind}: {form}", form.format(name), (name,))


def _numbers(make: Maker) -> Iterator[Planted]:
    for form, key in (
        ("10.{}.{}.{}", "host"),
        ("192.168.{2}.{1}", "server"),
        ("172.2{0}.{1}.{2}", "ip"),
    ):
        for around in ("listening on http://{}:6006/ now", "ssh -p 22 trainer@{}"):
            address = form.format(make.number(3, 8), make.number(101, 199), make.number(101, 199))
            text = around.format(address)
            yield Planted(f"private address {form}: {around}", text, (address,), (), {key: address})
    text = f"fd{make.of(HEX, 2)}:{make.of(HEX, 4)}:{make.of(HEX, 4)}::1{make.of(HEX, 2)}"
    yield Planted("private address, v6", f"listening on [{text}]:6006", (text,))
    mac = ":".join(["3c", *(make.of(HEX, 2) for _ in range(5))])
    yield Planted("mac address", f"link/ether {mac} brd ff:ff:ff:ff:ff:ff", (mac,))
    mac = "-".join(["3C", *(make.of(HEX.upper(), 2) for _ in range(5))])
    yield Planted("mac address, Windows", f"Physical Address: {mac}", (mac,))
    for start in ("DESKTOP-", "LAPTOP-", "WIN-"):
        name = make.of(UPPER, 7) if start != "WIN-" else make.of(UPPER, 11)
        yield Planted(f"machine {start}", f"recorded on {start}{name} at noon", (name,), (), {"machine": start + name})
