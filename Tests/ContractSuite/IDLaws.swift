import RoostContract

/// Ids of every kind, from long ones to those that try to be something else.
enum IDLaws {
  static let all: [Law] = [longIDs, hostileIDs, hostileOrder, hostileDeletes, invalidUTF8]

  /// Ids that a store could fold together, cut, escape wrongly or take for a command.
  static let hostile = [
    "a", "A", "a ", " a", "a\t", "a\n", "a\r\n", "a\u{A0}", "a\u{200B}", "\u{FEFF}a", "\u{1}",
    "\u{1F}", "\u{7F}", "\u{80}", "'", "''", "\"", "\\", "\\'", "`", "'\"; DROP TABLE docs; --",
    "'; DELETE FROM records; --", "' OR '1'='1", "../x", "..\\x", "..", ".", "/", "a/b", "%", "_",
    "%s%n", "*", "?", "$1", "?1", ":id", "@id", "${x}", "{}", "[]", "null", "NULL", "nil", "true",
    "NaN", "0", "00", "0.0", "-0", "-1", "+1", "1", "1e0", "1_000", "\u{E9}", "e\u{301}",
    "\u{1E69}", "s\u{323}\u{307}", "s\u{307}\u{323}", "\u{212B}", "\u{C5}", "A\u{30A}", "ß", "ss",
    "ẞ", "İ", "ı", "i", "I", "🦜", "👩‍👩‍👧‍👦", "👩👩👧👦", "👍", "👍🏽", "🇩🇪", "❤", "❤\u{FE0F}",
    "\u{200F}rtl", "\u{202E}flip\u{202C}", "שלום", "日本語", "ﬁ", "fi", "\u{D7FF}", "\u{E000}",
    "\u{FFFD}", "\u{FFFE}", "\u{FFFF}", "\u{10000}", "\u{10FFFF}", "a\u{301}\u{301}\u{301}",
    "constructor", "__proto__", "CON", "~", "-rf", "--", "/*", "<b>", "&amp;", "\u{2028}",
    "a\u{2028}",
  ].filter { !Bytewise.trimmed($0).isEmpty }

  private static func plant(in trial: Trial) async throws -> (any VectorCollection, [Record]) {
    let collection = try await trial.anyCollection()
    let records = hostile.enumerated().map { trial.record($0.offset, id: $0.element) }
    try await collection.insert(records)
    return (collection, records)
  }

  static let longIDs = Law(
    "id-bytes", "an id is kept whole up to the declared length, by bytes, and refused past it"
  ) { trial in
    let max = trial.capabilities.idBytesMax
    let collection = try await trial.anyCollection()
    let start = String(repeating: "i", count: max - 1)
    let accents = String(repeating: "é", count: max / 2)
    let ids = [start, start + "1", start + "2", accents]
    let records = ids.enumerated().map { trial.record($0.offset, id: $0.element) }
    try await collection.insert(records)
    try await trial.expect("to read ids of \(max) bytes", collection, holds: records)
    for id in [start + "12", accents + "é", start + start] {
      for verb in BatchLaws.Verb.allCases {
        let error = try await trial.expectRefusal(
          .tooLarge, of: "\(verb.rawValue) of an id of \(id.utf8.count) bytes"
        ) {
          try await verb.write([trial.record(1), trial.record(2, id: id)], to: collection)
        }
        try trial.expectMessage(of: error, toName: "position 1")
        try trial.expectMessage(of: error, toName: "\(id.utf8.count)")
      }
    }
    try await trial.expect("to read after the refusals", collection, holds: records)
    try trial.expect("to delete them", try await collection.delete(ids), equals: ids.count)
  }

  static let hostileIDs = Law(
    "hostile-ids", "ids are told apart by their bytes, and read back byte for byte"
  ) { trial in
    let (collection, records) = try await plant(in: trial)
    try await trial.expect("to read hostile ids", collection, holds: records)
    for record in records {
      let found = try await collection.get(record.id)
      try trial.expect("to get \(quoted(record.id))", record: found, equals: record)
      let count = try await collection.count(where: .eq(.id, .string(record.id)))
      try trial.expect("how many are \(quoted(record.id))", count, equals: 1)
      try await trial.expectRefusal(.alreadyExists, of: "to insert \(quoted(record.id)) again") {
        try await collection.insert([record])
      }
    }
  }

  static let hostileOrder = Law("hostile-order", "a scroll lists any ids in the order of bytes") {
    trial in
    let (collection, records) = try await plant(in: trial)
    guard try await trial.has(.scroll, orRefuses: { _ = try await collection.scroll(limit: 7) })
    else { return }
    let expected = records.map(\.id).sorted(by: Bytewise.precedes)
    for size in [1, 7, 1_000] where size <= trial.capabilities.limitMax {
      let found = try await trial.scrolled(collection, pageSize: size).map(\.id)
      try trial.expect("to scroll by \(size)", texts: found, equal: expected)
    }
  }

  static let hostileDeletes = Law(
    "hostile-deletes", "a delete of an id removes the record of these bytes and no other"
  ) { trial in
    let (collection, records) = try await plant(in: trial)
    for (place, record) in records.enumerated() {
      let removed = try await collection.delete([record.id])
      try trial.expect("to delete \(quoted(record.id))", removed, equals: 1)
      try await trial.expect("to get it", collection, lacks: [record.id])
      let left = records.count - place - 1
      try trial.expect("the count then", try await collection.count(), equals: left)
      if place % 16 == 0 {
        try await trial.expect("the rest", collection, holds: Array(records[(place + 1)...]))
      }
    }
  }

  static let invalidUTF8 = Law(
    "invalid-utf8", "bytes that are not UTF-8 do not become a text: refused, the position named"
  ) { trial in
    // A Swift text is always valid, so such bytes can come in by JSON alone.
    let bad: [(String, [UInt8], Int)] = [
      ("a lone 0xff", [0xFF], 0), ("a lone continuation", [0x80], 0),
      ("an overlong slash", [0xC0, 0xAF], 0), ("an overlong NUL", [0xC0, 0x80], 0),
      ("a surrogate", [0xED, 0xA0, 0x80], 0), ("past U+10FFFF", [0xF4, 0x90, 0x80, 0x80], 0),
      ("half a letter", [0x61, 0xE2, 0x82], 1),
      ("a good letter, then 0xfe", [0xC3, 0xA9, 0xFE], 2),
    ]
    for (what, bytes, place) in bad {
      let quote = UInt8(ascii: "\"")
      let shapes: [(String, [UInt8], Int)] = [
        ("value", [quote] + bytes + [quote], 1),
        ("member", Array("{\"a\": \"".utf8) + bytes + Array("\"}".utf8), 7),
        ("name", Array("{\"".utf8) + bytes + Array("\": 1}".utf8), 2),
      ]
      for (shape, json, start) in shapes {
        let error = try await trial.expectRefusal(
          .invalidArgument, of: "\(what) in a \(shape) of JSON"
        ) {
          _ = try Value(json: json)
        }
        try trial.expectMessage(of: error, toName: "at \(start + place) ")
      }
    }
    let bare = try await trial.expectRefusal(.invalidArgument, of: "0xff for a value") {
      _ = try Value(json: Array("[1, ".utf8) + [0xFF] + Array("]".utf8))
    }
    try trial.expectMessage(of: bare, toName: "byte 4")
  }
}
