from __future__ import annotations

import contextlib
import gc
import io
import os
import shutil
import signal
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch

if not torch.cuda.is_available():
    os.environ["TRITON_INTERPRET"] = "1"  # before Triton is imported: its kernels run on CPU tensors then

from filelock import FileLock
from hypothesis import settings

from entreg.__main__ import main
from entreg.data import Strokes
from entreg.runs import Run, open_run
from tests.data.images.sets.idx_files import write_letters

REPOSITORY = Path(__file__).parents[1]
# In CI the same examples are drawn every time; new ones are met where somebody can look at them.
settings.register_profile("ci", derandomize=True)
if os.environ.get("CI"):
    settings.load_profile("ci")
signal.signal(signal.SIGINT, signal.default_int_handler)  # what a shell starts in the background ignores Ctrl-C
signal.signal(signal.SIGHUP, signal.SIG_DFL)  # and what nohup starts, a closed terminal
torch.set_num_threads(1)  # tensors this small are slower on more, by far so where cores are shared


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--kills", type=int, default=3, help="kills of test_kills.py; 25 with -m slow")
    parser.addoption("--damages", type=int, default=5, help="damages of test_damage.py, with -m long")


def pytest_collection_finish() -> None:
    gc.freeze()  # what is imported stays: the garbage collector need not go through it again and again


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "kills" in metafunc.fixturenames:
        metafunc.parametrize("kills", [metafunc.config.getoption("--kills"), pytest.param(25, marks=pytest.mark.slow)])


USER_FILE = """
    import os
    import shutil
    import time

    import torch
    from lightning.pytorch import Callback
    from torch import nn


    class TinyNet(nn.Sequential):
        def __init__(self, in_channels: int, num_classes: int, width: int = 8) -> None:
            super().__init__(
                nn.Conv2d(in_channels, width, 5, stride=3),
                nn.BatchNorm2d(width),
                nn.ReLU(),
                nn.Flatten(),
                nn.Dropout(0.2),
                nn.Linear(64 * width, num_classes),
            )


    class MyLoss(nn.Module):
        def __init__(self, scale: float = 2.0) -> None:
            super().__init__()
            self.scale = scale

        def forward(self, logits: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
            return self.scale * nn.functional.cross_entropy(logits, target)


    class Killed(BaseException):
        pass


    class AtEveryPlace(Callback):
        # Calls reach at each place where a training may end too early.
        def on_train_batch_start(self, trainer, pl_module, batch, batch_idx):
            self.reach(trainer, f"start-{trainer.global_step}")

        def on_train_batch_end(self, trainer, pl_module, outputs, batch, batch_idx):
            self.reach(trainer, f"end-{trainer.global_step}")

        def on_validation_batch_end(self, trainer, pl_module, outputs, batch, batch_idx, dataloader_idx=0):
            self.reach(trainer, f"{trainer.state.fn.value}-val-{trainer.current_epoch}")

        def on_test_batch_end(self, trainer, pl_module, outputs, batch, batch_idx, dataloader_idx=0):
            self.reach(trainer, "test")


    class KillAt(AtEveryPlace):
        def reach(self, trainer, place):
            if os.environ.get("KILL_AT") == place:
                raise Killed(place)


    class Snapshots(AtEveryPlace):
        # Copies the run folder as a kill would leave it there, but for the lease, which names a process that lives on.
        def reach(self, trainer, place):
            run = trainer.default_root_dir
            kept = os.path.join(os.environ.get("SNAPSHOTS", ""), place, os.path.basename(run))
            if "SNAPSHOTS" in os.environ and not os.path.exists(kept):
                shutil.copytree(run, kept, ignore=shutil.ignore_patterns("lease.json"))


    class Slow(Callback):
        # Leaves time to be stopped.
        def on_train_batch_end(self, trainer, pl_module, outputs, batch, batch_idx):
            time.sleep(0.05)

        def on_test_batch_end(self, trainer, pl_module, outputs, batch, batch_idx, dataloader_idx=0):
            time.sleep(0.1)


    class Record(Callback):
        def on_train_batch_end(self, trainer, pl_module, outputs, batch, batch_idx):
            name = f"{trainer.current_epoch}-{batch_idx}-{trainer.global_rank}.pt"
            torch.save((batch.id, batch.input, outputs["value"]), os.path.join(os.environ["RECORD_TO"], name))
"""

