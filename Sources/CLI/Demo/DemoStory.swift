import Foundation
import Roost

/// The chapters of a demo, one after the other on one store.
final class DemoStory {
  /// Where the rows go.
  static let collection = "glosses"

  /// How many hits are looked for, and how many of them are shown.
  private static let limit = 10
  private static let shown = 3
  private static let batchRows = 500
  /// The recall that searches aim at when nobody says otherwise.
  private static let promise = 0.99
  /// How many rows are looked near to measure recall, at most.
  private static let sampleRows = 200
  /// How long searches of a kind are repeated to measure their rate.
  private static let measured = 0.5

  private let sample: DemoSample
  private let questions: [DemoQuestion]
  private let path: String
  private let isKept: Bool
  private let aside: String
  private let telling: DemoTelling
  private let arguments: Arguments
  private let start = ContinuousClock.now

  private var store: Store?
  private var rows: [Record] = []
  /// How many records have an index.
  private var indexed = 0
  /// The hits of each question, found without an index.
  private var answers: [[Hit<Record>]] = []

  /// A story on a store that is kept, or else lies aside.
  init(
    _ sample: DemoSample, in kept: String?, aside: String, _ telling: DemoTelling,
    _ arguments: Arguments
  ) throws {
    self.sample = sample
    questions = try sample.questions()
    path = kept ?? aside + "/glosses.roost"
    isKept = kept != nil
    self.aside = aside
    self.telling = telling
    self.arguments = arguments
  }

  /// Lets go of the store, however far the story came.
  func end() {
    do {
      try store?.close()
    } catch {
      // What is left is what a killed process leaves, which is sound.
    }
    store = nil
  }

  func tell() throws {
    try makeStore()
    let glosses = try storeRows()
    try askExactly(glosses)
    try buildIndex(glosses)
    try askAgain(glosses)
    try measure(glosses)
    try filter(glosses)
    try findOne(glosses)
    end()
    let kill = try killWriter()
    try lookAtWhatIsLeft(kill)
    try restoreBackup()
    end()
    try sayWhatNext()
  }

  private func timed<Answer>(_ work: () throws -> Answer) throws -> (Answer, Double) {
    let start = ContinuousClock.now
    let answer = try work()
    return (answer, (ContinuousClock.now - start) / .seconds(1))
  }

  private func milliseconds(_ seconds: Double) -> String {
    Figures.fixed(seconds * 1_000, seconds < 0.01 ? 2 : 0) + " ms"
  }

  // MARK: Rows

  private func makeStore() throws {
    try telling.chapter("A store")
    let (store, seconds) = try timed { try Store.open(at: path) }
    self.store = store
    let place = isKept ? "in \(path)" : "among the temporary files, for as long as this takes"
    try telling.say("A store is a directory. This one is made \(place): \(milliseconds(seconds)).")
  }

  private func storeRows() throws -> StoreCollection {
    try telling.chapter("Rows become records")
    let source = try sample.records(of: Self.collection)
    let display = ProgressDisplay("import", unit: "records", arguments)
    defer { display.end() }
    var collection: StoreCollection?
    func store(_ batch: [Record]) throws {
      guard let dimension = batch.first?.vector?.count else { return }
      let open = try collection ?? opened(dimension)
      collection = open
      try Task.checkCancellation()
      try open.upsert(batch)
      rows += batch
      display.show(rows.count, of: source.total)
    }
    let (_, seconds) = try timed {
      var batch: [Record] = []
      while let record = try source.next() {
        batch.append(record)
        guard batch.count == Self.batchRows else { continue }
        try store(batch)
        batch.removeAll(keepingCapacity: true)
      }
      try store(batch)
      try self.store?.checkpoint()
    }
    display.end()
    guard let collection else {
      throw StoreError(
        .invalidArgument, found: "\(sample.rows) has no row", expected: "rows to store",
        remedy: "Take the sample of the project")
    }
    let count = try collection.count()
    let rate = Double(rows.count) / max(seconds, 1e-9)
    try telling.say(
      "\(Figures.whole(rows.count)) rows of \(sample.folder), vectors of \(collection.dimension)"
        + " numbers and what else is known of each, are read and stored in batches of"
        + " \(Self.batchRows); the next one begins when the last one is safe on the disk."
        + " \(Figures.seconds(seconds)), \(Figures.whole(Int(rate))) rows a second.")
    try telling.expect(
      count == rows.count, "\(count) records are there, of \(rows.count) rows with ids of their own"
    )
    telling.note("rows", rows.count)
    telling.note("dimension", collection.dimension)
    telling.note("import_seconds", seconds)
    telling.note("rows_per_second", rate)
    return collection
  }

