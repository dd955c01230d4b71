"""Several callbacks as one: each hook of each member is called, in their order."""

from __future__ import annotations

from typing import Any

import pytest
from lightning.pytorch import Callback

from entreg.callbacks import LossProgress, Reseed, StepGraph, StopOnNonFinite, Together
from entreg.callbacks.together import _HOOKS


def recording(name: str, hooks: list[str], calls: list[tuple[str, ...]]) -> Callback:
    """Return a callback that has some hooks and notes their calls."""

    def hook(which: str) -> Any:
        return lambda self, *arguments: calls.append((name, which, *arguments))

    return type(name, (Callback,), {which: hook(which) for which in hooks})()


@pytest.mark.parametrize("hook", _HOOKS)
def test_members_are_called_in_their_order(hook: str) -> None:
    calls: list[tuple[str, ...]] = []
    together = Together(recording("one", [hook], calls), recording("none", [], calls), recording("two", _HOOKS, calls))
    arguments = {
        "on_train_batch_start": "tmbi",
        "on_train_batch_end": "tmobi",
        "on_before_backward": "tml",
        "on_exception": "tme",
    }
    given = tuple(arguments.get(hook, "tmc" if hook == "on_save_checkpoint" else "tm"))
    getattr(together, hook)(*given)
    assert calls == [("one", hook, *given), ("two", hook, *given)]


@pytest.mark.parametrize("member", [StepGraph, StopOnNonFinite, LossProgress, Reseed])
def test_those_that_are_put_together_have_no_other_hook_and_no_state(member: type[Callback]) -> None:
    hooks = [name for name in vars(Callback) if name.startswith(("on_", "setup", "teardown", "state", "load"))]
    overridden = {name for name in hooks if getattr(member, name) is not getattr(Callback, name)}
    assert overridden <= set(_HOOKS)
