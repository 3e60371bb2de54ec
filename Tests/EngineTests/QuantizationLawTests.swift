import RoostContract
import RoostFiles
import RoostIndex
import RoostKernels
import Testing

@testable import RoostEngine

@Suite("A quantization never costs an answer")
struct QuantizationLawTests {
  private static let methods: [VectorIndexSpec.Method] = [
    .hnsw(m: 6, efConstruction: 32), .ivfFlat(lists: 10),
  ]

  /// The only index that there is.
  static func index(_ store: Store) -> VectorIndex? {
    store.core.tables.collections.values.first?.segments.first?.index?.vectorIndex()
  }

  @Test(
    "gives as many hits as match, up to the limit, however they are asked for",
    arguments: Quantization.allCases, methods)
  func hits(_ quantization: Quantization, _ method: VectorIndexSpec.Method) throws {
    for metric in Metric.allCases {
      var bed = try IndexedBed(metric, dimension: 20, prefersIndexes: true)
      try bed.upsert((0..<240).map { Clustered.record($0, dimension: 20) })
      try bed.collection.ensureIndexes([QuantizationTests.spec(quantization, method)])
      try bed.delete(stride(from: 0, to: 240, by: 5).map { "p\($0)" })
      try bed.upsert((230..<260).map { Clustered.record($0, dimension: 20) })
      let filters: [Filter?] = [
        nil, .lt(.metadata("n"), .int(500)), .eq(.metadata("middle"), .int(3)),
        .eq(.metadata("middle"), .int(99)),
      ]
      for number in 0..<2 {
        let vector = Clustered.vector(1_000 + number, dimension: 20)
        for filter in filters {
          for limit in [1, 10, 300] {
            let asked = [
              SearchQuery(near: vector, limit: limit, where: filter),
              SearchQuery(near: vector, limit: limit, where: filter, recall: 0.5),
              SearchQuery(near: vector, limit: limit, where: filter, effort: 1),
              SearchQuery(near: vector, limit: limit, where: filter, maximumDistance: 0.2),
              SearchQuery(near: vector, limit: limit, where: filter, exact: true),
            ]
            for query in asked {
              #expect(try bed.judged(query).complaint == nil, "\(metric), \(query)")
            }
          }
        }
      }
      try bed.store.close()
    }
  }