  private func opened(_ dimension: Int) throws -> StoreCollection {
    guard let store else { preconditionFailure("rows are stored in a store that is open") }
    return try store.ensureCollection(CollectionSpec(name: Self.collection, dimension: dimension))
  }

  // MARK: Questions

  private func query(
    _ question: DemoQuestion, where filter: Filter? = nil, exact: Bool = false
  ) -> SearchQuery {
    SearchQuery(
      near: question.vector, limit: Self.limit, where: filter, exact: exact,
      recall: exact ? nil : Self.promise)
  }

  private func askExactly(_ glosses: StoreCollection) throws {
    try telling.chapter("Questions, answered exactly")
    let queries = questions.map { query($0, exact: true) }
    let (answers, seconds) = try timed { try queries.map { try glosses.search([$0])[0] } }
    self.answers = answers
    try telling.say(
      "\(questions.count) questions, whose embeddings come with the sample. Their nearest glosses"
        + " by cosine distance, without any index: \(milliseconds(seconds / Double(queries.count)))"
        + " a question.")
    for (question, hits) in zip(questions, answers) {
      try telling.say(question.text)
      try telling.show(hits, first: Self.shown)
      guard let answer = question.answer else { continue }
      try telling.expect(
        hits.prefix(Self.shown).contains { Bytewise.equal($0.record.id, answer) },
        "\(answer) is not among the first \(Self.shown)")
    }
    let agreeing = try zip(questions, answers).count { question, hits in
      try Task.checkCancellation()
      let wanted = nearest(question.vector, glosses.metric).prefix(Self.limit)
      return Self.isSame(hits.map(\.record.id), wanted.map(\.id))
    }
    try telling.say(
      "The same distances computed one by one beside the store: \(agreeing) of"
        + " \(questions.count) answers are the same.")
    try telling.expect(
      agreeing == questions.count, "\(questions.count - agreeing) exact answers are not the nearest"
    )
    telling.note("questions", questions.count)
    telling.note("exact_answers_right", agreeing)
  }

  /// All rows from the nearest on, as a loop without a store finds them.
  private func nearest(_ vector: [Float], _ metric: Metric) -> [Record] {
    let distances = rows.map { metric.distance(vector, $0.vector ?? []) }
    return rows.indices.sorted { a, b in
      distances[a] != distances[b]
        ? distances[a] < distances[b]
        : Bytewise.precedes(rows[a].id, rows[b].id)
    }.map { rows[$0] }
  }

  private static func isSame(_ ids: [String], _ others: [String]) -> Bool {
    ids.count == others.count && zip(ids, others).allSatisfy { Bytewise.equal($0, $1) }
  }

  // MARK: An index

  private func buildIndex(_ glosses: StoreCollection) throws {
    try telling.chapter("An index")
    let display = ProgressDisplay("index", unit: "rows", arguments)
    defer { display.end() }
    let (_, seconds) = try timed {
      try glosses.ensureIndexes([.hnsw()], progress: display.report)
    }
    display.end()
    indexed = try glosses.indexes().first?.indexed ?? 0
    try telling.say(
      indexed > 0
        ? "HNSW, a graph of neighbours, with short codes in the place of vectors:"
          + " \(Figures.whole(indexed)) records in \(Figures.seconds(seconds)). Its recall was"
          + " measured as it was built, so that a search knows what effort is enough."
        : "HNSW was asked for. \(Figures.whole(rows.count)) records are too few to gain by it, and"
          + " are searched as they are.")
    telling.note("index_seconds", seconds)
    telling.note("indexed", indexed)
  }

  /// How a search that need not be exact is done.
  private var way: String { indexed > 0 ? "through the index" : "as searches usually are" }

