"""Loaders: every sample where and when it should be, and what is refused."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch

from entreg.errors import ConfigError
from tests.data.points import OtherPoints, Points, set_up


def test_each_evaluation_sample_comes_once_with_its_own_id() -> None:
    data = set_up(eval_batch_size=17)
    for loader, samples, ids in (
        (data.val_dataloader(), data.train_set, data.val_ids),
        (data.test_dataloader()[0], data.test_set, torch.arange(60)),
        (data.predict_dataloader(), data.test_set, torch.arange(60)),
    ):
        seen = list(loader)
        assert max(len(batch.id) for batch in seen) <= 17
        assert torch.equal(torch.cat([batch.id for batch in seen]), ids)
        assert torch.equal(torch.cat([batch.input for batch in seen]), samples.inputs[ids])
        assert torch.equal(torch.cat([batch.target for batch in seen]), samples.targets[ids])


def test_the_order_is_a_function_of_the_seed_and_goes_on_where_it_stopped() -> None:
    whole = [batch.id.tolist() for batch in set_up(seed=4).train_dataloader()]
    assert whole != [batch.id.tolist() for batch in set_up(seed=5).train_dataloader()]
    data = set_up(seed=4)
    assert "position" not in data.state_dict()
    batches = iter(data.train_dataloader())
    next(batches)
    resumed = set_up(seed=4)
    resumed.load_state_dict(data.state_dict())
    assert [batch.id.tolist() for batch in resumed.train_dataloader()] == whole[1:]


def test_training_samples_are_those_that_are_not_validation() -> None:
    data = set_up(batch_size=54)
    seen = torch.cat([batch.id for batch in data.train_dataloader()])
    assert torch.equal(seen.sort().values, data.train_ids)
    assert not torch.isin(seen, data.val_ids).any()


def test_batches_are_transformed_as_the_trainer_uses_them(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []
    monkeypatch.setattr(Points, "transform", lambda self, batch, epoch: asked.append(epoch))
    monkeypatch.setattr(Points, "corrupt", lambda self, batch, extra: asked.append(extra))
    data = set_up()
    data.evaluation_sets = ["first", "second"]
    for trainer, loader in (
        (None, 0),
        (SimpleNamespace(training=True, testing=False, current_epoch=3), 0),
        (SimpleNamespace(training=False, testing=False, current_epoch=3), 1),
        (SimpleNamespace(training=False, testing=True), 0),
        (SimpleNamespace(training=False, testing=True), 2),
    ):
        data.trainer = trainer
        data.on_after_batch_transfer(None, loader)
    assert asked == [None, 3, None, None, "second", None]


@pytest.mark.parametrize("wrong", [{"batch_size": 0}, {"eval_batch_size": 0}, {"num_workers": -1}])
def test_numbers_out_of_their_range_are_config_errors(wrong: dict[str, int]) -> None:
    ((name, number),) = wrong.items()
    with pytest.raises(ConfigError, match=rf"^data.{name} is a number >= {number + 1}, got {number}$"):
        Points(**wrong)


def test_a_batch_larger_than_the_training_set_is_a_config_error() -> None:
    assert len(set_up(batch_size=540).train_dataloader()) == 1
    with pytest.raises(ConfigError, match=r"data.batch_size 541 exceeds the 540 training samples"):
        set_up(batch_size=541).train_dataloader()


def test_a_batch_that_the_processes_cannot_share_is_a_config_error() -> None:
    data = set_up(batch_size=65)
    data.trainer = SimpleNamespace(global_rank=0, world_size=2)
    with pytest.raises(ConfigError, match=r"data.batch_size 65 is not divisible by 2"):
        data.train_dataloader()


def test_processes_share_a_batch_and_the_evaluation() -> None:
    data = set_up(OtherPoints, batch_size=54)
    seen = []
    for rank in (0, 1):
        device = SimpleNamespace(root_device=torch.device("cpu"))
        data.trainer = SimpleNamespace(global_rank=rank, world_size=2, strategy=device)
        first = next(iter(data.train_dataloader())).id
        assert len(first) == 27
        seen += [first, torch.cat([batch.id for batch in data.val_dataloader()])]
    assert not torch.isin(seen[0], seen[2]).any()
    assert torch.equal(torch.cat([seen[1], seen[3]]).sort().values, data.val_ids)


def test_workers_stay_for_what_is_read_again_alone() -> None:
    data = set_up(num_workers=1)
    assert data.train_dataloader().persistent_workers
    assert data.val_dataloader().persistent_workers
    assert not any(loader.persistent_workers for loader in [*data.test_dataloader(), data.predict_dataloader()])
