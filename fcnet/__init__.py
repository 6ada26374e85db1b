"""fcnet trains fully connected networks on the CPU, fast.

`Sequential` and `Dense` have Keras's words and meanings; `fcnet.kernels` holds the compiled functions under
them, usable with plain arrays.
"""

from pathlib import Path as _Path

from . import _requirements

_requirements.check()

# In a source tree the folder kernels/ lies beside fcnet/; only a wheel has it inside. Searching the source
# tree too makes `fcnet.kernels` the same modules when Python is started there and in an editable install.
_here = _Path(__file__).resolve().parent
if not (_here / "kernels").is_dir() and (_here.parent / "kernels" / "__init__.py").is_file():
    __path__.append(str(_here.parent))

with _requirements.newer_are_named():
    from . import kernels

from . import (  # noqa: E402
    activations,
    callbacks,
    constraints,
    data,
    datasets,
    initializers,
    layers,
    losses,
    metrics,
    optimizers,
    regularizers,
    schedules,
)
from ._runtime import get_num_threads, num_threads, set_num_threads  # noqa: E402
from ._version import __version__  # noqa: E402
from .ahead import clear_cache  # noqa: E402
from .configuration import show_config  # noqa: E402
from .files import ModelFileError  # noqa: E402
from .layers import Activation, Dense, Dropout, GaussianNoise, Input, LayerNormalization  # noqa: E402
from .model import Sequential, load  # noqa: E402
from .seeds import set_seed  # noqa: E402

__all__ = [
    "Activation",
    "Dense",
    "Dropout",
    "GaussianNoise",
    "Input",
    "LayerNormalization",
    "ModelFileError",
    "Sequential",
    "__version__",
    "activations",
    "callbacks",
    "clear_cache",
    "constraints",
    "data",
    "datasets",
    "get_num_threads",
    "initializers",
    "kernels",
    "layers",
    "load",
    "losses",
    "metrics",
    "num_threads",
    "optimizers",
    "regularizers",
    "schedules",
    "set_num_threads",
    "set_seed",
    "show_config",
]
