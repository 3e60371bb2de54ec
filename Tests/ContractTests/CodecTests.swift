import Foundation
import RoostContract
import Testing

// Types on their way to values and back. Each law encodes, looks at the value where its form
// matters, and decodes it again.

/// The value of something, and the same something read back from it.
private func throughValue<T: Codable>(_ item: T) throws -> T {
  try Value(encoding: item).decoded()
}

/// A number in a container, so that numbers are met as members, as elements and alone.
private struct Holder<T: Codable & Equatable>: Codable, Equatable {
  var alone: T
  var several: [T]
  var perhaps: T?
  var byName: [String: T]

  init(_ value: T) {
    alone = value
    several = [value, value]
    perhaps = value
    byName = ["it": value]
  }
}

private func expectRoundTrip<T: Codable & Equatable>(
  _ value: T, _ location: SourceLocation = #_sourceLocation
) throws {
  #expect(try throughValue(value) == value, sourceLocation: location)
  #expect(try throughValue(Holder(value)) == Holder(value), sourceLocation: location)
}

@Suite("Values of types")
struct ValueCodingTests {
  @Test("every integer type keeps its smallest and largest number")
  func integers() throws {
    func check<T: FixedWidthInteger & Codable>(_ type: T.Type) throws {
      for number in [T.min, T.max, 0, 1, 100] { try expectRoundTrip(number) }
    }
    try check(Int.self)
    try check(Int8.self)
    try check(Int16.self)
    try check(Int32.self)
    try check(Int64.self)
    try check(Int128.self)
    try check(UInt.self)
    try check(UInt8.self)
    try check(UInt16.self)
    try check(UInt32.self)
    try check(UInt64.self)
    try check(UInt128.self)
  }

  @Test("a whole number beyond Int64 keeps its digits as a decimal")
  func largeIntegers() throws {
    let value = try Value(encoding: UInt64.max)
    guard case .decimal(let digits) = value else {
      Issue.record("UInt64.max became \(value)")
      return
    }
    #expect(digits.description == "18446744073709551615")
    #expect(try Value(json: value.json).decoded(as: UInt64.self) == .max)
  }

  @Test(
    "a double keeps every bit",
    arguments: [
      0, -0.0, 0.1, .pi, 1 / 3, .greatestFiniteMagnitude, -.greatestFiniteMagnitude,
      .leastNonzeroMagnitude, .leastNormalMagnitude, .ulpOfOne, 1e22,
      9_007_199_254_740_992, .infinity,
    ])
  func doubles(_ number: Double) throws {
    #expect(try throughValue(number).bitPattern == number.bitPattern)
    try expectRoundTrip(number)
  }

  @Test("a float keeps every bit, for bits of every kind")
  func floats() throws {
    var generator = SystemRandomNumberGenerator()
    let edges: [Float] = [
      0, 0.1, .greatestFiniteMagnitude, .leastNonzeroMagnitude, .leastNormalMagnitude, 16_777_218,
      0x1.fffffep-2,
    ]
    let random = (0..<20_000).map { _ in Float(bitPattern: generator.next()) }
    for number in edges + random where !number.isNaN {
      #expect(try throughValue(number).bitPattern == number.bitPattern, "\(number.bitPattern)")
    }
    #expect(try Value(encoding: Float(0.1)) == .double(0.1))
  }

  @Test("NaN and the infinities are kept, to be refused where they would be stored")
  func notFinite() throws {
    #expect(try Value(encoding: [Double.nan, .infinity]) == [.double(.nan), .double(.infinity)])
  }

  @Test("a whole number is read exactly or not at all")
  func exactIntegers() throws {
    #expect(try Value.double(10).decoded(as: Int.self) == 10)
    #expect(try Value(json: "1e2").decoded(as: UInt8.self) == 100)
    #expect(try Value(json: "25.00").decoded(as: UInt8.self) == 25)
    for (value, type) in [
      (Value.double(10.5), "Int"), (.double(.nan), "Int"), (.double(1e300), "Int"),
      (.string("10"), "Int"), (.bool(true), "Int"), (try Value(json: "10.50"), "Int"),
    ] {
      let error = #expect(throws: StoreError.self) { _ = try value.decoded(as: Int.self) }
      #expect(error?.code == .schemaMismatch)
      #expect(error?.message.contains(type) == true, "\(String(describing: error))")
    }
    #expect(throws: StoreError.self) { _ = try Value.int(256).decoded(as: UInt8.self) }
    #expect(throws: StoreError.self) { _ = try Value.int(-1).decoded(as: UInt64.self) }
  }

