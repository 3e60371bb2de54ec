import RoostContract
import RoostEngine
import RoostFiles
import Testing

@Suite("A store in doubt")
struct DoubtTests {
  private static let spec = CollectionSpec(name: "a", dimension: 2, metric: .l2)

  private func open(_ disk: SimulatedFileSystem) throws -> Store {
    try Store.open(at: "/store", on: disk, options: StoreOptions(background: false))
  }

  @Test("after a drop that may have happened, nobody is told that the collection is there")
  func ensureAfterDoubt() throws {
    let disk = SimulatedFileSystem()
    let store = try open(disk)
    try store.ensureCollection(Self.spec)
    disk.inject([Fault(.fail(ErrorNumber.io), at: 0, of: [.sync])])
    #expect(throws: StoreError.self) { try store.dropCollection("a") }
    #expect(try store.listCollections().map(\.name) == ["a"])
    do {
      try store.ensureCollection(Self.spec)
      Issue.record("a collection was promised")
    } catch StoreError.indeterminate {}
    disk.heal()
    // The drop was in the log, and the process ended before anybody could know.
    disk.kill(disk.process.id)
    #expect(try open(disk.process(2)).listCollections().isEmpty)
  }
}
