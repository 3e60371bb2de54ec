import Foundation
import RoostContract
import RoostEngine
import RoostFiles

// The kill lane: processes that write a store are killed, before every single call by which they
// change a file, and at any time. What they had acknowledged is there, what they had not begun is
// not, and everything is whole.

extension Lane {
  static let kill = Lane(
    name: "kill", sentence: "kill -9 at every changing call of the system, and at any time"
  ) { run in
    let (stride, timed) =
      switch run.size {
      case .tiny: (40, 6)
      case .pr: (1, 240)
      case .nightly: (1, 20_000)
      }
    if let obstacle = Strace.obstacle() {
      run.violate(obstacle)
    } else {
      for kind in [StoreOptions.Durability.sync, .buffered(maxDelay: .milliseconds(20))] {
        try Killing.atEveryCall(kind, stride: stride, &run)
      }
    }
    try Killing.atAnyTime(timed, &run)
  }
}

private enum Killing {
  struct Tally {
    var kills = 0
    var missed = 0
    var inRecovery = 0
    var acknowledged = 0
    var wrong: [String] = []

    mutating func add(_ other: Tally) {
      kills += other.kills
      missed += other.missed
      inRecovery += other.inRecovery
      acknowledged += other.acknowledged
      wrong += other.wrong
    }
  }

  // MARK: At every call

