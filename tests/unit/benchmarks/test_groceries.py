"""The comparison with the library must be able to fail."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from benchmarks.groceries import PairRule, differences, library_rules, read_baskets

BASKETS = [["milk", "bread"], ["milk", "bread", "butter"], ["milk"], ["butter"]]


def test_the_library_counts_every_pair_that_occurs_both_ways() -> None:
    rules = library_rules(BASKETS)
    assert len(rules) == 6
    assert rules["milk", "bread"] == PairRule(2, 0.5, 2 / 3, (2 / 3) / 0.5)
    assert rules["bread", "milk"].confidence == 1


def test_equal_rules_have_no_differences() -> None:
    assert differences(library_rules(BASKETS), library_rules(BASKETS)) == []


def test_a_missing_an_added_and_a_changed_rule_are_told() -> None:
    theirs = library_rules(BASKETS)
    ours = dict(theirs)
    del ours["milk", "bread"]
    ours["milk", "tea"] = PairRule(1, 0.25, 0.25, 1.0)
    ours["bread", "milk"] = replace(ours["bread", "milk"], lift=1.34)
    assert [line.split(":")[0] for line in differences(ours, theirs)] == [
        "('bread', 'milk')",
        "only the engine has ('milk', 'tea')",
        "only the library has ('milk', 'bread')",
    ]


def test_one_order_more_is_a_difference() -> None:
    theirs = library_rules(BASKETS)
    ours = {**theirs, ("milk", "bread"): replace(theirs["milk", "bread"], together=3)}
    assert len(differences(ours, theirs)) == 1


def test_baskets_are_read_with_each_thing_once(tmp_path: Path) -> None:
    file = tmp_path / "baskets"
    file.write_text("milk,bread\n\nmilk, milk ,tea\n")
    assert read_baskets(file) == [["milk", "bread"], ["milk", "tea"]]
