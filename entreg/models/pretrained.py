"""Published weights are fetched where training starts from them, not where a checkpoint takes their place."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_CHECKPOINT_FOLLOWS = ContextVar("checkpoint_follows", default=False)


@contextmanager
def checkpoint_follows(follows: bool = True) -> Iterator[None]:
    """Inside this context networks are made for a checkpoint that is loaded into them next, if ``follows``.

    Example:
        >>> with checkpoint_follows():
        ...     fetch_weights(pretrained=True)
        False
    """
    token = _CHECKPOINT_FOLLOWS.set(follows)
    try:
        yield
    finally:
        _CHECKPOINT_FOLLOWS.reset(token)


def fetch_weights(pretrained: bool) -> bool:
    """Whether a network that is asked to start from published weights has to fetch them."""
    return pretrained and not _CHECKPOINT_FOLLOWS.get()
