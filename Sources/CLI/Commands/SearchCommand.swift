import Foundation
import Roost

/// `roost search`: the nearest records.
struct SearchCommand {
  static let manual = Command(
    name: "search", summary: "find the records nearest to a vector",
    operands: [.store, .collection],
    options: [
      CommandOption(
        ["--near"], value: "JSON", isPath: true,
        "The vector to look near: a JSON array, @FILE for one in a file, or - for one on standard"
          + " input."),
      CommandOption(
        ["--near-id"], value: "ID", "Look near the vector of this record, which is not a hit."),
      CommandOption(
        ["--queries"], value: "FILE", isPath: true,
        "A vector a row, in a file that `roost import` reads as vectors (.npy, .fvecs, .bvecs,"
          + " each also .gz)."),
      CommandOption(
        ["--truth"], value: "FILE", isPath: true,
        "The row numbers of the true neighbours of each query (.npy or .ivecs, also .gz), nearest"
          + " first: prints the recall instead of the hits. A hit that is as near as the last of"
          + " the true neighbours counts as one of them."),
      CommandOption(
        ["--ids"], value: "FILE", isPath: true,
        "With --truth, the id of each row, one a line; without it, row 7 has the id 7."),
      .limit,
    ] + CommandOption.filters + [
      CommandOption(
        ["--threshold"], value: "D", "The largest distance that a hit may have, itself included."),
      CommandOption(["--exact"], "Compare with every record instead of using an index."),
      CommandOption(
        ["--recall"], value: "R", "The share of true neighbours to aim at, from 0 to 1."),
      CommandOption(
        ["--effort"], value: "N",
        "A fixed effort instead of a recall: candidates of a graph, or lists to look through."),
      CommandOption(["--threads"], value: "N", "How many threads to use, at most."),
      CommandOption(["--explain"], "Tell how the search was done, and why so."),
      CommandOption(
        ["--fields"], value: "A,B",
        "The metadata to show as columns; a path such as author.name has dots."),
      CommandOption(["--vectors"], "With --json, give the vectors of the hits too."),
    ],
    about: [
      "Prints the records nearest to a vector, the nearest first: their score (the larger, the more"
        + " alike), their distance by the collection's metric (the smaller, the nearer), and what"
        + " they hold. A filter is part of the search: as long as enough records satisfy it, there"
        + " are as many hits as were asked for.",
      "Indexes are used where they are; --exact compares with every record. With --json, each query"
        + " is a line of JSON: {\"hits\":[{\"id\",\"distance\",\"score\",\"metadata\","
        + "\"content\"}]}, with \"query\" when there are several and \"explain\" when asked for.",
    ],
    examples: [
      (
        "roost search library.roost articles --near @query.json -k 3 --where 'year >= 2020'",
        "The three nearest of recent years:"
      ),
      ("roost search library.roost articles --near-id a-311 --explain", "What is like a record:"),
      (
        "roost search library.roost rows --queries q.npy --truth t.npy -k 10 --recall 0.99",
        "The recall against known neighbours:"
      ),
    ],
    answersNo: "there is no hit",
    run: { try SearchCommand($0).run() })

  private let arguments: Arguments
  private let template: SearchQuery

  private init(_ arguments: Arguments) throws {
    self.arguments = arguments
    let ways = ["--near", "--near-id", "--queries"].filter { arguments[$0] != nil }
    guard ways.count == 1 else {
      throw Usage("search takes one of --near, --near-id and --queries")
    }
    if arguments["--recall"] != nil, arguments["--effort"] != nil {
      throw Usage("--recall and --effort are two ways to say one thing; give one")
    }
    if arguments["--truth"] != nil, arguments["--queries"] == nil {
      throw Usage("--truth tells of --queries, which are missing")
    }
    if arguments["--ids"] != nil, arguments["--truth"] == nil {
      throw Usage("--ids tells of --truth, which is missing")
    }
    let wantsVectors = arguments.has("--vectors")
    let projection =
      arguments["--truth"] == nil
      ? Projection(vector: wantsVectors, metadata: true, content: true) : .id
    template = SearchQuery(
      near: [], limit: try arguments.whole("--limit", 1...Limits.limitMax) ?? 10,
      where: try arguments.givenFilter(), maximumDistance: try arguments.number("--threshold"),
      projection: projection, exact: arguments.has("--exact"),
      recall: try arguments.number("--recall"),
      effort: try arguments.whole("--effort", 1...1_000_000),
      threads: try arguments.whole("--threads", 1...1_024), explain: arguments.has("--explain"))
  }