  private func askAgain(_ glosses: StoreCollection) throws {
    try telling.chapter("The same questions, \(way)")
    let queries = questions.map { query($0) }
    let (found, seconds) = try timed { try queries.map { try glosses.search([$0])[0] } }
    var right = 0
    var wanted = 0
    for (hits, exact) in zip(found, answers) {
      right += Self.right(hits, exact)
      wanted += exact.count
      try telling.expect(
        hits.count == exact.count, "a search has \(hits.count) hits, of \(exact.count)")
    }
    try telling.say(
      "\(milliseconds(seconds / Double(queries.count))) a question; of the \(wanted) nearest"
        + " glosses \(right) are found. How the first question was answered:")
    for line in try glosses.explain([queries[0]]).first?.lines ?? [] { try telling.item(line) }
    telling.note("questions_recall", wanted == 0 ? 1 : Double(right) / Double(wanted))
  }

  /// How many hits are among the true nearest, or as near as the last of these.
  private static func right(_ hits: [Hit<Record>], _ exact: [Hit<Record>]) -> Int {
    guard let last = exact.last else { return 0 }
    return min(exact.count, hits.count { $0.distance <= last.distance })
  }

  private func measure(_ glosses: StoreCollection) throws {
    try telling.chapter("Recall and speed")
    let step = max(1, rows.count / Self.sampleRows)
    let vectors = stride(from: 0, to: rows.count, by: step).compactMap { rows[$0].vector }
    let exact = try answered(vectors, glosses, exact: true)
    let found = try answered(vectors, glosses, exact: false)
    var right = 0
    var wanted = 0
    for (hits, exact) in zip(found.hits, exact.hits) {
      right += Self.right(hits, exact)
      wanted += exact.count
    }
    let recall = wanted == 0 ? 1 : Double(right) / Double(wanted)
    try telling.say(
      "\(vectors.count) records from all over, and the \(Self.limit) nearest of each:")
    var table = TableOutput(("", .left), ("searches a second", .right), ("recall", .right))
    table.add("exactly", Figures.whole(Int(exact.rate)), "1 by definition")
    table.add(way, Figures.whole(Int(found.rate)), Figures.fixed(recall, 4))
    try telling.show(table.lines(columns: nil))
    try telling.say(
      "One search after the other, each on one thread. What is not exact is asked for a recall"
        + " of \(Figures.fixed(Self.promise, 2)).")
    try telling.expect(
      recall >= Self.promise,
      "a recall of \(Figures.fixed(recall, 4)) is below \(Figures.fixed(Self.promise, 2))")
    telling.note("recall_searches", vectors.count)
    telling.note("k", Self.limit)
    telling.note("recall", recall)
    telling.note("exact_searches_per_second", exact.rate)
    telling.note("indexed_searches_per_second", found.rate)
  }

  /// The hits near each vector, and how many searches a second that were.
  private func answered(
    _ vectors: [[Float]], _ glosses: StoreCollection, exact: Bool
  ) throws -> (hits: [[Hit<Record>]], rate: Double) {
    func search() throws -> [[Hit<Record>]] {
      try vectors.map { vector in
        try Task.checkCancellation()
        let query = SearchQuery(
          near: vector, limit: Self.limit, projection: .id, exact: exact,
          recall: exact ? nil : Self.promise, threads: 1)
        return try glosses.search([query])[0]
      }
    }
    // The first round brings what it needs into memory.
    let hits = try search()
    var searches = 0
    var seconds = 0.0
    while seconds < Self.measured {
      seconds += try timed(search).1
      searches += vectors.count
    }
    return (hits, Double(searches) / seconds)
  }

  // MARK: Filters

  private func filter(_ glosses: StoreCollection) throws {
    try telling.chapter("A filter is part of the search")
    let filter = try Filter(parsing: "pos = \"verb\" and gloss_len > 40")
    let matches = try glosses.count(where: filter)
    let matching = rows.count { filter.matches($0) }
    let queries = questions.map { query($0, where: filter) }
    let found = try queries.map { try glosses.search([$0])[0] }
    let exact = try questions.map { question in
      try glosses.search([query(question, where: filter, exact: true)])[0]
    }
    let wanted = min(Self.limit, matches)
    try telling.say(
      "\(filter) lets \(Figures.whole(matches)) of \(Figures.whole(rows.count)) records through."
        + " Each question gets \(wanted) hits all the same. \(questions[0].text)")
    try telling.show(found[0], first: Self.shown)
    var right = 0
    for (hits, exact) in zip(found, exact) {
      right += Self.right(hits, exact)
      try telling.expect(
        hits.count == wanted, "a filtered search has \(hits.count) hits, of \(wanted) there are")
      try telling.expect(
        hits.allSatisfy { filter.matches($0.record) }, "a hit does not satisfy the filter")
    }
    try telling.say("How that was done:")
    for line in try glosses.explain([queries[0]]).first?.lines ?? [] { try telling.item(line) }
    try telling.expect(
      matches == matching, "\(matches) records are counted, and \(matching) rows satisfy the filter"
    )
    let all = wanted * questions.count
    telling.note("filter_matches", matches)
    telling.note("filter_hits", found.reduce(0) { $0 + $1.count })
    telling.note("filter_recall", all == 0 ? 1 : Double(right) / Double(all))
  }

