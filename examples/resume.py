"""A training run that is killed, and goes on as if nothing had happened.

    python examples/resume.py

A network is trained for 60 epochs, and a ModelCheckpoint writes it to a file after each. The same run in a process of
its own is killed in the middle, twice, with SIGKILL, which no program can answer; then it is started once more, with
``fit(resume=...)``. In the end both have the same weights, bit by bit, and the same history.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

import fcnet
from fcnet import Dense, Dropout, Sequential
from fcnet.callbacks import Callback, ModelCheckpoint, ReduceLROnPlateau
from fcnet.datasets import make_moons

EPOCHS = 60


class Slow(Callback):
    """So that there is time to kill."""

    def on_epoch_end(self, epoch, logs=None):
        time.sleep(0.02)


def train(path):
    """Train, or go on from the file if it is there: the same program, however often it is started."""
    X, y = make_moons(400, noise=0.2, random_state=0)
    fcnet.set_seed(1)
    model = Sequential([Dense(32, "relu", input_dim=2), Dropout(0.1), Dense(1, "sigmoid")])
    model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    callbacks = [ReduceLROnPlateau("val_loss", patience=5), Slow(), ModelCheckpoint(path)]
    model.fit(X, y, epochs=EPOCHS, validation_split=0.25, verbose=0, callbacks=callbacks,
              resume=path if os.path.exists(path) else None)  # fmt: skip
    return model


def train_and_kill(path, epochs):
    """Start the run in another process and kill it when the file is that of so many epochs, or more."""
    process = subprocess.Popen([sys.executable, __file__, path])
    while process.poll() is None:
        time.sleep(0.005)
        if os.path.exists(path) and len(fcnet.load(path).history.epoch) >= epochs:
            process.kill()
            process.wait()


def main():
    """The model that was never stopped, and the one whose run was killed twice."""
    with tempfile.TemporaryDirectory() as folder:
        model = train(Path(folder) / "whole.safetensors")
        path = Path(folder) / "killed.safetensors"
        for epochs in (15, 35):
            train_and_kill(path, epochs)
            print(f"killed after epoch {len(fcnet.load(path).history.epoch)} of {EPOCHS}")
        twin = train(path)
    same = np.array_equal(twin.parameters, model.parameters) and twin.history.history == model.history.history
    print(f"val_accuracy {model.history.history['val_accuracy'][-1]:.3f}, the same bits: {'yes' if same else 'NO'}")
    return model, twin


if __name__ == "__main__":
    if len(sys.argv) > 1:
        train(Path(sys.argv[1]))
    else:
        main()
