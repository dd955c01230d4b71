from __future__ import annotations

import numpy as np
import pytest
import torch

from entreg.data import Strokes
from entreg.errors import ConfigError, RunError
from entreg.inference import load
from entreg.runs import Run, read_predictions, read_summary, write_summary
from tests.conftest import FINISHED


def test_a_loaded_run_gives_the_logits_it_has_written(finished_copy: Run) -> None:
    sizes = {key: int(FINISHED[FINISHED.index(f"--data.{key}") + 1]) for key in ("train_size", "test_size")}
    data = Strokes(**sizes)
    data.prepare_data()
    data.setup()
    batch = data.transform(data.test_set[torch.arange(sizes["test_size"])], epoch=None)
    model = load(finished_copy)
    assert not model.training
    with torch.inference_mode():
        logits = model(batch.input).numpy()
    np.testing.assert_allclose(logits, read_predictions(finished_copy.predictions("test"))["logits"], atol=1e-5)


def test_a_run_that_did_not_end_says_how_to_finish_it(finished_copy: Run) -> None:
    finished_copy.summary.unlink()
    with pytest.raises(RunError, match=r"finish it: entreg fit --run"):
        load(finished_copy)


def test_a_class_that_is_not_here_is_named(finished_copy: Run) -> None:
    finished_copy.config.write_text(finished_copy.config.read_text().replace("user_file.TinyNet", "elsewhere.TinyNet"))
    write_summary(finished_copy, read_summary(finished_copy))
    with pytest.raises(ConfigError, match="elsewhere"):
        load(finished_copy)
