"""What a product learns from a day that is over: the demand by every method, and which of them is believed."""

from __future__ import annotations

from datetime import date, timedelta
from math import ceil

from actors.stock.demand import CROSTON_ALPHA, Croston, ExponentialDemand, demand_pattern, is_intermittent
from actors.stock.facts import Facts
from actors.stock.forecast import Forecaster
from actors.stock.parameters import Policy

RECENT_ALPHA = 0.1


def learn_day(product: Facts, yesterday: date, quantity: float | None, policy: Policy) -> None:
    """``quantity`` was asked for yesterday; None when there was no stock to sell, so that nobody knows."""
    recent = ExponentialDemand(
        RECENT_ALPHA, product.recent_mean or 0.0, product.recent_variance, product.recent_mean is not None
    )
    croston = Croston(CROSTON_ALPHA, product.croston_size, product.croston_interval, product.croston_gap)
    if quantity is not None:
        croston.add(quantity)
        product.croston_size, product.croston_interval = croston.size, croston.interval
        product.croston_gap = croston.gap
        recent.add(max(quantity, 0.0))
        product.recent_mean, product.recent_variance = recent.mean, recent.variance
    forecaster = product.forecaster = product.forecaster or Forecaster()
    today, lead_days = yesterday + timedelta(days=1), max(1, ceil(policy.lead_time))
    # The window has begun the day that is only beginning.
    days = product.measured_days(today) - 1
    mean = max(product.window_quantity / max(days, 1), 0.0)
    if forecaster.close(yesterday, quantity):
        forecaster.begin_week(yesterday, (mean, recent.mean, croston.corrected_forecast))
    product.pattern = demand_pattern(
        days, product.window_demand_days, product.window_quantity, product.window_squares
    )
    intermittent = is_intermittent(days, product.window_demand_days)
    method = product.method = forecaster.choose("croston" if intermittent else "mean")
    match method:
        case "mean":
            product.forecast = None
        case "recent":
            product.forecast = recent.mean
        case "croston":
            product.forecast = croston.corrected_forecast
        case "tsb":
            product.forecast = forecaster.tsb.forecast
        case "seasonal":
            product.forecast = forecaster.seasonal(today, lead_days)
    weekly = forecaster.season.weekly()
    product.weekly_variation = sum((factor - 1.0) ** 2 for factor in weekly) / 7.0
    rest = [weekly[(today.weekday() + place) % 7] for place in range(lead_days % 7)]
    product.lift = (lead_days - len(rest) + sum(rest)) / lead_days
