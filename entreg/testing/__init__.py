"""What a loss has to do, as a suite that every registered loss passes and that is one line for a user's own."""

from entreg.testing.check import check_loss

__all__ = ["check_loss"]
