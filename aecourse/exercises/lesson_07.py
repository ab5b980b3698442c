"""Exercises of lesson 07, encoder, decoder, latent space."""

from aecourse.exercises.checks import Check, Exercise, Wrong, array, choice, integer, register


def _no_shape(answer):
    """Return what is wrong with an answer that is not a shape."""
    if isinstance(answer, tuple) and all(isinstance(size, int) for size in answer):
        return None
    return "Give the shape that your function's result has, such as halfway(…).shape."


register(
    Exercise(
        id="07.1",
        is_right=integer(25_872),
        why="32 · 784 weights and 784 biases.",
        wrong=(
            Wrong("no biases", integer(25_088), "You left out the biases: one for each of the 784 outputs."),
            Wrong(
                "biases of the code",
                integer(25_120),
                "That is the encoder: the biases belong to a layer's outputs, here 784.",
            ),
            Wrong("whole autoencoder", integer(50_992), "That is encoder and decoder together."),
        ),
        hint="A layer has inputs · units weights and one bias a unit.",
    ),
    Exercise(
        id="07.2",
        is_right=array([0.0, 0.28], tol=0.005),
        why="The median is 0, the mean is 1.4 / 5 = 0.28.",
        right_example=(0.0, 0.28),
        wrong=(
            Wrong(
                "the other way round",
                array([0.28, 0.0], tol=0.005),
                "Right values, the wrong way round.",
                (0.28, 0.0),
            ),
            Wrong(
                "mean twice",
                array([0.28, 0.28], tol=0.005),
                "The absolute error is minimised by the median.",
                (0.28, 0.28),
            ),
            Wrong(
                "midrange",
                array([0.5, 0.28], tol=0.005),
                "The middle of the range is not the median: sort the five values and take the third.",
                (0.5, 0.28),
            ),
        ),
        hint="One is the median, the other the mean.",
    ),
    Exercise(
        id="07.3",
        is_right=Check(lambda answer: tuple(answer) == (784,), _no_shape),
        why="The mean of two codes is a code, and a code decodes to one image row.",
        right_example=(784,),
        wrong=(
            Wrong(
                "a batch of one",
                lambda answer: tuple(answer) == (1, 784),
                "That is a batch of one row; take its first row with [0].",
                (1, 784),
            ),
            Wrong(
                "two rows",
                lambda answer: tuple(answer) == (2, 784),
                "You decoded both ends; take the mean of the two codes first.",
                (2, 784),
            ),
            Wrong(
                "the code",
                lambda answer: tuple(answer) in {(2,), (1, 2)},
                "That is the code itself; send it through the decoder.",
                (2,),
            ),
        ),
        hint="Encode both rows, take the mean of the codes, decode it.",
    ),
    Exercise(
        id="07.4",
        is_right=choice("b", "abc"),
        why="One layer, two models: training one changes both.",
        wrong=(
            Wrong("compile", choice("a", "abc"), "Compiling sets optimizer and loss; it trains nothing."),
            Wrong(
                "copied",
                choice("c", "abc"),
                "If they had been copied, they would be the untrained ones. What did the proof show?",
            ),
        ),
    ),
)
