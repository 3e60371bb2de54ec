// swift-format-ignore-file: AlwaysUseLowerCamelCase, AllPublicDeclarationsHaveDocumentation
public import CRoost
internal import RoostContract
internal import RoostEngine

// The store, as C calls it. The compiler holds each function to its declaration in the header.

private let libraryVersion: StaticString = "0.1.0"
private let statusNames: [StaticString] = [
  "ok", "not_found", "already_exists", "dimension_mismatch", "schema_mismatch", "invalid_filter",
  "invalid_argument", "unsupported", "corrupted", "io", "disk_full", "locked", "closed",
  "read_only", "indeterminate", "too_large", "out_of_memory", "cancelled", "timeout",
  "unavailable", "permission",
]

private func pointer(to text: StaticString) -> UnsafePointer<CChar> {
  unsafe UnsafeRawPointer(text.utf8Start).assumingMemoryBound(to: CChar.self)
}

@c @implementation
public func roost_version() -> UnsafePointer<CChar>? { unsafe pointer(to: libraryVersion) }

@c @implementation
public func roost_status_name(_ status: roost_status) -> UnsafePointer<CChar>? {
  guard statusNames.indices.contains(Int(status)) else { return nil }
  return unsafe pointer(to: statusNames[Int(status)])
}

@c @implementation
public func roost_free(_ text: UnsafeMutableRawPointer?) { unsafe roost_shim_free(text) }

// MARK: - Opening and closing

@c @implementation
public func roost_open(
  _ path: UnsafePointer<CChar>?, _ options: UnsafePointer<CChar>?,
  _ store: UnsafeMutablePointer<OpaquePointer?>?,
  _ error: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
) -> roost_status {
  unsafe answer(error) {
    try unsafe require(store, "store")
    let path = try unsafe text(path, "path")
    let options = try unsafe optionalText(options, "options_json").map {
      try StoreOptions(json: $0)
    }
    let opened = try Store.open(at: path, options: options ?? StoreOptions())
    unsafe store?.pointee = try HandleTable.shared.add(opened)
  }
}

@c @implementation
public func roost_close(
  _ store: OpaquePointer?, _ error: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
) -> roost_status {
  unsafe answer(error) {
    guard unsafe store != nil else { return }
    try LongWork.refuseInCallback("roost_close")
    try HandleTable.shared.removeStore(store).close()
  }
}

@c @implementation
public func roost_checkpoint(
  _ store: OpaquePointer?, _ error: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
) -> roost_status {
  unsafe answer(error) {
    try LongWork.refuseInCallback("roost_checkpoint")
    try HandleTable.shared.store(store).checkpoint()
  }
}

@c @implementation
public func roost_refresh(
  _ store: OpaquePointer?, _ error: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
) -> roost_status {
  unsafe answer(error) { try HandleTable.shared.store(store).refresh() }
}

// MARK: - Reports

@c @implementation
public func roost_statistics(
  _ store: OpaquePointer?, _ json: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?,
  _ error: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
) -> roost_status {
  unsafe answer(error) {
    try unsafe require(json, "json")
    try unsafe give(try HandleTable.shared.store(store).statistics().json, to: json)
  }
}

@c @implementation
public func roost_health(
  _ store: OpaquePointer?, _ json: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?,
  _ error: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
) -> roost_status {
  unsafe answer(error) {
    try unsafe require(json, "json")
    try unsafe give(try HandleTable.shared.store(store).health().json, to: json)
  }
}

@c @implementation
public func roost_check(
  _ path: UnsafePointer<CChar>?, _ options: UnsafePointer<CChar>?,
  _ report: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?,
  _ error: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
) -> roost_status {
  unsafe answer(error) {
    try unsafe require(report, "report_json")
    let path = try unsafe text(path, "path")
    let options = try unsafe optionalText(options, "options_json") ?? "{}"
    let isFull = try CheckOptions(json: options).isFull
    try unsafe give(try Store.check(at: path, full: isFull).json, to: report)
  }
}

// MARK: - Long work

@c @implementation
public func roost_compact(
  _ store: OpaquePointer?, _ progress: roost_progress?, _ context: UnsafeMutableRawPointer?,
  _ error: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
) -> roost_status {
  unsafe answer(error) {
    try LongWork.refuseInCallback("roost_compact")
    let store = try HandleTable.shared.store(store)
    try unsafe LongWork("compact", progress, context).run { try store.compact(progress: $0) }
  }
}

@c @implementation
public func roost_backup(
  _ store: OpaquePointer?, _ path: UnsafePointer<CChar>?, _ progress: roost_progress?,
  _ context: UnsafeMutableRawPointer?,
  _ error: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
) -> roost_status {
  unsafe answer(error) {
    try LongWork.refuseInCallback("roost_backup")
    let store = try HandleTable.shared.store(store)
    let path = try unsafe text(path, "path")
    try unsafe LongWork("backup", progress, context).run {
      try store.backup(to: path, progress: $0)
    }
  }
}

@c @implementation
public func roost_restore(
  _ backup: UnsafePointer<CChar>?, _ path: UnsafePointer<CChar>?, _ progress: roost_progress?,
  _ context: UnsafeMutableRawPointer?,
  _ error: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
) -> roost_status {
  unsafe answer(error) {
    try LongWork.refuseInCallback("roost_restore")
    let backup = try unsafe text(backup, "backup")
    let path = try unsafe text(path, "path")
    try unsafe LongWork("restore", progress, context).run {
      try Store.restore(from: backup, to: path, progress: $0)
    }
  }
}
