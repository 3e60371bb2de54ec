import Roost

/// Rows of numbers in a file: NumPy's `.npy`, or `.fvecs`, `.bvecs` and `.ivecs`.
///
/// Nothing in the file is trusted: what it declares must agree with how long it is. Where that is
/// known before the end, it is checked before the first row is given out.
final class NumberRows {
  /// The types of numbers that are read.
  enum Kind: String, CaseIterable {
    case f16 = "<f2"
    case f32 = "<f4"
    case f64 = "<f8"
    case i8 = "|i1"
    case u8 = "|u1"
    case i32 = "<i4"
    case i64 = "<i8"

    var size: Int {
      switch self {
      case .i8, .u8: 1
      case .f16: 2
      case .f32, .i32: 4
      case .f64, .i64: 8
      }
    }
  }

  /// A header of NumPy has some hundred bytes.
  private static let headerBytesMax = 64 << 10
  /// More rows than any disk holds; beyond it a number of rows is damage.
  private static let rowsMax = 1 << 40

  let file: InputFile
  let kind: Kind
  /// How many numbers a row has.
  let dimension: Int
  /// How many rows there are; nil when only the end tells.
  let rows: Int?
  /// How many rows were read.
  private(set) var place = 0
  /// Whether each row begins with its length, as in the `vecs` formats.
  private let hasLengths: Bool
  /// The first row, whose length was needed before it was asked for.
  private var first: [UInt8]?

  private var name: String { file.name }

  /// Opens a file whose format is told by its name, or by `format`.
  convenience init(path: String, format: String? = nil) throws {
    let format = format ?? RowFormat(path: path)?.rawValue ?? ""
    try self.init(InputFile(path: path), format: RowFormat(rawValue: format) ?? .npy)
  }

  init(_ file: InputFile, format: RowFormat) throws {
    self.file = file
    switch format {
    case .fvecs: kind = .f32
    case .bvecs: kind = .u8
    case .ivecs: kind = .i32
    default:
      let header = try Self.header(of: file)
      hasLengths = false
      kind = header.kind
      dimension = header.columns
      rows = header.rows
      if let length = file.length, length != header.end + header.bytes {
        throw Self.refusal(
          file,
          "its header declares \(header.rows) rows of \(header.columns) numbers,"
            + " \(header.bytes) bytes, and \(length - header.end) follow",
          "a file is as long as its header says")
      }
      return
    }
    hasLengths = true
    let start = try file.reader.take(4)
    guard !start.isEmpty else {
      throw Self.refusal(file, "it is empty", "at least one row")
    }
    let count = Self.length(start)
    guard start.count == 4, (1...Limits.dimensionMax).contains(count) else {
      throw Self.refusal(
        file, "its first row declares \(start.count == 4 ? "\(count)" : "no") numbers",
        "a row has 1 to \(Limits.dimensionMax)")
    }
    dimension = count
    first = try file.reader.take(count * kind.size)
    let rowBytes = 4 + count * kind.size
    if let length = file.length {
      guard length.isMultiple(of: rowBytes) else {
        throw Self.refusal(
          file, "it has \(length) bytes, and its first row takes \(rowBytes)",
          "whole rows of one length")
      }
      rows = length / rowBytes
    } else {
      rows = nil
    }
  }

  private static func refusal(
    _ file: InputFile, _ found: String, _ expected: String,
    _ remedy: String = "Check that the file is whole and of the format that its name says"
  ) -> StoreError {
    StoreError(
      .invalidArgument, found: "\(file.name): \(found)", expected: expected, remedy: remedy)
  }

  private static func length(_ bytes: [UInt8]) -> Int {
    Int(
      Int32(
        truncatingIfNeeded: bytes.prefix(4).enumerated().reduce(0) { $0 | Int($1.1) << (8 * $1.0) })
    )
  }

  // MARK: NumPy's header

