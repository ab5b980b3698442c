"""Autoencoders as Keras functional models: the published architectures by name, and general ones."""

from aecourse.builders.general import (
    convolutional,
    convolutional_1d,
    denoising,
    dense,
    sparse,
    tied,
    variational,
)
from aecourse.builders.layers import ActivityL1, GaussianCode, KLSparsity, MaskingNoise, TiedDense
from aecourse.builders.parts import attach_parts, output_activation
from aecourse.builders.published import (
    PUBLISHED,
    eight_step,
    imbalanced_lab,
    iris_printed,
    mnist_zeros,
    theano_symbolic,
    theory_code32,
)

__all__ = [
    "PUBLISHED",
    "ActivityL1",
    "GaussianCode",
    "KLSparsity",
    "MaskingNoise",
    "TiedDense",
    "attach_parts",
    "convolutional",
    "convolutional_1d",
    "denoising",
    "dense",
    "eight_step",
    "imbalanced_lab",
    "iris_printed",
    "mnist_zeros",
    "output_activation",
    "sparse",
    "theano_symbolic",
    "theory_code32",
    "tied",
    "variational",
]
