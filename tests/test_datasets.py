"""The toy data against their definition and against scikit-learn; the IDX reader on good and bad files."""

import gzip
import struct

import numpy as np
import pytest

from fcnet.datasets import load_fashion_mnist, load_idx, make_circles, make_moons

CODES = {"u1": 0x08, "i1": 0x09, "i2": 0x0B, "i4": 0x0C, "f4": 0x0D, "f8": 0x0E}


def distance_to_its_curve(name, X, y, factor):
    """How far each point lies from the curve of its class: 0 without noise."""
    if name == "circles":
        return np.abs(np.hypot(X[:, 0], X[:, 1]) - np.where(y == 1, factor, 1.0))
    centre = np.where(y[:, None] == 1, [1.0, 0.5], [0.0, 0.0])
    return np.abs(np.hypot(*(X - centre).T) - 1)


MAKERS = {"circles": lambda *a, **k: make_circles(*a, factor=0.3, **k), "moons": make_moons}


@pytest.mark.parametrize("name", MAKERS)
@pytest.mark.parametrize(
    ("n_samples", "sizes"), [(100, (50, 50)), (7, (3, 4)), (1, (0, 1)), ((5, 2), (5, 2))]
)
def test_points_lie_on_their_curves(name, n_samples, sizes):
    X, y = MAKERS[name](n_samples, random_state=0)
    assert X.shape == (sum(sizes), 2)
    assert X.dtype == np.float64
    assert y.dtype == np.int64
    assert tuple(np.bincount(y, minlength=2)) == sizes
    np.testing.assert_allclose(distance_to_its_curve(name, X, y, 0.3), 0, atol=1e-15)


def test_moons_are_half_circles_and_circles_do_not_close():
    X, y = make_moons(200, shuffle=False)
    assert (X[y == 0, 1] >= 0).all()
    assert (X[y == 1, 1] <= 0.5).all()
    np.testing.assert_allclose(X[[0, 99, 100, 199]], [[1, 0], [-1, 0], [0, 0.5], [2, 0.5]], atol=1e-15)
    X, _ = make_circles(16, shuffle=False)
    assert len(np.unique(X.round(12), axis=0)) == 16


@pytest.mark.parametrize("name", MAKERS)
def test_noise_is_gaussian_of_the_asked_width(name):
    clean, _ = MAKERS[name](20_000, shuffle=False)
    noisy, _ = MAKERS[name](20_000, shuffle=False, noise=0.1, random_state=0)
    noise = (noisy - clean) / 0.1
    # 40,000 draws: mean within 5 standard errors, and the fractions of the normal law.
    assert abs(noise.mean()) < 5 / 200
    assert abs(noise.std() - 1) < 0.02
    assert abs((np.abs(noise) < 1).mean() - 0.6827) < 0.012


@pytest.mark.parametrize("name", MAKERS)
def test_seeds_and_generators(name):
    make = MAKERS[name]
    a, b, other = (make(50, noise=0.1, random_state=seed)[0] for seed in (3, np.int64(3), 4))
    np.testing.assert_array_equal(a, b)
    assert not np.array_equal(a, other)
    c, d = (make(50, noise=0.1, random_state=np.random.default_rng(3))[0] for _ in range(2))
    np.testing.assert_array_equal(c, d)
    assert not np.array_equal(make(50, noise=0.1)[0], make(50, noise=0.1)[0])


@pytest.mark.parametrize("name", MAKERS)
def test_shuffling_moves_points_with_their_labels(name):
    ordered, labels = MAKERS[name](60, shuffle=False)
    X, y = MAKERS[name](60, random_state=1)
    assert not np.array_equal(y, labels)
    by_place = np.lexsort(X.T), np.lexsort(ordered.T)
    np.testing.assert_array_equal(X[by_place[0]], ordered[by_place[1]])
    np.testing.assert_array_equal(y[by_place[0]], labels[by_place[1]])


