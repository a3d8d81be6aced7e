"""Measurements of the running program, each beside the limit of the same machine at the same moment."""
