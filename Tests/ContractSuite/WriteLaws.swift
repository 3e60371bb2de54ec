import RoostContract

/// Insert, upsert, get, delete: what is stored, what is refused, and in which order it is checked.
enum WriteLaws {
  static let all: [Law] = [
    emptyBatch, insertStores, insertExisting, insertSomeExisting, repeatedInInsert,
    repeatedInUpsert, lastWins, blankIDs, idsNotTrimmed, wrongDimension, numbersNotFinite,
    metadataNotJSON, nulCharacters, checkOrder, upsertReplaces, absentParts, getMissing, delete,
    getMany, deleteWhere, count, checksBeforeExisting, firstBadRecord, longContent,
    impossibleIDs, deleteThenInsert, projections,
  ]

  static let emptyBatch = Law("GV-033", "an empty batch is stored, and nothing changes") { trial in
    let collection = try await trial.anyCollection()
    let records = trial.records(2)
    try await collection.insert(records)
    for policy in DuplicatePolicy.allCases {
      try await collection.insert([], onDuplicate: policy)
      try await collection.upsert([], onDuplicate: policy)
    }
    try trial.expect("to delete no ids", try await collection.delete([]), equals: 0)
    try trial.expect("to get no ids", try await collection.get([]).count, equals: 0)
    try await trial.expect("to read after all that", collection, holds: records)
  }

  static let insertStores = Law("GV-034", "an insert stores every part of every record") { trial in
    let collection = try await trial.anyCollection()
    let records = trial.records(5)
    try await collection.insert(records)
    try await trial.expect("to read them", collection, holds: records)
    for record in records {
      let found = try await collection.get(record.id)
      try trial.expect("to get \(record.id) alone", record: found, equals: record)
    }
  }

  static let insertExisting = Law(
    "GV-035", "an insert of an id that is taken stores nothing, and names it"
  ) { trial in
    let collection = try await trial.anyCollection()
    let record = trial.record(1, id: "taken")
    try await collection.insert([record])
    for policy in DuplicatePolicy.allCases {
      let error = try await trial.expectRefusal(.alreadyExists, of: "to insert it again") {
        try await collection.insert([trial.record(2, id: "taken")], onDuplicate: policy)
      }
      try trial.expectMessage(of: error, toName: "taken")
    }
    try await trial.expect("to read after the refusal", collection, holds: [record])
  }

  static let insertSomeExisting = Law(
    "GV-036", "one id that is taken refuses the whole insert"
  ) { trial in
    let collection = try await trial.anyCollection()
    let record = trial.record(1, id: "taken")
    try await collection.insert([record])
    for place in 0..<3 {
      var batch = trial.records(3)
      batch[place].id = "taken"
      try await trial.expectRefusal(.alreadyExists, of: "a taken id at position \(place) of 3") {
        try await collection.insert(batch)
      }
      try await trial.expect("to read after the refusal", collection, holds: [record])
    }
  }

  // MARK: Repeated ids

  private static func refuseRepeated(
    in trial: Trial, _ write: (any VectorCollection, [Record]) async throws -> Void
  ) async throws {
    let collection = try await trial.anyCollection()
    for (first, second) in [(0, 1), (0, 4), (2, 3)] {
      var batch = trial.records(5)
      batch[first].id = "twice"
      batch[second].id = "twice"
      let error = try await trial.expectRefusal(
        .invalidArgument, of: "one id at positions \(first) and \(second)"
      ) {
        try await write(collection, batch)
      }
      try trial.expectMessage(of: error, toName: "twice")
      try trial.expectMessage(of: error, toName: "position \(second)")
      try trial.expect("the count after it", try await collection.count(), equals: 0)
    }
    // The two spellings of "é" are two ids.
    let spellings = [trial.record(1, id: "\u{E9}"), trial.record(2, id: "e\u{301}")]
    try await write(collection, spellings)
    try await trial.expect("two spellings", collection, holds: spellings)
  }

  static let repeatedInInsert = Law("GV-037", "an id twice in one insert refuses the batch") {
    trial in
    try await refuseRepeated(in: trial) { try await $0.insert($1) }
  }

  static let repeatedInUpsert = Law("GV-038", "an id twice in one upsert refuses the batch") {
    trial in
    try await refuseRepeated(in: trial) { try await $0.upsert($1) }
  }

