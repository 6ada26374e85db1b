"""Two noisy circles: a Keras program of which only the imports were changed.

    python examples/circles.py              50 epochs of Adamax in batches of 32
    python examples/circles.py --recipe     a recipe that works from any start: 20 seeds of 20

The first form prints the accuracy on 100 test points. It depends on the start: over 60 of them the median was
0.94 with Keras's present learning rate for Adamax, 0.001, and 1.00 with 0.002, which it was for years; one in
ten stays near 0.5, in every library. The second form trains by gradient descent on the full batch, learning
rate 0.1, 3,000 steps, and ends with status 1 unless every one of 20 seeds reaches 0.99.
"""

import sys

import fcnet
from fcnet import Dense, Sequential  # from keras.layers import Dense; from keras.models import Sequential
from fcnet.datasets import make_circles  # from sklearn.datasets import make_circles


def data(seed):
    X, y = make_circles(n_samples=1000, factor=0.3, noise=0.10, random_state=seed)
    return X[100:], y[100:], X[:100], y[:100]


def program(epochs=50, verbose=1):
    """The program as it stands in Keras; the test accuracy."""
    X_train, y_train, X_test, y_test = data(seed=0)
    model = Sequential()
    model.add(Dense(4, input_dim=2, activation="relu"))
    model.add(Dense(6, activation="relu"))
    model.add(Dense(6, activation="relu"))
    model.add(Dense(4, activation="relu"))
    model.add(Dense(1, activation="sigmoid"))
    model.compile(loss="binary_crossentropy", optimizer="adamax", metrics=["accuracy"])
    history = model.fit(X_train, y_train, epochs=epochs, batch_size=32, verbose=verbose)
    loss, accuracy = model.evaluate(X_test, y_test, verbose=0)
    print(
        f"training loss {history.history['loss'][-1]:.3f}, test loss {loss:.3f}, test accuracy {accuracy:.2f}"
    )
    return accuracy


def recipe(seed, steps=3000):
    """Gradient descent on the full batch; the test accuracy."""
    fcnet.set_seed(seed)
    X_train, y_train, X_test, y_test = data(seed)
    # Biases that start at 0.1 keep every unit alive. From 0 about 1 start in 15 loses all four units of the
    # narrow last hidden layer in the first steps, and with them any gradient: its accuracy stays at 0.5.
    bias = fcnet.initializers.Constant(0.1)
    model = Sequential([Dense(units, activation="relu", bias_initializer=bias) for units in (4, 6, 6, 4)])
    model.add(Dense(1, activation="sigmoid"))
    optimizer = fcnet.optimizers.SGD(learning_rate=0.1)
    model.compile(loss="binary_crossentropy", optimizer=optimizer, metrics=["accuracy"])
    model.fit(X_train, y_train, epochs=steps, batch_size=len(X_train), verbose=0)
    return model.evaluate(X_test, y_test, verbose=0)[1]


def main():
    if "--recipe" not in sys.argv[1:]:
        program()
        return 0
    scores = []
    for seed in range(20):
        scores.append(recipe(seed))
        print(f"seed {seed:2}: test accuracy {scores[-1]:.2f}", flush=True)
    good = sum(score >= 0.99 for score in scores)
    print(f"{good} of 20 seeds at 0.99 or more")
    return 0 if good == 20 else 1


if __name__ == "__main__":
    sys.exit(main())
