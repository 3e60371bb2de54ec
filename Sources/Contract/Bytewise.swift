// Text is compared as its UTF-8 bytes, everywhere in the contract. Swift's own `==` on strings
// holds "é" and "e\u{301}" equal; a database must not, or it merges two records of its user.

/// Comparison of text by its UTF-8 bytes.
package enum Bytewise {
  /// Whether two texts have the same bytes.
  package static func equal(_ a: String, _ b: String) -> Bool {
    a.utf8.count == b.utf8.count && a.utf8.elementsEqual(b.utf8)
  }

  /// Whether the bytes of `a` come before those of `b`.
  package static func precedes(_ a: String, _ b: String) -> Bool {
    a.utf8.lexicographicallyPrecedes(b.utf8)
  }

  /// Optional texts: both absent, or both present with the same bytes.
  package static func equal(_ a: String?, _ b: String?) -> Bool {
    switch (a, b) {
    case (nil, nil): true
    case (let a?, let b?): equal(a, b)
    default: false
    }
  }

  /// Whether a text is empty, or all white space.
  package static func isBlank(_ text: String) -> Bool {
    // Most texts begin with a letter or a digit, which needs no table.
    if let first = text.utf8.first, (0x21...0x7E).contains(first) { return false }
    return text.unicodeScalars.allSatisfy(\.properties.isWhitespace)
  }

  /// The text without the white space at its two ends, by the White_Space property of Unicode.
  package static func trimmed(_ text: String) -> String {
    let scalars = text.unicodeScalars
    if let first = scalars.first, let last = scalars.last, !first.properties.isWhitespace,
      !last.properties.isWhitespace
    {
      return text
    }
    guard let first = scalars.firstIndex(where: { !$0.properties.isWhitespace }),
      let last = scalars.lastIndex(where: { !$0.properties.isWhitespace })
    else { return "" }
    return String(scalars[first...last])
  }
}

/// A text as a key of dictionaries and sets, by its bytes.
package struct BytewiseKey: Hashable, Comparable, Sendable {
  package let text: String

  package init(_ text: String) { self.text = text }

  package static func == (a: Self, b: Self) -> Bool { Bytewise.equal(a.text, b.text) }

  package static func < (a: Self, b: Self) -> Bool { Bytewise.precedes(a.text, b.text) }

  package func hash(into hasher: inout Hasher) {
    // Eight bytes at a time; what is left is told from such eight by the count behind it.
    var (word, count) = (0 as UInt64, 0 as UInt8)
    for byte in text.utf8 {
      word = word << 8 | UInt64(byte)
      count += 1
      if count == 8 {
        hasher.combine(word)
        (word, count) = (0, 0)
      }
    }
    hasher.combine(word)
    hasher.combine(count)
  }
}
