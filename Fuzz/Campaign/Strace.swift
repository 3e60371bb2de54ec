import Foundation

/// Runs a worker under strace, which can kill it or refuse it a call of the system.
struct Strace {
  /// A call of the system that changes files, as the `number`th of its name in the process.
  struct Call: Hashable, Sendable {
    var name: String
    var number: Int
    /// What strace printed of it.
    var text = ""

    static func == (a: Self, b: Self) -> Bool { a.name == b.name && a.number == b.number }
    func hash(into hasher: inout Hasher) { hasher.combine([name, "\(number)"]) }
  }

  /// The calls by which a store changes files.
  static let changing = [
    "pwrite64", "fdatasync", "fsync", "rename", "renameat", "renameat2", "unlink", "unlinkat",
    "link", "linkat", "openat", "ftruncate", "fallocate", "mkdir", "mkdirat", "fchmod",
  ]

  /// Why strace cannot be used here; nil when it can.
  static func obstacle() -> String? {
    do {
      try ChildProcess.run(["strace", "-f", "-e", "trace=fsync", "true"])
      return nil
    } catch {
      return "strace cannot be used: \(error)"
    }
  }

  private static func words(_ options: [String], _ trace: String, _ names: [String]) -> [String] {
    // A filter in the kernel would be quicker, and would leave signals out without a word.
    ["strace", "-f", "-qq", "-o", trace, "-e", "trace=" + names.joined(separator: ",")] + options
  }

  /// A line that strace printed.
  struct Line {
    var name: String
    /// What the call was given, cut at commas.
    var arguments: [String]
    var answer: String
    /// All behind the name.
    var text: String

    /// Such as `812 pwrite64(6, "…"..., 208, 0) = 208`; nil for lines of another kind.
    init?(_ line: Substring) {
      guard let space = line.firstIndex(of: " "), let bracket = line.firstIndex(of: "("),
        space < bracket, let equals = line.range(of: ") ", options: .backwards)
      else { return nil }
      name = line[space..<bracket].trimmingCharacters(in: .whitespaces)
      text = String(line[bracket...])
      arguments = line[line.index(after: bracket)..<equals.lowerBound].components(separatedBy: ", ")
      let rest = line[equals.upperBound...].split(separator: " ")
      guard rest.count > 1, rest[0] == "=" else { return nil }
      answer = String(rest[1])
    }
  }

  /// What strace printed of an undisturbed worker.
  static func lines(
    _ order: WorkOrder, _ names: [String], output: String, trace: String
  ) throws -> [Line] {
    let worker = [try ChildProcess.programPath()] + order.arguments
    let end = try ChildProcess(words([], trace, names) + worker, output: output).wait()
    guard end == .exit(0) else {
      let text = try String(contentsOfFile: output, encoding: .utf8)
      throw CampaignError("an undisturbed worker ended with \(end): \(text.suffix(500))")
    }
    return try String(contentsOfFile: trace, encoding: .utf8).split(separator: "\n")
      .compactMap { Line($0) }
  }

  /// The calls of these names that a worker makes on files of its store, in order.
  static func calls(
    _ order: WorkOrder, _ names: [String], output: String, trace: String
  ) throws -> [Call] {
    var counts: [String: Int] = [:]
    var calls: [Call] = []
    for line in try lines(order, names, output: output, trace: trace)
    where names.contains(line.name) {
      counts[line.name, default: 0] += 1
      guard isOfStore(line.name, line.text) else { continue }
      calls.append(Call(name: line.name, number: counts[line.name] ?? 0, text: line.text))
    }
    return calls
  }

  /// Whether a call is one by which a store changes or maps files, and not the system's own.
  private static func isOfStore(_ name: String, _ text: String) -> Bool {
    switch name {
    case "openat": text.contains("O_CREAT")
    case "mmap": text.contains("PROT_READ, MAP_SHARED")
    default: true
    }
  }

  /// Runs a worker that is killed when it is about to make a call.
  static func kill(
    _ order: WorkOrder, at call: Call, output: String, trace: String
  ) throws -> ChildProcess.End {
    let inject = "inject=\(call.name):signal=KILL:when=\(call.number)"
    let worker = [try ChildProcess.programPath()] + order.arguments
    return try ChildProcess(
      words(["-e", inject], trace, [call.name]) + worker, output: output
    ).wait()
  }

  /// Runs a worker that is refused a call, and all later ones of the name if that is asked.
  ///
  /// - Returns: how it ended, and whether a call of the store was refused.
  static func refuse(
    _ order: WorkOrder, _ call: Call, error: String, isSticky: Bool, output: String, trace: String
  ) throws -> (end: ChildProcess.End, wasRefused: Bool) {
    let inject = "inject=\(call.name):error=\(error):when=\(call.number)\(isSticky ? "+" : "")"
    let worker = [try ChildProcess.programPath()] + order.arguments
    let end = try ChildProcess(
      words(["-e", inject], trace, [call.name]) + worker, output: output
    ).wait()
    let text = try String(contentsOfFile: trace, encoding: .utf8)
    let refused = text.split(separator: "\n").first { $0.contains("(INJECTED)") }
    return (end, refused.map { isOfStore(call.name, String($0)) } ?? false)
  }
}
