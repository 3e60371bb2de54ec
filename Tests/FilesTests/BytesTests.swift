import Foundation
import RoostFiles
import Testing

@Suite("Bytes")
struct BytesTests {
  private let page = 65_536

  /// A file of four pages, mapped: page n is full of n + 1.
  private func mapped(
    in path: String, _ name: String = "a"
  ) throws -> (file: any File, bytes: Bytes) {
    let directory = try PosixFileSystem().openDirectory(path, creating: false)
    let file = try directory.create(name)
    for index in 0..<4 { try file.write(sector(UInt8(index + 1), page), at: index * page) }
    return (file, try file.map())
  }

  @Test("a file that is cut off under a reader reads as zeros, and the reader can tell")
  func cutOff() throws {
    try withScratch { path in
      let (file, bytes) = try mapped(in: path)
      let (_, other) = try mapped(in: path, "b")
      #expect(bytes.load(UInt8.self, at: 3 * page) == 4)
      #expect(!bytes.isPoisoned)
      try file.truncate(to: page + 10)
      #expect(bytes.load(UInt8.self, at: page + 9) == 2)
      #expect(!bytes.isPoisoned)
      #expect(bytes.load(UInt64.self, at: 3 * page) == 0)
      #expect(bytes.isPoisoned)
      let all = try #require(bytes.array(at: 0, count: 4 * page))
      #expect(all.prefix(page + 10) == (sector(1, page) + sector(2, 10))[...])
      #expect(all.suffix(2 * page).allSatisfy { $0 == 0 })
      #expect(other.array(at: 0, count: 4 * page)?.last == 4 && !other.isPoisoned)
      #expect(!(try file.map().isPoisoned))
    }
  }

  @Test("what was let go of is out of memory, and there when it is read again")
  func lettingGo() throws {
    try withScratch { path in
      let (file, bytes) = try mapped(in: path)
      let all = bytes.array(at: 0, count: 4 * page)
      #if os(Linux)
        let before = try resident(path + "/a")
        #expect(before == 4 * page)
      #endif
      // Not the page that is only half in it, and nothing that is not inside.
      bytes.letGo(page..<3 * page + 100)
      bytes.letGo(-1..<page)
      bytes.letGo(0..<4 * page + 1)
      #if os(Linux)
        let after = try resident(path + "/a")
        #expect(after == 2 * page)
      #endif
      #expect(bytes.array(at: 0, count: 4 * page) == all)
      // What was cut off stays zeros that the reader can tell.
      try file.truncate(to: page)
      #expect(bytes.load(UInt8.self, at: 2 * page) == 0 && bytes.isPoisoned)
      bytes.letGo(0..<4 * page)
      #expect(bytes.load(UInt8.self, at: 0) == 1)
      #expect(bytes.load(UInt8.self, at: 2 * page) == 0 && bytes.isPoisoned)
      let copy = Bytes([1, 2, 3])
      copy.letGo(0..<3)
      #expect(copy.array(at: 0, count: 3) == [1, 2, 3])
    }
  }

  #if os(Linux)
    /// How many bytes of the mapping of a file are in this process's memory.
    private func resident(_ path: String) throws -> Int {
      // It has no length of its own, so it is read as far as it goes.
      let file = try #require(FileHandle(forReadingAtPath: "/proc/self/smaps"))
      let maps = String(decoding: try file.readToEnd() ?? Data(), as: UTF8.self)
      // The system knows the path without links and doubled slashes.
      let name = path.split(separator: "/").suffix(2).joined(separator: "/")
      var lines = maps.split(separator: "\n").drop { !$0.hasSuffix(name) }.dropFirst()
      while let line = lines.popFirst() {
        guard line.hasPrefix("Rss:") else { continue }
        return 1_024 * (Int(line.dropFirst(4).dropLast(2).filter { $0 != " " }) ?? -1)
      }
      return -1
    }
  #endif

  @Test("readers on many threads all get through")
  func threads() throws {
    try withScratch { path in
      let (file, bytes) = try mapped(in: path)
      let sums = Monitor([Int]())
      try file.truncate(to: 0)
      try onThreads(4) { _ in
        let found = unsafe bytes.withBytes(at: 0, count: bytes.count) { buffer in
          unsafe buffer.reduce(0) { $0 + Int($1) }
        }
        sums.withLock { $0.append(found ?? -1) }
      }
      #expect(sums.withLock { $0 } == [0, 0, 0, 0])
      #expect(bytes.isPoisoned)
    }
  }

  @Test("there is room for as many mappings as there are")
  func many() throws {
    try withScratch { path in
      let (file, _) = try mapped(in: path)
      var all = try (0..<1_000).map { _ in try file.map() }
      all.removeSubrange(100..<900)
      all += try (0..<300).map { _ in try file.map() }
      try file.truncate(to: 0)
      for (index, bytes) in all.enumerated() where index % 2 == 0 {
        #expect(bytes.load(UInt8.self, at: 0) == 0)
      }
      #expect(all.indices.allSatisfy { all[$0].isPoisoned == ($0 % 2 == 0) })
    }
  }

