import RoostFiles
import Synchronization
import Testing

@Suite("Faults of the simulated disk")
struct FaultTests {
  private func file(
    _ system: SimulatedFileSystem
  ) throws -> (directory: any Directory, file: any File) {
    let directory = try system.openDirectory("/d", creating: true)
    let file = try directory.create("a")
    try file.write([1, 2, 3, 4], at: 0)
    return (directory, file)
  }

  @Test(
    "a call fails with the number that was asked for, once",
    arguments: [
      ErrorNumber.io, ErrorNumber.noSpace, ErrorNumber.quota, ErrorNumber.tooManyFiles,
      ErrorNumber.access, ErrorNumber.readOnly, ErrorNumber.memory,
    ])
  func numbers(_ number: Int32) throws {
    let system = SimulatedFileSystem()
    let (_, file) = try file(system)
    system.inject([Fault(.fail(number), at: 1)])
    _ = try file.size()
    #expect(throws: FileError(.write, number)) { try file.write([9], at: 0) }
    #expect(system.firedFaults == 1)
    try file.write([8], at: 1)
    #expect(try file.read(at: 0, count: 9) == [1, 8, 3, 4])
  }

  @Test("a sticky fault stays until it is healed")
  func sticky() throws {
    let system = SimulatedFileSystem()
    let (_, file) = try file(system)
    system.inject([Fault(.fail(ErrorNumber.io), at: 1, of: [.write], isSticky: true)])
    try file.write([5], at: 0)
    for _ in 0..<3 {
      #expect(throws: FileError(.write, ErrorNumber.io)) { try file.write([9], at: 0) }
      _ = try file.size()
    }
    #expect(system.firedFaults == 3)
    system.heal()
    try file.write([6], at: 0)
    #expect(try file.read(at: 0, count: 1) == [6])
  }

  @Test("only calls of the chosen kinds count")
  func kinds() throws {
    let system = SimulatedFileSystem()
    let (directory, file) = try file(system)
    system.inject([Fault(.fail(ErrorNumber.io), at: 1, of: [.sync, .rename])])
    try file.write([1], at: 0)
    try file.sync()
    try directory.sync()
    #expect(throws: FileError(.rename, ErrorNumber.io)) { try directory.rename("a", to: "b") }
    try directory.rename("a", to: "b")
  }