  @Test(
    "answers exact searches bit for bit as a store without an index does",
    arguments: Quantization.allCases, methods)
  func exact(_ quantization: Quantization, _ method: VectorIndexSpec.Method) throws {
    for (metric, dimension) in zip(Metric.allCases, [150, 33, 150]) {
      let records = QuantizationTests.records(dimension)
      let (_, store, collection) = try QuantizationTests.store(
        metric, QuantizationTests.spec(quantization, method), records)
      var plain = try IndexedBed(metric, dimension: dimension)
      try plain.upsert(records)
      let deleted = stride(from: 3, to: records.count, by: 11).map { "\($0)" }
      try collection.delete(deleted)
      try plain.delete(deleted)
      for number in 0..<8 {
        let vector = QuantizationTests.vector(10_000 + 33 * number, dimension)
        for filter in [nil, Filter.lt(.metadata("part"), .int(4))] {
          for limit in [1, 9, 400] {
            for bound in [nil, try plain.found(SearchQuery(near: vector, exact: true))[4].distance]
            {
              let query = SearchQuery(
                near: vector, limit: limit, where: filter, maximumDistance: bound, exact: true)
              let found = try collection.search([query])[0]
              let right = try plain.found(query)
              #expect(found.map(\.record.id) == right.map(\.id), "\(metric), \(query)")
              #expect(
                found.map(\.distance.bitPattern) == right.map(\.distance.bitPattern),
                "\(metric), \(query)")
            }
          }
        }
      }
      let query = SearchQuery(near: QuantizationTests.vector(10_000, dimension), exact: true)
      let way = try collection.explain([query])[0].parts.first?.way
      #expect(way == (quantization == .none ? .scan : .codes))
      try store.close()
      try plain.store.close()
    }
  }

  /// Records around many middles; or two heaps, in which four-bit codes tell no row from another,
  /// and if they are narrow, no codes do.
  private static func records(inHeaps: Bool, narrow: Bool = false) -> [Record] {
    var chance = SeededNumbers(seed: 3)
    let width: Float = narrow ? 2_000_000 : 20_000
    return (0..<600).map { number in
      let vector =
        inHeaps
        ? (0..<16).map { _ in
          Float(number % 2 * 2 - 1) + Float(chance.below(2_000) - 1_000) / width
        } : Clustered.vector(number, dimension: 16)
      return Record(id: "\(number)", vector: vector)
    }
  }

  @Test(
    "keeps the recall that was measured, and reaches what is asked for or looks at every match",
    arguments: Quantization.allCases, methods)
  func measured(_ quantization: Quantization, _ method: VectorIndexSpec.Method) throws {
    for inHeaps in [false, true] {
      let (disk, store, collection) = try QuantizationTests.store(
        .l2, QuantizationTests.spec(quantization, method), Self.records(inHeaps: inHeaps))
      let curve = try #require(Self.index(store)).curve
      let told = try #require(try collection.indexes()[0].recall)
      #expect(told == curve.usualRecall)
      #expect(try collection.statistics().indexes[0].recall == told)
      let vector = Self.records(inHeaps: inHeaps)[7].vector ?? []
      for recall in [0.5, 0.9, 0.99, 1] {
        let way = try collection.explain([SearchQuery(near: vector, recall: recall)])[0]
          .parts.first?.way
        let isReached = curve.effort(for: recall, limit: 10) != nil
        #expect((way == .graph || way == .lists) == isReached, "\(recall), \(inHeaps)")
        let measured = try collection.measureRecall(
          sample: 40, SearchQuery(near: [], limit: 10, recall: recall))
        // Of 150 rows that were held out, each with all it should find, no more follows than that
        // probably less than 3 in 150 of all rows are without it.
        let promise = recall < 1 ? recall : 1 - 3.0 / 150
        #expect(measured.interval.upperBound >= promise, "\(recall), \(inHeaps)")
        // The record itself is found besides, so that eleven are asked for.
        if curve.effort(for: recall, limit: 11) == nil { #expect(measured.recall == 1) }
      }
      try store.close()
      let again = try Store.open(at: "/store", on: disk, options: QuantizationTests.options())
      #expect(try again.collection("points").indexes()[0].recall == told)
      try again.close()
    }
  }

  @Test("falls back where its codes are too short for a recall, and says so")
  func tooShort() throws {
    let (_, store, collection) = try QuantizationTests.store(
      .l2, QuantizationTests.spec(.sq4, Self.methods[1]), Self.records(inHeaps: true))
    let part = try collection.explain([
      SearchQuery(near: Self.records(inHeaps: true)[7].vector ?? [])
    ])[0].parts.first
    #expect(part?.way == .codes)
    #expect(part?.reason == "no number of lists that was measured reaches the recall")
    #expect(try collection.indexes()[0].recall ?? 1 < 0.99)
    try store.close()
  }

  @Test(
    "that is chosen by itself is of short codes, byte for byte, when long ones are no better",
    arguments: methods)
  func noBetter(_ method: VectorIndexSpec.Method) throws {
    var images: [[UInt8]] = []
    for quantization in [Quantization.auto, .sq4] {
      let (disk, store, collection) = try QuantizationTests.store(
        .l2, QuantizationTests.spec(quantization, method),
        Self.records(inHeaps: true, narrow: true))
      #expect(Self.index(store)?.curve.effort(for: 0.99, limit: 10) == nil)
      #expect(try collection.indexes()[0].recall ?? 1 < 0.99)
      try store.close()
      let image = disk.image()
      let name = try #require(image.names(in: "/store").first { $0.hasSuffix(".idx") })
      let bytes = try #require(image.bytes(of: name, in: "/store"))
      // Between the header and the checksums, which know of which store they are.
      images.append(Array(bytes.dropFirst(4_096).dropLast(4_096)))
    }
    #expect(images[0] == images[1])
  }

  @Test(
    "damage to its file is noticed, and gives the rows that there are",
    arguments: Quantization.allCases, methods)
  func damaged(_ quantization: Quantization, _ method: VectorIndexSpec.Method) throws {
    let records = (0..<160).map { Clustered.record($0, dimension: 20) }
    let (disk, store, _) = try QuantizationTests.store(
      .cosine, QuantizationTests.spec(quantization, method), records)
    try store.close()
    let whole = disk.image()
    let name = try #require(whole.names(in: "/store").first { $0.hasSuffix(".idx") })
    let bytes = try #require(whole.bytes(of: name, in: "/store"))
    // The header of the file, that of the image, all that follows, and the end.
    let image = 4_096
    var places = [0, 8, 50, 80, 88, 125]
    places += [0, 8, 12, 16, 24, 32, 48, 60, 64, 80, 84, 88, 200].map { image + $0 }
    places += stride(from: image + 256, to: bytes.count, by: (bytes.count - image) / 16)
    places += [1, 5, 100, 128].map { bytes.count - $0 }
    for (number, place) in places.enumerated() {
      var changed = bytes
      changed[place] ^= UInt8(1) << UInt8(number % 8)
      try expectRight(records, whole, name, changed)
      if number % 3 == 0 { try expectRight(records, whole, name, Array(bytes.prefix(place))) }
    }
  }

  /// A store whose index has these bytes answers as one that has none, and says that it has none.
  private func expectRight(
    _ records: [Record], _ image: DiskImage, _ name: String, _ bytes: [UInt8]
  ) throws {
    var image = image
    image.setBytes(bytes, of: name, in: "/store")
    let store = try Store.open(
      at: "/store", on: SimulatedFileSystem(image: image, seed: 1),
      options: QuantizationTests.options())
    let collection = try store.collection("points")
    let vector = Clustered.vector(1_000, dimension: 20)
    let right = QuantizationTests.nearest(records, vector, .cosine).prefix(10).map(\.id)
    for exact in [false, true] {
      let found = try collection.search([SearchQuery(near: vector, limit: 10, exact: exact)])[0]
      #expect(found.map(\.record.id) == right)
    }
    let told = try collection.indexes()[0]
    #expect(told.indexed == 0 && told.recall == nil)
    try store.close()
  }

  @Test(
    "an image of any bytes is refused, or searched without harm",
    arguments: Quantization.allCases, methods)
  func forged(_ quantization: Quantization, _ method: VectorIndexSpec.Method) throws {
    let (_, store, _) = try QuantizationTests.store(
      .l2, QuantizationTests.spec(quantization, method),
      (0..<120).map { Clustered.record($0, dimension: 20) })
    let index = try #require(Self.index(store))
    let (image, kind) =
      switch index {
      case .graph(let graph): (graph.bytes, VectorIndex.graphKind)
      case .lists(let lists): (lists.bytes, VectorIndex.listsKind)
      }
    let bytes: [UInt8] = unsafe Array(
      UnsafeRawBufferPointer(start: image.base, count: image.count))
    var chance = SeededNumbers(seed: 11)
    var opened = 0
    for trial in 0..<300 {
      var forged = bytes
      if trial % 10 == 9 { forged.removeLast(1 + chance.below(bytes.count - 1)) }
      for _ in 0..<1 + chance.below(4) {
        let end = trial % 2 == 0 ? min(256, forged.count) : forged.count
        let place = chance.below(end)
        let word = [0, 1, 127, 255, chance.below(256)][chance.below(5)]
        for byte in place..<min(place + [1, 4][chance.below(2)], forged.count) {
          forged[byte] = UInt8(word)
        }
      }
      let memory = AlignedMemory(count: forged.count)
      unsafe memory.base.copyMemory(from: forged, byteCount: forged.count)
      do {
        guard let index = try VectorIndex(IndexBytes(memory), kind: kind) else { continue }
        opened += 1
        Self.search(index)
      } catch {
        // As it should be.
      }
    }
    // Codes and lengths may be anything.
    #expect(opened > 10)
    try store.close()
  }

  /// Searches an index that may hold anything.
  private static func search(_ index: VectorIndex) {
    let query = [Float](repeating: 0.5, count: index.dimension)
    for effort in [0, 1, 50, 1 << 40] {
      var rows: [UInt32] = []
      switch index {
      case .graph(let graph):
        let finder = HNSWFinder()
        let even = RowSet(
          rowCount: index.rowCount, stride(from: 0, to: UInt32(index.rowCount), by: 2))
        graph.find([HNSWIndex.Wanted(query, effort: effort, among: even, finder)])
        #expect(finder.rows.allSatisfy { even.contains($0) })
        graph.find(query, effort: effort, finder)
        rows = finder.rows
      case .lists(let lists):
        let finder = ListFinder()
        lists.find(query, probes: effort, keeping: effort, finder)
        rows = finder.rows
      }
      #expect(rows.allSatisfy { Int($0) < index.rowCount } && Set(rows).count == rows.count)
    }
    _ = index.curve.effort(for: 0.99, limit: 1_000_000)
    guard let coded = index.codedRows, let bounded = BoundedQuery(query, coded.space)
    else { return }
    var (products, estimates, places) = ([Int32](), [Float](), [UInt32]())
    coded.estimate(bounded, nil, from: 0, count: coded.nodeCount, &products, into: &estimates)
    coded.admitted(bounded.limit(1), nil, from: 0, estimates, into: &places)
    #expect(places.allSatisfy { Int($0) < coded.nodeCount })
  }

  @Test("finds the same in one file at every level of the CPU")
  func levels() async {
    await #expect(processExitsWith: .success) {
      // Sums of whole numbers are exact however they are added.
      func vector(_ number: Int) -> [Float] {
        var chance = SeededNumbers(seed: UInt64(number))
        return (0..<40).map { _ in Float(chance.below(200) - 100 + number % 7 * 40) }
      }
      let records = (0..<200).map { Record(id: "\($0)", vector: vector($0)) }
      for quantization in Quantization.allCases {
        for method in QuantizationLawTests.methods {
          for metric in Metric.allCases {
            let (_, store, collection) = try QuantizationTests.store(
              metric, QuantizationTests.spec(quantization, method), records)
            var queries: [SearchQuery] = []
            for number in 0..<8 {
              let near = vector(20_000 + number)
              queries.append(SearchQuery(near: near, limit: 10, effort: 4))
              queries.append(SearchQuery(near: near, limit: 10))
              queries.append(SearchQuery(near: near, limit: 10, exact: true))
            }
            var first: [[String]]?
            for level in CPULevel.available {
              try #require(CPULevel.use(level))
              let found = try collection.search(queries).map { $0.map(\.record.id) }
              #expect(found == first ?? found, "\(quantization), \(method), \(metric), \(level)")
              first = first ?? found
            }
            try store.close()
          }
        }
      }
    }
  }

  @Test("is reckoned with by its length: numbers take longer to look at than codes")
  func cost() throws {
    for (quantization, way) in [
      (Quantization.none, SearchExplanation.Way.graph), (.sq4, .codes), (.rabitq, .codes),
    ] {
      var bed = try IndexedBed(.l2, dimension: 256)
      try bed.upsert(
        (0..<1_200).map {
          Record(id: "\($0)", vector: Clustered.vector($0, dimension: 256, middles: 300))
        })
      try bed.collection.ensureIndexes([
        .hnsw(m: 8, efConstruction: 32, quantization: quantization)
      ])
      let query = SearchQuery(
        near: Clustered.vector(5_000, dimension: 256, middles: 300), limit: 10, effort: 30)
      #expect(try bed.way(query) == way, "\(quantization)")
      let all = SearchQuery(near: query.vector, limit: 10, exact: true)
      #expect(try bed.judged(all).complaint == nil)
      try bed.store.close()
    }
  }

  @Test("is reckoned with when memory is short: fewer rows of long codes make one index")
  func memory() throws {
    func most(_ spec: IndexSpec) throws -> Int {
      var options = QuantizationTests.options()
      options.indexMemoryLimit = 1 << 20
      let store = try Store.open(at: "/s", on: SimulatedFileSystem(seed: 1), options: options)
      let collection = try store.ensureCollection(CollectionSpec(name: "points", dimension: 100))
      try collection.ensureIndexes([spec])
      defer { try? store.close() }
      return store.core.indexedRowsMax(
        try #require(store.core.tables.collections.values.first).entry)
    }
    // 128 bytes to build by, 64, 128 or 400 to walk by, 160 of links, and 64 besides.
    let graphs: [(Quantization, Int)] = [
      (.sq4, 416), (.rabitq, 416), (.sq8, 480), (.auto, 480), (.none, 752),
    ]
    for (quantization, bytes) in graphs {
      #expect(
        try most(.hnsw(m: 8, efConstruction: 32, quantization: quantization)) == (1 << 20) / bytes)
    }
    let lists: [(Quantization, Int)] = [
      (.sq4, 128), (.rabitq, 128), (.sq8, 192), (.auto, 192), (.none, 464),
    ]
    for (quantization, bytes) in lists {
      #expect(try most(.ivfFlat(lists: 4, quantization: quantization)) == (1 << 20) / bytes)
    }
  }
}
