"""What the rooms of the house hand to each other: frozen dataclasses, numbers and names, no sentences.

Times are kept as they were recorded (naive local ISO text); seconds since the epoch are UTC.
A missing value is `None` and comes with a `Phrase` that says why; never 0, never "-".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from enum import StrEnum

from runsum.curve import Curve
from runsum.frozen import frozen
from runsum.measures import Cost, HumanScore, RunTraits, Solved
from runsum.pickling import quickly_pickled, sealed
from runsum.redact.found import Found

Scalar = str | int | float | bool | None


class State(StrEnum):
    """How a run stands, told honestly; the recorded status is only one of the witnesses."""

    RUNNING = "running"
    STALE = "stale"  # 'running' in the file, but silent for longer than Thresholds.stale_after_min
    PAUSED = "paused"  # 'running' in the file with the pause flag set
    FINISHED = "finished"  # 'running' in the file, but every step was trained
    COMPLETED = "completed"
    STOPPED = "stopped"
    FAILED = "failed"
    UNKNOWN = "unknown"  # a status word we do not know

    @property
    def is_open(self) -> bool:
        """Whether the file still says that this run goes on."""
        return self in (State.RUNNING, State.STALE, State.PAUSED, State.FINISHED)


@quickly_pickled
@frozen
class Phrase:
    """A fact with a name and its numbers; the words live in `site_template/wording.yml` under `key`."""

    key: str
    values: Mapping[str, object] = field(default_factory=dict)


def phrase(key: str, **values: object) -> Phrase:
    """Make a `Phrase`."""
    return Phrase(key, values)


@quickly_pickled
@frozen
class Problem:
    """Something in the data that is wrong, contradicted, dropped or missing: shown, counted, never raised.

    Attributes:
        kind: name of the wording `problem.<kind>` and of the count in the report.
        values: what the wording needs.
    """

    kind: str
    values: Mapping[str, object] = field(default_factory=dict)


def problem(kind: str, **values: object) -> Problem:
    """Make a `Problem`."""
    return Problem(kind, values)


def problem_words(found: Problem) -> Phrase:
    """The wording of a problem."""
    return Phrase(f"problem.{found.kind}", found.values)


@quickly_pickled
@frozen
class Fact:
    """The value of one placeholder.

    Attributes:
        value: number, text or None; numbers in the unit of the placeholder (hours, steps, MiB, percent).
        words: the value as a sentence, where the value is one (a `..._note`).
        reason: why `value` is None.
        small: small print beside the value: where it comes from, what contradicts it.
        estimated: whether the value is inferred and has to say so.
    """

    value: Scalar = None
    words: Phrase | None = None
    reason: Phrase | None = None
    small: tuple[Phrase, ...] = ()
    estimated: bool = False

    @property
    def missing(self) -> bool:
        """Whether nobody knows."""
        return self.value is None and self.words is None

    @property
    def number(self) -> float | None:
        """The value of a measured quantity; None where there is none."""
        return self.value if isinstance(self.value, float) else None


def known(value: Scalar, *small: Phrase, reason: str = "reason.not_recorded", estimated: bool = False) -> Fact:
    """A fact with a value; a None becomes "not recorded" with `reason`."""
    if value is None:
        return Fact(reason=phrase(reason), small=small)
    return Fact(value, small=small, estimated=estimated)


def note(key: str, *small: Phrase, **values: object) -> Fact:
    """A fact that is a sentence; `estimated=True` among the values marks it as inferred."""
    estimated = bool(values.pop("estimated", False))
    return Fact(words=phrase(key, **values), small=small, estimated=estimated)


def missing(key: str, **values: object) -> Fact:
    """A fact that nobody knows, with the reason."""
    return Fact(reason=phrase(key, **values))


class Level(StrEnum):
    """What a check of a run's health came to."""

    GOOD = "good"
    WATCH = "watch"  # outside of the usual range, which is no proof that anything is wrong
    BAD = "bad"
    NOT_ASSESSED = "not assessed"


