import Roost

/// `roost filter`: a filter in both forms, or the records of a file that satisfy it.
struct FilterCommand {
  private let filter: Filter
  private let file: String?

  init(_ arguments: Arguments) throws {
    try arguments.allow("--where", "--filter", "--lenient")
    guard let filter = try Filter(arguments) else {
      throw Usage("filter takes --where or --filter")
    }
    guard arguments.rest.count <= 1 else { throw Usage("filter takes one file") }
    self.filter = filter
    file = arguments.rest.first
  }

  func run() throws -> Bool {
    guard let file else {
      print(filter)
      print(filter.json)
      return true
    }
    let found = try JSONLines(path: file).records().filter(filter.matches)
    for record in found { print(record.json) }
    return !found.isEmpty
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
