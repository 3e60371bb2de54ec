import RoostContract
import RoostEngine
import RoostFiles

// What worker processes do to a store: steps that follow from a seed, so that the process that
// kills them knows every state that the store may have afterwards.

/// The steps of one writer of a worker.
struct Workload: Sendable {
  /// One thing that a worker does and that is acknowledged or not.
  enum Step: Sendable {
    case write(StoreWrite)
    case checkpoint
    case compact
  }

  /// How heavy the records are.
  enum Weight: String, Sendable {
    /// A few hundred bytes, now and then a few thousand.
    case light
    /// About a hundred thousand bytes.
    case heavy
  }

  private let mark: Value
  private let specs: [CollectionSpec]
  private let seed: UInt64
  private let count: Int
  private let weight: Weight

  /// The steps of writer `writer`, which has collections of its own.
  ///
  /// The first two make the collections be there; none depends on what was in the store before.
  init(seed: UInt64, writer: Int, count: Int, weight: Weight) {
    self.seed = seed &+ UInt64(writer) &* 0x1_0000_0001
    self.count = count
    self.weight = weight
    specs = [
      CollectionSpec(name: "a\(writer)", dimension: 8, metric: .l2),
      CollectionSpec(name: "b\(writer)", dimension: 12, metric: .cosine),
    ]
    mark = Self.mark(of: seed)
  }

  /// The collections that a writer, and no other, writes.
  static func names(of writer: Int) -> Set<String> { ["a\(writer)", "b\(writer)"] }

  /// By what a record shows which worker wrote it, as its metadata `of`.
  static func mark(of seed: UInt64) -> Value { .string(String(seed, radix: 36)) }

  /// The steps, made one by one.
  var steps: some Sequence<Step> {
    var numbers = SeededNumbers(seed: seed)
    var waiting = specs.map { Step.write(.ensure($0)) }
    return sequence(state: 0) { number -> Step? in
      guard number < count else { return nil }
      if waiting.isEmpty { waiting = steps(number, &numbers) }
      number += 1
      return waiting.removeFirst()
    }
  }

  private func steps(_ number: Int, _ numbers: inout SeededNumbers) -> [Step] {
    let turn = numbers.below(2)
    let (spec, other) = (specs[turn], specs[1 - turn])
    switch weight == .heavy ? 0 : numbers.below(100) {
    case 0..<45:
      let records = records(1 + numbers.below(4), spec, number, &numbers)
      return [.write(.upsert(records, spec.name))]
    case 45..<62: return [.write(.delete(Self.ids(&numbers), spec.name))]
    case 62..<84:
      return [
        .write(
          .batch([
            .upsert(records(2, spec, number, &numbers), spec.name),
            .delete(Self.ids(&numbers), other.name),
            .upsert(records(1, other, number, &numbers), other.name),
          ]))
      ]
    case 84..<88:
      let old = Filter.lt(.metadata("step"), .int(Int64(numbers.below(number))))
      let third = Filter.eq(.metadata("turn"), 1)
      return [.write(.deleteWhere(.and(old, third), spec.name))]
    case 88..<90: return [.write(.drop(specs[1].name)), .write(.ensure(specs[1]))]
    case 90..<96: return [.checkpoint]
    default: return [.compact]
    }
  }

  private static func ids(_ numbers: inout SeededNumbers) -> [String] {
    (0..<(1 + numbers.below(3))).map { _ in "id-\(numbers.below(48))" }
  }

  private func records(
    _ count: Int, _ spec: CollectionSpec, _ step: Int, _ numbers: inout SeededNumbers
  ) -> [Record] {
    var taken: Set<String> = []
    return (0..<count).compactMap { turn in
      let id = weight == .heavy ? "id-\(step)-\(turn)" : "id-\(numbers.below(48))"
      guard taken.insert(id).inserted else { return nil }
      let vector = (0..<spec.dimension).map { _ in Float(1 + numbers.below(1_000)) / 64 }
      return Record(
        id: id, vector: vector,
        metadata: ["of": mark, "step": .int(Int64(step)), "turn": .int(Int64(step % 3))],
        content: content(&numbers))
    }
  }

  private func content(_ numbers: inout SeededNumbers) -> String? {
    if weight == .heavy {
      return String(repeating: String(numbers.next(), radix: 36) + " ", count: 8_000)
    }
    // Words that do not pack away to nothing.
    let length = numbers.below(12) == 0 ? 200 : numbers.below(3)
    let words = (0..<length).map { _ in String(numbers.next(), radix: 36) }
    return words.isEmpty ? nil : words.joined(separator: " ")
  }
}

/// Everything that a worker process is told on its command line.
struct WorkOrder: Sendable {
  var directory: String
  var seed: UInt64
  /// Steps of each writer.
  var steps: Int
  var writers = 1
  var weight = Workload.Weight.light
  var durability = StoreOptions.Durability.sync
  /// Whether the store has threads of its own.
  var background = false
  var memoryLimit = 24 << 10
  /// Whether the store is closed at the end; otherwise the process just ends.
  var closes = true

  func workload(of writer: Int) -> Workload {
    Workload(seed: seed, writer: writer, count: steps, weight: weight)
  }

  private static let kinds: [(name: String, durability: StoreOptions.Durability)] = [
    ("sync", .sync), ("group", .group(maxDelay: .milliseconds(1))),
    ("buffered", .buffered(maxDelay: .milliseconds(20))), ("bulk", .bulk),
  ]

  var kind: String { Self.kinds.first { $0.durability == durability }?.name ?? "sync" }

  /// The command line, behind the name of the program.
  var arguments: [String] {
    [
      "worker", directory, "\(seed)", "\(steps)", "\(writers)", weight.rawValue, kind,
      "\(background)", "\(memoryLimit)", "\(closes)",
    ]
  }

  init(directory: String, seed: UInt64, steps: Int) {
    self.directory = directory
    self.seed = seed
    self.steps = steps
  }

  /// The order on a command line; nil when it is none.
  init?(arguments: [String]) {
    guard arguments.count == 10, let seed = UInt64(arguments[2]), let steps = Int(arguments[3]),
      let writers = Int(arguments[4]), let weight = Workload.Weight(rawValue: arguments[5]),
      let kind = Self.kinds.first(where: { $0.name == arguments[6] }),
      let background = Bool(arguments[7]), let limit = Int(arguments[8]),
      let closes = Bool(arguments[9])
    else { return nil }
    self.init(directory: arguments[1], seed: seed, steps: steps)
    self.writers = writers
    self.weight = weight
    durability = kind.durability
    self.background = background
    memoryLimit = limit
    self.closes = closes
  }

  /// What to type to see the same worker at work again.
  var command: String { "roost-campaign " + arguments.joined(separator: " ") }
}
