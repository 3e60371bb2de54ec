/// The metadata of a record, or any JSON object: values by name.
///
/// Names are told apart by their bytes, so "é" in its two Unicode spellings is two names. Entries
/// stand in the order in which Postgres keeps `jsonb`: shorter names first, then bytewise; texts of
/// whole objects compare the same on both sides because of it.
public struct Metadata: Sendable {
  private var entries: [(key: String, value: Value)] = []

  /// No values.
  public init() {}

  /// Values by name; the last of a repeated name wins.
  public init(_ pairs: some Sequence<(String, Value)>) {
    // A stable sort keeps repeated names in the order given; the last of each run stays.
    let sorted = pairs.map { (key: $0.0, value: $0.1) }.sorted { Self.precedes($0.key, $1.key) }
    entries.reserveCapacity(sorted.count)
    for entry in sorted {
      if let last = entries.last, Bytewise.equal(last.key, entry.key) { entries.removeLast() }
      entries.append(entry)
    }
  }

  /// Values that stand in order already, each name once; nil when they do not.
  package init?(ascending pairs: [(key: String, value: Value)]) {
    for index in pairs.indices.dropFirst()
    where !Self.precedes(pairs[index - 1].key, pairs[index].key) { return nil }
    entries = pairs
  }

  /// The value of this name; nil removes it.
  public subscript(key: String) -> Value? {
    get {
      let place = place(of: key)
      guard place.isTaken else { return nil }
      return entries[place.index].value
    }
    set {
      let place = place(of: key)
      switch (place.isTaken, newValue) {
      case (true, let value?): entries[place.index].value = value
      case (true, nil): entries.remove(at: place.index)
      case (false, let value?): entries.insert((key, value), at: place.index)
      case (false, nil): break
      }
    }
  }

  private func place(of key: String) -> (index: Int, isTaken: Bool) {
    var low = 0
    var high = entries.count
    while low < high {
      let middle = (low + high) / 2
      if Self.precedes(entries[middle].key, key) { low = middle + 1 } else { high = middle }
    }
    return (low, low < entries.count && Bytewise.equal(entries[low].key, key))
  }

  private static func precedes(_ a: String, _ b: String) -> Bool {
    let (x, y) = (a.utf8.count, b.utf8.count)
    return x == y ? Bytewise.precedes(a, b) : x < y
  }
}

extension Metadata: RandomAccessCollection {
  /// Where the entries begin.
  public var startIndex: Int { 0 }
  /// How many entries there are.
  public var endIndex: Int { entries.count }
  /// The entry at a place.
  public subscript(position: Int) -> (key: String, value: Value) { entries[position] }
}

extension Metadata: ExpressibleByDictionaryLiteral {
  /// Values by name; the last of a repeated name wins.
  public init(dictionaryLiteral elements: (String, Value)...) { self.init(elements) }
}

extension Metadata: Hashable {
  /// Whether both hold the same names with the same values.
  public static func == (a: Self, b: Self) -> Bool { Value.object(a) == Value.object(b) }

  /// Hashes what equality compares.
  public func hash(into hasher: inout Hasher) { Value.object(self).hash(into: &hasher) }
}

extension Metadata: CustomStringConvertible {
  /// The metadata as a JSON object.
  public var description: String { Value.object(self).json }

  /// The metadata in a JSON object's text; anything but an object is an invalid argument.
  public init(json text: String) throws {
    guard case .object(let metadata) = try Value(json: text) else {
      throw StoreError(
        .invalidArgument, found: "metadata is \(quoted(text))",
        expected: "metadata is a JSON object", remedy: "Wrap the value: {\"name\": value}")
    }
    self = metadata
  }
}
