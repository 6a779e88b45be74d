"""A heap of candidates: the largest first, as many as are asked for."""

from fastpiggy.compile import routine


@routine
def _sink(queue, size, keys, i):
    item = queue[i]
    key = keys[item]
    while True:
        child = 2 * i + 1
        if child >= size:
            break
        if child + 1 < size and keys[queue[child + 1]] > keys[queue[child]]:
            child += 1
        if not keys[queue[child]] > key:
            break
        queue[i] = queue[child]
        i = child
    queue[i] = item


@routine
def heapify(queue, size, keys):
    """Order the first `size` entries into a heap by ``keys[entry]``."""
    for i in range(size // 2 - 1, -1, -1):
        _sink(queue, size, keys, i)


@routine
def pop(queue, size, keys):
    """The entry with the largest key; the heap has one entry less from now on."""
    top = queue[0]
    queue[0] = queue[size - 1]
    _sink(queue, size - 1, keys, 0)
    return top
