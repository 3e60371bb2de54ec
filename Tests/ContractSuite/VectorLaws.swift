import RoostContract

/// Vectors: every number comes back, at every length where a kernel could drop one.
enum VectorLaws {
  static let all: [Law] =
    shapes + [extremes, signedZero, patterns, lastNumber, replaced]
    + ElementType.allCases.map(elements)
    + [overflow, undeclaredElements]

  // MARK: Lengths

  // About the widths of registers and pages, and the largest there is.
  private static let dimensions = [
    1, 2, 3, 7, 8, 9, 15, 16, 17, 63, 64, 65, 384, 4095, 4096, 4097, 65_535,
  ]

  private static let shapes: [Law] = dimensions.flatMap { dimension in
    Metric.allCases.map { metric in
      Law(
        "vector-\(dimension)-\(metric.rawValue)",
        "vectors of \(dimension) read back bit for bit and are found in order by \(metric.rawValue)"
      ) { trial in
        try await showShape(dimension, metric, in: trial)
      }
    }
  }

  private static func showShape(
    _ dimension: Int, _ metric: Metric, in trial: Trial
  ) async throws {
    let made = try await trial.collection(dimension: dimension, metric: metric)
    guard let collection = made else { return }
    var random = SeededGenerator(seed: UInt64(dimension))
    let records = (0..<5).map { Record(id: "v\($0)", vector: random.vector(dimension)) }
    try await collection.insert(records)
    try await trial.expect("to read vectors of \(dimension)", collection, holds: records)
    for record in records {
      let query = record.vector ?? []
      let hits = try await collection.search(
        near: query, limit: 5, projection: Projection(vector: true))
      try trial.expect("how many hits there are", hits.count, equals: 5)
      try checkOrder(hits, query: query, metric: metric, in: trial)
      // In one dimension every vector of the same sign has the same direction.
      if metric != .innerProduct, !(metric == .cosine && dimension == 1) {
        try trial.expect("what is nearest to \(record.id)", hits[0].record.id, equals: record.id)
      }
      for hit in hits {
        let stored = records.first { $0.id == hit.record.id }
        try trial.expect(
          "the vector of hit \(hit.record.id)", hit.record.vector?.map(\.bitPattern),
          equals: stored?.vector?.map(\.bitPattern))
      }
    }
  }

  /// The hits have the distances of double precision, and stand in their order, as nearly as single
  /// precision tells: a share of 1e-5 of the numbers that were added up.
  private static func checkOrder(
    _ hits: [Hit<Record>], query: [Float], metric: Metric, in trial: Trial
  ) throws {
    let zero = [Float](repeating: 0, count: query.count)
    let queryLength = Metric.l2.distance(query, zero)
    var last = -Double.infinity
    for hit in hits {
      let vector = hit.record.vector ?? []
      let length = Metric.l2.distance(vector, zero)
      let scale =
        switch metric {
        case .cosine: 1.0
        case .l2: length + queryLength
        case .innerProduct: length * queryLength
        }
      let expected = metric.distance(query, vector)
      try trial.expect(
        "the distance of \(hit.record.id)", abs(hit.distance - expected) <= 1e-5 * scale,
        found: "\(hit.distance)", expected: "\(expected)")
      try trial.expect(
        "the order of \(hit.record.id)", hit.distance >= last, found: "\(hit.distance)",
        expected: "at least \(last)")
      try trial.expect(
        "the score of \(hit.record.id)", hit.score, equals: metric.score(forDistance: hit.distance))
      last = hit.distance
    }
  }

  static let lastNumber = Law(
    "vector-tail", "the last number of a vector counts, whatever the length and the metric"
  ) { trial in
    for metric in Metric.allCases where trial.capabilities.metrics.contains(metric) {
      for dimension in 2...70 where dimension <= trial.capabilities.dimensionMax {
        let made = try await trial.collection(
          "\(metric.rawValue)-\(dimension)", dimension: dimension, metric: metric)
        guard let collection = made else { continue }
        // Two vectors that differ in the last number alone, and a query on the side of each.
        var up = [Float](repeating: 0.25, count: dimension)
        var down = up
        up[dimension - 1] = 1
        down[dimension - 1] = -1
        try await collection.insert([
          Record(id: "up", vector: up), Record(id: "down", vector: down),
        ])
        for (id, query) in [("up", up), ("down", down)] {
          let hits = try await collection.search(near: query, limit: 2)
          try trial.expect(
            "what is nearest in \(dimension) by \(metric.rawValue)", hits.first?.record.id,
            equals: id)
        }
      }
    }
  }

