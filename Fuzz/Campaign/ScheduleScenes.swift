import RoostContract
import RoostEngine
import RoostFiles

/// Threads of a store that are let meet in every order.
struct ScheduleScene: Sendable {
  let name: String
  let prepare: @Sendable (Scheduler) throws -> Scenario

  static let all: [ScheduleScene] = [
    ScheduleScene(name: "write, flush, read") { scheduler in
      let bed = try ScheduleBed(scheduler)
      return Scenario([
        { bed.write(1...2) }, { bed.attempt("the flush") { try bed.store.checkpoint() } },
        { bed.read(2) },
      ]) { bed.findings(expected: 2) }
    },
    ScheduleScene(name: "writers that flush themselves") { scheduler in
      let bed = try ScheduleBed(scheduler, memoryLimit: 1)
      return Scenario([{ bed.write(1...2) }, { bed.writeOwn("b", 2) }, { bed.read(2) }]) {
        bed.checkOwn("b", 2)
        return bed.findings(expected: 2)
      }
    },
    ScheduleScene(name: "write, merge, read") { scheduler in
      let bed = try ScheduleBed(scheduler)
      try bed.scatter()
      return Scenario([
        { bed.write(1...2) }, { bed.attempt("the merge") { try bed.store.compact() } },
        { bed.read(2) },
      ]) {
        bed.checkScattered()
        return bed.findings(expected: 2)
      }
    },
    ScheduleScene(name: "deletions, merge, snapshot that is held") { scheduler in
      let bed = try ScheduleBed(scheduler)
      try bed.scatter()
      let held = try bed.store.snapshot(named: nil)
      let before = try StoreOracle(of: bed.store)
      let compare: @Sendable () -> Void = {
        bed.attempt("the snapshot") {
          if let difference = try before.difference(from: held, of: bed.store) {
            bed.complain("the snapshot has changed: \(difference)")
          }
        }
      }
      return Scenario([
        { bed.deleteScattered() }, { bed.attempt("the merge") { try bed.store.compact() } },
        compare,
      ]) {
        compare()
        bed.checkScattered(isDeleted: true)
        return bed.findings(expected: 0)
      }
    },
    ScheduleScene(name: "write, flush, another process follows") { scheduler in
      let bed = try ScheduleBed(scheduler)
      let follower = try bed.openToRead(process: 2)
      return Scenario([
        { bed.write(1...2) }, { bed.attempt("the flush") { try bed.store.checkpoint() } },
        { bed.follow(follower, 2) },
      ]) { bed.findings(expected: 2) }
    },
    ScheduleScene(name: "write, merge, another process opens") { scheduler in
      let bed = try ScheduleBed(scheduler)
      try bed.scatter()
      return Scenario([
        { bed.write(1...2) }, { bed.attempt("the merge") { try bed.store.compact() } },
        { bed.attempt("the opening") { bed.follow(try bed.openToRead(process: 2), 1) } },
      ]) { bed.findings(expected: 2) }
    },
    ScheduleScene(name: "a store is made, another process opens it") { scheduler in
      let bed = try ScheduleBed(scheduler)
      return Scenario([
        { bed.attempt("the maker") { try bed.makeAnother() } },
        { bed.attempt("the opening") { try bed.openAnother(3) } },
      ]) { bed.findings(expected: 0) }
    },
    ScheduleScene(name: "two insert the same id") { scheduler in
      let bed = try ScheduleBed(scheduler)
      return Scenario([
        { bed.insertShared(1) }, { bed.insertShared(2) },
        { bed.attempt("the flush") { try bed.store.checkpoint() } },
      ]) {
        bed.checkShared()
        return bed.findings(expected: 0)
      }
    },
    ScheduleScene(name: "write, close, with threads of the store's own") { scheduler in
      let bed = try ScheduleBed(scheduler, memoryLimit: 1, background: true)
      return Scenario([
        { bed.write(1...3, orStopOn: [.closed]) },
        {
          bed.attempt("the close") { try bed.store.close() }
          bed.notes.withLock { $0.marks["closed"] = 1 }
        },
      ]) { bed.findingsOfAnyEnd() }
    },
    ScheduleScene(name: "buffered writes, close, another process follows") { scheduler in
      let bed = try ScheduleBed(
        scheduler, background: true, durability: .buffered(maxDelay: .milliseconds(1)),
        isFresh: true)
      let follower = try bed.openToRead(process: 2)
      return Scenario([
        {
          bed.attempt("the start") { try ScheduleBed.setUp(bed.store) }
          bed.write(1...2)
          bed.attempt("the close") { try bed.store.close() }
          bed.notes.withLock { $0.marks["closed"] = 1 }
        }, { bed.followBuffered(follower, 2) },
      ]) { bed.findings(expected: 2) }
    },
    ScheduleScene(name: "write, flush, back up") { scheduler in
      let bed = try ScheduleBed(scheduler)
      return Scenario([
        { bed.write(1...2) }, { bed.attempt("the flush") { try bed.store.checkpoint() } },
        { bed.backUp() },
      ]) { bed.findings(expected: 2) }
    },
    ScheduleScene(name: "a writer is killed, another takes over, a third follows") { scheduler in
      let bed = try ScheduleBed(scheduler)
      let follower = try bed.openToRead(process: 2)
      return Scenario([
        { bed.write(1...2) }, { bed.takeOver() }, { bed.follow(follower, 3) },
      ]) { bed.findings(expected: nil) }
    },
    ScheduleScene(name: "a writer was killed, another takes over while a third follows") {
      scheduler in
      // What the first wrote is in the log, and no sync has covered it.
      let bed = try ScheduleBed(scheduler, durability: .buffered(maxDelay: .seconds(3_600)))
      bed.write(1...1)
      bed.notes.withLock { $0.isKilled = true }
      bed.disk.kill(1)
      let follower = try bed.openToRead(process: 2)
      return Scenario([
        { bed.goOn() }, { bed.attempt("the follower") { try bed.watch(follower, 3) } },
      ]) { bed.findings(expected: 3) }
    },
    ScheduleScene(name: "write, flush, another process checks") { scheduler in
      let bed = try ScheduleBed(scheduler)
      return Scenario([
        { bed.write(1...2) }, { bed.attempt("the flush") { try bed.store.checkpoint() } },
        {
          bed.attempt("the check") {
            let report = try Store.check(
              at: ScheduleBed.path, full: true, on: bed.disk.process(5))
            if !report.isOK { bed.complain("the check says \(report.lines)") }
          }
        },
      ]) { bed.findings(expected: 2) }
    },
    ScheduleScene(name: "write to a collection that is dropped and made again") { scheduler in
      let bed = try ScheduleBed(scheduler)
      return Scenario([
        { bed.writeOwn("b", 2, orStopOn: [.notFound]) },
        {
          bed.attempt("the drop") {
            try bed.store.dropCollection("left")
            try bed.store.ensureCollection(ScheduleBed.left)
            try ScheduleBed.put(1, in: bed.store)
          }
        }, { bed.attempt("the flush") { try bed.store.checkpoint() } },
      ]) { bed.findings(expected: nil) }
    },
  ]
}