  private func run() throws -> Bool {
    let store = try StoreDoor.reading(arguments.rest[0])
    let collection = try store.known(arguments.rest[1])
    let found: Bool
    if let path = arguments["--queries"] {
      found = try answerMany(path, collection)
    } else if let id = arguments["--near-id"] {
      guard let record = try collection.get([id]).first ?? nil, let vector = record.vector else {
        throw StoreError(
          .notFound, found: "there is no record \(quoted(id))",
          expected: "--near-id names one of collection \(quoted(collection.name))",
          remedy: "Check the id")
      }
      var query = template
      query.vector = vector
      // The record is nearest to itself, which nobody has to be told.
      query.limit = min(Limits.limitMax, query.limit + 1)
      let others = try collection.search([query])[0].filter { !Bytewise.equal($0.record.id, id) }
      let hits = Array(others.prefix(template.limit))
      try show(hits, of: query, in: collection, number: nil)
      found = !hits.isEmpty
    } else {
      var query = template
      query.vector = try vector(arguments["--near"] ?? "")
      let hits = try collection.search([query])[0]
      try show(hits, of: query, in: collection, number: nil)
      found = !hits.isEmpty
    }
    try store.close()
    return found
  }

  /// The vector of `--near`.
  private func vector(_ text: String) throws -> [Float] {
    let bytes: [UInt8]
    var place = "--near"
    if text.hasPrefix("@") || text == "-" {
      place = text == "-" ? "standard input" : String(text.dropFirst())
      let reader = ByteReader(try FileBytes(path: text == "-" ? "-" : place))
      bytes = try reader.rest(atMost: LineLimits.bytesMax, of: place)
    } else {
      bytes = Array(text.utf8)
    }
    let value: Value
    do {
      value = try Value(json: bytes)
    } catch let error as StoreError {
      throw error.naming(place)
    }
    guard case .array(let numbers) = value else {
      throw StoreError(
        .invalidArgument, found: "\(place) is \(quoted(value.json))",
        expected: "a vector is a JSON array of numbers", remedy: "Write it as [0.1, 0.2]")
    }
    return try Record.vector(numbers, of: place)
  }

  // MARK: One query

  private func show(
    _ hits: [Hit<Record>], of query: SearchQuery, in collection: StoreCollection, number: Int?
  ) throws {
    var explanation = query.explain ? try collection.explain([query]).first : nil
    // The record that is looked near was found too, and is not shown.
    explanation?.hits = hits.count
    if arguments.wantsJSON {
      var parts = number.map { ["\"query\":\($0)"] } ?? []
      parts.append("\"hits\":[\(hits.map(Self.json).joined(separator: ","))]")
      if let explanation { parts.append("\"explain\":" + explanation.json) }
      try Terminal.print("{" + parts.joined(separator: ",") + "}")
      return
    }
    if let number { try Terminal.print("query \(number)") }
    try table(hits).print()
    for line in explanation?.lines ?? [] { try Terminal.print(line) }
  }

  private static func json(_ hit: Hit<Record>) -> String {
    // The record's own form begins with its id; what was found about it comes behind that.
    let distance = hit.distance.isFinite ? Value.double(hit.distance).json : "null"
    let score = hit.score.isFinite ? Value.double(hit.score).json : "null"
    let id = "{\"id\":" + Value.string(hit.record.id).json
    let rest = hit.record.json.utf8.dropFirst(id.utf8.count)
    return id + ",\"distance\":\(distance),\"score\":\(score)" + (String(rest) ?? "}")
  }

  private func table(_ hits: [Hit<Record>]) -> TableOutput {
    let fields = (arguments["--fields"] ?? "").split(separator: ",").map(String.init)
    guard fields.isEmpty else {
      return table(hits, fields) { record in
        fields.map { field in
          let path = FieldPath.metadata(field.split(separator: ".").map(String.init))
          let value = record.metadata.flatMap { path.value(in: $0) }
          return value.map { $0.stringValue ?? $0.json } ?? ""
        }
      }
    }
    if hits.contains(where: { $0.record.content != nil }) {
      return table(hits, ["content"]) { [$0.content ?? ""] }
    }
    guard hits.contains(where: { !($0.record.metadata ?? [:]).isEmpty }) else {
      return table(hits, []) { _ in [] }
    }
    return table(hits, ["metadata"]) { [$0.metadata?.description ?? ""] }
  }

