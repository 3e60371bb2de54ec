import Roost

/// `roost filter`: a filter in both forms, or the records of a file that satisfy it.
enum FilterCommand {
  static let manual = Command(
    name: "filter", summary: "print a filter in its two forms, or try it on a file",
    operands: [Operand("FILE", .optional, isPath: true)],
    options: CommandOption.filters,
    about: [
      "Prints the filter as text and as JSON. With FILE, prints the records of that file of JSON"
        + " Lines (- for standard input, also .gz) that satisfy it, without any store."
    ],
    examples: [
      (
        "roost filter --where 'category = \"news\" and rank > 1'", "What a filter is as JSON:"
      ),
      ("roost filter --where 'year < 1990' articles.jsonl", "What it finds in a file:"),
    ],
    answersNo: "no record of the file satisfies it", run: run)

  private static func run(_ arguments: Arguments) throws -> Bool {
    guard let filter = try arguments.givenFilter() else {
      throw Usage("filter takes --where or --filter")
    }
    guard let path = arguments.rest.first else {
      try Terminal.print(arguments.wantsJSON ? filter.json : "\(filter)\n\(filter.json)")
      return true
    }
    let rows = RecordLines(try InputFile(path: path), RecordFields())
    var isFound = false
    while let (_, record) = try rows.next() {
      guard filter.matches(record) else { continue }
      try Terminal.print(record.json)
      isFound = true
    }
    return isFound
  }
}

extension Filter {
  /// The filter that `--where` or `--filter` gives; nil without either.
  init?(_ arguments: Arguments) throws {
    let dialect: FilterDialect = arguments.has("--lenient") ? .lenient : .strict
    switch (arguments["--where"], arguments["--filter"]) {
    case (nil, nil): return nil
    case (let text?, nil): try self.init(parsing: text, dialect: dialect)
    case (nil, let json?): try self.init(json: json, dialect: dialect)
    default: throw Usage("--where and --filter are two ways to say one thing; give one")
    }
  }
}
