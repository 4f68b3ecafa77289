"""The queue of an emulated machine: jobs that wait for nodes, run, and end at their time.

Owns nothing itself; what is where:

    nouns.py    what a command asks, what it is answered, a job, and what is to be done in the real world
    core.py     `Queue`: jobs, nodes and time as a pure state machine, whose clock is given
    dialect.py  `Dialect`: what one kind of scheduler adds (commands, states, rules), and which kinds there are
    serve.py    `Server`: the queue in the real world; its socket is in letters.py, the start of scripts in scripts.py
    upsets.py   what goes wrong with it, as it was ordered
    cobalt*.py  the dialect of Cobalt: its rules, and a module for each kind of command
    pbs*.py     the dialect of PBS, likewise

Times in here are seconds of the scheduler's clock, which begins at the real time and may run faster, with the
walltimes of jobs; what the scheduler itself takes its time for may be faster still.  Knows nothing of Wfiles, plans and
runners.
"""
