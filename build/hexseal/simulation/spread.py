"""Spreading over a grid: one heap serves drainage, roads and borders of least cost."""

import heapq
from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from hexseal.types import Flags, Floats, Integers


@dataclass(frozen=True, slots=True)
class Spread:
    """What reached each cell: its cost, the label of its source and the cell it came from.

    ``parent`` holds flat indices (-1 at a source and where nothing came); ``order`` lists
    the flat indices of the reached cells, nearest first.
    """

    cost: Floats
    label: NDArray[np.int32]
    parent: Integers
    order: Integers


def spread_cost(friction: Floats, sources: NDArray[np.int32]) -> Spread:
    """Walk from every cell with ``sources`` >= 0 to all others at the least summed friction.

    Friction is per cell of travel; infinite friction is a wall.
    """
    return Spread(*_spread(friction.astype(np.float32), sources.astype(np.int32), False))


def drain(elevation: Floats, outlets: Flags) -> Spread:
    """Fill depressions and let every cell flow to an outlet; ``cost`` is the filled surface.

    ``parent`` is the next cell downstream. Priority flood: Barnes et al. 2014,
    https://doi.org/10.1016/j.cageo.2013.04.024
    """
    sources = np.where(outlets, 0, -1).astype(np.int32)
    return Spread(*_spread(elevation.astype(np.float32), sources, True))


@njit(cache=True)
def _spread(
    surface: Floats, sources: NDArray[np.int32], flood: bool
) -> tuple[Floats, NDArray[np.int32], Integers, Integers]:
    height, width = surface.shape
    cost = np.full((height, width), np.inf, np.float32)
    label = sources.copy()
    parent = np.full((height, width), -1, np.int64)
    done = np.zeros((height, width), np.bool_)
    order = np.empty(height * width, np.int64)
    count = 0
    heap = [(np.float32(0), np.int64(0))]
    heap.pop()
    for y in range(height):
        for x in range(width):
            if sources[y, x] >= 0:
                cost[y, x] = surface[y, x] if flood else 0
                heap.append((cost[y, x], np.int64(y * width + x)))
    heapq.heapify(heap)
    while len(heap) > 0:
        reached, cell = heapq.heappop(heap)
        y, x = cell // width, cell % width
        if done[y, x]:
            continue
        done[y, x] = True
        order[count] = cell
        count += 1
        for v in range(max(0, y - 1), min(height, y + 2)):
            for u in range(max(0, x - 1), min(width, x + 2)):
                if done[v, u]:
                    continue
                if flood:
                    new = max(surface[v, u], reached + np.float32(1e-3))
                else:
                    step = 1.0 if (v == y or u == x) else 1.41421356
                    new = reached + np.float32(step * 0.5 * (surface[y, x] + surface[v, u]))
                if new < cost[v, u]:
                    cost[v, u] = new
                    label[v, u] = label[y, x]
                    parent[v, u] = cell
                    heapq.heappush(heap, (new, np.int64(v * width + u)))
    return cost, label, parent, order[:count]


def accumulate(flow: Spread) -> Floats:
    """Count the cells that drain through each cell, itself included."""
    return _accumulate(flow.parent, flow.order)


@njit(cache=True)
def _accumulate(parent: Integers, order: Integers) -> Floats:
    area = np.ones(parent.shape, np.float32)
    flat, up = area.ravel(), parent.ravel()
    for cell in order[::-1]:
        if up[cell] >= 0:
            flat[up[cell]] += flat[cell]
    return area


@njit(cache=True)
def erode_once(elevation: Floats, flow: tuple[Integers, Integers, Floats], power: float) -> Floats:
    """Lower every cell towards its receiver, the more so the more cells drain through it.

    ``flow`` is (parent, order, drained cells). The implicit scheme of Braun & Willett 2013,
    https://doi.org/10.1016/j.geomorph.2012.10.008
    """
    parent, order, drained = flow
    result = elevation.copy()
    flat, up, area = result.ravel(), parent.ravel(), drained.ravel()
    for cell in order:
        if up[cell] >= 0:
            rate = power * np.sqrt(area[cell])
            flat[cell] = (flat[cell] + rate * flat[up[cell]]) / (1 + rate)
    return result


def upstream(flow: Spread, outlet: int) -> Flags:
    """Return the cells that drain through the flat cell ``outlet``, itself included."""
    return _upstream(flow.parent, flow.order, outlet)


@njit(cache=True)
def _upstream(parent: Integers, order: Integers, outlet: int) -> Flags:
    inside = np.zeros(parent.shape, np.bool_)
    flat, up = inside.ravel(), parent.ravel()
    for cell in order:
        flat[cell] = cell == outlet or (up[cell] >= 0 and flat[up[cell]])
    return inside


def trace(parent: Integers, start: int) -> NDArray[np.float64]:
    """Follow parents from the flat cell ``start`` and return the (row, column) of each step."""
    return np.column_stack(np.divmod(_walk(parent.ravel(), start), parent.shape[1])) * 1.0


@njit(cache=True)
def _walk(parent: Integers, start: int) -> Integers:
    cells = np.empty(parent.size, np.int64)
    count = 0
    cell = start
    while cell >= 0:
        cells[count] = cell
        count += 1
        cell = parent[cell]
    return cells[:count].copy()
