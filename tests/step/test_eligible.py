"""What keeps a step from being captured; most of it is tried in whole trainings in test_captured.py."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from lightning.pytorch.strategies import DDPStrategy

from entreg.classifier import Classifier
from entreg.losses import MixEntLoss
from entreg.step import obstacle
from tests.four_letters import FourLetters


@pytest.mark.parametrize(
    ("trainer", "reason"),
    [
        ({"strategy": DDPStrategy()}, "the strategy is DDPStrategy"),  # also of one process: its hooks communicate
    ],
)
def test_what_is_known_before_training(trainer: dict[str, Any], reason: str) -> None:
    assert obstacle(SimpleNamespace(**trainer), Classifier(MixEntLoss()), FourLetters(), ()) == reason  # type: ignore[arg-type]
