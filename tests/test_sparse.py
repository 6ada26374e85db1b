"""Sparse samples train and predict with the bits of the same samples in a dense array."""

import numpy as np
import pytest
from scipy import sparse

from fcnet import Dense, Sequential
from fcnet.sparse import SparseRows


@pytest.fixture
def samples(rng):
    X = rng.normal(size=(150, 23)) * (rng.random((150, 23)) < 0.2)
    X[7] = 0
    return X, (X[:, :3].sum(axis=1) > 0).astype(int)


def network(dtype="float32"):
    hidden = Dense(9, "tanh", input_dim=23, kernel_initializer=_weights)
    model = Sequential([hidden, Dense(1, "sigmoid", kernel_initializer=_weights)], dtype=dtype)
    model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    return model


def _weights(shape, dtype):
    return np.random.default_rng(1).normal(size=shape).astype(dtype)


@pytest.mark.parametrize("form", [sparse.csr_matrix, sparse.csr_array, sparse.csc_matrix, sparse.coo_array])
def test_every_form_trains_as_the_dense_array(samples, form):
    X, y = samples
    dense, thin = network(), network()
    options = dict(epochs=3, batch_size=40, validation_split=0.2, seed=0, verbose=0)
    assert dense.fit(X, y, **options).history == thin.fit(form(X), y, **options).history
    np.testing.assert_array_equal(dense.parameters, thin.parameters)
    np.testing.assert_array_equal(dense.predict(X), thin.predict(form(X)))
    np.testing.assert_array_equal(dense.predict(X[:3]), thin.predict(form(X[:3])))
    assert dense.evaluate(X, y) == thin.evaluate(form(X), y)


def test_batch_gradient_and_inspection(samples, dtype):
    X, y = samples
    model = network(dtype)
    rows = sparse.csr_array(X)
    loss, gradient = model.loss_and_gradient(X, y)
    assert model.loss_and_gradient(rows, y)[0] == loss
    np.testing.assert_array_equal(model.loss_and_gradient(rows, y)[1], gradient)
    np.testing.assert_array_equal(model.inspect(rows, y).layers[0].Z, model.inspect(X, y).layers[0].Z)
    other = network(dtype)
    assert model.train_on_batch(rows, y) == other.train_on_batch(X, y)
    np.testing.assert_array_equal(model.parameters, other.parameters)


def test_integers_and_places_named_twice():
    X = sparse.coo_matrix(([1, 2, 3, 1], ([0, 0, 2, 2], [4, 4, 0, 22])), shape=(3, 23))
    model = network()
    np.testing.assert_array_equal(model.predict(X), model.predict(X.toarray()))
    twice = sparse.csr_matrix((np.array([1.0, 2.0]), np.array([4, 4]), np.array([0, 2])), shape=(1, 23))
    np.testing.assert_array_equal(model.predict(twice), model.predict(twice.toarray()))


def test_a_matrix_with_many_columns_is_never_dense(rng):
    """Ten thousand rows of 100,000 features would be 4 GB; a slab of them is what is dense at a time."""
    rows = sparse.random_array((10_000, 100_000), density=1e-5, rng=rng, format="csr")
    found = Sequential([Dense(1, "sigmoid", input_dim=100_000)]).predict(rows[:100])
    assert found.shape == (100, 1) and np.isfinite(found).all()


@pytest.mark.parametrize("matrix, error, message", [
    (sparse.csr_array(np.array([[0.0, np.nan], [0.0, 1.0]])), ValueError, "NaN at row 0, column 1"),
    (sparse.csr_array(np.array([[0.0, 1.0], [np.inf, 1.0]])), ValueError, "inf at row 1, column 0"),
    (sparse.csr_array(np.array([[0.0, 1e300]])), ValueError, "beyond float32"),
    (sparse.csr_array(np.array([[0.0, 1.0j]])), TypeError, "complex128"),
    (sparse.csr_array(np.ones((2, 3))), ValueError, "3 features, the model expects 2"),
])
def test_what_is_refused(matrix, error, message):
    model = Sequential([Dense(1, input_dim=2)])
    with pytest.raises(error, match=message):
        model.predict(matrix)


def broken(make, change):
    """A matrix (2, 3) that something has gone wrong with after it was made."""
    matrix = make(np.array([[1.0, 0.0, 2.0], [0.0, 3.0, 0.0]]))
    change(matrix)
    return matrix


def put(name, place, value):
    return lambda matrix: getattr(matrix, name).__setitem__(place, value)


@pytest.mark.parametrize("make", [sparse.csr_array, sparse.csc_array, sparse.csr_matrix, sparse.bsr_array])
@pytest.mark.parametrize("change, message", [
    (put("indices", 1, 10**6), r"indices\[1\] is 1000000"), (put("indices", 0, -7), r"indices\[0\] is -7"),
    (put("indptr", 0, 1), "rise from 0"), (put("indptr", 1, 40), "rise from 0"), (put("indptr", -1, 9), "ends at 9"),
    (lambda matrix: setattr(matrix, "indptr", matrix.indptr[:2]), "indptr must have"),
])
def test_indices_outside_of_the_matrix(make, change, message):
    """SciPy does not look for them, and they lead a kernel into foreign memory."""
    model = Sequential([Dense(1, input_dim=3)])
    model.compile("sgd", "mse")
    for call in (model.predict, lambda X: model.fit(X, [0.0, 1.0], verbose=0)):
        with pytest.raises(ValueError, match=f"X is a corrupt sparse matrix: .*{message}"):
            call(broken(make, change))


def test_slices_share_the_values():
    rows = SparseRows.of(sparse.csr_array(np.eye(5)), np.float32)
    part = rows[1:3]
    assert part.shape == (2, 5) and part.values is rows.values and list(part.starts) == [1, 2, 3]
    assert rows[4:2].shape == (0, 5)
    with pytest.raises(ValueError, match="step of 2"):
        rows[::2]
