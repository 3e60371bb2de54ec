import Foundation
import RoostContract
import RoostEngine
import RoostFiles

/// Looks at a store after its process, or the machine, was gone: it opens, holds what was
/// acknowledged and nothing that was not asked for, is sound in every byte, and can be written on.
struct Aftermath {
  let order: WorkOrder
  /// What the store may have held before.
  let bases: [StoreOracle]
  let log: WorkerLog
  /// Whether the power was cut: then of what was only buffered a suffix may be gone.
  var isPowerCut = false
  /// A step of the first writer that somebody has seen, so that it must be there.
  var seen: Int?

  /// What is wrong, if anything, and what the store holds now.
  func examine() throws -> (wrong: String?, now: StoreOracle) {
    do {
      return try look()
    } catch {
      return ("\(error)", StoreOracle())
    }
  }

  private func look() throws -> (wrong: String?, now: StoreOracle) {
    if let sentence = log.unexpected.first { return ("it said: \(sentence)", StoreOracle()) }
    let path = order.directory
    if FileManager.default.fileExists(atPath: path + "/MANIFEST") {
      let report = try Store.check(at: path, full: true)
      if !report.isOK { return ("a check before: \(report.lines)", StoreOracle()) }
    }
    let options = StoreOptions(background: false)
    var store = try Store.open(at: path, options: options)
    let now = try StoreOracle(of: store)
    for writer in 0..<order.writers {
      if let wrong = try difference(of: now, writer) { return (wrong, now) }
    }
    let spec = CollectionSpec(name: "afterwards", dimension: 2, metric: .l2)
    let record = Record(id: "one", vector: [1, 2], metadata: ["seed": .string("\(order.seed)")])
    _ = try store.apply(.ensure(spec))
    _ = try store.apply(.upsert([record], spec.name))
    try store.close()
    store = try Store.open(at: path, options: options)
    let then = try StoreOracle(of: store)
    try store.close()
    for writer in 0..<order.writers {
      let names = Workload.names(of: writer)
      if then.contents(of: names) != now.contents(of: names) {
        return ("another opening shows another state of writer \(writer)", now)
      }
    }
    guard then.collections[BytewiseKey(spec.name)]?.records[BytewiseKey("one")] == record else {
      return ("a record that was written afterwards is not there", now)
    }
    let report = try Store.check(at: path, full: true)
    if !report.isOK { return ("a check afterwards: \(report.lines)", now) }
    return (nil, now)
  }

  /// How the collections of a writer differ from all that they may be.
  private func difference(of now: StoreOracle, _ writer: Int) throws -> String? {
    let workload = order.workload(of: writer)
    let names = Workload.names(of: writer)
    let found = now.contents(of: names)
    let states = try allowed(writer, workload)
    if states.contains(where: { $0.contents(of: names) == found }) { return nil }
    guard let likely = states.last?.contents(of: names) else { return "no state is right" }
    let last = log.outcomes[writer].lastIndex(of: .done) ?? -1
    let rest = log.outcomes[writer][(last + 1)...].prefix(5).map { "\($0)" }
    return "writer \(writer): \(Self.describe(found, likely)), of \(states.count) allowed states; "
      + "step \(last) was the last to be acknowledged, then came \(rest); "
      + "what is there is \(try match(found, writer, workload))"
  }

  /// Which state of the past it is, for whoever looks for the reason.
  private func match(
    _ found: [BytewiseKey: StoreOracle.Contents], _ writer: Int, _ workload: Workload
  ) throws -> String {
    let names = Workload.names(of: writer)
    var state = bases.last ?? StoreOracle()
    if state.contents(of: names) == found { return "the state before all steps" }
    for (number, (_, step)) in zip(log.outcomes[writer], workload.steps).enumerated() {
      guard case .write(let write) = step else { continue }
      state = try Self.after(write, state) ?? state
      if state.contents(of: names) == found { return "the state after step \(number)" }
    }
    return "no state of the past"
  }

  /// All that the store may hold, as far as a writer is concerned; what came last is last.
  func allowed(_ writer: Int, _ workload: Workload) throws -> [StoreOracle] {
    var states = bases
    var isPoisoned = false
    for (number, (outcome, step)) in zip(log.outcomes[writer], workload.steps).enumerated() {
      guard case .write(let write) = step else {
        // What was checkpointed is there after a power cut too.
        if outcome == .done, mayLoseSuffix { states = Array(states.suffix(1)) }
        continue
      }
      // A suffix that may be gone leaves what was before it; all else happened to every state.
      let earlier = mayLoseSuffix ? Array(states.suffix(1)) : states
      let later = try earlier.compactMap { try Self.after(write, $0) }
      switch outcome {
      case .done: states = mayLoseSuffix ? states + later : later
      case .late: states += later.suffix(1)
      case .unknown: states += later
      case .failed(.indeterminate):
        // All or nothing of the first; whoever comes later is only told of it.
        if !isPoisoned { states += later }
        isPoisoned = true
      case .failed: break
      }
      if writer == 0, seen == number { states = Array(states.suffix(later.count)) }
    }
    return states
  }

  private var mayLoseSuffix: Bool {
    switch order.durability {
    case .sync, .group: false
    case .buffered: isPowerCut
    case .bulk: true
    }
  }

  /// Nil when the write has no place in that state, so that it was another.
  private static func after(_ write: StoreWrite, _ state: StoreOracle) throws -> StoreOracle? {
    var state = state
    if case .refused = try state.apply(write) { return nil }
    return state
  }

  private static func describe(
    _ found: [BytewiseKey: StoreOracle.Contents], _ right: [BytewiseKey: StoreOracle.Contents]
  ) -> String {
    if found.keys.sorted() != right.keys.sorted() {
      return "collections \(found.values.map(\.spec.name)), not \(right.values.map(\.spec.name))"
    }
    for (key, contents) in right {
      let there = found[key]?.records ?? [:]
      let missing = contents.records.filter { there[$0.key] == nil }
      let extra = there.filter { contents.records[$0.key] == nil }
      let other = there.filter { extra[$0.key] == nil && contents.records[$0.key] != $0.value }
      if missing.isEmpty, extra.isEmpty, other.isEmpty { continue }
      return "\(contents.spec.name) lacks \(missing.count), has \(extra.count) too many and "
        + "\(other.count) others, \((Array(missing.values) + Array(extra.values)).first?.id ?? "")"
    }
    return "it differs in no record"
  }
}

extension WorkerLog.Outcome: CustomStringConvertible {
  var description: String {
    switch self {
    case .done: "done"
    case .late: "done, late"
    case .failed(let code): "\(code)"
    case .unknown: "nothing"
    }
  }
}

extension StoreOracle {
  /// The collections of these names.
  func contents(of names: Set<String>) -> [BytewiseKey: Contents] {
    collections.filter { names.contains($0.value.spec.name) }
  }
}
