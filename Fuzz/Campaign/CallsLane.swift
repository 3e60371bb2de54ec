import Foundation
import RoostContract
import RoostEngine
import RoostFiles

// The calls lane: all that crash enumeration says about the simulated file system is worth as much
// as the real one is like it. Here a workload runs on both, the real one under strace, and every
// change of a file or a name and every sync must come in the same order, for the same file, at the
// same place: a store, its end without closing, and its recovery.

extension Lane {
  static let calls = Lane(
    name: "calls", sentence: "the system is asked for what the simulated one was asked for"
  ) { run in
    if let obstacle = Strace.obstacle() {
      run.violate(obstacle)
      return
    }
    let (seeds, steps) =
      switch run.size {
      case .tiny: (2, 60)
      case .pr: (8, 120)
      case .nightly: (100, 200)
      }
    var calls = 0
    for number in 0..<seeds {
      let scratch = try Scratch.inMemory()
      defer { scratch.remove() }
      var order = WorkOrder(
        directory: scratch.path + "/store", seed: run.seed &+ UInt64(number), steps: steps)
      order.durability = number % 2 == 0 ? .sync : .bulk
      order.closes = false
      let simulated = try Calls.simulated(order)
      let real = try Calls.real(order, scratch.path)
      calls += real.count
      if let place = zip(real, simulated).enumerated().first(where: { $1.0 != $1.1 })?.offset {
        run.violate(
          "call \(place) is \(real[place]), and \(simulated[place]) on the simulated system: "
            + "\(order.command), twice")
      } else if real.count != simulated.count {
        run.violate(
          "there are \(real.count) calls, and \(simulated.count) on the simulated system: "
            + "\(order.command), twice")
      }
    }
    run.report("workloads, each with a recovery", seeds)
    run.report("calls that are the same", calls)
  }
}

/// A call that changes something, or makes changes durable.
private struct ChangingCall: Equatable, CustomStringConvertible {
  var operation: FileError.Operation
  var name: String
  var offset = 0
  var count = 0

  var description: String { "\(operation) \(name) \(offset)+\(count)" }

  /// The file in which a process writes its number has a length of its own.
  var comparable: ChangingCall {
    name == "LOCK" ? ChangingCall(operation: operation, name: name) : self
  }
}

private enum Calls {
  private static let changing: Set<FileError.Operation> = [
    .create, .write, .sync, .syncDirectory, .truncate, .reserve, .rename, .link, .remove,
  ]

  private static func options(_ order: WorkOrder) -> StoreOptions {
    StoreOptions(
      durability: order.durability, memoryLimit: order.memoryLimit, background: order.background)
  }

  // MARK: The simulated system

  static func simulated(_ order: WorkOrder) throws -> [ChangingCall] {
    let disk = SimulatedFileSystem(seed: order.seed)
    // What opening a directory durably asks of the one above it.
    var calls: [ChangingCall] = []
    disk.isTracing = true
    for process in 1...2 {
      let system = disk.process(Int64(process))
      let before = disk.trace.count
      let store = try Store.open(at: "/store", on: system, options: options(order))
      for step in order.workload(of: 0).steps {
        switch step {
        case .write(let write): _ = try store.apply(write)
        case .checkpoint: try store.checkpoint()
        case .compact: try store.compact()
        }
      }
      let trace = disk.trace.dropFirst(before)
      calls.append(ChangingCall(operation: .syncDirectory, name: "above"))
      for event in trace where changing.contains(event.operation) {
        let name = event.operation == .syncDirectory ? "." : event.name
        let hasPlace = [.write, .truncate, .reserve].contains(event.operation)
        calls.append(
          ChangingCall(
            operation: event.operation, name: name, offset: hasPlace ? event.offset : 0,
            count: event.operation == .write ? event.count : 0
          ).comparable)
      }
      disk.kill(Int64(process))
    }
    return calls
  }

  // MARK: The real one

  /// The name of a call, and what it is for a store.
  private static let names: [String: FileError.Operation] = [
    "pwrite64": .write, "fdatasync": .sync, "fsync": .syncDirectory, "renameat": .rename,
    "renameat2": .rename, "unlinkat": .remove, "linkat": .link, "openat": .create, "open": .create,
    "ftruncate": .truncate, "fallocate": .reserve, "rename": .rename, "unlink": .remove,
    "link": .link,
  ]

  static func real(_ order: WorkOrder, _ scratch: String) throws -> [ChangingCall] {
    var calls: [ChangingCall] = []
    for time in 0..<2 {
      let trace = scratch + "/trace\(time)"
      let lines = try Strace.lines(
        order, Array(names.keys), output: scratch + "/output", trace: trace)
      var files: [String: String] = [:]
      for line in lines {
        if let call = call(line, order, &files) { calls.append(call.comparable) }
      }
      try FileManager.default.removeItem(atPath: scratch + "/output")
    }
    return calls
  }

  /// A call from a line such as `pwrite64(6, "…"..., 208, 0) = 208`; nil when it changes nothing of
  /// the store.
  private static func call(
    _ line: Strace.Line, _ order: WorkOrder, _ files: inout [String: String]
  ) -> ChangingCall? {
    // What is refused counts as well: a file that is there already is not created, on both.
    guard let operation = names[line.name] else { return nil }
    let arguments = line.arguments
    switch line.name {
    case "openat", "open":
      let place = line.name == "open" ? 0 : 1
      guard arguments.count > place + 1 else { return nil }
      let path = arguments[place].trimmingCharacters(in: ["\""])
      let above = (order.directory as NSString).deletingLastPathComponent
      files[line.answer] = path == order.directory ? "." : path == above ? "above" : path
      guard arguments[place + 1].contains("O_CREAT") else { return nil }
      return ChangingCall(operation: .create, name: path)
    case "pwrite64":
      // The bytes may hold anything; the last two are the numbers.
      let numbers = arguments.suffix(2).map { Int($0) ?? -1 }
      return ChangingCall(
        operation: operation, name: files[arguments[0]] ?? "?", offset: numbers[1],
        count: numbers[0])
    case "ftruncate":
      return ChangingCall(
        operation: operation, name: files[arguments[0]] ?? "?", offset: Int(arguments[1]) ?? -1)
    case "fallocate":
      return ChangingCall(
        operation: operation, name: files[arguments[0]] ?? "?", offset: Int(arguments[3]) ?? -1)
    case "fdatasync", "fsync":
      return ChangingCall(operation: operation, name: files[arguments[0]] ?? "?")
    default:
      let texts = arguments.filter { $0.hasPrefix("\"") }.map {
        $0.trimmingCharacters(in: ["\""])
      }
      // A link is called by its new name, a file that gets another one by its old.
      return ChangingCall(
        operation: operation, name: (operation == .link ? texts.last : texts.first) ?? "?")
    }
  }
}