  @Test("a floating point type reads every number in its range")
  func floatingPoint() throws {
    #expect(try Value.int(3).decoded(as: Double.self) == 3)
    #expect(try Value(json: "18446744073709551615").decoded(as: Double.self) == 0x1p64)
    #expect(try Value(json: "1.50").decoded(as: Float.self) == 1.5)
    #expect(try Value.int(3).decoded(as: Float.self) == 3)
    #expect(throws: StoreError.self) { _ = try Value(json: "1e400").decoded(as: Double.self) }
    #expect(throws: StoreError.self) { _ = try Value.double(1e39).decoded(as: Float.self) }
    #expect(throws: StoreError.self) { _ = try Value(json: "1e40").decoded(as: Float.self) }
  }

  @Test("texts keep their bytes")
  func texts() throws {
    for text in ["", "a", "e\u{301}", "\u{E9}", "\u{0}", "😀\n"] {
      #expect(Array(try throughValue(text).utf8) == Array(text.utf8))
    }
    #expect(try Value(encoding: ["e\u{301}", "\u{E9}"]) == ["e\u{301}", "\u{E9}"])
  }

  @Test("truth values are themselves, and no numbers")
  func truth() throws {
    try expectRoundTrip(true)
    try expectRoundTrip(false)
    #expect(throws: StoreError.self) { _ = try Value.int(1).decoded(as: Bool.self) }
  }

  private struct Inner: Codable, Equatable {
    var name: String
    var tags: [String]
    var next: [Inner]
  }

  private struct Outer: Codable, Equatable {
    var inner: Inner
    var list: [Inner]
    var table: [[Int?]]
    var byNumber: [Int: Inner]
    var byCase: [Direction: Int]
    var missing: Inner?
    var empty: [String: Int]
  }

  private enum Direction: String, Codable, CodingKeyRepresentable { case north, south }

  @Test("structs in structs, lists and dictionaries come back")
  func nested() throws {
    let leaf = Inner(name: "leaf", tags: [], next: [])
    let inner = Inner(name: "n", tags: ["a", "b"], next: [leaf, leaf])
    let outer = Outer(
      inner: inner, list: [inner, leaf], table: [[1, nil], [], [nil, nil, 3]],
      byNumber: [-1: leaf, 7: inner], byCase: [.north: 1, .south: 2], missing: nil, empty: [:])
    let value = try Value(encoding: outer)
    #expect(try value.decoded() == outer)
    #expect(try Value(json: value.json).decoded() == outer)
    guard case .object(let members) = value else {
      Issue.record("\(value)")
      return
    }
    #expect(members["missing"] == nil)
    #expect(members["table"] == [[1, .null], [], [.null, .null, 3]])
    #expect(members["byCase"] == ["north": 1, "south": 2])
    #expect(members["empty"] == .object([:]))
  }

  private struct Point: Codable, Hashable { var x, y: Int }

  @Test("a dictionary whose keys are no texts is a list of keys and values")
  func pairs() throws {
    let value = [Point(x: 1, y: 2): "here"]
    #expect(try Value(encoding: value) == [["x": 1, "y": 2], "here"])
    #expect(try throughValue(value) == value)
  }

  private enum Shape: Codable, Equatable {
    case nothing
    case circle(radius: Double)
    case polygon([Point], closed: Bool)
    indirect case group(Shape, Shape)
  }

  private enum Level: Int, Codable, CaseIterable { case low = 1, high = 10 }

  @Test("enumerations come back, raw and with associated values")
  func enumerations() throws {
    for shape in [
      Shape.nothing, .circle(radius: 0.5), .polygon([Point(x: 1, y: 2)], closed: true),
      .group(.nothing, .group(.circle(radius: 1), .nothing)),
    ] {
      try expectRoundTrip(shape)
    }
    #expect(try Value(encoding: Shape.circle(radius: 0.5)) == ["circle": ["radius": 0.5]])
    #expect(try Value(encoding: Level.high) == 10)
    for level in Level.allCases { try expectRoundTrip(level) }
    let error = #expect(throws: StoreError.self) { _ = try Value.int(2).decoded(as: Level.self) }
    #expect(error?.cause is DecodingError)
  }

  private enum Explicit: Codable {
    case it
    func encode(to encoder: any Encoder) throws {
      var container = encoder.container(keyedBy: Name.self)
      try container.encodeNil(forKey: "gone")
      try container.encode(Int?.none, forKey: "none")
      try container.encode(Int?.some(1), forKey: "some")
      try container.encodeIfPresent(Int?.none, forKey: "absent")
    }
    init(from decoder: any Decoder) throws {
      let container = try decoder.container(keyedBy: Name.self)
      guard try container.decodeNil(forKey: "gone"), try !container.decodeNil(forKey: "some"),
        try container.decode(Int?.self, forKey: "none") == nil,
        try container.decode(Int?.self, forKey: "some") == 1, !container.contains("absent")
      else { throw Thrown() }
      self = .it
    }
  }

