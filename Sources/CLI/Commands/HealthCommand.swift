import Roost

/// `roost health`: whether a store can be read.
enum HealthCommand {
  static let manual = Command(
    name: "health", summary: "tell whether a store can be opened and read",
    operands: [.store],
    about: [
      "Opens the store to read it, as any number of processes may, and prints what it says of"
        + " itself. A store that cannot be opened is an error. `roost check` looks at its bytes."
    ],
    examples: [("roost health library.roost --json", "For a monitor:")],
    answersNo: "the store is open, and not healthy", run: run)

  private static func run(_ arguments: Arguments) throws -> Bool {
    let store = try StoreDoor.reading(arguments.rest[0])
    let health = store.health()
    let milliseconds = health.latency / .milliseconds(1)
    if arguments.wantsJSON {
      var form: Metadata = [
        "state": .string(health.state.rawValue), "store": .string(health.store),
        "latency_ms": .double(milliseconds), "details": .object(health.details),
      ]
      if let error = health.error { form["error"] = .string(error) }
      try Terminal.print(Value.object(form).json)
    } else {
      try Terminal.print(health.state.rawValue + (health.error.map { ": \($0)" } ?? ""))
      let width = health.details.map(\.key.count).max() ?? 0
      for (name, value) in health.details {
        let text = Terminal.plain(value.stringValue ?? value.json)
        try Terminal.print("  \(name.padding(to: width))  \(text)")
      }
    }
    try store.close()
    return health.state == .healthy
  }
}
