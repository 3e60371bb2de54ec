import RoostContract
import RoostEngine
import RoostFiles

/// A store whose threads meet in a chosen order, and what they saw of it.
///
/// A writer counts epochs: each of its batches sets one row in each of two collections to the next
/// epoch, so that half a batch shows as two epochs that differ.
final class ScheduleBed: Sendable {
  struct Notes {
    /// The last epoch that was begun, and the last that was acknowledged.
    var issued = 0
    var acknowledged = 0
    var isKilled = false
    var sentences: [String] = []
    /// Moments at which somebody had been shown an epoch, which must be on the disk by then.
    var cuts: [(state: CrashState, epoch: Int)] = []
    /// Stores that other processes have open.
    var others: [Store] = []
    /// What a scene wants to remember.
    var marks: [String: Int] = [:]
  }

  static let path = "/store"
  static let left = CollectionSpec(name: "left", dimension: 1, metric: .l2)
  static let right = CollectionSpec(name: "right", dimension: 1, metric: .l2)

  /// Not known to the scheduler: to take a note is no step of its own.
  let notes = Monitor(Notes())
  let disk: SimulatedFileSystem
  let options: StoreOptions
  let store: Store

  /// A store with epoch 0 in it, made and opened before the threads start.
  ///
  /// A fresh one is empty, and made by the store that the threads share. What is done here must
  /// start no thread of the store's own: the scheduler would not know it.
  init(
    _ scheduler: Scheduler, memoryLimit: Int = 48 << 20, background: Bool = false,
    durability: StoreOptions.Durability = .sync, isFresh: Bool = false
  ) throws {
    var options = StoreOptions(
      durability: durability, memoryLimit: memoryLimit, background: background)
    options.reserve = 4_096
    options.indexedRows = 1
    options.prefersIndexes = true
    self.options = options
    disk = SimulatedFileSystem(
      seed: 7, watching: true, rules: Store.orderOfFiles, scheduler: scheduler)
    if isFresh {
      store = try Store.open(at: Self.path, on: disk, options: options)
      return
    }
    var quiet = options
    quiet.background = false
    quiet.durability = .sync
    let first = try Store.open(at: Self.path, on: disk, options: quiet)
    try Self.setUp(first)
    try first.close()
    store = try Store.open(at: Self.path, on: disk, options: options)
  }

  /// Makes the collections, and writes epoch 0.
  static func setUp(_ store: Store) throws {
    try store.ensureCollection(left)
    try store.ensureCollection(right)
    try put(0, in: store)
  }

  func complain(_ sentence: String) { notes.withLock { $0.sentences.append(sentence) } }

  // MARK: What threads do

  /// Writes an epoch.
  static func put(_ epoch: Int, in store: Store) throws {
    let record = Record(id: "a", vector: [Float(epoch)], metadata: ["epoch": .int(Int64(epoch))])
    let extra = Record(id: "extra-\(epoch)", vector: [1])
    try store.write { batch in
      try batch.upsert([record, extra], into: handle(left, store))
      try batch.upsert([record], into: handle(right, store))
      try batch.delete(["extra-\(epoch - 1)"], from: handle(left, store))
    }
  }

  static func handle(_ spec: CollectionSpec, _ store: Store) -> StoreCollection {
    store.collection(spec.name, dimension: spec.dimension, metric: spec.metric)
  }

  // A thread whose process was killed may come to say so late.

  func begin(_ epoch: Int) { notes.withLock { $0.issued = max($0.issued, epoch) } }

  func acknowledge(_ epoch: Int) {
    notes.withLock { $0.acknowledged = max($0.acknowledged, epoch) }
  }

  /// Writes epochs, each acknowledged before the next.
  func write(_ epochs: ClosedRange<Int>, orStopOn codes: Set<StoreError.Code> = []) {
    for epoch in epochs {
      do {
        begin(epoch)
        try Self.put(epoch, in: store)
        // A process that was killed meanwhile tells nobody any more.
        notes.withLock { notes in
          if !notes.isKilled { notes.acknowledged = max(notes.acknowledged, epoch) }
        }
      } catch let error as StoreError where codes.contains(error.code) {
        return
      } catch {
        if !notes.withLock({ $0.isKilled }) { complain("the writer of epoch \(epoch): \(error)") }
        return
      }
    }
  }

  /// Runs a part of a scene that must not fail.
  func attempt(_ name: String, _ body: () throws -> Void) {
    do {
      try body()
    } catch {
      complain("\(name): \(error)")
    }
  }

  /// Takes snapshots and looks at them: each is whole, none is older than the one before, all that
  /// was acknowledged is in it, and what it shows is on the disk.
  func read(_ times: Int) {
    attempt("the reader") {
      var last = 0
      for _ in 0..<times {
        let acknowledged = notes.withLock { $0.acknowledged }
        let seen = try epoch(of: store)
        check(seen, notBefore: max(last, acknowledged), "the reader")
        last = seen
      }
    }
  }

