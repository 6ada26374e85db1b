"""Whether memory stays flat over many fits and many failing calls. Linux's way of telling it."""

import contextlib
import gc
import resource

import numpy as np

from fcnet import Dense, Dropout, Sequential

X, Y = np.random.default_rng(0).standard_normal((64, 5)), np.arange(64) % 2


def resident():
    """Bytes of this process in memory."""
    gc.collect()
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize()


def fit_anew():
    model = Sequential([Dense(16, "relu", input_dim=5), Dropout(0.1), Dense(1, "sigmoid")])
    model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    model.fit(X, Y, batch_size=16, verbose=0)
    model.predict(X[:1])


def fail(model):
    """One call of every kind that is refused."""
    for call in (
        lambda: model.fit(X, Y[:5], verbose=0), lambda: model.fit(X * np.nan, Y, verbose=0),
        lambda: model.fit(X, Y + 5, verbose=0), lambda: model.predict(X[:, :2]), lambda: model.set_weights([]),
        lambda: model.compile("x", "mse"), lambda: model.add(Dense(0)), lambda: model.evaluate(X, Y, sample_weight=-Y),
        lambda: model.fit(X, Y, callbacks=[3], verbose=0), lambda: model.train_on_batch(X.astype(str), Y),
    ):  # fmt: skip
        with contextlib.suppress(TypeError, ValueError):
            call()
            raise AssertionError("nothing was refused")


def grown(call, times):
    """By how many bytes the process grew in so many calls, after a third as many."""
    for _ in range(times // 3):
        call()
    before = resident()
    for _ in range(times):
        call()
    return resident() - before


def check(fits, failures, most):
    """Raise if fits, predictions or refused calls keep memory; returns what they kept."""
    model = Sequential([Dense(4, input_dim=5), Dense(1, "sigmoid")])
    model.compile("adam", "binary_crossentropy")
    found = {"fits of one model": grown(lambda: model.fit(X, Y, verbose=0), fits), "new models": grown(fit_anew, fits),
             "refused calls": grown(lambda: fail(model), failures // 10)}  # fmt: skip
    assert all(size < most for size in found.values()), found
    return found
