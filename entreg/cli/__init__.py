"""From the command line to a Trainer, and back to one line of error."""

from __future__ import annotations

from collections.abc import Sequence


def main(command: str, args: Sequence[str]) -> None:
    """Run ``entreg fit``, ``validate`` or ``test``.

    Args:
        command: one of the three.
        args: the words that follow it.

    Raises:
        UserError: on wrong usage, or if it fails for a reason that the user can mend.
    """
    from entreg.cli.shorthand import expand

    words = expand([command, *args])  # before Lightning is imported: most mistakes are found here
    from entreg.cli.lightning_cli import COMMANDS
    from entreg.cli.machine import quiet

    quiet()
    COMMANDS[command](words)
