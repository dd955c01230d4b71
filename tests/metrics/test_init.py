"""The face of the folder: what importing it costs, and that all its names are there."""

import subprocess
import sys

from entreg import metrics


def test_importing_it_brings_nothing_large():
    code = (
        "import sys; import entreg.metrics; large = {'lightning', 'torchmetrics', 'torchvision', 'wandb'}; "
        "print(large & {name.split('.')[0] for name in sys.modules})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120)
    assert done.stdout.strip() == "set()"


def test_every_name_is_there_and_listed():
    assert [name for name in metrics.__all__ if not hasattr(metrics, name)] == []
    assert set(metrics.__all__) <= set(dir(metrics))
    assert not hasattr(metrics, "Nothing")
