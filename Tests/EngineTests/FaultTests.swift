import RoostContract
import RoostFiles
import Testing

@testable import RoostEngine

/// What the campaign's faults have found, each with the law that it left behind.
@Suite("After faults")
struct FaultTests {
  private let record = Record(id: "a", vector: [1, 2])

  private func options(memoryLimit: Int = 48 << 20) -> StoreOptions {
    var options = StoreOptions(memoryLimit: memoryLimit, background: false)
    options.reserve = 4_096
    return options
  }

  private func ids(in store: Store) throws -> [String] {
    try store.collection("c").scroll().records.map(\.id)
  }

  /// Waits for a write where only writes that nobody waits for can be named.
  private func put(_ record: Record, into collection: StoreCollection) throws {
    try collection.upsert([record])
  }

  @Test("a flush that failed is tried again, so that writing goes on once the disk is well")
  func flushIsTriedAgain() throws {
    let disk = SimulatedFileSystem(seed: 1)
    let store = try Store.open(at: "/store", on: disk, options: options(memoryLimit: 1_000))
    let collection = try store.ensureCollection(
      CollectionSpec(name: "c", dimension: 2, metric: .l2))
    let long = String(repeating: "0123456789", count: 1_000)
    // The first write goes to the log; the flush behind it cannot write its segment.
    disk.inject([Fault(.fail(ErrorNumber.noSpace), at: 2, of: [.create])])
    try collection.upsert([Record(id: "a", vector: [1, 2], content: long)])
    #expect(disk.firedFaults == 1)
    disk.heal()
    for number in 0..<3 {
      try collection.upsert([Record(id: "b\(number)", vector: [1, 2], content: long)])
    }
    #expect(try ids(in: store) == ["a", "b0", "b1", "b2"])
    try store.close()
  }

