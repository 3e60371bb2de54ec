internal import RoostContract
internal import RoostFiles
internal import RoostStorage

// What readers hold: immutable views of all that was committed up to one moment. Taking one is
// taking a reference; nothing that happens later shows through it, and files that are deleted stay
// open until the last view of them goes.

/// A segment as a reader sees it.
struct SegmentView: Sendable {
  /// What has been found out about it.
  let facts: SegmentFacts
  /// The index to search it by, when there is one.
  let index: SegmentIndex?
  /// For each row the LSN that ended it, zero while it lives; nil while all of them live.
  let deaths: AtomicWords?

  var reader: SegmentReader { facts.reader }

  /// Whether a row lives at `lsn`.
  func isAlive(_ row: Int, at lsn: UInt64) -> Bool {
    guard let deaths else { return true }
    let death = deaths.load(row)
    return death == 0 || death > lsn
  }
}

/// A collection as a reader sees it.
final class CollectionView: Sendable {
  /// What the collection is; its segments are those of `segments`.
  let entry: CollectionEntry
  let segments: [SegmentView]
  /// The rows that are becoming a segment, and those that came since.
  let memory: [MemView]
  /// How many records live.
  let count: Int

  init(entry: CollectionEntry, segments: [SegmentView], memory: [MemView], count: Int) {
    self.entry = entry
    self.segments = segments
    self.memory = memory
    self.count = count
  }

  var spec: CollectionSpec { entry.spec }
}

extension CollectionEntry {
  /// The entry as its user described it.
  var spec: CollectionSpec {
    CollectionSpec(name: name, dimension: dimension, metric: metric, mode: mode, element: element)
  }
}

/// All collections at one moment.
final class Snapshot: Sendable {
  /// The last write that it shows.
  let lsn: UInt64
  let collections: [BytewiseKey: CollectionView]

  init(lsn: UInt64, collections: [BytewiseKey: CollectionView]) {
    self.lsn = lsn
    self.collections = collections
  }

  /// The collection of this name, which must fit the handle.
  func collection(
    _ name: String, dimension: Int, metric: Metric, _ validation: Validation
  ) throws -> CollectionView {
    guard let view = collections[BytewiseKey(name)] else { throw Validation.noCollection(name) }
    try validation.checkHandle(name, dimension: dimension, metric: metric, matches: view.spec)
    return view
  }
}

/// Where a living record is.
enum Place: Sendable {
  case memory(Int, row: Int)
  case segment(Int, row: Int)
}

extension CollectionView {
  /// Where the record of an id is at `lsn`; nil when it does not live.
  func place(of id: String, at lsn: UInt64) throws(StorageError) -> Place? {
    let hash = MemRow.hash(id)
    for table in memory.indices.reversed() {
      if let row = memory[table].row(of: id, hash: hash, at: lsn) {
        return .memory(table, row: row)
      }
    }
    for segment in segments.indices.reversed() {
      if let row = try segments[segment].reader.row(of: id),
        segments[segment].isAlive(row, at: lsn)
      {
        return .segment(segment, row: row)
      }
    }
    return nil
  }

  /// The id of the record at a place.
  func id(at place: Place) throws(StorageError) -> String {
    switch place {
    case .memory(let table, let row): memory[table].row(row).record.id
    case .segment(let segment, let row): try segments[segment].reader.id(of: row)
    }
  }

  /// Has the ids at some places fetched from memory, all at once, before they are read one by one.
  func expectIDs(at places: [Place]) {
    // First where each is, then what is there.
    for isKnown in [false, true] {
      for case .segment(let segment, let row) in places {
        segments[segment].reader.expectID(of: row, isPlaceKnown: isKnown)
      }
    }
  }

  /// The record at a place, with the parts that are asked for.
  func record(
    at place: Place, _ projection: Projection, _ cursor: inout PayloadCursor
  ) throws(StorageError) -> Record {
    switch place {
    case .memory(let table, let row):
      return memory[table].row(row).record.projected(projection)
    case .segment(let segment, let row):
      let reader = segments[segment].reader
      var record = Record(id: try reader.id(of: row))
      if projection.vector { record.vector = try reader.vector(of: row) }
      if projection.metadata || projection.content {
        let (metadata, content) = try reader.payload(of: row, using: &cursor)
        if projection.metadata { record.metadata = metadata }
        if projection.content { record.content = content }
      }
      return record
    }
  }
}

extension StoredRecord {
  /// The record as its user sees it, with the parts that are asked for.
  func projected(_ projection: Projection) -> Record {
    Record(
      id: id, vector: projection.vector ? vector : nil,
      metadata: projection.metadata ? metadata : nil, content: projection.content ? content : nil)
  }
}
