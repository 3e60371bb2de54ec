// The way back from records to types. A read may have left parts out: a vector that was not asked
// for is nil, or an empty list where the type does not allow nil; a content is nil; metadata, of
// which nobody could say what is missing and what was left out, has to be there.

extension Value {
  /// Decodes a type from this value.
  public func decoded<T: Decodable>(as type: T.Type = T.self) throws -> T {
    let run = CodingRun()
    do {
      return try ValueDecoder(run: run, source: .value(self)).decode(type)
    } catch {
      throw run.refusal(of: error, subject: "the value", type: type, code: .schemaMismatch)
    }
  }
}

extension Record {
  /// Decodes the record as its type.
  ///
  /// A vector that was not read becomes nil, or an empty list where the type does not allow nil; a
  /// content that was not read becomes nil. A record read without its metadata cannot be decoded
  /// unless its type has none.
  public func decoded<Item: VectorRecord>(as type: Item.Type = Item.self) throws -> Item {
    let layout = Item.layout
    try layout.check(for: type)
    let run = CodingRun()
    do {
      return try ValueDecoder(run: run, source: .record(self, layout)).decode(type)
    } catch {
      throw run.refusal(
        of: error, subject: "record \(quoted(id))", type: type, code: .schemaMismatch)
    }
  }
}

/// One place that is being decoded.
struct ValueDecoder: Decoder {
  /// What stands there.
  enum Source {
    case record(Record, RecordLayout)
    /// The id is text, and may have been a number.
    case id(String)
    case vector([Float])
    case value(Value)

    /// The value, for a message or for a type that is one value.
    var value: Value {
      switch self {
      case .record(let record, _): .object(record.metadata ?? [:])
      case .id(let text): .string(text)
      case .vector(let numbers): numbers.value
      case .value(let value): value
      }
    }
  }

  let run: CodingRun
  let source: Source
  var codingPath: [any CodingKey] = []
  var depth = 1

  var userInfo: [CodingUserInfoKey: Any] { [:] }

  /// The decoder of a part.
  fileprivate func inner(_ source: Source, at key: any CodingKey) throws -> ValueDecoder {
    let path = codingPath + [key]
    guard depth < CodingRun.depthMax else { throw CodingRun.tooDeep(path) }
    return ValueDecoder(run: run, source: source, codingPath: path, depth: depth + 1)
  }

  // MARK: Decoder

  func container<Key: CodingKey>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> {
    switch source {
    case .record(let record, let layout):
      return KeyedDecodingContainer(
        StoredMembers<Key>(decoder: self, members: .record(record, layout)))
    case .value(.object(let metadata)):
      return KeyedDecodingContainer(StoredMembers<Key>(decoder: self, members: .object(metadata)))
    default:
      throw mismatch([String: Value].self)
    }
  }

  func unkeyedContainer() throws -> any UnkeyedDecodingContainer {
    guard case .array(let values) = source.value else { throw mismatch([Value].self) }
    return StoredElements(decoder: self, values: values)
  }

  func singleValueContainer() -> any SingleValueDecodingContainer { StoredSingle(decoder: self) }

  fileprivate var isNil: Bool {
    guard case .value(.null) = source else { return false }
    return true
  }

  private func mismatch(_ type: Any.Type, because error: (any Error)? = nil) -> DecodingError {
    .typeMismatch(
      type,
      DecodingError.Context(
        codingPath: codingPath, debugDescription: "is \(source.value.summary)",
        underlyingError: error))
  }

  // MARK: Values

  /// Decodes what stands here, as a whole.
  fileprivate func decode<T: Decodable>(_ type: T.Type) throws -> T {
    if case .vector(let numbers) = source, let found = Self.numbers(numbers, as: type) {
      return found
    }
    if let one = type as? any ValueCodable.Type, let found = try read(one) as? T { return found }
    return try run.call(at: codingPath) { try T(from: self) }
  }

