"""Training from a file that does not fit: float16 on the disk, a block at a time as float32 in memory.

    python examples/large_file.py                  20,000 images of 28 x 28 pixels, 31 MB
    python examples/large_file.py 2000000          3.1 GB: the memory it takes is the same

A file of images, each one of ten patterns under much noise, is written, a chunk at a time, and mapped into memory. A
network is trained on `Blocks` of it. In memory there are never more than a few blocks of 2,000 images, each of 6 MB.
"""

import sys
import tempfile
from pathlib import Path

import numpy as np

import fcnet
from fcnet import Dense, Sequential
from fcnet.data import Blocks

PIXELS, CLASSES, ROWS = 784, 10, 2_000


def write(folder, images):
    """X.npy and y.npy, never more than a block in memory."""
    rng = np.random.default_rng(0)
    patterns = rng.uniform(-1, 1, (CLASSES, PIXELS)).astype(np.float16)
    X = np.lib.format.open_memmap(folder / "X.npy", "w+", np.float16, (images, PIXELS))
    y = np.lib.format.open_memmap(folder / "y.npy", "w+", np.uint8, (images,))
    for start in range(0, images, ROWS):
        part = slice(start, min(start + ROWS, images))
        y[part] = rng.integers(0, CLASSES, part.stop - start)
        noise = rng.random(X[part].shape, np.float32)
        X[part] = np.where(noise < 0.2, patterns[y[part]], 2 * noise - 1)


def main(images=20_000):
    """The accuracy on the last tenth of the file."""
    fcnet.set_seed(0)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write(folder, images)
        X, y = np.load(folder / "X.npy", mmap_mode="r"), np.load(folder / "y.npy", mmap_mode="r")
        blocks = Blocks(X, y, rows=ROWS)
        print(f"{blocks}: {X.nbytes / 1e6:.0f} MB, as float32 {2 * X.nbytes / 1e6:.0f} MB")

        model = Sequential([Dense(32, "relu", input_dim=PIXELS), Dense(CLASSES, "softmax")])
        model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
        history = model.fit(blocks, epochs=2, batch_size=64, validation_split=0.1, verbose=2)
        del X, y, blocks  # not everywhere can a file be deleted that is mapped
    return history.history["val_accuracy"][-1]


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]))
