"""The ADBench collection: tables that are downloaded once, checked and kept.

`pooch` checks and keeps the files: a file is in the cache only after its SHA-256 was the expected one. This
module adds two things: an interrupted download continues where it stopped, and a machine without a network
gets a message that says what to do. pooch comes with the extra ``data``: ``pip install "aecourse[data]"``.

Two environment variables change the source and the place: ``AECOURSE_ADBENCH_URL``, a mirror of the
collection, and ``AECOURSE_CACHE``, the folder that keeps the files.
"""

import logging
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np

from aecourse._support.checks import check_fraction, check_whole
from aecourse.datasets.split import Split, hold_out

__all__ = [
    "ADBENCH",
    "ADBENCH_URL",
    "DownloadError",
    "cache_folder",
    "fetch",
    "fetch_adbench",
    "load_adbench",
]

#: Where the collection's authors publish it.
ADBENCH_URL = "https://raw.githubusercontent.com/Minqi824/ADBench/main/adbench/datasets/Classical/"

#: SHA-256 of the tables that this course has checked; the collection has more.
ADBENCH = {
    "2_annthyroid.npz": "e738f7c58a8740d2c4aac4c71ff49ce5e1d1aa16f44178135fc9c09df05fad1b",
    "6_cardio.npz": "bc5009bde6930b4d298b594f31b34485a9a17210cff0e8fb00a8c3068b885a2d",
    "14_glass.npz": "aa7a8db1d475ba01a10488af454bc15220a3d5951b010b03b7020567d8152cdc",
    "20_letter.npz": "f986d3da80cf1fa2aea83a5ebe73b7d4800e0d4c01fdd1ae074b58d20f10d039",
    "25_musk.npz": "2ed3f4392197b76a1e59116ff880c7720a4b026cf4842073a53b56fdea265017",
    "27_PageBlocks.npz": "10a9b4d5bb5d3b9083caab4c4062f665610eada703c3d927bf7c34b1f2d0d223",
    "29_Pima.npz": "215454bb263a2f040945c9ea7bd7f06f1e89a61a3143bdb6f196e3887e801a7d",
    "31_satimage-2.npz": "1b056e357f801b8b20c3f380a30224a3c4088d7ed764ec5a24828dc9b1918d6f",
    "38_thyroid.npz": "8de161b3f235b7647bb0b39a836d983ff61d67bf234edac461da2d71e889cb87",
    "41_Waveform.npz": "6c9d867337ad1a2f8372c1d27f4c032f0401237e2041b7c45f00de8d319ff30f",
}

BLOCK_BYTES = 1 << 14  # an interrupted download loses its last block, so blocks are small
_TIMEOUT = (10, 30)  # seconds to connect, and between two blocks


class DownloadError(OSError):
    """A file is not in the cache and cannot be downloaded.

    Examples
    --------
    >>> issubclass(DownloadError, OSError)
    True
    """


def cache_folder(cache: str | os.PathLike[str] | None = None) -> Path:
    """Return the folder in which downloads are kept.

    Parameters
    ----------
    cache : str or path-like, optional
        The folder. By default that of ``AECOURSE_CACHE``, or else the system's folder for caches.

    Returns
    -------
    pathlib.Path

    Raises
    ------
    ImportError
        If pooch is not installed.

    Examples
    --------
    >>> cache_folder("kept").name
    'kept'
    """
    return Path(cache or os.environ.get("AECOURSE_CACHE") or _import_pooch().os_cache("aecourse"))


def _import_pooch() -> Any:
    try:
        import pooch
    except ImportError as error:
        raise ImportError(
            "downloads need pooch, which is not installed. Install it with 'pip install \"aecourse[data]\"'."
        ) from error
    pooch.get_logger().setLevel(logging.WARNING)  # its notes would appear in lessons
    return pooch


