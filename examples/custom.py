"""Your own functions: a band that holds 8 of 10 measurements, by a loss, a metric and an activation.

    python examples/custom.py

The measurements are a wave whose noise grows with x. A network that minimises the squared error learns their mean; one
that minimises the quantile loss of 0.1 learns the line that a tenth of them lie below. Two such networks are a band.
The activation z + sin(z)^2 goes on as a wave outside of the data.

Source of the activation: L. Ziyin, T. Hartwig, M. Ueda, Neural networks fail to learn periodic functions and how to fix
it, 2020; of the loss: R. Koenker, G. Bassett, Regression quantiles, 1978.
"""

import math

import numba
import numpy as np

import fcnet
from fcnet import Dense, Sequential, activations, losses


@numba.njit
def snake(z):
    return z + math.sin(z) ** 2


@numba.njit
def snake_slope(z):
    return 1.0 + math.sin(2.0 * z)


def quantile(share):
    """The loss whose minimum has `share` of the targets below it, with its derivative by a."""

    @numba.njit
    def loss(a, y):
        return share * (y - a) if y > a else (1.0 - share) * (a - y)

    @numba.njit
    def slope(a, y):
        return -share if y > a else 1.0 - share

    return losses.Custom(loss, derivative=slope)


@numba.njit
def below(a, y):
    """Its mean is the share of the targets below the line."""
    return y < a


def measurements(n, seed):
    rng = np.random.default_rng(seed)
    x = rng.uniform(0, 4, n)
    return x[:, None], np.sin(3 * x) + (0.1 + 0.2 * x) * rng.standard_normal(n)


def line(share, x, y, epochs=150):
    """A network whose output has `share` of the y below it, and the share that it reached."""
    fcnet.set_seed(0)
    wave = activations.Custom(snake, derivative=snake_slope)
    model = Sequential([Dense(32, wave, input_dim=1), Dense(32, wave), Dense(1)])
    model.compile("adam", quantile(share), metrics=[below])
    history = model.fit(x, y, epochs=epochs, batch_size=32, verbose=0)
    return model, history.history["below"][-1]


def main():
    """The share of new measurements within the band."""
    x, y = measurements(2000, seed=0)
    x_new, y_new = measurements(2000, seed=1)
    ends = []
    for share in (0.1, 0.9):
        model, reached = line(share, x, y)
        print(f"quantile {share}: {reached:.1%} of the measurements lie below it")
        ends.append(model.predict(x_new)[:, 0])
    inside = np.mean((ends[0] < y_new) & (y_new < ends[1]))
    print(f"{inside:.1%} of the new measurements lie between the two, 80% were wanted")
    return inside


if __name__ == "__main__":
    main()
