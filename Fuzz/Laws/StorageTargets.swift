import RoostContract
import RoostEngine
import RoostFiles
import RoostStorage

// The doors of a store's files. Checksums would keep every mutation out, so the targets compute
// them anew, as an attacker would: behind them nothing may be believed either.

extension FuzzTarget {
  static let storageTargets = [
    metadataForm, lz4Block, manifest, log, recovery, segment, storeOperations,
  ]

  package static let metadataForm = FuzzTarget(name: "metadata-form", dictionary: binaryWords) {
    bytes in
    let read = try admitting(bytes) {
      var reader = ByteReader(Bytes(bytes), in: .manifest)
      let metadata = try reader.metadata()
      try reader.finish()
      return metadata
    }
    guard let metadata = read else { return false }
    var writer = ByteWriter()
    writer.metadata(metadata)
    try demand(bytes, "metadata has one form", writer.bytes == bytes)
    return true
  }

  package static let lz4Block = FuzzTarget(name: "lz4-block", dictionary: binaryWords) { bytes in
    guard bytes.count >= 2 else { return false }
    // The first bytes are the length that the block is said to have.
    let count = Int(bytes[0]) | Int(bytes[1]) << 8
    let packed = bytes.count - 2
    let whole = Bytes(bytes)
    guard let block = LZ4Block.unpacked(whole, at: 2, packed: packed, count: count) else {
      return false
    }
    try demand(bytes, "a block has the length it is said to have", block.count == count)
    let plain = block.array(at: 0, count: count) ?? []
    if let again = LZ4Block.compressed(plain) {
      let back = LZ4Block.unpacked(Bytes(again), at: 0, packed: again.count, count: count)
      try demand(
        bytes, "a block packs and unpacks to itself", back?.array(at: 0, count: count) == plain)
    }
    return true
  }

  package static let manifest = FuzzTarget(name: "manifest", dictionary: binaryWords) { bytes in
    let file = Bytes(StorageForge.manifest(ofBody: bytes))
    guard let manifest = try admitting(bytes, { try Manifest(file, in: .manifest) }) else {
      return false
    }
    let again = manifest.encoded()
    try demand(
      bytes, "a manifest reads back", try Manifest(Bytes(again), in: .manifest) == manifest)
    try demand(
      bytes, "a manifest has one form", again == file.array(at: 0, count: file.count))
    return true
  }

  package static let log = FuzzTarget(
    name: "log", dictionary: binaryWords, runsInTests: 400
  ) { bytes in
    let base = try StorageForge.base.get()
    let disk = SimulatedFileSystem(image: base.image(withLog: bytes))
    let directory = try disk.openDirectory("/store", creating: false)
    let first = try logEnd(bytes, in: directory, base, isLast: true, mustReach: 0)
    guard let first else { return false }
    let second = try logEnd(bytes, in: directory, base, isLast: true, mustReach: 0)
    try demand(bytes, "a log reads the same twice", first == second)
    let reached = try logEnd(
      bytes, in: directory, base, isLast: true, mustReach: first.lastLSN)
    try demand(bytes, "a log that reaches what it must is read", reached == first)
    let missed = try logEnd(
      bytes, in: directory, base, isLast: true, mustReach: first.lastLSN + 1)
    try demand(bytes, "a log that lacks what is durable is damaged", missed == nil)
    _ = try logEnd(bytes, in: directory, base, isLast: false, mustReach: 0)
    return first.lastLSN > base.manifest.flushed
  }

  /// Reads a log whose payloads must have one form each; nil when it is refused.
  private static func logEnd(
    _ bytes: [UInt8], in directory: any Directory, _ base: StorageForge, isLast: Bool,
    mustReach: UInt64
  ) throws -> LogEnd? {
    var entries: [LogEntry] = []
    let end = try admitting(bytes) {
      entries = []
      return try LogReader.read(
        base.manifest.firstLog, in: directory, database: base.manifest.database, isLast: isLast,
        mustReach: mustReach
      ) { entry throws(StorageError) in entries.append(entry) }
    }
    var elements: [UInt64: ElementType] = [:]
    for entry in base.manifest.collections { elements[entry.number] = entry.element }
    for entry in entries {
      let before = elements
      let read = try admitting(bytes) {
        try OperationForm.decode(entry.payload, elements: &elements)
      }
      guard let operations = read else { break }
      guard StorageForge.areComplete(operations, before) else { continue }
      var payload = entry.payload
      let right = try payload.array(payload.remaining)
      try demand(
        bytes, "a commit has one form", OperationForm.encode(operations, elements: before) == right)
    }
    return end
  }

