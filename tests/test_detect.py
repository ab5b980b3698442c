"""From a CSV to a saved detector, scores and a report: as functions and as commands."""

import html.parser
import json
import os
import re
import shutil
import subprocess
import sys
import tracemalloc
import zipfile

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from aecourse import cli, detect, thresholds
from aecourse.tabular import Drift, TableDetector, jobs, report
from aecourse.tabular.detector import divide_rows

QUERY = "label == 'normal'"


def make(n=300, seed=0):
    """A dirty table: correlated numbers, gaps, a text, a date, an identifier; the last tenth is odd."""
    rng = np.random.RandomState(seed)
    hidden = rng.normal(size=(n, 2))
    mixing = np.array([[1.0, 2.0, 0.5, -1.0], [0.5, -1.0, 2.0, 1.0]])
    values = hidden @ mixing + 0.2 * rng.normal(size=(n, 4))
    odd = np.arange(n) >= 0.9 * n
    values[odd, 0] += 5
    table = pd.DataFrame(values, columns=["width", "height", "depth", "weight"])
    table.loc[rng.rand(n) < 0.05, "depth"] = np.nan
    table["colour"] = rng.choice(["red", "blue"], n)
    table["when"] = pd.date_range("2024-01-01", periods=n, freq="5h").strftime("%Y-%m-%d %H:%M")
    table["key"] = [f"k{number}" for number in rng.permutation(n)]
    table["label"] = np.where(odd, "odd", "normal")
    return table


@pytest.fixture(scope="module")
def table():
    return make()


@pytest.fixture(scope="module")
def found(table):
    return TableDetector(budget=0.02).fit(table, QUERY)


@pytest.fixture
def csv(tmp_path, table):
    path = tmp_path / "data.csv"
    table.to_csv(path, index=False)
    return path


@pytest.fixture(scope="module")
def results(tmp_path_factory, table):
    """A folder with data.csv and the results of the command, run once."""
    folder = tmp_path_factory.mktemp("results")
    table.to_csv(folder / "data.csv", index=False)
    result = detect.detect(folder / "data.csv", train_on=QUERY, budget=0.02)
    assert result.output == folder / "data-results"
    return folder, result


def run(capsys, *words):
    """Run the command in this process; return exit status, output and errors."""
    try:
        status = cli.main([str(word) for word in words])
    except SystemExit as stopped:  # argparse: wrong usage
        status = stopped.code
    captured = capsys.readouterr()
    return status, captured.out, captured.err


# --- the detector of a table -------------------------------------------------------------------


def test_rows_are_divided_and_labels_left_out(table, found):
    used = pd.Series(found.used_for_)
    assert (used[table["label"] == "odd"] == "nothing").all()
    assert used.value_counts().to_dict() == {"training": 170, "threshold": 73, "later": 27, "nothing": 30}
    assert used.index[used == "later"].tolist() == list(range(243, 270)), "the last normal rows in time"
    assert {"label", "key"} <= set(found.preparation_.left_out_)
    assert found.preparation_.n_rows_ == 170


def test_the_threshold_is_the_conformal_one_of_rows_never_trained_on(table, found):
    score = found.score(table)
    held = score.loc[found.used_for_ == "threshold", "score"]
    assert found.threshold_ == thresholds.Conformal(0.02).fit(held).threshold_
    assert (score["flagged"] == (score["score"] > found.threshold_)).all()
    assert (score["flagged"] == (score["p_value"] <= 0.02)).all()
    assert score["flagged"][table["label"] == "odd"].mean() > 0.9
    assert found.detector_.threshold_ == found.threshold_


def test_the_promise_is_kept_on_new_normal_rows():
    """Over divisions and detectors, the mean share of new normal rows that are flagged is in the budget."""
    rng = np.random.RandomState(5)
    population = pd.DataFrame(rng.normal(size=(2000, 3)) @ rng.normal(size=(3, 3)), columns=list("abc"))
    shares = []
    for seed in range(6):
        order = np.random.RandomState(seed).permutation(len(population))
        fitted = TableDetector(budget=0.1, random_state=seed).fit(population.iloc[np.sort(order[:100])])
        shares.append(fitted.score(population.iloc[order[100:]])["flagged"].mean())
    # one share follows Beta(3, 28) at most; six of them average to 0.097 with a deviation of 0.021
    assert np.mean(shares) < 0.1 + 3 * stats.beta(3, 28).std() / np.sqrt(6)
    assert np.mean(shares) > 0.03


