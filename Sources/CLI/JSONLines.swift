import Foundation
import Roost

/// A file of records, one JSON object a line.
struct JSONLines {
  let path: String

  /// The records of the file; a line that is none is named with its number.
  func records() throws -> [Record] {
    let bytes: Data
    do {
      bytes =
        path == "-"
        ? FileHandle.standardInput.readDataToEndOfFile()
        : try Data(contentsOf: URL(fileURLWithPath: path))
    } catch {
      throw StoreError(
        .io, found: "\(path) cannot be read", expected: "a file of JSON Lines",
        remedy: "Check the path and its permissions", cause: error)
    }
    let newline = UInt8(ascii: "\n")
    return try bytes.split(separator: newline, omittingEmptySubsequences: false).enumerated()
      .compactMap { number, line in
        if line.allSatisfy({ $0 == 0x20 || $0 == 0x0D || $0 == 0x09 }) { return nil }
        do {
          return try Record(json: line)
        } catch let error as StoreError {
          throw StoreError(
            error.code, found: "line \(number + 1) of \(path): \(error.found)",
            expected: error.expected, remedy: error.remedy, cause: error)
        }
      }
  }
}
