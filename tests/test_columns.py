"""What tables in the wild hold: each kind of column is read, left out with its reason, or refused."""

import json
import re
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sklearn.exceptions import NotFittedError

from aecourse import baselines, evaluation
from aecourse.tabular import (
    FAR,
    Choices,
    Preparation,
    TableDetector,
    detector,
    read_chunks,
    read_csv,
    sentinels,
)
from aecourse.tabular.numbers import Contradiction, find_style, to_floats

N = 120
RNG = np.random.RandomState(0)
AMOUNTS = np.round(RNG.lognormal(6, 1.5, N), 2)
AMOUNTS[:2] = [0.5, 12_345.67]
SIGNED = np.where(np.arange(N) % 3 == 0, -AMOUNTS, AMOUNTS)
WHOLE = RNG.randint(1, 90_000, N)
PLACE = RNG.permutation(N)
DAYS = pd.date_range("2024-01-01", periods=N, freq="29h")


def swapped(text: str) -> str:
    """Exchange comma and point."""
    return text.translate(str.maketrans(",.", ".,"))


@dataclass(frozen=True)
class Kind:
    """A kind of column, and what is expected of it: exactly one of the entries below ``values``."""

    name: str
    values: object
    numbers: object = None  # read as these numbers
    features: tuple[str, ...] = ()  # becomes these features
    out: str = ""  # left out, with these words
    refused: str = ""  # the table is refused, with these words
    says: str = ""  # words of a note
    choices: Choices = Choices()


def kind(name, values, numbers=None, **expected):
    return pytest.param(Kind(name, values, numbers, **expected), id=name)


CLOCK = "row to row, like a row number or a clock"
FEW = "nearly all different, though few are possible"
WEEKDAY = ("x: weekday, sine", "x: weekday, cosine")
HOUR = ("x: hour, sine", "x: hour, cosine")

