"""Measurements of the package, run by `make bench` and not by the tests."""
