import RoostFiles
import Testing

/// A watched disk with one directory.
struct WatchedDisk {
  let system: SimulatedFileSystem
  let directory: any Directory

  init(seed: UInt64 = 1, rules: OrderRules? = nil) throws {
    system = SimulatedFileSystem(seed: seed, watching: true, rules: rules)
    directory = try system.openDirectory("/d", creating: true)
  }

  /// A file that is durable, with its name.
  func durableFile(_ name: String, _ bytes: [UInt8]) throws -> any File {
    let file = try directory.create(name)
    try file.write(bytes, at: 0)
    try file.sync()
    try directory.sync()
    return file
  }

  func images(limit: Int = 100_000) -> [DiskImage] {
    Array(system.crashImages(limit: limit))
  }

  /// What a file may hold after a power cut; nil stands for no file.
  func outcomes(of name: String) -> Set<[UInt8]?> {
    Set(images().map { $0.bytes(of: name, in: "/d") })
  }
}

func sector(_ byte: UInt8, _ count: Int = 512) -> [UInt8] { [UInt8](repeating: byte, count: count) }

@Suite("What a power cut leaves")
struct CrashTests {
  @Test("A and B: what was not synced is there or not")
  func allOrNothing() throws {
    let disk = try WatchedDisk()
    let file = try disk.durableFile("a", [1, 1])
    try file.write([2], at: 1)
    let outcomes = disk.outcomes(of: "a")
    #expect(outcomes.isSuperset(of: [[1, 1], [1, 2]]))
    #expect(try file.read(at: 0, count: 9) == [1, 2])
  }

  @Test("what was synced is there for certain")
  func synced() throws {
    let disk = try WatchedDisk()
    let file = try disk.durableFile("a", [1])
    try file.write(sector(2, 5_000), at: 1)
    try file.sync()
    #expect(disk.system.crashState().isCertain)
    #expect(disk.images() == [disk.system.image()])
    #expect(disk.outcomes(of: "a") == [[1] + sector(2, 5_000)])
  }

  @Test("C: every set of sectors may be kept, and a sector may be torn")
  func sectors() throws {
    let disk = try WatchedDisk()
    let file = try disk.durableFile("a", sector(1, 1_536))
    try file.write(sector(2, 1_536), at: 0)
    let outcomes = disk.outcomes(of: "a").compactMap(\.self)
    for set in 0..<8 {
      let bytes = (0..<3).flatMap { sector(set & 1 << $0 == 0 ? 1 : 2) }
      #expect(outcomes.contains(bytes))
    }
    #expect(outcomes.contains(sector(2, 1_024) + sector(2, 256) + sector(1, 256)))
    let rubbish = outcomes.filter { bytes in bytes.contains { $0 != 1 && $0 != 2 } }
    #expect(rubbish.count >= 3)
  }

  @Test("C: no byte outside of what was written changes")
  func powerSafeOverwrite() throws {
    let disk = try WatchedDisk()
    let file = try disk.durableFile("a", sector(1, 700))
    try file.write(sector(2, 20), at: 700)
    let outcomes = disk.outcomes(of: "a").compactMap(\.self)
    #expect(outcomes.count > 4)
    #expect(outcomes.allSatisfy { $0.starts(with: sector(1, 700)) })
  }

  @Test("C: a sector may be as it was between two writes")
  func between() throws {
    let disk = try WatchedDisk()
    let file = try disk.durableFile("a", [0, 0, 0])
    for turn in 1...3 { try file.write([UInt8(turn)], at: turn - 1) }
    let outcomes = disk.outcomes(of: "a")
    #expect(outcomes.isSuperset(of: [[0, 0, 0], [1, 0, 0], [1, 2, 0], [1, 2, 3]]))
    #expect(!outcomes.contains([0, 0, 3]))
  }

  @Test("D: the size may be there before the bytes, and the bytes before the size")
  func sizes() throws {
    let disk = try WatchedDisk()
    let file = try disk.durableFile("a", [1])
    try file.write(sector(2, 600), at: 1)
    let outcomes = disk.outcomes(of: "a")
    #expect(outcomes.contains([1] + sector(0, 600)))
    #expect(outcomes.contains([1]))
    #expect(outcomes.contains([1] + sector(2, 511) + sector(0, 89)))
    try file.sync()
    try file.truncate(to: 5)
    try file.truncate(to: 1_000)
    let cut = disk.outcomes(of: "a")
    #expect(cut.contains([1] + sector(2, 4)))
    #expect(cut.contains([1] + sector(2, 4) + sector(0, 995)))
    #expect(cut.contains([1] + sector(2, 600) + sector(0, 399)))
  }

