import RoostContract
import RoostEngine

// What a store should hold and answer: dictionaries, searched record by record in double precision.
// Every lane that asks "is this what was written?" asks it here.

/// A change of a store, by value, so that lists of them can be kept, cut and done again.
indirect enum StoreWrite: Sendable {
  case ensure(CollectionSpec)
  case drop(String)
  case insert([Record], String, DuplicatePolicy = .refuse)
  case upsert([Record], String, DuplicatePolicy = .refuse)
  case delete([String], String)
  case deleteWhere(Filter, String)
  /// Inserts, upserts and deletions that are done as one.
  case batch([StoreWrite])
  case ensureIndexes([IndexSpec], String)
  case dropIndex(String, String)
}

/// A question to a store.
enum StoreRead: Sendable {
  case get([String], Projection, String)
  case count(Filter?, String)
  case search([SearchQuery], String)
  /// All pages of a scroll.
  case scroll(limit: Int, Filter?, Projection, String)
  case indexes(String)
  case list
}

/// What a store says to a write or a question.
enum StoreAnswer: Sendable {
  case done
  case number(Int)
  case records([Record?])
  case hits([[Hit<Record>]])
  case specs([CollectionSpec])
  case indexes([IndexDescription])
  case outcomes([IndexOutcome])
  case refused(StoreError.Code)

  /// The answer of `body`; what a store refuses with a code is an answer too.
  init(_ body: () throws -> StoreAnswer) throws {
    do {
      self = try body()
    } catch let error as StoreError {
      self = .refused(error.code)
    }
  }

  /// How this answer differs from the one that is right; nil when it does not.
  func difference(from right: StoreAnswer) -> String? {
    let isSame =
      switch (self, right) {
      case (.done, .done): true
      case (.number(let a), .number(let b)): a == b
      case (.records(let a), .records(let b)): a == b
      case (.specs(let a), .specs(let b)): a == b
      case (.outcomes(let a), .outcomes(let b)): a == b
      case (.refused(let a), .refused(let b)): a == b
      case (.indexes(let a), .indexes(let b)):
        // How many records an index covers is the store's affair.
        a.map(\.name) == b.map(\.name) && a.map(\.spec) == b.map(\.spec)
      case (.hits(let a), .hits(let b)):
        a.count == b.count && zip(a, b).allSatisfy { Self.same($0, $1) }
      default: false
      }
    return isSame ? nil : "the store says \(self), right is \(right)"
  }

  private static func same(_ a: [Hit<Record>], _ b: [Hit<Record>]) -> Bool {
    a.count == b.count
      && zip(a, b).allSatisfy { a, b in
        a.record == b.record && near(a.distance, b.distance) && near(a.score, b.score)
      }
  }

  private static func near(_ a: Double, _ b: Double) -> Bool {
    a.isNaN ? b.isNaN : a == b || (a - b).magnitude <= 1e-9 * max(1, b.magnitude)
  }
}

/// What a store should hold.
struct StoreOracle: Sendable, Equatable {
  struct Contents: Sendable, Equatable {
    var spec: CollectionSpec
    var records: [BytewiseKey: Record] = [:]
    var indexes: [BytewiseKey: IndexDescription] = [:]
  }

  private(set) var collections: [BytewiseKey: Contents] = [:]

  private static let validation = Validation(Capabilities())

  /// The collection of this name, or the error that every store has for a missing one.
  func contents(_ name: String) throws -> Contents {
    guard let contents = collections[BytewiseKey(name)] else {
      throw Validation.noCollection(name)
    }
    return contents
  }

  // MARK: Writing

  /// Does a write and says what a store should answer; a write that is refused changes nothing.
  mutating func apply(_ write: StoreWrite) throws -> StoreAnswer {
    let before = self
    let answer = try StoreAnswer {
      if case .batch(let writes) = write {
        // A batch is checked while it is put together, before any of it meets the store.
        for write in writes { try check(write) }
      }
      return try change(write)
    }
    if case .refused = answer { self = before }
    return answer
  }

