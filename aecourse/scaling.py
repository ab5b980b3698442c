"""Data larger than memory: scored on a Dask cluster, and trained on from Parquet files.

The data are a Parquet file or a folder of them. `score_parquet` sends each file to whichever worker is free;
`parquet_batches` reads blocks of rows for Keras. Neither ever has all rows in memory.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from aecourse._support.checks import check_whole
from aecourse._support.files import whole_folder

if TYPE_CHECKING:
    import distributed
    import pandas as pd
    import tensorflow as tf

__all__ = ["cluster", "parquet_batches", "score_parquet"]


@contextlib.contextmanager
def cluster(
    address: str | None = None, *, n_workers: int = 2, memory_limit: str | int = "2GiB"
) -> Iterator[distributed.Client]:
    """Yield a client of a Dask cluster: of one that is running, or of a local one that is started for it.

    Parameters
    ----------
    address : str, optional
        A scheduler's address, such as ``"tcp://10.0.0.5:8786"``. If it is not given, worker processes of one
        thread each are started on this machine, and stopped at the end.
    n_workers : int
        Number of worker processes of the local cluster. Ignored if there is an address.
    memory_limit : str or int
        Memory of each local worker, such as ``"2GiB"``. A worker pauses near the limit, and is restarted
        beyond it.

    Yields
    ------
    distributed.Client
        The client; inside the ``with`` block Dask's collections and joblib's backend ``"dask"`` use it.

    Raises
    ------
    ValueError
        If ``n_workers`` is not a positive whole number.
    OSError
        If no scheduler answers at the address.

    Examples
    --------
    >>> from aecourse import scaling
    >>> with scaling.cluster(n_workers=1) as client:
    ...     client.submit(sum, [1, 2, 3]).result()
    6
    """
    import logging

    import distributed

    if address is not None:
        try:
            client = distributed.Client(address, timeout="10s")
        except (OSError, ValueError) as error:
            raise OSError(
                f"address: no Dask scheduler answers at {address!r} ({error}). Start one with "
                "'dask scheduler', or leave the address out for workers on this machine."
            ) from error
        with client:
            yield client
        return
    n_workers = check_whole(n_workers, "n_workers")
    with (
        # The dashboard's usual port may be taken. A restarted worker is not an error, so it is not logged.
        distributed.LocalCluster(
            n_workers=n_workers,
            threads_per_worker=1,
            memory_limit=memory_limit,
            processes=True,
            dashboard_address="127.0.0.1:0",
            silence_logs=logging.CRITICAL,
        ) as local,
        distributed.Client(local) as client,
    ):
        yield client


def _parquet_files(source: str | os.PathLike[str]) -> list[Path]:
    """Return a Parquet file, or those of a folder in the order of their names."""
    source = Path(source)
    files = sorted(source.glob("*.parquet")) if source.is_dir() else [source] if source.is_file() else []
    if not files:
        raise FileNotFoundError(
            f"source: no Parquet file at {source}. Give a .parquet file, or a folder of them."
        )
    return files


def _check_columns(source: str | os.PathLike[str], wanted: Iterable[str], name: str) -> None:
    """Refuse data that lack a wanted column, before any work is done."""
    import pyarrow.parquet

    present = pyarrow.parquet.read_schema(_parquet_files(source)[0]).names
    missing = [column for column in wanted if column not in present]
    if missing:
        raise ValueError(
            f"{name}: the source {source} has no column {', '.join(map(repr, missing))}; it has "
            f"{', '.join(map(repr, present))}."
        )


def _check_absent(destination: Path) -> None:
    if destination.exists():
        raise FileExistsError(f"destination: {destination} exists. Remove it, or choose another folder.")


def _score_part(part: pd.DataFrame, detector: Any, keep: Sequence[str]) -> pd.DataFrame:
    """Score the rows of one part on a worker."""
    import pandas as pd

    rows = part[list(detector.feature_names_in_)]
    score = detector.anomaly_score(rows) if len(rows) else np.empty(0)
    scored = pd.DataFrame({"anomaly_score": score, "flagged": score > detector.threshold_}, index=part.index)
    return pd.concat([part[list(keep)], scored], axis=1)


def score_parquet(
    detector: Any,
    source: str | os.PathLike[str],
    destination: str | os.PathLike[str],
    *,
    keep: Iterable[str] = (),
) -> int:
    """Score every row of Parquet files, a part at a time, on the current Dask cluster.

    Inside a `cluster` block its workers do the work; elsewhere the threads of this process do. A part that
    was lost with its worker is scored again. The destination appears when all parts have been written.

    Parameters
    ----------
    detector : AutoencoderDetector
        Fitted on a DataFrame, so that it knows its columns. Any object with ``anomaly_score``,
        ``threshold_`` and ``feature_names_in_`` will do.
    source : path-like
        A Parquet file, or a folder of them. If the cluster has several machines, all must see this path.
    destination : path-like
        Folder to write, one Parquet file per part, in the order of the source. It must not exist yet.
    keep : iterable of str
        Columns of the source to write along with the scores, such as a row number.

    Returns
    -------
    int
        Number of rows scored.

    Raises
    ------
    ValueError
        If the detector knows no column names, a column is missing, or a value is not a finite number.
    OSError
        If the source does not exist, or the destination does.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> import numpy as np, pandas as pd
    >>> from aecourse import AutoencoderDetector, scaling
    >>> rows = pd.DataFrame(np.random.default_rng(0).normal(size=(300, 2)), columns=["a", "b"])
    >>> detector = AutoencoderDetector(random_state=0).fit(rows)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     rows.to_parquet(f"{folder}/rows.parquet")
    ...     n = scaling.score_parquet(detector, f"{folder}/rows.parquet", f"{folder}/scores")
    ...     scores = pd.read_parquet(f"{folder}/scores")
    >>> n, list(scores.columns), bool(np.allclose(scores["anomaly_score"], detector.anomaly_score(rows)))
    (300, ['anomaly_score', 'flagged'], True)
    """
    import dask.dataframe as dd
    import pyarrow.parquet

    names = getattr(detector, "feature_names_in_", None)
    keep, destination = list(keep), Path(destination)
    if names is None:
        raise ValueError("detector was fitted on an array and knows no column names; fit it on a DataFrame.")
    _check_columns(source, names, "detector")
    _check_columns(source, keep, "keep")
    _check_absent(destination)

    frame = dd.read_parquet(
        [str(file) for file in _parquet_files(source)],
        columns=list(dict.fromkeys([*names, *keep])),
        index=False,
    )
    meta = _score_part(frame._meta, detector, keep)
    scored = frame.map_partitions(_score_part, detector, keep, meta=meta)
    destination.parent.mkdir(parents=True, exist_ok=True)
    with whole_folder(destination) as unfinished:
        scored.to_parquet(
            str(unfinished),
            write_index=False,
            write_metadata_file=False,
            name_function="part_{:06d}.parquet".format,
        )
        _check_absent(destination)  # again: it may have appeared in the meantime
    return sum(pyarrow.parquet.read_metadata(file).num_rows for file in _parquet_files(destination))


def parquet_batches(
    source: str | os.PathLike[str],
    columns: Iterable[str],
    batch_size: int = 256,
    *,
    block_rows: int = 65_536,
    shuffle: bool = True,
    random_state: int = 0,
) -> tf.data.Dataset:
    """Return the rows of Parquet files as a ``tf.data.Dataset`` of batches, for ``model.fit``.

    At most two blocks of rows are in memory at a time. The files come in a new random order every epoch, and
    the rows of a block are shuffled. Rows of different blocks are not mixed: write the rows in random order.

    Parameters
    ----------
    source : path-like
        A Parquet file, or a folder of them.
    columns : iterable of str
        The features, in the order in which the model takes them.
    batch_size : int
        Number of rows per batch; the last batch of an epoch may be smaller.
    block_rows : int
        Number of rows read at a time.
    shuffle : bool
        Whether to shuffle as described above.
    random_state : int
        Seed of the shuffling.

    Returns
    -------
    tf.data.Dataset
        Pairs (x, x) of float32 arrays of shape (batch, features): an autoencoder's input and target.

    Raises
    ------
    ValueError
        If a column is missing, or a size is not a positive whole number.
    OSError
        If the source does not exist.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np, pandas as pd
    >>> from aecourse import scaling
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     pd.DataFrame({"a": np.arange(10.0), "b": np.ones(10)}).to_parquet(f"{folder}/rows.parquet")
    ...     batches = scaling.parquet_batches(f"{folder}/rows.parquet", ["a", "b"], batch_size=4)
    ...     [tuple(x.shape) for x, _ in batches]
    [(4, 2), (4, 2), (2, 2)]
    """
    import pyarrow.parquet

    from aecourse._support.tensorflow import tf

    columns, files = list(columns), _parquet_files(source)
    _check_columns(source, columns, "columns")
    batch_size, block_rows = check_whole(batch_size, "batch_size"), check_whole(block_rows, "block_rows")
    rng = np.random.default_rng(random_state)

    def blocks() -> Iterator[NDArray[np.float32]]:
        order = rng.permutation(len(files)) if shuffle else range(len(files))
        for number in order:
            with pyarrow.parquet.ParquetFile(files[number]) as file:
                for block in file.iter_batches(batch_size=block_rows, columns=columns):
                    rows = np.column_stack(
                        [block.column(name).to_numpy(zero_copy_only=False) for name in columns]
                    )
                    yield (rng.permutation(rows) if shuffle else rows).astype(np.float32)

    signature = tf.TensorSpec(shape=(None, len(columns)), dtype=tf.float32)
    rows = tf.data.Dataset.from_generator(blocks, output_signature=signature)
    n_rows = sum(pyarrow.parquet.read_metadata(file).num_rows for file in files)
    batches = rows.rebatch(batch_size).map(lambda x: (x, x)).prefetch(1)
    return batches.apply(tf.data.experimental.assert_cardinality(-(-n_rows // batch_size)))
