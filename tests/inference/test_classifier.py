from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import entreg
from entreg.classifier import Classifier
from entreg.data import Strokes
from entreg.errors import ConfigError, DataError, RunError
from entreg.losses import MixEntLoss
from entreg.models import LeNet
from entreg.runs import Run, read_predictions, read_summary, write_summary
from tests.net_runs import NETS, SIZES, run_of


def images_and_logits(run: Run) -> tuple[torch.Tensor, torch.Tensor]:
    """Test images of a run, uint8, and the logits that it has written of them."""
    data = Strokes(root=str(run.path.parents[1] / "data"), **SIZES)
    data.setup()
    logits = read_predictions(run.predictions("test"))["logits"]
    return data.test_set[torch.arange(len(logits))].input, torch.from_numpy(logits)


@pytest.mark.parametrize("net", NETS)
def test_a_loaded_run_gives_the_logits_it_has_written(net: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    run = run_of(net, tmp_path_factory)
    classifier = entreg.load(run.path)
    assert not classifier.net.training
    images, written = images_and_logits(run)
    own = classifier.logits(images, precision=classifier.precision)
    torch.testing.assert_close(own, written, rtol=0, atol=1e-6)
    single = classifier.logits(images)
    assert (single - written).abs().max() < 2e-2
    best, second = written.topk(2, dim=1).values.T
    apart = best - second > 4e-2
    assert torch.equal(single.argmax(1)[apart], written.argmax(1)[apart])


def test_predictions_are_the_network_s_and_those_at_the_temperature(tmp_path_factory: pytest.TempPathFactory) -> None:
    run = run_of("LeNet", tmp_path_factory)
    classifier, (images, _) = entreg.load(run), images_and_logits(run)
    assert classifier.classes == tuple("abcdefghijklmnopqrstuvwxyz")
    assert classifier.temperature == read_summary(run)["temperature"]
    found = classifier.predict(images.numpy())
    with torch.inference_mode():
        z = classifier.net(classifier.preprocess(images)).double()
    np.testing.assert_allclose(found.probabilities, z.softmax(1), atol=1e-6)
    np.testing.assert_allclose(found.calibrated, (z / classifier.temperature).softmax(1), atol=1e-6)
    np.testing.assert_allclose(found.entropy, -(z.softmax(1) * z.log_softmax(1)).sum(1), atol=1e-6)
    assert found.classes.tolist() == [classifier.classes[k] for k in z.argmax(1)]
    normalised = classifier.preprocess(images)
    assert torch.equal(classifier.preprocess(normalised), normalised)


def test_a_file_a_folder_and_a_list_of_files_are_pictures(tmp_path_factory, tmp_path: Path) -> None:
    classifier = entreg.load(run_of("LeNet", tmp_path_factory))
    picture = np.full((40, 40), 255, dtype=np.uint8)
    picture[8:32, 18:22] = 0
    file = tmp_path / "a.png"
    Image.fromarray(picture).save(file)
    (alone,), (listed, again), (found,) = map(classifier.logits, (file, [str(file), file], tmp_path))
    for other in (listed, again, found):
        torch.testing.assert_close(other, alone)


@pytest.mark.parametrize(
    ("samples", "message"),
    [
        (torch.zeros(2, 28, 28), r"samples are torch.float32 \(2, 28, 28\), expected \(N, 1, 28, 28\) floating point"),
        (
            torch.zeros(2, 1, 28, 28, dtype=torch.int64),
            "samples are torch.int64 .* or uint8 as the data set holds them",
        ),
        ([], "no picture is given"),
        (
            torch.tensor([0.0, torch.nan, 1.0, torch.inf]).view(4, 1, 1, 1).expand(4, 1, 28, 28),
            r"^sample 1 \(of 0 to 3\) is NaN or infinite somewhere, and so are 1 others$",
        ),
    ],
)
def test_samples_of_another_shape_or_not_finite_are_refused(samples, message, tmp_path_factory) -> None:
    with pytest.raises(DataError, match=message):
        entreg.load(run_of("LeNet", tmp_path_factory)).predict(samples)


def test_a_precision_that_is_none_is_refused(tmp_path_factory: pytest.TempPathFactory) -> None:
    classifier = entreg.load(run_of("LeNet", tmp_path_factory))
    with pytest.raises(ValueError, match=r"precision must be 32-true, .* got '8-mixed'"):
        classifier.logits(torch.zeros(1, 1, 28, 28), precision="8-mixed")
    full = classifier.logits(torch.ones(1, 1, 28, 28), precision="64-true")
    torch.testing.assert_close(full, classifier.logits(torch.ones(1, 1, 28, 28)))


def test_without_a_temperature_nothing_is_calibrated(finished_copy: Run) -> None:
    summary = read_summary(finished_copy)
    del summary["temperature"]
    write_summary(finished_copy, summary)
    classifier = entreg.load(finished_copy)
    assert math.isnan(classifier.temperature)
    found = classifier.predict(torch.zeros(1, 1, 28, 28))
    assert np.isnan(found.calibrated).all()
    assert np.isfinite(found.probabilities).all()


def test_a_run_that_did_not_end_says_how_to_finish_it(finished_copy: Run) -> None:
    finished_copy.summary.unlink()
    with pytest.raises(RunError, match=r"finish it: entreg fit --run"):
        entreg.load(finished_copy)


def test_a_class_that_is_not_here_is_named(finished_copy: Run) -> None:
    finished_copy.config.write_text(finished_copy.config.read_text().replace("user_file.TinyNet", "elsewhere.TinyNet"))
    write_summary(finished_copy, read_summary(finished_copy))
    with pytest.raises(ConfigError, match="elsewhere"):
        entreg.load(finished_copy)


def test_a_network_that_was_compiled_for_training_is_not_for_looking_at_it(finished_copy: Run) -> None:
    config = finished_copy.config.read_text()
    assert "compile: false" in config
    finished_copy.config.write_text(config.replace("compile: false", "compile: true"))
    write_summary(finished_copy, read_summary(finished_copy))
    assert not entreg.load(finished_copy).module.compile_net


def test_a_checkpoint_in_its_run_folder_is_loaded_as_it_is(tmp_path_factory: pytest.TempPathFactory) -> None:
    run = run_of("LeNet", tmp_path_factory)
    loaded = Classifier.load_from_checkpoint(run.checkpoint("best"))
    assert not loaded.training
    expected = entreg.load(run).module.state_dict()
    assert expected.keys() == loaded.state_dict().keys()
    assert all(torch.equal(value, expected[key]) for key, value in loaded.state_dict().items())


def test_a_checkpoint_elsewhere_is_loaded_with_arguments(tmp_path_factory, tmp_path: Path) -> None:
    run = run_of("LeNet", tmp_path_factory)
    copied = tmp_path / "copied.ckpt"
    copied.write_bytes(run.checkpoint("best").read_bytes())
    arguments = {"loss": MixEntLoss(), "net": LeNet, "num_classes": 26, "in_channels": 1}
    loaded = Classifier.load_from_checkpoint(copied, **arguments)
    with torch.inference_mode():
        inputs = torch.ones(2, 1, 28, 28)
        torch.testing.assert_close(loaded(inputs), entreg.load(run).logits(inputs))
    with pytest.raises(RunError, match="is in no run folder, so say what it is made of"):
        Classifier.load_from_checkpoint(copied)


def test_a_strangers_run_names_no_class_of_its_own(finished_copy: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ENTREG_TRUST")
    with pytest.raises(ConfigError, match="TinyNet, whose code would run"):
        Classifier.load_from_checkpoint(finished_copy.checkpoint("best"))
    assert Classifier.load_from_checkpoint(finished_copy.checkpoint("best"), trust=True).num_classes == 26


def test_a_network_that_is_being_trained_predicts_as_in_evaluation_and_stays_as_it_is() -> None:
    classifier = entreg.load()
    samples = torch.randn(8, *classifier.input_shape)
    expected = classifier.logits(samples)
    classifier.net.train()
    frozen = next(part for part in classifier.net.modules() if not list(part.children()))
    frozen.eval()
    assert torch.equal(classifier.logits(samples), expected)
    assert {part.training for part in classifier.net.modules() if part is not frozen} == {True}
    assert not frozen.training
    torch.nn.functional.cross_entropy(expected.requires_grad_(), torch.zeros(8, dtype=torch.long)).backward()
