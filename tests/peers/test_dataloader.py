"""Training from a PyTorch DataLoader gives the steps of the arrays it was made from."""

import numpy as np
import pytest

import fcnet
from fcnet import Dense, Sequential

torch = pytest.importorskip("torch", reason="PyTorch is installed by `make test-peers` only")
from torch.utils.data import DataLoader, TensorDataset  # noqa: E402


def small():
    fcnet.set_seed(1)
    model = Sequential([Dense(6, "tanh", input_dim=3), Dense(4, "softmax")])
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    return rng.standard_normal((103, 3)).astype("f"), rng.integers(0, 4, 103), rng.uniform(0.1, 3, 103).astype("f")


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("batch_size", [None, 20])
def test_the_steps_of_the_arrays(weighted, batch_size, data):
    """Each of its batches is one, or they are cut anew."""
    arrays = data[:3 if weighted else 2]
    loader = DataLoader(TensorDataset(*map(torch.from_numpy, arrays)), batch_size=16)
    whole, model = small(), small()
    whole.fit(*data[:2], batch_size=batch_size or 16, epochs=2, verbose=0, shuffle=False,
              sample_weight=data[2] if weighted else None)
    model.fit(loader, batch_size=batch_size, epochs=2, verbose=0, shuffle=False, validation_data=loader)
    np.testing.assert_array_equal(model.parameters, whole.parameters)
    assert model.history.history["loss"] == pytest.approx(whole.history.history["loss"], rel=1e-6)
    assert model.evaluate(loader) == pytest.approx([model.history.history[name][-1] for name in (
        "val_loss", "val_accuracy")])
    np.testing.assert_array_equal(model.predict(loader), whole.predict(data[0]))


def test_its_own_shuffling_and_workers(data):
    X, y, _ = data
    torch.manual_seed(0)
    loader = DataLoader(TensorDataset(torch.from_numpy(X), torch.from_numpy(y)), batch_size=8, shuffle=True)
    model = small()
    history = model.fit(loader, epochs=3, verbose=0)
    assert model.optimizer.iterations == 3 * 13
    assert np.isfinite(history.history["loss"]).all()
    assert model.fit(loader, epochs=2, steps_per_epoch=20, verbose=0).epoch == [0, 1]
    assert model.optimizer.iterations == 3 * 13 + 40
