"""Roost, an embedded vector database: one directory on disk, no server.

    import roost

    with roost.open("library.roost") as store:
        notes = store.ensure_collection("notes", dimension=384)
        notes.upsert(ids, vectors, metadata=[{"year": 2020}, ...])
        hits = notes.search(query, k=10, filter={"gt": ["year", 2015]})
        for hit in hits[0]:
            print(hit.id, hit.distance, hit.metadata)

Vectors are anything of 32-bit floats with the buffer protocol, which is read where it lies (a
C-contiguous numpy array of float32, an array.array("f")); other arrays and lists of numbers are
converted first. numpy is used when it is there and never needed.

Every failure of the store is a `roost.Error` with a `code`. Any thread may use any object, and a call
lets other threads of Python run meanwhile. A process that was forked must open its own store.
"""

from __future__ import annotations

import array
import ctypes
import ctypes.util
import json
import os
import pathlib
import struct
import sys
from typing import (
    Any,
    Callable,
    Dict,
    Iterable,
    Iterator,
    List,
    Mapping,
    NamedTuple,
    Optional,
    Sequence,
    Tuple,
    Union,
    overload,
)

__all__ = [
    "Collection",
    "Error",
    "Hit",
    "Hits",
    "Record",
    "Store",
    "check",
    "library_path",
    "open",
    "restore",
    "version",
]

Form = Dict[str, Any]
"""An object of JSON."""

Filter = Mapping[str, Any]
"""A condition: one name a node, such as {"and": [{"eq": ["kind", "a"]}, {"gt": ["year", 2015]}]}."""

Progress = Callable[[int, int, str], Optional[bool]]
"""Is told what is completed, of how much (0 while unknown), and in which phase.

It cancels by returning False or by raising, which comes out of the call that it was given to.
"""


class Error(Exception):
    """Why a store refused or failed."""

    code: str
    """What kind of failure it is, such as "not_found" or "dimension_mismatch"."""
    message: str
    """What was found, what was expected, and what to do."""
    cause: Optional[str]
    """The failure below this one, where there was one."""

    def __init__(self, code: str, message: str, cause: Optional[str] = None) -> None:
        super().__init__(f"{code}: {message}" + (f" (cause: {cause})" if cause else ""))
        self.code = code
        self.message = message
        self.cause = cause

    def __reduce__(self) -> Tuple[Any, ...]:
        return Error, (self.code, self.message, self.cause)


# The library

_Handle = ctypes.c_void_p
_Size = ctypes.c_size_t
_Texts = ctypes.POINTER(ctypes.c_char_p)
_Sizes = ctypes.POINTER(ctypes.c_size_t)
_Out = ctypes.POINTER(ctypes.c_void_p)
_Number = ctypes.POINTER(ctypes.c_uint64)
_Callback = ctypes.CFUNCTYPE(
    ctypes.c_int32, ctypes.c_void_p, ctypes.c_uint64, ctypes.c_uint64, ctypes.c_char_p
)

