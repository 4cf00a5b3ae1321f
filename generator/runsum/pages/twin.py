"""run.json: the twin of a run page for programs."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from runsum.analysis.findings import source_of
from runsum.archive.archive import Archive, ArchivedRun
from runsum.model import DataQuality, Fact, Finding, problem_words
from runsum.pages.contract import Words
from runsum.pages.result_document import result_document
from runsum.placeholders import PLACEHOLDERS

SCHEMA = 1
_DIGITS = 12


def run_twin(run: ArchivedRun, archive: Archive, words: Words) -> bytes:
    """The run as JSON: summary by placeholder, reasons for what is missing, milestones, quality, lineage, results.

    Args:
        run: the run.
        archive: where its children are looked up.
        words: turns a phrase into plain text.
    """
    digest, summary = run.digest, run.summary
    data = {
        "schema": SCHEMA,
        "run_id": digest.run_id,
        "slug": digest.slug,
        "source": digest.source,
        "state": str(digest.state),
        "tags": list(digest.tags),
        "summary": {name: _value(summary[name], words) for name in PLACEHOLDERS},
        "not_recorded": {
            name: words(fact.reason)
            for name in PLACEHOLDERS
            if (fact := summary[name]).missing and fact.reason is not None
        },
        "milestones": [
            {"percent": m.percent, "timestep": m.timestep, "reward": m.reward, "reached": m.reached, "far": m.far}
            for m in digest.milestones
        ],
        "quality": _quality(digest.quality),
        "config": {key: value.value for key, value in digest.config.items()},
        "config_delta": [{"key": c.key, "before": c.before, "after": c.after} for c in run.config_delta],
        "lineage": {
            "root": run.kin.root,
            "parent": run.kin.parent_run_id,
            "children": [archive.find(slug).digest.run_id for slug in run.kin.children],
            "leg": run.kin.leg,
            "parent_in_archive": run.kin.parent is not None,
        },
        **result_document(run, archive),
        "files": {name: value for name, value in digest.files.items() if name != "log_lines"},
        "health": str(run.health),
        "findings": [_finding(found, words) for found in digest.findings],
        "recommendations": [one.rule for one in run.advice.recommendations],
        "problems": [{"kind": p.kind, "text": words(problem_words(p))} for p in run.problems],
    }
    return (json.dumps(_plain(data), ensure_ascii=False, separators=(",", ":"), allow_nan=False) + "\n").encode(
        "utf-8", "replace"
    )


def _value(fact: Fact, words: Words) -> object:
    return fact.value if fact.words is None else words(fact.words)


def _finding(found: Finding, words: Words) -> dict[str, Any]:
    """What a check has found; what it does not say (no band, no stretch of the run) is left out."""
    low, high = found.band
    said = {
        "rule": found.rule,
        "level": str(found.level),
        "value": found.value,
        "band": None if low is None and high is None else [low, high],
        "source": source_of(found.rule) or None,
        "confidence": found.confidence,
        "from_timestep": found.from_timestep,
        "to_timestep": found.to_timestep,
        "reason": words(found.reason),
    }
    return {name: value for name, value in said.items() if value is not None}


def _quality(quality: DataQuality) -> dict[str, Any]:
    return {
        "rows": quality.rows,
        "canonical_rows": quality.canonical_rows,
        "reward_rows": quality.reward_rows,
        "progress_rows": quality.progress_rows,
        "phantom_rows": quality.phantom_rows,
        "contaminated_rows": quality.contaminated_rows,
        "superseded_rows": quality.superseded_rows,
        "out_of_range_rows": quality.out_of_range_rows,
        "unreadable_values": quality.unreadable_values,
        "rollout_size": quality.rollout_size,
        "config_rollout_size": quality.config_rollout_size,
        "sessions": [
            {"start_timestep": s.start_timestep, "first_timestep": s.first_timestep, "last_timestep": s.last_timestep}
            for s in quality.sessions
        ],
        "restarts": quality.restarts,
        "artefact_jumps": quality.artefact_jumps,
        "genuine_jumps": quality.genuine_jumps,
        "gaps": [{"seconds": g.seconds, "timestep": g.timestep, "with_gpu": g.with_gpu} for g in quality.gaps],
        "gap_threshold_s": quality.gap_threshold_s,
        "gpu_samples": quality.gpu_samples,
        "null_policy_loss_share": quality.null_policy_loss_share,
        "null_rewards_after_first": quality.null_rewards_after_first,
        "utc_offset_min": quality.utc_offset_min,
        "wrong_denominator_rows": quality.wrong_denominator_rows,
        "naive_last_timestep": quality.naive_last_timestep,
        "foreign_runs": dict(quality.foreign_runs),
    }


def _plain(value: Any) -> Any:
    """JSON has no NaN and no infinity; the last digits of a mean are those of the computer, not of the run."""
    if value is None or isinstance(value, str | int):  # most of them: to ask whether they are mappings takes longest
        return value
    if isinstance(value, float):
        return float(f"{value:.{_DIGITS}g}") if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    return value
