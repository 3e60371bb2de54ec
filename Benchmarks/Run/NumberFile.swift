import Foundation

/// A table of numbers in a NumPy file (`.npy`), rows one behind the other.
///
/// Nothing in the file is trusted: what its header says must agree with how long it is.
struct NumberFile: Sendable {
  /// The types of numbers that are read.
  enum Kind: String, CaseIterable {
    case f16 = "<f2"
    case f32 = "<f4"
    case f64 = "<f8"
    case i32 = "<i4"
    case u8 = "|u1"

    var size: Int {
      switch self {
      case .u8: 1
      case .f16: 2
      case .f32, .i32: 4
      case .f64: 8
      }
    }
  }

  let kind: Kind
  let rows: Int
  /// 1 where the file holds a list.
  let columns: Int
  private let bytes: [UInt8]
  private let start: Int

  private static let most = 1 << 34

  init(path: String) throws {
    try self.init(bytes: [UInt8](Data(contentsOf: URL(fileURLWithPath: path))), of: path)
  }

  init(bytes: [UInt8], of name: String) throws {
    func refused(_ what: String) -> BenchFailure { BenchFailure("\(name): \(what)") }
    guard bytes.count >= 12, bytes.starts(with: [0x93] + Array("NUMPY".utf8)) else {
      throw refused("it does not begin as a NumPy file does")
    }
    // The first version has two bytes for the length of the header, the others four.
    let width = bytes[6] == 1 ? 2 : 4
    let length = (0..<width).reduce(0) { $0 | Int(bytes[8 + $1]) << (8 * $1) }
    let start = 8 + width + length
    guard (1...3).contains(bytes[6]), start <= bytes.count else {
      throw refused("its header is of another version, or cut off")
    }
    let header = String(decoding: bytes[(8 + width)..<start], as: UTF8.self)
    guard let kind = Kind.allCases.first(where: { header.contains("'descr': '\($0.rawValue)'") })
    else { throw refused("its numbers are none of \(Kind.allCases)") }
    guard header.contains("'fortran_order': False") else {
      throw refused("its rows do not lie one behind the other")
    }
    guard let open = header.firstIndex(of: "("),
      let close = header[open...].firstIndex(of: ")")
    else { throw refused("it has no shape") }
    let words = header[header.index(after: open)..<close].split(separator: ",")
    let shape = words.compactMap { Int($0.filter { $0 != " " }) }
    guard (1...2).contains(shape.count), shape.count == words.count,
      shape.allSatisfy({ (0...Self.most).contains($0) })
    else { throw refused("its shape is no list and no table") }
    let columns = shape.count == 2 ? shape[1] : 1
    let (count, isTooLarge) = shape[0].multipliedReportingOverflow(by: columns)
    guard !isTooLarge, count <= Self.most, bytes.count - start == count * kind.size else {
      throw refused("its header says \(shape), but \(bytes.count - start) bytes follow")
    }
    self.kind = kind
    rows = shape[0]
    self.columns = columns
    self.bytes = bytes
    self.start = start
  }

  private func bits(_ place: Int) -> UInt64 {
    let first = start + place * kind.size
    return (0..<kind.size).reduce(0) { $0 | UInt64(bytes[first + $1]) << UInt64(8 * $1) }
  }

  /// A number, whatever its type.
  func number(_ row: Int, _ column: Int = 0) -> Double {
    precondition(column < columns)
    let bits = bits(row * columns + column)
    return switch kind {
    case .u8: Double(bits)
    case .f16: Double(Float16(bitPattern: UInt16(truncatingIfNeeded: bits)))
    case .f32: Double(Float(bitPattern: UInt32(truncatingIfNeeded: bits)))
    case .i32: Double(Int32(truncatingIfNeeded: bits))
    case .f64: Double(bitPattern: bits)
    }
  }

  /// A row as a vector.
  func vector(_ row: Int) -> [Float] { (0..<columns).map { Float(number(row, $0)) } }

  /// A row of row numbers, each below `bound`.
  func rowNumbers(_ row: Int, below bound: Int) throws -> [Int] {
    try (0..<columns).map { column in
      let number = number(row, column)
      guard kind == .i32, number >= 0, number < Double(bound) else {
        throw BenchFailure("row \(row) names a row \(number) out of \(bound)")
      }
      return Int(number)
    }
  }
}
