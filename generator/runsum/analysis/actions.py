"""How many actions an environment has, by its id: the largest entropy of a policy is the logarithm of that number.

Read from the minimal action sets of the games' files (ale-py 0.12.1, `ALEInterface.getMinimalActionSet`) and from the
action spaces of Gymnasium 1.4.0's registry. The names of the games are those of the ids, without version and suffix.
"""

from __future__ import annotations

import re

_ATARI = {
    3: "Backgammon Freeway Skiing",
    4: "Atlantis Atlantis2 Blackjack Breakout Casino Kaboom",
    5: "Frogger Pacman Surround Tetris VideoCheckers",
    6: "AirRaid BasicMath Bowling Carnival DemonAttack Galaxian KingKong NameThisGame Pong Pooyan Qbert SirLancelot "
    "SpaceInvaders UpNDown",
    7: "Assault",
    8: "Gopher Phoenix Tutankham",
    9: "Asterix BeamRider CrazyClimber Enduro Koolaid LostLuggage MsPacman VideoPinball",
    10: "Amidar MrDo Othello TicTacToe3D TimePilot VideoChess WizardOfWor",
    12: "Turmoil",
    14: "Asteroids KeystoneKapers KungFuMaster",
    16: "JourneyEscape",
    18: "Adventure Alien BankHeist BattleZone Berzerk Boxing Centipede ChopperCommand Crossbow Darkchambers Defender "
    "DonkeyKong DoubleDunk Earthworld ElevatorAction Entombed Et FishingDerby FlagCapture Frostbite Gravitar Hangman "
    "HauntedHouse Hero HumanCannonball IceHockey Jamesbond Kangaroo Klax Krull LaserGates MarioBros MiniatureGolf "
    "MontezumaRevenge Pitfall Pitfall2 PrivateEye Riverraid RoadRunner Robotank Seaquest Solaris SpaceWar StarGunner "
    "Superman Tennis Trondead Venture VideoCube WordZapper YarsRevenge Zaxxon",
}
_CLASSIC = {
    "CartPole": 2, "MountainCar": 3, "Acrobot": 3, "LunarLander": 4, "FrozenLake": 4, "CliffWalking": 4, "Taxi": 6,
}  # fmt: skip
_CONTINUOUS = frozenset({
    "Pendulum", "MountainCarContinuous", "LunarLanderContinuous", "BipedalWalker", "BipedalWalkerHardcore",
    "CarRacing", "Reacher", "Pusher", "InvertedPendulum", "InvertedDoublePendulum", "HalfCheetah", "Hopper",
    "Swimmer", "Walker2d", "Ant", "Humanoid", "HumanoidStandup", "FetchReach", "FetchPush", "FetchSlide",
    "FetchPickAndPlace", "PandaReach", "PandaPush", "PandaSlide", "PandaStack", "parking",
})  # fmt: skip
_BY_GAME = {name: count for count, names in _ATARI.items() for name in names.split()}
_ID = re.compile(r"^(?:(?P<space>[\w.-]+)/)?(?P<name>[A-Za-z0-9]+?)(?:NoFrameskip|Deterministic)?(?:-ram\w*)?-v\d+$")
_ALL_ACTIONS = 18


def count_actions(env_id: str | None, full_action_space: bool = False) -> int | None:
    """Number of discrete actions of an environment; None where the table does not know it, or they are continuous.

    Args:
        env_id: as recorded: `ALE/Breakout-v5`, `BreakoutNoFrameskip-v4`, `CartPole-v1`.
        full_action_space: whether an Atari game was told to offer all actions of the console.
    """
    name = _name(env_id)
    if name is None:
        return None
    if name in _BY_GAME:
        return _ALL_ACTIONS if full_action_space else _BY_GAME[name]
    return _CLASSIC.get(name)


def has_continuous_actions(env_id: str | None) -> bool:
    """Whether the table knows the environment as one with continuous actions."""
    return _name(env_id) in _CONTINUOUS


def _name(env_id: str | None) -> str | None:
    """The environment without namespace, suffix and version; None of ids in other namespaces than the known ones."""
    match = _ID.match(env_id or "")
    return match["name"] if match and match["space"] in (None, "ALE") else None