  /// The row that is hardest to come by: the farthest from a question that some filter singles out.
  private func findOne(_ glosses: StoreCollection) throws {
    try telling.chapter("A filter that lets one record through")
    let question = questions[0]
    let farthest = Array(nearest(question.vector, glosses.metric).reversed())
    func lemma(_ record: Record) -> String? { record.metadata?["lemma"]?.stringValue }
    var counts: [String: Int] = [:]
    for row in rows { if let word = lemma(row) { counts[word, default: 0] += 1 } }
    let single = farthest.first { lemma($0).map { counts[$0] == 1 } ?? false }
    guard let row = single ?? farthest.first else { return }
    let filter =
      single.flatMap(lemma).map { Filter.eq(.metadata(["lemma"]), .string($0)) }
      ?? .eq(.id, .string(row.id))
    let hits = try glosses.search([query(question, where: filter)])[0]
    let rank = rows.count - (farthest.firstIndex { Bytewise.equal($0.id, row.id) } ?? 0)
    try telling.say(
      "Of all glosses, number \(Figures.whole(rank)) by distance from the same question: \(filter)."
        + " A search that filters after it has looked would not come that far.")
    try telling.show(hits, first: Self.shown)
    try telling.expect(
      hits.count == 1 && Bytewise.equal(hits[0].record.id, row.id),
      "the only record that satisfies \(filter) is not the hit, but"
        + " \(hits.map(\.record.id).joined(separator: ", "))")
    telling.note("single_hits", hits.count)
    telling.note("single_rank", rank)
  }

  // MARK: A crash

  private func killWriter() throws -> DemoKill {
    try telling.chapter("A writer is killed")
    let kill = try DemoKill(store: path, aside: aside)
    let rate = Double(kill.acknowledged.count) / max(kill.seconds, 1e-9)
    try telling.say(
      "Another process opens the store and writes records one by one, each in a commit of its own"
        + " that is synced before it is acknowledged. After \(kill.acknowledged.count) of them,"
        + " \(Figures.whole(Int(rate))) a second, it gets SIGKILL in the midst of its work.")
    telling.note("acknowledged", kill.acknowledged.count)
    telling.note("commits_per_second", rate)
    return kill
  }

  private func lookAtWhatIsLeft(_ kill: DemoKill) throws {
    try telling.chapter("What is left")
    let (store, seconds) = try timed { try Store.open(at: path) }
    self.store = store
    let glosses = try store.known(Self.collection)
    let copies = try store.known(DemoWriter.collection)
    let originals = try DemoWriter.originals(glosses)
    let after = DemoAftermath(
      acknowledged: kill.acknowledged, stored: try Self.everything(copies)
    ) { DemoWriter.copy($0, of: originals) }
    for problem in after.problems { try telling.fail(problem) }
    let count = kill.acknowledged.count - after.lost.count
    let extra =
      switch after.unacknowledged.count {
      case 0: "Nothing is there that was not acknowledged."
      case 1: "One more is there, whose commit was done and not told yet."
      case let count: "\(count) more are there."
      }
    try telling.say(
      "The store opens in \(milliseconds(seconds)). Of \(kill.acknowledged.count) acknowledged"
        + " records \(count) are there, whole. \(extra)")
    let left = try glosses.count()
    try telling.expect(
      left == rows.count, "\(left) glosses are left of \(rows.count)")
    for (question, hits) in zip(questions, answers) {
      let again = try glosses.search([query(question, exact: true)])[0]
      try telling.expect(
        Self.isSame(again.map(\.record.id), hits.map(\.record.id)),
        "this question has another answer than before: \(question.text)")
    }
    let (report, checkSeconds) = try timed { try Store.check(at: path, full: true) }
    try telling.say("A full check takes \(milliseconds(checkSeconds)):")
    for line in report.lines { try telling.item(line) }
    try telling.expect(report.isOK, "the check found damage")
    try telling.say(
      "A kill takes what a process has in memory, not what the system has. Power cuts, failing"
        + " disks and damaged files are made by the campaign in Fuzz.")
    telling.note("lost", after.lost.count)
    telling.note("changed", after.changed.count)
    telling.note("unacknowledged", after.unacknowledged.count)
    telling.note("open_seconds", seconds)
    telling.note("check_problems", report.problems.count)
  }

