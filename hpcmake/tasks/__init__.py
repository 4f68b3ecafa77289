"""Tasks as rows: the values that planning, the engine and a job share.

Owns files and tasks as numbers, their states and stamps, and what is said of them.  Knows nothing of rules, patterns
and expressions, so that a job can run its batch without a planner.
"""
