"""The estimators: scikit-learn's checks, the same convergence as its own, weights as views, both ways of conversion."""

import copy
import pickle
import tracemalloc
import warnings

import joblib
import numba
import numpy as np
import pytest
import sklearn
import sklearn.neural_network as reference
from scipy import sparse
from sklearn import datasets
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.exceptions import NotFittedError
from sklearn.metrics import mean_poisson_deviance
from sklearn.model_selection import GridSearchCV, cross_val_score, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import _NotAnArray, parametrize_with_checks

from fcnet import Dense, activations, callbacks, losses, optimizers
from fcnet.sklearn import MLPClassifier, MLPRegressor, from_sklearn

ESTIMATORS = (MLPClassifier, MLPRegressor)
PAIRS = ((MLPClassifier, reference.MLPClassifier), (MLPRegressor, reference.MLPRegressor))
FEW = dict(hidden_layer_sizes=(12,), max_iter=15, random_state=0)

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.fixture(scope="module")
def iris():
    X, y = datasets.load_iris(return_X_y=True)
    return X, y


def fitted(kind, iris, **parameters):
    X, y = iris
    return kind(**{**FEW, **parameters}).fit(X, y if kind is MLPClassifier else y.astype(float))


@pytest.mark.filterwarnings("default")
@parametrize_with_checks([kind(max_iter=100) for kind in ESTIMATORS])
def test_check_estimator(estimator, check):
    check(estimator)


@pytest.mark.parametrize("ours, theirs", PAIRS)
def test_parameters_are_scikit_learns_in_their_order(ours, theirs):
    own, known = ours().get_params(), theirs().get_params()
    assert {name: own[name] for name in known} == known
    extras = set(own) - set(known)
    assert all(own[name] in (None, 0.0, "log_loss") for name in extras)
    assert ours()._get_param_names() == sorted(own)


@pytest.mark.parametrize("ours, theirs", PAIRS)
def test_first_weights_are_scikit_learns(ours, theirs, iris):
    """The same random_state draws the same weights; one epoch at a rate of almost 0 leaves them."""
    still = dict(solver="sgd", learning_rate_init=1e-12, max_iter=1, random_state=3)
    one, other = (kind(**still).fit(*iris) for kind in (ours, theirs))
    for W, V in zip(one.coefs_ + one.intercepts_, other.coefs_ + other.intercepts_, strict=True):
        np.testing.assert_allclose(W, V, rtol=1e-9)
    assert one.loss_ == pytest.approx(other.loss_, rel=1e-9)


@pytest.mark.parametrize("parameters", [
    dict(solver="lbfgs", alpha=0.1),
    dict(solver="sgd", shuffle=False, learning_rate_init=0.05, alpha=0.3, batch_size=50),
    dict(solver="sgd", shuffle=False, learning_rate="invscaling", learning_rate_init=0.2, nesterovs_momentum=False),
    dict(solver="sgd", shuffle=False, learning_rate="adaptive", learning_rate_init=0.1, tol=1e-2, n_iter_no_change=2),
    dict(shuffle=False, alpha=1.0, activation="logistic", epsilon=1e-3),
    dict(shuffle=False, activation="tanh", hidden_layer_sizes=(7, 5), batch_size=33),
])  # fmt: skip
@pytest.mark.parametrize("ours, theirs", PAIRS)
def test_without_shuffling_the_path_is_scikit_learns(ours, theirs, parameters, iris):
    """Then nothing is drawn but the weights, and the two differ by rounding."""
    one, other = (kind(**{**FEW, **parameters}).fit(*iris) for kind in (ours, theirs))
    assert one.n_iter_ == other.n_iter_ and one.t_ == other.t_
    assert one.loss_ == pytest.approx(other.loss_, rel=1e-4)
    for W, V in zip(one.coefs_ + one.intercepts_, other.coefs_ + other.intercepts_, strict=True):
        np.testing.assert_allclose(W, V, rtol=1e-3, atol=1e-5)
    if parameters.get("solver") != "lbfgs":
        np.testing.assert_allclose(one.loss_curve_, other.loss_curve_, rtol=1e-4)
        assert one.best_loss_ == pytest.approx(other.best_loss_, rel=1e-4)


@pytest.mark.parametrize("ours, theirs", PAIRS)
@pytest.mark.parametrize("parameters", [dict(), dict(early_stopping=True), dict(solver="lbfgs")])
def test_without_shuffling_a_shared_random_state_goes_on_as_scikit_learns(ours, theirs, parameters, iris):
    """What a fit draws from it (weights, samples held out) decides the first weights of the next one."""
    ends = []
    for kind in (ours, theirs):
        state = np.random.RandomState(3)
        for _ in range(2):
            estimator = kind(**{**FEW, **parameters, "shuffle": False, "random_state": state}).fit(*iris)
        ends.append((estimator.coefs_[0], state.rand(3)))
    np.testing.assert_allclose(ends[0][0], ends[1][0], rtol=1e-3, atol=1e-5)
    np.testing.assert_array_equal(ends[0][1], ends[1][1])


def test_the_log_loss_of_a_network_far_off_is_not_cut(iris):
    """The path is scikit-learn's, whose loss takes no probability for smaller than epsilon."""
    X, y = iris[0] * 1e3, (iris[1] == 0).astype(int)
    options = {**FEW, "solver": "sgd", "shuffle": False, "learning_rate_init": 1e-9, "max_iter": 2, "alpha": 0}
    one, other = (kind(**options).fit(X, y) for kind in PAIRS[0])
    np.testing.assert_allclose(one.coefs_[0], other.coefs_[0], rtol=1e-9)
    logits = np.maximum(X @ one.coefs_[0] + one.intercepts_[0], 0) @ one.coefs_[1] + one.intercepts_[1]
    assert other.loss_ < -np.log(np.finfo(float).eps) < 40 < one.loss_
    assert one.loss_ == pytest.approx(np.mean(np.logaddexp(0, logits.ravel()) - y * logits.ravel()), rel=0.1)


def test_poisson_learns_from_outputs_near_0(iris):
    """The gradient of an output that is far too low is that of scikit-learn, -y."""
    X, y = iris
    options = dict(solver="sgd", alpha=0, momentum=0, batch_size=150, learning_rate_init=0.01)
    one = MLPRegressor(hidden_layer_sizes=(4,), loss="poisson", **options).partial_fit(X, y)
    one.coefs_[1][:], one.intercepts_[1][:] = 0, -40
    one.partial_fit(X, y)
    assert one.intercepts_[1][0] == pytest.approx(-40 + 0.01 * y.mean())


