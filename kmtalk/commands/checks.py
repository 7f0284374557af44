"""What several commands look at before they begin."""

from pathlib import Path

from kmtalk.errors import InputError


def check_target(path: Path | None) -> None:
    """Raise InputError where a file that is to be written has no folder, or is one; None is fine."""
    if path is None:
        return
    if not path.parent.is_dir():
        raise InputError(f"{path} cannot be written: the folder {path.parent} does not exist")
    if path.is_dir():
        raise InputError(f"{path} cannot be written: it is a folder; name a file in it")


def use_threads(count: int) -> None:
    """Let torch use so many processor threads, 0 for all; InputError for fewer."""
    import torch

    if count < 0:
        raise InputError(f"--threads {count}: give how many processor threads to use, or 0 for all")
    if count:
        torch.set_num_threads(count)
