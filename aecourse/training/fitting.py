"""Training of small Keras models, a whole epoch at a time in one compiled function.

On models of the size of this course's, Keras's own ``fit`` spends nearly all its time between the
steps: fetching a batch, calling the step, calling the callbacks. `fit` here runs Keras's own
``train_step`` in a compiled loop over the batches of an epoch, on data that are held as one tensor.
The arithmetic is Keras's, so losses and weights agree with ``model.fit`` up to rounding;
``benchmarks/bench_training.py`` measures what it saves.
"""

import json
import os
import zipfile
import zlib

import numpy as np
from sklearn.utils import check_random_state

from aecourse._support import progress as _progress
from aecourse._support.tensorflow import keras, tf

__all__ = ["fit", "predict"]

LOOPS = ("auto", "xla", "graph", "keras")

# When "auto" compiles with XLA. Both numbers come from `python -m benchmarks.bench_training --rule`.
# XLA takes one to a few seconds longer to compile than the default graph, and then saves 0.1 to 0.2 ms
# a step, so a run must have about this many steps for it to pay.
XLA_MIN_STEPS = 15_000
# Above this many multiplications a step the default kernels, which use all cores, win or draw level.
XLA_MAX_STEP_SIZE = 4_000_000

_BYTES_HELD = 2**24  # data up to this size are held as a tensor,
_BYTES_A_BLOCK = 2**22  # larger ones go through the loop in blocks of about this size
_VALUES_A_CHUNK = 2**22  # predictions are made in chunks whose widest layer holds about this many values


# ---------------------------------------------------------------------------- checks of arguments


