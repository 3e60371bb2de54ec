import RoostContract
import RoostEngine
import RoostFiles
import Testing

@Suite("A process that follows a writer")
struct FollowingTests {
  /// A store of another process that reads.
  private func reader(of bed: Bed, process: Int64 = 2) throws -> Store {
    var options = bed.options
    options.access = .readOnly
    return try Store.open(at: "/store", on: bed.disk.process(process), options: options)
  }

  private func count(in store: Store) throws -> Int {
    try store.collection("notes", dimension: 2, metric: .l2).count()
  }

  @Test("does not see what was only buffered, not even of a store that was just made")
  func buffered() throws {
    var bed = Bed()
    bed.options.durability = .buffered(maxDelay: .seconds(3_600))
    let store = try bed.open()
    let reader = try reader(of: bed)
    let notes = try Bed.notes(in: store)
    try notes.upsert(Bed.records(0..<3))
    #expect(try !reader.refresh())
    #expect(try reader.listCollections().isEmpty)
    try store.checkpoint()
    #expect(try reader.refresh())
    #expect(try count(in: reader) == 3)
    try reader.close()
    try store.close()
  }

  @Test("keeps what it has shown while another writer takes over")
  func takingOver() throws {
    var bed = Bed()
    bed.options.durability = .buffered(maxDelay: .seconds(3_600))
    let store = try bed.open()
    let notes = try Bed.notes(in: store)
    try store.checkpoint()
    try notes.upsert(Bed.records(0..<3))
    bed.disk.kill(1)
    let reader = try reader(of: bed)
    #expect(try count(in: reader) == 3)
    // The next writer has its lock, and has brought nothing in order yet.
    let next = bed.disk.process(4)
    let directory = try next.openDirectory("/store", creating: false)
    let lock = try directory.lock(
      try directory.open("LOCK", writable: true), byte: 0, exclusive: true)
    try reader.refresh()
    #expect(try count(in: reader) == 3)
    lock.release()
    let writer = try Store.open(at: "/store", on: next, options: bed.options)
    try reader.refresh()
    #expect(try count(in: reader) == 3)
    try reader.close()
    try writer.close()
  }

  /// Lets the writer end its log and begin another once process 5 has listed the logs and opens
  /// one.
  private func cutLogUnderReader(_ bed: Bed, _ store: Store, _ notes: StoreCollection) {
    let isDone = Monitor(false)
    bed.disk.observe { event in
      guard event.process == 5, event.operation == .open, event.name.hasSuffix(".wal"),
        !isDone.withLock({ was in
          defer { was = true }
          return was
        })
      else { return }
      do {
        try store.cutLog()
        try notes.upsert(Bed.records(3..<4))
      } catch {
        Issue.record(error)
      }
    }
  }

  @Test("opens a store whose log is cut meanwhile")
  func cutWhileOpening() throws {
    let bed = Bed()
    let store = try bed.open()
    let notes = try Bed.notes(in: store)
    try notes.upsert(Bed.records(0..<3))
    cutLogUnderReader(bed, store, notes)
    let reader = try reader(of: bed, process: 5)
    #expect(try count(in: reader) == 4)
    bed.disk.observe(nil)
    try reader.close()
    try store.close()
  }

  @Test("finds no damage in a store whose log is cut meanwhile")
  func cutWhileChecking() throws {
    let bed = Bed()
    let store = try bed.open()
    let notes = try Bed.notes(in: store)
    try notes.upsert(Bed.records(0..<3))
    cutLogUnderReader(bed, store, notes)
    let report = try Store.check(at: "/store", full: true, on: bed.disk.process(5))
    #expect(report.isOK)
    #expect(report.records == 4)
    bed.disk.observe(nil)
    try store.close()
  }

  @Test("does not keep a writer out, whenever it looks whether there is one")
  func looking() throws {
    let bed = Bed()
    try Bed.notes(in: try bed.open()).store.close()
    let opened = Monitor(0)
    let system = bed.disk.process(4)
    let options = bed.options
    bed.disk.observe { event in
      // Before each call of the reader, a writer comes and goes.
      guard event.process == 2 else { return }
      do {
        try Store.open(at: "/store", on: system, options: options).close()
        opened.withLock { $0 += 1 }
      } catch {
        Issue.record(error)
      }
    }
    let reader = try reader(of: bed)
    bed.disk.observe(nil)
    #expect(opened.withLock { $0 } > 5)
    try reader.close()
  }
}
