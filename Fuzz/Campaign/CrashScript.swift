import RoostContract
import RoostEngine
import RoostFiles

/// What is in a store: its collections by name, their records by id, their indexes.
struct StoreState: Hashable {
  var records: [String: [String: RecordKey]] = [:]
  var indexes: [String: [String]] = [:]

  /// A record in a form that can be compared and hashed.
  struct RecordKey: Hashable {
    var vector: [Float]
    var metadata: Metadata
    var content: String?

    init(_ record: Record) {
      vector = record.vector ?? []
      metadata = record.metadata ?? [:]
      content = record.content
    }
  }

  init() {}

  /// All that a store says it holds.
  init(of store: Store) throws {
    for spec in try store.listCollections() {
      let collection = try store.collection(spec.name)
      var found: [String: RecordKey] = [:]
      var cursor: ScrollCursor?
      repeat {
        let page = try collection.scroll(after: cursor, limit: 100)
        for record in page.records { found[record.id] = RecordKey(record) }
        cursor = page.next
      } while cursor != nil
      records[spec.name] = found
      indexes[spec.name] = try collection.indexes().map(\.name)
    }
  }
}

/// The operations of which all short sequences are crashed everywhere.
enum CrashOperation: String, CaseIterable, Sendable {
  case create, upsert, large, delete, deleteWhere, batch, checkpoint, compact, drop, backup, rotate
  case reopen, index

  private static func record(_ id: String, _ seed: Int, content: String? = nil) -> Record {
    Record(
      id: id, vector: [Float(seed), 1],
      metadata: ["seed": .int(Int64(seed)), "even": .bool(seed % 2 == 0)],
      content: content)
  }

  /// Some text that does not pack, of so many bytes.
  private static func noise(_ count: Int, _ seed: Int) -> String {
    var number = UInt64(seed) &* 0x9E37_79B9_7F4A_7C15 | 1
    var text = ""
    text.reserveCapacity(count)
    for _ in 0..<count {
      number = number &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      text.unicodeScalars.append(Unicode.Scalar(UInt8(33 + (number >> 33) % 90)))
    }
    return text
  }

  /// Does it to the store and, when it has come back, to the state that is expected.
  ///
  /// `step` makes what is written differ.
  func run(
    _ store: inout Store, on disk: SimulatedFileSystem, step: Int, options: StoreOptions,
    _ state: inout StoreState
  ) throws {
    let next = after(state, step: step)
    func a() throws -> StoreCollection { try store.collection("a") }
    switch self {
    case .create:
      try store.ensureCollection(CollectionSpec(name: "c\(step)", dimension: 2, metric: .l2))
    case .upsert: if state.records["a"] != nil { try a().upsert(small(step)) }
    case .large: if state.records["a"] != nil { try a().upsert(big(step)) }
    case .delete: if state.records["a"] != nil { try a().delete(["0", "2", "x"]) }
    case .deleteWhere:
      if state.records["a"] != nil { try a().delete(where: .eq(.metadata("even"), .bool(true))) }
    case .batch:
      if state.records["a"] != nil {
        let (a, b) = (try a(), try store.collection("b"))
        try store.write { batch in
          try batch.upsert(small(step), into: a)
          try batch.delete(["0"], from: a)
          try batch.upsert(small(step), into: b)
        }
      }
    case .checkpoint: try store.checkpoint()
    case .compact: try store.compact()
    case .drop: try store.dropCollection("a")
    case .backup: try store.backup(to: "/backup")
    case .rotate: try store.cutLog()
    case .reopen:
      try store.close()
      store = try Store.open(at: "/store", on: disk, options: options)
    case .index:
      if state.records["a"] != nil { try a().ensureIndexes([.hnsw(name: "i\(step)")]) }
    }
    state = next
  }

  /// Whether all that was written before is durable afterwards, also where writes are not synced.
  var isDurable: Bool {
    switch self {
    case .checkpoint, .compact, .reopen, .rotate: true
    default: false
    }
  }

  private func small(_ step: Int) -> [Record] {
    [Self.record("\(step)", step), Self.record("n\(step)", step + 1, content: "text \(step)")]
  }

  private func big(_ step: Int) -> [Record] {
    [Self.record("large", step, content: Self.noise(12_000, step))]
  }

  /// The state after the operation.
  func after(_ state: StoreState, step: Int) -> StoreState {
    var state = state
    func put(_ records: [Record], _ name: String) {
      for record in records { state.records[name]?[record.id] = StoreState.RecordKey(record) }
    }
    switch self {
    case .create:
      state.records["c\(step)"] = state.records["c\(step)"] ?? [:]
      state.indexes["c\(step)"] = state.indexes["c\(step)"] ?? []
    case .upsert: put(small(step), "a")
    case .large: put(big(step), "a")
    case .delete: for id in ["0", "2", "x"] { state.records["a"]?[id] = nil }
    case .deleteWhere:
      state.records["a"] = state.records["a"]?.filter { $0.value.metadata["even"] != .bool(true) }
    case .batch:
      guard state.records["a"] != nil else { break }
      put(small(step), "a")
      state.records["a"]?["0"] = nil
      put(small(step), "b")
    case .drop:
      state.records["a"] = nil
      state.indexes["a"] = nil
    case .index:
      if let names = state.indexes["a"], !names.contains("i\(step)") {
        state.indexes["a"] = (names + ["i\(step)"]).sorted()
      }
    case .checkpoint, .compact, .backup, .rotate, .reopen: break
    }
    return state
  }

  /// A store with a segment, a log and a tombstone, on a disk that has all of it.
  static func start(options: StoreOptions) throws -> (DiskImage, StoreState) {
    let disk = SimulatedFileSystem(seed: 7)
    var store = try Store.open(at: "/store", on: disk, options: options)
    for name in ["a", "b"] {
      try store.ensureCollection(CollectionSpec(name: name, dimension: 2, metric: .l2))
      let collection = try store.collection(name)
      try collection.upsert((0..<4).map { record("\($0)", $0) })
      if name == "a" { try store.checkpoint() }
      try collection.delete(["3"])
    }
    try store.checkpoint()
    try store.collection("a").upsert([record("4", 4)])
    let state = try StoreState(of: store)
    let image = disk.image()
    store = try Store.inMemory()
    return (image, state)
  }
}