@pytest.mark.parametrize("name", MAKERS)
def test_the_same_law_as_scikit_learn(name):
    sklearn_datasets = pytest.importorskip("sklearn.datasets")
    theirs = getattr(sklearn_datasets, f"make_{name}")
    keywords = {"factor": 0.3} if name == "circles" else {}
    X, y = MAKERS[name](4001, noise=0.1, random_state=np.random.default_rng(0))
    X_theirs, y_theirs = theirs(4001, noise=0.1, random_state=1, **keywords)
    for label in (0, 1):
        mine, other = X[y == label], X_theirs[y_theirs == label]
        assert len(mine) == len(other)
        # About 2,000 points with a spread of 0.7: a standard error of 0.022 between the two means.
        np.testing.assert_allclose(mine.mean(0), other.mean(0), atol=0.09)
        np.testing.assert_allclose(np.cov(mine.T), np.cov(other.T), atol=0.06)
    # The points themselves, with the same seed (to rounding): a changed import keeps its data.
    same, same_labels = MAKERS[name](301, noise=0.1, random_state=7)
    expected, expected_labels = theirs(301, noise=0.1, random_state=7, **keywords)
    np.testing.assert_allclose(same, expected, atol=1e-14)
    np.testing.assert_array_equal(same_labels, expected_labels)


@pytest.mark.parametrize("name", MAKERS)
@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"n_samples": 0}, ValueError, "n_samples must be 1 or more, got 0"),
        ({"n_samples": (3, -1)}, ValueError, "n_samples must be 0 or more, got -1"),
        ({"n_samples": (0, 0)}, ValueError, r"n_samples must be 1 or more in all, got \(0, 0\)"),
        ({"n_samples": 2.5}, TypeError, "n_samples must be a whole number, got 2.5"),
        ({"n_samples": (1, 2, 3)}, ValueError, "n_samples must be a whole number or a pair"),
        ({"n_samples": True}, TypeError, "n_samples.*got True"),
        ({"noise": -0.1}, ValueError, "noise.*got -0.1"),
        ({"noise": float("nan")}, ValueError, "noise.*got nan"),
        ({"noise": "0.1"}, ValueError, "noise.*got '0.1'"),
        ({"random_state": -1}, ValueError, "random_state.*got -1"),
        ({"random_state": 2**32}, ValueError, "random_state.*got 4294967296"),
        ({"shuffle": "no"}, TypeError, "shuffle.*got 'no'"),
        ({"random_state": "seed"}, TypeError, "random_state.*got 'seed'"),
    ],
)
def test_wrong_parameters(name, arguments, error, message):
    with pytest.raises(error, match=message):
        MAKERS[name](**arguments)


@pytest.mark.parametrize("factor", [1, -0.1, float("nan"), "0.3"])
def test_wrong_factor(factor):
    with pytest.raises(ValueError, match="factor must be"):
        make_circles(factor=factor)


# --- IDX ----------------------------------------------------------------------------------------------


def idx_bytes(array):
    code = CODES[array.dtype.str[1:]]
    return (
        struct.pack(f">BBBB{array.ndim}I", 0, 0, code, array.ndim, *array.shape)
        + array.astype(array.dtype.newbyteorder(">")).tobytes()
    )


def write(path, content):
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return path


@pytest.mark.parametrize("name", ["data-idx", "data-idx.gz"])
@pytest.mark.parametrize("dtype", CODES)
@pytest.mark.parametrize("shape", [(5,), (4, 3, 2), (0, 28, 28), (1, 1)])
def test_idx_round_trip(tmp_path, name, dtype, shape):
    array = np.random.default_rng(0).integers(-100, 100, shape).astype(dtype)
    loaded = load_idx(write(tmp_path / name, idx_bytes(array)))
    assert loaded.dtype == array.dtype
    assert loaded.dtype.isnative
    assert loaded.flags.c_contiguous
    assert loaded.flags.writeable
    np.testing.assert_array_equal(loaded, array)


def test_compression_is_told_by_content_and_a_string_is_a_path(tmp_path):
    array = np.arange(6, dtype="u1").reshape(2, 3)
    path = tmp_path / "no-suffix"
    path.write_bytes(gzip.compress(idx_bytes(array)))
    np.testing.assert_array_equal(load_idx(str(path)), array)