KINDS = [
    # numbers as people write them
    kind("plain numbers", AMOUNTS, AMOUNTS),
    kind("plain numbers as text", [f" {v:.2f} " for v in AMOUNTS], AMOUNTS),
    kind("thousands with commas", [f"{v:,.2f}" for v in AMOUNTS], AMOUNTS, says="separated by ','"),
    kind("thousands with points", [swapped(f"{v:,.2f}") for v in AMOUNTS], AMOUNTS, says="sign ','"),
    kind("blanks", [f"{v:,.2f}".replace(",", " ").replace(".", ",") for v in AMOUNTS], AMOUNTS),
    kind("narrow no-break blanks", [f"{v:,.2f}".replace(",", "\u202f") for v in AMOUNTS], AMOUNTS),
    kind("apostrophes", [f"{v:,.2f}".replace(",", "’") for v in AMOUNTS], AMOUNTS),
    kind("underscores", [f"{v:_}" for v in WHOLE], WHOLE, says="'_'"),
    kind("lakh", ["12,34,567.50", "1,23,456.00", "7.25"] * 40, [1234567.5, 123456, 7.25] * 40),
    kind("decimal commas", [swapped(f"{v:.2f}") for v in AMOUNTS], AMOUNTS, says="sign ','"),
    kind("dollars", [f"${v:,.2f}" for v in AMOUNTS], AMOUNTS, says="unit '\\$'"),
    kind("euros behind", [swapped(f"{v:,.2f}") + " €" for v in AMOUNTS], AMOUNTS, says="unit '€'"),
    kind("currency code", [f"CHF {v:,.2f}".replace(",", "'") for v in AMOUNTS], AMOUNTS, says="unit 'CHF'"),
    kind("unit with a point", [f"{v:.2f} kr." for v in AMOUNTS], AMOUNTS, says="unit 'kr.'"),
    kind("percent", [f"{v:.2f} %" for v in AMOUNTS], AMOUNTS, says="unit '%'"),
    kind("one unit", [f"{v}kg" for v in AMOUNTS], AMOUNTS, says="unit 'kg'"),
    kind(
        "one unit, sometimes left out", [f"{v}{' kg' * (i % 9 > 0)}" for i, v in enumerate(AMOUNTS)], AMOUNTS
    ),
    kind("accounting", [f"({-v:,.2f})" if v < 0 else f"{v:,.2f}" for v in SIGNED], SIGNED),
    kind("minus behind", [f"{-v:.2f}-" if v < 0 else f"{v:.2f}" for v in SIGNED], SIGNED),
    kind("Unicode minus", [f"{v:,.2f}".replace("-", "−") for v in SIGNED], SIGNED),
    kind(
        "minus before currency", [f"{v:+,.2f}".replace("+", "+$").replace("-", "-$") for v in SIGNED], SIGNED
    ),
    kind("powers of ten", [f"{v:.6e}" for v in AMOUNTS], [float(f"{v:.6e}") for v in AMOUNTS]),
    kind(
        "powers with decimal comma",
        [f"{v:.4E}".replace(".", ",") for v in SIGNED],
        [float(f"{v:.4E}") for v in SIGNED],
    ),
    kind(
        "Arabic digits",
        [f"{v:.2f}".translate(str.maketrans("0123456789.", "٠١٢٣٤٥٦٧٨٩٫")) for v in AMOUNTS],
        AMOUNTS,
    ),
    kind("true and false with a gap", ["True", "false", None] * 40, [1, 0, np.nan] * 40),
    kind("commas before three digits, and short numbers", [f"{v:,}" for v in WHOLE % 3000], WHOLE % 3000),
    kind("a million tells what a comma is", ["1,234,567", "1,234", "2,345"] * 40, [1234567, 1234, 2345] * 40),
    kind("0,123 tells what a comma is", ["0,123", "1,234", "2,345"] * 40, [0.123, 1.234, 2.345] * 40),
    # numbers that can be read in two ways
    kind(
        "only commas before three digits",
        ["1,234", "5,678", "2,345"] * 40,
        refused="--decimal , or --thousands ,",
    ),
    kind(
        "the same, decided: decimal",
        ["1,234", "5,678", "2,345"] * 40,
        [1.234, 5.678, 2.345] * 40,
        choices=Choices(decimal=","),
    ),
    kind(
        "the same, decided: thousands",
        ["1,234", "5,678", "2,345"] * 40,
        [1234, 5678, 2345] * 40,
        choices=Choices(thousands=","),
    ),
    kind(
        "both decimal signs",
        ["1,234.5", "1.234,5"] * 60,
        refused="each needs another decimal sign. Pass the right one: decimal= or --decimal",
    ),
    kind(
        "both decimal signs, decided",
        ["1,234.5", "1.234,5"] * 60,
        [1234.5, np.nan] * 60,
        choices=Choices(decimal="."),
        says="60 of 120 values are not numbers",
    ),
    kind(
        "points before three digits, and short numbers", ["1.234", "999", "?"] * 40, refused="--thousands ."
    ),
    kind(
        "the same, read by pandas",
        np.where(np.arange(N) % 2, WHOLE % 1000 + 0.001 * (1 + PLACE % 9), WHOLE % 999),
        refused="the point may separate thousands",
    ),
    kind(
        "points before three digits, rarely short numbers",
        np.append(np.round(WHOLE[5:] % 90 + 1.001 + 0.001 * (PLACE[5:] % 9), 3), [456.0, 780, 999, 12, 3]),
        refused="the point may separate thousands",
    ),
    kind(
        "two units",
        [f"{v} {'kg' if v > 400 else 'g'}" for v in AMOUNTS],
        refused="--units 'kg=1' --units 'g=0.001'",
    ),
    kind(
        "two units, decided",
        ["5 kg", "300 g", "7 kg"] * 40,
        [5, 0.3, 7] * 40,
        choices=Choices(units={"kg": 1, "g": 0.001}),
    ),
    kind("percent and shares", ["12%", "0.12"] * 60, refused="--units '%=0.01'"),
    kind(
        "percent and shares, decided",
        ["12%", "0.5"] * 60,
        [0.12, 0.5] * 60,
        choices=Choices(units={"%": 0.01}),
    ),
    kind("thousands written as k", ["1.2k", "950", "3.4k"] * 40, refused="--units 'k=1000'"),
    # missing, unreadable and standing for something else
    kind(
        "a quarter of question marks",
        np.where(np.arange(N) % 4, AMOUNTS.astype(str), "?"),
        np.where(np.arange(N) % 4, AMOUNTS, np.nan),
        says=r"30 of 120 values are not numbers \('\?'\)",
    ),
    kind(
        "a word of one's own",
        np.where(np.arange(N) % 4, AMOUNTS.astype(str), "broken"),
        np.where(np.arange(N) % 4, AMOUNTS, np.nan),
        says="'broken'",
    ),
    kind(
        "below the limit",
        np.where(np.arange(N) % 4, AMOUNTS.astype(str), "<0.50"),
        np.where(np.arange(N) % 4, AMOUNTS, np.nan),
        says="'<0.50'",
    ),
    kind(
        "named as missing",
        np.where(np.arange(N) % 4, AMOUNTS, -1),
        np.where(np.arange(N) % 4, AMOUNTS, np.nan),
        choices=Choices(na_values=["-1"]),
    ),
    kind(
        "-999",
        np.where(np.arange(N) % 4, AMOUNTS % 40, -999),
        np.where(np.arange(N) % 4, AMOUNTS % 40, np.nan),
        says="30 of 120 training rows hold -999,",
    ),
    kind(
        "mostly -999",
        np.where(np.arange(N) % 4, -999, AMOUNTS % 40),
        np.where(np.arange(N) % 4, np.nan, AMOUNTS % 40),
        says="90 of 120 training rows hold -999,",
    ),
    kind(
        "one 1e20",
        np.append(SIGNED[1:] % 7, 1e20),
        np.append(SIGNED[1:] % 7, np.nan),
        says="1 of 120 training rows hold 1e\\+20",
    ),
    kind(
        "99999999", np.append(WHOLE[4:], [99999999] * 4), np.append(WHOLE[4:], [np.nan] * 4), says="99999999"
    ),
    kind(
        "-999 that was measured",
        np.append(SIGNED[1:] % 7, -999),
        np.append(SIGNED[1:] % 7, -999),
        choices=Choices(numeric=["x"]),
    ),
    kind(
        "a spike at zero",
        np.append(60 + AMOUNTS[12:] % 20, np.zeros(12)),
        says="--na-values 0",
        features=("x",),
    ),
    kind(
        "one value far away",
        np.append(SIGNED[1:] % 7, 123456.0),
        says="1 of 120 training rows hold values far",
        features=("x",),
    ),
    kind(
        "mostly dry", np.where(np.arange(N) % 5, 0, AMOUNTS % 30), np.where(np.arange(N) % 5, 0, AMOUNTS % 30)
    ),
    kind("square metres", [f"{v:.2f} m2" for v in AMOUNTS], AMOUNTS, says="unit 'm²'"),
    kind("cubic metres an hour", [f"{v:.2f}m3/h" for v in AMOUNTS], AMOUNTS, says="unit 'm³/h'"),
    kind(
        "squares and cubes",
        [f"{v:.2f} m{2 + place % 2}" for place, v in enumerate(AMOUNTS)],
        refused="numbers with different units",
    ),
    kind(
        "squares and other squares, with their worth",
        [f"{v:.2f} m2" if place % 2 else f"{v:.2f} cm2" for place, v in enumerate(AMOUNTS)],
        np.where(np.arange(N) % 2, AMOUNTS, AMOUNTS / 10_000),
        choices=Choices(units={"m2": 1, "cm2": 1e-4}),
        says="unit 'cm²' times 0.0001",
    ),
    # durations, in seconds
    kind("74:51", [f"{v // 60}:{v % 60:02d}" for v in WHOLE], WHOLE, says="holds durations, such as"),
    kind(
        "51:02:59",
        [f"{v // 3600}:{v // 60 % 60:02d}:{v % 60:02d}" for v in WHOLE],
        WHOLE,
        says="holds durations",
    ),
    kind(
        "durations with a sign",
        [f"{'-' * (row % 3 == 0)}{v // 60}:{v % 60:02d}" for row, v in enumerate(WHOLE)],
        np.where(np.arange(N) % 3 == 0, -WHOLE, WHOLE),
        says="holds durations",
    ),
    kind(
        "durations of pandas", pd.to_timedelta(WHOLE * 9, unit="s").astype(str), WHOLE * 9, says="durations"
    ),
    kind("2h 12min", [f"{v // 60}h {v % 60}min" for v in WHOLE], WHOLE * 60, says="holds durations"),
    kind("PT17M45S", [f"PT{v // 60}M{v % 60}S" for v in WHOLE], WHOLE, says="holds durations"),
    kind(
        "durations shorter than a day",
        [f"{v % 24}:{v % 60:02d}" for v in WHOLE],
        WHOLE % 24 * 60 + WHOLE % 60,
        choices=Choices(numeric=["x"]),
        says="holds durations",
    ),
    kind("ratios", [f"{v % 9}:{v % 99:02d}" for v in WHOLE], out="neither numbers nor dates"),
    # clocks, counters, identifiers
    kind("row number", np.arange(N), out=CLOCK),
    kind("counter with ties", np.arange(N) // 4, out=CLOCK),
    kind("counter with gaps", np.cumsum(RNG.randint(0, 9, N)), out=CLOCK),
    kind("running time", np.cumsum(RNG.exponential(size=N)), out=CLOCK),
    kind("counter with missing values", np.where(PLACE % 4, np.arange(N), np.nan), out=CLOCK),
    kind("counter, a few rows exchanged", np.arange(N) + RNG.normal(0, 2, N), out=CLOCK),
    kind(
        "falling counter as text", [f"{v:,.1f}" for v in 5000 - 0.5 * np.arange(N)], out="falls from " + CLOCK
    ),
    kind("counter above 2**53", 2**60 + np.arange(N), out=CLOCK),
    kind("a clock that is a measurement", np.arange(N), np.arange(N), choices=Choices(numeric=["x"])),
    kind("shuffled identifiers", 1000 + PLACE, out=FEW),
    kind("identifiers, a few twice", np.append(PLACE[5:], PLACE[5:10]), out=FEW),
    kind("shuffled identifiers above 2**53", 2**60 + PLACE, out=FEW),
    kind("identifiers of 25 digits", [str(10**24 + int(v)) for v in PLACE], out=FEW),
    kind("identifiers by their name", RNG.randint(0, 2**62, N), out="named like an identifier"),
    kind(
        "all different whole numbers",
        7 * RNG.permutation(10**6)[:N],
        says="If they are identifiers",
        features=("x",),
    ),
    kind("sorted measurements", np.sort(RNG.normal(size=N)), np.sort(RNG.normal(size=0)), features=("x",)),
    kind("text identifiers", [f"k{v}" for v in PLACE], out="nearly every row has another text, such as 'k"),
    kind(
        "addresses of machines", [f"10.{v % 7}.{v % 250}.{v % 255}" for v in WHOLE], out="as in an identifier"
    ),
    # dates and times
    kind(
        "ISO dates", DAYS.strftime("%Y-%m-%d %H:%M"), features=WEEKDAY + HOUR, says="its weekday and hour are"
    ),
    kind("20240301", DAYS.strftime("%Y%m%d").astype(int), features=WEEKDAY),
    kind("20240301 as text", DAYS.strftime("%Y%m%d"), features=WEEKDAY),
    kind(
        "20240301 and 0",
        np.where(np.arange(N) % 40, DAYS.strftime("%Y%m%d").astype(int), 0),
        features=WEEKDAY,
        says="3 of 120 values are not dates",
    ),
    kind("14-Mar-2024", DAYS.strftime("%d-%b-%Y"), features=WEEKDAY),
    kind("March 14, 2024", DAYS.strftime("%B %d, %Y"), features=WEEKDAY),
    kind("14/03/2024", DAYS.strftime("%d/%m/%Y"), features=WEEKDAY),
    kind("3/14/24 2:05 PM", DAYS.strftime("%m/%d/%y %I:%M %p"), features=WEEKDAY + HOUR),
    kind("logs of web servers", DAYS.strftime("%d/%b/%Y:%H:%M:%S +0000"), features=WEEKDAY + HOUR),
    kind(
        "two ways of writing dates",
        [f"{d:%Y-%m-%d}" if d.day % 2 else f"{d:%d-%b-%Y}" for d in DAYS],
        features=WEEKDAY,
    ),
    kind(
        "day and month", ["03/04/2024", "05/06/2024"] * 60, refused="--date-format '%d/%m/%Y' or '%m/%d/%Y'"
    ),
    kind(
        "day and month, decided",
        ["03/04/2024", "05/06/2024", "02/08/2024"] * 40,
        features=WEEKDAY,
        choices=Choices(date_formats=["%d/%m/%Y"]),
    ),
    kind("2024-03", pd.date_range("2014-01-01", periods=N, freq="MS").strftime("%Y-%m"), out="a month"),
    kind(
        "202403",
        pd.date_range("2014-01-01", periods=N, freq="MS").strftime("%Y%m").astype(int),
        out="a month",
    ),
    kind("2024-W07", [f"2024-W{1 + v % 52:02d}" for v in WHOLE], out="a week, which has neither"),
    kind("CW 7/2024", [f"CW {1 + v % 52}/2024" for v in WHOLE], out="a week, which has neither"),
    kind("2024-W07-3", DAYS.strftime("%G-W%V-%u"), features=WEEKDAY),
    kind("2024-Q1", [f"{2000 + v % 20}-Q{1 + v % 4}" for v in WHOLE], out="a quarter, which has neither"),
    kind("Q1 2024", [f"Q{1 + v % 4} {2000 + v % 20}" for v in WHOLE], out="a quarter, which has neither"),
    kind("seconds since 1970, shuffled", 1_700_000_000 + 20_000 * PLACE, features=WEEKDAY + HOUR),
    kind("milliseconds since 1970", (1_700_000_000 + 20_000 * np.arange(N)) * 1000, features=WEEKDAY + HOUR),
    kind(
        "a single day",
        pd.date_range("2024-03-01", periods=N, freq="5min").strftime("%Y-%m-%d %H:%M"),
        out="less than two weeks or two days",
    ),
    kind("times of day", [f"{v % 24}:{v % 60:02d}" for v in WHOLE], features=HOUR, says="time of day"),
    kind("times with AM and PM", [f"{1 + v % 12}:{v % 60:02d} {'AP'[v % 2]}M" for v in WHOLE], features=HOUR),
    kind(
        "times of one run",
        pd.date_range("2024-03-01 08:00", periods=N, freq="30s").strftime("%H:%M:%S"),
        out=CLOCK,
    ),
    # categories
    kind(
        "codes with leading zeros",
        [f"{v % 9:03d}" for v in WHOLE],
        features=tuple(f"x = 00{v}" for v in range(9)),
    ),
    kind("sizes", ["S", "M", "38", "40"] * 30, features=("x = 38", "x = 40", "x = M", "x = S")),
    kind(
        "years as categories",
        [2021, 2022] * 60,
        features=("x = 2021", "x = 2022"),
        choices=Choices(categorical=["x"]),
    ),
    kind("always the same", ["mm"] * N, out="always 'mm' in the training rows"),
    kind("always the same doubtful date", ["03/04/2024"] * N, out="always '03/04/2024' in the training rows"),
    kind("nothing", ["", None] * 60, out="no values"),
]


def test_the_table_of_kinds_is_large_enough():
    assert len(KINDS) >= 60


@pytest.mark.parametrize("case", KINDS)
def test_each_kind_of_column(case):
    name = "user_id" if "by their name" in case.name else "x"
    table = pd.DataFrame({name: case.values, "other": AMOUNTS})
    if case.refused:
        with pytest.raises(ValueError, match=f"column '{name}' holds .*{re.escape(case.refused)}"):
            Preparation(case.choices).fit(table)
        return
    preparation = Preparation(case.choices).fit(table)
    X = preparation.transform(table)
    assert np.isfinite(X).all()
    if case.out:
        assert case.out in preparation.left_out_[name]
        return
    assert name not in preparation.left_out_
    if case.says:
        assert any(re.search(case.says, note) for note in preparation.notes_), preparation.notes_
    else:
        assert not [note for note in preparation.notes_ if "are not numbers" in note or "missing" in note]
    if case.features:
        found = [feature for feature in preparation.feature_names_ if feature.startswith(name)]
        assert sorted(found) == sorted(case.features)
    else:
        numbers = np.asarray(case.numbers, dtype=float)
        expected = np.where(np.isnan(numbers), np.nanmedian(numbers), numbers)
        np.testing.assert_allclose(X[:, preparation.feature_names_.index(name)], expected, rtol=1e-12)
    again = Preparation.from_json(json.loads(json.dumps(preparation.to_json())))
    np.testing.assert_array_equal(again.transform(table), X)


@pytest.mark.parametrize("case", KINDS)
def test_a_file_and_its_pieces_are_read_alike(case, tmp_path):
    """Whatever was learned from a whole file holds for each piece of it, whose values may look otherwise."""
    if case.refused or case.out:
        return
    path = tmp_path / "table.csv"
    pd.DataFrame({"x": case.values, "other": AMOUNTS}).to_csv(path, index=False)
    sign = "," if case.choices.thousands == "." else "."
    table = read_csv(path, decimal=sign)
    preparation = Preparation(case.choices).fit(table)
    pieces = read_chunks(path, rows=50, text_columns=preparation.text_columns, decimal=sign)
    X = np.vstack([preparation.transform(piece) for piece in pieces])
    np.testing.assert_array_equal(X, preparation.transform(table))


# --- every usual way of writing numbers --------------------------------------------------------

LOCALES = ("en_US", "de_DE", "de_CH", "fr_FR", "sv_SE", "pl_PL", "pt_BR", "es_ES", "en_IN", "ar_EG", "fa_IR")
_numbers = st.lists(st.floats(-1e9, 1e9).map(lambda v: round(v, 2)), min_size=1, max_size=12)


@settings(max_examples=80, deadline=None)
@given(st.sampled_from(LOCALES), _numbers)
def test_numbers_of_any_language_are_read_back(locale, numbers):
    """Babel writes them, which knows how each language does; we are not told which one it was."""
    from babel.numbers import format_decimal

    texts = [format_decimal(number, "#,##0.00" if "IN" not in locale else None, locale) for number in numbers]
    assume("IN" not in locale or all("." in text for text in texts))
    assume(not any(re.match(r"-?\d{4,}'", text) for text in texts))  # Babel 2.19 in de_CH: 1000000'000
    style = find_style(texts)
    assert style is not None
    np.testing.assert_array_equal(to_floats(texts, style), numbers)


@settings(max_examples=80, deadline=None)
@given(
    st.sampled_from([",", ".", " ", "'", ""]), st.lists(st.integers(-(10**9), 10**9), min_size=1, max_size=12)
)
def test_whole_numbers_are_read_back_or_refused(sign, numbers):
    """Without digits after a decimal sign 1,234 may be anything: then no value is made up."""
    texts = [f"{number:,}".replace(",", sign) for number in numbers]
    try:
        style = find_style(texts)
    except Contradiction as error:
        assert "--thousands" in str(error)
        style = find_style(texts, thousands=sign)
    found = to_floats(texts, style)
    only_points = sign == "." and not any(abs(number) < 1000 or abs(number) >= 10**6 for number in numbers)
    if only_points:  # as any reader of files understands them; said in the guide
        numbers = [float(text) for text in texts]
    np.testing.assert_array_equal(found, numbers)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.text(alphabet="0123456789.,'- ()$%kge?é\0\n", max_size=8), min_size=1, max_size=8))
