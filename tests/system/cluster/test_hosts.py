"""Two hosts train together under torchrun; one is cut off, both say so in time, and the run goes on later."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from entreg.runs import Run, read_summary
from tests.conftest import TINY
from tests.system.cluster.hosts import TwoHosts, why_not
from tests.system.processes import start_ranks
from tests.system.test_resume import assert_same

pytestmark = [pytest.mark.cluster, pytest.mark.xdist_group("cluster"), pytest.mark.timeout(900)]
FIT = ["fit", *TINY, "--trainer.max_epochs", "16", "--checkpoint.every_n_steps", "1"]
TIMEOUT = 12
STRATEGY = f'{{class_path: lightning.pytorch.strategies.DDPStrategy, init_args: {{timeout: "0:00:{TIMEOUT}"}}}}'


@pytest.fixture
def hosts() -> Iterator[TwoHosts]:
    if reason := why_not():
        pytest.skip(reason)
    with TwoHosts() as started:
        yield started


def start(hosts: TwoHosts, workplace: Path) -> list[subprocess.Popen[str]]:
    """``torchrun`` on both hosts; the first serves as the meeting point."""
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--nnodes", "2", "--nproc-per-node", "1"]
    meet = ["--master-addr", hosts.names[0], "--master-port", "29500"]
    entreg = ["-m", "entreg", *FIT, "--id", "two", "--trainer.strategy", STRATEGY]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "TMPDIR": str(workplace)}
    processes = []
    for host in (0, 1):
        log = (workplace / f"host-{host}.log").open("a")
        command = [*torchrun, *meet, "--node-rank", str(host), *entreg]
        processes.append(hosts.popen(host, *command, env=environment, stdout=log, stderr=log))
    return processes


def test_a_host_that_is_cut_off_is_reported_and_the_run_goes_on(hosts: TwoHosts, workplace: Path) -> None:
    run = Run(workplace / "runs" / "mix_ent-two")
    processes = start(hosts, workplace)
    deadline = time.monotonic() + 120
    while not (run.metrics.exists() and run.metrics.read_text().count("\n") > 40):
        assert time.monotonic() < deadline, (workplace / "host-0.log").read_text()
        time.sleep(0.05)
    hosts.cut(1)
    began = time.monotonic()
    for process in processes:
        assert process.wait(3 * TIMEOUT) != 0
    print(f"both hosts had ended {time.monotonic() - began:.1f} s after the cut, with a timeout of {TIMEOUT} s")
    logs = [(workplace / f"host-{host}.log").read_text() for host in (0, 1)]
    said = [log for log in logs if "entreg: lost touch with another process" in log]
    assert said, logs  # torchrun may end the other host's process before it has its say
    assert all("go on with: entreg fit --run" in log for log in said)
    assert read_summary(run)["finished"] is False
    hosts.mend(1)
    for process in start(hosts, workplace):
        assert process.wait(200) == 0, (workplace / "host-0.log").read_text()
    for rank in start_ranks(workplace, 2, "whole", *FIT):
        assert rank.wait() == 0, rank.output
    assert_same(run, Run(workplace / "runs" / "mix_ent-whole"))
