"""How all tests run: the profiles of hypothesis."""

import os

from hypothesis import HealthCheck, settings

# no deadline: time on a shared machine says nothing about the code
settings.register_profile("default", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", settings.get_profile("default"), derandomize=True, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "default")
