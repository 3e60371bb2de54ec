// The checks that every store makes, in the order in which every store makes them. A store calls
// these before it touches anything; so the same bad argument meets the same error everywhere.

/// The checks of the contract on what comes in.
package struct Validation: Sendable {
  package let capabilities: Capabilities

  package init(_ capabilities: Capabilities) { self.capabilities = capabilities }

  // MARK: Collections

  /// The spec with its name trimmed and its mode filled in.
  package func checked(_ spec: CollectionSpec) throws -> CollectionSpec {
    var spec = spec
    spec.name = try checkedName(spec.name)
    guard spec.dimension > 0 else {
      throw StoreError(
        .schemaMismatch, found: "collection \(quoted(spec.name)) has dimension \(spec.dimension)",
        expected: "a dimension is at least 1", remedy: "Give the length of your vectors")
    }
    let max = capabilities.dimensionMax
    guard spec.dimension <= max else {
      throw StoreError(
        .tooLarge, found: "collection \(quoted(spec.name)) has dimension \(spec.dimension)",
        expected: "this store takes at most \(max)", remedy: "Use shorter vectors or another store")
    }
    guard capabilities.metrics.contains(spec.metric) else {
      throw unsupported("metric \(spec.metric.rawValue)")
    }
    guard capabilities.elements.contains(spec.element) else {
      throw unsupported("element type \(spec.element.rawValue)")
    }
    spec.mode = spec.mode ?? capabilities.defaultMode
    if spec.mode == .autoMigrate { try requireFeature(.autoMigrate) }
    return spec
  }

  private func checkedName(_ name: String) throws -> String {
    let trimmed = Bytewise.trimmed(name)
    guard !trimmed.isEmpty else {
      throw StoreError(
        .schemaMismatch, found: "the collection's name is \(quoted(name))",
        expected: "a name has at least one character that is not white space",
        remedy: "Name the collection")
    }
    if let position = Self.firstNUL(in: trimmed) {
      throw StoreError(
        .schemaMismatch,
        found: "collection name \(quoted(trimmed)) has a NUL character at byte \(position)",
        expected: "names are text without NUL", remedy: "Take it out of the name")
    }
    let max = capabilities.nameBytesMax
    guard trimmed.utf8.count <= max else {
      throw StoreError(
        .tooLarge, found: "collection name \(quoted(trimmed)) has \(trimmed.utf8.count) bytes",
        expected: "this store takes at most \(max)", remedy: "Shorten the name")
    }
    return trimmed
  }

  /// Throws a schema mismatch when a collection that exists is not of the spec.
  package func check(_ spec: CollectionSpec, matches existing: CollectionSpec) throws {
    func mismatch(_ part: String, _ asked: String, _ found: String) -> StoreError {
      StoreError(
        .schemaMismatch,
        found: "collection \(quoted(spec.name)) exists with \(part) \(found)",
        expected: "it was ensured with \(part) \(asked)",
        remedy: "Ensure it as it is, drop it, or name another collection")
    }
    guard existing.dimension == spec.dimension else {
      throw mismatch("dimension", "\(spec.dimension)", "\(existing.dimension)")
    }
    guard existing.metric == spec.metric else {
      throw mismatch("metric", spec.metric.rawValue, existing.metric.rawValue)
    }
    guard existing.element == spec.element else {
      throw mismatch("element type", spec.element.rawValue, existing.element.rawValue)
    }
  }

  /// Throws when a handle differs from the collection it found.
  package func checkHandle(
    _ name: String, dimension: Int, metric: Metric, matches existing: CollectionSpec
  ) throws {
    guard dimension == existing.dimension else {
      throw StoreError(
        .dimensionMismatch,
        found: "a handle to collection \(quoted(name)) was made with dimension \(dimension)",
        expected: "the collection holds vectors of \(existing.dimension)",
        remedy: "Make the handle with ensureCollection, or with that dimension")
    }
    guard metric == existing.metric else {
      throw StoreError(
        .schemaMismatch,
        found: "a handle to collection \(quoted(name)) was made with metric \(metric.rawValue)",
        expected: "the collection has metric \(existing.metric.rawValue)",
        remedy: "Make the handle with ensureCollection, or with that metric")
    }
  }

  /// The error for a collection that is not there.
  package static func noCollection(_ name: String) -> StoreError {
    StoreError(
      .notFound, found: "there is no collection \(quoted(name))",
      expected: "a handle to it was used", remedy: "Make it with ensureCollection")
  }

  // MARK: Records

  /// Throws for the first bad record; otherwise the records to store, each id once.
  package func checked(
    _ records: [Record], dimension: Int, element: ElementType = .f32, collection: String,
    onDuplicate: DuplicatePolicy
  ) throws -> [Record] {
    guard records.count <= capabilities.batchMax else {
      throw StoreError(
        .tooLarge, found: "a batch has \(records.count) records",
        expected: "this store takes at most \(capabilities.batchMax) at once",
        remedy: "Send it in parts; each part is stored whole or not at all")
    }
    var places: [BytewiseKey: Int] = [:]
    places.reserveCapacity(records.count)
    var kept: [Record] = []
    kept.reserveCapacity(records.count)
    for (index, record) in records.enumerated() {
      try check(record, at: index, dimension: dimension, element: element, collection: collection)
      let key = BytewiseKey(record.id)
      if let place = places[key] {
        guard onDuplicate == .lastWins else {
          throw StoreError(
            .invalidArgument,
            found: "record \(quoted(record.id)) stands in the batch again at position \(index)",
            expected: "an id stands in a batch once",
            remedy: "Send each id once, or write with onDuplicate: .lastWins")
        }
        kept[place] = record
      } else {
        places[key] = kept.count
        kept.append(record)
      }
    }
    return kept
  }

  /// Throws when a record cannot be stored: id, then vector, then metadata, then content.
  private func check(
    _ record: Record, at index: Int, dimension: Int, element: ElementType, collection: String
  ) throws {
    guard !Bytewise.isBlank(record.id) else {
      throw StoreError(
        .invalidArgument, found: "the record at position \(index) has the id \(quoted(record.id))",
        expected: "an id has at least one character that is not white space",
        remedy: "Give every record an id")
    }
    // Words are only made for what is refused.
    var name: String { "record \(quoted(record.id)) at position \(index)" }
    try checkText(record.id, "the id of \(name)", bytesMax: capabilities.idBytesMax)
    let count = record.vector?.count ?? 0
    guard count == dimension else {
      throw StoreError(
        .dimensionMismatch, found: "\(name) has \(count) numbers",
        expected: "collection \(quoted(collection)) holds \(dimension)",
        remedy: "Embed it with the collection's model, or create another collection")
    }
    if let vector = record.vector { try check(vector, of: name, element: element) }
    if let metadata = record.metadata { try check(.object(metadata), of: name) }
    if let content = record.content {
      try checkText(content, "the content of \(name)", bytesMax: capabilities.contentBytesMax)
    }
  }

  /// Throws when a record's metadata is nested too deep, or is no JSON without NUL.
  private func check(_ metadata: Value, of name: @autoclosure () -> String) throws {
    let max = capabilities.metadataDepthMax
    guard let fault = metadata.storageFault(depthMax: max) else { return }
    throw StoreError(
      fault.code, found: "in the metadata of \(name()) \(fault.problem)",
      expected: "metadata is JSON, at most \(max) containers deep, without NUL characters",
      remedy: "Mend that value")
  }

  private func checkText(
    _ text: String, _ what: @autoclosure () -> String, bytesMax: Int
  ) throws {
    guard text.utf8.count <= bytesMax else {
      throw StoreError(
        .tooLarge, found: "\(what()) has \(text.utf8.count) bytes",
        expected: "this store takes at most \(bytesMax)", remedy: "Shorten it")
    }
    guard let position = Self.firstNUL(in: text) else { return }
    throw StoreError(
      .invalidArgument, found: "\(what()) has a NUL character at byte \(position)",
      expected: "stored text has none", remedy: "Take it out")
  }

  /// Throws for the first number of a vector that is not finite, also once rounded to `element`.
  private func check(
    _ vector: [Float], of name: @autoclosure () -> String, element: ElementType
  ) throws {
    // What is largest without its sign is rounded to what is largest; finding it takes no branch.
    var largest: UInt32 = 0
    for number in vector { largest = max(largest, number.bitPattern & 0x7FFF_FFFF) }
    if element.rounded(Float(bitPattern: largest)).isFinite { return }
    guard let place = vector.firstIndex(where: { !element.rounded($0).isFinite }) else { return }
    let number = vector[place]
    throw StoreError(
      .invalidArgument, found: "number \(place) of the vector of \(name()) is \(number)",
      expected: number.isFinite
        ? "a collection of \(element.rawValue) holds smaller numbers"
        : "the numbers of a vector are finite",
      remedy: "Leave the record out, or embed it again")
  }

  /// Where the first NUL stands, in bytes.
  static func firstNUL(in text: String) -> Int? {
    text.utf8.firstIndex(of: 0).map { text.utf8.distance(from: text.utf8.startIndex, to: $0) }
  }

  // MARK: Reads

  /// Throws for a bad query: limit, then dimension, then filter, then the rest.
  package func check(_ query: SearchQuery, dimension: Int, collection: String) throws {
    try checkLimit(query.limit, "a search", max: capabilities.limitMax)
    guard query.vector.count == dimension else {
      throw StoreError(
        .dimensionMismatch, found: "the query has \(query.vector.count) numbers",
        expected: "collection \(quoted(collection)) holds \(dimension)",
        remedy: "Embed the query with the collection's model")
    }
    try query.filter?.check()
    try check(query.vector, of: "the query", element: .f32)
    if let recall = query.recall {
      guard query.effort == nil else {
        throw StoreError(
          .invalidArgument, found: "a search asks for recall \(recall) and a fixed effort",
          expected: "an effort fixes the recall", remedy: "Ask for one of the two")
      }
      guard recall > 0, recall <= 1 else {
        throw StoreError(
          .invalidArgument, found: "a search asks for recall \(recall)",
          expected: "recall is above 0 and at most 1", remedy: "Ask for a share, such as 0.95")
      }
    }
    try checkPositive(query.effort, "effort")
    try checkPositive(query.threads, "threads")
  }

  private func checkPositive(_ number: Int?, _ what: String) throws {
    guard let number, number <= 0 else { return }
    throw StoreError(
      .invalidArgument, found: "a search asks for \(what) \(number)",
      expected: "\(what) is at least 1", remedy: "Leave it out, and the store decides")
  }

  /// Throws when a number of results is not positive or past the limit.
  package func checkLimit(_ limit: Int, _ what: String, max: Int) throws {
    guard limit > 0 else {
      throw StoreError(
        .invalidArgument, found: "\(what) asks for \(limit) results",
        expected: "it asks for at least 1", remedy: "Give a positive limit")
    }
    guard limit <= max else {
      throw StoreError(
        .tooLarge, found: "\(what) asks for \(limit) results",
        expected: "this store gives at most \(max) at once", remedy: "Ask in parts, or scroll")
    }
  }

  /// Throws unless the store declares a feature.
  package func requireFeature(_ feature: Capabilities.Feature) throws {
    guard capabilities.features.contains(feature) else { throw unsupported(feature.rawValue) }
  }

  private func unsupported(_ what: String) -> StoreError {
    StoreError(
      .unsupported, found: "\(what) was asked for",
      expected: "this store does not declare it in its capabilities",
      remedy: "Do without it, or use another store")
  }

  // MARK: Indexes

  /// Throws for the first index of a kind that the store does not declare, before it looks for the
  /// collection.
  package func requireSupport(for specs: [IndexSpec]) throws {
    for spec in specs {
      switch spec {
      case .metadata: try requireFeature(.metadataIndexes)
      case .vector(let spec):
        let method = spec.method.kind
        guard capabilities.indexMethods.contains(method) else {
          throw unsupported("an index of method \(method.rawValue)")
        }
      }
    }
  }

  /// The index with every default filled in, and its name.
  package func checked(
    _ spec: IndexSpec, in collection: CollectionSpec
  ) throws -> IndexDescription {
    switch spec {
    case .metadata(let spec):
      for field in spec.fields { try field.check() }
      let name = spec.name ?? "idx_\(collection.name)_metadata_gin"
      return IndexDescription(
        name: try checkedIndexName(name),
        spec: .metadata(name: name, fields: spec.fields, pathOps: spec.pathOps), indexed: 0)
    case .vector(var spec):
      try check(spec.method)
      spec.method = spec.method.withDefaults
      let metric = spec.metric ?? collection.metric
      if metric != collection.metric { try requireFeature(.foreignMetricIndexes) }
      guard capabilities.metrics.contains(metric) else {
        throw unsupported("an index of metric \(metric.rawValue)")
      }
      let max = capabilities.indexedDimensionMax
      guard collection.dimension <= max else {
        throw StoreError(
          .tooLarge,
          found: "collection \(quoted(collection.name)) has dimension"
            + " \(collection.dimension)",
          expected: "this store indexes at most \(max)", remedy: "Search it exactly")
      }
      let name = spec.name ?? "idx_\(collection.name)_vector_\(spec.method.kind.rawValue)"
      spec.name = try checkedIndexName(name)
      spec.metric = metric
      return IndexDescription(name: name, spec: .vector(spec), indexed: 0)
    }
  }

  private func checkedIndexName(_ name: String) throws -> String {
    guard !Bytewise.trimmed(name).isEmpty, Self.firstNUL(in: name) == nil,
      name.utf8.count <= capabilities.nameBytesMax + 32
    else {
      throw StoreError(
        .schemaMismatch, found: "the index has the name \(quoted(name))",
        expected: "a name has 1 to \(capabilities.nameBytesMax) bytes, not all white space, no NUL",
        remedy: "Give another name, or none")
    }
    return name
  }

  private func check(_ method: VectorIndexSpec.Method) throws {
    func inRange(_ name: String, _ value: Int, _ range: ClosedRange<Int>) throws {
      guard value != 0, !range.contains(value) else { return }
      throw StoreError(
        .invalidArgument, found: "the index option \(name) is \(value)",
        expected: "it lies in \(range.lowerBound)…\(range.upperBound)",
        remedy: "Choose a number in that range, or 0 for the default")
    }
    switch method {
    case .hnsw(let m, let efConstruction):
      try inRange("m", m, 2...100)
      try inRange("ef_construction", efConstruction, 4...1000)
      guard case .hnsw(let m, let ef) = method.withDefaults, ef >= 2 * m else {
        throw StoreError(
          .invalidArgument, found: "the index options are \(method)",
          expected: "ef_construction is at least twice m",
          remedy: "Raise ef_construction or lower m")
      }
    case .ivfFlat(let lists):
      guard lists != VectorIndexSpec.Method.automaticLists else { return }
      try inRange("lists", lists, 1...32_768)
    }
  }
}

