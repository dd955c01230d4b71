"""Statistics of comparisons: arrays in, numbers out."""
