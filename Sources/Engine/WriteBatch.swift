public import RoostContract
internal import RoostStorage

/// Writes that are done as one, to any number of collections: all of them, or none.
public struct WriteBatch: Sendable {
  private enum Step: Sendable {
    case put([MemRow], UInt64, collection: String, isInsert: Bool)
    case delete([String], UInt64, collection: String)
  }

  private let store: Store
  private var steps: [Step] = []

  init(_ store: Store) { self.store = store }

  /// Stores new records; one id that is taken refuses the whole batch.
  public mutating func insert(
    _ records: [Record], into collection: StoreCollection, onDuplicate: DuplicatePolicy = .refuse
  ) throws {
    try put(records, collection, onDuplicate, isInsert: true)
  }

  /// Stores records, each replacing wholly the one of its id.
  public mutating func upsert(
    _ records: [Record], into collection: StoreCollection, onDuplicate: DuplicatePolicy = .refuse
  ) throws {
    try put(records, collection, onDuplicate, isInsert: false)
  }

  /// Removes the records of these ids.
  public mutating func delete(_ ids: [String], from collection: StoreCollection) throws {
    steps.append(.delete(ids, try entry(of: collection).number, collection: collection.name))
  }

  private mutating func put(
    _ records: [Record], _ collection: StoreCollection, _ onDuplicate: DuplicatePolicy,
    isInsert: Bool
  ) throws {
    let entry = try entry(of: collection)
    let rows = try store.core.rows(records, for: entry, onDuplicate: onDuplicate)
    steps.append(.put(rows, entry.number, collection: collection.name, isInsert: isInsert))
  }

  private func entry(of collection: StoreCollection) throws -> CollectionEntry {
    guard collection.store === store else {
      throw StoreError(
        .invalidArgument, found: "collection \(quoted(collection.name)) is of another store",
        expected: "a batch writes to the store that it was made for",
        remedy: "Use a handle of this store")
    }
    return try store.core.snapshot().collection(
      collection.name, dimension: collection.dimension, metric: collection.metric,
      store.core.validation
    ).entry
  }

  /// Whether there will only be less to keep.
  var onlyFrees: Bool {
    steps.allSatisfy { step in
      if case .delete = step { true } else { false }
    }
  }

  /// What the batch does to the state that it meets.
  func resolve(_ core: StoreCore, _ overlay: Overlay) throws -> Effects {
    var overlay = overlay
    var effects = Effects()
    var rows: [MemRow] = []
    for step in steps {
      var operations: [Operation] = []
      switch step {
      case .put(let added, let number, let collection, let isInsert):
        guard let state = core.tables.collections[number] else {
          throw Validation.noCollection(collection)
        }
        if isInsert { try core.checkNew(added, in: state, overlay) }
        operations = added.map { .put(collection: number, $0.record) }
        rows += added
      case .delete(let ids, let number, let collection):
        guard let state = core.tables.collections[number] else {
          throw Validation.noCollection(collection)
        }
        operations = try core.deletion(of: ids, from: state, overlay).operations
      }
      overlay.add(operations)
      effects.operations += operations
    }
    effects.rows = rows
    effects.answer = effects.operations.count
    return effects
  }
}

extension Store {
  /// Does all that `body` puts into its batch as one write; when it throws, nothing is written.
  public func write(_ body: (inout WriteBatch) throws -> Void) throws {
    var batch = WriteBatch(self)
    try body(&batch)
    let whole = batch
    _ = try core.commit(
      WriteRequest(onlyFrees: whole.onlyFrees) { core, overlay in
        try whole.resolve(core, overlay)
      })
  }

  /// Does all that `body` puts into its batch as one write; when it throws, nothing is written.
  public func write(_ body: (inout WriteBatch) throws -> Void) async throws {
    var batch = WriteBatch(self)
    try body(&batch)
    let whole = batch
    _ = try await core.commitAsync { whenDone in
      WriteRequest(onlyFrees: whole.onlyFrees, whenDone: whenDone) { core, overlay in
        try whole.resolve(core, overlay)
      }
    }
  }
}
