import RoostContract

/// Metadata: every JSON value comes back as it was written.
enum MetadataLaws {
  static let all: [Law] = [
    everyType, integers, decimals, hugeNumbers, names, repeatedNames, deep, tooDeep, wide, long,
    texts, fromJSON, mixedRecords,
  ]

  /// Writes each metadata into a record of its own, then reads them all back.
  private static func roundTrip(_ all: [Metadata], in trial: Trial) async throws {
    let collection = try await trial.anyCollection()
    let records = all.enumerated().map {
      Record(id: "m\($0.offset)", vector: [1, 2], metadata: $0.element)
    }
    for start in stride(from: 0, to: records.count, by: 100) {
      try await collection.insert(Array(records[start..<min(start + 100, records.count)]))
    }
    try await trial.expect("to read it back", collection, holds: records)
  }

  /// Writes each number, and finds it again digit for digit.
  private static func roundTrip(numbers: [Value], in trial: Trial) async throws {
    try await roundTrip(numbers.map { ["n": $0, "list": [$0], "object": ["n": $0]] }, in: trial)
    let collection = try await trial.anyCollection()
    for (place, number) in numbers.enumerated() {
      let found = try await collection.get("m\(place)").metadata?["n"]
      // The text tells 1.5 from 1.50, which are equal.
      try trial.expect(
        "the digits of \(number)", text: found?.comparisonText ?? "nothing",
        equals: number.comparisonText ?? "")
      // Of two numbers that a Double cannot tell apart, equality finds the one it was given.
      let equal = numbers.count { $0 == number }
      let count = try await collection.count(where: .eq("n", number))
      try trial.expect("how many are \(number)", count, equals: equal)
    }
  }

  static let everyType = Law("metadata-types", "every kind of JSON value reads back as it was") {
    trial in
    let values: [Value] = [
      .null, true, false, 0, -1, 1.5, "", "text", [], [:], [.null], [[]], [[:]], ["": .null],
      [1, "1", 1.5, true, .null, [2], ["a": 3]], ["a": ["b": ["c": [1, ["d": "e"]]]]],
      ["empty": ["list": [], "object": [:], "text": "", "null": .null]],
    ]
    try await roundTrip([[:]] + values.map { ["value": $0] }, in: trial)
    let collection = try await trial.anyCollection()
    let found = try await collection.get("m1").metadata
    try trial.expect("a null member", found?.count ?? 0, equals: 1)
  }

  static let integers = Law("metadata-integers", "integers of 64 bits stay exact") { trial in
    let whole: [Int64] = [
      0, 1, -1, 10, 127, -128, 1 << 31, 1 << 32, 1 << 53 - 1, 1 << 53, 1 << 53 + 1, -(1 << 53) - 1,
      .max - 1, .max, .min, .min + 1, 1_000_000_000_000_000_000,
    ]
    try await roundTrip(numbers: whole.map(Value.int), in: trial)
  }

  static let decimals = Law("metadata-decimals", "decimals stay exact, digit for digit") { trial in
    let texts = [
      "0.1", "1.5", "1.50", "10.0", "0.00", "3.14159", "1e-30",
      "0.1000000000000000055511151231257827",
      "1234567890123456789012345678901234567890", "0.1234567890123456789012345678901234567891",
      "-12345678901234567890.12345678901234567891", "9223372036854775808", "-9223372036854775809",
      "18446744073709551615", "18446744073709551616", "9007199254740993.5",
    ]
    try await roundTrip(numbers: texts.map { try Value(json: $0) }, in: trial)
  }

  static let hugeNumbers = Law(
    "metadata-huge", "numbers far outside a Double stay exact, 1e400 and 5e-324 too"
  ) { trial in
    let texts = [
      "1e400", "-1e400", "1.5e400", "1e308", "1.7976931348623157e308", "5e-324", "1e-400",
      "2.2250738585072014e-308", "1e1000", "12345678901234567890e380",
    ]
    try await roundTrip(numbers: texts.map { try Value(json: $0) }, in: trial)
  }

  static let names = Law(
    "metadata-names", "any text without NUL names a member, and names are told apart by bytes"
  ) { trial in
    let names = [
      "", " ", " k ", "k", "k ", "K", "a.b", "a", "b", "0", "-1", "00", "null", "it's", "\"", "\\",
      "$", "$ref", "*", "%", "\u{E9}", "e\u{301}", "\u{1}", "\n", "🦜", "👩‍👩‍👧", "\u{FFFF}",
      "\u{10FFFF}", "id", "content", "vector", "metadata", "__proto__", "a/b", "a,b", "{a}",
    ]
    let metadata = Metadata(names.enumerated().map { ($0.element, .int(Int64($0.offset))) })
    try trial.expect("the number of names", metadata.count, equals: names.count)
    try await roundTrip([metadata, ["a": ["b": 1], "a.b": 2, " k ": ["": [" ": 3]]]], in: trial)
    let found = try await trial.anyCollection().get("m0").metadata ?? [:]
    for (place, name) in names.enumerated() {
      try trial.expect("the member \(quoted(name))", found[name], equals: .int(Int64(place)))
    }
  }

