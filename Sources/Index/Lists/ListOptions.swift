/// What lists are built by.
package struct ListOptions: Sendable, Equatable {
  /// How many there are; nil when the number of rows decides.
  package var lists: Int?
  package var seed: UInt64
  /// What stands for rows; nil when what suits them does.
  package var coding: RowCoding?

  package init(lists: Int? = nil, seed: UInt64 = 1, coding: RowCoding? = nil) {
    self.coding = coding
    self.lists = lists
    self.seed = seed
  }

  /// How many lists there are of so many rows: never more than rows.
  ///
  /// Twice the square root costs about as much for the middles as for the rows that are looked at.
  func count(of rows: Int) -> Int {
    max(1, min(rows, lists ?? Int(Double(rows).squareRoot() * 2)))
  }
}
