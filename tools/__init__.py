"""Makers and runners of the course: each is run by `python -m tools.NAME` from the folder of the course."""

import sys

# A console may have no place for a sign that is printed, such as cp1252 for an arrow: "?" is shown for it.
if hasattr(sys.stdout, "reconfigure"):
    sys.stdout.reconfigure(errors="replace")
