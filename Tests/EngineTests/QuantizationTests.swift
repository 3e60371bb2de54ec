import RoostContract
import RoostFiles
import RoostIndex
import RoostKernels
import Testing

@testable import RoostEngine

@Suite("An index of a quantization")
struct QuantizationTests {
  static let methods: [VectorIndexSpec.Method] = [
    .hnsw(m: 8, efConstruction: 48), .ivfFlat(lists: 12),
  ]
  /// What each choice is to stand for in an image, where four bits are enough.
  private static let codings: [Quantization: RowCoding] = [
    .auto: .four, .none: .numbers, .sq8: .seven, .sq4: .four, .rabitq: .rotated,
  ]
  private static let rows = 300

  static func spec(
    _ quantization: Quantization, _ method: VectorIndexSpec.Method
  ) -> IndexSpec {
    .vector(VectorIndexSpec(name: "near", method: method, quantization: quantization))
  }

  /// Vectors around some middles, of which some are alike, some are long and some have no length.
  static func vector(_ number: Int, _ dimension: Int) -> [Float] {
    var chance = SeededNumbers(seed: UInt64(number) &* 0x9E37_79B9 &+ 7)
    var middle = SeededNumbers(seed: UInt64(number % 20))
    let vector = (0..<dimension).map { index in
      // Some numbers hardly vary.
      let scale: Float = index % 3 == 2 ? 0.002 : 1
      return scale
        * (Float(middle.below(2_000)) / 1_000 - 1 + Float(chance.below(600)) / 1_000 - 0.3)
    }
    switch number % 97 {
    case 40: return [Float](repeating: 0, count: dimension)
    case 41: return vector.map { $0 * 1_000 }
    case 42: return vector.map { $0 * 1e19 }
    case 43: return self.vector(number - 20, dimension)
    default: return vector
    }
  }

  static func records(_ dimension: Int) -> [Record] {
    (0..<rows).map {
      Record(
        id: "\($0)", vector: vector($0, dimension), metadata: ["part": .int(Int64($0 % 10))])
    }
  }

  static func options() -> StoreOptions {
    var options = StoreOptions(background: false)
    options.reserve = 4_096
    options.indexedRows = 100
    options.prefersIndexes = true
    return options
  }

  static func store(
    _ metric: Metric, _ spec: IndexSpec, _ records: [Record]
  ) throws -> (disk: SimulatedFileSystem, store: Store, collection: StoreCollection) {
    let disk = SimulatedFileSystem(seed: 5)
    let store = try Store.open(at: "/store", on: disk, options: options())
    let collection = try store.ensureCollection(
      CollectionSpec(name: "points", dimension: records[0].vector?.count ?? 0, metric: metric))
    try collection.upsert(records)
    try collection.ensureIndexes([spec])
    return (disk, store, collection)
  }

  /// What stands for rows in the only index that there is.
  private static func coding(_ store: Store) -> RowCoding? {
    store.core.tables.collections.values.first?.segments.first?.index?.vectorIndex()?.coding
  }

  /// What the reference says of the nearest.
  static func nearest(
    _ records: [Record], _ query: [Float], _ metric: Metric
  ) -> [(distance: Double, id: String)] {
    records.map { (metric.distance(query, $0.vector ?? []), $0.id) }.sorted { a, b in
      if a.0 < b.0 { return true }
      if b.0 < a.0 { return false }
      if a.0.isNaN != b.0.isNaN { return b.0.isNaN }
      return Bytewise.precedes(a.1, b.1)
    }
  }

  /// Which exact searches differ from the reference in any bit, and the recall of the others.
  private static func look(
    _ collection: StoreCollection, _ records: [Record], _ metric: Metric
  ) throws -> (wrong: [String], recall: Double) {
    var wrong: [String] = []
    var (found, wanted) = (0, 0)
    for number in 0..<12 {
      let query = vector(10_000 + 7 * number, records[0].vector?.count ?? 0)
      let filter: Filter? = number % 3 == 2 ? .lt(.metadata("part"), .int(3)) : nil
      let truth = nearest(records.filter { filter?.matches($0) ?? true }, query, metric).prefix(10)
      let exact = try collection.search([
        SearchQuery(near: query, limit: 10, where: filter, exact: true)
      ])[0]
      if exact.map(\.record.id) != truth.map(\.id)
        || !zip(exact, truth).allSatisfy({ $0.distance.bitPattern == $1.distance.bitPattern })
      {
        wrong.append("\(number)")
      }
      let near = try collection.search([SearchQuery(near: query, limit: 10, where: filter)])[0]
      wanted += truth.count
      found += Set(near.map(\.record.id)).intersection(truth.map(\.id)).count
    }
    return (wrong, Double(found) / Double(wanted))
  }

