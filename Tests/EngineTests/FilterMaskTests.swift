import RoostContract
import RoostEngine
import RoostFiles
import Testing

// A segment turns a filter into a set of rows by its columns, and asks few of their values. Goal:
// nobody can tell. Method: values and constants of all kinds, near each other where answers
// change, and the reference meaning asked of every record and every value.

@Suite("A filter over segments")
struct FilterMaskTests {
  /// Values among which comparisons change their truth.
  private static func value(_ chance: inout SeededNumbers, _ kind: Int) -> Value {
    let near: [Int64] = [0, 9, 100, 1 << 53, -1 << 53, .max - 600, .min]
    func decimal(_ text: String) -> Value { ExactDecimal(text).map { Value($0) } ?? .null }
    switch kind {
    case 0: return .null
    case 1: return .bool(chance.below(2) == 0)
    case 2: return .int(near[chance.below(near.count)] + Int64(chance.below(600)))
    case 3: return .int(Int64(chance.below(40)) - 20)
    case 4: return .double(Double(chance.below(80)) / 4 - 10)
    case 5:
      return .double(
        [-0.0, 0, 1e300, -1e300, Double.leastNonzeroMagnitude, 0x1p53, 0x1p63, 0x1p62, 0.1][
          chance.below(9)])
    case 6:
      return decimal(
        ["1e400", "-1e400", "1.50", "1.5", "9007199254740993.0", "9007199254740993"][
          chance.below(6)])
    case 7: return decimal("\(chance.below(12)).\(chance.below(3))0")
    case 8:
      return .string(
        "\(["", "+", "-", ".", "1e", "/", ":", ","][chance.below(8)])\(chance.below(30))")
    case 9:
      let words = ["", "a", "ab", "abc", "e\u{301}", "é", "true", "null", "\u{10FFFF}", "zz", "*"]
      return .string(words[chance.below(words.count)] + words[chance.below(words.count)])
    default: return .string("user \(chance.below(300))")
    }
  }

  private static func anyValue(_ chance: inout SeededNumbers) -> Value {
    value(&chance, chance.below(11))
  }

  private static func record(_ number: Int, _ chance: inout SeededNumbers) -> Record {
    var metadata: Metadata = ["number": .int(Int64(number))]
    switch chance.below(12) {
    case 0: break
    case 1: metadata["mixed"] = .array([anyValue(&chance), anyValue(&chance)])
    case 2: metadata["mixed"] = .object(["0": anyValue(&chance), "x": anyValue(&chance)])
    case 3: metadata["mixed"] = .string(String(repeating: "long ", count: 100))
    default: metadata["mixed"] = anyValue(&chance)
    }
    metadata["whole"] = value(&chance, 2 + chance.below(2))
    metadata["text"] = value(&chance, 8 + chance.below(3))
    switch chance.below(4) {
    case 0: metadata["deep"] = .array([.object(["x": anyValue(&chance)]), anyValue(&chance)])
    case 1: metadata["deep"] = .object(["x": anyValue(&chance), "1": anyValue(&chance)])
    case 2: metadata["deep"] = .object(["0": .object(["x": anyValue(&chance)])])
    default: break
    }
    return Record(
      id: "\(["p", "é", "1"][number % 3])\(number)", vector: [Float(number), 1],
      metadata: metadata, content: number % 3 == 0 ? nil : "said \(number % 7)")
  }

  private static let paths: [FieldPath] = [
    .metadata("mixed"), .metadata("whole"), .metadata("text"), .metadata("number"),
    .metadata("mixed", "0"), .metadata("mixed", "x"), .metadata("mixed", "-1"),
    .metadata("deep", "x"), .metadata("deep", "1"), .metadata("deep", "0", "x"),
    .metadata("deep"), .metadata("nowhere"), .metadata("key 7"),
  ]

  private static func pattern(_ chance: inout SeededNumbers) -> String {
    let parts = ["*", "a", "ab", "é", "1", "-", "user 1", "", "t", "**", "9", "\u{10FFFF}"]
    return (0..<1 + chance.below(3)).map { _ in parts[chance.below(parts.count)] }.joined()
  }

  private static func comparison(
    _ chance: inout SeededNumbers, _ records: [Record], at path: FieldPath? = nil
  ) -> Filter {
    let path = path ?? paths[chance.below(paths.count)]
    func constant(_ chance: inout SeededNumbers) -> Value {
      if chance.below(2) == 0, let found = path.found(in: records[chance.below(records.count)]) {
        return found
      }
      return chance.below(9) == 0
        ? [.array([]), .object(["x": 1])][chance.below(2)]
        : anyValue(&chance)
    }
    while true {
      let wanted = constant(&chance)
      let filter =
        switch chance.below(10) {
        case 0, 1: Filter.eq(path, wanted)
        case 2: Filter.in(path, (0...chance.below(12)).map { _ in constant(&chance) })
        case 3: Filter.gt(path, wanted)
        case 4: Filter.lt(path, wanted)
        case 5: Filter.ge(path, wanted)
        case 6: Filter.le(path, .double([.infinity, -.infinity, 0.1][chance.below(3)]))
        case 7: Filter.exists(path)
        default: Filter.like(path, pattern(&chance))
        }
      // An order takes no nulls and containers.
      if filter.fault == nil { return filter }
    }
  }

