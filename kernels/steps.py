"""The steps of a call: their batches and chunks, phase after phase, and how threads share a phase out.

A phase is over when all its units are done, not when all threads have come: one that the operating system runs late,
or not at all, is not waited for, unless it stopped in the middle of its units, and one thread could do the work of all.
So threads need not start together, and a step needs no parallel region of its own.

Every thread has a share of the units, the same one in every step, for the sake of its cache; when that is done, it
takes from those of others.  What is left of a share is one number, where it ends and the first unit not taken.  A
thread that has taken a unit keeps its phase from ending, and may read all that the task says of it; before, it may
see the numbers of two phases mixed, and only takes too much or too little.  Whoever does the last unit goes on to
the next phase.
"""

from __future__ import annotations

import numpy as np
from numba import prange

from ._jit import COUNT, helper, parallel_kernel, part, serial_kernel
from .network import GRADIENT, PREDICT, TRAIN, _floats, _integers, _phases, _task
from .simd import call, call_system, fetch_add, load_acquire, pause, store_release

LINE = 8
"""Numbers of a cache line."""
GENERATION, DONE, SHARES = 0, LINE, 2 * LINE
"""Places in `shared`: how many phases were opened, -1 after the last; units of the present one that are done; and from
SHARES on a line with what is left of each thread's share."""
TURN_BITS = 32
"""Bits of a share for its first unit; where it ends stands above them."""
SPINS = 2000
"""Times to look for a new phase before letting other threads of the machine have the processor."""


@serial_kernel
def run(address, first_step, last_step):
    """Steps ``first_step <= step < last_step`` of the task, counted through as many epochs as there are orders.

    Step k of an epoch has the rows [k batch, (k + 1) batch) of the epoch's order, the last one what is left.

    Parameters
    ----------
    address : int
        Address of a `TASK`: what to do, with which network, data, memory and compiled parts.  Its ``threads`` is 1.
        The sums of loss and metrics over the samples are added to the epoch's row of ``sums``; parameters, optimizer
        state and ``iterations`` change in place.
    first_step, last_step : int
        A batch larger than the workspace runs in chunks that add up the gradient.  Training ends with the first step
        whose loss is not finite.

    Notes
    -----
    When ``abandon`` is set while it runs, it returns at the next layer of a group of slabs.  The step it is in then
    counts as not begun: parameters change with the last chunk's phase 2, and that is never left half done.
    """
    _begin(address, first_step, last_step)
    task = _task(address)
    phases = _phases(task.phases)
    while task.units > 0:
        call(phases[task.phase].part, (task.params, address, 0, 0, task.units))
        call(task.advance, (address,))


@parallel_kernel
def run_shared(address, first_step, last_step):
    """`run` on threads: into how many shares the work of a phase is cut, the task says in ``threads``."""
    _begin(address, first_step, last_step)
    task = _task(address)
    if task.units > 0:
        _open(address)
        for thread in prange(task.threads):
            _work(address, np.int64(thread))


@helper
def _begin(address, first_step, last_step):
    """The first phase of a call."""
    task = _task(address)
    task.begin, task.now, task.end, task.phase = first_step, first_step, last_step, -1
    _integers(task.shared)[GENERATION] = 0
    call(task.advance, (address,))


# ------------------------------------------------------------------------------------------------
# What comes next
# ------------------------------------------------------------------------------------------------

@part(COUNT)
def advance(address):
    """To the next phase of the call, when all units of the present one are done."""
    task = _task(address)
    phases = _phases(task.phases)
    task.units = 0
    while task.units == 0:
        new_step = task.phase < 0
        task.phase += 1
        if task.phase == task.chunk_phases:
            if task.add_sums != 0 and task.mode >= GRADIENT:
                call(task.add_sums, (task.params, address))
            elif task.mode != PREDICT:
                _add_slab_sums(address)
            if not task.last_chunk:
                _begin_chunk(address, task.stop)
                task.phase = 0
        if task.phase == task.n_phases:
            if task.mode == TRAIN:
                loss = _floats(task.sums)[task.epoch * task.n_sums]
                if loss - loss != 0.0:  # inf or NaN: `iterations` tells which step it was
                    return
            task.now += 1
            task.phase, new_step = 0, True
        if new_step:
            if task.now >= task.end:
                return
            _begin_step(address)
        if task.abandon != 0 and task.phase < task.chunk_phases:
            task.iterations -= task.mode == TRAIN
            return
        phase = phases[task.phase]
        task.layer, task.most, task.least, task.units = phase.layer, phase.most, phase.least, phase.units
        if phase.slabs > 0:
            rows = task.slab * phase.slabs
            task.units += (task.stop - task.start + rows - 1) // rows


