import RoostContract
import RoostModel
import Testing

private struct Article: VectorRecord, Equatable {
  var id: String
  var title: String
  var language: String
  var year: Int
  var embedding: [Float]

  enum Fields {
    static let id = Field<String>(CodingKeys.id)
    static let language = Field<String>(CodingKeys.language)
    static let year = Field<Int>(CodingKeys.year)
    static let embedding = Field<[Float]>(CodingKeys.embedding)
  }
}

private struct Page: VectorRecord, Equatable {
  var slug: Int
  var body: String?
  var numbers: [Double]
  var tags: [String]

  enum CodingKeys: CodingKey { case slug, body, numbers, tags }

  static let layout = RecordLayout(
    id: CodingKeys.slug, vector: CodingKeys.numbers, content: CodingKeys.body)

  enum Fields {
    static let slug = Field<Int>(CodingKeys.slug)
    static let body = Field<String>(CodingKeys.body)
    static let tags = Field<[String]>(CodingKeys.tags)
  }
}

private let articles = [
  Article(id: "1", title: "Small worlds", language: "en", year: 2024, embedding: [1, 0]),
  Article(id: "2", title: "Petits mondes", language: "fr", year: 1999, embedding: [0, 1]),
  Article(id: "3", title: "Skip lists", language: "en", year: 1990, embedding: [1, 1]),
]

/// A list of numbers written one by one, by a type that is no list.
private struct Triple: Codable, Equatable {
  var x, y, z: Float

  init(x: Float, y: Float, z: Float) { (self.x, self.y, self.z) = (x, y, z) }

  init(from decoder: any Decoder) throws {
    var list = try decoder.unkeyedContainer()
    x = try list.decode(Float.self)
    y = try list.decode(Float.self)
    z = try list.decode(Float.self)
  }

  func encode(to encoder: any Encoder) throws {
    var list = encoder.unkeyedContainer()
    for number in [x, y, z] { try list.encode(number) }
  }
}

@Suite("Typed records")
struct RecordCodingTests {
  @Test("id, vector and content are columns; everything else is metadata")
  func parts() throws {
    let record = try Record(encoding: articles[0])
    #expect(
      record
        == Record(
          id: "1", vector: [1, 0],
          metadata: ["title": "Small worlds", "language": "en", "year": 2024]))
    #expect(try record.decoded() == articles[0])

