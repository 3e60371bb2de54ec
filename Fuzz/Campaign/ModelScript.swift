import ContractSuite
import RoostContract
import RoostEngine
import RoostFuzz

// What a seed of the model lane does: a way to keep a store, and a list of steps. Everything is
// drawn before anything is run, so that a list can be cut and done again.

/// A step of the model lane.
enum ModelStep: Sendable {
  /// Who is asked.
  enum Asked: Sendable { case store, snapshot(Int), follower }

  case write(StoreWrite)
  case read(StoreRead, Asked)
  case checkpoint
  case compact
  /// Closes the store and opens it again.
  case reopen
  /// Ends the process that writes, and opens the store in another.
  case kill
  /// Backs up and restores, and compares what was restored.
  case restore
  /// Takes a snapshot and holds it.
  case hold
  /// Compares all of a snapshot that is held.
  case compareHeld(Int)
  /// Lets a snapshot go.
  case letGo(Int)
  /// Lets the reading process look for what is new, and compares all that it sees.
  case follow
  /// Looks the files over from a third process.
  case check
  /// Compares everything.
  case compare
}

/// How a store is kept, and what is done to it.
struct ModelScript: Sendable {
  let seed: UInt64
  var options = StoreOptions(background: false)
  var steps: [ModelStep] = []

  init(seed: UInt64, steps count: Int) {
    self.seed = seed
    var maker = StepMaker(seed: seed)
    options = maker.options
    steps = (0..<count).map { _ in maker.step() }
  }
}

/// Draws steps.
///
/// What is drawn often differs from seed to seed, so that odd mixtures come up.
private struct StepMaker {
  private var random: SeededGenerator
  private var filters: FilterGenerator
  private(set) var options: StoreOptions
  private let specs: [CollectionSpec]
  private let ids: [String]
  private let largestBatch: Int
  private let numbers: Int
  private var weights: [(kind: Kind, weight: Int)] = []
  private var first: [ModelStep] = []

  private enum Kind: CaseIterable {
    case upsert, insert, delete, deleteWhere, batch, ensure, drop, ensureIndex, dropIndex, invalid
    case get, count, search, scroll, list, indexes, followerRead, snapshotRead
    case checkpoint, compact, reopen, kill, restore, check, compare
    case hold, compareHeld, letGo, follow

    /// How often it comes up at most; what costs much comes up seldom.
    var most: Int {
      switch self {
      case .upsert, .search: 60
      case .count, .scroll, .get: 30
      case .insert, .delete, .batch, .followerRead, .snapshotRead: 20
      case .ensure: 12
      case .deleteWhere, .follow: 6
      case .checkpoint, .hold, .invalid: 4
      case .restore, .check, .drop: 1
      default: 2
      }
    }
  }

  init(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    func pick<T>(_ choices: [T]) -> T {
      choices[Int.random(in: 0..<choices.count, using: &random)]
    }
    options = StoreOptions(
      durability: pick([
        .sync, .sync, .group(maxDelay: .zero), .buffered(maxDelay: .milliseconds(1)), .bulk,
      ]),
      reading: pick([.mapped, .copied]),
      memoryLimit: pick([1, 600, 6_000, 60_000, 48 << 20]), background: false)
    options.indexedRows = pick([1, 2_000])
    specs = (0..<pick([1, 2, 3])).map { index in
      CollectionSpec(
        name: ["notes", "é", "images of birds"][index],
        dimension: pick([1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64]),
        metric: pick(Metric.allCases), element: pick(ElementType.allCases))
    }
    let odd = [
      "é", "e\u{301}", " a", "a ", "A", "a", "aa", "日本", "🦤", "'; DROP", "\u{1}", "\u{7F}\u{80}",
      String(repeating: "long", count: 250),
    ]
    ids = odd.shuffled(using: &random).prefix(5) + (0..<pick([3, 12, 40, 120])).map { "r\($0)" }
    largestBatch = pick([1, 3, 8, 30])
    numbers = pick([0, 0, 1, 2, 3])
    filters = FilterGenerator(seed: seed ^ 0xF117E5)
    weights = Kind.allCases.map { kind in
      let isOut = Int.random(in: 0..<3, using: &random) == 0
      let least = kind == .upsert ? 15 : kind == .ensure ? 2 : isOut ? 0 : 1
      return (kind, isOut ? least : Int.random(in: max(least, 1)...kind.most, using: &random))
    }
    self.random = random
    first = specs.map { .write(.ensure($0)) }
  }

  mutating func step() -> ModelStep {
    if let step = first.popLast() { return step }
    var left = Int.random(in: 0..<weights.reduce(0) { $0 + $1.weight }, using: &random)
    for (kind, weight) in weights {
      if left < weight { return step(of: kind) }
      left -= weight
    }
    return .compare
  }

