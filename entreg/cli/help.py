"""The help of a Trainer's commands: our options first, and those of the data set, network and loss that are named."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Sequence

from jsonargparse import ArgumentParser, Namespace
from typing_extensions import override

from entreg.cli.class_page import KINDS, class_page
from entreg.cli.options import values
from entreg.cli.page import Page

_HELP = {"-h", "--help", "--help-all"}
# What stands for what the command line leaves open, so that it can be read: each data set has the options of the first.
_STAND_INS = ("--data=entreg.data.ImageDataModule", "--data.root=DIR", "--model.loss=entreg.losses.MixEntLoss")
_TITLES = {
    "config": "The run",
    "trainer": "The trainer (Lightning's; all of its options: --help-all)",
    "model": "The classifier (options of the classes named: below)",
    "data": "The data (options of the data set: below)",
    "metrics": "Metrics",
    "observe": "What is logged in training",
    "checkpoint": "Checkpoints",
    "ckpt_path": "Other checkpoints",
}
# What our users have to know of options that are Lightning's and jsonargparse's.
_WORDS = {
    "fit": "Train a classifier, then evaluate the checkpoint that validation has chosen.",
    "validate": "Evaluate the best checkpoint of a run on validation.",
    "test": "Evaluate the best checkpoint of a run on test, and on the sets that --data.ood and the like name.",
    "help": "Show this page, with the options of the classes that other options name.",
    "config": "YAML file with options; may be repeated: what comes last wins.",
    "seed_everything": "Seed of everything random.",
    "ckpt_path": "Checkpoint to evaluate without writing anything; default: the one chosen on validation.",
    "trainer.max_epochs": "Number of epochs.",
    "trainer.accelerator": "Where it computes: cpu, gpu, or auto for what there is.",
    "trainer.devices": "Number of devices; auto: all, or those of torchrun or srun.",
    "trainer.precision": "32-true, bf16-mixed, 16-mixed, ...; default: bf16-mixed where the hardware has it.",
    "trainer.logger": "Class of a logger besides metrics.csv, or false; default: none.",
    "trainer.callbacks": "Class of a callback; --trainer.callbacks+ adds another one.",
    "trainer.fast_dev_run": "Whether to try a step of everything, and write nothing.",
    "model.net": "Network: VGG5, SpinalVGG5, LeNet, MLP, WideResNet, Timm, or a class of yours (my_file.MyNet).",
    "model.loss": "Loss: a name that entreg losses lists, or a class of yours (my_file.MyLoss).",
    "data": "Data set: a name that entreg data list shows, ImageFolder, or a class of yours (my_file.MyData).",
}
_MORE = (
    "Of one class: entreg fit --model.loss.help mix_ent; likewise --data.help, --model.net.help, --model.schedule.help "
    "and --model.optimizer.help. A group of options (--data, --model, --trainer, ...) takes a YAML file, too."
)


def asks_for_help(words: Sequence[str]) -> bool:
    """Whether a command line asks for help, with all or with a class."""
    return any(word in _HELP or _class_asked_for(word) for word in words)


def page_of(command: str, parser: ArgumentParser, parse: Callable[[list[str]], Namespace], words: Sequence[str]) -> str:
    """Return the page that a command line asks for.

    Args:
        command: ``fit``, ``validate`` or ``test``.
        parser: of the command.
        parse: parses options of the command.
        words: that follow it.
    """
    asked_for = [key for key in KINDS if values(words, f"--{key}.help")]
    named = [word.replace(".help", "", 1) if _class_asked_for(word) else word for word in words]
    config = parse([*_STAND_INS, *(word for word in named if word not in _HELP)])
    pages = []
    if not asked_for:
        everything = "--help-all" in words
        pages = [_general_page(command, parser, everything)]
        asked_for = [key for key in KINDS if everything or command == "fit" or key == "data"]
    chosen = {key: config[key].class_path for key in asked_for if isinstance(config[key], Namespace)}
    return "\n".join([*pages, *(class_page(type(parser), key, chosen[key]) for key in chosen)])


def _class_asked_for(word: str) -> bool:
    return word.partition("=")[0] in {f"--{key}.help" for key in KINDS}


def _general_page(command: str, parser: ArgumentParser, everything: bool) -> str:
    parser.usage = f"entreg {command} {'--config FILE' if command == 'fit' else '--run RUN'} [OPTIONS]"
    parser.description = _WORDS[command]
    parser.epilog = _MORE
    parser.formatter_class = _FullPage if everything else _FitPage if command == "fit" else _EvaluationPage
    return parser.format_help()


class _FullPage(Page):
    """All options of a command of a Trainer."""

    @override
    def words_for(self, action: argparse.Action) -> str | None:
        return _WORDS.get(action.dest, super().words_for(action))

    @override
    def add_arguments(self, actions: Iterable[argparse.Action]) -> None:
        actions = list(actions)
        groups = [action.dest.partition(".")[0] for action in actions if action.dest != "help"]
        self.heading = _TITLES.get(next(iter(groups), ""), self.heading)
        super().add_arguments(actions)


class _FitPage(_FullPage):
    """Those that people use."""

    hidden: tuple[str, ...] = ("weights_only", "ckpt_path", "model.num_classes", "model.in_channels")

    @override
    def words_for(self, action: argparse.Action) -> str | None:
        group = action.dest.partition(".")[0]
        foreign = group == "trainer" and action.dest not in _WORDS
        return None if foreign or {group, action.dest} & set(self.hidden) else super().words_for(action)


class _EvaluationPage(_FitPage):
    """Those that an evaluation has a use for."""

    hidden = (
        *("weights_only", "verbose", "evaluate", "seed_everything", "name", "runs", "id", "model", "observe"),
        *("checkpoint", "trainer.max_epochs", "trainer.logger", "trainer.callbacks"),
    )