  private static func filter(_ chance: inout SeededNumbers, _ records: [Record]) -> Filter {
    var parts = (0...chance.below(3)).map { _ in
      let part: Filter =
        switch chance.below(12) {
        case 0: .like(.content, "*\(chance.below(7))")
        case 1: .not(.exists(.content))
        case 2: .gt(.id, .string("p\(chance.below(9))"))
        case 3: .like(.id, ["p1*", "*1", "é*", "p10"][chance.below(4)])
        case 4: .in(.id, [.string("p3"), .string("no"), .string("é1")])
        case 5: .lt(.id, "é")
        case 6: FilterDialect.lenient.in(.id, [.null, "p3"])
        default: comparison(&chance, records)
        }
      return chance.below(3) == 0 ? .not(part) : part
    }
    while parts.count > 1 {
      let last = parts.removeLast()
      let joined: Filter = chance.below(2) == 0 ? .and(parts[0], last) : .or(parts[0], last)
      parts[0] = chance.below(4) == 0 ? .not(joined) : joined
    }
    return parts[0]
  }

  @Test("gives the records that match, and no others", arguments: [false, true])
  func matches(_ everyPathHasAColumn: Bool) throws {
    var chance = SeededNumbers(seed: everyPathHasAColumn ? 3 : 4)
    var bed = try IndexedBed(.l2, dimension: 2, indexedRows: 10_000)
    for part in 0..<3 {
      var records = (part * 200..<part * 200 + 200).map { Self.record($0, &chance) }
      if !everyPathHasAColumn {
        for key in 0..<300 { records[key % 50].metadata?["key \(key)"] = .int(Int64(key)) }
      }
      try bed.upsert(records)
      // The last records stay in memory.
      if part < 2 { try bed.store.checkpoint() }
    }
    try bed.delete(["p0", "é1", "p300"])
    for number in 0..<250 {
      let filter = Self.filter(&chance, bed.records)
      let right = bed.records.filter(filter.matches).map(\.id)
      let query = SearchQuery(
        near: [0, 0], limit: 1_000, where: filter, projection: .id, exact: true)
      let found = try bed.found(query).map(\.id)
      try #require(Set(found) == Set(right), "filter \(number): \(filter)")
      #expect(found.count == right.count)
    }
    try bed.store.close()
  }

  /// Values in the order of a column; numbers that share a double stand in any order.
  private static func sorted(_ values: [Value]) -> [Value] {
    var known: [Value] = []
    for value in values where !known.contains(where: { $0.json == value.json }) {
      known.append(value)
    }
    func rank(_ value: Value) -> Int {
      switch value {
      case .null: 0
      case .bool(let value): value ? 2 : 1
      case .string: 4
      default: 3
      }
    }
    return known.sorted { a, b in
      if rank(a) != rank(b) { return rank(a) < rank(b) }
      if let a = a.stringValue, let b = b.stringValue { return Bytewise.precedes(a, b) }
      return (a.doubleValue ?? 0) < (b.doubleValue ?? 0)
    }
  }

  @Test("asks every kind of value what it would have said one by one", arguments: 0..<40)
  func runs(_ seed: Int) throws {
    var chance = SeededNumbers(seed: UInt64(seed))
    let values = Self.sorted((0..<1 + seed * 5).map { _ in Self.anyValue(&chance) })
    let records = values.map { Record(id: "", metadata: ["v": $0]) }
    for _ in 0..<100 {
      let filter = Self.comparison(&chance, records, at: .metadata("v"))
      for node in filter.nodes where node.field != nil {
        let runs = try SortedValues(count: values.count) { values[$0] }.runs(of: node)
        var next = 0
        for run in runs {
          try #require(run.values.lowerBound == next && !run.values.isEmpty)
          next = run.values.upperBound
          let wrong = run.values.first { node.truth(of: values[$0]) != run.truth }
          try #require(wrong == nil, "\(filter) of \(wrong.map { values[$0].json } ?? "")")
        }
        #expect(next == values.count)
      }
    }
  }

  @Test("asks few of many values")
  func fewAsked() throws {
    let plain: [Value] = [.null, .bool(false), .bool(true)]
    let whole = (0..<20_000).map { Value.int(Int64($0) * 7) }
    let large = (0..<20_000).map { Value.int(.max - 20_000_000 + Int64($0) * 1_000) }
    let real = (0..<20_000).map { Value.double(Double($0) / 8 - 100) }
    let text = (10_000..<30_000).map { Value.string("user \($0)") }
    for values in [whole, large, real, text, plain + whole + text] {
      for constant in [values[0], values[12_345], values[19_999], .int(-1), .double(1e300), "u"] {
        let prefix = "user \((constant.integerValue ?? 23_456) % 10_000)"
        let filters: [Filter] = [
          FilterDialect.lenient.eq("v", constant), .in("v", [constant, constant]),
          .gt("v", constant == .null ? 5 : constant), .lt("v", constant == .null ? 5 : constant),
          .exists("v"), .like("v", "\(prefix)9"), .like("v", "\(prefix)*"), .like("v", "u*"),
        ]
        for filter in filters {
          var asked = 0
          _ = try SortedValues(count: values.count) {
            asked += 1
            return values[$0]
          }.runs(of: filter.nodes[0])
          #expect(asked < 100, "\(filter) of \(values.count)")
        }
      }
    }
  }
}