@pytest.mark.parametrize("parameters, change", [
    (dict(solver="sgd"), dict(learning_rate="invscaling")),
    (dict(solver="sgd", learning_rate="invscaling"), dict(learning_rate="constant")),
    (dict(solver="sgd", learning_rate="invscaling"), dict(learning_rate_init=1, power_t=1)),
    (dict(solver="sgd", learning_rate="invscaling"), dict(solver="adam")),
    (dict(solver="adam", learning_rate="invscaling"), dict(solver="sgd")),
])  # fmt: skip
def test_a_stream_keeps_the_optimizer_that_it_began_with(parameters, change, iris):
    """Its schedule too: what is set later holds from the next fit, as in scikit-learn."""
    ends = []
    for kind in PAIRS[1]:
        estimator = kind(**FEW, shuffle=False, learning_rate_init=0.01, **parameters).partial_fit(*iris)
        estimator.set_params(**change)
        for _ in range(5):
            estimator.partial_fit(*iris)
        ends.append(estimator.coefs_[0])
    np.testing.assert_allclose(*ends, rtol=1e-7, atol=1e-9)


def test_several_outputs_and_weights_go_scikit_learns_path():
    X, Y = datasets.make_regression(90, 6, n_targets=3, random_state=0)
    weights = np.random.default_rng(0).random(90)
    options = dict(solver="sgd", shuffle=False, learning_rate_init=1e-4, max_iter=5, random_state=0, batch_size=90)
    labels, values = (Y > 0).astype(int), Y / 100
    for (ours, theirs), target in zip(PAIRS, (labels, values), strict=True):
        one, other = (kind(**options).fit(X, target, sample_weight=weights) for kind in (ours, theirs))
        np.testing.assert_allclose(one.coefs_[0], other.coefs_[0], rtol=1e-6, atol=1e-9)
        assert one.out_activation_ == other.out_activation_ and one.n_outputs_ == 3
        assert one.predict(X).shape == other.predict(X).shape == (90, 3)


@pytest.mark.parametrize("ours, theirs, data, parameters", [
    (*PAIRS[0], datasets.load_iris, dict(max_iter=60, learning_rate_init=0.01)),
    (*PAIRS[0], datasets.load_digits, dict(hidden_layer_sizes=(30,), max_iter=8)),
    (*PAIRS[1], datasets.load_diabetes, dict(max_iter=60, learning_rate_init=0.01)),
])  # fmt: skip
def test_scores_over_20_seeds_are_scikit_learns(ours, theirs, data, parameters):
    X, y = data(return_X_y=True)
    y = (y - y.mean()) / y.std() if ours is MLPRegressor else y
    scores = np.empty((20, 2))
    for seed in range(20):
        parts = train_test_split(StandardScaler().fit_transform(X), y, random_state=seed)
        for side, kind in enumerate((ours, theirs)):
            scores[seed, side] = kind(random_state=seed, **parameters).fit(parts[0], parts[2]).score(parts[1], parts[3])
    difference = scores[:, 0] - scores[:, 1]
    assert abs(difference.mean()) < 3 * difference.std(ddof=1) / np.sqrt(20) + 1e-3


# ------------------------------------------------------------------------------------------ weights


def test_coefs_are_views_that_can_be_set(iris):
    one, other = fitted(MLPClassifier, iris, max_iter=3), fitted(MLPClassifier, iris, max_iter=9)
    X = iris[0]
    one.coefs_[0][...] = other.coefs_[0]
    one.coefs_[1] = other.coefs_[1].copy()
    one.intercepts_ = [b.tolist() for b in other.intercepts_]
    np.testing.assert_array_equal(one.predict_proba(X), other.predict_proba(X))
    np.testing.assert_array_equal(one.predict(X[:1]), other.predict(X[:1]))
    expected = one.predict_proba(X)
    for wrong, match in ((np.zeros((2, 2)), r"coefs_\[0\] must have shape \(4, 12\), got \(2, 2\)"),
                         (one.coefs_[0] * 1j, r"coefs_\[0\] must hold real"), (None, r"coefs_\[0\] must be an array")):
        one.intercepts_[0], one.coefs_[0] = np.ones(12), wrong
        with pytest.raises((TypeError, ValueError), match=match):
            one.predict(X)
        one.coefs_, one.intercepts_ = list(one._views[:2]), list(one._views[2:])
        np.testing.assert_array_equal(one.predict_proba(X), expected)
    one.intercepts_ = one.intercepts_[:1]
    with pytest.raises(ValueError, match="must keep 2 arrays each, got 2 and 1"):
        one.predict(X)


def test_coefs_of_an_estimator_never_fitted(iris):
    """scikit-learn's predicts when all of its attributes are set by hand; from_sklearn takes it."""
    one, other = MLPRegressor(hidden_layer_sizes=(12,)), reference.MLPRegressor(hidden_layer_sizes=(12,))
    for estimator in (one, other):
        estimator.coefs_, estimator.intercepts_ = [np.ones((4, 12)), np.ones((12, 1))], [np.ones(12), np.ones(1)]
        estimator.n_layers_, estimator.n_outputs_, estimator.out_activation_ = 3, 1, "identity"
    for call in (lambda: one.predict(iris[0]), lambda: one.partial_fit(*iris), one.to_sklearn):
        with pytest.raises(NotFittedError, match=r"coefs_ and intercepts_ were set in .* never fitted"):
            call()
    np.testing.assert_allclose(from_sklearn(other).predict(iris[0]), other.predict(iris[0]))
    assert one.fit(*iris).predict(iris[0]).shape == (150,)


def test_coefs_may_change_places(iris):
    one = fitted(MLPRegressor, iris, hidden_layer_sizes=(5, 5, 5), max_iter=2)
    other = one.to_sklearn()
    for estimator in (one, other):
        coefs, intercepts = estimator.coefs_, estimator.intercepts_
        coefs[1], coefs[2] = coefs[2].T, coefs[1]
        intercepts[:3] = intercepts[2::-1]
    np.testing.assert_allclose(one.predict(iris[0]), other.predict(iris[0]))


@pytest.mark.parametrize("kind", ESTIMATORS)
def test_copies_predict_the_same_bits(kind, iris, tmp_path):
    estimator = fitted(kind, iris)
    joblib.dump(estimator, tmp_path / "estimator.joblib")
    cloudpickle = pytest.importorskip("cloudpickle")
    copies = [copy.deepcopy(estimator), copy.copy(estimator), pickle.loads(pickle.dumps(estimator)),
              pickle.loads(cloudpickle.dumps(estimator)), joblib.load(tmp_path / "estimator.joblib"),
              joblib.load(tmp_path / "estimator.joblib", mmap_mode="r")]
    for other in copies:
        np.testing.assert_array_equal(other.predict(iris[0]), estimator.predict(iris[0]))
        assert all(np.shares_memory(W, other._model.parameters) for W in other.coefs_)
    unfitted = cloudpickle.loads(cloudpickle.dumps(kind(**FEW)))
    assert unfitted.get_params() == kind(**FEW).get_params()
    fresh = clone(estimator)
    assert fresh.get_params() == estimator.get_params()
    with pytest.raises(NotFittedError):
        fresh.predict(iris[0])


