import RoostContract

/// What indexes do: they come and go by name, say what they are, and never change an answer.
enum IndexLaws {
  static let all: [Law] =
    ensured + named + refusedVector + metadata + lists + removed + answers

  /// A small collection with its metadata, of the store's first metric.
  static func collection(
    _ trial: Trial, records count: Int = 10
  ) async throws -> any VectorCollection {
    let collection = try await trial.anyCollection()
    try await collection.insert(
      (0..<count).map {
        Record(
          id: "r\($0)", vector: [1, Float($0) + 0.5], metadata: ["rank": .int(Int64($0))])
      })
    return collection
  }

  /// The plainest index of a method.
  static func plain(_ method: IndexMethod, name: String? = nil) -> IndexSpec {
    switch method {
    case .hnsw: .hnsw(name: name)
    case .ivfFlat: .ivfFlat(name: name)
    }
  }

  /// What `indexes()` tells of an index, as far as every store must tell it alike.
  struct Told: Equatable {
    var name: String
    var method: VectorIndexSpec.Method?
    var metric: Metric?
    var fields: [FieldPath] = []
    var pathOps = false

    init(_ name: String, _ method: VectorIndexSpec.Method, _ metric: Metric) {
      self.name = name
      self.method = method
      self.metric = metric
    }

    init(_ name: String, fields: [FieldPath] = [], pathOps: Bool = false) {
      self.name = name
      self.fields = fields
      self.pathOps = pathOps
    }

    init(_ index: IndexDescription) {
      switch index.spec {
      case .vector(let spec):
        (name, method, metric) = (index.name, spec.method, spec.metric)
      case .metadata(let spec):
        (name, fields, pathOps) = (index.name, spec.fields, spec.pathOps)
      }
    }
  }

  static func expect(
    _ trial: Trial, _ collection: any VectorCollection, has expected: [Told]
  ) async throws {
    let indexes = try await collection.indexes()
    try trial.expect("the indexes", indexes.map(Told.init), equals: expected)
    let inStatistics = try await collection.statistics().indexes
    try trial.expect("the indexes in statistics", inStatistics, equals: indexes)
    let names = indexes.map { $0.spec.name }
    try trial.expect("the names in their specs", names, equals: expected.map(\.name))
  }

  /// What `ensureIndexes` does about one index.
  static func expect(
    _ trial: Trial, _ collection: any VectorCollection, ensures spec: IndexSpec, _ name: String,
    _ action: IndexOutcome.Action
  ) async throws {
    let outcome = try await collection.ensureIndex(spec)
    try trial.expect("\(spec)", outcome, equals: IndexOutcome(name: name, action: action))
  }

  /// A law over a method; a store that lacks it refuses the method's plainest index.
  static func law(
    _ id: String, _ sentence: String, _ method: IndexMethod,
    _ show: @escaping @Sendable (Trial, any VectorCollection) async throws -> Void
  ) -> Law {
    Law(id, sentence) { trial in
      let collection = try await collection(trial)
      if trial.capabilities.indexMethods.contains(method) {
        try await show(trial, collection)
      } else {
        try await trial.expectRefusal(.unsupported, of: method.rawValue) {
          _ = try await collection.ensureIndex(plain(method))
        }
        try await expect(trial, collection, has: [])
      }
    }
  }

  // MARK: Vector indexes that are there

