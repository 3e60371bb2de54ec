import RoostContract
import Testing

@Suite("The JSON forms of the contract")
struct JSONFormTests {
  @Test("a collection spec reads as written, with its defaults")
  func spec() throws {
    let whole =
      #"{"name":"notes","dimension":384,"metric":"l2","mode":"auto_migrate","element":"f16"}"#
    let spec = CollectionSpec(
      name: "notes", dimension: 384, metric: .l2, mode: .autoMigrate, element: .f16)
    #expect(try CollectionSpec(json: whole) == spec)
    #expect(spec.json == whole)
    #expect(
      try CollectionSpec(json: #"{"dimension":3,"name":"n"}"#)
        == CollectionSpec(name: "n", dimension: 3))
  }

  @Test(
    "a spec with a name that does not exist is a schema mismatch",
    arguments: [#""metric":"COSINE""#, #""mode":"lax""#, #""element":"f64""#, #""metric":"""#])
  func unknownNames(_ part: String) {
    let error = #expect(throws: StoreError.self) {
      try CollectionSpec(json: "{\"name\":\"n\",\"dimension\":3,\(part)}")
    }
    #expect(error?.code == .schemaMismatch)
  }

  @Test(
    "a form with a part that is misspelt, missing or of another type is refused",
    arguments: [
      #"{"name":"n"}"#, #"{"dimension":3}"#, #"{"name":"n","dimension":"3"}"#,
      #"{"name":"n","dimension":3.5}"#, #"{"name":"n","dimension":3,"metrics":"l2"}"#,
      #"{"name":1,"dimension":3}"#, #"["n",3]"#, #"{"name":"n","name":"m","dimension":3}"#, "",
      #"{"name":"n","dimension":99999999999999999999}"#,
    ])
  func refusedSpec(_ text: String) {
    let error = #expect(throws: StoreError.self) { try CollectionSpec(json: text) }
    #expect(error?.code == .invalidArgument)
  }

  @Test("a record reads as written")
  func record() throws {
    let text =
      #"{"id":"a","vector":[1,0.5,-1e-45],"metadata":{"stars":4,"tag":"draft"},"content":"x"}"#
    let record = try Record(json: text)
    #expect(
      record
        == Record(
          id: "a", vector: [1, 0.5, -Float.leastNonzeroMagnitude],
          metadata: ["tag": "draft", "stars": 4], content: "x"))
    #expect(try Record(json: record.json) == record)
    #expect(try Record(json: #"{"id":"a"}"#) == Record(id: "a"))
  }

  @Test("every 32-bit number of a vector reads back bit for bit")
  func vectorBits() throws {
    var state: UInt32 = 1
    var vector: [Float] = [0, -0.0, .greatestFiniteMagnitude, .leastNonzeroMagnitude, 16_777_216]
    while vector.count < 5_000 {
      state = state &* 1_664_525 &+ 1_013_904_223
      let number = Float(bitPattern: state)
      if number.isFinite { vector.append(number) }
    }
    let back = try #require(try Record(json: Record(id: "v", vector: vector).json).vector)
    #expect(back.map(\.bitPattern) == vector.map(\.bitPattern))
    let zero = try #require(try Record(json: #"{"id":"z","vector":[-0.0]}"#).vector)
    #expect(zero.map(\.bitPattern) == [(-0.0 as Float).bitPattern])
  }

  @Test("search options read as written")
  func options() throws {
    let text = #"""
      {"filter":{"eq":["a",1]},"threshold":0.4,"projection":{"vector":true,"metadata":false},
       "exact":true,"effort":64,"threads":2,"explain":true}
      """#
    let query = try SearchQuery(near: [1], limit: 3, optionsJSON: text)
    #expect(query.filter == .eq("a", 1))
    #expect(query.maximumDistance == 0.4)
    #expect(query.projection == Projection(vector: true, metadata: false, content: true))
    #expect(query.exact && query.effort == 64 && query.threads == 2 && query.explain)
    #expect(try SearchQuery(near: [1], limit: 3, optionsJSON: query.optionsJSON) == query)
    #expect(try SearchQuery(near: [1], optionsJSON: "{}") == SearchQuery(near: [1]))
    #expect(throws: StoreError.self) { try SearchQuery(near: [1], optionsJSON: #"{"treshold":1}"#) }
  }

  @Test("an index spec reads as written, and absent means default")
  func index() throws {
    let hnsw =
      #"{"vector":{"method":"hnsw","m":16,"ef_construction":64,"name":null,"quantization":"auto"}}"#
    #expect(try IndexSpec(json: hnsw) == .hnsw())
    #expect(
      try IndexSpec(json: #"{"vector":{"method":"ivfflat","lists":7}}"#) == .ivfFlat(lists: 7))
    #expect(try IndexSpec(json: #"{"metadata":{"fields":["a"]}}"#) == .metadata(fields: ["a"]))
    #expect(try IndexSpec(json: #"{"vector":{}}"#) == .hnsw(m: 0, efConstruction: 0))
    for spec in [IndexSpec.hnsw(name: "x", m: 8, metric: .l2), .metadata(name: "m", pathOps: true)]
    {
      #expect(try IndexSpec(json: spec.json) == spec)
    }
  }

  @Test("a quantization is read by its name alone, and another name is refused with the five")
  func quantization() throws {
    for quantization in Quantization.allCases {
      for spec in [
        IndexSpec.hnsw(quantization: quantization), .ivfFlat(quantization: quantization),
      ] {
        #expect(try IndexSpec(json: spec.json) == spec)
        #expect(spec.json.contains("\"quantization\":\"\(quantization.rawValue)\""))
      }
    }
    for wrong in [#""sq5""#, #""RaBitQ""#, #""""#, "8", "true", "[]"] {
      #expect {
        try IndexSpec(json: "{\"vector\":{\"quantization\":\(wrong)}}")
      } throws: { error in
        guard let error = error as? StoreError else { return false }
        guard wrong.hasPrefix("\"") else { return error.code == .invalidArgument }
        return error.code == .schemaMismatch
          && error.message.contains("auto, none, sq8, sq4 or rabitq")
      }
    }
  }

  @Test("an error tells its code, message and cause")
  func error() throws {
    let inner = StoreError(.io, found: "a", expected: "b", remedy: "C")
    let error = StoreError(
      .corrupted, found: "x", expected: "y", remedy: "Z", cause: inner)
    let form = try Metadata(json: error.json)
    #expect(form["code"] == "corrupted")
    #expect(form["message"] == "x; y. Z.")
    #expect(form["cause"]?.stringValue?.contains("io") == true)
    #expect(StoreError.Code.all.count == 20)
  }

  @Test("an error is caught by its code")
  func catching() {
    do {
      throw StoreError(.locked, found: "a", expected: "b", remedy: "C")
    } catch StoreError.locked {
      // As it should be.
    } catch {
      Issue.record("caught \(error)")
    }
  }

  @Test(
    "bytes that are not UTF-8 are refused with their place",
    arguments: [
      ([0x22, 0xFF, 0x22], 1), ([0x22, 0x61, 0xC3, 0x28, 0x22], 2),
      ([0x22, 0xED, 0xA0, 0x80, 0x22], 1),
    ])
  func invalidUTF8(_ bytes: [UInt8], _ place: Int) {
    let error = #expect(throws: StoreError.self) { try Value(json: bytes) }
    #expect(error?.message.contains("at \(place) ") == true, "\(String(describing: error))")
  }
}
