"""How hard Hypothesis looks: quick by default, ORDERLANE_HYPOTHESIS=thorough for a long look."""

import os

from hypothesis import settings

settings.register_profile("quick", max_examples=60, stateful_step_count=30, deadline=None, print_blob=True)
settings.register_profile("thorough", settings.get_profile("quick"), max_examples=1000, stateful_step_count=60)
settings.load_profile(os.environ.get("ORDERLANE_HYPOTHESIS", "quick"))
