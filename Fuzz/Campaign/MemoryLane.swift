import Foundation
import RoostContract
import RoostEngine
import RoostFiles

// The memory lane: a writer may have only so much address space. It may end in the middle, or be
// told that there is no memory; a store that is opened without the limit holds all that was
// acknowledged.

extension Lane {
  static let memory = Lane(
    name: "memory", sentence: "a writer runs out of memory"
  ) { run in
    let points =
      switch run.size {
      case .tiny: 4
      case .pr: 30
      case .nightly: 120
      }
    try Starving.run(points, &run)
  }
}

private enum Starving {
  struct Tally {
    var died = 0
    var told = 0
    var done = 0
    var acknowledged = 0
    var wrong: [String] = []
  }

  static func run(_ points: Int, _ run: inout Run) throws {
    let scratch = try Scratch.inMemory()
    defer { scratch.remove() }
    let tally = Monitor(Tally())
    let seed = run.seed
    try inParallel(points) { point in
      // From 64 MiB to 1 GiB, each as much more than the one before.
      let share = Double(point) / Double(max(1, points - 1))
      let kibibytes = Int(65_536 * pow(16, share))
      let found = try starve(scratch.path + "/\(point)", point, kibibytes, seed: seed)
      tally.withLock { tally in
        tally.died += found.died
        tally.told += found.told
        tally.done += found.done
        tally.acknowledged += found.acknowledged
        tally.wrong += found.wrong
      }
    }
    let total = tally.withLock { $0 }
    run.report("limits from 64 MiB to 1 GiB", points)
    run.report("  processes that ended in the middle", total.died)
    run.report("  processes that were told, and ended well", total.told)
    run.report("  processes that had enough", total.done)
    run.report("  acknowledged steps, all there", total.acknowledged)
    for wrong in total.wrong { run.violate(wrong) }
    if total.died + total.told < points / 4 { run.violate("memory was hardly ever short") }
    if total.acknowledged == 0 { run.violate("nothing was ever acknowledged") }
  }

  private static func starve(
    _ path: String, _ point: Int, _ kibibytes: Int, seed: UInt64
  ) throws -> Tally {
    var tally = Tally()
    let output = path + ".output"
    var order = WorkOrder(
      directory: path, seed: seed &+ UInt64(point), steps: 250 + kibibytes / 2_048)
    order.weight = .heavy
    // Nothing is flushed before memory is short, or all the time.
    order.memoryLimit = point % 3 == 0 ? 8 << 20 : 1 << 30
    order.background = point % 2 == 0
    let limited = ["sh", "-c", "ulimit -v \(kibibytes) && exec \"$@\"", "sh"]
    let worker = [try ChildProcess.programPath()] + order.arguments
    let end = try ChildProcess(limited + worker, output: output).wait()
    let log = try log(order, output, end)
    let isWell = log.map { $0.hasEnded && !$0.hasFailures } ?? false
    switch end {
    case .exit(0): if isWell { tally.done = 1 } else { tally.told = 1 }
    default: tally.died = 1
    }
    if let log {
      tally.acknowledged = log.acknowledged
      if let wrong = try Aftermath(order: order, bases: [StoreOracle()], log: log).examine().wrong {
        tally.wrong = ["\(wrong): ulimit -v \(kibibytes); \(order.command)"]
      }
      try FileManager.default.removeItem(atPath: path)
    }
    try FileManager.default.removeItem(atPath: output)
    return tally
  }

  /// What the worker said; nil when the program could not even begin, so that there is no store.
  private static func log(
    _ order: WorkOrder, _ output: String, _ end: ChildProcess.End
  ) throws -> WorkerLog? {
    guard FileManager.default.fileExists(atPath: order.directory) else { return nil }
    return try WorkerLog(of: order, in: output, isTrapped: end != .exit(0))
  }
}
