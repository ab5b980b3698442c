"""What becomes of each kind of table: read rightly, noted or refused, and never silently blanked."""

import numpy as np
import pandas as pd
import pytest

from aecourse.tabular import TableDetector, read_csv, recognise
from aecourse.tabular.oddities import find_oddities
from benchmarks import bench_kinds

FILES = bench_kinds.kinds()
NUMBERS = bench_kinds.NUMBERS
# Kinds whose column v must hold the very numbers that were written.
SAME_NUMBERS = {
    "plain numbers": 0.05,
    "thousands 1,234.5": 0.05,
    "thousands 1.234,5": 0.05,
    "thousands 1 234,5": 0.05,
    "thousands 1'234.5": 0.05,
    "thousands in some": 0.05,
    "decimal comma": 0.05,
    "exponents": 0.5,
    "Arabic digits": 0.05,
    "full-width digits": 0.05,
    "invisible signs": 0.05,
    "an apostrophe in front": 0.05,
    "single quotation marks": 0.05,
    '="12" as spreadsheets write it': 0.05,
    "Fortran's exponents": 0.5,
    "times a power of ten": 0.05,
    "marks of the encoding in the middle": 0.05,
    "line ends in fields": 0.05,
    "semicolons": 0.05,
    "UTF-16": 0.05,
}
NOTED = {
    "one unit, then another": "from about row 121 on all values are 956 times as large",
    "#DIV/0!": "8 of 240 values are not numbers",
    "#REF! among texts": "'#REF!' is taken for a text like the others",
    "NaN among texts": "'NaN' is taken for a text like the others",
    "(null)": "8 of 240 values are not numbers",
    "percent above 100": "unit '%'",
    # With pandas 2 it is no date at all: dates there end in 2262.
    "9999-12-31 among dates": r"'9999-12-31' lies far from all other dates|8 of 240 .+ \('9999-12-31'\)",
    "1900-01-01 among dates": "'1900-01-01' lies far from all other dates",
    "0000-00-00 among dates": "8 of 240 values are not dates",
    "two offsets from UTC": r"different offsets from UTC \(\+02:00, -05:00\)",
    "an offset for some": r"different offsets from UTC \(Z, none\)",
    "capitals in some": "'Red', 'red' differ in nothing but blanks or capitals",
    "below a limit": "48 of 240 values are not numbers",
    "ranges": "Left out: nearly every row has another text",
    "half numbers, half words": "120 of 240 values are not numbers",
    "two tables, one after another": r"1 row \(row 241\) repeats the names",
    "the names every 40 rows": r"5 rows \(row 41, 82, 123, …\) repeat the names",
    "units below the names": "first row seems to belong to the names: it holds 'm', 'kg'",
    "a total below": "last row seems to be a total: it holds 'total', and its 'v' is the sum",
    "a sum below": "last row seems to be a total: its 'v' is the sum",
    "rows of separators": "20 rows .* without any value",
    "an index twice": "rises from row to row",
    "all columns the same": "Left out: the same as 'a'",
}
REFUSED = {
    "two units": "different units",
    "two decimal signs": "needs another decimal sign",
    "exponents with a comma": "may be a decimal sign or separate thousands",
    "percent and shares": "different units",
    "two encodings": "not in UTF-8",
    "a remark above": "begin with a title or a remark.*Remove the lines above the names",
    "a title above": "begin with a title or a remark",
    "a remark below": "or ends in a remark.*remove the remark",
    "a separator at each end": "column 4 has no name",
    "blanks between fields": "no column is left",
    "one row": "needs at least 40 normal rows",
    "Git LFS": "git lfs pull",
    "pickle": "a pickle",
    "ARFF": "an ARFF file",
}


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory):
    """What becomes of each kind: (outcome, sentences)."""
    folder = tmp_path_factory.mktemp("kinds")
    found = {}
    for number, (kind, content) in enumerate(FILES.items()):
        path = folder / f"table{number}"
        path.write_bytes(content)
        found[kind] = bench_kinds.become(path)
    return found


