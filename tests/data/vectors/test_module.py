"""What is done to vectors on their way to a network: counters decide, and nothing else."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from scipy import stats
from sklearn.datasets import load_digits

import entreg
from entreg.__main__ import main
from entreg.data import Perturb, VectorDataModule
from entreg.data.vectors.windows import drawn_starts, drawn_uniform, windows
from entreg.errors import ConfigError
from entreg.runs import open_run, read_predictions, read_summary
from tests.conftest import TINY
from tests.system.test_resume import assert_same

WIDTH = 6


class Points(VectorDataModule):
    """400 training and 80 test points, far from zero and of unequal spread."""

    classes = ("a", "b", "c", "d")

    def load(self, train: bool) -> tuple[torch.Tensor, torch.Tensor]:
        generator = torch.Generator().manual_seed(int(train))
        count = 400 if train else 80
        return 5 + torch.randn(count, WIDTH, generator=generator) * torch.arange(1, WIDTH + 1), torch.arange(count) % 4


def points(**options) -> Points:
    data = Points(root="unused", **{"ood": [], **options})
    data.setup()
    return data


def test_training_is_perturbed_as_a_function_of_seed_epoch_and_id() -> None:
    data = points(augment=Perturb(0.5, 0.25))
    together = data.training_batch(torch.arange(400), 3).input
    alone = points(augment=Perturb(0.5, 0.25), batch_size=7).training_batch(torch.tensor([17, 4]), 3).input
    assert torch.equal(alone, together[[17, 4]])
    assert not torch.equal(data.training_batch(torch.arange(400), 4).input, together)
    assert not torch.equal(
        points(augment=Perturb(0.5, 0.25), seed=1).training_batch(torch.arange(400), 3).input, together
    )
    clean = data.transform(data.train_set[torch.arange(400)], None).input
    dropped = together == 0
    assert dropped.float().mean().item() == pytest.approx(0.25, abs=0.03)
    noise = ((together * 0.75 - clean) / 0.5)[~dropped]
    assert stats.kstest(noise.numpy(), "norm").pvalue > 0.001


def test_the_windows_of_samples_are_drawn_all_over_the_table() -> None:
    table, starts = drawn_uniform(WIDTH, 0), drawn_starts(2000, 0)
    values = windows(table, starts, WIDTH)
    assert torch.equal(values[5], table[starts[5] : starts[5] + WIDTH])
    assert stats.kstest(values.flatten().numpy(), "uniform").pvalue > 0.001
    assert len(values.unique()) > 0.99 * values.numel()


@pytest.mark.parametrize("options", [{"noise": -1.0}, {"dropout": 1.0}, {"noise": float("nan")}])
def test_a_perturbation_out_of_range_is_refused(options: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match="noise is a number >= 0 and dropout lies in"):
        Perturb(**options)


def test_corruptions_grow_with_severity_and_know_no_batch() -> None:
    data = points(corruptions=["all"])
    assert [extra.name for extra in data.evaluation_sets][:6] == [*(f"noise-{k}" for k in range(1, 6)), "masking-1"]
    clean, some = data.test_set[torch.arange(80)], torch.tensor([7, 3])
    for extras in (data.evaluation_sets[:5], data.evaluation_sets[5:]):
        damaged = [data.corrupt(clean, extra).input for extra in extras]
        distances = [((one - clean.input) / data.std).square().mean().item() for one in damaged]
        assert all(weaker < stronger for weaker, stronger in pairwise([0, *distances]))
        assert torch.equal(data.corrupt(data.test_set[some], extras[2]).input, damaged[2][some])
    assert ((damaged[4] - data.mean).abs() < 1e-6).float().mean().item() == pytest.approx(0.5, abs=0.08)
    assert torch.equal(points(corruptions=["noise"]).corrupt(clean, extras[4]).input, damaged[4])


def test_noise_has_the_features_of_training_and_not_how_they_go_together() -> None:
    data = points(ood=["noise"])
    noise = data.evaluation_sets[0].samples[torch.arange(2000)].input
    trained = data.train_set[data.train_ids].input
    assert all(torch.isin(noise[:, k], trained[:, k]).all() for k in range(WIDTH))
    assert noise.mean(0).numpy() == pytest.approx(data.mean.numpy(), abs=0.5)
    assert not (noise[:50, None] == trained[None]).all(2).any()


PERTURBED = ["--data.augment", "Perturb", "--data.augment.noise", "0.3", "--data.augment.dropout", "0.2"]


def write_points(file: Path) -> list[str]:
    """Rows of two features and three classes in a file; the options that train on them, in steps of 16 rows."""
    drawn = np.random.default_rng(0).standard_normal((160, 2))
    frame = pd.DataFrame({"x": drawn[:, 0], "y": drawn[:, 1], "label": np.arange(160) % 3})
    frame.assign(split=["train"] * 96 + ["val"] * 32 + ["test"] * 32).to_csv(file, index=False)
    small = [*TINY[TINY.index("--trainer.max_epochs") :], "--data", "Vectors", "--data.root", str(file)]
    return [*small, "--data.batch_size", "16", "--model.loss", "mix_ent", "--model.net", "MLP", *PERTURBED]


def test_a_run_goes_on_to_the_bit_and_its_export_has_its_logits(
    workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = ["fit", *write_points(workplace / "points.csv"), "--checkpoint.every_n_steps", "1"]
    command += ["--trainer.callbacks", "user_file.KillAt"]
    assert main([*command, "--id", "whole"]) == 0
    monkeypatch.setenv("KILL_AT", "start-7")
    with pytest.raises(BaseException, match="start-7"):
        main([*command, "--id", "torn"])
    monkeypatch.delenv("KILL_AT")
    torn, whole = (open_run(Path("runs") / f"mix_ent-{name}") for name in ("torn", "whole"))
    assert main(["fit", "--run", str(torn.path)]) == 0
    assert_same(torn, whole)
    assert main(["export", "--run", str(whole.path), "--out", "points.pt2", "--trust"]) == 0  # the callback is code
    program = torch.export.load("points.pt2").module()
    rows = torch.from_numpy(pd.read_csv("points.csv")[["x", "y"]].to_numpy()[-32:]).float()
    logits = read_predictions(whole.predictions("test"))["logits"]
    np.testing.assert_allclose(program(rows).detach(), logits, atol=1e-5)


def test_digits_in_a_parquet_file_are_trained_on_evaluated_and_predicted(workplace: Path, capsys) -> None:
    digits = load_digits(as_frame=True).frame
    split = np.where(np.arange(len(digits)) % 4 == 0, "test", "train")
    digits.assign(split=split).to_parquet("digits.parquet")
    options = ["--data", "Vectors", "--data.root", "digits.parquet", "--data.label", "target", "--model.net", "MLP"]
    small = ["--model.loss", "mix_ent", "--trainer.max_epochs", "8", "--trainer.logger", "false", "--figures", "false"]
    assert main(["fit", *options, *small]) == 1
    error = capsys.readouterr().err
    assert "column 'pixel_0_0', column 'pixel_3_0', column 'pixel_4_0'" in error
    assert "column 'pixel_7_0': the same in all 897 training samples, expected features that differ; leave" in error
    assert error.count("\n") == 1
    constant = re.findall(r"pixel_\d_\d", error)
    drop = ["--data.drop", f"[{', '.join(constant)}]", "--data.corruptions", "[masking]"]
    assert main(["fit", *options, *drop, *small, "--trainer.precision", "32-true", "--trainer.accelerator", "cpu"]) == 0
    run = open_run(max(Path("runs").iterdir(), key=lambda folder: folder.stat().st_mtime))
    assert read_summary(run)["test"]["acc"] > 0.9
    logits = read_predictions(run.predictions("test"))["logits"]
    classifier = entreg.load(run)
    held_out = digits[split == "test"].drop(columns=["target", *constant])
    np.testing.assert_allclose(classifier.predict(held_out.to_numpy()).logits, logits, atol=1e-4)
    digits[split == "test"].drop(columns="target").to_csv("new.csv", index=False)
    assert main(["predict", "--run", str(run.path), "--vectors", "new.csv", "--out", "found.csv"]) == 0
    found = np.genfromtxt("found.csv", delimiter=",", names=True, dtype=None, encoding="utf-8")
    assert found["class"].tolist() == logits.argmax(1).tolist()


def test_tables_of_a_perturbation_are_where_the_batch_is() -> None:
    data = points(augment=Perturb(0.5, 0.25))
    batch = data.train_set[torch.arange(4)]
    here = data.transform(batch, 1).input
    elsewhere = data.transform(type(batch)(*(part.to("meta") for part in batch)), 1)
    assert elsewhere.input.device.type == "meta"
    assert torch.equal(data.transform(batch, 1).input, here)


def test_a_checkpoint_sees_other_data_as_it_saw_its_own(workplace: Path, capsys) -> None:
    """The columns by name, standardised as in training; other classes are refused."""
    generator = np.random.default_rng(0)

    def write(folder: str, classes: str = "abc", shift: float = 0.0, reverse: bool = False) -> None:
        Path(folder).mkdir()
        for name, rows in (("train", 300), ("test", 90)):
            target = np.arange(rows) % 3
            features = {"x": 3.0 * target + generator.normal(size=rows) + shift, "y": 100 * generator.normal(size=rows)}
            table = pd.DataFrame({**features, "label": np.array(list(classes))[target]})
            table[list(table)[::-1] if reverse else list(table)].to_csv(f"{folder}/{name}.csv", index=False)

    write("own")
    write("reversed", reverse=True)
    write("shifted", shift=6.0)
    write("renamed", classes="abd")
    options = ["--data", "Vectors", "--model.net", "MLP", "--model.loss", "cross_entropy", "--trainer.max_epochs", "5"]
    command = ["fit", *options, "--data.batch_size", "20", "--trainer.logger", "false", "--id", "r", "--name", "v"]
    assert main([*command, "--data.root", "own"]) == 0
    run = open_run("runs/v-r")
    look = ["test", "--run", str(run.path), "--ckpt_path", str(run.checkpoint("best")), "--data.root"]
    capsys.readouterr()
    accuracy = {}
    for folder in ("own", "reversed", "shifted"):
        assert main([*look, folder]) == 0
        table = capsys.readouterr().out
        assert "val" not in table.replace("eval", "")
        accuracy[folder] = float(table.split("test")[1].split("%")[0].strip(" │|"))
    bare = [word for word in look if word not in ("--run", str(run.path))]
    assert main([*bare, "reversed", *options]) == 0
    assert float(capsys.readouterr().out.split("test")[1].split("%")[0].strip(" │|")) == accuracy["reversed"]
    assert accuracy["own"] > 85
    assert abs(accuracy["reversed"] - accuracy["own"]) < 10
    assert accuracy["shifted"] < 40  # all of it is class c
    assert main([*look, "renamed"]) == 1
    assert "the network knows other classes than these data have, 'c' where they have 'd'" in capsys.readouterr().err