  static func atEveryCall(
    _ durability: StoreOptions.Durability, stride: Int, _ run: inout Run
  ) throws {
    let scratch = try Scratch.inMemory()
    defer { scratch.remove() }
    var order = WorkOrder(directory: scratch.path + "/first", seed: run.seed, steps: 90)
    order.durability = durability
    let calls = try Strace.calls(
      order, Strace.changing, output: scratch.path + "/output", trace: scratch.path + "/trace")
    var counts: [String: Int] = [:]
    for call in calls { counts[call.name, default: 0] += 1 }
    let chosen = Swift.stride(from: 0, to: calls.count, by: stride).map { calls[$0] }
    let tally = Monitor(Tally())
    let template = order
    try inParallel(chosen.count) { number in
      var order = template
      order.directory = scratch.path + "/\(number)"
      let found = try one(order, chosen[number], again: number % 2 == 1, calls)
      tally.withLock { $0.add(found) }
    }
    let total = tally.withLock { $0 }
    let names = counts.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }
    run.report("changing calls of a \(order.kind) workload", calls.count)
    run.report("  of them", names.joined(separator: ", "))
    run.report("kills before a call, \(order.kind)", total.kills)
    run.report("  of them while the store was being opened again", total.inRecovery)
    run.report("  calls that were not reached", total.missed)
    run.report("  acknowledged steps, all there", total.acknowledged)
    if run.size != .tiny, calls.count < 400 { run.violate("a workload has \(calls.count) calls") }
    for wrong in total.wrong { run.violate(wrong) }
  }

  /// One kill, or two: the second while the store comes back from the first.
  private static func one(
    _ order: WorkOrder, _ call: Strace.Call, again: Bool, _ calls: [Strace.Call]
  ) throws -> Tally {
    var tally = Tally()
    let files = try Scratch.inMemory()
    defer { files.remove() }
    let replay = "strace -f -e inject=\(call.name):signal=KILL:when=\(call.number) \(order.command)"
    let output = files.path + "/output"
    let end = try Strace.kill(order, at: call, output: output, trace: files.path + "/trace")
    let log = try WorkerLog(of: order, in: output)
    guard isKilled(end) else {
      // Where a call is made can move a little, as when a salt makes a file longer.
      tally.missed = 1
      if end != .exit(0) { tally.wrong.append("the worker ended with \(end): \(replay)") }
      try? FileManager.default.removeItem(atPath: order.directory)  // It goes with its parent.
      return tally
    }
    tally.kills = 1
    tally.acknowledged = log.acknowledged
    var aftermath = Aftermath(order: order, bases: [StoreOracle()], log: log)
    if again {
      // A store that is opened again makes about this many calls of each name.
      var numbers = SeededNumbers(seed: order.seed &+ UInt64(call.number))
      let next = Strace.Call(name: call.name, number: 1 + numbers.below(6))
      var second = order
      second.seed &+= UInt64(call.number)
      let output = files.path + "/again"
      let end = try Strace.kill(second, at: next, output: output, trace: files.path + "/trace")
      let log = try WorkerLog(of: second, in: output)
      if isKilled(end) {
        tally.kills += 1
        if !log.isOpened { tally.inRecovery += 1 }
      }
      let states = try aftermath.allowed(0, order.workload(of: 0))
      aftermath = Aftermath(order: second, bases: states, log: log)
    }
    if let wrong = try aftermath.examine().wrong {
      tally.wrong.append("\(wrong): \(replay)\(again ? ", then again" : "")")
    }
    try? FileManager.default.removeItem(atPath: order.directory)  // It goes with its parent.
    return tally
  }

  private static func isKilled(_ end: ChildProcess.End) -> Bool {
    end == .signal(SIGKILL) || end == .exit(128 + SIGKILL)
  }

  // MARK: At any time

  /// Kills of one store, one after the other, before the next store is begun.
  private static let perStore = 6

  static func atAnyTime(_ count: Int, _ run: inout Run) throws {
    let memory = try Scratch.inMemory()
    let disk = try Scratch.onDisk()
    defer {
      memory.remove()
      disk.remove()
    }
    let tally = Monitor(Tally())
    let seed = run.seed
    try inParallel((count + perStore - 1) / perStore) { number in
      let scratch = number % 2 == 0 ? memory : disk
      let found = try killing(
        scratch.path + "/\(number)", seed: seed &+ UInt64(number) &* 1_000_003,
        times: min(perStore, count - number * perStore), shape: number / 2)
      tally.withLock { $0.add(found) }
    }
    let total = tally.withLock { $0 }
    run.report("kills at any time", total.kills)
    run.report("  of them before the store was open", total.inRecovery)
    run.report("  workers that were done sooner", total.missed)
    run.report("  acknowledged steps, all there", total.acknowledged)
    for wrong in total.wrong { run.violate(wrong) }
    if total.kills < count * 9 / 10 { run.violate("only \(total.kills) kills of \(count)") }
  }

  /// Kills the writers of one store at random times, each continuing where the one before ended.
  private static func killing(
    _ directory: String, seed: UInt64, times: Int, shape: Int
  ) throws -> Tally {
    var tally = Tally()
    var state = StoreOracle()
    let kinds: [StoreOptions.Durability] = [
      .sync, .buffered(maxDelay: .milliseconds(20)), .group(maxDelay: .milliseconds(1)),
    ]
    var numbers = SeededNumbers(seed: seed)
    for time in 0..<times {
      let output = directory + ".output\(time)"
      var order = WorkOrder(
        directory: directory, seed: seed &+ UInt64(time) &* 7_919, steps: 20_000)
      order.durability = kinds[shape % 3]
      order.writers = shape / 3 % 2 == 0 ? 1 : 3
      order.background = shape % 2 == 0
      let child = try ChildProcess.own(order.arguments, output: output)
      // A third of them while the store is being opened, or soon after.
      let delay = numbers.below(3) == 0 ? 8_000 + numbers.below(24_000) : numbers.below(250_000)
      let end = child.wait(seconds: Double(delay) / 1_000_000)
      child.stop()
      if end == nil, child.wait() == .signal(SIGKILL) {
        tally.kills += 1
      } else {
        tally.missed += 1
        if child.wait() != .exit(0) {
          tally.wrong.append("the worker ended with \(child.wait()): \(order.command)")
        }
      }
      let log = try WorkerLog(of: order, in: output)
      if !log.isOpened { tally.inRecovery += 1 }
      tally.acknowledged += log.acknowledged
      let (wrong, now) = try Aftermath(order: order, bases: [state], log: log).examine()
      if let wrong {
        tally.wrong.append("\(wrong): kill \(time) of the store of seed \(seed), \(order.command)")
        return tally
      }
      state = now
      try FileManager.default.removeItem(atPath: output)
    }
    try FileManager.default.removeItem(atPath: directory)
    return tally
  }
}