def _check_array(values, name, dtype, shape=None):
    """Return an array of numbers without NaN or infinity, of a dtype and with rows of a shape."""
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
    if shape is not None and (
        len(shape) != array.ndim - 1
        or any(want is not None and want != got for want, got in zip(shape, array.shape[1:], strict=True))
    ):
        raise ValueError(
            f"{name} must have rows of shape {tuple(shape)}, as the model takes them; "
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


def _check_targets(values, name, n_rows, model):
    found = np.asarray(values).dtype  # class numbers stay whole numbers
    array = _check_array(values, name, found if found.kind in "iub" else _output_dtype(model))
    if len(array) != n_rows:
        raise ValueError(f"{name} has {len(array)} rows for {n_rows} rows of inputs; pass one target a row.")
    return array


def _check_model(model, need_compiled):
    if not isinstance(model, keras.Model):
        raise ValueError(
            f"model must be a keras.Model; found {type(model).__name__}. "
            "The functions in aecourse.builders return one."
        )
    if need_compiled and not model.compiled:
        raise ValueError("model is not compiled; call model.compile(optimizer=..., loss=...) first.")
    for side in ("inputs", "outputs"):
        found = getattr(model, side, None)
        if found and len(found) != 1:
            raise ValueError(
                f"model must have one input and one output; found {len(found)} {side}. "
                "Use model.fit and model.predict for it."
            )


def _check_count(value, name, minimum=1):
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < minimum:
        raise ValueError(f"{name} must be a whole number of at least {minimum}; found {value!r}.")
    return int(value)


def _input_dtype(model):
    return np.dtype(model.inputs[0].dtype if getattr(model, "inputs", None) else keras.config.floatx())


def _output_dtype(model):
    return np.dtype(model.outputs[0].dtype if getattr(model, "outputs", None) else keras.config.floatx())


def _input_shape(model):
    return tuple(model.inputs[0].shape[1:]) if getattr(model, "inputs", None) else None


def _seed_from(random_state):
    if (
        isinstance(random_state, (int, np.integer))
        and not isinstance(random_state, bool)
        and random_state >= 0
    ):
        return int(random_state)
    try:
        return int(check_random_state(random_state).randint(2**31 - 1))
    except ValueError as error:
        raise ValueError(
            "random_state must be None, a whole number of at least 0, or a numpy "
            f"RandomState; found {random_state!r}."
        ) from error


# ---------------------------------------------------------------------------- compiled functions


class _Functions:
    """The compiled functions of one model, made when first asked for and kept with the model.

    They are concrete functions with the number of rows left open, so other rows need no new trace, and
    TensorFlow, which counts the traces of all models together, does not warn of too many.
    """

    def __init__(self, model):
        self.key = self._key_of(model)
        self.made = {}

    @staticmethod
    def _key_of(model):
        # Compiling a model anew gives it new objects here, so functions of the old ones are dropped.
        return (model.optimizer, *model.metrics) if model.compiled else ()

    @classmethod
    def of(cls, model):
        kept = getattr(model, "_aecourse_functions", None)
        key = cls._key_of(model)
        if (
            kept is None
            or len(kept.key) != len(key)
            or any(a is not b for a, b in zip(kept.key, key, strict=True))
        ):
            kept = cls(model)
            # Set past Keras's attribute tracking, which would save it with the model.
            object.__setattr__(model, "_aecourse_functions", kept)
        return kept

    def get(self, make, work, data):
        """Return ``make(work, specs of data)``; data are (X,) or (X, y)."""
        specs = tuple(tf.TensorSpec((None, *part.shape[1:]), part.dtype) for part in data)
        name = (make, work, specs)
        if name not in self.made:
            self.made[name] = make(work, specs)
        return self.made[name]


def _loop(step, n_steps):
    """Run ``step(i)`` for i = 0 … n_steps − 1, inside a compiled function."""

    def body(i):
        step(i)
        return (i + 1,)

    tf.while_loop(lambda i: i < n_steps, body, (tf.constant(0),), parallel_iterations=1)


def _batch(data, rows):
    parts = [tf.gather(part, rows) for part in data]
    return parts[0], parts[-1]  # X → X where there are no targets


def _make_step(step, specs):
    """Make one training or test step on the rows of a batch."""

    @tf.function(autograph=False)
    def run(data, rows):
        step(_batch(data, rows))

    return run.get_concrete_function(specs, tf.TensorSpec((None,), "int32"))


def _make_graph_loop(step, specs):
    """Make a function that takes ``step`` over all batches of an order of rows, the last one short."""

    @tf.function(autograph=False)
    def run(data, order, batch_size):
        _loop(
            lambda i: step(data, order[i * batch_size : (i + 1) * batch_size]),
            (tf.size(order) + batch_size - 1) // batch_size,
        )

    return run.get_concrete_function(specs, tf.TensorSpec((None,), "int32"), tf.TensorSpec((), "int32"))


def _make_xla_loop(step, specs):
    """Make the same for XLA, which needs fixed shapes: one row of ``batches`` is one full batch."""

    @tf.function(autograph=False, jit_compile=True)
    def run(data, batches):
        _loop(lambda i: step(data, batches[i]), tf.shape(batches)[0])

    return run.get_concrete_function(specs, tf.TensorSpec((None, None), "int32"))


def _make_forward(model, specs):
    @tf.function(autograph=False)
    def run(data):
        return model(data[0], training=False)

    return run.get_concrete_function(specs)


# ---------------------------------------------------------------------------- choice of the loop


def _multiplications(model, batch_size):
    """Multiplications of a forward pass of a dense model: every weight is used once a row."""
    return batch_size * sum(int(np.prod(weight.shape)) for weight in model.trainable_weights)


def _is_keras_own(callback, hook):
    return getattr(getattr(callback, hook), "__module__", "").startswith("keras.")


def _wants_batches(callback):
    """Say whether a callback must be called at each batch, which a compiled epoch cannot do."""
    hooks = [f"on_{kind}batch_{when}" for kind in ("", "train_", "test_") for when in ("begin", "end")]
    hooks = [
        hook for hook in hooks if getattr(getattr(callback, hook), "__qualname__", "") != f"Callback.{hook}"
    ]
    if not hooks:
        return False
    if not all(_is_keras_own(callback, hook) for hook in hooks):
        return True
    # Keras's own callbacks that define batch hooks, but were told to act at the end of epochs only.
    if isinstance(callback, keras.callbacks.TensorBoard):
        return callback.update_freq != "epoch" or callback._should_trace or callback.write_steps_per_second
    return getattr(callback, "save_freq", None) != "epoch"


def _has_own_step(model):
    """Say whether the model replaces Keras's training or test step, or its reported values."""
    names = ("train_step", "test_step", "compute_metrics", "get_metrics_result")
    return any(not getattr(type(model), name).__module__.startswith("keras.") for name in names)


def _choose_loop(model, callbacks, compiled, n_steps, batch_size):
    """Choose by model and job alone, never by a clock, so that results do not depend on the machine."""
    if compiled not in LOOPS:
        raise ValueError(f"compiled must be one of {LOOPS}; found {compiled!r}.")
    if model.run_eagerly or _has_own_step(model) or any(map(_wants_batches, callbacks)):
        return "keras"
    if compiled != "auto":
        return compiled
    is_dense = all(len(weight.shape) <= 2 for weight in model.trainable_weights)
    pays = n_steps >= XLA_MIN_STEPS and _multiplications(model, batch_size) <= XLA_MAX_STEP_SIZE
    # XLA draws other random numbers than Keras's loop; without noise the two differ by rounding only.
    return "xla" if is_dense and pays and not _seed_states(model) else "graph"


# ---------------------------------------------------------------------------- order, seeds


def _order(seed, epoch, n_rows, shuffle):
    """The order of the rows in an epoch. It depends on nothing before, so a run can be resumed."""
    if not shuffle:
        return np.arange(n_rows, dtype=np.int32)
    return np.random.default_rng([seed, epoch]).permutation(n_rows).astype(np.int32)


def _seed_states(model):
    """The states of the model's random generators (noise, dropout, sampling layers)."""
    return [v for v in model.non_trainable_variables if v.path.endswith("seed_generator_state")]


def _reseed(model, seed):
    for i, state in enumerate(_seed_states(model)):
        words = np.random.SeedSequence([seed, i]).generate_state(1)
        state.assign(np.array([words[0] % (2**31), 0], dtype=state.dtype))


# ---------------------------------------------------------------------------- callbacks


class _Progress(keras.callbacks.Callback):
    def __init__(self, bar):
        super().__init__()
        self.bar = bar

    def on_epoch_end(self, epoch, logs=None):
        self.bar.set_postfix({name: f"{value:.4g}" for name, value in logs.items()}, refresh=False)
        self.bar.update()


class _Reorder(keras.callbacks.Callback):
    """Give Keras's own loop the same order of rows as the compiled loops have."""

    def __init__(self, batches, order_of):
        super().__init__()
        self.batches, self.order_of = batches, order_of

    def on_epoch_begin(self, epoch, logs=None):
        self.batches.order = self.order_of(epoch)


class _Batches(keras.utils.PyDataset):
    """Batches of arrays in a given order, for Keras's own loop."""

    def __init__(self, X, y, order, batch_size):
        super().__init__()
        self.X, self.y = X, X if y is None else y
        self.order, self.batch_size = order, batch_size

    def __len__(self):
        return -(-len(self.order) // self.batch_size)

    def __getitem__(self, i):
        rows = self.order[i * self.batch_size : (i + 1) * self.batch_size]
        return self.X[rows], self.y[rows]


class _Checkpoint(keras.callbacks.Callback):
    """Write all that is needed to go on after a kill, at the end of every epoch.

    The file is an ``.npz`` archive of plain arrays; nothing is pickled. It is written beside its place
    and then moved there, so a kill in the middle leaves the last whole one.
    """

    # What EarlyStopping, ReduceLROnPlateau and ModelCheckpoint count; a new run would set them back.
    COUNTERS = ("wait", "best", "best_epoch", "stopped_epoch", "cooldown_counter")

    def __init__(self, path, identity, seed, callbacks, history):
        super().__init__()
        self.path = os.fspath(path)
        self.seed, self.history = seed, history
        self.counting = [callback for callback in callbacks if hasattr(callback, "best")]
        self.identity = identity | {"counting callbacks": [type(c).__name__ for c in self.counting]}
        self.next_epoch, self._callback_states, self._best = 0, None, {}

    def load(self, model):
        """Bring the model to the state on file; returns False where there is no file."""
        if not os.path.exists(self.path):
            return False
        try:
            with np.load(self.path, allow_pickle=False) as archive:
                arrays = dict(archive)
            about = json.loads(str(arrays.pop("about")))
        except (ValueError, KeyError, EOFError, OSError, zipfile.BadZipFile, zlib.error) as error:
            raise OSError(
                f"checkpoint {self.path!r} could not be read ({error}). Delete the file to start again."
            ) from error
        for what, value in self.identity.items():
            if about["identity"].get(what) != value:
                raise ValueError(
                    f"checkpoint {self.path!r} is of another run: its {what} is "
                    f"{about['identity'].get(what)!r}, this run's is {value!r}. "
                    "Delete the file to start again, or pass another path."
                )
        for kind, variables in _variables(model).items():
            for i, variable in enumerate(variables):
                variable.assign(arrays[f"{kind}_{i}"])
        self.seed, self.next_epoch = about["seed"], about["next_epoch"]
        self._callback_states = about["callbacks"]
        self._best = {int(name.split("_")[1]): [] for name in arrays if name.startswith("best_")}
        for i, best in self._best.items():
            best += [arrays[f"best_{i}_{j}"] for j in range(len(model.weights))]
        self.history.history.update(about["history"])
        self._epochs_done, self.stopped = about["epochs_done"], about["stopped"]
        return True

    def on_train_begin(self, logs=None):
        if self._callback_states is None:
            return
        self.history.epoch = list(self._epochs_done)
        for i, state in enumerate(self._callback_states):
            for name, value in state.items():
                setattr(self.counting[i], name, value)
            if i in self._best:
                self.counting[i].best_weights = self._best[i]

    def on_epoch_end(self, epoch, logs=None):
        arrays = {
            f"{kind}_{i}": variable.numpy()
            for kind, variables in _variables(self.model).items()
            for i, variable in enumerate(variables)
        }
        for i, callback in enumerate(self.counting):
            for j, best in enumerate(getattr(callback, "best_weights", None) or ()):
                arrays[f"best_{i}_{j}"] = np.asarray(best)
        about = {
            "identity": self.identity,
            "seed": self.seed,
            "next_epoch": epoch + 1,
            "stopped": bool(self.model.stop_training),
            "history": self.history.history,
            "epochs_done": self.history.epoch,
            "callbacks": [
                {
                    name: getattr(callback, name)
                    for name in self.COUNTERS
                    if getattr(callback, name, None) is not None
                }
                for callback in self.counting
            ],
        }
        temporary = f"{self.path}.{os.getpid()}.part"
        with open(temporary, "wb") as file:
            np.savez(file, about=np.array(json.dumps(about, default=float)), **arrays)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, self.path)


def _variables(model):
    return {"weight": model.weights, "optimizer": model.optimizer.variables, "seed": _seed_states(model)}


def _identity(model, X, y, batch_size, shuffle, random_state):
    """What must agree between the run that wrote a checkpoint and the run that goes on from it."""
    identity = {
        "weights": [[weight.path, *map(int, weight.shape)] for weight in model.weights],
        "optimizer": type(model.optimizer).__name__,
        "batch_size": batch_size,
        "shuffle": bool(shuffle),
        "rows": list(map(int, X.shape)),
        "data checksum": zlib.crc32(np.ascontiguousarray(X)),
        "targets checksum": None if y is None else zlib.crc32(np.ascontiguousarray(y)),
    }
    if isinstance(random_state, (int, np.integer)):
        identity["random_state"] = int(random_state)
    return identity


# ---------------------------------------------------------------------------- fit


def fit(
    model,
    X,
    *,
    y=None,
    epochs=20,
    batch_size=64,
    validation_data=None,
    validation_split=0.0,
    callbacks=(),
    shuffle=True,
    random_state=0,
    early_stopping=None,
    validation_batch_size=None,
    compiled="auto",
    checkpoint=None,
    progress=True,
):
    """Train a compiled Keras model to reproduce its input, whole epochs at a time.

    It does what ``model.fit(X, X, ...)`` does, with the model's own optimizer, loss, penalties and
    metrics, and gives the same losses and weights up to rounding, faster. Callbacks are called
    as Keras calls them; where one of them must see each batch, Keras's own loop is used.

    Parameters
    ----------
    model : keras.Model
        A compiled model with one input and one output.
    X : array-like of shape (n, ...)
        Training rows, as the model takes them.
    y : array-like of shape (n, ...), optional
        Targets; the rows themselves where not given.
    epochs : int
        Number of passes over the rows.
    batch_size : int
        Rows of a step; the last step of an epoch may have fewer.
    validation_data : array-like or (array-like, array-like), optional
        Rows, or rows and targets, on which the loss is reported after each epoch.
    validation_split : float
        Share of the last rows of ``X`` to keep for validation, as in Keras, in [0, 1). Not together
        with ``validation_data``.
    callbacks : sequence of keras.callbacks.Callback
        Ordinary Keras callbacks.
    shuffle : bool
        Take the rows in a new random order each epoch.
    random_state : int, RandomState or None
        Seeds the order of the rows and the model's noise layers. The initial weights are the
        model's own; the builders take a ``random_state`` for them.
    early_stopping : int, optional
        Stop after this many epochs without a better loss (on the validation rows where there are some),
        and go back to the best weights.
    validation_batch_size : int, optional
        Rows of a validation step; chosen from the model's width where not given.
    compiled : {"auto", "xla", "graph", "keras"}
        The loop: compiled with XLA, compiled with TensorFlow's default kernels, or Keras's own.
        ``"auto"`` chooses by the model's size and the number of steps, never by a clock.
    checkpoint : str or path, optional
        File that holds the state after each epoch. Where it exists, the run goes on from it, and ends
        with the result of a run that was never stopped. Delete it to start again.
    progress : bool
        Show a bar with the time left, unless ``AECOURSE_PROGRESS=0`` is set.

    Returns
    -------
    keras.callbacks.History
        ``history.history`` holds the list of each reported value, one entry an epoch; ``history.loop``
        names the loop that ran.

    Raises
    ------
    ValueError
        Where an argument is out of range, the rows do not fit the model, or the checkpoint is of
        another run.
    OSError
        Where the checkpoint cannot be read or written.

    Notes
    -----
    Each epoch's loss is the mean over batches weighted by their number of rows, as in Keras. The order
    of the rows in an epoch depends on ``random_state`` and the number of the epoch alone.

    XLA draws other random numbers than Keras's loop does, so ``"auto"`` does not use it for models with
    noise layers. A model with convolutions is not given to XLA either: there it is slower.

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
    _check_model(model, need_compiled=True)
    epochs, batch_size = _check_count(epochs, "epochs"), _check_count(batch_size, "batch_size")
    X = _check_array(X, "X", _input_dtype(model), _input_shape(model))
    y = None if y is None else _check_targets(y, "y", len(X), model)
    X, y, validation = _validation(model, X, y, validation_data, validation_split)
    if validation is not None:
        validation_batch_size = (
            _chunk_rows(model)
            if validation_batch_size is None
            else _check_count(validation_batch_size, "validation_batch_size")
        )
    callbacks = _check_callbacks(callbacks)
    if early_stopping is not None:
        callbacks.append(
            keras.callbacks.EarlyStopping(
                monitor="loss" if validation is None else "val_loss",
                mode="min",
                patience=_check_count(early_stopping, "early_stopping", minimum=0),
                restore_best_weights=True,
            )
        )
    seed = _seed_from(random_state)
    steps = -(-len(X) // batch_size)
    loop = _choose_loop(model, callbacks, compiled, steps * epochs, batch_size)

    _build(model, X[:batch_size], X[:batch_size] if y is None else y[:batch_size])
    _reseed(model, seed)
    history = keras.callbacks.History()
    users, first = list(callbacks), 0
    callbacks.append(history)
    with _progress.bar(total=epochs, description="training") if progress else _NoBar() as bar:
        callbacks.append(_Progress(bar))
        if checkpoint is not None:
            keeper = _Checkpoint(
                checkpoint, _identity(model, X, y, batch_size, shuffle, random_state), seed, users, history
            )
            if keeper.load(model):
                seed, first = keeper.seed, epochs if keeper.stopped else keeper.next_epoch
            callbacks.append(keeper)
        bar.update(min(first, epochs))

        def order_of(epoch):
            return _order(seed, epoch, len(X), shuffle)

        job = (model, X, y, validation, validation_batch_size, callbacks, first, epochs, batch_size, order_of)
        _run_keras(*job) if loop == "keras" else _run_compiled(*job, loop)
    history.loop = loop
    return history


class _NoBar:
    """Stands in for a progress bar where none is wanted."""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        return None

    def update(self, n=1):
        return None

    def set_postfix(self, *_, **__):
        return None


def _check_callbacks(callbacks):
    if isinstance(callbacks, keras.callbacks.Callback):
        callbacks = [callbacks]
    callbacks = list(callbacks or ())
    for callback in callbacks:
        if not isinstance(callback, keras.callbacks.Callback):
            raise ValueError(
                f"callbacks must hold keras.callbacks.Callback objects; found {type(callback).__name__}."
            )
    return callbacks


def _validation(model, X, y, data, split):
    """Return X, y, and the rows and targets to validate on, or None."""
    if data is not None and split:
        raise ValueError("Pass validation_data or validation_split, not both.")
    if data is not None:
        rows, targets = data if isinstance(data, tuple) and len(data) == 2 else (data, None)
        if targets is rows:
            targets = None
        rows = _check_array(rows, "validation_data", _input_dtype(model), _input_shape(model))
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


def _build(model, x, y):
    """Create the variables of optimizer and metrics, which a compiled function must not.

    It is what Keras's own ``fit`` calls first; there is no public name for it.
    """
    model._symbolic_build(data_batch=(x, y))


def _results(model):
    return {name: float(value) for name, value in model.get_metrics_result().items()}


class _Data:
    """Rows, and targets where there are some, for the compiled loops.

    Small data are held as a tensor, from which the loop gathers its batches. Large data stay where they
    are, and blocks of many batches are gathered from them in turn, so that they are not held twice.
    """

    def __init__(self, X, y, batch_size):
        self.arrays = tuple(part for part in (X, y) if part is not None)
        self.batch_size = batch_size
        n_bytes = sum(part.nbytes for part in self.arrays)
        batch_bytes = max(1, n_bytes * batch_size // len(X))
        self.block = len(X) if n_bytes <= _BYTES_HELD else max(1, _BYTES_A_BLOCK // batch_bytes) * batch_size
        self.held = self._tensors(slice(None)) if self.block >= len(X) else None

    def _tensors(self, rows):
        return tuple(tf.convert_to_tensor(part[rows]) for part in self.arrays)

    def in_order(self, order):
        """Yield tensors, and the order in which to take their rows; together they are ``order``."""
        if self.held:
            yield self.held, order
            return
        for start in range(0, len(order), self.block):
            rows = order[start : start + self.block]
            yield self._tensors(rows), np.arange(len(rows), dtype=np.int32)


def _run_compiled(
    model, X, y, validation, validation_batch_size, callbacks, first, epochs, batch_size, order_of, loop
):
    functions = _Functions.of(model)
    data = _Data(X, y, batch_size)
    step = functions.get(_make_step, model.train_step, data.arrays)
    train = functions.get(_make_xla_loop if loop == "xla" else _make_graph_loop, step, data.arrays)
    if validation:
        val_data, val_order = _Data(*validation, validation_batch_size), np.arange(len(validation[0]))
        test = functions.get(
            _make_graph_loop, functions.get(_make_step, model.test_step, val_data.arrays), val_data.arrays
        )

    callbacks = keras.callbacks.CallbackList(
        callbacks,
        add_history=False,
        add_progbar=False,
        model=model,
        verbose=0,
        epochs=epochs,
        steps=-(-len(X) // batch_size),
    )
    model.stop_training = False
    logs = None
    callbacks.on_train_begin()
    for epoch in range(first or getattr(model, "_initial_epoch", None) or 0, epochs):
        model.reset_metrics()
        callbacks.on_epoch_begin(epoch)
        for tensors, order in data.in_order(order_of(epoch)):
            if loop == "graph":
                train(tensors, tf.constant(order), tf.constant(batch_size))
                continue
            n_full = len(order) // batch_size * batch_size
            if n_full:
                train(tensors, tf.constant(order[:n_full].reshape(-1, batch_size)))
            if n_full < len(order):  # the short last batch
                step(tensors, tf.constant(order[n_full:]))
        logs = _results(model)
        if validation:
            callbacks.on_test_begin()
            model.reset_metrics()
            for tensors, order in val_data.in_order(val_order):
                test(tensors, tf.constant(order, dtype="int32"), tf.constant(validation_batch_size))
            results = _results(model)
            callbacks.on_test_end(results)
            logs |= {f"val_{name}": value for name, value in results.items()}
        callbacks.on_epoch_end(epoch, logs)
        if model.stop_training:
            break
    model.optimizer.finalize_variable_values(model.trainable_variables)
    callbacks.on_train_end(logs)


def _run_keras(
    model, X, y, validation, validation_batch_size, callbacks, first, epochs, batch_size, order_of
):
    batches = _Batches(X, y, order_of(first), batch_size)
    if validation is not None:
        validation = _Batches(*validation, np.arange(len(validation[0])), validation_batch_size)
    model.fit(
        batches,
        epochs=epochs,
        initial_epoch=first,
        shuffle=False,
        verbose=0,
        validation_data=validation,
        callbacks=[_Reorder(batches, order_of), *callbacks],
    )


# ---------------------------------------------------------------------------- predict


def _chunk_rows(model):
    """Rows that can go through the model at once, so that its widest layer stays within bounds."""
    shapes = [tensor.shape[1:] for layer in model.layers for tensor in _outputs(layer)]
    widest = max((int(np.prod([side or 1 for side in shape])) for shape in shapes), default=1024)
    return int(np.clip(_VALUES_A_CHUNK // max(widest, 1), 64, 65_536))


def _outputs(layer):
    try:
        return keras.tree.flatten(layer.output)
    except (AttributeError, ValueError):  # a layer outside a functional graph has no output of its own
        return []


def predict(model, X, batch_size=None):
    """Run rows through a model, in large chunks and with bounded memory.

    It returns what ``model.predict`` does, without the cost of a Keras step for every 32 rows.

    Parameters
    ----------
    model : keras.Model
        A model with one input and one output; also ``model.encoder`` or ``model.decoder``.
    X : array-like of shape (n, ...)
        Rows, as the model takes them.
    batch_size : int, optional
        Rows of a chunk; where not given, as many as keep the widest layer near 4 million values.

    Returns
    -------
    numpy.ndarray of shape (n, ...)
        The model's output for each row.

    Raises
    ------
    ValueError
        Where the rows do not fit the model or hold NaN or infinite values.

    Examples
    --------
    >>> import numpy as np
    >>> from aecourse import builders, training
    >>> model = builders.dense(6, hidden=(), code_size=2)
    >>> X = np.zeros((100, 6))
    >>> training.predict(model, X).shape, training.predict(model.encoder, X, batch_size=7).shape
    ((100, 6), (100, 2))
    """
    _check_model(model, need_compiled=False)
    X = _check_array(X, "X", _input_dtype(model), _input_shape(model))
    size = _chunk_rows(model) if batch_size is None else _check_count(batch_size, "batch_size")
    run = _Functions.of(model).get(_make_forward, model, (X,))
    output = None
    for start in range(0, len(X), size):
        part = run((tf.convert_to_tensor(X[start : start + size]),)).numpy()
        if output is None:
            output = np.empty((len(X), *part.shape[1:]), dtype=part.dtype)
        output[start : start + size] = part
    return output