  private static let ensured: [Law] = [
    Law("GV-141", "to ensure no indexes does nothing") { trial in
      let collection = try await collection(trial)
      try trial.expect("no specs", try await collection.ensureIndexes([]), equals: [])
      try await expect(trial, collection, has: [])
    },
    law("GV-142", "an hnsw index without options has the defaults and a name", .hnsw) {
      try await expect($0, $1, ensures: .hnsw(), "idx_laws_vector_hnsw", .created)
      try await expect(
        $0, $1,
        has: [
          Told("idx_laws_vector_hnsw", .hnsw(m: 16, efConstruction: 64), $0.anyMetric)
        ])
    },
    law("GV-142b", "an index ensured again as it is stays as it is", .hnsw) {
      try await expect($0, $1, ensures: .hnsw(), "idx_laws_vector_hnsw", .created)
      try await expect($0, $1, ensures: .hnsw(), "idx_laws_vector_hnsw", .unchanged)
      // The same options spelled out are the same options.
      let spelled = IndexSpec.hnsw(
        name: "idx_laws_vector_hnsw", m: 16, efConstruction: 64, metric: $0.anyMetric)
      try await expect($0, $1, ensures: spelled, "idx_laws_vector_hnsw", .unchanged)
    },
    law("GV-143", "an ivfflat index without options has the defaults and a name", .ivfFlat) {
      try await expect($0, $1, ensures: .ivfFlat(), "idx_laws_vector_ivfflat", .created)
      try await expect($0, $1, ensures: .ivfFlat(), "idx_laws_vector_ivfflat", .unchanged)
      try await expect(
        $0, $1, has: [Told("idx_laws_vector_ivfflat", .ivfFlat(lists: 100), $0.anyMetric)])
    },
    law("GV-143b", "an ivfflat index has the lists and the name it was given", .ivfFlat) {
      let spec = IndexSpec.ivfFlat(name: "mine", lists: 7)
      try await expect($0, $1, ensures: spec, "mine", .created)
      try await expect($0, $1, has: [Told("mine", .ivfFlat(lists: 7), $0.anyMetric)])
    },
    law("GV-144", "an hnsw index has the options and the name it was given", .hnsw) {
      let spec = IndexSpec.hnsw(name: "mine", m: 8, efConstruction: 20)
      try await expect($0, $1, ensures: spec, "mine", .created)
      try await expect(
        $0, $1, has: [Told("mine", .hnsw(m: 8, efConstruction: 20), $0.anyMetric)])
    },
    law("GV-144b", "an index may have another metric than its collection", .hnsw) {
      trial, collection in
      let mine = trial.anyMetric
      for metric in Metric.allCases where metric != mine {
        let spec = IndexSpec.hnsw(name: "by-\(metric.rawValue)", metric: metric)
        guard trial.capabilities.features.contains(.foreignMetricIndexes),
          trial.capabilities.metrics.contains(metric)
        else {
          try await trial.expectRefusal(.unsupported, of: "\(spec)") {
            _ = try await collection.ensureIndex(spec)
          }
          continue
        }
        try await expect(
          trial, collection, ensures: spec, "by-\(metric.rawValue)", .created)
        let told = try await collection.indexes().map(Told.init)
        try trial.expect(
          "the metric of \(spec)",
          told.contains(
            Told("by-\(metric.rawValue)", .hnsw(m: 16, efConstruction: 64), metric)),
          found: "\(told)", expected: metric.rawValue)
      }
    },
    law("GV-149", "an hnsw option of 0 is the default", .hnsw) {
      let spec = IndexSpec.hnsw(m: 0, efConstruction: 0)
      try await expect($0, $1, ensures: spec, "idx_laws_vector_hnsw", .created)
      try await expect($0, $1, ensures: .hnsw(), "idx_laws_vector_hnsw", .unchanged)
      try await expect(
        $0, $1,
        has: [
          Told("idx_laws_vector_hnsw", .hnsw(m: 16, efConstruction: 64), $0.anyMetric)
        ])
    },
    law("GV-149b", "an ivfflat option of 0 is the default", .ivfFlat) {
      try await expect($0, $1, ensures: .ivfFlat(lists: 0), "idx_laws_vector_ivfflat", .created)
      try await expect($0, $1, ensures: .ivfFlat(), "idx_laws_vector_ivfflat", .unchanged)
    },
    law("GV-152", "an hnsw index of a taken name with other options is built anew", .hnsw) {
      // Upstream leaves the old index as it is and says nothing; choice 9 is to rebuild it.
      try await expect($0, $1, ensures: .hnsw(name: "it", m: 8), "it", .created)
      try await expect($0, $1, ensures: .hnsw(name: "it", m: 12), "it", .rebuilt)
      let wider = IndexSpec.hnsw(name: "it", m: 12, efConstruction: 80)
      try await expect($0, $1, ensures: wider, "it", .rebuilt)
      try await expect($0, $1, ensures: wider, "it", .unchanged)
      try await expect(
        $0, $1, has: [Told("it", .hnsw(m: 12, efConstruction: 80), $0.anyMetric)])
    },
    law("GV-152b", "an ivfflat index of a taken name with other lists is built anew", .ivfFlat) {
      try await expect($0, $1, ensures: .ivfFlat(name: "it", lists: 5), "it", .created)
      try await expect($0, $1, ensures: .ivfFlat(name: "it", lists: 6), "it", .rebuilt)
      try await expect($0, $1, has: [Told("it", .ivfFlat(lists: 6), $0.anyMetric)])
    },
    law("GV-152c", "an index of a taken name with another method is built anew", .hnsw) {
      trial, collection in
      guard trial.capabilities.indexMethods.contains(.ivfFlat) else {
        try await trial.expectRefusal(.unsupported, of: "ivfflat") {
          _ = try await collection.ensureIndex(.ivfFlat())
        }
        return
      }
      try await expect(trial, collection, ensures: .hnsw(name: "it"), "it", .created)
      try await expect(
        trial, collection, ensures: .ivfFlat(name: "it", lists: 3), "it", .rebuilt)
      try await expect(
        trial, collection, has: [Told("it", .ivfFlat(lists: 3), trial.anyMetric)])
    },
  ]

