"""The warm server of a sweep: it imports everything once, and each trial is a fork of it that starts in a blink.

    python -m entreg.sweep.warm DESCRIPTOR PROGRAM PREPARATION

What a fork takes over must not be alive elsewhere: a CUDA context, a pool of OpenMP threads, or a thread of autograd is
broken in the child. So the server never touches CUDA (PyTorch counts GPUs through NVML here), computes on one thread,
and never runs backward. Where a user's own file has touched CUDA while it was imported, each trial becomes an
interpreter of its own, after all.

The signals of a sweep are blocked from the server's start: they are the worker's business, and those for a trial that
is being forked wait until it can take them.
"""

from __future__ import annotations

import gc
import os
import runpy
import signal
import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from multiprocessing.connection import Connection
from typing import NamedTuple

from entreg.cluster import STOP_SIGNALS
from entreg.sweep.forks import Order, Signal
from entreg.sweep.places import pin

_LOOK = 0.05  # seconds between two looks at the trials, while nothing is asked for


class Fork(NamedTuple):
    """What a forked process is to become.

    Attributes:
        order: what is asked for.
        is_sound: whether it may use CUDA, as its parent has not.
    """

    order: Order
    is_sound: bool


def main(descriptor: int, program: str, preparation: str) -> None:
    """Serve until the worker at the other end is gone; in a fork, be the trial.

    Args:
        descriptor: of the connection to the worker.
        program: package whose ``__main__`` a trial runs.
        preparation: module that imports what trials need; its ``prepare(words)`` rehearses the first.
    """
    os.set_inheritable(descriptor, False)
    before = dict(os.environ)
    os.environ["PYTORCH_NVML_BASED_CUDA_CHECK"] = "1"
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    prepare: Callable[[tuple[str, ...]], None] = import_module(preparation).prepare
    added = {key: value for key, value in os.environ.items() if key not in before}
    with Connection(descriptor) as connection:
        try:
            fork = serve(connection, prepare)
        except (EOFError, ConnectionError):
            return  # trials whose worker was killed end by themselves
    take_place(fork.order)
    if fork.is_sound:
        become(program, fork.order, added, threads)
    else:
        os.execve(sys.executable, [sys.executable, "-m", program, *fork.order.words], fork.order.environment)


def serve(connection: Connection, prepare: Callable[[tuple[str, ...]], None]) -> Fork:
    """Fork a process for each order, and tell the exit code of each that ends.

    Returns:
        in the forked process, what it is to become.

    Raises:
        EOFError: in the server, when the worker is gone.
        ConnectionError: likewise, in the middle of a message.
    """
    import torch

    running: dict[int, int] = {}
    prepared = touched = False
    while True:
        asked: Order | Signal | None = connection.recv() if connection.poll(_LOOK) else None
        if isinstance(asked, Signal) and asked.ticket in running:
            os.kill(running[asked.ticket], asked.signum)
        elif isinstance(asked, Order):
            if not prepared:
                prepare(asked.words)
                touched = torch.cuda.is_initialized()
                gc.collect()
                gc.freeze()  # what is here stays: collections in the trials need not copy its pages
                prepared = True
            sys.stdout.flush()
            sys.stderr.flush()
            if not (pid := os.fork()):
                return Fork(asked, not touched)
            running[asked.ticket] = pid
        for ticket, pid in list(running.items()):
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                del running[ticket]
                connection.send((ticket, os.waitstatus_to_exitcode(status)))


def take_place(order: Order) -> None:
    """Let the output of a forked process go to its log, keep it to its cores, and let it take signals.

    Ctrl-C is the worker's, which then tells each trial to stop.
    """
    output = os.open(order.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
    for descriptor in (sys.stdout.fileno(), sys.stderr.fileno()):
        os.dup2(output, descriptor)
    os.close(output)
    pin(0, order.place)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)


def become(program: str, order: Order, added: Mapping[str, str], threads: int) -> None:
    """Go on as ``python -m PROGRAM WORDS`` would once it had imported everything.

    Args:
        program: package whose ``__main__`` is run.
        order: what is asked for.
        added: what the imports would have added to the environment.
        threads: of PyTorch, where the environment does not say how many.
    """
    import torch

    os.environ.clear()
    os.environ.update({**added, **order.environment})
    granted = order.environment.get("OMP_NUM_THREADS", "").partition(",")[0]
    torch.set_num_threads(int(granted) if granted.isdecimal() else threads)
    sys.argv[1:] = order.words
    runpy.run_module(program, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], sys.argv[3])
