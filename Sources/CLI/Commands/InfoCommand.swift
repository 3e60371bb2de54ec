import Roost

/// `roost info`: what a store holds.
enum InfoCommand {
  static let manual = Command(
    name: "info", summary: "tell what a store or a collection holds",
    operands: [.store, Operand("COLLECTION", .optional)],
    about: [
      "Prints a line for each collection of a store: how many records it has, how long their"
        + " vectors are, how they are compared, their precision, its indexes, and the bytes of its"
        + " segments. With COLLECTION, only that one, and its indexes in full.",
      "With --json, an array of objects, or one object for COLLECTION.",
    ],
    examples: [("roost info library.roost", "All collections:")],
    run: run)

  private static func run(_ arguments: Arguments) throws -> Bool {
    let store = try StoreDoor.reading(arguments.rest[0])
    if arguments.rest.count > 1 {
      let statistics = try store.known(arguments.rest[1]).statistics()
      if arguments.wantsJSON {
        try Terminal.print(json(statistics))
      } else {
        try table([statistics]).print()
        for index in statistics.indexes {
          try Terminal.print(
            "index \(Terminal.plain(index.name)): \(Figures.count(index.indexed, "record")),"
              + " \(index.spec.json)")
        }
      }
    } else {
      let collections = try store.statistics().collections
      if arguments.wantsJSON {
        try Terminal.print("[\(collections.map(json).joined(separator: ","))]")
      } else {
        try table(collections).print()
      }
    }
    try store.close()
    return true
  }

  private static func table(_ collections: [CollectionStatistics]) -> TableOutput {
    var table = TableOutput(
      ("collection", .left), ("records", .right), ("dimension", .right), ("metric", .left),
      ("element", .left), ("indexes", .left), ("size", .right))
    for collection in collections {
      let indexes = collection.indexes.map(\.name).joined(separator: ", ")
      table.add(
        collection.spec.name, Figures.whole(collection.records), "\(collection.spec.dimension)",
        collection.spec.metric.rawValue, collection.spec.element.rawValue, indexes,
        collection.bytes.map { Figures.bytes($0) } ?? "")
    }
    return table
  }

  private static func json(_ collection: CollectionStatistics) -> String {
    let spec = collection.spec
    return "{\"name\":\(Value.string(spec.name).json),\"records\":\(collection.records)"
      + ",\"dimension\":\(spec.dimension),\"metric\":\"\(spec.metric.rawValue)\""
      + ",\"element\":\"\(spec.element.rawValue)\",\"bytes\":\(collection.bytes ?? 0)"
      + ",\"indexes\":[\(collection.indexes.map(\.json).joined(separator: ","))]}"
  }
}
