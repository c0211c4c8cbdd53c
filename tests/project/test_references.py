"""The list of references: how a source is recognised in a text, and what an entry says."""

import re

import pytest
from references import LIST, compare, entries, pages, sources, written

TEXT = LIST.read_text(encoding="utf-8")
SMALL = """
- **Gers & Schmidhuber 2000.** Authors: *One*. Read: nothing. In: .
- **Gers, Schmidhuber & Cummins 2000.** Authors: *Two*. Read: nothing. In: 07.
- **Colah 2015**, or **Olah 2015.** Author: *Three*. Read: nothing. In: .
"""


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("Source: Elman 1990, with more.", ["Elman 1990"]),
        ("(Hochreiter & Schmidhuber 1997)", ["Hochreiter & Schmidhuber 1997"]),
        ("Linzen, Dupoux &\n    Goldberg (2016) asked", ["Linzen, Dupoux & Goldberg 2016"]),
        ("Rumelhart, Hinton and Williams (1986) call", ["Rumelhart, Hinton & Williams 1986"]),
        ("(Constraint-2021, Patwa et al. 2020)", ["Patwa et al. 2020"]),
        ("Patwa et al., *Fighting an Infodemic*, 2020", ["Patwa et al. 2020"]),
        ("Saxe, McClelland & Ganguli 2014; Spärck Jones 1972", ["Saxe, McClelland & Ganguli 2014", "Jones 1972"]),
        ("In 2015 Greff tried. It was May 1964. Python 3 in 2024-01. At T = 2000. (Neural Computation, 2000)", []),
    ],
)
def test_a_source_is_a_name_and_a_year(text, named):
    assert [str(each) for each in sources(text)] == named


def test_a_mention_leads_to_one_entry():
    mentions = (
        "Gers & Schmidhuber 2000, Gers et al. 2000, Olah, *Three*, 2015, Gers & Cummins 2000, Gers 2000, Yule 1927"
    )
    places, missing = compare(SMALL, [("03", mentions)])
    assert list(places.values()) == [["03"], ["03"], ["03"]]
    assert missing == ["03: Gers & Cummins 2000", "03: Gers 2000", "03: Yule 1927"]


def test_the_places_are_written_into_the_list():
    gers, colah = "Gers & Schmidhuber 2000", "Colah 2015"
    places, _ = compare(SMALL, [("03", gers), ("04", gers), ("05", colah)])
    assert re.findall(r"In: (.*)\.", written(SMALL, places)) == ["03, 04", "", "05"]


def test_an_entry_has_authors_a_title_and_what_was_read_of_it():
    assert len(entries(TEXT)) > 35
    form = r"\*\* (.+?): \*[^*]+\*[.,] .*Read: (?:in full|nothing|a record|a review|the \w+)\b.* In: .*\.$"
    for line, names in entries(TEXT).items():
        authors = re.search(form, line)
        assert authors, line
        assert names[-1].authors[-1] in authors[1]


def test_no_source_has_two_entries():
    keys = [str(name) for names in entries(TEXT).values() for name in names]
    assert sorted(keys) == sorted(set(keys))


def test_every_source_that_is_named_has_an_entry_and_every_entry_is_named():
    places, missing = compare(TEXT, list(pages()))
    assert missing == []
    assert [line for line, named in places.items() if not named] == []


def test_the_list_says_where_each_source_is_named():
    places, _ = compare(TEXT, list(pages()))
    assert written(TEXT, places) == TEXT, "run: python tools/references.py --write"
