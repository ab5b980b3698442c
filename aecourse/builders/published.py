"""The networks of the published tutorials, as they were printed, faults included; `PUBLISHED` names them.

Every model is compiled and carries ``.encoder`` and ``.decoder``, as those of the general builders do.
"""

from collections.abc import Callable

from aecourse._support.checks import RandomState, check_whole
from aecourse._support.tensorflow import keras
from aecourse.builders.layers import ActivityL1
from aecourse.builders.parts import CODE_LAYER, ModelFactory, warn_if_overcomplete


def _relu_autoencoder(
    make: ModelFactory, n_features: int, hidden: tuple[int, ...], code_size: int, loss: str
) -> keras.Model:
    """Return a dense autoencoder, relu except for its sigmoid output, with Keras's default adam."""
    chain = [
        *make.encoder(hidden, "relu"),
        make.dense(code_size, "relu", CODE_LAYER),
        *make.decoder(hidden, n_features, "relu", "sigmoid"),
    ]
    return make.compile_chain((n_features,), chain, loss=loss, optimizer=keras.optimizers.Adam())


def theano_symbolic(random_state: RandomState = 0, dtype: str | None = None) -> keras.Model:
    """Build the symbolic autoencoder written for Theano: 20 → 10 → 20, sigmoid, no biases.

    The weights start from N(0, 1) and are trained by plain gradient descent at a rate of 0.001 on the mean
    squared error. The model was published with 100 epochs of batches of 32, taken in order.

    Parameters
    ----------
    random_state : int, RandomState or None
        Seeds the initial weights.
    dtype : str, optional
        Precision; Keras's ``floatx`` by default.

    Returns
    -------
    keras.Model
        A compiled model with ``.encoder`` and ``.decoder``.

    Examples
    --------
    >>> from aecourse import builders
    >>> [tuple(w.shape) for w in builders.theano_symbolic().weights]
    [(20, 10), (10, 20)]
    """
    make = ModelFactory("theano_symbolic", random_state, dtype)
    chain = [
        keras.layers.Dense(
            units,
            activation="sigmoid",
            use_bias=False,
            kernel_initializer=keras.initializers.RandomNormal(mean=0.0, stddev=1.0, seed=make.seed()),
            dtype=dtype,
            name=name,
        )
        for units, name in ((10, CODE_LAYER), (20, "output"))
    ]
    return make.compile_chain((20,), chain, loss="mse", optimizer=keras.optimizers.SGD(0.001))


def eight_step(n_features: int = 32, random_state: RandomState = 0, dtype: str | None = None) -> keras.Model:
    """Build the model of the eight-step pipeline: 64 → 32 → 64 relu, sigmoid output, adam, mse.

    It was published with 10 epochs of batches of 32, and without data.

    Parameters
    ----------
    n_features : int
        Number of columns of the data.
    random_state : int, RandomState or None
        Seeds the initial weights.
    dtype : str, optional
        Precision; Keras's ``floatx`` by default.

    Returns
    -------
    keras.Model
        A compiled model with ``.encoder`` and ``.decoder``.

    Raises
    ------
    ValueError
        If ``n_features`` is not a whole number of at least 1.

    Warns
    -----
    UserWarning
        If the code of 32 units is not narrower than the data.

    Examples
    --------
    >>> from aecourse import builders
    >>> [layer.units for layer in builders.eight_step(40).layers[1:]]
    [64, 32, 64, 40]
    """
    n_features = check_whole(n_features, "n_features")
    warn_if_overcomplete(32, n_features)
    return _relu_autoencoder(ModelFactory("eight_step", random_state, dtype), n_features, (64,), 32, "mse")


def iris_printed(random_state: RandomState = 0, dtype: str | None = None) -> keras.Model:
    """Build the Iris model as printed: 4 → 100 → 50 → 50 → 100 → 4, relu output, adadelta.

    The first layer is tanh with an L1 penalty of 10e-5 (that is 1e-4) on its activity. The relu output
    cannot reach the negative half of standardised data, and adadelta at 0.001 hardly moves the weights;
    both faults are kept. The model was published with 10 epochs of batches of 256.

    Parameters
    ----------
    random_state : int, RandomState or None
        Seeds the initial weights.
    dtype : str, optional
        Precision; Keras's ``floatx`` by default.

    Returns
    -------
    keras.Model
        A compiled model with ``.encoder`` and ``.decoder``.

    Warns
    -----
    UserWarning
        Always: a code of 50 units for 4 features is not a bottleneck.

    Examples
    --------
    >>> import warnings
    >>> from aecourse import builders
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("ignore", UserWarning)
    ...     model = builders.iris_printed()
    >>> [layer.activation.__name__ for layer in model.layers[1:]]
    ['tanh', 'relu', 'tanh', 'tanh', 'relu']
    """
    warn_if_overcomplete(50, 4)
    make = ModelFactory("iris_printed", random_state, dtype)
    chain = [
        make.dense(100, "tanh", "encoder_1", activity_regularizer=ActivityL1(10e-5)),
        make.dense(50, "relu", CODE_LAYER),
        make.dense(50, "tanh", "decoder_1"),
        make.dense(100, "tanh", "decoder_2"),
        make.dense(4, "relu", "output"),
    ]
    return make.compile_chain((4,), chain, loss="mse", optimizer=keras.optimizers.Adadelta(0.001))