def test_partial_fit_goes_on_after_a_pickle(iris):
    X, y = iris
    one = MLPClassifier(random_state=0).partial_fit(X, y, classes=[0, 1, 2])
    other = pickle.loads(pickle.dumps(one))
    for estimator in (one, other):
        estimator.partial_fit(X, y)
    np.testing.assert_array_equal(one.coefs_[0], other.coefs_[0])
    assert one.t_ == 300 and len(one.loss_curve_) == 2


def test_an_estimator_predicts_in_another_process(iris, run_python, tmp_path):
    estimator = fitted(MLPClassifier, iris)
    joblib.dump((estimator, iris[0], estimator.predict_proba(iris[0])), tmp_path / "all.joblib")
    run_python("""
        import sys, joblib, numpy
        estimator, X, expected = joblib.load(sys.argv[1])
        numpy.testing.assert_array_equal(estimator.predict_proba(X), expected)
    """, tmp_path / "all.joblib")


@pytest.mark.parametrize("ours, theirs", PAIRS)
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_conversion_both_ways(ours, theirs, solver, iris):
    X, y = iris
    known = theirs(**FEW, solver=solver).fit(X, y)
    one = from_sklearn(known)
    assert type(one) is ours and one.n_iter_ == known.n_iter_
    np.testing.assert_allclose(one.predict(X), known.predict(X), rtol=1e-6, atol=1e-6)
    back = one.to_sklearn()
    assert type(back) is theirs
    np.testing.assert_array_equal(back.predict(X), known.predict(X))
    assert back.get_params() == known.get_params()
    one.partial_fit(X, y) if solver == "adam" else one.fit(X, y)


def test_conversion_of_text_labels_and_what_has_no_counterpart(iris):
    X, y = iris
    names = np.array(["setosa", "versicolor", "virginica"])[y]
    one = MLPClassifier(**FEW).fit(X, names)
    assert (one.to_sklearn().predict(X) == one.predict(X)).all() and set(one.predict(X[:2])) <= set(names)
    mixed = dict(hidden_layer_sizes=(9, 5), activation=["tanh", "relu"])
    for kind, parameters in ((MLPClassifier, dict(activation="gelu")), (MLPClassifier, mixed),
                             (MLPClassifier, dict(loss="categorical_crossentropy")),
                             (MLPClassifier, dict(solver=optimizers.Adam())), (MLPRegressor, dict(solver="adamax")),
                             (MLPRegressor, dict(loss="huber"))):  # fmt: skip
        name = next(reversed(parameters))
        with pytest.raises(ValueError, match=rf"(?s)no counterpart of .*: (The '{name}' parameter|its {name} is)"):
            fitted(kind, iris, **parameters).to_sklearn()
    same = fitted(MLPClassifier, iris, hidden_layer_sizes=(9, 5), activation=["tanh", "tanh"])
    assert same.to_sklearn().activation == "tanh"
    with pytest.raises(NotFittedError):
        MLPClassifier().to_sklearn()
    with pytest.raises(NotFittedError):
        from_sklearn(reference.MLPRegressor())
    with pytest.raises(TypeError, match="StandardScaler"):
        from_sklearn(StandardScaler())


def test_conversion_has_the_activation_that_was_fitted(iris):
    one = fitted(MLPClassifier, iris, activation="logistic")
    expected = one.predict_proba(iris[0])
    back = one.set_params(activation="tanh").to_sklearn()
    assert back.activation == "logistic"
    np.testing.assert_allclose(back.predict_proba(iris[0]), expected)
    np.testing.assert_array_equal(one.predict_proba(iris[0]), expected)


@pytest.mark.parametrize("ours, theirs", PAIRS)
def test_early_stopping_goes_on_after_a_conversion(ours, theirs, iris):
    """It ends with the best weights, those before it if nothing was better."""
    options = dict(FEW, warm_start=True, early_stopping=True)
    for one in (from_sklearn(theirs(**options).fit(*iris)), ours(**options).fit(*iris).to_sklearn()):
        best, before = one.best_validation_score_, one.predict(iris[0])
        one.set_params(tol=10.0, learning_rate_init=1e-12, random_state=1).fit(*iris)
        assert one.best_validation_score_ >= best
        np.testing.assert_allclose(one.predict(iris[0]), before, rtol=1e-6)


@pytest.mark.parametrize("kind", ESTIMATORS)
def test_training_goes_on_in_another_way(kind, iris):
    """After L-BFGS, and with `early_stopping` turned on or off, the curves begin anew; scikit-learn has none then."""
    begun = fitted(kind, iris, solver="lbfgs", max_iter=5)
    for one in (begun, from_sklearn(begun.to_sklearn())):
        one.set_params(solver="adam", warm_start=True).partial_fit(*iris)
        assert len(one.loss_curve_) == 1 and one.best_loss_ == one.loss_
        one.set_params(early_stopping=True).fit(*iris)
        assert len(one.loss_curve_) == len(one.validation_scores_) == 5 and one.best_loss_ is None
        assert one.best_validation_score_ == max(one.validation_scores_)
        one.set_params(early_stopping=False).fit(*iris).fit(*iris)
        assert len(one.loss_curve_) == 10 and one.validation_scores_ is None

    one = fitted(kind, iris, early_stopping=True, warm_start=True)
    one.best_validation_score_ = 2.0  # as if nothing could be better
    one.set_params(solver="lbfgs", hidden_layer_sizes=(5,), warm_start=False, max_iter=40).fit(*iris)
    before = one.score(*iris)
    one.set_params(solver="adam", warm_start=True, max_iter=5, learning_rate_init=1e-12).fit(*iris)
    assert one.score(*iris) == pytest.approx(before)  # not the best weights of the first network


# ------------------------------------------------------------------------------------------- inputs