def test_any_texts_are_numbers_or_not_or_refused(texts):
    try:
        style = find_style(texts)
    except Contradiction:
        return
    if style is not None:
        found = to_floats(texts, style)
        assert found.shape == (len(texts),)
        plain = [text for text in texts if re.fullmatch(r"-?\d+", text)]
        np.testing.assert_array_equal(to_floats(plain, style), [float(text) for text in plain])


@pytest.fixture
def quick(monkeypatch):
    """Let tables be fitted in no time: what is tested there holds for every detector."""

    class Quick(baselines.MahalanobisDistance):
        def __init__(self, random_state=0, trim=0.0):
            super().__init__()

        def set_threshold(self, threshold, promised_rate):
            self.threshold_ = threshold

    monkeypatch.setattr(detector, "AutoencoderDetector", Quick)


# --- new rows ----------------------------------------------------------------------------------


def fitted(values, **choices):
    return Preparation(Choices(**choices)).fit(pd.DataFrame({"x": values, "other": AMOUNTS}))


def test_one_unreadable_value_does_not_blank_a_small_piece():
    preparation = fitted([swapped(f"{v:.2f}") for v in AMOUNTS])
    seven = pd.DataFrame({"x": ["1,5", "2,5", "?", "4,5", "5,5", "6,5", "7,5"], "other": 1.0})
    X = preparation.transform(seven)[:, 0]
    assert X.tolist() == [1.5, 2.5, np.median(AMOUNTS), 4.5, 5.5, 6.5, 7.5]
    assert preparation.outside(seven)["x"].tolist() == [False, False, True, False, False, False, False]
    assert preparation.gaps(seven)["x"].sum() == 1


