"""Association rules between two products (Agrawal, Imielinski and Swami 1993), from counts of orders alone."""

from __future__ import annotations


def support(together: int, total: int) -> float:
    """The share of all orders that hold both products: how common the pair is."""
    return together / total if total else 0.0


def confidence(together: int, first: int) -> float:
    """Of the orders with the first product, the share that also hold the second."""
    return together / first if first else 0.0


def lift(together: int, first: int, second: int, total: int) -> float:
    """How many times as often the two are bought together as chance alone would have it; 1 is chance."""
    return together * total / (first * second) if first and second else 0.0
