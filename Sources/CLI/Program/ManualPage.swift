/// The manual of a command, and the overview of all of them.
struct ManualPage {
  let columns: Int

  /// What `roost --help` prints.
  func overview(of commands: [Command]) -> String {
    var out = "roost: an embedded vector database\n\nUsage: roost COMMAND [WORD...] [OPTION...]\n\n"
    let width = commands.map(\.name.count).max() ?? 0
    for command in commands {
      let name = command.name.padding(to: width)
      out += wrapped(command.summary + ".", first: "  \(name)  ", indent: width + 4)
    }
    out += "\n"
    out += wrapped(
      "`roost COMMAND --help` is the manual of a command, `roost completions SHELL` prints"
        + " completions, `roost --version` tells the version and what is built in.")
    out += "\n" + exitStatus(answersNo: "the answer is no")
    return out
  }

  /// What `roost COMMAND --help` prints.
  func page(of command: Command) -> String {
    var out = "NAME\n"
    out += wrapped("roost \(command.name) - \(command.summary)", first: "  ", indent: 2)
    let operands = command.operands.map { " " + $0.synopsis }.joined()
    out += "\nSYNOPSIS\n"
    out += wrapped(
      "roost \(command.name)\(operands)\(command.options.isEmpty ? "" : " [OPTION...]")",
      first: "  ", indent: 6)
    out += "\nDESCRIPTION\n"
    out += command.about.map { wrapped($0, first: "  ", indent: 2) }.joined(separator: "\n")
    out += "\nOPTIONS\n"
    for option in command.allOptions {
      let names = option.names.joined(separator: ", ")
      let value = option.value.map { " " + $0 } ?? ""
      out += "  \(names)\(value)\n"
      let choices =
        option.choices.isEmpty ? "" : " One of \(option.choices.joined(separator: ", "))."
      out += wrapped(option.summary + choices, first: "      ", indent: 6)
    }
    if !command.examples.isEmpty {
      out += "\nEXAMPLES\n"
      for example in command.examples {
        out += wrapped(example.does, first: "  ", indent: 2)
        // A call stands whole, however wide the terminal is: it is there to be copied.
        out += "      \(example.call)\n"
      }
    }
    return out + "\n" + exitStatus(answersNo: command.answersNo)
  }

  private func exitStatus(answersNo: String?) -> String {
    let no = answersNo.map { "1 \($0) · " } ?? ""
    return "EXIT STATUS\n"
      + wrapped(
        "0 done · \(no)2 wrong usage · 3 error · 130 interrupted", first: "  ", indent: 2)
  }

  /// A paragraph in lines that fit.
  func wrapped(_ text: String, first: String = "", indent: Int = 0) -> String {
    var lines: [String] = []
    var line = first
    var isEmpty = true
    for word in text.split(separator: " ") {
      if !isEmpty, line.count + 1 + word.count > columns {
        lines.append(line)
        line = String(repeating: " ", count: indent)
        isEmpty = true
      }
      line += (isEmpty ? "" : " ") + word
      isEmpty = false
    }
    lines.append(line)
    return lines.map { $0 + "\n" }.joined()
  }
}

extension String {
  /// The text with spaces behind it, as wide as this at least.
  func padding(to width: Int) -> String {
    self + String(repeating: " ", count: Swift.max(0, width - count))
  }
}