def test_numbers_larger_than_in_training_are_read():
    """Among numbers below 1000 no separator is seen. The first larger one has one, and must not be lost."""
    texts = [f"{v:,.2f}" for v in AMOUNTS % 1000]
    new = pd.DataFrame({"x": ["1,234,567.50", "7.00"], "other": 1.0})
    preparation = fitted(texts)
    assert preparation.transform(new)[:, 0].tolist() == [1234567.5, 7.0]
    assert preparation.outside(new)["x"].tolist() == [True, False]
    # but a lone comma may be a decimal sign: not read, and outside
    assert preparation.outside(pd.DataFrame({"x": ["1,234"], "other": 1.0}))["x"].item()


def test_new_gaps_are_outside_and_known_ones_are_not():
    full = fitted(AMOUNTS)
    with_gaps = fitted(np.where(np.arange(N) % 4, AMOUNTS.astype(str), "?"))
    new = pd.DataFrame({"x": ["?", "n/a", None, "500"], "other": 1.0})
    assert full.outside(new)["x"].tolist() == [True, True, True, False]
    assert with_gaps.outside(new)["x"].tolist() == [False, True, False, False]
    dates = fitted([*DAYS.strftime("%Y-%m-%d")[1:], "soon"])
    new = pd.DataFrame({"x": ["2031-01-01", "soon", "later", None], "other": 1.0})
    assert dates.outside(new)["x"].tolist() == [False, False, True, False]


