import Roost

/// A command that was called the wrong way.
struct Usage: Error {
  let problem: String

  init(_ problem: String) { self.problem = problem }
}

/// The words behind a command: options with values, switches, and the rest, all of them known to
/// the command.
struct Arguments: Sendable {
  let command: Command
  private var values: [String: String] = [:]
  private var switches: Set<String> = []
  private(set) var rest: [String] = []

  init(_ command: Command, _ words: ArraySlice<String>) throws {
    self.command = command
    var words = words
    var mayBeOption = true
    while let word = words.popFirst() {
      guard mayBeOption, word.hasPrefix("-"), word != "-" else {
        rest.append(word)
        continue
      }
      if word == "--" {
        mayBeOption = false
        continue
      }
      // `--name=value` is one word; a short name has its value behind a space.
      let mark = word.hasPrefix("--") ? word.firstIndex(of: "=") : nil
      let name = mark.map { String(word[..<$0]) } ?? word
      guard let option = command.option(name) else {
        throw Usage("\(command.name) has no option '\(name)'")
      }
      guard option.value != nil else {
        guard mark == nil else { throw Usage("\(name) takes no value") }
        switches.insert(option.name)
        continue
      }
      let inner = mark.map { String(word[word.index(after: $0)...]) }
      guard let value = inner ?? words.popFirst() else { throw Usage("\(name) needs a value") }
      guard option.choices.isEmpty || option.choices.contains(value) else {
        throw Usage("\(name) is '\(value)'; it is \(Self.list(option.choices))")
      }
      guard values.updateValue(value, forKey: option.name) == nil else {
        throw Usage("\(name) is given twice")
      }
    }
    if !has("--help") { try checkRest() }
  }

  /// Throws unless there are as many words as the command has operands.
  private func checkRest() throws {
    let operands = command.operands
    let least = operands.count { $0.count == .one }
    let most = operands.contains { $0.count == .any } ? Int.max : operands.count
    guard rest.count >= least else {
      throw Usage("\(command.name) lacks \(operands[rest.count].name)")
    }
    guard rest.count <= most else {
      throw Usage("\(command.name) does not know what to do with '\(rest[most])'")
    }
    for (operand, word) in zip(operands, rest)
    where !operand.choices.isEmpty && !operand.choices.contains(word) {
      throw Usage("\(operand.name) is '\(word)'; it is \(Self.list(operand.choices))")
    }
  }

  private static func list(_ choices: [String]) -> String {
    choices.count < 2
      ? choices.joined()
      : choices.dropLast().joined(separator: ", ") + " or " + choices[choices.count - 1]
  }

  // MARK: What was said

  /// The value of an option; nil without it.
  subscript(_ name: String) -> String? {
    precondition(command.option(name)?.name == name, "\(command.name) has no option \(name)")
    return values[name]
  }

  /// Whether a switch is there.
  func has(_ name: String) -> Bool {
    precondition(command.option(name)?.name == name, "\(command.name) has no switch \(name)")
    return switches.contains(name)
  }

  var wantsJSON: Bool { has("--json") }

  /// The value of an option as a whole number in a range.
  func whole(_ name: String, _ range: ClosedRange<Int>) throws -> Int? {
    guard let text = self[name] else { return nil }
    guard let number = Int(text), range.contains(number) else {
      let bounds =
        range.upperBound == .max
        ? "of at least \(range.lowerBound)" : "from \(range.lowerBound) to \(range.upperBound)"
      throw Usage("\(name) is '\(text)'; it is a whole number \(bounds)")
    }
    return number
  }

  /// The value of an option as a number.
  func number(_ name: String) throws -> Double? {
    guard let text = self[name] else { return nil }
    guard let number = Double(text), !number.isNaN else {
      throw Usage("\(name) is '\(text)'; it is a number")
    }
    return number
  }

  /// The filter that is given; nil without one.
  func givenFilter() throws -> Filter? { try Filter(self) }
}