    let page = Page(slug: 7, body: "text", numbers: [0.5, 2], tags: ["a"])
    let other = try Record(encoding: page)
    #expect(
      other == Record(id: "7", vector: [0.5, 2], metadata: ["tags": ["a"]], content: "text"))
    #expect(try other.decoded() == page)
  }

  private struct Vectors<Numbers: Codable & Sendable & Equatable>: VectorRecord, Equatable {
    var id = "a"
    var vector: Numbers
  }

  @Test("a vector may be of any list of numbers, and optional")
  func vectors() throws {
    func check(_ numbers: some Codable & Sendable & Equatable) throws {
      let item = Vectors(vector: numbers)
      let record = try Record(encoding: item)
      #expect(record.vector == [1, -0.25, 3])
      #expect(try record.decoded() == item)
    }
    try check([1, -0.25, 3] as [Float])
    try check([1, -0.25, 3] as [Float]?)
    try check([1, -0.25, 3] as [Double])
    try check([1, -0.25, 3] as [Double]?)
    try check([1, -0.25, 3] as ContiguousArray<Float>)
    try check([1, -0.25, 3] as ContiguousArray<Float>?)
    try check([1, -0.25, 3] as [Float16])
    try check(Triple(x: 1, y: -0.25, z: 3))

    #expect(try Record(encoding: Vectors(vector: [Float.nan])).vector?[0].isNaN == true)
    let error = #expect(throws: StoreError.self) {
      _ = try Record(encoding: Vectors(vector: [0, 1e300]))
    }
    #expect(error?.found.contains(#""vector.1""#) == true)
    #expect(error?.found.contains("1e+300") == true)
    let word = #expect(throws: StoreError.self) { _ = try Record(encoding: Vectors(vector: ["a"])) }
    #expect(word?.found.contains(#""vector.0""#) == true)
    #expect(throws: StoreError.self) { _ = try Record(encoding: Vectors(vector: "a")) }
  }

  @Test("a vector that was not read is nil, or empty where nil is not allowed")
  func withoutVector() throws {
    let record = Record(id: "a", metadata: [:])
    #expect(try record.decoded(as: Vectors<[Float]>.self).vector == [])
    #expect(try record.decoded(as: Vectors<[Double]>.self).vector == [])
    #expect(try record.decoded(as: Vectors<ContiguousArray<Float>>.self).vector == [])
    #expect(try record.decoded(as: Vectors<[Float]?>.self).vector == nil)
    #expect(try Record(encoding: articles[0]).decoded(as: Article.self).embedding == [1, 0])
  }

  private struct ByID<ID: Codable & Sendable & Equatable>: VectorRecord, Equatable {
    var id: ID
    var vector: [Float] = [1]
  }

  private enum Kind: String, Codable { case first }
  private struct Number: Codable, Equatable, RawRepresentable { var rawValue: UInt64 }

  @Test("an id is a text or a whole number, and comes back as it was")
  func ids() throws {
    func check(_ id: some Codable & Sendable & Equatable, _ text: String) throws {
      let record = try Record(encoding: ByID(id: id))
      #expect(record.id == text)
      #expect(try record.decoded() == ByID(id: id))
    }
    try check("007", "007")
    try check(7, "7")
    try check(-7 as Int8, "-7")
    try check(UInt64.max, "18446744073709551615")
    try check(UInt128.max, String(UInt128.max))
    try check(Kind.first, "first")
    try check(Number(rawValue: 12), "12")
    try check(Number(rawValue: .max), "18446744073709551615")
    for refused: () throws -> Void in [
      { _ = try Record(encoding: ByID(id: 1.5)) }, { _ = try Record(encoding: ByID(id: true)) },
      { _ = try Record(encoding: ByID(id: ["a"])) },
      { _ = try Record(encoding: ByID<String?>(id: nil)) },
    ] {
      let error = #expect(throws: StoreError.self) { try refused() }
      #expect(error?.code == .invalidArgument)
      #expect(error?.message.contains("id") == true)
    }
    // Read as 7 it would be written as another record.
    for text in ["007", "+7", "7.0", "x", ""] {
      #expect(throws: StoreError.self) { _ = try Record(id: text).decoded(as: ByID<Int>.self) }
    }
  }

  private struct Both: VectorRecord {
    var id = "a"
    var embedding: [Float] = [1]
    var vector: [Float] = [2]
  }

  private struct Chosen: VectorRecord, Equatable {
    var id = "a"
    var embedding: [Float] = [1]
    var vector: [Float] = [2]
    static let layout = RecordLayout(vector: "embedding")
  }

  private struct Neither: VectorRecord {
    var id = "a"
    var embedding: [Float]?
  }

  private struct Twice: VectorRecord {
    var id = "a"
    var vector: [Float] = [2]
    static let layout = RecordLayout(content: "id")
  }

  private struct Structured: VectorRecord, Equatable {
    var id = "a"
    var vector: [Float] = [2]
    var content = ["a": 1]
  }

  private struct Uncolumned: VectorRecord, Equatable {
    var id = "a"
    var vector: [Float] = [2]
    var content = ["a": 1]
    static let layout = RecordLayout(content: nil)
  }

  private struct Wrapper: VectorRecord, Equatable {
    var article: Article
    init(article: Article) { self.article = article }
    init(from decoder: any Decoder) throws {
      article = try decoder.singleValueContainer().decode(Article.self)
    }
    func encode(to encoder: any Encoder) throws {
      var container = encoder.singleValueContainer()
      try container.encode(article)
    }
  }

  @Test("a layout says which keys are columns; what it leaves unclear is refused")
  func layouts() throws {
    func refusal(_ item: some VectorRecord) -> StoreError? {
      let error = #expect(throws: StoreError.self) { _ = try Record(encoding: item) }
      #expect(error?.code == .invalidArgument)
      return error
    }
    #expect(refusal(Both())?.remedy.contains("layout") == true)
    #expect(refusal(Neither())?.found.contains("vector") == true)
    #expect(refusal(Twice())?.found.contains("\"id\"") == true)
    #expect(refusal(Structured())?.found.contains("\"content\"") == true)
    #expect(try Record(encoding: Chosen()).metadata == ["vector": [2]])
    #expect(try Record(encoding: Chosen()).decoded() == Chosen())
    #expect(try Record(encoding: Uncolumned()).metadata == ["content": ["a": 1]])
    #expect(try Record(encoding: Uncolumned()).decoded() == Uncolumned())
    let wrapper = Wrapper(article: articles[0])
    #expect(try Record(encoding: wrapper) == Record(encoding: articles[0]))
    #expect(try Record(encoding: wrapper).decoded() == wrapper)
  }

  private struct Note: VectorRecord {
    var id: String
    var vector: [Float]
    var content: String
    var stars: Int?
  }

  @Test("parts that were not read and are needed are named")
  func leftOut() throws {
    let noMetadata = #expect(throws: StoreError.self) {
      _ = try Record(id: "a", vector: [1], content: "c").decoded(as: Note.self)
    }
    #expect(noMetadata?.code == .invalidArgument)
    #expect(noMetadata?.message.contains("projection") == true)
    #expect(noMetadata?.message.contains("\"stars\"") == true)
    let noContent = #expect(throws: StoreError.self) {
      _ = try Record(id: "a", metadata: [:]).decoded(as: Note.self)
    }
    #expect(noContent?.message.contains("content") == true)
    let page = try Record(id: "1", metadata: ["tags": []]).decoded(as: Page.self)
    #expect(page.body == nil)
    let missing = #expect(throws: StoreError.self) {
      _ = try Record(id: "a", metadata: [:]).decoded(as: Article.self)
    }
    #expect(missing?.code == .schemaMismatch)
    #expect(missing?.found == #""title" of record "a" is missing"#)
  }
}

