import RoostContract
import RoostEngine
import RoostFiles
import RoostKernels

/// Every bit of an index file flipped, and the file cut off at every length: searches that went by
/// the index go on to give what an exact search gives, or an error of the store.
///
/// The campaign's lanes do the same to a store of few records, whose index no search needs. Here
/// searches do go by the index while it is whole.
enum DamageProof {
  private static let dimension = 32
  private static let kinds: [(spec: IndexSpec, way: String, metric: Metric, effort: Int)] = [
    (.hnsw(m: 4, efConstruction: 32), "graph", .l2, 12), (.ivfFlat(lists: 8), "lists", .cosine, 4),
  ]

  static func run(_ plan: BenchPlan, _ report: inout BenchReport) throws {
    for kind in kinds {
      let bed = try DamageBed(kind.spec, kind.way, kind.metric, effort: kind.effort)
      let bits = bed.file.count * 8
      let flips = bed.outcomes(of: bits) { bytes, bit in bytes[bit / 8] ^= 1 << UInt8(bit % 8) }
      let cuts = bed.outcomes(of: bed.file.count) { bytes, length in
        bytes.removeLast(bytes.count - length)
      }
      report.line(
        "\(kind.way): \(bed.rows) rows, a file of \(bed.file.count) bytes; refused with an error:"
          + " \(flips.refused + cuts.refused)")
      for complaint in (flips.complaints + cuts.complaints).prefix(8) {
        report.line("VIOLATED: \(complaint)")
      }
      report.check("\(kind.way): of \(bits) flipped bits, those with a wrong answer", flips.wrong)
      report.check("\(kind.way): flipped bits that nobody noticed", flips.unnoticed)
      report.check(
        "\(kind.way): of \(bed.file.count) cuts, those with a wrong answer", cuts.wrong)
      report.check("\(kind.way): cuts that nobody noticed", cuts.unnoticed)
    }
  }

  fileprivate static func records(_ count: Int) -> [Record] {
    (0..<count).map { number in
      Record(id: "\(number)", vector: vector(number), metadata: ["n": .int(Int64(number))])
    }
  }

  /// A vector around one of some middles.
  fileprivate static func vector(_ number: Int) -> [Float] {
    var middle = SeededStream(seed: UInt64(number % 20))
    var chance = SeededStream(seed: UInt64(number) &+ 1_000)
    return (0..<dimension).map { _ in middle.float() + chance.float() / 3 }
  }

  fileprivate static var options: StoreOptions {
    var options = StoreOptions(background: false)
    options.reserve = 4_096
    options.indexedRows = 1
    return options
  }

  fileprivate static func spec(_ metric: Metric) -> CollectionSpec {
    CollectionSpec(name: "points", dimension: dimension, metric: metric)
  }
}

/// A small store with an index, and searches that go by it and find what is nearest.
private struct DamageBed: Sendable {
  struct Outcome: Sendable {
    var wrong = 0
    var refused = 0
    var unnoticed = 0
    var complaints: [String] = []
  }

  let rows: Int
  let file: [UInt8]
  private let name: String
  private let image: DiskImage
  private let questions: [(query: SearchQuery, right: [String])]

  init(_ kind: IndexSpec, _ way: String, _ metric: Metric, effort: Int) throws {
    // As many rows as it takes for the index to be worth it.
    var rows = 400
    while rows <= 6_400 {
      let disk = SimulatedFileSystem(seed: 5)
      let store = try Store.open(at: "/store", on: disk, options: DamageProof.options)
      let collection = try store.ensureCollection(DamageProof.spec(metric))
      try collection.upsert(DamageProof.records(rows))
      try collection.ensureIndexes([kind])
      var questions: [(SearchQuery, [String])] = []
      for number in 0..<400 where questions.count < 3 {
        let query = SearchQuery(
          near: DamageProof.vector(number + 1_000_000), limit: 5, effort: effort)
        guard try collection.ways(query) == way else { break }
        var exact = query
        exact.effort = nil
        exact.exact = true
        let right = try collection.hits(exact).map(\.id)
        if try collection.hits(query).map(\.id) == right { questions.append((query, right)) }
      }
      try store.close()
      if questions.count == 3 {
        let image = disk.image()
        let names = image.names(in: "/store").filter { $0.hasSuffix(".idx") }
        guard names.count == 1, let bytes = image.bytes(of: names[0], in: "/store") else {
          throw BenchFailure("there are \(names.count) files of indexes, not one")
        }
        (self.rows, self.image, self.questions) = (rows, image, questions)
        (name, file) = (names[0], bytes)
        return
      }
      rows *= 2
    }
    throw BenchFailure("no search goes by \(way), however many rows there are")
  }

  /// What becomes of the answers when the file is damaged in each of so many ways.
  func outcomes(
    of count: Int, _ damage: @escaping @Sendable (inout [UInt8], Int) -> Void
  ) -> Outcome {
    let whole = Monitor(Outcome())
    let portion = 256
    SideBySide.run((count + portion - 1) / portion) { part in
      var outcome = Outcome()
      for place in part * portion..<min(count, (part + 1) * portion) {
        var bytes = file
        damage(&bytes, place)
        judge(bytes, place, &outcome)
      }
      whole.withLock {
        $0.wrong += outcome.wrong
        $0.refused += outcome.refused
        $0.unnoticed += outcome.unnoticed
        $0.complaints += outcome.complaints
      }
    }
    return whole.withLock { $0 }
  }

  private func judge(_ bytes: [UInt8], _ place: Int, _ outcome: inout Outcome) {
    var image = image
    image.setBytes(bytes, of: name, in: "/store")
    do {
      let disk = SimulatedFileSystem(image: image, seed: 1)
      let store = try Store.open(at: "/store", on: disk, options: DamageProof.options)
      let collection = try store.collection("points")
      for (query, right) in questions {
        let found = try collection.hits(query).map(\.id)
        if found != right {
          outcome.wrong += 1
          outcome.complaints.append("damage \(place): \(found) where \(right) is nearest")
        }
      }
      if try collection.indexes().map(\.indexed) != [0] { outcome.unnoticed += 1 }
      try store.close()
    } catch is StoreError {
      outcome.refused += 1
    } catch {
      outcome.wrong += 1
      outcome.complaints.append("damage \(place): an error of another kind: \(error)")
    }
  }
}
