import Foundation
import RoostContract
import RoostEngine
import RoostFiles

// Lane 1: the power is cut before every call of every short sequence of operations, and every disk
// that could leave is opened. A run is watched once; the states to crash in are taken on the way.

extension Lane {
  static let crash = Lane(
    name: "crash",
    sentence: "after a power cut anywhere, every disk that it can leave opens with a prefix"
  ) { run in
    switch run.size {
    case .tiny: try CrashLane(run, operations: 1, images: 20, nestedShare: 400).enumerate(&run)
    case .pr: try CrashLane(run, operations: 3, images: 34, nestedShare: 2_000).enumerate(&run)
    case .nightly:
      try CrashLane(run, operations: 3, images: 400, nestedShare: 2_000).enumerate(&run)
    }
  }
}

private struct CrashLane {
  let seed: UInt64
  /// How long the sequences are at most.
  let operations: Int
  /// How many disks are opened of each state at most.
  let images: Int
  /// One in so many recoveries is itself crashed everywhere.
  let nestedShare: UInt64

  /// How deep recoveries of crashed recoveries are crashed again.
  static let depth = 3
  /// Of the recoveries below, one in so many: there are more of them than disks.
  static let deeperShare: UInt64 = 48

  static let options: StoreOptions = {
    var options = StoreOptions(background: false)
    options.reserve = 4_096
    options.indexedRows = 1
    options.prefersIndexes = true
    return options
  }()

  init(_ run: Run, operations: Int, images: Int, nestedShare: UInt64) {
    seed = run.seed
    self.operations = operations
    self.images = images
    self.nestedShare = nestedShare
  }

  /// What the threads share.
  final class Tally: Sendable {
    struct Numbers {
      var next = 0
      /// Of how many sequences the writes were only buffered.
      var buffered = 0
      var sequences = 0
      var states = 0
      var images = 0
      var nestedImages = [0, 0, 0, 0]
      var seen: Set<UInt64> = []
      var violations: [String] = []
    }

    let numbers = Monitor(Numbers())

    /// Whether this image with these outcomes has not been looked at yet.
    func isNew(_ hash: UInt64, _ allowed: Int) -> Bool {
      numbers.withLock { $0.seen.insert(hash ^ UInt64(bitPattern: Int64(allowed))).inserted }
    }
  }

  func enumerate(_ run: inout Run) throws {
    var sequences: [[CrashOperation]] = [[]]
    var last: [[CrashOperation]] = [[]]
    for _ in 0..<operations {
      last = last.flatMap { sequence in CrashOperation.allCases.map { sequence + [$0] } }
      sequences += last
    }
    let (image, state) = try CrashOperation.start(options: Self.options)
    let tally = Tally()
    // Of shorter sequences also with writes that are not synced: then any state since the last one
    // that is durable may be left.
    let all =
      sequences.map { (sequence: $0, isBuffered: false) }
      + sequences.filter { (1...max(1, operations - 1)).contains($0.count) }
      .map { (sequence: $0, isBuffered: true) }
    let system = PosixFileSystem()
    var threads: [any RunningThread] = []
    for _ in 0..<2 {
      let thread = try system.startThread("crash") {
        while let index = tally.numbers.withLock({ numbers -> Int? in
          guard numbers.next < all.count, numbers.violations.count < 20 else { return nil }
          defer { numbers.next += 1 }
          return numbers.next
        }) {
          do {
            try self.crash(
              all[index].sequence, isBuffered: all[index].isBuffered, from: image, state, tally)
          } catch {
            tally.numbers.withLock { $0.violations.append("\(all[index]) ended with \(error)") }
          }
        }
      }
      threads.append(thread)
    }
    for thread in threads { thread.join() }
    let numbers = tally.numbers.withLock { $0 }
    run.report("operations", CrashOperation.allCases.count)
    run.report("sequences", numbers.sequences)
    run.report("  of them with buffered writes", numbers.buffered)
    run.report("states crashed in", numbers.states)
    run.report("distinct images", numbers.images)
    for depth in 1...Self.depth {
      run.report("images of a crash in recovery, depth \(depth)", numbers.nestedImages[depth])
    }
    for violation in numbers.violations { run.violate(violation) }
  }

  /// A moment of a run: what the disk may hold, and which states are right then.
  private struct Moment: Sendable {
    let state: CrashState
    let call: String
    let allowed: [StoreState]
  }

  /// Collects moments from the observer of a disk.
  private final class Moments: Sendable {
    struct Contents {
      var allowed: [StoreState]
      var moments: [Moment] = []
      /// Whether something has changed since the last moment was taken.
      var isStale = true
    }

    let contents: Monitor<Contents>

    init(_ allowed: [StoreState]) { contents = Monitor(Contents(allowed: allowed)) }

    /// Takes a moment before each call that changes something.
    func take(_ disk: SimulatedFileSystem, _ event: CallEvent) {
      switch event.operation {
      case .create, .write, .sync, .syncDirectory, .truncate, .reserve, .rename, .link, .remove,
        .createDirectory:
        let state = disk.crashState()
        contents.withLock {
          $0.moments.append(
            Moment(state: state, call: event.description, allowed: $0.allowed))
        }
      default: break
      }
    }

    func allow(_ states: [StoreState]) { contents.withLock { $0.allowed = states } }
    var all: [Moment] { contents.withLock { $0.moments } }
  }

