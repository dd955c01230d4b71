"""One training step: kept from a loss that is not finite, and on a GPU captured whole as a CUDA graph."""

from entreg.step.captured import CapturedStep, NotCapturable, capture
from entreg.step.eligible import looks_ahead, obstacle
from entreg.step.guard import Guard
from entreg.step.late import Late
from entreg.step.module import StepModule, StepOutput, is_captured
from entreg.step.training import TrainingStep, gradient_norm

__all__ = [
    "CapturedStep",
    "Guard",
    "Late",
    "NotCapturable",
    "StepModule",
    "StepOutput",
    "TrainingStep",
    "capture",
    "gradient_norm",
    "is_captured",
    "looks_ahead",
    "obstacle",
]