GOOD = idx_bytes(np.arange(12, dtype="i4").reshape(3, 4))
MALFORMED = {
    "empty": (b"", "not an IDX file"),
    "two bytes": (GOOD[:2], "not an IDX file"),
    "text": (b"hello world", "not an IDX file"),
    "unknown type": (b"\0\0\x0a\x01" + GOOD[4:], "unknown IDX type 0x0a"),
    "no dimension": (b"\0\0\x0c\x00" + GOOD[4:], "declares 0 dimensions"),
    "ends in the header": (GOOD[:9], "ends inside its IDX header"),
    "one byte short": (GOOD[:-1], "declares .*48 bytes"),
    "one byte long": (GOOD + b"\0", r"declares"),
    "a size beyond the file": (struct.pack(">BBBBI", 0, 0, 0x08, 1, 2**32 - 1) + b"abc", "4294967295 bytes"),
    "a product beyond 64 bits": (
        struct.pack(">BBBB4I", 0, 0, 0x0E, 4, *[2**32 - 1] * 4) + b"abc",
        "declares",
    ),
    "255 dimensions": (b"\0\0\x08\xff" + b"\0" * 20, "declares 255 dimensions"),
}


@pytest.mark.parametrize("name", ["bad-idx", "bad-idx.gz"])
@pytest.mark.parametrize("fault", MALFORMED)
def test_malformed_idx(tmp_path, name, fault):
    content, message = MALFORMED[fault]
    path = write(tmp_path / name, content)
    with pytest.raises(ValueError, match=message) as caught:
        load_idx(path)
    assert str(path) in str(caught.value)


def test_damaged_gzip(tmp_path):
    whole = gzip.compress(idx_bytes(np.random.default_rng(0).integers(0, 255, 5000).astype("u1")))
    flipped = bytearray(whole)
    flipped[len(whole) // 2] ^= 0x10
    for fault, content in {
        "cut": whole[:-20],
        "checksum": whole[:-8] + b"\0" * 8,
        "flipped": flipped,
    }.items():
        path = tmp_path / f"{fault}.gz"
        path.write_bytes(content)
        with pytest.raises(ValueError, match=f"{fault}.gz"):
            load_idx(path)


def test_more_dimensions_than_numpy_has(tmp_path):
    content = struct.pack(">BBBB100I", 0, 0, 0x08, 100, *[1] * 100) + b"x"
    with pytest.raises(ValueError, match=r"deep-idx.*100 dimensions, expected 1 to 32"):
        load_idx(write(tmp_path / "deep-idx", content))


def test_missing_file_and_folder(tmp_path):
    with pytest.raises(FileNotFoundError, match="nothing-here"):
        load_idx(tmp_path / "nothing-here")
    with pytest.raises(OSError, match=tmp_path.name):
        load_idx(tmp_path)


def write_set(folder, suffix, n_images=(6, 4), n_labels=(6, 4)):
    rng = np.random.default_rng(0)
    for name, n, m in zip(("train", "t10k"), n_images, n_labels, strict=True):
        images = rng.integers(0, 256, (n, 28, 28)).astype("u1")
        write(folder / f"{name}-images-idx3-ubyte{suffix}", idx_bytes(images))
        write(folder / f"{name}-labels-idx1-ubyte{suffix}", idx_bytes(rng.integers(0, 10, m).astype("u1")))


@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_load_fashion_mnist(tmp_path, suffix):
    write_set(tmp_path, suffix)
    (X, y), (X_test, y_test) = load_fashion_mnist(tmp_path)
    assert X.shape == (6, 28, 28)
    assert y.shape == (6,)
    assert X_test.shape == (4, 28, 28)
    assert y_test.shape == (4,)
    assert {a.dtype for a in (X, y, X_test, y_test)} == {np.dtype("u1")}


def test_load_fashion_mnist_faults(tmp_path):
    with pytest.raises(FileNotFoundError, match="train-images-idx3-ubyte"):
        load_fashion_mnist(tmp_path)
    write_set(tmp_path, ".gz", n_labels=(6, 5))
    with pytest.raises(ValueError, match=r"t10k-images.*do not belong together"):
        load_fashion_mnist(tmp_path)