class _ResumingDownloader:
    """A downloader for pooch that continues what an earlier, interrupted download left in ``partial``."""

    def __init__(self, partial: Path) -> None:
        self.partial = partial

    def __call__(self, url: str, output_file: str, pooch: Any, check_only: bool = False) -> None:
        import requests

        size = self.partial.stat().st_size if self.partial.exists() else 0
        headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={size}-"} if size else {})
        with requests.get(url, stream=True, timeout=_TIMEOUT, headers=headers) as response:
            # 416: nothing follows what we have. It is complete or damaged; its SHA-256 will show which.
            if response.status_code != 416:
                response.raise_for_status()
                self._receive(response, size if response.status_code == 206 else 0)
        shutil.copyfile(self.partial, output_file)

    def _receive(self, response: Any, start: int) -> None:
        """Append what arrives to the first ``start`` bytes (0: the server ignores ranges and sends all)."""
        from aecourse._support import progress

        total = start + int(response.headers.get("Content-Length", 0)) or None
        with (
            open(self.partial, "ab" if start else "wb") as file,
            progress.bar(description=f"{self.partial.stem}, bytes", total=total) as bar,
        ):
            bar.update(start)
            for block in response.iter_content(BLOCK_BYTES):
                file.write(block)
                bar.update(len(block))


def fetch(
    file_name: str,
    sha256: str,
    base_url: str,
    *,
    cache: str | os.PathLike[str] | None = None,
    attempts: int = 3,
) -> Path:
    """Return the path of a file in the cache; if it is not there, download, check and keep it.

    Parameters
    ----------
    file_name : str
        The file's name, without folders.
    sha256 : str
        The SHA-256 that its content must have, as 64 hexadecimal digits.
    base_url : str
        The address of the folder that holds it.
    cache : str or path-like, optional
        As for :func:`cache_folder`.
    attempts : int
        How often to try; a new attempt continues an interrupted download and repeats a damaged one.

    Returns
    -------
    pathlib.Path
        A file whose SHA-256 is the expected one.

    Raises
    ------
    DownloadError
        If the file cannot be downloaded completely and undamaged.
    ImportError
        If pooch is not installed.
    ValueError
        If ``file_name`` contains folders, or if ``attempts`` is not a whole number of at least 1.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = Path(folder, "hello.txt").write_text("hello")
    ...     fetch("hello.txt", "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824",
    ...           "http://nowhere.invalid/", cache=folder).name
    'hello.txt'
    """
    if Path(file_name).name != file_name or file_name in ("", ".", ".."):
        raise ValueError(f"file_name must be a name without folders; found {file_name!r}.")
    attempts = check_whole(attempts, "attempts")
    pooch = _import_pooch()
    import requests

    folder = cache_folder(cache)
    url = base_url.rstrip("/") + "/" + file_name
    partial = folder / f"{file_name}.part"
    attempt = 0
    while True:
        attempt += 1
        try:
            folder.mkdir(parents=True, exist_ok=True)
            downloader = _ResumingDownloader(partial)
            path = pooch.retrieve(url, f"sha256:{sha256}", file_name, folder, downloader=downloader)
            partial.unlink(missing_ok=True)
            return Path(path)
        except ValueError as error:  # pooch: the content is not the expected one
            partial.unlink(missing_ok=True)  # pieces of something else are useless
            cause: Exception = error
            reason, is_final = "what arrived has another SHA-256 than expected and was discarded", False
        except (requests.RequestException, OSError) as error:
            cause, reason = error, _reason(error)
            # A server that refuses and a broken disk do the same again.
            is_final = isinstance(error, requests.HTTPError) or not isinstance(
                error, requests.RequestException
            )
        if is_final or attempt == attempts:
            break
    resumable = ""
    if partial.exists():
        resumable = f" {partial.stat().st_size:,} bytes are kept; the next call continues from there."
    raise DownloadError(
        f"{file_name} is not in {folder}, and could not be downloaded from {url} (attempt {attempt} of "
        f"{attempts}: {reason}).{resumable} Without a network: copy the file to {folder / file_name} from a "
        "machine that has one, or name a mirror."
    ) from cause


def _reason(error: Exception) -> str:
    import requests

    if isinstance(error, requests.HTTPError) and error.response is not None:
        return f"the server answers {error.response.status_code} {error.response.reason}"
    if isinstance(error, requests.Timeout):
        return "the server does not answer in time"
    if isinstance(error, requests.exceptions.ChunkedEncodingError):
        return "the connection broke off"
    if isinstance(error, requests.ConnectionError):
        return "there is no connection to the server"
    return f"{type(error).__name__}: {error}"


