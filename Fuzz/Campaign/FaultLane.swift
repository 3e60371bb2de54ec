import RoostContract
import RoostEngine
import RoostFiles

// Lane 2: every call of every workload goes wrong in every way, once and from then on. What was
// acknowledged must be there afterwards, whether the disk recovers, the process ends or the power
// is cut as well.
//
// A disk that lies is the exception that no protocol can make good. A sync that did nothing and a
// power cut together may take writes that were acknowledged, and a write that landed elsewhere may
// take its place and the one where it landed. Then the store is either refused as damaged, or holds
// the state after some earlier write: when every trace of the later ones is gone, nothing is left
// that could tell. Rows that no such state had are never shown.

extension Lane {
  static let faults = Lane(
    name: "faults",
    sentence: "whatever call fails, what was acknowledged is there and the store goes on"
  ) { run in
    switch run.size {
    case .tiny: try FaultLane(run, everyCall: 29, images: 1).run(&run)
    case .pr: try FaultLane(run, everyCall: 1, images: 2).run(&run)
    case .nightly: try FaultLane(run, everyCall: 1, images: 24).run(&run)
    }
  }
}

/// What is done to a store while something goes wrong.
private struct FaultWorkload: Sendable {
  let name: String
  let options: StoreOptions
  let steps: [CrashOperation]

  private init(
    _ name: String, memory: Int = 48 << 20, reading: StoreOptions.Reading = .mapped,
    _ steps: [CrashOperation]
  ) {
    self.name = name
    var options = StoreOptions(reading: reading, memoryLimit: memory, background: false)
    options.reserve = 4_096
    options.indexedRows = 1
    options.prefersIndexes = true
    self.options = options
    self.steps = steps
  }

  private static func times(_ count: Int, _ steps: CrashOperation...) -> [CrashOperation] {
    Array(repeating: steps, count: count).flatMap(\.self)
  }

  static let all = [
    // Little memory, so that flushes and merges come by themselves.
    FaultWorkload(
      "ingest", memory: 1_500,
      [.upsert, .upsert, .large, .upsert, .upsert, .large, .upsert, .checkpoint, .upsert]),
    FaultWorkload(
      "mixed",
      times(
        5, .batch, .upsert, .create, .batch, .rotate, .delete, .upsert, .index, .checkpoint,
        .batch)),
    FaultWorkload(
      "deletes", reading: .copied,
      times(3, .upsert, .checkpoint, .delete, .upsert, .deleteWhere, .checkpoint, .compact)),
    FaultWorkload(
      "reopen",
      [.upsert, .reopen, .batch, .rotate, .upsert, .reopen, .delete, .reopen, .create, .reopen]),
    FaultWorkload(
      "backup",
      [
        .upsert, .backup, .upsert, .checkpoint, .batch, .backup, .deleteWhere, .compact, .backup,
        .upsert, .batch, .checkpoint, .upsert, .drop, .backup,
      ]),
  ]
}

private struct FaultLane {
  /// A way to go wrong, its name, and what the store may say of it.
  private struct Way: Sendable {
    let name: String
    let effect: Fault.Effect
    let codes: [StoreError.Code]
    var isLie = false

    /// Whether a call can go wrong in this way.
    func fits(_ operation: FileError.Operation) -> Bool {
      switch effect {
      case .fail, .failAfterwards: true
      case .shortWrite, .zeroWrite, .misdirectedWrite: operation == .write
      case .lostSync, .failedSync: operation == .sync || operation == .syncDirectory
      }
    }

