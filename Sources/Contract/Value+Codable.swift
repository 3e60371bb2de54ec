// A value inside a typed record: `var extra: [String: Value]` keeps whatever it is given. Roost's
// own encoder takes values as they are; other encoders are told what JSON has, and numbers that
// they cannot hold digit for digit become the nearest double.

extension Value: Codable {
  /// Decodes any JSON value.
  ///
  /// A decoder says only by refusing what does not stand there, so each kind is tried in turn; the
  /// last one's refusal is thrown.
  public init(from decoder: any Decoder) throws {
    if let members = try? decoder.container(keyedBy: AnyName.self) {  // Else no object.
      var metadata = Metadata()
      for name in members.allKeys {
        metadata[name.stringValue] = try members.decode(Value.self, forKey: name)
      }
      self = .object(metadata)
      return
    }
    if var elements = try? decoder.unkeyedContainer() {  // Else no array.
      var values: [Value] = []
      while !elements.isAtEnd { values.append(try elements.decode(Value.self)) }
      self = .array(values)
      return
    }
    let single = try decoder.singleValueContainer()
    if single.decodeNil() {
      self = .null
    } else if let value = try? single.decode(Bool.self) {  // Else no truth value.
      self = .bool(value)
    } else if let value = try? single.decode(Int64.self) {  // Else too large, or no whole.
      self = .int(value)
    } else if let value = try? single.decode(UInt64.self) {  // Else too large, or no whole.
      self = value.value
    } else if let value = try? single.decode(Double.self) {  // Else no number.
      self = .double(value)
    } else {
      self = .string(try single.decode(String.self))
    }
  }

  /// Encodes the value as JSON has it.
  public func encode(to encoder: any Encoder) throws {
    switch self {
    case .object(let metadata):
      var members = encoder.container(keyedBy: AnyName.self)
      for (name, value) in metadata { try members.encode(value, forKey: AnyName(name)) }
    case .array(let values):
      var elements = encoder.unkeyedContainer()
      for value in values { try elements.encode(value) }
    default:
      var single = encoder.singleValueContainer()
      switch self {
      case .bool(let value): try single.encode(value)
      case .int(let value): try single.encode(value)
      case .double(let value): try single.encode(value)
      case .decimal(let value): try single.encode(value.doubleValue)
      case .string(let text): try single.encode(text)
      case .null, .array, .object: try single.encodeNil()
      }
    }
  }

  private struct AnyName: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }

    init(_ name: String) { stringValue = name }

    init?(stringValue: String) { self.init(stringValue) }

    init?(intValue: Int) { nil }
  }
}

extension Value: ValueCodable {
  /// Takes the value as it is.
  public init(value: Value) throws { self = value }
}

extension Metadata: Codable {
  /// Decodes a JSON object.
  public init(from decoder: any Decoder) throws {
    try self.init(value: try Value(from: decoder))
  }

  /// Encodes the metadata as a JSON object.
  public func encode(to encoder: any Encoder) throws { try value.encode(to: encoder) }
}

extension Metadata: ValueCodable {
  /// The metadata as a JSON object.
  public var value: Value { .object(self) }

  /// Takes the members of a JSON object; any other value is refused.
  public init(value: Value) throws {
    guard case .object(let members) = value else {
      throw StoreError(unreadable: value, as: Self.self, expected: "a JSON object")
    }
    self = members
  }
}
