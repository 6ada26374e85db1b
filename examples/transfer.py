"""Transfer of weights: learn features on many samples of one task, freeze them, learn a second task from few.

Task one: which of 16 clouds in 40 dimensions a sample belongs to. Task two: whether that cloud is one of eight, with 40
labelled samples. Printed are the accuracies on task two of a network that starts afresh and of one that starts with
the features of the first: frozen at first, then fine-tuned with a tenth of the learning rate.

    python examples/transfer.py
"""

from __future__ import annotations

import numpy as np

import fcnet
from fcnet import Dense, Dropout, LayerNormalization, Sequential, optimizers, regularizers


def clouds(generator: np.random.Generator, centres: np.ndarray, n: int) -> tuple[np.ndarray, np.ndarray]:
    """n samples around the centres, and the number of each one's centre."""
    labels = generator.integers(0, len(centres), n)
    return centres[labels] + generator.standard_normal((n, centres.shape[1])), labels


def network(units: int, activation: str) -> Sequential:
    """Features, then an answer of so many units. A penalty keeps weights small."""
    return Sequential([
        Dense(64, "relu", input_dim=40, kernel_regularizer=regularizers.L2(0.001), name="features"),
        LayerNormalization(name="normalised"),
        Dropout(0.2, name="dropped"),
        Dense(units, activation, name="answer"),
    ])  # fmt: skip


def main() -> tuple[float, float]:
    """Print and return the accuracies afresh and with transfer."""
    fcnet.set_seed(0)
    generator = np.random.default_rng(0)
    centres = 0.8 * generator.standard_normal((16, 40))
    many, few, test = clouds(generator, centres, 4000), clouds(generator, centres, 40), clouds(generator, centres, 2000)

    first = network(16, "softmax")
    first.compile("adam", "sparse_categorical_crossentropy", ["accuracy"])
    first.fit(*many, epochs=10, verbose=0)

    def trained(second: Sequential, epochs: int, learning_rate: float) -> float:
        second.compile(optimizers.Adam(learning_rate), "binary_crossentropy", ["accuracy"])
        second.fit(few[0], few[1] < 8, epochs=epochs, batch_size=8, verbose=0)
        return second.evaluate(test[0], test[1] < 8)[1]

    afresh = trained(network(1, "sigmoid"), 60, 0.01)
    second = network(1, "sigmoid")
    for name in ("features", "normalised"):
        second.get_layer(name).set_weights(first.get_layer(name).get_weights())
        second.get_layer(name).trainable = False
    frozen = trained(second, 40, 0.01)
    for layer in second.layers:
        layer.trainable = True
    tuned = trained(second, 20, 0.001)

    print(f"accuracy on the second task, from 40 samples: {afresh:.3f} afresh, {frozen:.3f} with the features of the "
          f"first task, {tuned:.3f} after fine-tuning")
    return afresh, tuned


if __name__ == "__main__":
    main()
