"""The compiled loop against Keras's own, callbacks, checkpoints, and prediction in chunks."""

import gc
import importlib
import json
import subprocess
import sys
import weakref

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aecourse import builders, training
from aecourse._support import progress
from aecourse._support.tensorflow import keras, tf
from aecourse.training import loops

RNG = np.random.default_rng(0)
X = RNG.normal(size=(150, 6))  # batches of 64 leave a short one of 22
V = RNG.normal(size=(40, 6))


@pytest.fixture(autouse=True)
def no_bar(monkeypatch):
    monkeypatch.setenv("AECOURSE_PROGRESS", "0")


def make(kind="dense", metrics=(), **more):
    build = {
        "dense": lambda: builders.dense(6, (5,), 2, dtype="float64", **more),
        "l1": lambda: builders.sparse(6, (5,), 2, weight=0.05, dtype="float64", **more),
        "kl": lambda: builders.sparse(6, (5,), 2, penalty="kl", dtype="float64", **more),
        "variational": lambda: builders.variational(6, (5,), 2, dtype="float64", **more),
        "masking": lambda: builders.denoising(
            6, (5,), 2, noise="masking", amount=0.3, dtype="float64", **more
        ),
        "gaussian": lambda: builders.denoising(6, (5,), 2, dtype="float64", **more),
        "tied": lambda: builders.tied(6, (5,), 2, dtype="float64", **more),
    }[kind]
    model = build()
    if metrics:
        model.compile(optimizer=model.optimizer, loss=model.loss, metrics=list(metrics))
    return model


def flat(model):
    return np.concatenate([np.ravel(w) for w in model.get_weights()])


class ByBatch(keras.callbacks.Callback):
    """A callback that must see each batch."""

    def __init__(self):
        super().__init__()
        self.batches = []

    def on_train_batch_end(self, batch, logs=None):
        self.batches.append((batch, logs["loss"]))


def keras_by_hand(model, rows, epochs, batch_size, targets=None, **more):
    """Keras's own fit on rows put into the order that training.fit takes, one epoch after the other."""
    targets = rows if targets is None else targets
    losses = []
    for epoch in range(epochs):
        order = np.random.default_rng([0, epoch]).permutation(len(rows))
        history = model.fit(
            tf.constant(rows[order]),
            tf.constant(targets[order]),
            batch_size=batch_size,
            shuffle=False,
            verbose=0,
            **more,
        )
        losses.append({name: values[0] for name, values in history.history.items()})
    return losses


@pytest.fixture
def double():
    """Keras's fit casts data to floatx, so its own run in double precision needs the global setting."""
    keras.config.set_floatx("float64")
    yield
    keras.config.set_floatx("float32")


@pytest.mark.parametrize(("loop", "kind"), [("xla", "l1"), ("graph", "l1"), ("keras", "dense")])
def test_losses_and_weights_are_those_of_keras(loop, kind, double):
    ours, theirs = make(kind, metrics=["mae"]), make(kind, metrics=["mae"])
    history = training.fit(ours, X, epochs=2, validation_data=V, compiled=loop)
    by_hand = keras_by_hand(theirs, X, 2, 64, validation_data=(V, V))
    np.testing.assert_allclose(flat(ours), flat(theirs), rtol=0, atol=1e-12)
    assert set(history.history) == set(by_hand[0]) == {"loss", "mae", "val_loss", "val_mae"}
    for name, values in history.history.items():
        np.testing.assert_allclose(values, [logs[name] for logs in by_hand], rtol=1e-12)
    assert history.loop == loop and history.epoch == [0, 1] and ours.history is history


@pytest.mark.parametrize("kind", ["kl", "variational", "masking", "gaussian", "tied"])
def test_compiled_and_keras_loops_agree_for_noise_and_penalties(kind):
    runs = {loop: (make(kind), loop) for loop in ("graph", "keras")}
    losses = {
        loop: training.fit(model, X, epochs=2, compiled=loop, random_state=3).history["loss"]
        for loop, (model, _) in runs.items()
    }
    np.testing.assert_allclose(flat(runs["graph"][0]), flat(runs["keras"][0]), rtol=0, atol=1e-12)
    np.testing.assert_allclose(losses["graph"], losses["keras"], rtol=1e-6)


def test_targets_other_than_the_rows(double):
    targets = X[:, ::-1].copy()
    ours, theirs = make(), make()
    history = training.fit(ours, X, y=targets, epochs=2, validation_data=(V, V[:, ::-1]))
    by_hand = keras_by_hand(theirs, X, 2, 64, targets)
    np.testing.assert_allclose(flat(ours), flat(theirs), atol=1e-12)
    np.testing.assert_allclose(history.history["loss"], [logs["loss"] for logs in by_hand], rtol=1e-12)
    assert training.fit(make(), X, y=X, epochs=2).history["loss"] == pytest.approx(
        training.fit(make(), X, epochs=2, validation_data=(V, V)).history["loss"]
    )