  /// Reads a mapping that is not ours where its file has ended.
  private static func faultElsewhere() throws {
    try withScratch { path in
      let descriptor = unsafe open(path + "/x", O_RDWR | O_CREAT, 0o600)
      precondition(ftruncate(descriptor, 4_096) == 0)
      let map = unsafe mmap(nil, 4_096, PROT_READ, MAP_SHARED, descriptor, 0)
      precondition(ftruncate(descriptor, 0) == 0)
      // The number is used, or no optimizer would leave the read in.
      if unsafe map?.load(as: UInt8.self) == 77 { exit(77) }
      // No fault: whoever expects one is told by the success.
      exit(EXIT_SUCCESS)
    }
  }

  /// Makes sure that the guard is there.
  private static func installGuard() throws {
    try withScratch { path in
      let directory = try PosixFileSystem().openDirectory(path, creating: false)
      let file = try directory.create("a")
      try file.write([1], at: 0)
      _ = try file.map()
    }
  }

  @Test("a fault that is not ours ends the process as it did before")
  func foreignFault() async {
    // By the signal itself, or as a sanitizer ends a process that gets it.
    await #expect(processExitsWith: .failure) {
      try Self.installGuard()
      try Self.faultElsewhere()
    }
    await #expect(processExitsWith: .failure) {
      try Self.installGuard()
      raise(SIGBUS)
    }
  }

  @Test("a fault that is not ours goes to the handler that was there")
  func chained() async {
    await #expect(processExitsWith: .exitCode(7)) {
      signal(SIGBUS) { _ in _exit(7) }
      try Self.installGuard()
      try Self.faultElsewhere()
    }
    await #expect(processExitsWith: .exitCode(8)) {
      var action = sigaction()
      unsafe action.__sigaction_handler.sa_sigaction = { _, info, _ in
        _exit(unsafe info == nil ? 9 : 8)
      }
      action.sa_flags = SA_SIGINFO
      unsafe sigaction(SIGBUS, &action, nil)
      try Self.installGuard()
      try Self.faultElsewhere()
    }
  }

  @Test("nothing outside of the range is read, whatever is asked for")
  func ranges() {
    let bytes = Bytes([1, 2, 3, 4, 5, 6, 7, 8, 9])
    for (offset, count) in [(-1, 1), (0, -1), (9, 1), (0, 10), (.max, 1), (1, .max), (.min, .max)] {
      #expect(bytes.array(at: offset, count: count) == nil)
      #expect(bytes.text(at: offset, count: count) == nil)
      #expect(bytes.compare(at: offset, count: count, with: []) == nil)
      #expect(unsafe bytes.withBytes(at: offset, count: count) { _ in 1 } == nil)
    }
    for offset in [-1, 2, 9, .max, .min] {
      #expect(bytes.load(UInt64.self, at: offset) == nil)
    }
    #expect(bytes.load(UInt64.self, at: 1) == 0x0908_0706_0504_0302)
    #expect(bytes.load(UInt8.self, at: 8) == 9)
    #expect(bytes.array(at: 9, count: 0) == [])
    #expect(Bytes([]).array(at: 0, count: 0) == [] && Bytes([]).load(UInt8.self, at: 0) == nil)
    #expect(!bytes.isPoisoned)
  }

  @Test("numbers of one, two and four bytes are widened, and nothing else is")
  func widens() {
    let bytes = Bytes([1, 2, 3, 4, 5, 6, 7, 8, 9])
    #expect(bytes.widened(at: 1, count: 8, width: 1) == [2, 3, 4, 5, 6, 7, 8, 9])
    #expect(bytes.widened(at: 1, count: 4, width: 2) == [0x302, 0x504, 0x706, 0x908])
    #expect(bytes.widened(at: 1, count: 2, width: 4) == [0x504_0302, 0x908_0706])
    #expect(bytes.widened(at: 9, count: 0, width: 4) == [])
    for width in [-1, 0, 3, 5, 8, .max, .min] {
      #expect(bytes.widened(at: 0, count: 1, width: width) == nil)
    }
    #expect(bytes.widened(at: 0, count: 3, width: 3) == nil)
    for width in [1, 2, 4] {
      for count in [-1, .min, .max, 9 / width + 1] {
        #expect(bytes.widened(at: 0, count: count, width: width) == nil)
      }
      #expect(bytes.widened(at: 2, count: 8 / width, width: width) == nil)
    }
  }

  @Test("bytes are compared as text is sorted")
  func compares() {
    let bytes = Bytes(Array("abcd".utf8))
    #expect(bytes.compare(at: 0, count: 3, with: Array("abc".utf8)) == 0)
    #expect(bytes.compare(at: 0, count: 2, with: Array("abc".utf8)).map { $0 < 0 } == true)
    #expect(bytes.compare(at: 1, count: 3, with: Array("abc".utf8)).map { $0 > 0 } == true)
    #expect(bytes.text(at: 1, count: 2) == "bc")
    #expect(Bytes([0xFF]).text(at: 0, count: 1) == nil)
  }
}