@quickly_pickled
@frozen
class Finding:
    """What one check of a run's health found.

    Attributes:
        rule: name of the check, see `runsum.analysis.findings.CHECKS`.
        reason: the finding as a sentence; of a check that could not be made, why.
        value: the number that was judged, in the unit of the check; None where none could be had.
        band: least and largest usual value, None where there is no limit on that side.
        confidence: "high", "medium" or "low"; "none" of a check that could not be made.
        from_timestep, to_timestep: where it happens, absolute steps; None where it is not about a stretch.
        chart: id of the chart that shows it, empty without one.
    """

    rule: str
    level: Level
    reason: Phrase
    value: float | None = None
    band: tuple[float | None, float | None] = (None, None)
    confidence: str = "none"
    from_timestep: int | None = None
    to_timestep: int | None = None
    chart: str = ""


@quickly_pickled
@frozen
class Milestone:
    """Reward at a share of the target.

    Attributes:
        percent: 10, 25, 50, 75 or 100.
        mark: the absolute timestep of that share.
        timestep: step of the last canonical row with a reward at or before the mark; None without one.
        reward: mean episode reward of that row.
        reached: whether training got that far.
        far: whether `timestep` is more than 2 % of the target before the mark.
    """

    percent: int
    mark: float
    timestep: int | None
    reward: float | None
    reached: bool
    far: bool


@quickly_pickled
@frozen
class Session:
    """One learn() call inside a run. Steps are absolute timesteps, `hours` since the run's first row."""

    start_timestep: int
    first_timestep: int
    last_timestep: int
    hours: float = 0.0


@quickly_pickled
@frozen
class Gap:
    """A silence between two neighbouring rows.

    Attributes:
        seconds: its length.
        timestep: last timestep before it.
        hours: its begin, in hours since the first row.
        with_gpu: whether GPU samples went on (alive but silent); None where there are no GPU samples at all.
    """

    seconds: float
    timestep: int
    hours: float
    with_gpu: bool | None


@quickly_pickled
@frozen
class DataQuality:
    """What the rows of a run turned out to be. Definitions: the Methods page."""

    rows: int = 0
    canonical_rows: int = 0
    reward_rows: int = 0
    progress_rows: int = 0
    phantom_rows: int = 0
    contaminated_rows: int = 0
    superseded_rows: int = 0
    out_of_range_rows: int = 0
    unreadable_values: int = 0
    rollout_size: int | None = None
    config_rollout_size: int | None = None
    sessions: tuple[Session, ...] = ()
    artefact_jumps: int = 0
    genuine_jumps: int = 0
    gaps: tuple[Gap, ...] = ()
    gap_threshold_s: float | None = None
    gpu_samples: int = 0
    null_policy_loss_share: float | None = None
    null_rewards_after_first: int = 0
    utc_offset_min: int | None = None
    wrong_denominator_rows: int = 0
    naive_last_timestep: int | None = None
    foreign_runs: Mapping[str, int] = field(default_factory=dict)

    @property
    def restarts(self) -> int:
        """Learn() calls beyond the first."""
        return max(0, len(self.sessions) - 1)


@quickly_pickled
@frozen
class ConfigValue:
    """One setting of a run and where it was read."""

    value: object
    origin: str  # "config_json" | "effective" (config_effective.yaml) | "metadata" (run_metadata.json)


@quickly_pickled
@frozen
class ConfigChange:
    """One setting that differs between a run and its parent. `before`/`after` None: not set there."""

    key: str
    before: object
    after: object


@quickly_pickled
@frozen
class Annotation:
    """A person's note in a chart of the recording application."""

    axes: str
    timestep: float | None
    y: float | None
    text: str
    created_at: str | None


@quickly_pickled
@frozen
class Video:
    """A video of a run: what the database or the disk says of it.

    Attributes:
        kind: "post-training", "generated", "segment" (training recording) or "on disk".
        path: as recorded, or relative to the project root.
        status: word of the recorder, or None.
        state: "recorded" | "playable" | "present" | "missing" | "interrupted" | "failed" | "in progress".
        media: file name inside the page bundle, when it was copied there.
        source_path: absolute path of the file to copy; never printed.
    """

    kind: str
    name: str
    path: str | None
    state: str
    status: str | None = None
    duration_s: float | None = None
    size_mb: float | None = None
    timestep: int | None = None
    created_at: str | None = None
    error: str | None = None
    other_run: str | None = None
    media: str | None = None
    source_path: str | None = None


@quickly_pickled
@frozen
class DrawnChart:
    """A chart on a run page: its id in the data file, a text alternative, a static curve (inline SVG)."""

    id: str
    kind: str
    alt: Phrase
    static_svg: str


