"""What may be named as a table: what is read, what is refused, and in which words."""

import bz2
import csv
import gzip
import io
import lzma
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import types
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import feather, ipc, parquet

from aecourse import cli
from aecourse._support import files
from aecourse.tabular import TableDetector, jobs, lines, open_table, read_chunks, read_csv, sources

ROWS = "a,b\n1,x\n2,y\n"
TABLE = pd.DataFrame({"a": [1, 2], "b": ["x", "y"]})


def zipped(entries):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return packed.getvalue()


def arrow(write, table=TABLE):
    stream = io.BytesIO()
    write(pyarrow.Table.from_pandas(table, preserve_index=False), stream)
    return stream.getvalue()


def streamed(table, stream):
    with ipc.new_stream(stream, table.schema) as writer:
        writer.write_table(table)


READ = {
    "comma": ROWS,
    "semicolon": "a;b\n1;x\n2;y\n",
    "tab": "a\tb\n1\tx\n2\ty\n",
    "bar": "a|b\n1|x\n2|y\n",
    "no last line end": "a,b\n1,x\n2,y",
    "Windows": "a,b\r\n1,x\r\n2,y\r\n",
    "old Mac": "a,b\r1,x\r2,y\r",
    "BOM": "\ufeffa,b\n1,x\n2,y\n",
    "UTF-16": ROWS.encode("utf-16"),
    "UTF-32": ROWS.encode("utf-32"),
    "blank lines": "\n\na,b\n\n1,x\n  \n2,y\n\n",
    "quotes and blanks": '"a" , "b"\n1 ,"x"\n2, "y"\n',
    "sep=": "sep=;\na;b\n1;x\n2;y\n",
    "sep= in quotes": '\ufeff"sep=\t"\r\na\tb\r\n1\tx\r\n2\ty\r\n',
    "gz": gzip.compress(ROWS.encode()),
    "two gz": gzip.compress(b"a,b\n1,x\n") + gzip.compress(b"2,y\n"),
    "bz2": bz2.compress(ROWS.encode()),
    "xz": lzma.compress(ROWS.encode()),
    "zip": zipped({"table.csv": ROWS}),
    "zip from a Mac": zipped({"table.csv": ROWS, "__MACOSX/._table.csv": b"\0", ".DS_Store": b"\0"}),
    "gz of Parquet": gzip.compress(arrow(parquet.write_table)),
    "Parquet": arrow(parquet.write_table),
    "Feather": arrow(feather.write_feather),
    "Arrow stream": arrow(streamed),
}
REFUSED = {
    "nothing": ("", "is empty"),
    "blanks": (" \n\n", "is empty"),
    "a header": ("a,b\n", "no rows"),
    "gz of nothing": (gzip.compress(b""), "is empty"),
    "name twice": ("a,a\n1,2\n", "more than once: 'a'"),
    "no name": ("a,\n1,2\n", "column 2 has no name"),
    "numbers first": ("1,2.5\n3,4\n", "no header.*contains numbers, such as '1'.*--no-header"),
    "numbers and a text first": ("17.9,10.3,benign\n20.5,17.7,odd\n", "no header.*'17.9'"),
    "codes first": ("k17,red\nk18,blue\nk19,red\nk20,red\n", "no header.*'k17', written like"),
    "texts first": ("red,round\nblue,round\nred,flat\n", "no header.*'red', 'round', which recur"),
    "short row": ("a,b\n1,2\n3\n4,5\n", r"1 of 3 rows .*line 3 has 1\).*--ragged keep"),
    "long row": ("a,b\n1,2\n3,4,5\n6,7\n", r"1 of 3 rows .*line 3 has 3\)"),
    "long rows": ("a,b\n1,2,3\n4,5,6\n", "more fields than names: there are 2 names"),
    "row names": ("a b\n", "no rows"),
    "cut off": ("a,b\n1,2\n3", r"cut off.*line 3 has 1\)"),
    "open quotation": ('a,b\n1,"2\n3,4\n', "line 2: a quotation mark is not closed"),
    "zero byte": ("a,b\n1,\0\n", "zero bytes"),
    "zero byte far down": (
        "a,b\n" + "1,2\n" * 30_000 + "1,\0\n",
        "line 30002, is not text: it contains zero",
    ),
    "UTF-16 without mark": (ROWS.encode("utf-16-le"), "--encoding utf-16-le"),
    "Latin-1": ("a,b\n1,é\n".encode("latin-1"), "not in UTF-8 .byte 0xe9.*cp1252"),
    "zip of two": (zipped({"a.csv": ROWS, "b.csv": ROWS}), "2 files .'a.csv', 'b.csv'"),
    "empty zip": (zipped({}), "0 files"),
    "zip in zip": (zipped({"a.zip": zipped({"a.csv": ROWS})}), "holds an archive"),
    "tar.gz": (gzip.compress(b"a.csv".ljust(257, b"\0") + b"ustar\0" + bytes(300)), "holds an archive"),
    "cut gz": (gzip.compress(ROWS.encode() * 999)[:-20], "damaged or cut off"),
    "cut xz": (lzma.compress(ROWS.encode() * 999)[:-20], "damaged or cut off"),
    "cut bz2": (bz2.compress(ROWS.encode() * 999)[:-20], "damaged or cut off"),
    "cut zip": (zipped({"a.csv": ROWS})[:-20], "damaged or cut off"),
    "cut Parquet": (arrow(parquet.write_table)[:-20], "damaged or cut off"),
    "cut Feather": (arrow(feather.write_feather)[:-20], "damaged or cut off"),
    "Word": (zipped({"[Content_Types].xml": "", "word/document.xml": ""}), "office program"),
    "OpenDocument": (zipped({"mimetype": "", "content.xml": ""}), "office program"),
    "old Excel": (b"\xd0\xcf\x11\xe0\xa1\xb1", "old Excel file"),
    "PDF": (b"%PDF-1.7", "a PDF"),
    "picture": (b"\x89PNG\r\n", "a picture"),
    "zstd": (b"\x28\xb5\x2f\xfd\x04", "unpack it first: zstd -d"),
    "7-Zip": (b"7z\xbc\xaf\x27\x1c", "7-Zip"),
    "SQLite": (b"SQLite format 3\0", "an SQLite database"),
    "NumPy": (b"\x93NUMPY\x01\0", "a NumPy array"),
    "web page": ("\n<!DOCTYPE html><html>", "a web page"),
    "JSON": ('[{"a": 1}]', "it is JSON"),
    "lists in Parquet": (
        arrow(parquet.write_table, pd.DataFrame({"a": [[1], [2, 3]]})),
        "column 'a' holds values of the type list",
    ),
    "Parquet without rows": (arrow(parquet.write_table, TABLE.iloc[:0]), "no rows"),
}


