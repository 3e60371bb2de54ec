import RoostContract

// The doors of the contract room: every place where bytes or text from outside become values.

extension FuzzTarget {
  package static let filterText = FuzzTarget(
    name: "filter-text", dictionary: textWords, generate: { $0.filter().description }
  ) { bytes in
    guard let filter = try reading(bytes, { try Filter(parsing: bytes) }) else { return false }
    try checkFilter(filter, bytes)
    return true
  }

  package static let filterTextLenient = FuzzTarget(
    name: "filter-text-lenient", dictionary: textWords, generate: { $0.filter().description }
  ) { bytes in
    guard let filter = try reading(bytes, { try Filter(parsing: bytes, dialect: .lenient) }) else {
      return false
    }
    try checkFilter(filter, bytes)
    return true
  }

  package static let filterJSON = FuzzTarget(
    name: "filter-json", dictionary: jsonWords, generate: { $0.filter().json }
  ) { bytes in
    var isLetIn = false
    for dialect in FilterDialect.allCases {
      guard let filter = try reading(bytes, { try Filter(json: bytes, dialect: dialect) }) else {
        continue
      }
      try checkFilter(filter, bytes)
      isLetIn = true
    }
    return isLetIn
  }

  package static let value = FuzzTarget(
    name: "value-json", dictionary: jsonWords, generate: { $0.value(depth: 4).json }
  ) { bytes in
    guard let value = try reading(bytes, { try Value(json: bytes) }) else { return false }
    try require(bytes, "a value reads back from its JSON", try Value(json: value.json) == value)
    try require(bytes, "equal values hash alike", value.hashValue == value.hashValue)
    // The text of the value and its number must be had without a trap, whatever they are.
    _ = (value.comparisonText, value.comparisonNumber, value.integerValue)
    return true
  }

  package static let record = FuzzTarget(
    name: "record-json", dictionary: jsonWords,
    generate: {
      Record(id: $0.name() + "r", vector: [0.5, -1e-7], metadata: ["a": $0.value(depth: 3)]).json
    }
  ) { bytes in
    guard let record = try reading(bytes, { try Record(json: bytes) }) else { return false }
    try require(bytes, "a record reads back from its JSON", try Record(json: record.json) == record)
    return true
  }

  package static let forms = FuzzTarget(
    name: "forms-json", dictionary: jsonWords,
    generate: { SearchQuery(near: [], where: $0.filter(depth: 3), recall: 0.5).optionsJSON }
  ) { bytes in
    let text = String(decoding: bytes, as: UTF8.self)
    var isLetIn = false
    if let spec = try reading(bytes, { try CollectionSpec(json: text) }) {
      try require(bytes, "a spec reads back", try CollectionSpec(json: spec.json) == spec)
      isLetIn = true
    }
    if let spec = try reading(bytes, { try IndexSpec(json: text) }) {
      try require(bytes, "an index reads back", try IndexSpec(json: spec.json) == spec)
      isLetIn = true
    }
    if let query = try reading(bytes, { try SearchQuery(near: [], optionsJSON: text) }) {
      let again = try SearchQuery(near: [], optionsJSON: query.optionsJSON)
      try require(bytes, "search options read back", again == query)
      isLetIn = true
    }
    return isLetIn
  }

  // MARK: What is shared

  /// What is read, or nil when it is refused as the contract says: with a `StoreError`, two facts
  /// and a remedy.
  private static func reading<T>(_ bytes: [UInt8], _ read: () throws -> T) throws -> T? {
    do {
      return try read()
    } catch let error as StoreError {
      try require(
        bytes, "a refusal has two facts and a remedy",
        !error.found.isEmpty && !error.expected.isEmpty && !error.remedy.isEmpty)
      return nil
    } catch {
      throw FuzzFinding(bytes: bytes, law: "a refusal is a StoreError", found: "\(error)")
    }
  }

  private static func require(
    _ bytes: [UInt8], _ law: String, _ holds: @autoclosure () throws -> Bool
  ) throws {
    do {
      guard try !holds() else { return }
      throw FuzzFinding(bytes: bytes, law: law, found: "it does not hold")
    } catch let error as StoreError {
      throw FuzzFinding(bytes: bytes, law: law, found: "\(error)")
    }
  }

  /// A filter that was read prints in both forms, reads back from both, and has an answer for
  /// every record.
  private static func checkFilter(_ filter: Filter, _ bytes: [UInt8]) throws {
    try require(
      bytes, "a filter reads back from its text", try Filter(parsing: filter.description) == filter)
    try require(bytes, "a filter reads back from its JSON", try Filter(json: filter.json) == filter)
    for record in records {
      let answer = filter.truth(of: record)
      let negated = Filter.not(filter)
      guard negated.fault == nil else { continue }
      let opposite = negated.truth(of: record)
      try require(
        bytes, "a filter and its negation disagree, or both are neither",
        answer == .unknown ? opposite == .unknown : opposite != .unknown && answer != opposite)
    }
  }

  private static let records = [
    Record(id: "a", metadata: [:]),
    Record(
      id: "b",
      metadata: [
        "rank": 10, "category": "news", "flags": ["pinned": true], "lemma": "sea",
        "a": [1, "2", .null],
        "b": ["c": [["d": 1.5]]],
      ], content: "hello"),
  ]

  private static let textWords = [
    "category", "rank", "$id", "$content", "flags.pinned", "\"quoted key\"", " = ", " != ", " > ",
    " >= ", " < ", " <= ", " in ", " like ", "exists(", " and ", " or ", "not ", "and(", "or(", "(",
    ")", "((((((((", "))))))))", "not not not not ", ",", "[0]", "[-1]", ".", "\"", "'", "''", "\\",
    "\\u0000", "\\ud800", "null", "true", "1e999", "-1e999", "1e131071", "1e-16384", "0.10",
    "9007199254740993",
    "[1,2]", "{\"a\":1}", "é", "🦤", "\u{0}",
  ]

  private static let jsonWords = [
    "{\"eq\":[", "{\"in\":[", "{\"gt\":[", "{\"lt\":[", "{\"exists\":", "{\"and\":[", "{\"or\":[",
    "{\"not\":", "{\"like\":[", "{\"ne\":[", "{\"dialect\":\"lenient\",\"filter\":", "\"metadata\"",
    "{\"column\":\"id\"}", "\"rank\"", "]}", "}", "]", "[[[[[[[[", "]]]]]]]]", ",", ":", "null",
    "true",
    "1e999", "1e131071", "1e131072", "-0.0", "1.50", "\"\\ud83e\\udda4\"", "\"\\ud800\"",
    "\\u0000", "\"a\"", "\"vector\":[", "\"id\":", "\"name\":", "\"dimension\":", "\"threshold\":",
    "\"projection\":{", "é", "\u{0}",
  ]
}
