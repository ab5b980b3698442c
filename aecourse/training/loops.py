"""The loops that take a model through its epochs: two compiled ones, and Keras's own.

A compiled loop runs Keras's own ``train_step`` over all batches of an epoch, on data that are held as
one tensor. The uses of Keras for which it has no public name stand together in this module.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aecourse._support.tensorflow import keras, tf

Array = NDArray[Any]
Order = NDArray[np.int32]
Rows = tuple[Array, Array | None]  # rows, and targets if they are not the rows themselves

LOOPS = ("auto", "xla", "graph", "keras")

# When "auto" compiles with XLA. Both numbers come from `python -m benchmarks.bench_training --rule`.
# XLA takes one to a few seconds longer to compile than the default graph, and then saves 0.1 to 0.2 ms
# a step, so it pays only in a run of about this many steps.
XLA_MIN_STEPS = 15_000
# Above this many multiplications a step the default kernels, which use all cores, are at least as fast.
XLA_MAX_STEP_SIZE = 4_000_000

BYTES_HELD = 2**24  # data up to this size are held as a tensor,
BYTES_PER_BLOCK = 2**22  # larger ones go through the loop in blocks of about this size
VALUES_PER_CHUNK = 2**22  # predictions are made in chunks whose widest layer holds about this many values


@dataclass(frozen=True, kw_only=True)
class Job:
    """One run of training, with all arguments checked and all choices made."""

    model: keras.Model
    X: Array
    y: Array | None
    validation: Rows | None
    validation_batch_size: int
    callbacks: list[keras.callbacks.Callback]
    first_epoch: int
    epochs: int
    batch_size: int
    shuffle: bool
    seed: int

    def order(self, epoch: int) -> Order:
        """Return the order of the rows in an epoch, which depends on nothing before, so a run can resume."""
        if not self.shuffle:
            return np.arange(len(self.X), dtype=np.int32)
        return np.random.default_rng([self.seed, epoch]).permutation(len(self.X)).astype(np.int32)


# What Keras has no public name for


def restored_epoch(model: keras.Model) -> int:
    """Return the epoch to which Keras's ``BackupAndRestore`` has brought a model, 0 without it."""
    return model._initial_epoch or 0


def profiles_batches(callback: keras.callbacks.TensorBoard) -> bool:
    """Say whether a TensorBoard callback was asked to profile some batches."""
    return callback._should_trace


def seed_states(model: keras.Model) -> list[keras.Variable]:
    """Return the states of the model's random generators (noise, dropout, sampling layers)."""
    return [v for v in model.non_trainable_variables if v.path.endswith("seed_generator_state")]


# Compiled functions


