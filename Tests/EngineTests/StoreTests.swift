import RoostContract
import RoostEngine
import RoostFiles
import Testing

/// A store on a simulated disk, and the usual things to do with it.
struct Bed {
  let disk: SimulatedFileSystem
  var options = StoreOptions(background: false)

  init(space: Int? = nil) {
    disk = SimulatedFileSystem(seed: 3, watching: true, space: space, rules: Store.orderOfFiles)
    options.reserve = 16_384
  }

  func open(_ access: StoreOptions.Access = .readWrite) throws -> Store {
    var options = options
    options.access = access
    return try Store.open(at: "/store", on: disk, options: options)
  }

  static func notes(in store: Store) throws -> StoreCollection {
    try store.ensureCollection(CollectionSpec(name: "notes", dimension: 2, metric: .l2))
  }

  static func records(_ numbers: Range<Int>, tag: String = "old") -> [Record] {
    numbers.map { number in
      Record(
        id: "\(number)", vector: [Float(number), 0],
        metadata: ["tag": .string(tag), "number": .int(Int64(number))], content: "note \(number)")
    }
  }

  static func tags(of collection: StoreCollection) throws -> [String] {
    try collection.scroll(limit: 1_000).records.map {
      "\($0.id) \($0.metadata?["tag"].map { "\($0)" } ?? "")"
    }
  }
}

@Suite("A store")
struct StoreTests {
  @Test("holds after closing and opening what it held before")
  func reopens() throws {
    let bed = Bed()
    var store = try bed.open()
    var notes = try Bed.notes(in: store)
    try notes.upsert(Bed.records(0..<20))
    try store.checkpoint()
    try notes.delete(["3"])
    try notes.upsert(Bed.records(5..<7, tag: "new"))
    let before = try notes.scroll().records
    try store.close()
    store = try bed.open()
    notes = try Bed.notes(in: store)
    #expect(try notes.scroll().records == before)
    #expect(try notes.count() == 19)
    #expect(try notes.count(where: .eq(.metadata("tag"), "new")) == 2)
    #expect(bed.disk.violations == [])
  }

  @Test("keeps what was acknowledged when its process ends without closing it")
  func survivesItsProcess() throws {
    let bed = Bed()
    let first = bed.disk.process(7)
    let store = try Store.open(at: "/store", on: first, options: bed.options)
    try Bed.notes(in: store).upsert(Bed.records(0..<5))
    bed.disk.kill(7)
    let again = try bed.open()
    #expect(try Bed.notes(in: again).count() == 5)
  }