/// A record that may refuse to be encoded.
private struct Fragile: VectorRecord, Equatable {
  var id: String
  var vector: [Float] = [1, 0]
  var state = Refuser()
}

/// What another program might have meant by the same records.
private struct Misread: VectorRecord {
  var id: String
  var embedding: [Float]
  var year: String
}

@Suite("Typed collections")
struct RecordCollectionTests {
  private func library() async throws -> RecordCollection<Article, ModelCollection> {
    let store = ModelStore()
    let library = try await store.ensureCollection("articles", of: Article.self, dimension: 2)
    try await library.upsert(articles)
    return library
  }

  @Test("records that are written are found, whole and by condition")
  func call() async throws {
    let library = try await library()
    #expect(try await library.get("2") == articles[1])
    #expect(try await library.get(["3", "x", "1"]) == [articles[2], nil, articles[0]])
    #expect(try await library.count() == 3)
    #expect(try await library.count { $0.year > 2020 } == 1)
    let several = try await library.count {
      $0.language.isIn(["en", "fr"]) || !($0.year < 2000)
    }
    #expect(several == 3)

    let hits = try await library.search(near: [1, 0], limit: 10, maximumDistance: 0.4) {
      $0.language == "en" && $0.year >= 1980
    }
    #expect(hits.map(\.record.id) == ["1", "3"])
    #expect(hits[0].score == 1)
    let filter: Filter = Article.Fields.year < 1995
    let old = try await library.search(near: [1, 0], projection: .everything, where: filter)
    #expect(old.map(\.record) == [articles[2]])
    let queries = [SearchQuery(near: [0, 1], limit: 1), SearchQuery(near: [1, 0], limit: 1)]
    #expect(try await library.search(queries).map { $0.map(\.record.id) } == [["2"], ["1"]])

    var walked: [Article] = []
    for try await article in library.records(pageSize: 1, where: { $0.language == "en" }) {
      walked.append(article)
    }
    #expect(walked == [articles[0], articles[2]])
    #expect(try await library.statistics().records == 3)
    try await library.ensureIndex(.hnsw(m: 16, efConstruction: 200)) { progress in
      _ = progress.completed
    }
    #expect(try await library.base.indexes().count == 1)

    #expect(try await library.delete { $0.year < 1995 } == 1)
    #expect(try await library.delete("1"))
    #expect(try await library.delete(["1", "2"]) == 1)
    #expect(try await library.count() == 0)
  }

  @Test("a typed handle works in any store")
  func anyStore() async throws {
    func related(to vector: [Float], in store: some VectorStore) async throws -> [Hit<Article>] {
      let library = try await store.ensureCollection("articles", of: Article.self, dimension: 2)
      try await library.insert(articles)
      return try await store.collection("articles", of: Article.self, dimension: 2)
        .search(near: vector, limit: 1) { $0.language == "en" }
    }
    #expect(try await related(to: [1, 0], in: ModelStore()).map(\.record.id) == ["1"])
  }

