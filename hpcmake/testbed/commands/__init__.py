"""The commands of an emulated machine: standard library only, started as `PYTHON -I -S __main__.py STATE COMMAND …`.

Owns what each command takes, prints and starts.  Knows nothing of hpcmake: all that they need lies in the folder STATE.
"""
