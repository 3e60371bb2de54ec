/// The rows that an index is built over.
package protocol RowSource {
  /// How many there are.
  var count: Int { get }

  /// Puts the numbers of some rows, one row behind the other, in place of what is in `numbers`.
  func read(_ rows: Range<Int>, into numbers: inout [Float]) throws
}