def test_whole_number_targets_stay_whole():
    inputs = keras.Input((6,))
    model = keras.Model(inputs, keras.layers.Dense(3, activation="softmax")(inputs))
    model.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"])
    history = training.fit(model, X, y=RNG.integers(0, 3, size=len(X)), epochs=1)
    assert 0 <= history.history["accuracy"][0] <= 1


@settings(max_examples=4, deadline=None)
@given(n=st.integers(1, 40), batch_size=st.integers(1, 50))
def test_epoch_loss_weights_batches_by_their_rows(n, batch_size):
    rows = X[:n]
    model = make(optimizer=keras.optimizers.SGD(0.0))  # weights stay, so the mean is over rows
    history = training.fit(model, rows, epochs=1, batch_size=batch_size, compiled="graph")
    expected = np.square(training.predict(model, rows) - rows).mean()
    assert history.history["loss"][0] == pytest.approx(expected, rel=1e-5)


def test_validation_split_takes_the_last_rows():
    one, two = make(), make()
    split = training.fit(one, X, epochs=2, validation_split=0.2).history
    given_rows = training.fit(two, X[:120], epochs=2, validation_data=X[120:]).history
    assert split == given_rows
    small = training.fit(make(), X, epochs=2, validation_split=0.2, validation_batch_size=7).history
    np.testing.assert_allclose(small["val_loss"], split["val_loss"], rtol=1e-6)
    targets = training.fit(make(), X, y=X, epochs=2, validation_split=0.2).history
    np.testing.assert_allclose(targets["val_loss"], split["val_loss"], rtol=1e-6)


def test_data_of_any_layout_are_read_and_left_as_they_are():
    expected = training.fit(make(), X, epochs=1).history["loss"]
    read_only, strided = X.copy(), np.repeat(X, 2, axis=0)[::2]
    read_only.flags.writeable = False
    for rows in (X.copy(), read_only, np.asfortranarray(X), strided, X.astype("float32").astype("float64")):
        before = rows.copy()
        assert training.fit(make(), rows, epochs=1).history["loss"] == pytest.approx(expected, rel=1e-5)
        assert (rows == before).all()


@pytest.mark.parametrize("loop", ["xla", "graph"])
def test_large_data_go_through_in_blocks_to_the_same_result(loop, monkeypatch):
    whole, parts = make(), make()
    expected = training.fit(whole, X, epochs=2, batch_size=20, validation_data=V, compiled=loop).history
    for limit in ("BYTES_HELD", "BYTES_PER_BLOCK"):
        monkeypatch.setattr(loops, limit, 60 * 6 * 8)  # 60 rows a block: 2 of them, and 30 rows
    found = training.fit(
        parts, X, epochs=2, batch_size=20, validation_data=V, validation_batch_size=20, compiled=loop
    )
    np.testing.assert_allclose(flat(parts), flat(whole), rtol=0, atol=1e-12)
    for name, values in expected.items():
        np.testing.assert_allclose(found.history[name], values, rtol=1e-6)
    data = loops.Blocks(X, X[:, :1], 20)
    blocks = list(data.in_order(np.arange(len(X))[::-1]))
    assert data.held is None and len(blocks) == 4 and {len(order) for _, order in blocks[:-1]} == {40}
    rows = np.concatenate([tensors[0].numpy()[order] for tensors, order in blocks])
    assert (rows == X[::-1]).all()


@pytest.mark.parametrize(
    ("loop", "kind", "seeds"),
    [("xla", "masking", (5, 5)), ("graph", "gaussian", (5, 5, np.random.RandomState(1)))],
)
def test_the_same_seed_gives_the_same_weights(loop, kind, seeds):
    weights = []
    for seed in seeds:
        model = make(kind)
        training.fit(model, X, epochs=2, random_state=seed, compiled=loop)
        weights.append(flat(model))
    assert (weights[0] == weights[1]).all() and all((weights[0] != w).any() for w in weights[2:])


def test_fit_leaves_the_global_generators_alone():
    np.random.seed(0)
    before = np.random.get_state()[1].copy()
    training.fit(make("gaussian"), X, epochs=1)
    assert (np.random.get_state()[1] == before).all()


def test_no_seed_and_no_shuffling():
    one, two = make(), make()
    training.fit(one, X, epochs=1, random_state=None)
    training.fit(two, X, epochs=1, random_state=None)
    assert (flat(one) != flat(two)).any()
    one, two = make(), make()
    training.fit(one, X, epochs=1, shuffle=False, random_state=1)
    training.fit(two, X, epochs=1, shuffle=False, random_state=2)
    assert (flat(one) == flat(two)).all()


