// swift-format-ignore-file: AlwaysUseLowerCamelCase, AllPublicDeclarationsHaveDocumentation
public import CRoost
internal import RoostContract
internal import RoostEngine

// Collections, and writing to them, as C calls it.

@c @implementation
public func roost_ensure_collection(
  _ store: OpaquePointer?, _ spec: UnsafePointer<CChar>?,
  _ collection: UnsafeMutablePointer<OpaquePointer?>?,
  _ error: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
) -> roost_status {
  unsafe answer(error) {
    try unsafe require(collection, "collection")
    let store = try HandleTable.shared.store(store)
    let spec = try CollectionSpec(json: try unsafe text(spec, "spec_json"))
    let found = try store.ensureCollection(spec)
    unsafe collection?.pointee = try HandleTable.shared.add(found)
  }
}

@c @implementation
public func roost_open_collection(
  _ store: OpaquePointer?, _ name: UnsafePointer<CChar>?,
  _ collection: UnsafeMutablePointer<OpaquePointer?>?,
  _ error: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
) -> roost_status {
  unsafe answer(error) {
    try unsafe require(collection, "collection")
    let store = try HandleTable.shared.store(store)
    let found = try store.collection(try unsafe text(name, "name"))
    unsafe collection?.pointee = try HandleTable.shared.add(found)
  }
}

@c @implementation
public func roost_drop_collection(
  _ store: OpaquePointer?, _ name: UnsafePointer<CChar>?,
  _ error: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
) -> roost_status {
  unsafe answer(error) {
    let store = try HandleTable.shared.store(store)
    let name = try unsafe text(name, "name")
    guard try store.dropCollection(name) else {
      throw StoreError(
        .notFound, found: "there is no collection \(quoted(name))",
        expected: "it was to be dropped", remedy: "Nothing is left to do")
    }
  }
}

@c @implementation
public func roost_list_collections(
  _ store: OpaquePointer?, _ json: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?,
  _ error: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
) -> roost_status {
  unsafe answer(error) {
    try unsafe require(json, "json")
    let specs = try HandleTable.shared.store(store).listCollections().map(\.json)
    try unsafe give("[" + specs.joined(separator: ",") + "]", to: json)
  }
}

@c @implementation
public func roost_collection_spec(
  _ collection: OpaquePointer?, _ json: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?,
  _ error: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
) -> roost_status {
  unsafe answer(error) {
    try unsafe require(json, "spec_json")
    let spec = try HandleTable.shared.collection(collection).spec()
    try unsafe give(spec.json, to: json)
  }
}

@c @implementation
public func roost_collection_release(_ collection: OpaquePointer?) {
  HandleTable.shared.release(collection, .collection)
}

// MARK: - Indexes

@c @implementation
public func roost_ensure_index(
  _ collection: OpaquePointer?, _ index: UnsafePointer<CChar>?, _ progress: roost_progress?,
  _ context: UnsafeMutableRawPointer?,
  _ error: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
) -> roost_status {
  unsafe answer(error) {
    try LongWork.refuseInCallback("roost_ensure_index")
    let collection = try HandleTable.shared.collection(collection)
    let spec = try IndexSpec(json: try unsafe text(index, "index_json"))
    try unsafe LongWork("index", progress, context).run {
      try collection.ensureIndexes([spec], progress: $0)
    }
  }
}

@c @implementation
public func roost_drop_index(
  _ collection: OpaquePointer?, _ name: UnsafePointer<CChar>?,
  _ error: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
) -> roost_status {
  unsafe answer(error) {
    let collection = try HandleTable.shared.collection(collection)
    let name = try unsafe text(name, "name")
    guard try collection.dropIndex(name) else {
      throw StoreError(
        .notFound,
        found: "collection \(quoted(collection.name)) has no index \(quoted(name))",
        expected: "it was to be dropped", remedy: "Nothing is left to do")
    }
  }
}

// MARK: - Writing

@c @implementation
public func roost_insert(
  _ collection: OpaquePointer?, _ n: Int, _ ids: UnsafePointer<UnsafePointer<CChar>?>?,
  _ vectors: UnsafePointer<Float>?, _ metadata: UnsafePointer<UnsafePointer<CChar>?>?,
  _ contents: UnsafePointer<UnsafePointer<CChar>?>?,
  _ error: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
) -> roost_status {
  unsafe roost_insert_n(
    collection, n, ids, nil, vectors, metadata, nil, contents, nil, error)
}

@c @implementation
public func roost_upsert(
  _ collection: OpaquePointer?, _ n: Int, _ ids: UnsafePointer<UnsafePointer<CChar>?>?,
  _ vectors: UnsafePointer<Float>?, _ metadata: UnsafePointer<UnsafePointer<CChar>?>?,
  _ contents: UnsafePointer<UnsafePointer<CChar>?>?,
  _ error: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
) -> roost_status {
  unsafe roost_upsert_n(
    collection, n, ids, nil, vectors, metadata, nil, contents, nil, error)
}

