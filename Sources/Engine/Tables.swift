internal import RoostContract
internal import RoostFiles
internal import RoostKernels
internal import RoostStorage

// The state that writes change. It belongs to whoever leads (see Committer); a follower's refresh
// and recovery build it the same way, from the same operations.

/// A segment as its writer sees it.
struct SegmentState {
  let facts: SegmentFacts
  /// The index to search it by, when there is one.
  var index: SegmentIndex?
  /// What its graph begins with when it is built; nil when it is there, or there is nothing.
  var ancestry: GraphAncestry?
  var entry: SegmentEntry
  var deaths: AtomicWords?
  /// Rows that died since the last manifest, oldest first.
  var unsaved: [UInt32] = []
  /// How many rows are dead.
  var dead = 0

  init(reader: SegmentReader, entry: SegmentEntry) {
    facts = SegmentFacts(reader)
    self.entry = entry
  }

  var reader: SegmentReader { facts.reader }
  var view: SegmentView { SegmentView(facts: facts, index: index, deaths: deaths) }

  /// Whether a row lives now.
  func isAlive(_ row: Int) -> Bool { deaths.map { $0.load(row) == 0 } ?? true }

  /// Ends a row, which lives; `isSaved` when a tombstone in a segment says so already.
  mutating func kill(_ row: Int, at lsn: UInt64, isSaved: Bool = false) {
    let words = deaths ?? AtomicWords(count: reader.rowCount)
    deaths = words
    words.store(row, lsn)
    dead += 1
    if !isSaved { unsaved.append(UInt32(row)) }
  }
}

/// Rows that are becoming a segment.
struct FrozenTable {
  var table: MemTable
  /// Rows that died since the freeze.
  var late: [Int] = []
}

/// A collection as its writer sees it.
final class CollectionState {
  /// What the collection is, without its segments.
  var entry: CollectionEntry
  var segments: [SegmentState] = []
  var frozen: FrozenTable?
  var active = MemTable()
  /// How many records live.
  var count = 0
  /// What readers see; nil when something has changed since.
  private var published: CollectionView?

  init(_ entry: CollectionEntry) {
    self.entry = entry
    self.entry.segments = []
  }

  /// Marks that readers' view is out of date.
  func touch() { published = nil }

  /// What readers may see.
  func view() -> CollectionView {
    if let published { return published }
    var memory: [MemView] = []
    if frozen != nil, let view = frozen?.table.view() { memory.append(view) }
    if active.count > 0 { memory.append(active.view()) }
    let view = CollectionView(
      entry: entry, segments: segments.map(\.view), memory: memory, count: count)
    published = view
    return view
  }

  /// Whether a record of this id lives.
  func contains(_ id: String) throws(StorageError) -> Bool {
    let hash = MemRow.hash(id)
    if active.find(id, hash: hash) != nil || frozen?.table.find(id, hash: hash) != nil {
      return true
    }
    for segment in segments.reversed() {
      if let row = try segment.reader.row(of: id), segment.isAlive(row) { return true }
    }
    return false
  }

  /// Ends the living record of this id; false when there is none.
  @discardableResult
  func delete(_ id: String, hash: UInt64, at lsn: UInt64) throws(StorageError) -> Bool {
    if let row = active.find(id, hash: hash) {
      active.kill(row, at: lsn)
    } else if let row = frozen?.table.find(id, hash: hash) {
      frozen?.table.kill(row, at: lsn)
      frozen?.late.append(row)
    } else {
      var place: (segment: Int, row: Int)?
      for segment in segments.indices.reversed() where place == nil {
        if let row = try segments[segment].reader.row(of: id), segments[segment].isAlive(row) {
          place = (segment, row)
        }
      }
      guard let place else { return false }
      segments[place.segment].kill(place.row, at: lsn)
    }
    count -= 1
    published = nil
    return true
  }