  package static let recovery = FuzzTarget(
    name: "recovery", dictionary: binaryWords, runsInTests: 60
  ) { bytes in
    let base = try StorageForge.base.get()
    let image = base.image(withLog: bytes)
    let disk = SimulatedFileSystem(image: image)
    guard
      let store = try admitting(bytes, { try Store.open(at: "/store", on: disk, options: options) })
    else {
      let after = disk.image()
      let hasChanged = image.names(in: "/store").contains {
        $0 != "LOCK" && after.bytes(of: $0, in: "/store") != image.bytes(of: $0, in: "/store")
      }
      try demand(bytes, "a store that is refused is not changed", !hasChanged)
      return false
    }
    let found = try Dump(of: store)
    try demand(bytes, "an open store agrees with itself", found.fault == nil)
    try store.close()
    let again = try Store.open(at: "/store", on: disk, options: options)
    try demand(bytes, "a store recovers to the same twice", try Dump(of: again) == found)
    try again.close()
    try demand(bytes, "a store that is closed leaves nothing open", disk.openHandles == 0)
    let untouched = SimulatedFileSystem(image: image)
    let report = try Store.check(at: "/store", full: true, on: untouched)
    try demand(bytes, "what can be opened passes a check", report.isOK)
    return true
  }

  package static let segment = FuzzTarget(
    name: "segment", dictionary: binaryWords, runsInTests: 60
  ) { bytes in
    let base = try StorageForge.base.get()
    let disk = SimulatedFileSystem(image: base.image(withSegmentPatchedBy: bytes))
    var options = options
    options.reading = bytes.count % 2 == 0 ? .mapped : .copied
    let report = try Store.check(at: "/store", full: true, on: disk)
    guard
      let store = try admitting(bytes, { try Store.open(at: "/store", on: disk, options: options) })
    else {
      try demand(bytes, "what passes a check can be opened", !report.isOK)
      return false
    }
    let found = try admitting(bytes) { try Dump(of: store) }
    try admitting(bytes) { try store.compact() }
    try admitting(bytes) { try store.close() }
    guard report.isOK else { return false }
    guard let found else {
      throw FuzzFinding(bytes: bytes, law: "what passes a check is read", found: "a refusal")
    }
    if let fault = found.fault {
      throw FuzzFinding(
        bytes: bytes, law: "a segment that passes a check agrees with itself", found: fault)
    }
    return true
  }

  package static let storeOperations = FuzzTarget(
    name: "store-operations", dictionary: binaryWords, runsInTests: 60
  ) { bytes in
    var script = try StoreScript(bytes)
    return try script.run()
  }

  // MARK: What is shared

  static let options: StoreOptions = {
    var options = StoreOptions(background: false)
    options.reserve = 0
    return options
  }()

  /// What is read, or nil when it is refused with an error that says that bytes are wrong.
  @discardableResult
  static func admitting<T>(_ bytes: [UInt8], _ read: () throws -> T) throws -> T? {
    do {
      return try read()
    } catch {
      switch error {
      case let error as StorageError:
        if case .file = error { break }
        return nil
      case let error as StoreError:
        if [.corrupted, .unsupported, .outOfMemory].contains(error.code) { return nil }
      case is FuzzFinding: throw error
      default: break
      }
      throw FuzzFinding(bytes: bytes, law: "damage is refused as damage", found: "\(error)")
    }
  }

  static func demand(
    _ bytes: [UInt8], _ law: String, _ holds: @autoclosure () throws -> Bool
  ) throws {
    do {
      guard try !holds() else { return }
    } catch {
      throw FuzzFinding(bytes: bytes, law: law, found: "\(error)")
    }
    throw FuzzFinding(bytes: bytes, law: law, found: "it does not hold")
  }

  private static let binaryWords = [
    "\u{0}", "\u{1}", "\u{2}", "\u{3}", "\u{4}", "\u{5}", "\u{7}", "\u{8}", "\u{10}", "\u{28}",
    "\u{40}", "\u{7f}", "\u{0}\u{0}\u{0}\u{0}", "\u{1}\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}", "a",
    "r01", "é", "1e5", "\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}", "{\"kind\":\"hnsw\"}",
  ]
}

/// All that a store answers, and whether its answers fit together.
struct Dump: Equatable {
  private var collections: [String: [Record]] = [:]
  /// What does not fit.
  private(set) var fault: String?

  init(of store: Store) throws {
    let filter = Filter.gt(.metadata("rank"), .int(3))
    for spec in try store.listCollections() {
      let collection = try store.collection(spec.name)
      let records = try collection.scroll().records
      collections[spec.name] = records
      let ids = records.map(\.id)
      for (a, b) in zip(ids, ids.dropFirst()) where !a.utf8.lexicographicallyPrecedes(b.utf8) {
        fault = "\(a) and \(b) are out of order"
      }
      if try collection.count() != records.count { fault = "a count is wrong" }
      if try collection.count(where: filter) != records.count(where: { filter.matches($0) }) {
        fault = "a count of what a filter lets through is wrong"
      }
      if try collection.get(ids) != records { fault = "records by id are others" }
      let near = [Float](repeating: 1, count: spec.dimension)
      let hits = try collection.search([SearchQuery(near: near, limit: 1_000)]).first ?? []
      if Set(hits.map(\.record.id)) != Set(ids) { fault = "a search finds others" }
    }
  }
}