  /// What a write is refused for whatever ids there are.
  private func check(_ write: StoreWrite) throws {
    switch write {
    case .insert(let records, let name, let policy), .upsert(let records, let name, let policy):
      _ = try checked(records, name, policy)
    case .delete(_, let name): _ = try contents(name)
    default:
      throw StoreError(
        .unsupported, found: "a batch with \(write)", expected: "puts and deletions", remedy: "")
    }
  }

  private func checked(
    _ records: [Record], _ name: String, _ policy: DuplicatePolicy
  ) throws -> [Record] {
    let spec = try contents(name).spec
    return try Self.validation.checked(
      records, dimension: spec.dimension, element: spec.element, collection: name,
      onDuplicate: policy)
  }

  private mutating func change(_ write: StoreWrite) throws -> StoreAnswer {
    switch write {
    case .ensure(let spec):
      let spec = try Self.validation.checked(spec)
      if let there = collections[BytewiseKey(spec.name)] {
        try Self.validation.check(spec, matches: there.spec)
      } else {
        collections[BytewiseKey(spec.name)] = Contents(spec: spec)
      }
      return .done
    case .drop(let name):
      return .number(collections.removeValue(forKey: BytewiseKey(name)) == nil ? 0 : 1)
    case .insert(let records, let name, let policy):
      if records.isEmpty { return .done }
      let kept = try checked(records, name, policy)
      let there = try contents(name).records
      for record in kept where there[BytewiseKey(record.id)] != nil {
        throw StoreError(
          .alreadyExists, found: quoted(record.id), expected: "a new id", remedy: "")
      }
      put(kept, name)
      return .done
    case .upsert(let records, let name, let policy):
      if records.isEmpty { return .done }
      put(try checked(records, name, policy), name)
      return .done
    case .delete(let ids, let name):
      if ids.isEmpty { return .number(0) }
      _ = try contents(name)
      return .number(ids.count { remove($0, name) })
    case .deleteWhere(let filter, let name):
      try filter.check()
      let dead = try contents(name).records.values.filter { filter.matches($0) }
      return .number(dead.count { remove($0.id, name) })
    case .batch(let writes):
      for write in writes { _ = try change(write) }
      return .done
    case .ensureIndexes(let specs, let name):
      if specs.isEmpty { return .outcomes([]) }
      let spec = try contents(name).spec
      return .outcomes(
        try specs.map { try Self.validation.checked($0, in: spec) }.map { index in
          let key = BytewiseKey(index.name)
          let old = collections[BytewiseKey(name)]?.indexes.updateValue(index, forKey: key)
          return IndexOutcome(
            name: index.name,
            action: old == nil ? .created : old?.spec == index.spec ? .unchanged : .rebuilt)
        })
    case .dropIndex(let index, let name):
      _ = try contents(name)
      let old = collections[BytewiseKey(name)]?.indexes.removeValue(forKey: BytewiseKey(index))
      return .number(old == nil ? 0 : 1)
    }
  }

  private mutating func put(_ records: [Record], _ name: String) {
    let element = collections[BytewiseKey(name)]?.spec.element ?? .f32
    for record in records {
      let stored = Record(
        id: record.id, vector: record.vector?.map(element.rounded),
        metadata: record.metadata ?? [:], content: record.content)
      collections[BytewiseKey(name)]?.records[BytewiseKey(record.id)] = stored
    }
  }

  private mutating func remove(_ id: String, _ name: String) -> Bool {
    collections[BytewiseKey(name)]?.records.removeValue(forKey: BytewiseKey(id)) != nil
  }

  // MARK: Reading