  @Test("an explicit null is written; a nil that is only absent is not")
  func nulls() throws {
    #expect(try Value(encoding: Explicit.it) == ["gone": .null, "none": .null, "some": 1])
    _ = try Value(encoding: Explicit.it).decoded(as: Explicit.self)
    #expect(try Value(encoding: Int?.none) == .null)
    #expect(try Value.null.decoded(as: Int?.self) == nil)
  }

  private class Animal: Codable {
    var name: String
    init(name: String) { self.name = name }
  }

  private final class Bird: Animal {
    var span: Int
    enum CodingKeys: CodingKey { case span }
    init(name: String, span: Int) {
      self.span = span
      super.init(name: name)
    }
    required init(from decoder: any Decoder) throws {
      let container = try decoder.container(keyedBy: CodingKeys.self)
      span = try container.decode(Int.self, forKey: .span)
      try super.init(from: container.superDecoder())
    }
    override func encode(to encoder: any Encoder) throws {
      var container = encoder.container(keyedBy: CodingKeys.self)
      try super.encode(to: container.superEncoder())
      try container.encode(span, forKey: .span)
    }
  }

  /// A class that writes beside what it inherits, into the same container.
  private final class Fish: Animal {
    var depth = 3
    enum CodingKeys: CodingKey { case depth }
    override init(name: String) { super.init(name: name) }
    required init(from decoder: any Decoder) throws {
      depth = try decoder.container(keyedBy: CodingKeys.self).decode(Int.self, forKey: .depth)
      try super.init(from: decoder)
    }
    override func encode(to encoder: any Encoder) throws {
      try super.encode(to: encoder)
      var container = encoder.container(keyedBy: CodingKeys.self)
      try container.encode(depth, forKey: .depth)
    }
  }

  @Test("a class comes back with what it inherits")
  func classes() throws {
    let value = try Value(encoding: Bird(name: "Swift", span: 40))
    #expect(value == ["span": 40, "super": ["name": "Swift"]])
    let bird: Bird = try value.decoded()
    #expect(bird.name == "Swift" && bird.span == 40)

    let shared = try Value(encoding: Fish(name: "Cod"))
    #expect(shared == ["name": "Cod", "depth": 3])
    #expect(try shared.decoded(as: Fish.self).name == "Cod")
  }

  private struct ByHand: Codable, Equatable {
    var numbers = [1, 2]
    var words = ["a"]

    init() {}
    func encode(to encoder: any Encoder) throws {
      var list = encoder.unkeyedContainer()
      var inner = list.nestedUnkeyedContainer()
      for number in numbers { try inner.encode(number) }
      var named = list.nestedContainer(keyedBy: Name.self)
      var texts = named.nestedUnkeyedContainer(forKey: "words")
      for word in words { try texts.encode(word) }
      var deeper = named.nestedContainer(keyedBy: Name.self, forKey: "more")
      try deeper.encode(1, forKey: "one")
      var again = named.nestedContainer(keyedBy: Name.self, forKey: "more")
      try again.encode(2, forKey: "two")
      try list.encodeNil()
      try "x".encode(to: list.superEncoder())
    }
    init(from decoder: any Decoder) throws {
      var list = try decoder.unkeyedContainer()
      numbers = []
      var inner = try list.nestedUnkeyedContainer()
      while !inner.isAtEnd { numbers.append(try inner.decode(Int.self)) }
      let named = try list.nestedContainer(keyedBy: Name.self)
      words = try named.decode([String].self, forKey: "words")
      let more = try named.nestedContainer(keyedBy: Name.self, forKey: "more")
      guard try more.decode(Int.self, forKey: "two") == 2, try list.decodeNil(),
        try String(from: list.superDecoder()) == "x", list.isAtEnd
      else { throw Thrown() }
    }
  }

  @Test("containers that are nested by hand are written in place")
  func byHand() throws {
    let value = try Value(encoding: ByHand())
    #expect(value == [[1, 2], ["words": ["a"], "more": ["one": 1, "two": 2]], .null, "x"])
    #expect(try value.decoded() == ByHand())
  }

  private indirect enum Chain: Codable {
    case end
    case link(Chain)

    init(depth: Int) { self = (0..<depth).reduce(.end) { chain, _ in .link(chain) } }
    init(from decoder: any Decoder) throws {
      let list = try decoder.singleValueContainer()
      self = list.decodeNil() ? .end : .link(try list.decode([Chain].self)[0])
    }
    func encode(to encoder: any Encoder) throws {
      switch self {
      case .end:
        var container = encoder.singleValueContainer()
        try container.encodeNil()
      case .link(let chain):
        var container = encoder.unkeyedContainer()
        try container.encode(chain)
      }
    }
  }

  /// Never comes to an end, and holds no container.
  private struct Endless: Codable {
    init() {}
    init(from decoder: any Decoder) throws {
      self = try decoder.singleValueContainer().decode(Endless.self)
    }
    func encode(to encoder: any Encoder) throws {
      var container = encoder.singleValueContainer()
      try container.encode(self)
    }
  }

