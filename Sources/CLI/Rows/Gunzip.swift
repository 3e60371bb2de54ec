import Roost

// Unpacks gzip (RFC 1952) and the deflate in it (RFC 1951). It is written here because the house
// links no library for it and Foundation has none; only the command line needs it, and only to
// read. Nothing is trusted: every length, code and distance is checked, the window is the only
// memory, and each member must end with the checksum and length of what came out of it.

/// The bytes that a gzip file unpacks to.
final class Gunzip: ByteSource {
  /// Unpacked bytes are given out in portions of about this many.
  private static let portion = 128 << 10
  private static let windowMask = 32_767

  private enum State {
    case beforeMember
    case beforeBlock
    case stored(Int)
    case coded(literals: PrefixCode, distances: PrefixCode)
    case afterBlocks
    case end
  }

  private let name: String
  private let source: any ByteSource
  private var input: [UInt8] = []
  private var place = 0
  private var bits: UInt64 = 0
  private var bitCount = 0

  private var state = State.beforeMember
  private var isLastBlock = false
  private var isFirstMember = true
  private var window = [UInt8](repeating: 0, count: windowMask + 1)
  /// How many bytes of this member came out; the window holds the last of them.
  private var count = 0
  private var checksum = CRC32()
  private var output: [UInt8] = []

  init(_ source: any ByteSource, name: String) {
    self.source = source
    self.name = name
  }

  func next() throws -> [UInt8] {
    output.removeAll(keepingCapacity: true)
    output.reserveCapacity(Self.portion + 300)
    while output.count < Self.portion {
      switch state {
      case .beforeMember: try beginMember()
      case .beforeBlock: try beginBlock()
      case .stored(let rest): try copyStored(rest)
      case .coded(let literals, let distances): try decode(literals, distances)
      case .afterBlocks: try endMember()
      case .end: return output
      }
    }
    return output
  }

  private func damaged(_ what: String) -> StoreError {
    StoreError(
      .corrupted, found: "\(name): \(what) after \(count) unpacked bytes",
      expected: "whole gzip data", remedy: "Get the file again, or unpack it with gunzip to see")
  }

  // MARK: Bits

  private func inputByte() throws -> UInt8? {
    if place == input.count {
      input = try source.next()
      place = 0
      if input.isEmpty { return nil }
    }
    place += 1
    return input[place - 1]
  }

  /// Takes bits in, as long as there are any, until there are so many.
  private func fill(_ wanted: Int) throws {
    while bitCount < wanted, let byte = try inputByte() {
      bits |= UInt64(byte) << UInt64(bitCount)
      bitCount += 8
    }
  }

  private func take(_ wanted: Int) throws -> Int {
    try fill(wanted)
    guard bitCount >= wanted else { throw damaged("it ends in the middle") }
    let value = bits & ((1 << UInt64(wanted)) - 1)
    bits >>= UInt64(wanted)
    bitCount -= wanted
    return Int(value)
  }

  /// The next symbol of a code.
  private func symbol(_ code: PrefixCode) throws -> Int {
    try fill(code.longest)
    let entry = code.table[Int(bits & UInt64(code.table.count - 1))]
    let length = Int(entry & 15)
    guard length > 0 else { throw damaged("there is a code that stands for nothing") }
    guard length <= bitCount else { throw damaged("it ends in the middle") }
    bits >>= UInt64(length)
    bitCount -= length
    return Int(entry >> 4)
  }

  // MARK: Members

