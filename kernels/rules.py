"""What holds for single arrays of parameters: penalties, constraints, frozen ones; stages of `network`.

penalty      l1 sum |w| + l2 sum w^2 is part of the loss, so l1 sign(w) + 2 l2 w of the gradient; sign(0) = 0
constraint   w to the nearest allowed w, or a smaller one, after every update
"""

from __future__ import annotations

from math import sqrt as scalar_sqrt

import numpy as np

from ._jit import COUNT, NUMBER, NUMBERS, part
from .network import LAP_OTHER, LAP_SUM, PHASE_ARGUMENTS, _floats, _lap, _pieces, _task
from .simd import (
    absolute,
    apart,
    call,
    fma,
    lanes,
    load_upto,
    pointer_like,
    record_at,
    select,
    splat,
    sqrt,
    store_upto,
    total,
)

BLOCK = 256
"""Rows or columns of an array that one thread brings into bounds at a time."""
NORM_EPSILON = 1e-7

CONSTRAINT = np.dtype([(field, np.int64) for field in (
    "part",     # address of `non_negative`, `max_norm_columns` or `max_norm_rows`
    "start",    # of the block in the flat vector
    "rows", "columns", "row_length",
)] + [("limit", np.float64)])
"""One block of an array that has a constraint."""

_constraints = record_at("CONSTRAINT", CONSTRAINT)


@part(*PHASE_ARGUMENTS)
def penalise(params, task_at, thread, first, last):
    """The gradient of the penalties to `gradient`, and of each piece its penalty to `penalties`."""
    task = _task(task_at)
    _lap(task_at, thread, LAP_OTHER)
    pieces, penalties = _pieces(task.pieces), _floats(task.penalties)
    for p in range(first, last):
        l1, l2 = pieces[p].l1, pieces[p].l2
        if l1 != 0.0 or l2 != 0.0:
            W, g = params + pieces[p].start, pointer_like(task.gradient, params) + pieces[p].start
            sizes = squares = splat(0.0, params)
            for c in range(0, pieces[p].size, lanes(params)):
                n = pieces[p].size - c
                w = load_upto(W + c, n)
                sizes, squares = sizes + absolute(w), fma(w, w, squares)
                slope = l1 * select(w > 0.0, 1.0, select(w < 0.0, -1.0, w)) + (2.0 * l2) * w
                store_upto(load_upto(g + c, n) + slope, g + c, n)
            penalties[p] = l1 * total(sizes) + l2 * total(squares)
    _lap(task_at, thread, LAP_SUM)


@part(NUMBERS, COUNT, COUNT, NUMBERS, COUNT, COUNT, COUNT, COUNT, COUNT)
def penalise_rows(params, task_at, at, g, rows, columns, W_row, g_row, unit):
    """The same for rows of the parameters, from `at` on, and their gradient, where nothing else waits for the whole."""
    task = _task(task_at)
    spans = _pieces(task.spans)
    penalty = 0.0
    for s in range(task.n_spans):
        l1, l2, start, stop = spans[s].l1, spans[s].l2, spans[s].start - at, spans[s].start + spans[s].size - at
        if stop <= 0 or start >= (rows - 1) * W_row + columns:
            continue
        sizes = squares = splat(0.0, params)
        for r in range(rows):
            first, last = max(start - r * W_row, 0), min(stop - r * W_row, columns)
            for c in range(first, last, lanes(params)):
                n = last - c
                w = load_upto(params + (at + r * W_row + c), n)
                slope = (2.0 * l2) * w
                if l1 != 0.0:
                    sizes = sizes + absolute(w)
                    slope = slope + l1 * select(w > 0.0, 1.0, select(w < 0.0, -1.0, w))
                squares = fma(w, w, squares)
                store_upto(load_upto(g + (r * g_row + c), n) + slope, g + (r * g_row + c), n)
        penalty += l1 * total(sizes) + l2 * total(squares)
    _floats(task.penalties)[unit] = penalty


@part(*PHASE_ARGUMENTS)
def report_penalty(params, task_at, thread, first, last):
    """All penalties, in their order, to the epoch's loss: as often as the batch has samples, weighted."""
    task = _task(task_at)
    penalties, penalty = _floats(task.penalties), 0.0
    for p in range(task.n_penalties):
        penalty += penalties[p]
        penalties[p] = 0.0
    if task.scale > 0.0:
        _floats(task.sums)[task.epoch * task.n_sums] += penalty / task.scale


@part(*PHASE_ARGUMENTS)
def constrain(params, task_at, thread, first, last):
    """Every block into its bounds."""
    task = _task(task_at)
    _lap(task_at, thread, LAP_OTHER)
    blocks = _constraints(task.constraints)
    for b in range(first, last):
        block = blocks[b]
        call(block.part, (params + block.start, block.rows, block.columns, block.row_length, block.limit))
    _lap(task_at, thread, LAP_SUM)


_CONSTRAINT = NUMBERS, COUNT, COUNT, COUNT, NUMBER


@part(*_CONSTRAINT)
def non_negative(W, rows, columns, row_length, limit):
    """0 in place of w < 0; NaN stays NaN."""
    for r in range(rows):
        for c in range(0, columns, lanes(W)):
            at, n = W + (r * row_length + c), columns - c
            w = load_upto(apart(at), n)
            store_upto(select(w < 0.0, 0.0, w), at, n)


@part(*_CONSTRAINT)
def max_norm_columns(W, rows, columns, row_length, limit):
    """w min(norm, limit) / (norm + 1e-7), with the norm of each column."""
    for c in range(0, columns, lanes(W)):
        n = columns - c
        square = splat(0.0, W)
        for r in range(rows):
            w = load_upto(W + (r * row_length + c), n)
            square = fma(w, w, square)
        norm = sqrt(square)
        factor = select(norm > limit, limit, norm) / (norm + NORM_EPSILON)
        for r in range(rows):
            at = W + (r * row_length + c)
            store_upto(factor * load_upto(at, n), at, n)


@part(*_CONSTRAINT)
def max_norm_rows(W, rows, columns, row_length, limit):
    """The same with the norm of each row."""
    for r in range(rows):
        square = splat(0.0, W)
        for c in range(0, columns, lanes(W)):
            w = load_upto(W + (r * row_length + c), columns - c)
            square = fma(w, w, square)
        norm = scalar_sqrt(total(square))
        factor = (limit if norm > limit else norm) / (norm + NORM_EPSILON)
        for c in range(0, columns, lanes(W)):
            at, n = W + (r * row_length + c), columns - c
            store_upto(factor * load_upto(at, n), at, n)