# What each function takes, besides the place for an error that stands last.
_STATUS_FUNCTIONS: Mapping[str, List[Any]] = {
    "open": [ctypes.c_char_p, ctypes.c_char_p, _Out],
    "close": [_Handle],
    "checkpoint": [_Handle],
    "refresh": [_Handle],
    "statistics": [_Handle, _Out],
    "health": [_Handle, _Out],
    "check": [ctypes.c_char_p, ctypes.c_char_p, _Out],
    "compact": [_Handle, _Callback, ctypes.c_void_p],
    "backup": [_Handle, ctypes.c_char_p, _Callback, ctypes.c_void_p],
    "restore": [ctypes.c_char_p, ctypes.c_char_p, _Callback, ctypes.c_void_p],
    "ensure_collection": [_Handle, ctypes.c_char_p, _Out],
    "open_collection": [_Handle, ctypes.c_char_p, _Out],
    "drop_collection": [_Handle, ctypes.c_char_p],
    "list_collections": [_Handle, _Out],
    "collection_spec": [_Handle, _Out],
    "ensure_index": [_Handle, ctypes.c_char_p, _Callback, ctypes.c_void_p],
    "drop_index": [_Handle, ctypes.c_char_p],
    "insert_n": [_Handle, _Size, _Texts, _Sizes, ctypes.c_void_p, _Texts, _Sizes, _Texts, _Sizes],
    "upsert_n": [_Handle, _Size, _Texts, _Sizes, ctypes.c_void_p, _Texts, _Sizes, _Texts, _Sizes],
    "delete_n": [_Handle, _Size, _Texts, _Sizes, _Number],
    "delete_where": [_Handle, ctypes.c_char_p, _Number],
    "get_many": [_Handle, _Size, _Texts, _Sizes, ctypes.c_char_p, _Out],
    "count": [_Handle, ctypes.c_char_p, _Number],
    "scroll": [_Handle, ctypes.c_char_p, _Size, ctypes.c_char_p, ctypes.c_char_p, _Out],
    "hits_record": [_Handle, _Size, _Size, _Out],
    "hits_explain": [_Handle, _Out],
}
_OTHER_FUNCTIONS: Mapping[str, Tuple[List[Any], Any]] = {
    "version": ([], ctypes.c_char_p),
    "status_name": ([ctypes.c_int32], ctypes.c_char_p),
    "free": ([ctypes.c_void_p], None),
    "collection_release": ([_Handle], None),
    "hits_score": ([_Handle, _Size, _Size], ctypes.c_double),
    "search_arrays": (
        [_Handle, _Size, ctypes.c_void_p, _Size, ctypes.c_char_p, ctypes.c_void_p], ctypes.c_int32
    ),
    "hits_free": ([_Handle], None),
}


def _candidates() -> Iterator[pathlib.Path]:
    suffix = ".dylib" if sys.platform == "darwin" else ".so"
    here = pathlib.Path(__file__).resolve().parent
    yield here / f"libroost{suffix}"
    # As Sources/CABI/install leaves it.
    yield here.parent.parent / "lib" / f"libroost{suffix}"
    # In the source tree, as a build leaves it.
    for parent in here.parents:
        if (parent / "Package.swift").is_file():
            for configuration in ("release", "debug"):
                yield parent / ".build" / configuration / f"libroost-c{suffix}"


def library_path() -> str:
    """Where libroost is: ROOST_LIBRARY, next to this module, in a build, or where the system looks."""
    named = os.environ.get("ROOST_LIBRARY")
    if named:
        return named
    for candidate in _candidates():
        if candidate.is_file():
            return str(candidate)
    found = ctypes.util.find_library("roost")
    if found:
        return found
    raise ImportError(
        "roost: there is no libroost; build it with Sources/CABI/install, or name it in ROOST_LIBRARY"
    )


class _Library:
    """The functions of libroost, by their names without `roost_`."""

    def __init__(self) -> None:
        library = ctypes.CDLL(library_path())
        for name, arguments in _STATUS_FUNCTIONS.items():
            function = getattr(library, "roost_" + name)
            function.argtypes = [*arguments, _Out]
            function.restype = ctypes.c_int32
            setattr(self, name, function)
        for name, (arguments, result) in _OTHER_FUNCTIONS.items():
            function = getattr(library, "roost_" + name)
            function.argtypes = arguments
            function.restype = result
            setattr(self, name, function)

    def __getattr__(self, name: str) -> Any:
        # Tells type checkers that there are functions; one that is missing is missing.
        raise AttributeError(name)


_lib = _Library()
_search_arrays = _lib.search_arrays


def _call(function: Any, *arguments: Any) -> None:
    error = ctypes.c_void_p()
    status = function(*arguments, error)
    if status:
        raise _failure(status, error)


def _failure(status: int, error: ctypes.c_void_p) -> Error:
    form = json.loads(_take(error)) if error else {}
    name = _lib.status_name(status)
    code = form.get("code") or (name.decode() if name else str(status))
    return Error(code, form.get("message", "there is no memory for words"), form.get("cause"))


def _take(text: ctypes.c_void_p) -> str:
    """A text that the library gave out, which is released."""
    try:
        return ctypes.string_at(text.value or 0).decode()
    finally:
        _lib.free(text)