@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
def test_numbers_of_numpy_are_numbers(solver, iris):
    """Of any width; nothing overflows, or is rounded, on the way."""
    whole = dict(batch_size=16, max_iter=15, n_iter_no_change=2, max_fun=100, random_state=3, n_threads=1)
    real = dict(alpha=0.125, learning_rate_init=0.0625, power_t=0.25, momentum=0.5, beta_1=0.5, tol=2.0**-10)
    for more in (dict(learning_rate="invscaling"), dict(early_stopping=True), dict()):
        plain = fitted(MLPClassifier, iris, solver=solver, **whole, **real, **more)
        for integer, floating in ((np.int8, np.float16), (np.uint8, np.float32), (np.int32, np.float64)):
            given = {name: integer(value) for name, value in whole.items()}
            given |= {name: floating(value) for name, value in real.items()}
            given["hidden_layer_sizes"] = np.array([12], integer)
            one = fitted(MLPClassifier, iris, solver=solver, **given, **more)
            assert one.n_iter_ == plain.n_iter_ and one.loss_ == plain.loss_
            np.testing.assert_array_equal(one.coefs_[0], plain.coefs_[0])
    if solver == "adam":
        search = GridSearchCV(MLPClassifier(**FEW), {"batch_size": np.array([16, 32])}, cv=2).fit(*iris)
        assert search.best_params_["batch_size"] in (16, 32)


@pytest.mark.parametrize("kind", ESTIMATORS)
@pytest.mark.parametrize("form", [sparse.csr_matrix, sparse.csc_array])
def test_sparse_is_dense(kind, form, rng):
    X = rng.normal(size=(80, 30)) * (rng.random((80, 30)) < 0.2)
    y = (X[:, 0] > 0).astype(int)
    for parameters in (FEW, {**FEW, "solver": "lbfgs"}, {**FEW, "early_stopping": True}):
        dense, thin = kind(**parameters).fit(X, y), kind(**parameters).fit(form(X), y)
        np.testing.assert_array_equal(dense.coefs_[0], thin.coefs_[0])
        np.testing.assert_array_equal(dense.predict(X), thin.predict(form(X)))


def test_a_bad_value_in_a_sparse_matrix_is_told_with_its_place(iris):
    """Not as one of the labels, which are text and right."""
    X, labels = iris[0], np.array(["a", "b", "c"])[iris[1]]
    estimator = MLPClassifier(**FEW).fit(sparse.csr_array(X), labels)
    bad = sparse.csc_array(np.where(np.arange(X.size).reshape(X.shape) == 5, np.nan, X))
    for call in (
        lambda: MLPClassifier(**FEW).fit(bad, labels),
        lambda: MLPClassifier(**FEW).fit(X, labels, validation_data=(bad, labels)),
        lambda: estimator.partial_fit(bad, labels),
        lambda: estimator.predict(bad),
    ):
        with pytest.raises(ValueError, match=r"^X: NaN at row 1, column 1; remove or fill"):
            call()


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_a_sparse_matrix_is_never_dense_as_a_whole(solver):
    X = sparse.random(10000, 3000, 0.001, "csr", random_state=0)
    one = MLPRegressor(hidden_layer_sizes=(5,), solver=solver, max_iter=2, random_state=0, n_threads=1)
    y = X[:, 0].toarray().ravel()
    one.fit(X, y)  # what is compiled takes memory once
    tracemalloc.start()
    try:
        one.fit(X, y)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < X.dtype.itemsize * 10000 * 3000 / 3  # a chunk and a group of it for every thread


def test_tables_and_names(iris):
    import pandas
    import polars

    X, y = iris
    frame = pandas.DataFrame(X, columns=list("abcd"))
    one = MLPClassifier(**FEW).fit(frame, y)
    assert list(one.feature_names_in_) == list("abcd")
    np.testing.assert_array_equal(one.predict(frame), one.predict(polars.DataFrame(X, schema=list("abcd"))))
    with pytest.warns(UserWarning, match="valid feature names"):
        one.predict(X[:1])
    arrow = pytest.importorskip("pyarrow").Table.from_pandas(frame)
    np.testing.assert_array_equal(one.predict(arrow), one.predict(frame))
    two = MLPClassifier(**FEW).fit(arrow, y)
    np.testing.assert_array_equal(two.coefs_[0], one.coefs_[0])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_one_row_has_the_bits_of_many(dtype, iris):
    X = iris[0].astype(dtype)
    for y in (iris[1], iris[1] == 1, np.stack([iris[1] == 1, iris[1] == 2], axis=1).astype(int)):
        one = MLPClassifier(**FEW).fit(X, y)
        several = one.predict(X)
        for i in (0, 70, 149):
            np.testing.assert_array_equal(one.predict(X[i : i + 1]), several[i : i + 1])
    one = MLPRegressor(**FEW).fit(X, iris[1])
    np.testing.assert_array_equal(np.concatenate([one.predict(X[i : i + 1]) for i in range(9)]), one.predict(X)[:9])
    with pytest.raises(ValueError, match="NaN"):
        one.predict(np.full((1, 4), np.nan, dtype))
    with pytest.raises(ValueError, match="3 features"):
        one.predict(np.zeros((1, 3), dtype))


# ------------------------------------------------------------------------------------ fcnet's extras


LABELS = {
    "numbers": lambda y: y, "two numbers": lambda y: y > 0, "text": lambda y: np.array(["a", "b", "c"])[y],
    "two words": lambda y: np.array(["no", "yes", "yes"])[y], "negative": lambda y: y - 5,
    "float": lambda y: y.astype(float), "bytes of 8 bits": lambda y: y.astype(np.uint8),
    "objects": lambda y: y.astype(str).astype(object),
    "several": lambda y: np.eye(3, dtype=int)[y], "a column": lambda y: y[:, None].astype(float),
}  # fmt: skip


@pytest.mark.parametrize("kind", ESTIMATORS)
@pytest.mark.parametrize("labels", LABELS)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.DataConversionWarning")
def test_plain_arrays_take_a_short_way_to_the_same_bits(kind, labels, iris):
    """Like the same numbers in another order of memory, which take scikit-learn's way through all its checks."""
    X, y = iris[0], LABELS[labels](iris[1])
    if kind is MLPRegressor and y.dtype.kind in "UO":
        pytest.skip("no numbers")
    one, other = kind(random_state=1), kind(random_state=1)
    first = {"classes": np.arange(3) if labels == "several" else np.unique(y)} if kind is MLPClassifier else {}
    for _ in range(3):
        one.partial_fit(X, y, **first)
        other.partial_fit(np.asfortranarray(X), y, **first)
        first = {}
    for W, V in zip(one.coefs_ + one.intercepts_, other.coefs_ + other.intercepts_, strict=True):
        np.testing.assert_array_equal(W, V)
    assert one.loss_curve_ == other.loss_curve_
    for n in 1, 5, 150:
        np.testing.assert_array_equal(one.predict(X[:n]), one.predict(X[:n].tolist()))