extension VectorIndexSpec.Method {
  /// The method without its options.
  package var kind: IndexMethod {
    switch self {
    case .hnsw: .hnsw
    case .ivfFlat: .ivfFlat
    }
  }

  /// The same method with zeros replaced by what they stand for.
  package var withDefaults: Self {
    switch self {
    case .hnsw(let m, let efConstruction):
      .hnsw(m: m == 0 ? 16 : m, efConstruction: efConstruction == 0 ? 64 : efConstruction)
    case .ivfFlat(let lists): .ivfFlat(lists: lists == 0 ? 100 : lists)
    }
  }
}

extension Value {
  /// Why a value cannot be stored, and where in it; nil when it can.
  package func storageProblem(depthMax: Int) -> String? {
    storageFault(depthMax: depthMax)?.problem
  }

  /// The same with its code: too large where it is nested too deep.
  fileprivate func storageFault(depthMax: Int) -> (code: StoreError.Code, problem: String)? {
    guard hasStorageProblem(depthMax: depthMax) else { return nil }
    // Only a value that is refused anyway pays for remembering the way to each part.
    var rest: [(value: Value, depth: Int, path: String)] = [(self, 1, "")]
    while let (value, depth, path) = rest.popLast() {
      let place = path.isEmpty ? "the value" : "the value at \(quoted(path))"
      switch value {
      case .double(let number) where !number.isFinite:
        return (.invalidArgument, "\(place) is \(number)")
      case .string(let text):
        guard let position = Validation.firstNUL(in: text) else { continue }
        return (.invalidArgument, "\(place) has a NUL character at byte \(position)")
      case .array, .object:
        guard depth <= depthMax else { return (.tooLarge, "\(place) is nested \(depth) deep") }
        for (name, child) in value.children {
          if let position = Validation.firstNUL(in: name) {
            let problem = "the name \(quoted(name)) has a NUL character at byte \(position)"
            return (.invalidArgument, problem)
          }
          rest.append((child, depth + 1, path.isEmpty ? name : path + "." + name))
        }
      default: continue
      }
    }
    return nil
  }

