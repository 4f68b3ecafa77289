"""Jobs as files and orders: what each was meant to be, whether it was taken, what it says of itself, and who goes on.

Owns the folders of jobs and what follows from them.  Knows nothing of rules and plans: all this runs inside jobs too.
"""