  private func crash(
    _ sequence: [CrashOperation], isBuffered: Bool, from image: DiskImage, _ start: StoreState,
    _ tally: Tally
  ) throws {
    let isFresh = sequence.isEmpty
    let disk =
      isFresh
      ? SimulatedFileSystem(seed: seed, watching: true, rules: Store.orderOfFiles)
      : SimulatedFileSystem(
        image: image, seed: seed, watching: true, rules: Store.orderOfFiles)
    var options = Self.options
    if isBuffered { options.durability = .buffered(maxDelay: .seconds(3_600)) }
    var state = isFresh ? StoreState() : start
    // What was not synced may be lost, the last first.
    var possible = [state]
    let moments = Moments(possible)
    disk.observe { [weak disk] event in if let disk { moments.take(disk, event) } }
    var store = try Store.open(at: "/store", on: disk, options: options)
    for (place, operation) in sequence.enumerated() {
      let step = 5 + place
      moments.allow(possible + [operation.after(state, step: step)])
      try operation.run(&store, on: disk, step: step, options: options, &state)
      possible = isBuffered && !operation.isDurable ? possible + [state] : [state]
      moments.allow(possible)
      let found = try StoreState(of: store)
      if found != state { report(tally, "\(sequence): \(operation) answers other records") }
    }
    // What the store would still do by itself, and the end of the process without a close.
    disk.observe(nil)
    for violation in disk.violations { report(tally, "\(sequence): order: \(violation)") }
    let all =
      moments.all + [
        Moment(state: disk.crashState(), call: "the end", allowed: possible)
      ]
    tally.numbers.withLock { numbers in
      numbers.sequences += 1
      numbers.buffered += isBuffered ? 1 : 0
      numbers.states += all.count
    }
    for (place, moment) in all.enumerated() {
      for image in moment.state.images(limit: images, seed: seed &+ UInt64(place), samples: 64) {
        guard tally.isNew(image.hash64, moment.allowed.hashValue) else { continue }
        tally.numbers.withLock { $0.images += 1 }
        check(
          image, moment.allowed, "\(sequence) before call \(moment.call)", tally,
          depth: isChosen(image, nestedShare) ? Self.depth : 0, level: 0)
      }
    }
  }

  private func report(_ tally: Tally, _ sentence: String) {
    tally.numbers.withLock { $0.violations.append(sentence) }
  }

  /// Opens what a power cut left, and holds it to O1–O8; below `depth`, crashes that as well.
  private func check(
    _ image: DiskImage, _ allowed: [StoreState], _ what: String, _ tally: Tally, depth: Int,
    level: Int
  ) {
    let disk = SimulatedFileSystem(
      image: image, seed: seed, watching: depth > 0, rules: Store.orderOfFiles)
    let moments = Moments(allowed)
    if depth > 0 {
      disk.observe { [weak disk] event in if let disk { moments.take(disk, event) } }
    }
    func violate(_ law: String, _ wrong: String) {
      report(tally, "\(law) at level \(level): \(what): \(wrong)")
    }
    do {
      var store = try Store.open(at: "/store", on: disk, options: Self.options)
      disk.observe(nil)
      let found = try StoreState(of: store)
      guard let index = allowed.firstIndex(of: found) else {
        return violate("O2", "finds \(Self.difference(found, allowed))")
      }
      let report = try Store.check(at: "/store", full: true, on: disk.process(2))
      if !report.isOK { violate("O3", report.lines.joined(separator: "; ")) }
      try store.ensureCollection(CollectionSpec(name: "probe", dimension: 1, metric: .l2))
      try store.collection("probe").upsert([Record(id: "p", vector: [1])])
      try store.close()
      store = try Store.open(at: "/store", on: disk, options: Self.options)
      var expected = allowed[index]
      expected.records["probe"] = ["p": StoreState.RecordKey(Record(id: "p", vector: [1]))]
      expected.indexes["probe"] = []
      if try StoreState(of: store) != expected { violate("O4", "loses what was written after") }
      try store.close()
      if disk.openHandles != 0 { violate("O7", "\(disk.openHandles) handles are left open") }
      for violation in disk.violations { violate("O8", violation) }
    } catch {
      return violate("O1", "\(error)")
    }
    guard depth > 0 else { return }
    for (place, moment) in moments.all.enumerated() {
      for image in moment.state.images(limit: 12, seed: seed &+ UInt64(place), samples: 8) {
        guard tally.isNew(image.hash64, allowed.hashValue ^ (level + 1)) else { continue }
        tally.numbers.withLock { $0.nestedImages[level + 1] += 1 }
        check(
          image, allowed, "\(what), in recovery before \(moment.call)", tally,
          depth: isChosen(image, Self.deeperShare) ? depth - 1 : 0, level: level + 1)
      }
    }
  }

  /// Chooses one image in so many, the same ones in every run.
  private func isChosen(_ image: DiskImage, _ share: UInt64) -> Bool {
    (image.hash64 ^ seed) &* 0x9E37_79B9_7F4A_7C15 >> 16 % share == 0
  }

  private static func difference(_ found: StoreState, _ allowed: [StoreState]) -> String {
    let shape = { (state: StoreState) in
      state.records.sorted { $0.key < $1.key }
        .map { "\($0.key): \($0.value.keys.sorted().joined(separator: ","))" }
        .joined(separator: " | ")
    }
    return
      "[\(shape(found))] instead of \(allowed.map { "[\(shape($0))]" }.joined(separator: " or "))"
  }
}
