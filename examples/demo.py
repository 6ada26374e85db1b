"""What fcnet does, in under a minute.

    python examples/demo.py                  needs: pip install "fcnet[sklearn,plot]"

It trains a small network on two noisy circles, trains the same network with plain NumPy from the same
weights on the same batches and prints both times; trains a network on scikit-learn's images of digits to at
least 97 % on images it has not seen; and saves demo.png: the class areas and the loss curves. It ends with
status 1 if an accuracy is missed or the two trainings do not agree.
"""

import argparse
import sys
import time

import numpy as np
import numpy_network

import fcnet
from fcnet import Dense, Sequential
from fcnet.datasets import make_circles

LEARNING_RATE, BATCH = 0.1, 32


def circles_network():
    model = Sequential()
    model.add(Dense(4, input_dim=2, activation="relu"))
    model.add(Dense(6, activation="relu"))
    model.add(Dense(6, activation="relu"))
    model.add(Dense(4, activation="relu"))
    model.add(Dense(1, activation="sigmoid"))
    optimizer = fcnet.optimizers.SGD(learning_rate=LEARNING_RATE)
    model.compile(loss="binary_crossentropy", optimizer=optimizer, metrics=["accuracy"])
    return model


def circles(epochs):
    """Train with fcnet and with NumPy: the model, its history, the test data, and whether all is well."""
    X, y = make_circles(1000, factor=0.3, noise=0.1, random_state=0)
    X, y = X.astype(np.float32), y.astype(np.float32)
    X_test, y_test, X, y = X[:100], y[:100], X[100:], y[100:]

    print("the first call compiles the kernels, or loads what an earlier run has compiled:")
    begin = time.perf_counter()
    circles_network().fit(X, y, epochs=1, batch_size=BATCH, verbose=1)
    first_call = time.perf_counter() - begin

    model = circles_network()
    weights = model.get_weights()
    layers = [(W.copy(), b.copy()) for W, b in zip(weights[0::2], weights[1::2], strict=True)]

    # The data are shuffled already: in the same order for both, the batches are the same.
    begin = time.perf_counter()
    history = model.fit(X, y, epochs=epochs, batch_size=BATCH, shuffle=False, verbose=1)
    fcnet_time = time.perf_counter() - begin
    begin = time.perf_counter()
    numpy_losses = numpy_network.train(layers, X, y[:, None], epochs, BATCH, LEARNING_RATE)
    numpy_time = time.perf_counter() - begin

    accuracy = model.evaluate(X_test, y_test, verbose=0)[1]
    numpy_accuracy = numpy_network.accuracy(layers, X_test, y_test[:, None])
    steps = epochs * -(-len(X) // BATCH)
    print(f"\ncircles, 2-4-6-6-4-1, {epochs} epochs of batches of {BATCH}: {steps} steps")
    print(f"{'':8}{'time':>10}{'a step':>12}{'loss':>10}{'test accuracy':>16}")
    for name, seconds, loss, score in [
        ("fcnet", fcnet_time, history.history["loss"][-1], accuracy),
        ("NumPy", numpy_time, numpy_losses[-1], numpy_accuracy),
    ]:
        print(f"{name:8}{seconds:8.3f} s{seconds / steps * 1e6:9.1f} us{loss:10.5f}{score:16.3f}")
    print(f"fcnet is {numpy_time / fcnet_time:.0f} times as fast, after a first call of {first_call:.2f} s\n")

    # float32 sums in different orders drift apart slowly; the first epochs are still the same numbers.
    agree = np.allclose(history.history["loss"][:5], numpy_losses[:5], rtol=1e-3)
    return model, history, (X_test, y_test), agree and accuracy >= 0.97


def digits(epochs):
    """Train 64-64-10 on images of 8 x 8 pixels; returns the history and the accuracy on images not seen."""
    try:
        from sklearn.datasets import load_digits
    except ImportError as error:
        raise ImportError('the digits come with scikit-learn: pip install "fcnet[sklearn]"') from error
    X, y = load_digits(return_X_y=True)
    # One split of many: the accuracy on others lies between 0.96 and 0.99, whatever the first weights are.
    order = np.random.default_rng(0).permutation(len(X))
    X, y = X[order] / 16, y[order]
    X_test, y_test, X, y = X[:360], y[:360], X[360:], y[360:]

    model = Sequential([Dense(64, input_dim=64, activation="relu"), Dense(10, activation="softmax")])
    model.compile(loss="sparse_categorical_crossentropy", optimizer="adam", metrics=["accuracy"])
    begin = time.perf_counter()
    history = model.fit(X, y, epochs=epochs, batch_size=32, validation_data=(X_test, y_test), verbose=1)
    seconds = time.perf_counter() - begin
    accuracy = model.evaluate(X_test, y_test, verbose=0)[1]
    print(f"\ndigits, 64-64-10, {epochs} epochs in {seconds:.2f} s: test accuracy {accuracy:.3f}\n")
    return history, accuracy


def picture(path, model, test, circles_history, digits_history):
    """The class areas of the circles network, and the loss by epoch of both."""
    try:
        import matplotlib
    except ImportError as error:
        raise ImportError('the picture needs matplotlib: pip install "fcnet[plot]"') from error
    matplotlib.use("Agg")  # works without a screen
    from matplotlib import pyplot as plt

    figure, (areas, curves) = plt.subplots(1, 2, figsize=(11, 4.5), layout="constrained")
    axis = np.linspace(-1.5, 1.5, 200)
    grid = np.stack(np.meshgrid(axis, axis), axis=-1)
    p = model.predict(grid.reshape(-1, 2)).reshape(200, 200)
    shown = areas.contourf(axis, axis, p, levels=np.linspace(0, 1, 21), cmap="RdBu", alpha=0.8)
    areas.contour(axis, axis, p, levels=[0.5], colors="black", linewidths=1)
    X, y = test
    areas.scatter(*X.T, c=y, cmap="RdBu", edgecolors="black", s=25)
    areas.set(title="circles: probability of the inner class, test points", aspect="equal")
    figure.colorbar(shown, ax=areas)

    for label, history in (("circles", circles_history), ("digits", digits_history)):
        for key, losses in history.history.items():
            if key.endswith("loss"):
                epochs = np.arange(1, len(losses) + 1)
                curves.loglog(epochs, losses, label=f"{label}, {'test' if 'val' in key else 'training'}")
    curves.set(title="loss", xlabel="epoch")
    curves.legend()
    figure.savefig(path, dpi=120)
    plt.close(figure)
    print(f"saved {path}")


def main(argv=None):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--epochs", type=int, default=300, help="on the circles")
    parser.add_argument("--digits-epochs", type=int, default=100)
    parser.add_argument("--out", default="demo.png", help="where to save the picture")
    arguments = parser.parse_args(argv)

    fcnet.set_seed(0)
    model, circles_history, test, well = circles(arguments.epochs)
    digits_history, accuracy = digits(arguments.digits_epochs)
    picture(arguments.out, model, test, circles_history, digits_history)
    if not well or accuracy < 0.97:
        print("missed: accuracy below 0.97, or fcnet and NumPy do not agree", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
