"""Where training runs: one process by itself, or several through accelerate."""

import os
from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from kmtalk.errors import InputError

PRECISIONS = {"full": None, "bf16": torch.bfloat16, "fp16": torch.float16}


class Alone:
    """One process, with the methods of accelerate's Accelerator that the loop needs."""

    num_processes, process_index, is_main_process = 1, 0, True

    def __init__(self, device: str, precision: str) -> None:
        self.device = torch.empty(0, device=device).device  # which fails where there is no such device
        self.kind = PRECISIONS[precision]
        if self.kind is torch.float16 and self.device.type == "cpu":
            raise InputError("precision fp16 needs a GPU: use bf16 or full on a CPU")
        self.scaler = torch.amp.GradScaler(self.device.type, enabled=self.kind is torch.float16)

    def prepare(self, model: nn.Module, optimiser: Optimizer) -> tuple[nn.Module, Optimizer]:
        """Return both as they are, the model on its device."""
        return model.to(self.device), optimiser

    def unwrap_model(self, model: nn.Module) -> nn.Module:
        """Return the model itself."""
        return model

    def autocast(self) -> AbstractContextManager:
        """Return the context of mixed precision."""
        if self.kind is None:
            return nullcontext()
        return torch.autocast(self.device.type, self.kind)

    def no_sync(self, model: nn.Module) -> AbstractContextManager:
        """Return a context in which gradients are only gathered: there is nobody to share them with."""
        return nullcontext()

    def backward(self, loss: Tensor) -> None:
        """Add a loss's gradients."""
        self.scaler.scale(loss).backward()

    def update(self, model: nn.Module, optimiser: Optimizer, largest: float) -> None:
        """Cut gradients to a norm and take a step."""
        self.scaler.unscale_(optimiser)
        nn.utils.clip_grad_norm_(model.parameters(), largest)
        self.scaler.step(optimiser)
        self.scaler.update()

    def mean(self, values: Tensor) -> Tensor:
        """Return the mean over processes."""
        return values

    def wait(self) -> None:
        """Wait for the other processes."""


class Several:
    """One of several processes that accelerate has started, with the same methods as Alone."""

    def __init__(self, device: str, precision: str) -> None:
        try:
            from accelerate import Accelerator
        except ImportError as error:
            raise InputError("several processes need accelerate: pip install accelerate") from error
        mixed = None if precision == "full" else precision
        self.accelerator = Accelerator(mixed_precision=mixed, cpu=device == "cpu", step_scheduler_with_optimizer=False)

    def __getattr__(self, name: str) -> object:
        return getattr(self.accelerator, name)

    def update(self, model: nn.Module, optimiser: Optimizer, largest: float) -> None:
        """Cut gradients to a norm and take a step."""
        self.accelerator.clip_grad_norm_(model.parameters(), largest)
        optimiser.step()

    def mean(self, values: Tensor) -> Tensor:
        """Return the mean over processes."""
        return self.accelerator.reduce(values, "mean")

    def wait(self) -> None:
        """Wait for the other processes."""
        self.accelerator.wait_for_everyone()


Processes = Alone | Several


def processes(device: str, precision: str) -> Processes:
    """Return where to train: as one of the processes that a launcher started, else alone on a device."""
    if precision not in PRECISIONS:
        raise InputError(f"precision is {precision!r}: choose one of {', '.join(PRECISIONS)}")
    kind = Several if int(os.environ.get("WORLD_SIZE", "1")) > 1 else Alone
    try:
        return kind(device, precision)
    except InputError:
        raise
    except (RuntimeError, ValueError, AssertionError, ImportError) as error:
        reason = str(error).strip().splitlines()[0]
        raise InputError(f"device {device!r} cannot be used ({reason}): choose cpu or cuda") from error
