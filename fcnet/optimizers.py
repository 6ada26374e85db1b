"""Optimizers: hyperparameters, their ranges and formulas, and the state. The arithmetic is compiled.

Names, defaults and formulas are Keras 3's. w is the flat parameter vector, g the flat gradient, t the step
counted from 1. Hyperparameters may be changed between two fits: `model.optimizer.learning_rate = 1e-4`. A learning
rate may be a schedule, of `fcnet.schedules`.
"""

from __future__ import annotations

import math
import numbers
from typing import Any, ClassVar, TypedDict, Unpack

import numpy as np

from . import checks, layout
from .schedules import Schedule

RATE = (0, math.inf, "()")
BELOW_1 = (0, 1, "[)")


class Options(TypedDict, total=False):
    """What every optimizer takes besides its own hyperparameters; see `Optimizer`."""

    weight_decay: float | None
    clipnorm: float | None
    clipvalue: float | None
    global_clipnorm: float | None
    use_ema: bool
    ema_momentum: float
    ema_overwrite_frequency: int | None
    gradient_accumulation_steps: int | None


CLIPPING = ("clipnorm", "clipvalue", "global_clipnorm")


class Optimizer(checks.Declared):
    """Base class: hyperparameters as attributes, and the state of a run.

    All of this happens in this order in every step; without the options only the formula of the optimizer does.

    Parameters
    ----------
    weight_decay : float, optional
        Each step first takes ``learning_rate weight_decay w`` off w, biases included, apart from the gradient and
        the formula (Loshchilov and Hutter, Decoupled weight decay regularization, ICLR 2019).
    clipnorm : float, optional
        The greatest norm of the gradient of a W or b, each on its own: a longer one is multiplied by
        ``clipnorm / norm``.
    clipvalue : float, optional
        The greatest absolute value of a number in the gradient.
    global_clipnorm : float, optional
        The greatest norm of the whole gradient (Pascanu et al., On the difficulty of training recurrent neural
        networks, ICML 2013). At most one of the three can be given.
    use_ema : bool, default=False
        Keep ``average = ema_momentum average + (1 - ema_momentum) w``, an average of the weights over the last
        steps. At the end of `fit` it becomes the model's weights.
    ema_momentum : float, default=0.99
        In [0, 1].
    ema_overwrite_frequency : int, optional
        After how many updates, again and again, the average becomes the weights also during the fit.
    gradient_accumulation_steps : int, optional
        At least 2: the gradients of so many steps are averaged, and the last of them updates the weights.

    Attributes
    ----------
    iterations : int
        Number of steps taken, that is batches seen.
    state : list of ndarray
        Vectors as long as the parameters, `slots` of them: those of the formula, then the average of the weights,
        then the sum of gradients, as far as they are used. Empty before the first fit. Their numbers may be changed; a
        vector in the place of one of them must be as long, C-contiguous and writable, and of the same dtype.

    Raises
    ------
    TypeError, ValueError
        If there is no such argument, or a value has the wrong type or lies outside its range.
    """

    name: str
    # Ranges are in the order of the kernel's arguments, and flags follow.
    options: ClassVar[dict[str, Any]] = {
        "weight_decay": None, "clipnorm": None, "clipvalue": None, "global_clipnorm": None, "use_ema": False,
        "ema_momentum": 0.99, "ema_overwrite_frequency": None, "gradient_accumulation_steps": None,
    }  # fmt: skip
    settable = (*options, "iterations", "state")
    iterations: int
    state: list[np.ndarray]
    learning_rate: float | Schedule
    weight_decay: float | None
    clipnorm: float | None
    clipvalue: float | None
    global_clipnorm: float | None
    use_ema: bool
    ema_momentum: float
    ema_overwrite_frequency: int | None
    gradient_accumulation_steps: int | None

    def __init__(self, hyperparameters: dict[str, Any], options: Options) -> None:
        checks.keywords(type(self).__name__, options, (*self.ranges, *self.flags, *self.options))
        self._define(**self.options)
        for name, value in (hyperparameters | options).items():
            setattr(self, name, value)
        self.reset()

    def _setting(self, name: str, value: Any) -> Any:
        if name == "learning_rate" and name in self.ranges and not isinstance(value, numbers.Real):
            if not isinstance(value, Schedule):
                raise ValueError(f"{name} must be a number in (0, inf) or one of fcnet.schedules, got {value!r}")
            return value
        if name == "iterations":
            return checks.count(name, value, 0)
        if name == "use_ema":
            return checks.flag(name, value)
        if name == "ema_momentum":
            return checks.real(name, value, 0, 1)
        if name not in self.options or value is None:
            return super()._setting(name, value)
        if name == "weight_decay":
            return checks.real(name, value, 0, math.inf, "[)")
        if name in CLIPPING:
            norm = checks.real(name, value, 0, math.inf, "()")
            checks.only_one({other: norm if other == name else getattr(self, other) for other in CLIPPING})
            return norm
        return checks.count(name, value, 2 if name == "gradient_accumulation_steps" else 1)

    @property
    def formula(self) -> str:
        """The name of the compiled update."""
        return self.name

    @property
    def formula_slots(self) -> int:
        """How many state vectors the formula needs."""
        return 2

    @property
    def slots(self) -> int:
        """How many state vectors there are in all."""
        return self.formula_slots + self.use_ema + (self.gradient_accumulation_steps is not None)

    def reset(self) -> None:
        """Forget all steps taken."""
        self.iterations = 0
        self.state = []

    def build(self, n_params: int, dtype: Any) -> None:
        """Begin anew with `slots` vectors of zeros, `n_params` long."""
        self.iterations = 0
        self.state = [layout.zeros(n_params, np.dtype(dtype)) for _ in range(self.slots)]

    @property
    def average(self) -> np.ndarray | None:
        """The moving average of the parameters, once there is one."""
        return self.state[self.formula_slots] if self.use_ema and self.iterations else None

    def hyperparameters(self) -> np.ndarray:
        """Float64 values in the order of the kernel's arguments."""
        _, *others = (*self.ranges, *self.flags)
        return np.array([self.current_learning_rate, *(getattr(self, name) for name in others)], np.float64)

    @property
    def current_learning_rate(self) -> float:
        """That of the next step."""
        rate = self.learning_rate
        return rate(self.iterations) if isinstance(rate, Schedule) else rate

    def rates(self, steps: int) -> np.ndarray | None:
        """The learning rates of so many steps from here on; None if `learning_rate` is that of all."""
        if not isinstance(self.learning_rate, Schedule):
            return None
        return self.learning_rate(np.arange(self.iterations, self.iterations + steps))

    def __repr__(self) -> str:
        changed = [name for name, default in self.options.items() if getattr(self, name) != default]
        values = (f"{name}={getattr(self, name)!r}" for name in (*self.ranges, *self.flags, *changed))
        return f"{type(self).__name__}({', '.join(values)})"


