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

  /// What is asked for.
  private enum Request {
    case versions
    case overview
    case page(Command)
    case run(Arguments)

    /// How to go on after Ctrl-C.
    var afterInterrupt: String {
      if case .run(let arguments) = self { return arguments.command.afterInterrupt }
      return "nothing was changed"
    }

    /// What stands in front of `--help` for who called it wrongly.
    var name: String {
      if case .run(let arguments) = self { arguments.command.name + " " } else { "" }
    }

    var wantsJSON: Bool {
      if case .run(let arguments) = self { arguments.wantsJSON } else { false }
    }

    /// Does it; false when the answer is no.
    func answer() throws -> Bool {
      let manual = ManualPage(columns: Terminal.proseColumns)
      switch self {
      case .versions:
        try Terminal.print("roost \(version)")
        for (name, library) in connectors { try Terminal.print("\(name): \(library)") }
      case .overview: try Terminal.write(manual.overview(of: commands))
      case .page(let command): try Terminal.write(manual.page(of: command))
      case .run(let arguments): return try arguments.command.run(arguments)
      }
      return true
    }
  }

  static func main() {
    Interruption.holdSignals()
    let words = Array(CommandLine.arguments.dropFirst())
    do {
      run(try read(words))
    } catch let usage as Usage {
      Terminal.say("roost: \(usage.problem); `roost \(page(words))--help` shows how")
      exit(2)
    } catch {
      Terminal.say("roost: \(error)")
      exit(3)
    }
  }

  private static func read(_ words: [String]) throws -> Request {
    switch words.first {
    case "--version": return .versions
    case "--help", "-h", "help":
      return words.count > 1 ? .page(try command(words[1])) : .overview
    case nil: throw Usage("no command is given")
    case let name?:
      let arguments = try Arguments(try command(name), words.dropFirst())
      return arguments.has("--help") ? .page(arguments.command) : .run(arguments)
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

  /// Answers in a task of its own, which an interruption cancels, while this thread waits for
  /// signals; the task ends the process.
  private static func run(_ request: Request) -> Never {
    let interruption = Interruption(farewell: request.afterInterrupt)
    interruption.leaveUnlessUndisturbed()
    let task = Task.detached { exit(status(of: request, interruption)) }
    interruption.listen { task.cancel() }
  }

  private static func status(of request: Request, _ interruption: Interruption) -> Int32 {
    do {
      return try request.answer() ? 0 : 1
    } catch let usage as Usage {
      Terminal.say("roost: \(usage.problem); `roost \(request.name)--help` shows how")
      return 2
    } catch {
      if let status = interruption.status, isCancellation(error) {
        interruption.sayFarewell()
        return status
      }
      let known = error as? StoreError
      Terminal.say(request.wantsJSON ? known?.json ?? "\(error)" : "roost: \(error)")
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
