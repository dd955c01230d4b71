"""The image sets that ship."""