def fetch_adbench(
    name: str, *, base_url: str | None = None, cache: str | os.PathLike[str] | None = None
) -> Path:
    """Return the path of a table of the ADBench collection; if it is not in the cache, download it.

    Parameters
    ----------
    name : str
        Such as ``"glass"`` or ``"14_glass"``.
    base_url : str, optional
        A mirror. By default that of ``AECOURSE_ADBENCH_URL``, or else the authors' repository.
    cache : str or path-like, optional
        As for :func:`cache_folder`.

    Returns
    -------
    pathlib.Path
        An ``.npz`` file with the arrays ``X`` and ``y``.

    Raises
    ------
    DownloadError
        If the table cannot be downloaded.
    ValueError
        If the name is unknown.

    References
    ----------
    Han, S., Hu, X., Huang, H., Jiang, M., and Zhao, Y. (2022). ADBench: Anomaly detection benchmark. Advances
    in Neural Information Processing Systems 35.

    Examples
    --------
    >>> fetch_adbench("unknown")
    Traceback (most recent call last):
        ...
    ValueError: name must be one of annthyroid, cardio, glass, letter, musk, PageBlocks, Pima, satimage-2, \
thyroid, Waveform; found 'unknown'.
    """
    for file_name, sha256 in ADBENCH.items():
        if str(name).lower() in (Path(file_name).stem.lower(), _table_name(file_name).lower()):
            base_url = base_url or os.environ.get("AECOURSE_ADBENCH_URL") or ADBENCH_URL
            return fetch(file_name, sha256, base_url, cache=cache)
    raise ValueError(f"name must be one of {', '.join(map(_table_name, ADBENCH))}; found {name!r}.")


def _table_name(file_name: str) -> str:
    return Path(file_name).stem.split("_", 1)[1]


def load_adbench(
    name: str,
    validation_fraction: float = 0.2,
    random_state: int | None = 0,
    base_url: str | None = None,
    cache: str | os.PathLike[str] | None = None,
) -> Split:
    """Load a table of the ADBench collection; it is downloaded once, checked and kept.

    The split is that of the benchmark: 70 % of the rows to train on and 30 % to test on, drawn so that both
    hold the same share of anomalies. As everywhere in this course, the anomalies among the training rows are
    then dropped. Unlike the benchmark's own code, this function does not repeat rows of small tables, which
    would put copies of training rows into the test set, and does not thin large tables.

    Parameters
    ----------
    name : str
        Such as ``"glass"`` or ``"14_glass"``; the error for an unknown name lists all.
    validation_fraction : float
        Share of the normal training rows that is held out for validation.
    random_state : int
        Seed of both divisions.
    base_url : str, optional
        A mirror, see :func:`fetch_adbench`.
    cache : str or path-like, optional
        Folder for downloads, see :func:`cache_folder`.

    Returns
    -------
    Split
        Features in their own units, called ``x0``, ``x1`` and so on.

    Raises
    ------
    ValueError
        If the name is unknown, or if ``validation_fraction`` is out of range.
    OSError
        If the table cannot be downloaded, or is damaged.

    References
    ----------
    Han, S., Hu, X., Huang, H., Jiang, M., and Zhao, Y. (2022). ADBench: Anomaly detection benchmark. Advances
    in Neural Information Processing Systems 35.

    Examples
    --------
    >>> from aecourse import datasets
    >>> datasets.load_adbench("unknown")
    Traceback (most recent call last):
        ...
    ValueError: name must be one of annthyroid, ...; found 'unknown'.
    """
    from sklearn.model_selection import train_test_split

    check_fraction(validation_fraction, "validation_fraction")
    path = fetch_adbench(name, base_url=base_url, cache=cache)
    with np.load(path, allow_pickle=False) as arrays:
        X, y = arrays["X"].astype(float), arrays["y"].astype(int)
    X_train, X_test, y_train, y_test = train_test_split(
        X, y, test_size=0.3, stratify=y, random_state=random_state
    )
    rng = np.random.RandomState(random_state)
    train, validation = hold_out(X_train[y_train == 0], validation_fraction, rng)
    return Split(
        X_train=train,
        X_val=validation,
        X_test=X_test,
        y_test=y_test,
        feature_names=tuple(f"x{place}" for place in range(X.shape[1])),
        name=f"ADBench, {path.stem}",
        description=f"Table {path.stem} of the ADBench collection, {len(X):,} rows.",
        licence="that of the table's source, which ADBench names",
        citation="Han, Hu, Huang, Jiang and Zhao (2022), NeurIPS 35.",
    )
