#!/usr/bin/env python3
"""Reads a store of Roost and prints its records: a second reader, written from FORMAT.md alone.

usage: read-store.py DIRECTORY

Prints one JSON object a line, {"collection","id","vector","metadata","content"}, sorted by the
bytes of collection and id. Numbers are printed digit for digit. Every checksum is verified, and all
that FORMAT.md says of the files: what does not hold ends the program with 1 and a sentence, and
without a record. 2 says that something could not be read at all.
"""

import json
import math
import os
import re
import struct
import sys

MASK = (1 << 64) - 1
NUMBER_MAX = 4611686018427387904
ELEMENTS = {1: ("f32", 4), 2: ("f16", 2), 3: ("bf16", 2), 4: ("i8", 1)}

class Damage(Exception):
    """What is wrong, as a sentence."""

def need(holds, sentence):
    if not holds:
        raise Damage(sentence)

# Checksums

def crc_table():
    table = []
    for byte in range(256):
        for _ in range(8):
            byte = byte >> 1 ^ (0x82F63B78 if byte & 1 else 0)
        table.append(byte)
    return table

CRC_TABLE = crc_table()

def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ CRC_TABLE[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFFFFFF

P1, P2, P3 = 0x9E3779B97F4A7C15, 0xD6E8FEB86659FD93, 0xA0761D6478BD642F

def step(lane, word):
    lane = (lane ^ word) * P1 & MASK
    return lane ^ lane >> 32

def finish(value):
    value = (value ^ value >> 32) * P2 & MASK
    value = (value ^ value >> 29) * P3 & MASK
    return value ^ value >> 32

def hash64(data, seed):
    lanes = [seed + P2 * (i + 1) & MASK for i in range(8)]
    padded = bytes(data) + bytes(-len(data) % 8)
    words = struct.unpack("<%dQ" % (len(padded) // 8), padded)
    for i in range(8):
        lane = lanes[i]
        for word in words[i::8]:
            lane = (lane ^ word) * P1 & MASK
            lane ^= lane >> 32
        lanes[i] = lane
    value = seed ^ len(data) * P3 & MASK
    for lane in lanes:
        value = step(value, finish(lane))
    return finish(value)

def root(data, seed):
    return hash64(data, seed), hash64(data, seed ^ MASK)

# Bytes

class Reader:
    """Takes numbers and text from a range of bytes, and never what is not there."""

    def __init__(self, data, name, start=0, end=None):
        self.data, self.name, self.place = data, name, start
        self.end = len(data) if end is None else end

    def need(self, holds, what):
        need(holds, "%s: %s, before byte %d" % (self.name, what, self.place))

    def left(self):
        return self.end - self.place

    def take(self, count):
        self.need(0 <= count <= self.left(), "%d bytes are missing" % (count - self.left()))
        self.place += count
        return self.data[self.place - count : self.place]

    def number(self, size):
        return int.from_bytes(self.take(size), "little")

    u8, u16, u32, u64 = (lambda self, size=size: self.number(size) for size in (1, 2, 4, 8))

    def varint(self):
        value = shift = 0
        while True:
            byte = self.u8()
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                break
            shift += 7
        self.need(value <= MASK, "a varint passes 64 bits")
        self.need(byte != 0 or shift == 0, "a varint is longer than it needs to be")
        return value

    def count(self, size=1):
        count = self.varint()
        self.need(count * size <= self.left(), "%d things are said to follow" % count)
        return count

    def text(self):
        start = self.place
        try:
            return bytes(self.take(self.count())).decode("utf-8")
        except UnicodeDecodeError:
            raise Damage("%s: text that is not UTF-8, at byte %d" % (self.name, start))

    def zeros(self, count):
        self.need(not any(self.take(count)), "bytes that say nothing are not 0")

    def done(self):
        self.need(self.left() == 0, "%d bytes are left over" % self.left())

# Metadata. A value is (tag, what it holds, its form).

NULL, NO, YES, INT, DOUBLE, DECIMAL, STRING, ARRAY, OBJECT = range(9)

def value(reader, depth):
    start = reader.place
    tag = reader.u8()
    held = None
    if tag == INT:
        folded = reader.varint()
        held = folded >> 1 ^ -(folded & 1)
    elif tag == DOUBLE:
        held = struct.unpack("<d", reader.take(8))[0]
        reader.need(math.isfinite(held), "a number is not finite")
    elif tag == DECIMAL:
        held = reader.text()
        is_number = re.fullmatch(r"-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?", held, re.ASCII)
        reader.need(is_number, "a decimal is no number of JSON")
    elif tag == STRING:
        held = reader.text()
    elif tag == ARRAY:
        reader.need(depth < 64, "containers lie deeper than 64")
        held = [value(reader, depth + 1) for _ in range(reader.count())]
    elif tag == OBJECT:
        reader.need(depth < 64, "containers lie deeper than 64")
        held = metadata(reader, depth + 1)
    else:
        reader.need(tag in (NULL, NO, YES), "%d is no tag of a value" % tag)
    return tag, held, bytes(reader.data[start : reader.place])

def metadata(reader, depth=1):
    members = {}
    last = None
    for _ in range(reader.count(2)):
        name = reader.text()
        order = (len(name.encode()), name.encode())
        reader.need(last is None or last < order, "names of metadata are not in order")
        last = order
        members[name] = value(reader, depth)
    return members

def content(reader):
    flag = reader.u8()
    reader.need(flag <= 1, "%d says nothing of content" % flag)
    if flag == 0:
        return None
    text = reader.text()
    reader.need(len(text.encode()) <= 16 << 20, "a content is longer than 16777216 bytes")
    return text

def vector(reader, dimension, element):
    name, size = ELEMENTS[element]
    data = reader.take(dimension * size)
    if name == "bf16":
        data = b"".join(b"\0\0" + data[i : i + 2] for i in range(0, len(data), 2))
    numbers = struct.unpack(
        "<%d%s" % (dimension, {"f32": "f", "f16": "e", "bf16": "f", "i8": "b"}[name]), data)
    reader.need(all(map(math.isfinite, numbers)), "a number of a vector is not finite")
    return numbers

# Manifest

PARTS = 3

def flags(reader, name):
    """Reads the three kinds of flags; only the incompatible ones keep a reader out."""
    reader.u32()
    reader.u32()
    bits = reader.u32()
    need(bits == 0, "%s needs a later version: flags %#x" % (name, bits))

def version(reader, name):
    major = reader.u16()
    need(major == 1, "%s is of version %d, which is not known" % (name, major))
    reader.u16()

def small(reader):
    number = reader.varint()
    reader.need(number < NUMBER_MAX, "%d is too large for a number" % number)
    return number

def head(reader):
    entry = {"number": small(reader), "name": reader.text(), "dimension": reader.varint()}
    reader.need(entry["number"] >= 1, "a collection has the number 0")
    reader.need(len(entry["name"].encode()) <= 1024, "the name of a collection is too long")
    reader.need(1 <= entry["dimension"] <= 65535, "a dimension is out of range")
    metric, entry["element"], mode, parts = (reader.u8() for _ in range(4))
    reader.need(1 <= metric <= 3, "%d is no metric" % metric)
    reader.need(entry["element"] in ELEMENTS, "%d is no element" % entry["element"])
    reader.need(mode <= 2, "%d is no mode" % mode)
    reader.need(parts <= PARTS, "%d are no parts of records" % parts)
    small(reader)
    return entry

def index(reader):
    name = reader.text()
    try:
        json.loads(reader.text())
    except ValueError:
        reader.need(False, "the spec of an index is no JSON")
    return name

def indexes(reader, has_files, segments=None):
    """Reads the indexes of a collection, and answers the files they name."""
    files = []
    last = None
    for _ in range(reader.count(2)):
        name = index(reader).encode()
        reader.need(last is None or last < name, "indexes are not in order")
        last = name
        if not has_files:
            continue
        before = -1
        for _ in range(reader.count(19)):
            segment, file = small(reader), small(reader)
            reader.need(before < segment, "files of an index are not in order")
            before = segment
            reader.varint()
            reader.take(16)
            files.append((segment, file))
    return files

def read_manifest(data):
    name = "MANIFEST"
    need(len(data) <= 67108864, "MANIFEST is too long")
    reader = Reader(data, name)
    need(reader.take(8) == bytes.fromhex("8e524d460d0a1a0a"), "MANIFEST is no manifest")
    need(len(data) >= 64, "MANIFEST is cut off")
    need(crc32c(data[:60]) == int.from_bytes(data[60:64], "little"),
         "MANIFEST: the checksum of its beginning is wrong")
    version(reader, name)
    flags(reader, name)
    length = reader.u64()
    need(length == len(data) - 64, "MANIFEST has another length than it says")
    need((reader.u64(), reader.u64()) == root(data[64:], 0), "MANIFEST: its checksum is wrong")
    reader.zeros(12)
    reader.u32()

    manifest = {"database": (reader.u64(), reader.u64())}
    for key in ("generation", "next_file", "next_collection", "first_log", "flushed", "closed",
                "durable"):
        manifest[key] = small(reader)
    reader.need(manifest["generation"] >= 1, "the generation is 0")
    reader.need(manifest["first_log"] >= 1, "the first log is 0")
    reader.need(manifest["closed"] == 0 or manifest["closed"] >= manifest["flushed"],
                "it was closed before it was flushed")
    manifest["collections"] = collections = []
    used = set()
    for _ in range(reader.count()):
        entry = head(reader)
        files = indexes(reader, has_files=True)
        entry["segments"] = []
        for _ in range(reader.count(22)):
            segment = {"file": small(reader), "length": reader.varint(),
                       "root": (reader.u64(), reader.u64()), "rows": reader.varint(),
                       "dead": reader.varint(), "first": small(reader), "last": small(reader)}
            reader.need(segment["dead"] <= segment["rows"] < 1 << 32, "rows are out of range")
            reader.need(segment["first"] <= segment["last"], "LSNs of a segment are turned around")
            entry["segments"].append(segment)
        numbers = [segment["file"] for segment in entry["segments"]]
        for segment, _ in files:
            reader.need(segment in numbers, "an index is of a segment that is not there")
        for number in numbers + [file for _, file in files]:
            reader.need(1 <= number < manifest["next_file"], "a file has the number %d" % number)
            reader.need(number not in used, "file %d is named twice" % number)
            used.add(number)
        reader.need(entry["number"] < manifest["next_collection"], "a collection is too new")
        reader.need(not collections or collections[-1]["number"] < entry["number"],
                    "collections are not in order")
        reader.need(entry["name"] not in [other["name"] for other in collections],
                    "two collections have one name")
        collections.append(entry)
    reader.done()
    return manifest

# Segments

def unpack_lz4(data, length, name):
    out = bytearray()
    place = 0

    def more(count):
        nonlocal place
        need(place + count <= len(data), "%s: a compressed block is cut off" % name)
        place += count
        return data[place - count : place]

    def extended(count):
        while count >= 15:
            byte = more(1)[0]
            count += byte
            if byte < 255:
                break
        return count

    while True:
        token = more(1)[0]
        out += more(extended(token >> 4))
        if place == len(data):
            break
        distance = int.from_bytes(more(2), "little")
        need(1 <= distance <= len(out), "%s: a compressed block points outside of itself" % name)
        count = extended(token & 15) + 4
        need(len(out) + count <= length, "%s: a compressed block is too long" % name)
        while count > 0:
            piece = out[-distance:][:count]
            out += piece
            count -= len(piece)
    need(len(out) == length, "%s: a compressed block has another length than is said" % name)
    return bytes(out)

VECTORS, PAYLOAD, BLOCKS, IDS, ID_MAP, COLUMNS, TOMBSTONES, CHECKSUMS = range(1, 9)
ROWS_MAX = 4294967294

def block_seed(database, file, block):
    return hash64(struct.pack("<4Q", database[0], database[1], file, block), 0)

def aligned(place, size=4096):
    return (place + size - 1) // size * size

def read_sections(data, name, database, entry):
    """Checks footer, directory and checksums; answers (offset, length, count, flags) by section."""
    need(len(data) == entry["length"], "%s has %d bytes instead of %d" % (
        name, len(data), entry["length"]))
    need(len(data) >= 4096 + 128, "%s is too short for a segment" % name)
    footer = len(data) - 128
    reader = Reader(data, name, footer)
    need(reader.take(8) == bytes.fromhex("8e5253450d0a1a0a"), "%s has no end" % name)
    offset, length, total = reader.u64(), reader.u64(), reader.u64()
    stored = reader.u64(), reader.u64()
    reader.zeros(76)
    need(reader.u32() == crc32c(data[footer : footer + 124]),
         "%s: the checksum of its end is wrong" % name)
    need(total == len(data), "%s has another length than it says" % name)
    need(offset + length == footer, "%s: the directory does not end where it should" % name)

    reader = Reader(data, name, offset, footer)
    number = reader.u32()
    reader.zeros(4)
    reader.need(number * 32 == reader.left(), "the directory has another length than it says")
    sections, end = {}, 4096
    for _ in range(number):
        kind, flag, start, size, count = (
            reader.u32(), reader.u32(), reader.u64(), reader.u64(), reader.u64())
        reader.need(start == aligned(end), "section %d is out of place" % kind)
        reader.need(start + size <= offset, "section %d is too long" % kind)
        reader.need(count <= ROWS_MAX, "section %d counts too much" % kind)
        need(not any(data[end:start]), "%s: bytes between sections are not 0" % name)
        end = start + size
        if kind > CHECKSUMS:
            reader.need(len(sections) < 8, "a section comes behind the checksums")
            continue
        reader.need(kind == len(sections) + 1, "section %d is out of order" % kind)
        reader.need(flag == 0 or (kind == COLUMNS and flag == 1), "a flag is not known")
        sections[kind] = (start, size, count, flag)
    need(len(sections) == 8, "%s lacks sections" % name)
    need(aligned(end) == offset, "%s: the directory is out of place" % name)
    need(not any(data[end:offset]), "%s: bytes behind the sections are not 0" % name)

    sums, size, count, _ = sections[CHECKSUMS]
    need(root(data[sums:footer], block_seed(database, entry["file"], MASK)) == stored,
         "%s: the checksum of its checksums is wrong" % name)
    need(stored == entry["root"], "%s is not the file that the manifest names" % name)
    need(count == (sums + 65535) // 65536 and size == 8 * count, "%s: checksums are missing" % name)
    for block in range(count):
        start = block * 65536
        found = hash64(data[start : min(start + 65536, sums)],
                       block_seed(database, entry["file"], block))
        need(found == int.from_bytes(data[sums + 8 * block :][:8], "little"),
             "%s: the checksum of the block at byte %d is wrong" % (name, start))
    return sections

def read_header(data, name, database, collection, entry):
    reader = Reader(data, name)
    need(reader.take(8) == bytes.fromhex("8e5253470d0a1a0a"), "%s is no segment" % name)
    need(crc32c(data[:124]) == int.from_bytes(data[124:128], "little"),
         "%s: the checksum of its beginning is wrong" % name)
    version(reader, name)
    flags(reader, name)
    found = [reader.u64() for _ in range(7)] + [reader.u32(), reader.u8()]
    expected = [database[0], database[1], entry["file"], collection["number"], entry["rows"],
                entry["first"], entry["last"], collection["dimension"], collection["element"]]
    need(found == expected, "%s is of another store, collection or manifest" % name)
    need(entry["rows"] <= ROWS_MAX, "%s has too many rows" % name)
    reader.zeros(39)
    reader.u32()
    reader.zeros(4096 - 128)

def read_vectors(data, name, section, collection, rows):
    offset, length, count, _ = section
    used = collection["dimension"] * ELEMENTS[collection["element"]][1]
    stride = aligned(used, 64)
    need(count == rows and length == rows * stride, "%s: vectors are missing" % name)
    vectors = []
    for row in range(rows):
        reader = Reader(data, name, offset + row * stride, offset + (row + 1) * stride)
        vectors.append(vector(reader, collection["dimension"], collection["element"]))
        reader.zeros(stride - used)
    return vectors

def read_ids(data, name, sections, rows):
    offset, length, count, _ = sections[IDS]
    need(count == rows and length >= 8 * (rows + 1), "%s: ids are missing" % name)
    places = struct.unpack("<%dQ" % (rows + 1), data[offset : offset + 8 * (rows + 1)])
    base = offset + 8 * (rows + 1)
    need(places[0] == 0 and base + places[-1] == offset + length,
         "%s: ids do not fill their section" % name)
    ids = []
    for start, end in zip(places, places[1:]):
        need(start < end <= places[-1] and end - start <= 1024, "%s: an id is out of place" % name)
        ids.append(data[base + start : base + end])
        try:
            ids[-1].decode("utf-8")
        except UnicodeDecodeError:
            raise Damage("%s: an id is not UTF-8, at byte %d" % (name, base + start))
    offset, length, count, _ = sections[ID_MAP]
    need(count == rows and length == 4 * rows, "%s: the order of ids is missing" % name)
    order = struct.unpack("<%dI" % rows, data[offset : offset + length])
    need(all(row < rows for row in order), "%s: the order of ids has rows that are not" % name)
    need(all(ids[a] < ids[b] for a, b in zip(order, order[1:])), "%s: ids do not ascend" % name)
    return ids

def read_payload(data, name, sections, rows):
    offset, length, count, _ = sections[PAYLOAD]
    table, size, blocks, _ = sections[BLOCKS]
    need(blocks == count and size == 24 * count, "%s: blocks of payload are missing" % name)
    need((rows == 0) == (count == 0), "%s: payload is missing" % name)
    entries = [struct.unpack("<IIQII", data[table + 24 * i :][:24]) for i in range(count)]
    payload, end = [], offset
    for i, (first, form, start, stored, unpacked) in enumerate(entries):
        last = entries[i + 1][0] if i + 1 < count else rows
        need(first == len(payload) and first < last <= rows, "%s: rows are out of order" % name)
        need(start == end and stored > 0, "%s: a block of payload is out of place" % name)
        end += stored
        need(end <= offset + length, "%s: a block of payload is too long" % name)
        most = 67108864 + 32 if last - first == 1 else 2 * 16384 + 32
        need(unpacked <= most, "%s: a block of payload is too long" % name)
        need(form <= 1, "%s: a block has the form %d" % (name, form))
        block = data[start:end]
        need(form == 1 or stored == unpacked, "%s: a block has two lengths" % name)
        if form == 1:
            block = unpack_lz4(block, unpacked, name)
        number = 4 * (last - first)
        need(number < len(block), "%s: a block of payload is cut off" % name)
        at = number
        for row in range(last - first):
            to = number + int.from_bytes(block[4 * row :][:4], "little")
            need(at < to <= len(block), "%s: a row of payload is out of place" % name)
            reader = Reader(block, name, at, to)
            part = Reader(block, name, reader.place, reader.place)
            size = reader.count()
            part.place, part.end = reader.place, reader.place + size
            members = metadata(part)
            part.done()
            reader.take(size)
            payload.append((members, content(reader)))
            reader.done()
            at = to
        need(at == len(block), "%s: a block of payload has bytes left over" % name)
    need(end == offset + length and len(payload) == rows, "%s: payload is missing" % name)
    return payload

def dictionary_order(held):
    tag, content, form = held
    if tag in (INT, DOUBLE, DECIMAL):
        return 3, float(content) + 0.0, form
    return (4, content.encode(), b"") if tag == STRING else (tag, 0.0, b"")

def all_paths(members, prefix=()):
    for name, held in members.items():
        path = prefix + (name,)
        yield path, held
        if held[0] == OBJECT and len(path) < 8:
            yield from all_paths(held[1], path)

def read_columns(data, name, section, payload):
    """Holds the columns against the metadata that they are made from."""
    offset, length, count, covers = section
    rows = len(payload)
    need(count <= 256 and 48 * count <= length, "%s has too many columns" % name)
    facts = [dict(all_paths(members)) for members, _ in payload]
    end, last, known = 48 * count, b"", set()
    for i in range(count):
        entry = struct.unpack("<QIBBHIIQQQ", data[offset + 48 * i :][:48])
        path_at, path_size, width, traits, zero, values, present, dictionary, size, codes = entry
        need(path_at == end and dictionary == path_at + path_size and codes == dictionary + size
             and zero == 0, "%s: a column is out of place" % name)
        end = codes + rows * width
        need(end <= length and path_size <= 1024, "%s: a column is too long" % name)
        need(width == (1 if values <= 254 else 2 if values <= 65534 else 4),
             "%s: the codes of a column have %d bytes" % (name, width))
        form = data[offset + path_at : offset + dictionary]
        need(last < form, "%s: columns are not in order" % name)
        last = form
        reader = Reader(form, name)
        path = tuple(reader.text() for _ in range(reader.u8()))
        reader.done()
        need(1 <= len(path) <= 8, "%s: a path has %d names" % (name, len(path)))
        known.add(path)

        table, base = offset + dictionary, offset + dictionary + 4 * values
        need(4 * values <= size, "%s: a dictionary is cut off" % name)
        ends = (0,) + struct.unpack("<%dI" % values, data[table:base])
        need(4 * values + ends[-1] == size, "%s: a dictionary has another length" % name)
        found = []
        for start, stop in zip(ends, ends[1:]):
            need(start < stop <= ends[-1] and stop - start <= 256, "%s: a value is too long" % name)
            reader = Reader(data, name, base + start, base + stop)
            held = value(reader, 64)
            reader.done()
            found.append(held)
        keys = [dictionary_order(held) for held in found]
        need(all(a < b for a, b in zip(keys, keys[1:])), "%s: values are not in order" % name)
        found_rows = struct.unpack(
            "<%d%s" % (rows, {1: "B", 2: "H", 4: "I"}[width]),
            data[offset + codes : offset + codes + rows * width])
        need(sum(code != 0 for code in found_rows) == present, "%s: rows are miscounted" % name)
        need(set(range(values)) <= {code - 2 for code in found_rows},
             "%s: a value is in no row" % name)
        seen = 0
        for row, code in enumerate(found_rows):
            held = facts[row].get(path)
            if code == 0:
                need(held is None, "%s: row %d has something at %s" % (name, row, path))
            elif code == 1:
                need(held is not None, "%s: row %d has nothing at %s" % (name, row, path))
                seen |= {ARRAY: 1, OBJECT: 2}.get(held[0], 4)
            else:
                need(code - 2 < values and held is not None and held[2] == found[code - 2][2],
                     "%s: row %d has another value at %s" % (name, row, path))
        need(seen == traits, "%s: the traits of column %s are wrong" % (name, path))
    need(end == length, "%s: the columns have bytes left over" % name)
    if covers:
        for row in facts:
            need(set(row) <= known, "%s lacks a column" % name)

def read_tombstones(data, name, section):
    offset, length, count, _ = section
    reader = Reader(data, name, offset, offset + length)
    lists, before = {}, -1
    for _ in range(count):
        segment, number, form = reader.u64(), reader.u32(), reader.u8()
        reader.zeros(3)
        size = reader.u64()
        reader.need(before < segment, "lists of dead rows are not in order")
        before = segment
        reader.need(size <= reader.left(), "a list of dead rows is cut off")
        part = Reader(data, name, reader.place, reader.place + size)
        rows = []
        if form == 0:
            next_row = 0
            while part.left():
                rows.append(next_row + part.varint())
                next_row = rows[-1] + 1
        else:
            part.need(form == 1, "a list of dead rows has the form %d" % form)
            bits = part.take(size)
            part.need(size > 0 and bits[-1] != 0, "a list of dead rows ends with zeros")
            rows = [i * 8 + bit for i, byte in enumerate(bits) for bit in range(8)
                    if byte >> bit & 1]
        part.need(len(rows) == number and number > 0, "a list of dead rows is miscounted")
        part.need(rows[-1] < ROWS_MAX, "a dead row is out of range")
        lists[segment] = rows
        reader.take(size)
    reader.done()
    return lists

def read_segment(directory, database, collection, entry):
    name = "s-%016x.seg" % entry["file"]
    data = load(directory, name)
    sections = read_sections(data, name, database, entry)
    read_header(data, name, database, collection, entry)
    rows = entry["rows"]
    vectors = read_vectors(data, name, sections[VECTORS], collection, rows)
    ids = read_ids(data, name, sections, rows)
    payload = read_payload(data, name, sections, rows)
    read_columns(data, name, sections[COLUMNS], payload)
    return {"name": name, "vectors": vectors, "ids": ids, "payload": payload,
            "tombstones": read_tombstones(data, name, sections[TOMBSTONES])}

def read_collection(directory, database, entry):
    """The records of a collection's segments by id."""
    segments = [read_segment(directory, database, entry, segment) for segment in entry["segments"]]
    places = {segment["file"]: i for i, segment in enumerate(entry["segments"])}
    dead = [set() for _ in segments]
    for i, segment in enumerate(segments):
        for number, rows in segment["tombstones"].items():
            place = places.get(number)
            if place is None:
                continue
            need(place < i, "%s speaks of a segment that is not older" % segment["name"])
            need(rows[-1] < len(segments[place]["ids"]),
                 "%s speaks of rows that are not there" % segment["name"])
            dead[place].update(rows)
    records = {}
    for segment, gone in zip(segments, dead):
        for row, key in enumerate(segment["ids"]):
            if row in gone:
                continue
            need(key not in records, "%s: the id %r lives twice" % (segment["name"], key))
            members, text = segment["payload"][row]
            records[key] = (segment["vectors"][row], members, text)
    return records

# Logs

BATCH, FRAGMENT, COMMIT, SYNC, SEAL = range(1, 6)

def read_block(data):
    """The first block of a log; nil where it cannot be read."""
    if len(data) < 4096 or data[:8] != bytes.fromhex("8e52574c0d0a1a0a"):
        return None
    if crc32c(data[:124]) != int.from_bytes(data[124:128], "little"):
        return None
    reader = Reader(data, "a log", 8)
    version(reader, "a log")
    bits = reader.u32()
    need(bits == 0, "a log needs a later version: flags %#x" % bits)
    block = {"database": (reader.u64(), reader.u64()), "number": reader.u64(),
             "generation": reader.u64(), "salt": reader.u64(), "first": reader.u64()}
    before = [reader.u64() for _ in range(5)]
    block["before"] = before if any(before) else None
    reader.zeros(20)
    reader.u32()
    reader.zeros(4096 - 128)
    return block

class Walk:
    """The way through the records of a log, up to where it stops."""

    def __init__(self, data, name, block):
        self.data, self.name, self.salt = data, name, block["salt"]
        self.place = 4096
        self.last = block["first"] - 1
        self.root = root(data[:128], self.salt)
        self.commits = []
        self.parts = []
        self.sealed = False
        # Where the root was last after something that counts, for who ends there.
        self.ends = {4096: (self.last, self.root)}
        while not self.sealed and self.record():
            pass

    def header(self, place):
        """The numbers of a record's header whose checksum is right; nil for any other bytes."""
        if place + 40 > len(self.data):
            return None
        crc = int.from_bytes(self.data[place : place + 4], "little")
        checked = struct.pack("<QQ", self.salt, place) + self.data[place + 4 : place + 40]
        if crc32c(checked) != crc:
            return None
        return struct.unpack("<BBHIIQQQ", self.data[place + 4 : place + 40])

    def record(self):
        header = self.header(self.place)
        if header is None:
            return False
        kind, bits, zero, size, part, lsn, durable, check = header

        def rule(holds, what):
            need(holds, "%s: %s, at byte %d" % (self.name, what, self.place))

        rule(1 <= kind <= 5 or kind >= 128, "a record is of a later version, type %d" % kind)
        rule(bits == 0, "a record is of a later version, flags %#x" % bits)
        rule(zero == 0 and size <= 67108864, "a record's header breaks the rules")
        rule(lsn < NUMBER_MAX, "an LSN is too large")
        rule(part == 0 or kind in (FRAGMENT, COMMIT), "a record has a part")
        if kind == SEAL:
            rule(lsn == self.last and durable == lsn and size == 0 and not self.parts,
                 "a seal breaks the rules")
        else:
            rule(lsn == self.last + 1, "an LSN is not the next one")
            rule(durable < lsn, "a record says that it is durable itself")
        rule(size == 0 or kind != SYNC, "a sync has a payload")
        if kind == FRAGMENT:
            rule(part == len(self.parts), "a fragment is not the next one")
        elif kind == COMMIT:
            rule(part == len(self.parts) and part > 0, "a commit has other parts")
            rule(size == 16, "a commit in parts has another payload")
        else:
            rule(not self.parts, "a record stands between fragments")
        start = self.place + 40
        end = aligned(start + size, 8)
        if end > len(self.data):
            return False
        payload = self.data[start : start + size]
        if hash64(payload, self.salt ^ lsn) != check or any(self.data[start + size : end]):
            return False
        raw = self.data[self.place : start]
        if kind == SEAL:
            self.sealed = True
            self.place = end
            return True
        if kind == FRAGMENT:
            self.parts.append((payload, check))
        elif kind == COMMIT:
            whole = b"".join(part for part, _ in self.parts)
            sums = b"".join(struct.pack("<Q", check) for _, check in self.parts)
            expected = struct.pack("<QQ", len(whole), hash64(sums, self.salt ^ lsn))
            rule(payload == expected, "a commit in parts does not hold together")
            self.commits.append((lsn, whole))
            self.parts = []
        elif kind == BATCH:
            self.commits.append((lsn, payload))
        self.root = hash64(raw, self.root[0]), hash64(raw, self.root[1])
        self.place = end
        if kind != FRAGMENT:
            self.last = lsn
            self.ends[end] = (self.last, self.root)
        return True

def read_state(directory, database):
    try:
        data = load(directory, "STATE")
    except FileNotFoundError:
        return None
    if len(data) != 64 or data[:8] != bytes.fromhex("8e5253540d0a1a0a"):
        return None
    if crc32c(data[:60]) != int.from_bytes(data[60:], "little") or any(data[48:60]):
        return None
    high, low, _, generation, durable = struct.unpack("<5Q", data[8:48])
    return (generation, durable) if (high, low) == database else None

def read_logs(directory, names, manifest):
    """The commits of the logs that count, in order."""
    numbers = sorted(
        int(name[2:18], 16) for name in names if re.fullmatch(r"w-[0-9a-f]{16}\.wal", name))
    numbers = [number for number in numbers if number >= manifest["first_log"]]
    need(numbers == list(range(manifest["first_log"], manifest["first_log"] + len(numbers))),
         "a log is missing")
    state = read_state(directory, manifest["database"])
    need(state is None or state[0] <= manifest["generation"], "STATE is newer than MANIFEST")
    durable = max(manifest["closed"], manifest["durable"], state[1] if state else 0)

    logs, leftover = [], False
    for number in numbers:
        name = "w-%016x.wal" % number
        data = load(directory, name)
        block = read_block(data)
        if block:
            need(block["database"] == manifest["database"] and block["number"] == number,
                 "%s is of another store, or another log" % name)
            need(block["generation"] <= manifest["generation"], "%s is newer than MANIFEST" % name)
        is_first = number == manifest["first_log"]
        if len(data) <= 4096 and (block is None or block["before"] is None and not is_first):
            leftover = True
            continue
        need(block is not None, "%s has no block that can be read" % name)
        need(not leftover, "%s stands behind a log that does not count" % name)
        need(not logs or block["before"] is not None, "%s does not know the log before it" % name)
        logs.append((name, data, block))

    if not logs:
        need(durable <= manifest["flushed"], "commit %d was durable, and its log is gone" % durable)
        return []
    first = logs[0][2]["first"]
    need(1 <= first <= manifest["flushed"] + 1, "the first log begins too late")
    commits = []
    for i, (name, data, block) in enumerate(logs):
        walk = Walk(data, name, block)
        if i + 1 < len(logs):
            _, _, following = logs[i + 1]
            number, last, length, a, b = following["before"]
            need(number == block["number"] and following["first"] == last + 1
                 and walk.ends.get(length) == (last, (a, b)),
                 "%s does not end as the next log says" % name)
            need(len(data) <= length + 40 and walk.last == last,
                 "%s goes on behind its end" % name)
        else:
            check_end(walk, durable)
        commits += walk.commits
    return [(lsn, payload) for lsn, payload in commits if lsn > manifest["flushed"]]

def check_end(walk, known):
    """Tells a torn end from damage."""
    need(not walk.sealed, "%s is sealed, and no log follows it" % walk.name)
    missing = walk.last + 1
    for place in range(aligned(walk.place + 1, 8), len(walk.data), 8):
        header = walk.header(place)
        if header:
            lsn, durable = header[5], header[6]
            need(not (missing <= durable <= lsn <= missing + len(walk.data) // 40),
                 "%s: commit %d was durable, and is damaged" % (walk.name, missing))
    need(known < missing, "%s: commit %d was durable, and is gone" % (walk.name, missing))

def apply(lsn, payload, collections):
    reader = Reader(payload, "commit %d" % lsn)
    count = reader.count(2)
    reader.need(count > 0, "a commit does nothing")
    for _ in range(count):
        tag = reader.u8()
        if tag == 1:
            entry = head(reader)
            indexes(reader, has_files=False)
            reader.need(entry["number"] not in collections, "a collection is created twice")
            collections[entry["number"]] = (entry, {})
            continue
        reader.need(2 <= tag <= 7, "%d is no operation" % tag)
        number = reader.varint()
        reader.need(number in collections, "collection %d is not there" % number)
        entry, records = collections[number]
        if tag == 2:
            del collections[number]
        elif tag == 4:
            key = reader.text().encode()
            element, dimension = reader.u8(), reader.varint()
            reader.need((element, dimension) == (entry["element"], entry["dimension"]),
                        "a vector is of another kind than its collection's")
            numbers = vector(reader, dimension, element)
            members = metadata(reader)
            records[key] = (numbers, members, content(reader))
        elif tag == 5:
            records.pop(reader.text().encode(), None)
        elif tag == 6:
            index(reader)
        elif tag == 7:
            reader.text()
    reader.done()

# Output

def float_text(number):
    """The fewest digits that read back as the same 32-bit number."""
    if isinstance(number, int):
        return str(number)
    for digits in range(1, 10):
        text = "%.*g" % (digits, number)
        if struct.pack("<f", float(text)) == struct.pack("<f", number):
            return text
    return repr(number)

def json_text(held):
    tag, content, _ = held
    if tag in (NULL, NO, YES):
        return ("null", "false", "true")[tag]
    if tag == INT:
        return str(content)
    if tag == DOUBLE:
        # Whole numbers have no places behind the point: 2, not 2.0.
        text = repr(content)
        return text[:-2] if text.endswith(".0") else text
    if tag == DECIMAL:
        return content
    if tag == STRING:
        return json.dumps(content, ensure_ascii=False)
    if tag == ARRAY:
        return "[" + ",".join(map(json_text, content)) + "]"
    return object_text(content)

def object_text(members):
    return "{" + ",".join(
        json.dumps(name, ensure_ascii=False) + ":" + json_text(held)
        for name, held in members.items()) + "}"

def load(directory, name):
    with open(os.path.join(directory, name), "rb") as file:
        return file.read()

def read_store(directory):
    names = sorted(os.listdir(directory))
    if "MANIFEST" not in names:
        for name in names:
            is_ours = re.fullmatch(
                r"MANIFEST\.g[0-9a-f]{16}|s-[0-9a-f]{16}\.seg|w-[0-9a-f]{16}\.wal|"
                r"x-[0-9a-f]{16}\.idx", name)
            need(not is_ours, "there is %s and no MANIFEST" % name)
        return []
    manifest = read_manifest(load(directory, "MANIFEST"))
    collections = {
        entry["number"]: (entry, read_collection(directory, manifest["database"], entry))
        for entry in manifest["collections"]}
    for lsn, payload in read_logs(directory, names, manifest):
        apply(lsn, payload, collections)
    lines = []
    for entry, records in sorted(collections.values(), key=lambda pair: pair[0]["name"].encode()):
        for key in sorted(records):
            numbers, members, text = records[key]
            lines.append('{"collection":%s,"id":%s,"vector":[%s],"metadata":%s,"content":%s}' % (
                json.dumps(entry["name"], ensure_ascii=False),
                json.dumps(key.decode(), ensure_ascii=False),
                ",".join(map(float_text, numbers)), object_text(members),
                json.dumps(text, ensure_ascii=False)))
    return lines

def main():
    if len(sys.argv) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    try:
        lines = read_store(sys.argv[1])
    except Damage as damage:
        print(damage, file=sys.stderr)
        return 1
    except FileNotFoundError as error:
        if os.path.isdir(sys.argv[1]):
            print("%s is missing" % os.path.basename(error.filename), file=sys.stderr)
            return 1
        print(error, file=sys.stderr)
        return 2
    except OSError as error:
        print(error, file=sys.stderr)
        return 2
    sys.stdout.reconfigure(encoding="utf-8", newline="\n")
    for line in lines:
        print(line)
    return 0

sys.exit(main())