    static let all: [Way] = [
      Way(name: "EIO", effect: .fail(ErrorNumber.io), codes: [.io]),
      Way(name: "ENOSPC", effect: .fail(ErrorNumber.noSpace), codes: [.diskFull]),
      Way(name: "EDQUOT", effect: .fail(ErrorNumber.quota), codes: [.diskFull]),
      Way(name: "EINTR", effect: .fail(ErrorNumber.interrupted), codes: []),
      Way(name: "EMFILE", effect: .fail(ErrorNumber.tooManyFiles), codes: [.unavailable]),
      Way(name: "EACCES", effect: .fail(ErrorNumber.access), codes: [.permission, .locked]),
      Way(name: "EROFS", effect: .fail(ErrorNumber.readOnly), codes: [.permission]),
      Way(name: "ENOMEM", effect: .fail(ErrorNumber.memory), codes: [.outOfMemory]),
      Way(name: "EIO-after", effect: .failAfterwards(ErrorNumber.io), codes: [.io]),
      Way(name: "short-one", effect: .shortWrite(.one), codes: [.io]),
      Way(name: "short-half", effect: .shortWrite(.half), codes: [.io]),
      Way(name: "short-rest", effect: .shortWrite(.allButOne), codes: [.io]),
      Way(name: "zero-write", effect: .zeroWrite, codes: [.io]),
      Way(name: "failed-sync-kept", effect: .failedSync(.keepsChanges), codes: [.io]),
      Way(name: "failed-sync-reverted", effect: .failedSync(.reverts), codes: [.io]),
      Way(name: "lost-sync", effect: .lostSync, codes: [.corrupted], isLie: true),
      Way(
        name: "misdirected-on", effect: .misdirectedWrite(by: 512), codes: [.corrupted],
        isLie: true),
      Way(
        name: "misdirected-back", effect: .misdirectedWrite(by: -64), codes: [.corrupted],
        isLie: true),
    ]
  }

  private struct Case: Sendable {
    let workload: FaultWorkload
    let way: Way
    let call: CallEvent
    let isSticky: Bool
    let number: Int

    var name: String {
      "\(workload.name):\(way.name):\(isSticky ? "sticky" : "once"):\(call.index)"
    }
  }

  let seed: UInt64
  let only: String?
  /// Every which call is hit.
  let everyCall: Int
  /// How many disks of a power cut are opened after each case.
  let images: Int

  init(_ run: Run, everyCall: Int, images: Int) {
    seed = run.seed
    only = run.only
    self.everyCall = everyCall
    self.images = images
  }

  func run(_ run: inout Run) throws {
    let (image, start) = try CrashOperation.start(options: FaultWorkload.all[0].options)
    var cases: [Case] = []
    for workload in FaultWorkload.all {
      let disk = SimulatedFileSystem(image: image, seed: seed, watching: true)
      disk.isTracing = true
      var quiet = FaultRun(disk, workload.options, start)
      quiet.run(workload.steps, allowing: [])
      let trace = disk.trace
      quiet.goOn(allowing: [])
      quiet.end()
      for problem in quiet.problems { run.violate("\(workload.name) without a fault: \(problem)") }
      run.report("calls of \(workload.name)", trace.count)
      for call in trace where call.index % everyCall == 0 {
        for way in Way.all where way.fits(call.operation) {
          for isSticky in [false, true] {
            cases.append(
              Case(
                workload: workload, way: way, call: call, isSticky: isSticky, number: cases.count))
          }
        }
      }
    }
    if let only { cases = cases.filter { $0.name.hasPrefix(only) } }
    let (workers, all) = (Workers(), cases)
    try workers.run(all.count) { index in
      let problems = spoil(all[index], image, start, workers)
      for problem in problems {
        workers.violate(
          "\(all[index].name) (\(all[index].call)): \(problem); again: roost-campaign faults"
            + " --seed \(seed) --only \(all[index].name)")
      }
    }
    run.report("ways to go wrong", Way.all.count)
    workers.report(to: &run)
  }

  /// One workload with one fault, and everything that may come after it.
  private func spoil(
    _ item: Case, _ image: DiskImage, _ start: StoreState, _ workers: Workers
  ) -> [String] {
    let disk = SimulatedFileSystem(image: image, seed: seed, watching: true)
    disk.inject([Fault(item.way.effect, at: item.call.index, isSticky: item.isSticky)])
    var run = FaultRun(disk, item.workload.options, start)
    run.isLied = item.way.isLie
    run.run(item.workload.steps, allowing: item.way.codes)
    workers.count("runs")
    if disk.firedFaults == 0 { run.problems.append("the fault did not come") }
    if run.isPoisoned { workers.count("runs that end poisoned") }

    var ends = 0
    for cut in disk.crashState().images(
      limit: images, seed: seed &+ UInt64(item.number), samples: images)
    {
      ends += 1
      let after = SimulatedFileSystem(image: cut, seed: seed &+ 1)
      workers.count("power cuts after a fault")
      if run.look(at: after, hasLostPower: true, "after a power cut (\(ends))") {
        workers.count("damage by a lie, found")
      }
    }
    disk.heal()
    // A job behind the last write may have ended the writing.
    run.goOn(allowing: item.way.isLie ? [.corrupted] : [.indeterminate])
    checkFullDisk(item, &run)
    if item.number % 2 == 0 {
      run.end()
    } else {
      disk.kill(1)
      run.store = nil
    }
    if item.number % 4 < 2 { disk.forgetCaches() }
    if run.look(at: disk.process(2), hasLostPower: false, "afterwards") {
      workers.count("damage by a lie, found")
    }
    if item.workload.name == "backup", !item.way.isLie { run.tryBackup(on: disk.process(4)) }
    return run.problems
  }

