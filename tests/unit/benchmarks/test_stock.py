"""The simulation of benchmarks.stock in small: the engine serves more than the rule of thumb from no more stock."""

from __future__ import annotations

from benchmarks.stock import at_equal_stock, service, simulate, stock_value
from benchmarks.stock_policies import Engine, RuleOfThumb
from benchmarks.stock_traces import CLASSES, make_traces

TRACES = make_traces(40, 182, seed=5)


def test_the_engine_serves_more_than_the_rule_of_thumb_from_no_more_stock() -> None:
    rule = simulate(TRACES, RuleOfThumb(TRACES, 1.2), warm_up=60)
    _, advice = at_equal_stock(TRACES, stock_value(TRACES, rule), warm_up=60, tries=4)
    assert stock_value(TRACES, advice) <= stock_value(TRACES, rule)
    assert service(advice) > service(rule) + 0.02


def test_a_higher_service_level_serves_more_from_more_stock() -> None:
    outcomes = [simulate(TRACES, Engine(TRACES, level), warm_up=60) for level in (0.6, 0.95)]
    served = [service(outcome) for outcome in outcomes]
    values = [stock_value(TRACES, outcome) for outcome in outcomes]
    assert served == sorted(served)
    assert values == sorted(values)


def test_demand_and_lead_times_are_the_same_for_everybody() -> None:
    assert make_traces(8, 60) == make_traces(8, 60)
    assert make_traces(8, 60) != make_traces(8, 60, seed=2)
    assert make_traces(4, 60) == make_traces(8, 60)[:4]
    assert [trace.demand_class for trace in TRACES[:4]] == list(CLASSES)
    assert all(sum(trace.demand) > 0 and min(trace.lead_times) >= 1 for trace in TRACES)
