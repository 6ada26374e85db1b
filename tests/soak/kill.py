"""Kill what writes model files, again and again, and look at what is left.

    python tests/soak/kill.py            1,000 kills while a file is written, 1,000 while a network is trained
    python tests/soak/kill.py 200 200    other numbers

Writing: a child overwrites one good file with another as fast as it can and gets SIGKILL at a random moment. Then the
file is one of the two, whole, and the next child sweeps what the dead one has left.

Training: a child trains with ModelCheckpoint, also by the clock in the middle of epochs, and gets SIGKILL at a random
moment; the next one resumes from the file, and so on, until a fit ends. Its parameters, optimizer and History must have
the bits of a fit that was never killed. Then the next fit begins.

Children are forks of this process, so that none has to import anything.
"""

import os
import random
import signal
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

import fcnet
from fcnet import Dense, Dropout, Sequential, optimizers, schedules
from fcnet.callbacks import EarlyStopping, ModelCheckpoint

EPOCHS = 20


def killed(work, seconds):
    """Whether a child that does the work had to be killed, after so many seconds; None lets it end."""
    child = os.fork()
    if not child:
        status = 1
        try:
            work()
            status = 0
        finally:
            os._exit(status)
    if seconds is not None:
        time.sleep(seconds)
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0, "a child ended with an error"
    return os.WIFSIGNALED(status)


def temporary(folder):
    return [name for name in os.listdir(folder) if name.endswith(".tmp")]


def kill_writers(kills, folder, rng):
    """The number of files that were found whole, and of temporary files left by the dead."""
    path = folder / "model.safetensors"
    models = []
    for value in (1.0, 2.0):
        models.append(Sequential([Dense(300, input_dim=300), Dense(300)]))
        models[-1].parameters[:] = value

    def write():
        while True:
            for model in models:
                model.save(path)

    models[0].save(path)
    whole = left = 0
    for _ in range(kills):
        assert killed(write, rng.uniform(0, 0.03))
        values = np.unique(fcnet.load(path).parameters)
        assert values.tolist() in ([1.0], [2.0]), values
        whole += 1
        stale = temporary(folder)
        assert len(stale) <= 1, "the one before was not swept"
        left += len(stale)
    models[0].save(path)
    assert os.listdir(folder) == [path.name]
    return whole, left


def fitted(path, resume):
    """A fit that writes to the path, or goes on from there, as text of all its bits."""
    fcnet.set_seed(1)
    rng = np.random.default_rng(0)
    X = rng.normal(size=(256, 8)).astype("float32")
    y = (X[:, 0] * X[:, 1] > 0).astype("float32")
    model = Sequential([Dense(16, "relu", input_dim=8), Dropout(0.1), Dense(1, "sigmoid")])
    rate = schedules.CosineDecayRestarts(0.01, 50)
    model.compile(optimizers.Adam(rate, use_ema=True, gradient_accumulation_steps=2), "binary_crossentropy", ["acc"])
    callbacks = [ModelCheckpoint(path, minutes=0), EarlyStopping("val_loss", patience=EPOCHS)]
    model.fit(X, y, 8, EPOCHS, 0, callbacks, validation_split=0.25, resume=path if resume else None)
    arrays = [model.parameters, *model.optimizer.state]
    return repr([array.tobytes().hex() for array in arrays] + [model.history.history, model.history.epoch])


def kill_fits(kills, folder, rng):
    """The numbers of kills and of fits that came to an end."""
    path, result = folder / "fit.safetensors", folder / "result"
    expected = fitted(folder / "never killed", resume=False)
    (folder / "never killed").unlink()
    dead = ended = 0

    def go_on():
        result.write_text(fitted(path, path.exists()))

    while dead < kills or path.exists():  # the last one may end
        if killed(go_on, rng.uniform(0, 0.1) if dead < kills else None):
            dead += 1
            if path.exists():
                fcnet.load(path)
        if result.exists() and result.stat().st_size == len(expected):
            assert result.read_text() == expected, "the fit that was killed has other bits"
            result.unlink()
            path.unlink()
            ended += 1
    return dead, ended


def main(writes=1000, fits=1000, seed=0):
    """Both, with as many kills; what was seen."""
    rng = random.Random(seed)
    with tempfile.TemporaryDirectory() as name:
        begin = time.perf_counter()
        folder = Path(name) / "writing"
        folder.mkdir()
        whole, left = kill_writers(writes, folder, rng)
        middle = time.perf_counter()
        print(f"writing:  {whole} of {writes} files whole, {left} temporary files swept, {middle - begin:.0f} s")
        folder = Path(name) / "training"
        folder.mkdir()
        dead, ended = kill_fits(fits, folder, rng)
        seconds = time.perf_counter() - middle
        print(f"training: {dead} kills, {ended} fits ended with the bits of one never killed, {seconds:.0f} s")
    return whole, left, dead, ended


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