def test_the_loop_is_chosen_by_model_and_job():
    small, wide = make(), builders.dense(512, (512,), 64)
    image = builders.convolutional((4, 4), (2,), 3)
    many = loops.XLA_MIN_STEPS

    def choose(model, callbacks, compiled, n_steps):
        return loops.choose_loop(model, callbacks, compiled, n_steps=n_steps, batch_size=64)

    assert choose(small, [], "auto", many) == "xla"
    assert choose(small, [], "auto", many - 1) == "graph"
    assert choose(wide, [], "auto", many) == "graph"
    assert choose(image, [], "auto", many) == "graph"
    assert choose(image, [], "xla", 1) == "xla"
    assert choose(make("gaussian"), [], "auto", many) == "graph"
    small.compile("adam", "mse", run_eagerly=True)
    assert choose(small, [], "auto", many) == "keras"
    assert training.fit(small, X, epochs=1).loop == "keras"


def test_a_model_with_its_own_step_runs_in_keras_loop():
    @keras.saving.register_keras_serializable(package="tests")
    class Doubled(keras.Model):
        def train_step(self, data):
            logs = super().train_step(data)
            return logs | {"twice": 2 * logs["loss"]}

    inputs = keras.Input((6,))
    model = Doubled(inputs, keras.layers.Dense(6)(inputs))
    model.compile("adam", "mse")
    history = training.fit(model, X, epochs=2)
    assert history.loop == "keras" and len(history.history["twice"]) == 2


def test_a_model_with_its_own_step_needs_no_loss():
    class Constant(keras.Model):
        def train_step(self, data):
            return {"loss": 0.0}

    inputs = keras.Input((6,))
    model = Constant(inputs, keras.layers.Dense(6)(inputs))
    model.compile("adam")
    assert training.fit(model, X, epochs=2).history["loss"] == [0.0, 0.0]


@pytest.mark.parametrize("kind", ["dense", "variational", "gaussian"])
def test_creating_the_variables_leaves_no_trace_in_the_results(kind):
    """Keras's own fit creates them from shapes alone; here rows go through the model once."""
    model = make(kind, metrics=["mae"])
    state = [*model.weights, *loops.seed_states(model)]
    before = [v.numpy().copy() for v in state]
    loops.create_variables(model, X[:64], X[:64])
    assert all((v.numpy() == old).all() for v, old in zip(state, before, strict=True))
    assert model.optimizer.built
    n_variables = len(model.variables)
    model.train_on_batch(X[:64], X[:64])
    assert len(model.variables) == n_variables


def test_keras_has_the_private_names_that_the_loops_use(tmp_path):
    """If Keras drops one of them, the function in training/loops.py that uses it needs another way."""
    model = make("gaussian")
    assert hasattr(model, "_initial_epoch"), "restored_epoch reads Model._initial_epoch, and Keras has none"
    board = keras.callbacks.TensorBoard(tmp_path)
    assert hasattr(board, "_should_trace"), "profiles_batches reads TensorBoard._should_trace; Keras has none"
    dropout = keras.Sequential([keras.Input((6,)), keras.layers.Dropout(0.5)])
    for name, built in (("GaussianNoise", model), ("Dropout", dropout)):
        found = [state.shape for state in loops.seed_states(built)]
        assert found == [(2,)], f"seed_states finds the random generator of {name} by another path now"
    # `wants_batches` and `has_own_step` know what is Keras's own by the names of its modules.
    assert keras.Model.train_step.__module__.startswith("keras."), "has_own_step: Keras's modules moved"
    hook = keras.callbacks.Callback.on_batch_begin
    assert hook.__qualname__ == "Callback.on_batch_begin", "wants_batches: Keras's base hooks moved"


@pytest.mark.parametrize(
    ("callback", "wanted"),
    [
        (lambda d: keras.callbacks.EarlyStopping(), False),
        (lambda d: keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: None), False),
        (lambda d: keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: None), True),
        (lambda d: keras.callbacks.LambdaCallback(on_batch_begin=lambda batch, logs=None: None), True),
        (lambda d: keras.callbacks.ModelCheckpoint(d / "m.keras"), False),
        (lambda d: keras.callbacks.ModelCheckpoint(d / "m.keras", save_freq=2), True),
        (lambda d: keras.callbacks.TensorBoard(d), False),
        (lambda d: keras.callbacks.TensorBoard(d, update_freq="batch"), True),
        (lambda d: keras.callbacks.TensorBoard(d, write_steps_per_second=True), True),
        (lambda d: keras.callbacks.TerminateOnNaN(), True),
        (lambda d: keras.callbacks.CSVLogger(d / "log.csv"), False),
        (lambda d: ByBatch(), True),
    ],
)
def test_callbacks_that_need_batches_are_known(callback, wanted, tmp_path):
    assert loops.wants_batches(callback(tmp_path)) is wanted