def test_sentinels_and_far_values_do_not_hide_the_others():
    """The spread that a detector sees stays that of the ordinary values, and a new far value stays far."""
    ordinary = np.random.RandomState(1).normal(20, 2, N)
    for spoilt in ([-999.0] * 12, [1e20], [123456.0], [-999.0, -998.0] * 4):
        preparation = fitted(np.append(ordinary[len(spoilt) :], spoilt))
        spread = preparation.transform(pd.DataFrame({"x": ordinary, "other": 1.0}))[:, 0].std()
        trained = preparation.transform(pd.DataFrame({"x": np.append(ordinary, spoilt), "other": 1.0}))
        assert trained[:, 0].std() < 5 * spread, spoilt
        new = preparation.transform(pd.DataFrame({"x": [20.0, 60.0, 5000.0], "other": 1.0}))[:, 0]
        assert 0 < new[0] < new[1] < new[2] and new[1] - new[0] > 10 * spread


def test_the_whole_table_is_counted_and_not_only_the_rows_trained_on(quick):
    table = pd.DataFrame({"x": AMOUNTS.astype(str), "other": AMOUNTS, "ok": ["yes"] * 110 + ["no"] * 10})
    table.loc[[3, 115, 116], "x"] = ["?", "broken", "?"]
    found = TableDetector(budget=0.05).fit(table, "ok == 'yes'")
    assert any("'x': 3 of 120 values are not numbers ('?', 'broken')" in note for note in found.notes_)
    # the same detector, scoring: a new text is outside, and many gaps are drift
    new = table.assign(x="unknown")
    assert (found.score(new)["outside"] >= 1).all()
    drift = found.drift(new)
    assert drift.gaps["x"] == 120 and any("missing or cannot be read" in each for each in drift.warnings)
    assert found.drift(table).warnings == []


