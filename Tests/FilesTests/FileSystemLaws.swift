import RoostFiles
import Testing

/// What every file system of the house does, as sentences that can be run.
struct FileSystemLaw: Sendable, CustomTestStringConvertible {
  let sentence: String
  let run: @Sendable (any FileSystem, String) throws -> Void

  init(_ sentence: String, _ run: @escaping @Sendable (any FileSystem, String) throws -> Void) {
    self.sentence = sentence
    self.run = run
  }

  var testDescription: String { sentence }
}

/// The reason why `body` failed, or nil when it did not.
func reason(_ body: () throws -> Void) -> FileError.Reason? {
  do {
    try body()
    return nil
  } catch let error as FileError {
    return error.reason
  } catch {
    Issue.record("\(error) is no FileError")
    return nil
  }
}

func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

extension FileSystemLaw {
  /// Each is given a file system and the path of an empty directory.
  static let all: [FileSystemLaw] = names + contents + locks

  // MARK: Names

  private static let names = [
    FileSystemLaw("a directory is created once and opened again") { system, path in
      #expect(reason { _ = try system.openDirectory(path + "/a", creating: false) } == .notFound)
      let made = try system.openDirectory(path + "/a", creating: true)
      #expect(made.path == path + "/a")
      _ = try made.create("one")
      #expect(try system.openDirectory(path + "/a/", creating: true).list().map(\.name) == ["one"])
      #expect(try system.openDirectory(path + "/a", creating: false).list().count == 1)
      #expect(
        try system.openDirectory(path, creating: false).list()
          .contains { $0.name == "a" && !$0.isFile })
    },
    FileSystemLaw("only the last directory of a path is created") { system, path in
      #expect(reason { _ = try system.openDirectory(path + "/a/b", creating: true) } == .notFound)
    },
    FileSystemLaw("a file is no directory, and a directory no file") { system, path in
      let directory = try system.openDirectory(path, creating: false)
      _ = try directory.create("file")
      _ = try system.openDirectory(path + "/folder", creating: true)
      for creating in [false, true] {
        #expect(
          reason { _ = try system.openDirectory(path + "/file", creating: creating) } == .notAFile)
      }
      for writable in [false, true] {
        #expect(reason { _ = try directory.open("folder", writable: writable) } == .notAFile)
      }
      #expect(reason { _ = try directory.create("folder") } == .exists)
    },
    FileSystemLaw("a path with a NUL, or an empty one, is refused") { system, path in
      for bad in [path + "/a\0b", ""] {
        #expect(throws: FileError(.openDirectory, ErrorNumber.invalid)) {
          try system.openDirectory(bad, creating: true)
        }
      }
    },
    FileSystemLaw("names are single components") { system, path in
      let directory = try system.openDirectory(path, creating: false)
      _ = try directory.create("good")
      let long = String(repeating: "x", count: 256)
      for bad in ["", ".", "..", "a/b", "/a", "../a", "a\0b", long] {
        #expect(throws: FileError(.create, ErrorNumber.invalid)) { try directory.create(bad) }
        #expect(throws: FileError(.open, ErrorNumber.invalid)) {
          try directory.open(bad, writable: false)
        }
        #expect(throws: FileError(.rename, ErrorNumber.invalid)) {
          try directory.rename("good", to: bad)
        }
        #expect(throws: FileError(.rename, ErrorNumber.invalid)) {
          try directory.rename(bad, to: "x")
        }
        #expect(throws: FileError(.link, ErrorNumber.invalid)) {
          try directory.link("good", into: directory, as: bad)
        }
        #expect(throws: FileError(.remove, ErrorNumber.invalid)) { try directory.remove(bad) }
      }
      _ = try directory.create(String(long.dropLast()))
      _ = try directory.create("Ω \\:*?\n")
      #expect(try directory.list().count == 3)
    },
    FileSystemLaw("a new file is empty, and a name is created once") { system, path in
      let directory = try system.openDirectory(path, creating: false)
      let file = try directory.create("a")
      #expect(try file.size() == 0)
      #expect(reason { _ = try directory.create("a") } == .exists)
      #expect(reason { _ = try directory.open("b", writable: false) } == .notFound)
      #expect(try directory.list() == [DirectoryEntry(name: "a", size: 0, isFile: true)])
    },
    FileSystemLaw("a file that is renamed takes the place of another") { system, path in
      let directory = try system.openDirectory(path, creating: false)
      let old = try directory.create("old")
      try old.write(Array("old".utf8), at: 0)
      let new = try directory.create("new")
      try new.write(Array("new".utf8), at: 0)
      try directory.rename("new", to: "old")
      #expect(try directory.list() == [DirectoryEntry(name: "old", size: 3, isFile: true)])
      let opened = try directory.open("old", writable: false)
      #expect(try text(opened.read(at: 0, count: 9)) == "new")
      #expect(try text(old.read(at: 0, count: 9)) == "old")
      #expect(try (old.linkCount(), new.linkCount()) == (0, 1))
      #expect(reason { try directory.rename("new", to: "x") } == .notFound)
    },
    FileSystemLaw("two names of one file show the same bytes, and go one by one") { system, path in
      let directory = try system.openDirectory(path, creating: false)
      let other = try system.openDirectory(path + "/other", creating: true)
      let file = try directory.create("a")
      try directory.link("a", into: other, as: "b")
      #expect(try file.linkCount() == 2)
      try file.write([1, 2, 3], at: 0)
      #expect(try other.open("b", writable: false).read(at: 0, count: 3) == [1, 2, 3])
      #expect(reason { try directory.link("a", into: other, as: "b") } == .exists)
      #expect(reason { try directory.link("x", into: other, as: "c") } == .notFound)
      try directory.remove("a")
      #expect(try file.linkCount() == 1)
      try other.remove("b")
      #expect(try file.linkCount() == 0)
    },
    FileSystemLaw("who has a file open keeps it when its name goes") { system, path in
      let directory = try system.openDirectory(path, creating: false)
      let file = try directory.create("a")
      try file.write([1, 2, 3], at: 0)
      try directory.remove("a")
      #expect(reason { try directory.remove("a") } == .notFound)
      try file.write([4], at: 3)
      try file.sync()
      #expect(try file.read(at: 0, count: 4) == [1, 2, 3, 4])
      _ = try directory.create("a")
      #expect(try file.size() == 4)
      try directory.sync()
    },
    FileSystemLaw("a directory knows whether its path still leads to it") { system, path in
      let directory = try system.openDirectory(path + "/a", creating: true)
      #expect(directory.isCurrent())
      #expect(!directory.isRemote)
    },
    FileSystemLaw("nothing can be asked of what is closed") { system, path in
      let directory = try system.openDirectory(path, creating: false)
      let file = try directory.create("a")
      file.close()
      file.close()
      #expect(reason { _ = try file.size() } == .other)
      #expect(reason { _ = try file.read(at: 0, count: 1) } == .other)
      #expect(reason { try file.write([1], at: 0) } == .other)
      #expect(reason { try file.sync() } == .other)
      #expect(reason { _ = try file.map() } == .other)
      #expect(reason { try file.truncate(to: 1) } == .other)
      directory.close()
      directory.close()
      #expect(reason { _ = try directory.list() } == .other)
      #expect(reason { _ = try directory.create("b") } == .other)
      #expect(reason { try directory.sync() } == .other)
      #expect(!directory.isCurrent())
    },
  ]

  // MARK: Bytes

  private static let contents = [
    FileSystemLaw("bytes are read as they were written, up to the end") { system, path in
      let directory = try system.openDirectory(path, creating: false)
      let file = try directory.create("a")
      let bytes = (0..<100_000).map { UInt8(truncatingIfNeeded: $0 &* 7 >> 3) }
      try file.write(bytes, at: 0)
      #expect(try file.read(at: 0, count: 100_000) == bytes)
      #expect(try file.read(at: 99_990, count: 100_000) == Array(bytes.suffix(10)))
      #expect(try file.read(at: 0, count: .max - 1) == bytes)
      #expect(try file.read(at: 100_000, count: 1) == [])
      #expect(try file.read(at: 1 << 40, count: 1 << 40) == [])
      #expect(try file.read(at: 5, count: 0) == [])
      #expect(try directory.list().map(\.size) == [100_000])
      #expect(try file.map().array(at: 0, count: 100_000) == bytes)
      #expect(try file.load().array(at: 0, count: 100_000) == bytes)
      file.forgetCache()
      #expect(try directory.open("a", writable: false).read(at: 0, count: 100_000) == bytes)
    },
    FileSystemLaw("a place that makes no sense is refused") { system, path in
      let file = try system.openDirectory(path, creating: false).create("a")
      for (offset, count) in [
        (-1, 1), (-1, 0), (.min, 1 << 20), (0, -1), (.max, 1), (1, .max),
      ] {
        #expect(throws: FileError(.read, ErrorNumber.invalid)) {
          try file.read(at: offset, count: count)
        }
      }
      for offset in [-1, .max] {
        #expect(throws: FileError(.write, ErrorNumber.invalid)) { try file.write([1], at: offset) }
      }
      #expect(throws: FileError(.write, ErrorNumber.invalid)) { try file.write([], at: -1) }
      #expect(throws: FileError(.reserve, ErrorNumber.invalid)) { try file.reserve(.min) }
      #expect(throws: FileError(.truncate, ErrorNumber.invalid)) { try file.truncate(to: -1) }
      #expect(throws: FileError(.reserve, ErrorNumber.invalid)) { try file.reserve(-1) }
      #expect(throws: FileError.self) { try file.truncate(to: .max) }
      #expect(try file.size() == 0)
    },
    FileSystemLaw("a write beyond the end leaves zeros before it") { system, path in
      let file = try system.openDirectory(path, creating: false).create("a")
      try file.write([9], at: 5)
      #expect(try file.read(at: 0, count: 9) == [0, 0, 0, 0, 0, 9])
      try file.write([1, 2], at: 4)
      try file.write([], at: 100)
      #expect(try file.read(at: 0, count: 9) == [0, 0, 0, 0, 1, 2])
    },
    FileSystemLaw("a file is cut off, and extended with zeros") { system, path in
      let file = try system.openDirectory(path, creating: false).create("a")
      try file.write([1, 2, 3, 4], at: 0)
      try file.truncate(to: 2)
      #expect(try file.read(at: 0, count: 9) == [1, 2])
      try file.truncate(to: 4)
      #expect(try file.read(at: 0, count: 9) == [1, 2, 0, 0])
    },
    FileSystemLaw("space that is set aside reads as zeros, and is never taken away") {
      system, path in
      let file = try system.openDirectory(path, creating: false).create("a")
      try file.write([1, 2], at: 0)
      try file.reserve(10_000)
      #expect(try file.size() == 10_000)
      #expect(try file.read(at: 0, count: 3) == [1, 2, 0])
      try file.reserve(100)
      try file.reserve(0)
      #expect(try file.size() == 10_000)
    },
    FileSystemLaw("a file that was opened for reading is not written") { system, path in
      let directory = try system.openDirectory(path, creating: false)
      try directory.create("a").write([1], at: 0)
      let file = try directory.open("a", writable: false)
      #expect(throws: FileError(.write, ErrorNumber.badFile)) { try file.write([2], at: 0) }
      #expect(throws: FileError(.truncate, ErrorNumber.invalid)) { try file.truncate(to: 0) }
      #expect(throws: FileError(.reserve, ErrorNumber.badFile)) { try file.reserve(10) }
      try file.sync()
      #expect(try file.read(at: 0, count: 9) == [1])
      try directory.open("a", writable: true).write([2], at: 0)
      #expect(try file.read(at: 0, count: 9) == [2])
    },
    FileSystemLaw("an empty file can be mapped and loaded") { system, path in
      let file = try system.openDirectory(path, creating: false).create("a")
      #expect(try file.map().count == 0)
      #expect(try file.load().count == 0)
    },
    FileSystemLaw("bytes that were mapped stay when file and name are gone") { system, path in
      let directory = try system.openDirectory(path, creating: false)
      let file = try directory.create("a")
      try file.write([1, 2, 3], at: 0)
      let bytes = try file.map()
      try directory.remove("a")
      file.close()
      #expect(bytes.array(at: 0, count: 3) == [1, 2, 3])
    },
  ]

  // MARK: Locks

  private static let locks = [
    FileSystemLaw("an exclusive lock keeps out every other, also of this process") {
      system, path in
      let directory = try system.openDirectory(path, creating: false)
      let file = try directory.create("LOCK")
      let held = try directory.lock(file, byte: 0, exclusive: true)
      let other = try directory.open("LOCK", writable: true)
      for exclusive in [false, true] {
        #expect(reason { _ = try directory.lock(file, byte: 0, exclusive: exclusive) } == .busy)
        #expect(reason { _ = try directory.lock(other, byte: 0, exclusive: exclusive) } == .busy)
      }
      let beside = try directory.lock(other, byte: 1, exclusive: true)
      held.release()
      held.release()
      let again = try directory.lock(other, byte: 0, exclusive: true)
      #expect(reason { _ = try directory.lock(file, byte: 0, exclusive: true) } == .busy)
      withExtendedLifetime((beside, again)) {}
    },
    FileSystemLaw("there is no byte below the first to be locked") { system, path in
      let directory = try system.openDirectory(path, creating: false)
      let file = try directory.create("LOCK")
      for byte in [-1, .min] {
        for exclusive in [false, true] {
          #expect(throws: FileError(.lock, ErrorNumber.invalid)) {
            try directory.lock(file, byte: byte, exclusive: exclusive)
          }
        }
        #expect(throws: FileError(.lock, ErrorNumber.invalid)) {
          try directory.isLocked(file, byte: byte)
        }
      }
    },
    FileSystemLaw("shared locks live together") { system, path in
      let directory = try system.openDirectory(path, creating: false)
      let file = try directory.create("LOCK")
      let reading = try directory.open("LOCK", writable: false)
      let one = try directory.lock(reading, byte: 9, exclusive: false)
      let two = try directory.lock(file, byte: 9, exclusive: false)
      #expect(reason { _ = try directory.lock(file, byte: 9, exclusive: true) } == .busy)
      one.release()
      #expect(reason { _ = try directory.lock(file, byte: 9, exclusive: true) } == .busy)
      two.release()
      try directory.lock(file, byte: 9, exclusive: true).release()
    },
    FileSystemLaw("to ask whether a byte is locked takes no lock, and sees exclusive ones only") {
      system, path in
      let directory = try system.openDirectory(path, creating: false)
      let file = try directory.create("LOCK")
      #expect(try !directory.isLocked(file, byte: 3))
      let shared = try directory.lock(file, byte: 3, exclusive: false)
      #expect(try !directory.isLocked(file, byte: 3))
      shared.release()
      let held = try directory.lock(file, byte: 3, exclusive: true)
      let reading = try directory.open("LOCK", writable: false)
      #expect(try directory.isLocked(reading, byte: 3))
      #expect(try directory.isLocked(file, byte: 3))
      #expect(try !directory.isLocked(reading, byte: 4))
      reading.close()
      held.release()
      #expect(try !directory.isLocked(file, byte: 3))
      try directory.lock(file, byte: 3, exclusive: true).release()
      file.close()
      directory.close()
    },
    FileSystemLaw("a lock outlives the file that it was asked with, and ends with itself") {
      system, path in
      let directory = try system.openDirectory(path, creating: false)
      let file = try directory.create("LOCK")
      var held: (any FileLock)? = try directory.lock(file, byte: 0, exclusive: true)
      file.close()
      let other = try directory.open("LOCK", writable: true)
      try directory.open("LOCK", writable: true).close()
      #expect(reason { _ = try directory.lock(other, byte: 0, exclusive: true) } == .busy)
      withExtendedLifetime(held) {}
      held = nil
      _ = try directory.lock(other, byte: 0, exclusive: true)
    },
    FileSystemLaw("a lock on a file that was replaced or removed is refused") { system, path in
      let directory = try system.openDirectory(path, creating: false)
      let file = try directory.create("LOCK")
      _ = try directory.create("new")
      try directory.rename("new", to: "LOCK")
      #expect(throws: FileError(.lock, ErrorNumber.stale)) {
        _ = try directory.lock(file, byte: 0, exclusive: true)
      }
      try directory.remove("LOCK")
      #expect(reason { _ = try directory.lock(file, byte: 0, exclusive: true) } == .notFound)
    },
  ]
}