class CompiledFunctions:
    """The compiled functions of one model, made when they are first needed.

    They are concrete functions with the number of rows left open, so other rows need no new trace, and
    TensorFlow, which counts the traces of all models together, does not warn of too many.
    """

    def __init__(self, model: keras.Model) -> None:
        self.model = model
        self.key = self._key_of(model)
        self.made: dict[Any, Any] = {}
        self.variables_exist = False

    @staticmethod
    def _key_of(model: keras.Model) -> tuple[Any, ...]:
        # Compiling a model again gives it new objects here, so the functions of the old ones are dropped.
        return (model.optimizer, *model.metrics) if model.compiled else ()

    @classmethod
    def of(cls, model: keras.Model) -> "CompiledFunctions":
        """Return the functions that are kept with a model, or new ones if it was compiled since."""
        kept = getattr(model, "_aecourse_functions", None)
        key = cls._key_of(model)
        if kept is None or [*map(id, kept.key)] != [*map(id, key)]:
            # An attribute, as the functions refer to the model: a weak mapping would keep both for ever.
            kept = model._aecourse_functions = cls(model)
        return kept

    def _get(self, name: tuple[str, ...], data: tuple[Any, ...], make: Callable[[Any], Any]) -> Any:
        specs = tuple(tf.TensorSpec((None, *part.shape[1:]), part.dtype) for part in data)
        if (name, specs) not in self.made:
            self.made[name, specs] = make(specs)
        return self.made[name, specs]

    def step(self, kind: str, data: tuple[Any, ...]) -> Any:
        """Return one step, ``"train"`` or ``"test"``, on some rows of data (X,) or (X, y)."""
        take_step = getattr(self.model, f"{kind}_step")

        def make(specs: Any) -> Any:
            @tf.function(autograph=False)
            def run(data, rows):
                batch = [tf.gather(part, rows) for part in data]
                take_step((batch[0], batch[-1]))  # without targets, the rows are their own

            return run.get_concrete_function(specs, tf.TensorSpec((None,), "int32"))

        return self._get((kind, "step"), data, make)

    def epoch(self, kind: str, loop: str, data: tuple[Any, ...]) -> Any:
        """Return all steps over an order of rows, in a ``"graph"`` or an ``"xla"`` loop.

        The graph loop takes the order and the batch size, and its last batch may be short. XLA needs
        fixed shapes: its loop takes full batches, one a row.
        """
        step = self.step(kind, data)

        def make(specs: Any) -> Any:
            @tf.function(autograph=False)
            def run_graph(data, order, batch_size):
                _repeat(
                    lambda i: step(data, order[i * batch_size : (i + 1) * batch_size]),
                    (tf.size(order) + batch_size - 1) // batch_size,
                )

            @tf.function(autograph=False, jit_compile=True)
            def run_xla(data, batches):
                _repeat(lambda i: step(data, batches[i]), tf.shape(batches)[0])

            if loop == "xla":
                return run_xla.get_concrete_function(specs, tf.TensorSpec((None, None), "int32"))
            return run_graph.get_concrete_function(
                specs, tf.TensorSpec((None,), "int32"), tf.TensorSpec((), "int32")
            )

        return self._get((kind, loop), data, make)

    def forward(self, data: tuple[Any, ...]) -> Any:
        """Return the model's output at prediction, for data (X,)."""

        def make(specs: Any) -> Any:
            @tf.function(autograph=False)
            def run(data):
                return self.model(data[0], training=False)

            return run.get_concrete_function(specs)

        return self._get(("forward",), data, make)


def _repeat(step: Callable[[Any], None], n_steps: Any) -> None:
    """Run ``step(i)`` for i = 0 … n_steps − 1, inside a compiled function."""

    def body(i):
        step(i)
        return (i + 1,)

    tf.while_loop(lambda i: i < n_steps, body, (tf.constant(0),), parallel_iterations=1)


# Choice of the loop


def count_multiplications(model: keras.Model, batch_size: int) -> int:
    """Return the multiplications of a forward pass of a dense model: every weight is used once a row."""
    return batch_size * sum(int(np.prod(weight.shape)) for weight in model.trainable_weights)


def wants_batches(callback: keras.callbacks.Callback) -> bool:
    """Say whether a callback must be called at each batch, which a compiled epoch cannot do."""
    names = [f"on_{kind}batch_{when}" for kind in ("", "train_", "test_") for when in ("begin", "end")]
    hooks = {name: getattr(callback, name) for name in names}
    own = [h for name, h in hooks.items() if getattr(h, "__qualname__", "") != f"Callback.{name}"]
    if not own:
        return False
    if not all(getattr(hook, "__module__", "").startswith("keras.") for hook in own):
        return True
    # Keras's own callbacks that define batch hooks, but were told to act at the end of epochs only.
    if isinstance(callback, keras.callbacks.TensorBoard):
        return bool(
            callback.update_freq != "epoch" or profiles_batches(callback) or callback.write_steps_per_second
        )
    return getattr(callback, "save_freq", None) != "epoch"


def has_own_step(model: keras.Model) -> bool:
    """Say whether the model replaces Keras's training or test step, or its reported values."""
    names = ("train_step", "test_step", "compute_metrics", "get_metrics_result")
    return any(not getattr(type(model), name).__module__.startswith("keras.") for name in names)