  // MARK: Names

  private static let named: [Law] = [
    Law("GV-145", "a method by another name is a schema mismatch") { trial in
      for name in ["bogus", "HNSW", "ivf_flat", "", " hnsw"] {
        try await trial.expectRefusal(.schemaMismatch, of: name) {
          _ = try IndexMethod(parsing: name)
        }
      }
      for method in IndexMethod.allCases {
        try trial.expect(
          method.rawValue, try IndexMethod(parsing: method.rawValue), equals: method)
      }
      try trial.expect(
        "the names", IndexMethod.allCases.map(\.rawValue), equals: ["hnsw", "ivfflat"])
    },
    Law("GV-145b", "a metric by another name is a schema mismatch") { trial in
      for name in ["bogus", "COSINE", "ip", "", "l2 "] {
        try await trial.expectRefusal(.schemaMismatch, of: name) {
          _ = try Metric(parsing: name)
        }
      }
      try trial.expect(
        "the names", Metric.allCases.map(\.rawValue), equals: ["cosine", "l2", "inner_product"])
    },
    Law("index-name-blank", "a blank name of an index is refused") { trial in
      let collection = try await collection(trial)
      for method in IndexMethod.allCases {
        let has = trial.capabilities.indexMethods.contains(method)
        for name in ["", "  ", "\t\n"] {
          try await trial.expectRefusal(has ? .schemaMismatch : .unsupported, of: "\(name)") {
            _ = try await collection.ensureIndex(plain(method, name: name))
          }
        }
      }
      try await expect(trial, collection, has: [])
    },
    law("index-name-unicode", "names of indexes are told apart by their bytes", .hnsw) {
      let names = ["MINE", "mine", "my 'own' \"index\"", "\u{E9}"].sorted(by: Bytewise.precedes)
      for name in names.reversed() {
        try await expect($0, $1, ensures: .hnsw(name: name), name, .created)
      }
      let metric = $0.anyMetric
      try await expect(
        $0, $1, has: names.map { Told($0, .hnsw(m: 16, efConstruction: 64), metric) })
    },
    law(
      "index-name-collection",
      "an index belongs to its collection, also by a name taken in another", .hnsw
    ) { trial, collection in
      let other = try await trial.anyCollection("others")
      try await expect(trial, collection, ensures: .hnsw(name: "it", m: 8), "it", .created)
      try await expect(trial, other, ensures: .hnsw(name: "it", m: 9), "it", .created)
      try await expect(trial, other, ensures: .hnsw(), "idx_others_vector_hnsw", .created)
      try await expect(
        trial, collection, has: [Told("it", .hnsw(m: 8, efConstruction: 64), trial.anyMetric)])
      try trial.expect("to drop one", try await other.dropIndex("it"), equals: true)
      try await expect(
        trial, collection, has: [Told("it", .hnsw(m: 8, efConstruction: 64), trial.anyMetric)])
    },
  ]

