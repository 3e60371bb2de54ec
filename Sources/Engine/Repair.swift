internal import RoostContract
package import RoostFiles
internal import RoostStorage

// A repair never changes the damaged store. It reads what can be read, says first what cannot, and
// writes a new store of the rest.

/// What can be saved of a damaged store, and what cannot.
public struct RepairPlan: Sendable {
  /// Something that will not be in the new store.
  public struct Loss: Sendable, Equatable {
    /// The file that it was in.
    public var file: String
    /// What is lost, and why.
    public var sentence: String
    /// How many records it may concern.
    public var records: Int
  }

  /// The damaged store.
  public let path: String
  /// What will be lost, in the order in which it was found.
  public internal(set) var losses: [Loss] = []
  /// What will be saved, by collection.
  public internal(set) var saved: [String: Int] = [:]

  fileprivate var manifest: Manifest
  fileprivate let fileSystem: any FileSystem

  /// The plan as lines for people, the losses first.
  public var lines: [String] {
    losses.map { "lost: \($0.file): \($0.sentence)" }
      + saved.sorted { $0.key < $1.key }.map {
        "saved: \($0.value) records of collection \(quoted($0.key))"
      }
  }
}

extension Store {
  /// Finds out what can be saved of a store that does not open, and changes nothing.
  public static func planRepair(at path: String) throws -> RepairPlan {
    try planRepair(at: path, on: PosixFileSystem.shared)
  }

  /// The same on another file system.
  package static func planRepair(
    at path: String, on fileSystem: any FileSystem
  ) throws -> RepairPlan {
    var salvage = try Salvage(path: path, fileSystem: fileSystem)
    defer { salvage.directory.close() }
    var plan = salvage.plan
    var counts: [String: Int] = [:]
    for entry in plan.manifest.collections { counts[entry.name] = 0 }
    let records = try salvage.records()
    for (name, rows) in records { counts[name] = rows.count }
    plan = salvage.plan
    plan.saved = counts
    return plan
  }
}

extension RepairPlan {
  /// Writes what can be saved into a new store.
  public func run(into path: String) throws {
    let store = try Store.open(
      at: path, on: fileSystem, options: StoreOptions(durability: .bulk, background: false))
    var salvage = try Salvage(path: self.path, fileSystem: fileSystem)
    defer { salvage.directory.close() }
    guard try store.listCollections().isEmpty else {
      throw StoreError(
        .alreadyExists, found: "\(quoted(path)) holds collections",
        expected: "a repair writes a new store", remedy: "Choose another directory")
    }
    let records = try salvage.records()
    for entry in salvage.entries {
      let collection = try store.ensureCollection(entry.spec)
      let specs = entry.indexes.map(\.spec)
      if !specs.isEmpty { try collection.ensureIndexes(specs) }
      let rows = records[entry.name] ?? [:]
      for (_, record) in rows.sorted(by: { $0.key < $1.key }) {
        try Task.checkCancellation()
        try collection.upsert([record.projected(.everything)])
      }
    }
    try store.close()
  }
}

/// A damaged store that is being read as far as it goes.
private struct Salvage {
  var plan: RepairPlan
  let directory: any Directory
  /// The collections, as far as the logs could be read.
  private(set) var entries: [CollectionEntry]

  init(path: String, fileSystem: any FileSystem) throws {
    do throws(FileError) {
      directory = try fileSystem.openDirectory(path, creating: false)
    } catch {
      throw StoreError(error, .manifest)
    }
    let (manifest, losses) = try Self.manifest(in: directory, path)
    plan = RepairPlan(path: path, manifest: manifest, fileSystem: fileSystem)
    plan.losses = losses
    entries = manifest.collections
  }

