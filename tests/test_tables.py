"""Reading a table, selecting rows, and turning columns into numbers."""

import json
import re

import numpy as np
import pandas as pd
import pytest
from aecourse.tables import Preparation, Query, read_chunks, read_csv
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import OneHotEncoder

from aecourse import tables


@pytest.fixture
def write(tmp_path):
    """Return a function that writes bytes or text to a CSV file."""

    def call(content, name="table.csv"):
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return call


# --- reading -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "content",
    [
        "a,b\n1,x\n2,y\n",
        "a;b\n1;x\n2;y\n",
        "a\tb\n1\tx\n2\ty\n",
        "a|b\n1|x\n2|y\n",
        "\ufeffa,b\n1,x\n2,y\n",
        "a,b\r\n1,x\r\n2,y\r\n",
        '\n"a" , "b"\n1,"x"\n2,"y"',
        "a,b\n1,x\n2,y\n".encode("utf-16"),
    ],
    ids=["comma", "semicolon", "tab", "bar", "BOM", "Windows", "quotes and blanks", "UTF-16"],
)
def test_common_layouts_are_read_alike(write, content):
    path = write(content)
    expected = pd.DataFrame({"a": [1, 2], "b": ["x", "y"]})
    pd.testing.assert_frame_equal(read_csv(path), expected)
    pd.testing.assert_frame_equal(pd.concat(read_chunks(path, rows=1)), expected)


def test_a_decimal_comma_is_read_where_it_is_asked_for(write):
    assert read_csv(write("a;b\n1,5;2\n"), decimal=",")["a"].tolist() == [1.5]


def test_an_index_column_gets_a_name_and_is_left_out(write):
    table = read_csv(write(pd.DataFrame({"x": np.random.RandomState(0).normal(size=60)}).to_csv()))
    assert list(table.columns) == ["row number", "x"]
    assert Preparation().fit(table).source_names_ == ["x"]


@pytest.mark.parametrize(
    "content, words",
    [
        ("", "is empty"),
        ("  \n \n", "is empty"),
        ("a,b\n", "no rows"),
        ("a\n\ufeff", "no rows below it"),
        ("a\r\ufeff", "no rows below it"),
        ("a,a,b\n1,2,3\n", r"more than once: 'a'\. Give each column"),
        ("a,,b\n1,2,3\n", "column 2 has no name"),
        ("1,2.5\n3,4\n", "no header"),
        ("a,b\n1,2,3\n4,5,6\n", "more fields"),
        ("a,b\n1,2\n3,4,5\n", "line 3"),
        ('a,b\n1,"2\n3,4\n', "quotation"),
        ("a,b\n1,caf\u00e9\n".encode("latin-1"), r"not in UTF-8 .byte 0xe9.*cp1252"),
        (b"a,b\n" + b"1,2\n" * 20000 + "1,\u00e9\n".encode("latin-1"), "not in UTF-8"),
        (b"PK\x03\x04rest", "damaged"),
        (b"\x1f\x8brest", "damaged"),
        (b"a,b\n1,\x00\n", "zero bytes"),
    ],
)
def test_an_unusable_file_is_refused_with_a_sentence(write, content, words):
    for read in (read_csv, lambda path: list(read_chunks(path))):
        with pytest.raises(ValueError, match=words) as caught:
            read(write(content))
        assert "table.csv" in str(caught.value) and "\n" not in str(caught.value)


def test_missing_files_folders_and_wrong_options(write, tmp_path):
    path = write("a;b\n1;2\n")
    with pytest.raises(FileNotFoundError, match="does not exist"):
        read_csv(tmp_path / "nothing.csv")
    with pytest.raises(IsADirectoryError, match="is a folder"):
        read_csv(tmp_path)
    with pytest.raises(ValueError, match="one column with the separator ','.*2 with ';'"):
        read_csv(path, separator=",")
    with pytest.raises(ValueError, match="one character"):
        read_csv(path, separator="ab")
    with pytest.raises(ValueError, match="decimal must be"):
        read_csv(path, decimal=";")
    with pytest.raises(ValueError, match="Python knows"):
        read_csv(path, encoding="klingon")


