import RoostContract
import RoostEngine
import RoostFiles

/// A store on a simulated disk whose segments have indexes however few rows they have, and what is
/// right, computed the plain way.
struct IndexedBed {
  static let kinds: [IndexSpec] = [.hnsw(m: 8, efConstruction: 64), .ivfFlat(lists: 16)]

  let store: Store
  let collection: StoreCollection
  private(set) var records: [Record] = []
  private let metric: Metric

  init(
    _ metric: Metric, dimension: Int, indexedRows: Int = 1, prefersIndexes: Bool = false,
    on disk: SimulatedFileSystem? = nil
  ) throws {
    var options = StoreOptions(background: false)
    options.reserve = 4_096
    options.indexedRows = indexedRows
    options.prefersIndexes = prefersIndexes
    self.metric = metric
    store = try Store.open(
      at: "/store", on: disk ?? SimulatedFileSystem(seed: 5), options: options)
    collection = try store.ensureCollection(
      CollectionSpec(name: "points", dimension: dimension, metric: metric))
  }

  mutating func upsert(_ new: [Record]) throws {
    try collection.upsert(new)
    let ids = Set(new.map(\.id))
    records.removeAll { ids.contains($0.id) }
    records += new
  }

  mutating func delete(_ ids: [String]) throws {
    _ = try collection.delete(ids)
    records.removeAll { ids.contains($0.id) }
  }

  /// Everything that is right for a query, but for the limit: the nearest first, NaN last, equal
  /// ones by id.
  func right(_ query: SearchQuery) -> [(id: String, distance: Double)] {
    records.filter { query.filter?.matches($0) ?? true }
      .map { Hit(record: $0, distance: metric.distance(query.vector, $0.vector ?? []), score: 0) }
      .filter { query.admits($0.distance) }
      .sorted(by: Hit.isCloser)
      .map { ($0.record.id, $0.distance) }
  }

  /// The ids and distances that a search gives.
  func found(_ query: SearchQuery) throws -> [(id: String, distance: Double)] {
    try collection.search([query])[0].map { ($0.record.id, $0.distance) }
  }

  /// What is wrong with the answer to a query, and the share of the true nearest in it.
  func judged(_ query: SearchQuery) throws -> (complaint: String?, recall: Double) {
    let all = right(query)
    let right = all.prefix(max(0, query.limit))
    let found = try found(query)
    func complaint() -> String? {
      if found.count != right.count { return "\(found.count) hits, not \(right.count)" }
      if Set(found.map(\.id)).count != found.count { return "a record stands twice" }
      let places = Dictionary(uniqueKeysWithValues: all.enumerated().map { ($1.id, $0) })
      var last = -1
      for hit in found {
        guard let place = places[hit.id] else { return "\(hit.id) does not belong there" }
        guard place > last else { return "\(hit.id) is out of order" }
        let distance = all[place].distance
        guard distance == hit.distance || distance.isNaN && hit.distance.isNaN else {
          return "\(hit.id) is not \(hit.distance) away"
        }
        last = place
      }
      if query.exact, found.map(\.id) != right.map(\.id) { return "others are nearer" }
      return nil
    }
    guard let reach = right.last?.distance else { return (complaint(), 1) }
    // Whoever is as near as the last of the nearest is one of them.
    let near = reach.isNaN ? found.count : found.count { $0.distance <= reach }
    return (complaint(), Double(near) / Double(right.count))
  }

  /// How the first segment was searched.
  func way(_ query: SearchQuery) throws -> SearchExplanation.Way? {
    try collection.explain([query]).first?.parts.first?.way
  }
}

/// Vectors around some middles, as those of texts are.
enum Clustered {
  static func vector(_ number: Int, dimension: Int, middles: Int = 40) -> [Float] {
    var chance = SeededNumbers(seed: UInt64(number) &* 0x9E37_79B9 &+ 7)
    var middle = SeededNumbers(seed: UInt64(number % middles))
    return (0..<dimension).map { _ in
      Float(middle.below(2_000)) / 1_000 - 1 + Float(chance.below(600)) / 1_000 - 0.3
    }
  }

  /// A record with fields of several types, some of them missing.
  static func record(_ number: Int, dimension: Int) -> Record {
    var chance = SeededNumbers(seed: UInt64(number) &+ 40_000)
    var metadata: Metadata = [
      "n": .int(Int64(chance.below(1_000))), "middle": .int(Int64(number % 40)),
    ]
    switch chance.below(6) {
    case 0: metadata["odd"] = .null
    case 1: metadata["odd"] = .int(Int64(chance.below(20)))
    case 2: metadata["odd"] = .string("\(chance.below(20))")
    case 3: metadata["odd"] = .object(["deep": [1, "x", .null]])
    case 4: metadata["odd"] = .bool(true)
    default: break
    }
    return Record(
      id: "p\(number)", vector: vector(number, dimension: dimension), metadata: metadata,
      content: chance.below(3) == 0 ? nil : "point \(chance.below(50))")
  }
}