  @Test("a field over the key of a column filters the column")
  func columns() async throws {
    let library = try await library()
    #expect(try await library.count { $0.id == "2" } == 1)
    #expect(try await library.count { $0.id.isIn(["1", "3", "4"]) && $0.year > 2000 } == 1)
    #expect(try await library.count { $0.id > "1" && $0.id.exists } == 2)
    #expect(try await library.count { !($0.id.isLike("1*")) } == 2)
    #expect(try await library.count(where: .eq(.id, "2")) == 1)
    #expect(try await library.count(where: .eq(.metadata("id", "x"), "2")) == 0)
    await #expect(throws: StoreError.self) { try await library.count { $0.embedding == [1, 0] } }

    let store = ModelStore()
    let pages = try await store.ensureCollection("pages", of: Page.self, dimension: 1)
    try await pages.upsert([
      Page(slug: 9, body: "nine", numbers: [1], tags: ["slug"]),
      Page(slug: 10, body: nil, numbers: [1], tags: []),
    ])
    #expect(try await pages.count { $0.slug == 10 } == 1)
    #expect(try await pages.count { $0.slug.isIn([9, 10, 11]) } == 2)
    #expect(try await pages.count { $0.slug != 10 } == 1)
    #expect(try await pages.count { $0.body == "nine" } == 1)
    #expect(try await pages.count { $0.body.exists } == 1)
    #expect(try await pages.count { $0.tags[0] == "slug" } == 1)
    #expect(try await pages.get(10).slug == 10)
    // As texts 10 comes before 9; a comparison by number would lie.
    let order = await #expect(throws: StoreError.self) {
      try await pages.count { $0.slug >= 10 && $0.body.exists }
    }
    #expect(order?.code == .invalidFilter)
  }

  @Test("one record that cannot be encoded keeps the whole batch out", arguments: [0, 999, 1_000])
  func encodeError(_ place: Int) async throws {
    let store = ModelStore()
    let fragile = try await store.ensureCollection("fragile", of: Fragile.self, dimension: 2)
    let batch = (0..<1_001).map {
      Fragile(id: String($0), state: Refuser(refuses: $0 == place))
    }
    for write: () async throws -> Void in [
      { try await fragile.insert(batch) }, { try await fragile.upsert(batch) },
    ] {
      let error = await #expect(throws: StoreError.self) { try await write() }
      #expect(error?.code == .invalidArgument)
      #expect(error?.cause is Thrown)
      #expect(error?.found.contains("position \(place)") == true)
      #expect(error?.found.contains("\"state\"") == true)
      #expect(try await fragile.count() == 0)
    }
  }

  @Test("one record that cannot be decoded fails the whole read")
  func decodeError() async throws {
    let library = try await library()
    try await library.base.upsert([
      Record(id: "2", vector: [0, 1], metadata: ["title": "t", "language": "fr", "year": "old"])
    ])
    func expectRefusal(_ read: () async throws -> Void) async {
      let error = await #expect(throws: StoreError.self) { try await read() }
      #expect(error?.code == .schemaMismatch)
      #expect(error?.found == #""year" of record "2" is "old""#)
    }
    await expectRefusal { _ = try await library.search(near: [1, 0]) }
    await expectRefusal { _ = try await library.search([SearchQuery(near: [1, 0])]) }
    await expectRefusal { _ = try await library.get("2") }
    await expectRefusal { _ = try await library.get(["1", "2"]) }
    await expectRefusal { for try await _ in library.records() {} }
    #expect(try await library.search(near: [1, 0], limit: 2).map(\.record.id) == ["1", "3"])

    let misread = RecordCollection(library.base, of: Misread.self)
    await #expect(throws: StoreError.self) { try await misread.search(near: [1, 0]) }
  }

  @Test("a search brings no vector unless asked")
  func projection() async throws {
    let library = try await library()
    #expect(try await library.search(near: [1, 0]).allSatisfy { $0.record.embedding == [] })
    let whole = try await library.search(near: [1, 0], projection: .everything)
    #expect(whole.first?.record == articles[0])
    let error = await #expect(throws: StoreError.self) {
      _ = try await library.search(near: [1, 0], projection: .id)
    }
    #expect(error?.message.contains("projection") == true)
    // What came without its vector cannot be written back by mistake.
    let half = try await library.search(near: [1, 0]).map(\.record)
    await #expect(throws: StoreError.self) { try await library.upsert(half) }
    #expect(try await library.get("1") == articles[0])
  }

  @Test("a record that is not there is not found")
  func notFound() async throws {
    let error = await #expect(throws: StoreError.self) {
      _ = try await self.library().get("absent")
    }
    #expect(error?.code == .notFound)
  }

  @Test("nothing to do is done without looking at the collection")
  func empty() async throws {
    let gone = ModelStore().collection("gone", of: Article.self, dimension: 2)
    try await gone.insert([])
    try await gone.upsert([])
    #expect(try await gone.delete([String]()) == 0)
    #expect(try await self.library().get([String]()) == [])
    #expect(try await self.library().search([]).isEmpty)
  }

  @Test("numbers that no store keeps are refused by name")
  func notFinite() async throws {
    struct Measured: VectorRecord {
      var id = "a"
      var vector: [Float] = [1]
      var height = Double.nan
    }
    let store = ModelStore()
    let measured = try await store.ensureCollection("m", of: Measured.self, dimension: 1)
    let error = await #expect(throws: StoreError.self) { try await measured.upsert([Measured()]) }
    #expect(error?.code == .invalidArgument)
    #expect(error?.message.contains("height") == true)
  }
}
