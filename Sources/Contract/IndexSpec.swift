/// An index to have on a collection.
public enum IndexSpec: Sendable, Hashable {
  /// An index that finds near neighbours.
  case vector(VectorIndexSpec)
  /// An index that finds records by their metadata.
  case metadata(MetadataIndexSpec)

  /// A graph index: `m` links a record, `efConstruction` candidates while building.
  public static func hnsw(
    name: String? = nil, m: Int = 16, efConstruction: Int = 64, metric: Metric? = nil,
    quantization: Quantization = .auto
  ) -> IndexSpec {
    .vector(
      VectorIndexSpec(
        name: name, method: .hnsw(m: m, efConstruction: efConstruction), metric: metric,
        quantization: quantization))
  }

  /// A clustered index of so many lists.
  public static func ivfFlat(
    name: String? = nil, lists: Int = 100, metric: Metric? = nil,
    quantization: Quantization = .auto
  ) -> IndexSpec {
    .vector(
      VectorIndexSpec(
        name: name, method: .ivfFlat(lists: lists), metric: metric, quantization: quantization))
  }

  /// An index over metadata; no fields means all of it.
  public static func metadata(
    name: String? = nil, fields: [FieldPath] = [], pathOps: Bool = false
  ) -> IndexSpec {
    .metadata(MetadataIndexSpec(name: name, fields: fields, pathOps: pathOps))
  }

  /// The name given, if one was.
  public var name: String? {
    switch self {
    case .vector(let spec): spec.name
    case .metadata(let spec): spec.name
    }
  }
}

/// A vector index: its method and options.
public struct VectorIndexSpec: Sendable, Hashable {
  /// How the index is built; a number of 0 means the default.
  public enum Method: Sendable, Hashable {
    /// A graph: links a record (2…100, 16 by default), candidates while building (4…1000, at least
    /// `2 * m`, 64 by default).
    case hnsw(m: Int, efConstruction: Int)
    /// Clusters: lists (1…32768, 100 by default), or `automaticLists`.
    case ivfFlat(lists: Int)

    /// As many lists as suit the number of records, found anew whenever the index is built.
    public static let automaticLists = Int.max
  }

  /// The name; nil makes one of the collection's name and the method.
  public var name: String?
  /// How the index is built.
  public var method: Method
  /// How the index compares; nil is the collection's metric.
  public var metric: Metric?
  /// How rows are shortened for the walk; results are always re-scored exactly.
  public var quantization: Quantization

  /// Makes a spec.
  public init(
    name: String? = nil, method: Method, metric: Metric? = nil, quantization: Quantization = .auto
  ) {
    self.name = name
    self.method = method
    self.metric = metric
    self.quantization = quantization
  }
}

/// A metadata index: the fields it covers.
public struct MetadataIndexSpec: Sendable, Hashable {
  /// The name; nil makes one of the collection's name.
  public var name: String?
  /// The fields covered; none means all metadata.
  public var fields: [FieldPath]
  /// Whether the index serves containment alone, as Postgres' `jsonb_path_ops` does.
  public var pathOps: Bool

  /// Makes a spec.
  public init(name: String? = nil, fields: [FieldPath] = [], pathOps: Bool = false) {
    self.name = name
    self.fields = fields
    self.pathOps = pathOps
  }
}

/// How an index shortens rows: a choice of size and speed, never of what is found in the end.
public enum Quantization: String, Sendable, CaseIterable, Codable {
  /// What suits the data, as measured: the shortest codes that are enough.
  case auto
  /// Not at all.
  case none
  /// A byte a number.
  case sq8
  /// Four bits a number.
  case sq4
  /// Few bits a number after a random rotation: one to four, as the store chooses.
  case rabitq
}

/// The two methods of a vector index, by name.
public enum IndexMethod: String, Sendable, CaseIterable, Codable {
  /// A graph.
  case hnsw
  /// Clusters.
  case ivfFlat = "ivfflat"

  /// The method of this name; any other name is a schema mismatch.
  public init(parsing name: String) throws {
    guard let method = Self.allCases.first(where: { Bytewise.equal($0.rawValue, name) }) else {
      throw StoreError(
        .schemaMismatch, found: "index method \(quoted(name)) is not known",
        expected: "a vector index is hnsw or ivfflat", remedy: "Name one of the two")
    }
    self = method
  }
}

/// An index as a collection has it, every default filled in.
public struct IndexDescription: Sendable, Hashable {
  /// The name, unique in the collection.
  public var name: String
  /// The options, without zeros and nils.
  public var spec: IndexSpec
  /// Records that the index covers; the others are scanned.
  public var indexed: Int
  /// The share of the ten nearest that usual searches were measured to find when the index was
  /// built; nil where that was not measured.
  public var recall: Double?

  /// Makes a description.
  public init(name: String, spec: IndexSpec, indexed: Int, recall: Double? = nil) {
    self.name = name
    self.spec = spec
    self.indexed = indexed
    self.recall = recall
  }
}

/// What `ensureIndexes` did about one index.
public struct IndexOutcome: Sendable, Hashable {
  /// What happened.
  public enum Action: String, Sendable {
    /// There was no such index, and now there is.
    case created
    /// It was there already with these options.
    case unchanged
    /// It was there with other options, and was built anew.
    case rebuilt
  }

  /// The name of the index.
  public var name: String
  /// What happened to it.
  public var action: Action

  /// Makes an outcome.
  public init(name: String, action: Action) {
    self.name = name
    self.action = action
  }
}

/// How far a long work has come.
public struct Progress: Sendable, Hashable {
  /// What is being done.
  public var phase: String
  /// Units done.
  public var completed: Int
  /// Units in all.
  public var total: Int
  /// Units done in a second; nil while unknown.
  public var rate: Double?
  /// The seconds until all of this phase is done at this rate; nil while unknown.
  public var secondsLeft: Double? {
    guard let rate, rate > 0 else { return nil }
    return Double(max(0, total - completed)) / rate
  }

  /// The share that is done, in 0…1.
  public var fraction: Double { total == 0 ? 1 : Double(completed) / Double(total) }

  /// Makes a progress.
  public init(phase: String, completed: Int, total: Int, rate: Double? = nil) {
    self.phase = phase
    self.completed = completed
    self.total = total
    self.rate = rate
  }

  /// Makes a progress of work that has taken so many nanoseconds, and began with `start` units.
  package init(
    phase: String, completed: Int, total: Int, from start: Int = 0, after nanoseconds: UInt64
  ) {
    let isKnown = completed > start && nanoseconds > 0
    self.init(
      phase: phase, completed: completed, total: total,
      rate: isKnown ? Double(completed - start) * 1e9 / Double(nanoseconds) : nil)
  }
}
