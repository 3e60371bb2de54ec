import Foundation
import Roost

/// Bytes that come one portion after the other, so that no file is ever in memory as a whole.
protocol ByteSource: AnyObject {
  /// The next bytes; none at the end.
  func next() throws -> [UInt8]
}

/// The bytes of a file, or of standard input.
final class FileBytes: ByteSource {
  private static let portion = 256 << 10

  private let handle: FileHandle
  /// What it is called in messages.
  let name: String
  /// How long it is; nil for what has no length, as a pipe.
  let length: Int?
  /// How many bytes were read.
  private(set) var consumed = 0

  /// Opens a file; `-` is standard input.
  init(path: String) throws {
    guard path != "-" else {
      handle = .standardInput
      name = "standard input"
      length = nil
      return
    }
    name = path
    do {
      handle = try FileHandle(forReadingFrom: URL(fileURLWithPath: path))
      let facts = try FileManager.default.attributesOfItem(
        atPath: URL(fileURLWithPath: path).resolvingSymlinksInPath().path)
      let isPlain = facts[.type] as? FileAttributeType == .typeRegular
      length = isPlain ? (facts[.size] as? NSNumber)?.intValue : nil
    } catch {
      throw StoreError(
        .io, found: "\(quoted(path)) cannot be opened", expected: "a file that can be read",
        remedy: "Check the path and its permissions", cause: PlainError(error))
    }
  }

  /// The bytes that come through a pipe.
  init(_ pipe: FileHandle, name: String) {
    handle = pipe
    self.name = name
    length = nil
  }

  func next() throws -> [UInt8] {
    if length == nil { try waitForBytes() }
    var failure: Int32 = 0
    // What a pipe has is taken at once; waiting for a whole portion would hold up its writer.
    let bytes = unsafe [UInt8](unsafeUninitializedCapacity: Self.portion) { buffer, count in
      var got: Int
      repeat {
        got = unsafe read(handle.fileDescriptor, buffer.baseAddress, Self.portion)
      } while got < 0 && errno == EINTR
      failure = got < 0 ? errno : 0
      count = max(0, got)
    }
    guard failure == 0 else {
      throw StoreError(
        .io, found: "\(name) cannot be read (error \(failure))", expected: "a file with bytes",
        remedy: failure == EISDIR ? "Give a file, not a directory" : "Check the file and its disk")
    }
    consumed += bytes.count
    return bytes
  }

  /// Waits until a pipe or terminal has something, or until the work is cancelled.
  private func waitForBytes() throws {
    var request = pollfd(fd: handle.fileDescriptor, events: Int16(POLLIN), revents: 0)
    repeat { try Task.checkCancellation() } while unsafe poll(&request, 1, 100) == 0
  }
}

/// What the system said, in the few words that help.
struct PlainError: Error, CustomStringConvertible {
  let description: String

  init(_ error: any Error) {
    let cause = (error as NSError).userInfo[NSUnderlyingErrorKey] as? NSError
    description = (cause ?? error as NSError).localizedDescription
  }
}

/// The longest pieces of text that are taken from a file.
enum LineLimits {
  /// A line holds a record, whose content is at most 16 MiB and whose vector less than two.
  static let bytesMax = 64 << 20
}

/// Takes bytes, lines and blocks off a source.
final class ByteReader {
  private let source: any ByteSource
  private var buffer: [UInt8] = []
  private var position = 0
  private var isAtEnd = false

  init(_ source: any ByteSource) { self.source = source }

  /// Whether there are bytes in the buffer after this.
  private func fill() throws -> Bool {
    if position < buffer.count { return true }
    guard !isAtEnd else { return false }
    buffer = try source.next()
    position = 0
    isAtEnd = buffer.isEmpty
    return !isAtEnd
  }

  /// The next byte; nil at the end.
  func byte() throws -> UInt8? {
    guard try fill() else { return nil }
    position += 1
    return buffer[position - 1]
  }

  /// So many bytes; fewer at the end.
  func take(_ count: Int) throws -> [UInt8] {
    var out: [UInt8] = []
    // A count that a file declares is not believed: memory is taken as the bytes come.
    while out.count < count, try fill() {
      let part = min(count - out.count, buffer.count - position)
      out += buffer[position..<position + part]
      position += part
    }
    return out
  }

  /// The next line, without its end; nil after the last one.
  func line(of name: String) throws -> [UInt8]? {
    guard try fill() else { return nil }
    var out: [UInt8] = []
    while try fill() {
      let rest = buffer[position...]
      let end = rest.firstIndex(of: UInt8(ascii: "\n"))
      out += rest[..<(end ?? rest.endIndex)]
      position = end.map { $0 + 1 } ?? buffer.count
      guard out.count <= LineLimits.bytesMax else {
        throw StoreError(
          .tooLarge, found: "\(name) has a line of more than \(LineLimits.bytesMax) bytes",
          expected: "a line holds one record", remedy: "Check that it is a file of lines")
      }
      if end != nil { break }
    }
    if out.last == UInt8(ascii: "\r") { out.removeLast() }
    return out
  }

  /// All that is left.
  func rest(atMost count: Int, of name: String) throws -> [UInt8] {
    let bytes = try take(count + 1)
    guard bytes.count <= count else {
      throw StoreError(
        .tooLarge, found: "\(name) has more than \(count) bytes",
        expected: "it holds one value", remedy: "Check the path")
    }
    return bytes
  }
}

/// Bytes of which the first were looked at already.
private final class Peeked: ByteSource {
  private var first: [UInt8]
  private let source: any ByteSource

  init(_ first: [UInt8], _ source: any ByteSource) {
    self.first = first
    self.source = source
  }

  func next() throws -> [UInt8] {
    guard !first.isEmpty else { return try source.next() }
    defer { first = [] }
    return first
  }
}

/// A file that is read from its beginning to its end, unpacked where it is gzip.
final class InputFile {
  let bytes: FileBytes
  let reader: ByteReader
  /// Whether it is packed, so that its length says nothing of what it holds.
  let isPacked: Bool

  var name: String { bytes.name }
  /// The length of what is read; nil when nobody knows it before the end.
  var length: Int? { isPacked ? nil : bytes.length }
  /// The share that was read; nil when the length is not known.
  var fraction: Double? {
    bytes.length.map { $0 == 0 ? 1 : Double(bytes.consumed) / Double($0) }
  }

  init(path: String) throws {
    bytes = try FileBytes(path: path)
    var first: [UInt8] = []
    while first.count < 3 {
      let more = try bytes.next()
      guard !more.isEmpty else { break }
      first += more
    }
    // No file of the other formats begins with these three bytes.
    isPacked = first.starts(with: [0x1F, 0x8B, 0x08])
    let source = Peeked(first, bytes)
    reader = ByteReader(isPacked ? Gunzip(source, name: bytes.name) : source)
  }
}