  /// What a store that holds this should answer.
  func answer(to read: StoreRead) throws -> StoreAnswer {
    try StoreAnswer {
      switch read {
      case .get(let ids, let projection, let name):
        let records = try contents(name).records
        return .records(ids.map { records[BytewiseKey($0)]?.projected(projection) })
      case .count(let filter, let name):
        let records = try contents(name).records
        try filter?.check()
        return .number(
          filter.map { filter in records.values.count { filter.matches($0) } }
            ?? records.count)
      case .search(let queries, let name): return .hits(try search(queries, name))
      case .scroll(_, let filter, let projection, let name):
        let records = try contents(name).records
        try filter?.check()
        return .records(
          records.sorted { $0.key < $1.key }.map(\.value)
            .filter { filter?.matches($0) ?? true }.map { $0.projected(projection) })
      case .indexes(let name):
        return .indexes(
          try contents(name).indexes.sorted { $0.key < $1.key }.map(\.value))
      case .list: return .specs(collections.sorted { $0.key < $1.key }.map(\.value.spec))
      }
    }
  }

  private func search(_ queries: [SearchQuery], _ name: String) throws -> [[Hit<Record>]] {
    let contents = try contents(name)
    for query in queries {
      try Self.validation.check(query, dimension: contents.spec.dimension, collection: name)
    }
    let metric = contents.spec.metric
    return queries.map { query in
      var hits: [Hit<Record>] = []
      for record in contents.records.values where query.filter?.matches(record) ?? true {
        let distance = metric.distance(query.vector, record.vector ?? [])
        guard query.admits(distance) else { continue }
        hits.append(
          Hit(record: record, distance: distance, score: metric.score(forDistance: distance)))
      }
      hits.sort { Hit.isCloser($0, $1) }
      return hits.prefix(query.limit).map { hit in
        Hit(
          record: hit.record.projected(query.projection), distance: hit.distance, score: hit.score)
      }
    }
  }
}

// MARK: - Stores

/// What can be read: a collection of a store, or of a snapshot.
protocol ReadableCollection {
  func get(_ ids: [String], projection: Projection) throws -> [Record?]
  func count(where filter: Filter?) throws -> Int
  func search(_ queries: [SearchQuery]) throws -> [[Hit<Record>]]
  func scroll(
    after cursor: ScrollCursor?, limit: Int, where filter: Filter?, projection: Projection
  ) throws -> ScrollPage
}

extension StoreCollection: ReadableCollection {}
extension SnapshotCollection: ReadableCollection {}

extension ReadableCollection {
  /// The records of all pages.
  func pages(
    of limit: Int, where filter: Filter? = nil, projection: Projection = .everything
  ) throws -> [Record] {
    var records: [Record] = []
    var cursor: ScrollCursor?
    repeat {
      let page = try scroll(after: cursor, limit: limit, where: filter, projection: projection)
      records += page.records
      cursor = page.next
    } while cursor != nil
    return records
  }

  /// What it answers to a question about its records.
  func answer(to read: StoreRead) throws -> StoreAnswer {
    switch read {
    case .get(let ids, let projection, _): .records(try get(ids, projection: projection))
    case .count(let filter, _): .number(try count(where: filter))
    case .search(let queries, _): .hits(try search(queries))
    case .scroll(let limit, let filter, let projection, _):
      .records(try pages(of: limit, where: filter, projection: projection))
    case .indexes, .list: .done
    }
  }
}

extension StoreRead {
  /// The collection that is asked; nil when all are.
  var collection: String? {
    switch self {
    case .get(_, _, let name), .count(_, let name), .search(_, let name),
      .scroll(_, _, _, let name),
      .indexes(let name):
      name
    case .list: nil
    }
  }
}

