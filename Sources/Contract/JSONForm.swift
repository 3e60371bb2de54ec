// The JSON forms of specs, records, options and indexes share this reader. A form has known names;
// one that is not known is refused, because it is a part that somebody believes has an effect.

/// Reads the members of one JSON object by name and type.
struct JSONForm {
  let what: String
  private let members: Metadata
  private var unread: Set<BytewiseKey>

  init(_ value: Value, of what: String) throws {
    guard case .object(let members) = value else {
      throw Self.refuse("\(what) is \(quoted(value.json))", "it is a JSON object")
    }
    self.what = what
    self.members = members
    unread = Set(members.map { BytewiseKey($0.key) })
  }

  /// Reads a whole JSON text.
  init(json bytes: some Collection<UInt8>, of what: String) throws {
    // A form nests a few containers around values that nest as deep as stored ones.
    let value = try Value(json: bytes, depthMax: Value.depthMax + 4, repeatedNames: .refuse)
    try self.init(value, of: what)
  }

  /// The value of a name; nil where it is absent or null.
  mutating func value(_ name: String) -> Value? {
    unread.remove(BytewiseKey(name))
    return members[name] == .null ? nil : members[name]
  }

  mutating func string(_ name: String) throws -> String? {
    try read(name, "a text") { $0.stringValue }
  }

  mutating func int(_ name: String) throws -> Int? {
    try read(name, "a whole number") { $0.integerValue.flatMap { Int(exactly: $0) } }
  }

  mutating func number(_ name: String) throws -> Double? {
    try read(name, "a number") { $0.doubleValue }
  }

  mutating func bool(_ name: String) throws -> Bool? {
    try read(name, "true or false") { value in
      guard case .bool(let value) = value else { return nil }
      return value
    }
  }

  mutating func array(_ name: String) throws -> [Value]? {
    try read(name, "an array") { value in
      guard case .array(let values) = value else { return nil }
      return values
    }
  }

  mutating func object(_ name: String) throws -> Metadata? {
    try read(name, "an object") { value in
      guard case .object(let members) = value else { return nil }
      return members
    }
  }

  mutating func read<T>(
    _ name: String, _ expected: String, _ convert: (Value) -> T?
  ) throws -> T? {
    guard let value = value(name) else { return nil }
    guard let converted = convert(value) else {
      throw Self.refuse("\(name) of \(what) is \(quoted(value.json))", "it is \(expected)")
    }
    return converted
  }

  /// A text that must be there.
  mutating func requiredString(_ name: String) throws -> String {
    guard let text = try string(name) else { throw missing(name) }
    return text
  }

  func missing(_ name: String) -> StoreError {
    Self.refuse("\(what) has no \(name)", "\(name) must be there")
  }

  /// Throws when a name was there that nobody read.
  func finish() throws {
    guard let name = unread.min() else { return }
    throw Self.refuse(
      "\(what) has the name \(quoted(name.text))", "no part of it is called that")
  }

  static func refuse(_ found: String, _ expected: String) -> StoreError {
    StoreError(
      .invalidArgument, found: found, expected: expected, remedy: "Mend the JSON there")
  }
}

extension CollectionSpec {
  /// Reads the JSON form: `{"name":"notes","dimension":384,"metric":"cosine"}`.
  public init(json text: String) throws {
    var form = try JSONForm(json: text.utf8, of: "a collection spec")
    let name = try form.requiredString("name")
    guard let dimension = try form.int("dimension") else { throw form.missing("dimension") }
    self.init(
      name: name, dimension: dimension,
      metric: try form.string("metric").map(Metric.init(parsing:)) ?? .cosine,
      mode: try form.string("mode").map(Mode.init(parsing:)),
      element: try form.string("element").map(ElementType.init(parsing:)) ?? .f32)
    try form.finish()
  }