  @Test("every kind of call can fail, and then has done nothing")
  func everyKind() throws {
    for operation in FileError.Operation.allCases {
      let system = SimulatedFileSystem()
      let (directory, file) = try file(system)
      let before = system.image()
      system.inject([Fault(.fail(ErrorNumber.io), at: 0, of: [operation])])
      #expect(throws: FileError(operation, ErrorNumber.io), "\(operation)") {
        switch operation {
        case .openDirectory: _ = try system.openDirectory("/d", creating: false)
        case .createDirectory: _ = try system.openDirectory("/e", creating: true)
        case .list: _ = try directory.list()
        case .create: _ = try directory.create("b")
        case .open: _ = try directory.open("a", writable: true)
        case .size: _ = try file.size()
        case .read: _ = try file.load()
        case .write: try file.write([9], at: 0)
        case .sync: try file.sync()
        case .syncDirectory: try directory.sync()
        case .truncate: try file.truncate(to: 1)
        case .reserve: try file.reserve(100)
        case .rename: try directory.rename("a", to: "b")
        case .link: try directory.link("a", into: directory, as: "b")
        case .remove: try directory.remove("a")
        case .map: _ = try file.map()
        case .lock: _ = try directory.lock(file, byte: 0, exclusive: true)
        case .thread: _ = try system.startThread("a") {}
        }
      }
      #expect(system.image() == before, "\(operation)")
      #expect(system.openHandles == 2, "\(operation)")
    }
  }

  @Test("an interrupted call is made again, and nobody notices")
  func interrupted() throws {
    let system = SimulatedFileSystem()
    let (_, file) = try file(system)
    system.inject([Fault(.fail(ErrorNumber.interrupted), at: 0, isSticky: true)])
    try file.write([9], at: 0)
    #expect(try file.read(at: 0, count: 1) == [9])
    #expect(system.firedFaults == 2)
  }

  @Test("a call may do its work and fail all the same")
  func afterwards() throws {
    let system = SimulatedFileSystem()
    let (directory, _) = try file(system)
    system.inject([Fault(.failAfterwards(ErrorNumber.io), at: 0)])
    #expect(throws: FileError(.rename, ErrorNumber.io)) { try directory.rename("a", to: "b") }
    #expect(try directory.list().map(\.name) == ["b"])
  }

  @Test(
    "a short write leaves a part and fails",
    arguments: zip(Fault.Portion.allCases, [[9, 2, 3, 4], [9, 9, 3, 4], [9, 9, 9, 4]]))
  func short(_ portion: Fault.Portion, _ left: [UInt8]) throws {
    let system = SimulatedFileSystem()
    let (_, file) = try file(system)
    system.inject([Fault(.shortWrite(portion), at: 0, of: [.write])])
    #expect(throws: FileError(.write, ErrorNumber.io)) { try file.write([9, 9, 9, 9], at: 0) }
    #expect(try file.read(at: 0, count: 9) == left)
  }

  @Test("a write of nothing fails, and a misdirected one does not say so")
  func lies() throws {
    let system = SimulatedFileSystem()
    let (_, file) = try file(system)
    system.inject([
      Fault(.zeroWrite, at: 0, of: [.write]), Fault(.misdirectedWrite(by: 2), at: 1, of: [.write]),
    ])
    #expect(throws: FileError(.write, ErrorNumber.io)) { try file.write([9], at: 0) }
    try file.write([9], at: 0)
    #expect(try file.read(at: 0, count: 9) == [1, 2, 9, 4])
  }

  @Test("a lost sync says nothing, and what it should have saved may be lost")
  func lostSync() throws {
    let disk = try WatchedDisk()
    let file = try disk.durableFile("a", [1])
    try file.write([2], at: 0)
    disk.system.inject([Fault(.lostSync, at: 0)])
    try file.sync()
    #expect(disk.outcomes(of: "a").isSuperset(of: [[1], [2]]))
    try file.sync()
    #expect(disk.outcomes(of: "a") == [[2]])
  }

  @Test("a fault that does not fit its call passes")
  func misfits() throws {
    let system = SimulatedFileSystem()
    let (_, file) = try file(system)
    for effect: Fault.Effect in [
      .zeroWrite, .shortWrite(.one), .lostSync, .failedSync(.reverts), .misdirectedWrite(by: 1),
    ] {
      system.inject([Fault(effect, at: 0)])
      _ = try file.size()
      #expect(system.firedFaults == 0)
    }
  }

  @Test("after the power is cut every call fails, and the disk stays as it was")
  func powerCut() throws {
    let disk = try WatchedDisk()
    let file = try disk.durableFile("a", [1])
    let calls = disk.system.calls
    disk.system.stopAfter(call: calls + 1)
    try file.write([2], at: 0)
    #expect(!disk.system.hasStopped)
    #expect(throws: FileError(.sync, ErrorNumber.io)) { try file.sync() }
    #expect(throws: FileError(.open, ErrorNumber.io)) {
      _ = try disk.directory.open("a", writable: false)
    }
    #expect(disk.system.hasStopped)
    #expect(disk.system.calls == calls + 1)
    #expect(disk.outcomes(of: "a").isSuperset(of: [[1], [2]]))
  }

  @Test("a full disk takes what fits, and has room again when something goes")
  func space() throws {
    let system = SimulatedFileSystem(space: 10)
    let directory = try system.openDirectory("/d", creating: true)
    let one = try directory.create("one")
    try one.write([1, 1, 1, 1, 1, 1], at: 0)
    let two = try directory.create("two")
    #expect(throws: FileError(.write, ErrorNumber.noSpace)) {
      try two.write([2, 2, 2, 2, 2], at: 0)
    }
    #expect(try two.size() == 4 && system.used == 10)
    try two.write([3, 3, 3, 3], at: 0)
    #expect(throws: FileError(.reserve, ErrorNumber.noSpace)) { try two.reserve(5) }
    #expect(throws: FileError(.truncate, ErrorNumber.noSpace)) { try two.truncate(to: 5) }
    try directory.remove("one")
    #expect(throws: FileError(.write, ErrorNumber.noSpace)) { try two.write([4], at: 4) }
    one.close()
    #expect(system.used == 4)
    try two.write([4], at: 4)
    try two.truncate(to: 0)
    #expect(system.used == 0)
    system.space = nil
    try two.write(sector(1, 1_000), at: 0)
  }

  @Test("a wild offset does not eat the memory of the machine")
  func wildOffset() throws {
    let (_, file) = try file(SimulatedFileSystem())
    #expect(throws: FileError(.write, ErrorNumber.tooBig)) { try file.write([1], at: 1 << 50) }
    #expect(throws: FileError(.truncate, ErrorNumber.tooBig)) { try file.truncate(to: 1 << 50) }
    #expect(throws: FileError(.reserve, ErrorNumber.tooBig)) { try file.reserve(1 << 50) }
  }

  @Test("calls are counted, noted, and shown before they are made")
  func events() throws {
    let system = SimulatedFileSystem(watching: true)
    let directory = try system.openDirectory("/d", creating: true)
    let states = Monitor([Int]())
    system.isTracing = true
    system.observe { event in
      let size = system.image().bytes(of: "a", in: "/d")?.count ?? -1
      states.withLock { $0.append(size) }
      #expect(system.crashState().calls == event.index)
    }
    let file = try directory.create("a")
    try file.write([1, 2], at: 0)
    try file.sync()
    system.observe(nil)
    system.isTracing = false
    _ = try file.size()
    #expect(system.trace.map(\.description) == ["2 create a", "3 write a 0+2", "4 sync a"])
    #expect(states.withLock { $0 } == [-1, 0, 2])
    #expect(system.calls == 6)
  }

  @Test("other processes see the same disk, and lose their locks and files when they end")
  func processes() throws {
    let system = SimulatedFileSystem()
    let (directory, file) = try file(system)
    let other = system.process(7)
    #expect(other.process.id == 7 && other.process.boot == system.process.boot)
    let theirs = try other.openDirectory("/d", creating: false)
    let theirFile = try theirs.open("a", writable: true)
    #expect(try theirFile.read(at: 0, count: 9) == [1, 2, 3, 4])
    let lock = try theirs.lock(theirFile, byte: 0, exclusive: true)
    #expect(reason { _ = try directory.lock(file, byte: 0, exclusive: true) } == .busy)
    try theirFile.write([7], at: 0)
    system.kill(7)
    #expect(try file.read(at: 0, count: 1) == [7])
    let mine = try directory.lock(file, byte: 0, exclusive: true)
    #expect(throws: FileError.self) { try theirFile.write([8], at: 0) }
    #expect(throws: FileError.self) { try other.openDirectory("/d", creating: false) }
    // What a dead process still holds in our memory lets nothing go that is ours.
    lock.release()
    theirFile.close()
    #expect(reason { _ = try directory.lock(file, byte: 0, exclusive: true) } == .busy)
    withExtendedLifetime(mine) {}
    _ = try system.process(7).openDirectory("/d", creating: false)
  }

  @Test("a directory that was moved or removed is noticed")
  func directories() throws {
    let system = SimulatedFileSystem()
    let (directory, file) = try file(system)
    system.moveDirectory("/d", to: "/e")
    #expect(!directory.isCurrent())
    system.moveDirectory("/e", to: "/d")
    #expect(directory.isCurrent())
    system.removeDirectory("/d")
    #expect(!directory.isCurrent())
    #expect(reason { _ = try directory.create("b") } == .notFound)
    #expect(try file.linkCount() == 0)
    #expect(!system.removeDirectory("/d"))
  }

  @Test("the same seed and calls make the same everything")
  func deterministic() throws {
    func run(_ seed: UInt64) throws -> [UInt64] {
      let system = SimulatedFileSystem(seed: seed)
      let directory = try system.openDirectory("/d", creating: true)
      for index in 0..<20 { _ = try directory.create("\(index)") }
      let names = try directory.list().map(\.name)
      return names.compactMap { UInt64($0) } + [system.random(), system.now()]
    }
    #expect(try run(1) == run(1))
    #expect(try run(1) != run(2))
  }
}
