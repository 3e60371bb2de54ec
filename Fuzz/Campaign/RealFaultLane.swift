import Foundation
import RoostContract
import RoostEngine
import RoostFiles

// The real-faults lane: the system refuses the release program one of the calls by which a store is
// kept, once or from then on. The program must not trap, and a store that is opened afterwards
// holds all that was acknowledged.

extension Lane {
  static let realFaults = Lane(
    name: "real-faults", sentence: "the system refuses a call of the real program"
  ) { run in
    if let obstacle = Strace.obstacle() {
      run.violate(obstacle)
      return
    }
    try Refusing.run(&run)
  }
}

private enum Refusing {
  /// One call that is refused.
  struct Case: Sendable {
    var call: Strace.Call
    var error: String
    var isSticky: Bool
  }

  struct Tally {
    var runs = 0
    var untouched = 0
    var felt = 0
    var refusedOpens = 0
    var acknowledged = 0
    var wrong: [String] = []
  }

  /// The calls that are refused, and what with.
  private static let errors: [(names: [String], errors: [String])] = [
    (["fdatasync", "fsync"], ["EIO", "ENOSPC"]),
    (["pwrite64"], ["EIO", "ENOSPC"]),
    (["rename", "renameat", "renameat2"], ["EIO", "ENOSPC"]),
    (["fallocate"], ["EIO", "ENOSPC"]),
    (["mmap"], ["EIO", "ENOMEM"]),
    (["openat"], ["EMFILE", "ENOSPC"]),
    (["ftruncate", "unlinkat", "linkat"], ["EIO"]),
  ]

  static func run(_ run: inout Run) throws {
    let scratch = try Scratch.inMemory()
    defer { scratch.remove() }
    // Few steps and little memory: each call that a store makes at all is among them.
    var order = WorkOrder(directory: scratch.path + "/first", seed: run.seed, steps: 44)
    order.memoryLimit = 6 << 10
    let (kinds, stride): ([StoreOptions.Durability], Int) =
      switch run.size {
      case .tiny: ([.sync], 40)
      case .pr: ([.sync], 1)
      case .nightly: ([.sync, .buffered(maxDelay: .milliseconds(20)), .bulk], 1)
      }
    for kind in kinds {
      order.durability = kind
      let calls = try Strace.calls(
        order, errors.flatMap(\.names), output: scratch.path + "/output-\(order.kind)",
        trace: scratch.path + "/trace")
      try FileManager.default.removeItem(atPath: order.directory)
      let cases = Self.cases(calls)
      let chosen = Swift.stride(from: 0, to: cases.count, by: stride).map { cases[$0] }
      let total = try all(order, chosen, scratch)
      run.report("calls of a \(order.kind) workload", calls.count)
      run.report("  runs with a refused call", total.runs)
      run.report("  runs that met no call of the store", total.untouched)
      run.report("  runs in which a step failed", total.felt)
      run.report("  runs in which the store could not be opened or closed", total.refusedOpens)
      run.report("  acknowledged steps, all there", total.acknowledged)
      for wrong in total.wrong { run.violate(wrong) }
      if run.size != .tiny, total.runs < 300 { run.violate("only \(total.runs) runs") }
      if total.felt == 0 { run.violate("no step ever failed: nothing was refused") }
    }
  }

  private static func cases(_ calls: [Strace.Call]) -> [Case] {
    calls.flatMap { call in
      let found = errors.first { $0.names.contains(call.name) }?.errors ?? []
      return found.flatMap { error in
        [false, true].map { Case(call: call, error: error, isSticky: $0) }
      }
    }
  }

  private static func all(
    _ order: WorkOrder, _ cases: [Case], _ scratch: Scratch
  ) throws -> Tally {
    let tally = Monitor(Tally())
    try inParallel(cases.count) { number in
      var order = order
      order.directory = scratch.path + "/\(number)"
      let found = try one(order, cases[number])
      tally.withLock { tally in
        tally.runs += found.runs
        tally.untouched += found.untouched
        tally.felt += found.felt
        tally.refusedOpens += found.refusedOpens
        tally.acknowledged += found.acknowledged
        tally.wrong += found.wrong
      }
    }
    return tally.withLock { $0 }
  }

  private static func one(_ order: WorkOrder, _ refused: Case) throws -> Tally {
    var tally = Tally()
    let files = try Scratch.inMemory()
    defer {
      files.remove()
      try? FileManager.default.removeItem(atPath: order.directory)  // It goes with its parent.
    }
    let output = files.path + "/output"
    let result = try Strace.refuse(
      order, refused.call, error: refused.error, isSticky: refused.isSticky, output: output,
      trace: files.path + "/trace")
    guard result.wasRefused else {
      // Where the store maps a file can move a little among the calls of the system's own.
      tally.untouched = 1
      return tally
    }
    tally.runs = 1
    let times = "\(refused.call.number)\(refused.isSticky ? "+" : "")"
    let replay =
      "strace -f -e inject=\(refused.call.name):error=\(refused.error):when=\(times) "
      + order.command
    if result.end != .exit(0) {
      let text = try String(contentsOfFile: output, encoding: .utf8)
      tally.wrong.append("the program ended with \(result.end): \(replay)\n\(text.suffix(400))")
      return tally
    }
    let log = try WorkerLog(of: order, in: output)
    if log.hasFailures { tally.felt = 1 }
    if log.failure != nil { tally.refusedOpens = 1 }
    tally.acknowledged = log.acknowledged
    if let wrong = try Aftermath(order: order, bases: [StoreOracle()], log: log).examine().wrong {
      tally.wrong.append("\(wrong): \(replay)")
    }
    return tally
  }
}
