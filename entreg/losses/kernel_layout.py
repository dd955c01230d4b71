"""Where the kernels keep what they find of N samples: one buffer of float32 numbers.

It begins with a column of numbers for each sample, ``(COLUMN, N)``, of which the names below are the rows. The sums of
the first :data:`SUMS` rows over the samples follow, in the order of the rows, then the coefficients of CE, H and RCE.
"""

from __future__ import annotations

import triton.language as tl

AT_LOSS = tl.constexpr(0)
AT_WEIGHT = tl.constexpr(1)
AT_WEIGHTED_CE = tl.constexpr(2)
AT_WEIGHTED_H = tl.constexpr(3)
AT_WEIGHTED_RCE = tl.constexpr(4)
SUMS = tl.constexpr(5)  # the rows so far; what follows is for the gradient
AT_LOGSUMEXP = tl.constexpr(5)
AT_CE = tl.constexpr(6)
AT_H = tl.constexpr(7)
AT_RCE = tl.constexpr(8)
AT_SUM_V = tl.constexpr(9)  # of the target's probabilities times the class weights
COLUMN = tl.constexpr(10)
MOST_TERMS = tl.constexpr(3)  # CE, H and RCE
