r"""Text that comes from data, as what it goes to has to be given it: names of classes, runs, files, values of configs.

Everywhere a control character, or what is no Unicode of a file's name, is written as Python writes it: ``\x1b``.
"""

from __future__ import annotations

import html
import json
import re
import unicodedata
from collections.abc import Iterable

_UNSEEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}  # control, format, surrogates, ends of lines and paragraphs
_LONGEST = 40  # characters of a value in a message
_JOINERS = "\u200c\u200d"  # which some scripts and emoji need
_MARKDOWN = re.compile(r"[\\`*\[\]<>|~$]|&(?=#?\w+;)|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])")
_LATEX = str.maketrans(
    {character: f"\\{character}" for character in "%_&#{}$"}
    | {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "±": r"$\pm$"}
    | {"<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}"}
)
_NUMBERS = re.compile(r"[-+]?|[-+]?[\d.]+(e[-+]?\d+)?( to [-+]?[\d.]+)?")


def shown(text: str) -> str:
    r"""Return a text that a terminal or a line of a file shows as it is, and obeys in nothing.

    Example:
        >>> shown("a\x1b[31m\n\udcff")
        'a\\x1b[31m\\n\\udcff'
        >>> shown("Größe 字")
        'Größe 字'
    """
    if text.isprintable():
        return text
    return "".join(_escaped(character) if _is_unseen(character) else character for character in text)


def decimals(value: float, digits: int, sign: str = "") -> str:
    """Return a number with fixed decimals; from 100,000 on, as of a run that diverged, with three digits.

    Example:
        >>> decimals(0.1234, 3), decimals(23259537.2, 3, "+")
        ('0.123', '+2.33e+07')
    """
    return f"{value:{sign}.{digits}f}" if abs(value) < 1e5 else f"{value:{sign}.3g}"


def enumerated(things: Iterable[object]) -> str:
    """Return things as they are named one after the other, ``and`` before the last.

    Example:
        >>> enumerated([1, 2, 3]), enumerated(["one"])
        ('1, 2 and 3', 'one')
    """
    *others, last = map(str, things)
    return f"{', '.join(others)} and {last}" if others else last


def shortened(value: object) -> str:
    """Return a value of a config as JSON, the first 40 characters of it.

    Example:
        >>> shortened({"a": [1, None]})
        '{"a": [1, null]}'
    """
    text = json.dumps(value, default=str)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


def for_html(text: str) -> str:
    """Return the content of an element, or of an attribute in quotes.

    Example:
        >>> for_html('<b title="x">')
        '&lt;b title=&quot;x&quot;&gt;'
    """
    return html.escape(shown(text))


def for_markdown(text: str) -> str:
    r"""Return a line, or a cell of a table, without emphasis, links, code, formulas or HTML of its own.

    Example:
        >>> for_markdown("[a|b](c) mix_ent _x_")
        '\\[a\\|b\\](c) mix_ent \\_x\\_'
    """
    return _MARKDOWN.sub(r"\\\g<0>", shown(text))


def for_latex(text: str) -> str:
    r"""Return text for LaTeX, outside of formulas.

    Example:
        >>> for_latex("5 % ± $x_1$")
        '5 \\% $\\pm$ \\$x\\_1\\$'
    """
    return shown(text).translate(_LATEX)


def for_csv(text: str) -> str:
    """Return a cell that a spreadsheet takes for text where it is no number: a formula is begun with a quote.

    Example:
        >>> [for_csv(cell) for cell in ("=1+1", "@x", "-1", "-", "-0.2 to +0.3", "-2+3|x")]
        ["'=1+1", "'@x", '-1', '-', '-0.2 to +0.3', "'-2+3|x"]
    """
    cell = shown(text)
    return f"'{cell}" if cell.startswith(("=", "+", "-", "@")) and not _NUMBERS.fullmatch(cell) else cell


def for_name(text: str) -> str:
    """Return the name of one file or folder, which leads nowhere else, is not hidden, and is no option.

    Example:
        >>> [for_name(text) for text in ("a b/c", "--../x", "..")]
        ['a_b_c', '_x', '']
    """
    return re.sub(r"[^A-Za-z0-9_.-]+", "_", text).lstrip("-.")


def for_matplotlib(text: str) -> str:
    r"""Return a label without formulas; line ends stay, and one that begins with ``_`` is not left out of a legend.

    Example:
        >>> for_matplotlib("$x$"), for_matplotlib("_x")
        ('\\$x\\$', ' _x')
    """
    lines = "\n".join(shown(line) for line in text.split("\n")).replace("$", r"\$")
    return f" {lines}" if lines.startswith("_") else lines


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode()


def _is_unseen(character: str) -> bool:
    return unicodedata.category(character) in _UNSEEN and character not in _JOINERS
