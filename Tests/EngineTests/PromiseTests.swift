import RoostContract
import RoostFiles
import Testing

@testable import RoostEngine
@testable import RoostStorage

/// Promises that rest on a single call or a single comparison: each of these laws fails when that
/// one is left out.
@Suite("A promise that rests on one call")
struct PromiseTests {
  /// The disk that is left when the power is cut and nothing was kept but what had to be.
  private func leastImage(of disk: SimulatedFileSystem) throws -> DiskImage {
    try #require(Array(disk.crashState().images(limit: 2)).last)
  }

  private func ids(in image: DiskImage) throws -> [String] {
    let disk = SimulatedFileSystem(image: image, seed: 1)
    let store = try Store.open(at: "/store", on: disk, options: StoreOptions(background: false))
    defer { try? store.close() }
    return try store.collection("notes").scroll().records.map(\.id)
  }

  /// Waits until `isDone`, which the store's own thread brings about.
  private func wait(until isDone: () throws -> Bool) async throws {
    for _ in 0..<2_000 {
      if try isDone() { return }
      try await Task.sleep(for: .milliseconds(5))
    }
    Issue.record("nothing has come about")
  }

  // MARK: Syncs

  @Test("buffered writes are durable after the delay, by the next write where no thread does it")
  func bufferedByWriters() throws {
    var bed = Bed()
    bed.options.durability = .buffered(maxDelay: .milliseconds(10))
    let store = try bed.open()
    let notes = try Bed.notes(in: store)
    try store.checkpoint()
    try notes.upsert(Bed.records(0..<1))
    #expect(try ids(in: leastImage(of: bed.disk)).isEmpty)
    bed.disk.advance(nanoseconds: 10_000_000)
    try notes.upsert(Bed.records(1..<2))
    #expect(try ids(in: leastImage(of: bed.disk)) == ["0", "1"])
    try store.close()
  }

  @Test("buffered writes are durable after the delay, by the store's own thread")
  func bufferedByKeeper() async throws {
    var bed = Bed()
    bed.options.background = true
    bed.options.durability = .buffered(maxDelay: .milliseconds(5))
    let store = try bed.open()
    let notes = try await store.ensureCollection(
      CollectionSpec(name: "notes", dimension: 2, metric: .l2))
    try await notes.upsert(Bed.records(0..<1))
    // Before the collection is durable, there is nothing to ask.
    try await wait { (try? ids(in: leastImage(of: bed.disk))) == ["0"] }
    try store.close()
  }

  @Test("the last write of a quiet store is vouched for by a record behind it, which is durable")
  func witness() async throws {
    var bed = Bed()
    bed.options.background = true
    let store = try bed.open()
    let notes = try await store.ensureCollection(
      CollectionSpec(name: "notes", dimension: 2, metric: .l2))
    try await store.checkpoint()
    try await notes.upsert(Bed.records(0..<1))
    func log() throws -> [UInt8] {
      let image = try leastImage(of: bed.disk)
      let name = try #require(image.names(in: "/store").last { $0.hasSuffix(".wal") })
      return try #require(image.bytes(of: name, in: "/store"))
    }
    let length = try log().count
    try await wait {
      // The simulated clock stands still unless it is asked.
      bed.disk.advance(nanoseconds: StoreCore.quiet)
      return try log().count > length
    }
    try store.close()
  }

  @Test("a log that is cut is durable before another goes on from it")
  func cutLog() throws {
    var bed = Bed()
    bed.options.durability = .buffered(maxDelay: .seconds(3_600))
    let store = try bed.open()
    let notes = try Bed.notes(in: store)
    try store.checkpoint()
    try notes.upsert(Bed.records(0..<1))
    try store.cutLog()
    try notes.upsert(Bed.records(1..<2))
    for image in bed.disk.crashState().images(limit: 500) {
      let found = try ids(in: image)
      #expect(found == ["0"] || found == ["0", "1"])
    }
    try store.close()
  }

  @Test("rows are left out of a segment only when what deleted them is durable, and all before it")
  func mergeOfUnsynced() throws {
    var bed = Bed()
    bed.options.durability = .buffered(maxDelay: .seconds(3_600))
    let store = try bed.open()
    let notes = try Bed.notes(in: store)
    try notes.upsert(Bed.records(0..<2))
    try store.checkpoint()
    try notes.upsert(Bed.records(2..<3))
    try notes.delete(["0"])
    try store.core.compact(.worthwhile)
    for image in bed.disk.crashState().images(limit: 500) {
      let found = try ids(in: image)
      #expect([["0", "1"], ["0", "1", "2"], ["1", "2"]].contains(found))
    }
    try store.close()
  }

  @Test("the space that is kept for a full disk can be used although freed space comes late")
  func reserveIsFreed() throws {
    var bed = Bed(space: 400_000)
    bed.options.reserve = 100_000
    bed.disk.freesLate = true
    let store = try bed.open()
    let notes = try Bed.notes(in: store)
    try notes.upsert(Bed.records(0..<50))
    try store.checkpoint()
    bed.disk.space = bed.disk.used
    try notes.delete(["0"])
    try store.checkpoint()
    #expect(try notes.count() == 49)
    bed.disk.space = 400_000
    try store.close()
  }

