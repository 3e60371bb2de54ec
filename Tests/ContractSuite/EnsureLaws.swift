import RoostContract

/// Making collections: the checks on a spec, and what happens to a collection that is there.
enum EnsureLaws {
  static let all: [Law] = [
    blankName, dimensionZero, dimensionNegative, unknownMetric, unknownMode, largestDimension,
    dimensionTooLarge, create, again, otherMetric, otherDimension, strictRefusesOlder,
    autoMigrateAdds, strictAfterMigration, autoMigrateKeepsShape, refusedMakesNothing,
    declaredMetrics, declaredElements, declaredModes, otherElement, checksBeforeLooking,
  ]

  static let blanks = ["", " ", "   ", "\t", "\n", "\u{A0}", "\u{3000}", " \t\r\n\u{2003} "]

  static let blankName = Law("GV-017", "a blank name is a schema mismatch") { trial in
    for name in blanks {
      try await trial.expectRefusal(.schemaMismatch, of: "a collection named \(quoted(name))") {
        _ = try await trial.store.ensureCollection(
          CollectionSpec(name: name, dimension: 2, metric: trial.anyMetric))
      }
    }
  }

  static let dimensionZero = Law("GV-018", "a dimension of 0 is a schema mismatch") { trial in
    try await refuseDimension(0, in: trial)
  }

  static let dimensionNegative = Law("GV-019", "a negative dimension is a schema mismatch") {
    trial in
    for dimension in [-1, -65_535, Int.min] { try await refuseDimension(dimension, in: trial) }
  }

  private static func refuseDimension(_ dimension: Int, in trial: Trial) async throws {
    for mode in [nil, CollectionSpec.Mode.strict] {
      let spec = CollectionSpec(
        name: "e1", dimension: dimension, metric: trial.anyMetric, mode: mode)
      try await trial.expectRefusal(.schemaMismatch, of: "a dimension of \(dimension)") {
        _ = try await trial.store.ensureCollection(spec)
      }
    }
    try await trial.expectNoCollection("e1", after: "a refusal")
  }

  static let unknownMetric = Law(
    "GV-020", "a metric of another name is a schema mismatch, its case included"
  ) { trial in
    for name in ["bogus", "COSINE", "Cosine", "cosine ", "", "l2_squared", "innerProduct", "ip"] {
      try await trial.expectRefusal(.schemaMismatch, of: "the metric \(quoted(name))") {
        _ = try Metric(parsing: name)
      }
    }
    for metric in Metric.allCases {
      try trial.expect(
        "the metric \(metric.rawValue)", try Metric(parsing: metric.rawValue), equals: metric)
    }
  }

  static let unknownMode = Law("GV-021", "a mode of another name is a schema mismatch") { trial in
    for name in ["bogus", "STRICT", "", "autoMigrate", "auto-migrate", "strict\u{0}"] {
      try await trial.expectRefusal(.schemaMismatch, of: "the mode \(quoted(name))") {
        _ = try CollectionSpec.Mode(parsing: name)
      }
    }
    for mode in CollectionSpec.Mode.allCases {
      let found = try CollectionSpec.Mode(parsing: mode.rawValue)
      try trial.expect("the mode \(mode.rawValue)", found, equals: mode)
    }
  }

  static let largestDimension = Law(
    "GV-022", "a collection of the declared maximum dimension takes a record"
  ) { trial in
    let max = trial.capabilities.dimensionMax
    let collection = try await trial.anyCollection(dimension: max)
    let record = trial.record(1, dimension: max)
    try await collection.insert([record])
    try await trial.expect("to read a vector of \(max)", collection, holds: [record])
  }

  static let dimensionTooLarge = Law(
    "GV-023", "a dimension past the declared maximum is too large"
  ) { trial in
    for dimension in [trial.capabilities.dimensionMax + 1, 1_000_000, Int.max] {
      try await trial.expectRefusal(.tooLarge, of: "a dimension of \(dimension)") {
        _ = try await trial.store.ensureCollection(
          CollectionSpec(name: "e1", dimension: dimension, metric: trial.anyMetric))
      }
      try await trial.expectNoCollection("e1", after: "a refusal")
    }
  }

