import Foundation
import Roost

/// Standard output and standard error.
enum Terminal {
  /// Whether standard output is one.
  static let isOutput = isatty(1) == 1
  /// Whether standard error is one.
  static let isError = isatty(2) == 1

  /// How many columns the terminal has; nil when the descriptor is none.
  static func columns(of descriptor: Int32) -> Int? {
    guard isatty(descriptor) == 1 else { return nil }
    var size = winsize()
    if unsafe ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 {
      return Int(size.ws_col)
    }
    return ProcessInfo.processInfo.environment["COLUMNS"].flatMap { Int($0) } ?? 80
  }

  /// The columns that prose is wrapped to.
  static var proseColumns: Int { max(40, min(100, columns(of: 1) ?? 80)) }

  /// Prints a line; a full disk behind a redirection is an error like any other.
  static func print(_ line: String) throws { try write(line + "\n") }

  /// Prints text as it stands.
  static func write(_ text: String) throws { try write(Array(text.utf8)) }

  /// Prints bytes as they stand.
  ///
  /// A reader that takes nothing holds nobody up: whoever waits for it can be cancelled.
  static func write(_ bytes: [UInt8]) throws {
    var rest = bytes[...]
    while !rest.isEmpty {
      if !isOutputFile { try waitForReader() }
      // A pipe that says it has room has it for this many bytes at least.
      let portion = isOutputFile ? rest : rest.prefix(Int(PIPE_BUF))
      let count = unsafe portion.withUnsafeBytes {
        unsafe Foundation.write(1, $0.baseAddress, $0.count)
      }
      if count >= 0 {
        rest = rest.dropFirst(count)
      } else if errno != EINTR && errno != EAGAIN {
        let cause = NSError(domain: NSPOSIXErrorDomain, code: Int(errno))
        throw StoreError(
          .io, found: "standard output cannot be written", expected: "it takes what is printed",
          remedy: "Check where it leads, and whether there is room", cause: PlainError(cause))
      }
    }
  }

  /// Whether standard output is a plain file, which takes what comes at once.
  private static let isOutputFile: Bool = {
    var facts = stat()
    return unsafe fstat(1, &facts) == 0 && facts.st_mode & S_IFMT == S_IFREG
  }()

  private static func waitForReader() throws {
    var request = pollfd(fd: 1, events: Int16(POLLOUT), revents: 0)
    repeat { try Task.checkCancellation() } while unsafe poll(&request, 1, 100) == 0
  }

  /// Says something on standard error, in one line.
  static func say(_ text: String) {
    let line = text.split(whereSeparator: \.isNewline).joined(separator: " ")
    tell(line + "\n")
  }

  /// Writes to standard error; when nobody can read it, there is nobody to tell that.
  static func tell(_ text: String) {
    do {
      try FileHandle.standardError.write(contentsOf: Data(text.utf8))
    } catch {
      // The exit status still says how it ended.
    }
  }

  /// A text that may stand in a line of a terminal: without what moves its cursor.
  static func plain(_ text: String) -> String {
    String(
      String.UnicodeScalarView(
        text.unicodeScalars.map { scalar in
          switch scalar.properties.generalCategory {
          case .control, .format, .lineSeparator, .paragraphSeparator: " "
          default: scalar
          }
        }))
  }
}
