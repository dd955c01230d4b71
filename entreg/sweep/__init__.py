"""Sweeps: one study of many runs, worked through by any number of processes on any number of machines."""

from entreg.sweep.config import Range, Sweep

__all__ = ["Range", "Sweep"]
