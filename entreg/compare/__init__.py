"""From finished runs to honest statistics.

Runs of one arm are its seeds. Two arms are compared pair by pair of seeds, with intervals that hold for few seeds,
corrected for the number of arms, and with a verdict in words. The functions take plain arrays, so they serve any other
collection of results as well. Needs no trainer and no GPU.
"""
