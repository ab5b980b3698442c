"""Training of small Keras models, a whole epoch at a time in one compiled function.

On models of the size of this course's, Keras's own ``fit`` spends nearly all its time between the
steps: fetching a batch, calling the step, calling the callbacks. `fit` here runs Keras's own
``train_step`` in a compiled loop over the batches of an epoch, on data that are held as one tensor.
The arithmetic is Keras's, so losses and weights agree with ``model.fit`` up to rounding;
``benchmarks/bench_training.py`` measures how much time it saves.
"""

import os
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from aecourse._support import progress as progress_bars
from aecourse._support.checks import RandomState, check_random_state, check_whole, refuse_masked
from aecourse._support.tensorflow import keras, tf
from aecourse.training.checkpoint import Checkpoint, identity_of
from aecourse.training.loops import (
    Array,
    CompiledFunctions,
    Job,
    Rows,
    choose_loop,
    create_variables,
    rows_per_chunk,
    run_compiled,
    run_keras,
    seed_generators,
)


def _check_array(
    values: ArrayLike, name: str, dtype: DTypeLike, row_shape: tuple[int | None, ...] | None = None
) -> Array:
    """Return finite numbers in the model's own dtype, with rows of the shape that it takes.

    Data that already have the dtype are not copied, as they may fill much of the memory.
    """
    refuse_masked(values, name)
    try:
        array = np.asarray(values)
        array = array if array.dtype == dtype else array.astype(dtype)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"{name} must be an array of numbers, but could not be read as such ({error}). "
            "Encode text columns as numbers, or leave them out."
        ) from error
    if array.ndim == 0 or array.size == 0:
        raise ValueError(f"{name} must have at least one row and one value a row; found shape {array.shape}.")
    fits = row_shape is None or (
        len(row_shape) == array.ndim - 1
        and all(side in (None, found) for side, found in zip(row_shape, array.shape[1:], strict=True))
    )
    if not fits:
        raise ValueError(
            f"{name} must have rows of shape {row_shape}, as the model takes them; "
            f"found an array of shape {array.shape}. Build the model for this width, "
            "or reshape the rows."
        )
    # The extremes carry any NaN or infinity, and need no array of the size of the data.
    if array.dtype.kind == "f" and not (np.isfinite(array.min()) and np.isfinite(array.max())):
        raise ValueError(
            f"{name} holds NaN or infinite values (or values too large for {array.dtype}). "
            "Fill or drop them before this call."
        )
    return array


def _check_inputs(values: ArrayLike, name: str, model: keras.Model) -> Array:
    inputs = getattr(model, "inputs", None)
    if not inputs:
        return _check_array(values, name, keras.config.floatx())
    return _check_array(values, name, np.dtype(inputs[0].dtype), tuple(inputs[0].shape[1:]))


def _check_targets(values: ArrayLike, name: str, n_rows: int, model: keras.Model) -> Array:
    outputs = getattr(model, "outputs", None)
    dtype = np.asarray(values).dtype
    if dtype.kind not in "iub":  # class numbers stay whole numbers
        dtype = np.dtype(outputs[0].dtype if outputs else keras.config.floatx())
    array = _check_array(values, name, dtype)
    if len(array) != n_rows:
        raise ValueError(f"{name} has {len(array)} rows for {n_rows} rows of inputs; pass one target a row.")
    return array


def _check_model(model: keras.Model, must_be_compiled: bool) -> None:
    if not isinstance(model, keras.Model):
        raise ValueError(
            f"model must be a keras.Model; found {type(model).__name__}. "
            "The functions in aecourse.builders return one."
        )
    if must_be_compiled and not model.compiled:
        raise ValueError("model is not compiled; call model.compile(optimizer=..., loss=...) first.")
    for side in ("inputs", "outputs"):
        tensors = getattr(model, side, None)
        if tensors and len(tensors) != 1:
            raise ValueError(
                f"model must have one input and one output; found {len(tensors)} {side}. "
                "Use model.fit and model.predict for it."
            )


