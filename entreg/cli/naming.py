"""What a run is called whose name nobody gives: its data, network and loss."""

from __future__ import annotations

import re

from jsonargparse import Namespace

from entreg import data, losses

_WORDS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


def title_of(config: Namespace) -> str:
    """Return the data, network and loss of a config in a few letters: what its seeds share.

    Names of the registries, else of classes: those of data and networks in lower case, those of losses in snake case
    without the word loss; a network that is itself chosen by a name, as timm's are, goes by that.

    Example:
        >>> model = {"loss": Namespace(class_path="my_losses.TaylorLoss"), "net": "entreg.models.VGG5"}
        >>> emnist = Namespace(class_path="entreg.data.EMNIST", init_args=Namespace(split="letters"))
        >>> title_of(Namespace(data=emnist, model=Namespace(model)))
        'letters-vgg5-taylor'
    """
    data_args = config.data.get("init_args") or Namespace()
    parts = (
        data.name_of(config.data.class_path, data_args.as_dict()).lower(),
        _net(config.model.net).lower(),
        _WORDS.sub("_", losses.name_of(config.model.loss.class_path)).lower().removesuffix("_loss"),
    )
    return "-".join(parts)


def default_name(config: Namespace) -> str:
    """Return the name of a run that is given none, ``letters-vgg5-mix_ent-s0``: its title and its seed."""
    return f"{title_of(config)}-s{config.seed_everything}"


def _net(net: Namespace | str) -> str:
    if isinstance(net, str):
        return net.rpartition(".")[2]
    return str((net.get("init_args") or {}).get("name") or net.class_path.rpartition(".")[2])
