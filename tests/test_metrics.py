"""Metrics of several sums against scikit-learn and against their definitions, through models."""

import numpy as np
import pytest
from sklearn import metrics as sklearn_metrics

from fcnet import Dense, Sequential, losses, metrics, optimizers, planning
from fcnet.metrics import AUC, F1Score, FBetaScore, Precision, R2Score, Recall

BINARY, SPARSE, DENSE, SQUARED = (
    "binary_crossentropy", "sparse_categorical_crossentropy", "categorical_crossentropy", "mean_squared_error")
N = 530
NODES, WEIGHTS = np.polynomial.legendre.leggauss(100)  # of Gauss's quadrature on [-1, 1]


def rates(p, y, w, n):
    """Weights of positives and negatives found, (2, n), for Keras's thresholds."""
    thresholds = np.array([-1e-7, *(np.arange(1, n - 1) / (n - 1)), 1 + 1e-7])
    found = p.ravel() > thresholds[:, None]
    w = np.repeat(w, p[0].size)
    return found @ (w * (y.ravel() == 1)), found @ (w * (y.ravel() == 0))


def roc_area(p, y, w, n=200):
    right, wrong = rates(p, y, w, n)
    return -np.trapezoid(right / right[0], wrong / wrong[0])


def precision_recall_area(p, y, w, n=200):
    """Keras's: between two thresholds precision follows from right and wrong ones that grow at one rate."""
    right, wrong = rates(p, y, w, n)
    area = 0.0
    for i in range(n - 1):
        found = right + wrong
        grown = found[i] - found[i + 1]
        if grown > 0:
            slope = (right[i] - right[i + 1]) / grown
            t = (NODES + 1) / 2 * grown
            area += slope * WEIGHTS @ ((right[i + 1] + slope * t) / (found[i + 1] + t)) * grown / 2
    return area / right[0]


def by_scikit_learn(name, answers, **how):
    """The metric of the classes that `answers` makes of the outputs."""
    function = getattr(sklearn_metrics, name)
    return lambda p, y, w: function(y, answers(p), sample_weight=w, zero_division=0, **how)


def yes(p):
    return (p > 0.5).astype(int)


def highest(p):
    return p.argmax(axis=1)


def top(k):
    def share(p, y, w):
        labels = np.arange(p.shape[1])
        return sklearn_metrics.top_k_accuracy_score(y.ravel() if y.shape[1] == 1 else highest(y), p, k=k, labels=labels,
                                                    sample_weight=w)
    return share


def r2(how):
    return lambda p, y, w: sklearn_metrics.r2_score(y, p, sample_weight=w, multioutput=how)


def pooled(name):
    """Outputs, each yes or no, as samples of their own."""
    function = getattr(sklearn_metrics, name)
    return lambda p, y, w: function(y.ravel(), yes(p).ravel(), sample_weight=np.repeat(w, y.shape[1]))