  @Test("is written by one process at a time, and says by which")
  func isLocked() throws {
    let bed = Bed()
    let store = try bed.open()
    #expect {
      try Store.open(at: "/store", on: bed.disk.process(9), options: bed.options)
    } throws: { error in
      (error as? StoreError)?.code == .locked && "\(error)".contains("process 1")
    }
    // Also within one process.
    #expect(throws: StoreError.self) { try bed.open() }
    try store.close()
    try Store.open(at: "/store", on: bed.disk.process(9), options: bed.options).close()
  }

  @Test("is not made by who only reads, nor without create")
  func isNotMade() throws {
    var bed = Bed()
    #expect { try bed.open(.readOnly) } throws: { StoreError.notFound ~= $0 }
    bed.options.create = false
    #expect { try bed.open() } throws: { StoreError.notFound ~= $0 }
  }

  @Test("refuses every call after it was closed, and closes once")
  func closes() throws {
    let store = try Store.inMemory()
    let notes = try Bed.notes(in: store)
    try store.close()
    try store.close()
    #expect { try notes.count() } throws: { StoreError.closed ~= $0 }
    #expect { try notes.upsert(Bed.records(0..<1)) } throws: { StoreError.closed ~= $0 }
    #expect { try store.listCollections() } throws: { StoreError.closed ~= $0 }
    #expect(store.health().state == .unhealthy)
  }

  @Test("does a batch over several collections as one write, or not at all")
  func writesBatches() throws {
    let store = try Store.inMemory()
    let notes = try Bed.notes(in: store)
    let other = try store.ensureCollection(CollectionSpec(name: "other", dimension: 1))
    try notes.upsert(Bed.records(0..<2))
    let before = store.health().details["commits"]
    try store.write { batch in
      try batch.delete(["0"], from: notes)
      try batch.insert(Bed.records(0..<1, tag: "again"), into: notes)
      try batch.upsert([Record(id: "o", vector: [1])], into: other)
    }
    #expect(before == .int(3) && store.health().details["commits"] == .int(4))
    #expect(try Bed.tags(of: notes) == ["0 \"again\"", "1 \"old\""])
    #expect {
      try store.write { batch in
        try batch.upsert([Record(id: "p", vector: [2])], into: other)
        try batch.insert(Bed.records(1..<2), into: notes)
      }
    } throws: { StoreError.alreadyExists ~= $0 }
    #expect(try other.count() == 1)
  }

  @Test("shows in a snapshot what was there, whatever is written, flushed, merged or dropped later")
  func snapshots() throws {
    let store = try Store.inMemory()
    let notes = try Bed.notes(in: store)
    try notes.upsert(Bed.records(0..<10))
    try store.checkpoint()
    try notes.upsert(Bed.records(10..<12))
    let snapshot = try store.snapshot(named: "before")
    try notes.upsert(Bed.records(0..<12, tag: "new"))
    try notes.delete(["4"])
    try store.checkpoint()
    try store.compact()
    let again = try store.snapshot(asOf: "before")
    #expect(again === snapshot)
    let old = try snapshot.reading(notes)
    #expect(try old.count(where: .eq(.metadata("tag"), "old")) == 12)
    #expect(try old.search(near: [4, 0], limit: 1).first?.record.id == "4")
    try store.dropCollection("notes")
    try store.checkpoint()
    #expect(try old.scroll().records.count == 12)
  }

  @Test("lets go of a named snapshot with the last who holds it")
  func letsGo() throws {
    let store = try Store.inMemory()
    _ = try store.snapshot(named: "gone")
    #expect { try store.snapshot(asOf: "gone") } throws: { StoreError.notFound ~= $0 }
  }

  @Test("merges its segments into one, and deletes what is dead")
  func compacts() throws {
    let bed = Bed()
    let store = try bed.open()
    let notes = try Bed.notes(in: store)
    for round in 0..<6 {
      try notes.upsert(Bed.records(0..<30, tag: "\(round)"))
      try store.checkpoint()
    }
    try notes.delete((0..<15).map { "\($0)" })
    try store.compact()
    let segments = bed.disk.image().names(in: "/store").filter { $0.hasPrefix("s-") }
    #expect(segments.count == 1)
    #expect(try notes.count() == 15)
    #expect(try notes.count(where: .eq(.metadata("tag"), "5")) == 15)
    #expect(bed.disk.violations == [])
  }

  @Test("merges by itself when a fifth of a segment is dead")
  func compactsByItself() throws {
    var bed = Bed()
    bed.options.memoryLimit = 1
    let store = try bed.open()
    let notes = try Bed.notes(in: store)
    try notes.upsert(Bed.records(0..<100))
    for number in 0..<90 { try notes.delete(["\(number)"]) }
    #expect(try notes.count() == 10)
    guard case .int(let merges)? = store.health().details["compactions"] else {
      Issue.record("there is no count of merges")
      return
    }
    #expect(merges > 0)
    let segments = bed.disk.image().names(in: "/store").filter { $0.hasPrefix("s-") }
    #expect(segments.count <= 4)
  }

  @Test("refuses a record that no segment could hold, and keeps nothing of its batch")
  func isTooLarge() throws {
    let store = try Store.inMemory()
    let notes = try Bed.notes(in: store)
    let long = String(repeating: "x", count: 40 << 20)
    let large = Record(id: "l", vector: [1, 1], metadata: ["a": .array([.string(long)])])
    #expect {
      try notes.upsert(Bed.records(0..<1) + [large])
    } throws: { StoreError.tooLarge ~= $0 }
    #expect(try notes.count() == 0)
  }

  @Test("says what it is doing")
  func isHealthy() throws {
    let store = try Store.inMemory()
    try Bed.notes(in: store).upsert(Bed.records(0..<3))
    try store.checkpoint()
    let health = store.health()
    #expect(health.state == .healthy && health.error == nil)
    #expect(health.details["flushes"] == .int(1) && health.details["takes_writes"] == true)
    #expect(try store.statistics().records == 3)
  }
}

@Suite("A store that only reads")
struct FollowerTests {
  @Test("sees after a refresh what was committed since, and never less")
  func follows() throws {
    let bed = Bed()
    let writer = try bed.open()
    let notes = try Bed.notes(in: writer)
    let reader = try Store.open(
      at: "/store", on: bed.disk.process(2), options: StoreOptions(access: .readOnly))
    #expect(try reader.listCollections().map(\.name) == ["notes"])
    let seen = try reader.collection("notes")
    try notes.upsert(Bed.records(0..<3))
    #expect(try seen.count() == 0)
    #expect(try reader.refresh())
    #expect(try seen.count() == 3)
    #expect(try !reader.refresh())
    try writer.checkpoint()
    try notes.delete(["1"])
    try writer.checkpoint()
    try writer.compact()
    #expect(try seen.count() == 3)
    #expect(try reader.refresh())
    #expect(try seen.scroll().records.map(\.id) == ["0", "2"])
    #expect { try seen.upsert(Bed.records(0..<1)) } throws: { StoreError.readOnly ~= $0 }
  }

