"""entreg: a PyTorch Lightning research template for entropy-regularised classification losses."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from entreg.version import __version__

if TYPE_CHECKING:
    from entreg.inference import load

__all__ = ["__version__", "load"]


def __getattr__(name: str) -> Any:
    if name == "load":  # when it is asked for: it brings torch and Lightning
        return import_module("entreg.inference").load
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