  /// All records of a collection, in id order.
  private static func everything(_ collection: StoreCollection) throws -> [Record] {
    var records: [Record] = []
    var cursor: ScrollCursor?
    repeat {
      let page = try collection.scroll(after: cursor)
      records += page.records
      cursor = page.next
    } while cursor != nil
    return records
  }

  // MARK: A backup

  private func restoreBackup() throws {
    try telling.chapter("A backup, and a store made of it")
    guard let store else { return }
    let (backup, restored) = (aside + "/backup.roost", aside + "/restored.roost")
    let (report, seconds) = try timed { try store.backup(to: backup) }
    let again = try store.backup(to: backup)
    try Store.restore(from: backup, to: restored)
    let copy = try StoreDoor.reading(restored)
    let counts = try [Self.collection, DemoWriter.collection].map { name in
      (before: try store.known(name).count(), after: try copy.known(name).count())
    }
    let hits = try copy.known(Self.collection).search([query(questions[0], exact: true)])[0]
    try copy.close()
    let check = try Store.check(at: restored, full: true)
    let sums = (
      before: counts.reduce(0) { $0 + $1.before }, after: counts.reduce(0) { $0 + $1.after }
    )
    try telling.say(
      "\(Figures.bytes(report.bytes)) are copied and read back in \(milliseconds(seconds)); once"
        + " more, and \(Figures.bytes(again.bytes)) are, for only what is new is copied. The store"
        + " that is restored from it has \(Figures.whole(sums.after)) records of"
        + " \(Figures.whole(sums.before)), and answers as the first one does.")
    try telling.expect(
      counts.allSatisfy { $0.before == $0.after },
      "\(sums.after) records were restored, of \(sums.before)")
    try telling.expect(
      Self.isSame(hits.map(\.record.id), answers[0].map(\.record.id)),
      "the restored store answers otherwise: \(questions[0].text)")
    try telling.expect(check.isOK, "the restored store is damaged")
    telling.note("backup_bytes", report.bytes)
    telling.note("records", sums.before)
    telling.note("restored_records", sums.after)
  }

  // MARK: What next

  private func sayWhatNext() throws {
    let seconds = (ContinuousClock.now - start) / .seconds(1)
    telling.note("seconds", seconds)
    try telling.chapter("What to try next")
    let roost = Self.call
    let store = isKept ? Self.word(path) : "words.roost"
    if !isKept {
      let words = sample.importWords.map(Self.word)
      let pairs = stride(from: 0, to: words.count, by: 2).map { "\(words[$0]) \(words[$0 + 1])" }
      try telling.command(["\(roost) import \(store) glosses"] + pairs)
      try telling.command(["\(roost) index \(store) glosses hnsw"])
    }
    let near = "--near-id " + (answers[0].first.map { Self.word($0.record.id) } ?? "ID")
    let search = "\(roost) search \(store) glosses"
    try telling.command([search, near, "-k 5", "--explain"])
    try telling.command([search, near, "--where 'pos = \"verb\" and gloss_len > 40'"])
    try telling.command(["\(roost) info \(store)"])
    try telling.command(["\(roost) --help"])
    try telling.say(
      telling.problems.isEmpty
        ? "Everything was as it is promised. \(Figures.seconds(seconds)) in all."
        : "\(telling.problems.count) things were WRONG. \(Figures.seconds(seconds)) in all.")
  }

  /// How this program is called from here.
  private static var call: String {
    let name = CommandLine.arguments[0]
    let here = FileManager.default.currentDirectoryPath + "/"
    return word(name.hasPrefix(here) ? String(name.dropFirst(here.count)) : name)
  }

  /// A word as a shell takes it.
  private static func word(_ text: String) -> String {
    let isPlain = text.utf8.allSatisfy { byte in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"):
        true
      default: "-_./".utf8.contains(byte)
      }
    }
    return isPlain && !text.isEmpty ? text : "'" + text.replacing("'", with: "'\\''") + "'"
  }
}