def test_a_fault_far_down_is_found_before_the_first_piece(write):
    path = write("a,b\n" + "1,2\n" * 100 + "1,2,3\n")
    with pytest.raises(ValueError, match="line 102"):
        next(read_chunks(path, rows=50))


def test_texts_that_look_like_numbers_stay_texts_in_each_piece(write):
    path = write("code\n" + "01\n" * 3 + "x\n" * 3)
    pieces = read_chunks(path, rows=3, text_columns=["code"])
    assert pd.concat(pieces)["code"].tolist() == ["01"] * 3 + ["x"] * 3


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.one_of(
        st.binary(max_size=200), st.text(alphabet="ab1;,|\t\"'\n\r\ufeff é.-", max_size=120).map(str.encode)
    )
)
def test_any_bytes_give_a_table_or_a_sentence(tmp_path_factory, content):
    path = tmp_path_factory.getbasetemp() / "any.csv"
    path.write_bytes(content)
    try:
        table = read_csv(path)
    except ValueError as error:
        assert type(error) is ValueError and str(error).strip().endswith((".", "?", "--encoding."))
        return
    assert len(table) and len(set(table.columns)) == len(table.columns)
    try:
        X = Preparation().fit(table).transform(table)
    except ValueError as error:
        assert type(error) is ValueError
        return
    assert np.isfinite(X).all()


# --- the query ---------------------------------------------------------------------------------

TABLE = pd.DataFrame(
    {
        "label": ["normal", "odd", "normal", None, "odd"],
        "age": [1.0, 2.0, np.nan, 4.0, 5.0],
        "count": [1, 2, 3, 4, 5],
        "good one": [True, False, True, True, False],
    }
)


@pytest.mark.parametrize(
    "text, rows",
    [
        ("label == 'normal'", [0, 2]),
        ('label != "normal"', [1, 3, 4]),
        ("label in ['normal', 'other']", [0, 2]),
        ("label not in ('odd',)", [0, 2, 3]),
        ("age > 1 and count <= 4", [1, 3]),
        ("(age > 1) & (count <= 4)", [1, 3]),
        ("age > 1 & count <= 4", [1, 3]),
        ("age < 2 or label == 'odd'", [0, 1, 4]),
        ("not label == 'odd'", [0, 2, 3]),
        ("~(label == 'odd') | (count == 5)", [0, 2, 3, 4]),
        ("1 < count <= 3", [1, 2]),
        ("count > -1 and age == age", [0, 1, 3, 4]),
        ("`good one`", [0, 2, 3]),
        ("not `good one` and `count` == 2", [1]),
        ("`good one` == True", [0, 2, 3]),
        ("label == 'a & b | `c`' or count == 1", [0]),
    ],
)
def test_a_query_selects_what_pandas_selects(text, rows):
    selected = Query(text).select(TABLE)
    assert np.flatnonzero(selected).tolist() == rows
    assert TABLE.query(text).index.tolist() == rows


@pytest.mark.parametrize("name", ["class", "from", "for", "global", "with", "def"])
def test_a_column_may_be_named_like_a_word_of_python(name):
    table = TABLE.rename(columns={"label": name})
    for text in (
        f"{name} == 'normal'",
        f"`{name}` == 'normal'",
        f"count < 9 and {name} in ['normal', '{name}']",
    ):
        query = Query(text)
        assert name in query.columns and np.flatnonzero(query.select(table)).tolist() == [0, 2]


@pytest.mark.parametrize(
    "text, words",
    [
        ("is == 'a'", "A column called 'is' stands in backticks: `is`"),
        ("label = 'normal'", "One = assigns; compare with =="),
        ("label == normal", "If it is a text, put it in quotation marks: 'normal'"),
    ],
)
def test_a_query_that_is_nearly_right_gets_a_hint(text, words):
    with pytest.raises(ValueError, match=words):
        Query(text).select(TABLE)