extension ScheduleBed {
  /// Puts rows of a name of one's own into the left collection, one commit each.
  func writeOwn(_ name: String, _ count: Int, orStopOn codes: Set<StoreError.Code> = []) {
    do {
      for number in 0..<count {
        try Self.handle(Self.left, store).upsert([Record(id: "\(name)-\(number)", vector: [1])])
        notes.withLock { $0.marks[name] = number + 1 }
      }
    } catch let error as StoreError where codes.contains(error.code) {
      return
    } catch {
      complain("the writer of \(name): \(error)")
    }
  }

  func checkOwn(_ name: String, _ count: Int) {
    attempt("afterwards") {
      let there = try Self.handle(Self.left, store).get((0..<count).map { "\(name)-\($0)" })
      if there.contains(where: { $0 == nil }) { complain("acknowledged rows of \(name) are gone") }
    }
  }

  // MARK: A store beside the one that the threads share

  private static let another = "/another"

  /// Makes a store, and writes to it.
  func makeAnother() throws {
    let made = try Store.open(at: Self.another, on: disk, options: options)
    try Self.setUp(made)
    try made.close()
  }

  /// Opens that store as another process that reads; it is there, or is not there yet.
  func openAnother(_ times: Int) throws {
    var options = options
    options.access = .readOnly
    for _ in 0..<times {
      do {
        let other = try Store.open(at: Self.another, on: disk.process(2), options: options)
        _ = try other.listCollections()
        try other.close()
      } catch let error as StoreError where error.code == .notFound {
        continue
      }
    }
  }

  // MARK: Segments to merge

  /// Makes three segments with dead rows in them.
  func scatter() throws {
    let left = Self.handle(Self.left, store)
    for round in 0..<3 {
      try left.upsert((0..<3).map { Record(id: "s-\(round)-\($0)", vector: [Float(round)]) })
      try store.checkpoint()
    }
    try left.delete(["s-0-0", "s-1-1"])
    try left.upsert([Record(id: "s-2-2", vector: [9])])
  }

  /// Deletes rows that are being merged, and puts one of them back.
  func deleteScattered() {
    attempt("the deletion") {
      let left = Self.handle(Self.left, store)
      let deleted = try left.delete(["s-0-1", "s-1-0", "s-2-2"])
      if deleted != 3 { complain("\(deleted) rows are deleted, not 3") }
      try left.insert([Record(id: "s-1-0", vector: [7])])
    }
  }

