"""The display of a fit's progress: a bar, or one line an epoch."""

from __future__ import annotations

import numbers
import sys
import time
from collections.abc import Mapping
from typing import Any, Protocol


class Display(Protocol):
    """What a fit tells while it runs."""

    def steps(self, count: int) -> None:
        """`count` more steps are done."""

    def epoch(self, number: int, logs: dict[str, float]) -> None:
        """Epoch `number`, counted from 0, is over."""

    def close(self) -> None:
        """The fit is over, also by an error."""


class Bar:
    """One bar over all epochs, moving with the steps, with the last epoch's loss and metrics."""

    def __init__(self, epochs: range, steps: int | None) -> None:
        from tqdm.auto import tqdm  # here, because it is slow to import and not always wanted

        self._last = epochs.stop
        title = self._title(epochs.start)
        self._bar = tqdm(total=steps and len(epochs) * steps, desc=title, unit="step", dynamic_ncols=True,
                         disable=sys.stderr is None)  # closed, or a program without a console
        self._logs: dict[str, float] = {}
        self._shown = 0.0

    def _title(self, number: int) -> str:
        return f"Epoch {min(number + 1, self._last)}/{self._last}"

    def steps(self, count: int) -> None:
        """Move the bar; tqdm draws it a few times a second."""
        self._bar.update(count)

    def epoch(self, number: int, logs: dict[str, float]) -> None:
        """Note the epoch's values; the text is made a few times a second, however short the epochs are."""
        self._logs = logs
        now = time.perf_counter()
        if now - self._shown > 0.1:
            self._shown = now
            self._bar.set_description(self._title(number + 1), refresh=False)
            self._bar.set_postfix_str(line(logs, ", "), refresh=False)

    def close(self) -> None:
        """Leave the bar with the last epoch's values."""
        if self._logs:
            self._bar.set_description(self._title(self._last), refresh=False)
            self._bar.set_postfix_str(line(self._logs, ", "))
        self._bar.close()


class Lines:
    """One line an epoch on the standard output."""

    def __init__(self, epochs: range) -> None:
        self._last = epochs.stop
        self._since = time.perf_counter()

    def steps(self, count: int) -> None:
        """Nothing: only whole epochs are told."""

    def epoch(self, number: int, logs: dict[str, float]) -> None:
        """Write the epoch's line."""
        now = time.perf_counter()
        print(f"Epoch {number + 1}/{self._last} - {now - self._since:.2f}s - {line(logs, ' - ')}", flush=True)
        self._since = now

    def close(self) -> None:
        """Nothing is open."""


def display(verbose: int, epochs: range, steps: int | None) -> Display | None:
    """The display for `verbose` 0, 1 or 2; None for silence."""
    if verbose == 0:
        return None
    return Bar(epochs, steps) if verbose == 1 else Lines(epochs)


def line(logs: Mapping[str, Any], between: str) -> str:
    """Loss and metrics with four decimals, small ones with an exponent; callbacks may have added what is no number."""
    shown = {name: float(value) for name, value in logs.items() if isinstance(value, numbers.Real)}
    return between.join(
        f"{name}: {value:.4f}" if value == 0 or abs(value) > 1e-3 else f"{name}: {value:.4e}"
        for name, value in shown.items()
    )
