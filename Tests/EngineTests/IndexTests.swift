import RoostContract
import RoostFiles
import RoostStorage
import Testing

@testable import RoostEngine

@Suite("A collection with an index")
struct IndexTests {
  /// The kinds of indexes of vectors.
  private static let kinds: [IndexSpec] = [.hnsw(m: 8, efConstruction: 64), .ivfFlat(lists: 16)]

  /// Vectors around some middles, as those of texts are.
  private static func records(_ numbers: Range<Int>, dimension: Int = 24) -> [Record] {
    numbers.map { number in
      var chance = SeededNumbers(seed: UInt64(number) &* 0x9E37_79B9 &+ 7)
      var middle = SeededNumbers(seed: UInt64(number % 40))
      let vector = (0..<dimension).map { _ in
        Float(middle.below(2_000)) / 1_000 - 1 + Float(chance.below(600)) / 1_000 - 0.3
      }
      return Record(
        id: "\(number)", vector: vector,
        metadata: ["part": .int(Int64(number % 100)), "tenth": .int(Int64(number % 10))])
    }
  }

  private static var options: StoreOptions {
    var options = StoreOptions(background: false)
    options.reserve = 4_096
    options.indexedRows = 200
    options.prefersIndexes = true
    return options
  }

  private static func store(
    _ metric: Metric, _ kind: IndexSpec, rows: Int = 1_000
  ) throws -> (SimulatedFileSystem, Store, StoreCollection) {
    let disk = SimulatedFileSystem(seed: 5)
    let store = try Store.open(at: "/store", on: disk, options: options)
    let collection = try store.ensureCollection(
      CollectionSpec(name: "points", dimension: 24, metric: metric))
    try collection.upsert(records(0..<rows))
    try collection.ensureIndexes([kind])
    return (disk, store, collection)
  }

  private func ids(
    _ collection: StoreCollection, near record: Record, exact: Bool, where filter: Filter? = nil,
    limit: Int = 10
  ) throws -> [String] {
    try collection.search([
      SearchQuery(near: record.vector ?? [], limit: limit, where: filter, exact: exact)
    ])[0].map(\.record.id)
  }

  /// How a search is done in the only segment there is.
  private func way(
    _ collection: StoreCollection, exact: Bool = false
  ) throws -> SearchExplanation.Way? {
    let record = Self.records(3..<4)[0]
    let query = SearchQuery(near: record.vector ?? [], exact: exact, recall: 0.9)
    return try collection.explain([query]).first?.parts.first?.way
  }

  private func recall(_ collection: StoreCollection, where filter: Filter? = nil) throws -> Double {
    var found = 0
    var wanted = 0
    for record in Self.records(100_000..<100_060) {
      let truth = try ids(collection, near: record, exact: true, where: filter)
      let answer = try ids(collection, near: record, exact: false, where: filter)
      #expect(answer.count == truth.count)
      wanted += truth.count
      found += Set(answer).intersection(truth).count
    }
    return Double(found) / Double(wanted)
  }

  @Test("finds nearly what a scan finds, by every metric", arguments: Metric.allCases, kinds)
  func recall(_ metric: Metric, _ kind: IndexSpec) throws {
    let (disk, store, collection) = try Self.store(metric, kind)
    #expect(disk.image().names(in: "/store").contains { $0.hasSuffix(".idx") })
    #expect(try collection.indexes().map(\.indexed) == [1_000])
    #expect(try recall(collection) >= 0.95)
    if case .vector(let spec) = kind, case .hnsw = spec.method {
      #expect(try way(collection) == .graph)
    } else {
      #expect(try way(collection) == .lists)
    }
    #expect(try way(collection, exact: true) == .codes)
    try store.close()
  }