  private func beginMember() throws {
    try fill(8)
    if bitCount == 0 {
      guard !isFirstMember else { throw damaged("it is empty") }
      state = .end
      return
    }
    let magic = try take(8)
    // Tapes and some tools fill up the end with zeros.
    if !isFirstMember, magic == 0 {
      while let byte = try inputByte() {
        guard byte == 0 else { throw damaged("there is something behind its end") }
      }
      state = .end
      return
    }
    guard magic == 0x1F, try take(8) == 0x8B, try take(8) == 8 else {
      throw damaged("there is something behind its end")
    }
    let flags = try take(8)
    guard flags & 0xE0 == 0 else { throw damaged("it has flags that nobody knows") }
    for _ in 0..<6 { _ = try take(8) }
    if flags & 4 != 0 {
      let length = try take(16)
      for _ in 0..<length { _ = try take(8) }
    }
    // The name and the comment end with a zero byte.
    for flag in [8, 16] where flags & flag != 0 { while try take(8) != 0 {} }
    if flags & 2 != 0 { _ = try take(16) }
    isFirstMember = false
    count = 0
    checksum = CRC32()
    state = .beforeBlock
  }

  private func endMember() throws {
    // The rest of the last byte is nothing.
    _ = try take(bitCount % 8)
    let sum = try take(16) | take(16) << 16
    guard sum == Int(checksum.value) else { throw damaged("its checksum does not agree") }
    let length = try take(16) | take(16) << 16
    guard length == count & 0xFFFF_FFFF else { throw damaged("its length does not agree") }
    state = .beforeMember
  }

  // MARK: Blocks

  private func beginBlock() throws {
    guard !isLastBlock else {
      isLastBlock = false
      state = .afterBlocks
      return
    }
    isLastBlock = try take(1) == 1
    switch try take(2) {
    case 0:
      _ = try take(bitCount % 8)
      let length = try take(16)
      guard try take(16) == length ^ 0xFFFF else { throw damaged("a length is not confirmed") }
      state = .stored(length)
    case 1: state = .coded(literals: Self.fixedLiterals, distances: Self.fixedDistances)
    case 2: state = try readCodes()
    default: throw damaged("there is a block of no known kind")
    }
  }

  private func copyStored(_ rest: Int) throws {
    let part = min(rest, Self.portion)
    for _ in 0..<part { put(UInt8(truncatingIfNeeded: try take(8))) }
    state = rest == part ? .beforeBlock : .stored(rest - part)
  }

  private func put(_ byte: UInt8) {
    window[count & Self.windowMask] = byte
    count += 1
    checksum.add(byte)
    output.append(byte)
  }

  private func decode(_ literals: PrefixCode, _ distances: PrefixCode) throws {
    while output.count < Self.portion {
      let symbol = try symbol(literals)
      if symbol < 256 {
        put(UInt8(symbol))
        continue
      }
      guard symbol > 256 else {
        state = .beforeBlock
        return
      }
      guard symbol < 286 else { throw damaged("there is a length of no known kind") }
      let lengths = Self.lengths[symbol - 257]
      let length = lengths.base + (try take(lengths.extra))
      let code = try self.symbol(distances)
      guard code < 30 else { throw damaged("there is a distance of no known kind") }
      let distance = Self.distances[code].base + (try take(Self.distances[code].extra))
      guard distance <= count else { throw damaged("there is a distance to before the start") }
      for _ in 0..<length { put(window[(count - distance) & Self.windowMask]) }
    }
  }

