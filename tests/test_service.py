"""A fitted detector in service: exported, and called one row at a time."""

import gc
import json
import os
import re
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import numpy as np
import psutil
import pytest

from aecourse import AutoencoderDetector

X = np.random.default_rng(0).normal(size=(300, 5)) @ np.random.default_rng(1).normal(size=(5, 5)) * 10 + 3
NEW = np.vstack([X[:50], 30 * np.random.default_rng(2).normal(size=(200, 5)), X[:1] * 1e9])


def fitted(**parameters):
    return AutoencoderDetector(epochs=2, random_state=0, **parameters).fit(X)


KINDS = {
    "all parts": {},
    "no range and no white view": {"n_members": 1},
    "several neighbours": {"n_neighbors": 3, "max_references": 50},
    "local alone": {"criterion": "local"},
    "latent alone": {"criterion": "latent"},
}


@pytest.mark.parametrize("kind", KINDS)
def test_an_exported_detector_scores_alike(kind, tmp_path):
    import onnxruntime
    import tensorflow as tf

    detector = fitted(**KINDS[kind])
    detector.export(tmp_path / "served")
    detector.export(tmp_path / "served.onnx")
    served = tf.saved_model.load(tmp_path / "served").signatures["serving_default"]
    session = onnxruntime.InferenceSession(tmp_path / "served.onnx", providers=["CPUExecutionProvider"])
    for rows in (NEW, NEW[:1]):
        expected, flagged = detector.anomaly_score(rows), detector.predict(rows) == -1
        outputs = served(tf.constant(rows))
        np.testing.assert_allclose(outputs["anomaly_score"], expected, rtol=1e-9, atol=1e-9)
        np.testing.assert_array_equal(outputs["flagged"], flagged)
        score, above = session.run(["anomaly_score", "flagged"], {"rows": rows})
        np.testing.assert_allclose(score, expected, rtol=1e-5, atol=1e-5)
        np.testing.assert_array_equal(above, flagged)


def test_an_exported_detector_needs_nothing_of_this_package(tmp_path):
    detector = fitted()
    detector.export(tmp_path / "served.onnx")
    np.save(tmp_path / "rows.npy", NEW)
    program = (
        "import sys, numpy, onnxruntime\n"
        "session = onnxruntime.InferenceSession('served.onnx')\n"
        "score, = session.run(['anomaly_score'], {'rows': numpy.load('rows.npy')})\n"
        "numpy.save('score.npy', score)\n"
        "assert not {'aecourse', 'tensorflow', 'keras'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", program], cwd=tmp_path, check=True)
    np.testing.assert_allclose(
        np.load(tmp_path / "score.npy"), detector.anomaly_score(NEW), rtol=1e-5, atol=1e-5
    )


def test_an_export_replaces_nothing_and_leaves_nothing_if_it_fails(tmp_path, monkeypatch):
    detector = fitted(criterion="columns")
    (tmp_path / "here").mkdir()
    with pytest.raises(FileExistsError, match="exists already"):
        detector.export(tmp_path / "here")
    with pytest.raises(FileNotFoundError, match="does not exist"):
        detector.export(tmp_path / "nowhere" / "served")
    monkeypatch.setitem(sys.modules, "tf2onnx", None)
    with pytest.raises(ImportError, match=r"aecourse\[onnx\]"):
        detector.export(tmp_path / "served.onnx")
    assert [path.name for path in tmp_path.iterdir()] == ["here"]


def test_memory_does_not_grow_over_ten_thousand_rows_scored_one_by_one(tmp_path):
    detector = fitted(n_members=3, hidden=8)
    detector.save(tmp_path / "detector.zip")
    loaded = AutoencoderDetector.load(tmp_path / "detector.zip")
    rows = np.resize(NEW[:-1], (10_000, NEW.shape[1]))
    for row in rows[:500]:  # what is made once, such as caches
        loaded.anomaly_score(row[None])
    gc.collect()
    blocks, held = sys.getallocatedblocks(), psutil.Process().memory_info().rss
    for row in rows:
        loaded.anomaly_score(row[None])
    gc.collect()
    # One object kept by each call would be 10,000 blocks, and one kilobyte 10 MB.
    assert sys.getallocatedblocks() - blocks < 1_000
    assert psutil.Process().memory_info().rss - held < 5_000_000


# --- the page on services ----------------------------------------------------------------------

PAGE = (Path(__file__).parents[1] / "docs" / "service.md").read_text(encoding="utf-8")


def code(name):
    """Return the code on the page that has this name."""
    return re.search(rf"```{{code-block}} python\n:name: {name}\n(.*?)```", PAGE, re.DOTALL)[1]


def ask(address, body=None):
    """Return status and answer of the service."""
    try:
        with urllib.request.urlopen(address, body, timeout=60) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def test_the_service_on_the_page_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "served").mkdir()
    names = {"normal_rows": X[:, :3]}
    exec(code("save"), names)
    exec(code("export"), names)
    assert (tmp_path / "served" / "1" / "saved_model.pb").exists() and (tmp_path / "detector.onnx").exists()
    (tmp_path / "serve.py").write_text(code("serve"))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with subprocess.Popen(
        [sys.executable, "serve.py"],
        env=os.environ | {"PORT": str(port)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as server:
        try:
            assert server.stdout.readline() == f"listening on port {port}\n"
            address = f"http://127.0.0.1:{port}"
            status, answer = ask(f"{address}/score", json.dumps({"rows": NEW[:60, :3].tolist()}).encode())
            detector = names["detector"]
            assert status == 200 and True in answer["flagged"]
            np.testing.assert_allclose(
                answer["anomaly_score"], detector.anomaly_score(NEW[:60, :3]), rtol=1e-9
            )
            assert ask(f"{address}/health")[1]["columns"] == 3
            for body, words in {
                '{"rows": [[1, 2]]}': "3 features",
                '{"rows": [[1, 2, null]]}': "Error",
                '{"rows": "x"}': "Error",
                "[]": "Error",
                "no json": "Error",
            }.items():
                status, answer = ask(f"{address}/score", body.encode())
                assert status == 400 and words in answer["error"], body
        finally:
            server.kill()
