"""The builders: the published architectures layer by layer, and what each general one promises."""

import functools
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.decomposition import PCA

from aecourse import builders, training
from aecourse._support.tensorflow import keras

RNG = np.random.default_rng(0)


def quietly(build, *args, **kwargs):
    """Build a model whose overcomplete code is on purpose."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return build(*args, **kwargs)


def dense_layers(model):
    return [layer for layer in model.layers if isinstance(layer, keras.layers.Dense)]


# name: (widths, activations, parameters, optimizer, learning rate, loss, index of the code layer)
PUBLISHED = {
    "theano_symbolic": ([10, 20], ["sigmoid"] * 2, 400, "SGD", 0.001, "MeanSquaredError", 0),
    "eight_step": ([64, 32, 64, 32], ["relu"] * 3 + ["sigmoid"], 8384, "Adam", 0.001, "MeanSquaredError", 1),
    "iris_printed": (
        [100, 50, 50, 100, 4],
        ["tanh", "relu", "tanh", "tanh", "relu"],
        13_604,
        "Adadelta",
        0.001,
        "MeanSquaredError",
        1,
    ),
    "mnist_zeros": ([16, 784], ["relu", "sigmoid"], 25_888, "Adam", 0.001, "MeanSquaredError", 0),
    "theory_code32": ([32, 784], ["relu", "sigmoid"], 50_992, "Adam", 0.001, "MeanAbsoluteError", 0),
    "imbalanced_lab": (
        [16, 8, 4, 8, 16, 32],
        ["relu"] * 5 + ["sigmoid"],
        1428,
        "Adam",
        0.001,
        "MeanAbsoluteError",
        2,
    ),
}


def test_the_table_names_every_published_model():
    assert list(builders.PUBLISHED) == list(PUBLISHED)


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_architecture(name):
    widths, activations, n_parameters, optimizer, rate, loss, code = PUBLISHED[name]
    model = quietly(builders.PUBLISHED[name])
    found = dense_layers(model)
    assert model.name == name
    assert [layer.units for layer in found] == widths
    assert [layer.activation.__name__ for layer in found] == activations
    assert model.count_params() == n_parameters
    assert type(model.optimizer).__name__ == optimizer
    assert float(model.optimizer.learning_rate) == pytest.approx(rate)
    assert type(model.loss).__name__ == loss
    assert model.output_shape == model.input_shape
    assert found[code].name == "code"
    assert model.encoder.output_shape == (None, widths[code])


def test_theano_model_has_no_biases_and_standard_normal_weights():
    model = builders.theano_symbolic(random_state=3)
    assert [tuple(w.shape) for w in model.weights] == [(20, 10), (10, 20)]
    weights = np.concatenate([w.numpy().ravel() for w in model.weights])
    assert abs(weights.mean()) < 0.15 and abs(weights.std() - 1) < 0.12  # 3 standard errors of 400 draws


def test_iris_penalty_is_on_the_first_layer_only():
    model = quietly(builders.iris_printed)
    penalties = [layer.activity_regularizer for layer in dense_layers(model)]
    assert float(penalties[0].l1) == pytest.approx(1e-4) and penalties[1:] == [None] * 4
    x = RNG.normal(size=(8, 4)).astype("float32")
    model(x)
    activity = np.abs(model.get_layer("encoder_1")(x).numpy()).sum(axis=1).mean()
    assert float(model.losses[0]) == pytest.approx(1e-4 * activity, rel=1e-4)


def test_mnist_model_flattens_and_reshapes():
    kinds = [type(layer).__name__ for layer in builders.mnist_zeros().layers]
    assert kinds == ["InputLayer", "Flatten", "Dense", "Dense", "Reshape"]


GENERAL = {
    "dense": lambda **k: builders.dense(12, (8,), 3, **k),
    "tied": lambda **k: builders.tied(12, (8,), 3, **k),
    "denoising gaussian": lambda **k: builders.denoising(12, (8,), 3, **k),
    "denoising masking": lambda **k: builders.denoising(12, (8,), 3, noise="masking", amount=0.3, **k),
    "sparse l1": lambda **k: builders.sparse(12, (8,), 20, **k),
    "sparse kl": lambda **k: builders.sparse(12, (8,), 20, penalty="kl", **k),
    "variational": lambda **k: builders.variational(12, (8,), 3, **k),
    "convolutional": lambda **k: builders.convolutional((8, 8), (4, 2), 5, **k),
    "convolutional, channels": lambda **k: builders.convolutional((8, 4, 3), (4,), 5, **k),
}
ALL = GENERAL | {name: functools.partial(quietly, build) for name, build in builders.PUBLISHED.items()}


def rows_for(model, n=6):
    return RNG.uniform(-2, 2, size=(n, *model.input_shape[1:])).astype(model.input.dtype)


@pytest.mark.parametrize("name", ALL)
def test_parts_share_weights_and_survive_saving(name, tmp_path):
    model = ALL[name]()
    x = rows_for(model)
    if name in ("iris_printed", "variational", "tied", "convolutional"):  # an optimizer with a state
        before = model(x).numpy()
        model.train_on_batch(x, x)
        assert (model(x).numpy() != before).any()
    whole = model(x).numpy()
    np.testing.assert_allclose(model.decoder(model.encoder(x)).numpy(), whole, atol=1e-5)
    assert {id(w) for w in model.encoder.weights + model.decoder.weights} == {id(w) for w in model.weights}

    path = tmp_path / "model.keras"
    model.save(path)
    loaded = builders.attach_parts(keras.models.load_model(path, safe_mode=True))
    np.testing.assert_allclose(loaded(x).numpy(), whole, atol=1e-6)
    np.testing.assert_allclose(loaded.decoder(loaded.encoder(x)).numpy(), whole, atol=1e-5)
    assert len(loaded.optimizer.variables) == len(model.optimizer.variables)
    clone = builders.attach_parts(keras.models.clone_model(model))
    assert clone.count_params() == model.count_params()


@pytest.mark.parametrize("name", ALL)
def test_random_state_and_dtype(name):
    one, same, double = (
        ALL[name](random_state=seed, dtype=dtype) for seed, dtype in ((1, None), (1, None), (2, "float64"))
    )
    weights = [np.concatenate([w.ravel() for w in model.get_weights()]) for model in (one, same, double)]
    assert (weights[0] == weights[1]).all() and np.abs(weights[0] - weights[2]).max() > 0.01
    assert {str(w.dtype) for w in double.trainable_weights} == {"float64"}
    assert double.output.dtype == double.decoder.output.dtype == "float64"
    assert double.loss.dtype == "float64"


def test_each_layer_gets_a_seed_of_its_own():
    model = builders.dense(9, (8, 8, 8), 4)
    kernels = [
        model.get_layer(name).kernel.numpy() for name in ("encoder_2", "encoder_3", "decoder_2", "decoder_3")
    ]
    assert {kernel.shape for kernel in kernels} == {(8, 8)}
    assert len({kernel.tobytes() for kernel in kernels}) == 4


def test_output_follows_the_range_of_the_data():
    inside, outside = RNG.uniform(size=(50, 6)), RNG.normal(size=(50, 6))
    for build in (builders.dense, builders.tied, builders.denoising, builders.sparse, builders.variational):
        names = []
        for X in (inside, outside, None):
            last = build(6, (4,), 2, X=X).layers
            layer = last[-1] if build is not builders.tied else last[1]
            act = layer.back_activation if build is builders.tied else layer.activation
            names.append(act.__name__)
        assert names == ["sigmoid", "linear", "linear"]
    assert builders.dense(6, (4,), 2, X=outside, output="sigmoid").layers[-1].activation.__name__ == "sigmoid"
    assert builders.output_activation(np.array([[0, 255]], dtype="uint8")) == "linear"


def test_default_code_is_a_quarter_of_the_features():
    assert builders.dense(20).encoder.output_shape == (None, 5)
    assert builders.dense(3).encoder.output_shape == (None, 1)


def test_tied_decoder_uses_the_transposed_kernel():
    model = builders.tied(6, (), 2, activation="linear", dtype="float64")
    kernel, bias, back = model.get_layer("tied_1").get_weights()
    x = RNG.normal(size=(5, 6))
    np.testing.assert_allclose(model(x).numpy(), (x @ kernel + bias) @ kernel.T + back)
    training.fit(model, x, epochs=3)
    kernel, bias, back = model.get_layer("tied_1").get_weights()
    np.testing.assert_allclose(model(x).numpy(), (x @ kernel + bias) @ kernel.T + back)


def test_linear_autoencoder_spans_the_principal_subspace():
    """The optimum of a linear autoencoder is PCA (Baldi, Hornik 1989), an independent reference."""
    X = RNG.normal(size=(400, 6)) * [3.0, 2.0, 1.0, 0.3, 0.2, 0.1]
    X -= X.mean(axis=0)
    model = builders.tied(6, (), 3, activation="linear", learning_rate=0.03, dtype="float64")
    training.fit(model, X, epochs=150, batch_size=400)
    axes = np.linalg.qr(model.get_layer("tied_1").kernel.numpy())[0]
    pca = PCA(3).fit(X).components_.T
    cosines = np.linalg.svd(axes.T @ pca, compute_uv=False)  # of the angles between the subspaces
    assert cosines.min() > 0.999


def test_noise_acts_in_training_only():
    X = np.ones((500, 12), dtype="float32")
    gaussian = GENERAL["denoising gaussian"]().get_layer("noise")
    assert (np.asarray(gaussian(X, training=False)) == X).all()
    assert np.asarray(gaussian(X, training=True)).std() == pytest.approx(0.1, rel=0.1)
    masking = GENERAL["denoising masking"]().get_layer("noise")
    assert (np.asarray(masking(X, training=False)) == X).all()
    masked = masking(X, training=True).numpy()
    assert set(np.unique(masked)) == {0.0, 1.0} and (masked == 0).mean() == pytest.approx(0.3, abs=0.03)
    assert (masking(X, training=True).numpy() != masked).any()  # fresh noise at each call
    assert (builders.MaskingNoise(0.0)(X, training=True).numpy() == X).all()


def test_kl_sparsity_is_the_formula_and_moves_the_code():
    code = RNG.uniform(0.01, 0.99, size=(40, 3))
    layer = builders.KLSparsity(target=0.2, weight=0.5, dtype="float64")
    layer(code)
    mean = code.mean(axis=0)
    expected = 0.5 * (0.2 * np.log(0.2 / mean) + 0.8 * np.log(0.8 / (1 - mean))).sum()
    assert float(layer.losses[0]) == pytest.approx(expected, rel=1e-6)

    X = RNG.normal(size=(256, 12))
    model = builders.sparse(12, (8,), 20, penalty="kl", target=0.1, weight=1.0, learning_rate=0.01)
    before = training.predict(model.encoder, X).mean()
    training.fit(model, X, epochs=40, batch_size=64)
    after = training.predict(model.encoder, X).mean()
    assert before > 0.35 and after == pytest.approx(0.1, abs=0.05)


def test_l1_sparsity_shrinks_the_code():
    X = RNG.normal(size=(256, 12))
    sizes = []
    for weight in (1e-6, 1.0):
        model = builders.sparse(12, (8,), 20, weight=weight, learning_rate=0.01)
        training.fit(model, X, epochs=20, batch_size=64)
        sizes.append(np.abs(training.predict(model.encoder, X)).mean())
    assert sizes[1] < 0.05 * sizes[0]


def test_kl_of_the_variational_code_is_there_and_moves():
    mean, log_var = RNG.normal(size=(2, 50, 3))
    layer = builders.GaussianCode(weight=0.7, dtype="float64", seed=1)
    drawn = layer([mean, log_var], training=True).numpy()
    rows = 0.5 * (mean**2 + np.exp(log_var) - 1 - log_var).sum(axis=1)
    assert float(layer.losses[0]) == pytest.approx(0.7 * rows.mean(), rel=1e-6)
    standard = (drawn - mean) / np.exp(log_var / 2)
    assert abs(standard.mean()) < 0.25 and abs(standard.std() - 1) < 0.2
    assert (layer([mean, log_var]).numpy() == mean).all()

    X = RNG.normal(size=(300, 12)) @ RNG.normal(size=(12, 12))
    divergences = {}
    for beta in (0.01, 10.0):
        model = builders.variational(12, (8,), 3, beta=beta, learning_rate=0.01, dtype="float64")
        history = training.fit(model, X, epochs=30).history
        parts = np.array(history["loss"]) - np.array(history["mse"])  # what the divergence adds
        divergences[beta] = parts * 12 / beta
    assert (divergences[0.01] > 0).all() and (divergences[10.0] > -1e-4).all()
    assert abs(divergences[0.01][-1] - divergences[0.01][0]) > 0.5  # it moves while training
    assert divergences[10.0][-1] < 0.2 * divergences[0.01][-1]  # a large beta holds it down


def test_variational_keeps_a_loss_object():
    model = builders.variational(8, (4,), 2, loss=keras.losses.LogCosh())
    history = training.fit(model, RNG.normal(size=(40, 8)), epochs=1).history
    assert list(history) == ["loss"] and type(model.loss).__name__ == "LogCosh"


def test_optimizer_and_loss_by_name_or_object():
    model = builders.dense(8, (4,), 2, optimizer="rmsprop", learning_rate=0.02, loss="binary_crossentropy")
    assert type(model.optimizer).__name__ == "RMSprop"
    assert float(model.optimizer.learning_rate) == pytest.approx(0.02)
    own = keras.optimizers.SGD(0.5)
    assert builders.dense(8, (4,), 2, optimizer=own).optimizer is own


@pytest.mark.parametrize(
    "build",
    [
        lambda: builders.dense(4, (8,), 4),
        lambda: builders.tied(4, (8,), 6),
        lambda: builders.variational(4, (8,), 4),
        lambda: builders.convolutional((4, 4), (2,), 16),
        lambda: builders.eight_step(10),
        lambda: builders.theory_code32(32),
        builders.iris_printed,
    ],
)
def test_overcomplete_code_warns_and_points_at_the_caller(build):
    with pytest.warns(UserWarning, match="no bottleneck: the network can learn to copy") as caught:
        build()
    assert caught[0].filename == (__file__ if build is not builders.iris_printed else caught[0].filename)


@pytest.mark.parametrize(
    "build",
    [
        lambda: builders.dense(4, (8,), 3),
        lambda: builders.sparse(4, (8,), 12),
        lambda: builders.denoising(4, (8,), 12),
        builders.mnist_zeros,
        lambda: builders.eight_step(33),
    ],
)
def test_no_warning_where_something_limits_the_code(build):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert build().encoder is not None


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (lambda: builders.dense(0), "n_features must be a whole number"),
        (lambda: builders.dense(True), "n_features"),
        (lambda: builders.dense(5, hidden=(4, -1)), r"hidden\[1\]"),
        (lambda: builders.dense(5, hidden=2.5), "hidden must be a tuple"),
        (lambda: builders.dense(5, code_size=0), "code_size"),
        (lambda: builders.dense(5, loss="accuracy"), "loss must be one of"),
        (lambda: builders.dense(5, optimizer="ada"), "optimizer must be a Keras optimizer"),
        (lambda: builders.dense(5, learning_rate=-1), "learning_rate must be a finite number above 0"),
        (lambda: builders.dense(5, learning_rate="fast"), "learning_rate"),
        (lambda: builders.dense(5, random_state="x"), "random_state"),
        (lambda: builders.dense(5, X=[[np.nan]]), "X holds NaN"),
        (lambda: builders.dense(5, X=[]), "X is empty"),
        (lambda: builders.denoising(5, noise="salt"), "noise must be"),
        (lambda: builders.denoising(5, noise="masking", amount=1.0), "amount"),
        (lambda: builders.denoising(5, amount=0), "amount must be a finite number above 0"),
        (lambda: builders.denoising(5, amount=1.5), "amount must be at most 1"),
        (lambda: builders.sparse(5, penalty="l0"), "penalty must be"),
        (lambda: builders.sparse(5, weight=0), "weight"),
        (lambda: builders.sparse(5, penalty="kl", target=1), "target"),
        (lambda: builders.variational(5, beta=-0.1), "beta must be a finite number at least 0"),
        (lambda: builders.convolutional((10, 10), (4, 4)), "divisible by 4"),
        (lambda: builders.convolutional((8,)), "image_shape"),
        (lambda: builders.convolutional((8, 8), ()), "image_shape"),
        (lambda: builders.eight_step(-3), "n_features"),
        (lambda: builders.theory_code32(1.5), "n_features"),
        (lambda: builders.attach_parts(keras.Sequential([keras.layers.Dense(2)])), "layer named 'code'"),
        (lambda: builders.attach_parts("model"), "functional Keras model"),
        (lambda: builders.TiedDense(0), "units"),
    ],
)
def test_bad_arguments_say_what_to_do(build, words):
    with pytest.raises(ValueError, match=words):
        build()


@settings(max_examples=12, deadline=None)
@given(n_features=st.integers(2, 12), hidden=st.lists(st.integers(1, 6), max_size=2), data=st.data())
def test_any_dense_shape_gives_rows_back(n_features, hidden, data):
    code = data.draw(st.integers(1, n_features - 1))
    model = builders.dense(n_features, tuple(hidden), code)
    x = np.zeros((2, n_features), dtype="float32")
    assert model(x).shape == (2, n_features) and model.encoder(x).shape == (2, code)
    widths = [n_features, *hidden, code, *reversed(hidden), n_features]
    assert model.count_params() == sum((a + 1) * b for a, b in zip(widths, widths[1:], strict=False))


def test_min_max_scaled_data_fit_a_sigmoid_in_spite_of_rounding():
    assert builders.output_activation(np.array([[0.0, 1 + 2e-16]])) == "sigmoid"
    assert builders.output_activation(np.array([[0.0, 1.001]])) == "linear"
    assert builders.output_activation(np.array([[-0.001, 1.0]])) == "linear"
