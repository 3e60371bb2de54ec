// Codable values become records without JSON text in between. A value that is one JSON value is
// asked for it; everything else encodes itself into a tree of `ValueEncoder`, which is then read
// off once. The vector of a record is taken as it is and never becomes a list of values.

extension Value {
  /// Encodes anything encodable.
  public init(encoding item: some Encodable) throws {
    let run = CodingRun()
    do {
      let root = ValueEncoder(run: run)
      try root.encodeSingle(item)
      if let fault = run.fault { throw fault }
      self = root.finished.value
    } catch {
      throw run.refusal(
        of: error, subject: "the \(type(of: item))", type: type(of: item), code: .invalidArgument)
    }
  }
}

extension Record {
  /// Encodes a typed record.
  public init(encoding item: some VectorRecord) throws {
    try self.init(encoding: item, subject: "the \(type(of: item))")
  }

  /// Encodes a batch, whole or not at all; an error names the place in the batch.
  package static func encoding<Item: VectorRecord>(_ items: [Item]) throws -> [Record] {
    try items.enumerated().map { index, item in
      try Record(encoding: item, subject: "the \(Item.self) at position \(index)")
    }
  }

  private init<Item: VectorRecord>(
    encoding item: Item, subject: @autoclosure () -> String
  ) throws {
    let layout = Item.layout
    try layout.check(for: Item.self)
    let run = CodingRun()
    do {
      let root = ValueEncoder(run: run, role: .record(layout))
      try run.call(at: []) { try item.encode(to: root) }
      self = try root.record(layout)
    } catch {
      throw run.refusal(of: error, subject: subject(), type: Item.self, code: .invalidArgument)
    }
  }
}

/// One value that is being encoded, and what it holds so far.
final class ValueEncoder: Encoder {
  /// What the value is for.
  enum Role {
    case record(RecordLayout)
    case vector
    case value
  }

  /// One finished or unfinished part of a value.
  enum Part {
    case done(Value)
    case vector([Float])
    case open(ValueEncoder)

    /// The part as a value; parts nest no deeper than `CodingRun.depthMax`.
    var value: Value {
      switch self {
      case .done(let value): value
      case .vector(let numbers): numbers.value
      case .open(let encoder): encoder.finished.value
      }
    }
  }

  private enum Shape { case undecided, single, keyed, unkeyed }

  let codingPath: [any CodingKey]
  let role: Role
  fileprivate let run: CodingRun
  private let depth: Int

  private var shape = Shape.undecided
  /// The keys of a keyed value, one for each part.
  private var names: [String] = []
  fileprivate private(set) var parts: [Part] = []

  var userInfo: [CodingUserInfoKey: Any] { [:] }

  init(
    run: CodingRun, role: Role = .value, codingPath: [any CodingKey] = [], depth: Int = 1
  ) {
    self.run = run
    self.role = role
    self.codingPath = codingPath
    self.depth = depth
  }

  // MARK: Encoder