@pytest.mark.parametrize("several", [True, False])
def test_classes_that_are_set_change_no_label(several, iris):
    """Neither for plain arrays nor for others: the labels are those of the fit, as in scikit-learn."""
    X, y = np.ascontiguousarray(iris[0]), iris[1] if several else iris[1] == 1
    one, other = (kind(**FEW, solver="lbfgs").fit(X, y) for kind in PAIRS[0])
    one.classes_ = other.classes_ = np.array(["a", "b", "c"])[: len(one.classes_)]
    for rows in (X, X[:1], X.tolist()):
        assert one.predict(rows).dtype == other.predict(rows).dtype == y.dtype


@pytest.mark.parametrize("X, y, match", [
    (np.full((4, 4), np.nan), [0, 1, 2, 0], "NaN"),
    (np.full((4, 4), 1e200), [0, 1, 2, 0], None),
    (np.ones((4, 3)), [0, 1, 2, 0], "3 features"),
    (np.ones((4, 4)), [0, 1, 3, 0], "not in"),
    (np.ones((4, 4)), [0, 1, -1, 0], "not in"),
    (np.ones((4, 4)), [0, 1, 2], "inconsistent numbers"),
    (np.ones((4, 4), complex), [0, 1, 2, 0], "omplex"),
    (np.ones((0, 4)), [], "0 sample"),
])
def test_the_short_way_lets_nothing_pass(X, y, match, iris):
    """The errors of scikit-learn's checks, on an estimator that has been trained."""
    estimator = MLPClassifier(**FEW).partial_fit(*iris, classes=[0, 1, 2])
    before = [W.copy() for W in estimator.coefs_]
    if match is None:  # large numbers are numbers
        assert estimator.partial_fit(X * 1e-195, np.array(y)) is estimator
        return
    with pytest.raises(ValueError, match=match):
        estimator.partial_fit(X, np.array(y, int))
    for W, V in zip(estimator.coefs_, before, strict=True):
        np.testing.assert_array_equal(W, V)


def test_an_activation_for_each_layer_and_dropout(iris):
    one = fitted(MLPClassifier, iris, hidden_layer_sizes=(9, 5), activation=["tanh", "gelu"], dropout=[0.2, 0.0])
    dense = [layer for layer in one._model.layers if isinstance(layer, Dense)]
    assert [layer.activation for layer in dense] == ["tanh", "gelu", "softmax"]
    assert len(one.coefs_) == 3 and one.predict_proba(iris[0]).shape == (150, 3)
    np.testing.assert_array_equal(one.predict_proba(iris[0]), one.predict_proba(iris[0]))
    for wrong in (dict(activation=["tanh"]), dict(dropout=[0.1, 0.2, 0.3])):
        with pytest.raises(ValueError, match=rf"{next(iter(wrong))} must .* 2 hidden layers"):
            fitted(MLPClassifier, iris, hidden_layer_sizes=(9, 5), **wrong)


def test_every_call_drops_other_units(iris):
    """At a rate of almost 0 the loss depends on nothing but the units that are dropped."""
    still = {**FEW, "dropout": 0.5, "learning_rate_init": 1e-12, "batch_size": 150, "shuffle": False, "max_iter": 4}
    whole, stream = MLPClassifier(**still).fit(*iris), MLPClassifier(**still)
    warm = MLPClassifier(**{**still, "max_iter": 1, "warm_start": True})
    for _ in range(4):
        stream.partial_fit(*iris, classes=range(3))
        warm.fit(*iris)
    for one in (whole, stream, warm):
        assert len(np.unique(np.round(one.loss_curve_, 6))) == 4
    assert MLPClassifier(**still).fit(*iris).loss_curve_ == whole.loss_curve_
    np.testing.assert_allclose(whole.coefs_[0], reference.MLPClassifier(**FEW | {
        "learning_rate_init": 1e-12, "max_iter": 1}).fit(*iris).coefs_[0], rtol=1e-6)


def test_any_optimizer_and_loss(iris):
    assert fitted(MLPClassifier, iris, solver="adamax", learning_rate_init=0.01).n_iter_ == 15
    rate = optimizers.SGD(0.1, momentum=0.5)
    one = fitted(MLPRegressor, iris, solver=rate, loss="huber")
    assert one._model.optimizer.learning_rate == 0.1 and one._model.optimizer is not rate
    with pytest.raises(ValueError, match="solver"):
        fitted(MLPClassifier, iris, solver="newton")


def test_class_weight_is_sample_weight(iris):
    X, y = iris[0], (iris[1] == 2).astype(int)
    counts = np.bincount(y)
    weighted = MLPClassifier(**FEW, class_weight="balanced").fit(X, y)
    same = MLPClassifier(**FEW).fit(X, y, sample_weight=(150 / (2 * counts))[y])
    np.testing.assert_array_equal(weighted.coefs_[0], same.coefs_[0])
    again = MLPClassifier(**FEW, class_weight="balanced").fit(X, _NotAnArray(y))
    np.testing.assert_array_equal(again.coefs_[0], same.coefs_[0])


@pytest.mark.parametrize("form", [np.asarray, sparse.csr_matrix])
def test_class_weight_of_several_labels(form, iris):
    X, Y = iris[0], np.stack([iris[1] == 0, iris[0][:, 0] > 6], axis=1).astype(int)
    weighted = MLPClassifier(**FEW, class_weight=[{0: 1, 1: 5}, {1: 2}]).fit(X, form(Y))
    same = MLPClassifier(**FEW).fit(X, Y, sample_weight=np.where(Y, [5, 2], 1).prod(axis=1))
    np.testing.assert_array_equal(weighted.coefs_[0], same.coefs_[0])
    for given, labels, match in (({0: 1}, Y, "should be a list of dicts"), ([{0: 1}], Y, "number of elements"),
                                 ([{0: 1}], iris[1], "class_weight")):  # fmt: skip
        with pytest.raises(ValueError, match=match):
            MLPClassifier(**FEW, class_weight=given).fit(X, labels)


