import RoostContract
import Synchronization

// Each law starts a bounded number of tasks at once. In which order they come to the store is open;
// what holds whatever the order is what the law shows. Batches are of some dozens of records, so
// that a store that looks and writes in two steps leaves time for another task in between.

/// Many tasks on one store.
enum ConcurrencyLaws {
  static let all: [Law] = [
    distinctIDs, sameID, insertOnce, insertBatchOnce, wholeBatches, refusedUnseen, deleteOnce,
    ensureSame, ensureOther, dropOnce, writeWhileDropping, twoCollections, walkWhileWriting,
  ]

  /// Where tasks wait until all have come, so that they meet in the store, not one by one.
  private final class StartLine: Sendable {
    private let missing: Mutex<Int>

    init(_ count: Int) { missing = Mutex(count) }

    func wait() async {
      missing.withLock { $0 -= 1 }
      while missing.withLock({ $0 }) > 0 { await Task.yield() }
    }
  }

  /// Runs the work for every number at once; the results in the order of the numbers.
  private static func together<Result: Sendable>(
    _ count: Int, _ work: @escaping @Sendable (Int) async throws -> Result
  ) async throws -> [Result] {
    let line = StartLine(count)
    let lanes = Lanes()
    return try await withThrowingTaskGroup(of: (Int, Result).self) { group in
      for number in 0..<count {
        group.addTask(executorPreference: lanes) {
          await line.wait()
          return (number, try await work(number))
        }
      }
      var results: [(Int, Result)] = []
      for try await result in group { results.append(result) }
      return results.sorted { $0.0 < $1.0 }.map(\.1)
    }
  }

  /// The code of the refusal, or nil when the work was done; any other failure goes on.
  private static func refusal(
    of work: () async throws -> Void
  ) async throws -> StoreError.Code? {
    do {
      try await work()
      return nil
    } catch let error as StoreError {
      return error.code
    }
  }

  static let distinctIDs = Law("parallel-distinct", "tasks that write distinct ids lose none") {
    trial in
    let collection = try await trial.anyCollection()
    _ = try await together(16) { task in
      for step in 0..<12 {
        let record = trial.record(task * 12 + step)
        if step % 2 == 0 {
          try await collection.insert([record])
        } else {
          try await collection.upsert([record])
        }
      }
    }
    try await trial.expect("to read them all", collection, holds: trial.records(192))
  }

  static let sameID = Law(
    "parallel-same", "of tasks that upsert one id the record of one is there, whole"
  ) { trial in
    let collection = try await trial.anyCollection()
    _ = try await together(60) { try await collection.upsert([trial.record($0, id: "same")]) }
    try trial.expect("the count", try await collection.count(), equals: 1)
    let found = try await collection.get("same")
    let number = found.metadata?["number"]?.integerValue ?? -1
    try trial.expect(
      "which record it is", (0..<60).contains(number), found: "\(number)", expected: "0…59")
    try trial.expect(
      "to read it", record: found, equals: trial.record(Int(number), id: "same"))
  }

  static let insertOnce = Law("parallel-insert", "of tasks that insert one id exactly one succeeds")
  {
    trial in
    let collection = try await trial.anyCollection()
    for round in 0..<5 {
      let codes = try await together(24) { task in
        try await refusal { try await collection.insert([trial.record(task, id: "id\(round)")]) }
      }
      let winners = codes.indices.filter { codes[$0] == nil }
      try trial.expect("how many succeed", winners.count, equals: 1)
      let losers = codes.compactMap { $0 }
      try trial.expect(
        "what the others are told", Set(losers.map(\.rawValue)), equals: ["already_exists"])
      let found = try await collection.get("id\(round)")
      let expected = trial.record(winners[0], id: "id\(round)")
      try trial.expect("whose record is there", record: found, equals: expected)
    }
  }

  static let insertBatchOnce = Law(
    "parallel-batches", "of batches that share an id one is stored whole, the others not at all"
  ) { trial in
    for round in 0..<8 {
      let collection = try await trial.anyCollection("round-\(round)")
      let codes = try await together(8) { task in
        var batch = (0..<40).map { trial.record(task, id: "t\(task)-\($0)") }
        batch.insert(trial.record(task, id: "shared"), at: task * 5)
        return try await refusal { try await collection.insert(batch) }
      }
      let winners = codes.indices.filter { codes[$0] == nil }
      try trial.expect("how many succeed", winners.count, equals: 1)
      let ids = (0..<40).map { "t\(winners[0])-\($0)" } + ["shared"]
      try await trial.expect(
        "to read what is there", collection, holds: ids.map { trial.record(winners[0], id: $0) })
    }
  }

