"""How batches of one size are worked off: rules on sizes alone, with what was measured for each.

A batch goes by rows of samples, by strips of outputs, by halves of the inputs, or in groups of slabs (see the modules
of `fcnet.kernels` with these names), on as many threads as its work is worth.  What changes the rounding depends on
the sizes of network and batch and on nothing else, so that the bits do not depend on the threads.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from . import _runtime
from .kernels import blocking, few, network
from .kernels.simd import MR, NV, REGISTER_BYTES

CHUNK_ROWS = 1024
CHUNK_BYTES = 2 << 20
LOCAL_CHUNK_SLABS = 1024
GROUP_SLABS = 32
"""A batch is worked off in chunks of CHUNK_ROWS samples, or of as many as fit into CHUNK_BYTES if that is more.  A
thread takes GROUP_SLABS slabs of it through a layer before the next layer: packed weights are used that often (packing
takes 21 % of the forward product with 4 slabs, 14 with 8, 10 with 16; 32 are a chunk in float32 with AVX-512).
Without tiles over the whole batch a thread uses the same places for one group after the other, in chunks of
LOCAL_CHUNK_SLABS.  None of these changes a bit of the result."""
STRIPS_FLOPS, STRIPS_WIDTH = 8e6, 160
"""Several threads share out the outputs of a layer in place of the slabs, if a chunk has so much work, and its layers,
on average over their weights, so many outputs.  Measured with 784-32-10 to 1024 x 4 and batches of 32 to 1,024."""
LEAST_GROUP = 4
"""Groups whose weights need no packing may be smaller, down to this: see `Planner.near_slabs`."""
SUMS = 1 << 19
"""Sums of loss and metrics, one of each for every slab of a chunk, that are kept at a time."""
PARTIAL_PARAMS = 8192
PARTIAL_SLABS = 4 if REGISTER_BYTES == 64 else 8
"""With at most PARTIAL_PARAMS parameters the gradient of a batch of many slabs is summed by groups of twice
PARTIAL_SLABS slabs, of one with less than two such groups by halves, and of a small one, if the layers are narrow, at
once.  All of this is part of the result's rounding, so it depends on the sizes alone."""
HELD_BYTES = 2 << 20
"""With few weights, a full batch stays in slabs from step to step of a call, if it is no larger than this."""
ROWS_SHARE = 1.05, 0.95, 0.95, 0.66
SUMMED_SHARE = (1.3, 1.3, 0.79) if REGISTER_BYTES == 64 else (1.3, 1.3, 1.15, 0.79)
HALVED_SHARE = 1.05, 0.7, 0.7, 0.5
"""`Planner.by_rows` counts the work of a batch by rows (`kernels.few`) and by slabs.  It goes by rows if the first is
at most so much of the second: one limit for batches of one vector of samples, of two, and so on, as slabs go faster the
more there are; SUMMED_SHARE where few weights make slabs cheap, HALVED_SHARE where slabs let threads share out the
inputs.  Measured with 1 to 200 rows of networks from 4-8-1 to 1000-1000-1000-10, on a processor with AVX-512 and on one
with AVX2, whose vectors are half as long."""
ROWS_SLABS = 16
"""A batch of more slabs than this never goes by rows."""
HALVED_INPUTS, HALVED_WORK = 256, 0.75
"""Threads share out the inputs of the first layer (`kernels.inputs`) if there are so many and their products are so
much of all.  With 100 to 200 inputs that took 1.03 to 1.1 of the time, with 256 as long, with 784 0.57 to 0.99."""
UPDATE_FLOPS = 3
"""What the update of a parameter counts, where it is all that threads can share: with 1.0 million of them and 8 rows a
second thread gained 3 to 18 %, with up to 0.27 million it lost up to 22."""
TURN = 10
"""Products of vectors that the transposes around a layer cost, for each of its inputs and outputs."""


