"""The benchmark of the grader grades what it makes, and notices wrong marks."""

import pytest

from benchmarks import bench_grading


def test_a_small_class_is_measured(capsys):
    assert 0 < bench_grading.measure(2) < 60
    assert "2 submissions: " in capsys.readouterr().out


def test_wrong_marks_are_an_error(monkeypatch):
    monkeypatch.setattr(bench_grading, "grade_class", lambda *arguments, **settings: (1.0, [8.0, 8.0]))
    with pytest.raises(RuntimeError, match="not \\[8.0, 6.0\\]"):
        bench_grading.measure(2)


def test_a_class_killed_half_way_loses_nothing():
    kept, graded = bench_grading.measure_killed(8)
    assert kept >= 4 and graded >= 1 and kept + graded == 8