_conditions = st.recursive(
    st.one_of(
        st.builds("`good one`".__str__),
        st.builds(
            "{} {} {}".format,
            st.sampled_from(["age", "count"]),
            st.sampled_from(["==", "!=", "<", "<=", ">", ">="]),
            st.sampled_from(["2", "-1", "3.5", "count"]),
        ),
        st.builds("label {} {}".format, st.sampled_from(["==", "!="]), st.sampled_from(["'odd'", "'x'"])),
        st.builds("label {} ['odd', 'x']".format, st.sampled_from(["in", "not in"])),
    ),
    lambda inner: st.one_of(
        st.builds("({} {} {})".format, inner, st.sampled_from(["and", "or", "&", "|"]), inner),
        st.builds("(not {})".format, inner),
    ),
    max_leaves=6,
)


@settings(max_examples=100, deadline=None)
@given(_conditions)
def test_any_query_selects_what_pandas_selects(text):
    expected = TABLE.query(text, engine="python").index.tolist()
    assert np.flatnonzero(Query(text).select(TABLE)).tolist() == expected


@pytest.mark.parametrize(
    "text",
    [
        "@__import__('os').system('touch {escaped}')",
        "__import__('os').system('touch {escaped}') == 0",
        "label.str.contains('n')",
        "label.__class__ == 1",
        "label.map(print) == 1",
        "label == open('{escaped}', 'w')",
        "count.to_csv('{escaped}')",
        "(lambda: 1)() == label",
        "label == f'{{count}}'",
        "[x for x in label] == 1",
        "count in [open('{escaped}', 'w')]",
        "(count := 3) > 1",
        "label[0] == 'a'",
        "count + 1 == 2",
        "count ** 999999999 > 1",
        "@TABLE == 1",
        "`a`.__class__ == 1",
        "label == 'a'; import os",
        "import os",
        "count == 1 if True else 2",
        "'n' in label",
        "label in 'normal'",
        "label is None",
        "label == None",
        "1 == 1",
        "True",
        "label == b'a'",
        "label == 1j",
        "-label == 1",
        "",
        "   ",
        "label = 'normal'",
        "label == 'normal",
        "(" * 300 + "count" + ")" * 300 + " == 1",
        "not " * 400 + "`good one`" + " " * 2000,
        "count ==\n1 \x00",
        "print",
    ],
)
def test_what_is_no_comparison_is_refused(text, tmp_path):
    escaped = tmp_path / "escaped"
    with pytest.raises(ValueError, match="query"):
        Query(text.replace("{escaped}", str(escaped))).select(TABLE)
    assert not escaped.exists()


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="labelcount=<>!&|~()[]'\"`@._+*-:, 01\\\n", max_size=60))
def test_any_text_is_a_query_or_refused(text):
    try:
        assert Query(text).select(TABLE).dtype == bool
    except ValueError as error:
        assert "query" in str(error)


def test_a_query_says_what_is_wrong_with_the_columns():
    with pytest.raises(ValueError, match=r"'Label', which the table does not have. Did you mean 'label'"):
        Query("Label == 'normal'").select(TABLE)
    with pytest.raises(ValueError, match="quotation marks"):
        Query("label > 3").select(TABLE)
    with pytest.raises(ValueError, match="as a condition"):
        Query("count").select(TABLE)


# --- columns to numbers ------------------------------------------------------------------------


def dirty(n=200, seed=0):
    """A table with one column of each kind of dirt."""
    rng = np.random.RandomState(seed)
    table = pd.DataFrame(
        {
            "size": rng.normal(10, 2, n),
            "gap": np.where(rng.rand(n) < 0.2, np.nan, rng.normal(size=n)),
            "colour": rng.choice(["red", "green", "blue"], n),
            "when": pd.date_range("2024-01-01", periods=n, freq="7h").strftime("%Y-%m-%d %H:%M"),
            "on": rng.rand(n) < 0.5,
            "number as text": [f" {value:.3f}" for value in rng.normal(size=n)],
            "huge": [str(10**30 + int(value) * 10**20) for value in rng.randint(0, 10**9, n)],
            "unit": "mm",
            "zero": 0.0,
            "nothing": np.nan,
            "key": [f"k{value}" for value in rng.permutation(n)],
            "line": np.arange(n) + 1,
            "town": rng.choice([f"town {place}" for place in range(40)], n),
        }
    )
    table["size again"] = table["size"]
    table.loc[3, "number as text"] = "?"
    return table


