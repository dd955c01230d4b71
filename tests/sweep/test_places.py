"""The division of a machine; its cores and GPUs are told."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest
import torch

from entreg.sweep import places
from entreg.sweep.places import Place, pin, share_out, visible_gpus

Machine = Callable[..., None]


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    for name in ("OMP_NUM_THREADS", "CUDA_VISIBLE_DEVICES"):
        monkeypatch.delenv(name, raising=False)

    def set_up(cpus: int, gpus: int = 0, **environment: str) -> None:
        monkeypatch.setattr(places, "_cpus", lambda: list(range(cpus)))
        monkeypatch.setattr(torch.cuda, "device_count", lambda: gpus)
        for name, value in environment.items():
            monkeypatch.setenv(name, value)

    return set_up


def settings(shares: list[Place], name: str) -> list[str | None]:
    return [place.environment.get(name) for place in shares]


def test_a_worker_alone_is_left_everything(machine: Machine) -> None:
    machine(16, gpus=4)
    assert share_out(1, spread=True) == [Place()]


@pytest.mark.parametrize(("cpus", "workers"), [(16, 4), (16, 3), (7, 7), (2, 2)])
def test_every_core_has_one_owner(cpus: int, workers: int, machine: Machine) -> None:
    machine(cpus)
    shares = share_out(workers, spread=True)
    assert sorted(cpu for place in shares for cpu in place.cpus) == list(range(cpus))
    assert max(len(p.cpus) for p in shares) - min(len(p.cpus) for p in shares) <= 1
    assert settings(shares, "OMP_NUM_THREADS") == [str(cpus // workers)] * workers
    assert settings(shares, "ENTREG_SHARE") == [str(workers)] * workers
    assert settings(shares, "CUDA_VISIBLE_DEVICES") == [None] * workers


def test_more_workers_than_cores_take_turns(machine: Machine) -> None:
    machine(2)
    shares = share_out(5, spread=True)
    assert [len(place.cpus) for place in shares] == [1] * 5
    assert {cpu for place in shares for cpu in place.cpus} == {0, 1}
    assert settings(shares, "OMP_NUM_THREADS") == ["1"] * 5


@pytest.mark.parametrize(("granted", "each"), [("8", "4"), ("1", "1"), ("6,2", "3"), ("", "8")])
def test_threads_that_are_granted_are_divided(granted: str, each: str, machine: Machine) -> None:
    machine(16, OMP_NUM_THREADS=granted)
    assert settings(share_out(2, spread=True), "OMP_NUM_THREADS") == [each] * 2


def test_gpus_are_dealt_out(machine: Machine) -> None:
    machine(16, gpus=3)
    shares = share_out(8, spread=True)
    assert settings(shares, "CUDA_VISIBLE_DEVICES") == ["0", "1", "2", "0", "1", "2", "0", "1"]
    assert settings(shares, "ENTREG_SHARE") == ["3"] * 8


def test_gpus_are_those_that_are_visible(machine: Machine) -> None:
    machine(4, gpus=8, CUDA_VISIBLE_DEVICES="5,GPU-7")
    assert settings(share_out(2, spread=True), "CUDA_VISIBLE_DEVICES") == ["5", "GPU-7"]
    machine(4, gpus=8, CUDA_VISIBLE_DEVICES="")
    assert visible_gpus() == []
    assert settings(share_out(2, spread=True), "ENTREG_SHARE") == ["2", "2"]


def test_gpus_are_left_to_a_user_who_names_them(machine: Machine) -> None:
    machine(4, gpus=2)
    shares = share_out(2, spread=False)
    assert settings(shares, "CUDA_VISIBLE_DEVICES") == [None, None]
    assert settings(shares, "ENTREG_SHARE") == ["2", "2"]


def test_pinning(monkeypatch: pytest.MonkeyPatch) -> None:
    pinned: list[tuple[int, frozenset[int]]] = []
    monkeypatch.setattr(os, "sched_setaffinity", lambda pid, cpus: pinned.append((pid, cpus)), raising=False)
    pin(7, Place())
    pin(8, Place(frozenset({1})))
    assert pinned == [(8, {1})]
    monkeypatch.delattr(os, "sched_setaffinity")
    pin(9, Place(frozenset({1})))  # a system that cannot
