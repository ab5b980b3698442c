"""Tables that are downloaded once, checked and kept: the ADBench collection.

`pooch` does the checking and the keeping: a file is in the cache only after its SHA-256 was the expected
one. What is added here: a download that broke off goes on where it stopped, and a machine without a network
gets a sentence that says what to do. pooch comes with the extra ``data``: ``pip install "aecourse[data]"``.

Two variables of the environment change where from and where to: ``AECOURSE_ADBENCH_URL``, a mirror of the
collection, and ``AECOURSE_CACHE``, the folder to keep files in.
"""

import logging
import os
import shutil
from pathlib import Path

__all__ = ["ADBENCH", "ADBENCH_URL", "DownloadError", "cache_folder", "fetch", "fetch_adbench"]

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

_BLOCK = 1 << 14  # the last piece of a broken download is lost, so pieces are small
_TIMEOUT = (10, 30)  # seconds to connect, and between two pieces


class DownloadError(OSError):
    """A file is neither in the cache nor to be had.

    Examples
    --------
    >>> issubclass(DownloadError, OSError)
    True
    """


def cache_folder(cache=None):
    """Return the folder in which downloads are kept.

    Parameters
    ----------
    cache : path-like, optional
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
    return Path(cache or os.environ.get("AECOURSE_CACHE") or _pooch().os_cache("aecourse"))


def _pooch():
    try:
        import pooch
    except ImportError as error:
        raise ImportError(
            "downloads need pooch, which is not installed. Install it with 'pip install \"aecourse[data]\"'."
        ) from error
    pooch.get_logger().setLevel(logging.WARNING)  # its notes would stand in lessons
    return pooch


class _Resuming:
    """A downloader for pooch that goes on with what an earlier, broken download left.

    Parameters
    ----------
    kept : pathlib.Path
        Where the pieces are kept until the file is whole.
    """

    def __init__(self, kept):
        self.kept = kept

    def __call__(self, url, output_file, pooch, check_only=False):
        import requests

        have = self.kept.stat().st_size if self.kept.exists() else 0
        headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
        with requests.get(url, stream=True, timeout=_TIMEOUT, headers=headers) as response:
            # 416: nothing lies beyond what we have. It is whole, or damaged, which its SHA-256 will tell.
            if response.status_code != 416:
                response.raise_for_status()
                self._receive(response, have if response.status_code == 206 else 0)
        shutil.copyfile(self.kept, output_file)

    def _receive(self, response, start):
        """Add what arrives to the first ``start`` bytes; a server that ignores the range sends all of it."""
        from aecourse._support import progress

        total = start + int(response.headers.get("Content-Length", 0)) or None
        with (
            open(self.kept, "ab" if start else "wb") as file,
            progress.bar(description=f"{self.kept.stem}, bytes", total=total) as bar,
        ):
            bar.update(start)
            for block in response.iter_content(_BLOCK):
                file.write(block)
                bar.update(len(block))


def fetch(file_name, sha256, base_url, *, cache=None, attempts=3):
    """Return the path of a file in the cache; download it, check it and keep it where it is not there.

    Parameters
    ----------
    file_name : str
        The file's name, without folders.
    sha256 : str
        What the SHA-256 of its content must be, as 64 hexadecimal digits.
    base_url : str
        The address of the folder that holds it.
    cache : path-like, optional
        As for :func:`cache_folder`.
    attempts : int
        How often a download that breaks off is taken up again, and one that arrives damaged is repeated.

    Returns
    -------
    pathlib.Path
        A file whose SHA-256 is the expected one.

    Raises
    ------
    DownloadError
        If it cannot be downloaded whole and undamaged.
    ImportError
        If pooch is not installed.
    ValueError
        If ``file_name`` is no plain name.

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
    pooch = _pooch()
    import requests

    folder = cache_folder(cache)
    url = base_url.rstrip("/") + "/" + file_name
    target, kept = folder / file_name, folder / f"{file_name}.part"
    for attempt in range(1, attempts + 1):
        try:
            folder.mkdir(parents=True, exist_ok=True)
            path = pooch.retrieve(url, f"sha256:{sha256}", file_name, folder, downloader=_Resuming(kept))
            kept.unlink(missing_ok=True)
            return Path(path)
        except ValueError as error:  # pooch: the content is not the expected one
            kept.unlink(missing_ok=True)  # pieces of something else are no use
            reason = "what arrived has another SHA-256 than expected, and was thrown away"
            last = error
        except (requests.RequestException, OSError) as error:
            reason, last = _in_words(error), error
            if isinstance(error, requests.HTTPError) or not isinstance(error, requests.RequestException):
                break  # the server, or the disk, will say the same again
    left = ""
    if kept.exists():
        left = f" {kept.stat().st_size:,} bytes are kept; the next call goes on from there."
    raise DownloadError(
        f"{file_name} is not in {folder}, and could not be downloaded from {url} (attempt {attempt} of "
        f"{attempts}: {reason}).{left} Without a network: copy the file to {target} from a machine that has "
        "one, or name a mirror."
    ) from last


def _in_words(error):
    import requests

    if isinstance(error, requests.HTTPError):
        return f"the server answers {error.response.status_code} {error.response.reason}"
    if isinstance(error, requests.Timeout):
        return "the server does not answer in time"
    if isinstance(error, requests.exceptions.ChunkedEncodingError):
        return "the connection broke off"
    if isinstance(error, requests.ConnectionError):
        return "there is no connection to the server"
    return f"{type(error).__name__}: {error}"


def fetch_adbench(name, *, base_url=None, cache=None):
    """Return the path of a table of the ADBench collection, downloaded where it is not in the cache.

    Parameters
    ----------
    name : str
        Such as ``"glass"`` or ``"14_glass"``.
    base_url : str, optional
        A mirror. By default that of ``AECOURSE_ADBENCH_URL``, or else the authors' repository.
    cache : path-like, optional
        As for :func:`cache_folder`.

    Returns
    -------
    pathlib.Path
        An ``.npz`` file with the arrays ``X`` and ``y``.

    Raises
    ------
    DownloadError
        If it cannot be downloaded.
    ValueError
        If there is no checksum for a table of this name.

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
    names = {file.removesuffix(".npz").split("_", 1)[1].lower(): file for file in ADBENCH}
    file_name = names.get(str(name).split("_", 1)[-1].lower())
    if file_name is None or (str(name)[:1].isdigit() and f"{name}.npz".lower() != file_name.lower()):
        known = ", ".join(file.removesuffix(".npz").split("_", 1)[1] for file in ADBENCH)
        raise ValueError(f"name must be one of {known}; found {name!r}.")
    base_url = base_url or os.environ.get("AECOURSE_ADBENCH_URL") or ADBENCH_URL
    return fetch(file_name, ADBENCH[file_name], base_url, cache=cache)
