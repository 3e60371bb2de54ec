import RoostContract
import Testing

@Suite("The JSON and text forms of a filter")
struct FilterFormTests {
  private static let flags = FieldPath.metadata("flags", "pinned")

  @Test(
    "every example of the JSON grammar is the tree it says",
    arguments: [
      (#"{"eq":["category","news"]}"#, Filter.eq("category", "news")),
      (#"{"in":["category",["news","blog"]]}"#, .in("category", ["news", "blog"])),
      (#"{"gt":["rank",1]}"#, .gt("rank", 1)),
      (#"{"lt":["rank",9.5]}"#, .lt("rank", 9.5)),
      (#"{"exists":{"metadata":["a","b",0]}}"#, .exists(.metadata("a", "b", "0"))),
      (#"{"eq":[{"column":"id"},"x"]}"#, .eq(.id, "x")),
      (#"{"and":[{"exists":"a"},{"or":[{"exists":"b"}]}]}"#, .and(.exists("a"), .or(.exists("b")))),
      (#"{"not":{"eq":["a",null]}}"#, .not(.eq("a", .null))),
      (#"{"dialect":"lenient","filter":{"ne":["a",1]}}"#, .ne("a", 1)),
      (#"{"dialect":"lenient","filter":{"ge":["a",1]}}"#, .ge("a", 1)),
      (#"{"dialect":"lenient","filter":{"le":["a","x"]}}"#, .le("a", "x")),
      (#"{"dialect":"lenient","filter":{"like":["lemma","sea*"]}}"#, .like("lemma", "sea*")),
      (#"{"gt":["a",1e999]}"#, .gt("a", .double(.infinity))),
    ])
  func jsonGrammar(_ text: String, _ filter: Filter) throws {
    #expect(try Filter(json: text) == filter)
    #expect(try Filter(json: filter.json) == filter)
  }

  @Test(
    "every example of the text grammar is the tree it says",
    arguments: [
      (
        #"category = "news" and (rank > 1 or not exists(flags.pinned)) and lemma in ("a","b")"#,
        Filter.and(
          .eq("category", "news"), .or(.gt("rank", 1), .not(.exists(flags))),
          .in("lemma", ["a", "b"]))
      ),
      (#"a != 1"#, .not(.eq("a", 1))), (#"a >= 1"#, .ge("a", 1)), (#"a <= 1"#, .le("a", 1)),
      (#"a<1 OR b>2 And c=3"#, .or(.lt("a", 1), .and(.gt("b", 2), .eq("c", 3)))),
      (#"a like "x*""#, .like("a", "x*")), (#"a not in (1)"#, .not(.in("a", [1]))),
      (#"$id = "x" and $content > 'it''s'"#, .and(.eq(.id, "x"), .gt(.content, "it's"))),
      (#"a[0].b[-1]."c.d" = null"#, .eq(.metadata("a", "0", "b", "-1", "c.d"), .null)),
      (#"a = {"x":[1,2]}"#, .eq("a", ["x": [1, 2]])),
      (#"((a = 1))"#, .eq("a", 1)), (#"and(a = 1)"#, .and(.eq("a", 1))),
      (#"not not a = 1"#, .not(.not(.eq("a", 1)))),
      (#"a > -1e999"#, .gt("a", .double(-.infinity))),
    ])
  func textGrammar(_ text: String, _ filter: Filter) throws {
    #expect(try Filter(parsing: text) == filter)
    #expect(try Filter(parsing: filter.description) == filter)
  }

  @Test("comparisons that are short for others print short")
  func sugar() {
    #expect(Filter.ge("year", 2020).description == "year >= 2020")
    #expect(Filter.le("name", "m").description == "name <= \"m\"")
    #expect(Filter.ne("a", 1).description == "a != 1")
    #expect(Filter.not(.lt("a", 5)).description == "not a < 5")
    #expect(
      Filter.not(.and(.exists("a"), .exists("b"))).description == "not (exists(a) and exists(b))")
    #expect(Filter.eq("and", "x").description == "\"and\" = \"x\"")
  }

  @Test(
    "text that is no filter is refused with the place where it ends to be one",
    arguments: [
      ("", "byte 0"), ("a", "byte 1"), ("a = ", "byte 4"), ("a = 1 b", "byte 6"),
      ("(a = 1", "byte 6"),
      ("a = 1)", "byte 5"), ("a == 1", "byte 3"), ("= 1", "byte 0"), ("$name = 1", "byte 0"),
      ("a = 'x", "byte 6"), ("a in 1", "byte 5"), ("a in (1", "byte 7"), ("a[01] = 1", "byte 2"),
      ("exists a", "byte 7"), ("a not = 1", "byte 6"), ("and = 1", "byte 0"),
      ("a = 1 and", "byte 9"),
      ("a = NaN", "byte 4"), ("a = 01", "byte 4"), ("a..b = 1", "byte 2"),
      ("a = \"\\x\"", "byte 6"),
    ])
  func refusedText(_ text: String, _ place: String) throws {
    let error = #expect(throws: StoreError.self) { try Filter(parsing: text) }
    #expect(error?.code == .invalidFilter)
    #expect(error?.message.contains(place) == true, "\(String(describing: error))")
  }

  @Test(
    "JSON that is no filter is refused, whatever stands around it",
    arguments: [
      "null", "[]", "{}", "1", #""a = 1""#, #"{"eq":["a"]}"#, #"{"eq":["a",1,2]}"#, #"{"eq":"a"}"#,
      #"{"EQ":["a",1]}"#, #"{"eq":["a",1],"gt":["a",1]}"#, #"{"eq":["a",1],"eq":["a",2]}"#,
      #"{"and":[]}"#, #"{"or":[]}"#, #"{"and":[null]}"#, #"{"or":[{"exists":"a"},null]}"#,
      #"{"not":null}"#, #"{"and":{"exists":"a"}}"#, #"{"in":["a",[]]}"#, #"{"in":["a","b"]}"#,
      #"{"gt":["a",null]}"#, #"{"lt":["a",[1]]}"#, #"{"gt":["a",{}]}"#, #"{"exists":["a"]}"#,
      #"{"eq":[{"column":"vector"},1]}"#, #"{"eq":[{"column":"ID"},"x"]}"#,
      #"{"eq":[{"column":""},"x"]}"#, #"{"eq":[{"column":"id"},123]}"#,
      #"{"eq":[{"kind":"x"},1]}"#, #"{"eq":[{},1]}"#, #"{"eq":[{"metadata":[]},1]}"#,
      #"{"eq":[{"metadata":[" "]},1]}"#, #"{"eq":[{"metadata":[1.5]},1]}"#, #"{"eq":[" ",1]}"#,
      #"{"like":["a","x"]}"#, #"{"ne":["a",1]}"#, #"{"dialect":"sql","filter":{"exists":"a"}}"#,
      #"{"dialect":"lenient","filter":{"like":["a",1]}}"#,
      #"{"dialect":"lenient","filter":{"gt":["a",null]}}"#,
      #"{"dialect":"lenient","filter":{"in":["a","text"]}}"#,
      #"{"dialect":"lenient","filter":{"not":null}}"#,
      #"{"and":[{"exists":"a"},{"or":[]}]}"#, #"{"eq":["a","\u0000"]}"#,
      "{\"eq\":[\"a\",\"\u{0}\"]}",
    ])
  func refusedJSON(_ text: String) throws {
    let error = #expect(throws: StoreError.self) { try Filter(json: text) }
    #expect(error?.code == .invalidFilter)
  }

  @Test("the three ways to build a filter give one value")
  func threeWays() throws {
    let year = Field<Int>("year")
    let language = Field<String>("language")
    let typed = language == "en" && (year >= 2020 || !(year < 2000)) && language.isIn(["en", "fr"])
    let text =
      #"(language = "en" and (year >= 2020 or not year < 2000)) and language in ("en","fr")"#
    #expect(try Filter(parsing: text) == typed)
    #expect(try Filter(json: typed.json) == typed)
  }

  @Test("a filter over its limits is refused in words, not by a crash")
  func limits() throws {
    let wide = Filter.or((0..<Limits.filterNodesMax).map { .eq("a", .int(Int64($0))) })
    let list = Filter.in("a", (0...Limits.filterValuesMax).map { .int(Int64($0)) })
    let long = Filter.exists(.metadata([String](repeating: "a", count: Limits.pathSegmentsMax + 1)))
    for filter in [wide, list, long] {
      let error = #expect(throws: StoreError.self) { try filter.check() }
      #expect(error?.code == .invalidFilter)
    }
    #expect(throws: StoreError.self) {
      try Filter(parsing: "a = \"" + String(repeating: "x", count: Limits.filterBytesMax) + "\"")
    }
    try Filter.or((1..<Limits.filterNodesMax).map { .eq("a", .int(Int64($0))) }).check()
  }
}

@Suite("The lenient dialect")
struct LenientTests {
  private static let rows = [
    Record(id: "ten", metadata: ["rank": 10, "lemma": "sea"], content: "deep"),
    Record(id: "text", metadata: ["rank": "11", "lemma": "sea level"]),
    Record(id: "null", metadata: ["rank": .null, "lemma": "over%sea"]),
    Record(id: "missing", metadata: [:]),
  ]

  @Test(
    "lowers to the rows that people expect of it",
    arguments: [
      (#"{"eq":["rank",null]}"#, ["null", "missing"]), (#"{"ne":["rank",null]}"#, ["ten", "text"]),
      (#"{"ne":["rank",10]}"#, ["text", "null"]), (#"{"ge":["rank",10]}"#, ["ten", "text"]),
      (#"{"le":["rank",10]}"#, ["ten"]), (#"{"ge":["rank",10.5]}"#, ["text"]),
      (#"{"in":["rank",[]]}"#, []), (#"{"in":["rank",[null]]}"#, ["null", "missing"]),
      (#"{"in":["rank",[10,null]]}"#, ["ten", "null", "missing"]),
      (#"{"not":{"in":["rank",[]]}}"#, ["ten", "text", "null", "missing"]),
      (#"{"and":[]}"#, ["ten", "text", "null", "missing"]), (#"{"or":[]}"#, []),
      (#"{"and":[null,{"exists":"rank"},null]}"#, ["ten", "text", "null"]),
      (#"{"or":[null]}"#, []), (#"{"not":{"or":[]}}"#, ["ten", "text", "null", "missing"]),
      (#"{"like":["lemma","sea*"]}"#, ["ten", "text"]),
      (#"{"like":["lemma","*sea"]}"#, ["ten", "null"]),
      (#"{"like":["lemma","%sea"]}"#, []), (#"{"like":["lemma","*e*l*"]}"#, ["text"]),
      (#"{"not":{"like":["lemma","sea*"]}}"#, ["null"]),
      (#"{"like":["rank","1*"]}"#, ["ten", "text"]),
      (#"{"eq":[{"column":"content"},null]}"#, ["text", "null", "missing"]),
      (#"{"ne":[{"column":"content"},null]}"#, ["ten"]),
      (#"{"eq":["rank",10]}"#, ["ten"]), (#"{"gt":["rank",10]}"#, ["text"]),
    ])
  func rows(_ json: String, _ expected: [String]) throws {
    let filter = try Filter(json: json, dialect: .lenient)
    #expect(Self.rows.filter(filter.matches).map(\.id) == expected)
    // What was lowered is a strict tree, and prints and reads back as one.
    #expect(try Filter(json: filter.json) == filter)
    #expect(try Filter(parsing: filter.description) == filter)
    let wrapped = "{\"dialect\":\"lenient\",\"filter\":\(json)}"
    #expect(try Filter(json: wrapped) == filter)
  }

  @Test("the text form knows the dialect as well")
  func text() throws {
    #expect(try Filter(parsing: "a = null", dialect: .lenient) == .isNull("a"))
    #expect(try Filter(parsing: "a = null") == .eq("a", .null))
    #expect(try !Filter(parsing: "a in ()", dialect: .lenient).matches(Record(id: "x")))
    #expect(throws: StoreError.self) { try Filter(parsing: "a in ()") }
  }
}
