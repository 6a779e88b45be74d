"""The Numba type of a record: a named tuple known by what its methods compute."""

import hashlib
from typing import Any

from numba import types

_types: dict[str, type] = {}
_classes: dict[str, type] = {}


class RecordType(types.NamedTuple):
    """Numba type of a record, told apart by the digest of its class and by its field types.

    Numba's own named tuples are told apart by class *name* and fields, so that a second class of
    one name, or an edited one, would run the first one's machine code.
    """

    role = "record"

    def __init__(self, name: str, digest: str, fields: tuple[str, ...], field_types: tuple) -> None:
        self.class_name = name
        self.digest = digest
        self.fields = fields
        self.types = field_types
        self.count = len(field_types)
        # Numba builds each symbol's name from those of all its argument types: spelling out nested
        # records would make every name kilobytes long, and compilation slower.
        inner = hashlib.sha256(repr((digest, fields, field_types)).encode()).hexdigest()[:12]
        types.Type.__init__(self, f"{name}.{inner}")

    @property
    def key(self) -> tuple:
        return self.digest, self.fields, self.types

    @property
    def instance_class(self) -> type:
        return class_of(self)

    def __reduce__(self) -> tuple:
        # By value: the user's module may be gone when another process reads the cache's index.
        return _rebuild, (self.role, self.class_name, self.digest, self.fields, self.types)


def class_of(record_type: RecordType) -> type:
    """The class whose methods a record type stands for."""
    return _classes[record_type.digest]


def register_type(record_type: type[RecordType]) -> None:
    _types[record_type.role] = record_type


def register_class(digest: str, cls: type) -> None:
    # The last class of a digest: an earlier one may read by now what was defined anew.
    _classes[digest] = cls


def _rebuild(role: str, *parts: Any) -> RecordType:
    return _types.get(role, RecordType)(*parts)
