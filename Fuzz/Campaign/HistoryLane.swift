import Foundation
import RoostContract
import RoostEngine
import RoostFiles

// The histories lane: real threads and a real second process. Commits of several rows are seen
// whole or not at all, money that goes from one collection to another is never lost on the way, no
// reader goes back, and a process that follows sees nothing that is not durable, and everything
// that was acknowledged before it looked.

extension Lane {
  static let histories = Lane(
    name: "histories", sentence: "what threads and a following process see, put in order"
  ) { run in
    let (commits, trials) =
      switch run.size {
      case .tiny: (300, 30)
      case .pr: (30_000, 4_000)
      case .nightly: (600_000, 60_000)
      }
    try Epochs.run(commits, &run)
    try Registers.run(trials, &run)
  }
}

// MARK: - Registers

private enum Registers {
  static func run(_ count: Int, _ run: inout Run) throws {
    if !RegisterHistory.judgeIsSound { run.violate("the judge of histories is wrong") }
    let scratch = try Scratch.inMemory()
    defer { scratch.remove() }
    let system = PosixFileSystem()
    let store = try Store.open(
      at: scratch.path + "/store", options: StoreOptions(memoryLimit: 32 << 10))
    let collection = try store.ensureCollection(
      CollectionSpec(name: "registers", dimension: 2, metric: .l2))
    var histories = 0
    var operations = 0
    for number in 0..<count {
      let seed = run.seed &+ UInt64(number)
      let trial = RegisterTrial(collection: collection, system: system, seed: seed)
      for history in try trial.histories() where !history.operations.isEmpty {
        histories += 1
        operations += history.operations.count
        if !history.isLinearizable {
          let sorted = history.operations.sorted { $0.start < $1.start }
          run.violate("no order explains seed \(seed): \(sorted)")
        }
      }
    }
    try store.close()
    run.report("register histories", histories)
    run.report("  operations in them, on \(RegisterTrial.threads) threads", operations)
  }
}

// MARK: - Epochs

/// One store with a writer of epochs, threads that move money, readers, and a following process.
// Sendable: all that changes is behind monitors.
private final class Epochs: Sendable {
  private static let rows = (0..<6).map { "row-\($0)" }
  private static let accounts = (0..<8).map { "account-\($0)" }
  private static let movers = 2
  private static let rich = 1_000

  /// What was seen, and what is wrong with it.
  private struct Seen {
    var reads = 0
    var wrong: [String] = []
  }

  /// When an epoch was durable and acknowledged; by the same clock in all processes.
  private struct Times {
    /// Epochs in the log that no sync has covered yet.
    var written: [Int] = []
    var durable: [Int: UInt64] = [:]
    var acknowledged: [UInt64] = []
  }

  /// What stands before the number of an epoch in the content of its first row.
  private static let mark = Array("the epoch is ".utf8)

  /// The epochs of which bytes of a log hold the commits.
  private static func epochs(in bytes: [UInt8]) -> [Int] {
    var epochs: [Int] = []
    var place = 0
    while place + mark.count < bytes.count {
      guard bytes[place] == mark[0], bytes[place..<place + mark.count].elementsEqual(mark) else {
        place += 1
        continue
      }
      place += mark.count
      var number = 0
      while place < bytes.count, (48...57).contains(bytes[place]) {
        number = number * 10 + Int(bytes[place] - 48)
        place += 1
      }
      epochs.append(number)
    }
    return epochs
  }

  private let system = PosixFileSystem()
  private let times = Monitor(Times())
  private let seen = Monitor(Seen())
  private let isDone = Monitor(false)

  static func run(_ commits: Int, _ run: inout Run) throws {
    let scratch = try Scratch.inMemory()
    defer { scratch.remove() }
    let (path, output) = (scratch.path + "/store", scratch.path + "/follower")
    let epochs = Epochs()
    let followed = try epochs.work(path, output, commits, seed: run.seed)
    let found = epochs.seen.withLock { $0 }
    run.report("epochs of \(rows.count) rows in two collections", commits)
    run.report("  moves of money on \(movers) threads", commits)
    run.report("  reads by threads beside them", found.reads)
    run.report("  reads by the following process", followed)
    for wrong in found.wrong.prefix(10) { run.violate("\(wrong) (seed \(run.seed))") }
    if found.reads < 100 || followed < 20 { run.violate("too little was read to say anything") }
  }