  @Test(
    "is built as it was asked for, finds nearly all, and exactly all when that is asked for",
    arguments: Quantization.allCases, Metric.allCases)
  func kept(_ quantization: Quantization, _ metric: Metric) throws {
    for (method, dimension) in zip(Self.methods, [150, 24]) {
      let records = Self.records(dimension)
      let spec = Self.spec(quantization, method)
      let (disk, store, collection) = try Self.store(metric, spec, records)
      let coding = try #require(Self.coding(store))
      if quantization == .auto {
        #expect(coding == .four || coding == .seven)
      } else {
        #expect(coding == Self.codings[quantization])
      }
      let before = try Self.look(collection, records, metric)
      #expect(before.wrong == [], "\(method), \(dimension) dimensions")
      #expect(before.recall >= 0.95, "\(method), \(dimension) dimensions")
      let query = SearchQuery(near: Self.vector(10_000, dimension), exact: true)
      let way = try collection.explain([query])[0].parts.first?.way
      #expect(way == (quantization == .none ? .scan : .codes))
      try store.close()
      let again = try Store.open(at: "/store", on: disk, options: Self.options())
      let after = try Self.look(try again.collection("points"), records, metric)
      #expect(after.wrong == [] && after.recall == before.recall)
      #expect(Self.coding(again) == coding)
      #expect(try Store.check(at: "/store", full: true, on: disk).isOK)
      try again.close()
    }
  }

  @Test("is built anew when another quantization is asked for")
  func changed() throws {
    let records = Self.records(24)
    let (_, store, collection) = try Self.store(
      .l2, Self.spec(.sq4, Self.methods[0]), records)
    for quantization in [Quantization.sq8, .rabitq, .none, .sq4] {
      let outcome = try collection.ensureIndexes([Self.spec(quantization, Self.methods[0])])
      #expect(outcome.map(\.action) == [.rebuilt])
      #expect(Self.coding(store) == Self.codings[quantization])
      #expect(try collection.indexes().map(\.indexed) == [Self.rows])
    }
    try store.close()
  }

  @Test("is of longer codes by itself when short ones cannot tell rows apart")
  func longer() throws {
    // Two heaps far from one another, each many rows within a step or two of four-bit codes.
    var chance = SeededNumbers(seed: 3)
    let records = (0..<1_600).map { number in
      Record(
        id: "\(number)",
        vector: (0..<16).map { _ in
          Float(number % 2 * 2 - 1) + Float(chance.below(2_000)) / 20_000 - 0.05
        })
    }
    for (quantization, coding) in [(Quantization.sq4, RowCoding.four), (.auto, .seven)] {
      let (_, store, collection) = try Self.store(
        .l2, Self.spec(quantization, .ivfFlat(lists: 2)), records)
      #expect(Self.coding(store) == coding)
      let query = SearchQuery(near: records[0].vector ?? [], recall: 0.99)
      let way = try collection.explain([query])[0].parts.first?.way
      #expect(way == (quantization == .auto ? .lists : .codes))
      try store.close()
    }
  }

  @Test("finds the same at every level of the CPU")
  func levels() async {
    await #expect(processExitsWith: .success) {
      let records = QuantizationTests.records(40)
      for quantization in [Quantization.sq8, .rabitq, .none] {
        for (method, metric) in zip(QuantizationTests.methods, [Metric.l2, .innerProduct]) {
          var first: [[String]]?
          for level in CPULevel.available {
            try #require(CPULevel.use(level))
            let (_, store, collection) = try QuantizationTests.store(
              metric, QuantizationTests.spec(quantization, method), records)
            let looked = try QuantizationTests.look(collection, records, metric)
            #expect(looked.wrong == [] && looked.recall >= 0.95)
            let queries = (0..<8).map {
              SearchQuery(near: QuantizationTests.vector(20_000 + $0, 40), limit: 10, effort: 40)
            }
            let answers = try collection.search(queries).map { $0.map(\.record.id) }
            // Sums of floats are rounded as each level adds them; codes are summed exactly.
            if quantization != .none { #expect(answers == first ?? answers, "\(level)") }
            first = first ?? answers
            try store.close()
          }
        }
      }
    }
  }

  @Test("is refused when its image names no coding that is known, or a rotation without need")
  func refused() throws {
    for (quantization, method) in [(Quantization.sq8, 0), (.rabitq, 1)] {
      let (_, store, _) = try Self.store(
        .cosine, Self.spec(quantization, Self.methods[method]), Self.records(24))
      let index = try #require(
        store.core.tables.collections.values.first?.segments.first?.index?.vectorIndex())
      let (bytes, kind) =
        switch index {
        case .graph(let graph): (graph.bytes, VectorIndex.graphKind)
        case .lists(let lists): (lists.bytes, VectorIndex.listsKind)
        }
      let rowBytes: [UInt8] = unsafe Array(
        UnsafeRawBufferPointer(start: bytes.base, count: bytes.count))
      func open(_ place: Int, _ byte: UInt8) throws {
        let memory = AlignedMemory(count: rowBytes.count)
        unsafe memory.base.copyMemory(from: rowBytes, byteCount: rowBytes.count)
        unsafe memory.base.storeBytes(of: byte, toByteOffset: place, as: UInt8.self)
        _ = try VectorIndex(IndexBytes(memory), kind: kind)
      }
      try open(80, rowBytes[80])
      for coding in [0, 5, 255] as [UInt8] {
        #expect(throws: IndexDefect(offset: 80)) { try open(80, coding) }
      }
      #expect(throws: IndexDefect.self) { try open(80, UInt8(RowCoding.numbers.rawValue)) }
      if quantization != .rabitq {
        #expect(throws: IndexDefect(offset: 88)) { try open(88, 1) }
      }
      try store.close()
    }
  }
}
