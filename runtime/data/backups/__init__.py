"""Copies of an installation: dumps with their manifest, restoring them, and one store taken from here to there."""
