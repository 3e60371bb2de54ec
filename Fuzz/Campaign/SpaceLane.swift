import RoostContract
import RoostEngine
import RoostFiles

// Lane 14: disks of many sizes run full. A store on a full disk says so, loses nothing, opens
// again, deletes, and goes on when there is space. It merges as well when what is to be merged fits
// into the space that it has set aside; half of the disks have set aside that much, the others a
// little.

extension Lane {
  static let space = Lane(
    name: "space",
    sentence: "a full disk loses nothing, and deleting frees space on it"
  ) { run in
    let sizes = run.size == .tiny ? 6 : run.size == .pr ? 60 : 500
    // The sizes go up to about two megabytes.
    let step = 1_500_000 / sizes
    let workers = Workers()
    let (seed, only) = (run.seed, run.only)
    try workers.run(sizes * 2) { index in
      let size = 640_000 + index / 2 * step
      var attempt = SpaceRun(size: size, isFlushing: index % 2 == 1, seed: seed &+ UInt64(index))
      if let only, !attempt.name.hasPrefix(only) { return }
      do {
        try attempt.run()
      } catch {
        attempt.problems.append("\(attempt.place): \(error)")
      }
      workers.count("disks")
      workers.count("records acknowledged", attempt.written)
      workers.count("merges on a full disk", attempt.merges)
      workers.count("refusals for want of space", attempt.refusals)
      for problem in attempt.problems {
        workers.violate(
          "\(attempt.name): \(problem); again: roost-campaign space --seed \(seed)"
            + " --only \(attempt.name)")
      }
    }
    workers.report(to: &run)
  }
}

/// One disk that runs full.
private struct SpaceRun {
  let size: Int
  let isFlushing: Bool
  let disk: SimulatedFileSystem
  let options: StoreOptions
  private var state: [String: Record] = [:]
  private var numbers: SeededNumbers
  private(set) var written = 0
  private(set) var refusals = 0
  private(set) var merges = 0
  /// What is being done.
  private(set) var place = "start"
  var problems: [String] = []

  var name: String { "\(size):\(isFlushing ? "flushing" : "logging")" }

  init(size: Int, isFlushing: Bool, seed: UInt64) {
    self.size = size
    self.isFlushing = isFlushing
    disk = SimulatedFileSystem(seed: seed, space: size)
    numbers = SeededNumbers(seed: seed)
    var options = StoreOptions(memoryLimit: isFlushing ? 30_000 : 48 << 20, background: false)
    options.reserve = size / 25_000 % 2 == 0 ? size * 8 / 10 : 50_000
    self.options = options
  }

  private mutating func open() throws -> Store {
    try Store.open(at: "/store", on: disk, options: options)
  }

  mutating func run() throws {
    var store = try open()
    try store.ensureCollection(CollectionSpec(name: "c", dimension: 4, metric: .l2))
    for round in 0..<3 {
      place = "filling in round \(round)"
      try fill(store)
      place = "reading the full disk in round \(round)"
      try compare(store)
      switch (size + round) % 3 {
      case 0:
        place = "closing on the full disk in round \(round)"
        try close(store)
        store = try open()
      case 1:
        place = "the end of the process on the full disk in round \(round)"
        store = try afterKill(store)
      default: break
      }
      try compare(store)
      place = "deleting on the full disk in round \(round)"
      let bytes = bytes
      try delete(store)
      place = "merging on the full disk in round \(round)"
      try merge(store, bytes)
      try compare(store)
      place = "more space in round \(round)"
      disk.space = (disk.space ?? size) + 700_000
      try put(store)
      try compare(store)
    }
    place = "the end"
    try close(store)
    let report = try Store.check(at: "/store", full: true, on: disk)
    if !report.isOK { problems.append("a check: \(report.lines.joined(separator: "; "))") }
    let last = try open()
    try compare(last)
    try close(last)
    if disk.openHandles != 0 { problems.append("\(disk.openHandles) handles stay open") }
  }

  /// Closing may find no space for segments; the log has everything.
  private mutating func close(_ store: Store) throws {
    do {
      try store.close()
    } catch let error as StoreError where error.code == .diskFull {
      refusals += 1
    }
  }

  private mutating func merge(_ store: Store, _ bytesBefore: Int) throws {
    do {
      try store.compact()
      merges += 1
    } catch let error as StoreError where error.code == .diskFull {
      // Rows in memory, those in segments, and some pages of every file may be there twice.
      if 2 * bytesBefore + 200_000 <= options.reserve { throw error }
      refusals += 1
    }
  }

  /// About how many bytes the records take.
  private var bytes: Int { state.values.reduce(0) { $0 + 120 + ($1.content?.utf8.count ?? 0) } }

  private mutating func afterKill(_ store: Store) throws -> Store {
    let image = disk.image()
    let next = SimulatedFileSystem(image: image, seed: numbers.next(), space: disk.space)
    problems += disk.openHandles == 0 ? ["no handle was open"] : []
    self = SpaceRun(self, on: next)
    return try open()
  }

  private init(_ other: SpaceRun, on disk: SimulatedFileSystem) {
    size = other.size
    isFlushing = other.isFlushing
    self.disk = disk
    options = other.options
    state = other.state
    numbers = other.numbers
    written = other.written
    refusals = other.refusals
    merges = other.merges
    place = other.place
    problems = other.problems
  }

  private mutating func record() -> Record {
    let count = 200 + numbers.below(4_000)
    let content = String(
      decoding: (0..<count).map { _ in UInt8(33 + numbers.below(90)) }, as: UTF8.self)
    return Record(
      id: "r\(numbers.below(1_000))", vector: (0..<4).map { _ in Float(numbers.below(100)) },
      metadata: ["half": .int(Int64(numbers.below(2)))], content: content)
  }

  private mutating func put(_ store: Store) throws {
    let record = record()
    try store.collection("c").upsert([record])
    state[record.id] = record
    written += 1
  }

  /// Writes until there is no space.
  private mutating func fill(_ store: Store) throws {
    for _ in 0..<5_000 {
      do {
        try put(store)
      } catch let error as StoreError where error.code == .diskFull {
        refusals += 1
        try compare(store)
        return
      }
    }
    problems.append("5,000 records do not fill the disk")
  }

  private mutating func delete(_ store: Store) throws {
    let collection = try store.collection("c")
    let filter = Filter.eq(.metadata("half"), .int(0))
    let gone = state.filter { filter.matches($0.value) }.keys
    let some = Array(state.keys.sorted().prefix(3))
    let count = try collection.delete(some)
    if count != some.count { problems.append("\(count) of \(some.count) are deleted by id") }
    for id in some { state[id] = nil }
    let rest = Set(gone).subtracting(some)
    let other = try collection.delete(where: filter)
    if other != rest.count { problems.append("\(other) of \(rest.count) are deleted by filter") }
    for id in rest { state[id] = nil }
  }

  private mutating func compare(_ store: Store) throws {
    let found = try store.collection("c").scroll(limit: 10_000).records
    if found != state.values.sorted(by: { $0.id < $1.id }) {
      problems.append("\(place): \(found.count) records instead of \(state.count), or others")
    }
  }
}