def mnist_zeros(random_state: RandomState = 0, dtype: str | None = None) -> keras.Model:
    """Build the MNIST-zeros model: flatten → 16 relu → 784 sigmoid → 28 × 28, adam, mse.

    It was published with 10 epochs, on pixels divided by 255.

    Parameters
    ----------
    random_state : int, RandomState or None
        Seeds the initial weights.
    dtype : str, optional
        Precision; Keras's ``floatx`` by default.

    Returns
    -------
    keras.Model
        A compiled model, images of shape (n, 28, 28) to the same, with ``.encoder`` and ``.decoder``.

    Examples
    --------
    >>> from aecourse import builders
    >>> model = builders.mnist_zeros()
    >>> model.output_shape, model.count_params()
    ((None, 28, 28), 25888)
    """
    make = ModelFactory("mnist_zeros", random_state, dtype)
    chain = [
        keras.layers.Flatten(dtype=dtype, name="flatten"),
        make.dense(16, "relu", CODE_LAYER),
        make.dense(784, "sigmoid", "output"),
        keras.layers.Reshape((28, 28), dtype=dtype, name="image"),
    ]
    return make.compile_chain((28, 28), chain, loss="mse", optimizer=keras.optimizers.Adam())


def theory_code32(
    n_features: int = 784, random_state: RandomState = 0, dtype: str | None = None
) -> keras.Model:
    """Build the theory model: one relu layer to 32 units, one sigmoid layer back, adam, mae.

    The published text makes three models that share their weights: the autoencoder, an encoder, and a
    decoder from the autoencoder's last layer. Here they are the model, ``.encoder`` and ``.decoder``.
    Its optimizer is printed as 'ada', which does not exist; adam is meant. It was published with 20 epochs.

    Parameters
    ----------
    n_features : int
        Number of columns; 784 for flattened digits.
    random_state : int, RandomState or None
        Seeds the initial weights.
    dtype : str, optional
        Precision; Keras's ``floatx`` by default.

    Returns
    -------
    keras.Model
        A compiled model with ``.encoder`` and ``.decoder``.

    Raises
    ------
    ValueError
        If ``n_features`` is not a whole number of at least 1.

    Warns
    -----
    UserWarning
        If the code of 32 units is not narrower than the data.

    Examples
    --------
    >>> from aecourse import builders
    >>> model = builders.theory_code32()
    >>> model.decoder.layers[-1] is model.layers[-1]
    True
    """
    n_features = check_whole(n_features, "n_features")
    warn_if_overcomplete(32, n_features)
    return _relu_autoencoder(ModelFactory("theory_code32", random_state, dtype), n_features, (), 32, "mae")


def imbalanced_lab(random_state: RandomState = 0, dtype: str | None = None) -> keras.Model:
    """Build the model of the imbalanced lab: 32 → 16 → 8 → 4 → 8 → 16 → 32, adam, mae.

    All layers are relu except the output, which is a sigmoid although the inputs run from −19 to 20. It was
    published with 20 epochs of batches of 64.

    Parameters
    ----------
    random_state : int, RandomState or None
        Seeds the initial weights.
    dtype : str, optional
        Precision; Keras's ``floatx`` by default.

    Returns
    -------
    keras.Model
        A compiled model with ``.encoder`` and ``.decoder``.

    Examples
    --------
    >>> from aecourse import builders
    >>> [layer.units for layer in builders.imbalanced_lab().layers[1:]]
    [16, 8, 4, 8, 16, 32]
    """
    return _relu_autoencoder(ModelFactory("imbalanced_lab", random_state, dtype), 32, (16, 8), 4, "mae")


PUBLISHED: dict[str, Callable[..., keras.Model]] = {
    "theano_symbolic": theano_symbolic,
    "eight_step": eight_step,
    "iris_printed": iris_printed,
    "mnist_zeros": mnist_zeros,
    "theory_code32": theory_code32,
    "imbalanced_lab": imbalanced_lab,
}