  private func work(
    _ path: String, _ output: String, _ commits: Int, seed: UInt64
  ) throws -> Int {
    let watcher = SyncWatcher(system) { [times] bytes in
      let epochs = Self.epochs(in: bytes)
      times.withLock { $0.written += epochs }
    } synced: { [times, system] in
      let now = system.now()
      times.withLock { times in
        for epoch in times.written { times.durable[epoch] = now }
        times.written = []
      }
    }
    let store = try Store.open(
      at: path, on: watcher, options: StoreOptions(memoryLimit: 48 << 10))
    let collections = try ["rows", "mirror", "left", "right"].map { name in
      try store.ensureCollection(CollectionSpec(name: name, dimension: 2, metric: .l2))
    }
    try store.write { batch in
      for side in collections[2...] {
        try batch.upsert(Self.accounts.map { Self.record($0, "amount", Self.rich) }, into: side)
      }
    }
    try writeEpoch(0, store, collections)
    let follower = try ChildProcess.own(["follow", path], output: output)
    var threads: [any RunningThread] = []
    threads.append(try start("epochs") { try self.writeEpochs(commits, store, collections) })
    for mover in 0..<Self.movers {
      threads.append(
        try start("mover-\(mover)") {
          try self.move(commits / Self.movers, mover, store, collections, seed: seed)
        })
    }
    let readers = try (0..<2).map { number in
      try start("reader-\(number)") { try self.read(store, collections) }
    }
    for thread in threads { thread.join() }
    isDone.withLock { $0 = true }
    for reader in readers { reader.join() }
    // It ends by itself when it has seen the last word.
    try collections[0].upsert([Self.record("last", "epoch", 1)])
    let end = follower.wait(seconds: 60)
    follower.stop()
    if end != .exit(0) { complain("the following process ended with \(follower.wait())") }
    try store.close()
    return try judgeFollower(output)
  }

  private func start(
    _ name: String, _ body: @escaping @Sendable () throws -> Void
  ) throws -> any RunningThread {
    try system.startThread(name) {
      do {
        try body()
      } catch {
        self.complain("\(name): \(error)")
      }
    }
  }

  private func complain(_ sentence: String) { seen.withLock { $0.wrong.append(sentence) } }

  fileprivate static func record(_ id: String, _ name: String, _ number: Int) -> Record {
    Record(id: id, vector: [1, Float(number)], metadata: [name: .int(Int64(number))])
  }

  // MARK: Writing

  private func writeEpoch(
    _ epoch: Int, _ store: Store, _ collections: [StoreCollection]
  ) throws {
    var records = Self.rows.map { Self.record($0, "epoch", epoch) }
    records[0].content = String(decoding: Self.mark, as: UTF8.self) + "\(epoch)."
    try store.write { batch in
      try batch.upsert(records, into: collections[0])
      try batch.upsert(records, into: collections[1])
    }
    let then = system.now()
    times.withLock { $0.acknowledged.append(then) }
  }

  private func writeEpochs(
    _ count: Int, _ store: Store, _ collections: [StoreCollection]
  ) throws {
    for epoch in 1...count {
      try writeEpoch(epoch, store, collections)
      if epoch % 500 == 0 { try store.compact() }
    }
  }

  /// Moves money between accounts that no other thread touches.
  private func move(
    _ count: Int, _ mover: Int, _ store: Store, _ collections: [StoreCollection], seed: UInt64
  ) throws {
    var numbers = SeededNumbers(seed: seed &+ UInt64(mover))
    let mine = Self.accounts.indices.filter { $0 % Self.movers == mover }
    for _ in 0..<count {
      let from = Self.accounts[mine[numbers.below(mine.count)]]
      let to = Self.accounts[mine[numbers.below(mine.count)]]
      let (source, target) = numbers.below(2) == 0 ? (2, 3) : (3, 2)
      guard let rich = try collections[source].get([from])[0]?.number("amount"),
        let poor = try collections[target].get([to])[0]?.number("amount")
      else { return complain("an account is gone") }
      let amount = 1 + numbers.below(50)
      try store.write { batch in
        try batch.upsert([Self.record(from, "amount", rich - amount)], into: collections[source])
        try batch.upsert([Self.record(to, "amount", poor + amount)], into: collections[target])
      }
      // What was acknowledged to this thread is there for it.
      if try collections[source].get([from])[0]?.number("amount") != rich - amount {
        complain("a thread does not see what it wrote")
      }
    }
  }