  private struct Header {
    var kind: Kind
    var rows: Int
    var columns: Int
    /// Where the numbers begin.
    var end: Int
    var bytes: Int
  }

  private static func header(of file: InputFile) throws -> Header {
    let start = try file.reader.take(8)
    guard start.count == 8, start.starts(with: [0x93] + Array("NUMPY".utf8)) else {
      throw refusal(file, "it does not begin as a NumPy file does", "a .npy file")
    }
    // The first version has two bytes for the length of the header, the others four.
    let width = start[6] == 1 ? 2 : 4
    let lengthBytes = try file.reader.take(width)
    let length = lengthBytes.enumerated().reduce(0) { $0 | Int($1.1) << (8 * $1.0) }
    guard (1...3).contains(start[6]), lengthBytes.count == width, length <= headerBytesMax else {
      throw refusal(
        file, "its header is of version \(start[6]) and declares \(length) bytes",
        "version 1 to 3 and at most \(headerBytesMax) bytes")
    }
    let bytes = try file.reader.take(length)
    guard bytes.count == length, let text = String(validating: bytes, as: UTF8.self) else {
      throw refusal(file, "its header ends early or is no text", "a whole header")
    }
    let word = text.split(separator: "'descr':").dropFirst().first?
      .split(separator: "'").dropFirst().first.map(String.init)
    guard let kind = Kind.allCases.first(where: { $0.rawValue == word }) else {
      throw refusal(
        file, "its numbers are \(quoted(word ?? "not named"))",
        "one of " + Kind.allCases.map(\.rawValue).joined(separator: ", "),
        "Convert it with astype, little-endian")
    }
    guard text.contains("'fortran_order': False") else {
      throw refusal(
        file, "its rows do not lie one behind the other", "fortran_order False",
        "Save it with numpy.ascontiguousarray")
    }
    guard let open = text.firstIndex(of: "("), let close = text[open...].firstIndex(of: ")") else {
      throw refusal(file, "its header has no shape", "the shape (rows, numbers)")
    }
    let words = text[text.index(after: open)..<close].split(separator: ",")
      .map { $0.filter { $0 != " " } }.filter { !$0.isEmpty }
    let shape = words.compactMap { Int($0) }
    guard shape.count == 2, words.count == 2, (0...rowsMax).contains(shape[0]),
      (1...Limits.dimensionMax).contains(shape[1])
    else {
      throw refusal(
        file, "its shape is (\(words.joined(separator: ", ")))",
        "rows of 1 to \(Limits.dimensionMax) numbers", "Save it with reshape(rows, numbers)")
    }
    return Header(
      kind: kind, rows: shape[0], columns: shape[1], end: 8 + width + length,
      bytes: shape[0] * shape[1] * kind.size)
  }

  // MARK: Rows

  /// Throws when the rows do not fit a collection.
  func check(dimension wanted: Int, of collection: String) throws {
    guard dimension != wanted else { return }
    throw StoreError(
      .dimensionMismatch, found: "\(name) has rows of \(dimension) numbers",
      expected: "collection \(quoted(collection)) holds \(wanted)",
      remedy: "Embed with the collection's model, or name another collection")
  }

  /// The bytes of the next row; nil after the last one.
  private func nextBytes() throws -> [UInt8]? {
    let size = dimension * kind.size
    if let rows, place == rows {
      guard try file.reader.byte() == nil else {
        throw Self.refusal(
          file, "there is more behind its \(rows) rows", "a file is as long as its header says")
      }
      return nil
    }
    if hasLengths, first == nil {
      let start = try file.reader.take(4)
      if start.isEmpty { return nil }
      let count = Self.length(start)
      guard start.count == 4, count == dimension else {
        throw Self.refusal(
          file, "row \(place) declares \(start.count == 4 ? "\(count)" : "no") numbers",
          "every row has \(dimension), as the first one")
      }
    }
    let bytes = try first ?? file.reader.take(size)
    first = nil
    guard bytes.count == size else {
      throw Self.refusal(
        file, "it ends in row \(place)",
        rows.map { "the \($0) rows that its header declares" } ?? "whole rows")
    }
    place += 1
    return bytes
  }