@pytest.mark.parametrize("names", [np.arange(3), np.array(["a", "b", "c"]), np.array(["a", "b", "c"], object)])
def test_class_weight_of_a_stream_that_lacks_the_class(names, iris):
    X, y = iris
    weighted = MLPClassifier(**FEW, class_weight={names[2]: 5})
    same = MLPClassifier(**FEW)
    for rows in (slice(0, 90), slice(60, 150)):
        weighted.partial_fit(X[rows], names[y[rows]], classes=names)
        same.partial_fit(X[rows], names[y[rows]], classes=names, sample_weight=np.where(y[rows] == 2, 5.0, 1.0))
    np.testing.assert_array_equal(weighted.coefs_[0], same.coefs_[0])
    with pytest.raises(ValueError, match="are not in class_weight"):
        MLPClassifier(**FEW, class_weight={"z": 5}).partial_fit(X, names[y], classes=names)


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
@pytest.mark.parametrize("given, weights, match", [
    (dict.fromkeys(range(3), 0), None, "^class_weight is 0 for all 150 samples"),
    ({0: 0}, np.repeat([1.0, 0.0], [50, 100]), "^class_weight times sample_weight is 0 for all 150 samples"),
    ({0: -1, 1: 1, 2: 0}, None, "sample_weight is -1 at row 0; weights must be 0 or more"),
    (None, np.repeat([1.0, -1.0], 75), "sample_weight is -1 at row 75; weights must be 0 or more"),
], ids=("zeros", "zeros in all", "negative", "of samples"))  # fmt: skip
def test_weights_that_add_up_to_nothing(solver, given, weights, match, iris):
    with pytest.raises(ValueError, match=match):
        MLPClassifier(**FEW, solver=solver, class_weight=given).fit(*iris, sample_weight=weights)


def test_weights_of_the_samples_held_out_alone(iris):
    weights = np.zeros(150)
    weights[3] = 1
    one = MLPRegressor(**FEW, early_stopping=True, validation_fraction=0.9)
    with pytest.raises(ValueError, match="sample_weight of those not held out is 0 for all 15 samples"):
        one.fit(*iris, sample_weight=weights)


def test_classes_by_number_are_log_loss(iris):
    for loss in ("sparse_categorical_crossentropy", losses.SparseCategoricalCrossentropy()):
        with pytest.raises(ValueError, match=r"takes numbers of classes.*loss='log_loss' is the same"):
            fitted(MLPClassifier, iris, loss=loss)


def test_lbfgs_by_either_name_refuses_dropout(iris):
    for solver in ("lbfgs", optimizers.LBFGS()):
        one = MLPClassifier(**FEW, solver=solver, dropout=0.2)
        with pytest.raises(ValueError, match="LBFGS needs the same loss every time; layer 'dropout'"):
            one.fit(*iris)
        assert not hasattr(one, "coefs_")


def test_a_validation_set_of_ones_own(iris):
    parts = train_test_split(*iris, random_state=0)
    one = MLPClassifier(**FEW).fit(parts[0], parts[2], validation_data=(parts[1], parts[3]))
    assert len(one.validation_loss_curve_) == len(one.loss_curve_) == 15
    two = MLPClassifier(**FEW, early_stopping=True).fit(parts[0], parts[2], validation_data=(parts[1], parts[3]))
    assert len(two.validation_scores_) == two.n_iter_ and two.best_validation_score_ == max(two.validation_scores_)
    assert two.score(parts[1], parts[3]) == two.best_validation_score_
    one.set_params(warm_start=True).fit(parts[0], parts[2], validation_data=(parts[1], parts[3]))
    assert len(one.validation_loss_curve_) == len(one.loss_curve_) == 30
    assert not hasattr(one.set_params(warm_start=False).fit(parts[0], parts[2]), "validation_loss_curve_")


def test_a_validation_set_may_have_weights_and_lack_classes(iris):
    X, y = iris
    weights = np.arange(1.0, 151.0)
    few = y > 0
    for options in (FEW, {**FEW, "early_stopping": True}, {**FEW, "warm_start": True}):
        one = MLPClassifier(**options).fit(X, y, validation_data=(X[few], y[few], weights[few]))
        other = MLPClassifier(**options).fit(X, y, validation_data=(X[few], y[few], 2 * weights[few]))
        np.testing.assert_allclose(one.validation_loss_curve_, other.validation_loss_curve_)
        plain = MLPClassifier(**options).fit(X, y, validation_data=(X[few], y[few]))
        same = MLPClassifier(**options).fit(X, y, validation_data=(sparse.csr_matrix(X[few]), y[few], np.ones(100)))
        assert plain.validation_loss_curve_ == same.validation_loss_curve_ != one.validation_loss_curve_
        assert plain.validation_scores_ == same.validation_scores_


def test_the_validation_loss_is_of_its_own_targets(iris):
    """Poisson's has a term of y alone."""
    X, y = iris
    weights = np.arange(1.0, 51.0)
    one = MLPRegressor(**{**FEW, "max_iter": 1}, loss="poisson", alpha=0, learning_rate_init=1e-14)
    for w in (None, weights):
        one.fit(X, y, validation_data=(X[100:], y[100:], w))
        deviance = mean_poisson_deviance(y[100:], one.predict(X[100:]), sample_weight=w)
        assert one.validation_loss_curve_ == pytest.approx([deviance / 2], rel=1e-4)


BAD_VALIDATION = {  # X and y as they are changed, the estimator, targets in training, and what the error says
    "text": (lambda X, y: (X, y.astype(str)), MLPRegressor, 1, "real numbers, got '0.0' at row 0"),
    "complex": (lambda X, y: (X, y + 1j), MLPRegressor, 1, "Complex data"),
    "dates": (lambda X, y: (X, y.astype("M8[D]")), MLPRegressor, 1, "datetime"),
    "masked y": (lambda X, y: (X, np.ma.masked_array(y, y == 0)), MLPRegressor, 1, "y is masked at row 0"),
    "masked X": (lambda X, y: (np.ma.masked_array(X, X > 5), y), MLPClassifier, 1, "X is masked at row 0, column 0"),
    "3-D": (lambda X, y: (X, y[:, None, None]), MLPRegressor, 1, "dim 3"),
    "transposed": (lambda X, y: (X, np.stack([y, y])), MLPRegressor, 2, r"samples: \[150, 2\]"),
    "end to end": (lambda X, y: (X, np.r_[y, y]), MLPRegressor, 2, r"samples: \[150, 300\]"),
    "columns": (lambda X, y: (X, y), MLPRegressor, 2, r"needs \(samples, 2\)"),
    "lengths": (lambda X, y: (X, y[:40]), MLPClassifier, 1, r"samples: \[150, 40\]"),
    "features": (lambda X, y: (X[:, :3], y), MLPClassifier, 1, "3 features"),
    "NaN": (lambda X, y: (np.where(X > 5, np.nan, X), y), MLPClassifier, 1, "X: NaN at row 0, column 0"),
    "unknown class": (lambda X, y: (X, y + 1), MLPClassifier, 1, "classes not in"),
    "weights": (lambda X, y: (X, y, -X[:, 0]), MLPClassifier, 1, "weights must be 0 or more"),
    "array": (lambda X, y: X, MLPClassifier, 1, "validation_data must be .*, got ndarray of 150"),
    "number": (lambda X, y: 5, MLPRegressor, 1, "validation_data must be .*, got 5"),
}


