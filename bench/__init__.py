"""Measurements of the engine: exact counts, and ratios of runs that alternate on one server."""