TABLE = [  # units, loss, metric, its value from outputs (N, O), labels and weights
    (1, BINARY, "precision", pooled("precision_score")),
    (1, BINARY, "Recall", pooled("recall_score")),
    (1, BINARY, Precision(0.3), lambda p, y, w: sklearn_metrics.precision_score(y, p > 0.3, sample_weight=w)),
    (1, BINARY, "f1_score", pooled("f1_score")),
    (1, BINARY, FBetaScore(beta=2), lambda p, y, w: sklearn_metrics.fbeta_score(y, yes(p), beta=2, sample_weight=w)),
    (1, BINARY, "auc", roc_area),
    (1, BINARY, AUC(curve="PR"), precision_recall_area),
    (1, BINARY, AUC(11), lambda p, y, w: roc_area(p, y, w, 11)),
    (3, BINARY, "precision", pooled("precision_score")),
    (3, BINARY, Recall(), pooled("recall_score")),
    (3, BINARY, AUC(), roc_area),
    (3, BINARY, AUC(multi_label=True),
     lambda p, y, w: np.mean([roc_area(p[:, [o]], y[:, [o]], w) for o in range(3)])),
    (3, BINARY, F1Score("macro", threshold=0.5), by_scikit_learn("f1_score", yes, average="macro")),
    (4, SPARSE, "precision", lambda p, y, w: pooled("precision_score")(p, np.eye(4)[y.ravel()], w)),
    *((4, SPARSE, kind(average=average), by_scikit_learn(name, highest, average=average))
      for kind, name in ((Precision, "precision_score"), (Recall, "recall_score"), (F1Score, "f1_score"))
      for average in ("micro", "macro", "weighted")),
    (4, SPARSE, F1Score(class_id=2), lambda p, y, w: sklearn_metrics.f1_score(
        y.ravel() == 2, highest(p) == 2, sample_weight=w)),
    (4, SPARSE, Precision(class_id=1, thresholds=0.25), lambda p, y, w: sklearn_metrics.precision_score(
        y.ravel() == 1, p[:, 1] > 0.25, sample_weight=w)),
    (4, SPARSE, AUC(), lambda p, y, w: roc_area(p, np.eye(4)[y.ravel()], w)),
    (4, SPARSE, metrics.SparseTopKCategoricalAccuracy(2), top(2)),
    (4, DENSE, metrics.TopKCategoricalAccuracy(3), top(3)),
    (4, DENSE, F1Score("weighted"), lambda p, y, w: sklearn_metrics.f1_score(
        highest(y), highest(p), average="weighted", sample_weight=w)),
    (1, SQUARED, "r2_score", r2("uniform_average")),
    (3, SQUARED, R2Score(), r2("uniform_average")),
    (3, SQUARED, R2Score("variance_weighted_average"), r2("variance_weighted")),
]


def labels_for(rng, units, loss):
    if loss == SPARSE:
        return rng.integers(0, units, (N, 1))
    if loss == DENSE:
        return np.eye(units)[rng.integers(0, units, N)]
    if loss == SQUARED:
        return 30 + rng.standard_normal((N, units)) * [2, 1, 0.1][:units]
    return (rng.random((N, units)) < 0.3).astype(int)


def problem(units, loss, dtype="float64"):
    rng = np.random.default_rng(units)
    output = {BINARY: "sigmoid", SQUARED: "linear"}.get(loss, "softmax")
    model = Sequential([Dense(units, output, input_dim=5)], dtype=dtype)
    X, y = rng.standard_normal((N, 5)), labels_for(rng, units, loss)
    W, b = rng.standard_normal((5, units)), np.full(units, 30.0 if loss == SQUARED else 0)
    model.set_weights([W, b])
    return model, X, y, rng.integers(0, 3, N)


@pytest.mark.parametrize("units, loss, metric, wanted", TABLE, ids=[
    f"{units}-{loss[:6]}-{metric if isinstance(metric, str) else metric.name}-{i}"
    for i, (units, loss, metric, _) in enumerate(TABLE)])
def test_against_scikit_learn(units, loss, metric, wanted, dtype, monkeypatch):
    """Of all samples alike and by weight; in chunks of a few slabs; in History and in evaluate, with the same bits."""
    model, X, y, w = problem(units, loss, dtype)
    name = metric if isinstance(metric, str) else metric.name
    model.compile(optimizers.SGD(0.1 if loss == SQUARED else 5.0), loss, metrics=[metric])
    exact, rounding = dtype is np.float64, 3 / np.sqrt(N) / N  # in float32 a sample may fall to the other side
    same = 1e-12 if loss != SQUARED else 1e-9  # a variance is a small difference of large sums, in another order
    A = model.predict(X).astype(np.float64)
    found = model.evaluate(X, y, return_dict=True)[name]
    assert found == pytest.approx(wanted(A, y, np.ones(N)), rel=1e-9 if exact else 1e-3, abs=0 if exact else rounding)
    before = model.get_weights()
    history = model.fit(X, y, N, 1, 0, validation_data=(X, y)).history
    assert history[name][0] == pytest.approx(found, rel=same)
    assert history[f"val_{name}"][0] == model.evaluate(X, y)[1] != found

    model.set_weights(before)
    model.compile("sgd", loss, weighted_metrics=[metric])
    weighted = model.evaluate(X, y, sample_weight=w)[1]
    assert weighted == pytest.approx(wanted(A, y, w), rel=1e-9 if exact else 1e-3, abs=0 if exact else 2 * rounding)
    assert model.evaluate(X[w > 0], y[w > 0], sample_weight=w[w > 0])[1] == pytest.approx(weighted, rel=same)
    monkeypatch.setattr(planning, "SUMS", 1)
    again = problem(units, loss, dtype)[0]
    again.compile("sgd", loss, weighted_metrics=[metric])
    assert again.evaluate(X, y, sample_weight=w)[1] == weighted