def test_each_kind_of_column_is_handled():
    table = dirty()
    preparation = Preparation().fit(table, {"label": "it is the label"})
    assert preparation.source_names_ == [
        "size",
        "gap",
        "colour",
        "when",
        "on",
        "number as text",
        "huge",
        "town",
    ]
    assert set(preparation.left_out_) == {"label", "unit", "zero", "nothing", "key", "line", "size again"}
    assert preparation.left_out_["size again"] == "the same as 'size'"
    X = preparation.transform(table)
    assert X.shape == (200, len(preparation.feature_names_)) and np.isfinite(X).all()
    found = dict(zip(preparation.feature_names_, X.T, strict=True))
    np.testing.assert_array_equal(found["size"], table["size"])
    assert found["gap is missing"].sum() == table["gap"].isna().sum()
    assert "number as text is missing" not in found  # one in 200: filled, but not told
    assert found["number as text"][3] == np.median(found["number as text"][np.arange(200) != 3])
    assert any("'?'" in note for note in preparation.notes_)
    town = [name for name in found if name.startswith("town")]
    assert len(town) == tables.MAX_CATEGORIES + 1 and sum(found[name] for name in town).tolist() == [1] * 200
    np.testing.assert_allclose(found["when: hour, sine"] ** 2 + found["when: hour, cosine"] ** 2, 1)
    monday = pd.to_datetime(table["when"]).dt.day_of_week == 0
    np.testing.assert_allclose(found["when: weekday, cosine"][monday], 1)
    assert len(preparation.sources_) == X.shape[1] and (np.diff(preparation.sources_) >= 0).all()


def test_numbers_and_categories_agree_with_scikit_learn():
    table = dirty()[["size", "gap", "colour"]]
    X = Preparation().fit(table).transform(table)
    numbers = SimpleImputer(strategy="median", add_indicator=True).fit_transform(table[["size", "gap"]])
    np.testing.assert_array_equal(X[:, :3], numbers)
    by_count = table["colour"].value_counts().index.tolist()
    categories = OneHotEncoder(categories=[by_count], sparse_output=False).fit_transform(table[["colour"]])
    np.testing.assert_array_equal(X[:, 3:], categories)


def test_new_rows_may_have_other_columns_in_another_order():
    table = dirty()
    preparation = Preparation().fit(table)
    new = table[list(table.columns[::-1])].assign(more=1).drop(columns=["unit", "key"])
    np.testing.assert_array_equal(preparation.transform(new), preparation.transform(table))
    assert preparation.check(new) == ["more"]
    with pytest.raises(ValueError, match=r"lacks 1 of the 8 columns .*'size'.*renamed \('Size' for 'size'\)"):
        preparation.transform(table.rename(columns={"size": "Size"}))


def test_each_row_is_prepared_on_its_own():
    table = dirty()
    preparation = Preparation().fit(table)
    rows = [preparation.transform(table.iloc[[row]]) for row in (0, 3, 77)]
    np.testing.assert_array_equal(np.vstack(rows), preparation.transform(table)[[0, 3, 77]])


def test_it_survives_json():
    table = dirty()
    preparation = Preparation().fit(table)
    again = Preparation.from_json(json.loads(json.dumps(preparation.to_json())))
    np.testing.assert_array_equal(again.transform(table), preparation.transform(table))
    assert again.to_json() == preparation.to_json()


