// Values as JSON text, in two styles. The compact one is what Roost sends and stores; it reads back
// as an equal value. The other is the text of Postgres' `jsonb`, which filters compare as text.

extension Value {
  /// The value as compact JSON; NaN and the infinities, which JSON lacks, print as null, 1e999 and
  /// -1e999.
  public var json: String { JSONWriter.write(self, style: .compact) }

  /// The text that Postgres' `#>>` gives for this value: a string as it is, anything else as its
  /// `jsonb` prints; nil for null.
  package var comparisonText: String? {
    switch self {
    case .null: nil
    case .string(let text): text
    default: JSONWriter.write(self, style: .postgres)
    }
  }
}

/// Prints values as JSON without recursion.
package struct JSONWriter {
  package enum Style { case compact, postgres }

  private enum Step {
    case value(Value)
    case key(String)
    case text(String)
  }

  package static func write(_ value: Value, style: Style) -> String {
    var out = ""
    append(value, style: style, to: &out)
    return out
  }

  package static func append(_ value: Value, style: Style, to out: inout String) {
    let comma = style == .compact ? "," : ", "
    let colon = style == .compact ? ":" : ": "
    var steps = [Step.value(value)]
    while let step = steps.popLast() {
      switch step {
      case .text(let text): out += text
      case .key(let key):
        appendQuoted(key, to: &out)
        out += colon
      case .value(.null): out += "null"
      case .value(.bool(let value)): out += value ? "true" : "false"
      case .value(.int(let value)): out += String(value)
      case .value(.double(let value)): out += number(value, style: style)
      case .value(.decimal(let value)):
        out += style == .compact ? value.json : value.description
      case .value(.string(let text)): appendQuoted(text, to: &out)
      case .value(.array(let values)):
        out += "["
        steps.append(.text("]"))
        for (index, value) in values.enumerated().reversed() {
          steps.append(.value(value))
          if index > 0 { steps.append(.text(comma)) }
        }
      case .value(.object(let metadata)):
        out += "{"
        steps.append(.text("}"))
        for (index, entry) in metadata.enumerated().reversed() {
          steps.append(.value(entry.value))
          steps.append(.key(entry.key))
          if index > 0 { steps.append(.text(comma)) }
        }
      }
    }
  }

  private static func number(_ value: Double, style: Style) -> String {
    guard let parts = ExactDecimal.Parts(value) else {
      return value.isNaN ? "null" : value < 0 ? "-1e999" : "1e999"
    }
    if style == .postgres { return parts.plainText }
    let text = value.description
    return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
  }

  /// Appends a JSON string; escapes what JSON demands and nothing else.
  package static func appendQuoted(_ text: String, to out: inout String) {
    out += "\""
    // Most texts need no escape, and are copied as they are.
    guard text.utf8.contains(where: { $0 < 0x20 || $0 == 0x22 || $0 == 0x5C }) else {
      out += text
      out += "\""
      return
    }
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": out += "\\\""
      case "\\": out += "\\\\"
      case "\u{8}": out += "\\b"
      case "\u{C}": out += "\\f"
      case "\n": out += "\\n"
      case "\r": out += "\\r"
      case "\t": out += "\\t"
      case "\u{0}"..<" ":
        let hex = String(scalar.value, radix: 16)
        out += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
      default: out.unicodeScalars.append(scalar)
      }
    }
    out += "\""
  }
}
