"""Everything that only a GPU can show; see :mod:`tests.benchmarks.gpu.__main__`."""

import sys

# Images of containers often forbid Python to write bytecode. Then every process that is started compiles all packages
# anew, for ten seconds: those of the benchmark find what this one wrote.
sys.dont_write_bytecode = False
