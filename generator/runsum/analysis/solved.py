"""Whether a run solved its environment, and how its score compares with a human's; refused where neither can be said.

Sources: `reward_threshold` of Gymnasium's registry, which its documentation defines as the mean return over 100
consecutive episodes; the human-normalised score of Mnih et al. (Nature 518, 2015), (score - random) / (human - random).
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping

import numpy as np

from runsum.analysis.windows import EPISODES, are_whole
from runsum.cleaning.series import Series
from runsum.cleaning.values import finite
from runsum.frozen import frozen
from runsum.measures import HumanScore, Solved
from runsum.model import ConfigValue, Fact, Phrase, missing, note, phrase
from runsum.reference.atari_scores import ATARI_SCORES
from runsum.reference.reward_thresholds import REWARD_THRESHOLDS
from runsum.source.columns import number

DECLARED = "runsum.yml"
REACHED = ("solved.yes", "solved.registry")
"""Keys of the sentences that say a level was reached."""
MOST = {"Pong": 21.0, "Boxing": 100.0, "CartPole-v0": 200.0, "CartPole-v1": 500.0}
"""Games that end at a score: 21 points, a hundred punches, the time limit of the registered environment."""
_NEAR = 0.01
_ATARI = re.compile(r"(?:ALE/)?([A-Za-z]+?)(?:-ram)?(?:Deterministic|NoFrameskip)?-v([045])")
_CHANGES_REWARD = re.compile(
    r"ClipReward|NormalizeReward|TransformReward|RewardWrapper|RewardScal|VecNormalize|AtariWrapper"
)
_HELD = {True: "held", False: "fell_below", None: "at_the_end"}
_ENDS_EPISODES = re.compile(r"EpisodicLife")
_MONITOR = re.compile(r"(?:Vec)?Monitor|RecordEpisodeStatistics")
_FLAGS = frozenset({
    "clip_reward", "clip_rewards", "reward_clip", "reward_clipping", "normalize", "normalize_reward", "norm_reward",
    "vec_normalize", "reward_scale", "reward_scaling",
})  # fmt: skip
_MEASURED_INSIDE = "zoo_config"  # RL Zoo puts Monitor, whose files it keeps, around the bare environment
_DEPTH = 4


@frozen
class Measure:
    """How the episode rewards of a run were measured, as far as the record says.

    Attributes:
        window: episodes in each recorded mean; None where unknown.
        changed: the setting or wrapper that may have changed the rewards before they were measured; empty without one.
        lives: whether a lost life ended an episode before it was measured.
        known: whether the record says where they were measured.
        other_task: what makes the environment another one than the registered: its arguments, its time limit.
        sticky: probability with which the environment was told to repeat the last action; None where nothing says it.
    """

    window: int | None = None
    changed: str = ""
    lives: bool = False
    known: bool = False
    other_task: str = ""
    sticky: float | None = None


def find_measure(
    config: Mapping[str, ConfigValue], env_id: str | None, by_application: bool, by_runsum: bool
) -> Measure:
    """Look through the configuration for everything that makes recorded rewards something else than game scores.

    The outermost monitor is what trainers report; wrappers inside of it change what it sees. `wrappers` lists them from
    the outside in, as runsum's recorder found them; of other records only the settings are known.
    """
    settings = {key: value.value for key, value in config.items()}
    wrappers = settings.get("wrappers")
    listed = [str(name) for name in wrappers] if isinstance(wrappers, list) else []
    place = next((i for i, name in enumerate(listed) if _MONITOR.fullmatch(name)), None)
    inside = listed if place is None else listed[place + 1 :]
    changed = next((name for name in inside if _CHANGES_REWARD.search(name)), "")
    custom = settings.get("custom_params")
    zoo = isinstance(custom, dict) and _MEASURED_INSIDE in custom
    if not listed and not changed and not zoo:
        changed = next(_flags(settings), "")
    return Measure(
        window=_window(settings, by_application, by_runsum),
        changed=changed,
        lives=any(_ENDS_EPISODES.search(name) for name in inside),
        known=place is not None or zoo,
        other_task=_other_task(settings, env_id),
        sticky=next(_numbers(settings, "repeat_action_probability"), None),
    )


def _window(settings: Mapping[str, object], by_application: bool, by_runsum: bool) -> int | None:
    """Stable-Baselines3 takes the mean of 100 episodes; runsum's recorder says so when it was told otherwise."""
    window = settings.get("stats_window_size")
    if isinstance(window, int) and not isinstance(window, bool) and window > 0:
        return window
    return EPISODES if by_application or by_runsum else None