def _told(function: Any, *arguments: Any) -> Any:
    """Calls a function that gives out JSON."""
    text = ctypes.c_void_p()
    _call(function, *arguments, text)
    return json.loads(_take(text))


def _form(function: Any, *arguments: Any) -> Form:
    """Calls a function that gives out an object of JSON."""
    form: Form = _told(function, *arguments)
    return form


_encoder = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def _json(value: Any) -> Optional[bytes]:
    return None if value is None else _encoder.encode(value).encode()


_known_options: Dict[Tuple[Any, ...], Optional[bytes]] = {}


def _options(options: Form) -> Optional[bytes]:
    """The options of a search; those of plain numbers are written once and kept."""
    for value in options.values():
        # 1, 1.0 and True are one key and three texts.
        if type(value) is not int:
            return _json(options)
    key = tuple(options.items())
    text = _known_options.get(key)
    if text is None:
        if len(_known_options) >= 256:
            _known_options.clear()
        text = _known_options[key] = _json(options)
    return text


# What roost_search_arrays fills: hits, error, the address of the arrays, the number of hits, and the
# size of the arrays in bytes.
_FivePlaces = ctypes.c_size_t * 5
_LITTLE = 16_384
_bytes_at = ctypes.string_at


def _numbers(address: int, count: int) -> Tuple[int, ...]:
    """Whole numbers of 64 bits from an address on."""
    return struct.unpack(f"={count}Q", ctypes.string_at(address, 8 * count))


def _plain(text: str, what: str) -> bytes:
    """A text that ends with a NUL, which it must not hold itself."""
    if "\0" in text:
        raise Error("invalid_argument", f"{what} holds a NUL; texts have none. Take it out.")
    return text.encode()


def _path(path: Union[str, "os.PathLike[str]"]) -> bytes:
    return _plain(os.fspath(path), "the path")


def _run(function: Any, progress: Optional[Progress], *arguments: Any) -> None:
    """Calls a function that tells how far it is; an exception of `progress` comes out here."""
    if progress is None:
        _call(function, *arguments, _Callback(), None)
        return
    raised: List[BaseException] = []
    report = progress

    def told(_: Any, completed: int, total: int, phase: bytes) -> int:
        try:
            return 1 if report(completed, total, phase.decode()) is False else 0
        except BaseException as exception:
            raised.append(exception)
            return 1

    try:
        _call(function, *arguments, _Callback(told), None)
    except Error:
        if not raised:
            raise
    if raised:
        raise raised[0]


# Texts and vectors on their way in

_MISSING = object()
_numpy_module: Any = _MISSING
# numpy's own word for the numbers of vectors, once numpy is there.
_float_type: Any = None
_addressof = ctypes.addressof
_from_buffer = ctypes.c_char.from_buffer


def _numpy() -> Any:
    """numpy, or None where it is not installed."""
    global _numpy_module, _float_type
    if _numpy_module is _MISSING:
        try:
            import numpy

            _float_type = numpy.dtype(numpy.float32)
            _numpy_module = numpy
        except ImportError:
            _numpy_module = None
    return _numpy_module


def _texts(texts: Sequence[Optional[bytes]]) -> Tuple[Any, Any]:
    """Texts and their lengths as C takes them."""
    count = len(texts)
    pointers = (ctypes.c_char_p * count)(*texts)
    lengths = (ctypes.c_size_t * count)(*[0 if text is None else len(text) for text in texts])
    return pointers, lengths


def _is_text(value: Any) -> bool:
    return isinstance(value, (str, bytes))


def _ids(ids: Iterable[str]) -> List[bytes]:
    if _is_text(ids):
        raise TypeError("ids is one text; give a list of ids")
    return [id.encode() for id in ids]