  /// The number that all of some records carry; throws when they differ, or when one is missing.
  private static func generation(
    _ asked: String, _ records: [Record?], in trial: Trial
  ) throws -> Int64 {
    let numbers = records.map { $0?.metadata?["number"]?.integerValue ?? -1 }
    try trial.expect(
      asked, Set(numbers).count == 1 && numbers[0] >= 0, found: "numbers \(numbers)",
      expected: "one number, of one batch")
    return numbers[0]
  }

  static let wholeBatches = Law(
    "parallel-whole", "a reader sees every batch whole or not at all, and never an older one again"
  ) { trial in
    let collection = try await trial.anyCollection()
    let ids = (10..<40).map { "r\($0)" }
    try await collection.insert(ids.map { trial.record(0, id: $0) })
    let scrolls = trial.capabilities.features.contains(.scroll)
    let isWriting = Mutex(true)
    _ = try await together(4) { task in
      guard task > 0 else {
        defer { isWriting.withLock { $0 = false } }
        for number in 1...40 {
          try await collection.upsert(ids.map { trial.record(number, id: $0) })
          await Task.yield()
        }
        return
      }
      var last: Int64 = 0
      for _ in 0..<400 where isWriting.withLock({ $0 }) {
        let records: [Record?]
        switch task {
        case 1: records = try await collection.get(ids)
        case 2: records = try await collection.search(near: [1, 1], limit: 30).map(\.record)
        default:
          records =
            scrolls
            ? try await collection.scroll(limit: 30).records : try await collection.get(ids)
        }
        try trial.expect("how many are read at once", records.count, equals: ids.count)
        let number = try generation("one read during upserts", records, in: trial)
        try trial.expect(
          "one read after another", number >= last, found: "\(number)",
          expected: "\(last) or later")
        last = number
        await Task.yield()
      }
    }
    try await trial.expect(
      "the last batch", collection, holds: ids.map { trial.record(40, id: $0) })
  }

  static let refusedUnseen = Law(
    "parallel-refused", "nothing of a refused batch is seen, not even while it is written"
  ) { trial in
    let collection = try await trial.anyCollection()
    let old = trial.record(0, id: "old")
    try await collection.insert([old])
    _ = try await together(5) { task in
      for step in 0..<30 {
        guard task < 2 else {
          try await trial.expect("to read meanwhile", collection, holds: [old])
          try await trial.expect("new ids meanwhile", collection, lacks: ["r5", "r9", "r18"])
          continue
        }
        var batch = trial.records(20)
        batch[3].id = "old"
        batch[19].vector = task == 0 ? [1] : [step % 2 == 0 ? .nan : .infinity, 1]
        let code = try await refusal {
          if step % 2 == 0 {
            try await collection.upsert(batch)
          } else {
            try await collection.insert(batch)
          }
        }
        try trial.expect(
          "a bad batch", code, equals: task == 0 ? .dimensionMismatch : .invalidArgument)
      }
    }
    try await trial.expect("to read afterwards", collection, holds: [old])
  }

  static let deleteOnce = Law(
    "parallel-delete", "of tasks that delete the same ids each id is counted by one"
  ) { trial in
    let collection = try await trial.anyCollection()
    try await collection.insert(trial.records(60))
    let removed = try await together(12) { task in
      var random = SeededGenerator(seed: UInt64(task))
      let ids = (0..<50).map { "r\($0)" }.shuffled(using: &random)
      var sum = 0
      for start in stride(from: 0, to: 50, by: 5) {
        sum += try await collection.delete(Array(ids[start..<start + 5]))
      }
      return sum
    }
    try trial.expect("the sum of what was removed", removed.reduce(0, +), equals: 50)
    try await trial.expect("what is left", collection, holds: Array(trial.records(60)[50...]))
  }

  // MARK: Collections

  static let ensureSame = Law(
    "parallel-ensure", "tasks that ensure one collection all succeed, and there is one"
  ) { trial in
    _ = try await together(24) { task in
      try await trial.anyCollection().insert([trial.record(task)])
    }
    let collection = try await trial.anyCollection()
    try await trial.expect("to read what each wrote", collection, holds: trial.records(24))
    let count = try await trial.store.statistics().collections.count
    try trial.expect("how many collections there are", count, equals: 1)
  }

