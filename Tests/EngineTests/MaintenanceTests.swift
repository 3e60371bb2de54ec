import RoostContract
import RoostEngine
import RoostFiles
import Testing

@Suite("A backup")
struct BackupTests {
  @Test("is a store of its own, with what was only in the log as well")
  func isWhole() throws {
    let bed = Bed()
    let store = try bed.open()
    let notes = try Bed.notes(in: store)
    try notes.upsert(Bed.records(0..<10))
    try store.checkpoint()
    try notes.upsert(Bed.records(8..<12, tag: "new"))
    try notes.delete(["1"])
    let expected = try notes.scroll().records
    let report = try store.backup(to: "/backup")
    #expect(report.copied == 2 && report.kept == 0)
    try notes.upsert(Bed.records(0..<30, tag: "later"))

    let copy = try Store.open(at: "/backup", on: bed.disk, options: bed.options)
    #expect(try Bed.notes(in: copy).scroll().records == expected)
    try copy.close()
    #expect(try Store.check(at: "/backup", full: true, on: bed.disk).isOK)
    #expect(bed.disk.violations == [])
  }

  @Test("copies only what is new into the directory of an earlier one")
  func isIncremental() throws {
    let bed = Bed()
    let store = try bed.open()
    let notes = try Bed.notes(in: store)
    try notes.upsert(Bed.records(0..<10))
    try store.checkpoint()
    try store.backup(to: "/backup")
    try notes.upsert(Bed.records(10..<12))
    try store.checkpoint()
    let report = try store.backup(to: "/backup")
    #expect(report.copied == 1 && report.kept == 1)
    let copy = try Store.open(at: "/backup", on: bed.disk, options: bed.options)
    #expect(try Bed.notes(in: copy).count() == 12)
  }

  @Test("is never written over another store, nor into the store itself")
  func isRefused() throws {
    let bed = Bed()
    let store = try bed.open()
    try Bed.notes(in: store).upsert(Bed.records(0..<1))
    let other = try Store.open(at: "/other", on: bed.disk, options: bed.options)
    try Bed.notes(in: other).upsert(Bed.records(0..<2))
    #expect { try store.backup(to: "/other") } throws: { StoreError.alreadyExists ~= $0 }
    #expect { try store.backup(to: "/store") } throws: { StoreError.invalidArgument ~= $0 }
    #expect(try Bed.notes(in: other).count() == 2)
  }

  @Test("is restored into a directory that holds no store")
  func isRestored() throws {
    let bed = Bed()
    let store = try bed.open()
    try Bed.notes(in: store).upsert(Bed.records(0..<5))
    try store.backup(to: "/backup")
    try Store.restore(from: "/backup", to: "/new", on: bed.disk)
    let restored = try Store.open(at: "/new", on: bed.disk, options: bed.options)
    #expect(try Bed.notes(in: restored).count() == 5)
    #expect {
      try Store.restore(from: "/backup", to: "/store", on: bed.disk)
    } throws: { StoreError.alreadyExists ~= $0 }
  }
}

@Suite("A damaged store")
struct DamageTests {
  /// A closed store with two segments, and its disk.
  private static func image() throws -> DiskImage {
    let bed = Bed()
    let store = try bed.open()
    let notes = try Bed.notes(in: store)
    try notes.upsert(Bed.records(0..<10))
    try store.checkpoint()
    try notes.upsert(Bed.records(10..<20))
    try store.close()
    return bed.disk.image()
  }

  private static func flipped(_ name: String, at place: Double) throws -> DiskImage {
    var image = try image()
    var bytes = try #require(image.bytes(of: name, in: "/store"))
    bytes[Int(Double(bytes.count) * place)] ^= 4
    image.setBytes(bytes, of: name, in: "/store")
    return image
  }

  private static func segments(_ image: DiskImage) -> [String] {
    image.names(in: "/store").filter { $0.hasPrefix("s-") }
  }

