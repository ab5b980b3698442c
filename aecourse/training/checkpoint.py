"""Checkpoints: all that a stopped run needs to go on, in one file."""

import json
import os
import zipfile
import zlib
from typing import Any

import numpy as np

from aecourse._support.files import whole_file
from aecourse._support.tensorflow import keras
from aecourse.training.loops import Array, seed_states


class Checkpoint(keras.callbacks.Callback):
    """Write the state of a run at the end of every epoch, and bring a later run to that state.

    The file is an ``.npz`` archive of plain arrays; nothing is pickled. It is replaced in one step, so
    after a kill in the middle the last complete one is still there.
    """

    # What EarlyStopping, ReduceLROnPlateau and ModelCheckpoint count; a new run would reset it.
    COUNTERS = ("wait", "best", "best_epoch", "stopped_epoch", "cooldown_counter")

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        identity: dict[str, Any],
        seed: int,
        callbacks: list[keras.callbacks.Callback],
        history: keras.callbacks.History,
    ) -> None:
        super().__init__()
        self.path = os.fspath(path)
        self.seed, self.history = seed, history
        self.counting = [callback for callback in callbacks if hasattr(callback, "best")]
        self.identity = identity | {"counting callbacks": [type(c).__name__ for c in self.counting]}
        self.next_epoch, self.stopped = 0, False
        self._epochs_done: list[int] = []
        self._callback_states: list[dict[str, Any]] = []
        self._best: dict[int, list[Array]] = {}

    def load(self, model: keras.Model) -> None:
        """Bring the model, and this callback, to the state in the file if there is one."""
        if not os.path.exists(self.path):
            return
        arrays, about = self._read()
        # A model that goes on in the same process has the learning rate to which a callback has brought it.
        reached = about.get("reached", {})
        for what, value in self.identity.items():
            if about["identity"].get(what) != value and (what not in reached or reached[what] != value):
                raise ValueError(
                    f"checkpoint {self.path!r} is of another run: its {what} is "
                    f"{about['identity'].get(what)!r}, this run's is {value!r}. "
                    "Delete the file to start again, or pass another path."
                )
        for kind, variables in _variables(model).items():
            for i, variable in enumerate(variables):
                variable.assign(arrays[f"{kind}_{i}"])
        self.seed, self.next_epoch, self.stopped = about["seed"], about["next_epoch"], about["stopped"]
        self.history.history.update(about["history"])
        self._epochs_done, self._callback_states = about["epochs_done"], about["callbacks"]
        for i in {int(name.split("_")[1]) for name in arrays if name.startswith("best_")}:
            self._best[i] = [arrays[f"best_{i}_{j}"] for j in range(len(model.weights))]

    def _read(self) -> tuple[dict[str, Array], dict[str, Any]]:
        try:
            with np.load(self.path, allow_pickle=False) as archive:
                arrays = dict(archive)
            return arrays, json.loads(str(arrays.pop("about")))
        except (ValueError, KeyError, EOFError, OSError, zipfile.BadZipFile, zlib.error) as error:
            raise OSError(
                f"checkpoint {self.path!r} could not be read ({error}). Delete the file to start again."
            ) from error

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        if not self.next_epoch:
            return
        self.history.epoch = list(self._epochs_done)
        for i, (callback, state) in enumerate(zip(self.counting, self._callback_states, strict=True)):
            for name, value in state.items():
                setattr(callback, name, value)
            if i in self._best:
                callback.best_weights = self._best[i]

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        arrays = {
            f"{kind}_{i}": variable.numpy()
            for kind, variables in _variables(self.model).items()
            for i, variable in enumerate(variables)
        }
        for i, callback in enumerate(self.counting):
            for j, best in enumerate(getattr(callback, "best_weights", None) or ()):
                arrays[f"best_{i}_{j}"] = np.asarray(best)
        counts = [{name: getattr(c, name, None) for name in self.COUNTERS} for c in self.counting]
        about = {
            "identity": self.identity,
            "reached": {"optimizer's learning_rate": _settings(self.model).get("learning_rate")},
            "seed": self.seed,
            "next_epoch": epoch + 1,
            "stopped": bool(self.model.stop_training),
            "history": self.history.history,
            "epochs_done": self.history.epoch,
            "callbacks": [{k: value for k, value in count.items() if value is not None} for count in counts],
        }
        with whole_file(self.path) as temporary, open(temporary, "wb") as file:
            np.savez(file, about=np.array(json.dumps(about, default=float)), **arrays)


def _variables(model: keras.Model) -> dict[str, list[keras.Variable]]:
    return {"weight": model.weights, "optimizer": model.optimizer.variables, "seed": seed_states(model)}


def _checksum(array: Array) -> int:
    return zlib.crc32(np.ascontiguousarray(array).data)


def _plain(value: Any) -> Any:
    """Return what a setting says of itself, as it reads after a way through JSON."""
    try:
        return json.loads(json.dumps(keras.saving.serialize_keras_object(value), sort_keys=True))
    except (TypeError, ValueError):  # an object that Keras cannot describe; its kind must do
        return getattr(value, "__qualname__", type(value).__qualname__)


def _settings(model: keras.Model) -> dict[str, Any]:
    # The name counts the optimizers of a process; it decides nothing.
    settings = model.optimizer.get_config()
    return {name: _plain(value) for name, value in settings.items() if name != "name"}


def identity_of(
    model: keras.Model, X: Array, y: Array | None, *, batch_size: int, shuffle: bool, random_state: object
) -> dict[str, Any]:
    """Return what must agree between the run that wrote a checkpoint and the one that resumes from it."""
    identity = {
        "weights": [[weight.path, *map(int, weight.shape)] for weight in model.weights],
        "optimizer": type(model.optimizer).__name__,
        "loss": _plain(getattr(model, "loss", None)),
        "batch_size": batch_size,
        "shuffle": bool(shuffle),
        "rows": list(map(int, X.shape)),
        "data checksum": _checksum(X),
        "targets checksum": None if y is None else _checksum(y),
    } | {f"optimizer's {name}": value for name, value in _settings(model).items()}
    if isinstance(random_state, (int, np.integer)):
        identity["random_state"] = int(random_state)
    return identity
