package import RoostContract

/// What makes a store this store: random, and in every one of its files.
package struct DatabaseID: Hashable, Sendable {
  package var high, low: UInt64

  package init(high: UInt64, low: UInt64) {
    self.high = high
    self.low = low
  }
}

/// The state of a store: everything but the rows, which its files hold.
package struct Manifest: Equatable, Sendable {
  package var database: DatabaseID
  /// One more with every manifest that replaces another.
  package var generation: UInt64
  /// The number of the next segment or index; none was ever used from here on.
  package var nextFile: UInt64
  /// The number of the next collection.
  package var nextCollection: UInt64
  /// The first log that is replayed.
  package var firstLog: UInt64
  /// Everything up to this commit is in segments.
  package var flushed: UInt64
  /// The last commit at a clean close; 0 while the store is in use.
  package var closed: UInt64
  /// Everything up to this commit is known to be durable.
  package var durable: UInt64
  /// The collections, by number.
  package var collections: [CollectionEntry]
  /// Features of later versions that this one can do without, kept as they were read.
  package var compatible: UInt32 = 0
  /// Features of later versions that make the store read-only to this one.
  package var readOnlyCompatible: UInt32 = 0

  package init(
    database: DatabaseID, generation: UInt64 = 1, nextFile: UInt64 = 1, nextCollection: UInt64 = 1,
    firstLog: UInt64 = 1, flushed: UInt64 = 0, closed: UInt64 = 0, durable: UInt64 = 0,
    collections: [CollectionEntry] = []
  ) {
    self.database = database
    self.generation = generation
    self.nextFile = nextFile
    self.nextCollection = nextCollection
    self.firstLog = firstLog
    self.flushed = flushed
    self.closed = closed
    self.durable = durable
    self.collections = collections
  }

  /// The names of the segments and indexes that it needs.
  package var references: Set<String> {
    var names: Set<String> = []
    for collection in collections {
      for segment in collection.segments { names.insert(FileName.segment(segment.file).name) }
      for index in collection.indexes {
        for file in index.files { names.insert(FileName.index(file.file).name) }
      }
    }
    return names
  }
}

/// A collection: what it was created as, and the files that hold it.
package struct CollectionEntry: Sendable {
  /// Never used again, also when the collection is dropped.
  package var number: UInt64
  package var name: String
  package var dimension: Int
  package var metric: Metric
  package var element: ElementType
  package var mode: CollectionSpec.Mode?
  /// Layouts of older stores lack metadata or content until they are migrated.
  package var hasMetadata, hasContent: Bool
  /// The commit that created it.
  package var created: UInt64
  package var indexes: [IndexEntry]
  /// The segments, oldest first.
  package var segments: [SegmentEntry]

  package init(
    number: UInt64, name: String, dimension: Int, metric: Metric = .cosine,
    element: ElementType = .f32, mode: CollectionSpec.Mode? = nil, hasMetadata: Bool = true,
    hasContent: Bool = true, created: UInt64 = 0, indexes: [IndexEntry] = [],
    segments: [SegmentEntry] = []
  ) {
    self.number = number
    self.name = name
    self.dimension = dimension
    self.metric = metric
    self.element = element
    self.mode = mode
    self.hasMetadata = hasMetadata
    self.hasContent = hasContent
    self.created = created
    self.indexes = indexes
    self.segments = segments
  }
}

extension CollectionEntry: Equatable {
  /// Whether two entries say the same; names by bytes.
  package static func == (a: Self, b: Self) -> Bool {
    a.number == b.number && Bytewise.equal(a.name, b.name) && a.dimension == b.dimension
      && a.metric == b.metric && a.element == b.element && a.mode == b.mode
      && a.hasMetadata == b.hasMetadata && a.hasContent == b.hasContent && a.created == b.created
      && a.indexes == b.indexes && a.segments == b.segments
  }
}

/// An index of a collection: what was asked for, and the files that were built of it so far.
package struct IndexEntry: Sendable {
  package var name: String
  package var spec: IndexSpec
  /// The files, by segment.
  package var files: [IndexFileEntry]

  package init(name: String, spec: IndexSpec, files: [IndexFileEntry] = []) {
    self.name = name
    self.spec = spec
    self.files = files
  }
}

extension IndexEntry: Equatable {
  /// Whether two entries say the same; names by bytes.
  package static func == (a: Self, b: Self) -> Bool {
    Bytewise.equal(a.name, b.name) && a.spec == b.spec && a.files == b.files
  }
}

/// The file of an index over one segment.
package struct IndexFileEntry: Equatable, Sendable {
  package var segment: UInt64
  package var file: UInt64
  package var length: Int
  package var root: Root

  package init(segment: UInt64, file: UInt64, length: Int, root: Root) {
    self.segment = segment
    self.file = file
    self.length = length
    self.root = root
  }
}

/// A checksum of a whole file, kept outside of it: 128 bits in two halves.
package struct Root: Hashable, Sendable {
  package var a, b: UInt64

  package init(a: UInt64, b: UInt64) {
    self.a = a
    self.b = b
  }
}

/// A segment as the manifest knows it.
package struct SegmentEntry: Equatable, Sendable {
  package var file: UInt64
  package var length: Int
  package var root: Root
  package var rows: Int
  /// Rows that were known to be dead when the manifest was written, for statistics.
  package var dead: Int
  /// The commits that its rows and tombstones are from.
  package var firstLSN, lastLSN: UInt64

  package init(
    file: UInt64, length: Int, root: Root, rows: Int, dead: Int = 0, firstLSN: UInt64,
    lastLSN: UInt64
  ) {
    self.file = file
    self.length = length
    self.root = root
    self.rows = rows
    self.dead = dead
    self.firstLSN = firstLSN
    self.lastLSN = lastLSN
  }
}