  // MARK: Numbers

  /// Writes vectors, one to a record, and reads each back bit for bit.
  private static func roundTrip(_ vectors: [[Float]], in trial: Trial) async throws {
    let collection = try await trial.anyCollection(dimension: vectors[0].count)
    let records = vectors.enumerated().map { Record(id: "v\($0.offset)", vector: $0.element) }
    try await collection.insert(records)
    try await trial.expect("to read them", collection, holds: records)
  }

  static let extremes = Law(
    "vector-extremes", "the largest, the smallest and subnormal numbers read back bit for bit"
  ) { trial in
    let numbers: [Float] = [
      .greatestFiniteMagnitude, -.greatestFiniteMagnitude, .leastNonzeroMagnitude,
      -.leastNonzeroMagnitude, .leastNormalMagnitude, -.leastNormalMagnitude,
      Float(bitPattern: 0x007F_FFFF), Float(bitPattern: 0x0000_0123), .ulpOfOne, 1 + .ulpOfOne, .pi,
      0.1, 1e-30, 1e30, 16_777_216, 16_777_215,
    ]
    try await roundTrip(numbers.map { [$0, 1] } + numbers.map { [1, $0] }, in: trial)
  }

  static let signedZero = Law("vector-zero", "-0 reads back as -0, and a vector of zeros is kept") {
    trial in
    try await roundTrip([[0, 0], [-0.0, -0.0], [0, -0.0], [-0.0, 1]], in: trial)
  }

  static let patterns = Law("vector-bits", "seeded random bit patterns read back bit for bit") {
    trial in
    var random = SeededGenerator(seed: 0x6269_7473)
    let vectors = (0..<100).map { _ in
      (0..<8).map { _ in
        let number = Float(bitPattern: UInt32(truncatingIfNeeded: random.next()))
        return number.isFinite ? number : 1
      }
    }
    try await roundTrip(vectors, in: trial)
  }

  static let replaced = Law("vector-replaced", "a replaced vector is found where it is now") {
    trial in
    let collection = try await trial.anyCollection()
    try await collection.insert([
      Record(id: "a", vector: [1, 0]), Record(id: "b", vector: [0, 1]),
    ])
    try await collection.upsert([
      Record(id: "a", vector: [0, 1]), Record(id: "b", vector: [1, 0]),
    ])
    for (query, id) in [([1, 0], "b"), ([0, 1], "a")] as [([Float], String)] {
      let hits = try await collection.search(near: query, limit: 2)
      try trial.expect("what is near \(query)", hits.map(\.record.id).first, equals: id)
      try trial.expect("how many hits there are", hits.count, equals: 2)
    }
  }

  // MARK: Element types

  /// Numbers and what a type keeps of them, worked out by hand: ties go to the even neighbour.
  private static func known(_ element: ElementType) -> [(Float, Float)] {
    switch element {
    case .f32: [(0.1, 0.1), (16_777_215, 16_777_215), (-0.0, -0.0)]
    case .f16:
      [
        (0.1, 0.0999755859375), (1 + 0x1p-11, 1), (1 + 0x3p-11, 1 + 0x1p-9), (2049, 2048),
        (2051, 2052), (65_504, 65_504), (65_519, 65_504), (-65_519, -65_504), (0x1p-24, 0x1p-24),
        (0x1p-25, 0), (-0x1p-25, -0.0), (0x1.8p-25, 0x1p-24), (0x3p-25, 0x1p-23), (1e-30, 0),
        (-0.0, -0.0),
      ]
    case .bf16:
      [
        (0.1, 0.10009765625), (1 + 0x1p-8, 1), (1 + 0x3p-8, 1 + 0x1p-6), (257, 256), (259, 260),
        (0x1.FEp127, 0x1.FEp127), (0x1p-133, 0x1p-133), (0x1p-134, 0), (0x3p-134, 0x1p-132),
        (.leastNonzeroMagnitude, 0), (-0.0, -0.0),
      ]
    case .i8:
      [(0.5, 0), (1.5, 2), (2.5, 2), (-0.5, 0), (-1.5, -2), (127.25, 127), (-128, -128)]
    }
  }

