import ContractSuite
import Foundation
import RoostContract
import RoostFiles
import RoostStorage
import Testing

/// A store made of files alone, without an engine, and what is in it.
private struct HandmadeStore {
  let directory = HeapDirectory()
  var manifest: Manifest
  /// The records of every collection that is there in the end, by name and id.
  var records: [UInt64: [BytewiseKey: StoredRecord]] = [:]
  private var random: SeededGenerator
  private var entries: [UInt64: CollectionEntry] = [:]
  private let ids: [String]

  init(seed: UInt64) throws {
    random = SeededGenerator(seed: seed)
    manifest = Manifest(
      database: SegmentBed.database, generation: 5, nextFile: 1, nextCollection: 1, firstLog: 2,
      flushed: 20)
    var ids = (0..<40).map { "id \($0)" }
    for _ in 0..<10 { ids.append(RandomRecords.text(&random, upTo: 9) + "x") }
    // In an order of their own: that of a set is another one in every process.
    self.ids = Set(ids.map(BytewiseKey.init)).sorted().map(\.text)
    for element in ElementType.allCases { try addCollection(element) }
    let torn = seed % 2 == 0
    try writeLogs(torn: torn)
    try manifest.install(in: directory)
    let state = StateHint(
      database: manifest.database, boot: 7, generation: manifest.generation, durable: 35)
    directory[FileName.state.name] = state.encoded()
    directory["LOCK"] = []
    directory["s-00000000000000ff.seg"] = [1, 2, 3]
    directory["notes"] = [4]
  }

  private mutating func addCollection(_ element: ElementType) throws {
    let number = manifest.nextCollection
    manifest.nextCollection += 1
    var entry = CollectionEntry(
      number: number, name: "\(RandomRecords.text(&random, upTo: 4)) \(number)",
      dimension: Int.random(in: 1...20, using: &random), metric: .l2, element: element)
    var live: [BytewiseKey: StoredRecord] = [:]
    // Where each id lives: the segment and the row.
    var homes: [BytewiseKey: (segment: UInt64, row: UInt32)] = [:]
    for _ in 0..<Int.random(in: 1...3, using: &random) {
      let file = manifest.nextFile
      manifest.nextFile += 1
      var dead: [UInt64: [UInt32]] = [9999: [1, 2]]
      func bury(_ id: BytewiseKey) {
        guard let home = homes[id] else { return }
        dead[home.segment, default: []].append(home.row)
      }
      for id in live.keys.sorted() where random.next() % 5 == 0 {
        bury(id)
        live[id] = nil
        homes[id] = nil
      }
      let chosen = ids.shuffled(using: &random).prefix(Int.random(in: 0...40, using: &random))
      var records: [StoredRecord] = []
      for id in chosen {
        var record = RandomRecords.record(
          &random, id: id, dimension: entry.dimension, element: element)
        if random.next() % 8 == 0 {
          record.content = String(repeating: "longer text ", count: 2000)
        }
        record.metadata["number"] = .int(Int64(random.next() % 9))
        bury(BytewiseKey(id))
        homes[BytewiseKey(id)] = (file, UInt32(records.count))
        live[BytewiseKey(id)] = record
        records.append(record)
      }
      var writer = try SegmentWriter(
        creating: file, in: directory, database: manifest.database, collection: number,
        dimension: entry.dimension, element: element, rows: records.count, firstLSN: 1,
        lastLSN: manifest.flushed)
      for record in records { try writer.append(record) }
      for (segment, rows) in dead { writer.addTombstones(rows, of: segment) }
      entry.segments.append(try writer.finish())
    }
    manifest.collections.append(entry)
    entries[number] = entry
    records[number] = live
  }

  private mutating func operation() -> RoostStorage.Operation {
    let numbers = entries.keys.sorted()
    let number = numbers.randomElement(using: &random) ?? 0
    guard let entry = entries[number], random.next() % 20 != 0 else {
      let entry = CollectionEntry(
        number: manifest.nextCollection, name: "new \(manifest.nextCollection)", dimension: 3)
      manifest.nextCollection += 1
      entries[entry.number] = entry
      records[entry.number] = [:]
      return .createCollection(entry)
    }
    let id = ids.randomElement(using: &random) ?? "a"
    switch random.next() % 20 {
    case 0 where numbers.count > 3:
      entries[number] = nil
      records[number] = nil
      return .dropCollection(number)
    case 1: return .migrateCollection(number)
    case 2: return .putIndex(collection: number, name: "i", .metadata(name: "i", fields: ["a"]))
    case 3: return .dropIndex(collection: number, name: "i")
    case 4..<8:
      records[number]?[BytewiseKey(id)] = nil
      return .delete(collection: number, id: id)
    default:
      let record = RandomRecords.record(
        &random, id: id, dimension: entry.dimension, element: entry.element)
      records[number]?[BytewiseKey(id)] = record
      return .put(collection: number, record)
    }
  }