def test_callbacks_are_called_as_keras_calls_them():
    def calls_of(fit, model):
        calls = []

        class Recorder(keras.callbacks.Callback):
            def __getattribute__(self, name):
                if name.startswith("on_") and "batch" not in name:
                    return lambda *args, logs=None: calls.append((name, args[0] if "epoch" in name else None))
                return super().__getattribute__(name)

        recorder = Recorder()
        fit(model, recorder)
        return calls, recorder.params, recorder.model

    def theirs(model, recorder):
        model.fit(X, X, epochs=2, batch_size=64, verbose=0, validation_data=(V, V), callbacks=[recorder])

    def ours(model, recorder):
        training.fit(model, X, epochs=2, validation_data=V, callbacks=recorder, compiled="graph")

    one, two = make(), make()
    found, expected = calls_of(ours, one), calls_of(theirs, two)
    assert found[0] == expected[0] and found[1] == expected[1] and found[2] is one


def test_batch_callbacks_run_in_keras_loop():
    seen, model = ByBatch(), make()
    history = training.fit(model, X, epochs=2, callbacks=[seen])
    assert history.loop == "keras" and [batch for batch, _ in seen.batches] == [0, 1, 2, 0, 1, 2]
    compiled = make()
    training.fit(compiled, X, epochs=2, compiled="graph")
    np.testing.assert_allclose(flat(model), flat(compiled), rtol=0, atol=1e-12)


@pytest.mark.parametrize("loop", ["graph", "keras"])
def test_early_stopping_restores_the_best_weights(loop):
    rate = keras.callbacks.LearningRateScheduler(lambda epoch, rate: 0.01 if epoch < 3 else 3.0)
    model = make()
    history = training.fit(
        model, X, epochs=30, validation_data=V, early_stopping=2, callbacks=[rate], compiled=loop
    )
    values = history.history["val_loss"]
    best = int(np.argmin(values))
    assert len(values) == best + 3 < 30  # two epochs without a better one, then it stops
    assert np.square(training.predict(model, V) - V).mean() == pytest.approx(values[best], rel=1e-5)
    assert history.history["learning_rate"][0] == pytest.approx(0.01)


def test_early_stopping_without_validation_watches_the_loss():
    model = make(optimizer=keras.optimizers.SGD(0.0))
    history = training.fit(model, X, epochs=9, early_stopping=1, shuffle=False)
    assert len(history.history["loss"]) == 2


def test_model_checkpoint_and_csv_log_work_in_a_compiled_epoch(tmp_path):
    best = tmp_path / "best.keras"
    model = make("variational")
    history = training.fit(
        model,
        X,
        epochs=3,
        validation_data=V,
        compiled="graph",
        callbacks=[
            keras.callbacks.ModelCheckpoint(best, monitor="val_loss", save_best_only=True),
            keras.callbacks.CSVLogger(tmp_path / "log.csv"),
        ],
    )
    assert history.loop == "graph"
    loaded = builders.attach_parts(keras.models.load_model(best))
    value = np.square(training.predict(loaded, V) - V).mean()
    reported = history.history["val_mse"][int(np.argmin(history.history["val_loss"]))]
    assert value == pytest.approx(reported, rel=1e-4)
    assert len((tmp_path / "log.csv").read_text().splitlines()) == 4
    assert len(loaded.optimizer.variables) == len(model.optimizer.variables)


def test_tensorboard_works_in_a_compiled_epoch(tmp_path):
    pytest.importorskip("tensorboard")
    history = training.fit(
        make(),
        X,
        epochs=2,
        validation_data=V,
        callbacks=[keras.callbacks.TensorBoard(tmp_path, histogram_freq=1)],
    )
    assert history.loop == "graph"
    for part in ("train", "validation"):
        assert sum(file.stat().st_size for file in (tmp_path / part).iterdir()) > 300


def test_backup_and_restore_goes_on(tmp_path):
    class Stop(Exception):
        pass

    def stop(epoch, logs):
        if epoch == 2:
            raise Stop

    interrupted, whole = make(), make()
    backup = tmp_path / "backup"
    with pytest.raises(Stop):
        training.fit(
            interrupted,
            X,
            epochs=4,
            compiled="graph",
            callbacks=[
                keras.callbacks.LambdaCallback(on_epoch_end=stop),
                keras.callbacks.BackupAndRestore(backup),
            ],
        )
    again = make()
    history = training.fit(
        again, X, epochs=4, compiled="graph", callbacks=[keras.callbacks.BackupAndRestore(backup)]
    )
    training.fit(whole, X, epochs=4, compiled="graph")
    assert history.epoch == [2, 3]
    np.testing.assert_allclose(flat(again), flat(whole), rtol=0, atol=1e-12)