@quickly_pickled
@frozen
class LineageHints:
    """What one run says of its ancestry, before anything is known of the others."""

    base_run_id: str | None = None
    parent_run_id: str | None = None
    leg_number: int | None = None


GIST = frozenset(
    {"end_time_or_in_progress", "error_summary_if_failed", "eta_note", "gpu_avg", "model_path", "pause_time_h",
     "solved_flag", "sps_trend_note"}
)  # fmt: skip
"""Facts that lists and the archive ask for of every run; the others only its own page shows."""
_ON_ITS_PAGE = (
    "state_notes", "status", "final_reward_timestep", "summary", "milestones", "videos", "charts", "absent_charts",
    "files", "extras",
)  # fmt: skip


@sealed(_ON_ITS_PAGE, lambda run: {name: fact for name, fact in run.summary.items() if name in GIST})
@frozen
class RunDigest:
    """Everything the archive knows of one run after its rows were read; a few kB.

    What only the run's own page shows stays packed in a digest that comes from another process or an earlier build.

    Attributes:
        duration_h: hours from the start to the last canonical row.
        trained_h: the same without time lost in gaps; None without any row.
        signals: numbers behind the sentences, for the rules of next actions.
        redactions: what was taken out of the run's texts before anything else saw them.
        extras: facts of the page beyond the placeholders, by name.
        fingerprint: changes with anything else of the digest.
        traits: None where nobody has worked them out, see :mod:`runsum.traits`.
        sealed: see :func:`runsum.pickling.sealed`.
    """

    source: str
    run_id: str
    slug: str
    label: str
    env_id: str | None
    game: str | None
    algorithm: str | None
    preset: str | None
    state: State
    state_notes: tuple[Phrase, ...]
    status: str
    started_at: str | None
    last_activity_at: str | None
    started_s: float | None
    duration_h: float | None
    trained_h: float | None
    start_timestep: int
    current_timestep: int | None
    target_timesteps: int | None
    progress_pct: float | None
    best_reward: float | None
    best_reward_timestep: int | None
    final_reward: float | None
    final_reward_timestep: int | None
    avg_fps: float | None
    summary: Mapping[str, Fact]
    milestones: tuple[Milestone, ...]
    quality: DataQuality
    config: Mapping[str, ConfigValue]
    signals: Mapping[str, float | str | None]
    curve: Curve
    videos: tuple[Video, ...]
    status_notes: tuple[str, ...]
    description: str | None
    recorded: Mapping[str, Scalar]
    lineage: LineageHints
    energy_kwh: float | None
    charts: tuple[DrawnChart, ...] = ()
    absent_charts: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    annotations: tuple[Annotation, ...] = ()
    tags: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()
    files: Mapping[str, object] = field(default_factory=dict)
    redactions: tuple[Found, ...] = ()
    solved: Solved | None = None
    human: HumanScore | None = None
    cost: Cost = field(default_factory=Cost)
    extras: Mapping[str, Fact] = field(default_factory=dict)
    fingerprint: str = ""
    traits: RunTraits | None = None
    sealed: tuple[Mapping[str, Fact], bytes] | None = field(default=None, compare=False, repr=False)

    def fact(self, name: str) -> Fact:
        """A fact of the summary; one of :data:`GIST` is there without unpacking the others.

        Raises:
            KeyError: there is none of that name.
        """
        found = self.sealed[0].get(name) if self.sealed is not None else None
        return found if found is not None else self.summary[name]

    @property
    def lost_rewards(self) -> bool:
        """Whether rewards of 1000 and more were not stored, so that its best is the best captured."""
        return any(found.kind == "large_rewards_lost" for found in self.problems)

    @property
    def own_steps(self) -> int | None:
        """Timesteps that this run trained itself, from its own start on."""
        return None if self.current_timestep is None else self.current_timestep - self.start_timestep

    @property
    def pace(self) -> float | None:
        """Own timesteps per second of training; `avg_fps` is the mean of the trainer's meter instead."""
        return self.own_steps / (self.trained_h * 3600) if self.own_steps and self.trained_h else None

    @property
    def speed(self) -> float | None:
        """Timesteps per second by the clock, or else what the trainer's meter said."""
        return self.pace or self.avg_fps