  /// The JSON form.
  public var json: String {
    let mode = mode.map { ",\"mode\":\"\($0.rawValue)\"" } ?? ""
    return "{\"name\":\(Value.string(name).json),\"dimension\":\(dimension)"
      + ",\"metric\":\"\(metric.rawValue)\"\(mode),\"element\":\"\(element.rawValue)\"}"
  }
}

extension Record {
  /// Reads the JSON form: `{"id":"a","vector":[…],"metadata":{…},"content":"text"}`.
  public init(json text: String) throws { try self.init(json: Array(text.utf8)) }

  /// Reads the JSON form from bytes, which are not trusted.
  public init(json bytes: some Collection<UInt8>) throws {
    var form = try JSONForm(json: bytes, of: "a record")
    let id = try form.requiredString("id")
    self.init(
      id: id, vector: try form.array("vector").map { try Self.vector($0, of: id) },
      metadata: try form.object("metadata"), content: try form.string("content"))
    try form.finish()
  }

  /// The numbers of a JSON array as a vector.
  package static func vector(_ values: [Value], of id: String) throws -> [Float] {
    try values.enumerated().map { place, value in
      guard let number = value.doubleValue.map({ Float($0) }), number.isFinite else {
        throw JSONForm.refuse(
          "number \(place) of the vector of record \(quoted(id)) is \(quoted(value.json))",
          "a vector holds finite 32-bit numbers")
      }
      return number
    }
  }

  /// The JSON form; parts that are nil are left out.
  public var json: String {
    var out = "{\"id\":" + Value.string(id).json
    if let vector { out += ",\"vector\":" + Self.json(vector) }
    if let metadata { out += ",\"metadata\":" + Value.object(metadata).json }
    if let content { out += ",\"content\":" + Value.string(content).json }
    return out + "}"
  }

  /// The shortest numbers that read back as the same vector.
  private static func json(_ vector: [Float]) -> String {
    let numbers = vector.map { $0.value.json }
    return "[" + numbers.joined(separator: ",") + "]"
  }
}

extension Projection {
  /// Reads the JSON form; what is not named is as in the standard projection.
  init(_ value: Value) throws {
    var form = try JSONForm(value, of: "a projection")
    self.init(
      vector: try form.bool("vector") ?? Self.standard.vector,
      metadata: try form.bool("metadata") ?? Self.standard.metadata,
      content: try form.bool("content") ?? Self.standard.content)
    try form.finish()
  }

  /// Reads the JSON form: `{"vector":false,"metadata":true,"content":true}`.
  public init(json text: String) throws {
    try self.init(Value(json: Array(text.utf8), depthMax: 1, repeatedNames: .refuse))
  }

  /// The JSON form.
  public var json: String {
    "{\"vector\":\(vector),\"metadata\":\(metadata),\"content\":\(content)}"
  }
}

extension SearchQuery {
  /// Reads the options of a search from JSON; all of them can be left out.
  public init(near vector: [Float], limit: Int = 10, optionsJSON text: String) throws {
    // The options hold a filter, which may be deeper than any stored value.
    let value = try Value(
      json: Array(text.utf8), depthMax: 4 * Limits.filterDepthMax + Value.depthMax,
      repeatedNames: .refuse)
    var form = try JSONForm(value, of: "search options")
    self.init(
      near: vector, limit: limit, where: try form.value("filter").map { try Filter($0) },
      maximumDistance: try form.number("threshold"),
      projection: try form.value("projection").map { try Projection($0) } ?? .standard,
      exact: try form.bool("exact") ?? false, recall: try form.number("recall"),
      effort: try form.int("effort"), threads: try form.int("threads"),
      explain: try form.bool("explain") ?? false)
    try form.finish()
  }

