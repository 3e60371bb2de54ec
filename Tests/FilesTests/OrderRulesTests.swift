import RoostFiles
import Testing

extension OrderRules {
  /// Of a store whose manifest is a list of names, where logs are needed when the list says "logs".
  static let toy = OrderRules(
    isManifest: { $0 == "MANIFEST" },
    references: { bytes in
      guard let text = String(validating: bytes, as: UTF8.self), text.hasPrefix("M") else {
        return nil
      }
      return Set(text.split(separator: " ").dropFirst().map(String.init).filter { $0 != "logs" })
    },
    needs: { bytes, name in
      let words = String(decoding: bytes, as: UTF8.self).split(separator: " ").map(String.init)
      return words.contains(name) || (words.contains("logs") && name.hasPrefix("w-"))
    },
    isDisposable: { $0.hasPrefix("t-") },
    isLog: { $0.hasPrefix("w-") },
    isImmutable: { $0.hasPrefix("s-") })
}

@Suite("The order of changes")
struct OrderRulesTests {
  /// A store with a log, a segment and a manifest that needs both.
  private func store() throws -> WatchedDisk {
    let disk = try WatchedDisk(rules: .toy)
    _ = try disk.durableFile("w-1", [1, 2, 3])
    _ = try disk.durableFile("s-1", [4, 5])
    try install("M logs s-1", on: disk)
    #expect(disk.system.violations == [])
    return disk
  }

  private func install(
    _ manifest: String, on disk: WatchedDisk, sync: Bool = true, directorySync: Bool = true
  ) throws {
    let file = try disk.directory.create("t-1")
    try file.write(Array(manifest.utf8), at: 0)
    if sync { try file.sync() }
    try disk.directory.rename("t-1", to: "MANIFEST")
    if directorySync { try disk.directory.sync() }
  }

  private func expect(_ parts: String..., in disk: WatchedDisk) {
    let violations = disk.system.violations
    #expect(violations.count == parts.count, "\(violations)")
    for (part, violation) in zip(parts, violations) {
      #expect(violation.contains(part), "\(violation)")
    }
  }

  @Test("a swap that syncs everything in time breaks no rule")
  func clean() throws {
    let disk = try store()
    _ = try disk.durableFile("s-2", [6])
    try install("M s-2", on: disk)
    try disk.directory.remove("s-1")
    try disk.directory.remove("w-1")
    _ = try disk.directory.create("t-9")
    try disk.directory.remove("t-9")
    expect(in: disk)
  }

  @Test("a manifest that is not durable when it is installed")
  func manifestNotDurable() throws {
    let disk = try store()
    try install("M s-1", on: disk, sync: false)
    expect("the manifest t-1 is installed before it is durable", in: disk)
  }

  @Test("a manifest that cannot be read")
  func unreadable() throws {
    let disk = try store()
    try install("X", on: disk)
    expect("cannot be read", in: disk)
  }

  @Test("a manifest that refers to what is not there, not durable, or not durable by name")
  func references() throws {
    let disk = try store()
    try install("M s-1 s-2", on: disk)
    let file = try disk.directory.create("s-3")
    try file.write([1], at: 0)
    try disk.directory.sync()
    try install("M s-1 s-3", on: disk)
    let other = try disk.directory.create("s-4")
    try other.write([1], at: 0)
    try other.sync()
    try install("M s-1 s-4", on: disk)
    expect(
      "refers to s-2, which is not there", "refers to s-3, which is not durable",
      "refers to s-4, whose name is not durable", in: disk)
  }

  @Test("a file that goes before the manifest without it is durable")
  func removals() throws {
    let disk = try store()
    try install("M", on: disk, directorySync: false)
    try disk.directory.remove("s-1")
    try disk.directory.rename("w-1", to: "w-2")
    try disk.directory.sync()
    expect("s-1 is removed while", "w-1 is removed while", in: disk)
    let other = try store()
    try other.directory.remove("MANIFEST")
    expect("the manifest MANIFEST is removed", in: other)
  }

  @Test("a file that goes before a failed swap could be undone")
  func betweenSwaps() throws {
    let disk = try store()
    // Durable is the first manifest; a second and a third may be found instead.
    _ = try disk.durableFile("s-2", [6])
    try install("M s-2", on: disk, directorySync: false)
    try install("M", on: disk, directorySync: false)
    try disk.directory.remove("s-2")
    expect("s-2 is removed while", in: disk)
  }

  @Test("a log that loses durable bytes, by writing or cutting")
  func logs() throws {
    let disk = try store()
    let log = try disk.directory.open("w-1", writable: true)
    try log.write([4, 5], at: 3)
    try log.write([9], at: 4)
    try log.truncate(to: 3)
    try log.write([3], at: 2)
    expect(in: disk)
    try log.write([8], at: 1)
    try log.sync()
    try log.truncate(to: 2)
    expect("w-1 loses its byte 1", "w-1 loses its byte 2", in: disk)
  }

  @Test("a log in space that was set aside may be written")
  func reserved() throws {
    let disk = try store()
    let reserve = try disk.directory.create("RESERVE")
    try reserve.reserve(100)
    try reserve.sync()
    try disk.directory.rename("RESERVE", to: "w-2")
    try disk.directory.sync()
    try reserve.write([1, 2, 3], at: 0)
    try reserve.sync()
    try reserve.truncate(to: 50)
    expect(in: disk)
    try reserve.write([1, 0, 3], at: 0)
    expect("w-2 loses its byte 1", in: disk)
  }

  @Test("a segment that changes once a manifest needs it")
  func immutable() throws {
    let disk = try store()
    let new = try disk.durableFile("s-2", [1])
    try new.write([2], at: 0)
    try new.sync()
    try disk.directory.open("s-1", writable: true).write([4], at: 0)
    expect("s-1 changes, which a manifest needs", in: disk)
  }

  @Test("a log or a segment that is replaced")
  func replaced() throws {
    let disk = try store()
    for name in ["w-1", "s-1"] {
      _ = try disk.directory.create("t-2")
      try disk.directory.rename("t-2", to: name)
    }
    expect("w-1 is replaced by t-2", "s-1 is replaced by t-2", in: disk)
  }

  @Test("a disk that lied is not held against the store")
  func lies() throws {
    let disk = try store()
    disk.system.inject([Fault(.lostSync, at: 0)])
    try install("M s-1", on: disk)
    expect(in: disk)
  }

  @Test("a loop of violations does not fill the memory")
  func many() throws {
    let disk = try store()
    let log = try disk.directory.open("w-1", writable: true)
    for _ in 0..<1_000 { try log.write([9], at: 0) }
    #expect(disk.system.violations.count == 100)
  }
}