def test_the_column_at_fault_is_named(table, found):
    rows = table.iloc[:5].copy()
    named = [
        reason.startswith(f"{name} = ")
        for name in ("width", "height", "weight")
        for reason in found.reasons(rows.assign(**{name: rows[name] + 20}))
    ]
    assert sum(named) >= 12, "of 15"
    assert found.reasons(rows.iloc[:0]) == []


def test_fitting_twice_gives_equal_scores(table, found):
    again = TableDetector(budget=0.02).fit(table, QUERY)
    np.testing.assert_array_equal(again.score(table)["score"], found.score(table)["score"])


@pytest.mark.parametrize(
    "budget, n, words",
    [
        (0.01, 150, r"at least 198 normal rows, half of them \(99 at.*found 150.*budget of 0.014 or more"),
        (0.2, 30, r"at least 40 normal rows.*found 30\. Add normal rows\.$"),
        (0, 300, "budget must be"),
        (1, 300, "budget must be"),
        ("x", 300, "budget must be"),
    ],
)
def test_a_promise_that_cannot_be_kept_is_refused(table, budget, n, words):
    with pytest.raises(ValueError, match=words):
        TableDetector(budget).fit(table.drop(columns="label").head(n))


def test_the_range_of_the_rate_is_that_of_its_distribution(found):
    """Of many draws of 73 scores, the rate at the largest one lies in the range in 95 of 100."""
    low, high = found.rate_range_
    largest = np.random.RandomState(0).rand(10_000, 73).max(axis=1)
    rates = 1 - largest  # of new rows with uniform scores
    assert found.rule_.scores_.size == 73 and 0.945 < ((low < rates) & (rates < high)).mean() < 0.955


@pytest.mark.parametrize("n", [40, 47, 80, 101, 150, 257, 999])
def test_the_budget_that_is_proposed_works(n):
    with pytest.raises(ValueError) as caught:
        divide_rows(np.arange(n), 1e-4, np.random.RandomState(0))
    budget = float(re.search(r"budget of ([\d.e-]+) or more", str(caught.value)).group(1))
    fit, calibration = divide_rows(np.arange(n), budget, np.random.RandomState(0))
    assert len(calibration) >= thresholds.rows_needed(budget)
    assert len(fit) >= len(calibration) - 1 and sorted([*fit, *calibration]) == list(range(n))


def test_a_query_that_selects_nothing_says_what_there_is(table):
    with pytest.raises(ValueError, match=r"none of 300 rows. 'label' holds 'normal' \(270\), 'odd' \(30\)"):
        TableDetector().fit(table, "label == 'Normal'")
    rated = table.assign(rating=np.where(np.arange(300) < 40, np.nan, np.arange(300) % 7))
    with pytest.raises(
        ValueError, match=r"1 other values, no value \(40\)\. Numbers stand without quotation"
    ) as caught:
        TableDetector().fit(rated.replace({"rating": {6: 5}}), "rating == '3'")
    assert "np." not in str(caught.value)


def test_infinite_values_are_flagged_and_not_trained_on(table):
    with_infinity = table.copy()
    with_infinity.loc[[0, 1], "width"] = [np.inf, -np.inf]
    fitted = TableDetector(budget=0.05).fit(with_infinity, QUERY)
    assert fitted.score(with_infinity)["flagged"].iloc[:2].tolist() == [1, 1]
    mostly = table.assign(width=np.where(np.arange(300) % 20, np.inf, table["width"]))
    with pytest.raises(ValueError, match="without infinite values"):
        TableDetector(budget=0.05).fit(mostly)


def test_an_unseen_text_and_a_new_unit_are_outside(table, found):
    row = table.iloc[[0]].assign(colour="green", width=1e9)
    assert found.score(row)["outside"].item() == found.score(table.iloc[[0]])["outside"].item() + 2


