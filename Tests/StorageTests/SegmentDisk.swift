import RoostContract
import RoostFiles
import RoostStorage

/// A directory in memory, in which segments are written and damaged.
final class SegmentDisk: Directory {
  let path = "memory"
  let isRemote = false
  let files = Monitor<[String: [UInt8]]>([:])

  func list() throws(FileError) -> [DirectoryEntry] {
    files.withLock { files in
      files.map { DirectoryEntry(name: $0.key, size: $0.value.count, isFile: true) }
    }
  }

  func create(_ name: String) throws(FileError) -> any File {
    let isNew = files.withLock { files in
      guard files[name] == nil else { return false }
      files[name] = []
      return true
    }
    guard isNew else { throw FileError(.create, ErrorNumber.exists) }
    return SegmentDiskFile(self, name)
  }

  func open(_ name: String, writable: Bool) throws(FileError) -> any File {
    guard files.withLock({ $0[name] != nil }) else {
      throw FileError(.open, ErrorNumber.notFound)
    }
    return SegmentDiskFile(self, name)
  }

  func rename(_ name: String, to newName: String) throws(FileError) {
    files.withLock { files in
      files[newName] = files[name]
      files[name] = nil
    }
  }

  func link(_ name: String, into directory: any Directory, as newName: String) throws(FileError) {
    files.withLock { $0[newName] = $0[name] }
  }

  func remove(_ name: String) throws(FileError) { files.withLock { $0[name] = nil } }

  func sync() throws(FileError) {}

  func lock(_ file: any File, byte: Int, exclusive: Bool) throws(FileError) -> any FileLock {
    throw FileError(.lock, ErrorNumber.busy)
  }

  func isCurrent() -> Bool { true }

  func close() {}
}

/// A file of it: what is written is there at once.
final class SegmentDiskFile: File {
  private let disk: SegmentDisk
  private let name: String

  init(_ disk: SegmentDisk, _ name: String) {
    self.disk = disk
    self.name = name
  }

  private var bytes: [UInt8] { disk.files.withLock { $0[name] ?? [] } }

  func size() throws(FileError) -> Int { bytes.count }

  func linkCount() throws(FileError) -> Int { 1 }

  func read(at offset: Int, count: Int) throws(FileError) -> [UInt8] {
    Array(bytes.dropFirst(offset).prefix(count))
  }

  func write(_ written: [UInt8], at offset: Int) throws(FileError) {
    disk.files.withLock { files in
      let end = offset + written.count
      let missing = end - files[name, default: []].count
      if missing > 0 { files[name, default: []] += [UInt8](repeating: 0, count: missing) }
      files[name, default: []].replaceSubrange(offset..<end, with: written)
    }
  }

  func sync() throws(FileError) {}

  func truncate(to size: Int) throws(FileError) {
    disk.files.withLock { files in
      let file = files[name, default: []]
      files[name] =
        Array(file.prefix(size)) + [UInt8](repeating: 0, count: max(0, size - file.count))
    }
  }

  func reserve(_ size: Int) throws(FileError) { try truncate(to: size) }

  func map() throws(FileError) -> Bytes { Bytes(bytes) }

  func load() throws(FileError) -> Bytes { Bytes(bytes) }

  func forgetCache() {}

  func close() {}
}

/// What the segments of tests are part of.
enum SegmentBed {
  static let database = DatabaseID(high: 0x0123_4567_89AB_CDEF, low: 0xFEDC_BA98_7654_3210)
  static let collection: UInt64 = 7

  /// Writes a segment of some records.
  static func write(
    _ records: [StoredRecord], _ dimension: Int, _ element: ElementType = .f32,
    tombstones: [UInt64: [UInt32]] = [:], to disk: any Directory, number: UInt64 = 3,
    database: DatabaseID = database
  ) throws(StorageError) -> SegmentEntry {
    var writer = try SegmentWriter(
      creating: number, in: disk, database: database, collection: collection,
      dimension: dimension, element: element, rows: records.count, firstLSN: 10, lastLSN: 20)
    for record in records { try writer.append(record) }
    for (segment, rows) in tombstones { writer.addTombstones(rows, of: segment) }
    return try writer.finish()
  }

  static func open(
    _ entry: SegmentEntry, _ dimension: Int, _ element: ElementType = .f32, in disk: any Directory
  ) throws(StorageError) -> SegmentReader {
    try SegmentReader.open(
      entry, in: disk, database: database, collection: collection, dimension: dimension,
      element: element, mapped: false)
  }
}
