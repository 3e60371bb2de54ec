/// A set of rows out of 0..<rowCount, one bit each.
@frozen package struct RowSet: Sendable, Equatable {
  /// How many rows there are, in the set or not.
  package let rowCount: Int

  // Row r is bit r mod 64 of word r / 64; bits beyond the last row are always zero.
  @usableFromInline var bits: [UInt64]

  /// The empty set of so many rows, or all of them.
  @inlinable package init(rowCount: Int, full: Bool = false) {
    precondition(rowCount >= 0 && rowCount <= 1 << 32)
    self.rowCount = rowCount
    bits = [UInt64](repeating: full ? .max : 0, count: (rowCount + 63) / 64)
    trim()
  }

  /// These rows of so many.
  @inlinable package init(rowCount: Int, _ rows: some Sequence<UInt32>) {
    self.init(rowCount: rowCount)
    for row in rows { insert(row) }
  }

  /// The set by words of 64 rows: row r is bit r mod 64 of word r / 64.
  @inlinable package var words: [UInt64] { bits }

  // MARK: Single rows

  /// Whether a row is in the set; one beyond the last never is.
  @inlinable @inline(__always)
  package func contains(_ row: UInt32) -> Bool {
    let word = Int(row >> 6)
    return word < bits.count && bits[word] &>> UInt64(row & 63) & 1 == 1
  }

  /// Adds a row, which must be one of the `rowCount`; says whether it was not there.
  @inlinable @discardableResult
  package mutating func insert(_ row: UInt32) -> Bool {
    precondition(Int(row) < rowCount)
    let mask: UInt64 = 1 &<< UInt64(row & 63)
    let isNew = bits[Int(row >> 6)] & mask == 0
    bits[Int(row >> 6)] |= mask
    return isNew
  }

  /// Adds rows, each of which must be one of the `rowCount`.
  @inlinable package mutating func insert(_ rows: ArraySlice<UInt32>) {
    for row in rows {
      precondition(Int(row) < rowCount)
      bits[Int(row >> 6)] |= 1 &<< UInt64(row & 63)
    }
  }

  /// Takes a row out; says whether it was there.
  @inlinable @discardableResult
  package mutating func remove(_ row: UInt32) -> Bool {
    guard contains(row) else { return false }
    bits[Int(row >> 6)] &= ~(1 &<< UInt64(row & 63))
    return true
  }

  // MARK: All rows

  /// How many rows are in the set.
  @inlinable package var count: Int {
    var sum = 0
    for word in bits { sum &+= word.nonzeroBitCount }
    return sum
  }

  @inlinable package var isEmpty: Bool { bits.allSatisfy { $0 == 0 } }

  /// Makes it the set of all rows, or of none.
  @inlinable package mutating func fill(_ isIn: Bool = true) {
    for word in bits.indices { bits[word] = isIn ? .max : 0 }
    trim()
  }

  /// Turns every row's being in the set around.
  @inlinable package mutating func complement() {
    for word in bits.indices { bits[word] = ~bits[word] }
    trim()
  }

  /// How many rows of the set come before this one: its place among them when it is one of them.
  @inlinable package func rank(of row: UInt32) -> Int {
    let word = Int(row >> 6)
    guard word < bits.count else { return count }
    var sum = 0
    for index in 0..<word { sum &+= bits[index].nonzeroBitCount }
    return sum + (bits[word] & (1 &<< UInt64(row & 63) &- 1)).nonzeroBitCount
  }

  // MARK: Two sets of the same rows

  /// Adds the rows of the other.
  @inlinable package mutating func formUnion(_ other: RowSet) {
    precondition(other.rowCount == rowCount)
    for word in bits.indices { bits[word] |= other.bits[word] }
  }

  /// Keeps the rows that are in the other too.
  @inlinable package mutating func formIntersection(_ other: RowSet) {
    precondition(other.rowCount == rowCount)
    for word in bits.indices { bits[word] &= other.bits[word] }
  }

  /// Takes the rows of the other out.
  @inlinable package mutating func subtract(_ other: RowSet) {
    precondition(other.rowCount == rowCount)
    for word in bits.indices { bits[word] &= ~other.bits[word] }
  }

  @inlinable package func union(_ other: RowSet) -> RowSet {
    var result = self
    result.formUnion(other)
    return result
  }

  @inlinable package func intersection(_ other: RowSet) -> RowSet {
    var result = self
    result.formIntersection(other)
    return result
  }

  @inlinable package func subtracting(_ other: RowSet) -> RowSet {
    var result = self
    result.subtract(other)
    return result
  }

  /// What the last word says of rows that are none is taken back.
  @inlinable mutating func trim() {
    guard rowCount % 64 > 0 else { return }
    bits[bits.count - 1] &= (1 &<< UInt64(rowCount % 64)) &- 1
  }
}

/// The rows of the set, from the lowest on.
extension RowSet: Sequence {
  /// A walk over the rows, word by word.
  @frozen package struct Iterator: IteratorProtocol {
    @usableFromInline let bits: [UInt64]
    @usableFromInline var index = 0
    @usableFromInline var rest: UInt64

    @inlinable init(_ bits: [UInt64]) {
      self.bits = bits
      rest = bits.first ?? 0
    }

    @inlinable package mutating func next() -> UInt32? {
      while rest == 0 {
        index += 1
        guard index < bits.count else { return nil }
        rest = bits[index]
      }
      let bit = rest.trailingZeroBitCount
      rest &= rest &- 1
      return UInt32(truncatingIfNeeded: index &<< 6 | bit)
    }
  }

  @inlinable package func makeIterator() -> Iterator { Iterator(bits) }

  @inlinable package var underestimatedCount: Int { 0 }
}
