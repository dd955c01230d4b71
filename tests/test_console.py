"""Printing where the terminal is gone."""

from __future__ import annotations

import os
import pty

from entreg.console import let_go_of_terminal


def test_printing_to_a_closed_terminal_goes_nowhere() -> None:
    child = os.fork()
    if child == 0:
        terminal, ours = pty.openpty()
        os.dup2(ours, 1)
        os.close(ours)
        os.close(terminal)
        try:
            os.write(1, b"lost")
        except OSError:
            let_go_of_terminal()
            os._exit(os.write(1, b"said"))
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == len("said")
