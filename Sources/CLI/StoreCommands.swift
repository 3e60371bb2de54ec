import Roost

/// The commands that look after a store as a whole.
struct StoreCommands {
  static let names = ["check", "repair", "backup", "restore", "compact", "info"]

  private let name: String
  private let arguments: Arguments

  init(_ name: String, _ arguments: Arguments) throws {
    self.name = name
    self.arguments = arguments
    switch name {
    case "check": try arguments.allow("--full", "--json")
    case "info": try arguments.allow("--json")
    case "repair": try arguments.allow("--accept-losses")
    default: try arguments.allow()
    }
    let count = ["repair", "backup", "restore"].contains(name) ? 2 : 1
    guard arguments.rest.count == count else {
      throw Usage("\(name) takes \(count == 1 ? "one directory" : "two directories")")
    }
  }

  func run() throws -> Bool {
    let path = arguments.rest[0]
    switch name {
    case "check":
      let report = try Store.check(at: path, full: arguments.has("--full"))
      print(arguments.has("--json") ? report.json : report.lines.joined(separator: "\n"))
      return report.isOK
    case "repair": return try repair(path, into: arguments.rest[1])
    case "backup":
      let store = try Store.open(at: path, options: Store.Options(access: .readOnly))
      let report = try store.backup(to: arguments.rest[1])
      print("\(report.copied) segments copied, \(report.kept) kept, \(report.bytes) bytes")
      try store.close()
    case "restore":
      let report = try Store.restore(from: path, to: arguments.rest[1])
      print("\(report.copied) segments, \(report.bytes) bytes")
    case "compact":
      let store = try Store.open(at: path, options: Store.Options(create: false))
      try store.compact()
      try store.close()
    default: try info(path)
    }
    return true
  }

  /// Tells what will be lost, and only then and only when that is accepted, writes the new store.
  private func repair(_ path: String, into newPath: String) throws -> Bool {
    let plan = try Store.planRepair(at: path)
    for line in plan.lines { print(line) }
    guard plan.losses.isEmpty || arguments.has("--accept-losses") else {
      print("nothing was written; --accept-losses writes what can be saved into \(newPath)")
      return false
    }
    try plan.run(into: newPath)
    print("wrote \(newPath)")
    return true
  }

  private func info(_ path: String) throws {
    let store = try Store.open(at: path, options: Store.Options(access: .readOnly))
    let statistics = try store.statistics()
    if arguments.has("--json") {
      let collections = statistics.collections.map { collection in
        Value.object([
          "name": .string(collection.spec.name), "records": .int(Int64(collection.records)),
          "dimension": .int(Int64(collection.spec.dimension)),
          "metric": .string(collection.spec.metric.rawValue),
          "bytes": .int(Int64(collection.bytes ?? 0)),
        ])
      }
      print(Value.array(collections).json)
    } else {
      print("collection  records  dimension  metric  bytes")
      for collection in statistics.collections {
        print(
          "\(collection.spec.name)  \(collection.records)  \(collection.spec.dimension)  "
            + "\(collection.spec.metric.rawValue)  \(collection.bytes ?? 0)")
      }
    }
    try store.close()
  }
}
