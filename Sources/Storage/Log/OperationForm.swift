package import RoostContract

// The payload of a commit: the number of its operations, then each as a tag and its parts.

/// The tags of operations, as FORMAT.md has them.
package enum OperationTag: UInt8, CaseIterable, Sendable {
  case createCollection = 1
  case dropCollection, migrateCollection, put, delete, putIndex, dropIndex
}

/// Operations as the payload of a commit.
package enum OperationForm {
  /// The payload of some operations, in collections of these element types.
  ///
  /// A collection that the operations create themselves need not be among the types.
  package static func encode(
    _ operations: [Operation], elements: [UInt64: ElementType]
  ) -> [UInt8] {
    var elements = elements
    var writer = ByteWriter(reserving: estimate(operations, elements))
    writer.varint(UInt64(operations.count))
    for operation in operations {
      if case .createCollection(let entry) = operation { elements[entry.number] = entry.element }
      writer.operation(operation, elements)
    }
    return writer.bytes
  }

  /// About how long the payload will be, so that it is not moved while it grows.
  private static func estimate(
    _ operations: [Operation], _ elements: [UInt64: ElementType]
  ) -> Int {
    var size = 16
    for operation in operations {
      size += 64
      guard case .put(let collection, let record) = operation else { continue }
      size += record.vector.count * (elements[collection] ?? .f32).byteCount
      size += 24 * record.metadata.count + (record.content?.utf8.count ?? 0)
    }
    return size
  }

  /// The operations of a payload; refuses vectors of another element type than their collection's.
  ///
  /// Collections that the operations create or drop are added to the types and taken out.
  package static func decode(
    _ payload: ByteReader, elements: inout [UInt64: ElementType]
  ) throws(StorageError) -> [Operation] {
    var reader = payload
    // The shortest operation is a tag and the number of a collection.
    let count = try reader.count(ofAtLeast: 2)
    guard count > 0 else { throw reader.damaged(.count) }
    var operations: [Operation] = []
    for _ in 0..<count { operations.append(try reader.operation(&elements)) }
    try reader.finish()
    return operations
  }
}

extension ByteWriter {
  fileprivate mutating func operation(_ operation: Operation, _ elements: [UInt64: ElementType]) {
    switch operation {
    case .createCollection(let entry):
      tag(.createCollection)
      collection(entry)
    case .dropCollection(let number):
      tag(.dropCollection)
      varint(number)
    case .migrateCollection(let number):
      tag(.migrateCollection)
      varint(number)
    case .put(let collection, let record):
      guard let element = elements[collection] else {
        preconditionFailure("a record is put into collection \(collection), which is not there")
      }
      tag(.put)
      varint(collection)
      self.record(record, element)
    case .delete(let collection, let id):
      tag(.delete)
      varint(collection)
      text(id)
    case .putIndex(let collection, let name, let spec):
      tag(.putIndex)
      varint(collection)
      index(name, spec)
    case .dropIndex(let collection, let name):
      tag(.dropIndex)
      varint(collection)
      text(name)
    }
  }

  private mutating func tag(_ tag: OperationTag) { u8(tag.rawValue) }

  private mutating func record(_ record: StoredRecord, _ element: ElementType) {
    text(record.id)
    u8(element.code)
    varint(UInt64(record.vector.count))
    ElementCoding.append(record.vector, as: element, to: &bytes)
    metadata(record.metadata)
    content(record.content)
  }

  /// A byte that says whether there is content, and the content.
  package mutating func content(_ content: String?) {
    u8(content == nil ? 0 : 1)
    if let content { text(content) }
  }
}

extension ByteReader {
  fileprivate mutating func operation(
    _ elements: inout [UInt64: ElementType]
  ) throws(StorageError) -> Operation {
    let code = try u8()
    switch OperationTag(rawValue: code) {
    case .createCollection:
      let entry = try collection()
      elements[entry.number] = entry.element
      return .createCollection(entry)
    case .dropCollection:
      let number = try varint()
      elements[number] = nil
      return .dropCollection(number)
    case .migrateCollection: return .migrateCollection(try varint())
    case .put:
      let collection = try varint()
      return .put(collection: collection, try record(elements[collection]))
    case .delete:
      return .delete(collection: try varint(), id: try text(bytesMax: Limits.idBytesMax))
    case .putIndex:
      let collection = try varint()
      let (name, spec) = try index()
      return .putIndex(collection: collection, name: name, spec)
    case .dropIndex: return .dropIndex(collection: try varint(), name: try text())
    case nil: throw damaged(.value, found: UInt64(code))
    }
  }

  private mutating func record(_ expected: ElementType?) throws(StorageError) -> StoredRecord {
    let id = try text(bytesMax: Limits.idBytesMax)
    let element = try element()
    if let expected, expected != element {
      throw damaged(.value, found: UInt64(element.code), expected: UInt64(expected.code))
    }
    let vector = try vector(try dimension(), as: element)
    return StoredRecord(id: id, vector: vector, metadata: try metadata(), content: try content())
  }

  /// What `ByteWriter.content` wrote.
  package mutating func content() throws(StorageError) -> String? {
    let flag = try u8()
    guard flag <= 1 else { throw damaged(.value, found: UInt64(flag), expected: 1) }
    return flag == 0 ? nil : try text(bytesMax: Limits.contentBytesMax)
  }
}
