"""A rare class, one sample in 50: what class_weight="balanced" changes, by its counts.

    python examples/imbalanced.py

Without weights the network says "no" to nearly everything and is right 98 times in 100. With balanced weights it finds
most of the rare samples, and pays with false alarms: accuracy says nothing of this, recall and precision do.
"""

import numpy as np

import fcnet
from fcnet import Dense, Sequential, metrics


def data(n=20_000, seed=0):
    """Two clouds that overlap; the rare one around (2, 0)."""
    rng = np.random.default_rng(seed)
    y = rng.random(n) < 0.02
    X = rng.standard_normal((n, 2))
    X[y, 0] += 2
    return X[: n // 2], y[: n // 2], X[n // 2 :], y[n // 2 :]


def train(class_weight):
    """Recall, and the confusion matrix on other samples."""
    X, y, X_test, y_test = data()
    fcnet.set_seed(1)
    model = Sequential([Dense(8, input_dim=2, activation="relu"), Dense(1, activation="sigmoid")])
    model.compile("adam", "binary_crossentropy", metrics=["accuracy", "precision", "recall", "auc"])
    model.fit(X, y, batch_size=100, epochs=20, verbose=0, class_weight=class_weight)
    found = model.evaluate(X_test, y_test, return_dict=True)
    shown = ", ".join(f"{name} {value:.2f}" for name, value in found.items() if name != "loss")
    matrix = metrics.confusion_matrix(y_test, model.predict(X_test))
    print(f"class_weight={class_weight!r}: {shown}\n{matrix}\n")
    return found["recall"], matrix


def main():
    return train(None), train("balanced")


if __name__ == "__main__":
    main()
