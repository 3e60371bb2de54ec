internal import RoostContract
internal import RoostFiles
internal import RoostKernels
internal import RoostStorage

// Rows that are in no segment yet. One thread writes, any number read without a lock: what a reader
// gets is a `MemView`, whose runs never change; which of the rows are dead, and where an id is, is
// in words that are set atomically and only ever gain meaning.

/// A record in memory.
final class MemRow: Sendable {
  let record: StoredRecord
  /// The hash of its id.
  let hash: UInt64
  /// The length of its vector, or a little more, and one over it.
  let length: Double
  let inverseLength: Float

  init(_ record: StoredRecord) {
    self.record = record
    hash = Self.hash(record.id)
    var squares: Float = 0
    unsafe record.vector.withUnsafeBufferPointer { vector in
      guard let base = vector.baseAddress else { return }
      squares = unsafe Kernel.squares(base, vector.count)
    }
    length = Double(squares.squareRoot()) * 1.01
    inverseLength = squares > 0 ? 1 / squares.squareRoot() : 0
  }

  static func hash(_ id: String) -> UInt64 {
    var id = id
    return id.withUTF8 { unsafe Checksum.hash64(UnsafeRawBufferPointer($0), seed: 0x1D) }
  }

  /// About how much memory it takes.
  var size: Int {
    160 + record.id.utf8.count + record.vector.count * 4 + record.metadata.count * 80
      + (record.content?.utf8.count ?? 0)
  }
}

/// Rows that came one after the other; they never change.
struct MemRun: Sendable {
  /// The number of its first row.
  let start: Int
  let rows: [MemRow]

  var end: Int { start + rows.count }
}

/// Where ids are among the rows, and which rows are dead.
///
/// It has a fixed size. When it is full the writer makes a larger one, and readers keep the old
/// one, which knows all that they may see.
final class MemIndex: Sendable {
  /// How many rows it can tell apart.
  let capacity: Int
  /// For each id seen, 32 bits of its hash and its newest row plus one; zero is free.
  private let slots: AtomicWords
  /// For each row the row before it of the same id, plus one.
  private let older: AtomicWords
  /// For each row the LSN that ended it; zero while it lives.
  let deaths: AtomicWords

  init(capacity: Int) {
    self.capacity = capacity
    slots = AtomicWords(count: capacity * 2)
    older = AtomicWords(count: capacity)
    deaths = AtomicWords(count: capacity)
  }

  private func tag(_ hash: UInt64) -> UInt64 { hash & ~0xFFFF_FFFF }

  /// The newest row below `limit` whose id is right, as `isRight` says.
  func newest(_ hash: UInt64, below limit: Int, isRight: (Int) -> Bool) -> Int? {
    var slot = Int(truncatingIfNeeded: hash) & (slots.count - 1)
    while true {
      let word = slots.load(slot)
      if word == 0 { return nil }
      if word & ~0xFFFF_FFFF == tag(hash) {
        var row = Int(word & 0xFFFF_FFFF) - 1
        // Rows past the limit came after the reader's view.
        while row >= limit { row = Int(older.load(row)) - 1 }
        if row >= 0, isRight(row) { return row }
      }
      slot = (slot + 1) & (slots.count - 1)
    }
  }

  /// Makes `row` the newest of its id; only the writer calls this.
  func add(_ row: Int, hash: UInt64, isSameID: (Int) -> Bool) {
    var slot = Int(truncatingIfNeeded: hash) & (slots.count - 1)
    while true {
      let word = slots.load(slot)
      if word == 0 { break }
      if word & ~0xFFFF_FFFF == tag(hash) {
        let head = Int(word & 0xFFFF_FFFF) - 1
        if isSameID(head) {
          older.store(row, UInt64(head + 1))
          break
        }
      }
      slot = (slot + 1) & (slots.count - 1)
    }
    slots.store(slot, tag(hash) | UInt64(row + 1))
  }
}

/// The rows of a memory table as a reader sees them.
struct MemView: Sendable {
  let runs: [MemRun]
  let count: Int
  let index: MemIndex

  /// The row of this number.
  func row(_ number: Int) -> MemRow {
    var low = 0
    var high = runs.count - 1
    while low < high {
      let middle = (low + high + 1) / 2
      if runs[middle].start <= number { low = middle } else { high = middle - 1 }
    }
    return runs[low].rows[number - runs[low].start]
  }

  /// Whether a row lives at `lsn`.
  func isAlive(_ row: Int, at lsn: UInt64) -> Bool {
    let death = index.deaths.load(row)
    return death == 0 || death > lsn
  }

  /// The living row of an id at `lsn`.
  func row(of id: String, hash: UInt64, at lsn: UInt64) -> Int? {
    guard count > 0 else { return nil }
    let found = index.newest(hash, below: count) { Bytewise.equal(row($0).record.id, id) }
    return found.flatMap { isAlive($0, at: lsn) ? $0 : nil }
  }

  /// Calls `body` with each row that lives at `lsn`, in the order in which they came.
  func forEachAlive(at lsn: UInt64, _ body: (Int, MemRow) throws -> Void) rethrows {
    for run in runs {
      for (place, row) in run.rows.enumerated() where isAlive(run.start + place, at: lsn) {
        try body(run.start + place, row)
      }
    }
  }
}

/// The memory table of a collection as its writer sees it.
struct MemTable {
  private(set) var runs: [MemRun] = []
  private(set) var count = 0
  /// About how much memory the rows take.
  private(set) var size = 0
  private(set) var index = MemIndex(capacity: 64)
  /// Rows that came since the last view.
  private var open: [MemRow] = []

  private func row(_ number: Int) -> MemRow {
    let start = count - open.count
    return number >= start
      ? open[number - start] : MemView(runs: runs, count: start, index: index).row(number)
  }

  /// The id of a row.
  func id(of row: Int) -> String { self.row(row).record.id }

  /// The row of this id that lives now.
  func find(_ id: String, hash: UInt64) -> Int? {
    let found = index.newest(hash, below: count) { Bytewise.equal(row($0).record.id, id) }
    return found.flatMap { index.deaths.load($0) == 0 ? $0 : nil }
  }

  /// Ends a row.
  func kill(_ row: Int, at lsn: UInt64) { index.deaths.store(row, lsn) }

  /// Adds a row; the one that it replaces has been ended.
  mutating func add(_ row: MemRow) {
    if count == index.capacity { grow() }
    open.append(row)
    count += 1
    size += row.size
    index.add(count - 1, hash: row.hash) { Bytewise.equal(self.row($0).record.id, row.record.id) }
  }

  private mutating func grow() {
    let old = index
    index = MemIndex(capacity: old.capacity * 2)
    let count = count
    for number in 0..<count {
      let row = row(number)
      index.deaths.store(number, old.deaths.load(number))
      index.add(number, hash: row.hash) { Bytewise.equal(self.row($0).record.id, row.record.id) }
    }
  }

  /// What readers may see from now on.
  ///
  /// Each run is at least twice as long as the one after it, so that there are few, and a row is
  /// moved seldom.
  mutating func view() -> MemView {
    if !open.isEmpty {
      var rows = open
      open = []
      while let last = runs.last, last.rows.count < rows.count * 2 {
        rows = last.rows + rows
        runs.removeLast()
      }
      runs.append(MemRun(start: count - rows.count, rows: rows))
    }
    return MemView(runs: runs, count: count, index: index)
  }
}