def test_areas_come_near_to_the_exact_ones():
    """Within the documented bound, which shrinks with the intervals."""
    model, X, y, _ = problem(1, BINARY)
    p = model.predict(X)
    exact = sklearn_metrics.roc_auc_score(y, p)
    for n in (10, 200, 20_000):
        model.compile("sgd", BINARY, metrics=[AUC(n), AUC(n, "PR", name="pr")])
        _, roc, precision_recall = model.evaluate(X, y)
        inside = [np.histogram(p[y == label], np.linspace(0, 1, n))[0] for label in (0, 1)]
        bound = inside[0] @ inside[1] / inside[0].sum() / inside[1].sum() / 2
        assert abs(roc - exact) <= bound + 1e-12
    assert bound < 1e-4
    precision, recall, _ = sklearn_metrics.precision_recall_curve(y, p)
    assert precision_recall == pytest.approx(-np.trapezoid(precision, recall), abs=2e-3)


def test_logits_and_hinges():
    """Outputs on either side of 0: the same counts and areas as of their probabilities."""
    model, X, y, _ = problem(1, BINARY)
    named = ["precision", "recall", "f1_score", "auc"]
    model.compile("sgd", BINARY, metrics=named)
    wanted = model.evaluate(X, y)[1:]
    logits = Sequential([Dense(1, input_dim=5)], dtype="float64")
    logits.set_weights(model.get_weights())
    for loss, labels in (("hinge", 2 * y - 1), ("hinge", y)):
        logits.compile("sgd", loss, metrics=named)
        np.testing.assert_allclose(logits.evaluate(X, labels)[1:], wanted, rtol=1e-12)
    logits.compile("sgd", losses.BinaryCrossentropy(from_logits=True), metrics=named)
    np.testing.assert_allclose(logits.evaluate(X, y)[1:], wanted, rtol=1e-12)


def test_without_anything_to_count():
    """No positives, none found, constant targets: 0, or 1 for what is perfect; no warning, no NaN."""
    model = Sequential([Dense(1, "sigmoid", input_dim=1)])
    model.set_weights([np.zeros((1, 1)), np.full(1, -1.0)])
    model.compile("sgd", BINARY, metrics=["precision", "recall", "f1_score", "auc", AUC(curve="PR", name="pr")])
    assert model.evaluate([[0.0]] * 3, [0, 0, 0])[1:] == [0.0] * 5
    model = Sequential([Dense(1, input_dim=1)])
    model.set_weights([np.zeros((1, 1)), np.full(1, 2.0)])
    model.compile("sgd", SQUARED, metrics=["r2_score"])
    assert model.evaluate([[0.0]] * 3, [2, 2, 2])[1] == 1
    assert model.evaluate([[0.0]] * 3, [3, 3, 3])[1] == 0


def test_nan_stays_visible(dtype):
    model = Sequential([Dense(1, "sigmoid", input_dim=1)], dtype=dtype)
    model.compile("sgd", BINARY, metrics=["auc"])
    model.parameters[:] = np.nan
    assert np.isnan(model.evaluate([[1.0]] * 3, [0, 1, 1])).all()


