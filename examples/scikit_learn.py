"""The same scikit-learn program with either import, timed.

    python examples/scikit_learn.py

A pipeline with a classifier, cross-validated on the digits, and a grid search over it. Nothing but the import differs.
"""

import time
import warnings

import sklearn.neural_network
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler

import fcnet.sklearn


def program(MLPClassifier, epochs):
    """Mean accuracy of a cross-validation, and the best number of hidden units."""
    X, y = load_digits(return_X_y=True)
    pipeline = make_pipeline(MinMaxScaler(), MLPClassifier(max_iter=epochs, random_state=0))
    accuracy = cross_val_score(pipeline, X, y, cv=3).mean()
    search = GridSearchCV(pipeline, {"mlpclassifier__hidden_layer_sizes": [(25,), (100,)]}, cv=3).fit(X, y)
    return accuracy, search.best_params_["mlpclassifier__hidden_layer_sizes"]


def main(epochs=30):
    warnings.simplefilter("ignore", ConvergenceWarning)
    fcnet.sklearn.MLPClassifier(max_iter=1).fit(*load_digits(return_X_y=True))  # compiles, the first time
    seconds = {}
    for module in (sklearn.neural_network, fcnet.sklearn):
        begin = time.perf_counter()
        accuracy, hidden = program(module.MLPClassifier, epochs)
        name = module.__name__
        seconds[name] = time.perf_counter() - begin
        print(f"{name:22}  accuracy {accuracy:.3f}, best hidden layer {hidden}, {seconds[name]:.2f} s")
    print(f"{seconds['sklearn.neural_network'] / seconds['fcnet.sklearn']:.1f} times as fast")
    return accuracy


if __name__ == "__main__":
    main()
