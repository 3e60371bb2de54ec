package import RoostContract

// Metadata as bytes: every value is a tag and what the tag asks for. There is one form for a value,
// and what is read is what was written, bit for bit: a reader refuses any other form. Containers
// are walked with a list of those still open, for values can be deep and stacks small.

/// The tags of values, as FORMAT.md has them.
package enum ValueTag: UInt8, CaseIterable, Sendable {
  case null, no, yes, int, double, decimal, string, array, object
}

extension ByteWriter {
  /// A container that is being written, and how far that has come.
  private struct Walk {
    enum Container {
      case array([Value])
      case object(Metadata)
    }

    let container: Container
    var index = 0
  }

  /// Metadata: the number of its values, then each name and its value in order.
  package mutating func metadata(_ metadata: Metadata) {
    varint(UInt64(metadata.count))
    var current = Walk(container: .object(metadata))
    var outer: [Walk] = []
    while true {
      var next: Value?
      switch current.container {
      case .array(let values) where current.index < values.count: next = values[current.index]
      case .object(let members) where current.index < members.count:
        let member = members[current.index]
        text(member.key)
        next = member.value
      default: break
      }
      guard let value = next else {
        guard let parent = outer.popLast() else { return }
        current = parent
        continue
      }
      current.index += 1
      if let inner = plainOrOpen(value) {
        outer.append(current)
        current = Walk(container: inner)
      }
    }
  }

  /// A value that holds no others; of an array or object there would be only the head.
  package mutating func scalar(_ value: Value) { _ = plainOrOpen(value) }

  /// Writes a value, of a container only the head; answers the container.
  private mutating func plainOrOpen(_ value: Value) -> Walk.Container? {
    switch value {
    case .null: tag(.null)
    case .bool(let value): tag(value ? .yes : .no)
    case .int(let value):
      tag(.int)
      varint(UInt64(bitPattern: value << 1 ^ value >> 63))
    case .double(let value):
      tag(.double)
      u64(value.bitPattern)
    case .decimal(let value):
      tag(.decimal)
      text(value.json)
    case .string(let value):
      tag(.string)
      text(value)
    case .array(let values):
      tag(.array)
      varint(UInt64(values.count))
      return .array(values)
    case .object(let members):
      tag(.object)
      varint(UInt64(members.count))
      return .object(members)
    }
    return nil
  }

  private mutating func tag(_ tag: ValueTag) { u8(tag.rawValue) }
}

extension ByteReader {
  /// A container that is being read.
  private struct Open {
    let isObject: Bool
    /// How many values are still to come.
    var left: Int
    var values: [Value] = []
    var members: [(key: String, value: Value)] = []
    var key = ""

    mutating func add(_ value: Value) {
      left -= 1
      if isObject { members.append((key, value)) } else { values.append(value) }
    }
  }

  /// Metadata as `ByteWriter.metadata` writes it; anything else is refused.
  package mutating func metadata() throws(StorageError) -> Metadata {
    // A member has at least the length of its name and a tag.
    var current = Open(isObject: true, left: try count(ofAtLeast: 2))
    var outer: [Open] = []
    while true {
      guard current.left > 0 else {
        guard var parent = outer.popLast() else { return try closed(current) }
        parent.add(current.isObject ? .object(try closed(current)) : .array(current.values))
        current = parent
        continue
      }
      if current.isObject { current.key = try text() }
      let code = try u8()
      if let value = try plain(code) {
        current.add(value)
        continue
      }
      switch ValueTag(rawValue: code) {
      case .array, .object:
        // The container that is being read counts as well.
        guard outer.count + 1 < Value.depthMax else {
          throw damaged(
            .range, found: UInt64(outer.count + 2), expected: UInt64(Value.depthMax))
        }
        let isObject = code == ValueTag.object.rawValue
        let left = try count(ofAtLeast: isObject ? 2 : 1)
        outer.append(current)
        current = Open(isObject: isObject, left: left)
      default: throw damaged(.value, found: UInt64(code))
      }
    }
  }

  /// A value that holds no others, as `ByteWriter.scalar` writes it.
  package mutating func scalar() throws(StorageError) -> Value {
    let code = try u8()
    guard let value = try plain(code) else { throw damaged(.value, found: UInt64(code)) }
    return value
  }

  /// The value of a tag; nil where the tag is a container's, or none.
  private mutating func plain(_ code: UInt8) throws(StorageError) -> Value? {
    switch ValueTag(rawValue: code) {
    case .null: return .null
    case .no: return .bool(false)
    case .yes: return .bool(true)
    case .int:
      let folded = try varint()
      return .int(Int64(bitPattern: folded >> 1) ^ -Int64(bitPattern: folded & 1))
    case .double: return .double(try finiteDouble())
    case .decimal: return .decimal(try decimal())
    case .string: return .string(try text())
    case .array, .object, nil: return nil
    }
  }

  private func closed(_ open: Open) throws(StorageError) -> Metadata {
    guard let metadata = Metadata(ascending: open.members) else { throw damaged(.order) }
    return metadata
  }

  private mutating func finiteDouble() throws(StorageError) -> Double {
    let bits = try u64()
    let number = Double(bitPattern: bits)
    guard number.isFinite else { throw damaged(.value, found: bits) }
    return number
  }

  private mutating func decimal() throws(StorageError) -> ExactDecimal {
    let digits = try text()
    guard let number = ExactDecimal(digits), Bytewise.equal(number.json, digits) else {
      throw damaged(.value)
    }
    return number
  }
}
