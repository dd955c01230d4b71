"""Any classification data on the base: here points, of which nothing may think that they are images."""

from __future__ import annotations

import ast
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from lightning.pytorch import LightningModule, Trainer
from torch import nn

import entreg.data
from entreg.data import DataInfo, ImageDataModule, register
from entreg.data import registry as registry_module
from entreg.data.splits import digest
from entreg.errors import ConfigError, DataError
from tests.data.points import Longer, OtherPoints, Points, set_up


@pytest.fixture
def others_have_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry_module, "_registry", dict(registry_module._registry))
    for name, cls in (("others", OtherPoints), ("longer", Longer), ("alike", Points)):
        register(DataInfo(name, cls))


class Linear(LightningModule):
    """A linear classifier that keeps what it is tested on."""

    def __init__(self, data: Points) -> None:
        super().__init__()
        self.net = nn.Linear(data.in_channels, data.num_classes)
        self.tested: dict[int, list[torch.Tensor]] = {}

    def training_step(self, batch, batch_idx):
        return nn.functional.cross_entropy(self.net(batch.input), batch.target)

    def test_step(self, batch, batch_idx, dataloader_idx=0):
        self.tested.setdefault(dataloader_idx, []).append(self.net(batch.input).argmax(1) == batch.target)

    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters(), 0.02)


@pytest.mark.usefixtures("others_have_names")
def test_points_train_and_are_tested_on_other_sets_through_the_loaders(tmp_path: Path) -> None:
    data = set_up(batch_size=60, ood=["others"], shift=["Alike"])
    model = Linear(data)
    trainer = Trainer(
        max_epochs=4, accelerator="cpu", logger=False, enable_progress_bar=False, default_root_dir=tmp_path
    )
    trainer.fit(model, datamodule=data)
    trainer.test(model, datamodule=data, verbose=False)
    assert torch.cat(model.tested[0]).float().mean() > 0.8
    assert data.test_names == ("test", "ood-others", "shift-alike")
    assert [sum(map(len, model.tested[k])) for k in range(3)] == [60, 60, 60]
    assert data.ood_sets == {"others": {"near": True, "lookalikes": []}}


def test_what_the_data_say_of_themselves() -> None:
    data = set_up()
    assert (data.input_shape, data.in_channels, data.num_classes, data.soft_targets) == ((5,), 5, 3, False)
    assert data.description == {"input_shape": [5], "inputs": data.test_set.digest(torch.arange(60))}
    assert data.test_names == ("test",)
    assert data.pictures(torch.arange(3)) is None


@pytest.mark.usefixtures("others_have_names")
def test_inputs_of_another_shape_and_images_for_points_are_config_errors() -> None:
    message = r"inputs of Longer have the shape \(6,\), those of Points \(5,\)"
    with pytest.raises(ConfigError, match=message):
        set_up(ood=["longer"])


@pytest.mark.usefixtures("others_have_names")
def test_points_are_nothing_to_evaluate_a_classifier_of_images_on() -> None:
    class Images(ImageDataModule):
        classes = ("p", "q")

        def load(self, train):
            rows = torch.arange(40 if train else 10)
            return rows.to(torch.uint8).view(-1, 1, 1, 1).expand(-1, 1, 4, 4), rows % 2

    with pytest.raises(ConfigError, match="OtherPoints holds no images"):
        Images(ood=["others"]).setup()
    with pytest.raises(ConfigError, match="no data set is called 'noise'"):
        set_up(ood=["noise"])


def test_files_are_loaded_once(monkeypatch: pytest.MonkeyPatch) -> None:
    loads: list[bool] = []
    load = Points.load
    monkeypatch.setattr(Points, "load", lambda self, train: loads.append(train) or load(self, train))
    data = set_up()
    data.setup("test")
    data.pictures(torch.arange(2))
    assert sorted(loads) == [False, True]