class _Floats:
    """Numbers of 32 bits that lie in a row, and what keeps them there."""

    __slots__ = ("address", "count", "rows", "width", "owner")

    address: int
    count: int
    rows: Optional[int]
    """The number of vectors; None when the numbers came without a shape."""
    width: int
    owner: Any

    def __init__(self, vectors: Any) -> None:
        numpy = sys.modules.get("numpy")
        if numpy is not None and not isinstance(vectors, numpy.ndarray) and _holds(vectors, numpy):
            vectors = numpy.asarray(vectors, dtype=numpy.float32)
        if numpy is not None and isinstance(vectors, numpy.ndarray):
            if vectors.dtype != numpy.float32 or not vectors.flags.c_contiguous:
                vectors = numpy.ascontiguousarray(vectors, dtype=numpy.float32)
            self._shape(vectors.shape, vectors.size)
            self.owner = vectors
            if self.count and vectors.flags.writeable:
                # Takes a third of the time that the array's own word for it takes.
                self.address = ctypes.addressof(ctypes.c_char.from_buffer(vectors))
            else:
                self.address = vectors.ctypes.data
            return
        try:
            view = memoryview(vectors)
        except TypeError:
            view = memoryview(self._flattened(vectors))
            shape: Tuple[int, ...] = (self.rows or 0, self.width)
        else:
            shape = view.shape or ()
        if view.format not in ("f", "<f", "=f") or not view.c_contiguous:
            flat = view.tolist()
            view = memoryview(self._flattened(flat))
        count = view.nbytes // 4
        self._shape(shape, count)
        numbers: Any = ctypes.c_float * count
        # A buffer that must not be written to cannot be lent to ctypes, and is copied.
        self.owner = numbers.from_buffer_copy(view) if view.readonly else numbers.from_buffer(view)
        self.address = ctypes.addressof(self.owner)

    def _shape(self, shape: Tuple[int, ...], count: int) -> None:
        if len(shape) > 2:
            raise ValueError(f"vectors have {len(shape)} dimensions; one or two are understood")
        self.count = count
        self.rows = shape[0] if len(shape) == 2 else None
        self.width = shape[-1] if shape else 1

    def _flattened(self, vectors: Any) -> "array.array[float]":
        rows = list(vectors)
        if not rows or not hasattr(rows[0], "__len__"):
            self.rows, self.width = min(1, len(rows)), len(rows)
            return array.array("f", rows)
        self.rows, self.width = len(rows), len(rows[0])
        numbers = array.array("f")
        for index, row in enumerate(rows):
            if len(row) != self.width:
                raise Error(
                    "dimension_mismatch",
                    f"vector {index} has {len(row)} numbers; the first has {self.width}."
                    " Give vectors of one length.",
                )
            numbers.extend(row)
        return numbers

    def divided(self, dimension: int, what: str) -> int:
        """How many vectors there are, each of which must have the dimension."""
        if not self.rows and not self.count:
            return 0
        if self.count % dimension if self.rows is None else self.width != dimension:
            raise Error(
                "dimension_mismatch",
                f"{what} have {self.width} numbers each; the collection has dimension {dimension}."
                " Give vectors of that length.",
            )
        return self.count // dimension


def _address_of_one(vector: Any, dimension: int) -> Optional[int]:
    """Where the numbers of one vector lie; None when something has to be done to it first.

    One vector of the right kind is what is asked for most, and needs less than `_Floats` looks at.
    """
    numpy = _numpy_module
    if numpy is None or numpy is _MISSING or type(vector) is not numpy.ndarray:
        return None
    shape = vector.shape
    flags = vector.flags
    if (
        vector.dtype == _float_type and (shape == (dimension,) or shape == (1, dimension))
        and flags.c_contiguous and flags.writeable
    ):
        return _addressof(_from_buffer(vector))
    return None


def _holds(vectors: Any, numpy: Any) -> bool:
    """Whether something is a list of numpy's arrays, or converts itself to one."""
    if hasattr(vectors, "__array__"):
        return True
    return (
        isinstance(vectors, (list, tuple)) and bool(vectors) and isinstance(vectors[0], numpy.ndarray)
    )


# What comes out


class Record(NamedTuple):
    """A record; what was not asked for is None."""

    id: str
    vector: Any = None
    """The vector, as a numpy array of float32, or as an array.array without numpy."""
    metadata: Optional[Form] = None
    content: Optional[str] = None


def _record(form: Mapping[str, Any]) -> Record:
    vector = form.get("vector")
    if vector is not None:
        numpy = _numpy()
        vector = array.array("f", vector) if numpy is None else numpy.asarray(vector, numpy.float32)
    return Record(form["id"], vector, form.get("metadata"), form.get("content"))


