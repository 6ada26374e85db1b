"""scikit-learn's own tests of its MLP, run on fcnet's classes, but for those that reach into its private attributes."""

import importlib.util
import sys
from pathlib import Path

import pytest
import sklearn.neural_network

PRIVATE = {"test_fit", "test_gradient", "test_learning_rate_warmstart", "test_adaptive_learning_rate"}


def _suite():
    source = Path(sklearn.neural_network.__file__).parent / "tests" / "test_mlp.py"
    text = source.read_text(encoding="utf-8")
    ours = text.replace("from sklearn.neural_network import MLP", "from fcnet.sklearn import MLP")
    assert ours != text
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("sklearn_suite", loader=None))
    sys.modules["sklearn_suite"] = module
    exec(compile(ours, source, "exec"), module.__dict__)
    return module


pytestmark = pytest.mark.filterwarnings("default")  # as in scikit-learn's runs
globals().update({name: test for name, test in vars(_suite()).items()
                  if name.startswith("test_") and name not in PRIVATE})


@pytest.fixture
def global_random_seed():
    return 42