  func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
    KeyedEncodingContainer(KeyedParts<Key>(encoder: taking(.keyed)))
  }

  func unkeyedContainer() -> any UnkeyedEncodingContainer {
    UnkeyedParts(encoder: taking(.unkeyed))
  }

  func singleValueContainer() -> any SingleValueEncodingContainer { SinglePart(encoder: self) }

  /// This encoder, or where it is already of another shape one whose parts go nowhere: the run then
  /// fails, but the call that went wrong cannot throw.
  private func taking(_ wanted: Shape) -> ValueEncoder {
    guard shape == .undecided || shape == wanted else {
      run.note(mixed)
      return ValueEncoder(run: run, codingPath: codingPath, depth: depth)
    }
    shape = wanted
    return self
  }

  private var mixed: CodingRefusal {
    CodingRefusal(
      path: codingPath, found: "encodes itself in two shapes at once",
      expected: "a value is keyed, a list, or single", remedy: "Mend its encode(to:)")
  }

  // MARK: Parts

  /// What a value under a key becomes.
  fileprivate func part<T: Encodable>(_ value: T, at key: any CodingKey) throws -> Part {
    let role = role(at: key)
    let path = codingPath + [key]
    if let part = try Self.wholePart(value, role, path) { return part }
    guard depth < CodingRun.depthMax else { throw CodingRun.tooDeep(path) }
    let inner = ValueEncoder(run: run, role: role, codingPath: path, depth: depth + 1)
    try run.call(at: path) { try value.encode(to: inner) }
    return inner.finished
  }

  /// Encodes a value as the one that this encoder stands for.
  fileprivate func encodeSingle<T: Encodable>(_ value: T) throws {
    if let part = try Self.wholePart(value, role, codingPath) { return try setSingle(part) }
    guard shape == .undecided else { throw mixed }
    try run.call(at: codingPath) { try value.encode(to: self) }
  }

  /// The part that a value is without encoding itself piece by piece; nil where it has to.
  private static func wholePart<T: Encodable>(
    _ value: T, _ role: Role, _ path: [any CodingKey]
  ) throws -> Part? {
    if case .vector = role, let numbers = try numbers(value, path) { return .vector(numbers) }
    return (value as? any ValueCodable).map { .done($0.value) }
  }

  private func role(at key: any CodingKey) -> Role {
    guard case .record(let layout) = role, layout.role(of: key.stringValue) == .vector else {
      return .value
    }
    return .vector
  }

  /// The numbers of a vector that is a list of numbers; nil for any other value.
  private static func numbers(_ value: some Encodable, _ path: [any CodingKey]) throws -> [Float]? {
    switch value {
    case let numbers as [Float]: numbers
    case let numbers as ContiguousArray<Float>: Array(numbers)
    case let numbers as [Double]:
      try numbers.indices.map { try number(.double(numbers[$0]), $0, path) }
    default: nil
    }
  }

  /// One number of a vector.
  private static func number(
    _ value: Value, _ index: Int, _ path: [any CodingKey]
  ) throws -> Float {
    guard let number = try? Float(value: value) else {  // The error below names the place as well.
      throw CodingRefusal(
        path: path + [ElementKey(index)], found: "is \(value.summary)",
        expected: "a vector holds numbers of at most \(Float.greatestFiniteMagnitude)",
        remedy: "Leave the record out, or embed it again")
    }
    return number
  }

  /// Puts a part under a name; the last of a repeated name wins.
  fileprivate func set(_ part: Part, _ name: String) {
    names.append(name)
    parts.append(part)
  }

  fileprivate func append(_ part: Part) { parts.append(part) }

  /// Makes the whole value one part.
  fileprivate func setSingle(_ part: Part) throws {
    guard shape == .undecided else { throw mixed }
    shape = .single
    parts = [part]
  }

  /// An encoder for a part that is written piece by piece; too deep, it leads nowhere.
  fileprivate func inner(at key: any CodingKey, attach: (Part) -> Void) -> ValueEncoder {
    let path = codingPath + [key]
    guard depth < CodingRun.depthMax else {
      run.note(CodingRun.tooDeep(path))
      return ValueEncoder(run: run, codingPath: codingPath, depth: depth)
    }
    let inner = ValueEncoder(run: run, role: role(at: key), codingPath: path, depth: depth + 1)
    attach(.open(inner))
    return inner
  }

  /// The encoder that already writes under a name, where there is one: asking twice for a nested
  /// container goes on with the first.
  fileprivate func openEncoder(at name: String) -> ValueEncoder? {
    for (other, part) in zip(names, parts).reversed() where Bytewise.equal(other, name) {
      if case .open(let encoder) = part { return encoder }
    }
    return nil
  }

  // MARK: Results

  /// What this encoder has been given.
  fileprivate var finished: Part {
    switch shape {
    case .undecided: .done(.object([:]))
    case .single: parts[0]
    case .keyed: .done(.object(Metadata(zip(names, parts.map(\.value)))))
    case .unkeyed: .done(.array(parts.map(\.value)))
    }
  }

  /// The record that this encoder has been given.
  fileprivate func record(_ layout: RecordLayout) throws -> Record {
    guard shape == .keyed else {
      throw CodingRefusal(
        path: [], found: "encodes no keys",
        expected: "a record encodes at least an id and a vector",
        remedy: "Encode it with a keyed container")
    }
    var id: (name: String, value: Value)?
    var content: (name: String, value: Value)?
    var vector: (name: String, numbers: [Float])?
    var metadata: [(String, Value)] = []
    for (name, part) in zip(names, parts) {
      switch layout.role(of: name) {
      case .metadata: metadata.append((name, part.value))
      case .id: id = (name, part.value)
      case .content: content = (name, part.value)
      case .vector:
        guard let numbers = try vectorNumbers(part, name) else { continue }
        if let vector, !Bytewise.equal(vector.name, name) {
          throw CodingRefusal(
            path: [],
            found: "encodes both \(quoted(vector.name)) and \(quoted(name))",
            expected: "only one of them can be the vector",
            remedy: "Declare a static layout that names it")
        }
        vector = (name, numbers)
      }
    }
    guard let vector else {
      let names = layout.vectorNames.map(quoted).joined(separator: " or ")
      throw CodingRefusal(
        path: [], found: "encodes no vector under \(names)", expected: "every record has a vector",
        remedy: "Give it one, or declare a static layout that names its key")
    }
    return Record(
      id: try idText(id, layout), vector: vector.numbers, metadata: Metadata(metadata),
      content: try contentText(content))
  }

  private func vectorNumbers(_ part: Part, _ name: String) throws -> [Float]? {
    let path: [any CodingKey] = [NameKey(name)]
    let part =
      if case .open(let encoder) = part { encoder.finished } else { part }
    switch part {
    case .vector(let numbers): return numbers
    case .done(.null): return nil
    case .done(.array(let values)):
      return try values.indices.map { try Self.number(values[$0], $0, path) }
    default:
      throw CodingRefusal(
        path: path, found: "is \(part.value.summary)", expected: "a vector is a list of numbers",
        remedy: "Encode the vector as such a list, or declare a static layout that names it")
    }
  }

  private func idText(
    _ id: (name: String, value: Value)?, _ layout: RecordLayout
  ) throws -> String {
    guard let id else {
      throw CodingRefusal(
        path: [], found: "encodes no id under \(quoted(layout.id))",
        expected: "every record has an id",
        remedy: "Give it one, or declare a static layout that names its key")
    }
    guard let text = RecordLayout.idText(of: id.value) else {
      throw CodingRefusal(
        path: [NameKey(id.name)], found: "is \(id.value.summary)",
        expected: "an id is a text or a whole number",
        remedy: "Encode it as one of the two, or declare a static layout that names another key")
    }
    return text
  }

  private func contentText(_ content: (name: String, value: Value)?) throws -> String? {
    switch content?.value {
    case nil, .null: return nil
    case .string(let text): return text
    case let value?:
      throw CodingRefusal(
        path: content.map { [NameKey($0.name)] } ?? [], found: "is \(value.summary)",
        expected: "the content of a record is a text",
        remedy: "Declare a static layout with another key for the content, or content: nil")
    }
  }
}

