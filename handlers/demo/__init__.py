"""A demonstration store: a catalogue, customers and months of business, the same for the same seed."""

from handlers.demo.load import DEFAULT_SEED, Progress, Summary, load

__all__ = ["DEFAULT_SEED", "Progress", "Summary", "load"]
