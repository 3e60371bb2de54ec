import RoostContract

// A write is stored whole or not at all, whatever its size. Upstream stores in parts of 500 rows,
// and a bad record at 700 of 1001 leaves 500 behind; so the sizes here lie about such parts, and
// the bad record stands where a part would begin, in its middle and at its end.

/// What a refused batch leaves behind: nothing.
enum BatchLaws {
  static let all: [Law] =
    matrix + [
      wholeBatch(.insert), wholeBatch(.upsert), bad700, large(.insert), large(.upsert),
      pastMaximum, refusedThenStored,
    ]

  /// The two ways to write.
  enum Verb: String, CaseIterable {
    case insert, upsert

    func write(
      _ records: [Record], to collection: any VectorCollection,
      onDuplicate policy: DuplicatePolicy = .refuse
    ) async throws {
      switch self {
      case .insert: try await collection.insert(records, onDuplicate: policy)
      case .upsert: try await collection.upsert(records, onDuplicate: policy)
      }
    }
  }

  /// What is wrong with one record of a batch.
  enum Fault: String, CaseIterable {
    case dimension, nan, repeated, existing

    var code: StoreError.Code {
      switch self {
      case .dimension: .dimensionMismatch
      case .nan, .repeated: .invalidArgument
      case .existing: .alreadyExists
      }
    }

    /// Spoils one record; its id afterwards, which the refusal names.
    func spoil(_ batch: inout [Record], at place: Int) -> String {
      switch self {
      case .dimension: batch[place].vector?.append(0)
      case .nan: batch[place].vector?[0] = .nan
      case .repeated: batch[place].id = batch[place == 0 ? batch.count - 1 : 0].id
      case .existing: batch[place].id = "old"
      }
      return batch[place].id
    }
  }

  private static let sizes = [1, 501, 1001]

  private static let matrix: [Law] = sizes.flatMap { size in
    Verb.allCases.flatMap { verb in
      Fault.allCases.compactMap { fault in
        (fault == .existing && verb == .upsert) || (fault == .repeated && size == 1)
          ? nil : refused(size, verb, fault)
      }
    }
  }

  private static func refused(_ size: Int, _ verb: Verb, _ fault: Fault) -> Law {
    Law(
      "batch-\(size)-\(verb.rawValue)-\(fault.rawValue)",
      "an \(verb.rawValue) of \(size) with one record bad by \(fault.rawValue) stores nothing"
    ) { trial in
      for place in size == 1 ? [0] : [0, size / 2, size - 1] {
        try await showRefusal(size, verb, fault, at: place, in: trial)
      }
    }
  }

  /// Writes a batch with one bad record over some old ones, and shows that only those are there.
  private static func showRefusal(
    _ size: Int, _ verb: Verb, _ fault: Fault, at place: Int, dimension: Int = 2, in trial: Trial
  ) async throws {
    let collection = try await trial.anyCollection("at-\(place)", dimension: dimension)
    let last = size - 1
    // Old records stand under ids of the batch for upsert, which would replace them.
    let taken = verb == .insert ? [] : Set([0, size / 2, last]).sorted()
    let old =
      [Record(id: "old", vector: [Float](repeating: 7, count: dimension), content: "old")]
      + taken.map {
        Record(id: "r\($0)", vector: [Float](repeating: 7, count: dimension), content: "old")
      }
    try await collection.insert(old)

    var batch = trial.records(size, dimension: dimension)
    let id = fault.spoil(&batch, at: place)
    let isTooLarge = size > trial.capabilities.batchMax
    let asked = "\(verb.rawValue) of \(size), \(fault.rawValue) at \(place)"
    let error = try await trial.expectRefusal(isTooLarge ? .tooLarge : fault.code, of: asked) {
      try await verb.write(batch, to: collection)
    }
    if !isTooLarge { try trial.expectMessage(of: error, toName: quoted(id)) }

    try await trial.expect("to read after \(asked)", collection, holds: old)
    let samples = Set([0, 1, 2, 498, 499, 500, 501, 999, 1000, size / 2 + 1, last - 1, last])
    let absent = samples.filter { (0..<size).contains($0) && !taken.contains($0) }
    try await trial.expect(
      "new records after \(asked)", collection, lacks: absent.map { "r\($0)" })
  }

  private static func wholeBatch(_ verb: Verb) -> Law {
    Law("batch-1001-\(verb.rawValue)", "an \(verb.rawValue) of 1001 records stores each of them") {
      trial in
      let collection = try await trial.anyCollection()
      let records = trial.records(1001)
      guard records.count <= trial.capabilities.batchMax else {
        try await trial.expectRefusal(.tooLarge, of: "a batch of 1001") {
          try await verb.write(records, to: collection)
        }
        try trial.expect("the count after it", try await collection.count(), equals: 0)
        let most = Array(records.prefix(trial.capabilities.batchMax))
        try await verb.write(most, to: collection)
        try await trial.expect("to read the largest batch", collection, holds: most)
        return
      }
      try await verb.write(records, to: collection)
      try await trial.expect("to read 1001 records", collection, holds: records)
    }
  }

  static let bad700 = Law(
    "batch-700-of-1001", "a bad record at 700 of 1001 leaves nothing, where upstream leaves 500"
  ) { trial in
    for verb in Verb.allCases {
      let collection = try await trial.anyCollection("bad-" + verb.rawValue)
      var batch = trial.records(1001)
      batch[700].vector = [1]
      let isTooLarge = batch.count > trial.capabilities.batchMax
      let error = try await trial.expectRefusal(
        isTooLarge ? .tooLarge : .dimensionMismatch, of: "\(verb.rawValue) of 1001, 700 bad"
      ) {
        try await verb.write(batch, to: collection)
      }
      try trial.expectMessage(of: error, toName: isTooLarge ? "1001" : "position 700")
      try trial.expect("the count after it", try await collection.count(), equals: 0)
    }
  }

  private static func large(_ verb: Verb) -> Law {
    Law(
      "batch-100000-\(verb.rawValue)",
      "an \(verb.rawValue) of 100,000 records, or the declared maximum, with a bad one stores none"
    ) { trial in
      let size = min(100_000, trial.capabilities.batchMax)
      try await showRefusal(size, verb, .nan, at: size - 1, dimension: 1, in: trial)
    }
  }

  static let pastMaximum = Law(
    "batch-max", "a batch past the declared maximum is too large, before its records are looked at"
  ) { trial in
    let max = trial.capabilities.batchMax
    let collection = try await trial.anyCollection(dimension: 1)
    var batch = (0...max).map { Record(id: "\($0)", vector: [1]) }
    batch[0].vector = []
    for verb in Verb.allCases {
      let error = try await trial.expectRefusal(.tooLarge, of: "a batch of \(max + 1)") {
        try await verb.write(batch, to: collection)
      }
      try trial.expectMessage(of: error, toName: "\(max)")
      try trial.expect("the count after it", try await collection.count(), equals: 0)
    }
  }

  static let refusedThenStored = Law(
    "batch-mended", "a refused batch can be mended and sent again"
  ) { trial in
    for verb in Verb.allCases {
      let collection = try await trial.anyCollection("mended-" + verb.rawValue)
      let records = trial.records(20)
      for fault in [Fault.dimension, .nan, .repeated] {
        for place in [0, 10, 19] {
          var bad = records
          _ = fault.spoil(&bad, at: place)
          try await trial.expectRefusal(fault.code, of: "\(fault.rawValue) at \(place)") {
            try await verb.write(bad, to: collection)
          }
        }
      }
      try await verb.write(records, to: collection)
      try await trial.expect("to read the mended batch", collection, holds: records)
    }
  }
}
