internal import RoostContract

// A collection as bytes. The log writes it without files, when it is created; the manifest, with.

extension ByteWriter {
  /// What a collection is, without its files.
  package mutating func collection(_ entry: CollectionEntry) {
    head(of: entry)
    for index in sorted(entry.indexes) { self.index(index.name, index.spec) }
  }

  /// What a collection is, and the files that hold it.
  mutating func collectionWithFiles(_ entry: CollectionEntry) {
    head(of: entry)
    for index in sorted(entry.indexes) {
      self.index(index.name, index.spec)
      varint(UInt64(index.files.count))
      for file in index.files.sorted(by: { $0.segment < $1.segment }) {
        varint(file.segment)
        varint(file.file)
        varint(UInt64(max(0, file.length)))
        root(file.root)
      }
    }
    varint(UInt64(entry.segments.count))
    for segment in entry.segments {
      varint(segment.file)
      varint(UInt64(max(0, segment.length)))
      root(segment.root)
      varint(UInt64(max(0, segment.rows)))
      varint(UInt64(max(0, segment.dead)))
      varint(segment.firstLSN)
      varint(segment.lastLSN)
    }
  }

  private mutating func head(of entry: CollectionEntry) {
    varint(entry.number)
    text(entry.name)
    varint(UInt64(max(0, entry.dimension)))
    u8(entry.metric.code)
    u8(entry.element.code)
    u8(entry.mode?.code ?? 0)
    u8((entry.hasMetadata ? 1 : 0) | (entry.hasContent ? 2 : 0))
    varint(entry.created)
    varint(UInt64(entry.indexes.count))
  }

  private func sorted(_ indexes: [IndexEntry]) -> [IndexEntry] {
    indexes.sorted { Bytewise.precedes($0.name, $1.name) }
  }

  /// An index that was asked for: its name and its JSON form.
  mutating func index(_ name: String, _ spec: IndexSpec) {
    text(name)
    text(spec.json)
  }

  /// The two halves of a root.
  package mutating func root(_ root: Root) {
    u64(root.a)
    u64(root.b)
  }
}

extension ByteReader {
  /// A collection without its files.
  package mutating func collection() throws(StorageError) -> CollectionEntry {
    try collection(hasFiles: false)
  }

  /// A collection and its files.
  mutating func collectionWithFiles() throws(StorageError) -> CollectionEntry {
    try collection(hasFiles: true)
  }

  private mutating func collection(hasFiles: Bool) throws(StorageError) -> CollectionEntry {
    let number = try varint()
    let name = try text(bytesMax: Limits.nameBytesMax)
    let dimension = try dimension()
    let metric = try metric()
    let element = try element()
    let mode = try mode()
    let parts = try u8()
    guard parts & ~3 == 0 else { throw damaged(.value, found: UInt64(parts)) }
    var entry = CollectionEntry(
      number: number, name: name, dimension: dimension, metric: metric, element: element,
      mode: mode, hasMetadata: parts & 1 != 0, hasContent: parts & 2 != 0, created: try varint())
    for _ in 0..<(try count(ofAtLeast: 2)) {
      let (name, spec) = try index()
      if let last = entry.indexes.last, !Bytewise.precedes(last.name, name) {
        throw damaged(.order)
      }
      entry.indexes.append(
        IndexEntry(name: name, spec: spec, files: hasFiles ? try indexFiles() : []))
    }
    guard hasFiles else { return entry }
    for _ in 0..<(try count(ofAtLeast: 22)) { entry.segments.append(try segment()) }
    return entry
  }

  private mutating func indexFiles() throws(StorageError) -> [IndexFileEntry] {
    var files: [IndexFileEntry] = []
    for _ in 0..<(try count(ofAtLeast: 19)) {
      let segment = try varint()
      if let last = files.last, last.segment >= segment {
        throw damaged(.order, found: segment, expected: last.segment)
      }
      files.append(
        IndexFileEntry(
          segment: segment, file: try varint(), length: try size(), root: try root()))
    }
    return files
  }

  private mutating func segment() throws(StorageError) -> SegmentEntry {
    let entry = SegmentEntry(
      file: try varint(), length: try size(), root: try root(), rows: try size(),
      dead: try size(), firstLSN: try varint(), lastLSN: try varint())
    guard entry.rows <= SegmentFormat.rowsMax, entry.dead <= entry.rows else {
      throw damaged(.range, found: UInt64(entry.dead), expected: UInt64(entry.rows))
    }
    guard entry.firstLSN <= entry.lastLSN else {
      throw damaged(.range, found: entry.lastLSN, expected: entry.firstLSN)
    }
    return entry
  }

  /// An index that was asked for.
  mutating func index() throws(StorageError) -> (name: String, spec: IndexSpec) {
    let name = try text()
    let form = try text()
    let spec: IndexSpec
    do { spec = try IndexSpec(json: form) } catch { throw damaged(.value) }
    guard Bytewise.equal(spec.json, form) else { throw damaged(.value) }
    return (name, spec)
  }

  /// The two halves of a root.
  package mutating func root() throws(StorageError) -> Root {
    Root(a: try u64(), b: try u64())
  }

  /// The length of vectors.
  mutating func dimension() throws(StorageError) -> Int {
    let dimension = try varint()
    guard (1...UInt64(Limits.dimensionMax)).contains(dimension) else {
      throw damaged(.range, found: dimension, expected: UInt64(Limits.dimensionMax))
    }
    return Int(dimension)
  }

  /// A number of bytes or rows.
  package mutating func size() throws(StorageError) -> Int {
    let number = try varint()
    guard let size = Int(exactly: number) else { throw damaged(.range, found: number) }
    return size
  }
}