# --- drift -------------------------------------------------------------------------------------


def test_rows_from_the_same_source_seldom_warn():
    rng = np.random.RandomState(3)

    def draw(n):
        return pd.DataFrame(rng.normal(size=(n, 4)), columns=list("abcd"))

    fitted = TableDetector(budget=0.05).fit(draw(200))
    assert sum(bool(fitted.drift(draw(100)).warnings) for _ in range(15)) <= 1


def test_drift_is_said_column_by_column(table, found):
    normal = table[table["label"] == "normal"]
    assert found.drift(normal).warnings == []
    moved = found.drift(normal.assign(height=normal["height"] + 100, colour="green"))
    named = {re.match(r"'(\w+)': 270 of 270", each).group(1) for each in moved.warnings[:2]}
    assert named == {"height", "colour"}
    assert "are flagged; of normal rows at most 2.0%" in moved.warnings[-1]


def test_drift_counts_the_same_in_pieces(table, found):
    whole, pieces = found.drift(table), Drift(found)
    for start in range(0, 300, 70):
        piece = table.iloc[start : start + 70]
        pieces.add(piece, found.score(piece))
    assert (pieces.n_rows, pieces.n_flagged, pieces.outside) == (whole.n_rows, whole.n_flagged, whole.outside)
    assert pieces.warnings == whole.warnings


def test_the_number_outside_follows_its_distribution():
    """The beta-binomial law behind the warning, by simulation."""
    rng = np.random.RandomState(0)
    train, new = rng.exponential(size=(20_000, 30)), rng.exponential(size=(20_000, 50))
    low, high = train.min(axis=1, keepdims=True), train.max(axis=1, keepdims=True)
    outside = ((new < low) | (new > high)).sum(axis=1)
    for count in (1, 5, 10):
        assert abs((outside >= count).mean() - stats.betabinom.sf(count - 1, 50, 2, 29)) < 0.012


# --- files -------------------------------------------------------------------------------------


def test_saved_and_loaded_it_scores_alike(table, found, tmp_path):
    path = tmp_path / "detector.aecourse"
    found.save(path)
    loaded = TableDetector.load(path)
    np.testing.assert_allclose(loaded.score(table)["score"], found.score(table)["score"], rtol=1e-9)
    assert loaded.threshold_ == found.threshold_ and loaded.train_on_ == QUERY and loaded.budget == 0.02
    assert sorted(each.name for each in tmp_path.iterdir()) == ["detector.aecourse"]
    with zipfile.ZipFile(path) as archive:
        assert sorted(archive.namelist()) == ["about.json", "detector.zip"]
        assert b"pickle" not in b"".join(map(archive.read, archive.namelist()))


def _repack(path, about=None, detector=None):
    with zipfile.ZipFile(path) as archive:
        data = json.loads(archive.read("about.json"))
        inner = archive.read("detector.zip")
    data = about(data) or data if about else data
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("about.json", json.dumps(data))
        archive.writestr("detector.zip", detector(inner) if detector else inner)


@pytest.mark.parametrize(
    "about, detector",
    [
        (lambda data: data.update(threshold=1e9), None),
        (lambda data: data.update(budget=2.0), None),
        (lambda data: data.update(format="other"), None),
        (lambda data: data.update(format_version=99), None),
        (lambda data: data.update(extra=1), None),
        (lambda data: data.pop("preparation"), None),
        (lambda data: data["preparation"]["columns"].pop(), None),
        (lambda data: data.update(calibration_scores=[]), None),
        (lambda data: data.update(calibration_scores="x"), None),
        (lambda data: data["preparation"].update(n_rows=10**400), None),
        (lambda data: data["preparation"].update(n_rows=1e999), None),
        (lambda data: data["preparation"].update(n_rows=-5), None),
        (lambda data: data["preparation"]["columns"][0].update(gaps=10**400), None),
        (lambda data: data["preparation"]["columns"][0].update(low=1e999), None),
        (lambda data: data["preparation"]["columns"][0].update(units=[["g", 10**400]]), None),
        (lambda data: data["preparation"].update(columns={"a": {"b": []}}), None),
        (lambda data: data.update(budget=[[0.1]]), None),
        (lambda data: data.update(threshold=10**400), None),
        (lambda data: data.update(calibration_scores=[[[0.1]], 1]), None),
        (lambda data: data.update(calibration_scores=[10**400]), None),
        (None, lambda inner: inner[:-1] + bytes([inner[-1] ^ 1])),
        (None, lambda inner: bytes(len(inner) * 1000)),
    ],
)
def test_a_changed_file_is_refused(found, tmp_path, about, detector):
    path = tmp_path / "detector.aecourse"
    found.save(path)
    _repack(path, about, detector)
    with pytest.raises(ValueError, match="detector.aecourse' cannot be used"):
        TableDetector.load(path)


