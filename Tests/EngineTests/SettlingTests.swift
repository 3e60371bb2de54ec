import RoostContract
import RoostFiles
import RoostStorage
import Testing

@testable import RoostEngine

@Suite("A collection with an index settles")
struct SettlingTests {
  private static func records(_ numbers: Range<Int>) -> [Record] {
    numbers.map { number in
      var chance = SeededNumbers(seed: UInt64(number) &* 0x9E37_79B9 &+ 3)
      return Record(
        id: "\(number)", vector: (0..<24).map { _ in Float(chance.below(2_000)) / 1_000 - 1 })
    }
  }

  private static func store(
    _ options: (inout StoreOptions) -> Void = { _ in }
  ) throws -> (Store, StoreCollection) {
    var chosen = StoreOptions(background: false)
    chosen.reserve = 4_096
    chosen.indexedRows = 100
    options(&chosen)
    let store = try Store.open(at: "/store", on: SimulatedFileSystem(seed: 5), options: chosen)
    return (store, try store.ensureCollection(CollectionSpec(name: "points", dimension: 24)))
  }

  /// How many rows each segment has, the most first.
  private static func segments(_ store: Store) -> [Int] {
    let core = store.core
    return core.exclusively {
      (core.tables.collection(named: "points")?.segments ?? []).map { $0.entry.rows - $0.dead }
    }.sorted(by: >)
  }

  private static let kinds: [IndexSpec] = [.hnsw(m: 8, efConstruction: 40), .ivfFlat(lists: 8)]

  @Test("rows of several segments come into one index when it is asked for", arguments: kinds)
  func oneIndex(_ kind: IndexSpec) throws {
    let (store, collection) = try Self.store()
    for part in 0..<3 {
      try collection.upsert(Self.records(part * 300..<part * 300 + 300))
      try store.checkpoint()
    }
    #expect(Self.segments(store) == [300, 300, 300])
    try collection.ensureIndexes([kind])
    #expect(Self.segments(store) == [900])
    #expect(try collection.indexes().map(\.indexed) == [900])
    // Asked for again it is all there.
    let before = store.core.exclusively { store.core.base.generation }
    try collection.ensureIndexes([kind])
    #expect(store.core.exclusively { store.core.base.generation } == before)
    try store.close()
  }

  @Test("few new rows are searched beside the index, many are merged into it", arguments: kinds)
  func growth(_ kind: IndexSpec) throws {
    let (store, collection) = try Self.store()
    try collection.upsert(Self.records(0..<900))
    try collection.ensureIndexes([kind])
    try collection.upsert(Self.records(900..<1_200))
    try store.checkpoint()
    try store.core.compact(.worthwhile)
    #expect(Self.segments(store) == [900, 300])
    let new = Self.records(1_000..<1_001)[0]
    #expect(
      try collection.search([SearchQuery(near: new.vector ?? [], limit: 1)])[0][0].record.id
        == "1000")
    try collection.upsert(Self.records(1_200..<1_500))
    try store.checkpoint()
    try store.core.compact(.worthwhile)
    try store.core.buildIndexes()
    #expect(Self.segments(store) == [1_500])
    #expect(try collection.indexes().map(\.indexed) == [1_500])
    try store.close()
  }

  @Test("an index that would take too much memory is built as several")
  func memory() throws {
    let (store, collection) = try Self.store { $0.indexMemoryLimit = 500 * 416 }
    for part in 0..<4 {
      try collection.upsert(Self.records(part * 200..<part * 200 + 200))
      try store.checkpoint()
    }
    try collection.ensureIndexes([.hnsw(m: 8, efConstruction: 40)])
    #expect(Self.segments(store).allSatisfy { $0 <= 500 })
    #expect(Self.segments(store).reduce(0, +) == 800)
    #expect(try collection.indexes().map(\.indexed) == [800])
    try store.close()
  }
}