  // MARK: Refusals

  @Test("a follower notices when an older store takes the place of the one it has shown")
  func olderStore() throws {
    let bed = Bed()
    let store = try bed.open()
    let notes = try Bed.notes(in: store)
    try notes.upsert(Bed.records(0..<1))
    try store.close()
    let older = bed.disk.image()
    let writer = try bed.open()
    try Bed.notes(in: writer).upsert(Bed.records(1..<3))
    try writer.close()
    let reader = try bed.open(.readOnly)
    #expect(try reader.collection("notes").count() == 3)

    let directory = try bed.disk.openDirectory("/store", creating: false)
    for entry in try directory.list() { try directory.remove(entry.name) }
    for name in older.names(in: "/store") {
      let file = try directory.create(name)
      try file.write(try #require(older.bytes(of: name, in: "/store")), at: 0)
      try file.sync()
      file.close()
    }
    try directory.sync()
    #expect {
      try reader.refresh()
    } throws: {
      StoreError.corrupted ~= $0
    }
    #expect(try reader.collection("notes").count() == 3)
    try reader.close()
  }

  @Test("a store on another machine's disk is only read")
  func remote() throws {
    let bed = Bed()
    try bed.open().close()
    bed.disk.isRemote = true
    #expect {
      try bed.open()
    } throws: {
      StoreError.unsupported ~= $0
    }
    try bed.open(.readOnly).close()
  }

  @Test("features of a later version that only a writer must know make a store read-only")
  func readOnlyFeatures() throws {
    let bed = Bed()
    try bed.open().close()
    let directory = try bed.disk.openDirectory("/store", creating: false)
    var manifest = try #require(try Manifest.read(in: directory))
    manifest.readOnlyCompatible = 4
    try directory.remove("MANIFEST")
    let file = try directory.create("MANIFEST")
    try file.write(manifest.encoded(), at: 0)
    file.close()
    #expect {
      try bed.open()
    } throws: {
      StoreError.unsupported ~= $0
    }
    try bed.open(.readOnly).close()
  }

  /// Adds a segment that the engine has not written itself, and says so in the manifest.
  private func plant(
    in bed: Bed, readOnly: UInt32 = 0, tombstones: [UInt32] = []
  ) throws {
    let store = try bed.open()
    try Bed.notes(in: store).upsert(Bed.records(0..<2))
    try store.close()
    let directory = try bed.disk.openDirectory("/store", creating: false)
    var manifest = try #require(try Manifest.read(in: directory))
    let collection = manifest.collections[0]
    var writer = try SegmentWriter(
      creating: manifest.nextFile, in: directory, database: manifest.database,
      collection: collection.number, dimension: 2, element: collection.element, rows: 0,
      firstLSN: manifest.flushed, lastLSN: manifest.flushed, readOnly: readOnly)
    if !tombstones.isEmpty {
      writer.addTombstones(tombstones, of: collection.segments[0].file)
    }
    manifest.collections[0].segments.append(try writer.finish())
    manifest.nextFile += 1
    manifest.generation += 1
    try directory.sync()
    try manifest.install(in: directory)
  }

  @Test("features of a later version that only a writer must know make a segment read-only")
  func readOnlySegment() throws {
    let bed = Bed()
    try plant(in: bed, readOnly: 2, tombstones: [0])
    #expect {
      try bed.open()
    } throws: {
      StoreError.unsupported ~= $0
    }
    let reader = try bed.open(.readOnly)
    #expect(try reader.collection("notes").count() == 1)
    try reader.close()
  }

  @Test("a tombstone for a row that is not there is damage")
  func tombstoneBehindTheRows() throws {
    let bed = Bed()
    try plant(in: bed, tombstones: [2])
    #expect {
      try bed.open()
    } throws: {
      StoreError.corrupted ~= $0
    }
  }

  // MARK: What a log may say

  private func entry(_ number: UInt64, _ name: String) -> CollectionEntry {
    CollectionEntry(number: number, name: name, dimension: 2, metric: .l2)
  }

  @Test("a log that makes a collection twice, by number or by name, is damaged")
  func collectionTwice() throws {
    for (number, name) in [(1 as UInt64, "other"), (2, "notes")] {
      var tables = Tables()
      try tables.apply(.createCollection(entry(1, "notes")), at: 1, from: .log(1))
      #expect(throws: StorageError.self) {
        try tables.apply(.createCollection(entry(number, name)), at: 2, from: .log(1))
      }
    }
  }

  @Test("a log that stores a vector of another length is damaged")
  func otherLength() throws {
    var tables = Tables()
    try tables.apply(.createCollection(entry(1, "notes")), at: 1, from: .log(1))
    let record = StoredRecord(id: "a", vector: [1, 2, 3], metadata: [:], content: nil)
    #expect(throws: StorageError.self) {
      try tables.apply(.put(collection: 1, record), at: 2, from: .log(1))
    }
  }
}
