import CRoost
import RoostContract
import RoostEngine
import Testing

@Suite("The functions of C do what the store does")
struct CallTests {
  @Test("statuses have the numbers and names of the contract's codes")
  func statuses() {
    for (index, code) in StoreError.Code.all.enumerated() {
      let name = unsafe roost_status_name(Int32(index + 1)).map { unsafe String(cString: $0) }
      #expect(name == code.rawValue)
    }
    #expect(unsafe roost_status_name(Int32(StoreError.Code.all.count + 1)) == nil)
    #expect(unsafe roost_status_name(-1) == nil)
    #expect(ROOST_PERMISSION == StoreError.Code.all.count)
    #expect(ROOST_CLOSED == 12)
  }

  @Test("what C writes, Swift reads, and a search answers the same to the last bit")
  func sameStore() throws {
    let bed = try CBed()
    #expect(bed.fill(0..<50) == nil)
    let queries: [Float] = [3.2, 0.1, 40, -7]
    let found = try #require(bed.nearest(queries, 7))
    #expect(unsafe roost_checkpoint(bed.store, nil) == ROOST_OK)
    let swift = try Store.open(at: bed.path, options: StoreOptions(access: .readOnly))
    let notes = try swift.collection("notes")
    #expect(try notes.count() == 50)
    #expect(try notes.get(["7"]).first??.metadata == ["number": 7])
    let expected = try notes.search([
      SearchQuery(near: [3.2, 0.1], limit: 7), SearchQuery(near: [40, -7], limit: 7),
    ])
    #expect(found.ids == expected.map { $0.map(\.record.id) })
    #expect(found.distances == expected.joined().map(\.distance))
    try swift.close()
  }

