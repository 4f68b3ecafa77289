"""hpcmake, a rule-based make for supercomputers: says what is stale and why, and runs just that.

Owns the version.  Knows nothing of the rest, so that importing a part costs only that part.
"""

__version__ = "0.1.0"