def test_there_are_many_kinds_and_each_ends_in_one_of_three_ways(outcomes):
    assert len(outcomes) > 130 and {outcome for outcome, _ in outcomes.values()} == {
        "read",
        "noted",
        "refused",
    }
    assert all(sentence for outcome, sentence in outcomes.values() if outcome != "read")


@pytest.mark.parametrize("kind", NOTED)
def test_what_could_be_misread_is_said(outcomes, kind):
    outcome, sentences = outcomes[kind]
    assert outcome == "noted"
    assert pd.Series([sentences]).str.contains(NOTED[kind], regex=True).all(), sentences


@pytest.mark.parametrize("kind", REFUSED)
def test_what_cannot_be_read_is_refused_with_a_reason(outcomes, kind):
    outcome, sentences = outcomes[kind]
    assert outcome == "refused"
    assert pd.Series([sentences]).str.contains(REFUSED[kind], regex=True).all(), sentences


@pytest.mark.parametrize("kind", SAME_NUMBERS)
def test_the_numbers_are_those_that_were_written(kind, tmp_path):
    from aecourse.tabular.columns import present, to_numbers

    path = tmp_path / "table"
    path.write_bytes(FILES[kind])
    table = read_csv(path)
    column = recognise(table)["v"].column
    assert column.kind == "number"
    found = to_numbers(column, present(column, table["v"]))
    np.testing.assert_allclose(found, NUMBERS, rtol=0, atol=SAME_NUMBERS[kind] + 1e-9)


@pytest.mark.parametrize("kind", ["a total below", "units below the names", "one unit, then another"])
def test_a_fitted_detector_says_it_too(kind, tmp_path):
    path = tmp_path / "table"
    path.write_bytes(FILES[kind])
    detector = TableDetector(budget=0.05).prepare(read_csv(path))
    assert [
        note
        for note in detector.preparation_.notes_
        if "row" in note and ("seems" in note or "from about" in note)
    ]


@pytest.mark.parametrize("seed", range(30))
def test_nothing_is_said_of_plain_tables(seed):
    """Numbers of all spreads, sorted ones, running sums, texts and dates: nothing odd about them."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(25, 400))
    table = pd.DataFrame(
        {
            "normal": rng.normal(size=n),
            "wide": rng.lognormal(0, rng.uniform(0.1, 4), n),
            "sorted": np.sort(rng.lognormal(0, 3, n)),
            "running sum": rng.integers(1, 9, n).cumsum(),
            "counts": rng.poisson(2, n),
            "two groups": rng.choice([1.0, 1000.0], n) * rng.uniform(1, 2, n),
            "last is large": [*rng.uniform(0, 1, n - 1), 100.0],
            "text": rng.choice(["red", "blue", "total"], n),
            "gaps": np.where(rng.random(n) < 0.5, np.nan, rng.normal(size=n)),
            "when": (pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 5000, n), "h")).astype(str),
        }
    )
    assert find_oddities(table, recognise(table)) == []


@pytest.mark.parametrize("first", ["-", "n/a", "unknown", "broken"])
def test_a_gap_in_the_first_row_makes_it_no_second_line_of_names(first):
    values = [first, *map(str, range(30, 80)), "broken", "broken"]
    table = pd.DataFrame({"size": values, "kind": "a"})
    assert find_oddities(table, recognise(table)) == []


def test_what_is_found_in_a_long_table_takes_no_time(monkeypatch):
    """Only some values of a long column are read once more."""
    from aecourse.tabular import oddities

    n = 200_000
    table = pd.DataFrame({"price": [f"{place % 977},5" for place in range(n)]})
    recognised = recognise(table)
    read, to_numbers = [], oddities.to_numbers
    monkeypatch.setattr(
        oddities,
        "to_numbers",
        lambda column, series: (read.append(len(series)), to_numbers(column, series))[1],
    )
    assert find_oddities(table, recognised) == [] and sum(read) < 20_000