  static let lastWins = Law(
    "GV-039", "under lastWins the last record of an id is the one stored, whole"
  ) { trial in
    for verb in BatchLaws.Verb.allCases {
      let collection = try await trial.anyCollection("wins-" + verb.rawValue)
      let bare = Record(id: "twice", vector: [7, 8])
      let batch = [
        trial.record(1, id: "twice"), trial.record(2, id: "once"), trial.record(3, id: "twice"),
        bare,
      ]
      try await verb.write(batch, to: collection, onDuplicate: .lastWins)
      try await trial.expect(
        "\(verb.rawValue) of an id three times", collection, holds: [bare, batch[1]])
      // A record that would not be kept is checked all the same.
      var bad = trial.records(2)
      bad[0] = Record(id: "r1", vector: [1])
      try await trial.expectRefusal(.dimensionMismatch, of: "a bad record that loses") {
        try await verb.write(bad, to: collection, onDuplicate: .lastWins)
      }
      try await trial.expect("to read after the refusal", collection, holds: [bare, batch[1]])
    }
  }

  // MARK: What is refused

  /// Both verbs refuse the batch, name what they refuse, and store nothing.
  private static func refuse(
    _ batch: [Record], _ code: StoreError.Code, of what: String, naming parts: [String] = [],
    in trial: Trial, collection: any VectorCollection
  ) async throws {
    let before = try await collection.count()
    for verb in BatchLaws.Verb.allCases {
      let error = try await trial.expectRefusal(code, of: "\(verb.rawValue) of \(what)") {
        try await verb.write(batch, to: collection)
      }
      for part in parts { try trial.expectMessage(of: error, toName: part) }
      try trial.expect("the count after it", try await collection.count(), equals: before)
    }
  }

  static let blankIDs = Law("GV-040", "a blank id is refused, and its position named") { trial in
    let collection = try await trial.anyCollection()
    for id in ["", " ", "   ", "\t", "\n", "\u{A0}", "\u{3000}", "\u{2028}\u{85}"] {
      var batch = trial.records(4)
      batch[3].id = id
      try await refuse(
        batch, .invalidArgument, of: "the id \(quoted(id))", naming: ["position 3"], in: trial,
        collection: collection)
    }
  }

  static let idsNotTrimmed = Law("GV-041", "an id is kept with the white space around it") {
    trial in
    let collection = try await trial.anyCollection()
    let ids = [" x ", "x ", " x", "\tx", "x\n", "\u{A0}x", "x\u{3000}"]
    let records = ids.enumerated().map { trial.record($0.offset, id: $0.element) }
    try await collection.insert(records)
    try await trial.expect("to read them", collection, holds: records)
    try await trial.expect("to read x", collection, lacks: ["x"])
    try trial.expect("to delete x", try await collection.delete(["x"]), equals: 0)
  }

  static let wrongDimension = Law(
    "GV-042", "a vector of another length is a dimension mismatch, no vector is one of length 0"
  ) { trial in
    let collection = try await trial.anyCollection(dimension: 3)
    for vector in [nil, [], [1], [1, 2], [1, 2, 3, 4]] as [[Float]?] {
      var batch = trial.records(4, dimension: 3)
      batch[2] = Record(id: "wrong", vector: vector)
      try await refuse(
        batch, .dimensionMismatch, of: "a vector of \(vector?.count ?? 0)",
        naming: ["wrong", "position 2", "\(vector?.count ?? 0)", "3"], in: trial,
        collection: collection)
    }
  }

  static let numbersNotFinite = Law(
    "GV-043", "a number that is not finite is refused, its record and position named"
  ) { trial in
    let collection = try await trial.anyCollection(dimension: 3)
    let negativeNaN = Float(bitPattern: 0xFFC0_0001)
    for number in [Float.nan, .infinity, -.infinity, .signalingNaN, negativeNaN] {
      for place in 0..<3 {
        var batch = trial.records(4, dimension: 3)
        batch[2].id = "bent"
        batch[2].vector?[place] = number
        try await refuse(
          batch, .invalidArgument, of: "\(number) at \(place)",
          naming: ["bent", "position 2", "number \(place)"], in: trial, collection: collection)
      }
    }
  }

  static let metadataNotJSON = Law(
    "GV-044", "metadata with NaN or an infinity is refused, its record and place named"
  ) { trial in
    let collection = try await trial.anyCollection()
    for number in [Double.nan, .infinity, -.infinity] {
      let shapes: [(Metadata, String)] = [
        (["odd": .double(number)], "odd"), (["a": ["b": [1, .double(number)]]], "a.b.1"),
      ]
      for (metadata, place) in shapes {
        var batch = trial.records(4)
        batch[1].id = "bent"
        batch[1].metadata = metadata
        try await refuse(
          batch, .invalidArgument, of: "metadata \(number) at \(place)",
          naming: ["bent", "position 1", place], in: trial, collection: collection)
      }
    }
  }

  static let nulCharacters = Law(
    "GV-045", "a NUL in an id, content, metadata value or name is refused, its position named"
  ) { trial in
    let collection = try await trial.anyCollection()
    let bad: [(String, Record)] = [
      ("an id", Record(id: "nu\u{0}l", vector: [1, 2])),
      ("a content", Record(id: "nul", vector: [1, 2], content: "ab\u{0}c")),
      ("a value", Record(id: "nul", vector: [1, 2], metadata: ["a": "bc\u{0}"])),
      ("a deep value", Record(id: "nul", vector: [1, 2], metadata: ["a": [["b": "cd\u{0}"]]])),
      ("a name", Record(id: "nul", vector: [1, 2], metadata: ["ab\u{0}": 1])),
      ("a deep name", Record(id: "nul", vector: [1, 2], metadata: ["a": ["bc\u{0}d": .null]])),
    ]
    for (what, record) in bad {
      var batch = trial.records(3)
      batch[1] = record
      try await refuse(
        batch, .invalidArgument, of: "a NUL in \(what)", naming: ["position 1", "byte 2"],
        in: trial, collection: collection)
    }
    // The character that shows a NUL is not one.
    let shown = Record(id: "\u{2400}", vector: [1, 2], metadata: ["\\u0000": "\\0"], content: "0")
    try await collection.insert([shown])
    try await trial.expect("to read texts about NUL", collection, holds: [shown])
  }

  static let checkOrder = Law(
    "GV-046", "a record is checked by id, then dimension, then numbers, then metadata, then content"
  ) { trial in
    let collection = try await trial.anyCollection()
    var record = Record(
      id: " ", vector: [.nan], metadata: ["bent": .double(.nan)], content: "\u{0}")
    func expect(_ code: StoreError.Code, naming part: String) async throws {
      try await refuse(
        [record], code, of: "a record bad in what is left", naming: [part], in: trial,
        collection: collection)
    }
    try await expect(.invalidArgument, naming: "the id")
    record.id = "bad"
    try await expect(.dimensionMismatch, naming: "bad")
    record.vector = [1, .nan]
    try await expect(.invalidArgument, naming: "number 1")
    record.vector = [1, 2]
    try await expect(.invalidArgument, naming: "bent")
    record.metadata = nil
    try await expect(.invalidArgument, naming: "content")
    record.content = nil
    try await collection.insert([record])
    try await trial.expect("to read it mended", collection, holds: [record])
  }

  static let checksBeforeExisting = Law(
    "check-before-existing", "a bad record is told before an id that is taken"
  ) { trial in
    let collection = try await trial.anyCollection()
    try await collection.insert(trial.records(1))
    var batch = trial.records(3)
    batch[2].vector = [1]
    try await trial.expectRefusal(.dimensionMismatch, of: "a taken id, then a bad record") {
      try await collection.insert(batch)
    }
    batch[2] = batch[1]
    try await trial.expectRefusal(.invalidArgument, of: "a taken id, then an id twice") {
      try await collection.insert(batch)
    }
  }

  static let firstBadRecord = Law("first-bad", "of several bad records the first is named") {
    trial in
    let collection = try await trial.anyCollection()
    var batch = trial.records(6)
    batch[5].id = " "
    batch[4].vector = [1]
    batch[3].content = "\u{0}"
    try await refuse(
      batch, .invalidArgument, of: "a bad content, vector and id", naming: ["r3", "position 3"],
      in: trial, collection: collection)
    batch[3].content = nil
    try await refuse(
      batch, .dimensionMismatch, of: "a bad vector and id", naming: ["r4", "position 4"],
      in: trial, collection: collection)
  }

  static let longContent = Law(
    "content-bytes", "content is kept up to the declared length, by bytes, and refused past it"
  ) { trial in
    let max = trial.capabilities.contentBytesMax
    let collection = try await trial.anyCollection()
    let two = String(repeating: "é", count: max / 2 - 1) + (max % 2 == 0 ? "ab" : "abc")
    let record = Record(id: "long", vector: [1, 2], content: two)
    try await collection.insert([record])
    try await trial.expect("to read \(max) bytes", collection, holds: [record])
    var more = record
    more.id = "longer"
    more.content = two + "d"
    try await refuse(
      [more], .tooLarge, of: "a content of \(max + 1) bytes", naming: ["longer", "\(max)"],
      in: trial, collection: collection)
  }

  // MARK: What is replaced

  static let upsertReplaces = Law(
    "GV-047", "an upsert replaces vector, metadata and content wholly"
  ) { trial in
    let collection = try await trial.anyCollection()
    let old = Record(
      id: "r", vector: [1, 2], metadata: ["a": 1, "b": ["c": 2]], content: "first")
    let other = trial.record(9)
    try await collection.upsert([old, other])
    try await trial.expect("to read the first", collection, holds: [old, other])
    let states = [
      Record(id: "r", vector: [3, 4], metadata: ["b": 3], content: "second"),
      Record(id: "r", vector: [3, 4], metadata: ["b": ["d": 4]]),
      Record(id: "r", vector: [5, 6]),
      Record(id: "r", vector: [5, 6], metadata: [:], content: ""),
    ]
    for new in states {
      try await collection.upsert([new])
      try await trial.expect("to read what replaced it", collection, holds: [new, other])
    }
  }

  static let absentParts = Law(
    "GV-048", "no metadata reads as {}, no content as none, an empty content as empty"
  ) { trial in
    let collection = try await trial.anyCollection()
    let records = [
      Record(id: "none", vector: [1, 2]), Record(id: "empty", vector: [1, 2], metadata: [:]),
      Record(id: "blank", vector: [1, 2], content: ""),
      Record(id: "null", vector: [1, 2], metadata: ["null": .null], content: "null"),
    ]
    try await collection.insert(records)
    try await trial.expect("to read them", collection, holds: records)
    for record in records {
      let found = try await collection.get(record.id)
      try trial.expect(
        "the metadata of \(record.id)", found.metadata != nil, found: "none", expected: "an object")
      try trial.expect(
        "whether \(record.id) has content", found.content != nil, equals: record.content != nil)
    }
  }

  // MARK: Reading and deleting

  static let getMissing = Law("GV-049", "a get of one id that is not there is not found") {
    trial in
    let collection = try await trial.anyCollection()
    try await collection.insert(trial.records(2))
    for id in ["ghost", "R0", "r", "r00", "r0 ", " r0", "%", "*"] {
      let error = try await trial.expectRefusal(.notFound, of: "to get \(quoted(id))") {
        _ = try await collection.get(id)
      }
      try trial.expectMessage(of: error, toName: quoted(id))
    }
  }

  static let delete = Law("GV-050", "a delete counts what it removed: each id once, none twice") {
    trial in
    let collection = try await trial.anyCollection()
    let records = trial.records(6)
    try await collection.insert(records)
    let cases: [([String], Int, [Int])] = [
      ([], 0, [0, 1, 2, 3, 4, 5]), (["r0", "r0", "zz", ""], 1, [1, 2, 3, 4, 5]),
      (["r0"], 0, [1, 2, 3, 4, 5]), (["zz", "R1", "r1 ", "%", "r*"], 0, [1, 2, 3, 4, 5]),
      (["r5", "r2", "r3"], 3, [1, 4]), (["r4", "r1", "r4", "r1"], 2, []), (["r1"], 0, []),
    ]
    for (ids, removed, left) in cases {
      let found = try await collection.delete(ids)
      try trial.expect("to delete \(Trial.list(ids))", found, equals: removed)
      try await trial.expect("what is left", collection, holds: left.map { records[$0] })
    }
  }

  static let getMany = Law(
    "GV-051", "a get of many ids answers each in its place, nil where there is none"
  ) { trial in
    let collection = try await trial.anyCollection()
    let records = trial.records(4)
    try await collection.insert(records)
    let asked = ["r3", "ghost", "r0", "r3", "", "r1", "ghost", "r3"]
    let expected = [3, nil, 0, 3, nil, 1, nil, 3]
    let found = try await collection.get(asked)
    try trial.expect("the number of answers", found.count, equals: asked.count)
    for (place, number) in expected.enumerated() {
      guard let number else {
        try trial.expect("answer \(place)", found[place] == nil, found: "one", expected: "none")
        continue
      }
      try trial.expect("answer \(place)", record: found[place], equals: records[number])
    }
  }

  static let deleteWhere = Law(
    "GV-052", "a delete by filter removes what satisfies it and counts it"
  ) { trial in
    let collection = try await trial.anyCollection()
    let records = trial.records(6)
    try await collection.insert(records)
    let greater = Filter.gt("number", 3)
    guard
      try await trial.has(
        .deleteWhere,
        orRefuses: {
          _ = try await collection.delete(where: greater)
        })
    else {
      try await trial.expect("to read after the refusal", collection, holds: records)
      return
    }
    try await trial.expectRefusal(.invalidFilter, of: "to delete by a filter without meaning") {
      _ = try await collection.delete(where: .and([]))
    }
    try trial.expect("the count after it", try await collection.count(), equals: 6)
    let steps: [(Filter, Int, ArraySlice<Record>)] = [
      (.eq("number", 77), 0, records[...]), (greater, 2, records[..<4]),
      (greater, 0, records[..<4]),
      (.eq(.id, "r0"), 1, records[1..<4]), (.all, 3, []), (.all, 0, []),
    ]
    for (filter, removed, left) in steps {
      let found = try await collection.delete(where: filter)
      try trial.expect("to delete where \(filter.nodes)", found, equals: removed)
      try await trial.expect("what is left", collection, holds: Array(left))
    }
  }

  static let count = Law("count", "a count follows every write, with and without a filter") {
    trial in
    let collection = try await trial.anyCollection()
    func expect(_ all: Int, _ greater: Int, after what: String) async throws {
      try trial.expect("the count after \(what)", try await collection.count(), equals: all)
      let some = try await collection.count(where: .gt("number", 2))
      try trial.expect("the count of number > 2 after \(what)", some, equals: greater)
    }
    try await expect(0, 0, after: "nothing")
    try await collection.insert(trial.records(5))
    try await expect(5, 2, after: "5 inserts")
    try await collection.upsert([trial.record(9, id: "r0"), trial.record(9, id: "new")])
    try await expect(6, 4, after: "an upsert of an old and a new id")
    try await collection.delete(["r0", "r1"])
    try await expect(4, 3, after: "two deletes")
    try await trial.expectRefusal(.invalidFilter, of: "a count by a filter without meaning") {
      _ = try await collection.count(where: .or([]))
    }
  }

  static let impossibleIDs = Law(
    "impossible-ids", "an id that no record can have is simply not there"
  ) { trial in
    let collection = try await trial.anyCollection()
    let record = trial.record(1, id: "a")
    try await collection.insert([record])
    let long = String(repeating: "i", count: trial.capabilities.idBytesMax + 1)
    let ids = ["", "  ", "\u{0}", "a\u{0}", "a\u{0}b", long]
    try await trial.expect("to get them", collection, lacks: ids)
    try trial.expect("to delete them", try await collection.delete(ids), equals: 0)
    try await trial.expect("to read after it", collection, holds: [record])
  }

  static let deleteThenInsert = Law(
    "delete-insert", "a deleted id can be inserted again, and nothing of the old record is in it"
  ) { trial in
    let collection = try await trial.anyCollection()
    try await collection.insert([trial.record(1, id: "again")])
    for number in 2..<6 {
      try await collection.delete(["again"])
      try await trial.expect("to get what was deleted", collection, lacks: ["again"])
      let bare = Record(id: "again", vector: [Float(number), 1])
      try await collection.insert([bare])
      try await trial.expect("to read the new one", collection, holds: [bare])
    }
  }

  static let projections = Law(
    "get-projections", "a get returns the parts asked for, and the id always"
  ) { trial in
    let collection = try await trial.anyCollection()
    let records = [trial.record(1), Record(id: "bare", vector: [1, 2])]
    try await collection.insert(records)
    for projection in Projection.each {
      let found = try await collection.get(["bare", "r1"], projection: projection)
      for (found, record) in zip(found, records.reversed()) {
        try trial.expect(
          "to get \(record.id) as \(projection)", found, equals: record.projected(projection))
      }
    }
  }
}

extension Projection {
  /// Every choice of parts.
  static let each: [Projection] = (0..<8).map {
    Projection(vector: $0 & 1 != 0, metadata: $0 & 2 != 0, content: $0 & 4 != 0)
  }
}