  private static func numbers<T>(_ numbers: [Float], as type: T.Type) -> T? {
    if type == [Float].self { return numbers as? T }
    if type == ContiguousArray<Float>.self { return ContiguousArray(numbers) as? T }
    return type == [Double].self ? numbers.map(Double.init) as? T : nil
  }

  /// Reads a type that is one value.
  private func read(_ type: any ValueCodable.Type) throws -> any ValueCodable {
    guard case .id(let text) = source else {
      do {
        return try type.init(value: source.value)
      } catch {
        throw mismatch(type, because: error)
      }
    }
    // The id that is read must be the id that would be written; `007` is not the number 7, or a
    // record that is read and written again would be another record.
    var problem: (any Error)?
    for value in [.string(text), RecordLayout.number(ofIDText: text)].compactMap(\.self) {
      do {
        let found = try type.init(value: value)
        if RecordLayout.idText(of: found.value).map({ Bytewise.equal($0, text) }) == true {
          return found
        }
      } catch {
        problem = problem ?? error
      }
    }
    throw mismatch(type, because: problem)
  }
}

/// The members of an object, or of a record with its columns among them.
private struct StoredMembers<Key: CodingKey>: KeyedDecodingContainerProtocol {
  enum Members {
    case object(Metadata)
    case record(Record, RecordLayout)
  }

  let decoder: ValueDecoder
  let members: Members

  var codingPath: [any CodingKey] { decoder.codingPath }

  var allKeys: [Key] {
    switch members {
    case .object(let metadata):
      return metadata.compactMap { Key(stringValue: $0.key) }
    case .record(let record, let layout):
      // A type asks for its vector under one of the usual names; the first that it knows is it.
      let vector = record.vector.flatMap { _ in
        layout.vectorNames.first { Key(stringValue: $0) != nil }
      }
      let content = record.content == nil ? nil : layout.content
      let metadata = (record.metadata ?? [:]).map(\.key).filter {
        layout.role(of: $0) == .metadata
      }
      let names = [layout.id, vector, content].compactMap(\.self) + metadata
      return names.compactMap { Key(stringValue: $0) }
    }
  }

  /// What stands under a name; nil where nothing does.
  private func source(_ key: any CodingKey) throws -> ValueDecoder.Source? {
    let name = key.stringValue
    switch members {
    case .object(let metadata): return metadata[name].map { .value($0) }
    case .record(let record, let layout):
      switch layout.role(of: name) {
      case .id: return .id(record.id)
      case .vector: return record.vector.map { .vector($0) }
      case .content: return record.content.map { .value(.string($0)) }
      case .metadata:
        guard let metadata = record.metadata else {
          throw leftOut(key, "metadata", "Read with a projection that has metadata")
        }
        return metadata[name].map { .value($0) }
      }
    }
  }

  private func leftOut(_ key: any CodingKey, _ part: String, _ remedy: String) -> CodingRefusal {
    CodingRefusal(
      path: codingPath + [key], found: "is not there: the record has no \(part)",
      expected: "its type reads it from the \(part)", remedy: remedy)
  }

  /// What stands under a name, or what stands for a column that was not read.
  private func required(
    _ key: any CodingKey, as type: Any.Type? = nil
  ) throws -> ValueDecoder.Source {
    if let source = try source(key) { return source }
    if case .record(_, let layout) = members {
      let allowsNil = type is any ExpressibleByNilLiteral.Type
      switch layout.role(of: key.stringValue) {
      case .vector: return allowsNil ? .value(.null) : .vector([])
      case .content:
        guard !allowsNil else { return .value(.null) }
        throw leftOut(
          key, "content", "Read with a projection that has content, or make the property optional")
      case .id, .metadata: break
      }
    }
    throw DecodingError.keyNotFound(
      key, DecodingError.Context(codingPath: codingPath, debugDescription: "is missing"))
  }

  func contains(_ key: Key) -> Bool {
    do {
      return try source(key) != nil
    } catch {
      // Metadata that was not read may hold anything: reading the value says so.
      return true
    }
  }

