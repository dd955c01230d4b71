from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from entreg.compare.kinds import premise_of
from entreg.compare.labels import differences_of, labels_of
from entreg.compare.result import Result
from entreg.runs import Run

MIX, PLAIN = "entreg.losses.MixEntLoss", "entreg.losses.CrossEntropyLoss"
EPS, LR = "model.loss.init_args.eps", "model.optimizer.init_args.lr"
TERM = "model.loss.init_args.entropy.class_path"


def of(loss: str, **changes: Any) -> dict[str, Any]:
    names = {"net": "model.net.class_path", "epochs": "trainer.max_epochs", "eps": EPS, "lr": LR}
    names |= {"optimizer": "model.optimizer.class_path", "noise": "data.init_args.damage.label_noise"}
    names |= {"batch": "data.init_args.batch_size", "train": "training data (fingerprint)"}
    names |= {"dropout": "model.net.init_args.dropout", "callback": "trainer.callbacks.0.class_path"}
    return {"model.loss.class_path": loss} | {names[key]: value for key, value in changes.items()}


def told_apart(*configs: Mapping[str, Any]) -> tuple[list[str], str]:
    """Labels of arms with these configs, and what is said of the comparison."""
    arms = {str(i): [Result(Run(Path()), str(i), {}, config, {}, 15, {})] for i, config in enumerate(configs)}
    differences = differences_of(arms)
    return list(labels_of(arms, differences).values()), premise_of(differences)


@pytest.mark.parametrize(
    ("configs", "labels", "premise"),
    [
        ([of(MIX, eps=0.1), of(PLAIN)], ["mix_ent", "cross_entropy"], ""),
        (
            [of(PLAIN, callback="a.EMA"), of(PLAIN)],
            ["cross_entropy (EMA)", "cross_entropy (no callbacks)"],
            "the arms differ in callbacks and in nothing else",
        ),
        ([of(MIX, eps=1), of(MIX, eps=2), of(PLAIN)], ["mix_ent (eps=1)", "mix_ent (eps=2)", "cross_entropy"], ""),
        (
            [of(MIX, net="a.VGG5", dropout=0.5, epochs=6), of(PLAIN, net="a.LeNet", dropout=0.1, epochs=1)],
            ["mix_ent (VGG5, 6 epochs)", "cross_entropy (LeNet, 1 epoch)"],
            "the arms differ in more than the loss, also in network and epochs: a difference need not be due to the "
            "loss",
        ),
        (
            [of(MIX, net="a.VGG5"), of(MIX, net="a.LeNet")],
            ["mix_ent (VGG5)", "mix_ent (LeNet)"],
            "the arms differ in network and in nothing else",
        ),
        (
            [of(MIX, noise=0.2, train="01"), of(MIX, noise=0.4, train="23")],
            ["mix_ent (label_noise=0.2)", "mix_ent (label_noise=0.4)"],
            "the arms differ in label_noise and in nothing else",
        ),
        (
            [of(MIX, train="01"), of(PLAIN, train="23")],
            ["mix_ent (training data 01)", "cross_entropy (training data 23)"],
            "the arms differ in more than the loss, also in training data: a difference need not be due to the loss",
        ),
        (
            [of(MIX, optimizer="o.Adam", lr=0.5, batch=100), of(MIX, optimizer="o.SGD", lr=0.2, batch=128)],
            ["mix_ent (batch_size=100, Adam, lr=0.5)", "mix_ent (batch_size=128, SGD, lr=0.2)"],
            "the arms differ in more than one thing, batch_size and optimizer: a difference need not be due to one "
            "alone",
        ),
        (
            [of(MIX, optimizer="o" * 40, epochs=2), of(MIX, optimizer="p" * 40, epochs=3), of(PLAIN, epochs=2)],
            ["mix_ent (2 epochs, recipe 1)", "mix_ent (3 epochs, recipe 2)", "cross_entropy (2 epochs, recipe 3)"],
            "the arms differ in more than the loss, also in epochs and optimizer: a difference need not be due to the "
            "loss",
        ),
        (
            [of(MIX, epochs=7) | {"max_epochs (of each start)": [2, 7]}, of(MIX, epochs=2)],
            ["mix_ent (prolonged from 2 to 7, 7 epochs)", "mix_ent (2 epochs)"],
            "the arms differ in epochs and in nothing else",
        ),
        (
            [of(MIX), *(of("a.Sum") | {TERM: "a.Term", f"{TERM[:-10]}init_args.w": w} for w in (1, 2))],
            ["mix_ent", "Sum (w=1)", "Sum (w=2)"],
            "",
        ),
        ([of("a.MyLoss"), of("b.MyLoss")], ["MyLoss (loss 1)", "MyLoss (loss 2)"], ""),
    ],
)
def test_labels_name_every_kind_of_thing_that_differs(configs: Any, labels: list[str], premise: str) -> None:
    assert told_apart(*configs) == (labels, premise)
