"""Mistakes of a user, as opposed to defects of the program: each is reported in one line, without a traceback."""

from __future__ import annotations


class UserError(Exception):
    """Something the user can mend. The message is one line: the value, what was expected, how to mend it."""

    exit_code = 1


class ConfigError(UserError):
    """A configuration that cannot be run."""

    exit_code = 2


class DataError(UserError):
    """Files that are absent or are not what they should be."""


class RunError(UserError):
    """A run folder or checkpoint that cannot be written or used."""


class Diverged(RunError):
    """A run has saved logits that are not finite."""


class Interrupted(UserError):
    """Work that was stopped, or that another process does already: the same command goes on with it later."""

    exit_code = 75  # EX_TEMPFAIL of sysexits.h


class Cancelled(UserError):
    """Work that Ctrl-C has stopped."""

    exit_code = 130  # what a shell says of it