def test_what_is_no_detector_is_refused(tmp_path, found):
    path = tmp_path / "some.aecourse"
    for content in (b"", b"text", b"PK\x03\x04broken"):
        path.write_bytes(content)
        with pytest.raises(OSError, match="damaged, or not a detector"):
            TableDetector.load(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("other", "x")
    with pytest.raises(ValueError, match="not a detector of a table"):
        TableDetector.load(path)
    for text in ("[" * 100_000, '{"a": ' + "1" * 5000 + "}", "\xff"):
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("about.json", text)
            archive.writestr("detector.zip", b"")
        with pytest.raises(OSError, match="some.aecourse' is damaged"):
            TableDetector.load(path)
    found.save(path)
    path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(OSError, match="damaged"):
        TableDetector.load(path)


def test_results_hold_each_row(results, table):
    folder, result = results
    out = result.output
    assert sorted(path.name for path in out.iterdir()) == sorted(detect.RESULT_FILES)
    assert sorted(path.name for path in folder.iterdir()) == ["data-results", "data.csv"]
    scores = pd.read_csv(out / "scores.csv")
    assert list(scores.columns) == ["row", "score", "p_value", "flagged", "outside", "used_for"]
    assert scores["row"].tolist() == list(range(1, 301)) and scores["flagged"].sum() == result.n_flagged
    flagged = pd.read_csv(out / "flagged.csv")
    assert sorted(flagged["row"]) == scores.loc[scores["flagged"] == 1, "row"].tolist()
    assert flagged["score"].is_monotonic_decreasing
    assert flagged["key"].tolist() == table["key"].iloc[flagged["row"] - 1].tolist()
    assert flagged["reasons"].str.contains("times the usual").all()
    assert any("Left out 'label'" in line for line in result.lines)


class _Page(html.parser.HTMLParser):
    """Collects what a page could load or run, its pictures, and its open elements."""

    def __init__(self):
        super().__init__()
        self.tags, self.attributes, self.pictures, self.open = set(), [], [], []

    def handle_starttag(self, tag, attributes):
        self.tags.add(tag)
        self.attributes += attributes
        if tag == "img":
            self.pictures.append(dict(attributes))
        if tag not in ("meta", "img"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_the_page_loads_and_executes_nothing(results):
    page = (results[1].output / "report.html").read_text(encoding="utf-8")
    found = _Page()
    found.feed(page)
    assert found.open == [] and "html" in found.tags and '<html lang="en">' in page
    assert not found.tags & {"script", "iframe", "object", "embed", "link", "form", "a", "svg", "base"}
    assert not [name for name, _ in found.attributes if name.startswith("on") or name in ("href", "action")]
    assert len(found.pictures) == 2
    for picture in found.pictures:
        assert picture["src"].startswith("data:image/png;base64,") and len(picture["alt"]) > 40
    assert not re.search(r"https?:|url\(|@import", page)
    assert "default-src 'none'" in page


def test_the_page_shows_hostile_names_as_text(tmp_path):
    evil = "<script>alert(1)</script>"
    table = make().rename(columns={"width": evil, "height": "$\\frac{$"})
    table["colour"] = np.where(table["colour"] == "red", '"><img src=x onerror=alert(1)>', "b")
    path = tmp_path / "a&<b>.csv"
    table.to_csv(path, index=False)
    output = detect.detect(path, train_on=QUERY, budget=0.05).output
    page = (output / "report.html").read_text(encoding="utf-8")
    parsed = _Page()
    parsed.feed(page)
    assert "script" not in parsed.tags and not [name for name, _ in parsed.attributes if name == "onerror"]
    assert "&lt;script&gt;" in page and "a&amp;&lt;b&gt;.csv" in page


def test_without_a_query_the_report_says_what_that_means(csv):
    result = detect.detect(csv, budget=0.05)
    assert "all rows count as normal" in result.lines[0]
    assert "all are taken for it" in (result.output / "report.html").read_text(encoding="utf-8")
    assert "nothing" not in set(pd.read_csv(result.output / "scores.csv")["used_for"])


def test_score_gives_what_detect_gave(results, tmp_path):
    folder, result = results
    shutil.copy(folder / "data.csv", tmp_path / "new.csv")
    scored = detect.score(result.output / "detector.aecourse", tmp_path / "new.csv")
    new, old = pd.read_csv(scored.output), pd.read_csv(result.output / "scores.csv")
    np.testing.assert_allclose(new["score"], old["score"], rtol=1e-5)
    assert (new["flagged"] == old["flagged"]).all() and (new["row"] == old["row"]).all()
    assert (new["reasons"].notna() == (new["flagged"] == 1)).all()
    assert scored.n_flagged == result.n_flagged and "'label'" not in "".join(scored.lines)


def test_pieces_do_not_change_the_scores(results, tmp_path, monkeypatch):
    folder, result = results
    outputs = []
    for size in (50_000, 40):
        monkeypatch.setattr(jobs, "CHUNK", size)
        outputs.append(tmp_path / f"{size}.csv")
        detect.score(result.output / "detector.aecourse", folder / "data.csv", outputs[-1])
    pd.testing.assert_frame_equal(*map(pd.read_csv, outputs))


def test_memory_does_not_grow_with_the_rows_scored(results, tmp_path, monkeypatch):
    monkeypatch.setattr(jobs, "CHUNK", 300)
    peaks = []
    for copies in (3, 12):
        path = tmp_path / f"{copies}.csv"
        pd.concat([make()] * copies).to_csv(path, index=False)
        tracemalloc.start()
        detect.score(results[1].output / "detector.aecourse", path)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 2 * peaks[0], "for four times the rows"


# --- the commands ------------------------------------------------------------------------------


def test_the_commands_in_processes_of_their_own(csv, tmp_path):
    """As a user runs them: exit status 0, sentences on standard output, nothing but a bar on the other."""
    command = [sys.executable, "-m", "aecourse.cli"]
    quiet = os.environ | {"AECOURSE_PROGRESS": "0"}
    words = ["detect", csv.name, "--train-on", QUERY, "--budget", "0.05", "-o", "out"]
    done = subprocess.run([*command, *words], cwd=tmp_path, env=quiet, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "") and done.stdout.endswith("Written: out\n")
    loud = os.environ | {"AECOURSE_PROGRESS": "1"}
    done = subprocess.run(
        [*command, "score", "out/detector.aecourse", csv.name],
        cwd=tmp_path,
        env=loud,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0 and "scoring" in done.stderr and "data.csv: 300 rows" in done.stdout
    assert len(pd.read_csv(tmp_path / "data-scores.csv")) == 300


def test_a_mistyped_name_is_reported_without_tensorflow(csv, tmp_path):
    code = (
        "import sys; from aecourse import cli; assert not {'tensorflow', 'pandas'} & set(sys.modules); "
        "assert cli.main(sys.argv[1:]) == 1; assert 'tensorflow' not in sys.modules"
    )
    for words in (["detect", "nothing.csv"], ["score", "nothing.aecourse", "data.csv"]):
        command = [sys.executable, "-c", code, *words]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0 and "does not exist" in done.stderr, done.stderr


@pytest.mark.parametrize(
    "words, status, sentence",
    [
        (["detect", "nothing.csv"], 1, "does not exist"),
        (["detect", "data.csv", "--budget", "2"], 2, "a share between 0 and 1"),
        (["detect", "data.csv", "--budget", "x"], 2, "a share between 0 and 1"),
        (["detect", "data.csv", "--train-on", "label.eq('normal')"], 2, "a call, which is not allowed"),
        (["detect", "data.csv", "--train-on", "@__import__('os').abort()"], 2, "cannot be read"),
        (["detect", "data.csv", "--train-on", "Label == 'normal'"], 1, "Did you mean 'label'"),
        (["detect", "data.csv", "--train-on", "label == 'x'"], 1, "selects none of 300 rows"),
        (["detect", "data.csv", "--budget", "0.0001"], 1, "needs at least 19,998 normal rows"),
        (["detect", "data.csv", "--ignore", "colr"], 1, "'colr'"),
        (["detect", "data.csv", "-o", "no/such/folder"], 1, "does not exist. Make it first"),
        (["detect", "data.csv", "-o", "data.csv"], 1, "is not a folder of results"),
        (["detect", "data.csv", "-o", ".", "--force"], 1, "is not a folder of results"),
        (["detect"], 2, "required"),
        (["score", "nothing.aecourse", "data.csv"], 1, "does not exist. Name a file that"),
        (["score", "data.csv", "data.csv"], 1, "not a detector"),
        (["score", "nothing.aecourse", "data.csv", "-o", "data.csv", "--force"], 1, "is the table itself"),
        (["score", "nothing.aecourse", "data.csv", "-o", "."], 1, "is a folder"),
    ],
)
def test_wrong_commands_end_with_a_sentence(csv, tmp_path, monkeypatch, capsys, words, status, sentence):
    monkeypatch.chdir(tmp_path)
    before = csv.read_bytes()
    found, out, err = run(capsys, *words)
    assert found == status and sentence in err and "Traceback" not in err and out == ""
    assert sorted(os.listdir(tmp_path)) == ["data.csv"] and csv.read_bytes() == before


def test_results_are_replaced_only_on_demand(results, tmp_path, capsys, monkeypatch):
    folder, result = results
    out = tmp_path / "out"
    shutil.copytree(result.output, out)
    (out / "scores.csv").write_text("old")
    words = ["detect", folder / "data.csv", "--train-on", QUERY, "--budget", "0.05", "-o", out]
    status, _, err = run(capsys, *words)
    assert status == 1 and "holds results already" in err and (out / "scores.csv").read_text() == "old"
    assert run(capsys, *words, "--force")[0] == 0
    assert (out / "scores.csv").read_text() != "old" and os.listdir(tmp_path) == ["out"]
    (out / "thesis.txt").write_text("mine")
    assert run(capsys, *words, "--force")[0] == 1 and (out / "thesis.txt").read_text() == "mine"


@pytest.mark.parametrize("fault", [OSError("disk full"), ValueError("odd"), KeyboardInterrupt()])
@pytest.mark.parametrize("where", ["save", "page"])
def test_a_failure_leaves_nothing(csv, tmp_path, monkeypatch, fault, where, found):
    def fail(*_):
        raise fault

    monkeypatch.setattr(TableDetector, "fit", lambda self, table, *_: vars(self).update(vars(found)) or self)
    monkeypatch.setattr(*((TableDetector, "save") if where == "save" else (report, "render_report")), fail)
    with pytest.raises(type(fault)):
        detect.detect(csv, tmp_path / "out", train_on=QUERY, budget=0.02)
    assert os.listdir(tmp_path) == ["data.csv"]


def test_an_interrupted_command_says_so(csv, monkeypatch, capsys):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(jobs, "open_table", lambda *_, **__: interrupt())
    status, _, err = run(capsys, "detect", csv)
    assert status == 130 and "nothing was written" in err


def test_a_fault_in_the_last_row_leaves_no_scores(results, tmp_path, capsys, monkeypatch):
    folder, result = results
    bad = tmp_path / "bad.csv"
    bad.write_text((folder / "data.csv").read_text() + "1,2,3,4,5,6,7,8,9,10\n")
    monkeypatch.setattr(jobs, "CHUNK", 50)
    status, out, err = run(capsys, "score", result.output / "detector.aecourse", bad)
    assert status == 1 and "line 302" in err and os.listdir(tmp_path) == ["bad.csv"]


def test_new_columns_lost_columns_and_drift(results, tmp_path, capsys, table):
    detector = results[1].output / "detector.aecourse"
    new = tmp_path / "new.csv"
    table.assign(more=1, width=table["width"] + 50)[["more", *table.columns[::-1]]].to_csv(new, index=False)
    status, out, _ = run(capsys, "score", detector, new)
    assert status == 0 and "Ignored, because unknown in training: 'more'" in out and "Drift? 'width'" in out
    assert run(capsys, "score", detector, new)[0] == 1  # the scores are there
    assert run(capsys, "score", detector, new, "--force")[0] == 0
    table.drop(columns=["width", "colour"]).to_csv(new, index=False)
    status, _, err = run(capsys, "score", detector, new, "--force")
    assert status == 1 and "lacks 2 of the 6 columns" in err and "'width', 'colour'" in err


def test_other_layouts_give_the_same_scores(results, tmp_path, capsys, table):
    folder, result = results
    other = tmp_path / "other.csv"
    table.to_csv(other, index=False, sep=";", decimal=",", encoding="utf-16")
    status, _, err = run(capsys, "score", result.output / "detector.aecourse", other)
    assert status == 1 and "--decimal ','" in err
    status, _, err = run(capsys, "score", result.output / "detector.aecourse", other, "--decimal", ",")
    assert status == 0, err
    np.testing.assert_allclose(
        pd.read_csv(tmp_path / "other-scores.csv")["score"],
        pd.read_csv(result.output / "scores.csv")["score"],
        rtol=1e-5,
    )


def test_how_the_file_was_read_is_remembered(tmp_path, capsys):
    """A new file that is written alike needs no option; one that is not may be given others."""
    rng = np.random.RandomState(0)
    table = pd.DataFrame(rng.normal(size=(100, 3)).round(3), columns=list("abc"))
    text = table.to_csv(index=False, header=False, sep="~", decimal=",").replace("0,5", "?")
    path, new = tmp_path / "old.csv", tmp_path / "new.csv"
    path.write_text(text + "1,5~2,5\n", encoding="utf-16-le")
    new.write_text(text + "1,5~2,5\n", encoding="utf-16-le")
    words = [
        "--separator",
        "~",
        "--decimal",
        ",",
        "--encoding",
        "utf-16-le",
        "--no-header",
        "--ragged",
        "keep",
    ]
    words += ["--na-values", "?", "--budget", "0.05"]
    assert run(capsys, "detect", path, *words)[0] == 0
    detector = tmp_path / "old-results" / "detector.aecourse"
    status, _, err = run(capsys, "score", detector, new)
    assert status == 0, err
    scores = [
        pd.read_csv(each)["score"] for each in (detector.with_name("scores.csv"), tmp_path / "new-scores.csv")
    ]
    np.testing.assert_allclose(*scores, rtol=1e-5)
    new.write_text(text.replace("~", ";"), encoding="utf-8")
    options = ["--separator", ";", "--encoding", "utf-8", "--force"]
    assert run(capsys, "score", detector, new, *options)[0] == 0


def test_a_detector_of_the_version_before_is_still_read(found, table, tmp_path):
    found.save(tmp_path / "new.aecourse")
    with zipfile.ZipFile(tmp_path / "new.aecourse") as archive:
        about, inner = json.loads(archive.read("about.json")), archive.read("detector.zip")
    about = {name: value for name, value in about.items() if name not in ("reading", "series")}
    with zipfile.ZipFile(tmp_path / "old.aecourse", "w") as archive:
        archive.writestr("about.json", json.dumps(about | {"format_version": 2}))
        archive.writestr("detector.zip", inner)
    old = TableDetector.load(tmp_path / "old.aecourse")
    np.testing.assert_array_equal(old.score(table)["score"], found.score(table)["score"])