  func checkScattered(isDeleted: Bool = false) {
    attempt("afterwards") {
      let left = Self.handle(Self.left, store)
      let records = try left.scroll(limit: 100).records.filter { $0.id.hasPrefix("s-") }
      var right = ["s-0-1": 0, "s-0-2": 0, "s-1-0": 1, "s-1-2": 1, "s-2-0": 2, "s-2-1": 2]
      right["s-2-2"] = 9
      if isDeleted {
        right["s-0-1"] = nil
        right["s-2-2"] = nil
        right["s-1-0"] = 7
      }
      let found = Dictionary(
        records.map { ($0.id, Int($0.vector?.first ?? -1)) }, uniquingKeysWith: { a, _ in a })
      if found != right || records.count != right.count {
        complain("the scattered rows are \(found), not \(right)")
      }
      let all = try left.scroll(limit: 100).records.count
      let count = try left.count(where: nil)
      if count != all { complain("the count is \(count), and there are \(all) rows") }
    }
  }

  // MARK: Inserts

  func insertShared(_ writer: Int) {
    attempt("the inserter") {
      let left = Self.handle(Self.left, store)
      try left.upsert([Record(id: "own-\(writer)", vector: [1])])
      do {
        try left.insert([Record(id: "shared", vector: [Float(writer)])])
        notes.withLock { $0.marks["won", default: 0] += writer }
        notes.withLock { $0.marks["wins", default: 0] += 1 }
      } catch let error as StoreError where error.code == .alreadyExists {
        notes.withLock { $0.marks["losses", default: 0] += 1 }
      }
    }
  }

  func checkShared() {
    attempt("afterwards") {
      let marks = notes.withLock { $0.marks }
      if marks["wins"] != 1 || marks["losses"] != 1 { complain("one insert was to win: \(marks)") }
      let ids = ["own-1", "own-2", "shared"]
      let records = try Self.handle(Self.left, store).get(ids)
      if records.contains(where: { $0 == nil }) { complain("acknowledged rows are gone") }
      if records.last??.vector != [Float(marks["won"] ?? 0)] {
        complain("the row of who lost is there")
      }
    }
  }

  // MARK: Other processes

  /// Follows a writer whose writes are not durable at once: nothing is seen before it is.
  func followBuffered(_ follower: Store, _ times: Int) {
    attempt("the follower") {
      var last = -1
      for _ in 0..<times {
        try follower.refresh()
        let seen = try epochIfAny(of: follower)
        if seen < last { complain("the follower sees epoch \(seen) after \(last)") }
        last = seen
        let state = disk.crashState()
        notes.withLock { $0.cuts.append((state, seen)) }
      }
    }
  }

  func backUp() {
    attempt("the backup") {
      let acknowledged = notes.withLock { $0.acknowledged }
      try store.backup(to: "/backup")
      let issued = notes.withLock { $0.issued }
      let system = disk.process(80)
      let copy = try Store.open(
        at: "/backup", on: system, options: StoreOptions(access: .readOnly, background: false))
      let seen = try epoch(of: copy)
      try copy.close()
      if seen < acknowledged || seen > issued {
        complain("the backup holds epoch \(seen), not one of \(acknowledged)…\(issued)")
      }
      let report = try Store.check(at: "/backup", full: true, on: system)
      if !report.isOK { complain("the check of the backup says \(report.lines)") }
    }
  }

  /// Ends the writing process where it is, and goes on in another.
  func takeOver() {
    attempt("the next writer") {
      let (acknowledged, issued) = notes.withLock { notes in
        notes.isKilled = true
        return (notes.acknowledged, notes.issued)
      }
      disk.kill(1)
      goOn(from: acknowledged...issued)
    }
  }

  /// Opens the store in another process that writes, and writes two more epochs.
  func goOn(from epochs: ClosedRange<Int>? = nil) {
    attempt("the next writer") {
      let epochs = epochs ?? notes.withLock { $0.acknowledged...$0.issued }
      let next = try Store.open(at: Self.path, on: disk.process(4), options: options)
      let seen = try epoch(of: next)
      if !epochs.contains(seen) { complain("after the kill it is epoch \(seen), not of \(epochs)") }
      for epoch in seen + 1...seen + 2 {
        begin(epoch)
        try Self.put(epoch, in: next)
        acknowledge(epoch)
      }
      try next.close()
    }
  }

  /// Follows writers of which one was killed: what was shown is shown for ever.
  func watch(_ follower: Store, _ times: Int) throws {
    var last = try epoch(of: follower)
    for _ in 0..<times {
      try follower.refresh()
      let seen = try epoch(of: follower)
      if seen < last { complain("the follower sees epoch \(seen) after \(last)") }
      last = seen
    }
  }

  /// What is wrong when the last epoch may be any from the last acknowledged to the last begun.
  func findingsOfAnyEnd() -> [String] {
    attempt("afterwards") {
      let (least, issued) = notes.withLock { ($0.acknowledged, $0.issued) }
      let again = try Store.open(
        at: Self.path, on: disk.process(91), options: StoreOptions(background: false))
      let epoch = try epoch(of: again)
      try again.close()
      if epoch < least || epoch > issued {
        complain("the last epoch is \(epoch), not one of \(least)…\(issued)")
      }
    }
    return findings(expected: nil)
  }
}
