"""Tables that arrive row by row through standard input, and their scores on standard output."""

import io
import os
import subprocess
import sys
import threading
import time

import numpy as np
import pandas as pd
import pytest

from aecourse import tabular
from aecourse.tabular.streaming import arriving_pieces


class Drops(io.BytesIO):
    """A stream of which a few bytes arrive at a time."""

    def __init__(self, content, size):
        super().__init__(content)
        self.size = size

    def read1(self, size=-1):
        return super().read1(self.size)


CONTENT = {
    "plain": "a,b\n1,2\n3,4\n5,6\n",
    "no last line end": "a,b\n1,2\n3,4",
    "line ends in fields": 'a,b\n1,"x\ny"\n2,"say ""z"""\n3,w\n',
    "names with line ends": '"a\nb",c\n1,2\n3,4\n',
    "Windows": "a;b\r\n1;2\r\n3;4\r\n",
    "Excel": "\ufeffsep=;\r\na;b\r\n1;2\r\n",
    "letters": "größe,b\n1,ü\n2,é\n",
    "blank lines": "a,b\n1,2\n\n\n3,4\n\n",
}


@pytest.mark.parametrize("size", [1, 3, 1000])
@pytest.mark.parametrize("kind", CONTENT)
def test_what_arrives_is_read_as_from_a_file(kind, size, tmp_path):
    content = CONTENT[kind].encode()
    (tmp_path / "table.csv").write_bytes(content)
    pieces = list(arriving_pieces(Drops(content, size)))
    pd.testing.assert_frame_equal(
        pd.concat(pieces), tabular.read_csv(tmp_path / "table.csv"), check_dtype=False
    )
    if size == 1:
        assert len(pieces) > 1 or kind == "Excel"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "standard input is empty"),
        (b"a,b\n", "no rows below"),
        (b"a,b\n1,2\n3,4\n5\n", "line 4 has 1"),
        (b"a,b\n1,2\n" + b"3,4\n" * 50 + b"5,6,7\n", "line 53 has 3"),
        (b'a,b\n1,2\n3,"4\n', "line 3: a quotation mark is not closed"),
        (b"\x1f\x8b\x08\x00packed", "is packed"),
        (b"a,b\n1,2\n3,\xff\n", "is not in UTF-8"),
        (b"a,a\n1,2\n", "stand more than once"),
    ],
)
@pytest.mark.parametrize("size", [1, 1000])
def test_a_fault_is_named_with_its_line_in_the_stream(content, words, size):
    with pytest.raises(ValueError, match=words) as caught:
        list(arriving_pieces(Drops(content, size)))
    assert "piece.csv" not in str(caught.value)


def test_a_row_without_end_does_not_fill_the_memory(monkeypatch):
    monkeypatch.setattr("aecourse.tabular.streaming._MOST_RECORD", 1000)
    with pytest.raises(ValueError, match="row without end"):
        list(arriving_pieces(Drops(b'a,b\n1,"2\n' + b"3,4\n" * 1000, 100)))


# --- the command -------------------------------------------------------------------------------


def rows(n, seed=0):
    values = np.random.default_rng(seed).normal(size=(n, 3)).round(3)
    return pd.DataFrame(values, columns=["a", "b", "c"])


@pytest.fixture(scope="module")
def fitted(tmp_path_factory):
    folder = tmp_path_factory.mktemp("stream")
    rows(200).to_csv(folder / "data.csv", index=False)
    tabular.detect(folder / "data.csv", folder / "out", budget=0.05)
    return folder / "out" / "detector.aecourse"


def command(detector, *words):
    return [sys.executable, "-m", "aecourse.cli", "score", str(detector), *words]


QUIET = os.environ | {"AECOURSE_PROGRESS": "0"}


def test_standard_input_is_scored_to_standard_output(fitted, tmp_path):
    table = pd.concat([rows(300, seed=1), pd.DataFrame([[50.0, 50, 50]], columns=list("abc"))])
    table.to_csv(tmp_path / "new.csv", index=False)
    tabular.score(fitted, tmp_path / "new.csv", tmp_path / "scores.csv")
    expected = (tmp_path / "scores.csv").read_text()
    for words, given in {("-", "-o", "-"): table.to_csv(index=False), ("new.csv", "-o", "-"): ""}.items():
        done = subprocess.run(
            command(fitted, *words), input=given, capture_output=True, text=True, env=QUIET, cwd=tmp_path
        )
        assert done.returncode == 0 and done.stdout == expected
        assert "301 rows" in done.stderr and "Written" not in done.stderr
        assert "so no report is written" in done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["new.csv", "scores-report.json", "scores.csv"]


def test_a_row_is_scored_while_the_next_has_not_come(fitted):
    with subprocess.Popen(
        command(fitted, "-", "-o", "-"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=QUIET,
        bufsize=1,
    ) as running:
        end = threading.Timer(120, running.kill)
        end.start()
        running.stdin.write("a,b,c\n")
        for number in (1, 2, 3):
            running.stdin.write("0.1,0.2,0.3\n")
            running.stdin.flush()
            if number == 1:
                assert running.stdout.readline().startswith("row,score")
            assert running.stdout.readline().startswith(f"{number},")
        running.stdin.write("1,2\n")
        running.stdin.close()
        said = running.stderr.read()
        assert running.wait() == 1 and "line 5 has 2" in said
        end.cancel()


def test_who_reads_no_further_ends_the_command_quietly(fitted):
    with subprocess.Popen(
        command(fitted, "-", "-o", "-"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=QUIET,
    ) as running:
        running.stdin.write("a,b,c\n1,2,3\n")
        running.stdin.flush()
        running.stdout.readline()
        running.stdout.close()
        time.sleep(0.1)
        try:
            running.stdin.write("1,2,3\n" * 10)
            running.stdin.close()
        except BrokenPipeError:
            pass
        assert running.wait(120) == 1 and "Traceback" not in running.stderr.read()
