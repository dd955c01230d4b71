"""A help page: the same on every terminal and Python, without markup and without the names of Python's types."""

from __future__ import annotations

import argparse
import re
import textwrap
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from typing_extensions import override

_WIDTH = 120
_INDENT = 34
_LONGEST = 8  # name of a value
_COMMANDS = (  # of LaTeX, in the order in which they are read
    (r"\\(?:mathrm|mathbf|text|operatorname|widetilde|hat|bar)\{([^{}]*)\}", r"\1"),
    (r"\\tilde\s*\{?(\w)\}?", r"\1~"),
    (r"\\(?:hat|bar)\s*(\w)", r"\1"),
    (r"\\[td]?frac\{([^{}]*)\}\{([^{}]*)\}", r"(\1)/(\2) "),
    (r"\\[td]?frac\s*(\w)\s*(\w)", r"\1/\2"),
    (r"\\sqrt\{([^{}]*)\}", r"sqrt(\1)"),
    (r"\\(?:left|right)(?![a-z])", ""),
    (r"\\[lr]vert(?![a-z])", "|"),
    (r"\\ge(?:q)?(?![a-z])", ">="),
    (r"\\le(?:q)?(?![a-z])", "<="),
    (r"\\(?:cdot|times)(?![a-z])", "*"),
    (r"\\to(?![a-z])", "->"),
    (r"\\bmod(?![a-z])", "mod"),
    (r"\\\|", "||"),
    (r"\\[,;:!]|\\q?quad(?![a-z])|\\ ", " "),
    (r"([_^])\{(\w+)\}", r"\1\2"),
    (r"([_^])\{([^{}]*)\}", r"\1(\2)"),
    (r"\\[{}]", ""),
    (r"\\", ""),
)
_WORD = re.compile("[a-z]+(-[a-z]+)*,?")
_WORDS = {"help": "Show this page.", "print_config": "Print the config that all of this makes, and leave."}
# An option that is hidden, and what jsonargparse adds for each group of options.
_UNTOLD = (argparse.SUPPRESS, "Path to a configuration file.")
_MATH = re.compile(r":math:`([^`]+)`")
_FORMULA = re.compile(r"^( *)\.\. math:: *((?:.*\n?)(?:(?:\1 +.*)?\n)*)", re.MULTILINE)
_ROLE = re.compile(r":[a-z:]+:`~?(?:[\w.]*\.)?([^`]+)`")
_LINK = re.compile(r"`+([^`<]+?)\s*<([^>`]+)>`+_+")
_DEFAULT = re.compile(r"\s*Default: .*$", re.DOTALL)