def choose_loop(
    model: keras.Model,
    callbacks: Sequence[keras.callbacks.Callback],
    compiled: str,
    *,
    n_steps: int,
    batch_size: int,
) -> str:
    """Choose by model and job alone, never by a clock, so that results do not depend on the machine."""
    if compiled not in LOOPS:
        raise ValueError(f"compiled must be one of {LOOPS}; found {compiled!r}.")
    if model.run_eagerly or has_own_step(model) or any(map(wants_batches, callbacks)):
        return "keras"
    if compiled != "auto":
        return compiled
    is_dense = all(len(weight.shape) <= 2 for weight in model.trainable_weights)
    pays = n_steps >= XLA_MIN_STEPS and count_multiplications(model, batch_size) <= XLA_MAX_STEP_SIZE
    # XLA draws other random numbers than Keras's loop; without noise the two differ by rounding only.
    return "xla" if is_dense and pays and not seed_states(model) else "graph"


# State


def create_variables(model: keras.Model, x: Array, y: Array) -> None:
    """Create the variables of model, metrics and optimizer, which a compiled function must not."""
    if CompiledFunctions.of(model).variables_exist:
        return
    if has_own_step(model):
        if not model.built:
            model(x, training=False)
    else:
        output = model(x, training=False)
        model.compute_loss(x, y, output)
        model.compute_metrics(x, y, output)
    model.optimizer.build(model.trainable_variables)
    CompiledFunctions.of(model).variables_exist = True  # of the metrics that the model has only now


def seed_generators(model: keras.Model, seed: int) -> None:
    """Bring the model's random generators to the state that a seed gives."""
    for i, state in enumerate(seed_states(model)):
        words = np.random.SeedSequence([seed, i]).generate_state(1)
        state.assign(np.array([words[0] % (2**31), 0], dtype=state.dtype))


# Compiled epochs


