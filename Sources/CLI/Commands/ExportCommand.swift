import Foundation
import Roost

/// `roost export`: the records of a collection as JSON Lines, its vectors as a NumPy file.
enum ExportCommand {
  static let manual = Command(
    name: "export", summary: "write the records of a collection as JSON Lines, or .npy",
    operands: [.store, .collection],
    options: [
      CommandOption(
        ["-o", "--output"], value: "FILE", isPath: true,
        "The file of lines; standard output without it."),
      CommandOption(
        ["--vectors"], value: "FILE", isPath: true,
        "Write the vectors into this .npy file, row by row as the lines, and leave them out of the"
          + " lines."),
      CommandOption(["--no-vectors"], "Leave the vectors out."),
      CommandOption(["--force"], "Replace files that are there."),
    ] + CommandOption.filters,
    about: [
      "Writes every record, or those that satisfy a filter, in the order of their ids, as the"
        + " collection is at the moment of the start. `roost import` reads what is written.",
      "A file is written under another name and renamed when it is whole, so that what has the"
        + " name is never a part.",
    ],
    examples: [
      ("roost export library.roost articles | gzip > articles.jsonl.gz", "All of it, packed:"),
      (
        "roost export library.roost articles -o articles.jsonl --vectors articles.npy",
        "The vectors apart:"
      ),
    ],
    afterInterrupt: "no file was written; run the same command again", run: run)

  /// Records that are read at once.
  private static let pageRows = 500

  private static func run(_ arguments: Arguments) throws -> Bool {
    let vectorsPath = arguments["--vectors"]
    guard vectorsPath == nil || !arguments.has("--no-vectors") else {
      throw Usage("--vectors and --no-vectors exclude each other")
    }
    let filter = try arguments.givenFilter()
    let store = try StoreDoor.reading(arguments.rest[0])
    let collection = try store.known(arguments.rest[1])
    // A store that only reads shows one state until it is refreshed, so the count holds.
    let total = try collection.count(where: filter)
    let force = arguments.has("--force")
    let lines = try OutputFile(arguments["--output"], force: force)
    let vectors = try vectorsPath.map { try OutputFile($0, force: force) }
    let projection = Projection(
      vector: !arguments.has("--no-vectors"), metadata: true, content: true)
    let display = ProgressDisplay("export", unit: "records", arguments)
    defer { display.end() }
    var done = 0
    do {
      try vectors?.write(NumPyHeader.bytes(rows: total, columns: collection.dimension))
      var cursor: ScrollCursor?
      repeat {
        try Task.checkCancellation()
        let page = try collection.scroll(
          after: cursor, limit: pageRows, where: filter, projection: projection)
        var text = ""
        var numbers: [UInt8] = []
        for var record in page.records {
          if vectors != nil {
            for number in record.vector ?? [] {
              let bits = number.bitPattern
              for byte in 0..<4 { numbers.append(UInt8(truncatingIfNeeded: bits >> (8 * byte))) }
            }
            record.vector = nil
          }
          text += record.json + "\n"
        }
        try lines.write(Array(text.utf8))
        try vectors?.write(numbers)
        done += page.records.count
        display.show(done, of: total)
        cursor = page.next
      } while cursor != nil
      guard done == total else {
        throw StoreError(
          .corrupted, found: "\(done) records were read", expected: "the store counted \(total)",
          remedy: "Look the store over with `roost check --full`")
      }
      // The vectors first: lines without their vectors would look like a whole export.
      try vectors?.finish()
      try lines.finish()
    } catch {
      lines.discard()
      vectors?.discard()
      throw error
    }
    display.end()
    try store.close()
    let text =
      arguments.wantsJSON
      ? Value.object(["records": .int(Int64(done))]).json
      : Figures.count(done, "record")
    if arguments["--output"] == nil {
      // Standard output has the records.
      if Terminal.isError { Terminal.say(text) }
    } else {
      try Terminal.print(text)
    }
    return true
  }
}

/// A file that gets its name when it is whole; or standard output.
private final class OutputFile {
  private let path: String?
  private let partial: String
  private let handle: FileHandle
  private var isOpen = true

  init(_ path: String?, force: Bool) throws {
    self.path = path
    guard let path else {
      partial = ""
      handle = .standardOutput
      return
    }
    guard force || !FileManager.default.fileExists(atPath: path) else {
      throw StoreError(
        .alreadyExists, found: "\(quoted(path)) is there",
        expected: "an export writes a new file", remedy: "Give another name, or --force")
    }
    partial = path + ".partial"
    let descriptor = unsafe open(partial, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else {
      throw StoreError(
        .io, found: "\(quoted(partial)) cannot be written",
        expected: "a directory that takes new files", remedy: "Check the path and its permissions",
        cause: PlainError(NSError(domain: NSPOSIXErrorDomain, code: Int(errno))))
    }
    handle = FileHandle(fileDescriptor: descriptor)
  }

  func write(_ bytes: [UInt8]) throws {
    guard path != nil else { return try Terminal.write(bytes) }
    do {
      try handle.write(contentsOf: Data(bytes))
    } catch {
      throw failure(error)
    }
  }

  /// Makes sure that all is on the disk, and gives the file its name.
  func finish() throws {
    guard let path else { return }
    do {
      try handle.synchronize()
      try handle.close()
      isOpen = false
    } catch {
      throw failure(error)
    }
    // Foundation's own move refuses to replace a file; the system's does both at once.
    guard unsafe rename(partial, path) == 0 else {
      throw failure(PlainError(NSError(domain: NSPOSIXErrorDomain, code: Int(errno))))
    }
  }

  /// Takes away what is not whole.
  func discard() {
    guard path != nil else { return }
    do {
      if isOpen { try handle.close() }
      try FileManager.default.removeItem(atPath: partial)
    } catch {
      // It has its name already, or stays as a file that says what it is.
    }
  }

  private func failure(_ error: any Error) -> StoreError {
    StoreError(
      .io, found: "\(quoted(path ?? "")) cannot be written", expected: "it takes what is exported",
      remedy: "Check where it leads, and whether there is room", cause: PlainError(error))
  }
}

/// The beginning of a NumPy file of 32-bit numbers.
enum NumPyHeader {
  static func bytes(rows: Int, columns: Int) -> [UInt8] {
    var text = "{'descr': '<f4', 'fortran_order': False, 'shape': (\(rows), \(columns)), }"
    // The numbers begin at a multiple of 64.
    text += String(repeating: " ", count: 63 - (10 + text.utf8.count) % 64) + "\n"
    let length = text.utf8.count
    return [0x93] + Array("NUMPY".utf8) + [1, 0, UInt8(length & 0xFF), UInt8(length >> 8)]
      + Array(text.utf8)
  }
}