extension Store {
  /// Does a write.
  func apply(_ write: StoreWrite) throws -> StoreAnswer {
    try StoreAnswer {
      switch write {
      case .ensure(let spec):
        try ensureCollection(spec)
        return .done
      case .drop(let name): return .number(try dropCollection(name) ? 1 : 0)
      case .insert(let records, let name, let policy):
        if records.isEmpty { return .done }
        try collection(name).insert(records, onDuplicate: policy)
        return .done
      case .upsert(let records, let name, let policy):
        if records.isEmpty { return .done }
        try collection(name).upsert(records, onDuplicate: policy)
        return .done
      case .delete(let ids, let name):
        if ids.isEmpty { return .number(0) }
        return .number(try collection(name).delete(ids))
      case .deleteWhere(let filter, let name):
        try filter.check()
        return .number(try collection(name).delete(where: filter))
      case .batch(let writes):
        try self.write { batch in
          for write in writes { try self.put(write, into: &batch) }
        }
        return .done
      case .ensureIndexes(let specs, let name):
        if specs.isEmpty { return .outcomes([]) }
        return .outcomes(try collection(name).ensureIndexes(specs))
      case .dropIndex(let index, let name):
        return .number(try collection(name).dropIndex(index) ? 1 : 0)
      }
    }
  }

  private func put(_ write: StoreWrite, into batch: inout WriteBatch) throws {
    switch write {
    case .insert(let records, let name, let policy):
      try batch.insert(records, into: collection(name), onDuplicate: policy)
    case .upsert(let records, let name, let policy):
      try batch.upsert(records, into: collection(name), onDuplicate: policy)
    case .delete(let ids, let name): try batch.delete(ids, from: collection(name))
    default:
      throw StoreError(
        .unsupported, found: "a batch with \(write)", expected: "puts and deletions", remedy: "")
    }
  }

  /// What it answers to a question.
  func answer(to read: StoreRead) throws -> StoreAnswer {
    try StoreAnswer {
      switch read {
      case .list: return .specs(try listCollections())
      case .indexes(let name): return .indexes(try collection(name).indexes())
      default: return try collection(read.collection ?? "").answer(to: read)
      }
    }
  }
}

extension StoreOracle {
  /// What a store holds, every record of it.
  init(of store: Store) throws {
    for spec in try store.listCollections() {
      let collection: StoreCollection = try store.collection(spec.name)
      var contents = Contents(spec: spec)
      for record in try collection.pages(of: 1_000) {
        contents.records[BytewiseKey(record.id)] = record
      }
      for var index in try collection.indexes() {
        // What is in files of their own, which come later, and may be lost.
        index.indexed = 0
        index.recall = nil
        contents.indexes[BytewiseKey(index.name)] = index
      }
      collections[BytewiseKey(spec.name)] = contents
    }
  }

  /// How a store differs from this, every record looked at; nil when it does not.
  func difference(from store: Store) throws -> String? {
    var reads: [StoreRead] = [.list]
    for contents in collections.values {
      let name = contents.spec.name
      reads += [
        .scroll(limit: 1_000, nil, .everything, name), .count(nil, name), .indexes(name),
      ]
    }
    for read in reads {
      if let difference = try store.answer(to: read).difference(from: answer(to: read)) {
        return difference
      }
    }
    return nil
  }

  /// How a snapshot of a store differs from this.
  func difference(from snapshot: StoreSnapshot, of store: Store) throws -> String? {
    let specs = StoreAnswer.specs(snapshot.collections)
    if let difference = specs.difference(from: try answer(to: .list)) { return difference }
    for contents in collections.values {
      let name = contents.spec.name
      let read = StoreRead.scroll(limit: 1_000, nil, .everything, name)
      let said = try snapshot.answer(to: read, about: contents.spec, of: store)
      if let difference = said.difference(from: try answer(to: read)) { return difference }
    }
    return nil
  }
}

extension StoreSnapshot {
  /// What it answers to a question about a collection.
  func answer(
    to read: StoreRead, about spec: CollectionSpec, of store: Store
  ) throws -> StoreAnswer {
    try StoreAnswer {
      let handle = store.collection(spec.name, dimension: spec.dimension, metric: spec.metric)
      return try reading(handle).answer(to: read)
    }
  }
}
