"""Counts and pictures of what is taken for what."""

import itertools
import string

import pytest
import torch
from sklearn.metrics import confusion_matrix as oracle

from entreg.metrics import confusion_diagram, confusion_matrix


def test_counts_equal_scikit_learn():
    generator = torch.Generator().manual_seed(0)
    logits, target = torch.randn(500, 7, generator=generator), torch.randint(7, (500,), generator=generator)
    matrix = confusion_matrix(logits, target)
    assert matrix.dtype == torch.int64
    assert matrix.tolist() == oracle(target, logits.argmax(1), labels=range(7)).tolist()


def test_classes_without_samples_and_no_samples_at_all_count_zero():
    assert confusion_matrix(torch.zeros(0, 3), torch.zeros(0, dtype=torch.int64)).tolist() == [[0] * 3] * 3
    assert confusion_matrix(torch.tensor([[0.0, 0.0, 1.0]]), torch.tensor([1])).tolist() == [
        [0] * 3,
        [0, 0, 1],
        [0] * 3,
    ]


def test_diverged_logits_are_counted_all_the_same():
    matrix = confusion_matrix(torch.tensor([[0.0, torch.nan], [0.0, 1.0]]), torch.tensor([0, 1]))
    assert matrix.tolist() == [[0, 1], [0, 1]]


def test_rows_are_shares_of_the_true_class():
    figure = confusion_diagram(torch.tensor([[3, 1, 0], [0, 0, 0], [0, 0, 2]]), ("a", "b", "c"), "test")
    axes, bar = figure.axes
    assert axes.images[0].get_array().tolist() == [[0.75, 0.25, 0], [0, 0, 0], [0, 0, 1]]
    assert axes.get_title() == "test  1 of 6 wrong"
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("predicted", "true")
    assert {(*text.get_position(), text.get_text()) for text in axes.texts} == {
        (0, 0, "75"),
        (1, 0, "25"),
        (2, 2, "100"),
    }
    assert bar.get_ylim() == (0, 1)


@pytest.mark.parametrize("count", [2, 62])
def test_every_class_is_named_and_its_names_do_not_overlap(count, tmp_path):
    classes = (string.ascii_letters + string.digits)[:count]
    figure = confusion_diagram(torch.eye(count, dtype=torch.int64), classes)
    figure.savefig(tmp_path / "confusion.png", dpi=100)
    (axes, _) = figure.axes
    assert "".join(label.get_text() for label in axes.get_xticklabels()) == classes
    for labels, low, high in ((axes.get_xticklabels(), "x0", "x1"), (axes.get_yticklabels()[::-1], "y0", "y1")):
        boxes = [label.get_window_extent() for label in labels]
        assert all(getattr(a, high) < getattr(b, low) for a, b in itertools.pairwise(boxes))
    assert (tmp_path / "confusion.png").stat().st_size < 300_000


def test_hundreds_of_classes_are_a_picture_of_bounded_size(tmp_path):
    figure = confusion_diagram(torch.eye(300, dtype=torch.int64), [f"class {k}" for k in range(300)])
    figure.savefig(tmp_path / "confusion.png", dpi=100)
    assert len(figure.axes[0].get_xticklabels()) == 100
    assert not figure.axes[0].texts
    assert max(figure.get_size_inches()) < 17


def test_names_that_do_not_fit_the_matrix_are_refused():
    with pytest.raises(ValueError, match="must be 2 x 2, one row for each name"):
        confusion_diagram(torch.eye(3), ("a", "b"))