  // MARK: Refused options

  private static let refusedVector: [Law] = [
    refused("GV-146", "an hnsw index of 1 link is refused", .hnsw, .hnsw(m: 1)),
    refused(
      "GV-146b", "an hnsw index of 101 links is refused", .hnsw, .hnsw(m: 101, efConstruction: 500)),
    refused("GV-146c", "an hnsw index of -1 links is refused", .hnsw, .hnsw(m: -1)),
    refused(
      "GV-147", "fewer candidates than twice the links are refused", .hnsw,
      .hnsw(m: 16, efConstruction: 31)),
    refused(
      "GV-147b", "fewer than 4 candidates are refused", .hnsw, .hnsw(m: 2, efConstruction: 3)),
    refused(
      "GV-147c", "more than 1000 candidates are refused", .hnsw, .hnsw(efConstruction: 1_001)),
    refused(
      "GV-147d", "the default candidates are refused where they are fewer than twice the links",
      .hnsw, .hnsw(m: 33, efConstruction: 0)),
    refused("GV-147e", "-1 candidates are refused", .hnsw, .hnsw(efConstruction: -1)),
    refused("GV-148", "-1 lists are refused", .ivfFlat, .ivfFlat(lists: -1)),
    refused("GV-148b", "more than 32768 lists are refused", .ivfFlat, .ivfFlat(lists: 32_769)),
    law("index-bounds-hnsw", "the outermost options of hnsw are taken", .hnsw) {
      for (m, ef) in [(2, 4), (2, 1_000), (100, 200), (16, 32)] {
        let spec = IndexSpec.hnsw(name: "m\(m)-\(ef)", m: m, efConstruction: ef)
        try await expect($0, $1, ensures: spec, "m\(m)-\(ef)", .created)
      }
    },
    law("index-bounds-ivfflat", "the outermost options of ivfflat are taken", .ivfFlat) {
      for lists in [1, 32_768] {
        let spec = IndexSpec.ivfFlat(name: "l\(lists)", lists: lists)
        try await expect($0, $1, ensures: spec, "l\(lists)", .created)
      }
    },
    Law("GV-151", "a dimension past what indexes take is refused, one less is taken") { trial in
      let capabilities = trial.capabilities
      let most = capabilities.indexedDimensionMax
      for method in IndexMethod.allCases where capabilities.indexMethods.contains(method) {
        let name = "wide-\(method.rawValue)"
        let wide = try await trial.anyCollection(name, dimension: most)
        let outcome = try await wide.ensureIndex(plain(method))
        try trial.expect("dimension \(most)", outcome?.action, equals: .created)
      }
      let past = CollectionSpec(name: "past", dimension: most + 1, metric: trial.anyMetric)
      guard most < capabilities.dimensionMax else {
        // Where every dimension can be indexed, the one past it is no dimension of a collection.
        try await trial.expectRefusal(.tooLarge, of: "\(past)") {
          _ = try await trial.store.ensureCollection(past)
        }
        return
      }
      let collection = try await trial.store.ensureCollection(past)
      for method in IndexMethod.allCases {
        let has = capabilities.indexMethods.contains(method)
        try await trial.expectRefusal(has ? .tooLarge : .unsupported, of: "\(method), \(most + 1)")
        {
          _ = try await collection.ensureIndex(plain(method))
        }
      }
      try await expect(trial, collection, has: [])
    },
  ]

  /// These options are refused, also where there is an index of that name, and nothing changes.
  private static func refused(
    _ id: String, _ sentence: String, _ method: IndexMethod, _ spec: IndexSpec
  ) -> Law {
    law(id, sentence, method) { trial, collection in
      try await trial.expectRefusal(.invalidArgument, of: "\(spec)") {
        _ = try await collection.ensureIndex(spec)
      }
      try await expect(trial, collection, has: [])
      let good = try await collection.ensureIndex(plain(method))
      let before = try await collection.indexes()
      try await trial.expectRefusal(.invalidArgument, of: "\(spec) over \(good?.name ?? "")") {
        _ = try await collection.ensureIndex(spec)
      }
      try trial.expect("the index before", try await collection.indexes(), equals: before)
    }
  }

