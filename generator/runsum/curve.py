"""The reward curve of a run, as small as ten thousand of them must be."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from runsum.frozen import frozen
from runsum.pickling import quickly_pickled

Floats = NDArray[np.float64]


@quickly_pickled
@frozen
class Curve:
    """The reward curve in a few points.

    Attributes:
        packed: all numbers, float64, shape (4, points): an archive has five million of them, too many to be objects.
    """

    packed: bytes = b""

    @classmethod
    def of(cls, timesteps: ArrayLike, hours: ArrayLike, rewards: ArrayLike, means: ArrayLike | None = None) -> Curve:
        """A curve of columns of equal length.

        Args:
            timesteps: see the properties.
            hours: see there.
            rewards: see there.
            means: see there; None: nothing is known of what lies between the points, so it is straight there.
        """
        known = np.asarray(rewards, dtype=np.float64)
        between = middles(known) if means is None else means
        return cls(np.array([timesteps, hours, known, between], dtype=np.float64).tobytes())

    def __len__(self) -> int:
        return len(self.packed) // 32

    @property
    def timesteps(self) -> Floats:
        """Absolute timesteps."""
        return self._column(0)

    @property
    def hours(self) -> Floats:
        """Hours of training, without idle time."""
        return self._column(1)

    @property
    def rewards(self) -> Floats:
        """Rewards at these points."""
        return self._column(2)

    @property
    def means(self) -> Floats:
        """Mean reward of all rows from the point before to each point, by timesteps; of the first its reward."""
        return self._column(3)

    def _column(self, place: int) -> Floats:
        if not self.packed:
            return np.empty(0)
        return np.frombuffer(self.packed, dtype=np.float64, count=len(self), offset=8 * place * len(self))


def middles(values: Floats) -> Floats:
    """The first value, and the middle of each two neighbours; same shape. None of them is too large a number."""
    return np.concatenate([values[:1], values[1:] / 2 + values[:-1] / 2])
