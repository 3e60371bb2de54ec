import ContractSuite
import Foundation
import RoostContract
import RoostEngine
import Testing

/// The program `Tests/read-store.py`, which was written from FORMAT.md alone.
private enum SecondReader {
  static func run(_ arguments: [String]) throws -> (status: Int32, lines: [String], problem: String)
  {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["python3"] + arguments
    let (output, errors) = (Pipe(), Pipe())
    process.standardOutput = output
    process.standardError = errors
    try process.run()
    let printed = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    let problem = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    return (process.terminationStatus, printed.split(separator: "\n").map(String.init), problem)
  }

  static func read(_ store: String) throws -> [String] {
    let script = URL(fileURLWithPath: #filePath).appendingPathComponent("../../read-store.py")
    let (status, lines, problem) = try run([script.standardizedFileURL.path, store])
    #expect(status == 0, "\(problem)")
    return lines
  }

  static let isThere: Bool = {
    do { return try run(["-c", ""]).status == 0 } catch { return false }
  }()
}

@Suite("What the engine wrote", .enabled(if: SecondReader.isThere, "needs python3"))
struct SecondReaderTests {
  private func record(_ random: inout SeededGenerator, _ id: Int, _ dimension: Int) -> Record {
    var record = Record(id: "id \(id) é")
    record.vector = (0..<dimension).map { _ in Float(Int64(random.next() >> 56)) - 128 }
    record.vector = record.vector?.map { max(-128, min(127, $0)) }
    var metadata: Metadata = ["n": .int(Int64(id)), "half": .double(Double(id) / 2)]
    if let digits = ExactDecimal("\(random.next()).\(random.next())0") {
      metadata["exact"] = .decimal(digits)
    }
    if random.next() & 1 == 0 { metadata["inner"] = ["list": [.null, true, "x", ["deep": -0.0]]] }
    record.metadata = metadata
    if random.next() & 1 == 0 { record.content = String(repeating: "text \(id) ", count: id) }
    return record
  }

  /// Compares what the program finds with what the store says.
  private func compare(_ store: Store, _ collections: [StoreCollection], _ path: String) throws {
    var expected: [String] = []
    for collection in collections.sorted(by: { Bytewise.precedes($0.name, $1.name) }) {
      let records = try collection.scroll(limit: 1_000).records
      for record in records.sorted(by: { Bytewise.precedes($0.id, $1.id) }) {
        let line: Value = [
          "collection": .string(collection.name), "id": .string(record.id),
          "vector": .array((record.vector ?? []).map { .double(Double($0)) }),
          "metadata": .object(record.metadata ?? [:]),
          "content": record.content.map { .string($0) } ?? .null,
        ]
        expected.append(try Value(json: line.json).json)
      }
    }
    let found = try SecondReader.read(path).map { try Value(json: $0).json }
    #expect(found == expected)
  }

  @Test("is what a program written from FORMAT.md reads", arguments: 0..<3 as Range<UInt64>)
  func reads(seed: UInt64) throws {
    let path = try ScratchDirectory().path
    defer { ScratchDirectory.remove(path) }
    var random = SeededGenerator(seed: seed)
    var store = try Store.open(at: path, options: StoreOptions(background: false))
    var collections: [StoreCollection] = []
    for round in 0..<5 {
      collections = []
      for (place, element) in ElementType.allCases.enumerated() {
        collections.append(
          try store.ensureCollection(
            CollectionSpec(
              name: "notes \(element.rawValue)", dimension: 3 + 7 * place, metric: .l2,
              element: element)))
      }
      for collection in collections {
        for _ in 0..<4 {
          let ids = Set((0..<12).map { _ in Int(random.next() % 60) }).sorted()
          try collection.upsert(ids.map { record(&random, $0, collection.dimension) })
          _ = try collection.delete(["id \(random.next() % 60) é", "id \(random.next() % 60) é"])
        }
        if random.next() & 1 == 0 { try store.checkpoint() }
      }
      try compare(store, collections, path)
      if round == 3 { try store.compact() }
      if round % 2 == 1 {
        try store.close()
        #expect(try SecondReader.read(path).count > 20)
        store = try Store.open(at: path, options: StoreOptions(background: false))
      }
    }
    #expect(try store.dropCollection(collections[0].name))
    try compare(store, Array(collections.dropFirst()), path)
    try store.close()
  }
}