@pytest.fixture
def write(tmp_path):
    def call(content, name="table.csv"):
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return call


@pytest.fixture
def spool(tmp_path, monkeypatch):
    """The folder of temporary files, which must be empty in the end."""
    folder = tmp_path / "spool"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    yield folder
    assert os.listdir(folder) == []


def test_there_are_enough_kinds():
    assert len(READ) >= 20 and len(READ) + len(REFUSED) >= 60


@pytest.mark.parametrize("kind", READ)
def test_each_kind_is_read_alike(write, spool, kind):
    path = write(READ[kind], "table")  # the ending does not matter
    for found in (read_csv(path), pd.concat(read_chunks(path, rows=1))):
        pd.testing.assert_frame_equal(found, TABLE, check_dtype=False)


@pytest.mark.parametrize("kind", REFUSED)
def test_each_kind_is_refused_in_one_sentence_or_two(write, spool, kind):
    content, words = REFUSED[kind]
    path = write(content, "table")
    for read in (read_csv, lambda path: next(read_chunks(path))):
        with pytest.raises(ValueError, match=words) as caught:
            read(path)
        assert str(path) in str(caught.value) and "\n" not in str(caught.value)


# --- where a table may come from ---------------------------------------------------------------


@pytest.mark.parametrize("kind", ["comma", "gz", "Parquet"])
@pytest.mark.parametrize("by", ["FIFO", "/dev/stdin", "-"])
def test_a_pipe_gives_every_row(tmp_path, spool, monkeypatch, kind, by):
    """Standard input and pipes can be read once, and in pieces of some kilobytes."""
    content = ROWS.encode() + b"2,y\n" * 50_000 if kind == "comma" else READ[kind]
    if by == "FIFO":
        os.mkfifo(path := tmp_path / "fifo")
        target = path
    else:
        path, end = by, os.pipe()
        target = end[1]
        monkeypatch.setattr(
            sys, "stdin", io.TextIOWrapper(io.BufferedReader(io.FileIO(end[0], closefd=False)))
        )
        if by == "/dev/stdin":
            path = f"/dev/fd/{end[0]}"

    def feed():
        with open(target, "wb") as pipe:
            pipe.write(content)

    writer = threading.Thread(target=feed)
    writer.start()
    with open_table(path) as table:
        assert len(table.read()) == table.n_rows == sum(map(len, table.pieces(1000)))
        assert table.n_rows == (50_002 if kind == "comma" else 2)
    writer.join()
    if by != "FIFO":
        os.close(end[0])