class SGD(Optimizer):
    """Gradient descent, with momentum if `momentum` is not 0.

    ::

        momentum 0:  w = w - learning_rate g
        otherwise:   velocity = momentum velocity - learning_rate g
                     w = w + velocity
        nesterov:    w = w + momentum velocity - learning_rate g

    Parameters
    ----------
    learning_rate : float or Schedule, default=0.01
        Above 0.
    momentum : float, default=0.0
        In [0, 1].
    nesterov : bool, default=False
        Look ahead along the velocity (Sutskever et al., On the importance of initialization and momentum in
        deep learning, ICML 2013).
    **options
        weight_decay, clipping, averaging and accumulation: see `Optimizer`.

    Raises
    ------
    ValueError
        If a value lies outside its range.
    """

    name = "sgd"
    ranges: ClassVar = {"learning_rate": RATE, "momentum": (0, 1, "[]")}
    flags: ClassVar = ("nesterov",)
    momentum: float
    nesterov: bool

    def __init__(
        self,
        learning_rate: float | Schedule = 0.01,
        momentum: float = 0.0,
        nesterov: bool = False,
        **options: Unpack[Options],
    ) -> None:
        super().__init__(dict(learning_rate=learning_rate, momentum=momentum, nesterov=nesterov), options)

    @property
    def formula(self) -> str:
        """The plain one where there is no momentum."""
        return "sgd_momentum" if self.momentum else "sgd"

    @property
    def formula_slots(self) -> int:
        """The velocity, if there is momentum."""
        return 1 if self.momentum else 0