def test_compiled_functions_are_kept_until_the_model_is_compiled_again():
    model = make()
    training.fit(model, X, epochs=1)
    first = loops.CompiledFunctions.of(model)
    n_made = len(first.made)
    training.fit(model, X[:90], epochs=1)
    assert loops.CompiledFunctions.of(model) is first and len(first.made) == n_made
    before = flat(model)
    model.compile(keras.optimizers.SGD(0.0), keras.losses.MeanSquaredError())
    training.fit(model, X, epochs=1)
    assert loops.CompiledFunctions.of(model) is not first and (flat(model) == before).all()


def test_a_trained_model_is_freed_and_saved_without_its_functions(tmp_path):
    model = make()
    training.fit(model, X, epochs=1)
    training.predict(model, X)
    model.save(tmp_path / "model.keras")
    assert not hasattr(keras.models.load_model(tmp_path / "model.keras"), "_aecourse_functions")
    gone = weakref.ref(model)
    del model
    gc.collect()
    assert gone() is None


def test_the_bar_counts_epochs(monkeypatch):
    seen = []

    class Bar:
        def __init__(self, **about):
            self.about = about

        def __enter__(self):
            return self

        def __exit__(self, *_):
            seen.append("closed")

        def update(self, n=1):
            seen.append(n)

        def set_postfix(self, values, refresh=True):
            seen.append(sorted(values))

    monkeypatch.setattr(progress, "bar", Bar)
    training.fit(make(), X, epochs=2)
    assert seen == [0, ["loss"], 1, ["loss"], 1, "closed"]
    seen.clear()
    training.fit(make(), X, epochs=1, progress=False)
    assert seen == []


class Killed(Exception):
    """Stands for a kill in the middle of a run."""


def kill_at(epoch_to_die):
    def on_epoch_begin(epoch, logs=None):
        if epoch == epoch_to_die:
            raise Killed

    return keras.callbacks.LambdaCallback(on_epoch_begin=on_epoch_begin)


@pytest.mark.parametrize("loop", ["graph", "keras"])
def test_a_killed_run_ends_as_one_that_was_not(loop, tmp_path):
    path = tmp_path / "run.npz"
    common = {"epochs": 5, "validation_data": V, "compiled": loop, "random_state": 4}
    whole = make("gaussian")
    expected = training.fit(whole, X, **common)
    killed = make("gaussian")
    with pytest.raises(Killed):
        training.fit(killed, X, checkpoint=path, callbacks=[kill_at(3)], **common)
    resumed = make("gaussian", random_state=9)  # other weights, to be replaced by those on file
    history = training.fit(resumed, X, checkpoint=path, callbacks=[kill_at(99)], **common)
    np.testing.assert_allclose(flat(resumed), flat(whole), rtol=0, atol=1e-12)
    np.testing.assert_allclose(history.history["val_loss"], expected.history["val_loss"], rtol=1e-6)
    assert history.epoch == expected.epoch == [0, 1, 2, 3, 4]
    assert [file.name for file in tmp_path.iterdir()] == ["run.npz"]


def test_early_stopping_survives_a_kill(tmp_path):
    path = tmp_path / "run.npz"

    def run(model, checkpoint=None, die=99):
        rate = keras.callbacks.LearningRateScheduler(lambda epoch, rate: 0.01 if epoch < 3 else 3.0)
        return training.fit(
            model,
            X,
            epochs=30,
            validation_data=V,
            early_stopping=3,
            checkpoint=checkpoint,
            callbacks=[rate, kill_at(die)],
        )

    whole, resumed = make(), make()
    expected = run(whole).history["val_loss"]
    die = int(np.argmin(expected)) + 2  # after the best epoch, so its weights must come from the file
    with pytest.raises(Killed):
        run(make(), path, die)
    assert run(resumed, path).history["val_loss"] == pytest.approx(expected)
    np.testing.assert_allclose(flat(resumed), flat(whole), rtol=0, atol=1e-12)
    again = make()
    history = run(again, path)  # a finished run is not run again
    assert history.history["val_loss"] == pytest.approx(expected)
    np.testing.assert_allclose(flat(again), flat(whole), rtol=0, atol=1e-12)