  /// The options as JSON; those left to the store are left out.
  ///
  /// A threshold of NaN, which lets every distance through, is left out as well: it means the same.
  public var optionsJSON: String {
    var parts: [String] = []
    if let filter { parts.append("\"filter\":" + filter.json) }
    if let maximumDistance, !maximumDistance.isNaN {
      parts.append("\"threshold\":" + Value.double(maximumDistance).json)
    }
    if projection != .standard { parts.append("\"projection\":" + projection.json) }
    if exact { parts.append("\"exact\":true") }
    if let recall { parts.append("\"recall\":" + Value.double(recall).json) }
    if let effort { parts.append("\"effort\":\(effort)") }
    if let threads { parts.append("\"threads\":\(threads)") }
    if explain { parts.append("\"explain\":true") }
    return "{" + parts.joined(separator: ",") + "}"
  }
}

extension IndexSpec {
  /// Reads the JSON form: `{"vector":{"method":"hnsw","m":16}}` or
  /// `{"metadata":{"fields":["year"]}}`.
  public init(json text: String) throws {
    var form = try JSONForm(json: text.utf8, of: "an index spec")
    switch (form.value("vector"), form.value("metadata")) {
    case (let value?, nil): self = .vector(try VectorIndexSpec(value))
    case (nil, let value?): self = .metadata(try MetadataIndexSpec(value))
    default: throw JSONForm.refuse("an index spec is \(quoted(text))", "it is vector or metadata")
    }
    try form.finish()
  }

  /// The JSON form.
  public var json: String {
    switch self {
    case .vector(let spec): "{\"vector\":\(Value.object(spec.members).json)}"
    case .metadata(let spec): spec.json
    }
  }
}

extension VectorIndexSpec {
  fileprivate init(_ value: Value) throws {
    var form = try JSONForm(value, of: "a vector index")
    let name = try form.string("name")
    let metric = try form.string("metric").map(Metric.init(parsing:))
    let method: Method
    switch try IndexMethod(parsing: form.string("method") ?? IndexMethod.hnsw.rawValue) {
    case .hnsw:
      method = .hnsw(
        m: try form.int("m") ?? 0, efConstruction: try form.int("ef_construction") ?? 0)
    case .ivfFlat:
      let lists = try form.read("lists", "a whole number or \"auto\"") { value in
        value == .string("auto")
          ? Method.automaticLists
          : value.integerValue.flatMap { Int(exactly: $0) }.flatMap { $0 < .max ? $0 : nil }
      }
      method = .ivfFlat(lists: lists ?? 0)
    }
    let quantization = try form.string("quantization") ?? Quantization.auto.rawValue
    guard let quantization = Quantization(rawValue: quantization) else {
      throw StoreError(
        .schemaMismatch, found: "quantization \(quoted(quantization)) is not known",
        expected: "it is auto, none, sq8, sq4 or rabitq", remedy: "Name one of the five")
    }
    try form.finish()
    self.init(name: name, method: method, metric: metric, quantization: quantization)
  }

  fileprivate var members: Metadata {
    var members: Metadata = ["quantization": .string(quantization.rawValue)]
    switch method {
    case .hnsw(let m, let efConstruction):
      members["method"] = "hnsw"
      members["m"] = .int(Int64(m))
      members["ef_construction"] = .int(Int64(efConstruction))
    case .ivfFlat(let lists):
      members["method"] = "ivfflat"
      members["lists"] = lists == Method.automaticLists ? "auto" : .int(Int64(lists))
    }
    if let name { members["name"] = .string(name) }
    if let metric { members["metric"] = .string(metric.rawValue) }
    return members
  }
}

extension MetadataIndexSpec {
  fileprivate init(_ value: Value) throws {
    var form = try JSONForm(value, of: "a metadata index")
    self.init(
      name: try form.string("name"),
      fields: try form.array("fields")?.map { try FieldPath($0) } ?? [],
      pathOps: try form.bool("path_ops") ?? false)
    try form.finish()
  }

  fileprivate var json: String {
    let name = name.map { "\"name\":\(Value.string($0).json)," } ?? ""
    let fields = fields.map(\.json).joined(separator: ",")
    return "{\"metadata\":{\(name)\"fields\":[\(fields)],\"path_ops\":\(pathOps)}}"
  }
}
