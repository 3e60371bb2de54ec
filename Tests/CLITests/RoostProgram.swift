import Foundation
import RoostContract
import Synchronization

/// How a call of `roost` ended: a status, or minus the signal that ended it.
struct Outcome: CustomStringConvertible {
  var status: Int32
  var out: String
  var err: String

  var description: String { "status \(status)\nout: \(out)\nerr: \(err)" }

  var lines: [Substring] { out.split(separator: "\n") }

  /// What was printed, as JSON.
  func json() throws -> Value { try Value(json: out) }
}

/// A directory of a test's own, in which the built `roost` is called.
final class ProgramBed {
  let path: String
  private let isKept: Bool

  /// The directories that are there as long as the tests run.
  private static let kept = Mutex<[String]>([])
  private static let atTheEnd: Void = {
    atexit {
      for path in ProgramBed.kept.withLock({ $0 }) {
        try? FileManager.default.removeItem(atPath: path)
      }
    }
  }()

  /// Makes one for a test, or one that many tests look at.
  init(isKept: Bool = false) throws {
    self.isKept = isKept
    path =
      FileManager.default.temporaryDirectory
      .appendingPathComponent("roost-cli-" + UUID().uuidString).path
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
    guard isKept else { return }
    Self.atTheEnd
    Self.kept.withLock { $0.append(path) }
  }

  deinit {
    if !isKept { try? FileManager.default.removeItem(atPath: path) }
  }

  /// The program that was built beside these tests.
  static let program: String = {
    #if os(macOS)
      let tests = Bundle.allBundles.first { $0.bundlePath.hasSuffix(".xctest") } ?? .main
      return tests.bundleURL.deletingLastPathComponent().appendingPathComponent("roost").path
    #else
      return Bundle.main.bundleURL.appendingPathComponent("roost").path
    #endif
  }()

  /// Where a file of this directory is.
  func place(_ name: String) -> String { path + "/" + name }

  func write(_ name: String, _ bytes: [UInt8]) throws {
    try Data(bytes).write(to: URL(fileURLWithPath: place(name)))
  }

  func write(_ name: String, _ text: String) throws { try write(name, Array(text.utf8)) }

  func read(_ name: String) throws -> [UInt8] {
    Array(try Data(contentsOf: URL(fileURLWithPath: place(name))))
  }

  func has(_ name: String) -> Bool { FileManager.default.fileExists(atPath: place(name)) }

  /// Turns a byte of a file round.
  func damage(_ name: String) throws {
    var bytes = try read(name)
    bytes[bytes.count / 2] ^= 0x40
    try write(name, bytes)
  }

  /// Calls the program, with a text as its input, and waits for its end.
  func roost(_ words: String..., input: String = "") throws -> Outcome {
    try roost(words, input: input)
  }

  func roost(_ words: [String], input: String = "", output: String? = nil) throws -> Outcome {
    let name = "input-" + UUID().uuidString
    try write(name, input)
    defer { try? FileManager.default.removeItem(atPath: place(name)) }
    return try RunningProgram(words, in: self, input: place(name), output: output).outcome()
  }
}

/// A `roost` that is running.
final class RunningProgram {
  private let process: pid_t
  private let bed: ProgramBed
  private let name = "call-" + UUID().uuidString
  private var hasEnded = false
  private var status: Int32 = 0

  /// Starts the program, after a prelude of the shell; its input is a file or a pipe.
  ///
  /// It may be called through another program, whose last words the call becomes, and a signal may
  /// be held back from it.
  init(
    _ words: [String], in bed: ProgramBed, input: String, output: String? = nil,
    prelude: String = "true", through other: [String] = [], holding held: Int32? = nil
  ) throws {
    self.bed = bed
    var actions = unsafe posix_spawn_file_actions_t()
    unsafe posix_spawn_file_actions_init(&actions)
    defer { unsafe _ = posix_spawn_file_actions_destroy(&actions) }
    let flags = O_WRONLY | O_CREAT | O_TRUNC
    unsafe posix_spawn_file_actions_addopen(&actions, 0, input, O_RDONLY, 0)
    unsafe posix_spawn_file_actions_addopen(
      &actions, 1, output ?? bed.place(name + ".out"), flags, 0o600)
    unsafe posix_spawn_file_actions_addopen(&actions, 2, bed.place(name + ".err"), flags, 0o600)

    // Whoever runs the tests may ignore signals, as a shell does for what it runs behind itself.
    var attributes = posix_spawnattr_t()
    unsafe posix_spawnattr_init(&attributes)
    defer { unsafe _ = posix_spawnattr_destroy(&attributes) }
    var signals = sigset_t()
    unsafe sigemptyset(&signals)
    if let held { unsafe sigaddset(&signals, held) }
    unsafe posix_spawnattr_setsigmask(&attributes, &signals)
    for signal in [SIGINT, SIGTERM, SIGPIPE] { unsafe sigaddset(&signals, signal) }
    unsafe posix_spawnattr_setsigdefault(&attributes, &signals)
    unsafe posix_spawnattr_setflags(
      &attributes, Int16(POSIX_SPAWN_SETSIGDEF) | Int16(POSIX_SPAWN_SETSIGMASK))

    // A shell changes the directory, which a spawn cannot everywhere, and becomes the program.
    let shell = ["/bin/sh", "-c", "cd \"$0\" && \(prelude) && exec \"$@\"", bed.path]
    let call = shell + other + [ProgramBed.program] + words
    var environment = ProcessInfo.processInfo.environment
    environment["SWIFT_BACKTRACE"] = "enable=no"
    environment["TMPDIR"] = bed.path
    var arguments: [UnsafeMutablePointer<CChar>?] = unsafe call.map {
      unsafe strdup($0)
    }
    var variables: [UnsafeMutablePointer<CChar>?] = unsafe environment.map {
      unsafe strdup("\($0)=\($1)")
    }
    unsafe arguments.append(nil)
    unsafe variables.append(nil)
    defer {
      unsafe (arguments + variables).forEach { unsafe free($0) }
    }
    var child: pid_t = 0
    let result = unsafe posix_spawn(
      &child, shell[0], &actions, &attributes, arguments, variables)
    guard result == 0 else { throw ProgramFailure(what: "roost cannot be started: \(result)") }
    process = child
  }