def test_fingerprints_do_not_depend_on_the_seed_of_the_run() -> None:
    one, another, split = set_up(seed=0), set_up(seed=1, batch_size=7), set_up(split_seed=1)
    assert one.fingerprints == another.fingerprints
    assert one.fingerprints == {
        "train": one.train_set.digest(one.train_ids),
        "val": digest(one.val_ids, one.clean_targets[one.val_ids]),
        "test": digest(one.test_set.targets),
    }
    differing = {key for key, value in one.fingerprints.items() if split.fingerprints[key] != value}
    assert differing == {"train", "val"}


def test_a_run_does_not_resume_on_other_data_but_any_may_be_looked_at() -> None:
    state = set_up().state_dict()
    set_up().load_state_dict(state)
    other = set_up(split_seed=1)
    with pytest.raises(DataError, match="the train data are not those that this run began with"):
        other.load_state_dict(state)
    other.trainer = SimpleNamespace(state=SimpleNamespace(fn="test"))
    other.load_state_dict(state)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda inputs, targets: (inputs, targets - 1), "labels run from -1 to 1, expected 0 to 2"),
        (lambda inputs, targets: (inputs, targets + 1), "labels run from 1 to 3, expected 0 to 2"),
        (lambda inputs, targets: (inputs[:-1], targets), "599 samples but 600 labels"),
        (lambda inputs, targets: (inputs[:0], targets[:0]), "holds no samples"),
    ],
)
def test_files_that_do_not_fit_are_data_errors(monkeypatch, spoil, message) -> None:
    load = Points.load
    monkeypatch.setattr(Points, "load", lambda self, train: spoil(*load(self, train)))
    with pytest.raises(DataError, match=f"Points training file: {message}"):
        set_up()


@pytest.mark.parametrize("options", [{}, {"num_workers": 1}])
def test_samples_cannot_be_kept_on_a_device_that_is_not_there(options: dict[str, int]) -> None:
    with pytest.raises(ConfigError, match=r"data.on_device true needs a GPU"):
        set_up(on_device=True, **options)


def test_what_is_absent_is_fetched_that_of_other_sets_too(monkeypatch: pytest.MonkeyPatch) -> None:
    fetched: list[tuple[str, bool]] = []
    monkeypatch.setattr(Points, "prepare", lambda self, train: fetched.append((type(self).__name__, train)))
    monkeypatch.setattr(registry_module, "_registry", {"others": DataInfo("others", OtherPoints)})
    Points(ood=["others"]).prepare_data()
    assert fetched == [("Points", True), ("Points", False), ("OtherPoints", False)]


def test_nothing_below_the_images_knows_of_them() -> None:
    folder = Path(entreg.data.__file__).parent
    faces = {"__init__.py", "catalogue.py"}
    for path in (path for path in folder.glob("*.py") if path.name not in faces):
        imports = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.ImportFrom)]
        assert not [node.module for node in imports if node.module.startswith("entreg.data.images")], path


def test_a_training_begins_at_the_beginning_whatever_was_restored_before(tmp_path: Path) -> None:
    data = set_up(batch_size=60)
    options = {"accelerator": "cpu", "logger": False, "enable_progress_bar": False, "default_root_dir": tmp_path}
    stopped = Trainer(max_steps=4, **options)  # of 9 in an epoch
    stopped.fit(Linear(data), datamodule=data)
    stopped.save_checkpoint(file := tmp_path / "stopped.ckpt")
    whole = [batch.id.tolist() for batch in set_up(batch_size=60).train_dataloader()]
    for restore in (
        lambda trainer: trainer.test(Linear(data), datamodule=data, ckpt_path=file, verbose=False, weights_only=False),
        lambda trainer: trainer.fit(Linear(data), datamodule=data, ckpt_path=file, weights_only=False),
    ):
        restore(Trainer(max_epochs=1, **options))
        seen: list[list[int]] = []

        class Seen(Linear):
            def training_step(self, batch, batch_idx, seen=seen):
                seen.append(batch.id.tolist())
                return super().training_step(batch, batch_idx)

        Trainer(max_epochs=1, **options).fit(Seen(data), datamodule=data)
        assert seen == whole