@pytest.mark.parametrize(
    "path, kind, words",
    [
        ("https://example.org/a.csv", ValueError, "an address.*curl"),
        ("s3://bucket/a.csv", ValueError, "an address"),
        ("nothing.csv", FileNotFoundError, "does not exist. Check the name"),
        (".", IsADirectoryError, "is a folder; name a file"),
        ("/dev/null", OSError, "is a device"),
        ("/dev/zero", OSError, "is a device"),
        ("a\0b", ValueError, "cannot be opened"),
        ("a" * 5000, OSError, "cannot be opened"),
    ],
)
def test_what_is_no_file_is_refused(path, kind, words):
    with pytest.raises(kind, match=words):
        read_csv(path)


def test_a_terminal_is_refused(monkeypatch):
    monkeypatch.setattr(sys, "stdin", type("Terminal", (), {"isatty": lambda self: True})())
    with pytest.raises(ValueError, match="is a terminal"):
        read_csv("-")


@pytest.mark.parametrize(
    "pack",
    [gzip.compress, bz2.compress, lzma.compress, lambda all: zipped({"a": all})],
    ids=["gz", "bz2", "xz", "zip"],
)
def test_a_bomb_is_refused_before_it_is_unpacked(write, spool, monkeypatch, pack):
    """A limit in proportion: here 1 MB of zeros may become 50 kB, and nothing larger is ever written."""
    monkeypatch.setattr(sources, "ALWAYS", 50_000)
    monkeypatch.setattr(sources, "MAX_RATIO", 10)
    monkeypatch.setattr(sources, "_BLOCK", 10_000)
    path = write(pack(b"a\n" + b"0\n" * 500_000))
    largest, copy = [], sources._copy
    monkeypatch.setattr(
        sources,
        "_copy",
        lambda stream, to, most: (copy(stream, to, most), largest.append(to.stat().st_size))[0],
    )
    with pytest.raises(ValueError, match="over 10 times its size"):
        read_csv(path)
    assert max(largest, default=0) <= 50_000


def test_a_zip_archive_that_lies_about_its_size_is_refused(write, spool):
    content = zipped({"a.csv": "a\n" + "0\n" * 100_000})
    lie = content.replace((200_002).to_bytes(4, "little"), (10).to_bytes(4, "little"))
    assert lie != content
    with pytest.raises(ValueError, match="damaged"):
        read_csv(write(lie))


