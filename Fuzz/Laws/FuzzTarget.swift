// A fuzz target is a door of Roost and a law that holds for whatever bytes come through it. The law
// is plain Swift over bytes, so three drivers share it: libFuzzer, the mutator here, and the tests,
// which replay the corpus.

/// A door, and the law that holds for any bytes at it.
package struct FuzzTarget: Sendable {
  /// The name of the target and of its corpus folder.
  package let name: String
  /// Pieces of the door's language that a mutation can insert.
  package let dictionary: [String]
  /// An input that the door lets in, made of a random filter; nil for doors of other things.
  let generate: (@Sendable (inout FilterGenerator) -> String)?
  /// How many mutated inputs the tests try, fewer where each is a store of its own.
  package let runsInTests: Int
  /// Whether the door lets the bytes in.
  ///
  /// Throws `FuzzFinding` when the law does not hold; a trap is a finding by itself.
  package let check: @Sendable ([UInt8]) throws -> Bool

  init(
    name: String, dictionary: [String], runsInTests: Int = 2_000,
    generate: (@Sendable (inout FilterGenerator) -> String)? = nil,
    check: @escaping @Sendable ([UInt8]) throws -> Bool
  ) {
    self.name = name
    self.dictionary = dictionary
    self.generate = generate
    self.runsInTests = runsInTests
    self.check = check
  }

  /// Generated inputs to mutate beside those of the corpus.
  package func seeds(_ count: Int, seed: UInt64) -> [[UInt8]] {
    guard let generate else { return [] }
    var generator = FilterGenerator(seed: seed)
    return (0..<count).map { _ in Array(generate(&generator).utf8) }
  }

  /// Every target, the canary left out.
  package static let all =
    [filterText, filterTextLenient, filterJSON, value, record, forms] + storageTargets

  /// A target whose law is wrong: a driver that does not report it finds nothing at all.
  package static let canary = FuzzTarget(name: "canary", dictionary: ["!"]) { bytes in
    guard !bytes.contains(UInt8(ascii: "!")) else {
      throw FuzzFinding(bytes: bytes, law: "no input has an exclamation mark", found: "one has")
    }
    return true
  }
}

/// An input for which a law does not hold.
package struct FuzzFinding: Error, CustomStringConvertible {
  package let bytes: [UInt8]
  package let law: String
  package let found: String

  package init(bytes: [UInt8], law: String, found: String) {
    self.bytes = bytes
    self.law = law
    self.found = found
  }

  package var description: String {
    "law: \(law)\nfound: \(found)\n"
      + "input: \(String(decoding: bytes, as: UTF8.self).debugDescription)"
      + "\nbytes: \(bytes)"
  }
}
