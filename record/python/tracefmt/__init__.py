"""Record this very program with trec: CPU, memory and stacks, native and Python.

    import tracefmt

    tracefmt.start(output="trace-{time}-{pid}.cbor.zst")
    ...
    tracefmt.stop()

The recorder is a process of its own (the program `trec`), which reads this one from outside: nothing
is installed into the interpreter. Recording stops with stop(), or when this process ends, however
it ends. What trec says goes to stderr.
"""

from tracefmt._recorder import (
    Error,
    Recording,
    current,
    dump,
    dump_on_signal,
    ensure_started,
    rotate,
    start,
    stop,
)

__all__ = [
    "Error",
    "Recording",
    "current",
    "dump",
    "dump_on_signal",
    "ensure_started",
    "rotate",
    "start",
    "stop",
]
__version__ = "0.1.0"