def _seed_from(random_state: RandomState) -> int:
    """Return a seed that is a whole number as it is, and draw one otherwise."""
    with suppress(ValueError):
        return check_whole(random_state, "random_state", minimum=0)
    return int(check_random_state(random_state).randint(2**31 - 1))


def _check_callbacks(
    callbacks: keras.callbacks.Callback | Sequence[keras.callbacks.Callback] | None,
) -> list[keras.callbacks.Callback]:
    checked = [callbacks] if isinstance(callbacks, keras.callbacks.Callback) else list(callbacks or ())
    for callback in checked:
        if not isinstance(callback, keras.callbacks.Callback):
            raise ValueError(
                f"callbacks must hold keras.callbacks.Callback objects; found {type(callback).__name__}."
            )
    return checked


def _split_validation(
    model: keras.Model,
    X: Array,
    y: Array | None,
    data: ArrayLike | tuple[ArrayLike, ArrayLike] | None,
    split: float,
) -> tuple[Array, Array | None, Rows | None]:
    """Return X, y, and the rows and targets to validate on, or None."""
    if data is not None and split:
        raise ValueError("Pass validation_data or validation_split, not both.")
    if data is not None:
        rows, targets = data if isinstance(data, tuple) and len(data) == 2 else (data, None)
        if targets is rows:
            targets = None
        rows = _check_inputs(rows, "validation_data", model)
        if targets is not None:
            targets = _check_targets(targets, "the targets in validation_data", len(rows), model)
        elif y is not None:
            raise ValueError("validation_data must be a pair (rows, targets), as y is given.")
        return X, y, (rows, targets)
    if not split:
        return X, y, None
    try:
        cut = int(len(X) * (1 - float(split)))
    except (TypeError, ValueError) as error:
        raise ValueError(f"validation_split must be a number in [0, 1); found {split!r}.") from error
    if not 0 < cut < len(X):
        raise ValueError(
            f"validation_split must be in [0, 1) and leave rows on both sides; found {split!r}, "
            f"which splits {len(X)} rows into {cut} and {len(X) - cut}."
        )
    if y is None:
        return X[:cut], None, (X[cut:], None)
    return X[:cut], y[:cut], (X[cut:], y[cut:])


class _ShowProgress(keras.callbacks.Callback):
    def __init__(self, bar: Any) -> None:
        super().__init__()
        self.bar = bar

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        self.bar.set_postfix({name: f"{value:.4g}" for name, value in (logs or {}).items()}, refresh=False)
        self.bar.update()


class _StopAtNaN(keras.callbacks.Callback):
    """Stop a run whose loss is no longer a number, before anything is kept of that epoch."""

    def __init__(self, X: Array) -> None:
        super().__init__()
        self.largest = max(abs(float(X.min())), abs(float(X.max())))

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        for name in ("loss", "val_loss"):
            value = (logs or {}).get(name, 0.0)
            if not np.isfinite(value):
                raise ValueError(
                    f"Training stopped: the {name} became {value} in epoch {epoch + 1}, so the model's "
                    f"weights may be of no use any more. The largest value in X is {self.largest:g} in "
                    "size. Scale the columns of X, for example with sklearn.preprocessing.StandardScaler, "
                    "or lower the optimizer's learning rate; then build the model again and call fit on it."
                )


