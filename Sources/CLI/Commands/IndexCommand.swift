import Roost

/// `roost index`: makes an index be there, takes one away, or tells which there are.
enum IndexCommand {
  static let manual = Command(
    name: "index", summary: "build, drop or list the indexes of a collection",
    operands: [
      .store, .collection,
      Operand("METHOD", .optional, choices: ["hnsw", "ivfflat", "metadata", "drop"]),
      Operand("NAME", .optional),
    ],
    options: [
      CommandOption(["--m"], value: "N", "hnsw: links of a record, 2 to 100; 16."),
      CommandOption(
        ["--ef-construction"], value: "N", "hnsw: candidates while building, 4 to 1000; 64."),
      CommandOption(
        ["--lists"], value: "N",
        "ivfflat: how many lists, 1 to 32768, or auto for as many as suit the records; 100."),
      CommandOption(
        ["--quantization"], value: "KIND", choices: ["auto", "none", "sq8", "sq4", "rabitq"],
        "How vectors are shortened for the walk; hits are always compared exactly. auto."),
      CommandOption(
        ["--fields"], value: "A,B", "metadata: the fields, as paths with dots; without it, all."),
      CommandOption(
        ["--name"], value: "NAME",
        "What the index is called; without it, a name is made of the collection's."),
      CommandOption(["--threads"], value: "N", "How many threads build it; 2."),
      CommandOption(
        ["--memory-mb"], value: "N",
        "The memory that building may take; records that would need more have several indexes."),
    ],
    about: [
      "With hnsw, ivfflat or metadata, makes such an index be there: none is built when it is there"
        + " already with the same options, and one with other options is built anew. With drop,"
        + " takes the index NAME away. Without a METHOD, lists the indexes.",
      "Searches and writes go on meanwhile in other processes that only read; records that are"
        + " stored later are indexed as they become segments.",
    ],
    examples: [
      ("roost index library.roost articles hnsw", "A graph, as most want it:"),
      (
        "roost index library.roost articles ivfflat --lists auto --quantization rabitq",
        "Lists of shortened vectors:"
      ),
      ("roost index library.roost articles drop idx_articles_vector_hnsw", "Take one away:"),
    ],
    answersNo: "there is no index to drop",
    afterInterrupt: "the store is sound and remembers the index; run the same command again to"
      + " build it to its end",
    run: run)

  private static func run(_ arguments: Arguments) throws -> Bool {
    let rest = arguments.rest
    guard rest.count > 2 else {
      let store = try StoreDoor.reading(rest[0])
      try list(try store.known(rest[1]).indexes(), arguments)
      try store.close()
      return true
    }
    guard (rest[2] == "drop") == (rest.count == 4) else {
      throw Usage(rest[2] == "drop" ? "index drop lacks NAME" : "\(rest[2]) takes no NAME")
    }
    let spec = rest[2] == "drop" ? nil : try self.spec(rest[2], arguments)
    let threads = try arguments.whole("--threads", 1...1_024)
    let megabytes = try arguments.whole("--memory-mb", 1...1_048_576)
    let store = try StoreDoor.writing(rest[0]) { options in
      if let threads { options.indexThreads = threads }
      if let megabytes { options.indexMemoryLimit = megabytes << 20 }
    }
    let collection = try store.known(rest[1])
    guard let spec else {
      let isThere = try collection.dropIndex(rest[3])
      try store.close()
      if arguments.wantsJSON {
        try Terminal.print(Value.object(["dropped": .bool(isThere)]).json)
      } else {
        try Terminal.print(isThere ? "dropped \(quoted(rest[3]))" : "there is none of that name")
      }
      return isThere
    }
    let display = ProgressDisplay(rest[2], unit: "rows", arguments)
    let start = ContinuousClock.now
    defer { display.end() }
    let outcomes = try collection.ensureIndexes([spec], progress: display.report)
    display.end()
    let seconds = (ContinuousClock.now - start) / .seconds(1)
    let there = try collection.indexes()
    let count = try collection.count()
    try store.close()
    for outcome in outcomes {
      let indexed = there.first { Bytewise.equal($0.name, outcome.name) }?.indexed ?? 0
      if arguments.wantsJSON {
        let form: Metadata = [
          "name": .string(outcome.name), "action": .string(outcome.action.rawValue),
          "indexed": .int(Int64(indexed)), "seconds": .double(seconds),
        ]
        try Terminal.print(Value.object(form).json)
      } else {
        let few = indexed < count ? "; segments of few records are searched as they are" : ""
        try Terminal.print(
          "\(Terminal.plain(outcome.name)): \(outcome.action.rawValue), \(Figures.whole(indexed))"
            + " of \(Figures.whole(count)) records indexed, \(Figures.seconds(seconds))\(few)")
      }
    }
    return true
  }

  /// The index that is asked for; an option that belongs to another method is refused.
  private static func spec(_ method: String, _ arguments: Arguments) throws -> IndexSpec {
    let own = [
      "hnsw": ["--m", "--ef-construction", "--quantization"],
      "ivfflat": ["--lists", "--quantization"], "metadata": ["--fields"],
    ]
    for option in ["--m", "--ef-construction", "--lists", "--quantization", "--fields"]
    where arguments[option] != nil && !(own[method] ?? []).contains(option) {
      throw Usage("\(option) is no option of \(method)")
    }
    let name = arguments["--name"]
    let quantization = Quantization(rawValue: arguments["--quantization"] ?? "auto") ?? .auto
    switch method {
    case "hnsw":
      return .hnsw(
        name: name, m: try arguments.whole("--m", 2...100) ?? 16,
        efConstruction: try arguments.whole("--ef-construction", 4...1_000) ?? 64,
        quantization: quantization)
    case "ivfflat":
      let lists =
        arguments["--lists"] == "auto"
        ? VectorIndexSpec.Method.automaticLists
        : try arguments.whole("--lists", 1...32_768) ?? 100
      return .ivfFlat(name: name, lists: lists, quantization: quantization)
    default:
      let fields = (arguments["--fields"] ?? "").split(separator: ",").map { field in
        FieldPath.metadata(field.split(separator: ".").map(String.init))
      }
      return .metadata(name: name, fields: fields)
    }
  }

  private static func list(_ indexes: [IndexDescription], _ arguments: Arguments) throws {
    if arguments.wantsJSON {
      try Terminal.print("[\(indexes.map(\.json).joined(separator: ","))]")
      return
    }
    var table = TableOutput(("index", .left), ("records", .right), ("as", .left))
    for index in indexes { table.add(index.name, Figures.whole(index.indexed), index.spec.json) }
    try table.print()
  }
}

extension IndexDescription {
  /// The index as JSON: its name, its spec and how many records it covers.
  var json: String {
    "{\"name\":\(Value.string(name).json),\"indexed\":\(indexed),\"spec\":\(spec.json)}"
  }
}