def test_all_users_of_training_are_remembered():
    users = [f"u{v}" for v in RNG.randint(0, 60, 2 * N)]
    preparation = Preparation().fit(pd.DataFrame({"user": users, "other": np.tile(AMOUNTS, 2)}))
    assert len(preparation.feature_names_) == 22  # 20 users, all others, and the other column
    again = Preparation.from_json(json.loads(json.dumps(preparation.to_json())))
    new = pd.DataFrame({"user": [*users, "nobody"], "other": 1.0})
    assert np.flatnonzero(again.outside(new)["user"]).tolist() == [2 * N]


def test_another_program_may_have_written_the_new_file():
    preparation = fitted(AMOUNTS)
    new = pd.DataFrame({"x": [swapped(f"{v:,.2f}") for v in AMOUNTS], "other": AMOUNTS})
    with pytest.raises(ValueError, match="written like .*decimal sign ','.*--decimal ','"):
        preparation.transform(new)
    preparation.rewrite(decimal=",", thousands=".")
    np.testing.assert_allclose(preparation.transform(new)[:, 0], AMOUNTS)


def test_the_signs_of_the_training_file_are_remembered(quick, tmp_path):
    """An option of `detect` need not be given again, also if one piece holds a text that is not a number."""
    table = pd.DataFrame({"price": [f"{v % 9:.2f}".replace(".", ",") for v in AMOUNTS], "width": AMOUNTS})
    table["people"] = [f"{v:,}".replace(",", ".") for v in WHOLE]
    path = tmp_path / "table.csv"
    table.to_csv(path, sep=";", index=False)
    for choices in (Choices(decimal=","), Choices(thousands=".")):
        found = TableDetector(0.05, choices=choices).fit(read_csv(path, decimal=choices.file_decimal))
        prepared = found.preparation_
        path.write_text(path.read_text() + "?;1.5;12\n")
        pieces = list(
            read_chunks(path, 30, text_columns=prepared.text_columns, decimal=prepared.file_decimal)
        )
        X = np.vstack([prepared.transform(piece) for piece in pieces])
        names = prepared.feature_names_
        np.testing.assert_allclose(X[:N, names.index("price")], np.round(AMOUNTS % 9, 2))
        np.testing.assert_allclose(X[:N, names.index("width")], AMOUNTS)
        np.testing.assert_allclose(X[:N, names.index("people")], WHOLE)
        assert prepared.outside(pieces[-1]).iloc[-1]["price"]
        table.to_csv(path, sep=";", index=False)
        # given again, the option changes nothing, although one column has a decimal point
        prepared.rewrite(choices.decimal, choices.thousands)
        pieces = list(
            read_chunks(path, 30, text_columns=prepared.text_columns, decimal=prepared.file_decimal)
        )
        np.testing.assert_array_equal(np.vstack([prepared.transform(piece) for piece in pieces]), X[:N])


