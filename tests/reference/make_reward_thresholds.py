"""Write generator/runsum/reference/reward_thresholds.py from the registries of the Gymnasiums that are given.

    python tests/reference/make_reward_thresholds.py NEW/bin/python OLD/bin/python > reward_thresholds.py

Each argument is a Python with one version of Gymnasium, the newest first: `pip install gymnasium==0.29.1` in an
environment of its own is enough, since a registry can be read without the simulators behind it.
"""

from __future__ import annotations

import json
import subprocess
import sys

READ = (
    "import gymnasium, json\n"
    "print(json.dumps([gymnasium.__version__, {\n"
    "    name: [float(spec.reward_threshold), spec.max_episode_steps, spec.kwargs]\n"
    "    for name, spec in gymnasium.registry.items() if spec.reward_threshold is not None}]))\n"
)
HEAD = '''"""Gymnasium's `reward_threshold` of every environment that has one, by the exact id.

Written by tests/reference/make_reward_thresholds.py from the registries themselves: do not edit. An id belongs to the
newest version that registers it; older versions of an environment are in older registries only.
"""

from __future__ import annotations

REWARD_THRESHOLDS: dict[str, tuple[float, int | None, dict[str, bool | str], str]] = {
'''


def main() -> None:
    """Print the module."""
    found: dict[str, tuple[float, int | None, dict[str, bool | str], str]] = {}
    for python in sys.argv[1:]:
        done = subprocess.run([python, "-W", "ignore", "-c", READ], capture_output=True, text=True, check=True)
        version, specs = json.loads(done.stdout.splitlines()[-1])
        for name, (threshold, steps, arguments) in specs.items():
            found.setdefault(name, (threshold, steps, arguments, version))
    print(HEAD, end="")
    for name in sorted(found):
        threshold, steps, arguments, version = found[name]
        print(f'    "{name}": ({threshold!r}, {steps!r}, {arguments!r}, "{version}"),')
    print("}")
    print(
        '"""(threshold, steps after which an episode is cut off, arguments, version of Gymnasium) by environment id."""'
    )


if __name__ == "__main__":
    main()
