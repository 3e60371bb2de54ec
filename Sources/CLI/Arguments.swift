/// A command that was called the wrong way.
struct Usage: Error {
  let problem: String

  init(_ problem: String) { self.problem = problem }
}

/// The words behind a command: flags with values, switches, and the rest.
struct Arguments {
  private var values: [String: String] = [:]
  private var switches: Set<String> = []
  private(set) var rest: [String] = []

  private static let flags: Set<String> = ["--where", "--filter", "--near-id", "-k", "--store"]
  private static let knownSwitches: Set<String> = [
    "--lenient", "--full", "--json", "--accept-losses",
  ]

  init(_ words: ArraySlice<String>) throws {
    var words = words
    while let word = words.popFirst() {
      if Self.flags.contains(word) {
        guard let value = words.popFirst() else { throw Usage("\(word) needs a value") }
        guard values.updateValue(value, forKey: word) == nil else {
          throw Usage("\(word) is given twice")
        }
      } else if Self.knownSwitches.contains(word) {
        switches.insert(word)
      } else if word.hasPrefix("-"), word != "-" {
        throw Usage("there is no flag '\(word)'")
      } else {
        rest.append(word)
      }
    }
  }

  subscript(_ flag: String) -> String? { values[flag] }

  func has(_ name: String) -> Bool { switches.contains(name) }

  /// Throws when a flag is given that the command does not know.
  func allow(_ known: String...) throws {
    guard let other = (Set(values.keys).union(switches)).subtracting(known).min() else { return }
    throw Usage("this command has no flag '\(other)'")
  }
}