  private func table(
    _ hits: [Hit<Record>], _ titles: [String], _ cells: (Record) -> [String]
  ) -> TableOutput {
    var table = TableOutput(
      [("score", .right), ("distance", .right), ("id", .left)] + titles.map { ($0, .left) })
    for hit in hits {
      table.add(
        [Figures.fixed(hit.score, 4), Figures.fixed(hit.distance, 4), hit.record.id]
          + cells(hit.record))
    }
    return table
  }

  // MARK: Many queries

  /// Answers each row of a file; with `--truth`, prints how many of the true neighbours it found.
  private func answerMany(_ path: String, _ collection: StoreCollection) throws -> Bool {
    let rows = try NumberRows(path: path)
    try rows.check(dimension: collection.dimension, of: collection.name)
    let truth = try arguments["--truth"].map { try NumberRows(path: $0) }
    let ids = try arguments["--ids"].map { try IDLines(path: $0).all() }
    var tally = RecallTally(limit: template.limit, ids: ids)
    let vectorOnly = Projection(vector: true)
    var foundAny = false
    var number = 0
    while let vector = try rows.next() {
      try Task.checkCancellation()
      var query = template
      query.vector = vector
      let hits = try collection.search([query])[0]
      foundAny = foundAny || !hits.isEmpty
      if let truth, let path = arguments["--truth"] {
        guard let neighbours = try truth.nextWhole() else {
          throw StoreError(
            .invalidArgument, found: "\(path) has \(number) rows",
            expected: "it has one for each query", remedy: "Give the truth of these queries")
        }
        let truth = try tally.ids(of: neighbours, path)
        let last = try truth.last.flatMap { try collection.get([$0], projection: vectorOnly)[0] }
        let bound = last?.vector.map { collection.metric.distance(vector, $0) }
        tally.count(hits, truth, within: bound)
      } else {
        try show(hits, of: query, in: collection, number: number)
      }
      number += 1
    }
    guard truth != nil else { return foundAny }
    if arguments.wantsJSON {
      let form: Metadata = [
        "queries": .int(Int64(number)), "k": .int(Int64(template.limit)),
        "recall": .double(tally.recall),
      ]
      try Terminal.print(Value.object(form).json)
    } else {
      try Terminal.print(
        "recall@\(template.limit) \(Figures.fixed(tally.recall, 4)) over"
          + " \(Figures.whole(number)) queries")
    }
    return foundAny
  }
}

/// Counts how many true neighbours were found.
private struct RecallTally {
  let limit: Int
  /// The ids of the rows; nil where they are their numbers.
  let ids: [String]?
  private var found = 0
  private var wanted = 0

  init(limit: Int, ids: [String]?) {
    self.limit = limit
    self.ids = ids
  }

  var recall: Double { wanted == 0 ? 1 : Double(found) / Double(wanted) }

  /// The ids of the true neighbours that a search could find.
  func ids(of neighbours: [Int64], _ path: String) throws -> [String] {
    guard neighbours.count >= limit else {
      throw StoreError(
        .invalidArgument, found: "\(path) tells \(neighbours.count) neighbours a query",
        expected: "at least the \(limit) that are looked for", remedy: "Give a smaller -k")
    }
    return try neighbours.prefix(limit).map { row in
      guard let ids else { return String(row) }
      guard row >= 0, row < ids.count else {
        throw StoreError(
          .invalidArgument, found: "\(path) names row \(row)",
          expected: "--ids has the ids of rows 0 to \(ids.count - 1)",
          remedy: "Give the ids of all rows")
      }
      return ids[Int(row)]
    }
  }

  /// Counts the hits that are true neighbours, or as near as the last of these.
  mutating func count(_ hits: [Hit<Record>], _ truth: [String], within bound: Double?) {
    let truth = Set(truth.map { BytewiseKey($0) })
    let right = hits.count { hit in
      truth.contains(BytewiseKey(hit.record.id)) || bound.map { hit.distance <= $0 } ?? false
    }
    found += min(right, limit)
    wanted += limit
  }
}

extension StoreError {
  /// The same error, with the place where the bytes came from in front.
  func naming(_ place: String) -> StoreError {
    StoreError(
      code, found: "\(place): \(found)", expected: expected, remedy: remedy, cause: cause)
  }
}
