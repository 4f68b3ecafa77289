"""What is to be done: pure functions from syntax to rules, and from rules, records and stamps to a plan.

Owns the meaning of a Wfile.  Knows nothing of processes, clocks and terminals; the disk is given to it.
"""
