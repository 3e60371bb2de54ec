import Roost

/// `roost get`: records by their ids.
enum GetCommand {
  static let manual = Command(
    name: "get", summary: "print records by their ids",
    operands: [.store, .collection, Operand("ID", .any)],
    options: [CommandOption(["--no-vector"], "Leave the vectors out.")],
    about: [
      "Prints the records of the ids in the order given; an id that is not there is named on"
        + " standard error. With --json, each record is a line of JSON, as `roost import` reads it."
    ],
    examples: [
      ("roost get library.roost articles a-311 --no-vector", "One record, without its vector:"),
      ("roost get library.roost articles a b --json", "Two records as JSON Lines:"),
    ],
    answersNo: "one of the ids is not there", run: run)

  private static func run(_ arguments: Arguments) throws -> Bool {
    let ids = Array(arguments.rest.dropFirst(2))
    guard !ids.isEmpty else { throw Usage("get lacks ID") }
    let store = try StoreDoor.reading(arguments.rest[0])
    let projection = Projection(
      vector: !arguments.has("--no-vector"), metadata: true, content: true)
    let records = try store.known(arguments.rest[1]).get(ids, projection: projection)
    for (id, record) in zip(ids, records) {
      guard let record else {
        Terminal.say("roost: there is no record \(quoted(id))")
        continue
      }
      if arguments.wantsJSON {
        try Terminal.print(record.json)
      } else {
        for line in lines(of: record) { try Terminal.print(line) }
      }
    }
    try store.close()
    return records.allSatisfy { $0 != nil }
  }

  private static func lines(of record: Record) -> [String] {
    var lines = ["id        \(Terminal.plain(record.id))"]
    if let content = record.content { lines.append("content   \(Terminal.plain(content))") }
    if let metadata = record.metadata, !metadata.isEmpty {
      lines.append("metadata  \(metadata)")
    }
    if let vector = record.vector {
      let numbers = vector.prefix(4).map { Figures.fixed(Double($0), 4) }
      let more = vector.count > 4 ? ", … \(vector.count) numbers" : ""
      lines.append("vector    \(numbers.joined(separator: ", "))\(more)")
    }
    return lines
  }
}
