"""The course's data sets, each as one frozen :class:`Split` or :class:`TimeSeries`: real ones, and made-up
ones with known anomalies.

Only :func:`load_adbench` needs a network, once. MNIST, a walk and the penguins are inside the package, Iris
and breast cancer come with scikit-learn, and the synthetic sets are drawn by each call.
"""

from aecourse.datasets.adbench import load_adbench
from aecourse.datasets.loaders import (
    MNIST_PATH,
    check_mnist_file,
    load_breast_cancer_novelty,
    load_iris_novelty,
    load_mnist,
    load_mnist_digit,
    load_mnist_zeros,
)
from aecourse.datasets.machine import FAULTS, Event, TimeSeries, make_machine_temperature
from aecourse.datasets.recorded import load_internal_bleeding, load_penguins, load_walk
from aecourse.datasets.results import compare_results, load_results
from aecourse.datasets.split import Split
from aecourse.datasets.synthetic import (
    SHAPES,
    make_imbalanced,
    make_mixed_table,
    make_sensor_rows,
    make_shape,
)

__all__ = [
    "FAULTS",
    "MNIST_PATH",
    "SHAPES",
    "Event",
    "Split",
    "TimeSeries",
    "check_mnist_file",
    "compare_results",
    "load_adbench",
    "load_breast_cancer_novelty",
    "load_internal_bleeding",
    "load_iris_novelty",
    "load_mnist",
    "load_mnist_digit",
    "load_mnist_zeros",
    "load_penguins",
    "load_results",
    "load_walk",
    "make_imbalanced",
    "make_machine_temperature",
    "make_mixed_table",
    "make_sensor_rows",
    "make_shape",
]
