import RoostContract
import RoostEngine
import RoostFiles

/// A store to be damaged: every kind of file with every kind of content, all of it durable, and
/// what it answers while it is well.
struct GoldenStore: Sendable {
  let image: DiskImage
  let answers: Answers
  /// The state of the disk a while before, for files and sectors that are out of date.
  let older: DiskImage

  static func options(
    _ access: StoreOptions.Access = .readWrite, _ reading: StoreOptions.Reading = .mapped
  ) -> StoreOptions {
    var options = StoreOptions(access: access, reading: reading, background: false)
    options.reserve = 4_096
    options.indexedRows = 1
    options.prefersIndexes = true
    return options
  }

  /// Makes it; another seed makes one that looks alike and has other bytes.
  init(seed: UInt64) throws {
    let disk = SimulatedFileSystem(seed: seed)
    let store = try Store.open(at: "/store", on: disk, options: Self.options())
    for spec in Self.collections {
      let collection = try store.ensureCollection(spec)
      // The last segment is of several blocks, which are checked one by one.
      let count = spec.element == .i8 ? 240 : 12
      try collection.upsert((0..<count).map { Self.record($0, spec.dimension, seed) })
    }
    try store.checkpoint()
    // A second segment, with tombstones for the first.
    let first = try store.collection("f32")
    try first.delete(["r00", "r05"])
    try first.upsert((10..<18).map { Self.record($0 + 40, 3, seed, id: $0) })
    try first.ensureIndexes([.hnsw(name: "near")])
    let older = disk.image()
    // A log that has ended and one that goes on.
    for (place, spec) in Self.collections.enumerated() {
      let collection = try store.collection(spec.name)
      try collection.upsert([Self.record(70 + place, spec.dimension, seed, id: 20)])
      try collection.delete(["r01"])
    }
    try store.cutLog()
    try first.upsert((0..<3).map { Self.record($0 + 90, 3, seed, id: 21 + $0) })
    let second = try store.collection("i8")
    try store.write { batch in
      try batch.delete(["r02"], from: first)
      try batch.upsert([Self.record(80, 24, seed, id: 30)], into: second)
    }
    try first.delete(where: .eq(.metadata("rank"), .int(3)))
    image = disk.image()
    self.older = older
    answers = Answers(of: store)
    if let unanswered = answers.unanswered {
      throw CampaignError("the golden store does not answer \(unanswered)")
    }
  }

  /// The collections of every golden store, one for each type of numbers.
  static let collections = ElementType.allCases.enumerated().map { place, element in
    CollectionSpec(
      name: element.rawValue, dimension: 3 + 7 * place,
      metric: Metric.allCases[place % Metric.allCases.count], element: element)
  }

  private static func record(_ number: Int, _ dimension: Int, _ seed: UInt64, id: Int? = nil)
    -> Record
  {
    var chance = SeededNumbers(seed: seed ^ UInt64(number) << 8 ^ UInt64(dimension))
    let id = id ?? number
    var metadata: Metadata = [
      "rank": .int(Int64(id)), "odd": .bool(id % 2 == 1),
      "weight": .double(Double(chance.next() % 1_000) / 8), "tag": .string(id % 3 == 0 ? "a" : "b"),
    ]
    if id % 4 == 0 { metadata["list"] = .array([.int(1), .string("é"), .null]) }
    if id % 5 == 0 { metadata["deep"] = .object(["x": .object(["y": .double(0.25)])]) }
    return Record(
      id: id < 10 ? "r0\(id)" : "r\(id)",
      vector: (0..<dimension).map { _ in Float(Int(chance.next() % 200) - 100) },
      metadata: metadata,
      content: id % 2 == 0
        ? nil : (0..<12).map { _ in "text \(chance.next())" }.joined(separator: " "))
  }
}

/// What a store answers to questions of every kind, each by itself.
struct Answers: Sendable {
  enum Answer: Sendable, Equatable {
    case records([Record?])
    case hits([Record], [Double])
    case number(Int)
    case names([String])
    /// The store says that the bytes it needs are damaged.
    case refused
    /// The store fails as it should not.
    case failed(String)
  }

  private(set) var all: [(question: String, answer: Answer)] = []

  /// A question without an answer.
  var unanswered: String? {
    for entry in all {
      switch entry.answer {
      case .refused, .failed: return "\(entry.question): \(entry.answer)"
      default: break
      }
    }
    return nil
  }

  /// Whether some question was refused.
  var isPartlyRefused: Bool { all.contains { $0.answer == .refused } }

  init(of store: Store) {
    ask("the collections") { .names(try store.listCollections().map(\.json)) }
    for spec in GoldenStore.collections {
      let name = spec.name
      let collection = store.collection(name, dimension: spec.dimension, metric: spec.metric)
      ask("\(name): all records") { .records(try collection.scroll().records) }
      ask("\(name): its indexes") { .names(try collection.indexes().map(\.name)) }
      ask("\(name): how many") { .number(try collection.count()) }
      for filter in Self.filters {
        ask("\(name): how many with \(filter)") { .number(try collection.count(where: filter)) }
      }
      ask("\(name): some by id") {
        .records(try collection.get(["r00", "r03", "r01", "r20", "r22", "none"]))
      }
      let near = (0..<spec.dimension).map { Float($0 % 5) * 9 - 20 }
      for filter in [nil, Self.filters[1]] {
        ask("\(name): near with \(filter.map(\.description) ?? "any")") {
          let hits =
            try collection.search([SearchQuery(near: near, limit: 7, where: filter)])
            .first ?? []
          return .hits(hits.map(\.record), hits.map(\.distance))
        }
      }
      ask("\(name): a page of ranks") {
        .records(try collection.scroll(limit: 4, where: Self.filters[0]).records)
      }
    }
  }

  private static let filters: [Filter] = [
    .gt(.metadata("rank"), .int(6)), .eq(.metadata("tag"), .string("b")),
    .and(.exists(.metadata("list")), .not(.eq(.metadata("odd"), .bool(true)))),
    .like(.content, "%9%"), .gt(.metadata("weight"), .double(60)),
  ]

  private mutating func ask(_ question: String, _ answer: () throws -> Answer) {
    let found: Answer
    do {
      found = try answer()
    } catch let error as StoreError where error.code == .corrupted {
      found = .refused
    } catch {
      found = .failed("\(error)")
    }
    all.append((question, found))
  }

  /// What is answered otherwise than by a store that is well, but for refusals.
  func wrong(besides right: Answers) -> String? {
    for (mine, theirs) in zip(all, right.all)
    where mine.answer != .refused && mine.answer != theirs.answer {
      return "\(mine.question): \(mine.answer) instead of \(theirs.answer)"
    }
    return all.count == right.all.count ? nil : "other questions"
  }
}