class Hit:
    """One result of a search; its record is read when it is asked for."""

    __slots__ = ("_hits", "_query", "_rank", "id", "distance", "_record")

    id: str
    distance: float
    """The smaller, the closer."""

    def __init__(self, hits: "Hits", query: int, rank: int, id: str, distance: float) -> None:
        self._hits = hits
        self._query = query
        self._rank = rank
        self.id = id
        self.distance = distance
        self._record: Optional[Record] = None

    @property
    def score(self) -> float:
        """The larger, the more alike."""
        return float(_lib.hits_score(self._hits._handle, self._query, self._rank))

    @property
    def record(self) -> Record:
        """The record, with the parts that the search asked for."""
        if self._record is None:
            form = _told(_lib.hits_record, self._hits._handle, self._query, self._rank)
            self._record = _record(form)
        return self._record

    @property
    def metadata(self) -> Optional[Form]:
        return self.record.metadata

    @property
    def content(self) -> Optional[str]:
        return self.record.content

    @property
    def vector(self) -> Any:
        return self.record.vector

    def __repr__(self) -> str:
        return f"Hit(id={self.id!r}, distance={self.distance!r})"


class Hits(Sequence[List[Hit]]):
    """What a search found: a list of hits for each query, the nearest first.

    Nothing is converted before it is asked for. It stays as it is whatever is written later.
    """

    __slots__ = (
        "_handle", "_queries", "_start", "_total", "_size", "_block", "_starts", "_ids",
        "__weakref__",
    )

    def __init__(self, handle: int, queries: int, start: int, total: int, size: int) -> None:
        self._handle = handle
        self._queries = queries
        # Arrays lie from here on: where the hits of each query begin, and after the last; distances;
        # where ids begin, and after the last; ids.
        self._start = start
        self._total = total
        self._size = size
        # All of it, where it is little: it is copied sooner than lent.
        self._block = _bytes_at(start, size) if size <= _LITTLE else None
        self._starts: Optional[List[int]] = None
        self._ids: Optional[List[List[str]]] = None

    def __del__(self, free: Any = _lib.hits_free) -> None:
        free(self._handle)

    def _bounds(self) -> List[int]:
        """Where the hits of each query begin, and where the last ones end."""
        if self._starts is None:
            self._starts = list(_numbers(self._start, self._queries + 1))
        return self._starts

    @property
    def ids(self) -> List[List[str]]:
        """The ids for each query."""
        if self._ids is None:
            before = 8 * (self._queries + 2 + 2 * self._total)
            block = self._block
            if block is None:
                ids = _bytes_at(self._start + before, self._size - before)
            else:
                ids = block[before:]
            # Every id ends with a NUL and holds none.
            flat = ids.decode().split("\0")
            if self._queries == 1:
                flat.pop()
                self._ids = [flat]
            else:
                starts = self._bounds()
                self._ids = [flat[a:b] for a, b in zip(starts, starts[1:])]
        return self._ids

    @property
    def _distances(self) -> int:
        return self._start + 8 * (self._queries + 1)

    def _flat_distances(self) -> Any:
        numbers = (ctypes.c_double * self._total).from_address(self._distances)
        # Whoever looks at the numbers keeps them in memory.
        numbers.hits = self  # type: ignore[attr-defined]
        return numbers

    @property
    def distances(self) -> Any:
        """The distances for each query.

        With numpy an array of a row for each query, without a copy where each has as many hits;
        else rows are filled up with NaN. Without numpy a list of lists.
        """
        numpy = _numpy()
        total = self._total
        if self._queries == 1 and self._block is not None and numpy is not None:
            # Bytes cannot be written to.
            return numpy.ndarray((1, total), numpy.float64, self._block, 16)
        starts = self._bounds()
        if numpy is None:
            flat = self._flat_distances()
            return [flat[a:b] for a, b in zip(starts, starts[1:])]
        counts = {b - a for a, b in zip(starts, starts[1:])}
        if len(counts) <= 1:
            if not total:
                return numpy.empty((self._queries, 0))
            if self._block is None:
                flat = numpy.frombuffer(self._flat_distances())
            else:
                flat = numpy.frombuffer(self._block, numpy.float64, total, 8 * (self._queries + 1))
            rows = flat.reshape(self._queries, counts.pop() if counts else 0)
            rows.flags.writeable = False
            return rows
        flat = self._flat_distances()
        rows = numpy.full((self._queries, max(counts)), numpy.nan)
        for row, (a, b) in enumerate(zip(starts, starts[1:])):
            rows[row, : b - a] = flat[a:b]
        return rows

    def explain(self) -> Form:
        """How the search was done."""
        return _form(_lib.hits_explain, self._handle)

    def __len__(self) -> int:
        return self._queries

    @overload
    def __getitem__(self, query: int) -> List[Hit]: ...

    @overload
    def __getitem__(self, query: slice) -> List[List[Hit]]: ...

    def __getitem__(self, query: Any) -> Any:
        if isinstance(query, slice):
            return [self[index] for index in range(*query.indices(self._queries))]
        index = query + self._queries if query < 0 else query
        if not 0 <= index < self._queries:
            raise IndexError(f"query {query} of {self._queries}")
        start, end = self._bounds()[index : index + 2]
        distances = self._flat_distances()[start:end]
        pairs = zip(self.ids[index], distances)
        return [Hit(self, index, rank, id, distance) for rank, (id, distance) in enumerate(pairs)]

    def __repr__(self) -> str:
        return f"<roost.Hits of {self._queries} queries>"


