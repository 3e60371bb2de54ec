import RoostContract
import RoostEngine
import RoostFiles

// Histories of registers, after Wing and Gong: threads read, replace, insert and delete the same
// few records at once, each noting when it asked and when it was answered. A history is right when
// some order of its operations, in which none comes after one that began when it had ended, gives
// all the answers.

/// One operation on a register, and its answer.
struct RegisterOperation {
  enum Kind: Equatable {
    /// Nil when there was nothing.
    case read(Int?)
    case replace(Int)
    case insert(Int, didInsert: Bool)
    case delete(didDelete: Bool)
  }

  var kind: Kind
  var start: UInt64
  var end: UInt64

  /// What the register holds afterwards; nil when the answer is wrong for what it held.
  func applied(to value: Int?) -> Int?? {
    switch kind {
    case .read(let answer): answer == value ? .some(value) : nil
    case .replace(let new): .some(new)
    case .insert(let new, let didInsert):
      didInsert == (value == nil) ? .some(didInsert ? new : value) : nil
    case .delete(let didDelete): didDelete == (value != nil) ? .some(nil) : nil
    }
  }
}

/// The operations on one register, at most 64.
struct RegisterHistory {
  var operations: [RegisterOperation]

  private struct State: Hashable {
    var done: UInt64
    var value: Int?
  }

  /// Whether some order gives all the answers; the register is empty at first.
  var isLinearizable: Bool {
    var seen: Set<State> = []
    var open = [State(done: 0, value: nil)]
    let all: UInt64 = operations.count >= 64 ? .max : (1 << UInt64(operations.count)) - 1
    while let state = open.popLast() {
      if state.done == all { return true }
      guard seen.insert(state).inserted else { continue }
      let left = operations.indices.filter { state.done & (1 << UInt64($0)) == 0 }
      let firstEnd = left.map { operations[$0].end }.min() ?? 0
      for index in left where operations[index].start <= firstEnd {
        if let value = operations[index].applied(to: state.value) {
          open.append(State(done: state.done | (1 << UInt64(index)), value: value))
        }
      }
    }
    return false
  }

  /// Whether the judge tells right from wrong, on histories that are known.
  static var judgeIsSound: Bool {
    func history(_ kinds: [(RegisterOperation.Kind, UInt64, UInt64)]) -> Bool {
      RegisterHistory(
        operations: kinds.map { RegisterOperation(kind: $0.0, start: $0.1, end: $0.2) }
      ).isLinearizable
    }
    return history([(.replace(1), 0, 1), (.read(1), 2, 3), (.delete(didDelete: true), 4, 5)])
      // What overlaps may come in either order.
      && history([(.replace(1), 0, 5), (.read(nil), 1, 2), (.read(1), 3, 4)])
      // A lost write, a read that goes back, two who both were the first, a delete that did not.
      && !history([(.replace(1), 0, 1), (.read(nil), 2, 3)])
      && !history([(.replace(1), 0, 9), (.read(1), 1, 2), (.read(nil), 3, 4)])
      && !history([(.insert(1, didInsert: true), 0, 5), (.insert(2, didInsert: true), 1, 4)])
      && !history([(.replace(1), 0, 1), (.delete(didDelete: true), 2, 3), (.read(1), 4, 5)])
  }
}

/// Threads at work on a few registers.
struct RegisterTrial: Sendable {
  static let threads = 4
  static let registers = 3
  /// Of each thread; all of them together may meet on one register and stay below 64.
  static let operations = 14

  let collection: StoreCollection
  let system: PosixFileSystem
  let seed: UInt64

  /// Runs the threads, and gives the history of each register.
  func histories() throws -> [RegisterHistory] {
    let found = Monitor([[RegisterOperation]](repeating: [], count: Self.registers))
    let failures = Monitor([String]())
    let threads = try (0..<Self.threads).map { thread in
      try system.startThread("register-\(thread)") {
        var numbers = SeededNumbers(seed: seed &+ UInt64(thread) &* 7_919)
        do {
          for turn in 0..<Self.operations {
            let register = numbers.below(Self.registers)
            let operation = try one(register, value: thread * 1_000 + turn, numbers.below(8))
            found.withLock { $0[register].append(operation) }
          }
        } catch {
          failures.withLock { $0.append("\(error)") }
        }
      }
    }
    for thread in threads { thread.join() }
    if let failure = failures.withLock({ $0.first }) { throw CampaignError(failure) }
    return found.withLock { $0 }.map { RegisterHistory(operations: $0) }
  }

  private func one(_ register: Int, value: Int, _ choice: Int) throws -> RegisterOperation {
    let id = "register-\(seed)-\(register)"
    let record = Record(id: id, vector: [1, 2], metadata: ["value": .int(Int64(value))])
    let start = system.now()
    let kind: RegisterOperation.Kind
    switch choice {
    case 0, 1:
      try collection.upsert([record])
      kind = .replace(value)
    case 2:
      kind = .insert(value, didInsert: try insert(record))
    case 3:
      kind = .delete(didDelete: try collection.delete([id]) == 1)
    default:
      let found = try collection.get([id])
      kind = .read(found[0].map { $0.number("value") ?? -1 })
    }
    return RegisterOperation(kind: kind, start: start, end: system.now())
  }

  private func insert(_ record: Record) throws -> Bool {
    do {
      try collection.insert([record])
      return true
    } catch let error as StoreError {
      guard error.code == .alreadyExists else { throw error }
      return false
    }
  }
}

extension Record {
  /// A whole number among the metadata.
  func number(_ name: String) -> Int? {
    guard case .int(let number)? = metadata?[name] else { return nil }
    return Int(number)
  }
}
