"""All Numba policy: protocols, records, kernels and the disk cache they share.

A *record* is a ``NamedTuple`` with methods, a *protocol* declares which of its methods compiled
code may call, a *kernel* is a compiled function of records and arrays.  Nothing outside this
folder imports Numba.
"""

from fastpiggy.compile.fortran import fortran
from fastpiggy.compile.helper import helper, routine, specialise
from fastpiggy.compile.kernel import kernel, kind, prepared
from fastpiggy.compile.protocol import protocol
from fastpiggy.compile.record import record, roles

__all__ = [
    "fortran", "helper", "kernel", "kind", "prepared", "protocol", "record", "roles", "routine",
    "specialise",
]  # fmt: skip