def _flags(value: object, depth: int = 0) -> Iterator[str]:
    """Names of settings, at any depth, that change rewards and are not switched off."""
    if depth > _DEPTH or not isinstance(value, dict):
        return
    for key, inner in value.items():
        name = str(key)
        if name.lower() in _FLAGS and _is_on(inner):
            yield name
        elif isinstance(inner, dict):
            yield from _flags(inner, depth + 1)
        elif isinstance(inner, str | list) and "wrapper" in name.lower() and _CHANGES_REWARD.search(str(inner)):
            yield name


def _numbers(value: object, wanted: str, depth: int = 0) -> Iterator[float]:
    """Values of an argument of the environment, at any depth; runsum's recorder puts "env " before its name."""
    if depth > _DEPTH or not isinstance(value, dict):
        return
    for key, inner in value.items():
        found = number(inner) if str(key).removeprefix("env ") == wanted else None
        if found is not None:
            yield found
        yield from _numbers(inner, wanted, depth + 1)


def _is_on(value: object) -> bool:
    if isinstance(value, dict):
        return bool(value.get("norm_reward", True))
    if isinstance(value, str):
        return value.strip().lower() not in ("", "false", "none", "no", "0") and "norm_reward': False" not in value
    return value not in (None, False, 0, 1.0) or value is True


def _other_task(settings: Mapping[str, object], env_id: str | None) -> str:
    registered = REWARD_THRESHOLDS.get(env_id or "")
    custom = settings.get("custom_params")
    if registered is None:
        return ""
    _, limit, usual, _ = registered
    given = custom if isinstance(custom, dict) else {}
    arguments = {str(key).removeprefix("env "): value for key, value in given.items() if str(key).startswith("env ")}
    other = sorted(name for name, value in arguments.items() if name not in usual or usual[name] != value)
    steps = settings.get("max_episode_steps")
    if isinstance(steps, int) and limit is not None and steps != limit:
        other.append(f"max_episode_steps {steps}")
    return ", ".join(other[:3])


def find_solved(
    series: Series, env_id: str | None, game: str | None, declared: Mapping[str, float], measure: Measure, lost: bool
) -> Solved | None:
    """The threshold of a run's environment and whether it was reached; None where there is no threshold.

    Args:
        series: canonical rows.
        env_id: id of the environment; Gymnasium's threshold applies to exactly this id.
        game: its name, by which a threshold may be declared, too.
        declared: thresholds of runsum.yml, which come first.
        measure: how rewards were measured.
        lost: whether large rewards were not captured.
    """
    goal = next((declared[name] for name in (env_id, game) if name is not None and name in declared), None)
    origin = DECLARED
    if goal is None:
        registered = REWARD_THRESHOLDS.get(env_id or "")
        if registered is None:
            return None
        goal, origin = registered[0], f"Gymnasium {registered[3]}"
    seen = finite(series.reward)
    best = float(seen.max()) if len(seen) else None
    refused = ""
    if best is None:
        refused = "none"
    elif origin != DECLARED and (measure.changed or measure.other_task):
        refused = "changed" if measure.changed else "other_task"
    if refused:
        return Solved(goal, origin, measure.window, best=best, refused=refused)
    hits = np.flatnonzero((series.reward >= goal) & are_whole(series, env_id, measure.window or EPISODES))
    if not len(hits):
        return Solved(goal, origin, measure.window, best=best, refused="lost" if lost else "")
    later = finite(series.reward[hits[0] + 1 :])
    held = bool((later >= goal).all()) and not lost if len(later) or lost else None
    return Solved(goal, origin, measure.window, int(series.timestep[hits[0]]), held, best)


