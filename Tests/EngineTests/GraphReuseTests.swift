import ContractSuite
import RoostContract
import RoostFiles
import RoostIndex
import Synchronization
import Testing

@testable import RoostEngine

// A graph of a merged segment begins with the links of an earlier one. Whatever became of rows in
// between, it must be as good as one that was built from nothing over the same rows.

/// Where building an index began, and how far it came.
private final class Watched: Sendable {
  private let steps = Mutex<[Int]>([])

  var first: Int? { steps.withLock { $0.first } }

  func take(_ completed: Int) { steps.withLock { $0.append(completed) } }
}

/// A store on a simulated disk in which one collection has a graph.
private struct ReuseBed {
  static let dimension = 16
  static let kind = IndexSpec.hnsw(m: 8, efConstruction: 48)

  let disk: SimulatedFileSystem
  let store: Store
  let collection: StoreCollection
  var living: Set<Int> = []

  static var options: StoreOptions {
    var options = StoreOptions(background: false)
    options.reserve = 4_096
    options.indexedRows = 100
    options.prefersIndexes = true
    return options
  }

  init(_ metric: Metric = .l2, threads: Int = 1) throws {
    disk = SimulatedFileSystem(seed: 5)
    var options = Self.options
    options.indexThreads = threads
    store = try Store.open(at: "/store", on: disk, options: options)
    collection = try store.ensureCollection(
      CollectionSpec(name: "points", dimension: Self.dimension, metric: metric))
  }

  /// A bed with the same rows, all of them in a graph that was built from nothing.
  func fresh(_ metric: Metric) throws -> ReuseBed {
    var bed = try ReuseBed(metric)
    try bed.upsert(living.sorted())
    #expect(try bed.index() ?? 0 <= 1)
    return bed
  }

  static func vector(_ number: Int) -> [Float] {
    Clustered.vector(number, dimension: dimension)
  }

  mutating func upsert(_ numbers: some Sequence<Int>) throws {
    try collection.upsert(
      numbers.map { Record(id: "\($0)", vector: Self.vector($0), metadata: ["n": .int(Int64($0))]) }
    )
    living.formUnion(numbers)
  }

  mutating func delete(_ numbers: some Sequence<Int>) throws {
    _ = try collection.delete(numbers.map { "\($0)" })
    living.subtract(numbers)
  }

  /// Merges all segments and builds the graph; how many nodes it began with.
  func index() throws -> Int? {
    try store.compact()
    let watched = Watched()
    try store.core.buildIndexes { if $0.phase == "index" { watched.take($0.completed) } }
    try collection.ensureIndexes([Self.kind]) {
      if $0.phase == "index", $0.total > 0 { watched.take($0.completed) }
    }
    #expect(try collection.indexes().map(\.indexed) == [living.count])
    #expect(ancestries == 0)
    return watched.first
  }

  /// How many segments wait for a graph that is to begin with an earlier one.
  var ancestries: Int {
    let core = store.core
    return core.exclusively {
      (core.tables.collection(named: "points")?.segments ?? []).count { $0.ancestry != nil }
    }
  }

  /// The share of the nearest that walks find at some efforts.
  func recall(_ queries: Range<Int> = 100_000..<100_080) throws -> Double {
    var (found, wanted) = (0, 0)
    for number in queries {
      let vector = Self.vector(number)
      let exact = SearchQuery(near: vector, limit: 10, exact: true)
      let truth = Set(try collection.search([exact])[0].map(\.record.id))
      for effort in [10, 20, 40] {
        let query = SearchQuery(near: vector, limit: 10, effort: effort)
        let ids = try collection.search([query])[0].map(\.record.id)
        #expect(ids.count == min(10, living.count) && Set(ids).count == ids.count)
        wanted += truth.count
        found += truth.intersection(ids).count
      }
    }
    return Double(found) / Double(wanted)
  }

  /// How many living rows are not found by their own vectors.
  func lost() throws -> Int {
    try living.sorted().count { number in
      let query = SearchQuery(near: Self.vector(number), limit: 1, effort: 48)
      return try collection.search([query])[0].first?.record.id != "\(number)"
    }
  }
}

@Suite("A graph that begins with an earlier one")
struct GraphReuseTests {
  @Test("takes over the rows that were there, and finds as much as one built from nothing")
  func growth() throws {
    var bed = try ReuseBed()
    try bed.upsert(0..<1_000)
    #expect(try bed.index() ?? 0 <= 1)
    try bed.upsert(1_000..<1_600)
    #expect(try bed.index() == 1_000)
    let fresh = try bed.fresh(.l2)
    #expect(try bed.recall() >= fresh.recall() - 0.005)
    #expect(try bed.lost() <= fresh.lost())
    try bed.store.close()
    try fresh.store.close()
  }

