package import RoostContract

/// What a commit does, with everything resolved: no filter, no condition, no "now" is left in it,
/// so that it means the same whenever it is replayed.
package enum Operation: Sendable {
  /// A new collection, without files.
  case createCollection(CollectionEntry)
  /// The end of a collection and its rows.
  case dropCollection(UInt64)
  /// A collection of an older layout gets metadata and content.
  case migrateCollection(UInt64)
  /// A record, which replaces the one of its id.
  case put(collection: UInt64, StoredRecord)
  /// The end of a record.
  case delete(collection: UInt64, id: String)
  /// An index that is wanted; it replaces the one of its name.
  case putIndex(collection: UInt64, name: String, IndexSpec)
  /// An index that is no longer wanted.
  case dropIndex(collection: UInt64, name: String)
}

extension Operation: Equatable {
  /// Whether two operations do the same; texts by bytes.
  package static func == (a: Self, b: Self) -> Bool {
    switch (a, b) {
    case (.createCollection(let a), .createCollection(let b)): a == b
    case (.dropCollection(let a), .dropCollection(let b)): a == b
    case (.migrateCollection(let a), .migrateCollection(let b)): a == b
    case (.put(let x, let a), .put(let y, let b)): x == y && a == b
    case (.delete(let x, let a), .delete(let y, let b)): x == y && Bytewise.equal(a, b)
    case (.putIndex(let x, let a, let s), .putIndex(let y, let b, let t)):
      x == y && Bytewise.equal(a, b) && s == t
    case (.dropIndex(let x, let a), .dropIndex(let y, let b)): x == y && Bytewise.equal(a, b)
    default: false
    }
  }
}

/// A record as it is kept: nothing of it is optional but the content.
package struct StoredRecord: Sendable {
  package var id: String
  package var vector: [Float]
  package var metadata: Metadata
  package var content: String?

  package init(id: String, vector: [Float], metadata: Metadata = [:], content: String? = nil) {
    self.id = id
    self.vector = vector
    self.metadata = metadata
    self.content = content
  }
}

extension StoredRecord: Equatable {
  /// Whether two records have the same parts; texts by bytes, numbers of vectors by value.
  package static func == (a: Self, b: Self) -> Bool {
    Bytewise.equal(a.id, b.id) && a.vector == b.vector && a.metadata == b.metadata
      && Bytewise.equal(a.content, b.content)
  }
}