  static let create = Law("GV-024", "a new collection has the shape asked for and is empty") {
    trial in
    let spec = CollectionSpec(name: "docs", dimension: 3, metric: trial.anyMetric, mode: .strict)
    let collection = try await trial.store.ensureCollection(spec)
    try trial.expect("its name", text: collection.name, equals: "docs")
    try trial.expect("its dimension", collection.dimension, equals: 3)
    try trial.expect("its metric", collection.metric, equals: spec.metric)
    try trial.expect("its count", try await collection.count(), equals: 0)
    let kept = try await collection.statistics().spec
    try trial.expect("its kept name", text: kept.name, equals: "docs")
    try trial.expect("its kept dimension", kept.dimension, equals: 3)
    try trial.expect("its kept metric", kept.metric, equals: spec.metric)
    try trial.expect("its kept element type", kept.element, equals: .f32)
  }

  static let again = Law("GV-025", "ensuring a collection again changes nothing in it") { trial in
    let collection = try await trial.anyCollection()
    let records = trial.records(3)
    try await collection.insert(records)
    var modes: [CollectionSpec.Mode?] = [nil, .strict]
    if trial.capabilities.features.contains(.autoMigrate) { modes.append(.autoMigrate) }
    for mode in modes {
      let spec = CollectionSpec(name: "laws", dimension: 2, metric: trial.anyMetric, mode: mode)
      let again = try await trial.store.ensureCollection(spec)
      try await trial.expect("to ensure it again", again, holds: records)
      try await trial.expect("to read by the first handle", collection, holds: records)
    }
    let count = try await trial.store.statistics().collections.count
    try trial.expect("how many collections there are", count, equals: 1)
  }

  static let otherMetric = Law(
    "GV-026", "ensuring a collection with another metric is a schema mismatch"
  ) { trial in
    let first = try await trial.anyCollection()
    let records = trial.records(2)
    try await first.insert(records)
    for metric in Metric.allCases where metric != first.metric {
      let isDeclared = trial.capabilities.metrics.contains(metric)
      try await trial.expectRefusal(
        isDeclared ? .schemaMismatch : .unsupported, of: "the same name with \(metric.rawValue)"
      ) {
        _ = try await trial.store.ensureCollection(
          CollectionSpec(name: "laws", dimension: 2, metric: metric))
      }
    }
    try await trial.expect("to read after the refusals", first, holds: records)
  }

  static let otherDimension = Law(
    "GV-027", "ensuring a collection with another dimension is a schema mismatch in both modes"
  ) { trial in
    let first = try await trial.anyCollection()
    let records = trial.records(2)
    try await first.insert(records)
    for mode in CollectionSpec.Mode.allCases {
      let isDeclared = mode == .strict || trial.capabilities.features.contains(.autoMigrate)
      for dimension in [1, 3] {
        try await trial.expectRefusal(
          isDeclared ? .schemaMismatch : .unsupported,
          of: "the same name with dimension \(dimension), \(mode.rawValue)"
        ) {
          _ = try await trial.store.ensureCollection(
            CollectionSpec(
              name: "laws", dimension: dimension, metric: trial.anyMetric, mode: mode))
        }
      }
    }
    try await trial.expect("to read after the refusals", first, holds: records)
  }

  // MARK: Older collections

  /// Whether the store migrates; where it does not, its refusal has been shown.
  private static func migrates(_ trial: Trial) async throws -> Bool {
    try await trial.has(.autoMigrate) {
      _ = try await trial.store.ensureCollection(spec(trial, .autoMigrate))
    }
  }

  private static func spec(_ trial: Trial, _ mode: CollectionSpec.Mode) -> CollectionSpec {
    CollectionSpec(name: "older", dimension: 2, metric: trial.anyMetric, mode: mode)
  }

  private static func plant(
    in trial: Trial, hasMetadata: Bool = false, hasContent: Bool = false
  ) async throws {
    try await trial.subject.plantOlderCollection(
      in: trial.store, spec: spec(trial, .strict), hasMetadata: hasMetadata,
      hasContent: hasContent, records: trial.records(2))
  }

