"""When the demo store is open and how busy it is: Saturdays strong, Sundays closed, more after pay-day."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

SALES_A_DAY = 31.0

_OPENS, _CLOSES, _CLOSES_SATURDAY = time(7, 30), time(18, 0), time(13, 30)
_SATURDAY, _SUNDAY = 5, 6
_WEEKDAY = (1.0, 0.9, 0.9, 0.95, 1.1, 1.45, 0.0)
_BUSY_HOURS = ((8, 5), (9, 8), (10, 8), (11, 6), (12, 2), (13, 4), (14, 5), (15, 6), (16, 6), (17, 4))


def is_open(day: date) -> bool:
    """Whether the store sells on this day."""
    return day.weekday() != _SUNDAY


def busyness(day: date) -> float:
    """How many sales the day has, relative to a mean day; 0 when closed."""
    month = 1.3 if 5 <= day.day <= 11 else 1.1 if day.day < 5 or day.day in (15, 16, 20) else 0.88
    return _WEEKDAY[day.weekday()] * month


def moment_of_sale(dice: random.Random, day: date, zone: ZoneInfo) -> datetime:
    """A moment of the opening hours, more often in the busy ones; UTC."""
    closes = closing(day)
    hours = [(hour, weight) for hour, weight in _BUSY_HOURS if hour < closes.hour]
    hour = dice.choices([hour for hour, _ in hours], [weight for _, weight in hours])[0]
    return at(day, time(hour, dice.randrange(60), dice.randrange(60)), zone)


def closing(day: date) -> time:
    """When the store closes on an open day."""
    return _CLOSES_SATURDAY if day.weekday() == _SATURDAY else _CLOSES


def at(day: date, moment: time, zone: ZoneInfo) -> datetime:
    """A local time of a day, as UTC."""
    return datetime.combine(day, moment, zone).astimezone(UTC)


def when_open(moment: datetime, zone: ZoneInfo) -> datetime:
    """``moment`` itself when the store is open, else shortly after it next opens; UTC."""
    local = moment.astimezone(zone)
    day = local.date()
    if is_open(day) and local.time() < closing(day):
        return max(moment, at(day, _OPENS, zone))
    day += timedelta(days=1)
    while not is_open(day):
        day += timedelta(days=1)
    # The minute of the hour is kept, so that what waited for the opening does not all happen in one instant.
    return at(day, _OPENS, zone) + timedelta(minutes=local.minute, seconds=local.second)