  // MARK: Reading

  private func read(_ store: Store, _ collections: [StoreCollection]) throws {
    var last = 0
    var turn = 0
    while !isDone.withLock({ $0 }) {
      turn += 1
      let acknowledged = times.withLock { $0.acknowledged.count } - 1
      let epoch: Int
      switch turn % 3 {
      case 0: epoch = whole(try collections[0].get(Self.rows).compactMap { $0 }, "a get")
      case 1: epoch = whole(try collections[1].scroll(limit: 10).records, "a scroll")
      default:
        let snapshot = try store.snapshot()
        epoch = whole(try snapshot.reading(collections[0]).get(Self.rows).compactMap { $0 }, "a")
        let other = whole(try snapshot.reading(collections[1]).scroll(limit: 10).records, "b")
        if epoch != other { complain("one snapshot shows epochs \(epoch) and \(other)") }
        try sum(snapshot, collections)
      }
      if epoch < last { complain("a reader went from epoch \(last) back to \(epoch)") }
      if epoch < acknowledged { complain("epoch \(epoch) is read after \(acknowledged)") }
      last = max(last, epoch)
      seen.withLock { $0.reads += 1 }
    }
  }

  /// The one epoch of all rows.
  private func whole(_ records: [Record], _ way: String) -> Int {
    let epochs = records.filter { $0.id != "last" }.map { $0.number("epoch") ?? -1 }
    if epochs.count != Self.rows.count || Set(epochs).count != 1 {
      complain("\(way) shows a torn commit: \(epochs)")
    }
    return epochs.first ?? -1
  }

  private func sum(_ snapshot: StoreSnapshot, _ collections: [StoreCollection]) throws {
    var sum = 0
    for side in collections[2...] {
      for record in try snapshot.reading(side).get(Self.accounts) {
        sum += record?.number("amount") ?? 0
      }
    }
    let right = 2 * Self.accounts.count * Self.rich
    if sum != right { complain("a snapshot shows \(sum) in all, not \(right)") }
  }

  // MARK: The following process

  /// What the following process does: it refreshes, and says what it sees, until the last word.
  static func follow(_ arguments: [String]) -> Never {
    guard arguments.count == 2 else { exit(64) }
    let system = PosixFileSystem()
    do {
      let store = try Store.open(at: arguments[1], options: StoreOptions(access: .readOnly))
      let rows: StoreCollection = try store.collection("rows")
      let mirror: StoreCollection = try store.collection("mirror")
      while true {
        let before = system.now()
        try store.refresh()
        let snapshot = try store.snapshot()
        let seen = try snapshot.reading(rows).get(Self.rows + ["last"])
        let mirrored = try snapshot.reading(mirror).get(Self.rows)
        let epochs = (seen.prefix(Self.rows.count) + mirrored).map { $0?.number("epoch") ?? -1 }
        let after = system.now()
        let isLast = seen.last.map { $0 != nil } ?? false
        print(before, after, epochs.min() ?? -1, epochs.max() ?? -1)
        if isLast { exit(0) }
      }
    } catch {
      print("unexpected", error)
      exit(3)
    }
  }

  /// Compares what the process saw with when it happened; how often it looked.
  private func judgeFollower(_ output: String) throws -> Int {
    let times = times.withLock { $0 }
    var last = 0
    var reads = 0
    for line in try String(contentsOfFile: output, encoding: .utf8).split(separator: "\n") {
      let numbers = line.split(separator: " ").compactMap { Int($0) }
      guard numbers.count == 4 else {
        complain("the following process said: \(line)")
        continue
      }
      let (before, after) = (UInt64(numbers[0]), UInt64(numbers[1]))
      let epoch = numbers[2]
      reads += 1
      guard epoch == numbers[3] else {
        complain("the following process saw a torn commit: \(line)")
        continue
      }
      if epoch < last { complain("the following process went from \(last) back to \(epoch)") }
      if times.durable[epoch].map({ $0 > after }) ?? true {
        complain("the following process saw epoch \(epoch) before it was durable")
      }
      if epoch + 1 < times.acknowledged.count, times.acknowledged[epoch + 1] < before {
        complain("the following process saw epoch \(epoch) after \(epoch + 1) was acknowledged")
      }
      last = epoch
    }
    return reads
  }
}

/// The following process as a program of its own.
enum Follower {
  static func run(_ arguments: [String]) -> Never { Epochs.follow(arguments) }
}
