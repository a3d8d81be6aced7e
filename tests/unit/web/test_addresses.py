"""Who a request says it comes from, and which store its host names."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from multidict import CIMultiDict
from pydantic import SecretStr

from runtime.web.limits import Pace, network_of
from runtime.web.problems import locale_of
from runtime.web.tenancy import Hosts, Peers, is_slug


def peers(*networks: str, secret: str = "") -> Peers:
    return Peers(SimpleNamespace(trusted_proxies=networks, edge_secret=SecretStr(secret)))  # type: ignore[arg-type]


def request(remote: str | None, **headers: str):
    return SimpleNamespace(
        remote=remote,
        scheme="http",
        headers=CIMultiDict({name.replace("_", "-"): text for name, text in headers.items()}),
    )


@pytest.mark.parametrize(
    ("host", "slug"),
    [
        ("yard.example.com", "yard"),
        ("YARD.example.com:8443", "yard"),
        ("yard.example.com.", "yard"),
        ("yard.localhost:8000", "yard"),
        ("a.yard.example.com", "a.yard"),
        ("example.com", None),
        ("localhost", None),
        ("10.0.0.1:8000", None),
        ("[::1]:8000", None),
        ("yard.example.com.evil.net", None),
        ("yardexample.com", None),
        ("", None),
        (".example.com", ""),
    ],
)
def test_a_host_names_the_store_of_its_first_label(host: str, slug: str | None) -> None:
    assert Hosts("example.com").slug(host) == slug


@pytest.mark.parametrize("text", ["abc", "a-b-c", "loja-1", "1st", "a" * 40])
def test_a_slug_is_a_plain_word(text: str) -> None:
    assert is_slug(text)


@pytest.mark.parametrize(
    "text", ["ab", "a" * 41, "-ab", "ab-", "a--b", "a.b", "A-b", "a_b", "www", "é-é", "a\n-b", "abc\n"]
)
def test_anything_else_is_no_slug(text: str) -> None:
    assert not is_slug(text)


@pytest.mark.parametrize("remote", ["10.1.2.3", "::ffff:10.1.2.3", "fd00::7"])
def test_a_peer_in_the_networks_is_trusted(remote: str) -> None:
    assert peers("10.0.0.0/8", "fd00::/8").is_trusted(request(remote))


@pytest.mark.parametrize("remote", ["11.1.2.3", "::ffff:11.1.2.3", "fe80::7", "", None, "unix", "10.1.2"])
def test_any_other_peer_is_not(remote: str | None) -> None:
    assert not peers("10.0.0.0/8", "fd00::/8").is_trusted(request(remote))


@pytest.mark.parametrize(
    ("given", "trusted"), [("edge", True), ("edg", False), ("", False), ("edge ", False), ("\udcff", False)]
)
def test_the_edges_secret_is_compared_whole(given: str, trusted: bool) -> None:
    assert peers(secret="edge").is_trusted(request("192.0.2.1", X_Edge_Auth=given)) is trusted


def test_no_secret_is_not_an_empty_secret() -> None:
    assert not peers().is_trusted(request("192.0.2.1", X_Edge_Auth=""))


@pytest.mark.parametrize(
    ("forwarded", "address"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("198.51.100.1, 203.0.113.9", "203.0.113.9"),
        ("203.0.113.9, x", "10.0.0.1"),
        ("", "10.0.0.1"),
        ("2001:db8::1", "2001:db8::1"),
        ("203.0.113.9:1234", "10.0.0.1"),
    ],
)
def test_the_last_hop_that_our_edge_names_is_the_client(forwarded: str, address: str) -> None:
    asked = request("10.0.0.1", X_Forwarded_For=forwarded)
    assert peers("10.0.0.0/8").address(asked) == address
    assert peers("172.16.0.0/12").address(asked) == "10.0.0.1"


@pytest.mark.parametrize(
    ("forwarded", "scheme"),
    [
        ("https", "https"),
        ("HTTPS", "https"),
        ("http, https", "https"),
        ("https, http", "http"),
        ("gopher", "http"),
    ],
)
def test_only_our_edge_says_that_a_client_came_securely(forwarded: str, scheme: str) -> None:
    asked = request("10.0.0.1", X_Forwarded_Proto=forwarded)
    assert peers("10.0.0.0/8").scheme(asked) == scheme
    assert peers("172.16.0.0/12").scheme(asked) == "http"


@pytest.mark.parametrize(
    ("header", "locale"),
    [
        (None, "pt-BR"),
        ("", "pt-BR"),
        ("en", "en"),
        ("EN-us", "en"),
        ("fr, en;q=0.1", "en"),
        ("en;q=0.2, pt;q=0.3", "pt-BR"),
        ("en;q=0", "pt-BR"),
        ("en;q=-1", "pt-BR"),
        ("en;q=nan", "pt-BR"),
        ("*", "pt-BR"),
        (",;q=,", "pt-BR"),
    ],
)
def test_the_language_that_weighs_most_is_spoken(header: str | None, locale: str) -> None:
    assert locale_of(header, "pt-BR") == locale


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("2001:db8:1:2::ffff", "2001:db8:1:2::"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("unknown", "unknown"),
        ("", ""),
    ],
)
def test_whoever_has_one_ipv6_address_has_its_whole_network(address: str, network: str) -> None:
    assert network_of(address) == network


def test_a_pace_forgets_who_has_been_quiet_and_not_at_every_request(monkeypatch) -> None:
    monkeypatch.setattr("runtime.web.limits._FORGET_ABOVE", 10)
    pace = Pace(60)
    for number in range(15):
        pace.take(f"early {number}", 0.0)
    assert len(pace._due) == 15, "nobody of these has been quiet yet"
    for number in range(40):
        pace.take(f"late {number}", 1000.0)
    assert not [key for key in pace._due if str(key).startswith("early")]
