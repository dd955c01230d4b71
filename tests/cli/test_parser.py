from __future__ import annotations

import pytest

from entreg.cli.parser import CommandParser
from entreg.errors import ConfigError


@pytest.mark.parametrize("words", [[], ["--count", "many"], ["--count", "1", "--other"]])
def test_wrong_usage_is_a_config_error_that_names_the_help(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    parser = CommandParser(prog="entreg thing")
    parser.add_argument("--count", type=int, required=True)
    with pytest.raises(ConfigError, match="see entreg thing --help") as caught:
        parser.parse_args(words)
    assert "\n" not in str(caught.value)
    assert capsys.readouterr() == ("", "")


def test_right_usage_is_parsed() -> None:
    parser = CommandParser(prog="entreg thing")
    parser.add_argument("--count", type=int)
    assert parser.parse_args(["--count", "3"]).count == 3
