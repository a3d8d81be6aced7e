"""Where deliveries go and how far that is: by coordinates, else by what their CEP tells.

A CEP is read from the left: equal first digits lie near each other (region, sub-region, sector, sub-sector, ...).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import asin, cos, radians, sin, sqrt

from handlers.deliveries.models import PlacedBy

ROAD_FACTOR = 1.3
"""Roads are longer than the line between two places; a usual value for Brazilian towns."""

_EARTH_RADIUS_M = 6_371_000.0
_PREFIXES = (8, 5, 3)

# Length of the common beginning of two CEPs -> metres between them, on the road.
_BY_COMMON_DIGITS = ((8, 300), (5, 1_500), (4, 4_000), (3, 8_000), (2, 20_000), (0, 40_000))
_UNKNOWN_M = 20_000


@dataclass(frozen=True, slots=True)
class Place:
    """A point, or only a CEP, or neither; ``by`` says which of them it was placed with."""

    latitude: float | None
    longitude: float | None
    postal_code: str | None
    by: PlacedBy


References = Mapping[str, tuple[float, float]]
"""Beginning of a CEP (8, 5 or 3 digits) -> the middle of the store's known places there."""


def place(
    latitude: float | None, longitude: float | None, postal_code: str | None, references: References
) -> Place:
    """The place of an address: its own coordinates, those of known neighbours by CEP, or the CEP's cluster."""
    if latitude is not None and longitude is not None:
        return Place(latitude, longitude, postal_code, "coordinates")
    if postal_code is None:
        return Place(None, None, None, "unknown")
    for length in _PREFIXES:
        if (known := references.get(postal_code[:length])) is not None:
            return Place(*known, postal_code, "postal_code")
    return Place(None, None, postal_code, "cluster")


def middle(places: Sequence[Place]) -> tuple[float, float] | None:
    """The mean of all places with coordinates."""
    points = [(p.latitude, p.longitude) for p in places if p.latitude is not None and p.longitude is not None]
    if not points:
        return None
    return sum(point[0] for point in points) / len(points), sum(point[1] for point in points) / len(points)


def distance_m(one: Place, other: Place) -> int:
    """Metres on the road between two places."""
    if (
        one.latitude is not None
        and one.longitude is not None
        and other.latitude is not None
        and other.longitude is not None
    ):
        line = haversine_m(one.latitude, one.longitude, other.latitude, other.longitude)
        return round(line * ROAD_FACTOR)
    if one.postal_code is None or other.postal_code is None:
        return _UNKNOWN_M
    common = _common_digits(one.postal_code, other.postal_code)
    return next(metres for digits, metres in _BY_COMMON_DIGITS if common >= digits)


def distances(places: Sequence[Place]) -> list[list[int]]:
    """The matrix of all distances; nothing from a place to itself."""
    rows = [[0] * len(places) for _ in places]
    for first, one in enumerate(places):
        for second in range(first + 1, len(places)):
            rows[first][second] = rows[second][first] = distance_m(one, places[second])
    return rows


def haversine_m(latitude: float, longitude: float, other_latitude: float, other_longitude: float) -> float:
    """Metres along the great circle (haversine formula, spherical earth)."""
    up = radians(other_latitude - latitude) / 2
    across = radians(other_longitude - longitude) / 2
    part = sin(up) ** 2 + cos(radians(latitude)) * cos(radians(other_latitude)) * sin(across) ** 2
    return 2 * _EARTH_RADIUS_M * asin(min(1.0, sqrt(part)))


def _common_digits(one: str, other: str) -> int:
    count = 0
    for first, second in zip(one, other, strict=False):
        if first != second:
            break
        count += 1
    return count
