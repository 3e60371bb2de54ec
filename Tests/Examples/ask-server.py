"""Starts example-server and asks it much at once, with what comes with Python.

    python3 ask-server.py PROGRAM STORE
"""

import concurrent.futures
import http.client
import json
import random
import signal
import socket
import subprocess
import sys

DIMENSION, BATCHES, ROWS, SEARCHES, LATE = 8, 20, 50, 400, 10_000


def expect(holds, what):
    if not holds:
        sys.exit(f"ask-server: {what} does not hold")


servers = []


def start(program, store):
    server = subprocess.Popen([program, store, str(DIMENSION)], stdout=subprocess.PIPE, text=True)
    servers.append(server)
    words = server.stdout.readline().split()
    expect(words[:3] == ["listening", "on", "port"], "the line that tells the port")
    return server, int(words[3])


def ask(port, method, path, body=""):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request(method, path, body)
    answer = connection.getresponse()
    form = json.loads(answer.read())
    connection.close()
    return answer.status, form


def raw(port, data):
    """What comes back for bytes that need not be a request."""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
        return connection.makefile("rb").read().split(b"\r\n")[0].decode()


def vector(number):
    numbers = random.Random(number)
    return [numbers.uniform(-1, 1) for _ in range(DIMENSION)]


def store_batch(port, batch):
    lines = [
        json.dumps({"id": str(row), "vector": vector(row), "metadata": {"batch": batch}})
        for row in range(batch * ROWS, (batch + 1) * ROWS)]
    status, form = ask(port, "POST", "/records", "\n".join(lines))
    return status == 200 and form == {"stored": ROWS}


def search(port, row, options=None):
    form = {"vector": vector(row), "limit": 3, "options": options or {}}
    status, form = ask(port, "POST", "/search", json.dumps(form))
    expect(status == 200, "a search is answered")
    return [hit["record"] for hit in form["hits"]]


def main(program, store):
    server, port = start(program, store)
    expect(ask(port, "GET", "/health") == (200, {"state": "healthy"}), "health")
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        # Writes beside each other, with searches among them.
        writes = [pool.submit(store_batch, port, batch) for batch in range(BATCHES)]
        early = [pool.submit(search, port, row) for row in range(SEARCHES // 4)]
        expect(all(write.result() for write in writes), "every batch is stored")
        expect(all(len(hits.result()) <= 3 for hits in early), "searches among writes")
        found = list(pool.map(lambda row: search(port, row), range(SEARCHES)))
    expect([hits[0]["id"] for hits in found] == [str(row) for row in range(SEARCHES)],
           "every record is nearest to itself")
    filtered = search(port, 0, {"filter": {"eq": ["batch", 7]}})
    expect([hit["metadata"]["batch"] for hit in filtered] == [7, 7, 7], "a filter")

    # What is wrong is refused, and the server goes on.
    for path, body, code in [
        ("/records", '{"id":"a","vector":[1]}', "dimension_mismatch"),
        ("/records", "no JSON", "invalid_argument"),
        ("/search", '{"vector":7}', "invalid_argument"),
        ("/search", json.dumps({"vector": vector(0), "options": {"filter": {"gt": 1}}}),
         "invalid_filter"),
    ]:
        status, form = ask(port, "POST", path, body)
        expect((status, form["code"]) == (400, code), f"{code} ({status} {form})")
    expect(ask(port, "GET", "/else")[0] == 404, "an unknown path")
    expect("400" in raw(port, b"nonsense\r\n\r\n"), "nonsense")
    expect("413" in raw(port, b"POST /records HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n"),
           "a body that is too long")
    expect("431" in raw(port, b"x" * (64 << 10)), "a head that does not end")
    expect("408" in raw(port, b"POST /records HTTP/1.1\r\nContent-Length: 9\r\n\r\nhalf"),
           "a body that is cut off")

    # Whoever has begun to ask is answered before it ends.
    late = json.dumps({"id": "late", "vector": vector(LATE)}).encode()
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        head = f"POST /records HTTP/1.1\r\nContent-Length: {len(late)}\r\n\r\n"
        connection.sendall(head.encode() + late[:10])
        # One more is answered, so the half request was taken before it.
        ask(port, "GET", "/health")
        server.send_signal(signal.SIGTERM)
        connection.sendall(late[10:])
        expect(b"200 OK" in connection.makefile("rb").read(), "the last request is answered")
    rest = server.stdout.read()
    expect(server.wait(30) == 0 and rest == "ended, with everything answered\n", "a quiet end")

    server, port = start(program, store)
    expect(search(port, LATE)[0]["id"] == "late", "what was answered is there again")
    server.terminate()
    expect(server.wait(30) == 0, "the second end")
    print(f"{BATCHES * ROWS + 1} records stored, {SEARCHES} searches answered")


try:
    main(sys.argv[1], sys.argv[2])
finally:
    for server in servers:
        server.kill()
        server.communicate()