  @Test("records, counts, pages and deletes go through")
  func records() throws {
    let bed = try CBed()
    #expect(bed.fill(0..<10) == nil)
    let record = unsafe CBed.text { unsafe roost_get(bed.notes, "3", nil, $0, nil) }
    #expect(
      try Record(json: record ?? "") == Record(id: "3", vector: [3, 0], metadata: ["number": 3]))
    let bare = unsafe CBed.text {
      unsafe roost_get(
        bed.notes, "3", #"{"vector":true,"metadata":false,"content":false}"#, $0, nil)
    }
    #expect(bare == #"{"id":"3","vector":[3,0]}"#)
    let missing = unsafe failure { error in
      var record: UnsafeMutablePointer<CChar>?
      return unsafe roost_get(bed.notes, "no such", nil, &record, error)
    }
    #expect(missing?.code == "not_found")
    var count: UInt64 = 99
    #expect(unsafe roost_count(bed.notes, #"{"gt":["number",6]}"#, &count, nil) == ROOST_OK)
    #expect(count == 3)
    let page = unsafe CBed.text {
      unsafe roost_scroll(
        bed.notes, "1", 2, nil, #"{"metadata":false,"content":false}"#, $0, nil)
    }
    #expect(page == #"{"records":[{"id":"2"},{"id":"3"}],"next":"3"}"#)
    let last = unsafe CBed.text {
      unsafe roost_scroll(
        bed.notes, "8", 2, nil, #"{"metadata":false,"content":false}"#, $0, nil)
    }
    #expect(last == #"{"records":[{"id":"9"}],"next":null}"#)
    let filter = #"{"lt":["number",2]}"#
    #expect(unsafe roost_delete_where(bed.notes, filter, &count, nil) == ROOST_OK)
    #expect(count == 2)
    let refused = unsafe failure { unsafe roost_delete_where(bed.notes, nil, &count, $0) }
    #expect(refused?.code == "invalid_argument")
    #expect(unsafe roost_count(bed.notes, nil, &count, nil) == ROOST_OK)
    #expect(count == 8)
  }

  @Test("stores and collections tell what they are")
  func reports() throws {
    let bed = try CBed()
    #expect(bed.fill(0..<3) == nil)
    let list = unsafe CBed.text { unsafe roost_list_collections(bed.store, $0, nil) }
    let spec = unsafe CBed.text { unsafe roost_collection_spec(bed.notes, $0, nil) }
    #expect(list == "[\(spec ?? "")]")
    #expect(try CollectionSpec(json: spec ?? "").metric == .l2)
    let statistics = unsafe CBed.text { unsafe roost_statistics(bed.store, $0, nil) }
    #expect(try Metadata(json: statistics ?? "")["records"] == 3)
    let health = unsafe CBed.text { unsafe roost_health(bed.store, $0, nil) }
    #expect(try Metadata(json: health ?? "")["state"] == "healthy")
    #expect(try Metadata(json: health ?? "")["error"] == .null)
    let report = unsafe CBed.text {
      unsafe roost_check(bed.path, #"{"full":true}"#, $0, nil)
    }
    #expect(try Metadata(json: report ?? "")["ok"] == true)
    let odd = unsafe failure { error in
      var report: UnsafeMutablePointer<CChar>?
      return unsafe roost_check(bed.path, #"{"deep":true}"#, &report, error)
    }
    #expect(odd?.code == "invalid_argument")
  }

  @Test("hits stay when their store is closed, and end with their release")
  func hits() throws {
    let bed = try CBed()
    #expect(bed.fill(0..<5) == nil)
    var hits: OpaquePointer?
    #expect(
      unsafe roost_search(bed.notes, 1, [2.1, 0], 3, nil, &hits, nil) == ROOST_OK)
    #expect(unsafe roost_close(bed.store, nil) == ROOST_OK)
    #expect(unsafe roost_hits_count(hits, 0) == 3)
    #expect(unsafe roost_hits_count(hits, 1) == 0)
    #expect(unsafe roost_hits_count(hits, .max) == 0)
    #expect(unsafe roost_hits_id(hits, 0, 0).map { unsafe String(cString: $0) } == "2")
    #expect(unsafe abs(roost_hits_distance(hits, 0, 0) - 0.1) < 1e-6)
    #expect(unsafe abs(roost_hits_score(hits, 0, 0) - 1 / 1.1) < 1e-6)
    #expect(unsafe roost_hits_distance(hits, 0, 3).isNaN)
    #expect(unsafe roost_hits_id(hits, 0, -1) == nil)
    let record = unsafe CBed.text { unsafe roost_hits_record(hits, 0, 1, $0, nil) }
    #expect(record == #"{"id":"3","metadata":{"number":3}}"#)
    unsafe roost_hits_free(hits)
    #expect(unsafe roost_hits_count(hits, 0) == 0)
    #expect(unsafe roost_hits_id(hits, 0, 0) == nil)
    unsafe roost_hits_free(hits)
  }

  @Test("many queries share the work of several threads, and are answered as one by one")
  func manyQueries() throws {
    let bed = try CBed()
    #expect(bed.fill(0..<500) == nil)
    let queries: [Float] = (0..<1_200).flatMap { [Float($0 * 7 % 503) + 0.25, 0.5] as [Float] }
    let together = try #require(bed.nearest(queries, 3))
    let alone = try #require(bed.nearest(queries, 3, #"{"threads":1}"#))
    #expect(together.ids == alone.ids)
    #expect(together.distances == alone.distances)
    #expect(together.explain["queries"] == 1_200)
    #expect(together.explain["hits"] == 3_600)
    #expect(alone.explain["threads"] == 1)
    if ProcessCores.count > 1 {
      #expect(together.explain["threads"]?.integerValue ?? 0 > 1)
    }
  }

  @Test("an index is there after it was asked for, and another of its kind is made anew")
  func indexes() throws {
    let bed = try CBed()
    let told = Told()
    let spec = #"{"vector":{"method":"hnsw","m":8,"name":"near"}}"#
    #expect(
      unsafe failure {
        unsafe roost_ensure_index(bed.notes, spec, Told.function, told.context, $0)
      } == nil)
    #expect(told.isComplete)
    let statistics = unsafe CBed.text { unsafe roost_statistics(bed.store, $0, nil) }
    #expect(statistics?.contains(#""name":"near""#) == true)
    #expect(unsafe roost_drop_index(bed.notes, "near", nil) == ROOST_OK)
    #expect(unsafe roost_drop_index(bed.notes, "near", nil) == ROOST_NOT_FOUND)
  }

  @Test("an index is of the quantization that is asked for, and of no other kind")
  func quantization() throws {
    let bed = try CBed()
    func ensure(_ quantization: String) -> CFailure? {
      let spec = "{\"vector\":{\"name\":\"near\",\"quantization\":\(quantization)}}"
      return unsafe failure { unsafe roost_ensure_index(bed.notes, spec, nil, nil, $0) }
    }
    func told() -> String? { unsafe CBed.text { unsafe roost_statistics(bed.store, $0, nil) } }
    for quantization in Quantization.allCases {
      #expect(ensure("\"\(quantization.rawValue)\"") == nil)
      #expect(told()?.contains("\"quantization\":\"\(quantization.rawValue)\"") == true)
    }
    #expect(ensure("null") == nil)
    for wrong in ["sq5", "SQ8", "", "pq"] {
      let refusal = ensure("\"\(wrong)\"")
      #expect(refusal?.code == "schema_mismatch")
      #expect(
        refusal?.message == "quantization \"\(wrong)\" is not known; "
          + "it is auto, none, sq8, sq4 or rabitq. Name one of the five.")
    }
    #expect(ensure("8")?.code == "invalid_argument")
    #expect(told()?.contains("\"quantization\":\"auto\"") == true)
  }
}