class BatchPlan(NamedTuple):
    """How batches of one size are worked off: by rows, by strips, by inputs, or in groups of slabs.

    Parameters
    ----------
    mode : int
        PREDICT, EVALUATE, GRADIENT or TRAIN of `kernels.network`.
    rows, slabs : int
        Of a whole batch.
    targets : int
        Columns of Y.
    flops : float
        Of a step.
    worth, threads : int
        How many threads the work is worth, and how many it gets of those that there are.
    by_rows, by_strips, by_inputs : bool
        Whether the phases are those of `kernels.few`, of `kernels.strips`, or of `kernels.inputs`.
    ahead : bool
        Whether a step of one sample also makes the next one's first product: see `kernels.few`.
    half : int
        Inputs of the first layer that make a sum of their own, on any number of threads; 0 if all make one.
    summed : int
        How many slabs have their gradient summed while they are in cache; 0 if all have, in phase 2.
    group : int
        Slabs that a thread takes through a layer before the next layer.
    chunk : int
        Slabs that go through a phase before the next phase.
    """

    mode: int
    rows: int
    slabs: int
    targets: int
    flops: float
    worth: int
    threads: int
    by_rows: bool
    by_strips: bool
    by_inputs: bool
    ahead: bool
    half: int
    summed: int
    group: int
    chunk: int

    @property
    def training(self) -> bool:
        """Whether parameters change."""
        return self.mode == network.TRAIN

    @property
    def in_groups(self) -> bool:
        """Whether threads share out groups of slabs."""
        return not (self.by_rows or self.by_strips or self.by_inputs)

    @property
    def local(self) -> bool:
        """Whether a thread uses the same places of the workspace for one group after the other."""
        return self.summed > 0 or self.mode < network.GRADIENT

    @property
    def share(self) -> int:
        """Slabs that stay together when they are shared out: those of one sum."""
        return self.group if self.summed else 1


