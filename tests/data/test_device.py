"""Sizes that depend on a device's memory; without a GPU its memory is told."""

from __future__ import annotations

import pytest
import torch

from entreg.data.device import evaluation_batch_size, move_if_it_fits, on_device
from entreg.data.samples import ResidentSamples

GIB = 2**30


def samples():
    return ResidentSamples(torch.zeros(4, 1, 28, 28, dtype=torch.uint8), torch.zeros(4, dtype=torch.long))


@pytest.mark.parametrize(
    ("free", "shape", "expected"),
    [(80 * GIB, (1, 28, 28), 16384), (8 * GIB, (1, 28, 28), 2048), (8 * GIB, (3, 224, 224), 64), (0, (1, 28, 28), 64)],
)
def test_evaluation_batches_follow_free_memory_on_a_gpu(free, shape, expected, monkeypatch):
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (free, free))
    size = evaluation_batch_size(torch.device("cuda"), shape)
    assert size == expected
    assert size == 64 or size * 4 * 512 * torch.Size(shape).numel() <= free / 2


@pytest.mark.parametrize(("runs", "expected"), [("1", 2048), ("2", 1024), ("8", 256), ("3", 512)])
def test_runs_that_share_a_gpu_share_its_memory(runs, expected, monkeypatch):
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (8 * GIB, 8 * GIB))
    monkeypatch.setenv("ENTREG_SHARE", runs)
    assert evaluation_batch_size(torch.device("cuda"), (1, 28, 28)) == expected


@pytest.mark.parametrize(("runs", "moved"), [("1", True), ("2", False)])
def test_samples_move_where_they_fit_beside_those_of_other_runs(runs, moved, monkeypatch):
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (5 * 3136, GIB))
    monkeypatch.setenv("ENTREG_SHARE", runs)
    asked: list[torch.device] = []
    monkeypatch.setattr(ResidentSamples, "to", lambda self, device: asked.append(device))
    move_if_it_fits(samples(), torch.device("cuda"), None)
    assert bool(asked) is moved


def test_a_cpu_takes_512():
    assert evaluation_batch_size(torch.device("cpu"), (1, 28, 28)) == 512


@pytest.mark.parametrize(("wanted", "free", "moved"), [(None, GIB, True), (None, 4 * 3136, False), (True, 100, True)])
def test_samples_move_where_they_fit_or_are_wanted(wanted, free, moved, monkeypatch):
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (free, free))
    asked: list[torch.device] = []
    monkeypatch.setattr(ResidentSamples, "to", lambda self, device: asked.append(device))
    move_if_it_fits(samples(), torch.device("cuda"), wanted)
    assert bool(asked) is moved


def test_samples_stay_on_a_cpu_or_where_that_is_wanted(monkeypatch):
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (GIB, GIB))
    for device, wanted in (("cpu", True), ("cuda", False)):
        kept = samples()
        move_if_it_fits(kept, torch.device(device), wanted)
        assert not on_device(kept)
