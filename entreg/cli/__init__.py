"""From the command line to a Trainer, and back to one line of error."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from entreg.cli.early import asks_for_wandb, collecting_later, import_wandb, start_wandb


def main(command: str, args: Sequence[str]) -> None:
    """Run ``entreg fit``, ``validate`` or ``test``.

    Args:
        command: one of the three.
        args: the words that follow it.

    Raises:
        UserError: on wrong usage, or if it fails for a reason that the user can mend.
    """
    with collecting_later(), ThreadPoolExecutor(1) as beside:
        wandb_first = "torch" not in sys.modules and asks_for_wandb(command, args)
        if wandb_first:
            import_wandb()
        from entreg.cli.shorthand import expand

        words = expand([command, *args])  # before Lightning is imported: most mistakes are found here
        if wandb_first:
            beside.submit(start_wandb)  # if that fails, so it does again, and says so, once the config is read
        from entreg.cli.lightning_cli import COMMANDS
        from entreg.cli.machine import quiet

    quiet()
    COMMANDS[command](words)
    _leave_the_others()


def _leave_the_others() -> None:
    """End the connections to the other processes; one that exits with theirs open may abort (gloo, now and then)."""
    from torch import distributed

    if distributed.is_available() and distributed.is_initialized():
        distributed.destroy_process_group()
