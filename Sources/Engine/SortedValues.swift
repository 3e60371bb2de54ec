package import RoostContract

// A column with a million values must not be asked a million times for each new comparison. Its
// values stand in order: null, false, true, numbers by the nearest double, texts bytewise. Along
// each of these stretches a comparison is true or false throughout, or changes once, or changes
// only beside a value that can be searched for. So few values are asked, and the reference
// meaning stays the only one that judges them: what is written down here is where its truth
// cannot change. Where that is not known, every value is asked.

/// The distinct values of a column in their order.
package struct SortedValues {
  /// How many there are.
  private let count: Int
  /// Gives one of them.
  private let value: (Int) throws -> Value

  package init(count: Int, value: @escaping (Int) throws -> Value) {
    self.count = count
    self.value = value
  }

  /// Values that follow each other, of which a comparison has one truth.
  package struct Run: Equatable {
    package var values: Range<Int>
    package var truth: Truth
  }

  /// What a comparison makes of the values, in order and without gaps.
  package func runs(of comparison: Filter.Node) throws -> [Run] {
    var runs = Runs(comparison: comparison, value: value)
    let numbersStart = try place(in: 0..<min(3, count)) { $0.isNumber || $0.isText }
    let textsStart = try place(in: numbersStart..<count, from: \.isText)
    let numbers = numbersStart..<textsStart
    let texts = textsStart..<count
    switch comparison {
    case .eq(let field, let wanted):
      try add(equalTo: [wanted], at: field, numbers, texts, to: &runs)
    case .in(let field, let wanted):
      try add(equalTo: wanted, at: field, numbers, texts, to: &runs)
    case .gt(let field, let bound), .lt(let field, let bound):
      try runs.askEach(0..<numbersStart)
      if field.root == .metadata, bound.isNumber {
        try runs.searchTurn(numbers)
        // Texts that look like numbers are compared as such; all others have one truth.
        let heads = Value.numberHeads
        let start = try place(in: texts) { $0.head >= heads.lowerBound }
        let end = try place(in: start..<count) { $0.head > heads.upperBound }
        try runs.askOne(textsStart..<start)
        try runs.askEach(start..<end)
        try runs.askOne(end..<count)
      } else {
        try runs.askPrinted(numbers, beside: bound.comparisonText?.utf8.first)
        try runs.searchTurn(texts)
      }
    case .exists: try runs.askOne(0..<count)
    case .like(_, let pattern):
      let prefix = pattern.utf8.prefix { $0 != UInt8(ascii: "*") }
      let rest = pattern.utf8[prefix.endIndex...]
      try runs.askEach(0..<numbersStart)
      try runs.askPrinted(numbers, beside: prefix.first)
      let start = try place(in: texts) { !$0.bytes.lexicographicallyPrecedes(prefix) }
      // Without a star only one text can match.
      let end =
        rest.isEmpty
        ? min(start + 1, count)
        : try place(in: start..<count) { !$0.bytes.starts(with: prefix) }
      try runs.askOne(textsStart..<start)
      // With nothing but stars after it, the beginning is all that counts.
      if !rest.isEmpty, rest.allSatisfy({ $0 == UInt8(ascii: "*") }) {
        try runs.askOne(start..<end)
      } else {
        try runs.askEach(start..<end)
      }
      try runs.askOne(end..<count)
    case .and, .or, .not: try runs.askOne(0..<count)
    }
    return runs.found
  }

  /// The values that are one of some others are true, and all the rest have one truth.
  private func add(
    equalTo wanted: [Value], at field: FieldPath, _ numbers: Range<Int>, _ texts: Range<Int>,
    to runs: inout Runs
  ) throws {
    var equal: [Int] = []
    for wanted in wanted {
      // Being one of some is being equal to any; a long list is not gone through for each value.
      let comparison = Filter.Node.eq(field, wanted)
      for index in try places(near: wanted, numbers, texts)
      where comparison.truth(of: try value(index)) == .yes { equal.append(index) }
    }
    equal.sort()
    var rest: Truth?
    var next = 0
    for index in equal + [count] where index >= next {
      if next < index {
        let truth = try rest ?? runs.ask(next)
        rest = truth
        runs.append(next..<index, truth)
      }
      if index < count { runs.append(index..<index + 1, .yes) }
      next = index + 1
    }
  }

  /// The values that may be equal to one: a text itself, and of numbers those with its double.
  private func places(
    near wanted: Value, _ numbers: Range<Int>, _ texts: Range<Int>
  ) throws -> Range<Int> {
    switch wanted {
    case .null, .bool: return 0..<numbers.lowerBound
    case .int, .double, .decimal:
      let number = wanted.number
      let start = try place(in: numbers) { $0.number >= number }
      return start..<(try place(in: start..<numbers.upperBound) { $0.number > number })
    case .string(let text):
      let start = try place(in: texts) { !Bytewise.precedes($0.stringValue ?? "", text) }
      return start..<min(start + 1, texts.upperBound)
    case .array, .object: return 0..<0
    }
  }

  /// The first place in a range from which on something holds; its end when it holds nowhere.
  private func place(in range: Range<Int>, from holds: (Value) -> Bool) throws -> Int {
    var low = range.lowerBound
    var high = range.upperBound
    while low < high {
      let middle = (low + high) / 2
      if holds(try value(middle)) { high = middle } else { low = middle + 1 }
    }
    return low
  }
}

/// The runs of a comparison, as they are found from the first value on.
private struct Runs {
  let comparison: Filter.Node
  let value: (Int) throws -> Value
  private(set) var found: [SortedValues.Run] = []

  init(comparison: Filter.Node, value: @escaping (Int) throws -> Value) {
    self.comparison = comparison
    self.value = value
  }

  func ask(_ index: Int) throws -> Truth { comparison.truth(of: try value(index)) }

  mutating func append(_ values: Range<Int>, _ truth: Truth) {
    if let last = found.last, last.truth == truth {
      found[found.count - 1].values = last.values.lowerBound..<values.upperBound
    } else {
      found.append(SortedValues.Run(values: values, truth: truth))
    }
  }

  /// Values that may have any truths.
  mutating func askEach(_ values: Range<Int>) throws {
    for index in values {
      if index % 4_096 == 4_095 { try Task.checkCancellation() }
      append(index..<index + 1, try ask(index))
    }
  }

  /// Values that all have one truth.
  mutating func askOne(_ values: Range<Int>) throws {
    guard let first = values.first else { return }
    append(values, try ask(first))
  }

  /// Values whose truth changes at most once.
  mutating func searchTurn(_ values: Range<Int>) throws {
    guard let first = values.first, let last = values.last else { return }
    let truth = try ask(first)
    let other = try ask(last)
    guard truth != other else { return append(values, truth) }
    var low = first + 1
    var high = last
    while low < high {
      let middle = (low + high) / 2
      if try ask(middle) == truth { low = middle + 1 } else { high = middle }
    }
    append(first..<low, truth)
    append(low..<values.upperBound, other)
  }

  /// Numbers that are compared as texts, whose order is another: beside a text that begins like
  /// no number, all have one truth.
  mutating func askPrinted(_ numbers: Range<Int>, beside head: UInt8?) throws {
    if let head, !Value.numberHeads.contains(head) {
      try askOne(numbers)
    } else {
      try askEach(numbers)
    }
  }
}

extension Value {
  fileprivate var isText: Bool { stringValue != nil }
  fileprivate var bytes: String.UTF8View { (stringValue ?? "").utf8 }
  /// The first byte of a text.
  fileprivate var head: UInt8 { bytes.first ?? 0 }
  fileprivate var number: Double { doubleValue ?? .nan }
}