  /// One moment without space leaves the store usable, unless it came to a call that nobody can
  /// repeat.
  private func checkFullDisk(_ item: Case, _ run: inout FaultRun) {
    guard !item.isSticky, item.way.codes == [.diskFull], run.isPoisoned else { return }
    switch item.call.operation {
    case .sync, .syncDirectory, .rename: break
    default: run.problems.append("one refusal for want of space ends the writing")
    }
  }
}

/// A store under a workload, and what it must hold.
private struct FaultRun {
  let disk: SimulatedFileSystem
  let options: StoreOptions
  var store: Store?
  /// What was acknowledged.
  var state: StoreState
  /// What it may be as well, as a write has ended with nobody knowing.
  var other: StoreState?
  /// All states so far.
  var history: [StoreState]
  var isPoisoned = false
  /// Whether the disk did something else than it said.
  var isLied = false
  /// Whether a lie was found, so that nothing more can be said.
  var isOver = false
  var problems: [String] = []

  init(_ disk: SimulatedFileSystem, _ options: StoreOptions, _ state: StoreState) {
    self.disk = disk
    self.options = options
    self.state = state
    history = [state]
  }

  private func open(on disk: SimulatedFileSystem) throws -> Store {
    try Store.open(at: "/store", on: disk, options: options)
  }

  mutating func run(_ steps: [CrashOperation], allowing codes: [StoreError.Code]) {
    for (place, operation) in steps.enumerated() where !isOver {
      step(operation, 5 + place, codes)
    }
  }

  private mutating func step(_ operation: CrashOperation, _ step: Int, _ codes: [StoreError.Code]) {
    if store == nil || operation == .reopen {
      reopen(codes)
      if operation == .reopen { return }
    }
    guard var store, !isOver else { return }
    let next = operation.after(state, step: step)
    do {
      var ignored = state
      try operation.run(&store, on: disk, step: step, options: options, &ignored)
      // What changes nothing, because there is nothing to change, asks nothing of the store.
      if isPoisoned, next != state || [.checkpoint, .compact, .rotate].contains(operation) {
        problems.append("\(operation) \(step) is acknowledged after a write has failed for good")
      }
      state = next
      history.append(next)
    } catch {
      // An index is declared by a write of its own, before it is built.
      if operation == .index { adopt(next) }
      guard check(error, codes, "\(operation) \(step)") else { return }
      if (error as? StoreError)?.code == .indeterminate, !isPoisoned {
        isPoisoned = true
        other = next
        history.append(next)
      }
    }
    show("after \(operation) \(step)")
  }

  /// Takes a state for the one that counts when it is what the store shows.
  private mutating func adopt(_ next: StoreState) {
    guard let store else { return }
    do {
      guard try StoreState(of: store) == next else { return }
      state = next
      history.append(next)
    } catch {
      // Whoever looks next finds the same, and says so.
    }
  }

  /// Once the disk is well again a store that is not given up takes writes.
  mutating func goOn(allowing codes: [StoreError.Code]) {
    guard store != nil, !isPoisoned, !isOver else { return }
    for number in 0..<2 { step(.upsert, 900 + number, codes) }
  }

  /// What is acknowledged can be read, and nothing else.
  private mutating func show(_ place: String) {
    guard let store else { return }
    do {
      let found = try StoreState(of: store)
      if found != state { problems.append("\(place) it shows \(found.difference(from: state))") }
    } catch {
      _ = check(error, isLied ? [.corrupted] : [], "reading \(place)")
    }
  }

