"""Makers and runners of the course: each is run by `python -m tools.NAME` from the folder of the course."""