@pytest.mark.parametrize(
    "change",
    [
        lambda data: data.pop("columns"),
        lambda data: data["columns"][0].pop("name"),
        lambda data: data["columns"][0].update(kind="pickle"),
        lambda data: data["columns"][0].update(low="0"),
        lambda data: data["columns"][0].update(fill=float("nan")),
        lambda data: data["columns"][0].update(parts=["year"]),
        lambda data: data["columns"][0].update(values=[1]),
        lambda data: data["columns"][0].update(code="import os"),
        lambda data: data.update(n_rows="many"),
    ],
)
def test_a_changed_description_is_refused(change):
    data = Preparation().fit(dirty()).to_json()
    data = json.loads(json.dumps(data))
    change(data)
    with pytest.raises(ValueError, match="cannot be read"):
        Preparation.from_json(data)


def test_what_lies_outside_is_said():
    table = dirty()
    preparation = Preparation().fit(table)
    assert not preparation.outside(table).drop(columns="town").to_numpy().any()
    row = table.iloc[[0]].copy()
    row["size"], row["colour"], row["unit"], row["zero"], row["gap"] = 99.0, "pink", "cm", np.nan, np.nan
    outside = preparation.outside(row).iloc[0]
    assert set(outside[outside].index) - {"town"} == {"size", "colour", "unit", "zero"}


def test_infinite_values_are_far_outside():
    table = pd.DataFrame({"a": [1.0, 2.0, 3.0, np.inf]})
    preparation = Preparation().fit(table)
    assert preparation.columns_[0].high == 3.0 and "1 infinite" in preparation.notes_[0]
    X = preparation.transform(pd.DataFrame({"a": [np.inf, -np.inf, 2.0, np.nan]}))
    assert X[:, 0].tolist() == [tables.FAR, -tables.FAR, 2.0, 2.0]
    assert preparation.outside(pd.DataFrame({"a": [np.inf, 2.0]}))["a"].tolist() == [True, False]


@pytest.mark.parametrize(
    "column, words",
    [
        (["1,523", "2,456", "3,012"], "comma may be a decimal sign.*--decimal , or --thousands ,"),
        (["1.2.2024", "3.4.2024", None], "day and month cannot be told apart"),
        (
            ["03/04/2024 10:00", "03/05/2024 11:00", "x/y"] * 1 + ["04/04/2024"] * 2,
            "--date-format '%d/%m/%Y",
        ),
        ([5, 5, 5], "no column is left.*always 5"),
        ([None, None, None], "no values"),
    ],
)
def test_columns_that_could_be_two_things_are_refused(column, words):
    with pytest.raises(ValueError, match=words):
        Preparation().fit(pd.DataFrame({"x": column}))


def test_a_column_of_another_kind_is_refused_when_scoring():
    preparation = Preparation().fit(pd.DataFrame({"x": [1.0, 2.0, 3.5]}))
    with pytest.raises(ValueError, match="'x' held numbers.*'red7'"):
        preparation.transform(pd.DataFrame({"x": ["red7", "d2"] * 10}))
    with pytest.raises(ValueError, match="decimal sign ','.*--decimal ','"):
        preparation.transform(pd.DataFrame({"x": ["1,5", "2,5"] * 10}))
    preparation.rewrite(decimal=",")
    assert preparation.transform(pd.DataFrame({"x": ["1,5", "2,5"] * 10}))[:2, 0].tolist() == [1.5, 2.5]


_values = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**30), 10**30),
    st.floats(allow_nan=True, allow_infinity=True),
    st.text(max_size=8),
    st.sampled_from(["", "?", "1e400", "-inf", "2024-02-30", "2024-03-01", "TRUE", "1,5"]),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(_values, _values), min_size=1, max_size=12))
def test_any_values_become_finite_numbers_or_a_sentence(rows):
    table = pd.DataFrame(rows, columns=["a", "b"])
    try:
        preparation = Preparation().fit(table)
    except ValueError as error:
        assert re.search(r"column|left", str(error))
        return
    X = preparation.transform(table)
    assert X.shape == (len(rows), len(preparation.feature_names_)) and np.isfinite(X).all()
    assert preparation.outside(table).shape[0] == len(rows)
    again = Preparation.from_json(json.loads(json.dumps(preparation.to_json())))
    np.testing.assert_array_equal(again.transform(table), X)