@helper
def _begin_step(address):
    """The step's batch, and what the optimizer should know."""
    task = _task(address)
    step, params = task.now, task.params
    steps = (task.n_rows + task.batch - 1) // task.batch
    task.epoch = step // steps
    task.first_step = step == task.begin
    task.start = step % steps * task.batch
    task.rows = min(task.start + task.batch, task.n_rows)
    task.stop = task.rows
    if task.weights != 0:
        call(task.weigh_batch, (params, address))
    else:
        task.scale = 1.0 / (task.stop - task.start)
    if task.mode == TRAIN:
        hyper = _floats(task.hyper)
        task.iterations += 1
        update = task.iterations
        if task.accumulation > 1:
            task.updating = task.iterations % task.accumulation == 0
            update = task.iterations // task.accumulation
        if task.rates != 0:
            hyper[0] = _floats(task.rates)[step - task.begin]
        if task.correct_bias != 0:
            call(task.correct_bias, (hyper, update))
    _begin_chunk(address, task.start)
    task.first_chunk = True


@helper
def _begin_chunk(address, start):
    """The rows from `start` on, as many as go through a phase together."""
    task = _task(address)
    task.start, task.stop = start, min(start + task.chunk_rows, task.rows)
    task.first_chunk = False
    task.last_chunk = task.stop == task.rows


@helper
def _add_slab_sums(address):
    """The slabs' loss and metrics to the totals, in the order of the slabs."""
    task = _task(address)
    columns = task.n_sums
    slab_sums, sums = _floats(task.slab_sums), _floats(task.sums) + task.epoch * columns
    for n in range((task.stop - task.start + task.slab - 1) // task.slab):
        for column in range(columns):
            sums[column] += slab_sums[n * columns + column]


# ------------------------------------------------------------------------------------------------
# How threads share a phase out
# ------------------------------------------------------------------------------------------------

@helper
def _open(address):
    """Let all threads take units of the present phase."""
    task = _task(address)
    shared = _integers(task.shared)
    shared[DONE] = 0
    for thread in range(task.threads):
        first, end = task.units * thread // task.threads, task.units * (thread + 1) // task.threads
        store_release(shared + (SHARES + thread * LINE), (end << TURN_BITS) + first)
    fetch_add(shared + GENERATION, 1)


@helper
def _take(address, share):
    """The next units [first, last) of a share; none if last <= first.  The less is left, the fewer at a time."""
    task = _task(address)
    word = load_acquire(share)
    left = (word >> TURN_BITS) - (word & ((1 << TURN_BITS) - 1))
    if left <= 0:
        return 0, 0
    count = max(1, task.least, min(task.most, left // 2))
    word = fetch_add(share, count)
    first = word & ((1 << TURN_BITS) - 1)
    return first, min(first + count, word >> TURN_BITS)


@helper
def _work(address, thread):
    """What one thread does, until there is nothing left to do."""
    task = _task(address)
    phases = _phases(task.phases)
    shared, threads = _integers(task.shared), task.threads
    while True:
        generation = load_acquire(shared + GENERATION)
        if generation < 0:
            return
        turn, opened = 0, False
        while turn < threads and not opened:
            first, last = _take(address, shared + (SHARES + (thread + turn) % threads * LINE))
            if last <= first:
                turn += 1
                continue
            units = task.units
            call(phases[task.phase].part, (task.params, address, thread, first, last))
            if fetch_add(shared + DONE, last - first) + (last - first) == units:
                opened = True
                call(task.advance, (address,))
                if task.units > 0:
                    _open(address)
                else:
                    store_release(shared + GENERATION, -1)
        spins = 0
        while load_acquire(shared + GENERATION) == generation:
            pause()
            spins += 1
            if spins > SPINS and task.give_way != 0:
                call_system(task.give_way)