def test_a_password_and_a_missing_package_are_named(write, monkeypatch):
    protected = bytearray(zipped({"a.csv": ROWS}))
    protected[protected.index(b"PK\x01\x02") + 8] |= 1
    with pytest.raises(ValueError, match="password"):
        read_csv(write(bytes(protected)))
    for package, content in (("openpyxl", zipped({"xl/workbook.xml": ""})), ("pyarrow", READ["Parquet"])):
        monkeypatch.setitem(sys.modules, package, None)
        with pytest.raises(ValueError, match=f"needs the package {package}: pip install {package}"):
            read_csv(write(content))


def test_a_full_disk_is_named(write, spool, monkeypatch):
    class Full(io.BytesIO):
        def write(self, data):
            raise OSError(28, "No space left on device")

    path = write(READ["gz"])
    opened = open
    monkeypatch.setattr(
        sources, "open", lambda file, mode="r": Full() if "w" in mode else opened(file, mode), raising=False
    )
    with pytest.raises(OSError, match="temporary folder .*spool.* the disk is full.*TMPDIR"):
        read_csv(path)


@pytest.mark.parametrize("writer", [files.whole_file, files.whole_folder])
def test_a_full_disk_names_the_file(tmp_path, writer):
    with pytest.raises(OSError, match=r"result could not be written, because the disk is full"):
        with writer(tmp_path / "result"):
            raise OSError(28, "No space left on device")
    assert os.listdir(tmp_path) == []