  @Test("E: names change without the bytes, and in any order")
  func names() throws {
    let disk = try WatchedDisk()
    _ = try disk.durableFile("old", [1])
    let file = try disk.directory.create("new")
    try file.write([2], at: 0)
    try disk.directory.rename("new", to: "old")
    // Renamed, and empty; or renamed, of the right size, and zero.
    #expect(disk.outcomes(of: "old").isSuperset(of: [[], [0], [1], [2]]))
    try file.sync()
    #expect(disk.outcomes(of: "old") == [[1], [2]])
    // Before the directory is synced, the old name of the new file may be there or not.
    #expect(disk.outcomes(of: "new") == [nil, [2]])
    try disk.directory.sync()
    #expect(disk.outcomes(of: "old") == [[2]])
    _ = try disk.directory.create("b")
    try disk.directory.remove("old")
    let sets = Set(disk.images().map { $0.names(in: "/d") })
    #expect(sets == [["old"], ["b", "old"], [], ["b"]])
  }

  @Test("F: a file that was synced is gone when its name was not")
  func missingEntry() throws {
    let disk = try WatchedDisk()
    let file = try disk.directory.create("a")
    try file.write([1], at: 0)
    try file.sync()
    #expect(disk.outcomes(of: "a") == [nil, [1]])
    try disk.directory.sync()
    #expect(disk.outcomes(of: "a") == [[1]])
    try disk.directory.remove("a")
    #expect(disk.outcomes(of: "a") == [nil, [1]])
    file.close()
    #expect(disk.outcomes(of: "a") == [nil, [1]])
    try disk.directory.sync()
    #expect(disk.outcomes(of: "a") == [nil])
  }

  @Test("G: after a failed sync a later one does not help", arguments: Fault.Memory.allCases)
  func failedSync(_ memory: Fault.Memory) throws {
    let disk = try WatchedDisk()
    let file = try disk.durableFile("a", [1, 1, 1])
    try file.write([2, 2, 2, 2], at: 0)
    disk.system.inject([Fault(.failedSync(memory), at: 0, of: [.sync])])
    #expect(throws: FileError(.sync, ErrorNumber.io)) { try file.sync() }
    try file.sync()
    #expect(disk.outcomes(of: "a") == [[1, 1, 1]])
    let seen = try file.read(at: 0, count: 9)
    #expect(seen == (memory == .reverts ? [1, 1, 1] : [2, 2, 2, 2]))
    disk.system.forgetCaches()
    #expect(try file.read(at: 0, count: 9) == [1, 1, 1])
    try file.write([3], at: 1)
    try file.sync()
    #expect(disk.outcomes(of: "a") == [[1, 3, 1]])
    #expect(disk.system.used == 3)
  }

  @Test("G: after a failed sync of a directory, names are lost", arguments: Fault.Memory.allCases)
  func failedDirectorySync(_ memory: Fault.Memory) throws {
    let disk = try WatchedDisk()
    _ = try disk.durableFile("a", [1])
    try disk.durableFile("b", [2, 2]).close()
    try disk.directory.rename("b", to: "a")
    disk.system.inject([Fault(.failedSync(memory), at: 0)])
    #expect(throws: FileError(.syncDirectory, ErrorNumber.io)) { try disk.directory.sync() }
    try disk.directory.sync()
    #expect(disk.images().map { $0.names(in: "/d") } == [["a", "b"]])
    #expect(disk.outcomes(of: "a") == [[1]])
    let names = try disk.directory.list().map(\.name).sorted()
    #expect(names == (memory == .reverts ? ["a", "b"] : ["a"]))
    #expect(disk.system.used == (memory == .reverts ? 3 : 2))
  }

  @Test("a failed sync of a file that is then removed does not bring it back")
  func removedAfterFailure() throws {
    let disk = try WatchedDisk()
    let file = try disk.directory.create("a")
    try file.write([1], at: 0)
    disk.system.inject([Fault(.failedSync(.keepsChanges), at: 0)])
    #expect(throws: FileError.self) { try file.sync() }
    try disk.directory.remove("a")
    file.close()
    try disk.directory.sync()
    disk.system.forgetCaches()
    #expect(disk.images().map { $0.names(in: "/d") } == [[]])
    #expect(disk.system.used == 0)
  }
}

@Suite("Disks that a power cut leaves")
struct CrashImageTests {
  /// Twelve units: nothing but names.
  private func namesOnly(_ count: Int) throws -> WatchedDisk {
    let disk = try WatchedDisk()
    for index in 0..<count { _ = try disk.directory.create("\(index)") }
    return disk
  }

  @Test("up to twelve units every set is there, once")
  func exhaustive() throws {
    for count in [0, 1, 5, 12] {
      let disk = try namesOnly(count)
      let images = disk.images()
      #expect(images.count == 1 << count)
      #expect(Set(images.map { $0.names(in: "/d") }).count == 1 << count)
    }
  }

  @Test("with more units, each is alone missing and alone there, and each prefix is")
  func many() throws {
    let disk = try namesOnly(30)
    let sets = Set(disk.images().map { Set($0.names(in: "/d")) })
    let all = Set((0..<30).map { "\($0)" })
    for index in 0..<30 {
      #expect(sets.contains(["\(index)"]))
      #expect(sets.contains(all.subtracting(["\(index)"])))
      #expect(sets.contains(Set((0..<index).map { "\($0)" })))
    }
    #expect(sets.count > 2 * 30 + 200)
  }

