"""Files and folders that are written whole or not at all, and files whose content is known by its hash.

What is written goes beside its place first, on the same disk, and takes that place in one step once it is
complete: after an error, an interruption or a full disk the old one is still there, untouched.
"""

import errno
import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

# Windows knows no quotas.
_NO_SPACE = (errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC))


def check_parent(path: str | os.PathLike[str]) -> None:
    """Refuse a place in a folder that does not exist."""
    if not Path(path).parent.is_dir():
        raise FileNotFoundError(
            f"the folder {Path(path).parent} does not exist. Make it first, or write elsewhere."
        )


def check_undamaged(content: bytes, sha256: str, what: str, restore: str) -> None:
    """Refuse content whose SHA-256 is not the expected one, and say how to restore it."""
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        raise OSError(
            f"{what} is damaged: its SHA-256 is {found}, expected {sha256} "
            f"({len(content):,} bytes found). {restore}"
        )


def read_undamaged(path: str | os.PathLike[str], sha256: str, restore: str) -> bytes:
    """Return the content of a file that must be there, with this SHA-256."""
    try:
        content = Path(path).read_bytes()
    except FileNotFoundError as error:
        raise FileNotFoundError(f"{path} is missing. {restore}") from error
    check_undamaged(content, sha256, os.fspath(path), restore)
    return content


@contextmanager
def full_disk_in_words(place: str | os.PathLike[str], or_else: str = "or write elsewhere") -> Iterator[None]:
    """Name the place that was written to if the disk is full, which the operating system's error does not."""
    try:
        yield
    except OSError as error:
        if error.errno not in _NO_SPACE:
            raise
        raise OSError(
            f"{os.fspath(place)} could not be written, because the disk is full or your share of it is used "
            f"up. Free some space, {or_else}."
        ) from error


def make_folder(path: str | os.PathLike[str]) -> None:
    """Make a folder, and those above it, unless it is there."""
    with full_disk_in_words(path):
        Path(path).mkdir(parents=True, exist_ok=True)


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """Yield a folder that is removed afterwards; if its disk is full, the error names it."""
    with tempfile.TemporaryDirectory(prefix="aecourse-") as folder:
        with full_disk_in_words(f"the temporary folder {folder}", "or set TMPDIR to another folder"):
            yield Path(folder)


@contextmanager
def whole_files(*paths: str | os.PathLike[str]) -> Iterator[list[Path]]:
    """Yield temporary paths; the files written there take the places of ``paths`` if nothing failed."""
    finals = [Path(path) for path in paths]
    for final in finals:
        check_parent(final)
    with full_disk_in_words(" and ".join(map(str, finals))), ExitStack() as stack:
        temporaries = []
        for final in finals:
            folder = tempfile.TemporaryDirectory(dir=final.parent, prefix=f".{final.name}.", suffix=".part")
            temporaries.append(Path(stack.enter_context(folder)) / final.name)
        yield temporaries
        for temporary in temporaries:  # all of them are on the disk before the first takes its place
            with open(temporary, "rb") as file:
                os.fsync(file.fileno())
        for temporary, final in zip(temporaries, finals, strict=True):
            os.replace(temporary, final)


@contextmanager
def whole_file(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield a temporary path; the file written there takes the place of ``path`` if nothing failed."""
    with whole_files(path) as (temporary,):
        yield temporary


def write_whole(path: str | os.PathLike[str], content: bytes | str) -> None:
    """Write bytes, or text as UTF-8 with its line ends as they are."""
    with whole_file(path) as temporary:
        temporary.write_bytes(content.encode() if isinstance(content, str) else content)


@contextmanager
def whole_folder(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield an empty temporary folder that takes the place of ``path`` if nothing failed."""
    final = Path(path)
    check_parent(final)
    with (
        full_disk_in_words(final),
        tempfile.TemporaryDirectory(
            dir=final.parent, prefix=f".{final.name}.", suffix=".part", ignore_cleanup_errors=True
        ) as folder,
    ):
        temporary = Path(folder)
        fresh = temporary / "new"
        fresh.mkdir()
        yield fresh
        if final.exists():
            final.rename(temporary / "old")
        try:
            fresh.rename(final)
        except OSError:
            if (temporary / "old").exists():
                (temporary / "old").rename(final)
            raise