  /// What a type keeps of a number: the nearest multiple of its step there, of two the even one.
  private static func nearest(_ number: Float, _ element: ElementType) -> Float {
    let (bits, exponentMin) =
      switch element {
      case .f32: (23, -126)
      case .f16: (10, -14)
      case .bf16: (7, -126)
      case .i8: (0, 0)
      }
    guard number != 0 else { return number }
    let wide = Double(number)
    let exponent = element == .i8 ? 0 : max(Int(wide.exponent), exponentMin)
    let step = Double(sign: .plus, exponent: exponent - bits, significand: 1)
    return Float((wide / step).rounded(.toNearestOrEven) * step)
  }

  private static func spec(_ trial: Trial, _ element: ElementType) -> CollectionSpec {
    CollectionSpec(
      name: "e-" + element.rawValue, dimension: 2, metric: trial.anyMetric, element: element)
  }

  private static func elements(_ element: ElementType) -> Law {
    Law(
      "element-\(element.rawValue)",
      "a collection of \(element.rawValue) keeps each number rounded to the nearest, ties to even"
    ) { trial in
      let spec = spec(trial, element)
      guard trial.capabilities.elements.contains(element) else {
        try await trial.expectRefusal(.unsupported, of: "a collection of \(element.rawValue)") {
          _ = try await trial.store.ensureCollection(spec)
        }
        return
      }
      let collection = try await trial.store.ensureCollection(spec)
      var random = SeededGenerator(seed: 0x656c_656d)
      let scale: Float = element == .i8 ? 120 : 3
      let numbers =
        known(element)
        + random.vector(200).map { ($0 * scale, nearest($0 * scale, element)) }
      for (number, expected) in known(element) where element != .f32 {
        try trial.expect("the step at \(number)", nearest(number, element), equals: expected)
      }
      try await collection.insert(
        numbers.enumerated().map { Record(id: "\($0.offset)", vector: [$0.element.0, 1]) })
      let found = try await collection.get(numbers.indices.map { "\($0)" })
      for (place, (number, expected)) in numbers.enumerated() {
        let kept = found[place]?.vector?.first ?? .nan
        // Integers know no -0.
        let isSame = element == .i8 ? kept == expected : kept.bitPattern == expected.bitPattern
        try trial.expect(
          "\(number) as \(element.rawValue)", isSame, found: "\(kept)", expected: "\(expected)")
      }
    }
  }

  static let overflow = Law(
    "element-overflow", "a number that its element type would make infinite is refused, and named"
  ) { trial in
    let beyond: [ElementType: [Float]] = [
      .f16: [65_520, -65_520, 1e30], .bf16: [.greatestFiniteMagnitude, -.greatestFiniteMagnitude],
      .i8: [127.5, 128, -129, 1e30],
    ]
    for (element, numbers) in beyond.sorted(by: { $0.key.rawValue < $1.key.rawValue })
    where trial.capabilities.elements.contains(element) {
      let collection = try await trial.store.ensureCollection(spec(trial, element))
      for number in numbers {
        for verb in BatchLaws.Verb.allCases {
          let batch = [trial.record(1), Record(id: "large", vector: [0, number])]
          let error = try await trial.expectRefusal(
            .invalidArgument, of: "\(verb.rawValue) of \(number) as \(element.rawValue)"
          ) {
            try await verb.write(batch, to: collection)
          }
          for part in ["large", "position 1", "number 1"] {
            try trial.expectMessage(of: error, toName: part)
          }
          try trial.expect("the count after it", try await collection.count(), equals: 0)
        }
      }
    }
    // Full precision keeps what the others refuse.
    let collection = try await trial.anyCollection()
    let record = Record(id: "large", vector: [.greatestFiniteMagnitude, 65_520])
    try await collection.insert([record])
    try await trial.expect("to read large numbers", collection, holds: [record])
  }

  static let undeclaredElements = Law(
    "element-names", "an element type of another name is a schema mismatch"
  ) { trial in
    for name in ["f64", "F32", "float", "", "f32 ", "int8"] {
      try await trial.expectRefusal(.schemaMismatch, of: "the element type \(quoted(name))") {
        _ = try ElementType(parsing: name)
      }
    }
    for element in ElementType.allCases {
      let found = try ElementType(parsing: element.rawValue)
      try trial.expect("the element type \(element.rawValue)", found, equals: element)
    }
    try trial.expect(
      "the declared element types", trial.capabilities.elements.contains(.f32),
      found: "\(trial.capabilities.elements)", expected: "f32 among them")
  }
}
