import Roost

/// `roost demo`: records of a file in a store, searched exactly.
struct Demo {
  private let file: String
  private let path: String?
  private let nearID: String?
  private let limit: Int
  private let filter: Filter?

  init(_ arguments: Arguments) throws {
    try arguments.allow("--near-id", "-k", "--where", "--filter", "--store")
    guard arguments.rest.count == 1 else { throw Usage("demo takes one file") }
    file = arguments.rest[0]
    path = arguments["--store"]
    nearID = arguments["--near-id"]
    filter = try Filter(arguments)
    guard let limit = Int(arguments["-k"] ?? "5") else { throw Usage("-k takes a whole number") }
    self.limit = limit
  }

  func run() async throws -> Bool {
    let records = try JSONLines(path: file).records()
    guard let first = records.first, let vector = first.vector else {
      throw Usage("\(file) has no record with a vector")
    }
    let store = try path.map { try Store.open(at: $0) } ?? Store.inMemory()
    let collection = try await store.ensureCollection(
      CollectionSpec(name: "demo", dimension: vector.count))
    try await collection.upsert(records)

    let origin = try await collection.get(nearID ?? first.id)
    print("\(records.count) records of dimension \(vector.count), nearest to \(origin.id):")
    print("  \(origin.content ?? "")")
    let hits = try await collection.search(
      near: origin.vector ?? [], limit: limit, where: filter)
    if let filter { print("where \(filter)") }
    print("score   id")
    for hit in hits {
      print(
        "\(fixed(hit.score))  \(hit.record.id)"
          + (hit.record.content.map { "\n        \($0)" } ?? ""))
    }
    try store.close()
    return !hits.isEmpty
  }

  /// Three places behind the point, in six columns.
  private func fixed(_ score: Double) -> String {
    guard score.isFinite else { return "\(score)   " }
    let thousandths = Int((abs(score) * 1_000).rounded())
    let places = String(1_000 + thousandths % 1_000).dropFirst()
    return (score < 0 ? "-" : " ") + "\(thousandths / 1_000).\(places)"
  }
}