  /// Which of metadata and content an older collection has.
  private static let older = [(false, false), (false, true), (true, false)]

  private static func refuseStrict(_ trial: Trial, naming part: String) async throws {
    let error = try await trial.expectRefusal(
      .schemaMismatch, of: "a collection without \(part), strict"
    ) {
      _ = try await trial.store.ensureCollection(spec(trial, .strict))
    }
    try trial.expectMessage(of: error, toName: part)
  }

  static let strictRefusesOlder = Law(
    "GV-030", "strict refuses a collection without metadata or content, and names the part"
  ) { trial in
    guard try await migrates(trial) else { return }
    for (hasMetadata, hasContent) in older {
      try await plant(in: trial, hasMetadata: hasMetadata, hasContent: hasContent)
      // Twice: the refusal has not added the part either.
      try await refuseStrict(trial, naming: hasMetadata ? "content" : "metadata")
      try await refuseStrict(trial, naming: hasMetadata ? "content" : "metadata")
      try await trial.store.dropCollection("older")
    }
  }

  static let autoMigrateAdds = Law(
    "GV-031", "auto-migrate adds what is missing; old records read {} and no content"
  ) { trial in
    guard try await migrates(trial) else { return }
    for (hasMetadata, hasContent) in older {
      try await plant(in: trial, hasMetadata: hasMetadata, hasContent: hasContent)
      let collection = try await trial.store.ensureCollection(spec(trial, .autoMigrate))
      let old = trial.records(2).map {
        Record(
          id: $0.id, vector: $0.vector, metadata: hasMetadata ? $0.metadata : [:],
          content: hasContent ? $0.content : nil)
      }
      try await trial.expect("to read after the migration", collection, holds: old)
      let new = trial.record(7)
      try await collection.upsert([new])
      try await trial.expect("to write after the migration", collection, holds: old + [new])
      try await trial.store.dropCollection("older")
    }
  }

  static let strictAfterMigration = Law(
    "GV-032", "strict takes a collection that was migrated"
  ) { trial in
    guard try await migrates(trial) else { return }
    for (hasMetadata, hasContent) in older {
      try await plant(in: trial, hasMetadata: hasMetadata, hasContent: hasContent)
      _ = try await trial.store.ensureCollection(spec(trial, .autoMigrate))
      let collection = try await trial.store.ensureCollection(spec(trial, .strict))
      try trial.expect("its count", try await collection.count(), equals: 2)
      try await trial.store.dropCollection("older")
    }
  }

  static let autoMigrateKeepsShape = Law(
    "migrate-shape", "auto-migrate with another dimension or metric is refused and adds nothing"
  ) { trial in
    guard try await migrates(trial) else { return }
    try await plant(in: trial)
    var wrong = spec(trial, .autoMigrate)
    wrong.dimension = 3
    var refused = [wrong]
    if let metric = trial.capabilities.metrics.first(where: { $0 != trial.anyMetric }) {
      wrong = spec(trial, .autoMigrate)
      wrong.metric = metric
      refused.append(wrong)
    }
    for wrong in refused {
      try await trial.expectRefusal(.schemaMismatch, of: "to migrate with another shape") {
        _ = try await trial.store.ensureCollection(wrong)
      }
      try await refuseStrict(trial, naming: "metadata")
    }
  }

  // MARK: Refusals and declarations

  static let refusedMakesNothing = Law("ensure-refused", "a refused ensure makes nothing") {
    trial in
    let long = String(repeating: "n", count: trial.capabilities.nameBytesMax + 1)
    var refused = [
      CollectionSpec(name: "e1", dimension: 0, metric: trial.anyMetric),
      CollectionSpec(
        name: "e1", dimension: trial.capabilities.dimensionMax + 1, metric: trial.anyMetric),
      CollectionSpec(name: "e\u{0}1", dimension: 2, metric: trial.anyMetric),
      CollectionSpec(name: long, dimension: 2, metric: trial.anyMetric),
    ]
    for metric in Metric.allCases where !trial.capabilities.metrics.contains(metric) {
      refused.append(CollectionSpec(name: "e1", dimension: 2, metric: metric))
    }
    for element in ElementType.allCases where !trial.capabilities.elements.contains(element) {
      refused.append(
        CollectionSpec(name: "e1", dimension: 2, metric: trial.anyMetric, element: element))
    }
    for spec in refused {
      try await trial.expectRefusal(
        .schemaMismatch, .tooLarge, .unsupported, of: "a collection of \(spec)"
      ) {
        _ = try await trial.store.ensureCollection(spec)
      }
    }
    let found = try await trial.store.statistics().collections.map(\.spec.name)
    try trial.expect("the collections there are", texts: found, equal: [])
    try await trial.expectNoCollection("e1", after: "the refusals")
  }