  @Test("finds as many as there are under any filter", arguments: [1, 10, 100], kinds)
  func filtered(_ share: Int, _ kind: IndexSpec) throws {
    let (_, store, collection) = try Self.store(.l2, kind)
    let filter = Filter.lt(.metadata("part"), .int(Int64(share)))
    #expect(try recall(collection, where: filter) >= 0.95)
    #expect(
      try ids(
        collection, near: Self.records(7..<8)[0], exact: false, where: filter, limit: 1_000
      ).count == 10 * share)
    try store.close()
  }

  @Test("never shows what was deleted or replaced, and shows what came since", arguments: kinds)
  func changes(_ kind: IndexSpec) throws {
    let (disk, store, collection) = try Self.store(.l2, kind)
    let record = Self.records(5..<6)[0]
    let near = try ids(collection, near: record, exact: true)
    try collection.delete(Array(near.prefix(5)))
    #expect(try ids(collection, near: record, exact: false).first == near[5])
    var moved = record
    moved.id = near[5]
    moved.vector = record.vector?.map { $0 + 50 }
    try collection.upsert([moved])
    #expect(try !ids(collection, near: record, exact: false).contains(near[5]))
    try collection.upsert([record])
    #expect(try ids(collection, near: record, exact: false).first == "5")
    try store.close()
    let again = try Store.open(at: "/store", on: disk, options: Self.options)
    #expect(try ids(try again.collection("points"), near: record, exact: false).first == "5")
    try again.close()
  }

  @Test(
    "answers all the same when its file is damaged or gone, and has it built again",
    arguments: kinds)
  func damaged(_ kind: IndexSpec) throws {
    let (disk, store, collection) = try Self.store(.cosine, kind, rows: 400)
    let record = Self.records(5..<6)[0]
    let near = try ids(collection, near: record, exact: true)
    try store.close()
    let whole = disk.image()
    let name = try #require(whole.names(in: "/store").first { $0.hasSuffix(".idx") })
    let bytes = try #require(whole.bytes(of: name, in: "/store"))
    for place in stride(from: 0, to: bytes.count, by: bytes.count / 40) {
      var image = whole
      var changed = bytes
      changed[place] ^= 0x10
      image.setBytes(changed, of: name, in: "/store")
      try expect(near, record, image, rebuilt: place == 0 ? kind : nil)
      image.setBytes(Array(bytes.prefix(place)), of: name, in: "/store")
      try expect(near, record, image, rebuilt: place == 0 ? kind : nil)
    }
    var image = whole
    image.remove(name, in: "/store")
    try expect(near, record, image, rebuilt: kind)
  }

  /// What is near is found by a scan; and an index that is built again is a good one.
  private func expect(
    _ near: [String], _ record: Record, _ image: DiskImage, rebuilt kind: IndexSpec?
  ) throws {
    let disk = SimulatedFileSystem(image: image, seed: 1)
    let store = try Store.open(at: "/store", on: disk, options: Self.options)
    let collection = try store.collection("points")
    #expect(try ids(collection, near: record, exact: false) == near)
    #expect(try collection.indexes().map(\.indexed) == [0])
    if let kind {
      try collection.ensureIndexes([kind])
      #expect(try collection.indexes().map(\.indexed) == [400])
      #expect(try ids(collection, near: record, exact: false).first == near.first)
    }
    try store.close()
  }

  @Test(
    "keeps its index over merges, and deletes the files of indexes that are not needed",
    arguments: kinds)
  func merges(_ kind: IndexSpec) throws {
    let (disk, store, collection) = try Self.store(.l2, kind)
    try collection.upsert(Self.records(1_000..<2_000))
    try store.checkpoint()
    try store.compact()
    try store.core.buildIndexes()
    #expect(try collection.indexes().map(\.indexed) == [2_000])
    #expect(disk.image().names(in: "/store").filter { $0.hasSuffix(".idx") }.count == 1)
    #expect(try recall(collection) >= 0.95)
    try collection.dropIndex(try #require(try collection.indexes().first).name)
    try store.checkpoint()
    #expect(disk.image().names(in: "/store").filter { $0.hasSuffix(".idx") }.isEmpty)
    try store.close()
  }

  @Test("is in a backup as well, unless it is damaged", arguments: kinds)
  func backedUp(_ kind: IndexSpec) throws {
    let (disk, store, _) = try Self.store(.l2, kind, rows: 400)
    #expect(try store.backup(to: "/copy").copied == 2)
    #expect(try store.backup(to: "/copy").kept == 2)
    try expectWhole("/copy", on: disk, indexed: 400)
    try store.close()
    var image = disk.image()
    let name = try #require(image.names(in: "/store").first { $0.hasSuffix(".idx") })
    image.setBytes([1, 2, 3], of: name, in: "/store")
    let damaged = SimulatedFileSystem(image: image, seed: 1)
    #expect(try !Store.check(at: "/store", full: false, on: damaged).isOK)
    let again = try Store.open(at: "/store", on: damaged, options: Self.options)
    #expect(try again.backup(to: "/other").copied == 1)
    try again.close()
    try expectWhole("/other", on: damaged, indexed: 0)
  }

  /// A store that a check has nothing to say against, with so many rows in its index.
  private func expectWhole(_ path: String, on disk: SimulatedFileSystem, indexed: Int) throws {
    #expect(try Store.check(at: path, full: true, on: disk).isOK)
    var options = Self.options
    options.access = .readOnly
    let copy = try Store.open(at: path, on: disk, options: options)
    let collection = try copy.collection("points")
    #expect(try collection.indexes().map(\.indexed) == [indexed])
    #expect(try collection.count() == 400)
    try copy.close()
  }

  @Test("measures the recall of searches on its own records")
  func measured() throws {
    let (_, store, collection) = try Self.store(
      .l2, .hnsw(m: 4, efConstruction: 32), rows: 2_000)
    let usual = try collection.measureRecall(sample: 50)
    #expect(usual.sample == 50 && usual.recall >= 0.95)
    #expect(usual.interval.contains(usual.recall))
    let poor = try collection.measureRecall(sample: 50, SearchQuery(near: [], limit: 5, effort: 1))
    #expect(poor.recall < 1)
    #expect(throws: StoreError.self) { try collection.measureRecall(sample: 0) }
    try store.close()
  }

  @Test(
    "finds vectors whose squares are no floats, in memory and in a segment",
    arguments: Metric.allCases)
  func extremes(_ metric: Metric) throws {
    let disk = SimulatedFileSystem(seed: 5)
    let store = try Store.open(at: "/store", on: disk, options: Self.options)
    let collection = try store.ensureCollection(
      CollectionSpec(name: "points", dimension: 2, metric: metric))
    let directions: [(Float, Float)] = [(1, 0), (1, 0.25), (1, 0.5), (1, 1), (0, 1), (-1, 0)]
    var records: [Record] = []
    for (place, (x, y)) in directions.enumerated() {
      for (size, scale) in [Float(1e-44), 1e-20, 1, 1e20, 3e38].enumerated() {
        records.append(Record(id: "\(place)-\(size)", vector: [x * scale, y * scale]))
      }
    }
    try collection.upsert(records)
    let query = SearchQuery(near: [4, 1], limit: 7)
    let right = records.map { record in
      (exactDistance(metric, [4, 1], record.vector ?? []), record.id)
    }.sorted { $0 < $1 }.prefix(7).map(\.1)
    #expect(try collection.search([query])[0].map(\.record.id) == right)
    try store.checkpoint()
    #expect(try collection.search([query])[0].map(\.record.id) == right)
    try store.close()
  }

  /// The distance in doubles, the plain way.
  private func exactDistance(_ metric: Metric, _ a: [Float], _ b: [Float]) -> Double {
    let pairs = zip(a, b).map { (Double($0), Double($1)) }
    let product = pairs.reduce(0) { $0 + $1.0 * $1.1 }
    switch metric {
    case .l2: return pairs.reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }.squareRoot()
    case .innerProduct: return -product
    case .cosine:
      func length(_ side: KeyPath<(Double, Double), Double>) -> Double {
        pairs.reduce(0) { $0 + $1[keyPath: side] * $1[keyPath: side] }.squareRoot()
      }
      return 1 - product / (length(\.0) * length(\.1))
    }
  }

  @Test("is durable with its name before a manifest names it, in a backup too", arguments: kinds)
  func durable(_ kind: IndexSpec) throws {
    var bed = Bed()
    bed.options.indexedRows = 1
    bed.options.prefersIndexes = true
    let store = try bed.open()
    let notes = try Bed.notes(in: store)
    try notes.upsert(Bed.records(0..<40))
    try notes.ensureIndexes([kind])
    #expect(try notes.indexes().map(\.indexed) == [40])
    #expect(try store.backup(to: "/copy").copied == 2)
    #expect(bed.disk.violations == [])
    // What is left when the power is cut and nothing was kept but what had to be.
    for image in bed.disk.crashState().images(limit: 4) {
      let after = SimulatedFileSystem(image: image, seed: 1)
      #expect(try Store.check(at: "/store", full: true, on: after).isOK)
    }
    try store.close()
  }
}