# A run of seconds: few letters, a tiny network, no logger but the run folder's own.
TINY = [
    *("--model.loss", "mix_ent", "--model.net", "user_file.TinyNet"),
    *("--data", "Strokes", "--data.train_size", "400", "--data.test_size", "130", "--data.batch_size", "54"),
    *("--trainer.max_epochs", "2", "--trainer.precision", "32-true", "--trainer.accelerator", "cpu"),
    *("--trainer.logger", "false", "--trainer.enable_progress_bar", "false", "--observe.every_n_steps", "2"),
    *("--figures", "false", "--name", "mix_ent"),
]
FINISHED = [*TINY, "--figures", "true", "--checkpoint.every_n_steps", "4"]


def made_once(tmp_path_factory: pytest.TempPathFactory, name: str, make: Callable[[Path], None]) -> Path:
    """Folder that ``make`` has filled, once for all processes of this test session; nobody writes to it."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / name
    with FileLock(folder.with_suffix(".lock")):
        if not folder.with_suffix(".made").exists():
            shutil.rmtree(folder, ignore_errors=True)  # of a process that failed
            folder.mkdir()
            make(folder)
            folder.with_suffix(".made").touch()
    return folder


@contextlib.contextmanager
def working_in(folder: Path, strokes_root: Path) -> Iterator[None]:
    """A working directory with a user's file in it, no data but the embedded, and no W&B account."""
    (folder / "user_file.py").write_text(textwrap.dedent(USER_FILE))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("ENTREG_DATA", str(strokes_root))
        patch.setenv("HOME", str(folder / "home"))
        patch.setenv("ENTREG_TRUST", "user_file")
        for name in ("WANDB_API_KEY", "WANDB_MODE", "NETRC"):
            patch.delenv(name, raising=False)
        yield


@pytest.fixture(scope="session")
def strokes_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Root of the embedded data, drawn once for all processes."""

    def draw(folder: Path) -> None:
        Strokes(root=str(folder), train_size=400, test_size=130).prepare_data()

    return made_once(tmp_path_factory, "strokes", draw)


@pytest.fixture
def workplace(tmp_path: Path, strokes_root: Path) -> Iterator[Path]:
    """A working directory with a user's file in it, no data but the embedded, and no W&B account."""
    with working_in(tmp_path, strokes_root):
        yield tmp_path


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory, strokes_root: Path) -> Run:
    """The run of ``entreg fit`` with :data:`FINISHED`, made once for all tests: to look at, never to write to.

    What it printed is in ``printed.txt`` beside ``runs``.
    """

    def make(folder: Path) -> None:
        printed = io.StringIO()
        with working_in(folder, strokes_root), contextlib.redirect_stdout(printed):
            assert main(["fit", *FINISHED]) == 0
        (folder / "printed.txt").write_text(printed.getvalue())

    (folder,) = (made_once(tmp_path_factory, "finished", make) / "runs").glob("*")
    return open_run(folder)


@pytest.fixture
def finished_copy(finished: Run, workplace: Path) -> Run:
    """A copy of it in the ``runs`` of the working directory, to be changed."""
    return open_run(shutil.copytree(finished.path, workplace / "runs" / finished.path.name))


@pytest.fixture
def fit(workplace: Path) -> Callable[..., Run]:
    """Run ``entreg fit`` on the tiny setting and return its run folder."""

    def run_fit(*options: str) -> Run:
        before = set(Path("runs").glob("*"))
        assert main(["fit", *TINY, *options]) == 0
        (folder,) = set(Path("runs").glob("*")) - before
        return open_run(folder)

    return run_fit


@pytest.fixture
def letter_files(tmp_path: Path) -> Path:
    """Root of a small EMNIST-Letters: 520 and 130 random images."""
    return write_letters(tmp_path / "letters", train=520, test=130)


@pytest.fixture(scope="session")
def letters_root() -> Path:
    """Root of the real letters: ENTREG_DATA, else ../shared/data beside the repository."""
    root = Path(os.environ.get("ENTREG_DATA") or REPOSITORY.parent / "shared" / "data").resolve()
    if not (root / "EMNIST" / "raw" / "emnist-letters-train-images-idx3-ubyte").is_file():
        pytest.skip(f"no EMNIST letters under {root}: set ENTREG_DATA to the folder that holds EMNIST/raw")
    return root