  /// Stores a record in place of the one of its id.
  func put(_ row: MemRow, at lsn: UInt64) throws(StorageError) {
    try delete(row.record.id, hash: row.hash, at: lsn)
    active.add(row)
    count += 1
    published = nil
  }
}

/// All collections as the writer sees them.
struct Tables {
  private(set) var collections: [UInt64: CollectionState] = [:]
  private var names: [BytewiseKey: UInt64] = [:]
  var nextCollection: UInt64 = 1
  /// Files of segments that went with their collection, to be deleted after the next manifest.
  var dropped: [UInt64] = []
  /// Whether collections or indexes differ from the manifest's.
  var isCatalogueChanged = false

  /// The collection of this name.
  func collection(named name: String) -> CollectionState? {
    names[BytewiseKey(name)].flatMap { collections[$0] }
  }

  /// About how much memory the rows take that are in no segment.
  var memory: Int {
    collections.values.reduce(0) { $0 + $1.active.size }
  }

  /// Puts a collection there, as the manifest or a log says.
  mutating func add(_ state: CollectionState) {
    collections[state.entry.number] = state
    names[BytewiseKey(state.entry.name)] = state.entry.number
    nextCollection = max(nextCollection, state.entry.number + 1)
  }

  /// Does what a log says; an operation on a collection that is not there is damage.
  mutating func apply(
    _ operation: Operation, at lsn: UInt64, from log: FileName
  ) throws(StorageError) {
    switch operation {
    case .createCollection(let entry):
      guard collections[entry.number] == nil, collection(named: entry.name) == nil else {
        throw .damaged(.order, in: log, at: 0, found: entry.number)
      }
      add(CollectionState(entry))
      isCatalogueChanged = true
    case .dropCollection(let number):
      let state = try state(number, log)
      collections[number] = nil
      names[BytewiseKey(state.entry.name)] = nil
      dropped += state.segments.map(\.entry.file)
      isCatalogueChanged = true
    case .migrateCollection(let number):
      let state = try state(number, log)
      state.entry.hasMetadata = true
      state.entry.hasContent = true
      state.touch()
      isCatalogueChanged = true
    case .put(let number, let record):
      let state = try state(number, log)
      guard record.vector.count == state.entry.dimension else {
        throw .damaged(
          .range, in: log, at: 0, found: UInt64(record.vector.count),
          expected: UInt64(state.entry.dimension))
      }
      try state.put(MemRow(record), at: lsn)
    case .delete(let number, let id):
      try state(number, log).delete(id, hash: MemRow.hash(id), at: lsn)
    case .putIndex(let number, let name, let spec):
      let state = try state(number, log)
      let index = IndexEntry(name: name, spec: spec, files: [])
      if let place = state.entry.indexes.firstIndex(where: { Bytewise.equal($0.name, name) }) {
        state.entry.indexes[place] = index
      } else {
        state.entry.indexes.append(index)
        state.entry.indexes.sort { Bytewise.precedes($0.name, $1.name) }
      }
      state.touch()
      isCatalogueChanged = true
    case .dropIndex(let number, let name):
      let state = try state(number, log)
      state.entry.indexes.removeAll { Bytewise.equal($0.name, name) }
      for place in state.segments.indices
      where !state.entry.lacksGraph(state.segments[place].entry.file) {
        state.segments[place].ancestry = nil
      }
      state.touch()
      isCatalogueChanged = true
    }
  }

  private func state(_ number: UInt64, _ log: FileName) throws(StorageError) -> CollectionState {
    guard let state = collections[number] else {
      throw .damaged(.range, in: log, at: 0, found: number, expected: nextCollection)
    }
    return state
  }

  /// What readers may see from now on.
  func snapshot(at lsn: UInt64) -> Snapshot {
    var views: [BytewiseKey: CollectionView] = [:]
    views.reserveCapacity(collections.count)
    for state in collections.values { views[BytewiseKey(state.entry.name)] = state.view() }
    return Snapshot(lsn: lsn, collections: views)
  }
}
