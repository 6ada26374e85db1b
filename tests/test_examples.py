"""The examples run and keep what their docstrings promise; the slow ones with fewer steps."""

import gzip
import importlib
import struct
import sys
from pathlib import Path

import numpy as np
import pytest

import fcnet

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"


@pytest.fixture
def example(monkeypatch):
    """The module of an example by name, imported as it would be when run as a script."""
    monkeypatch.syspath_prepend(EXAMPLES)
    fcnet.set_seed(0)
    return importlib.import_module


def test_every_example_says_how_to_run_it():
    for path in EXAMPLES.glob("*.py"):
        if path.name != "numpy_network.py":
            assert f"python examples/{path.name}" in path.read_text(encoding="utf-8"), path.name


def test_parity(example, capsys):
    example("parity").main()
    out = capsys.readouterr().out
    assert "Z1   = [0.7000 0.5000]" in out
    assert "p    = [0.5597 0.4403]" in out
    assert "loss = 0.8203" in out


def test_circles_program(example):
    program = example("circles").program
    scores = []
    for seed in range(7):
        fcnet.set_seed(seed)
        scores.append(program(verbose=0))
    # One start alone may lose a whole layer of units and stay at 0.5; the median over 60 starts was 0.94.
    assert np.median(scores) >= 0.9


@pytest.mark.parametrize("seed", range(20))
def test_circles_recipe(example, seed):
    assert example("circles").recipe(seed) >= 0.99


def test_circles_chooses_by_its_flag(example, monkeypatch, capsys):
    circles = example("circles")
    monkeypatch.setattr(sys, "argv", ["circles.py", "--recipe"])
    for score, status in ((0.99, 0), (0.98, 1)):
        monkeypatch.setattr(circles, "recipe", lambda seed, score=score: score)
        assert circles.main() == status
    assert "0 of 20 seeds" in capsys.readouterr().out


def test_moons_by_hand_is_what_fit_does(example):
    moons = example("moons_by_hand")
    X, y, X_test, y_test = moons.data()
    layers, losses = moons.train(X, y, 200)
    assert losses[-1] < losses[0]

    start, _ = moons.train(X, y, 0)
    model = fcnet.Sequential([fcnet.Dense(units, activation="relu") for units in moons.UNITS[1:-1]])
    model.add(fcnet.Dense(1, activation="sigmoid"))
    model.build((None, 2))
    model.set_weights([part for layer in start for part in layer])
    model.compile(loss="binary_crossentropy", optimizer=fcnet.optimizers.SGD(moons.LEARNING_RATE), metrics=["accuracy"])
    history = model.fit(X, y, epochs=200, batch_size=len(X), verbose=0)
    np.testing.assert_allclose(history.history["loss"], losses, rtol=1e-4)
    np.testing.assert_allclose(
        model.evaluate(X_test, y_test, verbose=0)[1], moons.accuracy(layers, X_test, y_test), atol=0.011
    )


def test_demo(example, tmp_path, capsys):
    pytest.importorskip("sklearn")
    pytest.importorskip("matplotlib")
    picture = tmp_path / "picture.png"
    demo = example("demo")
    assert demo.main(["--out", str(picture)]) == 0
    assert picture.read_bytes().startswith(b"\x89PNG")
    out = capsys.readouterr().out
    assert "NumPy" in out
    assert "digits, 64-64-10" in out


def test_demo_says_what_it_missed(example, tmp_path, capsys):
    pytest.importorskip("sklearn")
    pytest.importorskip("matplotlib")
    arguments = ["--epochs", "2", "--digits-epochs", "1", "--out", str(tmp_path / "picture.png")]
    assert example("demo").main(arguments) == 1
    assert "missed" in capsys.readouterr().err


def test_custom_functions(example, capsys):
    assert abs(example("custom").main() - 0.8) < 0.05
    assert "quantile 0.9: " in capsys.readouterr().out


def test_early_stopping(example, capsys):
    stopped, whole = example("early_stopping").main()
    assert stopped < 0.45 < 0.6 < whole
    assert "without             400 epochs" in capsys.readouterr().out


def test_imbalanced(example, capsys):
    (recall, matrix), (balanced, balanced_matrix) = example("imbalanced").main()
    assert recall < 0.4 and balanced > 0.75
    assert matrix.sum() == balanced_matrix.sum() == 10_000
    assert "class_weight='balanced'" in capsys.readouterr().out


def test_resume(example, capsys):
    model, twin = example("resume").main()
    np.testing.assert_array_equal(twin.parameters, model.parameters)
    out = capsys.readouterr().out
    assert out.count("killed after epoch") == 2 and "the same bits: yes" in out


def test_large_file(example, capsys):
    assert example("large_file").main(6000) > 0.95
    assert "Blocks(6000 samples of 784 features, 2000 rows a block): 9 MB" in capsys.readouterr().out


def test_numpy_network_by_central_differences(example):
    network = example("numpy_network")
    rng = np.random.default_rng(0)
    layers = [(rng.standard_normal((i, o)), rng.standard_normal(o)) for i, o in ((2, 4), (4, 3), (3, 1))]
    X, y = rng.standard_normal((7, 2)), rng.integers(0, 2, (7, 1)).astype(float)
    for k, part in ((0, 0), (1, 1), (2, 0)):
        place = (0,) * layers[k][part].ndim
        sides = []
        for shift in (1e-6, -1e-6):
            moved = [(W.copy(), b.copy()) for W, b in layers]
            moved[k][part][place] += shift
            sides.append(network.loss_of(network.forward(moved, X)[-1], y))
        stepped = [(W.copy(), b.copy()) for W, b in layers]
        network.step(stepped, X, y, learning_rate=1.0)
        gradient = layers[k][part][place] - stepped[k][part][place]
        np.testing.assert_allclose(gradient, (sides[0] - sides[1]) / 2e-6, rtol=1e-6)


def test_fashion_mnist_on_small_random_images(example, tmp_path, capsys):
    rng = np.random.default_rng(0)
    for name, n in (("train", 60), ("t10k", 20)):
        arrays = {"images-idx3": rng.integers(0, 256, (n, 28, 28)), "labels-idx1": rng.integers(0, 10, n)}
        for kind, array in arrays.items():
            header = struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape)
            content = gzip.compress(header + array.astype("u1").tobytes())
            (tmp_path / f"{name}-{kind}-ubyte.gz").write_bytes(content)
    with pytest.warns(UserWarning, match="batch_size"):
        assert example("fashion_mnist").main([str(tmp_path)]) == 1  # nothing to learn there
    assert "784-256-128-100-10: test accuracy 0." in capsys.readouterr().out


def test_transfer(example, capsys):
    afresh, tuned = example("transfer").main()
    assert tuned > afresh + 0.05
    assert "after fine-tuning" in capsys.readouterr().out


def test_scikit_learn(example, capsys):
    assert example("scikit_learn").main(epochs=8) > 0.75
    assert "fcnet.sklearn" in capsys.readouterr().out