class Planner:
    """The sizes of one network, and what follows from them for a batch.

    Parameters
    ----------
    layers : array of LAYER records
        Those of the engine, with their sizes.
    slab : int
        Samples of one.
    slab_bytes : int
        What a slab takes in the workspace.
    flat : bool
        Whether there are Dense layers alone, without a softmax between them.
    n_params : int
    flops : int
        Of a step, for every row.
    """

    def __init__(
        self, layers: np.ndarray, slab: int, slab_bytes: int, flat: bool, n_params: int, flops: int
    ) -> None:  # fmt: skip
        self.layers, self.slab, self.flat, self.n_params, self.flops = layers, slab, flat, n_params, flops
        self.chunk_limit = max(-(-CHUNK_ROWS // slab), CHUNK_BYTES // slab_bytes)
        self.near_slabs = self._slabs_in_cache()

    def plan(
        self, mode: int, rows: int, targets: int, n_sums: int, *, whole: bool = False, sparse: bool = False,
        free: bool = False, most_threads: int | None = None,
    ) -> BatchPlan:  # fmt: skip
        """How batches of so many rows are worked off.

        A batch with fewer rows, which an epoch may end with, goes as a whole one would: that is part of the rounding.

        Parameters
        ----------
        mode : int
            PREDICT, EVALUATE, GRADIENT or TRAIN of `kernels.network`.
        rows, targets : int
            Of the batch, and columns of Y.
        n_sums : int
            Of loss and metrics, for every slab.
        whole : bool
            In one chunk that stays, for `Engine.inspect`.
        sparse : bool
            From rows that have no place for every feature.
        free : bool
            Whether the optimizer's pass over the first layer's weights may multiply the next sample with them, as
            nothing else changes them before that sample's step.
        most_threads : int, optional
            As many as have a row to count their time in: see `Engine.count_laps`.
        """
        slabs = -(-rows // self.slab)
        forward_only = mode < network.GRADIENT
        work = self.flops * rows + _runtime.PANEL_FLOPS * len(self.layers) * slabs
        flops = work / 3 if forward_only else work

        by_rows = not (forward_only or whole) and self.by_rows(rows)
        summed = 0 if forward_only or whole or by_rows else self.summed_slabs(slabs)
        by_strips = (not (forward_only or by_rows or summed)
                     and self.by_strips(work * min(1, self.chunk_limit / slabs)))
        half = 0 if forward_only or by_rows or summed or by_strips else self.half(slabs)
        by_inputs = half > 0 and not (whole or sparse)
        long_rows = few.goes_outer(int(self.layers["outputs"][0]), self.slab)
        ahead = by_rows and mode == network.TRAIN and rows == 1 and not sparse and free and long_rows
        if forward_only:
            worth = min(_runtime.worth(flops), slabs)
        else:
            worth = _runtime.worth(self._shared_work(flops, slabs, by_rows, by_strips or by_inputs, summed, ahead))
        threads = 1 if worth == 1 else min(worth, _runtime.get_num_threads())
        threads = min(threads, most_threads or threads)
        by_strips, by_inputs = by_strips and threads > 1, by_inputs and threads > 1

        near = GROUP_SLABS if threads > 1 else self.near_slabs
        if by_strips or by_inputs:
            group = 2
        elif by_rows:
            group = slabs  # of which a thread takes all at once
        else:
            group = summed or min(near, GROUP_SLABS, slabs)
        limit = LOCAL_CHUNK_SLABS if forward_only or summed else slabs if whole else self.chunk_limit
        chunk = _chunk(slabs, group, limit, n_sums)
        return BatchPlan(mode, rows, slabs, targets, flops, worth, threads, by_rows, by_strips, by_inputs,
                         ahead and threads == 1, half, summed, group, chunk)

    def by_rows(self, rows: int) -> bool:
        """Whether batches of so many rows are trained on by `kernels.few`, and not as slabs.

        It counts products of vectors in the forward pass, which those of the others are like: for each input a slab
        takes one for every output and vector of samples; rows take one for every sample and vector of outputs, and
        with less than NV of these stay as long.  A `few.NARROW` layer has its sums across the lanes.  Slabs also
        cost transposes, unless the gradient is summed over their lanes.
        """
        lanes = self.slab // NV
        vectors, slabs = -(-rows // lanes), -(-rows // self.slab)
        if not self.flat or slabs > min(ROWS_SLABS, self.chunk_limit):
            return False
        summed = self.summed_slabs(slabs)
        by_rows = by_slabs = 0
        for record in self.layers:
            inputs, outputs = int(record["rows"]), int(record["outputs"])
            by_slabs += vectors * (inputs * outputs + (0 if summed else TURN * (inputs + outputs)))
            if outputs <= few.NARROW:
                by_rows += rows * outputs * (inputs // lanes + few.LANE_SUM)
            else:
                by_rows += rows * inputs * max(NV, -(-outputs // lanes))
        shares = SUMMED_SHARE if summed else HALVED_SHARE if self.half(slabs) else ROWS_SHARE
        return by_rows <= shares[min(vectors, len(shares)) - 1] * by_slabs

    def by_strips(self, work: float) -> bool:
        """Whether several threads share out the outputs of each layer (`kernels.strips`), not the slabs of a chunk."""
        weights = self.layers["inputs"] * self.layers["outputs"]
        width = int(weights @ self.layers["outputs"]) / int(weights.sum())
        return self.flat and work >= STRIPS_FLOPS and width >= STRIPS_WIDTH

    def half(self, slabs: int) -> int:
        """How many inputs of the first layer have their products in so many slabs summed apart from the others'.

        Half of them, about, where they are so many that threads should share them out, and a half's panels stay in the
        L2 cache; else 0. It is part of the rounding, so it depends on the sizes alone.
        """
        first, weights = self.layers[0], self.layers["rows"] * self.layers["products"]
        half = round(int(first["rows"]) / 2 / MR) * MR
        near = slabs <= self.chunk_limit and slabs * half * NV <= blocking.NEAR
        wide = first["inputs"] >= max(HALVED_INPUTS, int(first["outputs"]))
        return half if self.flat and near and wide and weights[0] >= HALVED_WORK * weights.sum() else 0

    @property
    def few_weights(self) -> bool:
        """Whether the gradient of many slabs is summed by groups of them."""
        return self.n_params <= PARTIAL_PARAMS

    def summed_slabs(self, slabs: int) -> int:
        """How many slabs of a batch have their gradient summed while they are in cache; 0 if all have, in phase 2."""
        if self.few_weights and slabs >= 2 * PARTIAL_SLABS:
            return min(-(-slabs // 2), 2 * PARTIAL_SLABS)
        narrow = int(self.layers["outputs"].max()) <= self.slab // NV
        return slabs if narrow and slabs * self.n_params <= PARTIAL_PARAMS else 0

    def _slabs_in_cache(self) -> int:
        """How many slabs have their panels in the L2 cache, if one thread reads all weights in place; else GROUP_SLABS.

        Where weights are packed, smaller groups would pack them more often; so they would if the panels of LEAST_GROUP
        slabs are too large.
        """
        dense = self.layers[self.layers["products"] > 0]
        fitting = blocking.NEAR // (NV * int(dense["rows"].max(initial=1)))
        in_place = all(blocking.read_in_place(int(outputs), self.slab // NV, 1) for outputs in dense["outputs"])
        return fitting if in_place and fitting >= LEAST_GROUP else GROUP_SLABS

    def _shared_work(
        self, work: float, slabs: int, by_rows: bool, by_layers: bool, summed: int, ahead: bool
    ) -> float:  # fmt: skip
        """How much of the work of a step, in floating-point operations, several threads can share out."""
        if summed >= slabs:  # one group
            return 0
        if slabs > 1 or by_layers:
            return work
        # of a single slab only the gradient and the update, which by rows goes as fast as the weights come; several
        # threads can't go ahead, and lose with it what they gain by the first layer's update
        alone = int(self.layers["rows"][0] * self.layers["outputs"][0]) if ahead else 0
        return UPDATE_FLOPS * (self.n_params - alone) if by_rows else work / 3


def _chunk(slabs: int, group: int, limit: int, n_sums: int) -> int:
    """How many slabs make a chunk: whole groups where their sums would take too much room."""
    chunk = min(slabs, limit)
    if n_sums > 1:
        chunk = min(chunk, max(1, SUMS // (n_sums * group)) * group)
    return chunk