  /// The manifest, or the newest earlier one that can be read.
  private static func manifest(
    in directory: any Directory, _ path: String
  ) throws -> (Manifest, [RepairPlan.Loss]) {
    var problem: StoreError?
    do throws(StorageError) {
      if let manifest = try Manifest.read(in: directory) { return (manifest, []) }
    } catch {
      problem = StoreError(error)
    }
    let entries: [DirectoryEntry]
    do throws(FileError) {
      entries = try directory.list()
    } catch {
      throw StoreError(error, .manifest)
    }
    let generations = entries.compactMap { entry -> UInt64? in
      if case .oldManifest(let generation)? = FileName(entry.name) { generation } else { nil }
    }
    for generation in generations.sorted(by: >) {
      do throws(StorageError) {
        let manifest = try Manifest.read(.oldManifest(generation), in: directory)
        let loss = RepairPlan.Loss(
          file: FileName.manifest.name,
          sentence: (problem?.found ?? "it is missing")
            + "; generation \(generation) serves instead, what was flushed since may be lost",
          records: 0)
        return (manifest, [loss])
      } catch {
        continue
      }
    }
    throw problem
      ?? StoreError(
        .corrupted, found: "\(quoted(path)) has no manifest that can be read",
        expected: "a manifest, or one of the four before it", remedy: "Restore a backup")
  }

  private mutating func lose(_ file: FileName, _ sentence: String, _ records: Int) {
    plan.losses.append(
      RepairPlan.Loss(file: file.name, sentence: sentence, records: records))
  }

  /// The records that can be read, by collection and id.
  mutating func records() throws -> [String: [BytewiseKey: StoredRecord]] {
    plan.losses.removeAll { $0.file != FileName.manifest.name }
    entries = plan.manifest.collections
    var found: [UInt64: [BytewiseKey: StoredRecord]] = [:]
    for entry in plan.manifest.collections {
      found[entry.number] = try segments(of: entry)
    }
    replay(&found)
    var byName: [String: [BytewiseKey: StoredRecord]] = [:]
    for entry in entries { byName[entry.name] = found[entry.number] ?? [:] }
    return byName
  }

  private mutating func segments(
    of entry: CollectionEntry
  ) throws -> [BytewiseKey: StoredRecord] {
    var records: [BytewiseKey: StoredRecord] = [:]
    var dead: [UInt64: Set<UInt32>] = [:]
    var readers: [SegmentReader] = []
    for segment in entry.segments {
      do throws(StorageError) {
        readers.append(
          try SegmentReader.open(
            segment, in: directory, database: plan.manifest.database, collection: entry.number,
            dimension: entry.dimension, element: entry.element, mapped: false))
      } catch {
        lose(
          .segment(segment.file),
          "\(StoreError(error).found); all \(segment.rows) records of collection "
            + "\(quoted(entry.name)) in it", segment.rows)
      }
    }
    for reader in readers {
      do throws(StorageError) {
        for list in try reader.tombstones { dead[list.segment, default: []].formUnion(list.rows) }
      } catch {
        lose(
          .segment(reader.entry.file),
          "\(StoreError(error).found); records that it says are deleted may come back", 0)
      }
    }
    for reader in readers {
      var cursor = PayloadCursor()
      for row in 0..<reader.rowCount
      where dead[reader.entry.file]?.contains(UInt32(row)) != true {
        if row % 1_024 == 0 { try Task.checkCancellation() }
        do throws(StorageError) {
          let record = try reader.record(row, using: &cursor)
          records[BytewiseKey(record.id)] = record
        } catch {
          lose(.segment(reader.entry.file), "\(StoreError(error).found); row \(row)", 1)
        }
      }
    }
    return records
  }

  /// Does again what the logs say, up to where they cannot be read.
  private mutating func replay(_ found: inout [UInt64: [BytewiseKey: StoredRecord]]) {
    var elements: [UInt64: ElementType] = [:]
    for entry in plan.manifest.collections { elements[entry.number] = entry.element }
    var last = plan.manifest.flushed
    var now = found
    var entries = entries
    do throws(StorageError) {
      _ = try LogReader.replay(plan.manifest, in: directory) { entry throws(StorageError) in
        for operation in try OperationForm.decode(entry.payload, elements: &elements) {
          switch operation {
          case .createCollection(let entry):
            entries.append(entry)
            now[entry.number] = [:]
          case .dropCollection(let number):
            entries.removeAll { $0.number == number }
            now[number] = nil
          case .put(let number, let record): now[number]?[BytewiseKey(record.id)] = record
          case .delete(let number, let id): now[number]?[BytewiseKey(id)] = nil
          case .migrateCollection, .putIndex, .dropIndex: break
          }
        }
        last = entry.lsn
      }
    } catch {
      lose(
        .log(plan.manifest.firstLog),
        "\(StoreError(error).found); writes after number \(last) as far as they cannot be read", 0)
    }
    found = now
    self.entries = entries
  }
}