  @Test("is found by a full check, which names the file and the records, and changes nothing")
  func isFound() throws {
    let name = try #require(Self.segments(try Self.image()).first)
    let image = try Self.flipped(name, at: 0.3)
    let disk = SimulatedFileSystem(image: image)
    let report = try Store.check(at: "/store", full: true, on: disk)
    #expect(!report.isOK && report.json.contains("\"ok\":false"))
    #expect(report.problems.first?.place == name)
    #expect(report.problems.first?.consequence.contains("10 records") == true)
    #expect(disk.image() == image)
    #expect(
      try Store.check(at: "/store", full: true, on: SimulatedFileSystem(image: Self.image())).isOK)
  }

  @Test("is repaired into a new store with all that can be read, the losses told first")
  func isRepaired() throws {
    let name = try #require(Self.segments(try Self.image()).last)
    for place in [0.0, 0.3, 0.9999] {
      let image = try Self.flipped(name, at: place)
      let disk = SimulatedFileSystem(image: image)
      let plan = try Store.planRepair(at: "/store", on: disk)
      #expect(!plan.losses.isEmpty && plan.losses.allSatisfy { $0.file == name })
      try plan.run(into: "/repaired")
      let store = try Store.open(at: "/repaired", on: disk)
      let notes = try Bed.notes(in: store)
      #expect(try notes.count() == plan.saved["notes"])
      #expect(try notes.get((0..<10).map { "\($0)" }).allSatisfy { $0 != nil })
      #expect(try Store.check(at: "/repaired", full: true, on: disk).isOK)
      #expect(disk.image().bytes(of: name, in: "/store") == image.bytes(of: name, in: "/store"))
    }
  }

  @Test("with a damaged manifest does not open, and is repaired from an earlier one")
  func earlierManifest() throws {
    let disk = SimulatedFileSystem(image: try Self.flipped("MANIFEST", at: 0.6))
    #expect { try Store.open(at: "/store", on: disk) } throws: { StoreError.corrupted ~= $0 }
    let plan = try Store.planRepair(at: "/store", on: disk)
    #expect(plan.losses.first?.file == "MANIFEST")
    #expect(plan.saved["notes"] == 10)
  }
}

@Suite("The change feed")
struct ChangeFeedTests {
  @Test("tells every write in order, goes on from a position, and follows")
  func follows() async throws {
    let store = try Store.inMemory()
    let notes = try await store.ensureCollection(
      CollectionSpec(name: "notes", dimension: 2, metric: .l2))
    try await notes.upsert(Bed.records(0..<2))
    var changes = store.changes(after: nil).makeAsyncIterator()
    let first = try #require(try await changes.next())
    #expect(
      first.changes == [
        .createCollection(CollectionSpec(name: "notes", dimension: 2, metric: .l2, mode: .strict))
      ])
    let second = try #require(try await changes.next())
    #expect(second.changes == Bed.records(0..<2).map { .put(collection: "notes", $0) })
    try await notes.delete(["0"])
    #expect(try await changes.next()?.changes == [.delete(collection: "notes", id: "0")])

    // A stream that is open keeps what it has not read, whatever is flushed.
    try await notes.upsert(Bed.records(5..<6))
    try await store.checkpoint()
    try await store.dropCollection("notes")
    try await store.checkpoint()
    #expect(
      try await changes.next()?.changes == Bed.records(5..<6).map { .put(collection: "notes", $0) })
    #expect(try await changes.next()?.changes == [.dropCollection(name: "notes")])

    let now = try await store.currentPosition()
    var later = store.changes(after: now).makeAsyncIterator()
    try await store.ensureCollection(CollectionSpec(name: "more", dimension: 1))
    #expect(try await later.next()?.changes.count == 1)
    try store.close()
  }

  @Test("says that a position is no longer kept, and refuses one of another store")
  func isGone() async throws {
    let store = try Store.inMemory()
    let other = try Store.inMemory()
    let start = try await store.currentPosition()
    for number in 0..<3 {
      try await store.ensureCollection(CollectionSpec(name: "c\(number)", dimension: 1))
      try await store.checkpoint()
    }
    try await store.ensureCollection(CollectionSpec(name: "last", dimension: 1))
    await #expect {
      for try await _ in store.changes(after: start) { break }
    } throws: { StoreError.notFound ~= $0 }
    let foreign = try await other.currentPosition()
    await #expect {
      for try await _ in store.changes(after: foreign) { break }
    } throws: { StoreError.invalidArgument ~= $0 }
  }
}

@Suite("Store options")
struct OptionsTests {
  @Test("are read from their JSON form, and what is no option is refused by name")
  func json() throws {
    let options = try StoreOptions(
      json: """
        {"access":"read_only","durability":{"buffered_ms":200},"create":false,"io":"pread",
         "memory_limit_mb":512}
        """)
    #expect(options.access == .readOnly && options.reading == .copied && !options.create)
    #expect(options.durability == .buffered(maxDelay: .milliseconds(200)))
    #expect(options.memoryLimit == 512 << 20)
    #expect(try StoreOptions(json: "{}") == StoreOptions())
    #expect(
      try StoreOptions(json: #"{"durability":{"group_ms":5}}"#).durability
        == .group(maxDelay: .milliseconds(5)))
    for wrong in [
      #"{"durability":"never"}"#, #"{"io":7}"#, #"{"acess":"read_only"}"#,
      #"{"memory_limit_mb":0}"#, #"{"durability":{"group_ms":-1}}"#, "[]",
    ] {
      #expect(throws: StoreError.self, "\(wrong)") { try StoreOptions(json: wrong) }
    }
  }
}