  private func hasStorageProblem(depthMax: Int) -> Bool {
    var rest: [(value: Value, depth: Int)] = [(self, 1)]
    while let (value, depth) = rest.popLast() {
      switch value {
      case .double(let number): if !number.isFinite { return true }
      case .string(let text): if text.utf8.contains(0) { return true }
      case .array(let values):
        if depth > depthMax { return true }
        for child in values { rest.append((child, depth + 1)) }
      case .object(let members):
        if depth > depthMax { return true }
        for (name, child) in members {
          if name.utf8.contains(0) { return true }
          rest.append((child, depth + 1))
        }
      default: continue
      }
    }
    return false
  }

  private var children: [(String, Value)] {
    switch self {
    case .array(let values): values.enumerated().map { (String($0.offset), $0.element) }
    case .object(let members): members.map { ($0.key, $0.value) }
    default: []
    }
  }
}

extension ElementType {
  /// The number that a collection of this type keeps for a number; an infinity past its range.
  package func rounded(_ number: Float) -> Float {
    switch self {
    case .f32: number
    case .f16: number.roundedToHalf
    case .bf16:
      // Round half to even on the upper sixteen bits; NaN stays NaN.
      number.isNaN
        ? number
        : Float(
          bitPattern: (number.bitPattern &+ 0x7FFF &+ (number.bitPattern >> 16 & 1)) & 0xFFFF_0000)
    case .i8:
      // A tie goes to the even neighbour: 127.5 would be 128, past the range; -128.5 is -128.
      // Adding zero makes one zero of two, for integers have one.
      number >= -128.5 && number < 127.5 ? number.rounded(.toNearestOrEven) + 0 : .infinity
    }
  }
}

extension Float {
  /// The nearest IEEE 16-bit number, half to even; an infinity past their range.
  ///
  /// `Float16` would say the same, and is missing on Macs with Intel processors.
  fileprivate var roundedToHalf: Float {
    guard isFinite, self != 0 else { return self }
    // Ten bits stand behind the leading one; below 2^-14 the steps stay as they are there.
    let step = Float(sign: .plus, exponent: Swift.max(exponent, -14) - 10, significand: 1)
    let rounded = (self / step).rounded(.toNearestOrEven) * step
    return rounded.magnitude > 65_504 ? Float(signOf: self, magnitudeOf: .infinity) : rounded
  }
}