def test_a_process_that_is_killed_resumes(tmp_path):
    """A real kill, by the operating system, in the middle of an epoch's write or work."""
    path = tmp_path / "run.npz"
    script = f"""
import os, signal
import numpy as np
from aecourse import builders, training
from aecourse._support.tensorflow import keras
X = np.random.default_rng(1).normal(size=(100, 6))
def die(epoch, logs=None):
    if epoch == 2:
        os.kill(os.getpid(), signal.SIGKILL)
training.fit(builders.dense(6, (5,), 2, dtype="float64"), X, epochs=4, checkpoint={str(path)!r},
             callbacks=[keras.callbacks.LambdaCallback(on_epoch_end=die)])
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == -9, done.stderr
    rows = np.random.default_rng(1).normal(size=(100, 6))
    resumed, whole = make(), make()
    quiet = keras.callbacks.LambdaCallback()
    history = training.fit(resumed, rows, epochs=4, checkpoint=path, callbacks=[quiet])
    training.fit(whole, rows, epochs=4)
    assert history.epoch == [0, 1, 2, 3]
    np.testing.assert_allclose(flat(resumed), flat(whole), rtol=0, atol=1e-10)


def test_a_model_whose_learning_rate_was_reduced_goes_on(tmp_path):
    def schedule():
        return keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate / 2)

    path, model = tmp_path / "run.npz", make()
    training.fit(model, X, epochs=2, checkpoint=path, callbacks=[schedule()])
    training.fit(model, X, epochs=3, checkpoint=path, callbacks=[schedule()])
    whole = make()
    training.fit(whole, X, epochs=3, callbacks=[schedule()])
    np.testing.assert_allclose(flat(model), flat(whole), rtol=1e-6)


@pytest.mark.parametrize("loop", ["graph", "keras"])
def test_a_loss_that_is_no_number_stops_with_what_to_do(loop, tmp_path):
    rows = X * [1e6, 1, 1, 1, 1, 1]
    with pytest.raises(ValueError, match="loss became nan in epoch 1, .* Scale the columns"):
        training.fit(
            builders.variational(6, (5,), 2), rows, epochs=3, compiled=loop, checkpoint=tmp_path / "run.npz"
        )
    assert not (tmp_path / "run.npz").exists()


ODD_LAYERS = {
    "dropout": lambda: [keras.layers.Dense(5), keras.layers.Dropout(0.3, seed=1), keras.layers.Dense(6)],
    "batch normalisation": lambda: [
        keras.layers.Dense(5),
        keras.layers.BatchNormalization(),
        keras.layers.Dense(6),
    ],
    "LSTM": lambda: [keras.layers.Reshape((3, 2)), keras.layers.LSTM(4), keras.layers.Dense(6)],
    "mixed precision": lambda: [
        keras.layers.Dense(5, dtype="mixed_float16"),
        keras.layers.Dense(6, dtype="float32"),
    ],
    "dropout between batch normalisations": lambda: [
        keras.layers.BatchNormalization(),
        keras.layers.Dense(5, kernel_regularizer="l2"),
        keras.layers.Dropout(0.2, seed=1),
        keras.layers.BatchNormalization(),
        keras.layers.Dense(6),
    ],
    "LSTM with dropout, backwards too": lambda: [
        keras.layers.Reshape((3, 2)),
        keras.layers.Bidirectional(keras.layers.LSTM(3, dropout=0.2, seed=1)),
        keras.layers.Dense(6, kernel_constraint="max_norm"),
    ],
}
ODD_OPTIMIZERS = {
    "moving average of the weights": {"use_ema": True, "ema_momentum": 0.9},
    "gradients of several batches": {"gradient_accumulation_steps": 2},
    "clipped gradients, decayed weights": {"clipnorm": 0.1, "weight_decay": 0.01},
    "scaled loss": {"loss_scale_factor": 8.0},
}


@pytest.mark.parametrize("kind", [*ODD_LAYERS, *ODD_OPTIMIZERS, "mixed precision everywhere"])
def test_odd_models_train_as_in_keras(kind):
    """The compiled loop against model.fit itself, on rows whose order is fixed."""
    if kind == "mixed precision everywhere":
        keras.config.set_dtype_policy("mixed_float16")
    try:
        _compare_with_keras(
            ODD_LAYERS.get(kind, lambda: [keras.layers.Dense(5), keras.layers.Dense(6, dtype="float32")]),
            ODD_OPTIMIZERS.get(kind, {}),
        )
    finally:
        keras.config.set_dtype_policy("float32")


def _compare_with_keras(layers, optimizer):
    def run(fit):
        model = keras.Sequential([keras.Input((6,)), *layers()])
        for i, weight in enumerate(model.trainable_weights):
            if len(weight.shape) == 2:
                weight.assign(np.random.default_rng(i).normal(0, 0.3, weight.shape))
        model.compile(optimizer=keras.optimizers.Adam(0.01, **optimizer), loss="mse", metrics=["mae"])
        loops.seed_generators(model, 0)
        return fit(model).history, flat(model)

    rows, targets = X.astype("float32"), np.flip(X, 1).astype("float32")
    common = {"epochs": 3, "batch_size": 64, "shuffle": False}
    with_callbacks = lambda: [  # noqa: E731
        keras.callbacks.ReduceLROnPlateau(monitor="loss", patience=0, min_delta=10.0),
        keras.callbacks.EarlyStopping(monitor="loss", patience=5),
    ]
    ours = run(
        lambda m: training.fit(m, rows, y=targets, compiled="graph", callbacks=with_callbacks(), **common)
    )
    kerass = run(lambda m: m.fit(rows, targets, verbose=0, callbacks=with_callbacks(), **common))
    assert ours[0].keys() == kerass[0].keys()
    for name in ours[0]:
        np.testing.assert_allclose(ours[0][name], kerass[0][name], rtol=2e-3, err_msg=name)
    np.testing.assert_allclose(ours[1], kerass[1], rtol=1e-2, atol=1e-4)


@pytest.mark.parametrize("name", ["sample_weight", "class_weight"])
def test_weights_are_refused_with_what_to_do(name):
    with pytest.raises(ValueError, match=f"{name} is not supported.* model.fit"):
        training.fit(make(), X, **{name: {0: 1.0} if name == "class_weight" else np.ones(len(X))})


def test_an_unseeded_run_goes_on_with_its_own_seed(tmp_path):
    path = tmp_path / "run.npz"
    with pytest.raises(Killed):
        training.fit(make(), X, epochs=3, random_state=None, checkpoint=path, callbacks=[kill_at(1)])
    with np.load(path) as archive:
        seed = json.loads(str(archive["about"]))["seed"]
    resumed, whole = make(), make()
    training.fit(resumed, X, epochs=3, random_state=None, checkpoint=path, callbacks=[kill_at(9)])
    training.fit(whole, X, epochs=3, random_state=seed)
    np.testing.assert_allclose(flat(resumed), flat(whole), rtol=0, atol=1e-12)


def test_a_checkpoint_of_another_run_is_refused(tmp_path):
    path = tmp_path / "run.npz"
    training.fit(make(), X, epochs=1, checkpoint=path)
    with pytest.raises(ValueError, match="its data checksum is"):
        training.fit(make(), X + 1, epochs=2, checkpoint=path)
    with pytest.raises(ValueError, match="its batch_size is 64, this run's is 32"):
        training.fit(make(), X, epochs=2, batch_size=32, checkpoint=path)
    with pytest.raises(ValueError, match="its weights is"):
        training.fit(builders.dense(6, (4,), 2, dtype="float64"), X, epochs=2, checkpoint=path)
    with pytest.raises(ValueError, match="its targets checksum is"):
        training.fit(make(), X, y=X, epochs=2, checkpoint=path)
    for what, change in {
        "optimizer's learning_rate": {"optimizer": keras.optimizers.Adam(0.5)},
        "loss": {"loss": "mae"},
    }.items():
        other = make()
        other.compile(**{"optimizer": other.optimizer, "loss": other.loss} | change)
        with pytest.raises(ValueError, match=f"its {what} is"):
            training.fit(other, X, epochs=2, checkpoint=path)
    with pytest.raises(ValueError, match=r"counting callbacks is \[\], this run's is \['EarlyStopping'\]"):
        training.fit(make(), X, epochs=2, checkpoint=path, early_stopping=1)
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(OSError, match="could not be read .* Delete the file"):
        training.fit(make(), X, epochs=2, checkpoint=path)


@pytest.mark.parametrize("batch_size", [None, 1, 64, 149, 150, 1000])
def test_predict_is_keras_predict(batch_size):
    model = make()
    expected = model(X).numpy()
    found = training.predict(model, X, batch_size=batch_size)
    np.testing.assert_allclose(found, expected, atol=1e-12)
    assert found.dtype == np.float64
    np.testing.assert_allclose(
        training.predict(model.encoder, X, batch_size), model.encoder(X).numpy(), atol=1e-12
    )


def test_predict_does_not_add_noise_and_takes_images():
    noisy = make("gaussian")
    assert (training.predict(noisy, X) == training.predict(noisy, X)).all()
    image = builders.convolutional((4, 4), (2,), 3)
    assert training.predict(image, np.zeros((5, 4, 4), dtype="uint8")).shape == (5, 4, 4)


def test_chunks_shrink_as_models_widen():
    narrow, wide = builders.dense(6, (5,), 2), builders.dense(4096, (64,), 8)
    assert loops.rows_per_chunk(narrow) == 65_536
    assert loops.rows_per_chunk(wide) * 4096 == loops.VALUES_PER_CHUNK
    sequential = keras.Sequential([keras.layers.Dense(3)])
    sequential.compile("adam", "mse")
    assert 64 <= loops.rows_per_chunk(sequential) <= 65_536
    assert training.predict(sequential, X).shape == (150, 3)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"X": X[:, :4]}, r"X must have rows of shape \(6,\)"),
        ({"X": X[:, 0]}, "X must have rows of shape"),
        ({"X": X[:0]}, "X must have at least one row"),
        ({"X": np.where(X > 2, np.nan, X)}, "X holds NaN or infinite"),
        ({"X": np.where(X > 2, np.inf, X)}, "X holds NaN or infinite"),
        ({"X": [["a"] * 6]}, "X must be an array of numbers"),
        ({"epochs": 0}, "epochs must be a whole number"),
        ({"epochs": 2.5}, "epochs must be a whole number"),
        ({"batch_size": -1}, "batch_size"),
        ({"batch_size": True}, "batch_size"),
        ({"validation_data": V, "validation_split": 0.1}, "not both"),
        ({"validation_data": V[:, :2]}, "validation_data must have rows of shape"),
        ({"validation_data": V, "validation_batch_size": 0}, "validation_batch_size"),
        ({"validation_data": (V, V[:3])}, "has 3 rows for 40"),
        ({"validation_split": 1.0}, "leave rows on both sides"),
        ({"validation_split": -0.5}, "leave rows on both sides"),
        ({"validation_split": "some"}, "validation_split must be a number"),
        ({"y": X[:5]}, "y has 5 rows for 150"),
        ({"y": X, "validation_data": V}, r"a pair \(rows, targets\)"),
        ({"callbacks": [print]}, "callbacks must hold"),
        ({"compiled": "fast"}, "compiled must be one of"),
        ({"early_stopping": -1}, "early_stopping"),
        ({"random_state": "seed"}, "random_state"),
        ({"random_state": -1}, "random_state"),
    ],
)
def test_bad_arguments_say_what_to_do(arguments, words):
    with pytest.raises(ValueError, match=words):
        training.fit(make(), **({"X": X} | arguments))


def test_bad_models_say_what_to_do():
    inputs = [keras.Input((6,)), keras.Input((6,))]
    two = keras.Model(inputs, keras.layers.Add()(inputs))
    two.compile("adam", "mse")
    with pytest.raises(ValueError, match="one input and one output; found 2 inputs"):
        training.fit(two, X)
    with pytest.raises(ValueError, match="model is not compiled"):
        training.fit(keras.Model(inputs[0], keras.layers.Dense(6)(inputs[0])), X)
    with pytest.raises(ValueError, match="model must be a keras.Model; found str"):
        training.predict("model", X)
    with pytest.raises(ValueError, match="X must have rows of shape"):
        training.predict(make(), X[:, :2])
    with pytest.raises(ValueError, match="batch_size"):
        training.predict(make(), X, batch_size=0)


# Imports


def test_fit_is_a_function_and_no_module_hides_it():
    importlib.import_module("aecourse.training.fitting")
    assert callable(training.fit) and training.fit.__module__ == "aecourse.training.fitting"
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("aecourse.training.fit")


NOTICE = """
import gc, os, sys