@pytest.mark.parametrize("case", BAD_VALIDATION)
def test_a_validation_set_is_checked_as_the_training_set(case, iris):
    change, kind, outputs, match = BAD_VALIDATION[case]
    X, y = iris
    Y = y if outputs == 1 else np.stack([y, y], axis=1)
    held_out = change(X, y if kind is MLPClassifier else y.astype(float))
    for options in (FEW, {**FEW, "early_stopping": True}, {**FEW, "warm_start": True}):
        one = kind(**options)
        with pytest.raises((TypeError, ValueError), match=match):
            one.fit(X, Y, validation_data=held_out)
        assert vars(one) == vars(kind(**options))


def test_a_validation_set_needs_epochs(iris):
    with pytest.raises(ValueError, match=r"solver='lbfgs' has none: .*LBFGS\(\)"):
        MLPClassifier(**FEW, solver="lbfgs").fit(*iris, validation_data=iris)
    one = MLPClassifier(**FEW, solver=optimizers.LBFGS()).fit(*iris, validation_data=iris)
    assert len(one.validation_loss_curve_) == one.n_iter_


def test_the_score_of_one_sample(iris):
    X, y = iris
    one = fitted(MLPClassifier, iris, early_stopping=True).fit(X, y, validation_data=(X[:1], y[:1]))
    assert set(one.validation_scores_) <= {0, 1}
    with pytest.raises(ValueError, match=r"validation_data has 1 sample, .* R2, needs 2"):
        MLPRegressor(**FEW, early_stopping=True).fit(X, y, validation_data=(X[:1], y[:1]))
    assert len(MLPRegressor(**FEW).fit(X, y, validation_data=(X[:1], y[:1])).validation_loss_curve_) == 15


def test_lbfgs_by_the_name_of_its_class(iris):
    one, other = (MLPClassifier(**FEW, solver=solver).fit(*iris)
                  for solver in ("LBFGS", optimizers.LBFGS()))
    np.testing.assert_array_equal(one.coefs_[0], other.coefs_[0])


def test_a_callback_that_needs_validation_data_says_so(iris):
    with pytest.raises(ValueError, match=r"'val_loss', which is not among loss; .* need validation_data"):
        fitted(MLPClassifier, iris, callbacks=[callbacks.EarlyStopping()])


def test_callbacks_threads_and_dtype(iris):
    seen = []
    told = callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: seen.append(logs["loss"]))
    one = fitted(MLPClassifier, iris, callbacks=[told], n_threads=1, dtype="float32")
    np.testing.assert_allclose(seen, one.loss_curve_)
    assert one.coefs_[0].dtype == np.float32


@pytest.mark.parametrize("parameters", [
    dict(), dict(n_iter_no_change=1), dict(solver="sgd"), dict(early_stopping=True),
    dict(solver="sgd", learning_rate="adaptive"), dict(max_iter=17, n_iter_no_change=np.inf),
], ids=str)  # fmt: skip
def test_epochs_in_one_call_are_judged_one_by_one(parameters, iris):
    """Without callbacks several epochs run at a time; they end where they would one at a time, with the same bits."""
    usual = dict(hidden_layer_sizes=(5,), max_iter=150, tol=3e-3, learning_rate_init=0.02, random_state=1)
    parameters = usual | parameters
    one = MLPClassifier(**parameters).fit(*iris)
    told = callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: None)
    other = MLPClassifier(**parameters, callbacks=[told]).fit(*iris)
    assert one.n_iter_ == other.n_iter_ and one.loss_curve_ == other.loss_curve_
    assert one.validation_scores_ == other.validation_scores_
    assert one.n_iter_ < 150 or "learning_rate" in parameters
    np.testing.assert_array_equal(one._model.parameters, other._model.parameters)


# ------------------------------------------------------------------------------------------- errors


def whole_state(estimator):
    """Attributes but for parameters, weights, and the optimizer with all it has."""
    known = {name: value for name, value in vars(estimator).items() if name.endswith("_") or name == "_best"}
    optimizer = estimator._model.optimizer
    return copy.deepcopy((known, estimator._model.parameters, type(optimizer), vars(optimizer) if optimizer else None))


def fail(*arguments):
    raise LookupError("of a callback")


def fail_later(epoch, logs):
    if epoch == 1:
        fail()


FAILING = dict(callbacks=[callbacks.LambdaCallback(on_epoch_end=fail_later)])


@pytest.mark.parametrize("parameters, change, scale, match", [
    (dict(), dict(learning_rate_init=0.3, **FAILING), 1, "of a callback"),
    (dict(early_stopping=True), FAILING, 1, "of a callback"),
    (dict(solver="sgd", activation="identity"), dict(learning_rate_init=0.1), 1, "diverged in epoch [2-9]"),
    (dict(solver="lbfgs"), dict(), 1e200, "non-finite"),
    (dict(), dict(solver="lbfgs"), 1e200, "non-finite"),
    (dict(), dict(solver=optimizers.LBFGS(), **FAILING), 1, "of a callback"),
], ids=("rate", "best", "divergence", "lbfgs", "adam and lbfgs", "LBFGS"))  # fmt: skip
@pytest.mark.filterwarnings("ignore:overflow", "ignore:invalid value")
def test_a_warm_start_that_fails_changes_nothing(parameters, change, scale, match, iris):
    X, y = iris
    one = MLPRegressor(**FEW, **parameters, warm_start=True).fit(X, y)
    one.set_params(**change)
    before, predicted = whole_state(one), one.predict(X)
    with pytest.raises((ValueError, LookupError), match=match):
        one.fit(X, y * scale)
    np.testing.assert_equal(whole_state(one), before)
    np.testing.assert_array_equal(one.predict(X), predicted)