def solved_fact(solved: Solved | None, measure: Measure) -> Fact:
    """The placeholder: reached, crossed once, not reached, or why it cannot be said."""
    if solved is None:
        return missing("solved.no_target")
    if solved.refused in ("none", "lost"):
        return missing(f"reward.{solved.refused}")
    if solved.refused:
        what = measure.changed or measure.other_task
        return missing(f"solved.{solved.refused}", level=solved.level, origin=solved.origin, what=what)
    mine = solved.origin == DECLARED
    small = [] if mine else [phrase("solved.source", origin=solved.origin, level=solved.level)]
    if solved.reached_at is None and (solved.best or -math.inf) >= solved.level:
        return note(
            "solved.early", *small, level=solved.level, best=solved.best, count=solved.window or EPISODES,
        )  # fmt: skip
    if solved.reached_at is None:
        return note(
            "solved.no" if mine else "solved.below", *small, level=solved.level, best=solved.best, origin=solved.origin
        )
    small = [phrase(f"solved.{_HELD[solved.held]}"), *small]
    if solved.window is None:
        small.append(phrase("solved.window_unknown"))
        key = "solved.yes" if mine else "solved.crossed"
    else:
        small.append(phrase("solved.training_episodes", window=solved.window))
        key = "solved.yes" if mine else "solved.registry" if solved.window >= EPISODES else "solved.crossed"
    return note(key, *small, level=solved.level, timestep=solved.reached_at, origin=solved.origin)


def is_most(env_id: str | None, level: float) -> bool:
    """Whether a level is, but for a hundredth, the most that a game can give."""
    game = _atari(env_id)
    most = MOST.get(game[0] if game is not None else env_id or "")
    return most is not None and level >= (1 - _NEAR) * most


def _atari(env_id: str | None) -> tuple[str, str] | None:
    """Game and form of an Atari environment, if its game is in the published table."""
    match = _ATARI.fullmatch(env_id or "")
    return (match[1], match[2]) if match is not None and match[1] in ATARI_SCORES else None


def find_human_score(
    env_id: str | None, final: float | None, best: float | None, measure: Measure, lost: bool
) -> HumanScore | None:
    """The human-normalised score of the level over the last tenth and of the best mean; None for what is no Atari game.

    Args:
        env_id: id of the environment.
        final: reward level over the last tenth of the rows.
        best: the best recorded mean.
        measure: how rewards were measured; clipped or scaled ones are no game scores.
        lost: whether large rewards were not captured.
    """
    game = _atari(env_id)
    if game is None:
        return None
    random, human = ATARI_SCORES[game[0]]
    refused = (
        "none" if best is None or final is None
        else "changed" if measure.changed
        else "lives" if measure.lives
        else "lost" if lost
        else ""
    )  # fmt: skip
    if refused or best is None or final is None:
        return HumanScore(random, human, refused=refused)
    return HumanScore(random, human, normalise(final, random, human), normalise(best, random, human), measure.known)


def normalise(score: float, random: float, human: float) -> float:
    """(score - random) / (human - random): 0 for random play, 1 for a human tester."""
    return (score - random) / (human - random)


def human_fact(score: HumanScore, env_id: str, measure: Measure) -> Fact:
    """The human-normalised score in words, with the protocol it was not measured under."""
    if score.refused:
        return missing(f"human.{score.refused}", what=measure.changed)
    return note(
        "human.score",
        *_protocol(score, env_id, measure.sticky),
        final=score.final,
        best=score.best,
        estimated=not score.certain,
    )


def _protocol(score: HumanScore, env_id: str, sticky: float | None) -> Iterator[Phrase]:
    yield phrase("human.scale", random=score.random, human=score.human)
    yield phrase("human.protocol")
    game = _atari(env_id)
    by_version = game is not None and game[1] in "05"  # where the record says it, the record counts
    if by_version if sticky is None else sticky > 0:
        yield phrase("human.sticky", env_id=env_id, chance=sticky)
    if not score.certain:
        yield phrase("human.unknown")