class Notice:
    broken = False

    def find_spec(self, name, path=None, target=None):
        if name == "tensorflow":
            os.write(2, b"a notice from C\\n")
            if self.broken:
                raise ImportError("this build does not run here")

sys.meta_path.insert(0, Notice())
"""


def run_program(program):
    return subprocess.run([sys.executable, "-c", NOTICE + program], capture_output=True, text=True)


def test_the_import_hides_no_message_and_leaves_the_collector_alone():
    done = run_program("import aecourse.training; print(gc.isenabled(), gc.get_freeze_count())")
    assert done.returncode == 0 and "a notice from C" in done.stderr, done.stderr
    assert done.stdout == "True 0\n"


def test_a_command_can_import_tensorflow_without_its_notices():
    import_it = "from aecourse._support.notices import import_tensorflow_quietly as load; load(); "
    done = run_program(import_it + "os.write(2, b'later')")
    assert (done.returncode, done.stderr) == (0, "later") and "tensorflow" not in done.stdout
    broken = run_program("Notice.broken = True; " + import_it)
    assert broken.returncode == 1 and "a notice from C" in broken.stderr and "not run here" in broken.stderr


def test_masked_entries_are_refused():
    X = np.random.RandomState(0).normal(size=(20, 3))
    masked = np.ma.masked_array(X, mask=np.eye(20, 3, dtype=bool))
    model = builders.dense(3, (4,), 2)
    for call in (lambda: training.fit(model, masked, epochs=1), lambda: training.predict(model, masked)):
        with pytest.raises(ValueError, match="X has 3 masked entries"):
            call()