# Stores and collections


class Collection:
    """A collection of a store."""

    def __init__(self, store: "Store", handle: ctypes.c_void_p) -> None:
        self._handle = handle
        self.store = store
        spec = self.spec
        self.name: str = spec["name"]
        self.dimension: int = spec["dimension"]
        self.metric: str = spec["metric"]

    def __del__(self, release: Any = _lib.collection_release) -> None:
        release(self._handle)

    def __repr__(self) -> str:
        return f"<roost.Collection {self.name!r} of {self.dimension} numbers, {self.metric}>"

    @property
    def spec(self) -> Form:
        """What the collection is."""
        return _form(_lib.collection_spec, self._handle)

    # Writing

    def insert(
        self,
        ids: Iterable[str],
        vectors: Any,
        metadata: Optional[Iterable[Optional[Mapping[str, Any]]]] = None,
        contents: Optional[Iterable[Optional[str]]] = None,
    ) -> None:
        """Stores new records, all or none; an id that is taken refuses them."""
        self._write(_lib.insert_n, ids, vectors, metadata, contents)

    def upsert(
        self,
        ids: Iterable[str],
        vectors: Any,
        metadata: Optional[Iterable[Optional[Mapping[str, Any]]]] = None,
        contents: Optional[Iterable[Optional[str]]] = None,
    ) -> None:
        """Stores records, all or none, each replacing wholly the one of its id."""
        self._write(_lib.upsert_n, ids, vectors, metadata, contents)

    def _write(self, function: Any, ids: Any, vectors: Any, metadata: Any, contents: Any) -> None:
        names = _ids(ids)
        numbers = _Floats(vectors)
        count = numbers.divided(self.dimension, "vectors")
        forms = None if metadata is None else [_json(form) for form in metadata]
        if contents is not None and _is_text(contents):
            raise TypeError("contents is one text; give a list of texts")
        texts = None if contents is None else [
            None if text is None else text.encode() for text in contents
        ]
        for given, what in ((names, "ids"), (forms, "metadata"), (texts, "contents")):
            if given is not None and len(given) != count:
                raise Error(
                    "invalid_argument",
                    f"there are {len(given)} {what} and {count} vectors; each record has one of both."
                    " Give as many of each.",
                )
        arrays = [(None, None) if given is None else _texts(given) for given in (names, forms, texts)]
        (names_array, lengths), (forms_array, form_lengths), (texts_array, text_lengths) = arrays
        _call(
            function, self._handle, count, names_array, lengths, numbers.address,
            forms_array, form_lengths, texts_array, text_lengths,
        )

    def delete(self, ids: Union[str, Iterable[str]]) -> int:
        """Removes the records of these ids, and tells how many there were."""
        names = _ids([ids] if isinstance(ids, str) else ids)
        deleted = ctypes.c_uint64()
        _call(_lib.delete_n, self._handle, len(names), *_texts(names), deleted)
        return deleted.value

    def delete_where(self, filter: Filter) -> int:
        """Removes the records that satisfy a filter, and tells how many there were."""
        deleted = ctypes.c_uint64()
        _call(_lib.delete_where, self._handle, _json(filter), deleted)
        return deleted.value

    # Reading

    @overload
    def get(  # type: ignore[overload-overlap]
        self, ids: str, *, vector: bool = ..., metadata: bool = ..., content: bool = ...
    ) -> Record: ...

    @overload
    def get(
        self, ids: Iterable[str], *, vector: bool = ..., metadata: bool = ..., content: bool = ...
    ) -> List[Optional[Record]]: ...

    def get(
        self, ids: Any, *, vector: bool = True, metadata: bool = True, content: bool = True
    ) -> Any:
        """The record of an id, which must be there; or those of several, None where there is none."""
        names = _ids([ids] if isinstance(ids, str) else ids)
        projection = {"vector": vector, "metadata": metadata, "content": content}
        forms = _told(_lib.get_many, self._handle, len(names), *_texts(names), _json(projection))
        if not isinstance(ids, str):
            return [None if form is None else _record(form) for form in forms]
        if forms[0] is None:
            raise Error(
                "not_found",
                f"there is no record {ids!r}; collection {self.name!r} was asked for it."
                " Check the id, or give a list of ids, which answers None.",
            )
        return _record(forms[0])

    def count(self, filter: Optional[Filter] = None) -> int:
        """How many records satisfy a filter; all of them without one."""
        count = ctypes.c_uint64()
        _call(_lib.count, self._handle, _json(filter), count)
        return count.value

    def __len__(self) -> int:
        return self.count()

    def __bool__(self) -> bool:
        return True

    def records(
        self, filter: Optional[Filter] = None, *, vector: bool = True, metadata: bool = True,
        content: bool = True, page: int = 1_000,
    ) -> Iterator[Record]:
        """Every record that satisfies a filter, in the order of ids, read page by page."""
        projection = _json({"vector": vector, "metadata": metadata, "content": content})
        after: Optional[str] = None
        while True:
            place = None if after is None else after.encode()
            form = _told(_lib.scroll, self._handle, place, page, _json(filter), projection)
            for record in form["records"]:
                yield _record(record)
            after = form["next"]
            if after is None:
                return

    def search(
        self, queries: Any, k: int = 10, filter: Optional[Filter] = None, **options: Any
    ) -> Hits:
        """The k nearest records for each query: one vector, or an array of several.

        Options: threshold (the largest distance), projection (a dict of vector, metadata, content),
        exact, recall, effort, threads, explain.
        """
        address = _address_of_one(queries, self.dimension)
        if address is not None:
            count = 1
        else:
            numbers = _Floats(queries)
            address = numbers.address
            count = numbers.divided(self.dimension, "queries")
        if filter is not None:
            options["filter"] = filter
        if not 0 <= k < 1 << 63:
            raise Error("invalid_argument", f"k is {k}; a search asks for 1 or more. Give such a k.")
        places = _FivePlaces()
        status = _search_arrays(
            self._handle, count, address, k, _options(options) if options else None, places
        )
        hits, error, start, total, size = places
        if status:
            raise _failure(status, ctypes.c_void_p(error))
        return Hits(hits, count, start, total, size)

    # Indexes

    def ensure_index(
        self, index: Optional[Mapping[str, Any]] = None, *, progress: Optional[Progress] = None
    ) -> None:
        """Makes an index be there; {"vector": {"method": "hnsw"}} unless told otherwise.

        A vector index has a "quantization": "auto", "none", "sq8", "sq4" or "rabitq".
        """
        spec = _json({"vector": {"method": "hnsw"}} if index is None else index)
        _run(_lib.ensure_index, progress, self._handle, spec)

    def drop_index(self, name: str) -> None:
        """Ends an index; none of that name is "not_found"."""
        _call(_lib.drop_index, self._handle, _plain(name, "the name"))


