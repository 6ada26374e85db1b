"""What holds in training for single arrays of parameters: penalties, constraints, learning rates, frozen ones.

Layers say it as a `Rule` for each of their arrays; `RuledArrays` brings it to the records that `fcnet.kernels.rules`
and the stages of `fcnet.kernels.network` read.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from .kernels import network, rules


@dataclass(frozen=True)
class Rule:
    """What holds for one array in training."""

    trainable: bool = True
    rate: float = 1.0
    """Times the optimizer's learning rate."""
    l1: float = 0.0
    l2: float = 0.0
    constraint: tuple[str, int, float] | None = None
    """Its name, axis and limit."""


PLAIN, FROZEN = Rule(), Rule(trainable=False)


class RuledArrays:
    """All arrays of a network, and what holds for each of them.

    Parameters
    ----------
    layers : array of LAYER records
    given : list of lists of Rule, optional
        Those of every layer's arrays. Default: `PLAIN` for all.
    """

    def __init__(self, layers: np.ndarray, given: list[list[Rule]] | None = None) -> None:
        arrays = [_arrays(record) for record in layers]
        self.given = given or [[PLAIN for _ in of_layer] for of_layer in arrays]
        self.places = [
            (*place, rule, record)
            for of_layer, group, record in zip(arrays, self.given, layers, strict=True)
            for place, rule in zip(of_layer, group, strict=True)
        ]
        """Where every array begins and ends in the flat vectors, its rule, and the record of its layer."""

    @property
    def rules(self) -> list[Rule]:
        """Of all arrays."""
        return [rule for _, _, rule, _ in self.places]

    @property
    def penalised(self) -> list[tuple[int, int, Rule]]:
        """Where the arrays with a penalty begin and end, and their rules."""
        return [(begin, end, rule) for begin, end, rule, _ in self.places if rule.l1 or rule.l2]

    def pieces(self, whole_norm: bool) -> np.ndarray:
        """PIECE records of all arrays; a norm is that of one of them, or of the whole vector."""
        pieces: list[tuple[float, ...]] = []
        for begin, end, rule, _ in self.places:
            cuts = range(begin, end, network.PIECE_SIZE)
            first, last = len(pieces), len(pieces) + len(cuts)
            held = not rule.trainable, rule.rate, rule.l1, rule.l2
            pieces += [(cut, min(network.PIECE_SIZE, end - cut), first, last, *held) for cut in cuts]
        found = np.array(pieces, network.PIECE)
        if whole_norm:
            found["first"], found["last"] = 0, len(found)
        return found

    def spans(self) -> np.ndarray:
        """PIECE records of the arrays with a penalty, each in one."""
        return np.array(
            [(begin, end - begin, 0, 0, 0, 1.0, rule.l1, rule.l2) for begin, end, rule in self.penalised],
            network.PIECE,
        )

    def constraints(self, address: Callable[[Any], int]) -> np.ndarray:
        """CONSTRAINT records of the arrays that have one, in blocks that one thread takes, with addresses of parts."""
        blocks: list[tuple[float, ...]] = []
        for begin, end, rule, record in self.places:
            if rule.constraint is None:
                continue
            name, axis, limit = rule.constraint
            O = int(record["outputs"])
            rows = (end - begin) // O
            if name == "max_norm" and axis == 0 and begin == record["weights"]:
                part = address(rules.max_norm_columns)
                blocks += [
                    (part, begin + o, rows, min(rules.BLOCK, O - o), O, limit) for o in range(0, O, rules.BLOCK)
                ]
            else:
                part = address(rules.non_negative if name == "non_neg" else rules.max_norm_rows)
                blocks += [
                    (part, begin + r * O, min(rules.BLOCK, rows - r), O, O, limit)
                    for r in range(0, rows, rules.BLOCK)
                ]
        return np.array(blocks, rules.CONSTRAINT)

    def hold(self, gradient: np.ndarray) -> None:
        """Set what belongs to frozen layers to 0."""
        for begin, end, rule, _ in self.places:
            if not rule.trainable:
                gradient[begin:end] = 0

    def penalty(self, params: np.ndarray) -> float:
        """What the regularizers add to the loss."""
        value = 0.0
        for begin, end, rule in self.penalised:
            w = params[begin:end].astype(np.float64)
            value += rule.l1 * float(np.abs(w).sum()) + rule.l2 * float(np.square(w).sum())
        return value

    def add_penalty_gradient(self, params: np.ndarray, gradient: np.ndarray) -> None:
        """And to its gradient."""
        for begin, end, rule in self.penalised:
            w = params[begin:end]
            gradient[begin:end] += rule.l1 * np.sign(w) + 2 * rule.l2 * w


def _arrays(record: np.void) -> list[tuple[int, int]]:
    """Where the arrays of a layer begin and end in the flat vectors."""
    I, O, rows, start, gamma, beta = (
        int(record[field]) for field in ("inputs", "outputs", "rows", "weights", "gamma", "beta")
    )
    if rows:
        return [(start, start + I * O), (start + I * O, start + rows * O)][: 1 + rows - I]
    return [(at, at + O) for at in (gamma, beta) if at >= 0]