@c @implementation
public func roost_insert_n(
  _ collection: OpaquePointer?, _ n: Int, _ ids: UnsafePointer<UnsafePointer<CChar>?>?,
  _ idLengths: UnsafePointer<Int>?, _ vectors: UnsafePointer<Float>?,
  _ metadata: UnsafePointer<UnsafePointer<CChar>?>?, _ metadataLengths: UnsafePointer<Int>?,
  _ contents: UnsafePointer<UnsafePointer<CChar>?>?, _ contentLengths: UnsafePointer<Int>?,
  _ error: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
) -> roost_status {
  unsafe answer(error) {
    let texts = try unsafe RecordTexts(
      ids, idLengths, metadata, metadataLengths, contents, contentLengths)
    let collection = try HandleTable.shared.collection(collection)
    try collection.insert(try unsafe texts.records(n, vectors, collection.dimension))
  }
}

@c @implementation
public func roost_upsert_n(
  _ collection: OpaquePointer?, _ n: Int, _ ids: UnsafePointer<UnsafePointer<CChar>?>?,
  _ idLengths: UnsafePointer<Int>?, _ vectors: UnsafePointer<Float>?,
  _ metadata: UnsafePointer<UnsafePointer<CChar>?>?, _ metadataLengths: UnsafePointer<Int>?,
  _ contents: UnsafePointer<UnsafePointer<CChar>?>?, _ contentLengths: UnsafePointer<Int>?,
  _ error: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
) -> roost_status {
  unsafe answer(error) {
    let texts = try unsafe RecordTexts(
      ids, idLengths, metadata, metadataLengths, contents, contentLengths)
    let collection = try HandleTable.shared.collection(collection)
    try collection.upsert(try unsafe texts.records(n, vectors, collection.dimension))
  }
}

/// The texts of some records, as they come from C.
private struct RecordTexts {
  private let ids: TextArray
  private let metadata: TextArray
  private let contents: TextArray

  init(
    _ ids: CTexts?, _ idLengths: UnsafePointer<Int>?, _ metadata: CTexts?,
    _ metadataLengths: UnsafePointer<Int>?, _ contents: CTexts?,
    _ contentLengths: UnsafePointer<Int>?
  ) throws {
    self.ids = try unsafe TextArray(ids, idLengths, "ids")
    self.metadata = try unsafe TextArray(metadata, metadataLengths, "metadata_json")
    self.contents = try unsafe TextArray(contents, contentLengths, "contents")
  }

  /// The first `count` records, with their vectors.
  func records(
    _ count: Int, _ vectors: UnsafePointer<Float>?, _ dimension: Int
  ) throws -> [Record] {
    let block = try unsafe VectorBlock(vectors, count: count, dimension: dimension, "vectors")
    let ids = try ids.all(count)
    var records: [Record] = []
    records.reserveCapacity(count)
    for (index, id) in ids.enumerated() {
      var record = Record(id: id, vector: block[index], content: try contents[index])
      if let text = try metadata[index] {
        do {
          record.metadata = try Metadata(json: text)
        } catch {
          throw error.asStoreError.inside("the metadata of record \(quoted(id))")
        }
      }
      records.append(record)
    }
    return records
  }
}

@c @implementation
public func roost_delete(
  _ collection: OpaquePointer?, _ n: Int, _ ids: UnsafePointer<UnsafePointer<CChar>?>?,
  _ deleted: UnsafeMutablePointer<UInt64>?,
  _ error: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
) -> roost_status {
  unsafe answer(error) {
    unsafe deleted?.pointee = 0
    let collection = try HandleTable.shared.collection(collection)
    let count = try collection.delete(try unsafe TextArray(ids, nil, "ids").all(n))
    unsafe deleted?.pointee = UInt64(count)
  }
}

@c @implementation
public func roost_delete_n(
  _ collection: OpaquePointer?, _ n: Int, _ ids: UnsafePointer<UnsafePointer<CChar>?>?,
  _ idLengths: UnsafePointer<Int>?, _ deleted: UnsafeMutablePointer<UInt64>?,
  _ error: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
) -> roost_status {
  unsafe answer(error) {
    unsafe deleted?.pointee = 0
    let collection = try HandleTable.shared.collection(collection)
    let count = try collection.delete(try unsafe TextArray(ids, idLengths, "ids").all(n))
    unsafe deleted?.pointee = UInt64(count)
  }
}

@c @implementation
public func roost_delete_where(
  _ collection: OpaquePointer?, _ filter: UnsafePointer<CChar>?,
  _ deleted: UnsafeMutablePointer<UInt64>?,
  _ error: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
) -> roost_status {
  unsafe answer(error) {
    unsafe deleted?.pointee = 0
    let collection = try HandleTable.shared.collection(collection)
    let filter = try Filter(json: try unsafe text(filter, "filter_json"))
    let count = try collection.delete(where: filter)
    unsafe deleted?.pointee = UInt64(count)
  }
}
