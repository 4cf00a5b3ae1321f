"""What the training process uses, and how large its gradients and weights are."""

from __future__ import annotations

from typing import Any

import psutil
import torch


class Meter:
    """Reads CPU and memory of this process.

    One handle is kept: psutil measures CPU from one call to the next, so that the first call of a handle says nothing.
    """

    def __init__(self) -> None:
        self._process = psutil.Process()
        self._process.cpu_percent(None)

    def read(self) -> tuple[float, float]:
        """CPU since the last reading in percent of one core, and resident memory in MiB."""
        return self._process.cpu_percent(None), self._process.memory_info().rss / 2**20


class GradientProbe:
    """Measures the gradient of one minibatch as the backward pass leaves it, before it is clipped.

    Stable-Baselines3 clips in place and logs no norm, so that afterwards nothing but `max_grad_norm` can be read. A
    hook on every parameter looks once, at the first minibatch of an update, and takes itself away.
    """

    def __init__(self) -> None:
        self._squares: list[torch.Tensor] = []
        self._hooks: dict[int, Any] = {}
        self._begins = False

    def arm(self, parameters: Any) -> None:
        """Look at the next backward pass over these parameters; what was seen before can be read until then."""
        self.disarm()
        self._begins = True
        for parameter in parameters:
            if parameter.requires_grad:
                self._hooks[id(parameter)] = parameter.register_post_accumulate_grad_hook(self._see)

    def disarm(self) -> None:
        """Take away hooks that no backward pass has reached."""
        for hook in self._hooks.values():
            hook.remove()
        self._hooks = {}

    def read(self) -> float | None:
        """L2 norm over all parameters at the pass last seen, once; None when there was none."""
        squares, self._squares = self._squares, []
        return float(torch.stack(squares).sum().sqrt()) if squares else None

    def _see(self, parameter: torch.Tensor) -> None:
        hook = self._hooks.pop(id(parameter), None)
        if hook is None or parameter.grad is None:
            return
        hook.remove()
        if self._begins:
            self._begins, self._squares = False, []
        self._squares.append(parameter.grad.detach().square().sum())


def weight_norm(parameters: Any) -> float | None:
    """L2 norm of all parameters that are trained."""
    weights = [p.detach() for p in parameters if p.requires_grad]
    return float(torch.nn.utils.get_total_norm(weights)) if weights else None
