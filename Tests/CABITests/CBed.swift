import CRoost
import Foundation
import RoostContract

/// How a call of C ended.
struct CFailure: Equatable, CustomStringConvertible {
  var status: Int32
  /// The code in the JSON of the error.
  var code: String?
  var message: String?

  var description: String { "\(status) \(code ?? "without JSON"): \(message ?? "")" }
}

/// Calls a function, and answers how it failed; nil after a success.
func failure(
  _ body: (UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> roost_status
) -> CFailure? {
  // What stood there before must not matter.
  var error = unsafe UnsafeMutablePointer<CChar>(bitPattern: 8)
  let status = unsafe body(&error)
  let text = unsafe error.map { unsafe String(cString: $0) }
  unsafe roost_free(error)
  if status == ROOST_OK { return text.map { CFailure(status: 0, code: $0, message: "error set") } }
  let form = try? text.map { try Metadata(json: $0) }
  return CFailure(
    status: status, code: form?["code"]?.stringValue, message: form?["message"]?.stringValue)
}

/// A store that is made, used and looked at through C alone.
@safe final class CBed {
  let path: String
  let store: OpaquePointer
  let notes: OpaquePointer

  init(options: String? = nil) throws {
    let path = FileManager.default.temporaryDirectory
      .appendingPathComponent("roost-" + UUID().uuidString).path
    var store: OpaquePointer?
    var notes: OpaquePointer?
    let opened = unsafe failure { unsafe roost_open(path, options, &store, $0) }
    if let opened { throw BedFailure(opened) }
    let made = unsafe failure {
      unsafe roost_ensure_collection(
        store, #"{"name":"notes","dimension":2,"metric":"l2"}"#, &notes, $0)
    }
    if let made { throw BedFailure(made) }
    guard let store = unsafe store, let notes = unsafe notes else { throw BedFailure(nil) }
    self.path = path
    unsafe self.store = store
    unsafe self.notes = notes
  }

  struct BedFailure: Error {
    let failure: CFailure?
    init(_ failure: CFailure?) { self.failure = failure }
  }

  deinit {
    unsafe roost_collection_release(notes)
    _ = unsafe roost_close(store, nil)
    try? FileManager.default.removeItem(atPath: path)
  }

  /// Stores a note for each number, with the number as its id and the first of its vector.
  func fill(_ numbers: Range<Int>) -> CFailure? {
    let ids = unsafe numbers.map { unsafe strdup("\($0)") }
    let metadata = unsafe numbers.map { unsafe strdup("{\"number\":\($0)}") }
    defer { unsafe (ids + metadata).forEach { unsafe free($0) } }
    let vectors: [Float] = numbers.flatMap { [Float($0), 0] as [Float] }
    return unsafe failure { error in
      unsafe roost_upsert(
        notes, numbers.count, ids.map { unsafe UnsafePointer($0) }, vectors,
        metadata.map { unsafe UnsafePointer($0) }, nil, error)
    }
  }

  /// The ids that are nearest to each query, as the arrays tell them.
  func nearest(
    _ queries: [Float], _ k: Int, _ options: String? = nil
  ) -> (ids: [[String]], distances: [Double], explain: Metadata)? {
    var hits: OpaquePointer?
    let failed = unsafe failure { error in
      unsafe roost_search(notes, queries.count / 2, queries, k, options, &hits, error)
    }
    guard failed == nil else { return nil }
    defer { unsafe roost_hits_free(hits) }
    var offsets: UnsafePointer<UInt64>?
    var distances: UnsafePointer<Double>?
    var bytes: UnsafePointer<CChar>?
    var idOffsets: UnsafePointer<UInt64>?
    unsafe roost_hits_arrays(hits, &offsets, &distances, &bytes, &idOffsets)
    var explain: UnsafeMutablePointer<CChar>?
    _ = unsafe roost_hits_explain(hits, &explain, nil)
    defer { unsafe roost_free(explain) }
    guard let offsets = unsafe offsets, let distances = unsafe distances,
      let bytes = unsafe bytes, let idOffsets = unsafe idOffsets, let explain = unsafe explain,
      let form = try? unsafe Metadata(json: String(cString: explain))
    else { return nil }
    let count = unsafe Int(offsets[queries.count / 2])
    let ids = (0..<queries.count / 2).map { query in
      unsafe (offsets[query]..<offsets[query + 1]).map { hit in
        unsafe String(cString: bytes + Int(idOffsets[Int(hit)]))
      }
    }
    return (ids, unsafe Array(UnsafeBufferPointer(start: distances, count: count)), form)
  }

  /// A text that a function gives out.
  static func text(
    _ body: (UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> roost_status
  ) -> String? {
    var text: UnsafeMutablePointer<CChar>?
    guard unsafe body(&text) == ROOST_OK else { return nil }
    defer { unsafe roost_free(text) }
    return unsafe text.map { unsafe String(cString: $0) }
  }
}