def fit(
    model: keras.Model,
    X: ArrayLike,
    *,
    y: ArrayLike | None = None,
    epochs: int = 20,
    batch_size: int = 64,
    validation_data: ArrayLike | tuple[ArrayLike, ArrayLike] | None = None,
    validation_split: float = 0.0,
    callbacks: keras.callbacks.Callback | Sequence[keras.callbacks.Callback] = (),
    shuffle: bool = True,
    random_state: RandomState = 0,
    early_stopping: int | None = None,
    validation_batch_size: int | None = None,
    compiled: str = "auto",
    checkpoint: str | os.PathLike[str] | None = None,
    progress: bool = True,
    sample_weight: None = None,
    class_weight: None = None,
) -> keras.callbacks.History:
    """Train a compiled Keras model to reproduce its input, whole epochs at a time.

    It does what ``model.fit(X, X, ...)`` does, with the model's own optimizer, loss, penalties and
    metrics, and gives the same losses and weights up to rounding, but faster. Callbacks are called as
    Keras calls them; if one of them must see each batch, Keras's own loop is used.

    Parameters
    ----------
    model : keras.Model
        A compiled model with one input and one output.
    X : array-like of shape (n, ...)
        Training rows, as the model takes them.
    y : array-like of shape (n, ...), optional
        Targets; by default the rows themselves.
    epochs : int
        Number of passes over the rows.
    batch_size : int
        Number of rows of a step; the last step of an epoch may have fewer.
    validation_data : array-like or (array-like, array-like), optional
        Rows, or rows and targets, on which the loss is reported after each epoch.
    validation_split : float
        Share of the last rows of ``X`` to keep for validation, as in Keras, in [0, 1). It excludes
        ``validation_data``.
    callbacks : sequence of keras.callbacks.Callback
        Ordinary Keras callbacks.
    shuffle : bool
        Take the rows in a new random order each epoch.
    random_state : int, RandomState or None
        Seeds the order of the rows and the model's noise layers. The initial weights are the
        model's own; the builders take a ``random_state`` for them.
    early_stopping : int, optional
        Stop after this many epochs without a better loss (on the validation rows if there are any), and
        restore the best weights.
    validation_batch_size : int, optional
        Number of rows of a validation step; by default it is chosen from the model's width.
    compiled : {"auto", "xla", "graph", "keras"}
        The loop: compiled with XLA, compiled with TensorFlow's default kernels, or Keras's own.
        ``"auto"`` chooses by the model's size and the number of steps, never by a clock.
    checkpoint : str or path, optional
        File that holds the state after each epoch. If it exists, the run resumes from it and ends with
        the result of a run that was never stopped. Delete it to start again.
    progress : bool
        Show a bar with the time left, unless ``AECOURSE_PROGRESS=0`` is set.
    sample_weight, class_weight : None
        Known from Keras, and not supported: anything else is refused.

    Returns
    -------
    keras.callbacks.History
        ``history.history`` holds a list for each reported value, with one entry per epoch;
        ``history.loop`` names the loop that ran.

    Raises
    ------
    ValueError
        If an argument is out of range, the rows do not fit the model, the checkpoint is of another run
        (other rows, model, loss or optimizer settings), or the loss becomes NaN or infinite.
    OSError
        If the checkpoint cannot be read or written.

    Notes
    -----
    Each epoch's loss is the mean over batches weighted by their number of rows, as in Keras. The order
    of the rows in an epoch depends only on ``random_state`` and the number of the epoch.

    XLA draws other random numbers than Keras's loop does, so ``"auto"`` does not use it for models with
    noise layers. Nor does it use XLA for models with convolutions, where XLA is slower.

    Examples
    --------
    >>> import numpy as np
    >>> from aecourse import builders, training
    >>> X = np.random.default_rng(0).normal(size=(200, 6))
    >>> model = builders.dense(6, hidden=(), code_size=2)
    >>> history = training.fit(model, X, epochs=3)
    >>> len(history.history["loss"]), history.history["loss"][2] < history.history["loss"][0]
    (3, True)
    """
    for name, value in {"sample_weight": sample_weight, "class_weight": class_weight}.items():
        if value is not None:
            raise ValueError(
                f"{name} is not supported: all rows count alike. Repeat the rows that should count more, or "
                "use model.fit."
            )
    _check_model(model, must_be_compiled=True)
    epochs, batch_size = check_whole(epochs, "epochs"), check_whole(batch_size, "batch_size")
    X = _check_inputs(X, "X", model)
    y = None if y is None else _check_targets(y, "y", len(X), model)
    X, y, validation = _split_validation(model, X, y, validation_data, validation_split)
    if validation_batch_size is not None:
        validation_batch_size = check_whole(validation_batch_size, "validation_batch_size")
    callbacks = _check_callbacks(callbacks)
    if early_stopping is not None:
        callbacks.append(
            keras.callbacks.EarlyStopping(
                monitor="loss" if validation is None else "val_loss",
                mode="min",
                patience=check_whole(early_stopping, "early_stopping", minimum=0),
                restore_best_weights=True,
            )
        )
    seed = _seed_from(random_state)
    n_steps = -(-len(X) // batch_size) * epochs
    loop = choose_loop(model, callbacks, compiled, n_steps=n_steps, batch_size=batch_size)

    create_variables(model, X[:batch_size], X[:batch_size] if y is None else y[:batch_size])
    seed_generators(model, seed)
    history = keras.callbacks.History()
    keeper, first_epoch = None, 0
    if checkpoint is not None:
        identity = identity_of(model, X, y, batch_size=batch_size, shuffle=shuffle, random_state=random_state)
        keeper = Checkpoint(checkpoint, identity=identity, seed=seed, callbacks=callbacks, history=history)
        keeper.load(model)
        seed, first_epoch = keeper.seed, epochs if keeper.stopped else keeper.next_epoch
    with ExitStack() as stack:
        # Who passes TerminateOnNaN has chosen to end quietly.
        if not any(isinstance(callback, keras.callbacks.TerminateOnNaN) for callback in callbacks):
            callbacks.insert(0, _StopAtNaN(X))
        callbacks = [*callbacks, history]
        if progress:
            bar = stack.enter_context(progress_bars.bar(total=epochs, description="training"))
            bar.update(min(first_epoch, epochs))
            callbacks.append(_ShowProgress(bar))
        if keeper:
            callbacks.append(keeper)
        job = Job(
            model=model,
            X=X,
            y=y,
            validation=validation,
            validation_batch_size=validation_batch_size or rows_per_chunk(model),
            callbacks=callbacks,
            first_epoch=first_epoch,
            epochs=epochs,
            batch_size=batch_size,
            shuffle=shuffle,
            seed=seed,
        )
        run_keras(job) if loop == "keras" else run_compiled(job, loop)
    history.loop = loop
    return history


def predict(model: keras.Model, X: ArrayLike, batch_size: int | None = None) -> Array:
    """Run rows through a model, in large chunks and with bounded memory.

    It returns what ``model.predict`` returns, without the cost of a Keras step for every 32 rows.

    Parameters
    ----------
    model : keras.Model
        A model with one input and one output; also ``model.encoder`` or ``model.decoder``.
    X : array-like of shape (n, ...)
        Rows, as the model takes them.
    batch_size : int, optional
        Number of rows of a chunk; by default as many as keep the widest layer near 4 million values.

    Returns
    -------
    ndarray of shape (n, ...)
        The model's output for each row.

    Raises
    ------
    ValueError
        If the rows do not fit the model or hold NaN or infinite values.

    Examples
    --------
    >>> import numpy as np
    >>> from aecourse import builders, training
    >>> model = builders.dense(6, hidden=(), code_size=2)
    >>> X = np.zeros((100, 6))
    >>> training.predict(model, X).shape, training.predict(model.encoder, X, batch_size=7).shape
    ((100, 6), (100, 2))
    """
    _check_model(model, must_be_compiled=False)
    X = _check_inputs(X, "X", model)
    size = rows_per_chunk(model) if batch_size is None else check_whole(batch_size, "batch_size")
    forward = CompiledFunctions.of(model).forward((X,))
    chunks = (forward((tf.convert_to_tensor(X[i : i + size]),)).numpy() for i in range(0, len(X), size))
    first = next(chunks)
    output = np.empty((len(X), *first.shape[1:]), dtype=first.dtype)
    output[:size] = first
    for i, chunk in enumerate(chunks, start=1):
        output[i * size : (i + 1) * size] = chunk
    return output