  /// Looks at a store of another process after each refresh; the same must be true.
  func follow(_ follower: Store, _ times: Int) {
    attempt("the follower") {
      var last = try epoch(of: follower)
      for _ in 0..<times {
        let acknowledged = notes.withLock { $0.acknowledged }
        try follower.refresh()
        let seen = try epoch(of: follower)
        check(seen, notBefore: max(last, acknowledged), "the follower")
        last = seen
      }
    }
  }

  /// Opens the store as another process that reads.
  func openToRead(process: Int64) throws -> Store {
    var options = options
    options.access = .readOnly
    options.background = false
    let other = try Store.open(at: Self.path, on: disk.process(process), options: options)
    notes.withLock { $0.others.append(other) }
    return other
  }

  private func check(_ seen: Int, notBefore least: Int, _ who: String) {
    let state = disk.crashState()
    notes.withLock { notes in
      if seen < least {
        notes.sentences.append("\(who) sees epoch \(seen) after epoch \(least)")
      }
      if seen > notes.issued {
        notes.sentences.append("\(who) sees epoch \(seen), and \(notes.issued) was the last begun")
      }
      notes.cuts.append((state, seen))
    }
  }

  /// The same of a store that may not show the collections yet: then it is -1.
  func epochIfAny(of store: Store) throws -> Int {
    try store.listCollections().count < 2 ? -1 : epoch(of: store)
  }

  /// The epoch that a store shows; complains of half a batch.
  func epoch(of store: Store) throws -> Int { try epoch(in: store.snapshot(named: nil), of: store) }

  func epoch(in snapshot: StoreSnapshot, of store: Store) throws -> Int {
    var epochs: [Int] = []
    for spec in [Self.left, Self.right] {
      let collection = try snapshot.reading(Self.handle(spec, store))
      let record = try collection.get(["a"]).first ?? nil
      epochs.append(Int(record?.metadata?["epoch"]?.integerValue ?? -1))
      if spec == Self.left {
        // Each batch brings an extra row and takes the one before away.
        let ids = try collection.scroll(limit: 100).records.map(\.id).filter {
          $0.hasPrefix("extra-")
        }
        if ids != ["extra-\(epochs[0])"] { complain("epoch \(epochs[0]) has the rows \(ids)") }
      }
    }
    if epochs[0] != epochs[1] { complain("half a batch: epochs \(epochs)") }
    return epochs[0]
  }

  // MARK: Afterwards

  /// What is wrong once all threads have finished.
  ///
  /// - Parameter expected: the epoch that must be there; nil when the scene has looked itself.
  func findings(expected: Int?) -> [String] {
    attempt("afterwards") { try lookAfterwards(expected) }
    return notes.withLock { $0.sentences } + disk.violations
  }

  private func lookAfterwards(_ expected: Int?) throws {
    for other in notes.withLock({ $0.others }) { try other.close() }
    for cut in notes.withLock({ $0.cuts }).suffix(2) where cut.epoch >= 0 {
      try lookAtCut(cut.state, least: cut.epoch, "what was shown")
    }
    if !isClosed {
      if let expected { try lookAtCut(disk.crashState(), least: expected, "the end") }
      let before = try StoreOracle(of: store)
      try store.close()
      try lookAtFiles(expected, before)
    } else {
      try lookAtFiles(expected, nil)
    }
  }

  private var isClosed: Bool {
    notes.withLock { $0.isKilled || $0.marks["closed"] != nil }
  }

  /// Opens what is certain to be on the disk at a power cut.
  private func lookAtCut(_ state: CrashState, least: Int, _ name: String) throws {
    // The second image is the one of which nothing uncertain was kept.
    guard let image = Array(state.images(limit: 2)).last else { return }
    var options = options
    options.background = false
    let store = try Store.open(
      at: Self.path, on: SimulatedFileSystem(image: image), options: options)
    let epoch = try epoch(of: store)
    if epoch < least { complain("\(name) is epoch \(least); after a power cut it is \(epoch)") }
    try store.close()
  }

  private func lookAtFiles(_ expected: Int?, _ before: StoreOracle?) throws {
    let system = disk.process(90)
    let report = try Store.check(at: Self.path, full: true, on: system)
    if !report.isOK { complain("the check says \(report.lines)") }
    var options = options
    options.background = false
    let again = try Store.open(at: Self.path, on: system, options: options)
    if let expected {
      let epoch = try epoch(of: again)
      if epoch != expected { complain("opened again: epoch \(epoch), not \(expected)") }
    }
    if let before, try StoreOracle(of: again) != before {
      complain("opened again it is not what it was")
    }
    try again.close()
    if disk.openHandles > 0 { complain("\(disk.openHandles) handles are left open") }
  }
}
