"""Keys of jobs: the names by which they are found again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hpcmake.runners.keys import LENGTH, MOST, Key, find_ours, make_campaign, make_key, parse_key
from hpcmake.runners.schedulers.jobs import JobState

CAMPAIGNS = st.binary(min_size=3, max_size=8).map(make_campaign)


def test_a_key() -> None:
    assert make_key("0a1b2", 71, b"\x1a\x07") == "hm0a1b2-001z-q7"
    assert parse_key("hm0a1b2-001z-q7") == Key("0a1b2", 71, "q7")


def test_a_campaign_has_five_digits() -> None:
    assert make_campaign(b"\x00\x00\x07") == "00007"
    assert make_campaign(b"\xff\xff\xff\x00") == "fffff"


@given(CAMPAIGNS, st.integers(0, MOST - 1), st.binary(min_size=2, max_size=4))
def test_a_key_has_as_many_letters_as_pbs_shows_and_is_read_back(campaign: str, sequence: int, drawn: bytes) -> None:
    key = make_key(campaign, sequence, drawn)
    assert len(key) == LENGTH == 15
    assert key[0].isalpha()
    read = parse_key(key)
    assert read is not None
    assert (read.campaign, read.sequence, str(read)) == (campaign, sequence, key)


@given(CAMPAIGNS, st.integers(0, MOST - 2), st.binary(min_size=2, max_size=2))
def test_keys_are_in_the_order_of_their_jobs(campaign: str, sequence: int, drawn: bytes) -> None:
    assert make_key(campaign, sequence, drawn) < make_key(campaign, sequence + 1, drawn)


@pytest.mark.parametrize(
    ("campaign", "sequence", "drawn"),
    [("0a1b2", MOST, b"ab"), ("0a1b2", -1, b"ab"), ("0a1b", 1, b"ab"), ("0A1B2", 1, b"ab"), ("0a1b2", 1, b"a")],
)
def test_what_cannot_be_a_key(campaign: str, sequence: int, drawn: bytes) -> None:
    with pytest.raises(ValueError, match="has no job"):
        make_key(campaign, sequence, drawn)


@given(st.text())
def test_other_names_are_no_keys(name: str) -> None:
    assert parse_key(name) is None or len(name) == LENGTH


@pytest.mark.parametrize("name", ["", "N/A", "hmcheck", "hm0a1b2-001z-q7 ", "hm0a1b2-001Z-q7", "hm0a1b2-001z-q7x"])
def test_names_that_are_no_keys(name: str) -> None:
    assert parse_key(name) is None


def test_our_jobs_among_those_of_a_queue() -> None:
    names = ["hm0a1b2-0001-aa", "hm0a1b2-0002-bb", "hmfffff-0001-aa", "render", "hm0a1b2-0001-aa"]
    jobs = [JobState(str(number), name, "queued") for number, name in enumerate(names)]
    found = find_ours(jobs, "0a1b2")
    assert {key: [job.id for job in each] for key, each in found.items()} == {
        "hm0a1b2-0001-aa": ["0", "4"],
        "hm0a1b2-0002-bb": ["1"],
    }