class Store:
    """An open store; made by `roost.open`."""

    def __init__(self, path: Union[str, "os.PathLike[str]"], **options: Any) -> None:
        self._handle: Optional[ctypes.c_void_p] = None
        self.path = os.fspath(path)
        handle = ctypes.c_void_p()
        _call(_lib.open, _path(path), _json(options) if options else None, handle)
        self._handle = handle

    def __enter__(self) -> "Store":
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()

    def __del__(self, close: Any = _lib.close) -> None:
        handle, self._handle = getattr(self, "_handle", None), None
        if handle is not None:
            close(handle, None)

    def __repr__(self) -> str:
        return f"<roost.Store {self.path!r}{'' if self._handle else ', closed'}>"

    def _open(self) -> ctypes.c_void_p:
        if self._handle is None:
            raise Error("closed", "the store was closed; an open store was asked. Open it again.")
        return self._handle

    def close(self) -> None:
        """Ends the store, and makes the next open quick; to close it again does nothing."""
        handle, self._handle = self._handle, None
        if handle is not None:
            _call(_lib.close, handle)

    # Collections

    def ensure_collection(
        self, name: str, dimension: int, metric: str = "cosine", mode: Optional[str] = None,
        element: str = "f32",
    ) -> Collection:
        """Makes a collection be there; one that differs is a "schema_mismatch"."""
        spec = {
            "name": name, "dimension": dimension, "metric": metric, "mode": mode, "element": element
        }
        handle = ctypes.c_void_p()
        _call(_lib.ensure_collection, self._open(), _json(spec), handle)
        return Collection(self, handle)

    def collection(self, name: str) -> Collection:
        """The collection of this name; none is "not_found"."""
        handle = ctypes.c_void_p()
        _call(_lib.open_collection, self._open(), _plain(name, "the name"), handle)
        return Collection(self, handle)

    def collections(self) -> List[Form]:
        """The specs of the collections, by name."""
        specs: List[Form] = _told(_lib.list_collections, self._open())
        return specs

    def drop_collection(self, name: str) -> None:
        """Ends a collection and its records; none of that name is "not_found"."""
        _call(_lib.drop_collection, self._open(), _plain(name, "the name"))

    # The store as a whole

    def checkpoint(self) -> None:
        """Makes every write durable, in segments."""
        _call(_lib.checkpoint, self._open())

    def compact(self, progress: Optional[Progress] = None) -> None:
        """Merges segments and drops what is dead."""
        _run(_lib.compact, progress, self._open())

    def refresh(self) -> None:
        """Shows what was committed since, in a store that only reads."""
        _call(_lib.refresh, self._open())

    def backup(
        self, path: Union[str, "os.PathLike[str]"], progress: Optional[Progress] = None
    ) -> None:
        """Copies the store as it is now into another directory, which can be opened as a store."""
        _run(_lib.backup, progress, self._open(), _path(path))

    def check(self, full: bool = False) -> Form:
        """Looks the store over; `full` reads every byte."""
        return check(self.path, full)

    def statistics(self) -> Form:
        """What the store holds."""
        return _form(_lib.statistics, self._open())

    def health(self) -> Form:
        """Whether the store can be read and written."""
        return _form(_lib.health, self._open())


def open(path: Union[str, "os.PathLike[str]"], **options: Any) -> Store:
    """Opens the store in a directory, and makes it when it is missing.

    Options: access ("read_write", "read_only"), durability ("sync", {"group_ms": 5},
    {"buffered_ms": 200}, "bulk"), create, io ("mmap", "pread"), memory_limit_mb.
    """
    return Store(path, **options)


def check(path: Union[str, "os.PathLike[str]"], full: bool = False) -> Form:
    """Looks a store over, open or not, and changes nothing; "ok" tells whether it is well."""
    return _form(_lib.check, _path(path), _json({"full": full}))


def restore(
    backup: Union[str, "os.PathLike[str]"], path: Union[str, "os.PathLike[str]"],
    progress: Optional[Progress] = None,
) -> None:
    """Makes a store of a backup, in a directory that holds none."""
    _run(_lib.restore, progress, _path(backup), _path(path))


def version() -> str:
    """The version of the library."""
    return str(_lib.version().decode())
