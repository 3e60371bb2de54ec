import Roost

/// `roost delete`: records by their ids or a filter, or a whole collection.
enum DeleteCommand {
  static let manual = Command(
    name: "delete", summary: "delete records by ids or a filter, or a whole collection",
    operands: [.store, .collection, Operand("ID", .any)],
    options: CommandOption.filters + [
      CommandOption(["--drop"], "Delete the collection with all its records."),
      CommandOption(["--dry-run"], "Tell how many there are, and delete nothing."),
    ],
    about: [
      "Deletes the records of the ids, or those that satisfy a filter, or with --drop the whole"
        + " collection, and tells how many there were. It happens as a whole or not at all.",
      "The room on the disk is given back as segments are merged, at the latest by"
        + " `roost compact`.",
    ],
    examples: [
      ("roost delete library.roost articles a-311 a-020", "Two records:"),
      (
        "roost delete library.roost articles --where 'year < 1990' --dry-run",
        "How many a filter would take:"
      ),
    ],
    answersNo: "nothing was there to delete",
    afterInterrupt: "either all of it was deleted or nothing; run the same command again",
    run: run)

  private static func run(_ arguments: Arguments) throws -> Bool {
    let ids = Array(arguments.rest.dropFirst(2))
    let filter = try arguments.givenFilter()
    let isDrop = arguments.has("--drop")
    guard (ids.isEmpty ? 0 : 1) + (filter == nil ? 0 : 1) + (isDrop ? 1 : 0) == 1 else {
      throw Usage("delete takes ids, or a filter, or --drop, and one of the three")
    }
    let isDry = arguments.has("--dry-run")
    let store =
      try isDry
      ? StoreDoor.reading(arguments.rest[0]) : StoreDoor.writing(arguments.rest[0])
    let collection = try store.known(arguments.rest[1])
    let count: Int
    if isDrop {
      count = try collection.count()
      if !isDry { try store.dropCollection(collection.name) }
    } else if let filter {
      count = try isDry ? collection.count(where: filter) : collection.delete(where: filter)
    } else {
      count =
        try isDry
        ? collection.get(ids, projection: .id).count { $0 != nil } : collection.delete(ids)
    }
    try store.close()
    if arguments.wantsJSON {
      let name = isDry ? "would_delete" : "deleted"
      var form: Metadata = [name: .int(Int64(count))]
      if isDrop { form["dropped"] = .bool(!isDry) }
      try Terminal.print(Value.object(form).json)
    } else {
      let verb = isDry ? "would delete" : "deleted"
      let what = isDrop ? ", and the collection" : ""
      try Terminal.print("\(verb) \(Figures.count(count, "record"))\(what)")
    }
    return count > 0 || isDrop
  }
}