  /// The next row; nil after the last one.
  func next() throws -> [Float]? {
    guard let bytes = try nextBytes() else { return nil }
    var vector: [Float] = []
    vector.reserveCapacity(dimension)
    for column in 0..<dimension {
      let number = number(bytes, column)
      guard number.isFinite else {
        throw Self.refusal(
          file, "number \(column) of row \(place - 1) is \(number)", "finite 32-bit numbers",
          "Mend the row, or leave it out")
      }
      vector.append(number)
    }
    return vector
  }

  /// The next row of whole numbers; nil after the last one.
  func nextWhole() throws -> [Int64]? {
    guard kind == .i32 || kind == .i64 else {
      throw Self.refusal(
        file, "its numbers are \(kind.rawValue)", "row numbers are <i4 or <i8",
        "Convert it with astype('<i4')")
    }
    guard let bytes = try nextBytes() else { return nil }
    return (0..<dimension).map { column in
      let bits = bits(bytes, column)
      return kind == .i32
        ? Int64(Int32(truncatingIfNeeded: bits)) : Int64(bitPattern: bits)
    }
  }

  private func bits(_ bytes: [UInt8], _ column: Int) -> UInt64 {
    let start = column * kind.size
    if kind.size == 4 {
      // Most files have these, and the loop below takes several times as long.
      let low = UInt64(bytes[start]) | UInt64(bytes[start + 1]) << 8
      let high = UInt64(bytes[start + 2]) | UInt64(bytes[start + 3]) << 8
      return low | high << 16
    }
    var bits: UInt64 = 0
    for byte in 0..<kind.size { bits |= UInt64(bytes[start + byte]) << UInt64(8 * byte) }
    return bits
  }

  private func number(_ bytes: [UInt8], _ column: Int) -> Float {
    let bits = bits(bytes, column)
    return switch kind {
    case .u8: Float(bits)
    case .i8: Float(Int8(truncatingIfNeeded: bits))
    case .f16: HalfPrecision.float(UInt16(truncatingIfNeeded: bits))
    case .f32: Float(bitPattern: UInt32(truncatingIfNeeded: bits))
    case .i32: Float(Int32(truncatingIfNeeded: bits))
    case .f64: Float(Double(bitPattern: bits))
    case .i64: Float(Int64(bitPattern: bits))
    }
  }
}

/// IEEE half precision, which not every machine's Swift has as a type.
enum HalfPrecision {
  static func float(_ bits: UInt16) -> Float {
    let sign = UInt32(bits & 0x8000) << 16
    let exponent = UInt32(bits >> 10) & 31
    let fraction = UInt32(bits & 0x3FF)
    if exponent == 31 { return Float(bitPattern: sign | 0x7F80_0000 | fraction << 13) }
    if exponent > 0 { return Float(bitPattern: sign | (exponent + 112) << 23 | fraction << 13) }
    // Below the smallest normal number there are multiples of 2^-24.
    let size = Float(fraction) / 16_777_216
    return sign == 0 ? size : -size
  }
}

/// The formats that rows are read from.
enum RowFormat: String, CaseIterable {
  case jsonl, csv, npy, fvecs, bvecs, ivecs

  /// The format that a name says; nil when it says none.
  init?(path: String) {
    var name = path.lowercased()
    if name.hasSuffix(".gz") { name.removeLast(3) }
    switch name.split(separator: ".").last.map(String.init) {
    case "ndjson", "json": self = .jsonl
    case let ending?:
      guard let format = Self(rawValue: ending), name.contains(".") else { return nil }
      self = format
    case nil: return nil
    }
  }

  /// Whether its rows are vectors and nothing else.
  var isNumbers: Bool { self != .jsonl && self != .csv }
}