@pytest.mark.parametrize("parameters", [
    dict(), dict(solver="sgd", learning_rate="adaptive", tol=1e9, n_iter_no_change=1),
    dict(solver=optimizers.Adam(use_ema=True)), dict(solver=optimizers.LBFGS()),
], ids=("adam", "sgd", "average", "LBFGS"))  # fmt: skip
@pytest.mark.parametrize("hook", ["on_train_batch_end", "on_epoch_end", "on_train_end"])
def test_a_partial_fit_that_fails_changes_nothing(parameters, hook, iris):
    """Nor does it disturb what comes after it."""
    if hook == "on_train_batch_end" and isinstance(parameters.get("solver"), optimizers.LBFGS):
        pytest.skip("it has no batches")
    X, y = iris
    one, other = (MLPRegressor(**FEW, **parameters).partial_fit(X, y).partial_fit(X, y) for _ in range(2))
    before = whole_state(one)
    with pytest.raises(LookupError, match="of a callback"):
        one.set_params(callbacks=[callbacks.LambdaCallback(**{hook: fail})]).partial_fit(X, y)
    np.testing.assert_equal(whole_state(one), before)
    one.set_params(callbacks=None).partial_fit(X, y)
    np.testing.assert_equal(whole_state(one), whole_state(other.partial_fit(X, y)))


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_y_must_have_the_columns_of_the_first_fit(solver, iris):
    """The kernels read as many as the network has outputs."""
    X, y = iris
    wide = np.stack([y, y, y], axis=1)
    for first, other in ((y, wide), (wide, y), (wide, wide[:, :2])):
        one = MLPRegressor(**FEW, solver=solver, warm_start=True).fit(X, first)
        before = whole_state(one)
        for again in (one.fit, one.partial_fit) if solver == "adam" else (one.fit,):
            with pytest.raises(ValueError, match=r"y has shape \(150, .\), .* needs \(samples, .\)"):
                again(X, other)
            np.testing.assert_equal(whole_state(one), before)


# ---------------------------------------------------------------------------------------- ecosystem


def test_pipelines_searches_and_calibration(iris):
    X, y = iris
    pipeline = make_pipeline(StandardScaler(), MLPClassifier(**FEW))
    assert cross_val_score(pipeline, X, y, cv=3).shape == (3,)
    search = GridSearchCV(pipeline, {"mlpclassifier__alpha": [1e-4, 1.0]}, cv=2).fit(X, y)
    assert search.best_params_["mlpclassifier__alpha"] in (1e-4, 1.0)
    assert CalibratedClassifierCV(MLPClassifier(**FEW), cv=2).fit(X, y).predict_proba(X).shape == (150, 3)


def test_a_search_in_worker_processes_has_the_bits_of_one_process(iris):
    grid = {"hidden_layer_sizes": [(5,), (9,)]}
    scores = [GridSearchCV(MLPClassifier(**FEW), grid, cv=2, n_jobs=jobs).fit(*iris).cv_results_["mean_test_score"]
              for jobs in (1, 2)]
    np.testing.assert_array_equal(*scores)


def test_a_search_with_dasks_backend(iris):
    distributed = pytest.importorskip("distributed")
    search = GridSearchCV(MLPClassifier(**FEW), {"hidden_layer_sizes": [(5,), (9,)]}, cv=2)
    expected = search.fit(*iris).cv_results_["mean_test_score"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of its own
        options = dict(n_workers=1, threads_per_worker=2, processes=False, dashboard_address=None)
        with distributed.Client(**options), joblib.parallel_config("dask"):
            found = search.fit(*iris).cv_results_["mean_test_score"]
    np.testing.assert_array_equal(found, expected)


def test_sample_weight_is_routed(iris):
    X, y = iris
    weights = np.random.default_rng(0).random(len(y))
    expected = MLPClassifier(**FEW).fit(StandardScaler().fit_transform(X), y, sample_weight=weights)
    with sklearn.config_context(enable_metadata_routing=True):
        weighted = MLPClassifier(**FEW).set_fit_request(sample_weight=True).set_score_request(sample_weight=True)
        pipeline = make_pipeline(StandardScaler().set_fit_request(sample_weight=False), weighted)
        pipeline.fit(X, y, sample_weight=weights)
        np.testing.assert_array_equal(pipeline[-1].coefs_[0], expected.coefs_[0])
        search = GridSearchCV(pipeline, {"mlpclassifier__alpha": [1e-4]}, cv=2).fit(X, y, sample_weight=weights)
        np.testing.assert_array_equal(search.best_estimator_[-1].coefs_[0], expected.coefs_[0])
        ignoring = make_pipeline(StandardScaler().set_fit_request(sample_weight=False),
                                 MLPClassifier(**FEW).set_fit_request(sample_weight=False))  # fmt: skip
        with pytest.raises(TypeError, match="sample_weight"):
            ignoring.fit(X, y, sample_weight=weights)
        with pytest.raises(ValueError, match="sample_weight"):
            make_pipeline(MLPClassifier(**FEW)).fit(X, y, sample_weight=weights)


def test_set_output_of_the_steps_before(iris):
    """An estimator gives no table, but takes the names of one."""
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(iris[0], columns=list("abcd"))
    plain = make_pipeline(StandardScaler(), MLPClassifier(**FEW)).fit(frame, iris[1])
    named = make_pipeline(StandardScaler(), MLPClassifier(**FEW)).set_output(transform="pandas").fit(frame, iris[1])
    assert list(named[-1].feature_names_in_) == list("abcd") and not hasattr(plain[-1], "feature_names_in_")
    np.testing.assert_array_equal(named.predict_proba(frame), plain.predict_proba(frame))


@pytest.mark.parametrize("kind", ESTIMATORS)
def test_conversion_to_onnx(kind, iris):
    runtime, converter = pytest.importorskip("onnxruntime"), pytest.importorskip("skl2onnx")
    X = iris[0].astype(np.float32)
    one = fitted(kind, iris, hidden_layer_sizes=(9, 5), activation="tanh", dtype="float32")
    options = {"zipmap": False} if kind is MLPClassifier else None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of its own
        converted = converter.to_onnx(one.to_sklearn(), X[:1], options=options)
    session = runtime.InferenceSession(converted.SerializeToString(), providers=["CPUExecutionProvider"])
    found = session.run(None, {"X": X})
    expected = one.predict(X)[:, None]
    if kind is MLPClassifier:
        np.testing.assert_array_equal(found[0], one.predict(X))
        expected = one.predict_proba(X)
    np.testing.assert_allclose(found[-1], expected, rtol=1e-5, atol=1e-5)


def test_interrupted_training_keeps_what_it_learned(iris):
    def stop(epoch, logs):
        if epoch == 4:
            raise KeyboardInterrupt

    with pytest.warns(UserWarning, match="interrupted"):
        one = fitted(MLPClassifier, iris, callbacks=[callbacks.LambdaCallback(on_epoch_end=stop)])
    assert one.n_iter_ == 5 and one.predict(iris[0]).shape == (150,)


def test_functions_of_ones_own(iris):
    X, y = iris
    activation = activations.Custom(numba.njit(lambda z: max(z, 0.0)))
    loss = losses.Custom(numba.njit(lambda a, y: 0.5 * (a - y) ** 2))
    options = dict(hidden_layer_sizes=(4,), max_iter=2, random_state=0, alpha=0)
    own = clone(MLPRegressor(activation=activation, loss=loss, **options)).fit(X, y)
    np.testing.assert_allclose(own.predict(X), MLPRegressor(**options).fit(X, y).predict(X), rtol=1e-5)
