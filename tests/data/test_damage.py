from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from entreg.data import Damage, Strokes
from entreg.errors import ConfigError

CLASSES = 5
TARGETS = torch.arange(1000) % CLASSES
IDS = torch.arange(0, 1000)[torch.arange(1000) % 4 != 0]
examples = settings(max_examples=30, deadline=None)


@examples
@given(rate=st.floats(0, 0.99), noise=st.sampled_from(["symmetric", "pair"]), seed=st.integers(0, 99))
def test_exactly_that_share_of_training_labels_is_wrong_and_no_other(rate: float, noise: str, seed: int) -> None:
    labels = Damage(label_noise=rate, noise=noise, seed=seed).relabel(TARGETS, IDS, CLASSES)
    changed = (labels != TARGETS).nonzero().squeeze(1)
    assert len(changed) == round(rate * len(IDS))
    assert torch.isin(changed, IDS).all()
    assert labels.min() >= 0
    assert labels.max() < CLASSES


def test_symmetric_noise_takes_every_other_class_alike_and_pair_noise_the_next() -> None:
    targets = torch.zeros(40_000, dtype=torch.long)
    ids = torch.arange(40_000)
    symmetric = Damage(label_noise=0.8).relabel(targets, ids, CLASSES).bincount(minlength=CLASSES)
    assert symmetric[0] == 8_000
    assert all(abs(count - 8_000) < 4 * math.sqrt(8_000) for count in symmetric[1:].tolist())
    pair = Damage(label_noise=0.8, noise="pair").relabel(targets + 4, ids, CLASSES).bincount(minlength=CLASSES)
    assert pair.tolist() == [32_000, 0, 0, 0, 8_000]


def test_damage_is_a_function_of_its_seed() -> None:
    one, same, other = (Damage(label_noise=0.3, fraction=0.5, seed=seed) for seed in (1, 1, 2))
    assert torch.equal(one.relabel(TARGETS, IDS, CLASSES), same.relabel(TARGETS, IDS, CLASSES))
    assert not torch.equal(one.relabel(TARGETS, IDS, CLASSES), other.relabel(TARGETS, IDS, CLASSES))
    assert torch.equal(one.keep(TARGETS, IDS, CLASSES), same.keep(TARGETS, IDS, CLASSES))
    assert not torch.equal(one.keep(TARGETS, IDS, CLASSES), other.keep(TARGETS, IDS, CLASSES))


@examples
@given(fraction=st.floats(0.01, 1.0), seed=st.integers(0, 99))
def test_a_fraction_is_that_of_each_class_and_a_subset_of_a_larger_one(fraction: float, seed: int) -> None:
    kept = Damage(fraction=fraction, seed=seed).keep(TARGETS, IDS, CLASSES)
    counts = TARGETS[IDS].bincount()
    assert TARGETS[kept].bincount(minlength=CLASSES).tolist() == [max(1, round(fraction * n)) for n in counts.tolist()]
    assert (kept.diff() > 0).all()
    assert torch.isin(kept, IDS).all()
    assert torch.isin(kept, Damage(fraction=min(1.0, 1.5 * fraction), seed=seed).keep(TARGETS, IDS, CLASSES)).all()


def test_imbalance_falls_geometrically_to_the_ratio() -> None:
    kept = Damage(imbalance=16.0).keep(TARGETS, IDS, CLASSES)
    counts = TARGETS[kept].bincount(minlength=CLASSES).double()
    most = TARGETS[IDS].bincount().max().item()
    assert counts.tolist() == [pytest.approx(most * 16 ** (-k / 4), abs=0.51) for k in range(CLASSES)]


def test_every_class_keeps_a_sample() -> None:
    kept = Damage(imbalance=1e6, fraction=0.001).keep(TARGETS, IDS, CLASSES)
    assert TARGETS[kept].bincount(minlength=CLASSES).tolist() == [1] * CLASSES


def test_validation_test_and_the_clean_labels_stay_as_they_are() -> None:
    clean = Strokes(train_size=400, test_size=130)
    noisy = Strokes(train_size=400, test_size=130, damage=Damage(label_noise=0.5, fraction=0.5))
    for data in (clean, noisy):
        data.setup()
    assert torch.equal(noisy.clean_targets, clean.train_set.targets)
    assert torch.equal(noisy.val_ids, clean.val_ids)
    assert torch.equal(noisy.train_set.targets[noisy.val_ids], clean.train_set.targets[clean.val_ids])
    assert torch.equal(noisy.test_set.targets, clean.test_set.targets)
    wrong = noisy.train_set.targets[noisy.train_ids] != noisy.clean_targets[noisy.train_ids]
    assert wrong.sum().item() == round(0.5 * len(noisy.train_ids))
    assert {k: noisy.fingerprints[k] == clean.fingerprints[k] for k in ("train", "val", "test")} == {
        "train": False,
        "val": True,
        "test": True,
    }


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"label_noise": 1.0}, "data.damage.label_noise is a share in [0, 1), got 1.0"),
        ({"label_noise": -0.1}, "data.damage.label_noise is a share in [0, 1), got -0.1"),
        ({"noise": "odd"}, "data.damage.noise is 'symmetric' or 'pair', got 'odd'"),
        ({"imbalance": 0.5}, "data.damage.imbalance is a ratio >= 1, got 0.5"),
        ({"imbalance": math.nan}, "data.damage.imbalance is a ratio >= 1, got nan"),
        ({"fraction": 0.0}, "data.damage.fraction is a share in (0, 1], got 0.0"),
    ],
)
def test_numbers_out_of_their_range_are_refused(options: dict, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Damage(**options)
    assert str(caught.value) == message