BAD = [
    (1, BINARY, lambda: Precision(thresholds="half"), ["thresholds", "'half'"]),
    (1, BINARY, lambda: Precision(class_id=1), ["class_id=1", "1 outputs"]),
    (3, SPARSE, lambda: Recall(average="mean"), ["average", "'macro'", "'mean'"]),
    (3, SPARSE, lambda: Recall(average="macro", class_id=1), ["class_id=1", "give one"]),
    (3, SPARSE, lambda: F1Score(average=None), ["average=None", "class_id"]),
    (3, SPARSE, lambda: FBetaScore(beta=0), ["beta"]),
    (3, SPARSE, lambda: AUC(curve="roc"), ["curve", "'ROC'", "'roc'"]),
    (3, SPARSE, lambda: AUC(1), ["num_thresholds", "2 or more"]),
    (3, SPARSE, lambda: metrics.SparseTopKCategoricalAccuracy(3), ["k=3", "below 3"]),
    (3, SPARSE, lambda: metrics.TopKCategoricalAccuracy(2), ["top_k", SPARSE]),
    (3, DENSE, lambda: metrics.SparseTopKCategoricalAccuracy(2), ["sparse_top_k", DENSE]),
    (3, SPARSE, lambda: R2Score(), ["moments"]),
    (3, SQUARED, lambda: R2Score("mean"), ["class_aggregation", "'mean'"]),
]


@pytest.mark.parametrize("units, loss, make, words", BAD)
def test_wrong_metrics(units, loss, make, words):
    with pytest.raises(ValueError, match=words[0]) as raised:
        problem(units, loss)[0].compile("sgd", loss, metrics=[make()])
    for word in words:
        assert word in str(raised.value)


# ------------------------------------------------------------------------------------------------
# The confusion matrix
# ------------------------------------------------------------------------------------------------

def test_confusion_matrix():
    rng = np.random.default_rng(0)
    y, p, w = rng.integers(0, 4, 200), rng.random((200, 4)), rng.random(200)
    said = highest(p)
    wanted = sklearn_metrics.confusion_matrix(y, said)
    for labels in (y, y[:, None], np.eye(4)[y], y.astype(float).tolist()):
        for answers in (p, said, np.eye(4)[said]):
            found = metrics.confusion_matrix(labels, answers)
            assert found.dtype == np.int64
            np.testing.assert_array_equal(found, wanted)
    np.testing.assert_allclose(metrics.confusion_matrix(y, p, sample_weight=w),
                               sklearn_metrics.confusion_matrix(y, said, sample_weight=w))
    np.testing.assert_allclose(metrics.confusion_matrix(y, p, normalize=True),
                               sklearn_metrics.confusion_matrix(y, said, normalize="true"))
    binary = y > 1
    np.testing.assert_array_equal(metrics.confusion_matrix(binary, p[:, :1], threshold=0.3),
                                  sklearn_metrics.confusion_matrix(binary, p[:, 0] > 0.3))
    np.testing.assert_array_equal(metrics.confusion_matrix([0, 0], [[0.2], [0.1]]), [[2, 0], [0, 0]])


@pytest.mark.parametrize("y, predicted, words", (
    ([0, 1], [0.2], ["2", "1"]), ([0, -1], [0, 1], ["y holds -1", "row 1"]), ([0, 0.5], [0, 1], ["0.5", "row 1"]),
    ([0, 1], [0.5, np.nan], ["predicted", "NaN", "row 1"]), (np.zeros((2, 2, 2)), [0, 1], ["(2, 2, 2)"]),
    ([], [], ["y", "(0,)"])))
def test_confusion_matrix_of_no_classes(y, predicted, words):
    with pytest.raises(ValueError, match=words[0]) as raised:
        metrics.confusion_matrix(y, predicted)
    for word in words:
        assert word in str(raised.value)
