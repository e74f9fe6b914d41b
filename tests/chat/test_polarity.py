"""Two sentences on one matter say the same, the opposite, or not enough."""

import pytest

from chat.polarity import drift_of


def denies(one, other):
    found = drift_of(one).denies(drift_of(other))
    assert found == drift_of(other).denies(drift_of(one)), "it goes both ways"
    return found


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Dry running is covered.", "Dry running is not covered."),
        ("The valve raises the pressure.", "The valve lowers the pressure."),
        ("The coating is effective.", "The coating is ineffective."),
        ("The seal is related to the leak.", "The seal is unrelated to the leak."),
        ("Check it before the start.", "Check it after the start."),
        ("Smoking is allowed here.", "Smoking is prohibited here."),
        ("The guard must never be removed.", "The guard must be removed."),
        ("Oil reduces wear.", "Oil was shown to increase wear of the rings."),
    ],
)
def test_opposites_deny_each_other(one, other):
    assert denies(one, other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Dry running is not covered.", "Damage by dry running isn't covered."),
        ("The valve raises the pressure.", "The pressure is increased by the valve."),
        ("The seal costs 48 euros.", "A seal costs 48 euros, but the ring is not sold."),
        ("The effect did not fall.", "The effect did not decline."),
        ("The pump moves water.", "Water is moved by the pump."),
    ],
)
def test_the_same_in_other_words_does_not(one, other):
    assert not denies(one, other)


@pytest.mark.parametrize(
    ("one", "other", "outruns"),
    [
        ("Oil reduces wear.", "Oil and wear were looked at.", True),
        ("Oil reduces wear.", "Wear falls with oil.", False),
        ("Oil reduces wear.", "Oil reduces noise and increases wear.", True),
        ("The pump is covered.", "Is the pump covered?", True),
        ("The pump is covered.", "Ask whether the pump is covered.", True),
        ("The pump is covered.", "It is not yet known if the pump is covered.", True),
        ("Is the pump covered?", "Is the pump covered?", False),
        ("The pump is covered.", "The pump is covered for two years.", False),
        ("Report it before noon.", "Report it in time.", False),
    ],
)
def test_a_sentence_outruns_what_points_nowhere_or_asserts_nothing(one, other, outruns):
    assert drift_of(one).outruns(drift_of(other)) is outruns


def test_short_words_are_no_prefixed_denials():
    assert not denies("Put it to the pump.", "Put it into the pump.")


def test_nothing_says_nothing():
    assert not denies("", "") and not drift_of("").outruns(drift_of(""))