@pytest.mark.parametrize(
    "choices, words",
    [
        ({"decimal": ";"}, "decimal must be"),
        ({"thousands": "x"}, "thousands must be"),
        ({"thousands": ",", "decimal": ","}, "must differ"),
        ({"units": {"kg": 0}}, "units must name a number"),
        ({"na_values": "?"}, "na_values must be a list"),
        ({"numeric": ["y"]}, "numeric names the column 'y'"),
        ({"numeric": ["x"], "categorical": ["x"]}, "both name 'x'"),
        ({"numeric": ["name"]}, "'name', but most of its values are not numbers, such as 'a'"),
    ],
)
def test_wrong_choices_are_refused(choices, words):
    table = pd.DataFrame({"x": AMOUNTS, "name": ["a", "b", "c"] * 40})
    with pytest.raises(ValueError, match=words):
        Preparation(Choices(**choices)).fit(table)


# --- the promise -------------------------------------------------------------------------------


def correlated(n, seed):
    rng = np.random.RandomState(seed)
    hidden = rng.normal(size=(n, 2)) * [900, 2500]
    return pd.DataFrame(hidden @ [[1.0, 2.0, 0.5], [0.5, -1.0, 2.0]], columns=["a", "b", "c"]).round(2)


def test_dressed_numbers_give_the_result_of_plain_ones():
    plain = correlated(260, 0)
    plain.loc[220:, "a"] += 6000
    label = np.where(np.arange(260) < 220, "normal", "odd")
    dressed = plain.map(lambda value: f"{value:,.2f}")
    found = [
        TableDetector(0.05).fit(table.assign(label=label), "label == 'normal'") for table in (plain, dressed)
    ]
    scores = [each.score(table)["score"] for each, table in zip(found, (plain, dressed), strict=True)]
    np.testing.assert_array_equal(*scores)
    odd = label == "odd"
    assert evaluation.auroc(odd.astype(int), scores[0]) == evaluation.auroc(odd.astype(int), scores[1])


def test_later_normal_rows_keep_the_promise_although_there_are_clocks(quick):
    n = 400
    table = correlated(2 * n, 1).assign(
        row=np.arange(2 * n),
        ticks=np.arange(2 * n) // 5,
        seconds=np.cumsum(np.random.RandomState(2).exponential(size=2 * n)),
        nanoseconds=2**60 + 977 * np.arange(2 * n),
        date=pd.date_range("2024-01-01", periods=2 * n, freq="29h").strftime("%d-%b-%Y %H:%M"),
        day=pd.date_range("2024-01-01", periods=2 * n, freq="29h").strftime("%Y%m%d").astype(int),
        key=np.random.RandomState(3).permutation(2 * n),
    )
    table.loc[::7, "seconds"] = np.nan
    found = TableDetector(budget=0.05).fit(table.head(n))
    assert {"row", "ticks", "seconds", "nanoseconds", "key"} <= set(found.preparation_.left_out_)
    assert found.later_.order == "date" and not found.later_.broken and not found.later_.changes
    flagged = found.score(table.tail(n))["flagged"].sum()
    # 5 % of 400 rows, and the spread of the threshold: three standard deviations of the beta-binomial
    assert flagged <= 20 + 3 * np.sqrt(400 * 0.05 * 0.95 * (1 + 400 / 108))


def test_a_clock_that_is_kept_breaks_the_promise_and_this_is_said(quick):
    table = correlated(300, 4).assign(mileage=lambda t: 1000.0 + 40 * np.arange(len(t)))
    found = TableDetector(budget=0.05, choices=Choices(numeric=["mileage"])).fit(table)
    assert found.later_.changes[0].startswith("'mileage': 30 of 30 values")
    assert "the promise" in found.notes_[-1] and "'mileage'" in found.notes_[-1]
    # further on nearly all normal rows are flagged, which the few rows set aside need not show
    much_later = table.assign(mileage=table["mileage"] + 40_000)
    assert found.score(much_later)["flagged"].mean() > 0.5


