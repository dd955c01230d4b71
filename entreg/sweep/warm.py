"""The warm server of a sweep: it imports everything once, and each trial is a fork of it that starts in a blink.

    python -m entreg.sweep.warm DESCRIPTOR PROGRAM PREPARATION

What a fork takes over must not be alive elsewhere: a CUDA context, a pool of OpenMP threads, or a thread of autograd is
broken in the child. So the server never touches CUDA (PyTorch counts GPUs through NVML here), computes on one thread,
and never runs backward. The signals of a sweep are blocked from its start: they are the worker's business, and those
for a trial that is being forked wait until it can take them.
"""

from __future__ import annotations

import gc
import os
import runpy
import signal
import sys
from collections.abc import Callable
from importlib import import_module
from multiprocessing.connection import Connection

from entreg.sweep.places import pin
from entreg.sweep.starters import SIGNALS, Order, Signal

_LOOK = 0.05  # seconds between two looks at the trials, while nothing is asked for


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
        order = serve(connection, prepare)
    if order is not None:
        become(program, order._replace(environment={**added, **order.environment}), threads)


def serve(connection: Connection, prepare: Callable[[tuple[str, ...]], None]) -> Order | None:
    """Fork a process for each order, and tell the exit code of each that ends.

    Returns:
        in the forked process the order that it is to carry out; in the server, once the other end is closed, ``None``.
    """
    running: dict[int, int] = {}
    prepared = False
    while True:
        try:
            asked: Order | Signal | None = connection.recv() if connection.poll(_LOOK) else None
        except EOFError:
            return None
        if isinstance(asked, Signal) and asked.ticket in running:
            os.kill(running[asked.ticket], asked.signum)
        elif isinstance(asked, Order):
            if not prepared:
                prepare(asked.words)
                gc.collect()
                gc.freeze()  # what is here stays: collections in the trials need not copy its pages
                prepared = True
            sys.stdout.flush()
            sys.stderr.flush()
            if not (pid := os.fork()):
                return asked
            running[asked.ticket] = pid
        for ticket, pid in list(running.items()):
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                del running[ticket]
                connection.send((ticket, os.waitstatus_to_exitcode(status)))


def become(program: str, order: Order, threads: int) -> None:
    """Go on as ``python -m PROGRAM WORDS`` would, its output going to the log.

    Ctrl-C is the worker's, which then tells each trial to stop.

    Args:
        program: package whose ``__main__`` is run.
        order: what is asked for.
        threads: of PyTorch, where the environment does not say how many.
    """
    output = os.open(order.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
    for descriptor in (sys.stdout.fileno(), sys.stderr.fileno()):
        os.dup2(output, descriptor)
    os.close(output)
    os.environ.clear()
    os.environ.update(order.environment)
    pin(0, order.place)
    import torch

    granted = order.environment.get("OMP_NUM_THREADS", "").partition(",")[0]
    torch.set_num_threads(int(granted) if granted.isdecimal() else threads)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
    sys.argv[1:] = order.words
    runpy.run_module(program, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], sys.argv[3])
