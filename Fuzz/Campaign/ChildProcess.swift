import Foundation
import RoostFiles

/// A process that the campaign starts, watches and kills; its output goes into a file.
final class ChildProcess {
  /// How a process ended.
  enum End: Equatable, CustomStringConvertible {
    case exit(Int32)
    case signal(Int32)

    var description: String {
      switch self {
      case .exit(let code): "exit \(code)"
      case .signal(let number): "signal \(number)"
      }
    }
  }

  let id: pid_t
  private var end: End?

  /// This program.
  static let program = "/proc/self/exe"

  /// Where this program lies, under a name that other programs can use.
  static func programPath() throws -> String {
    try FileManager.default.destinationOfSymbolicLink(atPath: program)
  }

  /// Starts a program, its output and errors going to the end of a file.
  init(_ words: [String], output: String) throws {
    var actions = unsafe posix_spawn_file_actions_t()
    unsafe posix_spawn_file_actions_init(&actions)
    defer { unsafe _ = posix_spawn_file_actions_destroy(&actions) }
    let flags = O_WRONLY | O_CREAT | O_APPEND
    unsafe posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    unsafe posix_spawn_file_actions_addopen(&actions, 1, output, flags, 0o600)
    unsafe posix_spawn_file_actions_adddup2(&actions, 1, 2)

    // A trap must end the process at once, and equal seeds must do equal things.
    let names = ["SWIFT_BACKTRACE": "enable=no", "SWIFT_DETERMINISTIC_HASHING": "1"]
    let environment = ProcessInfo.processInfo.environment.merging(names) { $1 }
    var arguments: [UnsafeMutablePointer<CChar>?] = unsafe words.map { unsafe strdup($0) }
    var variables: [UnsafeMutablePointer<CChar>?] = unsafe environment.map {
      unsafe strdup("\($0)=\($1)")
    }
    unsafe arguments.append(nil)
    unsafe variables.append(nil)
    defer {
      for index in unsafe arguments.indices { unsafe free(arguments[index]) }
      for index in unsafe variables.indices { unsafe free(variables[index]) }
    }
    var child: pid_t = 0
    let result = unsafe posix_spawnp(&child, words[0], &actions, nil, arguments, variables)
    guard result == 0 else {
      throw CampaignError("\(words[0]) cannot be started: error \(result)")
    }
    id = child
  }

  /// Starts this program.
  static func own(_ arguments: [String], output: String) throws -> ChildProcess {
    try ChildProcess([try programPath()] + arguments, output: output)
  }

  /// Ends it as nothing can prevent.
  func stop() { if end == nil { kill(id, SIGKILL) } }

  /// Waits until it has ended.
  @discardableResult
  func wait() -> End {
    if let end { return end }
    var status: Int32 = 0
    while unsafe waitpid(id, &status, 0) == -1 && errno == EINTR {}
    let signal = status & 0x7F
    let found = signal == 0 ? End.exit((status >> 8) & 0xFF) : End.signal(signal)
    end = found
    return found
  }

  /// Waits for at most this long; nil when it is still at work.
  func wait(seconds: Double) -> End? {
    let deadline = Date(timeIntervalSinceNow: seconds)
    while end == nil {
      var status: Int32 = 0
      if unsafe waitpid(id, &status, WNOHANG) == id {
        let signal = status & 0x7F
        end = signal == 0 ? .exit((status >> 8) & 0xFF) : .signal(signal)
      } else if Date() > deadline {
        return nil
      } else {
        usleep(500)
      }
    }
    return end
  }

  /// Runs a program to its end; throws unless it ends well.
  static func run(_ words: [String]) throws {
    let output = try Scratch(below: NSTemporaryDirectory())
    defer { output.remove() }
    let file = output.path + "/output"
    let end = try ChildProcess(words, output: file).wait()
    guard end == .exit(0) else {
      let text = try String(contentsOfFile: file, encoding: .utf8)
      throw CampaignError("\(words.joined(separator: " ")) ended with \(end): \(text)")
    }
  }
}

/// Why a lane cannot go on.
struct CampaignError: Error, CustomStringConvertible {
  let description: String

  init(_ description: String) { self.description = description }
}

/// A directory of a lane's own.
struct Scratch: Sendable {
  let path: String

  init(below parent: String) throws {
    path = parent + "/roost-campaign-" + UUID().uuidString
    try FileManager.default.createDirectory(
      atPath: path, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o700])
  }

  /// In memory where the system has that: for what a disk would only make slower.
  static func inMemory() throws -> Scratch {
    let shared = "/dev/shm"
    let isThere = FileManager.default.isWritableFile(atPath: shared)
    return try Scratch(below: isThere ? shared : NSTemporaryDirectory())
  }

  /// On the disk of temporary files.
  static func onDisk() throws -> Scratch { try Scratch(below: NSTemporaryDirectory()) }

  func remove() {
    try? FileManager.default.removeItem(atPath: path)  // Left for whoever cleans such places.
  }
}

/// Does numbered work on as many threads as the machine has processors.
func inParallel(_ count: Int, _ body: @escaping @Sendable (Int) throws -> Void) throws {
  let next = Monitor((number: 0, failure: (any Error)?.none))
  let system = PosixFileSystem()
  let processors = max(1, ProcessInfo.processInfo.activeProcessorCount)
  let threads = try (0..<min(processors, max(count, 1))).map { number in
    try system.startThread("lane-\(number)") {
      while true {
        let taken = next.withLock { next -> Int? in
          guard next.number < count, next.failure == nil else { return nil }
          defer { next.number += 1 }
          return next.number
        }
        guard let taken else { return }
        do {
          try body(taken)
        } catch {
          next.withLock { $0.failure = $0.failure ?? error }
        }
      }
    }
  }
  for thread in threads { thread.join() }
  if let failure = next.withLock({ $0.failure }) { throw failure }
}
