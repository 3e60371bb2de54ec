import RoostContract
import RoostEngine
import RoostFiles

/// Bytes as things that are done to a store, and a dictionary that is asked the same.
///
/// Besides writes there are power cuts and damage; after damage the store answers as before or
/// refuses.
struct StoreScript {
  private let bytes: [UInt8]
  private var rest: ArraySlice<UInt8>
  private var disk = SimulatedFileSystem(seed: 3, watching: true)
  private var store: Store
  private var expected: [String: Record] = [:]
  /// Whether files were changed behind the store's back.
  private var isDamaged = false

  /// What a script can do, by the number in the script.
  enum Step: UInt8, CaseIterable {
    case put, replace, delete, deleteWhere, batch, checkpoint, compact, cut, reopen, crash, flip
  }

  /// So many steps are enough to see.
  private static let stepsMax = 150

  init(_ bytes: [UInt8]) throws {
    self.bytes = bytes
    rest = bytes[...]
    store = try Store.open(at: "/store", on: disk, options: FuzzTarget.options)
    try store.ensureCollection(CollectionSpec(name: "c", dimension: 3, metric: .l2))
  }

  /// Runs the script; false when the store was refused as damaged.
  mutating func run() throws -> Bool {
    for _ in 0..<Self.stepsMax where !rest.isEmpty {
      guard let step = Step(rawValue: next() % UInt8(Step.allCases.count)) else { continue }
      do {
        try run(step)
        try compare()
      } catch {
        if isDamaged, let error = error as? StoreError, error.code == .corrupted { return false }
        if error is FuzzFinding { throw error }
        throw FuzzFinding(bytes: bytes, law: "a store does what it is asked", found: "\(error)")
      }
    }
    return true
  }

  private mutating func next() -> UInt8 { rest.popFirst() ?? 0 }

  private mutating func record() -> Record {
    var record = StorageForge.record(Int(next() % 24))
    record.metadata?["v"] = .int(Int64(next()))
    return record
  }

  private mutating func run(_ step: Step) throws {
    let collection = try store.collection("c")
    switch step {
    case .put, .replace:
      let records = step == .put ? [record()] : [record(), record(), record()]
      var unique: [String: Record] = [:]
      for record in records { unique[record.id] = record }
      try collection.upsert(Array(unique.values))
      expected.merge(unique) { $1 }
    case .delete:
      let id = record().id
      let count = try collection.delete([id])
      let wasThere = expected.removeValue(forKey: id) != nil
      try FuzzTarget.demand(bytes, "a delete counts", count == (wasThere ? 1 : 0))
    case .deleteWhere:
      let filter = Filter.gt(.metadata("rank"), .int(Int64(next() % 24)))
      let gone = expected.filter { filter.matches($0.value) }.keys
      let count = try collection.delete(where: filter)
      try FuzzTarget.demand(bytes, "a delete by filter counts", count == gone.count)
      for id in gone { expected[id] = nil }
    case .batch:
      let (put, gone) = (record(), record().id)
      try store.write { batch in
        try batch.upsert([put], into: collection)
        try batch.delete([gone], from: collection)
      }
      expected[put.id] = put
      expected[gone] = nil
    case .checkpoint: try store.checkpoint()
    case .compact: try store.compact()
    case .cut: try store.cutLog()
    case .reopen:
      try store.close()
      try open()
    case .crash:
      // The power goes; which of the possible disks is left, the script says.
      let which = Int(next() % 4)
      var images = disk.crashImages(limit: 4, seed: UInt64(next()), samples: 4)
      var image = images.next()
      for _ in 0..<which { image = images.next() ?? image }
      try load(image ?? disk.image())
    case .flip:
      var image = disk.image()
      let names = image.names(in: "/store")
      let name = names[Int(next()) % names.count]
      var file = image.bytes(of: name, in: "/store") ?? []
      let place = Int(next()) << 8 | Int(next())
      guard !file.isEmpty else { return }
      file[place % file.count] ^= 1 << (next() % 8)
      image.setBytes(file, of: name, in: "/store")
      isDamaged = true
      try load(image)
    }
  }

  private mutating func load(_ image: DiskImage) throws {
    disk = SimulatedFileSystem(image: image, seed: 4, watching: true)
    try open()
  }

  private mutating func open() throws {
    store = try Store.open(at: "/store", on: disk, options: FuzzTarget.options)
  }

  private func compare() throws {
    let collection = try store.collection("c")
    let found = try collection.scroll().records
    let right = expected.values.sorted { $0.id < $1.id }
    try FuzzTarget.demand(bytes, "a store holds what was written", found == right)
    try FuzzTarget.demand(
      bytes, "a store counts what was written", try collection.count() == right.count)
  }
}
