import RoostContract
import RoostEngine
import RoostFiles

/// A place where a store and the model disagree.
struct Disagreement: Error {
  /// The number of the step.
  let step: Int
  let sentence: String
}

/// How often what must come up did.
struct ModelMarks: Sendable {
  private(set) var counts: [String: Int] = [:]

  /// What a whole run must have met; a lane that no longer meets one of them proves less.
  static let required = [
    "puts", "deletions by filter that hit", "writes refused", "searches with hits",
    "filters that some pass and some do not", "pages after the first", "flushes", "merges",
    "opened again", "ends of a process", "restored", "snapshots compared", "follower compared",
    "followers that lag", "files checked",
  ]

  mutating func mark(_ name: String, _ count: Int = 1) { counts[name, default: 0] += count }

  mutating func add(_ other: ModelMarks) {
    counts.merge(other.counts) { $0 + $1 }
  }

  /// Marks what an answer shows.
  mutating func mark(_ read: StoreRead, _ answer: StoreAnswer, _ oracle: StoreOracle) {
    switch (read, answer) {
    case (.search, .hits(let hits)):
      if hits.contains(where: { !$0.isEmpty }) { mark("searches with hits") }
    case (.scroll(let limit, _, _, _), .records(let records)):
      if records.count > limit { mark("pages after the first") }
    case (.count(.some, let name), .number(let number)):
      let all = oracle.collections[BytewiseKey(name)]?.records.count ?? 0
      if number > 0, number < all { mark("filters that some pass and some do not") }
    default: break
    }
  }

  /// Marks what a write came to.
  mutating func mark(_ write: StoreWrite, _ answer: StoreAnswer) {
    switch (write, answer) {
    case (_, .refused(let code)):
      mark("writes refused")
      mark("writes refused: \(code)")
    case (.upsert, _), (.insert, _): mark("puts")
    case (.deleteWhere, .number(let number)) where number > 0: mark("deletions by filter that hit")
    default: break
    }
  }
}

/// Does the steps of a script on a store on a simulated disk, and beside it on the model.
struct ModelRun {
  private let script: ModelScript
  private var disk: SimulatedFileSystem
  private let others: SimulatedFileSystem
  private var store: Store
  private var oracle = StoreOracle()
  private var held: [(snapshot: StoreSnapshot, oracle: StoreOracle)] = []
  /// The process that reads, and what it has been shown.
  private var follower: Store?
  private var followed = StoreOracle()
  /// All states since the last that is durable for certain, that one first.
  private var history: [StoreOracle] = [StoreOracle()]
  /// Which of them the follower has been shown.
  private var shown = 0
  private var processes: Int64 = 10
  private(set) var marks = ModelMarks()

  private init(_ script: ModelScript) throws {
    var script = script
    script.options.reserve = 4_096
    self.script = script
    disk = SimulatedFileSystem(seed: script.seed)
    others = disk.process(3)
    store = try Store.open(at: "/store", on: disk, options: script.options)
  }

  /// Runs a script; nil when store and model agree to the end.
  static func disagreement(in script: ModelScript) -> Disagreement? {
    var marks = ModelMarks()
    return disagreement(in: script, &marks)
  }

  /// The same, and what was met on the way.
  static func disagreement(in script: ModelScript, _ marks: inout ModelMarks) -> Disagreement? {
    var step = 0
    do {
      var run = try ModelRun(script)
      defer { marks.add(run.marks) }
      for index in script.steps.indices {
        step = index
        if let sentence = try run.perform(script.steps[index]) {
          return Disagreement(step: index, sentence: sentence)
        }
      }
      step = script.steps.count
      return try run.finish().map { Disagreement(step: step, sentence: $0) }
    } catch {
      return Disagreement(step: step, sentence: "the store throws \(error)")
    }
  }

  /// What is promised as soon as a write returns: that a second process sees it, and that it
  /// outlives the first.
  private var isDurableAtOnce: Bool {
    switch script.options.durability {
    case .sync, .group: true
    case .buffered, .bulk: false
    }
  }

  // MARK: Steps

