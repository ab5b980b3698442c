"""Read Parquet and Arrow files, which know the types of their columns, like any other table."""

from collections.abc import Collection, Iterator
from typing import Any

import pandas as pd
import psutil

from aecourse.tabular.sources import Source, refuse_repeated, too_large

__all__ = ["Columnar"]

_MOST_ROWS_READ = 50_000  # of a batch


class Columnar:
    """A Parquet or Arrow file that is open for reading, see `Table`.

    Parameters
    ----------
    source : Source
        The file.

    Attributes
    ----------
    name, names, n_rows, notes
        See `Table`.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "table.parquet"
    ...     pd.DataFrame({"a": [1, 2]}).to_parquet(path)
    ...     Columnar(Source("table", path, "parquet")).read()["a"].tolist()
    [1, 2]
    """

    def __init__(self, source: Source) -> None:
        try:
            import pyarrow
        except ImportError as error:
            raise ValueError(
                f"{source.name} is a Parquet or Arrow file, which needs the package pyarrow: pip install "
                "pyarrow. Or write the table as CSV."
            ) from error
        self.name, self.notes = source.name, list[str]()
        self._source = source
        try:
            self._schema, self.n_rows = self._look()
        except (pyarrow.ArrowException, OSError) as error:
            raise self._damaged(error) from error
        self.names = _names(self._schema)
        refuse_repeated(self.names, f"{self.name}: ")
        for field in self._schema:
            if pyarrow.types.is_nested(field.type) or _is_binary(field.type):
                raise ValueError(
                    f"{self.name}: column {field.name!r} holds values of the type {field.type}, and not "
                    "one number, text or date per row. Give its parts columns of their own, or drop it."
                )
        if not self.n_rows:
            raise ValueError(f"{self.name} has names of columns, but no rows.")

    def sha256(self) -> str:
        return self._source.sha256()

    def _damaged(self, error: Exception) -> ValueError:
        said = str(error).split("\n")[0].rstrip(".")
        return ValueError(f"{self.name} is damaged or cut off, and cannot be read ({said}). Write it again.")

    def _look(self) -> tuple[Any, int]:
        """Return the types of the columns and the number of rows."""
        if self._source.kind == "parquet":
            from pyarrow import parquet

            with parquet.ParquetFile(self._source.path) as file:
                return file.schema_arrow, file.metadata.num_rows
        n_rows, schema = 0, None
        for batch in self._batches(_MOST_ROWS_READ):
            n_rows, schema = n_rows + batch.num_rows, batch.schema
        if schema is None:
            raise OSError("it has no rows")
        return schema, n_rows

    def _batches(self, rows: int) -> Iterator[Any]:
        import pyarrow
        from pyarrow import ipc, parquet

        if self._source.kind == "parquet":
            with parquet.ParquetFile(self._source.path) as file:
                yield from file.iter_batches(batch_size=rows)
            return
        with pyarrow.memory_map(str(self._source.path)) as mapped:
            if self._source.kind == "arrow":
                with ipc.open_file(mapped) as reader:
                    batches = (reader.get_batch(place) for place in range(reader.num_record_batches))
                    yield from _cut(batches, rows)
            else:
                with ipc.open_stream(mapped) as reader:
                    yield from _cut(reader, rows)

    def read(self) -> pd.DataFrame:
        import pyarrow

        size, batches = 0, []
        try:
            for batch in self._batches(_MOST_ROWS_READ):
                size += batch.nbytes
                if 2 * size > psutil.virtual_memory().available + size:
                    raise too_large(self.name)
                batches.append(batch)
        except (pyarrow.ArrowException, OSError) as error:
            raise self._damaged(error) from error
        return _to_pandas(pyarrow.Table.from_batches(batches))

    def pieces(self, rows: int, text_columns: Collection[str] = ()) -> Iterator[pd.DataFrame]:
        import pyarrow

        start = 0
        batches = self._batches(rows)
        while True:
            try:
                batch = next(batches, None)
            except (pyarrow.ArrowException, OSError) as error:
                raise self._damaged(error) from error
            if batch is None:
                return
            piece = _to_pandas(pyarrow.Table.from_batches([batch]))
            piece.index = pd.RangeIndex(start, start + len(piece))
            start += len(piece)
            yield piece


def _names(schema: Any) -> list[str]:
    """Return the names of the columns without the blanks around them, as those of a CSV file are read."""
    return [name.strip() for name in schema.names]


def _cut(batches: Any, rows: int) -> Iterator[Any]:
    """Cut batches into pieces of at most so many rows."""
    for batch in batches:
        for start in range(0, batch.num_rows, rows):
            yield batch.slice(start, rows)


def _is_binary(type: Any) -> bool:
    import pyarrow

    return any(
        getattr(pyarrow.types, f"is_{kind}")(type) for kind in ("binary", "large_binary", "fixed_size_binary")
    )


def _to_pandas(table: Any) -> pd.DataFrame:
    """Turn an Arrow table into one of pandas, a piece of it into the same types as the whole."""
    import pyarrow

    types = pyarrow.types
    for place, field in enumerate(table.schema):
        kind = field.type.value_type if types.is_dictionary(field.type) else field.type
        if types.is_decimal(kind):
            kind = pyarrow.float64()
        elif types.is_date(kind):
            kind = pyarrow.timestamp("ms")
        elif types.is_time(kind) or types.is_null(kind):
            kind = pyarrow.string()
        if kind != field.type:
            table = table.set_column(place, pyarrow.field(field.name, kind), table.column(place).cast(kind))
    whole = {
        each: pd.Int64Dtype() for each in (pyarrow.int8(), pyarrow.int16(), pyarrow.int32(), pyarrow.int64())
    }
    whole |= {each: pd.UInt64Dtype() for each in (pyarrow.uint8(), pyarrow.uint16(), pyarrow.uint32())}
    whole |= {pyarrow.uint64(): pd.UInt64Dtype(), pyarrow.bool_(): pd.BooleanDtype()}
    table = table.rename_columns(_names(table.schema))
    return table.to_pandas(types_mapper=whole.get, ignore_metadata=True)
