"""A run folder as a classifier in Python."""

from entreg.inference.classifier import Samples, TrainedClassifier, normalise
from entreg.inference.load import load
from entreg.inference.predictions import Predictions

__all__ = ["Predictions", "Samples", "TrainedClassifier", "load", "normalise"]