  private mutating func perform(_ step: ModelStep) throws -> String? {
    switch step {
    case .write(let write):
      let right = try oracle.apply(write)
      let answer = try store.apply(write)
      if !isDurableAtOnce { history.append(oracle) }
      marks.mark(write, right)
      return answer.difference(from: right)
    case .read(let read, .store):
      let right = try oracle.answer(to: read)
      marks.mark(read, right, oracle)
      return try store.answer(to: read).difference(from: right)
    case .read(let read, .follower):
      guard let follower else { return nil }
      return try follower.answer(to: read).difference(from: followed.answer(to: read))
        .map { "of the follower: " + $0 }
    case .read(let read, .snapshot(let place)):
      guard let held = held(place), let name = read.collection,
        let spec = held.oracle.collections[BytewiseKey(name)]?.spec
      else { return nil }
      return try held.snapshot.answer(to: read, about: spec, of: store)
        .difference(from: held.oracle.answer(to: read)).map { "of a snapshot: " + $0 }
    case .checkpoint:
      try store.checkpoint()
      allIsDurable()
    case .compact:
      try store.compact()
      allIsDurable()
    case .reopen:
      marks.mark("opened again")
      try close()
      store = try Store.open(at: "/store", on: disk, options: script.options)
      allIsDurable()
      return try oracle.difference(from: store).map { "opened again: " + $0 }
    case .kill: return try kill()
    case .restore: return try restore()
    case .hold:
      if held.count < 4 { held.append((try store.snapshot(named: nil), oracle)) }
    case .compareHeld(let place):
      guard let held = held(place) else { return nil }
      marks.mark("snapshots compared")
      return try held.oracle.difference(from: held.snapshot, of: store).map {
        "of a snapshot: " + $0
      }
    case .letGo(let place):
      if !held.isEmpty { held.remove(at: place % held.count) }
    case .follow: return try follow()
    case .check: return try check()
    case .compare: return try oracle.difference(from: store)
    }
    return nil
  }

  private func held(_ place: Int) -> (snapshot: StoreSnapshot, oracle: StoreOracle)? {
    held.isEmpty ? nil : held[place % held.count]
  }

  /// Closes the store, and marks what it has done.
  private mutating func close() throws {
    countWork()
    try store.close()
  }

  private mutating func countWork() {
    let details = store.health().details
    for (name, mark) in [("flushes", "flushes"), ("compactions", "merges")] {
      marks.mark(mark, Int(details[name]?.integerValue ?? 0))
    }
  }

  private mutating func allIsDurable() {
    history = [oracle]
    shown = 0
  }

  private mutating func kill() throws -> String? {
    marks.mark("ends of a process")
    countWork()
    disk.kill(disk.process.id)
    held = []
    processes += 1
    disk = disk.process(processes)
    store = try Store.open(at: "/store", on: disk, options: script.options)
    if script.options.durability == .bulk {
      // Nothing was promised since the last checkpoint but that no write is missing from the
      // middle.
      let found = try StoreOracle(of: store)
      guard history.contains(found) else {
        return "after the end of the process: \(found) is no state that the store was in"
      }
      oracle = found
    } else if let difference = try oracle.difference(from: store) {
      return "after the end of the process: " + difference
    }
    allIsDurable()
    return nil
  }

  private mutating func restore() throws -> String? {
    marks.mark("restored")
    try store.backup(to: "/backup")
    processes += 1
    let path = "/restored-\(processes)"
    try Store.restore(from: "/backup", to: path, on: others)
    defer { others.removeDirectory(path) }
    let restored = try Store.open(at: path, on: others, options: script.options)
    if let difference = try oracle.difference(from: restored) { return "restored: " + difference }
    try restored.close()
    return nil
  }

  private mutating func follow() throws -> String? {
    if let follower {
      try follower.refresh()
    } else {
      var options = script.options
      options.access = .readOnly
      follower = try Store.open(at: "/store", on: disk.process(2), options: options)
    }
    guard let follower else { return nil }
    marks.mark("follower compared")
    if isDurableAtOnce {
      followed = oracle
      return try oracle.difference(from: follower).map { "of the follower: " + $0 }
    }
    let found = try StoreOracle(of: follower)
    guard let place = history[shown...].firstIndex(of: found) else {
      return "the follower shows \(found), which is no state after the one that it showed"
    }
    if found != oracle { marks.mark("followers that lag") }
    shown = place
    followed = found
    return nil
  }

  private mutating func check() throws -> String? {
    marks.mark("files checked")
    let report = try Store.check(at: "/store", full: true, on: others)
    return report.isOK ? nil : "the check says \(report.lines)"
  }

  // MARK: The end

  private mutating func finish() throws -> String? {
    if let difference = try oracle.difference(from: store) { return "at the end: " + difference }
    for held in held {
      if let difference = try held.oracle.difference(from: held.snapshot, of: store) {
        return "of a snapshot at the end: " + difference
      }
    }
    held = []
    try follower?.close()
    follower = nil
    try close()
    if let problem = try check() { return "closed: " + problem }
    store = try Store.open(at: "/store", on: disk, options: script.options)
    if let difference = try oracle.difference(from: store) { return "opened last: " + difference }
    try store.close()
    let left = disk.openHandles
    return left == 0 ? nil : "\(left) files, directories or locks are left open"
  }
}