  @Test(
    "finds as much after many rows died and came, again and again", arguments: [Metric.l2, .cosine])
  func turnovers(_ metric: Metric) throws {
    var bed = try ReuseBed(metric)
    try bed.upsert(0..<1_000)
    _ = try bed.index()
    var chance = SeededNumbers(seed: 3)
    var next = 1_000
    for _ in 0..<8 {
      let gone = Array(Set((0..<250).map { _ in bed.living.sorted()[chance.below(1_000)] }))
      try bed.delete(gone)
      try bed.upsert(next..<next + gone.count)
      next += gone.count
      let begun = try #require(try bed.index())
      #expect(begun > 500 && begun <= 1_000 - gone.count)
    }
    let fresh = try bed.fresh(metric)
    #expect(try bed.recall() >= fresh.recall() - 0.005)
    #expect(try bed.lost() <= fresh.lost() + 1)
    try bed.store.close()
    try fresh.store.close()
  }

  @Test("finds new rows that are all far from the old ones, and what is left of a dead cluster")
  func elsewhere() throws {
    var bed = try ReuseBed()
    // Numbers of one remainder are around one middle.
    try bed.upsert((0..<1_600).filter { $0 % 40 < 20 })
    _ = try bed.index()
    try bed.upsert((0..<1_400).filter { $0 % 40 >= 20 })
    #expect(try bed.index() == 800)
    #expect(try bed.lost() <= bed.fresh(.l2).lost())
    try bed.delete((0..<1_600).filter { $0 % 40 < 10 && $0 % 800 >= 40 && bed.living.contains($0) })
    #expect(try bed.index() ?? 0 > 1_000)
    let fresh = try bed.fresh(.l2)
    #expect(try bed.recall() >= fresh.recall() - 0.005)
    #expect(try bed.lost() <= fresh.lost())
    try bed.store.close()
    try fresh.store.close()
  }

  @Test("is over a segment that was merged alone because of its dead rows")
  func alone() throws {
    var bed = try ReuseBed()
    try bed.upsert(0..<1_000)
    _ = try bed.index()
    try bed.delete((0..<1_000).filter { $0 % 4 == 1 })
    try bed.store.checkpoint()
    try bed.store.core.compact(.worthwhile)
    #expect(bed.ancestries == 1)
    // What is merged again before it has its graph still knows the first.
    try bed.upsert(2_000..<2_100)
    let begun = try #require(try bed.index())
    #expect((700...750).contains(begun))
    #expect(try bed.recall() >= bed.fresh(.l2).recall() - 0.005)
    try bed.store.close()
  }

  @Test("begins with nothing where too many rows are dead or new, or the graph was another one")
  func unsuited() throws {
    var bed = try ReuseBed()
    try bed.upsert(0..<600)
    _ = try bed.index()
    try bed.delete(0..<240)
    #expect(try bed.index() ?? 0 <= 1)
    try bed.upsert(1_000..<1_400)
    #expect(try bed.index() ?? 0 <= 1)
    try bed.upsert(2_000..<2_100)
    try bed.store.compact()
    #expect(bed.ancestries == 1)
    try bed.collection.dropIndex(try #require(try bed.collection.indexes().first).name)
    #expect(bed.ancestries == 0)
    #expect(try bed.index() ?? 0 <= 1)
    try bed.store.close()
  }

  @Test("begins with nothing by inner product")
  func innerProduct() throws {
    var bed = try ReuseBed(.innerProduct)
    try bed.upsert(0..<300)
    _ = try bed.index()
    try bed.upsert(300..<400)
    #expect(try bed.index() ?? 0 <= 1)
    try bed.store.close()
  }

  @Test("begins with nothing after the store was opened anew, or when the earlier file is damaged")
  func lost() throws {
    var bed = try ReuseBed()
    try bed.upsert(0..<400)
    _ = try bed.index()
    try bed.upsert(400..<500)
    try bed.store.checkpoint()
    try bed.store.close()
    let image = bed.disk.image()
    let name = try #require(image.names(in: "/store").first { $0.hasSuffix(".idx") })
    let bytes = try #require(image.bytes(of: name, in: "/store"))
    for place in [5_000, bytes.count / 2, bytes.count - 1] {
      var damaged = image
      var changed = bytes
      changed[place] ^= 0x10
      damaged.setBytes(changed, of: name, in: "/store")
      try expectFromNothing(damaged, of: 500)
    }
    let disk = SimulatedFileSystem(image: image, seed: 1)
    let store = try Store.open(at: "/store", on: disk, options: ReuseBed.options)
    try store.compact()
    try store.close()
    try expectFromNothing(disk.image(), of: 500)
  }

  private func expectFromNothing(_ image: DiskImage, of count: Int) throws {
    let disk = SimulatedFileSystem(image: image, seed: 1)
    let store = try Store.open(at: "/store", on: disk, options: ReuseBed.options)
    try store.compact()
    let watched = Watched()
    try store.core.buildIndexes { if $0.phase == "index" { watched.take($0.completed) } }
    #expect(watched.first ?? 0 <= 1)
    let collection = try store.collection("points")
    #expect(try collection.indexes().map(\.indexed) == [count])
    for number in 0..<count {
      let query = SearchQuery(near: ReuseBed.vector(number), limit: 1, effort: 48)
      #expect(try collection.search([query])[0].first?.record.id == "\(number)")
    }
    try store.close()
  }
}
