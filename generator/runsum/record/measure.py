"""What the training process uses, and how large its gradients and weights are."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

import psutil
import torch

_MEMORY_EVERY_S = 1.0  # it changes slowly, and asking for it costs more than the rest of a row


def gpu_id(device: torch.device) -> str:
    """The name of a GPU for `nvidia-smi`, which does not know which ones CUDA_VISIBLE_DEVICES hides from PyTorch."""
    return f"GPU-{torch.cuda.get_device_properties(device).uuid}" if device.type == "cuda" else "0"


class Meter:
    """Reads CPU and memory of this process, without the processes of its environments."""

    def __init__(self) -> None:
        self._process = psutil.Process()
        self._cpu_s, self._clock_s = time.process_time(), time.perf_counter()
        self._memory_mb, self._memory_s = 0.0, float("-inf")

    def read(self) -> tuple[float, float]:
        """CPU since the last reading in percent of one core, and resident memory in MiB."""
        cpu_s, clock_s = time.process_time(), time.perf_counter()  # psutil counts CPU in hundredths of a second
        percent = (cpu_s - self._cpu_s) / max(clock_s - self._clock_s, 1e-9) * 100
        self._cpu_s, self._clock_s = cpu_s, clock_s
        if clock_s - self._memory_s >= _MEMORY_EVERY_S:
            self._memory_mb, self._memory_s = self._process.memory_info().rss / 2**20, clock_s
        return percent, self._memory_mb


def trained_parameters(policy: torch.nn.Module) -> list[torch.nn.Parameter]:
    """The weights that an optimizer changes: target networks only follow them, and would count twice."""
    optimizers = [
        part for module in policy.modules() for part in vars(module).values() if isinstance(part, torch.optim.Optimizer)
    ]
    weights = [weight for optimizer in optimizers for group in optimizer.param_groups for weight in group["params"]]
    return list({id(weight): weight for weight in weights or policy.parameters() if weight.requires_grad}.values())


class GradientProbe:
    """Measures the gradient of one minibatch as the backward pass leaves it, before it is clipped.

    Stable-Baselines3 clips in place and logs no norm, so that afterwards nothing but `max_grad_norm` can be read. A
    hook on every parameter looks once, at the first minibatch of an update, and takes itself away.
    """

    def __init__(self) -> None:
        self._norms: list[torch.Tensor] = []
        self._hooks: dict[int, Any] = {}
        self._begins = False

    def arm(self, weights: Iterable[torch.nn.Parameter]) -> None:
        """Look at the next backward pass to these weights; what was seen before can be read until then."""
        if self._begins:
            return
        self.disarm()
        self._begins = True
        for weight in weights:
            register: Any = weight.register_post_accumulate_grad_hook  # PyTorch gives it no types
            self._hooks[id(weight)] = register(self._see)

    def disarm(self) -> None:
        """Take away the hooks that no backward pass has reached."""
        for hook in self._hooks.values():
            hook.remove()
        self._hooks, self._begins = {}, False

    def read(self) -> float | None:
        """L2 norm over all weights at the pass last seen, once; None when there was none."""
        if not self._norms:
            return None
        norms, self._norms = self._norms, []
        if not self._begins:  # what an update of TD3 leaves for the next one would be a norm of the actor alone
            self.disarm()
        return float(torch.linalg.vector_norm(torch.stack(norms)))

    def _see(self, weight: torch.nn.Parameter) -> None:
        hook = self._hooks.pop(id(weight), None)
        if hook is None or weight.grad is None:
            return
        hook.remove()
        if self._begins:
            self._begins, self._norms = False, []
        self._norms.append(torch.linalg.vector_norm(weight.grad.detach()))


def weight_norm(weights: Iterable[torch.nn.Parameter]) -> float | None:
    """L2 norm over all weights."""
    values = [weight.detach() for weight in weights]
    return float(torch.nn.utils.get_total_norm(values)) if values else None
