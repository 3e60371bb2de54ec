// swift-format-ignore-file: AlwaysUseLowerCamelCase, AllPublicDeclarationsHaveDocumentation
public import CRoost
internal import RoostContract
internal import RoostEngine

// Reading by id, by filter and in order, as C calls it.

private func projection(_ json: UnsafePointer<CChar>?) throws -> Projection {
  try unsafe optionalText(json, "projection_json").map { try Projection(json: $0) } ?? .everything
}

private func filter(_ json: UnsafePointer<CChar>?) throws -> Filter? {
  try unsafe optionalText(json, "filter_json").map { try Filter(json: $0) }
}

@c @implementation
public func roost_get(
  _ collection: OpaquePointer?, _ id: UnsafePointer<CChar>?,
  _ projectionJSON: UnsafePointer<CChar>?,
  _ record: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?,
  _ error: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
) -> roost_status {
  unsafe answer(error) {
    try unsafe require(record, "record_json")
    let collection = try HandleTable.shared.collection(collection)
    let id = try unsafe text(id, "id")
    let found = try unsafe collection.get([id], projection: projection(projectionJSON))
    guard let found = found.first ?? nil else {
      throw StoreError(
        .notFound, found: "there is no record \(quoted(id))",
        expected: "collection \(quoted(collection.name)) was asked for it",
        remedy: "Check the id, or use roost_get_many, which answers null")
    }
    try unsafe give(found.json, to: record)
  }
}

@c @implementation
public func roost_get_many(
  _ collection: OpaquePointer?, _ n: Int, _ ids: UnsafePointer<UnsafePointer<CChar>?>?,
  _ idLengths: UnsafePointer<Int>?, _ projectionJSON: UnsafePointer<CChar>?,
  _ records: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?,
  _ error: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
) -> roost_status {
  unsafe answer(error) {
    try unsafe require(records, "records_json")
    let collection = try HandleTable.shared.collection(collection)
    let ids = try unsafe TextArray(ids, idLengths, "ids").all(n)
    let found = try unsafe collection.get(ids, projection: projection(projectionJSON))
    let forms = found.map { $0?.json ?? "null" }
    try unsafe give("[" + forms.joined(separator: ",") + "]", to: records)
  }
}

@c @implementation
public func roost_count(
  _ collection: OpaquePointer?, _ filterJSON: UnsafePointer<CChar>?,
  _ count: UnsafeMutablePointer<UInt64>?,
  _ error: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
) -> roost_status {
  unsafe answer(error) {
    try unsafe require(count, "count")
    let collection = try HandleTable.shared.collection(collection)
    let found = try collection.count(where: try unsafe filter(filterJSON))
    unsafe count?.pointee = UInt64(found)
  }
}

@c @implementation
public func roost_scroll(
  _ collection: OpaquePointer?, _ after: UnsafePointer<CChar>?, _ limit: Int,
  _ filterJSON: UnsafePointer<CChar>?, _ projectionJSON: UnsafePointer<CChar>?,
  _ page: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?,
  _ error: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
) -> roost_status {
  unsafe answer(error) {
    try unsafe require(page, "page_json")
    let collection = try HandleTable.shared.collection(collection)
    let after = try unsafe optionalText(after, "after_id").map { ScrollCursor(after: $0) }
    let found = try unsafe collection.scroll(
      after: after, limit: Int(clamping: UInt(bitPattern: limit)), where: filter(filterJSON),
      projection: projection(projectionJSON))
    let records = found.records.map(\.json).joined(separator: ",")
    let next = found.next.map { Value.string($0.id).json } ?? "null"
    try unsafe give("{\"records\":[\(records)],\"next\":\(next)}", to: page)
  }
}
