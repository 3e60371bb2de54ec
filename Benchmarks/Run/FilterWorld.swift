import Foundation
import RoostContract
import RoostEngine
import RoostKernels

/// Records of WordNet with more fields than they came with, and a store that holds them in every
/// state that a record can be in: in a large and in a small segment, deleted, replaced, in memory.
struct FilterWorld: Sendable {
  static let spec = CollectionSpec(name: "words", dimension: 384, metric: .cosine)

  /// The living records, whose vectors are beside them.
  private(set) var records: [Record] = []
  private(set) var vectors: [[Float]] = []
  let queries: [[Float]]
  private(set) var rows: [String: Int] = [:]
  private(set) var reference: ReferenceRows
  /// The names of lexicographers' files.
  private(set) var files: [String] = []

  /// Which part of the records is in the first segment, and which in the first two.
  private static let shares = (0.9, 0.985)

  /// Reads the records, and writes those that live at the end into a store, by detours.
  init(_ folder: String, into store: Store, indexed kind: IndexSpec) throws {
    let data = try ProofData("wordnet-384", .cosine, folder, "wordnet", "f16")
    queries = data.queries
    reference = ReferenceRows([], .cosine)
    let text = try String(contentsOfFile: folder + "/wordnet-metadata.jsonl", encoding: .utf8)
    var all = try text.split(separator: "\n").enumerated().map { row, line in
      try Self.record(row, Metadata(json: String(line)), Self.axes(of: data, row))
    }
    guard all.count == data.base.count else {
      throw BenchFailure("\(all.count) lines of metadata, but \(data.base.count) vectors")
    }
    for row in all.indices { all[row].vector = data.base[row] }
    let collection = try store.ensureCollection(Self.spec)
    let first = Int(Double(all.count) * Self.shares.0)
    let second = Int(Double(all.count) * Self.shares.1)
    var chance = SeededStream(seed: 3)
    try Self.write(Array(all[..<first]), collection)
    try store.checkpoint()
    try Self.write(Array(all[first..<second]), collection)
    try store.checkpoint()
    try collection.ensureIndexes([kind])
    var living = all.map(Optional.some)
    // What is in segments is deleted here and there, and replaced: by metadata of another record,
    // and every other time by its vector too, so that there are rows equally far away.
    var deleted: [String] = []
    var replaced: [Record] = []
    for row in 0..<second {
      switch chance.below(80) {
      case 0, 1:
        deleted.append(all[row].id)
        living[row] = nil
      case 2:
        let other = all[chance.below(all.count)]
        var record = other
        record.id = all[row].id
        if row.isMultiple(of: 2) { record.vector = all[row].vector }
        replaced.append(record)
        living[row] = record
      default: break
      }
    }
    guard try collection.delete(deleted) == deleted.count else {
      throw BenchFailure("records that were deleted were not there")
    }
    try Self.write(replaced + all[second...], collection)
    for record in living.compactMap(\.self) {
      rows[record.id] = records.count
      vectors.append(record.vector ?? [])
      records.append(Record(id: record.id, metadata: record.metadata, content: record.content))
    }
    guard try collection.count() == records.count else {
      throw BenchFailure("\(try collection.count()) records where \(records.count) should be")
    }
    reference = ReferenceRows(vectors, .cosine)
    var seen = Set<String>()
    for record in records {
      if let file = record.metadata?["lexfile"]?.stringValue { seen.insert(file) }
    }
    files = seen.sorted()
  }

  private static func write(_ records: [Record], _ collection: StoreCollection) throws {
    for start in stride(from: 0, to: records.count, by: 1_000) {
      try collection.upsert(Array(records[start..<min(start + 1_000, records.count)]))
    }
  }

  /// How far along some directions through the vectors a row lies: fields that go with the vectors.
  private static func axes(of data: ProofData, _ row: Int) -> [Double] {
    (0..<4).map { axis in projection(data.base[row], axis, data) }
  }

  private static func projection(_ vector: [Float], _ axis: Int, _ data: ProofData) -> Double {
    let (a, b) = (data.base[37 * axis + 1], data.base[91 * axis + 2])
    return vector.indices.reduce(0) { $0 + Double(vector[$1]) * Double(a[$1] - b[$1]) }
  }

  /// What `n` is below, in every record.
  static let chanceBound = 1_000_000

  /// A record with what it came with, and fields of every type, some of them missing.
  private static func record(_ row: Int, _ given: Metadata, _ axes: [Double]) throws -> Record {
    var chance = SeededStream(seed: UInt64(row) &+ 99)
    var metadata = given
    metadata["id"] = nil
    metadata["gloss"] = nil
    metadata["n"] = .int(Int64(chance.below(chanceBound)))
    for (axis, place) in axes.enumerated() { metadata["axis\(axis)"] = .double(place) }
    let number = chance.below(200) - 100
    let score: Value? =
      switch chance.below(9) {
      case 0: nil
      case 1: .null
      case 2: .int(Int64(number))
      case 3: .double(Double(number) / 4)
      case 4: .string("\(number)")
      case 5: .string("\(Double(number) / 4)e1")
      case 6: .string(["high", "low", "", "Żółw", "10x"][chance.below(5)])
      case 7: .bool(number > 0)
      default: .array([.int(Int64(number)), .string("low"), .null])
      }
    metadata["score"] = score
    if chance.below(4) > 0 {
      var source: Metadata = [
        "name": .string(["corpus", "web", "book", "letter"][chance.below(4)]),
        "rank": .int(Int64(chance.below(1_000))),
      ]
      if chance.below(3) == 0 {
        source["deep"] = .object(["x": .double(Double(chance.below(64)) / 8), "none": .null])
      }
      metadata["source"] = .object(source)
    }
    if chance.below(3) > 0 {
      metadata["tags"] = .array(
        (0..<chance.below(4)).map { _ in .string(["red", "green", "blue", "42"][chance.below(4)]) })
    }
    let gloss = given["gloss"]?.stringValue
    return Record(
      id: id(row), metadata: metadata, content: chance.below(16) == 0 ? nil : gloss)
  }

  /// Ids in the order of the rows.
  static func id(_ row: Int) -> String {
    let digits = String(row)
    return "w" + String(repeating: "0", count: max(0, 5 - digits.count)) + digits
  }
}
