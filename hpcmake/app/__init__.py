"""The verbs of the command line, wired from parser, planner, runners, journal and reporter.

Owns what each verb does with the parts.  Knows nothing of how arguments are written.
"""