  private mutating func writeLogs(torn: Bool) throws {
    var lsn: UInt64 = 15
    var before: Predecessor? = Predecessor(
      number: 1, lastLSN: 14, length: 4096, root: Root(a: 1, b: 2))
    for number in 2...4 as ClosedRange<UInt64> {
      let log = try LogWriter.create(
        in: directory,
        header: LogHeader(
          database: manifest.database, number: number, generation: 4, salt: random.next(),
          firstLSN: lsn, predecessor: before), payloadMax: number == 3 ? 100 : LogFormat.payloadMax)
      for _ in 0..<12 {
        // Up to `flushed` everything is in segments, so that these must not be read.
        let elements = entries.mapValues(\.element)
        let operations =
          lsn <= manifest.flushed
          ? [.dropCollection(1)]
          : (0..<Int.random(in: 1...4, using: &random)).map { _ in operation() }
        if random.next() % 6 == 0 {
          lsn = log.appendWitness(durable: lsn - 1) + 1
          if lsn - 1 <= manifest.flushed { continue }
        }
        let payload = OperationForm.encode(operations, elements: elements)
        lsn = log.append(payload, durable: lsn - 1) + 1
      }
      try log.write()
      try log.sync()
      before = log.predecessorForNext
      if number == 2 { try log.seal() }
      log.close()
    }
    guard torn else { return }
    // What a power cut leaves: a record that is not whole, and a log that was being created.
    directory[FileName.log(4).name]? += [UInt8](repeating: 0xAB, count: 77)
    directory[FileName.log(5).name] = [UInt8](repeating: 0, count: 100)
  }

  /// What a reader should print.
  func expected() throws -> [String] {
    var lines: [String] = []
    let names = entries.values.sorted { Bytewise.precedes($0.name, $1.name) }
    for entry in names {
      for (_, record) in (records[entry.number] ?? [:]).sorted(by: { $0.key < $1.key }) {
        let line: Value = [
          "collection": .string(entry.name), "id": .string(record.id),
          "vector": .array(record.vector.map { .double(Double($0)) }),
          "metadata": .object(record.metadata),
          "content": record.content.map { .string($0) } ?? .null,
        ]
        lines.append(line.json)
      }
    }
    return lines
  }
}

/// The program that was written from FORMAT.md alone, on a store in a real directory.
private struct SecondReader {
  let directory: URL

  init(_ store: HeapDirectory) throws {
    directory = FileManager.default.temporaryDirectory
      .appendingPathComponent("roost-second-reader-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    for name in store.names { try put(store[name] ?? [], name) }
  }

  func put(_ bytes: [UInt8], _ name: String) throws {
    try Data(bytes).write(to: directory.appendingPathComponent(name))
  }

  func remove() { try? FileManager.default.removeItem(at: directory) }

  func run() throws -> (status: Int32, lines: [String], problem: String) {
    let script = URL(fileURLWithPath: #filePath).appendingPathComponent("../../read-store.py")
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["python3", script.standardizedFileURL.path, directory.path]
    let (output, errors) = (Pipe(), Pipe())
    process.standardOutput = output
    process.standardError = errors
    try process.run()
    let printed = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    let problem = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    let lines = printed.split(separator: "\n").map(String.init)
    return (process.terminationStatus, lines, problem)
  }

  static let isThere: Bool = {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["python3", "-c", ""]
    process.standardError = nil
    do { try process.run() } catch { return false }
    process.waitUntilExit()
    return process.terminationStatus == 0
  }()
}

@Suite("The second reader", .enabled(if: SecondReader.isThere, "needs python3"))
struct SecondReaderTests {
  @Test(
    "a program written from FORMAT.md finds what is in a store", arguments: 0..<6 as Range<UInt64>)
  func reads(seed: UInt64) throws {
    let store = try HandmadeStore(seed: seed)
    let reader = try SecondReader(store.directory)
    defer { reader.remove() }
    let (status, lines, problem) = try reader.run()
    #expect(status == 0, "\(problem)")
    let expected = try store.expected()
    #expect(expected.count > 20)
    try #require(lines.count == expected.count)
    for (line, wanted) in zip(lines, expected) {
      let (line, wanted) = (try Value(json: line), try Value(json: wanted))
      guard case .object(var a) = line, case .object(var b) = wanted else { return }
      let vectors = [a["vector"], b["vector"]].map { value -> [UInt32] in
        guard case .array(let numbers) = value else { return [] }
        return numbers.map { Float($0.doubleValue ?? .nan).bitPattern }
      }
      #expect(vectors[0] == vectors[1])
      (a["vector"], b["vector"]) = (nil, nil)
      // Texts and not values, so that 1.5 and 1.50 differ.
      #expect(Value.object(a).json == Value.object(b).json)
    }
  }

  @Test("it refuses a store with a byte that is wrong, and says which file")
  func refuses() throws {
    let store = try HandmadeStore(seed: 1)
    let reader = try SecondReader(store.directory)
    defer { reader.remove() }
    var random = SeededGenerator(seed: 3)
    let segments = store.manifest.collections.flatMap(\.segments).map {
      FileName.segment($0.file).name
    }
    let logs = [FileName.log(2).name, FileName.log(3).name]
    for name in ["MANIFEST"] + segments + logs {
      for _ in 0..<3 {
        let bytes = store.directory[name] ?? []
        var damaged = bytes
        // A log's last bytes are its seal, which is nothing but a courtesy.
        let place = Int.random(
          in: 0..<bytes.count - (name.hasSuffix("wal") ? 40 : 0), using: &random)
        damaged[place] ^= 1 << UInt8(random.next() % 8)
        try reader.put(damaged, name)
        let (status, lines, problem) = try reader.run()
        #expect(status == 1, "\(name) at \(place): \(problem)")
        #expect(lines.isEmpty)
        #expect(!problem.isEmpty && !problem.contains("Traceback"), "\(problem)")
        try reader.put(bytes, name)
      }
      try FileManager.default.removeItem(at: reader.directory.appendingPathComponent(name))
      #expect(try reader.run().status == 1)
      try reader.put(store.directory[name] ?? [], name)
    }
    #expect(try reader.run().status == 0)
  }
}
