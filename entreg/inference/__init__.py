"""A run folder as a classifier in Python."""

from entreg.inference.classifier import Samples, TrainedClassifier, normalise
from entreg.inference.load import LETTERS, load
from entreg.inference.predictions import Predictions

__all__ = ["LETTERS", "Predictions", "Samples", "TrainedClassifier", "load", "normalise"]