  @Test("no two are the same, and their hashes differ")
  func distinct() throws {
    let disk = try WatchedDisk()
    let file = try disk.durableFile("a", sector(1, 2_000))
    try disk.directory.link("a", into: disk.directory, as: "b")
    try file.write(sector(1, 1_000) + sector(3, 1_500), at: 0)
    let images = disk.images()
    #expect(images.count > 64)
    #expect(Set(images.map(\.hash64)).count == images.count)
    for (index, image) in images.prefix(60).enumerated() {
      #expect(images.firstIndex(of: image) == index)
    }
  }

  @Test("the same seed makes the same images, another one others; a limit is kept")
  func seeds() throws {
    let disk = try namesOnly(40)
    func hashes(_ seed: UInt64, limit: Int = 10_000) -> [UInt64] {
      disk.system.crashImages(limit: limit, seed: seed).map(\.hash64)
    }
    #expect(hashes(1) == hashes(1))
    #expect(hashes(1) != hashes(2))
    #expect(hashes(1, limit: 17) == Array(hashes(1).prefix(17)))
    #expect(hashes(1, limit: 0).isEmpty)
  }

  @Test("a machine that starts from an image has all of it durable, links too")
  func boot() throws {
    let disk = try WatchedDisk()
    _ = try disk.durableFile("a", [1, 2, 3])
    try disk.directory.link("a", into: disk.directory, as: "b")
    let image = disk.system.image()
    let system = SimulatedFileSystem(image: image, seed: 9, watching: true)
    #expect(system.crashState().isCertain)
    #expect(system.image() == image)
    #expect(system.image().hash64 == image.hash64)
    #expect(system.used == 3)
    let directory = try system.openDirectory("/d", creating: false)
    let file = try directory.open("a", writable: true)
    #expect(try file.linkCount() == 2)
    try file.write([9], at: 0)
    #expect(try directory.open("b", writable: false).read(at: 0, count: 9) == [9, 2, 3])
    // The image is a value: nobody changed it.
    #expect(image.bytes(of: "a", in: "/d") == [1, 2, 3])
    #expect(disk.images().count == 2)
  }

  @Test("hashes that were put together are those of the whole")
  func hashes() throws {
    let disk = try WatchedDisk()
    let file = try disk.durableFile("a", sector(7, 900))
    try file.write(sector(8, 900), at: 100)
    _ = try disk.directory.create("b")
    for var image in disk.images() {
      let known = image.hash64
      // Spoiling an image makes it forget what it knew.
      image.setBytes([1], of: "x", in: "/d")
      #expect(image.hash64 != known)
      image.remove("x", in: "/d")
      #expect(image.hash64 == known)
    }
  }

  @Test("links are told from copies")
  func links() throws {
    var copies = DiskImage()
    copies.setBytes([1], of: "a", in: "/")
    copies.setBytes([1], of: "b", in: "/")
    let system = SimulatedFileSystem()
    let root = try system.openDirectory("/", creating: false)
    try root.create("a").write([1], at: 0)
    try root.link("a", into: root, as: "b")
    #expect(system.image() != copies)
    #expect(system.image().hash64 != copies.hash64)
    #expect(SimulatedFileSystem(image: copies).image() == copies)
  }

  @Test("a large write is cut into pieces that are enough to enumerate")
  func large() throws {
    let disk = try WatchedDisk()
    let file = try disk.durableFile("a", [1])
    try file.write(sector(2, 1 << 20), at: 1)
    var images = disk.system.crashImages(limit: 50)
    #expect((100...300).contains(images.unitCount))
    var count = 0
    while let image = images.next() {
      count += 1
      let size = image.bytes(of: "a", in: "/d")?.count
      #expect(size == 1 || size == 1 << 20 + 1)
    }
    #expect(count == 50)
  }

  @Test("every image is one that some order of writing could leave")
  func sound() throws {
    // A log of records of eight bytes, of which the first ten are durable.
    let disk = try WatchedDisk()
    let file = try disk.durableFile("log", [UInt8]((0..<10).flatMap { sector($0 + 1, 8) }))
    for index in 10..<200 { try file.write(sector(UInt8(index + 1), 8), at: index * 8) }
    var hasGap = false
    for image in disk.images() {
      let bytes = try #require(image.bytes(of: "log", in: "/d"))
      #expect(bytes.count % 8 == 0 && (80...1_600).contains(bytes.count))
      #expect(bytes.starts(with: (0..<10).flatMap { sector($0 + 1, 8) }))
      let records = bytes.indices.filter { $0 % 8 == 0 }.map { bytes[$0] == $0 / 8 + 1 }
      if let first = records.firstIndex(of: false), records[first...].contains(true) {
        hasGap = true
      }
    }
    #expect(hasGap)
  }
}
