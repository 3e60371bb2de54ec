import RoostContract
import RoostEngine
import RoostFiles

/// Filtered searches against the reference: the evaluator of filters over every record, and every
/// distance in double precision.
enum FilterProof {
  /// How many filters each query is put together with.
  private static let perQuery = 10
  /// What recall searches reach on average that ask for nothing.
  private static let usualRecall = 0.99

  static func run(_ plan: BenchPlan, _ report: inout BenchReport) throws {
    for kind in ProofStore.kinds {
      let path = "\(plan.proofs)/filters-\(kind.name)"
      let store = try Store.open(at: path, options: ProofStore.options)
      let world = try FilterWorld(try plan.neededData, into: store, indexed: kind.spec)
      let collection = try store.ensureCollection(FilterWorld.spec)
      // Rows that were written since stay in memory: nothing is flushed here.
      let parts = try collection.explain([SearchQuery(near: world.queries[0])])[0].parts
      report.line("\(kind.name), \(world.records.count) living records:")
      for part in parts { report.line("  \(part.place): \(part.way.rawValue) of \(part.rows)") }
      // The graph is what is used unless lists are asked for.
      let pairs = kind.name == "hnsw" ? plan.pairs : (plan.pairs + 4) / 5
      let tally = prove(pairs, plan.seed, world, collection)
      tally.write(kind.name, pairs, usualRecall, &report)
      try store.close()
    }
  }

  private static func prove(
    _ pairs: Int, _ seed: UInt64, _ world: FilterWorld, _ collection: StoreCollection
  ) -> FilterTally {
    let whole = Monitor(FilterTally())
    let rounds = (pairs + perQuery - 1) / perQuery
    // A round is one query, and a seed of its own.
    SideBySide.run(rounds) { round in
      var tally = FilterTally()
      let query = FilterQuery(world.queries[round % world.queries.count], in: world)
      var maker = FilterMaker(world, seed: seed &* 0x9E37_79B9 &+ UInt64(round))
      for _ in 0..<min(perQuery, pairs - round * perQuery) {
        let (filter, relation) = maker.filter(for: query)
        var judge = FilterJudge(world, query, filter)
        let limit = [10, 10, 10, 10, 10, 10, 1, 3, 30, 100][maker.below(10)]
        var bound: Double?
        if maker.below(4) == 0 {
          // As far away as some row is that matches, or as some other.
          let rows = maker.below(2) == 0 && !judge.matches.isEmpty ? judge.matches : query.order
          bound = query.distances[rows[maker.below(min(rows.count, 1 + maker.below(rows.count)))]]
        }
        let request = SearchQuery(
          near: query.vector, limit: limit, where: filter, maximumDistance: bound,
          projection: .id)
        do {
          try judge.judge(request, collection)
        } catch {
          judge.complaints.append("it failed: \(error)")
        }
        tally.add(judge, relation, request, "query \(round % world.queries.count)")
      }
      whole.withLock { $0.merge(tally) }
    }
    return whole.withLock { $0 }
  }
}

/// What is right for one query under one filter, and what a store answers.
struct FilterJudge {
  private let world: FilterWorld
  private let query: FilterQuery
  private let filter: Filter
  /// The rows that match, the nearest first.
  let matches: [Int]
  var complaints: [String] = []
  /// The share of the true nearest that a usual search found; nil where there are none.
  private(set) var recall: Double?
  private(set) var way = ""
  private(set) var time = 0.0
  private(set) var exactTime = 0.0

  init(_ world: FilterWorld, _ query: FilterQuery, _ filter: Filter) {
    self.world = world
    self.query = query
    self.filter = filter
    matches = query.order.filter { filter.matches(world.records[$0]) }
  }

  var share: Double { Double(matches.count) / Double(world.records.count) }

  mutating func judge(_ request: SearchQuery, _ collection: StoreCollection) throws {
    let right = matches.lazy.filter { [query] row in request.admits(query.distances[row]) }
      .prefix(request.limit)
    // What has been found out about a filter is kept, so that the first to use it does not pay.
    if try collection.count(where: filter) != matches.count {
      complaints.append("count says another number than \(matches.count)")
    }
    var exact = request
    exact.exact = true
    var found: [(id: String, distance: Double)] = []
    time = try seconds { found = try collection.hits(request) }
    check(found, right.count, request, "usual")
    if let last = right.last {
      let reach = query.distances[last]
      recall = Double(found.count { $0.distance <= reach }) / Double(right.count)
    }
    exactTime = try seconds { found = try collection.hits(exact) }
    check(found, right.count, exact, "exact")
    if found.map(\.id) != right.map({ world.records[$0].id }) {
      complaints.append("an exact search found other ids than there are nearest")
    }
    way = try collection.ways(request)
  }

  private mutating func check(
    _ found: [(id: String, distance: Double)], _ wanted: Int, _ request: SearchQuery,
    _ name: String
  ) {
    if found.count != wanted {
      complaints.append(
        "a search (\(name)) gave \(found.count) hits, not \(wanted) of \(matches.count) matches")
    }
    if Set(found.map(\.id)).count != found.count {
      complaints.append("a search (\(name)) gave a record twice")
    }
    for (place, hit) in found.enumerated() {
      guard let row = world.rows[hit.id] else {
        complaints.append("a search (\(name)) gave \(hit.id), which is no living record")
        continue
      }
      if !filter.matches(world.records[row]) {
        complaints.append("a search (\(name)) gave \(hit.id), which does not match")
      }
      if hit.distance != query.distances[row] || !request.admits(hit.distance) {
        complaints.append("a search (\(name)) gave \(hit.id) a distance of \(hit.distance)")
      }
      if place > 0, let before = world.rows[found[place - 1].id],
        !(found[place - 1].distance < hit.distance
          || found[place - 1].distance == hit.distance && before < row)
      {
        complaints.append("a search (\(name)) gave \(hit.id) out of order")
      }
    }
  }
}