  static let declaredMetrics = Law(
    "declared-metrics", "every declared metric makes a collection and every other is refused"
  ) { trial in
    for metric in Metric.allCases {
      let name = "m-" + metric.rawValue
      guard let collection = try await trial.collection(name, metric: metric) else { continue }
      try trial.expect("its metric", collection.metric, equals: metric)
      let kept = try await collection.statistics().spec.metric
      try trial.expect("its kept metric", kept, equals: metric)
    }
  }

  static let declaredElements = Law(
    "declared-elements", "every declared element type makes a collection, every other is refused"
  ) { trial in
    for element in ElementType.allCases {
      let spec = CollectionSpec(
        name: "e-" + element.rawValue, dimension: 2, metric: trial.anyMetric, element: element)
      guard trial.capabilities.elements.contains(element) else {
        try await trial.expectRefusal(.unsupported, of: "the element type \(element.rawValue)") {
          _ = try await trial.store.ensureCollection(spec)
        }
        continue
      }
      let kept = try await trial.store.ensureCollection(spec).statistics().spec.element
      try trial.expect("its kept element type", kept, equals: element)
    }
  }

  static let declaredModes = Law(
    "declared-modes", "a spec without a mode has the declared one, and auto-migrate is declared"
  ) { trial in
    let migrates = trial.capabilities.features.contains(.autoMigrate)
    try trial.expect(
      "the declared mode", trial.capabilities.defaultMode == .strict || migrates,
      found: "auto_migrate by default", expected: "a mode that the store has")
    let spec = CollectionSpec(
      name: "auto", dimension: 2, metric: trial.anyMetric, mode: .autoMigrate)
    guard
      try await trial.has(
        .autoMigrate,
        orRefuses: {
          _ = try await trial.store.ensureCollection(spec)
        })
    else {
      try await trial.expectNoCollection("auto", metric: trial.anyMetric, after: "a refusal")
      return
    }
    let collection = try await trial.store.ensureCollection(spec)
    try trial.expect("its count", try await collection.count(), equals: 0)
  }

  static let otherElement = Law(
    "ensure-element", "ensuring a collection with another element type is a schema mismatch"
  ) { trial in
    let first = try await trial.anyCollection()
    for element in ElementType.allCases where element != .f32 {
      let isDeclared = trial.capabilities.elements.contains(element)
      try await trial.expectRefusal(
        isDeclared ? .schemaMismatch : .unsupported, of: "the same name with \(element.rawValue)"
      ) {
        _ = try await trial.store.ensureCollection(
          CollectionSpec(name: "laws", dimension: 2, metric: first.metric, element: element))
      }
    }
  }

  static let checksBeforeLooking = Law(
    "ensure-order", "a spec is checked by name, then dimension, then limit, before the store looks"
  ) { trial in
    _ = try await trial.anyCollection()
    let max = trial.capabilities.dimensionMax
    let blank = CollectionSpec(name: " ", dimension: max + 1, metric: trial.anyMetric)
    try await trial.expectRefusal(.schemaMismatch, of: "a blank name and a large dimension") {
      _ = try await trial.store.ensureCollection(blank)
    }
    // The collection has dimension 2: looking first would find a schema mismatch.
    let large = CollectionSpec(name: "laws", dimension: max + 1, metric: trial.anyMetric)
    try await trial.expectRefusal(.tooLarge, of: "a taken name with a large dimension") {
      _ = try await trial.store.ensureCollection(large)
    }
  }
}
