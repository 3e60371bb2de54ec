import RoostContract
import RoostEngine
import RoostFiles
import Testing

/// Work that may take long, by its name.
enum LongWork: String, CaseIterable {
  case search, count, scroll, check, compaction, backup, repair

  func run(_ store: Store, on disk: SimulatedFileSystem) throws {
    let notes = try Bed.notes(in: store)
    switch self {
    case .search: _ = try notes.search([SearchQuery(near: [1, 1], exact: true)])
    case .count: _ = try notes.count(where: .gt(.metadata("number"), 4))
    case .scroll: _ = try notes.scroll(where: .gt(.metadata("number"), 4))
    case .check: _ = try Store.check(at: "/store", full: true, on: disk)
    case .compaction: try store.compact()
    case .backup: _ = try store.backup(to: "/backup")
    case .repair: _ = try Store.planRepair(at: "/store", on: disk)
    }
  }
}

@Suite("Work that is cancelled")
struct CancellationTests {
  /// A store with two segments.
  private static func store(_ bed: Bed) throws -> Store {
    let store = try bed.open()
    let notes = try Bed.notes(in: store)
    for start in [0, 1_500] {
      try notes.upsert(Bed.records(start..<start + 1_500))
      try store.checkpoint()
    }
    return store
  }

  private static func count(_ store: Store) throws -> Int { try Bed.notes(in: store).count() }

  @Test("says so, leaves a sound store, and can be done later", arguments: LongWork.allCases)
  func cancelled(_ work: LongWork) async throws {
    let bed = Bed()
    let store = try Self.store(bed)
    let task = Task {
      while !Task.isCancelled { await Task.yield() }
      try work.run(store, on: bed.disk)
    }
    task.cancel()
    do {
      try await task.value
      Issue.record("it came to its end")
    } catch {
      let isTold = error is CancellationError || (error as? StoreError)?.code == .cancelled
      #expect(isTold, "\(error)")
    }
    #expect(try Store.check(at: "/store", full: true, on: bed.disk).isOK)
    try work.run(store, on: bed.disk)
    #expect(try Self.count(store) == 3_000)
    try store.close()
    #expect(bed.disk.violations == [])
  }
}
