import Roost

/// `roost create`: a store, and a collection in it.
enum CreateCommand {
  static let manual = Command(
    name: "create", summary: "make a store, or a collection in one",
    operands: [.store, Operand("COLLECTION", .optional)],
    options: [.dimension, .metric, .element],
    about: [
      "Makes the directory STORE a store, unless it is one already. With COLLECTION, makes that"
        + " collection be there too, for vectors of --dimension numbers.",
      "What is there already stays as it is. A collection that is there with another dimension,"
        + " metric or element type is an error: these are never changed.",
    ],
    examples: [
      ("roost create library.roost", "An empty store:"),
      (
        "roost create library.roost articles --dimension 384 --element f16",
        "A collection of vectors of 384 numbers, kept in half precision:"
      ),
    ],
    afterInterrupt: "what was made is whole; run the same command again", run: run)

  private static func run(_ arguments: Arguments) throws -> Bool {
    let path = arguments.rest[0]
    try StoreDoor.checkCanBe(path)
    let name = arguments.rest.count > 1 ? arguments.rest[1] : nil
    let dimension = try arguments.whole("--dimension", 1...Limits.dimensionMax)
    if name == nil,
      let option = ["--dimension", "--metric", "--element"].first(where: { arguments[$0] != nil })
    {
      throw Usage("\(option) belongs to a collection, and none is named")
    }
    if name != nil, dimension == nil { throw Usage("a collection needs --dimension") }
    let store = try Store.open(at: path)
    if let name, let dimension {
      let spec = CollectionSpec(
        name: name, dimension: dimension, metric: try Metric(parsing: arguments["--metric"]),
        element: try ElementType(parsing: arguments["--element"]))
      try store.ensureCollection(spec)
      try report(spec.json, "\(Terminal.plain(path)): collection \(quoted(name))", arguments)
    } else {
      try report(
        Value.object(["path": .string(path)]).json, "\(Terminal.plain(path)): a store", arguments)
    }
    try store.close()
    return true
  }

  private static func report(_ json: String, _ text: String, _ arguments: Arguments) throws {
    try Terminal.print(arguments.wantsJSON ? json : text)
  }
}

extension Metric {
  /// The metric of an option; cosine without it.
  init(parsing option: String?) throws { self = try option.map(Metric.init(parsing:)) ?? .cosine }
}

extension ElementType {
  /// The element type of an option; f32 without it.
  init(parsing option: String?) throws {
    self = try option.map(ElementType.init(parsing:)) ?? .f32
  }
}
