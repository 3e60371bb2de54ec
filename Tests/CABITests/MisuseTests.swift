import CRoost
import Foundation
import RoostContract
import Testing

@Suite("No misuse by C that can be noticed ends the process")
struct MisuseTests {
  typealias Place = UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>

  /// Every function that takes a store, called with this one.
  private func statuses(ofStore store: OpaquePointer?) -> [CFailure?] {
    var handle: OpaquePointer?
    var text: UnsafeMutablePointer<CChar>?
    return unsafe [
      failure { unsafe roost_ensure_collection(store, "{}", &handle, $0) },
      failure { unsafe roost_open_collection(store, "notes", &handle, $0) },
      failure { unsafe roost_drop_collection(store, "notes", $0) },
      failure { unsafe roost_list_collections(store, &text, $0) },
      failure { unsafe roost_checkpoint(store, $0) },
      failure { unsafe roost_compact(store, nil, nil, $0) },
      failure { unsafe roost_refresh(store, $0) },
      failure { unsafe roost_backup(store, "nowhere", nil, nil, $0) },
      failure { unsafe roost_statistics(store, &text, $0) },
      failure { unsafe roost_health(store, &text, $0) },
    ]
  }

  /// Every function that takes a collection, called with this one.
  private func statuses(ofCollection collection: OpaquePointer?) -> [CFailure?] {
    var handle: OpaquePointer?
    var text: UnsafeMutablePointer<CChar>?
    var count: UInt64 = 0
    return unsafe "a".withCString { id in
      let ids: [UnsafePointer<CChar>?] = unsafe [id]
      let index = #"{"vector":{}}"#
      return unsafe [
        failure { unsafe roost_insert(collection, 1, ids, [0, 0], nil, nil, $0) },
        failure { unsafe roost_upsert(collection, 1, ids, [0, 0], nil, nil, $0) },
        failure {
          unsafe roost_insert_n(collection, 1, ids, [1], [0, 0], nil, nil, nil, nil, $0)
        },
        failure {
          unsafe roost_upsert_n(collection, 1, ids, [1], [0, 0], nil, nil, nil, nil, $0)
        },
        failure { unsafe roost_delete(collection, 1, ids, &count, $0) },
        failure { unsafe roost_delete_n(collection, 1, ids, [1], &count, $0) },
        failure { unsafe roost_delete_where(collection, #"{"exists":"a"}"#, &count, $0) },
        failure { unsafe roost_get(collection, "a", nil, &text, $0) },
        failure { unsafe roost_get_many(collection, 1, ids, nil, nil, &text, $0) },
        failure { unsafe roost_count(collection, nil, &count, $0) },
        failure { unsafe roost_scroll(collection, nil, 1, nil, nil, &text, $0) },
        failure { unsafe roost_search(collection, 1, [0, 0], 1, nil, &handle, $0) },
        failure { error in
          var arrays = unsafe roost_arrays()
          let status = unsafe roost_search_arrays(collection, 1, [0, 0], 1, nil, &arrays)
          unsafe error.pointee = arrays.error
          return status
        },
        failure { unsafe roost_collection_spec(collection, &text, $0) },
        failure { unsafe roost_ensure_index(collection, index, nil, nil, $0) },
        failure { unsafe roost_drop_index(collection, "near", $0) },
      ]
    }
  }

  private func statuses(ofHits hits: OpaquePointer?) -> [CFailure?] {
    var text: UnsafeMutablePointer<CChar>?
    #expect(unsafe roost_hits_count(hits, 0) == 0)
    #expect(unsafe roost_hits_id(hits, 0, 0) == nil)
    #expect(unsafe roost_hits_distance(hits, 0, 0).isNaN)
    #expect(unsafe roost_hits_score(hits, 0, 0).isNaN)
    var distances = unsafe UnsafePointer<Double>(bitPattern: 8)
    unsafe roost_hits_arrays(hits, nil, &distances, nil, nil)
    #expect(unsafe distances == nil)
    return unsafe [
      failure { unsafe roost_hits_record(hits, 0, 0, &text, $0) },
      failure { unsafe roost_hits_explain(hits, &text, $0) },
    ]
  }

  private func expect(_ code: String, _ failures: [CFailure?]) {
    for (index, failure) in failures.enumerated() {
      #expect(failure?.code == code, "\(index): \(failure.map(\.description) ?? "success")")
      #expect(failure?.message?.contains(";") == true)
    }
  }

  @Test("handles that are NULL, stand for something else or are no handles")
  func wrongHandles() throws {
    let bed = try CBed()
    var byte: UInt8 = 0
    let strangers: [OpaquePointer?] = unsafe withUnsafeMutablePointer(to: &byte) { byte in
      unsafe [
        nil, OpaquePointer(byte), OpaquePointer(bitPattern: 1), OpaquePointer(bitPattern: 4),
        OpaquePointer(bitPattern: -1), OpaquePointer(bitPattern: Int.max),
        OpaquePointer(bitPattern: UInt(bitPattern: bed.store) + 800_000_000),
      ]
    }
    for index in unsafe strangers.indices {
      let stranger = unsafe strangers[index]
      expect("invalid_argument", unsafe statuses(ofStore: stranger))
      expect("invalid_argument", unsafe statuses(ofCollection: stranger))
      expect("invalid_argument", unsafe statuses(ofHits: stranger))
      unsafe roost_collection_release(stranger)
      unsafe roost_hits_free(stranger)
    }
    expect("invalid_argument", unsafe statuses(ofStore: bed.notes))
    expect("invalid_argument", unsafe statuses(ofCollection: bed.store))
    expect("invalid_argument", unsafe statuses(ofHits: bed.notes))
    expect("invalid_argument", unsafe [failure { unsafe roost_close(bed.notes, $0) }])
    unsafe roost_collection_release(bed.store)
    unsafe roost_hits_free(bed.notes)
    // The handles are what they were.
    #expect(bed.fill(0..<3) == nil)
    #expect(roost_close(nil, nil) == ROOST_OK)
  }

  @Test("handles that were released, and a store that is closed twice or used after it")
  func releasedHandles() throws {
    let bed = try CBed()
    var second: OpaquePointer?
    #expect(unsafe roost_open_collection(bed.store, "notes", &second, nil) == ROOST_OK)
    unsafe roost_collection_release(second)
    expect("closed", unsafe statuses(ofCollection: second))
    unsafe roost_collection_release(second)
    #expect(unsafe roost_close(bed.store, nil) == ROOST_OK)
    expect("closed", unsafe [failure { unsafe roost_close(bed.store, $0) }])
    expect("closed", unsafe statuses(ofStore: bed.store))
    expect("closed", unsafe statuses(ofCollection: bed.notes))
  }

  @Test("places for answers that are NULL, and errors that nobody wants")
  func nullPlaces() throws {
    let bed = try CBed()
    #expect(bed.fill(0..<3) == nil)
    expect(
      "invalid_argument",
      unsafe [
        failure { unsafe roost_open(bed.path, nil, nil, $0) },
        failure { unsafe roost_open_collection(bed.store, "notes", nil, $0) },
        failure { unsafe roost_list_collections(bed.store, nil, $0) },
        failure { unsafe roost_get(bed.notes, "1", nil, nil, $0) },
        failure { unsafe roost_count(bed.notes, nil, nil, $0) },
        failure { unsafe roost_search(bed.notes, 1, [0, 0], 1, nil, nil, $0) },
        failure { unsafe roost_health(bed.store, nil, $0) },
        failure { unsafe roost_check(bed.path, nil, nil, $0) },
      ])
    #expect(unsafe roost_get(bed.notes, "no", nil, nil, nil) == ROOST_INVALID_ARGUMENT)
    #expect(unsafe roost_delete(bed.notes, 0, nil, nil, nil) == ROOST_OK)
    roost_free(nil)
  }

  @Test("texts that are NULL or no UTF-8 are named with their place")
  func texts() throws {
    let bed = try CBed()
    var handle: OpaquePointer?
    var text: UnsafeMutablePointer<CChar>?
    let bad: [CChar] = [0x61, 0x62, CChar(bitPattern: 0xC3), 0x28, 0]
    let failures = unsafe [
      failure { unsafe roost_open(bad, nil, &handle, $0) },
      failure { unsafe roost_open(bed.path, bad, &handle, $0) },
      failure { unsafe roost_ensure_collection(bed.store, bad, &handle, $0) },
      failure { unsafe roost_open_collection(bed.store, bad, &handle, $0) },
      failure { unsafe roost_get(bed.notes, bad, nil, &text, $0) },
      failure { unsafe roost_delete_where(bed.notes, bad, nil, $0) },
      failure { unsafe roost_search(bed.notes, 1, [0, 0], 1, bad, &handle, $0) },
    ]
    expect("invalid_argument", failures)
    for failure in failures { #expect(failure?.message?.contains("at byte 2") == true) }
    unsafe bad.withUnsafeBufferPointer { bad in
      unsafe "a".withCString { good in
        let ids: [UnsafePointer<CChar>?] = unsafe [good, bad.baseAddress]
        let vectors: [Float] = [0, 0, 1, 1]
        let badID = unsafe failure {
          unsafe roost_upsert(bed.notes, 2, ids, vectors, nil, nil, $0)
        }
        #expect(badID?.message?.contains("ids[1]") == true)
        let noID = unsafe failure {
          unsafe roost_upsert(bed.notes, 2, [good, nil], vectors, nil, nil, $0)
        }
        #expect(noID?.message?.contains("ids[1] is NULL") == true)
        let content = unsafe failure {
          unsafe roost_upsert(bed.notes, 1, ids, vectors, nil, [bad.baseAddress], $0)
        }
        #expect(content?.message?.contains("contents[0]") == true)
        let cut = unsafe failure {
          unsafe roost_upsert_n(bed.notes, 1, ids, [-1], vectors, nil, nil, nil, nil, $0)
        }
        #expect(cut?.code == "too_large")
        // A NUL inside an id that has a length is no end of it.
        let nul = unsafe failure {
          unsafe roost_upsert_n(bed.notes, 1, ids, [2], vectors, nil, nil, nil, nil, $0)
        }
        #expect(nul?.code == "invalid_argument")
        let metadata = unsafe "{".withCString { form in
          unsafe failure { unsafe roost_upsert(bed.notes, 1, ids, vectors, [form], nil, $0) }
        }
        #expect(metadata?.message?.contains(#"the metadata of record "a""#) == true)
      }
    }
    var count: UInt64 = 1
    #expect(unsafe roost_count(bed.notes, nil, &count, nil) == ROOST_OK)
    #expect(count == 0)
  }

  @Test("counts and limits that are 0, too large, or overflow")
  func counts() throws {
    let bed = try CBed()
    #expect(bed.fill(0..<3) == nil)
    var hits: OpaquePointer?
    var text: UnsafeMutablePointer<CChar>?
    for n in [Int.max, Int.min, -1, 1 << 61, 1 << 62, 1_000_001] {
      expect(
        "too_large",
        unsafe [
          failure { unsafe roost_upsert(bed.notes, n, [nil], [0], nil, nil, $0) },
          failure { unsafe roost_insert(bed.notes, n, [nil], [0], nil, nil, $0) },
          failure { unsafe roost_delete(bed.notes, n, [nil], nil, $0) },
          failure { unsafe roost_get_many(bed.notes, n, [nil], nil, nil, &text, $0) },
          failure { unsafe roost_search(bed.notes, n, [0], 1, nil, &hits, $0) },
        ])
    }
    expect(
      "too_large",
      unsafe [
        failure { unsafe roost_search(bed.notes, 1, [0, 0], -1, nil, &hits, $0) },
        failure { unsafe roost_search(bed.notes, 1, [0, 0], .max, nil, &hits, $0) },
        failure { unsafe roost_scroll(bed.notes, nil, -1, nil, nil, &text, $0) },
      ])
    expect(
      "invalid_argument",
      unsafe [
        failure { unsafe roost_search(bed.notes, 1, [0, 0], 0, nil, &hits, $0) },
        failure { unsafe roost_scroll(bed.notes, nil, 0, nil, nil, &text, $0) },
        failure { unsafe roost_search(bed.notes, 1, nil, 1, nil, &hits, $0) },
        failure { unsafe roost_upsert(bed.notes, 1, nil, [0, 0], nil, nil, $0) },
        failure { unsafe roost_upsert(bed.notes, 1, [nil], nil, nil, nil, $0) },
        failure { unsafe roost_delete(bed.notes, 1, nil, nil, $0) },
        failure { unsafe roost_search(bed.notes, 1, [.nan, 0], 1, nil, &hits, $0) },
        failure { unsafe roost_search(bed.notes, 1, [.infinity, 0], 1, nil, &hits, $0) },
      ])
    #expect(unsafe hits == nil)
    #expect(unsafe roost_upsert(bed.notes, 0, nil, nil, nil, nil, nil) == ROOST_OK)
    #expect(unsafe roost_search(bed.notes, 0, nil, 1, nil, &hits, nil) == ROOST_OK)
    #expect(unsafe roost_hits_count(hits, 0) == 0)
    unsafe roost_hits_free(hits)
  }

  @Test("vectors may lie where no number should, arrays of pointers must not")
  func oddAddresses() throws {
    let bed = try CBed()
    let bytes = [UInt8](repeating: 0, count: 64)
    unsafe bytes.withUnsafeBytes { bytes in
      var hits: OpaquePointer?
      let odd = unsafe UnsafePointer<Float>(
        OpaquePointer(bitPattern: UInt(bitPattern: bytes.baseAddress) | 1))
      #expect(unsafe roost_search(bed.notes, 1, odd, 1, nil, &hits, nil) == ROOST_OK)
      unsafe roost_hits_free(hits)
      let ids = unsafe UnsafePointer<UnsafePointer<CChar>?>(
        OpaquePointer(bitPattern: UInt(bitPattern: bytes.baseAddress) | 1))
      expect(
        "invalid_argument",
        unsafe [failure { unsafe roost_delete(bed.notes, 1, ids, nil, $0) }])
    }
  }

  @Test(
    "JSON that is malformed, of another kind, or has unknown names",
    arguments: ["", "{", "null", "[]", "7", "{\"odd\":1}", "{\"a\":1,\"a\":2}", "\u{1}"])
  func json(_ json: String) throws {
    let bed = try CBed()
    var handle: OpaquePointer?
    var text: UnsafeMutablePointer<CChar>?
    let failures = unsafe [
      failure { unsafe roost_open(bed.path + ".no", json, &handle, $0) },
      failure { unsafe roost_ensure_collection(bed.store, json, &handle, $0) },
      failure { unsafe roost_ensure_index(bed.notes, json, nil, nil, $0) },
      failure { unsafe roost_search(bed.notes, 1, [0, 0], 1, json, &handle, $0) },
      failure { unsafe roost_get(bed.notes, "a", json, &text, $0) },
      failure { unsafe roost_check(bed.path, json, &text, $0) },
    ]
    expect("invalid_argument", failures)
    expect(
      "invalid_filter",
      unsafe [
        failure { unsafe roost_count(bed.notes, json, nil, $0) },
        failure { unsafe roost_delete_where(bed.notes, json, nil, $0) },
      ].filter { $0?.message?.hasPrefix("count is NULL") != true })
  }

  @Test("a store may be closed while other threads use it: they are answered or find it closed")
  func closing() async throws {
    for _ in 0..<5 {
      let bed = try CBed()
      #expect(bed.fill(0..<200) == nil)
      let (store, notes) = unsafe (
        UInt(bitPattern: bed.store), UInt(bitPattern: bed.notes)
      )
      let statuses = await withTaskGroup(of: Set<Int32>.self) { group in
        for number in 0..<4 {
          group.addTask {
            var seen: Set<Int32> = []
            for round in 0..<200 where !seen.contains(Int32(ROOST_CLOSED)) {
              var hits: OpaquePointer?
              let notes = unsafe OpaquePointer(bitPattern: notes)
              seen.insert(unsafe roost_search(notes, 1, [1, 0], 3, nil, &hits, nil))
              unsafe roost_hits_free(hits)
              if number == 0, round == 20 {
                seen.insert(unsafe roost_close(OpaquePointer(bitPattern: store), nil))
              }
            }
            return seen
          }
        }
        return await group.reduce(into: Set<Int32>()) { $0.formUnion($1) }
      }
      #expect(statuses == [Int32(ROOST_OK), Int32(ROOST_CLOSED)])
    }
  }
}