  /// The codes that a block brings with it.
  private func readCodes() throws -> State {
    let literalCount = try take(5) + 257
    let distanceCount = try take(5) + 1
    let lengthCount = try take(4) + 4
    guard literalCount <= 286, distanceCount <= 30 else { throw damaged("a code is too large") }
    let order = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15]
    var lengths = [UInt8](repeating: 0, count: 19)
    for place in order.prefix(lengthCount) { lengths[place] = UInt8(try take(3)) }
    guard let code = PrefixCode(lengths[...], mayBeIncomplete: false) else {
      throw damaged("a code is no code")
    }
    var all: [UInt8] = []
    while all.count < literalCount + distanceCount {
      let symbol = try symbol(code)
      switch symbol {
      case 0..<16: all.append(UInt8(symbol))
      case 16:
        guard let last = all.last else { throw damaged("nothing is there to repeat") }
        all += repeatElement(last, count: try take(2) + 3)
      case 17: all += repeatElement(0, count: try take(3) + 3)
      default: all += repeatElement(0, count: try take(7) + 11)
      }
    }
    guard all.count == literalCount + distanceCount, all[256] > 0,
      let literals = PrefixCode(all[..<literalCount], mayBeIncomplete: true),
      let distances = PrefixCode(all[literalCount...], mayBeIncomplete: true)
    else { throw damaged("a code is no code") }
    return .coded(literals: literals, distances: distances)
  }

  // MARK: Tables

  private static let lengths =
    spans(
      base: 3, extras: [0, 0, 0, 0, 0, 0, 0, 0] + (1...5).flatMap { [$0, $0, $0, $0] }) + [(258, 0)]

  private static let distances = spans(
    base: 1, extras: [0, 0] + (0...13).flatMap { [$0, $0] })

  /// Spans of numbers, each beginning where the one before it ends.
  private static func spans(base: Int, extras: [Int]) -> [(base: Int, extra: Int)] {
    var base = base
    return extras.map { extra in
      defer { base += 1 << extra }
      return (base, extra)
    }
  }

  private static let fixedLiterals = fixed(
    (0..<288).map { $0 < 144 ? 8 : $0 < 256 ? 9 : $0 < 280 ? 7 : 8 })
  private static let fixedDistances = fixed([UInt8](repeating: 5, count: 32))

  private static func fixed(_ lengths: [UInt8]) -> PrefixCode {
    guard let code = PrefixCode(lengths[...], mayBeIncomplete: false) else {
      preconditionFailure("the fixed codes of RFC 1951 are codes")
    }
    return code
  }
}

/// A code whose symbols are found by looking up the next bits.
struct PrefixCode {
  /// By the next bits: the symbol times 16, and how many of the bits are its; 0 for none.
  let table: [UInt16]
  /// How many bits the longest symbol has.
  let longest: Int

  /// The code whose symbols have these lengths, 0 for those that are not in it; nil when there is
  /// none.
  init?(_ lengths: ArraySlice<UInt8>, mayBeIncomplete: Bool) {
    var counts = [Int](repeating: 0, count: 16)
    for length in lengths { counts[Int(length)] += 1 }
    let used = lengths.count - counts[0]
    counts[0] = 0
    longest = max(1, counts.lastIndex { $0 > 0 } ?? 0)
    var first = [Int](repeating: 0, count: 16)
    var code = 0
    for length in 1..<16 {
      code = (code + counts[length - 1]) << 1
      first[length] = code
      // More symbols than there is room for.
      guard code + counts[length] <= 1 << length else { return nil }
    }
    let isComplete = code + counts[15] == 1 << 15
    // Only a code of no or one symbol may leave room, as one of a block without distances does.
    guard isComplete || mayBeIncomplete && used <= 1 else { return nil }
    var table = [UInt16](repeating: 0, count: 1 << longest)
    for (symbol, length) in lengths.enumerated() where length > 0 {
      let length = Int(length)
      let code = first[length]
      first[length] += 1
      // The bits of a code come with the first one lowest.
      var reversed = 0
      for bit in 0..<length where code & (1 << bit) != 0 { reversed |= 1 << (length - 1 - bit) }
      let entry = UInt16(symbol << 4 | length)
      for place in stride(from: reversed, to: table.count, by: 1 << length) {
        table[place] = entry
      }
    }
    self.table = table
  }
}

/// The checksum of gzip.
struct CRC32 {
  private var state: UInt32 = 0xFFFF_FFFF

  var value: UInt32 { ~state }

  mutating func add(_ byte: UInt8) {
    state = Self.table[Int(UInt8(truncatingIfNeeded: state) ^ byte)] ^ (state >> 8)
  }

  private static let table: [UInt32] = (0..<256).map { number in
    (0..<8).reduce(UInt32(number)) { value, _ in
      value & 1 == 1 ? 0xEDB8_8320 ^ (value >> 1) : value >> 1
    }
  }
}
