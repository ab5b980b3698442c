"""Files and folders are written whole or not at all, whatever fails."""

from pathlib import Path

import pytest

from aecourse._support.files import whole_file, whole_folder, write_whole


def test_what_is_written_takes_its_place_and_nothing_else_stays(tmp_path):
    for content in ("first\n", "second\n"):
        write_whole(tmp_path / "file", content)
        with whole_folder(tmp_path / "folder") as fresh:
            (fresh / "file").write_text(content)
    assert (tmp_path / "file").read_text() == (tmp_path / "folder" / "file").read_text() == "second\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder"]


@pytest.fixture
def old(tmp_path):
    write_whole(tmp_path / "file", "old")
    with whole_folder(tmp_path / "folder") as fresh:
        (fresh / "file").write_text("old")
    return tmp_path


def assert_untouched(old):
    assert (old / "file").read_text() == (old / "folder" / "file").read_text() == "old"
    assert sorted(path.name for path in old.iterdir()) == ["file", "folder"]


@pytest.mark.parametrize("error", [OSError, ValueError, KeyboardInterrupt])
@pytest.mark.parametrize("writer", [whole_file, whole_folder])
def test_an_error_while_writing_leaves_the_old_one(old, writer, error):
    with pytest.raises(error), writer(old / ("file" if writer is whole_file else "folder")) as fresh:
        (fresh / "file" if writer is whole_folder else fresh).write_text("half")
        raise error
    assert_untouched(old)


def test_a_folder_that_cannot_take_its_place_leaves_the_old_one(old, monkeypatch):
    rename = Path.rename

    def refuse_the_new_one(path, target):
        if path.name == "new":
            raise PermissionError("not now")
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", refuse_the_new_one)
    with pytest.raises(PermissionError, match="not now"), whole_folder(old / "folder") as fresh:
        (fresh / "file").write_text("new")
    assert_untouched(old)


@pytest.mark.parametrize("writer", [whole_file, whole_folder])
def test_a_missing_parent_is_named(tmp_path, writer):
    with pytest.raises(FileNotFoundError, match="nowhere does not exist"), writer(tmp_path / "nowhere" / "x"):
        pass