  @Test("while memory stays short nothing is put, whoever waits for it, and deletes go on")
  func deletesGoOnWithoutMemory() async throws {
    let disk = SimulatedFileSystem(seed: 1)
    let store = try Store.open(at: "/store", on: disk, options: options(memoryLimit: 1_000))
    let collection = try await store.ensureCollection(
      CollectionSpec(name: "c", dimension: 2, metric: .l2))
    let long = String(repeating: "0123456789", count: 1_000)
    // The log takes the first write; no flush behind it (tried twice, once with the reserve),
    // nor before the next two, makes a segment.
    disk.inject((2...5).map { Fault(.fail(ErrorNumber.noSpace), at: $0, of: [.create]) })
    try put(Record(id: "a", vector: [1, 2], content: long), into: collection)
    #expect {
      try put(record, into: collection)
    } throws: {
      StoreError.diskFull ~= $0
    }
    await #expect {
      try await collection.upsert([record])
    } throws: {
      StoreError.diskFull ~= $0
    }
    #expect(disk.firedFaults == 4)
    #expect(try ids(in: store) == ["a"])
    try await store.write { batch in try batch.delete(["a"], from: collection) }
    #expect(try ids(in: store).isEmpty)
    disk.heal()
    try await collection.upsert([record])
    try store.close()
  }

  @Test("a manifest that the disk may not have is installed anew before its logs are deleted")
  func uncertainManifestIsInstalledAnew() throws {
    for memory in Fault.Memory.allCases {
      for call in 0..<12 {
        let disk = SimulatedFileSystem(seed: 1, watching: true)
        disk.inject([Fault(.failedSync(memory), at: call, of: [.syncDirectory])])
        var acknowledged: [String] = []
        for number in 0..<3 {
          // A sync that failed ends the handle; what it acknowledged is promised all the same.
          do {
            let store = try Store.open(at: "/store", on: disk, options: options())
            try store.ensureCollection(CollectionSpec(name: "c", dimension: 2, metric: .l2))
            try store.collection("c").upsert([Record(id: "\(number)", vector: [1, 2])])
            acknowledged.append("\(number)")
            try store.close()
          } catch is StoreError {
            continue
          }
        }
        for image in disk.crashImages(limit: 100) {
          let after = SimulatedFileSystem(image: image, seed: 2)
          let store = try Store.open(at: "/store", on: after, options: options())
          let found = acknowledged.isEmpty ? [] : try ids(in: store)
          #expect(
            Set(found).isSuperset(of: acknowledged), "\(memory) at \(call): \(found)")
          try store.close()
        }
      }
    }
  }

  @Test("a segment or a manifest that is gone is damage, not a failure of the disk")
  func missingFilesAreDamage() throws {
    let disk = SimulatedFileSystem(seed: 1)
    let store = try Store.open(at: "/store", on: disk, options: options())
    try store.ensureCollection(CollectionSpec(name: "c", dimension: 2, metric: .l2))
    try store.collection("c").upsert([record])
    try store.close()
    let names = disk.image().names(in: "/store").filter {
      $0 == "MANIFEST" || $0.hasSuffix(".seg")
    }
    #expect(names.count == 2)
    for name in names {
      for access in StoreOptions.Access.allCases {
        var image = disk.image()
        image.remove(name, in: "/store")
        var options = options()
        options.access = access
        let error = #expect(throws: StoreError.self) {
          try Store.open(at: "/store", on: SimulatedFileSystem(image: image), options: options)
        }
        #expect(error?.code == .corrupted, "\(name) \(access)")
      }
    }
  }

  /// Writes long records until there is no space, and answers their ids.
  private func fill(_ store: Store) throws -> [String] {
    var ids: [String] = []
    let collection = try store.collection("c")
    for number in 100..<400 {
      let text = String(
        (0..<1_000).map { Character(Unicode.Scalar(UInt8(33 + ($0 * number) % 89))) })
      do {
        try collection.upsert([Record(id: "\(number)", vector: [1, 2], content: text)])
        ids.append("\(number)")
      } catch StoreError.diskFull {
        return ids
      }
    }
    Issue.record("the disk does not run full")
    return ids
  }

  @Test("a store whose log has no room to become segments opens on a full disk, and deletes")
  func opensOnFullDisk() throws {
    var disk = SimulatedFileSystem(seed: 1, space: 100_000)
    var store = try Store.open(at: "/store", on: disk, options: options())
    try store.ensureCollection(CollectionSpec(name: "c", dimension: 2, metric: .l2))
    let ids = try fill(store)
    let image = disk.image()
    disk = SimulatedFileSystem(image: image, seed: 2, space: disk.used)
    store = try Store.open(at: "/store", on: disk, options: options())
    #expect(try self.ids(in: store) == ids)
    disk.space = disk.used + 6_000
    try store.collection("c").delete([ids[0], ids[1]])
    // The log that was there before is followed by another one.
    disk.space = 400_000
    try store.collection("c").upsert([record])
    disk = SimulatedFileSystem(image: disk.image(), seed: 3, space: 400_000)
    store = try Store.open(at: "/store", on: disk, options: options())
    #expect(try self.ids(in: store) == ids.dropFirst(2) + ["a"])
    try store.close()
    #expect(try Store.check(at: "/store", full: true, on: disk).isOK)
  }

  @Test("a merge on a full disk uses the space that is kept for it")
  func mergesOnFullDisk() throws {
    var options = options(memoryLimit: 20_000)
    options.reserve = 300_000
    let disk = SimulatedFileSystem(seed: 1, space: 500_000)
    let store = try Store.open(at: "/store", on: disk, options: options)
    try store.ensureCollection(CollectionSpec(name: "c", dimension: 2, metric: .l2))
    try store.collection("c").upsert([record])
    try store.checkpoint()
    try store.collection("c").delete(["a"])
    try store.checkpoint()
    disk.space = disk.used
    try store.compact()
    #expect(try ids(in: store).isEmpty)
    // What is kept for a full disk is whole again before anything is put.
    let isStored: Bool
    do {
      try store.collection("c").upsert([record])
      isStored = true
    } catch StoreError.diskFull {
      isStored = false
    }
    #expect(try ids(in: store).isEmpty == !isStored)
    #expect(disk.image().names(in: "/store").contains("RESERVE") == isStored)
    disk.space = 900_000
    try store.collection("c").upsert([record])
    try store.close()
  }
}