class RMSprop(Optimizer):
    """The gradient divided by the root of its mean square over the last steps.

    ::

        v = rho v + (1 - rho) g^2
        step = learning_rate g / sqrt(v + epsilon)
        centered:    mean = rho mean + (1 - rho) g
                     step = learning_rate g / sqrt(v - mean^2 + epsilon)
        momentum:    velocity = momentum velocity + step, which is the step
        w = w - step

    Parameters
    ----------
    learning_rate : float or Schedule, default=0.001
        Above 0.
    rho : float, default=0.9
        Decay of the mean square, in [0, 1).
    momentum : float, default=0.0
        In [0, 1].
    epsilon : float, default=1e-7
        Above 0.
    centered : bool, default=False
        Divide by the standard deviation.
    **options
        weight_decay, clipping, averaging and accumulation: see `Optimizer`.

    Raises
    ------
    ValueError
        If a value lies outside its range.

    Notes
    -----
    Sources: Tieleman and Hinton, Lecture 6.5, Neural networks for machine learning, 2012; centered: Graves,
    Generating sequences with recurrent neural networks, 2013, equations 38 to 41.
    """

    name = "rmsprop"
    ranges: ClassVar = {
        "learning_rate": RATE, "rho": BELOW_1, "momentum": (0, 1, "[]"), "epsilon": (0, math.inf, "()")
    }  # fmt: skip
    flags: ClassVar = ("centered",)
    rho: float
    momentum: float
    epsilon: float
    centered: bool

    def __init__(
        self,
        learning_rate: float | Schedule = 0.001,
        rho: float = 0.9,
        momentum: float = 0.0,
        epsilon: float = 1e-7,
        centered: bool = False,
        **options: Unpack[Options],
    ) -> None:
        own = dict(learning_rate=learning_rate, rho=rho, momentum=momentum, epsilon=epsilon, centered=centered)
        super().__init__(own, options)

    @property
    def formula(self) -> str:
        """The plain one where there is neither momentum nor a mean."""
        return "rmsprop_full" if self.momentum or self.centered else "rmsprop"

    @property
    def formula_slots(self) -> int:
        """The mean square; with momentum or centered also the velocity; centered also the mean."""
        return 3 if self.centered else 2 if self.momentum else 1


class Adagrad(Optimizer):
    """The gradient divided by the root of the sum of all its squares.

    ::

        squares = squares + g^2, from initial_accumulator_value on
        w = w - learning_rate g / sqrt(squares + epsilon)

    Parameters
    ----------
    learning_rate : float or Schedule, default=0.001
        Above 0. The paper's steps are larger: 0.01 and more is common.
    initial_accumulator_value : float, default=0.1
        0 or more.
    epsilon : float, default=1e-7
        Above 0.
    **options
        weight_decay, clipping, averaging and accumulation: see `Optimizer`.

    Raises
    ------
    ValueError
        If a value lies outside its range.

    Notes
    -----
    Source: Duchi, Hazan and Singer, Adaptive subgradient methods for online learning and stochastic optimization,
    JMLR 2011.
    """

    name = "adagrad"
    ranges: ClassVar = {
        "learning_rate": RATE, "initial_accumulator_value": (0, math.inf, "[)"), "epsilon": (0, math.inf, "()")
    }  # fmt: skip
    initial_accumulator_value: float
    epsilon: float

    def __init__(
        self,
        learning_rate: float | Schedule = 0.001,
        initial_accumulator_value: float = 0.1,
        epsilon: float = 1e-7,
        **options: Unpack[Options],
    ) -> None:
        own = dict(
            learning_rate=learning_rate, initial_accumulator_value=initial_accumulator_value, epsilon=epsilon
        )
        super().__init__(own, options)

    @property
    def formula_slots(self) -> int:
        """The sum of squares."""
        return 1

    def build(self, n_params: int, dtype: Any) -> None:
        """Begin anew, with the sum of squares at `initial_accumulator_value`."""
        super().build(n_params, dtype)
        self.state[0].fill(self.initial_accumulator_value)