class Page(argparse.HelpFormatter):
    """Formatter of an ``argparse`` parser: usage, then the options in groups, each with a sentence and its default."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog)
        self.prog = prog
        self.lines: list[str] = []
        self.heading: str | None = None

    def words_for(self, action: argparse.Action) -> str | None:
        """Return what is said of an option; ``None``: it is not shown."""
        is_link = not all(name.startswith("-") for name in action.option_strings)
        unsaid = action.help in _UNTOLD or is_link or action.dest.endswith(".help")
        return None if unsaid else _WORDS.get(action.dest, action.help or "")

    @override
    def add_usage(
        self,
        usage: str | None,
        actions: Iterable[argparse.Action],
        groups: Iterable[Any],
        prefix: str | None = None,
    ) -> None:
        if usage == argparse.SUPPRESS:
            return
        named = [action for action in actions if action.option_strings]
        required = [_invocation(action) for action in named if action.required]
        places = [_invocation(action) for action in actions if not action.option_strings]
        self.lines += [f"usage: {usage or ' '.join([self.prog, *places, *required, '[OPTIONS]'])}"]

    @override
    def start_section(self, heading: str | None) -> None:
        self.heading = "arguments" if heading == "positional arguments" else heading

    @override
    def end_section(self) -> None:
        self.heading = None

    @override
    def add_text(self, text: str | None) -> None:
        if text and text != argparse.SUPPRESS:
            self.lines += ["", *(line for part in text.splitlines() for line in _wrapped(plain(part), ""))]

    @override
    def add_arguments(self, actions: Iterable[argparse.Action]) -> None:
        entries = [line for action in actions for line in self._entry(action)]
        if entries:
            self.lines += ["", *_wrapped(f"{_capital(plain(self.heading or ''))}:", ""), *entries]

    @override
    def format_help(self) -> str:
        return "\n".join(self.lines).strip("\n") + "\n"

    def _entry(self, action: argparse.Action) -> Iterator[str]:
        if isinstance(action.choices, Mapping):  # commands of a command
            for name, parser in action.choices.items():
                yield from _columns(name, _sentence(parser.description or ""))
        elif (words := self.words_for(action)) is not None:
            yield from _columns(_invocation(action), f"{_sentence(words)}{_choices(action)}{_default(action, words)}")


def plain(text: str) -> str:
    r"""Return a docstring's text without markup.

    Example:
        >>> plain("chooses ``best.ckpt``, see\n:class:`~entreg.data.Warp`.")
        'chooses best.ckpt, see Warp.'
    """
    return " ".join(without_markup(text).split())


def without_markup(text: str) -> str:
    r"""Return a docstring's text without markup, line by line as it is.

    Example:
        >>> without_markup(r"``eps``: of :math:`\tilde q`, see :class:`entreg.losses.Term`; :math:`KL(p \| q) \ge 0`")
        'eps: of q~, see Term; KL(p || q) >= 0'
    """
    text = _FORMULA.sub(lambda found: f"{found[1]}{_of_latex(found[2])}", text)
    text = _MATH.sub(lambda found: _of_latex(found[1]), text)
    return _LINK.sub(r"\1 (\2)", _ROLE.sub(r"\1", text)).replace("`", "")


def _of_latex(formula: str) -> str:
    for _ in range(2):  # a fraction may stand in a root
        for command, written in _COMMANDS[:-1]:
            formula = re.sub(command, written, formula)
    return re.sub(*_COMMANDS[-1], formula)


def _sentence(words: str) -> str:
    said = plain(_DEFAULT.sub("", words))
    said = said if words.startswith("`") else _capital(said)  # a value is written as it is
    return said if said.endswith(".") or not said else f"{said}."


def _capital(said: str) -> str:
    first, space, rest = said.partition(" ")
    return f"{first.capitalize() if _WORD.fullmatch(first) else first}{space}{rest}"


def _invocation(action: argparse.Action) -> str:
    names = [name for name in action.option_strings if not name.endswith("+")]  # --data.ood+ adds to a list
    return f"{', '.join(names)} {_value(action)}".strip()


def _value(action: argparse.Action) -> str:
    if action.nargs == 0:
        return ""
    metavar = action.metavar if isinstance(action.metavar, str) else ""
    name = action.dest.rpartition(".")[2].upper()
    name = name if len(name) <= _LONGEST else "VALUE"
    if metavar.startswith("[ITEM"):
        name = f"[{name},...]"
    elif "true,false" in metavar:
        name = "BOOL"
    elif metavar and not set(metavar) & set(" [{"):
        name = metavar
    return {"?": f"[{name}]", "*": f"[{name} ...]", "+": f"{name} [{name} ...]"}.get(str(action.nargs), name)


def _choices(action: argparse.Action) -> str:
    """Say what an option may be; jsonargparse has it in the name of the value."""
    metavar = action.metavar if isinstance(action.metavar, str) else ""
    listed = metavar.strip("{}").split(",") if metavar.startswith("{") else action.choices or ()
    return "" if "true" in listed or not listed else f" One of {', '.join(map(str, listed))}."


def _default(action: argparse.Action, words: str) -> str:
    if action.required and action.option_strings:
        return " (required)"
    unsaid = action.default is None or action.default == argparse.SUPPRESS or action.nargs == 0
    return "" if unsaid or "default:" in words else default_words(action.default)


def default_words(value: Any) -> str:
    """Return what is said of a default, as a user would write it, to follow a sentence.

    Example:
        >>> default_words({"class_path": "torch.optim.AdamW", "init_args": {"lr": 0.002}})
        ' (default: AdamW, lr 0.002)'
        >>> [default_words(value) for value in (True, ("noise",), (), 0.5)]
        [' (default: true)', ' (default: [noise])', ' (default: none)', ' (default: 0.5)']
    """
    return f" (default: {_shown(value)})"


def _shown(value: Any) -> str:
    if isinstance(value, argparse.Namespace):
        value = vars(value)
    if isinstance(value, bool) or value is None:
        return "null" if value is None else str(value).lower()
    if isinstance(value, Mapping) and "class_path" in value:
        name = value["class_path"].rpartition(".")[2]
        return ", ".join([name, *(f"{key} {_shown(part)}" for key, part in value.get("init_args", {}).items())])
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_shown(part)}" for key, part in value.items()) or "none"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_shown, value))}]" if value else "none"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _columns(option: str, words: str) -> list[str]:
    lines = _wrapped(words, " " * _INDENT)
    if len(option) + 4 > _INDENT or not lines:
        return [f"  {option}", *lines]
    return [f"  {option}".ljust(_INDENT) + lines[0][_INDENT:], *lines[1:]]


def _wrapped(text: str, indent: str) -> list[str]:
    return textwrap.wrap(
        text, _WIDTH, initial_indent=indent, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )
