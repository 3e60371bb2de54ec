import RoostContract

/// What filters mean beyond the truth table.
///
/// Here are the logic of three values, sugar, patterns, refusals and limits; what single values
/// mean to a filter is in `FilterValueLaws`.
enum FilterLaws {
  static let all: [Law] = logic + sugar + patterns + refusals + FilterValueLaws.all

  // MARK: Three values

  /// Conditions of every kind, over fields that are there, missing, null, and of many types.
  private static let samples: [(name: String, filter: Filter)] = [
    ("rank = 10", .eq("rank", 10)), ("rank = null", .eq("rank", .null)),
    ("other = 1", .eq("other", 1)), ("rank > 9", .gt("rank", 9)),
    ("rank > \"9\"", .gt("rank", "9")), ("rank in (10, true)", .in("rank", [10, true])),
    ("rank exists", .exists("rank")), ("content = hello", .eq(.content, "hello")),
    ("id > n", .gt(.id, "n")), ("rank like *a*", .like("rank", "*a*")),
  ]

  private static func table(_ trial: Trial) async throws -> any VectorCollection {
    let collection = try await trial.anyCollection()
    try await collection.upsert(TruthTable.records)
    return collection
  }

  /// Two filters find the same records.
  private static func expect(
    _ trial: Trial, _ asked: String, in collection: any VectorCollection, _ a: Filter,
    finds b: Filter
  ) async throws {
    let found = try await trial.ids(in: collection, where: a).sorted(by: Bytewise.precedes)
    let expected = try await trial.ids(in: collection, where: b).sorted(by: Bytewise.precedes)
    try trial.expect(asked, found, equals: expected)
  }

  private static let logic: [Law] = [
    Law("filter-de-morgan-and", "not (a and b) is (not a) or (not b), of three values") { trial in
      let collection = try await table(trial)
      for a in samples {
        for b in samples {
          try await expect(
            trial, "not (\(a.name) and \(b.name))", in: collection, !(a.filter && b.filter),
            finds: !a.filter || !b.filter)
        }
      }
    },
    Law("filter-de-morgan-or", "not (a or b) is (not a) and (not b), of three values") { trial in
      let collection = try await table(trial)
      for a in samples {
        for b in samples {
          try await expect(
            trial, "not (\(a.name) or \(b.name))", in: collection, !(a.filter || b.filter),
            finds: !a.filter && !b.filter)
        }
      }
    },
    Law("filter-not-not", "not not a is a") { trial in
      let collection = try await table(trial)
      for (name, filter) in samples {
        try await expect(trial, "not not \(name)", in: collection, !(!filter), finds: filter)
      }
    },
    Law("filter-order-of-children", "and and or do not care for the order of conditions") { trial in
      let collection = try await table(trial)
      for a in samples {
        for b in samples {
          try await expect(
            trial, "\(a.name) and \(b.name), turned", in: collection, a.filter && b.filter,
            finds: b.filter && a.filter)
          try await expect(
            trial, "\(a.name) or \(b.name), turned", in: collection, a.filter || b.filter,
            finds: b.filter || a.filter)
        }
      }
    },
    Law("filter-never-both", "no record satisfies a condition and its not") { trial in
      let collection = try await table(trial)
      for (name, filter) in samples {
        try await trial.expect(
          "\(name) and not \(name)", in: collection, where: filter && !filter, finds: [])
      }
    },
    Law("filter-three-values", "and, or and not follow the tables of three values") { trial in
      let collection = try await trial.shelf(["x": 1])
      let yes = (name: "yes", filter: Filter.eq("v", 1))
      let no = (name: "no", filter: Filter.eq("v", 2))
      let unknown = (name: "unknown", filter: Filter.eq("w", 1))
      // Of each pair: what and gives, what or gives.
      let tables = [
        (yes, yes, "yes", "yes"), (yes, no, "no", "yes"), (yes, unknown, "unknown", "yes"),
        (no, yes, "no", "yes"), (no, no, "no", "no"), (no, unknown, "no", "unknown"),
        (unknown, yes, "unknown", "yes"), (unknown, no, "no", "unknown"),
        (unknown, unknown, "unknown", "unknown"),
      ]
      for (a, b, and, or) in tables {
        for (word, filter, truth) in [
          ("and", a.filter && b.filter, and), ("or", a.filter || b.filter, or),
        ] {
          try await trial.expect(
            "\(a.name) \(word) \(b.name)", in: collection, where: filter,
            finds: truth == "yes" ? ["x"] : [])
          try await trial.expect(
            "not (\(a.name) \(word) \(b.name))", in: collection, where: !filter,
            finds: truth == "no" ? ["x"] : [])
        }
      }
    },
    Law("filter-wide", "and and or join many conditions as they join two") { trial in
      let collection = try await trial.shelf(["a": 1, "b": 2, "c": 3])
      let each: [Filter] = (0..<40).map { .eq("v", .int($0)) }
      try await trial.expect(
        "any of 40", in: collection, where: .or(each), finds: ["a", "b", "c"])
      try await trial.expect("all of 40", in: collection, where: .and(each), finds: [])
      let none: [Filter] = (2..<40).map { .ne("v", .int($0)) }
      try await trial.expect("none of 38", in: collection, where: .and(none), finds: ["a"])
    },
    Law("filter-all", "the filter for every record finds every record") { trial in
      let collection = try await table(trial)
      try await trial.expect(
        "all", in: collection, where: .all, finds: TruthTable.records.map(\.id))
      try await trial.expect("not all", in: collection, where: !Filter.all, finds: [])
    },
    Law("filter-empty-collection", "a filter finds nothing where nothing is") { trial in
      let collection = try await trial.anyCollection()
      try await trial.expect("all of nothing", in: collection, where: .all, finds: [])
      try await trial.expect("no filter", in: collection, where: nil, finds: [])
    },
  ]

  // MARK: Sugar

  /// On both sides of the boundary 10, looking like it, missing it, and of other types.
  private static func around10(_ trial: Trial) async throws -> any VectorCollection {
    let collection = try await trial.shelf([
      "nine": 9, "ten": 10, "ten-text": "10.0", "eleven": 11, "nine-text": "9", "word": "ten",
      "null": .null, "true": true, "list": [10],
    ])
    try await collection.insert([Record(id: "missing", vector: [1, 0])])
    return collection
  }

  private static let sugar: [Law] = [
    Law("filter-ge-number", "ge with a number is gt or the number, and false for the rest") {
      let collection = try await around10($0)
      try await $0.expect(
        "ge 10", in: collection, where: .ge("v", 10), finds: ["ten", "ten-text", "eleven"])
      try await $0.expect(
        "not ge 10", in: collection, where: .not(.ge("v", 10)),
        finds: ["nine", "nine-text", "word", "null", "true", "list", "missing"])
    },
    Law("filter-le-number", "le with a number is lt or the number, and false for the rest") {
      let collection = try await around10($0)
      try await $0.expect(
        "le 10", in: collection, where: .le("v", 10),
        finds: ["nine", "nine-text", "ten", "ten-text"])
      try await $0.expect(
        "not le 10", in: collection, where: .not(.le("v", 10)),
        finds: ["eleven", "word", "null", "true", "list", "missing"])
    },
    Law("filter-ge-text", "ge with a text leaves missing fields and nulls out, and so does its not")
    {
      let collection = try await around10($0)
      try await $0.expect(
        "ge \"9\"", in: collection, where: .ge("v", "9"),
        finds: ["nine", "nine-text", "word", "true", "list"])
      try await $0.expect(
        "not ge \"9\"", in: collection, where: .not(.ge("v", "9")),
        finds: ["ten", "ten-text", "eleven"])
    },
    Law("filter-le-text", "le with a text leaves missing fields and nulls out, and so does its not")
    {
      let collection = try await around10($0)
      try await $0.expect(
        "le \"9\"", in: collection, where: .le("v", "9"),
        finds: ["nine", "nine-text", "ten", "ten-text", "eleven"])
      try await $0.expect(
        "not le \"9\"", in: collection, where: .not(.le("v", "9")),
        finds: ["word", "true", "list"])
    },
    Law("filter-ne", "ne finds what is there and is another value, null too") {
      let collection = try await around10($0)
      try await $0.expect(
        "ne 10", in: collection, where: .ne("v", 10),
        finds: ["nine", "ten-text", "eleven", "nine-text", "word", "null", "true", "list"])
      try await $0.expect(
        "ne null", in: collection, where: .ne("v", .null),
        finds: ["nine", "ten", "ten-text", "eleven", "nine-text", "word", "true", "list"])
    },
    Law("filter-between", "ge and le of one number find that number, in every spelling") {
      let collection = try await around10($0)
      try await $0.expect(
        "between 10 and 10", in: collection, where: .ge("v", 10) && .le("v", 10),
        finds: ["ten", "ten-text"])
      try await $0.expect(
        "gt 10 and lt 10", in: collection, where: .gt("v", 10) && .lt("v", 10), finds: [])
    },
    Law("filter-ge-columns", "ge and le order ids and contents by their bytes") {
      let collection = try await around10($0)
      try await $0.expect(
        "id ge ten", in: collection, where: .ge(.id, "ten"),
        finds: ["ten", "ten-text", "true", "word"])
      try await $0.expect(
        "id le list", in: collection, where: .le(.id, "list"), finds: ["eleven", "list"])
      try await $0.expect(
        "content ge nothing", in: collection, where: .ge(.content, ""), finds: [])
    },
    Law("filter-typed", "typed fields ask what the functions ask") { trial in
      let collection = try await around10(trial)
      let number = Field<Int>("v")
      for (name, typed, plain) in [
        ("==", number == 10, Filter.eq("v", 10)), ("!=", number != 10, .ne("v", 10)),
        (">", number > 10, .gt("v", 10)), (">=", number >= 10, .ge("v", 10)),
        ("<", number < 10, .lt("v", 10)), ("<=", number <= 10, .le("v", 10)),
        ("in", number.isIn([9, 11]), .in("v", [9, 11])), ("exists", number.exists, .exists("v")),
      ] {
        try await expect(trial, "v \(name) 10, typed", in: collection, typed, finds: plain)
      }
    },
  ]

  // MARK: Patterns

  private static let patterns: [Law] = [
    like("filter-like-start", "a star at the start stands for any beginning", "*na", "banana"),
    like("filter-like-end", "a star at the end stands for any end", "an*", "ananas and"),
    like(
      "filter-like-middle", "a star in the middle stands for any middle", "a*a", "a_a a%a abba a\\a"
    ),
    like("filter-like-several", "every star stands for a run of its own", "*n*n*", "banana ananas"),
    like("filter-like-no-run", "a star stands for nothing, too", "b*an*an*a", "banana"),
    like("filter-like-none", "a pattern without a star is the whole text", "an", ""),
    like("filter-like-whole", "a pattern finds the text that it is", "and", "and"),
    like("filter-like-percent", "a percent sign is a percent sign", "a%a", "a%a"),
    like("filter-like-underscore", "an underscore is an underscore", "a_a", "a_a"),
    like("filter-like-backslash", "a backslash is a backslash", "a\\*", "a\\a"),
    like("filter-like-case", "a pattern is told apart by case", "B*", "Berry"),
    like("filter-like-bytes", "a pattern is compared by bytes", "*e\u{301}", "cafe\u{301}"),
    Law("filter-like-star", "a lone star finds every text, and no null or missing field") { trial in
      let collection = try await fruit(trial)
      try await trial.expect(
        "like *", in: collection, where: .like("v", "*"),
        finds: words + ["empty", "number", "list"])
      try await trial.expect(
        "like **", in: collection, where: .like("v", "**"),
        finds: words + ["empty", "number", "list"])
      try await trial.expect(
        "not like *", in: collection, where: .not(.like("v", "*")), finds: [])
    },
    Law("filter-like-empty", "an empty pattern finds the empty text alone") { trial in
      let collection = try await fruit(trial)
      try await trial.expect(
        "like nothing", in: collection, where: .like("v", ""), finds: ["empty"])
    },
    Law("filter-like-text-of", "a pattern sees the text of numbers and lists") { trial in
      let collection = try await fruit(trial)
      try await trial.expect(
        "like 12*", in: collection, where: .like("v", "12*"), finds: ["number"])
      try await trial.expect(
        "like [1, *]", in: collection, where: .like("v", "[1, *]"), finds: ["list"])
    },
    Law("filter-like-not", "not like leaves missing fields and nulls out") { trial in
      let collection = try await fruit(trial)
      try await trial.expect(
        "not like *a*", in: collection, where: .not(.like("v", "*a*")),
        finds: ["Berry", "empty", "number", "list"])
    },
    Law("filter-like-columns", "a pattern finds ids and contents") { trial in
      let collection = try await trial.anyCollection()
      try await collection.upsert(TruthTable.records)
      try await trial.expect(
        "id like str*", in: collection, where: .like(.id, "str*"),
        finds: TruthTable.records.map(\.id).filter { $0.hasPrefix("str") })
      try await trial.expect(
        "content like *l*", in: collection, where: .like(.content, "*l*"), finds: ["c_hello"])
    },
    Law("filter-like-hard", "a pattern of many stars over one letter is answered soon") { trial in
      let text = String(repeating: "a", count: 2_000)
      let collection = try await trial.shelf(["x": .string(text)])
      let pattern = String(repeating: "*a", count: 30)
      try await trial.expect(
        "like *a…", in: collection, where: .like("v", pattern), finds: ["x"])
      try await trial.expect(
        "like *a…b", in: collection, where: .like("v", pattern + "b"), finds: [])
    },
  ]

  private static let words = [
    "banana", "ananas", "and", "a_a", "a%a", "abba", "Berry", "a\\a", "cafe\u{301}", "caf\u{E9}",
  ]

  /// Words under their own names, and some that are none.
  private static func fruit(_ trial: Trial) async throws -> any VectorCollection {
    let collection = try await trial.shelf([
      "empty": "", "number": 125, "list": [1, 2, 3], "null": .null,
    ])
    try await collection.insert(
      words.map { Record(id: $0, vector: [1, 0], metadata: ["v": .string($0)]) }
        + [Record(id: "missing", vector: [1, 0])])
    return collection
  }

  private static func like(
    _ id: String, _ sentence: String, _ pattern: String, _ ids: String
  ) -> Law {
    Law(id, sentence) { trial in
      let collection = try await fruit(trial)
      try await trial.expect(
        "like \(pattern)", in: collection, where: .like("v", pattern),
        finds: ids.split(separator: " ").map(String.init))
    }
  }

  // MARK: Refusals and limits

  private static let refusals: [Law] = [
    Law("filter-refused-alike", "an invalid filter is refused by every verb, and deletes nothing") {
      let collection = try await table($0)
      let invalid: [(String, Filter)] = [
        ("an empty and", .and([])), ("an empty or", .or([])), ("an empty in", .in("rank", [])),
        ("null ordered", .gt("rank", .null)), ("an unknown column", .eq(.column("vector"), "x")),
        ("a blank path", .exists(.metadata("a", ""))), ("a number as id", .eq(.id, 1)),
        ("a number as pattern's column", .like(.column("rank"), "*")),
        ("a pattern with NUL", .like("rank", "a\0*")), ("NaN", .lt("rank", .double(.nan))),
        ("an invalid part of a valid or", .or(.all, .eq(.column("x"), "x"))),
        ("the not of an invalid filter", .not(.in(.id, []))),
      ]
      for (name, filter) in invalid {
        try await $0.expectRefusal(of: name, in: collection, where: filter)
      }
    },
    Law("filter-refused-empty", "an invalid filter is refused where there is nothing to find") {
      let collection = try await $0.anyCollection()
      try await $0.expectRefusal(of: "an empty and", in: collection, where: .and([]))
    },
    Law("filter-refused-reason", "a refusal names what it refuses") { trial in
      let collection = try await trial.anyCollection()
      let error = try await trial.expectRefusal(.invalidFilter, of: "an unknown column") {
        _ = try await collection.count(where: .eq(.column("flavour"), "x"))
      }
      try trial.expectMessage(of: error, toName: "flavour")
    },
    Law("filter-depth", "64 conditions inside each other are answered, 65 are refused") { trial in
      let collection = try await trial.shelf(["a": 1, "b": 2])
      var filter = Filter.eq("v", 1)
      for _ in 1..<Limits.filterDepthMax { filter = .not(filter) }
      try trial.expect("the depth", filter.depth, equals: Limits.filterDepthMax)
      try await trial.expect("63 nots", in: collection, where: filter, finds: ["b"])
      try await trial.expectRefusal(of: "64 nots", in: collection, where: .not(filter))
      var joined = Filter.eq("v", 1)
      for _ in 1..<Limits.filterDepthMax { joined = joined && .exists("v") }
      try await trial.expect("63 ands", in: collection, where: joined, finds: ["a"])
      try await trial.expectRefusal(
        of: "64 ands", in: collection, where: joined && .exists("v"))
    },
    Law("filter-nodes", "a filter of too many conditions is refused") { trial in
      let collection = try await trial.shelf(["a": 1, "b": 2])
      let most = [Filter](repeating: .eq("v", 1), count: Limits.filterNodesMax - 1)
      try await trial.expect("the most", in: collection, where: .or(most), finds: ["a"])
      try await trial.expectRefusal(
        of: "one more", in: collection, where: .or(most + [.exists("v")]))
    },
    Law("filter-values", "a filter of too many values is refused") { trial in
      let collection = try await trial.shelf(["a": 1, "b": -1])
      let most: [Value] = (0..<Limits.filterValuesMax).map { .int(Int64($0)) }
      try await trial.expect("the most", in: collection, where: .in("v", most), finds: ["a"])
      try await trial.expectRefusal(
        of: "one more", in: collection, where: .in("v", most + [-1]))
      try await trial.expectRefusal(
        of: "one more in a second list", in: collection, where: .in("v", most) || .in("v", [-1]))
    },
    Law("filter-path-length", "a path of 64 segments is followed, one of 65 is refused") { trial in
      let depth = min(trial.capabilities.metadataDepthMax, Limits.pathSegmentsMax)
      var value: Value = "end"
      for _ in 1..<depth { value = ["k": value] }
      let collection = try await trial.anyCollection()
      try await collection.insert([Record(id: "deep", vector: [1, 0], metadata: ["k": value])])
      let path = [String](repeating: "k", count: depth)
      try await trial.expect(
        "\(depth) segments", in: collection, where: .eq(.metadata(path), "end"), finds: ["deep"])
      let long = [String](repeating: "k", count: Limits.pathSegmentsMax + 1)
      try await trial.expectRefusal(
        of: "a path too long", in: collection, where: .exists(.metadata(long)))
    },
    Law("filter-delete", "a delete by filter takes what a count by it counts, and nothing else") {
      let collection = try await table($0)
      let filter = Filter.not(.eq("rank", 10))
      let canDelete = try await $0.has(.deleteWhere) { try await collection.delete(where: filter) }
      guard canDelete else { return }
      let count = try await collection.count(where: filter)
      try $0.expect("to delete", try await collection.delete(where: filter), equals: count)
      try await $0.expect("the rest", in: collection, where: filter, finds: [])
      try $0.expect("to count the rest", try await collection.count(), equals: 28 - count)
      try $0.expect("to delete again", try await collection.delete(where: filter), equals: 0)
    },
    Law("filter-sees-writes", "a filter sees the metadata written last") { trial in
      let collection = try await trial.shelf(["a": 1, "b": 2])
      try await collection.upsert([Record(id: "a", vector: [1, 0], metadata: ["v": 2])])
      try await trial.expect("1", in: collection, where: .eq("v", 1), finds: [])
      try await trial.expect("2", in: collection, where: .eq("v", 2), finds: ["a", "b"])
      try await collection.upsert([Record(id: "a", vector: [1, 0])])
      try await trial.expect("v", in: collection, where: .exists("v"), finds: ["b"])
    },
  ]
}
