// What is left lying about: marks of unfinished work, white space, files that grew too long. The
// marks are put together from parts, so that this file passes its own search.

private let marks = ["TO" + "DO", "FIX" + "ME", "XX" + "X", "HA" + "CK"]
private let conflictMarks = ["<<<<" + "<<< ", ">>>>" + ">>> ", "||||" + "||| "]

/// The longest line of code.
private let columnsMax = 100
/// The longest row of a table in a test.
///
/// A row is a line of `Tests` that opens with a bracket, a quote or a dot and ends with a comma. A
/// table is easier to compare when its rows stay whole.
private let rowColumnsMax = 120
/// The longest file of code; beyond it, it holds more than one thing.
private let linesMax = 900

func leftoverComplaints(
  path: String, kind: FileKind, text: String, lines: [Substring]
) -> [Complaint] {
  guard text.utf8.contains(where: { $0 > 0x20 }) else {
    return [Complaint(.leftovers, path, 1, "is empty", "a file that says something")]
  }
  var complaints: [Complaint] = []
  func complain(_ line: Int, _ found: String, _ expected: String) {
    complaints.append(Complaint(.leftovers, path, line, found, expected))
  }
  for (index, line) in lines.enumerated() {
    let number = index + 1
    for mark in marks where line.containsWord(mark) {
      complain(number, "says \(mark)", "finished work")
    }
    if line.containsBytes("#war" + "ning") {
      complain(number, "has a \("#war" + "ning")", "finished work")
    }
    if conflictMarks.contains(where: { line.utf8.starts(with: $0.utf8) })
      || (kind != .prose && line == "===" + "====")
    {
      complain(number, "has a mark of a merge conflict", "a merge that is settled")
    }
    if let problem = spaceProblem(of: line, kind: kind) {
      complain(number, problem, "line feeds, and spaces only between words")
    }
    if let name = invisibleCharacter(in: line) {
      complain(number, "holds the invisible character \(name)", "an escape such as \\u{…}")
    }
    if kind.isCode && line.utf8.count > columnsMax {
      let allowed = isTableRow(line, path: path) ? rowColumnsMax : columnsMax
      let columns = line.count
      if columns > allowed {
        complain(number, "is \(columns) columns long", "\(allowed) at most")
      }
    }
  }
  if lines.last?.isEmpty != true {
    complain(lines.count, "does not end its last line", "a line feed at the end")
  } else if lines.count > 1, lines[lines.count - 2].isEmpty {
    complain(lines.count - 1, "ends with an empty line", "one line feed at the end")
  }
  if kind.isCode && lines.count - 1 > linesMax {
    complain(linesMax + 1, "has \(lines.count - 1) lines", "\(linesMax) at most")
  }
  return complaints
}

private func spaceProblem(of line: Substring, kind: FileKind) -> String? {
  switch line.utf8.last {
  case UInt8(ascii: "\r"): "ends with a carriage return"
  case UInt8(ascii: " "), UInt8(ascii: "\t"): "ends with white space"
  default:
    kind.isCode && line.utf8.contains(UInt8(ascii: "\t")) ? "has a tab" : nil
  }
}

/// The first character that a reader cannot see, or that turns the text around.
///
/// Tabs and carriage returns have their own complaints. The zero-width joiner is part of many emoji
/// and is left alone.
private func invisibleCharacter(in line: Substring) -> String? {
  // Most lines are ASCII, and looking at their bytes is far quicker than at their scalars.
  if line.utf8.allSatisfy({ ($0 >= 0x20 && $0 < 0x7F) || $0 == 0x09 || $0 == 0x0D }) { return nil }
  for scalar in line.unicodeScalars {
    switch scalar {
    case "\t", "\r", " ", "\u{200D}": continue
    default: break
    }
    switch scalar.properties.generalCategory {
    case .control, .format, .lineSeparator, .paragraphSeparator, .spaceSeparator:
      return "U+" + String(scalar.value, radix: 16, uppercase: true)
    default: continue
    }
  }
  return nil
}

private func isTableRow(_ line: Substring, path: String) -> Bool {
  guard path.hasPrefix("Tests/"), let first = line.trimmedBytes.first else { return false }
  return "([\".".utf8.contains(first) && line.utf8.last == UInt8(ascii: ",")
}

// MARK: - Text as bytes

extension StringProtocol {
  /// Whether the text occurs, byte for byte.
  func containsBytes(_ wanted: String) -> Bool { !places(of: wanted, limit: 1).isEmpty }

  /// Where the text occurs, at most `limit` times.
  func places(of wanted: String, limit: Int = .max) -> [Range<String.Index>] {
    let bytes = utf8
    let sought = wanted.utf8
    guard let first = sought.first else { return [] }
    var found: [Range<String.Index>] = []
    var start = bytes.startIndex
    while found.count < limit, let candidate = bytes[start...].firstIndex(of: first) {
      if bytes[candidate...].starts(with: sought) {
        found.append(candidate..<bytes.index(candidate, offsetBy: sought.count))
      }
      start = bytes.index(after: candidate)
    }
    return found
  }

  /// The bytes after the indentation.
  var trimmedBytes: UTF8View.SubSequence { utf8.drop { $0 == 0x20 || $0 == 0x09 } }
}

extension Substring {
  /// Whether the text occurs with no letter, digit or underscore beside it.
  func containsWord(_ word: String) -> Bool {
    places(of: word).contains { range in
      let before = utf8[..<range.lowerBound].last
      let after = utf8[range.upperBound...].first
      return ![before, after].contains { $0.map(isNameByte) ?? false }
    }
  }
}

/// Whether a byte can be part of a name.
func isNameByte(_ byte: UInt8) -> Bool {
  switch byte {
  case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"):
    true
  default: false
  }
}