  static let repeatedNames = Law(
    "metadata-repeated", "of a name given twice the last value is kept"
  ) {
    trial in
    let metadata = try Metadata(json: #"{"a": 1, "b": 2, "a": [3], "e\#u{301}": 4, "é": 5}"#)
    try trial.expect("how many names there are", metadata.count, equals: 4)
    try await roundTrip([metadata], in: trial)
    let found = try await trial.anyCollection().get("m0").metadata ?? [:]
    try trial.expect("the member a", found["a"], equals: [3])
    try trial.expect("the member e, accent", found["e\u{301}"], equals: 4)
    try trial.expect("the member é", found["\u{E9}"], equals: 5)
  }

  /// An object of so many containers, itself included.
  private static func nested(_ depth: Int, arrays: Bool) -> Metadata {
    var value: Value = "core"
    for _ in 1..<depth { value = arrays ? [value] : ["in": value] }
    return ["in": value]
  }

  static let deep = Law("metadata-deep", "metadata of the declared depth reads back") { trial in
    let max = trial.capabilities.metadataDepthMax
    let all = [max - 1, max].flatMap { depth in
      [true, false].map { nested(depth, arrays: $0) }
    }
    try await roundTrip(all, in: trial)
  }

  static let tooDeep = Law(
    "metadata-too-deep", "metadata past the declared depth is too large, its record named"
  ) { trial in
    let max = trial.capabilities.metadataDepthMax
    let collection = try await trial.anyCollection()
    for depth in [max + 1, max + 2, max * 2, 200] {
      for arrays in [true, false] {
        var batch = trial.records(3)
        batch[1].metadata = nested(depth, arrays: arrays)
        for verb in BatchLaws.Verb.allCases {
          let error = try await trial.expectRefusal(
            .tooLarge, of: "\(verb.rawValue) of metadata \(depth) deep"
          ) {
            try await verb.write(batch, to: collection)
          }
          try trial.expectMessage(of: error, toName: "position 1")
          try trial.expectMessage(of: error, toName: "\(max)")
        }
      }
    }
    // The empty container at the bottom counts, too.
    var empty = nested(max, arrays: true)
    empty["also"] = nested(max, arrays: false)["in"]
    try await collection.insert([Record(id: "full", vector: [1, 2], metadata: empty)])
    try trial.expect("the count after it", try await collection.count(), equals: 1)
  }

  static let wide = Law("metadata-wide", "an object of 10,000 members reads back") { trial in
    let members = Metadata((0..<10_000).map { ("key \($0)", .int(Int64($0))) })
    let list = Value.array((0..<10_000).map { .string("\($0)") })
    try await roundTrip([members, ["list": list]], in: trial)
  }

  static let long = Law("metadata-long", "texts and names of a megabyte read back") { trial in
    let text = String(repeating: "0123456789 é", count: 80_000)
    try await roundTrip([["text": .string(text)], [text: "name"]], in: trial)
  }

  static let texts = Law("metadata-texts", "texts read back byte for byte") { trial in
    let texts = IDLaws.hostile + ["", " ", "\u{1}\u{2}\u{1F}", "\\u0000", "\u{FEFF}"]
    try await roundTrip(texts.map { ["text": .string($0), "list": [.string($0)]] }, in: trial)
    let collection = try await trial.anyCollection()
    for text in texts {
      let count = try await collection.count(where: .eq("text", .string(text)))
      try trial.expect("how many are \(quoted(text))", count, equals: 1)
    }
  }

  static let fromJSON = Law("metadata-json", "what was read from JSON reads back as the same JSON")
  {
    trial in
    let text = #"""
      { "b": [1, 2.50, -0.0, 1E2, 9007199254740993], "a": {"x": null, "y": [true, {}]},
        "t": "\u00e9\n\t\"\\\/\ud83e\udd9c", "aa": 1.0 }
      """#
    let metadata = try Metadata(json: text)
    try await roundTrip([metadata], in: trial)
    let found = try await trial.anyCollection().get("m0").metadata ?? [:]
    try trial.expect("its text", found["t"], equals: "é\n\t\"\\/🦜")
    let again = try Metadata(json: found.description)
    try trial.expect("the JSON of what was read", again, equals: metadata)
  }

  static let mixedRecords = Law(
    "metadata-seeded", "seeded random metadata reads back, and replaces what was there"
  ) { trial in
    var random = SeededGenerator(seed: 0x6d65_7461)
    let depth = min(6, trial.capabilities.metadataDepthMax)
    let collection = try await trial.anyCollection()
    for round in 0..<3 {
      let records = (0..<40).map { number in
        let members = (0..<Int.random(in: 0..<6, using: &random)).map { place in
          ("k\(place)", value(depth: depth - 1, &random))
        }
        return Record(id: "m\(number)", vector: [1, 2], metadata: Metadata(members))
      }
      try await collection.upsert(records)
      try await trial.expect("to read round \(round)", collection, holds: records)
    }
  }

  /// A random value; the seed is fixed, so every store meets the same ones.
  private static func value(depth: Int, _ random: inout SeededGenerator) -> Value {
    switch Int.random(in: 0..<(depth > 0 ? 8 : 6), using: &random) {
    case 0: return .null
    case 1: return .bool(Bool.random(using: &random))
    case 2: return .int(Int64(bitPattern: random.next()))
    case 3:
      let number = Double(bitPattern: random.next())
      return .double(number.isFinite ? number : 0.5)
    case 4: return .string(String(random.next(), radix: 36))
    case 5: return .string(IDLaws.hostile.randomElement(using: &random) ?? "")
    case 6:
      let count = Int.random(in: 0..<4, using: &random)
      return .array((0..<count).map { _ in value(depth: depth - 1, &random) })
    default:
      let count = Int.random(in: 0..<4, using: &random)
      return .object(
        Metadata((0..<count).map { ("k\($0)", value(depth: depth - 1, &random)) }))
    }
  }
}