class Adam(Optimizer):
    """Adaptive moments.

    ::

        m = m + (1 - beta_1) (g - m)
        v = v + (1 - beta_2) (g^2 - v)
        w = w - learning_rate sqrt(1 - beta_2^t) / (1 - beta_1^t) * m / (sqrt(v) + epsilon)
        amsgrad:     u = max(u, v) in the place of v in the last line

    Parameters
    ----------
    learning_rate : float or Schedule, default=0.001
        Above 0.
    beta_1, beta_2 : float, default=0.9 and 0.999
        Decay of the two moments, in [0, 1).
    epsilon : float, default=1e-7
        Above 0; the paper's "epsilon hat", of the formula before its section 2.1.
    amsgrad : bool, default=False
        Never divide by less than before.
    **options
        weight_decay, clipping, averaging and accumulation: see `Optimizer`.

    Raises
    ------
    ValueError
        If a value lies outside its range.

    Notes
    -----
    Sources: Kingma and Ba, Adam: a method for stochastic optimization, ICLR 2015; amsgrad: Reddi, Kale and Kumar,
    On the convergence of Adam and beyond, ICLR 2018.
    """

    name = "adam"
    ranges: ClassVar = {
        "learning_rate": RATE, "beta_1": BELOW_1, "beta_2": BELOW_1, "epsilon": (0, math.inf, "()")
    }  # fmt: skip
    flags: ClassVar = ("amsgrad",)
    beta_1: float
    beta_2: float
    epsilon: float
    amsgrad: bool

    def __init__(
        self,
        learning_rate: float | Schedule = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        amsgrad: bool = False,
        **options: Unpack[Options],
    ) -> None:
        own = dict(learning_rate=learning_rate, beta_1=beta_1, beta_2=beta_2, epsilon=epsilon, amsgrad=amsgrad)
        super().__init__(own, options)

    @property
    def formula(self) -> str:
        """Amsgrad is one of its own."""
        return "amsgrad" if self.amsgrad else "adam"

    @property
    def formula_slots(self) -> int:
        """The moments, and with amsgrad the greatest second one."""
        return 3 if self.amsgrad else 2


class AdamW(Adam):
    """Adam with weight decay.

    Parameters, ranges and defaults are those of `Adam`, with `weight_decay` after `learning_rate`.

    Parameters
    ----------
    weight_decay : float, default=0.004
        0 or more; see `Optimizer`.

    Raises
    ------
    ValueError
        If a value lies outside its range.

    Notes
    -----
    Source: Loshchilov and Hutter, Decoupled weight decay regularization, ICLR 2019, algorithm 2.
    """

    name = "adamw"

    def __init__(
        self,
        learning_rate: float | Schedule = 0.001,
        weight_decay: float = 0.004,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        amsgrad: bool = False,
        **options: Any,
    ) -> None:
        if weight_decay is None:
            raise ValueError("weight_decay of AdamW must be a number of 0 or more, got None; use Adam for none")
        super().__init__(learning_rate, beta_1, beta_2, epsilon, amsgrad, **options)
        self.weight_decay = weight_decay


class Adamax(Optimizer):
    """Adam with the infinity norm in place of the second moment.

    ::

        m = m + (1 - beta_1) (g - m)
        u = max(beta_2 u, |g|)
        w = w - learning_rate / (1 - beta_1^t) * m / (u + epsilon)

    Parameters
    ----------
    learning_rate, beta_1, beta_2, epsilon, **options
        With the ranges and defaults of `Adam`; there is no amsgrad.

    Raises
    ------
    ValueError
        If a value lies outside its range.

    Notes
    -----
    Source: Kingma and Ba, Adam: a method for stochastic optimization, ICLR 2015, section 7.1.
    """

    name = "adamax"
    ranges: ClassVar = Adam.ranges
    beta_1: float
    beta_2: float
    epsilon: float

    def __init__(
        self,
        learning_rate: float | Schedule = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        **options: Unpack[Options],
    ) -> None:
        own = dict(learning_rate=learning_rate, beta_1=beta_1, beta_2=beta_2, epsilon=epsilon)
        super().__init__(own, options)


class Nadam(Adamax):
    """Adam with Nesterov's look ahead.

    ::

        u(t) = beta_1 (1 - 0.96^t / 2),  U = u(1) u(2) ... u(t)
        m, v as in Adam
        m^ = u(t + 1) m / (1 - U u(t + 1)) + (1 - u(t)) g / (1 - U)
        w = w - learning_rate m^ / (sqrt(v / (1 - beta_2^t)) + epsilon)

    Parameters
    ----------
    learning_rate, beta_1, beta_2, epsilon, **options
        With the ranges and defaults of `Adam`; there is no amsgrad.

    Raises
    ------
    ValueError
        If a value lies outside its range.

    Notes
    -----
    Source: Dozat, Incorporating Nesterov momentum into Adam, ICLR workshop 2016.
    """

    name = "nadam"


