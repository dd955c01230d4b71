"""entreg: a PyTorch Lightning research template for entropy-regularised classification losses."""

from entreg.version import __version__

__all__ = ["__version__"]