  struct ProgramFailure: Error { let what: String }

  /// Sends a signal, unless it was seen to have ended.
  func send(_ signal: Int32) {
    if !hasEnded { kill(process, signal) }
  }

  /// What it has said so far on standard error.
  var said: String {
    get throws {
      bed.has(name + ".err") ? String(decoding: try bed.read(name + ".err"), as: UTF8.self) : ""
    }
  }

  /// Whether it is still at work.
  var isRunning: Bool { !collect(waiting: false) }

  /// Asks the system how it ended; false when it has not.
  private func collect(waiting: Bool) -> Bool {
    guard !hasEnded else { return true }
    var result: pid_t = 0
    repeat {
      result = unsafe waitpid(process, &status, waiting ? 0 : WNOHANG)
    } while result == -1 && errno == EINTR
    hasEnded = result != 0
    return hasEnded
  }

  /// Waits for the end.
  func outcome() throws -> Outcome {
    _ = collect(waiting: true)
    let signal = status & 0x7F
    let out = bed.has(name + ".out") ? try bed.read(name + ".out") : []
    return Outcome(
      status: signal == 0 ? (status >> 8) & 0xFF : -signal,
      out: String(decoding: out, as: UTF8.self),
      err: String(decoding: try bed.read(name + ".err"), as: UTF8.self))
  }

  deinit {
    guard !hasEnded else { return }
    kill(process, SIGKILL)
    var status: Int32 = 0
    unsafe waitpid(process, &status, 0)
  }
}

/// A pipe with a name, through which a test gives a program its input piece by piece.
final class NamedPipe {
  let path: String
  private var descriptor: Int32 = -1

  init(_ name: String, in bed: ProgramBed) throws {
    path = bed.place(name)
    guard unsafe mkfifo(path, 0o600) == 0 else {
      throw RunningProgram.ProgramFailure(what: "no pipe could be made")
    }
    // Opened for both, so that neither side waits for the other to open it.
    descriptor = unsafe open(path, O_RDWR)
  }

  func write(_ text: String) {
    var bytes = Array(text.utf8)[...]
    while !bytes.isEmpty {
      let count = unsafe bytes.withUnsafeBytes { bytes in
        unsafe Foundation.write(descriptor, bytes.baseAddress, bytes.count)
      }
      guard count > 0 else { return }
      bytes = bytes.dropFirst(count)
    }
  }

  /// Writes until there is no room left, so that the next writer has to wait.
  func fill() {
    let flags = fcntl(descriptor, F_GETFL)
    _ = fcntl(descriptor, F_SETFL, flags | O_NONBLOCK)
    write(String(repeating: " ", count: 1 << 21))
    _ = fcntl(descriptor, F_SETFL, flags)
  }

  func close() {
    if descriptor >= 0 { Foundation.close(descriptor) }
    descriptor = -1
  }

  deinit { close() }
}

/// Bytes of the formats that are imported, written here from their descriptions alone.
enum SampleBytes {
  static func littleEndian(_ value: UInt64, _ count: Int) -> [UInt8] {
    (0..<count).map { UInt8(truncatingIfNeeded: value >> UInt64(8 * $0)) }
  }

  static func numPy(_ descr: String, _ shape: String, _ numbers: [UInt8]) -> [UInt8] {
    let text = "{'descr': '\(descr)', 'fortran_order': False, 'shape': \(shape), }"
    let padded = text + String(repeating: " ", count: 117 - text.utf8.count) + "\n"
    return [0x93] + Array("NUMPY".utf8) + [1, 0] + littleEndian(UInt64(padded.utf8.count), 2)
      + Array(padded.utf8) + numbers
  }

  static func floats(_ numbers: [Float]) -> [UInt8] {
    numbers.flatMap { littleEndian(UInt64($0.bitPattern), 4) }
  }

  /// The bytes as a gzip file of stored blocks.
  static func gzip(_ bytes: [UInt8]) -> [UInt8] {
    var out: [UInt8] = [0x1F, 0x8B, 8, 8, 0, 0, 0, 0, 0, 255] + Array("name".utf8) + [0]
    var rest = bytes[...]
    repeat {
      let part = rest.prefix(1_000)
      rest = rest.dropFirst(1_000)
      out.append(rest.isEmpty ? 1 : 0)
      out += littleEndian(UInt64(part.count), 2) + littleEndian(UInt64(part.count ^ 0xFFFF), 2)
      out += part
    } while !rest.isEmpty
    var sum: UInt32 = 0xFFFF_FFFF
    for byte in bytes {
      sum ^= UInt32(byte)
      for _ in 0..<8 { sum = sum & 1 == 1 ? 0xEDB8_8320 ^ (sum >> 1) : sum >> 1 }
    }
    return out + littleEndian(UInt64(~sum), 4) + littleEndian(UInt64(bytes.count), 4)
  }

  /// Three records as JSON Lines.
  static let notes = """
    {"id":"a","vector":[1,0,0],"metadata":{"year":2020},"content":"first"}
    {"id":"b","vector":[0,1,0],"metadata":{"tags":["x",null],"year":2021}}
    {"id":"c","vector":[0.5,0.25,0],"metadata":{},"content":"third"}

    """
}