# --- tables made in Python ---------------------------------------------------------------------

X = np.random.RandomState(5).normal(size=(60, 2))
TABLES = {
    "names that are numbers": pd.DataFrame(X),
    "names of two levels": pd.DataFrame(X, columns=pd.MultiIndex.from_tuples([("a", "x"), ("a", "y")])),
    "an index that repeats": pd.DataFrame(X, columns=["a", "b"], index=[0] * 60),
    "nullable": pd.DataFrame({"a": pd.array([1, 2, None] * 20, dtype="Int64"), "b": X[:, 0]}),
    "categories": pd.DataFrame({"a": pd.Categorical(list("abc") * 20), "b": X[:, 0]}),
    "time zones": pd.DataFrame({"a": pd.date_range("2024", periods=60, freq="9h", tz="Europe/Berlin")}),
    "durations": pd.DataFrame({"a": pd.to_timedelta(np.abs(X[:, 0]), unit="s"), "b": X[:, 1]}),
    "Python's times": pd.DataFrame(
        {"a": [t.time() for t in pd.date_range("2024", periods=60, freq="37min")]}
    ),
    "mixed objects": pd.DataFrame({"a": [1, "2", "x", None, 3.5, True] * 10, "b": X[:, 1]}),
    "the largest numbers": pd.DataFrame({"a": [1.7e308, -1.7e308, 1e-320] * 20, "b": X[:, 1]}),
    "unsigned": pd.DataFrame(
        {"a": np.uint64(2**64 - 1) - np.arange(60, dtype=np.uint64) ** 2 % 7, "b": X[:, 1]}
    ),
    "texts with line ends and zeros": pd.DataFrame({"a": ["1\n", "2\n3", "4\0"] * 20, "b": X[:, 1]}),
    "numbers of 5000 digits": pd.DataFrame({"a": ["1" * 5000, "2", "3"] * 20, "b": X[:, 1]}),
    "impossible dates": pd.DataFrame({"a": ["2024-13-45", "2024-01-02", "9999-12-31"] * 20, "b": X[:, 1]}),
}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_any_table_is_prepared_without_a_warning(table):
    preparation = Preparation().fit(table)
    prepared = preparation.transform(table)
    assert np.isfinite(prepared).all() and prepared.shape == (60, len(preparation.feature_names_))
    infinite = (np.abs(prepared) == FAR).any(axis=1)
    assert not preparation.outside(table)[~infinite].to_numpy().any()
    np.testing.assert_array_equal(preparation.transform(table.iloc[:7]), prepared[:7])


@pytest.mark.parametrize(
    "table, words",
    [
        (X, "must be a pandas DataFrame, or something with a method to_pandas; found ndarray"),
        (pd.DataFrame(X, columns=["a", "a"]), "stand more than once: 'a'"),
        (pd.DataFrame({"a": X[:, 0] + 1j}), "'a' holds complex numbers"),
    ],
)
def test_what_is_no_table_of_columns_is_refused(table, words):
    for use in (lambda: Preparation().fit(table), lambda: TableDetector().fit(table)):
        with pytest.raises(ValueError, match=words):
            use()


class LikePolars:
    """A table of another library, which can turn itself into one of pandas."""

    def to_pandas(self):
        return pd.DataFrame(X, columns=["a", "b"])


@pytest.mark.parametrize(
    "table, names",
    [
        (pd.DataFrame(X, columns=[2021, 2022]), ["2021", "2022"]),
        (pd.DataFrame(X, columns=pd.MultiIndex.from_tuples([("a", 1), ("a", 2)])), ["a 1", "a 2"]),
        (LikePolars(), ["a", "b"]),
        (pa.table({"a": X[:, 0], "b": X[:, 1]}), ["a", "b"]),
    ],
)
def test_tables_of_other_kinds_are_used(table, names):
    preparation = Preparation().fit(table)
    assert preparation.source_names_ == names
    np.testing.assert_array_equal(preparation.transform(table), X)
    assert list(preparation.outside(table)) == names


@pytest.mark.parametrize(
    "use",
    [
        lambda: Preparation().transform(pd.DataFrame(X)),
        lambda: Preparation().outside(pd.DataFrame(X)),
        lambda: Preparation().to_json(),
        lambda: TableDetector().score(pd.DataFrame(X)),
        lambda: TableDetector().reasons(pd.DataFrame(X)),
        lambda: TableDetector().drift(pd.DataFrame(X)),
        lambda: TableDetector().save("nowhere"),
    ],
)
def test_use_before_fit_is_refused(use):
    with pytest.raises(NotFittedError, match="has not learned anything yet. Call fit first"):
        use()


@pytest.mark.parametrize(
    "n, value, noted", [(3, -999.0, True), (2, -999.0, False), (4, -950.0, False), (6, -950.0, True)]
)
def test_a_familiar_number_beside_the_others_is_noted_even_if_it_is_rare(n, value, noted):
    """-999 beside values around 1500 is not far outside of them, and yet nobody measured it."""
    numbers = np.append(np.random.RandomState(0).normal(1500, 400, 150), np.full(n, value))
    assert sentinels.spike(numbers) == (value if noted else None)