class Blocks:
    """Rows, and targets if there are any, for the compiled loops.

    Small data are held as a tensor, from which the loop gathers its batches. Large data stay where they
    are, and blocks of many batches are gathered from them in turn, so that they are not held twice.
    """

    def __init__(self, X: Array, y: Array | None, batch_size: int) -> None:
        self.arrays = (X,) if y is None else (X, y)
        n_bytes = sum(part.nbytes for part in self.arrays)
        batch_bytes = max(1, n_bytes * batch_size // len(X))
        self.n_rows = len(X) if n_bytes <= BYTES_HELD else max(1, BYTES_PER_BLOCK // batch_bytes) * batch_size
        self.held = self._tensors(slice(None)) if self.n_rows >= len(X) else None

    def _tensors(self, rows: Any) -> tuple[Any, ...]:
        return tuple(tf.convert_to_tensor(part[rows]) for part in self.arrays)

    def in_order(self, order: Order) -> Iterator[tuple[tuple[Any, ...], Order]]:
        """Yield tensors, and the order in which to take their rows; together they are ``order``."""
        if self.held:
            yield self.held, order
            return
        for start in range(0, len(order), self.n_rows):
            rows = order[start : start + self.n_rows]
            yield self._tensors(rows), np.arange(len(rows), dtype=np.int32)


class CompiledPass:
    """Passes over rows, in training or for validation, with the compiled functions of a model."""

    def __init__(self, model: keras.Model, kind: str, loop: str, data: Rows, batch_size: int) -> None:
        self.model, self.loop, self.batch_size = model, loop, batch_size
        self.blocks = Blocks(*data, batch_size)
        functions = CompiledFunctions.of(model)
        self.take_step = functions.step(kind, self.blocks.arrays)
        self.take_epoch = functions.epoch(kind, loop, self.blocks.arrays)

    def run(self, order: Order) -> dict[str, float]:
        """Take all steps over an order of rows, and return what the model reports then."""
        for tensors, rows in self.blocks.in_order(order):
            if self.loop == "graph":
                self.take_epoch(tensors, tf.constant(rows), tf.constant(self.batch_size))
                continue
            n_full = len(rows) // self.batch_size * self.batch_size
            if n_full:
                self.take_epoch(tensors, tf.constant(rows[:n_full].reshape(-1, self.batch_size)))
            if n_full < len(rows):  # the short last batch
                self.take_step(tensors, tf.constant(rows[n_full:]))
        return {name: float(value) for name, value in self.model.get_metrics_result().items()}


def run_compiled(job: Job, loop: str) -> None:
    """Train in a compiled loop, ``"graph"`` or ``"xla"``."""
    model = job.model
    train = CompiledPass(model, "train", loop, (job.X, job.y), job.batch_size)
    if job.validation:
        test = CompiledPass(model, "test", "graph", job.validation, job.validation_batch_size)
        test_order = np.arange(len(job.validation[0]), dtype=np.int32)
    callbacks = keras.callbacks.CallbackList(
        job.callbacks,
        add_history=False,
        add_progbar=False,
        model=model,
        verbose=0,
        epochs=job.epochs,
        steps=-(-len(job.X) // job.batch_size),
    )
    model.stop_training = False
    logs = None
    callbacks.on_train_begin()
    for epoch in range(job.first_epoch or restored_epoch(model), job.epochs):
        model.reset_metrics()
        callbacks.on_epoch_begin(epoch)
        logs = train.run(job.order(epoch))
        if job.validation:
            callbacks.on_test_begin()
            model.reset_metrics()
            results = test.run(test_order)
            callbacks.on_test_end(results)
            logs |= {f"val_{name}": value for name, value in results.items()}
        callbacks.on_epoch_end(epoch, logs)
        if model.stop_training:
            break
    model.optimizer.finalize_variable_values(model.trainable_variables)
    callbacks.on_train_end(logs)


# Keras's own loop


class OrderedBatches(keras.utils.PyDataset):
    """Batches of arrays in a given order, for Keras's own loop."""

    def __init__(self, X: Array, y: Array | None, order: Order, batch_size: int) -> None:
        super().__init__()
        self.X, self.y = X, X if y is None else y
        self.order, self.batch_size = order, batch_size

    def __len__(self) -> int:
        return -(-len(self.order) // self.batch_size)

    def __getitem__(self, index: int) -> tuple[Array, Array]:
        rows = self.order[index * self.batch_size : (index + 1) * self.batch_size]
        return self.X[rows], self.y[rows]


class Reorder(keras.callbacks.Callback):
    """Give Keras's own loop the same order of rows as the compiled loops have."""

    def __init__(self, batches: OrderedBatches, job: Job) -> None:
        super().__init__()
        self.batches, self.job = batches, job

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self.batches.order = self.job.order(epoch)


def run_keras(job: Job) -> None:
    """Train with ``model.fit``."""
    batches = OrderedBatches(job.X, job.y, job.order(job.first_epoch), job.batch_size)
    validation = None
    if job.validation:
        order = np.arange(len(job.validation[0]), dtype=np.int32)
        validation = OrderedBatches(*job.validation, order, job.validation_batch_size)
    job.model.fit(
        batches,
        epochs=job.epochs,
        initial_epoch=job.first_epoch,
        shuffle=False,
        verbose=0,
        validation_data=validation,
        callbacks=[Reorder(batches, job), *job.callbacks],
    )


# Prediction


def rows_per_chunk(model: keras.Model) -> int:
    """Return how many rows can go through the model at once, so that its widest layer stays in bounds."""
    shapes = [tensor.shape[1:] for layer in model.layers for tensor in _outputs(layer)]
    widest = max((int(np.prod([side or 1 for side in shape])) for shape in shapes), default=1024)
    return int(np.clip(VALUES_PER_CHUNK // max(widest, 1), 64, 65_536))


def _outputs(layer: keras.layers.Layer) -> list[Any]:
    try:
        return keras.tree.flatten(layer.output)
    except (AttributeError, ValueError):  # a layer outside a functional graph has no output of its own
        return []
