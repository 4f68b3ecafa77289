"""A real Slurm on this machine, and campaigns that run on it."""
