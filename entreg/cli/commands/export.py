"""``entreg export``: a run's network as a file for other programs. Needs the run folder and no data set."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from entreg.cli.parser import CommandParser
from entreg.console import print_line
from entreg.export import export
from entreg.files import check_target
from entreg.inference import load


def main(args: Sequence[str]) -> None:
    """Run ``entreg export --run DIR --out FILE``.

    Raises:
        ConfigError: on wrong usage, or if a package is not installed.
        RunError: if the run has no best checkpoint, or the file cannot be written or gives other logits.
    """
    parser = CommandParser(prog="entreg export", description="Write the network of a run's best checkpoint to a file.")
    parser.add_argument("--run", required=True, help="run folder")
    parser.add_argument(
        "--out", required=True, type=Path, help="file to write: .onnx, or .pt2 in the format of torch.export"
    )
    parser.add_argument(
        "--trust", action="store_true", help="let the run's config name any class, whose code then runs"
    )
    given = parser.parse_args(list(args))
    check_target(given.out)
    difference = export(load(given.run, given.trust), given.out)
    print_line(f"{given.out}: its logits differ by at most {difference:.1g} from those of the network")
