"""Tables that one memory does not hold: scored on a Dask cluster, and trained on from Parquet.

A table is a folder of Parquet files. `score_parquet` sends each file to whichever worker is free;
`parquet_batches` reads blocks of rows for Keras. Neither ever holds the whole table.
"""

import contextlib
import shutil
from pathlib import Path

import numpy as np

__all__ = ["cluster", "parquet_batches", "score_parquet"]


@contextlib.contextmanager
def cluster(address=None, *, n_workers=2, memory_limit="2GiB"):
    """Yield a client of a Dask cluster: of a scheduler that runs, or of a local cluster made for the purpose.

    Parameters
    ----------
    address : str, optional
        A scheduler's address, such as ``"tcp://10.0.0.5:8786"``. Without it, worker processes of one thread
        each are started on this machine, and stopped at the end.
    n_workers : int
        Worker processes of the local cluster. Ignored with an address.
    memory_limit : str or int
        Memory of each local worker, such as ``"2GiB"``. A worker pauses near it, and is restarted beyond it.

    Yields
    ------
    distributed.Client
        The client; inside the ``with`` block Dask's collections and joblib's backend ``"dask"`` use it.

    Raises
    ------
    ValueError
        If ``n_workers`` is no positive whole number.
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
                f"address: no Dask scheduler answers at {address!r} ({error}). Start one with 'dask scheduler', "
                "or leave the address out for workers on this machine."
            ) from error
        with client:
            yield client
        return
    if not isinstance(n_workers, (int, np.integer)) or isinstance(n_workers, bool) or n_workers < 1:
        raise ValueError(f"n_workers must be a positive whole number; found {n_workers!r}.")
    with (
        # Any port for the dashboard: the usual one may be taken. A restarted worker is no news for the user.
        distributed.LocalCluster(
            n_workers=int(n_workers),
            threads_per_worker=1,
            memory_limit=memory_limit,
            processes=True,
            dashboard_address="127.0.0.1:0",
            silence_logs=logging.CRITICAL,
        ) as local,
        distributed.Client(local) as client,
    ):
        yield client


def _files(source):
    """Return the Parquet files of a table, in the order of their names."""
    source = Path(source)
    found = sorted(source.glob("*.parquet")) if source.is_dir() else [source] if source.is_file() else []
    if not found:
        raise FileNotFoundError(
            f"source: no Parquet file at {source}. Give a .parquet file, or a folder of them."
        )
    return found


def _check_columns(source, wanted, name):
    """Refuse a table that lacks a wanted column, before any work is done."""
    import pyarrow.parquet

    present = pyarrow.parquet.read_schema(_files(source)[0]).names
    missing = [column for column in wanted if column not in present]
    if missing:
        raise ValueError(
            f"{name}: the table at {source} has no column {', '.join(map(repr, missing))}; it has "
            f"{', '.join(map(repr, present))}."
        )


def _score_part(part, detector, keep):
    """Score the rows of one part; what a worker does."""
    import pandas as pd

    rows = part[list(detector.feature_names_in_)]
    score = detector.anomaly_score(rows) if len(rows) else np.empty(0)
    scored = pd.DataFrame({"anomaly_score": score, "flagged": score > detector.threshold_}, index=part.index)
    return pd.concat([part[list(keep)], scored], axis=1)


def score_parquet(detector, source, destination, *, keep=()):
    """Score every row of a table of Parquet files, a part at a time, on the current Dask cluster.

    Inside a `cluster` block its workers do the work; elsewhere the threads of this process do. A part that
    was lost with its worker is scored again. The destination appears when all parts are there.

    Parameters
    ----------
    detector : AutoencoderDetector
        Fitted on a DataFrame, so that it knows its columns. Any object with ``anomaly_score``,
        ``threshold_`` and ``feature_names_in_`` will do.
    source : path-like
        A Parquet file, or a folder of them. On a cluster of several machines, a path that all see.
    destination : path-like
        Folder to write, one Parquet file a part, in the order of the source; it must not exist.
    keep : iterable of str
        Columns of the source to write beside the scores, such as a row's number.

    Returns
    -------
    int
        Number of rows scored.

    Raises
    ------
    ValueError
        If the detector knows no column names, a column is missing, or the rows are no finite numbers.
    OSError
        If there is no source, or the destination exists.

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

    names, keep, destination = getattr(detector, "feature_names_in_", None), list(keep), Path(destination)
    if names is None:
        raise ValueError("detector was fitted on an array and knows no column names; fit it on a DataFrame.")
    _check_columns(source, names, "detector")
    _check_columns(source, keep, "keep")
    if destination.exists():
        raise FileExistsError(f"destination: {destination} exists. Remove it, or choose another folder.")

    frame = dd.read_parquet(
        [str(file) for file in _files(source)], columns=list(dict.fromkeys([*names, *keep])), index=False
    )
    meta = _score_part(frame._meta, detector, keep)
    scored = frame.map_partitions(_score_part, detector, keep, meta=meta)
    unfinished = destination.with_name(f"{destination.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    try:
        scored.to_parquet(
            str(unfinished),
            write_index=False,
            write_metadata_file=False,
            name_function="part_{:06d}.parquet".format,
        )
        unfinished.rename(destination)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return sum(pyarrow.parquet.read_metadata(file).num_rows for file in _files(destination))


def parquet_batches(source, columns, batch_size=256, *, block_rows=65_536, shuffle=True, random_state=0):
    """Return a table of Parquet files as a ``tf.data.Dataset`` of batches, for ``model.fit``.

    At most two blocks of rows are in memory at a time. Files come in a new random order every epoch, and
    the rows of a block are shuffled; rows of different blocks are not mixed, so write the table in random order.

    Parameters
    ----------
    source : path-like
        A Parquet file, or a folder of them.
    columns : iterable of str
        The features, in the order in which the model takes them.
    batch_size : int
        Rows of a batch; the last one of an epoch may be smaller.
    block_rows : int
        Rows read at a time.
    shuffle : bool
        Whether to shuffle, as said above.
    random_state : int
        Seed of the shuffling.

    Returns
    -------
    tf.data.Dataset
        Pairs (x, x) of float32 arrays of shape (batch, features): an autoencoder's input and target.

    Raises
    ------
    ValueError
        If a column is missing, or a size is no positive whole number.
    OSError
        If there is no source.

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

    columns, files = list(columns), _files(source)
    _check_columns(source, columns, "columns")
    for name, size in (("batch_size", batch_size), ("block_rows", block_rows)):
        if not isinstance(size, (int, np.integer)) or isinstance(size, bool) or size < 1:
            raise ValueError(f"{name} must be a positive whole number; found {size!r}.")
    rng = np.random.default_rng(random_state)

    def blocks():
        order = rng.permutation(len(files)) if shuffle else range(len(files))
        for number in order:
            with pyarrow.parquet.ParquetFile(files[number]) as file:
                for block in file.iter_batches(batch_size=int(block_rows), columns=columns):
                    rows = np.column_stack(
                        [block.column(name).to_numpy(zero_copy_only=False) for name in columns]
                    )
                    yield (rng.permutation(rows) if shuffle else rows).astype(np.float32)

    signature = tf.TensorSpec(shape=(None, len(columns)), dtype=tf.float32)
    rows = tf.data.Dataset.from_generator(blocks, output_signature=signature)
    n_rows = sum(pyarrow.parquet.read_metadata(file).num_rows for file in files)
    batches = rows.rebatch(int(batch_size)).map(lambda x: (x, x)).prefetch(1)
    return batches.apply(tf.data.experimental.assert_cardinality(-(-n_rows // int(batch_size))))
