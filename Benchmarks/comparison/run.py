"""A run: its data on disk for the children, its peers, and what it found."""

import contextlib
import json
import os
import pathlib
import sys

import numpy as np

from . import driver, truth
from .adapter import PEERS, peer_file

K = 10


class Run:
    """What every chapter works with."""

    def __init__(self, data, names, work, rounds=3, folder=PEERS, say=None, **limits):
        self.data = data
        self.names = list(names)
        self.rounds = rounds
        self.work = pathlib.Path(work).resolve()
        self.work.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.say = say or (lambda text: print(text, file=sys.stderr, flush=True))
        self.limits = {
            "seconds": 3.0, "ingest_rows": 20_000, "commits": 1_000, "churn_rows": 20_000,
            "growth_rows": 1_000_000, "turnovers": 10, "answer": 7_200, **limits,
        }
        self.found = {}
        self.failures = []
        self.versions = {}
        self.efforts = {}
        self.abilities = {}
        self.cores = sorted(os.sched_getaffinity(0))
        self._truths = {}
        self._stored = {}
        self._built = {}
        self.written = self.write(data, "data")
        # A peer that cannot start is known before anything is measured.
        for name in names:
            with self.attempt(name, "start"):
                peer = self.peer(name, driver.emptied(self.work / "trial"))
                self.versions[name] = peer.version
                self.efforts[name] = peer.efforts
                self.abilities[name] = peer.capabilities
                peer.end()

    # Data

    def write(self, data, name):
        """Data as files, which children map into memory."""
        place = self.work / name
        place.mkdir(parents=True, exist_ok=True)
        np.save(place / "base.npy", data.base)
        np.save(place / "queries.npy", data.queries)
        with open(place / "metadata.json", "w", encoding="utf-8") as file:
            json.dump(data.metadata(), file)
        return place

    def truth(self, data=None, mask=None, key=None):
        """The true nearest rows, computed once."""
        data = data or self.data
        key = (data.digest(), key)
        if key not in self._truths:
            self._truths[key] = truth.cached(self.work / "truth", data, K, mask)
        return self._truths[key]

    def recall(self, answers, data=None, mask=None, key=None):
        data = data or self.data
        return truth.recall(
            data.metric, data.base, data.queries, self.truth(data, mask, key), answers, K, mask
        )

    # Peers

    def able(self, *abilities):
        """The peers that started and can do all of this."""
        return [
            name for name in self.names
            if name in self.abilities and self.abilities[name] >= set(abilities)
        ]

    def peer(self, name, directory, data=None, trace=None, metric=None):
        return driver.Peer(
            name, peer_file(name, self.folder), directory, data or self.written,
            metric or self.data.metric, self.work / "peers.log", self.limits["answer"], trace,
        )

    def held(self, peer, threads):
        """Holds a peer to as many cores."""
        peer.ask("pin", cores=self.cores[:threads])
        return min(threads, len(self.cores))

    def stored(self, name):
        """A directory in which the peer left all rows, built once in a run."""
        if name not in self._stored:
            directory = driver.emptied(self.work / "stored" / name)
            self._stored[name] = None
            self.say(f"  {name} builds")
            peer = self.peer(name, directory)
            try:
                threads = self.held(peer, len(self.cores))
                peer.ask("build", rows=(0, len(self.data.base)), threads=threads)
                peer.close()
            finally:
                peer.end()
            self._stored[name] = directory
        if self._stored[name] is None:
            raise driver.PeerFailure("could not build before")
        return self._stored[name]

    def opened(self, name):
        """A peer that opened what it had stored, on one core."""
        directory = self.stored(name)
        peer = self.peer(name, directory)
        try:
            self.held(peer, 1)
            peer.ask("open")
        except BaseException:
            peer.end()
            raise
        return peer

    @contextlib.contextmanager
    def attempt(self, name, chapter):
        """What fails inside is a row of the report, and the run goes on."""
        try:
            yield
        except driver.PeerFailure as failure:
            self.failed(name, chapter, str(failure), failure.missing)

    def failed(self, name, chapter, text, missing=False):
        self.say(f"  {name}: {'not there' if missing else 'failed'}: {text}")
        self.failures.append(
            {"peer": name, "chapter": chapter, "text": text, "missing": missing}
        )

    @contextlib.contextmanager
    def together(self, names, chapter):
        """All these peers at once, each with its rows, so that rounds can go in turns."""
        peers = {}
        for name in names:
            with self.attempt(name, chapter):
                peers[name] = self.opened(name)
        try:
            yield peers
        finally:
            for peer in peers.values():
                with self.attempt(peer.name, chapter):
                    peer.close()

    def in_turns(self, peers, chapter, body):
        """Calls `body` for each peer; one that fails is out of this chapter."""
        for name in list(peers):
            try:
                body(name, peers[name])
            except driver.PeerFailure as failure:
                self.failed(name, chapter, str(failure), failure.missing)
                peers.pop(name).end()

    def note(self, chapter, **row):
        self.found.setdefault(chapter, []).append(row)