  /// Whether an error is one that fits and the run goes on.
  private mutating func check(
    _ error: any Error, _ codes: [StoreError.Code], _ place: String
  ) -> Bool {
    guard let error = error as? StoreError else {
      problems.append("\(place) ends with \(error), no error of a store")
      return false
    }
    if error.code == .corrupted, isLied {
      isOver = true
      return false
    }
    if codes.contains(error.code) || error.code == .indeterminate && !codes.isEmpty { return true }
    problems.append("\(place) ends with \(error.code): \(error.message)")
    return true
  }

  private mutating func reopen(_ codes: [StoreError.Code]) {
    end(codes)
    do {
      let store = try open(on: disk)
      self.store = store
      isPoisoned = false
      let found = try StoreState(of: store)
      if found == state || found == other || isLied && history.contains(found) {
        state = found
        other = nil
      } else {
        problems.append("opened again it shows \(found.difference(from: state))")
      }
    } catch {
      _ = check(error, codes, "opening again")
    }
  }

  /// Closes the store.
  mutating func end(_ codes: [StoreError.Code] = []) {
    guard let store else { return }
    self.store = nil
    do {
      try store.close()
    } catch {
      _ = check(error, codes, "closing")
    }
    if disk.openHandles != 0 { problems.append("\(disk.openHandles) handles stay open") }
  }

  /// Opens what is left on a disk that is well, and goes on; whether it is refused, as it may be
  /// after a lie.
  mutating func look(
    at disk: SimulatedFileSystem, hasLostPower: Bool, _ place: String
  ) -> Bool {
    do {
      var store = try open(on: disk)
      let found = try StoreState(of: store)
      let isOld = isLied && history.contains(found)
      if found != state, found != other, !isOld {
        problems.append("\(place) it holds \(found.difference(from: state))")
      }
      let report = try Store.check(at: "/store", full: true, on: disk.process(3))
      if !report.isOK {
        if isLied { return true }
        problems.append("\(place) a check says \(report.lines.joined(separator: "; "))")
      }
      try store.ensureCollection(CollectionSpec(name: "probe", dimension: 1, metric: .l2))
      try store.collection("probe").upsert([Record(id: "p", vector: [1])])
      try store.close()
      store = try open(on: disk)
      var expected = found
      expected.records["probe"] = ["p": StoreState.RecordKey(Record(id: "p", vector: [1]))]
      expected.indexes["probe"] = []
      let again = try StoreState(of: store)
      if again != expected {
        problems.append("\(place) it loses what is written: \(again.difference(from: expected))")
      }
      try store.close()
      if disk.openHandles != 0 { problems.append("\(place) \(disk.openHandles) handles stay open") }
    } catch {
      if isLied, (error as? StoreError)?.code == .corrupted { return true }
      problems.append("\(place) it cannot be used: \(error)")
    }
    return false
  }

  /// A backup into the directory of one that failed comes out whole.
  mutating func tryBackup(on disk: SimulatedFileSystem) {
    do {
      let store = try open(on: disk)
      try store.backup(to: "/backup")
      let expected = try StoreState(of: store)
      try store.close()
      let report = try Store.check(at: "/backup", full: true, on: disk)
      if !report.isOK { problems.append("the backup: \(report.lines.joined(separator: "; "))") }
      let copy = try Store.open(at: "/backup", on: disk, options: options)
      let found = try StoreState(of: copy)
      if found != expected {
        problems.append("the backup holds \(found.difference(from: expected))")
      }
      try copy.close()
    } catch {
      problems.append("a backup after the fault: \(error)")
    }
  }
}

extension StoreState {
  /// What differs, in few words.
  func difference(from other: StoreState) -> String {
    var parts: [String] = []
    for name in Set(records.keys).union(other.records.keys).sorted() {
      let (mine, theirs) = (records[name], other.records[name])
      guard let mine, let theirs else {
        parts.append(mine == nil ? "no \(name)" : "\(name) as well")
        continue
      }
      let missing = theirs.keys.filter { mine[$0] == nil }.sorted()
      let extra = mine.keys.filter { theirs[$0] == nil }.sorted()
      let changed = mine.keys.filter { theirs[$0] != nil && theirs[$0] != mine[$0] }.sorted()
      for (word, ids) in [("without", missing), ("besides", extra), ("other", changed)]
      where !ids.isEmpty { parts.append("\(name) \(word) \(ids.joined(separator: ","))") }
      if indexes[name] != other.indexes[name] { parts.append("\(name) with other indexes") }
    }
    return parts.isEmpty ? "the same" : parts.joined(separator: "; ")
  }
}