class Lion(Optimizer):
    """Every weight moves by the learning rate, in the direction of the sign.

    ::

        w = w - learning_rate sign(beta_1 m + (1 - beta_1) g)
        m = beta_2 m + (1 - beta_2) g

    Parameters
    ----------
    learning_rate : float or Schedule, default=0.001
        Above 0; a third to a tenth of Adam's is usual, with a `weight_decay` that is as many times larger.
    beta_1, beta_2 : float, default=0.9 and 0.99
        In (0, 1] and [0, 1).
    **options
        weight_decay, clipping, averaging and accumulation: see `Optimizer`.

    Raises
    ------
    ValueError
        If a value lies outside its range.

    Notes
    -----
    Source: Chen et al., Symbolic discovery of optimization algorithms, NeurIPS 2023.
    """

    name = "lion"
    ranges: ClassVar = {"learning_rate": RATE, "beta_1": (0, 1, "(]"), "beta_2": BELOW_1}
    beta_1: float
    beta_2: float

    def __init__(
        self,
        learning_rate: float | Schedule = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.99,
        **options: Unpack[Options],
    ) -> None:
        super().__init__(dict(learning_rate=learning_rate, beta_1=beta_1, beta_2=beta_2), options)

    @property
    def formula_slots(self) -> int:
        """The moment."""
        return 1


class LBFGS(Optimizer):
    """A quasi-Newton method on all samples at once: for networks and data that are small, and losses that are smooth.

    An epoch of `fit` is one iteration: a direction from the last `m` changes of weights and gradient, and a line search
    along it, which evaluates loss and gradient of all samples once or a few times. So `epochs` is the greatest number
    of iterations; the fit ends before it where `tol` or `gradient_tol` is reached, or the line search finds nothing
    better, and `message` says which. A second fit begins without the changes that the first one had collected. The
    iterations are those of ``scipy.optimize.minimize(method="L-BFGS-B")``, which computes in float64 also for a model
    in float32; there the rounding of the loss ends the fit.

    Parameters
    ----------
    m : int, default=10
        How many changes are kept.
    tol : float, default=1e-9
        0 or more: the fit ends when the loss has fallen by less than this, relative to the greater of itself and 1.
    gradient_tol : float, default=1e-5
        0 or more: it ends when no number in the gradient is larger.

    Attributes
    ----------
    iterations : int
        Number of iterations.
    message : str
        Why the last fit has ended, in SciPy's words.

    Raises
    ------
    TypeError, ValueError
        If a value lies outside its range.
    ImportError
        From `fit`, if SciPy is missing.

    Notes
    -----
    Source: Liu and Nocedal, On the limited memory BFGS method for large scale optimization, Mathematical Programming
    1989.
    """

    name = "lbfgs"
    ranges: ClassVar = {"tol": (0, math.inf, "[)"), "gradient_tol": (0, math.inf, "[)")}
    settable = ("iterations", "state", "m", "message")
    learning_rate = None  # type: ignore[assignment]  # the line search finds the length of a step
    m: int
    message: str
    tol: float
    gradient_tol: float

    def __init__(self, m: int = 10, tol: float = 1e-9, gradient_tol: float = 1e-5) -> None:
        self.message = ""
        super().__init__(dict(tol=tol, gradient_tol=gradient_tol), {})
        self.m = m

    def _setting(self, name: str, value: Any) -> Any:
        if name in self.options:
            if value != self.options[name]:
                checks.not_settable(self, name, (*self.ranges, *self.settable))
            return self.options[name]  # and not what is equal to it, like 0 to False
        return checks.whole(name, value, 1) if name == "m" else super()._setting(name, value)

    @property
    def formula_slots(self) -> int:
        """SciPy has its own."""
        return 0

    def __repr__(self) -> str:
        return f"LBFGS(m={self.m}, tol={self.tol}, gradient_tol={self.gradient_tol})"


OPTIMIZERS: dict[str, type[Optimizer]] = {
    name: kind
    for kind in (SGD, RMSprop, Adagrad, Adam, AdamW, Adamax, Nadam, Lion, LBFGS)
    for name in (kind.name, kind.__name__)
}


def get(identifier: Any) -> Optimizer:
    """The optimizer of a name ("adam", "Adam"), a class or an object.

    Raises
    ------
    ValueError
        If the name is not known; the message has the valid names and the nearest one.
    TypeError
        If `identifier` is neither a name nor an Optimizer.
    """
    return checks.declared("optimizer", identifier, Optimizer, OPTIMIZERS)
