/// Rows in columns that fit the terminal.
///
/// What is wider than its share of the terminal is cut off with a mark; where the table goes into a
/// file or a pipe, nothing is cut off.
struct TableOutput {
  enum Side { case left, right }

  private let titles: [String]
  private let sides: [Side]
  private var rows: [[String]] = []

  init(_ columns: (String, Side)...) { self.init(columns) }

  init(_ columns: [(String, Side)]) {
    titles = columns.map(\.0)
    sides = columns.map(\.1)
  }

  mutating func add(_ cells: String...) { add(cells) }

  mutating func add(_ cells: [String]) {
    precondition(cells.count == titles.count)
    rows.append(cells.map(Terminal.plain))
  }

  /// The lines of the table; without a width, as wide as they are.
  func lines(columns width: Int?) -> [String] {
    let all = [titles] + rows
    var widths = titles.indices.map { column in all.map { Self.width($0[column]) }.max() ?? 0 }
    if let width {
      var excess = widths.reduce(0, +) + 2 * (widths.count - 1) - width
      // The widest give way first; no column gets too narrow to tell its rows apart.
      while excess > 0 {
        guard let widest = widths.indices.max(by: { widths[$0] < widths[$1] }), widths[widest] > 8
        else { break }
        widths[widest] -= 1
        excess -= 1
      }
    }
    return all.map { row in
      var line = ""
      for (column, cell) in row.enumerated() {
        let text = Self.cut(cell, to: widths[column])
        let space = String(repeating: " ", count: widths[column] - Self.width(text))
        if column > 0 { line += "  " }
        line += sides[column] == .left ? text + space : space + text
      }
      while line.last == " " { line.removeLast() }
      return line
    }
  }

  func print() throws {
    for line in lines(columns: Terminal.columns(of: 1)) { try Terminal.print(line) }
  }

  /// How many columns a text takes; the letters of East Asia take two.
  static func width(_ text: String) -> Int {
    text.reduce(0) { $0 + width($1) }
  }

  private static func width(_ character: Character) -> Int {
    switch character.unicodeScalars.first?.value ?? 0 {
    case 0x1100...0x115F, 0x2E80...0xA4CF, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE6F,
      0xFF00...0xFF60, 0xFFE0...0xFFE6, 0x1F300...0x1FAFF, 0x20000...0x3FFFD:
      2
    default: 1
    }
  }

  static func cut(_ text: String, to width: Int) -> String {
    guard self.width(text) > width else { return text }
    var out = ""
    var used = 0
    for character in text {
      let next = self.width(character)
      guard used + next <= width - 1 else { break }
      out.append(character)
      used += next
    }
    return out + "…"
  }
}

/// Numbers as people read them.
enum Figures {
  /// Groups of three digits, as in 120,000.
  static func whole(_ number: Int) -> String {
    let digits = String(number.magnitude)
    var out = ""
    for (place, digit) in digits.enumerated() {
      if place > 0, (digits.count - place) % 3 == 0 { out += "," }
      out.append(digit)
    }
    return (number < 0 ? "-" : "") + out
  }

  /// So many of a kind, as in 1 record or 1,200 records.
  static func count(_ number: Int, _ noun: String) -> String {
    "\(whole(number)) \(noun)" + (number == 1 ? "" : "s")
  }

  /// So many digits behind the point.
  static func fixed(_ number: Double, _ places: Int) -> String {
    guard number.isFinite, abs(number) < 1e15 else { return "\(number)" }
    var scale = 1.0
    for _ in 0..<places { scale *= 10 }
    let scaled = Int((abs(number) * scale).rounded())
    let sign = number < 0 && scaled > 0 ? "-" : ""
    guard places > 0 else { return sign + String(scaled) }
    let digits = String(scaled)
    let padded = String(repeating: "0", count: max(0, places + 1 - digits.count)) + digits
    return sign + padded.dropLast(places) + "." + padded.suffix(places)
  }

  /// Three digits and a unit, as in 214 MB.
  static func bytes(_ count: Int) -> String {
    let units = ["B", "kB", "MB", "GB", "TB"]
    var amount = Double(count)
    var unit = 0
    while amount >= 999.5, unit < units.count - 1 {
      amount /= 1_000
      unit += 1
    }
    return fixed(amount, unit > 0 && amount < 99.95 ? 1 : 0) + " " + units[unit]
  }

  /// Two units at most, as in 9.1 s or 3 min 20 s.
  static func seconds(_ seconds: Double) -> String {
    guard seconds.isFinite, seconds < 1e9 else { return "long" }
    guard seconds >= 99.95 else { return fixed(seconds, seconds < 9.995 ? 2 : 1) + " s" }
    let whole = Int(seconds.rounded())
    return whole >= 7_200
      ? "\(whole / 3_600) h \(whole % 3_600 / 60) min" : "\(whole / 60) min \(whole % 60) s"
  }
}
