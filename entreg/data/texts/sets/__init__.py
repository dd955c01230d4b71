"""Published sets of texts."""