  // MARK: Metadata indexes

  /// A law over metadata indexes; a store that lacks them refuses the plainest.
  private static func overMetadata(
    _ id: String, _ sentence: String,
    _ show: @escaping @Sendable (Trial, any VectorCollection) async throws -> Void
  ) -> Law {
    Law(id, sentence) { trial in
      let collection = try await collection(trial)
      let has = try await trial.has(.metadataIndexes) {
        _ = try await collection.ensureIndex(.metadata())
      }
      if has { try await show(trial, collection) }
    }
  }

  private static let metadata: [Law] = [
    overMetadata("GV-150", "a metadata index without options has a name, and stays as it is") {
      try await expect($0, $1, ensures: .metadata(), "idx_laws_metadata_gin", .created)
      try await expect($0, $1, ensures: .metadata(), "idx_laws_metadata_gin", .unchanged)
      try await expect($0, $1, has: [Told("idx_laws_metadata_gin")])
    },
    overMetadata("GV-150b", "a metadata index of a taken name with path ops is built anew") {
      try await expect($0, $1, ensures: .metadata(), "idx_laws_metadata_gin", .created)
      let spec = IndexSpec.metadata(pathOps: true)
      try await expect($0, $1, ensures: spec, "idx_laws_metadata_gin", .rebuilt)
      try await expect($0, $1, has: [Told("idx_laws_metadata_gin", pathOps: true)])
    },
    overMetadata("GV-150c", "a metadata index has the name it was given") {
      try await expect($0, $1, ensures: .metadata(name: "mp", pathOps: true), "mp", .created)
      try await expect($0, $1, has: [Told("mp", pathOps: true)])
    },
    overMetadata("GV-150d", "a metadata index covers the fields it was given") {
      let fields: [FieldPath] = ["rank", .metadata("a", "b")]
      let spec = IndexSpec.metadata(name: "some", fields: fields)
      try await expect($0, $1, ensures: spec, "some", .created)
      try await expect($0, $1, ensures: spec, "some", .unchanged)
      try await expect($0, $1, has: [Told("some", fields: fields)])
      try await expect(
        $0, $1, ensures: .metadata(name: "some", fields: ["rank"]), "some", .rebuilt)
    },
    overMetadata("GV-150e", "a metadata index over a field that is none is refused") {
      trial, collection in
      for field: FieldPath in [.metadata(), .metadata("a", " "), .column("vector"), .column("")] {
        try await trial.expectRefusal(.invalidFilter, of: "an index over \(field)") {
          _ = try await collection.ensureIndex(.metadata(fields: ["rank", field]))
        }
      }
      try await expect(trial, collection, has: [])
    },
    overMetadata("index-metadata-answers", "a metadata index changes no answer of any filter") {
      trial, _ in
      let collection = try await trial.anyCollection("table")
      try await collection.insert(TruthTable.records)
      for spec: IndexSpec in [
        .metadata(), .metadata(name: "ops", pathOps: true),
        .metadata(name: "some", fields: ["rank", .metadata("a", "b", "c")]),
      ] {
        _ = try await collection.ensureIndex(spec)
      }
      for row in TruthTable.rows {
        guard case .ids(let ids) = row.answer else { continue }
        try await trial.expect(row.label, in: collection, where: row.filter, finds: ids)
      }
      // And after a write the index knows of it.
      try await collection.upsert([Record(id: "int10", vector: [1, 0], metadata: ["rank": 11])])
      try await collection.delete(["flt10"])
      try await trial.expect("10", in: collection, where: .eq("rank", 10), finds: [])
      try await trial.expect("11", in: collection, where: .eq("rank", 11), finds: ["int10"])
    },
  ]
}
