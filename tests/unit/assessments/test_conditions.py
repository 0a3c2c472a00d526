"""Networks and the safe browser's key: what is let in and what is not."""

import hashlib

import pytest

from backend.core.errors import Conflict, RuleViolation
from backend.features.assessments.conditions import (
    Conditions,
    IdentityRule,
    check_browser,
    check_network,
    config_key_hash,
    read_conditions,
)

KEY = "81aad4ab9dfd447cc479e6a4a7c9a544e2cafc7f3adeb68b2a21efad68eca4dc"
URL = "https://viva.example.edu/api/deliveries/d1/attempts"


@pytest.mark.parametrize(
    ("address", "is_let_in"),
    [
        ("10.20.3.4", True),
        ("::ffff:10.20.3.4", True),
        ("10.21.0.1", False),
        ("2001:db8:1::5", True),
        ("2001:db8:2::5", False),
        ("10.20.3.4, 8.8.8.8", False),
        ("unknown", False),
        ("", False),
        (None, False),
    ],
)
def test_networks(address, is_let_in):
    conditions = Conditions(networks=("10.20.0.0/16", "2001:db8:1::/48"))
    if is_let_in:
        check_network(conditions, address=address)
    else:
        with pytest.raises(Conflict, match="network_not_allowed"):
            check_network(conditions, address=address)


def test_without_networks_every_address_will_do():
    check_network(Conditions(), address=None)


def test_the_hash_is_that_of_the_address_and_the_key_without_the_fragment():
    expected = hashlib.sha256(f"{URL}{KEY}".encode()).hexdigest()
    assert config_key_hash(URL, KEY) == config_key_hash(f"{URL}#part", KEY) == expected


def test_the_safe_browser():
    conditions = Conditions(seb_config_keys=("0" * 64, KEY))
    check_browser(conditions, shown=[(URL, "x"), (URL, config_key_hash(URL, KEY).upper())])
    for shown in (
        [],
        [(URL, "")],
        [(f"{URL}?more", config_key_hash(URL, KEY))],
        [(URL, config_key_hash(URL, "1" * 64))],
    ):
        with pytest.raises(Conflict, match="seb_required"):
            check_browser(conditions, shown=shown)
    check_browser(Conditions(), shown=[])


def test_what_a_form_says_is_read_strictly():
    read = read_conditions(
        identity_check="before_start",
        seb_config_keys=f" {KEY.upper()} \n",
        networks="10.20.3.4/16\n\n::1, 10.20.0.0/16",
        full_screen=True,
    )
    assert read == Conditions(
        identity_check=IdentityRule.BEFORE_START,
        seb_config_keys=(KEY,),
        networks=("10.20.0.0/16", "::1/128"),
        full_screen=True,
    )
    with pytest.raises(RuleViolation) as refusal:
        read_conditions(identity_check="sometimes", seb_config_keys="abc", networks="ten", full_screen=False)
    assert set(refusal.value.errors) == {"identity_check", "seb_config_keys", "networks"}
