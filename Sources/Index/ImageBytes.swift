// How the numbers of images are written and read: little-endian, sections on cache lines.

/// Lays sections one behind the other, each on a boundary of 64 bytes.
struct ImageSections {
  private var next: Int
  /// Whether all of it can be in a memory.
  private(set) var isSound = true

  init(after header: Int) { next = header }

  /// Where the last section ends, filled up.
  var end: Int { (next + 63) / 64 * 64 }

  /// The place of a section of so many entries.
  mutating func add(_ count: Int, _ size: Int) -> Int {
    let start = end
    let (bytes, isOver) = count.multipliedReportingOverflow(by: size)
    let (sum, isBeyond) = start.addingReportingOverflow(isOver ? 0 : bytes)
    isSound = isSound && count >= 0 && !isOver && !isBeyond && sum < 1 << 46
    next = isSound ? sum : 0
    return start
  }
}

extension AlignedMemory {
  /// Writes a number at an offset, which is within the memory.
  func put<T: FixedWidthInteger>(_ value: T, _ offset: Int) {
    unsafe base.storeBytes(of: value.littleEndian, toByteOffset: offset, as: T.self)
  }

  /// Writes the points of a recall curve from an offset on.
  func put(_ points: [RecallPoint], at start: Int) {
    var offset = start
    func put(_ bits: UInt64) {
      self.put(bits, offset)
      offset += 8
    }
    for point in points {
      put(UInt64(point.effort))
      for column in RecallCurve.limits.indices {
        put(point.means[column].bitPattern)
        put(point.errors[column].bitPattern)
      }
    }
  }
}

extension IndexBytes {
  /// Reads a number at an offset, which is within the bytes.
  func get<T: FixedWidthInteger>(_ type: T.Type, _ offset: Int) -> T {
    T(littleEndian: unsafe base.loadUnaligned(fromByteOffset: offset, as: type))
  }

  /// Reads a range of codes.
  func range(_ offset: Int) throws(IndexDefect) -> ClosedRange<Float> {
    let low = Float(bitPattern: get(UInt32.self, offset))
    let high = Float(bitPattern: get(UInt32.self, offset + 4))
    guard low.isFinite, high.isFinite, low < high, (high - low).isFinite else {
      throw IndexDefect(offset: offset)
    }
    return low...high
  }

  /// Reads the points of a recall curve.
  func curve(_ count: Int, at start: Int) throws(IndexDefect) -> RecallCurve {
    var points: [RecallPoint] = []
    for number in 0..<count {
      var offset = start + number * RecallPoint.size
      func next() -> UInt64 {
        defer { offset += 8 }
        return get(UInt64.self, offset)
      }
      var point = RecallPoint(effort: Int(truncatingIfNeeded: next()), means: [], errors: [])
      for _ in RecallCurve.limits {
        point.means.append(Double(bitPattern: next()))
        point.errors.append(Double(bitPattern: next()))
      }
      guard (1...1 << 31).contains(point.effort),
        (point.means + point.errors).allSatisfy({ (0...1).contains($0) })
      else { throw IndexDefect(offset: offset) }
      points.append(point)
    }
    return RecallCurve(points: points)
  }

  /// Reads the dimensions that have codes, which rise.
  func kept(_ count: Int, below dimension: Int, at start: Int) throws(IndexDefect) -> [UInt32] {
    var kept: [UInt32] = []
    for place in 0..<count {
      let index = get(UInt32.self, start + 4 * place)
      guard index < UInt32(dimension), kept.last.map({ $0 < index }) ?? true else {
        throw IndexDefect(offset: start + 4 * place)
      }
      kept.append(index)
    }
    return kept
  }

  /// Makes sure that every row has a node that there is, or none.
  func checkNodes(_ rows: Int, below nodes: Int, at start: Int) throws(IndexDefect) {
    for row in 0..<rows {
      let node = get(UInt32.self, start + 4 * row)
      guard node < UInt32(nodes) || node == GraphView.none else {
        throw IndexDefect(offset: start + 4 * row)
      }
    }
  }

  /// The numbers of a section.
  func section<T: BitwiseCopyable>(_ offset: Int, _ type: T.Type) -> UnsafePointer<T> {
    unsafe (base + offset).assumingMemoryBound(to: type)
  }
}

extension RecallPoint {
  /// Its bytes in an image: the effort, then mean and error for each limit.
  static let size = 8 + RecallCurve.limits.count * 16
}
