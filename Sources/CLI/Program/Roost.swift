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
enum RoostCommand {
  static let version = "0.1.0"

  /// Every command, in the order in which the help tells them.
  static let commands: [Command] = [
    CreateCommand.manual, ImportCommand.manual, ExportCommand.manual, IndexCommand.manual,
    SearchCommand.manual, GetCommand.manual, DeleteCommand.manual, InfoCommand.manual,
    HealthCommand.manual, CareCommands.check, CareCommands.repair, CareCommands.compact,
    CareCommands.backup, CareCommands.restore, BenchCommand.manual, Demo.manual,
    FilterCommand.manual, Completions.manual,
  ]

  /// What the program starts itself; no help tells of it and no shell completes it.
  private static let inner: [Command] = [DemoWriter.manual]

  static func main() {
    Interruption.holdSignals()
    let words = Array(CommandLine.arguments.dropFirst())
    do {
      guard let arguments = try read(words) else { exit(0) }
      run(arguments)
    } catch let usage as Usage {
      Terminal.say("roost: \(usage.problem); `roost \(page(words))--help` shows how")
      exit(2)
    } catch {
      Terminal.say("roost: \(error)")
      exit(3)
    }
  }

  /// The command that is to be run; nil when help was asked for, and has been given.
  private static func read(_ words: [String]) throws -> Arguments? {
    let page = ManualPage(columns: Terminal.proseColumns)
    switch words.first {
    case "--version":
      try Terminal.print("roost \(version)")
      for (name, library) in connectors { try Terminal.print("\(name): \(library)") }
      return nil
    case "--help", "-h", "help":
      guard words.count > 1 else {
        try Terminal.write(page.overview(of: commands))
        return nil
      }
      try Terminal.write(page.page(of: try command(words[1])))
      return nil
    case nil: throw Usage("no command is given")
    case let name?:
      let arguments = try Arguments(try command(name), words.dropFirst())
      guard arguments.has("--help") else { return arguments }
      try Terminal.write(page.page(of: arguments.command))
      return nil
    }
  }

  private static func command(_ name: String) throws -> Command {
    guard let command = (commands + inner).first(where: { $0.name == name }) else {
      throw Usage("there is no command '\(name)'")
    }
    return command
  }

  /// Whose manual explains what went wrong.
  private static func page(_ words: [String]) -> String {
    commands.first { $0.name == words.first }.map { $0.name + " " } ?? ""
  }

  /// Runs a command in a task of its own, which an interruption cancels, while this thread waits
  /// for signals; the task ends the process.
  private static func run(_ arguments: Arguments) -> Never {
    let interruption = Interruption(farewell: arguments.command.afterInterrupt)
    let task = Task.detached { exit(status(of: arguments, interruption)) }
    interruption.listen { task.cancel() }
  }

  private static func status(of arguments: Arguments, _ interruption: Interruption) -> Int32 {
    do {
      return try arguments.command.run(arguments) ? 0 : 1
    } catch let usage as Usage {
      let name = arguments.command.name
      Terminal.say("roost: \(usage.problem); `roost \(name) --help` shows how")
      return 2
    } catch {
      if let status = interruption.status, isCancellation(error) {
        interruption.sayFarewell()
        return status
      }
      let known = error as? StoreError
      Terminal.say(arguments.wantsJSON ? known?.json ?? "\(error)" : "roost: \(error)")
      return 3
    }
  }

  private static func isCancellation(_ error: any Error) -> Bool {
    error is CancellationError || (error as? StoreError)?.code == .cancelled
  }

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
}
