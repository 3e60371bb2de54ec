import Roost

/// `roost demo`: records of a file in a store, searched exactly.
enum Demo {
  static let manual = Command(
    name: "demo", summary: "put the records of a file into a store, and search them",
    operands: [Operand("FILE", isPath: true)],
    options: [
      CommandOption(
        ["--store"], value: "DIR", isPath: true, "The store; without it, one in memory."),
      CommandOption(
        ["--near-id"], value: "ID", "The record to look near; the first one without it."),
      CommandOption(["-k", "--limit"], value: "N", "How many hits, at most; 5."),
    ] + CommandOption.filters,
    about: [
      "Puts the records of a JSON Lines file into a store, in memory or in a directory, and finds"
        + " those nearest to one of them, exactly."
    ],
    examples: [
      ("roost demo Benchmarks/Samples/wordnet.jsonl --near-id owl", "What is like an owl:")
    ],
    answersNo: "there is no hit",
    afterInterrupt: "the store is sound; run the same command again", run: run)

  private static func run(_ arguments: Arguments) throws -> Bool {
    let file = arguments.rest[0]
    if let path = arguments["--store"] { try StoreDoor.checkCanBe(path) }
    let limit = try arguments.whole("--limit", 1...Limits.limitMax) ?? 5
    let filter = try arguments.givenFilter()
    let rows = RecordLines(try InputFile(path: file), RecordFields())
    var records: [Record] = []
    while let (_, record) = try rows.next() { records.append(record) }
    guard let first = records.first, let vector = first.vector else {
      throw StoreError(
        .invalidArgument, found: "\(file) has no record with a vector",
        expected: "records such as {\"id\":\"a\",\"vector\":[1,2]}", remedy: "Give another file")
    }
    let store = try arguments["--store"].map { try Store.open(at: $0) } ?? Store.inMemory()
    let collection = try store.ensureCollection(
      CollectionSpec(name: "demo", dimension: vector.count))
    try collection.upsert(records)

    let id = arguments["--near-id"] ?? first.id
    guard let origin = try collection.get([id]).first ?? nil else {
      throw StoreError(
        .notFound, found: "there is no record \(quoted(id))", expected: "--near-id names one",
        remedy: "Check the id")
    }
    let hits = try collection.search(
      [SearchQuery(near: origin.vector ?? [], limit: limit, where: filter)])[0]
    if arguments.wantsJSON {
      try Terminal.print("[\(hits.map { $0.record.json }.joined(separator: ","))]")
    } else {
      try Terminal.print(
        "\(records.count) records of dimension \(vector.count), nearest to \(origin.id):")
      try Terminal.print("  \(Terminal.plain(origin.content ?? ""))")
      if let filter { try Terminal.print("where \(filter)") }
      try Terminal.print("score   id")
      for hit in hits {
        try Terminal.print(
          "\(hit.score < 0 ? "" : " ")\(Figures.fixed(hit.score, 3))  "
            + Terminal.plain(hit.record.id))
        if let content = hit.record.content {
          try Terminal.print("        \(Terminal.plain(content))")
        }
      }
    }
    try store.close()
    return !hits.isEmpty
  }
}
