import ContractSuite
import Foundation
import RoostContract
import RoostEngine
import Testing

/// What the programs store.
private struct Article: VectorRecord {
  var id: String
  var title: String
  var year: Int
  var embedding: [Float]

  enum Fields {
    static let year = Field<Int>(CodingKeys.year)
  }

  static let layout = RecordLayout(id: CodingKeys.id, vector: CodingKeys.embedding)

  static let some = [
    Article(id: "1", title: "Small worlds", year: 2024, embedding: [1, 0]),
    Article(id: "2", title: "Greedy routing", year: 2018, embedding: [0.9, 0.1]),
    Article(id: "3", title: "Skip lists", year: 1990, embedding: [0, 1]),
  ]
}

// Short programs as users would write them.
@Suite("A short program")
struct ShortProgramTests {
  @Test("keeps articles in memory")
  func inMemory() throws {
    let store = try Store.inMemory()
    let articles = try store.ensureCollection("articles", of: Article.self, dimension: 2)
    try articles.upsert(Article.some)

    let hits = try articles.search(near: [1, 0], limit: 2) { $0.year >= 2000 }
    #expect(hits.map(\.record.title) == ["Small worlds", "Greedy routing"])

    try articles.ensureIndex(.hnsw(m: 16, efConstruction: 200))
    let before = try store.snapshot()
    try articles.delete("1")
    #expect(try articles.count() == 2)
    #expect(try before.reading(articles).count { $0.year > 2000 } == 2)
  }

  @Test("keeps articles in a directory, and finds them there again")
  func onDisk() throws {
    let directory = try ScratchDirectory()
    defer { ScratchDirectory.remove(directory.path) }
    do {
      let store = try Store.open(at: directory.path)
      let articles = try store.ensureCollection("articles", of: Article.self, dimension: 2)
      try articles.upsert(Article.some)
      try store.close()
    }
    let store = try Store.open(at: directory.path, options: Store.Options(access: .readOnly))
    let articles = try store.ensureCollection("articles", of: Article.self, dimension: 2)
    #expect(try articles.get("3").title == "Skip lists")
  }

  @Test("writes asynchronously, any number at a time")
  func asynchronous() async throws {
    let directory = try ScratchDirectory()
    defer { ScratchDirectory.remove(directory.path) }
    let store = try Store.open(at: directory.path)
    let articles = try await store.ensureCollection("articles", of: Article.self, dimension: 2)
    try await withThrowingTaskGroup(of: Void.self) { group in
      for number in 0..<40 {
        group.addTask {
          let article = Article(
            id: "\(number)", title: "t", year: number, embedding: [Float(number), 1])
          try await articles.upsert([article])
        }
      }
      try await group.waitForAll()
    }
    #expect(try await articles.count() == 40)
    try store.close()
  }

  @Test("follows in another process what this one writes")
  func follower() async throws {
    let directory = try ScratchDirectory()
    defer { ScratchDirectory.remove(directory.path) }
    let store = try Store.open(at: directory.path)
    let articles = try await store.ensureCollection("articles", of: Article.self, dimension: 2)
    // On threads of its own: the follower waits for it, however long other tests keep the pool.
    let writing = Task(executorPreference: Lanes()) {
      for number in 0..<200 {
        try await articles.upsert([
          Article(id: "\(number)", title: "t", year: number, embedding: [Float(number), 1])
        ])
        if number % 50 == 49 { try await store.checkpoint() }
      }
    }
    await #expect(processExitsWith: .success) { [path = directory.path as String] in
      let store = try Store.open(at: path, options: Store.Options(access: .readOnly))
      let articles = try store.collection("articles")
      var last = 0
      let deadline = Date(timeIntervalSinceNow: 600)
      while last < 200, Date() < deadline {
        try store.refresh()
        let count: Int = try articles.scroll(limit: 1_000).records.count
        precondition(count >= last, "a follower never goes back")
        last = count
      }
      precondition(last == 200, "a follower sees everything")
    }
    try await writing.value
    try store.close()
  }
}
