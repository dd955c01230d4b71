"""What is exported gives the logits of the network, or is not there."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

import entreg
from entreg.__main__ import main
from entreg.classifier import Classifier
from entreg.errors import ConfigError, RunError
from entreg.export import export
from entreg.inference import TrainedClassifier
from entreg.losses import CrossEntropyLoss
from tests.net_runs import run_of


class Noisy(nn.Sequential):
    """A network that says something else every time."""

    def __init__(self, in_channels: int, num_classes: int) -> None:
        super().__init__(nn.Flatten(), nn.Linear(in_channels * 4, num_classes))

    def forward(self, input: Tensor) -> Tensor:
        logits = super().forward(input)
        return logits + torch.rand_like(logits)


class Asking(Noisy):
    """A network that looks at its input, which no graph can."""

    def forward(self, input: Tensor) -> Tensor:
        return super().forward(input) if input.sum() > 0 else input.flatten(1)


def of(net: type[nn.Module]) -> TrainedClassifier:
    module = Classifier(CrossEntropyLoss(), net, num_classes=3, in_channels=1)
    module.configure_model()
    return TrainedClassifier(module.eval(), tuple("abc"), math.nan, "32-true", {"input_shape": [1, 2, 2]})


def test_onnx_has_the_logits_of_the_network(tmp_path_factory, tmp_path: Path, capsys) -> None:
    import onnxruntime

    run = run_of("VGG5", tmp_path_factory)
    capsys.readouterr()
    assert main(["export", "--run", str(run.path), "--out", str(tmp_path / "model.onnx")]) == 0
    assert "its logits differ by at most" in capsys.readouterr().out
    classifier, session = entreg.load(run), onnxruntime.InferenceSession(tmp_path / "model.onnx")
    for size in (1, 5):
        images = torch.randint(256, (size, 1, 28, 28), dtype=torch.uint8)
        (logits,) = session.run(["logits"], {"input": images.numpy()})
        torch.testing.assert_close(torch.from_numpy(logits), classifier.logits(images), rtol=0, atol=1e-4)
    known = {key: json.loads(value) for key, value in session.get_modelmeta().custom_metadata_map.items()}
    assert known["classes"] == list(classifier.classes)
    assert known["temperature"] == classifier.temperature
    assert known["data"]["mean"] == [0.18]
    assert known["input"] == "(N, 1, 28, 28) uint8, as the data set holds them"


def test_a_program_of_torch_has_them_too(tmp_path_factory, tmp_path: Path) -> None:
    classifier = entreg.load(run_of("LeNet", tmp_path_factory))
    assert export(classifier, tmp_path / "model.pt2") < 1e-4
    extra = {"entreg.json": ""}
    program = torch.export.load(tmp_path / "model.pt2", extra_files=extra).module()
    images = torch.randint(256, (3, 1, 28, 28), dtype=torch.uint8)
    torch.testing.assert_close(program(images), classifier.logits(images), rtol=0, atol=1e-4)
    assert json.loads(extra["entreg.json"])["temperature"] == classifier.temperature


@pytest.mark.parametrize(
    ("net", "message"), [(Noisy, "logits differ by"), (Asking, "network Asking cannot be exported")]
)
def test_what_gives_other_logits_or_cannot_be_exported_leaves_no_file(net, message, tmp_path: Path) -> None:
    with pytest.raises(RunError, match=message):
        export(of(net), tmp_path / "model.pt2")
    assert list(tmp_path.iterdir()) == []


def test_another_suffix_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"model\.bin: expected a name that ends in \.onnx"):
        export(of(Noisy), tmp_path / "model.bin")


def test_an_extra_that_is_missing_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("entreg.export.find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"pip install 'entreg\[export\]'"):
        export(of(Noisy), tmp_path / "model.onnx")
