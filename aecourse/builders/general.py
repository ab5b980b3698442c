"""Autoencoders for data of your own: dense, tied, denoising, sparse, variational and convolutional.

Every model that a function here returns is compiled, so that ``model.fit`` or ``training.fit`` can be
called on it at once, and carries two further models that share its weights: ``model.encoder``
(rows → code) and ``model.decoder`` (code → rows).
"""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from aecourse._support.checks import RandomState, check_fraction, check_number, check_whole
from aecourse._support.tensorflow import keras
from aecourse.builders.layers import ActivityL1, GaussianCode, KLSparsity, MaskingNoise, TiedDense
from aecourse.builders.parts import (
    CODE_LAYER,
    ModelFactory,
    apply_layers,
    check_widths,
    choose_output,
    warn_if_overcomplete,
)


def check_sizes(
    n_features: int, hidden: int | tuple[int, ...], code_size: int | None
) -> tuple[int, tuple[int, ...], int]:
    """Return the checked widths of a dense autoencoder; the code is a quarter of the data by default."""
    n_features = check_whole(n_features, "n_features")
    if code_size is None:
        code_size = max(1, n_features // 4)
    return n_features, check_widths(hidden, "hidden"), check_whole(code_size, "code_size")


def dense(
    n_features: int,
    hidden: int | tuple[int, ...] = (64, 32),
    code_size: int | None = None,
    *,
    activation: Any = "relu",
    code_activation: Any = None,
    output: Any = "auto",
    X: ArrayLike | None = None,
    optimizer: str | keras.optimizers.Optimizer = "adam",
    learning_rate: float | None = None,
    loss: str | keras.losses.Loss = "mse",
    random_state: RandomState = 0,
    dtype: str | None = None,
) -> keras.Model:
    """Build a dense autoencoder: hidden layers down to a code, and the same widths back up.

    Parameters
    ----------
    n_features : int
        Number of columns of the data.
    hidden : tuple of int
        Widths of the encoder's hidden layers; the decoder mirrors them. ``()`` for none.
    code_size : int, optional
        Width of the code; a quarter of ``n_features`` by default.
    activation : str
        Activation of the hidden layers, by Keras's name for it.
    code_activation : str, optional
        Activation of the code; that of the hidden layers by default.
    output : {"auto", "linear", "sigmoid"} or another activation
        ``"auto"`` chooses by `output_activation` from ``X``, or linear without ``X``.
    X : array-like of shape (n, n_features), optional
        Training rows, as they will be given to the model; used for ``output="auto"`` only.
    optimizer : str or keras.optimizers.Optimizer
        Optimizer, by Keras's name or as an object.
    learning_rate : float, optional
        Step size for an optimizer given by name, in place of Keras's default.
    loss : {"mse", "mae", "binary_crossentropy", "huber"} or keras.losses.Loss
        Reconstruction loss, computed in the model's dtype.
    random_state : int, RandomState or None
        Seeds the initial weights; each layer gets a seed of its own.
    dtype : str, optional
        Precision of the weights and of the arithmetic; Keras's ``floatx`` by default.

    Returns
    -------
    keras.Model
        A compiled model, rows of shape (n, n_features) to rows of the same shape, with
        ``.encoder`` and ``.decoder``.

    Raises
    ------
    ValueError
        If an argument is out of range.

    Warns
    -----
    UserWarning
        If the code is not narrower than the data.

    Examples
    --------
    >>> from aecourse import builders
    >>> model = builders.dense(20, hidden=(12,), code_size=4)
    >>> [layer.name for layer in model.layers]
    ['input', 'encoder_1', 'code', 'decoder_1', 'output']
    >>> model.encoder.output_shape, model.layers[-1].activation.__name__
    ((None, 4), 'linear')
    """
    n_features, hidden, code_size = check_sizes(n_features, hidden, code_size)
    warn_if_overcomplete(code_size, n_features)
    make = ModelFactory("dense", random_state, dtype)
    chain = [
        *make.encoder(hidden, activation),
        make.dense(code_size, code_activation or activation, CODE_LAYER),
        *make.decoder(hidden, n_features, activation, choose_output(output, X)),
    ]
    return make.compile_chain(
        (n_features,), chain, loss=loss, optimizer=optimizer, learning_rate=learning_rate
    )


def tied(
    n_features: int,
    hidden: int | tuple[int, ...] = (64, 32),
    code_size: int | None = None,
    *,
    activation: Any = "tanh",
    output: Any = "auto",
    X: ArrayLike | None = None,
    optimizer: str | keras.optimizers.Optimizer = "adam",
    learning_rate: float | None = None,
    loss: str | keras.losses.Loss = "mse",
    random_state: RandomState = 0,
    dtype: str | None = None,
) -> keras.Model:
    """Build a dense autoencoder whose decoder uses the encoder's kernels, transposed.

    It has about half the weights of `dense`, and with one linear layer it is closer to PCA. Each
    `TiedDense` layer is used twice but appears once in ``model.layers``.

    Parameters
    ----------
    n_features, hidden, code_size, output, X, optimizer, learning_rate, loss, random_state, dtype
        As in `dense`.
    activation : str
        Activation of the hidden layers and of the code.

    Returns
    -------
    keras.Model
        A compiled model with ``.encoder`` and ``.decoder``.

    Raises
    ------
    ValueError
        If an argument is out of range.

    Warns
    -----
    UserWarning
        If the code is not narrower than the data.

    Examples
    --------
    >>> from aecourse import builders
    >>> tied, free = (build(20, (12,), 4) for build in (builders.tied, builders.dense))
    >>> tied.count_params(), free.count_params()
    (336, 624)
    """
    n_features, hidden, code_size = check_sizes(n_features, hidden, code_size)
    warn_if_overcomplete(code_size, n_features)
    make = ModelFactory("tied", random_state, dtype)
    backs = [choose_output(output, X), *[activation] * len(hidden)]
    chain = [
        TiedDense(units, activation, back, make.glorot(), dtype=dtype, name=f"tied_{i}")
        for i, (units, back) in enumerate(zip((*hidden, code_size), backs, strict=True), start=1)
    ]
    inputs = make.input((n_features,))
    outputs = keras.layers.Identity(name=CODE_LAYER, dtype=dtype)(apply_layers(chain, inputs))
    for layer in reversed(chain):
        outputs = layer(outputs, transpose=True)
    return make.compile(inputs, outputs, loss=loss, optimizer=optimizer, learning_rate=learning_rate)


def denoising(
    n_features: int,
    hidden: int | tuple[int, ...] = (64, 32),
    code_size: int | None = None,
    *,
    noise: str = "gaussian",
    amount: float = 0.1,
    activation: Any = "relu",
    output: Any = "auto",
    X: ArrayLike | None = None,
    optimizer: str | keras.optimizers.Optimizer = "adam",
    learning_rate: float | None = None,
    loss: str | keras.losses.Loss = "mse",
    random_state: RandomState = 0,
    dtype: str | None = None,
) -> keras.Model:
    """Build a dense autoencoder that is trained to undo noise on its input.

    The noise acts in training only; at prediction the model sees the rows as they are.

    Parameters
    ----------
    n_features, hidden, code_size, activation, output, X, optimizer, learning_rate, loss, dtype
        As in `dense`.
    noise : {"gaussian", "masking"}
        Add normal noise, or set a share of the values to zero.
    amount : float
        Standard deviation of the Gaussian noise, in the units of the data, in (0, 1], or the share of
        values that masking sets to zero, in (0, 1).
    random_state : int, RandomState or None
        Seeds the initial weights and the noise.

    Returns
    -------
    keras.Model
        A compiled model with ``.encoder`` and ``.decoder``.

    Raises
    ------
    ValueError
        If an argument is out of range.

    References
    ----------
    Vincent, Larochelle, Bengio, Manzagol (2008). Extracting and composing robust features with
    denoising autoencoders. ICML.

    Examples
    --------
    >>> from aecourse import builders
    >>> model = builders.denoising(20, (12,), 4, noise="masking", amount=0.25)
    >>> model.layers[1].rate
    0.25
    """
    n_features, hidden, code_size = check_sizes(n_features, hidden, code_size)
    make = ModelFactory("denoising", random_state, dtype)
    if noise == "gaussian":
        if check_number(amount, "amount", above=0) > 1:
            raise ValueError(
                f"amount must be at most 1 with noise='gaussian', Keras's limit; found {amount!r}. "
                "Scale the rows to a standard deviation of 1 or less."
            )
        noise_layer = keras.layers.GaussianNoise(float(amount), seed=make.seed(), dtype=dtype, name="noise")
    elif noise == "masking":
        rate = check_fraction(amount, "amount")
        noise_layer = MaskingNoise(rate, seed=make.seed(), dtype=dtype, name="noise")
    else:
        raise ValueError(f"noise must be 'gaussian' or 'masking'; found {noise!r}.")
    chain = [
        noise_layer,
        *make.encoder(hidden, activation),
        make.dense(code_size, activation, CODE_LAYER),
        *make.decoder(hidden, n_features, activation, choose_output(output, X)),
    ]
    return make.compile_chain(
        (n_features,), chain, loss=loss, optimizer=optimizer, learning_rate=learning_rate
    )


def sparse(
    n_features: int,
    hidden: int | tuple[int, ...] = (64,),
    code_size: int | None = None,
    *,
    penalty: str = "l1",
    weight: float = 1e-3,
    target: float = 0.05,
    activation: Any = "relu",
    output: Any = "auto",
    X: ArrayLike | None = None,
    optimizer: str | keras.optimizers.Optimizer = "adam",
    learning_rate: float | None = None,
    loss: str | keras.losses.Loss = "mse",
    random_state: RandomState = 0,
    dtype: str | None = None,
) -> keras.Model:
    """Build a dense autoencoder whose code is pushed to be mostly zero.

    Parameters
    ----------
    n_features, hidden, activation, output, X, optimizer, learning_rate, loss, random_state, dtype
        As in `dense`.
    code_size : int, optional
        Width of the code. As the penalty, not the width, limits the code, it may be wider than the data.
    penalty : {"l1", "kl"}
        ``"l1"`` adds ``weight`` · Σ |code| a row; ``"kl"`` makes the code a sigmoid and adds the
        divergence of its mean activation from ``target`` (`KLSparsity`).
    weight : float
        Factor of the penalty, above 0.
    target : float
        Wanted mean activation for ``"kl"``, in (0, 1).

    Returns
    -------
    keras.Model
        A compiled model with ``.encoder`` and ``.decoder``.

    Raises
    ------
    ValueError
        If an argument is out of range.

    References
    ----------
    Ng (2011). Sparse autoencoder. CS294A lecture notes, Stanford University.

    Examples
    --------
    >>> from aecourse import builders
    >>> builders.sparse(20, (12,), 40, penalty="kl", target=0.1).encoder.output_shape
    (None, 40)
    """
    n_features, hidden, code_size = check_sizes(n_features, hidden, code_size)
    weight = check_number(weight, "weight", above=0)
    make = ModelFactory("sparse", random_state, dtype)
    chain = make.encoder(hidden, activation)
    if penalty == "l1":
        chain += [make.dense(code_size, activation, CODE_LAYER, activity_regularizer=ActivityL1(weight))]
    elif penalty == "kl":
        chain += [
            make.dense(code_size, "sigmoid", "code_units"),
            KLSparsity(target, weight, dtype=dtype, name=CODE_LAYER),
        ]
    else:
        raise ValueError(f"penalty must be 'l1' or 'kl'; found {penalty!r}.")
    chain += make.decoder(hidden, n_features, activation, choose_output(output, X))
    return make.compile_chain(
        (n_features,), chain, loss=loss, optimizer=optimizer, learning_rate=learning_rate
    )


def variational(
    n_features: int,
    hidden: int | tuple[int, ...] = (64, 32),
    code_size: int | None = None,
    *,
    beta: float = 0.1,
    activation: Any = "relu",
    output: Any = "auto",
    X: ArrayLike | None = None,
    optimizer: str | keras.optimizers.Optimizer = "adam",
    learning_rate: float | None = None,
    loss: str | keras.losses.Loss = "mse",
    random_state: RandomState = 0,
    dtype: str | None = None,
) -> keras.Model:
    """Build a variational autoencoder: the code is a normal distribution, kept near N(0, 1).

    The loss is the reconstruction loss (a mean over features) plus ``beta`` · KL / n_features. With
    ``loss="mse"`` that is, up to a constant factor, the evidence lower bound of outputs with noise of
    variance ``beta / 2``; with ``"binary_crossentropy"`` and ``beta=1`` it is that of binary outputs.
    At prediction the code is its mean, so that scores do not change from call to call.

    Parameters
    ----------
    n_features, hidden, code_size, activation, output, X, optimizer, learning_rate, dtype
        As in `dense`.
    loss : str or keras.losses.Loss
        As in `dense`. If it is a name, the reconstruction part is also reported under that name, so
        that the whole ``loss`` minus this part is the divergence.
    beta : float
        Factor of the divergence, at least 0.
    random_state : int, RandomState or None
        Seeds the initial weights and the draws of the code.

    Returns
    -------
    keras.Model
        A compiled model with ``.encoder`` (rows → mean of the code) and ``.decoder``.

    Raises
    ------
    ValueError
        If an argument is out of range.

    Warns
    -----
    UserWarning
        If the code is not narrower than the data.

    References
    ----------
    Kingma, Welling (2014). Auto-encoding variational Bayes. ICLR.
    Higgins et al. (2017). beta-VAE: learning basic visual concepts with a constrained variational
    framework. ICLR (the factor beta).

    Examples
    --------
    >>> import numpy as np
    >>> from aecourse import builders
    >>> model = builders.variational(20, (12,), 4)
    >>> _ = model(np.ones((8, 20), dtype="float32"))
    >>> len(model.losses), float(model.losses[0]) > 0
    (1, True)
    """
    n_features, hidden, code_size = check_sizes(n_features, hidden, code_size)
    warn_if_overcomplete(code_size, n_features)
    beta = check_number(beta, "beta", at_least=0)
    make = ModelFactory("variational", random_state, dtype)
    inputs = make.input((n_features,))
    last = apply_layers(make.encoder(hidden, activation), inputs)
    mean = make.dense(code_size, "linear", "code_mean")(last)
    log_var = make.dense(code_size, "linear", "code_log_var")(last)
    code = GaussianCode(beta / n_features, seed=make.seed(), dtype=dtype, name=CODE_LAYER)([mean, log_var])
    outputs = apply_layers(make.decoder(hidden, n_features, activation, choose_output(output, X)), code)
    model = make.compile(inputs, outputs, loss=loss, optimizer=optimizer, learning_rate=learning_rate)
    if isinstance(loss, str):
        model.compile(optimizer=model.optimizer, loss=model.loss, metrics=[loss])
    return model


def _halves(size: tuple[int, ...], filters: tuple[int, ...]) -> bool:
    """Say whether there are filters, and every side of the data can be halved once for each of them."""
    return bool(filters) and not any(side % 2 ** len(filters) for side in size)


def _convolutional_layers(
    make: ModelFactory,
    shape: tuple[int, ...],
    filters: tuple[int, ...],
    code_size: int,
    kernel_size: int,
    *,
    n_axes: int,
    activations: tuple[Any, Any, Any],
) -> list[Any]:
    """Return the layers for data of a shape, convolved over the first ``n_axes`` axes.

    The activations are those of the hidden layers, of the code and of the output.
    """
    layers, dtype = keras.layers, make.dtype
    convolution, transposed = {
        1: (layers.Conv1D, layers.Conv1DTranspose),
        2: (layers.Conv2D, layers.Conv2DTranspose),
    }[n_axes]
    hidden, code, output = activations
    channels = shape[-1] if len(shape) > n_axes else 1
    small = (*(side // 2 ** len(filters) for side in shape[:n_axes]), filters[-1])
    halving = {"strides": 2, "padding": "same", "activation": hidden}
    chain = [
        *(
            make.layer(convolution, n, kernel_size, **halving, name=f"encoder_{i}")
            for i, n in enumerate(filters, start=1)
        ),
        layers.Flatten(dtype=dtype, name="flatten"),
        make.dense(code_size, code, CODE_LAYER),
        make.dense(int(np.prod(small)), hidden, "decoder_dense"),
        layers.Reshape(small, dtype=dtype, name="unflatten"),
        *(
            make.layer(transposed, n, kernel_size, **halving, name=f"decoder_{i}")
            for i, n in enumerate(reversed(filters), start=1)
        ),
        make.layer(convolution, channels, kernel_size, padding="same", activation=output, name="output"),
    ]
    if len(shape) > n_axes:
        return chain
    add = layers.Reshape((*shape, 1), dtype=dtype, name="add_channel")
    return [add, *chain, layers.Reshape(shape, dtype=dtype, name="drop_channel")]


def convolutional(
    image_shape: tuple[int, ...],
    filters: int | tuple[int, ...] = (16, 8),
    code_size: int = 32,
    *,
    kernel_size: int = 3,
    activation: Any = "relu",
    output: Any = "auto",
    X: ArrayLike | None = None,
    optimizer: str | keras.optimizers.Optimizer = "adam",
    learning_rate: float | None = None,
    loss: str | keras.losses.Loss = "mse",
    random_state: RandomState = 0,
    dtype: str | None = None,
) -> keras.Model:
    """Build a convolutional autoencoder for images, with a dense code in the middle.

    Each convolution of the encoder halves height and width (stride 2); the decoder doubles them back.

    Parameters
    ----------
    image_shape : tuple of int
        (height, width) or (height, width, channels). Height and width must divide by
        2 to the power of ``len(filters)``.
    filters : tuple of int
        Number of filters of each convolution of the encoder; the decoder mirrors them.
    code_size : int
        Width of the code.
    kernel_size : int
        Side of each filter, in pixels.
    activation, output, optimizer, learning_rate, loss, random_state, dtype
        As in `dense`.
    X : array-like of shape (n, *image_shape), optional
        Training images, used for ``output="auto"`` only.

    Returns
    -------
    keras.Model
        A compiled model, images to images of the same shape, with ``.encoder`` and ``.decoder``.

    Raises
    ------
    ValueError
        If an argument is out of range, or the image cannot be halved once for each of ``filters``.

    Warns
    -----
    UserWarning
        If the code has at least as many units as the image has values.

    Examples
    --------
    >>> from aecourse import builders
    >>> model = builders.convolutional((28, 28), filters=(4, 4), code_size=8)
    >>> model.encoder.output_shape, model.output_shape
    ((None, 8), (None, 28, 28))
    """
    shape = check_widths(image_shape, "image_shape")
    filters, code_size = check_widths(filters, "filters"), check_whole(code_size, "code_size")
    kernel_size = check_whole(kernel_size, "kernel_size")
    if len(shape) not in (2, 3) or not _halves(shape[:2], filters):
        raise ValueError(
            f"image_shape must be (height, width) or (height, width, channels), with height and width "
            f"divisible by {2 ** len(filters)}, as each of the {len(filters)} entries of filters (at least "
            f"one) halves them; found {shape}. Crop or pad the images, or change filters."
        )
    warn_if_overcomplete(code_size, int(np.prod(shape)))
    activations = (activation, activation, choose_output(output, X))
    make = ModelFactory("convolutional", random_state, dtype)
    chain = _convolutional_layers(
        make, shape, filters, code_size, kernel_size, n_axes=2, activations=activations
    )
    return make.compile_chain(shape, chain, loss=loss, optimizer=optimizer, learning_rate=learning_rate)


def convolutional_1d(
    window_shape: int | tuple[int, ...],
    filters: int | tuple[int, ...] = (16, 8),
    code_size: int = 8,
    *,
    kernel_size: int = 5,
    activation: Any = "relu",
    code_activation: Any = None,
    output: Any = "linear",
    optimizer: str | keras.optimizers.Optimizer = "adam",
    learning_rate: float | None = None,
    loss: str | keras.losses.Loss = "mse",
    random_state: RandomState = 0,
    dtype: str | None = None,
) -> keras.Model:
    """Build a convolutional autoencoder for windows of a series, with a dense code in the middle.

    Each convolution of the encoder halves the number of time steps (stride 2); the decoder doubles
    them back. A filter is the same at every step, so a pattern is recognised anywhere in the window.

    Parameters
    ----------
    window_shape : int or tuple of int
        Time steps, or (time steps, channels). The steps must divide by 2 to the power of
        ``len(filters)``.
    filters : tuple of int
        Number of filters of each convolution of the encoder; the decoder mirrors them.
    code_size : int
        Width of the code.
    kernel_size : int
        Width of each filter, in time steps.
    activation, code_activation, optimizer, learning_rate, loss, random_state, dtype
        As in `dense`.
    output : str
        Activation of the last layer, by Keras's name for it.

    Returns
    -------
    keras.Model
        A compiled model, windows to windows of the same shape, with ``.encoder`` and ``.decoder``.

    Raises
    ------
    ValueError
        If an argument is out of range, or the window cannot be halved once for each of ``filters``.

    Warns
    -----
    UserWarning
        If the code has at least as many units as the window has values.

    Examples
    --------
    >>> from aecourse import builders
    >>> model = builders.convolutional_1d(36, filters=(4, 4), code_size=6)
    >>> model.encoder.output_shape, model.output_shape
    ((None, 6), (None, 36))
    """
    shape = check_widths(window_shape, "window_shape")
    filters, code_size = check_widths(filters, "filters"), check_whole(code_size, "code_size")
    kernel_size = check_whole(kernel_size, "kernel_size")
    if len(shape) not in (1, 2) or not _halves(shape[:1], filters):
        raise ValueError(
            f"window_shape must be the time steps, or (time steps, channels), with steps divisible by "
            f"{2 ** len(filters)}, as each of the {len(filters)} entries of filters (at least one) halves "
            f"them; found {shape}. Change the size of the windows, or filters."
        )
    warn_if_overcomplete(code_size, int(np.prod(shape)))
    activations = (activation, code_activation or activation, output)
    make = ModelFactory("convolutional_1d", random_state, dtype)
    chain = _convolutional_layers(
        make, shape, filters, code_size, kernel_size, n_axes=1, activations=activations
    )
    return make.compile_chain(shape, chain, loss=loss, optimizer=optimizer, learning_rate=learning_rate)
