"""Strokes: deterministic, balanced, cached, with unseen test fonts, and not trivially solved."""

import os

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from entreg.data import Strokes
from entreg.data.images.sets.glyphs import LETTERS, TEST_FONTS, TRAIN_FONTS, glyphs
from entreg.data.images.sets.strokes import draw_letters

SMALL = {"train_size": 104, "test_size": 26}


@pytest.fixture(scope="module")
def strokes(tmp_path_factory):
    """The data set as users get it, a third of it."""
    data = Strokes(root=str(tmp_path_factory.mktemp("strokes")), train_size=4_000, test_size=1_000)
    data.prepare_data()
    data.setup()
    return data


def outlines(font):
    """The segments of each letter of a font as a set without direction, moved to begin at x = 0."""
    segments, _ = glyphs((font,))
    moved = segments - segments[..., :1].amin((1, 2), keepdim=True) * torch.tensor([1.0, 0.0])
    rounded = (moved * 100).round().long().tolist()
    return [frozenset(frozenset(map(tuple, segment)) for segment in glyph) for glyph in rounded]


def test_drawing_is_a_function_of_seed_and_stream():
    images, targets = draw_letters(TRAIN_FONTS, 60, 0, "train")
    again, same_targets = draw_letters(TRAIN_FONTS, 60, 0, "train")
    assert torch.equal(images, again)
    assert torch.equal(targets, same_targets)
    for seed, stream in ((1, "train"), (0, "test")):
        assert not torch.equal(images, draw_letters(TRAIN_FONTS, 60, seed, stream)[0])


def test_drawing_leaves_the_global_generator_alone():
    before = torch.get_rng_state()
    draw_letters(TRAIN_FONTS, 26, 0, "train")
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("count", [52, 60])
def test_classes_are_as_equal_as_the_count_allows(count):
    _, targets = draw_letters(TRAIN_FONTS, count, 0, "train")
    counts = targets.bincount(minlength=26)
    assert counts.sum() == count
    assert counts.max() - counts.min() <= 1


def test_images_are_uint8_with_full_ink_on_an_empty_border():
    images, targets = draw_letters(TRAIN_FONTS, 260, 0, "train")
    assert images.dtype == torch.uint8
    assert images.shape == (260, 1, 28, 28)
    assert targets.dtype == torch.int64
    assert (images.amin((1, 2, 3)) == 0).all()
    assert (images.amax((1, 2, 3)) > 200).all()
    border = torch.cat([images[..., 0, :], images[..., -1, :], images[..., 0], images[..., -1]], -1)
    assert border.float().mean() < 1


def test_no_test_glyph_is_a_training_glyph_moved_sideways():
    train, test = (
        {(letter, shape) for font in fonts for letter, shape in zip(LETTERS, outlines(font), strict=True)}
        for fonts in (TRAIN_FONTS, TEST_FONTS)
    )
    assert not train & test


def test_a_cached_file_is_read_back_equal(tmp_path, monkeypatch):
    drawn = [Strokes(root=str(tmp_path), **SMALL).load(train) for train in (True, False)]
    monkeypatch.setattr("entreg.data.images.sets.strokes.draw_letters", None)
    read = [Strokes(root=str(tmp_path), **SMALL).load(train) for train in (True, False)]
    for first, second in zip(drawn, read, strict=True):
        assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))
    assert len(list((tmp_path / "Strokes").iterdir())) == 2


def test_another_seed_or_size_is_another_file(tmp_path):
    for changed in ({}, {"strokes_seed": 1}, {"train_size": 130}):
        Strokes(root=str(tmp_path), **{**SMALL, **changed}).load(train=True)
    assert len(list((tmp_path / "Strokes").iterdir())) == 3


def test_a_read_only_root_only_costs_the_cache(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "access", lambda *args, **kwargs: False)
    data = Strokes(root=str(tmp_path / "below"), **SMALL)
    data.prepare_data()
    data.setup()
    assert len(data.train_ids) == 104 - 26
    assert list(tmp_path.iterdir()) == []


def test_normalisation_constants_fit_the_training_images(strokes):
    pixels = strokes.train_set.inputs[strokes.train_ids].double() / 255
    assert pixels.mean() == pytest.approx(strokes.mean[0], abs=0.02)
    assert pixels.std() == pytest.approx(strokes.std[0], abs=0.02)


def test_a_linear_classifier_does_not_solve_the_test_fonts(strokes):
    train, test = strokes.train_set, strokes.test_set
    x, y = train.inputs.flatten(1).float() / 255, train.targets
    generator = torch.Generator().manual_seed(0)
    linear = nn.Linear(784, 26)
    nn.init.zeros_(linear.weight)
    optimizer = torch.optim.Adam(linear.parameters(), lr=2e-3)
    for _ in range(10):
        for ids in torch.randperm(len(x), generator=generator).split(128):
            optimizer.zero_grad()
            F.cross_entropy(linear(x[ids]), y[ids]).backward()
            optimizer.step()
    with torch.no_grad():
        accuracy, fitted = (
            (linear(s.inputs.flatten(1).float() / 255).argmax(1) == s.targets).float().mean().item()
            for s in (test, train)
        )
    assert 0.2 < accuracy < 0.75
    assert fitted > accuracy