/// A key that is only a name.
private struct NameKey: CodingKey {
  let stringValue: String

  init(_ name: String) { stringValue = name }

  init?(stringValue: String) { self.init(stringValue) }

  init?(intValue: Int) { nil }

  var intValue: Int? { nil }
}

// The generic `encode` of each container also stands for the ones that the protocols ask for by
// type: numbers, truth values and texts are values of their own, and found so.

private struct KeyedParts<Key: CodingKey>: KeyedEncodingContainerProtocol {
  let encoder: ValueEncoder

  var codingPath: [any CodingKey] { encoder.codingPath }

  func encodeNil(forKey key: Key) { encoder.set(.done(.null), key.stringValue) }

  func encode<T: Encodable>(_ value: T, forKey key: Key) throws {
    encoder.set(try encoder.part(value, at: key), key.stringValue)
  }

  func encode(_ value: Int128, forKey key: Key) throws {
    encoder.set(.done(value.value), key.stringValue)
  }

  func encode(_ value: UInt128, forKey key: Key) throws {
    encoder.set(.done(value.value), key.stringValue)
  }

  private func inner(at key: any CodingKey) -> ValueEncoder {
    encoder.openEncoder(at: key.stringValue)
      ?? encoder.inner(at: key) { encoder.set($0, key.stringValue) }
  }

  func nestedContainer<Inner: CodingKey>(
    keyedBy type: Inner.Type, forKey key: Key
  ) -> KeyedEncodingContainer<Inner> {
    inner(at: key).container(keyedBy: type)
  }

  func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedEncodingContainer {
    inner(at: key).unkeyedContainer()
  }

  func superEncoder() -> any Encoder { inner(at: SuperKey()) }

  func superEncoder(forKey key: Key) -> any Encoder { inner(at: key) }
}

private struct UnkeyedParts: UnkeyedEncodingContainer {
  let encoder: ValueEncoder

  var codingPath: [any CodingKey] { encoder.codingPath }
  var count: Int { encoder.parts.count }

  func encodeNil() { encoder.append(.done(.null)) }

  func encode<T: Encodable>(_ value: T) throws {
    encoder.append(try encoder.part(value, at: ElementKey(count)))
  }

  func encode(_ value: Int128) throws { encoder.append(.done(value.value)) }

  func encode(_ value: UInt128) throws { encoder.append(.done(value.value)) }

  private func inner() -> ValueEncoder {
    encoder.inner(at: ElementKey(count)) { encoder.append($0) }
  }

  func nestedContainer<Inner: CodingKey>(
    keyedBy type: Inner.Type
  ) -> KeyedEncodingContainer<Inner> {
    inner().container(keyedBy: type)
  }

  func nestedUnkeyedContainer() -> any UnkeyedEncodingContainer { inner().unkeyedContainer() }

  func superEncoder() -> any Encoder { inner() }
}

private struct SinglePart: SingleValueEncodingContainer {
  let encoder: ValueEncoder

  var codingPath: [any CodingKey] { encoder.codingPath }

  func encodeNil() throws { try encoder.setSingle(.done(.null)) }

  func encode<T: Encodable>(_ value: T) throws { try encoder.encodeSingle(value) }

  func encode(_ value: Int128) throws { try encoder.setSingle(.done(value.value)) }

  func encode(_ value: UInt128) throws { try encoder.setSingle(.done(value.value)) }
}
