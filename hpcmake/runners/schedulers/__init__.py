"""Cobalt, PBS and Slurm, each as functions that write its commands and read its answers.

Owns nothing but its modules: `scheduler` says what each offers and finds one, `jobs` has their nouns.  Knows nothing of
who calls these commands: no process is started here.
"""
