"""What a search should have found, and how much of it was."""

import hashlib
import pathlib

import numpy as np

# Distances that differ by less are one distance, told apart by rounding only.
TIE = 5e-7


def distances(metric, query, rows):
    """True distances of rows from a query, in 64 bits."""
    query = query.astype(np.float64)
    rows = rows.astype(np.float64)
    if metric == "cosine":
        lengths = np.linalg.norm(rows, axis=1) * np.linalg.norm(query)
        return 1.0 - (rows @ query) / np.where(lengths == 0, 1.0, lengths)
    difference = rows - query
    return np.einsum("ij,ij->i", difference, difference)


def nearest(metric, base, queries, k, mask=None, block=20_000):
    """The k nearest rows for each query, by products of blocks; -1 where there are fewer.

    A product in 32 bits chooses a few more than k, and 64 bits put them in order.
    """
    chosen = np.arange(len(base)) if mask is None else np.flatnonzero(mask)
    spare = min(len(chosen), k + 32)
    found = np.full((len(queries), k), -1, np.int64)
    if not len(chosen):
        return found
    keys = np.full((len(queries), 0), 0, np.float32)
    places = np.zeros((len(queries), 0), np.int64)
    for start in range(0, len(chosen), block):
        part = chosen[start : start + block]
        rows = base[part]
        key = -(queries @ rows.T)
        if metric != "cosine":
            key = 2 * key + np.einsum("ij,ij->i", rows, rows)
        keys = np.concatenate([keys, key], axis=1)
        places = np.concatenate([places, np.broadcast_to(part, key.shape)], axis=1)
        if keys.shape[1] > spare:
            kept = np.argpartition(keys, spare - 1, axis=1)[:, :spare]
            keys = np.take_along_axis(keys, kept, axis=1)
            places = np.take_along_axis(places, kept, axis=1)
    for number, query in enumerate(queries):
        exact = distances(metric, query, base[places[number]])
        order = np.lexsort((places[number], exact))[:k]
        found[number, : len(order)] = places[number][order]
    return found


def cached(folder, data, k, mask=None):
    """The truth for data, kept by the hash of what it was computed of."""
    if mask is None and data.truth is not None and data.truth.shape[1] >= k:
        return data.truth[:, :k].astype(np.int64)
    digest = data.digest()
    if mask is not None:
        digest += "-" + hashlib.sha256(np.packbits(mask)).hexdigest()[:16]
    path = pathlib.Path(folder) / f"truth-{digest}-{k}.npy"
    if path.is_file():
        return np.load(path, allow_pickle=False)
    found = nearest(data.metric, data.base, data.queries, k, mask)
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "wb") as file:
        np.save(file, found)
    return found


def recall(metric, base, queries, truth, answers, k, mask=None):
    """How much of the truth was found, ties counting alike.

    A row counts when its true distance is within that of the last true one, once, and only when it
    passes the filter. Where fewer than k rows pass, all of those are what was to be found.
    """
    hit = wanted = 0
    for query, true, answer in zip(queries, truth, answers):
        true = true[:k]
        true = true[true >= 0]
        wanted += len(true)
        rows = np.array(list(dict.fromkeys(answer))[:k], np.int64)
        rows = rows[(rows >= 0) & (rows < len(base))]
        if mask is not None:
            rows = rows[mask[rows]]
        if len(true) and len(rows):
            last = distances(metric, query, base[true[-1:]])[0]
            limit = last + TIE * (1.0 if metric == "cosine" else max(abs(last), 1e-30))
            hit += min(len(true), int(np.sum(distances(metric, query, base[rows]) <= limit)))
    return hit / wanted if wanted else 1.0