  @Test("sees only what is durable while the writer buffers")
  func isNeverAhead() throws {
    var bed = Bed()
    bed.options.durability = .buffered(maxDelay: .seconds(3_600))
    let writer = try bed.open()
    let notes = try Bed.notes(in: writer)
    try writer.checkpoint()
    try notes.upsert(Bed.records(0..<3))
    let reader = try Store.open(
      at: "/store", on: bed.disk.process(2), options: StoreOptions(access: .readOnly))
    #expect(try reader.collection("notes").count() == 0)
    try writer.checkpoint()
    try reader.refresh()
    #expect(try reader.collection("notes").count() == 3)
  }
}

@Suite("A store in trouble")
struct TroubleTests {
  @Test("takes no writes after a sync failed, and goes on reading")
  func isPoisoned() throws {
    let bed = Bed()
    let store = try bed.open()
    let notes = try Bed.notes(in: store)
    try notes.upsert(Bed.records(0..<3))
    bed.disk.inject([Fault(.failedSync(.keepsChanges), at: 0, of: [.sync])])
    #expect { try notes.upsert(Bed.records(3..<4)) } throws: { StoreError.indeterminate ~= $0 }
    bed.disk.heal()
    #expect { try notes.upsert(Bed.records(4..<5)) } throws: { StoreError.indeterminate ~= $0 }
    #expect { try store.checkpoint() } throws: { StoreError.indeterminate ~= $0 }
    #expect(try notes.count() == 3)
    #expect(store.health().state == .degraded)
    try store.close()
    bed.disk.forgetCaches()
    #expect(try Bed.notes(in: try bed.open()).count() >= 3)
  }

  @Test("says that the disk is full, loses nothing, deletes and merges, and goes on with space")
  func isFull() throws {
    let bed = Bed(space: 200_000)
    let store = try bed.open()
    let notes = try Bed.notes(in: store)
    var stored = 0
    var failure: (any Error)?
    while failure == nil, stored < 10_000 {
      do {
        try notes.upsert(Bed.records(stored..<stored + 20))
        stored += 20
      } catch {
        failure = error
      }
    }
    #expect(StoreError.diskFull ~= (try #require(failure)))
    // There is no room for a segment either; the rows stay in the log and in memory.
    #expect { try store.checkpoint() } throws: { StoreError.diskFull ~= $0 }
    #expect(try notes.count() >= stored)
    #expect { try notes.upsert(Bed.records(0..<500)) } throws: { StoreError.diskFull ~= $0 }
    let all = try notes.count()
    try notes.delete(["0", "1"])
    #expect(try notes.count() == all - 2)
    bed.disk.space = 2_000_000
    try notes.upsert(Bed.records(0..<2))
    try store.compact()
    #expect(try notes.count() == all)
    try store.close()
    #expect(try Bed.notes(in: try bed.open()).count() == all)
  }

  @Test("does not open when its manifest is gone, and makes no new store in its place")
  func lostManifest() throws {
    let bed = Bed()
    let store = try bed.open()
    try Bed.notes(in: store).upsert(Bed.records(0..<3))
    try store.close()
    var image = bed.disk.image()
    image.remove("MANIFEST", in: "/store")
    let disk = SimulatedFileSystem(image: image)
    #expect { try Store.open(at: "/store", on: disk) } throws: { StoreError.corrupted ~= $0 }
    #expect(disk.image().names(in: "/store") == image.names(in: "/store").filter { _ in true })
  }

  @Test("leaves files alone that are not its own")
  func strangers() throws {
    let bed = Bed()
    try bed.open().close()
    var image = bed.disk.image()
    image.setBytes([1], of: "notes.txt", in: "/store")
    image.setBytes([2], of: "s-zz.seg", in: "/store")
    let disk = SimulatedFileSystem(image: image)
    try Store.open(at: "/store", on: disk).close()
    #expect(disk.image().bytes(of: "notes.txt", in: "/store") == [1])
    #expect(disk.image().bytes(of: "s-zz.seg", in: "/store") == [2])
  }
}
