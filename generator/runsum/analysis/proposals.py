"""What the recommendations propose: a setting to change and by how much, or a run of the archive that fared better."""

from __future__ import annotations

from collections.abc import Sequence

from runsum.analysis.evidence import Evidence, Precedent
from runsum.model import Phrase, phrase
from runsum.thresholds import Thresholds

Values = dict[str, object]


def propose(e: Evidence, setting: str, rule: str, factor: float) -> Values:
    """A setting to change: to what a precedent had, else by a factor; `change` is the phrase that says so."""
    if setting == "learning_rate" and e.algorithm == "TRPO":
        setting = "target_kl"  # its learning rate is that of the critic alone
    before = e.setting(setting)
    if before is None or before <= 0:
        return {"change": phrase("change.up" if factor > 1 else "change.down", setting=setting), "peer": None}
    found = e.peers.with_setting(setting, factor > 1, rule)
    if found and e.final is not None and found.reached < e.final:
        found = None  # it passed the check and fared worse
    after = found.changes[0][2] if found else rounded(before * factor, whole=before.is_integer())
    change = phrase("change.from_to", setting=setting, before=_plain(before), after=_plain(after))
    if found is None:
        return {"change": change, "peer": None}
    items = _items(found.changes[1:])
    peer = phrase(
        "peer.without", run=found.run_id, setting=setting, value=_plain(after), came=_came(found), items=items
    )
    return {"change": change, "peer": peer, "precedent": found}


def better_run(e: Evidence, limits: Thresholds) -> Values:
    """The run that fared better, with what it had else; `peer` is None where there is none."""
    found = e.peers.better(max(limits.parent_drop * e.scale, 2 * (e.number("noise") or 0.0)))
    if found is None:
        return {"peer": None}
    if found.algorithm:
        peer = phrase("peer.other_algorithm", run=found.run_id, came=_came(found), algorithm=found.algorithm)
    else:
        peer = phrase("peer.better", run=found.run_id, came=_came(found), items=_items(found.changes))
    return {"peer": peer, "precedent": found}


def _items(changes: Sequence[tuple[str, object, object]]) -> list[tuple[str, object, object]]:
    return [(name, _plain(before), _plain(after)) for name, before, after in changes]


def _came(found: Precedent) -> Phrase:
    """What a run came to; of one that trained longer also what it had come to by then."""
    if found.then is None:
        return phrase("peer.ended", final=found.final)
    return phrase("peer.then", then=found.then, final=found.final, steps=found.steps)


def rounded(value: float, whole: bool = False) -> float:
    """Two digits; a number of steps that was doubled stays what it is."""
    return round(value) if whole and value >= 1 else float(f"{value:.2g}")


def _plain(value: object) -> object:
    return int(value) if isinstance(value, float) and value.is_integer() and abs(value) < 1e15 else value


def smaller(limits: Thresholds) -> float:
    """By what a setting is made smaller; a factor of nought changes nothing."""
    return 1 / (limits.setting_factor or 1.0)