  func decodeNil(forKey key: Key) throws -> Bool {
    guard let source = try source(key) else {
      _ = try required(key, as: Value?.self)
      return true
    }
    return try decoder.inner(source, at: key).isNil
  }

  func decode<T: Decodable>(_ type: T.Type, forKey key: Key) throws -> T {
    try decoder.inner(try required(key, as: type), at: key).decode(type)
  }

  func decode(_ type: Int128.Type, forKey key: Key) throws -> Int128 {
    try decoder.inner(try required(key), at: key).decode(type)
  }

  func decode(_ type: UInt128.Type, forKey key: Key) throws -> UInt128 {
    try decoder.inner(try required(key), at: key).decode(type)
  }

  func nestedContainer<Inner: CodingKey>(
    keyedBy type: Inner.Type, forKey key: Key
  ) throws -> KeyedDecodingContainer<Inner> {
    try decoder.inner(try required(key), at: key).container(keyedBy: type)
  }

  func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer {
    try decoder.inner(try required(key), at: key).unkeyedContainer()
  }

  private func superDecoder(at key: any CodingKey) throws -> any Decoder {
    try decoder.inner(try source(key) ?? .value(.null), at: key)
  }

  func superDecoder() throws -> any Decoder { try superDecoder(at: SuperKey()) }

  func superDecoder(forKey key: Key) throws -> any Decoder { try superDecoder(at: key) }
}

private struct StoredElements: UnkeyedDecodingContainer {
  let decoder: ValueDecoder
  let values: [Value]
  var currentIndex = 0

  var codingPath: [any CodingKey] { decoder.codingPath }
  var count: Int? { values.count }
  var isAtEnd: Bool { currentIndex == values.count }

  /// The decoder of the next element, which is taken only when reading it succeeds.
  private mutating func next<Result>(
    as type: Any.Type, _ read: (ValueDecoder) throws -> Result
  ) throws -> Result {
    let key = ElementKey(currentIndex)
    guard !isAtEnd else {
      throw DecodingError.valueNotFound(
        type,
        DecodingError.Context(
          codingPath: codingPath + [key],
          debugDescription: "is missing: the list has \(values.count) elements"))
    }
    let result = try read(try decoder.inner(.value(values[currentIndex]), at: key))
    currentIndex += 1
    return result
  }

  mutating func decodeNil() throws -> Bool {
    guard !isAtEnd else { return try next(as: Value?.self) { _ in true } }
    guard case .null = values[currentIndex] else { return false }
    currentIndex += 1
    return true
  }

  mutating func decode<T: Decodable>(_ type: T.Type) throws -> T {
    try next(as: type) { try $0.decode(type) }
  }

  mutating func decode(_ type: Int128.Type) throws -> Int128 {
    try next(as: type) { try $0.decode(type) }
  }

  mutating func decode(_ type: UInt128.Type) throws -> UInt128 {
    try next(as: type) { try $0.decode(type) }
  }

  mutating func nestedContainer<Inner: CodingKey>(
    keyedBy type: Inner.Type
  ) throws -> KeyedDecodingContainer<Inner> {
    try next(as: [String: Value].self) { try $0.container(keyedBy: type) }
  }

  mutating func nestedUnkeyedContainer() throws -> any UnkeyedDecodingContainer {
    try next(as: [Value].self) { try $0.unkeyedContainer() }
  }

  mutating func superDecoder() throws -> any Decoder { try next(as: Value.self) { $0 } }
}

private struct StoredSingle: SingleValueDecodingContainer {
  let decoder: ValueDecoder

  var codingPath: [any CodingKey] { decoder.codingPath }

  func decodeNil() -> Bool { decoder.isNil }

  func decode<T: Decodable>(_ type: T.Type) throws -> T { try decoder.decode(type) }

  func decode(_ type: Int128.Type) throws -> Int128 { try decoder.decode(type) }

  func decode(_ type: UInt128.Type) throws -> UInt128 { try decoder.decode(type) }
}
