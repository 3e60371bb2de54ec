import Foundation
import Roost

#if Postgres
  import RoostPostgres
#endif
#if SQLite
  import RoostSQLite
#endif

/// The `roost` command.
@main
struct RoostCommand {
  static let help = """
    roost: an embedded vector database

      roost demo FILE.jsonl [--store DIR] [--near-id ID] [-k N] [--where TEXT | --filter JSON]
          Put the records of a JSON Lines file into a store, in memory or in a directory, and find
          those nearest to one of them, exactly.
      roost info DIR [--json]
          Print the collections of a store.
      roost check DIR [--full] [--json]
          Look a store over without changing it: its heads and ends, or every byte.
      roost repair DIR NEWDIR [--accept-losses]
          Print what cannot be saved of a damaged store; write the rest into a new one.
      roost backup DIR BACKUP | restore BACKUP NEWDIR | compact DIR
          Copy a store, what is new since an earlier copy; make a store of a copy; merge segments.
      roost filter (--where TEXT | --filter JSON) [--lenient] [FILE.jsonl]
          Print a filter in its two forms, or the records of a file that satisfy it.
      roost --version
          Print the version, and the connectors that are built in.

    Exit status: 0 done, 1 the answer is no, 2 wrong usage, 3 error.
    """

  static func main() async {
    do {
      let found = try await run(Array(CommandLine.arguments.dropFirst()))
      exit(found ? 0 : 1)
    } catch let usage as Usage {
      complain(usage.problem + "; `roost --help` shows how")
      exit(2)
    } catch {
      complain("\(error)")
      exit(3)
    }
  }

  /// Runs one command; false when its answer is no.
  private static func run(_ arguments: [String]) async throws -> Bool {
    switch arguments.first {
    case "demo": return try await Demo(Arguments(arguments.dropFirst())).run()
    case "filter": return try FilterCommand(Arguments(arguments.dropFirst())).run()
    case let command? where StoreCommands.names.contains(command):
      return try StoreCommands(command, Arguments(arguments.dropFirst())).run()
    case "--version":
      print("roost \(version)")
      for (name, library) in connectors { print("\(name): \(library)") }
    case "--help", "-h", "help": print(help)
    case nil: throw Usage("no command is given")
    case let command?: throw Usage("there is no command '\(command)'")
    }
    return true
  }

  static let version = "0.1.0"

  /// The connectors, each with the library that it uses or how to have it built in.
  private static var connectors: [(String, String)] {
    var list = [
      ("postgres", "not built in; build with --traits Postgres"),
      ("sqlite", "not built in; build with --traits SQLite"),
    ]
    #if Postgres
      list[0].1 = "libpq \(PostgresLibrary.version)"
    #endif
    #if SQLite
      list[1].1 = "sqlite3 \(SQLiteLibrary.version)"
    #endif
    return list
  }

  private static func complain(_ problem: String) {
    let line = problem.replacing("\n", with: " ")
    FileHandle.standardError.write(Data("roost: \(line)\n".utf8))
  }
}
