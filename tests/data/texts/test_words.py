"""Texts out of files and out of Python: what is none is named, and what is one stays whole."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from entreg.classifier import Classifier
from entreg.data.texts.encoder import encoded
from entreg.data.texts.read import read_texts
from entreg.errors import DataError
from entreg.inference import TrainedClassifier
from tests.data.texts.stand_ins import ENCODER


@pytest.mark.parametrize("text", ["", " ", None, 1, "\ud800 x"])
def test_what_is_no_text_is_not_encoded(text) -> None:
    with pytest.raises(DataError, match=r"text 1 \(of 0 to 1\) is .*, expected words"):
        encoded(["hello", text], ENCODER)


def test_arrays_of_texts_are_texts() -> None:
    data = {"encoder": ENCODER, "input_shape": [16], "mean": [0.0] * 16, "std": [1.0] * 16}
    classifier = TrainedClassifier(Classifier.__new__(Classifier), ("a", "b"), 1.0, "32-true", data)
    of_list = classifier.preprocess(["one two", "three"])
    assert torch.equal(classifier.preprocess(np.array(["one two", "three"])), of_list)
    assert torch.equal(classifier.preprocess(np.array(["one two", "three"], dtype=object)), of_list)
    with pytest.raises(DataError, match="expected words"):
        classifier.preprocess(Path("one"))


def test_a_line_is_a_text_whatever_it_holds(tmp_path: Path) -> None:
    (file := tmp_path / "x.txt").write_text("\ufeffone\x0btwo\u2028three\n\nfour\n", encoding="utf-8")
    assert read_texts(file) == ["one\x0btwo\u2028three", "four"]


def test_an_empty_row_of_csv_is_named_and_not_left_out(tmp_path: Path) -> None:
    (file := tmp_path / "x.csv").write_text("text\none\n\nthree\n", encoding="utf-8")
    with pytest.raises(DataError, match="row 2 holds no text"):
        read_texts(file)
