"""entreg: a PyTorch Lightning research template for entropy-regularised classification losses."""

__version__ = "0.1.0"