  /// Opens containers in a loop, where nothing can be thrown.
  private struct Digger: Encodable {
    func encode(to encoder: any Encoder) throws {
      var container = encoder.unkeyedContainer()
      for _ in 0..<100_000 { container = container.nestedUnkeyedContainer() }
    }
  }

  // A megabyte is an eighth of what threads have here; the frames of a debug build are large.
  @Test("what is nested too deep is refused, before a stack of 1 MiB is at its end")
  func tooDeep() async throws {
    try await withCheckedThrowingContinuation { continuation in
      let thread = Thread { continuation.resume(with: Result { try Self.refusesDepth() }) }
      thread.stackSize = 1 << 20
      thread.start()
    }
  }

  private static func refusesDepth() throws {
    _ = try Value(encoding: Chain(depth: Value.depthMax)).decoded(as: Chain.self)
    let deep = (0..<200).reduce(Value.null) { value, _ in [value] }
    for refused: () throws -> Void in [
      { _ = try Value(encoding: Chain(depth: 200)) }, { _ = try Value(encoding: Endless()) },
      { _ = try Value(encoding: Digger()) }, { _ = try deep.decoded(as: Chain.self) },
      { _ = try Value.int(1).decoded(as: Endless.self) },
    ] {
      let error = #expect(throws: StoreError.self) { try refused() }
      #expect(error?.code == .tooLarge)
    }
  }

  private struct Mixed: Encodable {
    func encode(to encoder: any Encoder) throws {
      var keyed = encoder.container(keyedBy: Name.self)
      try keyed.encode(1, forKey: "a")
      var list = encoder.unkeyedContainer()
      try list.encode(2)
    }
  }

  @Test("a type that encodes itself in two shapes is refused")
  func twoShapes() throws {
    let error = #expect(throws: StoreError.self) { _ = try Value(encoding: ["m": Mixed()]) }
    #expect(error?.code == .invalidArgument)
    #expect(error?.message.contains("\"m\"") == true)
  }

  @Test("an error names the place, and keeps the error that a type threw")
  func places() throws {
    let value: Value = [
      "inner": ["name": "n", "tags": ["a", 3], "next": []], "list": [], "table": [],
      "byNumber": [:], "byCase": [:], "empty": [:],
    ]
    let mismatch = #expect(throws: StoreError.self) { _ = try value.decoded(as: Outer.self) }
    #expect(mismatch?.found == #""inner.tags.1" of the value is 3"#)

    let missing = #expect(throws: StoreError.self) {
      _ = try (["inner": ["name": "n", "tags": []]] as Value).decoded(as: Outer.self)
    }
    #expect(missing?.found == #""inner.next" of the value is missing"#)

    let short = #expect(throws: StoreError.self) {
      _ = try ([[]] as Value).decoded(as: [ByHand].self)
    }
    #expect(short?.message.contains(#""0.0""#) == true, "\(String(describing: short))")

    let thrown = #expect(throws: StoreError.self) {
      _ = try Value(encoding: ["a": [Refuser(), Refuser(refuses: true)]])
    }
    #expect(thrown?.cause is Thrown)
    #expect(thrown?.message.contains(#""a.1""#) == true, "\(String(describing: thrown))")
  }

  private enum Language: String, Codable, ValueCodable { case english, french }

  @Test("a filter compares with the value that the encoder writes")
  func fields() throws {
    let language = Field<Language>("language")
    #expect((language == .french) == .eq("language", try Value(encoding: Language.french)))
    #expect(language.isIn([.english]) == .in("language", ["english"]))
    #expect(try Value.string("french").decoded(as: Language.self) == .french)
    let error = #expect(throws: StoreError.self) {
      _ = try Value.string("latin").decoded(as: Language.self)
    }
    #expect(error?.message.contains("raw values") == true)
  }
}

/// What the types of these tests throw.
struct Thrown: Error {}

/// A value that encodes itself, or does not.
struct Refuser: Codable, Equatable {
  var refuses = false

  func encode(to encoder: any Encoder) throws {
    guard !refuses else { throw Thrown() }
    var container = encoder.singleValueContainer()
    try container.encode("fine")
  }

  init(refuses: Bool = false) { self.refuses = refuses }

  init(from decoder: any Decoder) throws {
    guard try decoder.singleValueContainer().decode(String.self) == "fine" else { throw Thrown() }
  }
}

/// A coding key that is any text.
struct Name: CodingKey, ExpressibleByStringLiteral {
  var stringValue: String
  var intValue: Int? { nil }

  init(stringLiteral value: String) { stringValue = value }
  init(stringValue: String) { self.stringValue = stringValue }
  init?(intValue: Int) { nil }
}
