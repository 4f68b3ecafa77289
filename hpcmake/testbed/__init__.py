"""Emulated machines: the commands of a site over local processes, in a job that is held for one command.

Owns how a site is turned into such a machine.  Knows nothing of Wfiles, plans and runners.
"""