  static let ensureOther = Law(
    "parallel-shapes", "of tasks that ensure one name in two shapes those of one shape succeed"
  ) { trial in
    for round in 0..<30 {
      let name = "round-\(round)"
      let codes = try await together(8) { task in
        try await refusal { _ = try await trial.anyCollection(name, dimension: 2 + task % 2) }
      }
      let won = Set(codes.indices.filter { codes[$0] == nil }.map { 2 + $0 % 2 })
      try trial.expect(
        "the dimensions that succeed", won.count == 1, found: "\(won.sorted())",
        expected: "one of 2 and 3")
      try trial.expect("how many succeed", codes.count { $0 == nil }, equals: 4)
      let told = Set(codes.compactMap { $0?.rawValue })
      try trial.expect("what the others are told", told, equals: ["schema_mismatch"])
      let spec = try await trial.anyCollection(name, dimension: won.first ?? 0).statistics().spec
      try trial.expect("the dimension kept", spec.dimension, equals: won.first ?? 0)
    }
  }

  static let dropOnce = Law("parallel-drop", "of tasks that drop one collection exactly one did") {
    trial in
    for round in 0..<5 {
      try await trial.anyCollection("round-\(round)").insert(trial.records(3))
      let dropped = try await together(20) { _ in
        try await trial.store.dropCollection("round-\(round)")
      }
      try trial.expect("how many dropped it", dropped.count { $0 }, equals: 1)
      try await trial.expectNoCollection("round-\(round)", metric: trial.anyMetric, after: "drops")
    }
  }

  static let writeWhileDropping = Law(
    "parallel-drop-write", "a write during a drop is stored before it or not found, never left over"
  ) { trial in
    for round in 0..<5 {
      let name = "round-\(round)"
      let collection = try await trial.anyCollection(name)
      let codes = try await together(20) { task in
        try await refusal {
          if task == 10 {
            _ = try await trial.store.dropCollection(name)
          } else {
            try await collection.upsert([trial.record(task)])
          }
        }
      }
      let told = Set(codes.compactMap { $0?.rawValue })
      try trial.expect(
        "what writers are told", told.isSubset(of: ["not_found"]), found: "\(told)",
        expected: "not_found, if anything")
      try await trial.expectNoCollection(name, metric: trial.anyMetric, after: "a drop")
      let again = try await trial.anyCollection(name)
      try trial.expect("the count of its successor", try await again.count(), equals: 0)
    }
  }

  static let twoCollections = Law(
    "parallel-collections", "writes to one collection do not reach another"
  ) { trial in
    let names = ["one", "two", "three"]
    for name in names { _ = try await trial.anyCollection(name) }
    _ = try await together(30) { task in
      let name = names[task % 3]
      let collection = try await trial.anyCollection(name)
      try await collection.upsert([Record(id: "id\(task / 3)", vector: [1, 2], content: name)])
    }
    for name in names {
      let expected = (0..<10).map { Record(id: "id\($0)", vector: [1, 2], content: name) }
      try await trial.expect(
        "to read \(name)", try await trial.anyCollection(name), holds: expected)
    }
  }

  static let walkWhileWriting = Law(
    "parallel-walk", "a walk during writes meets each record that stays once, in order"
  ) { trial in
    let collection = try await trial.anyCollection()
    let stays = (0..<20).map { trial.record($0, id: "s\(10 + $0)") }
    try await collection.insert(stays)
    guard try await trial.has(.scroll, orRefuses: { _ = try await collection.scroll(limit: 1) })
    else { return }
    _ = try await together(6) { task in
      guard task < 3 else {
        for step in 0..<20 {
          let id = "s\(10 + (task * 7 + step) % 20)x\(task)"
          try await collection.upsert([trial.record(step, id: id)])
          try await collection.delete([id])
        }
        return
      }
      for _ in 0..<4 {
        var ids: [String] = []
        var cursor: ScrollCursor?
        repeat {
          let page = try await trial.page(of: collection, after: cursor, limit: 3)
          ids += page.records.map(\.id)
          cursor = page.next
        } while cursor != nil
        let ordered = zip(ids, ids.dropFirst()).allSatisfy { Bytewise.precedes($0, $1) }
        try trial.expect(
          "the order of a walk", ordered, found: Trial.list(ids), expected: "each id once, in order"
        )
        let met = ids.filter { !$0.contains("x") }
        try trial.expect("what stays", texts: met, equal: stays.map(\.id))
      }
    }
    try await trial.expect("to read afterwards", collection, holds: stays)
  }
}