  private mutating func step(of kind: Kind) -> ModelStep {
    let spec = pick(specs)
    let name = spec.name
    switch kind {
    case .upsert: return .write(.upsert(records(for: spec), name))
    case .insert: return .write(.insert(records(for: spec, most: 3), name))
    case .delete: return .write(.delete(someIDs(), name))
    case .deleteWhere: return .write(.deleteWhere(filter(), name))
    case .batch: return .write(.batch((0..<below(5)).map { _ in member() }))
    case .ensure:
      var spec = spec
      if below(4) == 0 { spec.mode = .autoMigrate }
      if below(4) == 0 { spec.dimension += 1 }
      return .write(.ensure(spec))
    case .drop: return .write(.drop(name))
    case .ensureIndex: return .write(.ensureIndexes([index()], name))
    case .dropIndex: return .write(.dropIndex(pick(["near", "words", "none"]), name))
    case .invalid: return .write(invalid(for: spec))
    case .get, .count, .search, .scroll: return .read(read(kind, of: spec), .store)
    case .list: return .read(.list, .store)
    case .indexes: return .read(.indexes(name), .store)
    case .followerRead:
      return .read(read(pick([.get, .count, .search, .scroll]), of: spec), .follower)
    case .snapshotRead:
      return .read(read(pick([.get, .count, .search, .scroll]), of: spec), .snapshot(below(4)))
    case .checkpoint: return .checkpoint
    case .compact: return .compact
    case .reopen: return .reopen
    case .kill: return .kill
    case .restore: return .restore
    case .hold: return .hold
    case .compareHeld: return .compareHeld(below(4))
    case .letGo: return .letGo(below(4))
    case .follow: return .follow
    case .check: return .check
    case .compare: return .compare
    }
  }

  // MARK: Parts of steps

  private mutating func pick<T>(_ choices: [T]) -> T { choices[below(choices.count)] }

  private mutating func below(_ bound: Int) -> Int { Int.random(in: 0..<bound, using: &random) }

  private mutating func member() -> StoreWrite {
    let spec = pick(specs)
    return switch below(4) {
    case 0: .delete(someIDs(), spec.name)
    case 1: .insert(records(for: spec, most: 1), spec.name)
    default: .upsert(records(for: spec, most: 4), spec.name)
    }
  }

  private mutating func someIDs() -> [String] { (0..<below(6)).map { _ in pick(ids) } }

  private mutating func filter() -> Filter { filters.filter(depth: below(3) + 1) }

  private mutating func records(for spec: CollectionSpec, most: Int? = nil) -> [Record] {
    let count = 1 + below(min(most ?? largestBatch, largestBatch))
    let start = below(ids.count)
    return (0..<min(count, ids.count)).map { index in
      var record =
        below(3) == 0
        ? Record(id: "", metadata: pick([nil, [:], ["rank": .int(Int64(below(20)))]]))
        : filters.record(id: "")
      record.id = ids[(start + index) % ids.count]
      record.vector = vector(for: spec)
      return record
    }
  }

  private mutating func vector(for spec: CollectionSpec) -> [Float] {
    let style = below(12)
    return (0..<spec.dimension).map { _ in
      switch (style, numbers) {
      case (0, _): return 0
      case (1, 3): return Float(sign: .plus, exponent: below(60) - 30, significand: 1)
      case (2, 3) where spec.element == .f32: return Float.leastNonzeroMagnitude * Float(below(9))
      case (_, 0): return Float(below(5) - 2)
      case (_, 1): return Float(below(2001) - 1000) / 1000
      default: return Float(below(255) - 127) / 4
      }
    }
  }

  private mutating func invalid(for spec: CollectionSpec) -> StoreWrite {
    var records = records(for: spec)
    let place = below(records.count)
    switch below(6) {
    case 0: records[place].vector = vector(for: spec) + [1]
    case 1: records[place].vector = nil
    case 2: records[place].id = " "
    case 3: records[place].vector = vector(for: spec).map { _ in Float.infinity }
    case 4: records.append(records[place])
    default:
      records.append(records[place])
      return .upsert(records, spec.name, .lastWins)
    }
    return below(2) == 0
      ? .upsert(records, spec.name) : .batch([member(), .upsert(records, spec.name)])
  }

  private mutating func index() -> IndexSpec {
    switch below(4) {
    case 0: .metadata(name: "words", fields: below(2) == 0 ? [] : [.metadata(["rank"])])
    case 1: .ivfFlat(name: "near", lists: 1 + below(4), quantization: quantization())
    case 2:
      .hnsw(name: "near", m: 4 + below(2), efConstruction: 32, quantization: quantization())
    default: .hnsw()
    }
  }

  private mutating func quantization() -> Quantization {
    Quantization.allCases[below(Quantization.allCases.count)]
  }

  private mutating func read(_ kind: Kind, of spec: CollectionSpec) -> StoreRead {
    let projection = Projection(
      vector: below(2) == 0, metadata: below(2) == 0, content: below(2) == 0)
    switch kind {
    case .get: return .get(someIDs(), projection, spec.name)
    case .count: return .count(below(4) == 0 ? nil : filter(), spec.name)
    case .scroll:
      return .scroll(
        limit: pick([1, 3, 10, 1_000]), below(2) == 0 ? nil : filter(), projection, spec.name)
    default:
      let queries = (0..<pick([1, 1, 1, 2, 3])).map { _ in
        SearchQuery(
          near: vector(for: spec), limit: pick([1, 2, 5, 10, 1_000]),
          where: below(2) == 0 ? nil : filter(),
          maximumDistance: below(4) == 0 ? Double(below(40)) / 8 : nil, projection: projection,
          exact: below(2) == 0)
      }
      return .search(queries, spec.name)
    }
  }
}
