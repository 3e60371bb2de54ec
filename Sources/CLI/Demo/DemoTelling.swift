import Roost

/// What a demo says, what it measured, and what it found wrong.
final class DemoTelling {
  private let isQuiet: Bool
  private let page = ManualPage(columns: Terminal.proseColumns)
  private var chapters = 0
  /// What was measured, by name.
  private var figures = Metadata()
  /// What is not as it is promised.
  private(set) var problems: [String] = []

  /// A quiet one only measures.
  init(isQuiet: Bool) { self.isQuiet = isQuiet }

  /// Everything that was measured, and whether all is well.
  var report: Metadata {
    var report = figures
    report["ok"] = .bool(problems.isEmpty)
    report["problems"] = .array(problems.map(Value.string))
    return report
  }

  func chapter(_ title: String) throws {
    chapters += 1
    let number = "\(chapters)".padding(to: 2)
    try write((chapters > 1 ? "\n" : "") + "\(number)  \(title)\n")
  }

  /// A paragraph of a chapter.
  func say(_ text: String) throws {
    try write(page.wrapped(Terminal.plain(text), first: "    ", indent: 4))
  }

  /// Lines that stand as they are, as far as they fit.
  func show(_ lines: [String]) throws {
    for line in lines { try write("      " + TableOutput.cut(line, to: page.columns - 6) + "\n") }
  }

  /// A text with its further lines set in, such as a step of a plan.
  func item(_ text: String) throws {
    try write(page.wrapped(Terminal.plain(text), first: "      ", indent: 8))
  }

  /// Hits, nearest first.
  func show(_ hits: [Hit<Record>], first count: Int) throws {
    var table = TableOutput(("", .right), ("", .left), ("", .left))
    for hit in hits.prefix(count) {
      let word = hit.record.metadata?["lemma"]?.stringValue ?? hit.record.id
      table.add(Figures.fixed(hit.score, 3), word, hit.record.content ?? "")
    }
    try show(Array(table.lines(columns: page.columns - 6).dropFirst()))
  }

  /// A command that can be copied, on as many lines as it takes.
  func command(_ parts: [String]) throws {
    var line = "   "
    var length = 0
    for part in parts.map(Terminal.plain) {
      if length > 0, TableOutput.width(line) + 3 + TableOutput.width(part) > page.columns {
        try write(line + " \\\n")
        line = "     "
        length = 0
      }
      line += " " + part
      length += 1
    }
    try write(line + "\n")
  }

  private func write(_ text: String) throws {
    if !isQuiet { try Terminal.write(text) }
  }

  // MARK: Figures

  func note(_ name: String, _ number: Int) { figures[name] = .int(Int64(number)) }
  func note(_ name: String, _ number: Double) { figures[name] = .double(number) }
  func note(_ name: String, _ text: String) { figures[name] = .string(text) }

  /// Says it where it is found when something is not as it is promised; it is said again at the
  /// end.
  func expect(_ isSo: Bool, _ problem: @autoclosure () -> String) throws {
    guard !isSo else { return }
    try fail(problem())
  }

  func fail(_ problem: String) throws {
    problems.append(problem)
    try say("WRONG: \(problem)")
  }
}