def test_results_of_packed_and_piped_tables_have_plain_names(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("data.csv.gz", "data.parquet"):
        Path(name).touch()
        assert jobs._beside(name, "-results") == Path("data-results")
    assert jobs._beside("-", "-scores.csv") == Path("stdin-scores.csv")
    os.mkfifo("pipe.csv")
    assert jobs._beside(tmp_path / "pipe.csv", "-results") == Path("pipe-results")


# --- rows and fields ---------------------------------------------------------------------------


def test_short_and_long_rows_are_kept_as_asked(write):
    path = write("a,b,c\n1,2,3\n4\n\n5,6,7,8\n9,10,\n")
    with open_table(path, ragged="keep") as table:
        expected = pd.DataFrame({"a": [1, 4, 5, 9], "b": [2, np.nan, 6, 10], "c": [3, np.nan, 7, np.nan]})
        pd.testing.assert_frame_equal(table.read(), expected)
        assert "2 of 4 rows do not have 3 fields (line 3 has 1, line 5 has 4)" in table.notes[0]
        assert "1 short ones were filled with missing values, 1 long ones cut" in table.notes[0]
    with pytest.raises(ValueError, match="ragged must be 'refuse' or 'keep'; found 'drop'"):
        read_csv(path, ragged="drop")


def test_a_table_of_one_column_keeps_its_empty_rows(write):
    path = write("a\n1\n\n3\n")
    for found in (read_csv(path), pd.concat(read_chunks(path, rows=2))):
        assert found["a"].fillna(-1).tolist() == [1, -1, 3]


def test_the_first_line_is_what_the_caller_says(write):
    path = write("17.9,benign\n20.5,odd\n")
    assert read_csv(path, header=False).to_dict("list") == {
        "column 1": [17.9, 20.5],
        "column 2": ["benign", "odd"],
    }
    assert list(read_csv(path, header=True)) == ["17.9", "benign"]


@pytest.mark.parametrize("names", ["0,1,2", "1,2,3", "country,2019,2020", "a,2000,2005,2010"])
def test_counts_and_years_are_names_and_this_is_said(write, names):
    path = write(f"{names}\n" + ",".join("7" * len(names.split(","))) + "\n")
    with open_table(path) as table:
        assert table.names == names.split(",") and "were taken for names of columns" in table.notes[0]


def test_a_text_that_looks_missing_stays_where_it_names_a_class(write):
    path = write("level,size\nNone,1\nNA,NA\n,3\nhigh,4\n")
    for found in (read_csv(path), pd.concat(read_chunks(path, rows=2, text_columns=["level"]))):
        assert found["level"].isna().tolist() == [False, False, True, False]
        assert found["level"].dropna().tolist() == ["None", "NA", "high"]
        assert found["size"].fillna(0).tolist() == [1, 0, 3, 4]


def test_codes_are_found_in_the_last_row_too(write):
    path = write("code,time,n\n" + "17,01:30,5\n" * 5000 + "007,01:30,5\n")
    for found in (read_csv(path), pd.concat(read_chunks(path, rows=1000))):
        assert found["code"].iloc[[0, -1]].tolist() == ["17", "007"] and found["n"].dtype == np.int64


def test_a_very_long_first_line_is_read(write):
    names = [f"a column with a rather long name, number {place}".replace(",", "") for place in range(5000)]
    path = write(",".join(names) + "\n" + ",".join("1" * 5000) + "\n")
    assert list(read_csv(path)) == names


fields = st.text(alphabet='ab0719 "é', max_size=4)
rows = st.lists(st.lists(fields, min_size=1, max_size=4), min_size=1, max_size=6)


@settings(max_examples=200, deadline=None)
@given(rows, st.sampled_from(["\n", "\r\n", "\r"]), st.booleans(), st.integers(1, 4), st.integers(1, 40))
def test_rows_are_counted_as_by_pythons_own_reader(tmp_path_factory, rows, end, quoted, n_names, block):
    """Whole blocks at a time, of any size, with marks inside of fields or around them."""
    path = tmp_path_factory.getbasetemp() / "counted.csv"
    with open(path, "w", encoding="utf-8", newline="") as file:
        if quoted:
            csv.writer(file, lineterminator=end, quoting=csv.QUOTE_ALL).writerows(rows)
        else:
            file.write(end.join(",".join(row) for row in rows))
    expected = lines.Count()
    with open(path, "rb") as file:
        lines._count_with_csv(file, b"", expected, 1, ",", n_names)
    usual, lines.BLOCK = lines.BLOCK, block
    try:
        found = lines.count_rows(path, 0, 1, ",", n_names)
    finally:
        lines.BLOCK = usual
    if found.open_line:  # Python's reader closes at the end of the file what is open
        assert path.read_text(encoding="utf-8").count('"') % 2
        return
    assert found.codes >= expected.codes  # 0"7 counts too, which makes its column one of texts anyway
    found.codes = expected.codes
    assert found == expected


# --- endings -----------------------------------------------------------------------------------

_READY = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job ignores it
from aecourse import cli, tabular
cli._prepare_tensorflow = lambda *_: None
print("ready", flush=True)
sys.exit(cli.main(sys.argv[1:]))
"""


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGINT])
def test_an_ended_command_leaves_nothing(write, tmp_path, ending):
    """The command is in the midst of a copy of its table when it is told to end."""
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "spool").mkdir()
    quiet = os.environ | {"TMPDIR": str(tmp_path / "spool"), "AECOURSE_PROGRESS": "0"}
    command = [sys.executable, "-c", _READY, "detect", "fifo"]
    with subprocess.Popen(command, cwd=tmp_path, env=quiet, stdout=-1, stderr=-1, text=True) as process:
        assert process.stdout.readline() == "ready\n"
        with open(tmp_path / "fifo", "wb") as pipe:
            pipe.write(ROWS.encode())
            pipe.flush()
            while not list((tmp_path / "spool").rglob("copied")):
                assert process.poll() is None
            process.send_signal(ending)
        _, errors = process.communicate(timeout=60)
    assert process.returncode in (130, 143) and "nothing was written" in errors and "Traceback" not in errors
    assert sorted(os.listdir(tmp_path)) == ["fifo", "spool"] and os.listdir(tmp_path / "spool") == []


_AT_AN_IMPORT = """
import os, runpy, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job ignores it
number, at = getattr(signal, sys.argv[1]), int(sys.argv[2])
del sys.argv[1:3]

class Counting:
    left = at

    def find_spec(self, *_):
        if signal.getsignal(signal.SIGTERM) != signal.SIG_DFL:  # our own code has begun
            self.left -= 1
            if self.left == 0:
                print("sent", flush=True)
                os.kill(os.getpid(), number)

sys.meta_path.insert(0, Counting())
runpy.run_module("aecourse", run_name="__main__", alter_sys=True)
"""


@pytest.mark.parametrize("number", ["SIGINT", "SIGTERM"])
@pytest.mark.parametrize("at", [1, 5, 60, 500, 1500, 2500])
def test_a_command_that_is_ended_while_it_imports_says_so(tmp_path, number, at):
    """An import is where an exception is lost most easily: here the signal comes in the midst of one."""
    rows = "".join(f"{place},{place * 7 % 100}\n" for place in range(100))
    (tmp_path / "table.csv").write_text(f"a,b\n{rows}")
    (tmp_path / "spool").mkdir()
    quiet = os.environ | {"TMPDIR": str(tmp_path / "spool"), "AECOURSE_PROGRESS": "0"}
    command = [sys.executable, "-c", _AT_AN_IMPORT, number, str(at), "detect", "table.csv"]
    done = subprocess.run(command, cwd=tmp_path, env=quiet, capture_output=True, text=True, timeout=120)
    assert done.stdout == "sent\n", "it did not import so many modules"
    assert done.returncode == {"SIGINT": 130, "SIGTERM": 143}[number]
    assert re.fullmatch(
        r"aecourse: (interrupted|ended by SIGTERM); nothing was (begun|written)\.\n", done.stderr
    )
    assert sorted(os.listdir(tmp_path)) == ["spool", "table.csv"] and os.listdir(tmp_path / "spool") == []


def test_what_should_not_occur_is_a_sentence_too(monkeypatch, capsys, write):
    def fail(*_, **__):
        raise RuntimeError("odd")

    monkeypatch.setattr(jobs, "open_table", fail)
    assert cli.main(["detect", str(write(ROWS))]) == 1
    assert "should not occur (RuntimeError: odd)" in capsys.readouterr().err
    monkeypatch.setenv("AECOURSE_TRACEBACK", "1")
    with pytest.raises(RuntimeError):
        cli.main(["detect", str(write(ROWS))])


def test_blanks_around_names_of_columns_do_not_count_in_any_format(tmp_path):
    table = pd.DataFrame({" a": [1, 2], "b ": [3, 4]})
    table.to_csv(tmp_path / "t.csv", index=False)
    table.to_parquet(tmp_path / "t.parquet")
    for path in (tmp_path / "t.csv", tmp_path / "t.parquet"):
        with open_table(path) as opened:
            pieces = pd.concat(opened.pieces(1))
            assert list(opened.read()) == opened.names == list(pieces) == ["a", "b"]
    pd.DataFrame({"a": [1], "a ": [2]}).to_parquet(tmp_path / "twice.parquet")
    with pytest.raises(ValueError, match="stand more than once: 'a'"):
        with open_table(tmp_path / "twice.parquet"):
            pass


# --- spreadsheets, with and without the package that opens them --------------------------------------


class _Sheet:
    """A sheet as openpyxl shows it."""

    def __init__(self, title, rows):
        self.title, self.rows = title, rows

    def iter_rows(self, values_only):
        assert values_only
        return iter(self.rows)


SHEETS = {
    "May": [
        (None, None),
        ("name", "height", None),
        ("Ada", 1.65, None),
        (None, None, None),
        ("Bo", None, None),
    ],
    "Empty": [],
}


@pytest.fixture
def stand_in(monkeypatch):
    """A module in openpyxl's place; a test below opens a real file where openpyxl is installed."""

    def use(sheets):
        book = types.SimpleNamespace(
            worksheets=[_Sheet(title, rows) for title, rows in sheets.items()], close=lambda: None
        )
        module = types.SimpleNamespace(load_workbook=lambda *_, **__: book)
        monkeypatch.setitem(sys.modules, "openpyxl", module)

    return use


def test_a_sheet_is_read_without_the_empty_rows_around_it(write, stand_in):
    stand_in({"May": SHEETS["May"]})
    with open_table(write(zipped({"xl/workbook.xml": ""}))) as table:
        found = table.read()
    assert found["name"].tolist() == ["Ada", "Bo"] and found["height"].isna().tolist() == [False, True]
    stand_in(SHEETS)
    with open_table(write(zipped({"xl/workbook.xml": ""})), sheet="May") as table:
        assert table.n_rows == 2


@pytest.mark.parametrize(
    "sheets, sheet, words",
    [
        (SHEETS, None, r"has 2 sheets \('May', 'Empty'\). Say which: sheet= or --sheet"),
        (SHEETS, "June", "has no sheet 'June'; it has 'May', 'Empty'"),
        (SHEETS, "Empty", "the sheet 'Empty' is empty"),
    ],
)
def test_a_sheet_that_cannot_be_chosen_is_refused(write, stand_in, sheets, sheet, words):
    stand_in(sheets)
    with pytest.raises(ValueError, match=words):
        with open_table(write(zipped({"xl/workbook.xml": ""})), sheet=sheet):
            pass


def test_a_real_spreadsheet_is_read(tmp_path):
    openpyxl = pytest.importorskip("openpyxl", reason="openpyxl is an extra, and not in the lock")
    book = openpyxl.Workbook()
    for row in SHEETS["May"]:
        book.active.append(row)
    book.save(tmp_path / "people.xlsx")
    with open_table(tmp_path / "people.xlsx") as table:
        assert table.read()["name"].tolist() == ["Ada", "Bo"]
    (tmp_path / "people.xlsx").write_bytes(zipped({"xl/workbook.xml": "no XML"}))
    with pytest.raises(ValueError, match="Excel file, and cannot be opened"):
        with open_table(tmp_path / "people.xlsx"):
            pass


# --- tables in memory ---------------------------------------------------------------------------------


def test_tables_of_polars_are_taken():
    polars = pytest.importorskip("polars", reason="polars is not among the dependencies")
    rng = np.random.RandomState(0)
    table = polars.DataFrame({"a": rng.normal(size=60), "b": ["x", "y"] * 30})
    detector = TableDetector(0.05).fit(table)
    assert detector.score(table).shape == (60, 4) and len(detector.reasons(table[:2])) == 2


@pytest.mark.parametrize("columns", [[2021, 2022], pd.MultiIndex.from_tuples([("size", "x"), ("size", "y")])])
def test_names_that_are_no_texts_are_taken(columns):
    table = pd.DataFrame(np.random.RandomState(0).normal(size=(60, 2)), columns=columns)
    detector = TableDetector(0.05).fit(table)
    assert all(isinstance(name, str) for name in detector.preparation_.source_names_)
    assert detector.drift(table).warnings == [] and len(detector.reasons(table.head(1))) == 1


@pytest.mark.parametrize("table", [np.zeros((60, 2)), [[1, 2]], None, "data.csv", {"a": [1]}])
def test_what_is_no_table_is_refused(table):
    with pytest.raises(ValueError, match="must be a pandas DataFrame, or something with a method to_pandas"):
        TableDetector(0.05).fit(table)


def test_a_table_of_arrow_is_taken():
    table = pyarrow.table({"a": np.random.RandomState(0).normal(size=60)})
    assert TableDetector(0.05).fit(table).score(table).shape == (60, 4)
