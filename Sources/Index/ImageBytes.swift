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

  /// Makes sure that bytes which say nothing are 0.
  func checkZeros(_ range: Range<Int>) throws(IndexDefect) {
    for offset in range where get(UInt8.self, offset) != 0 { throw IndexDefect(offset: offset) }
  }

  /// Reads the dimensions that have codes, which rise, into a space that knows how many there are.
  func keeping(_ space: CodeSpace, at start: Int) throws(IndexDefect) -> CodeSpace {
    var kept: [UInt32] = []
    for place in space.kept.indices {
      let index = get(UInt32.self, start + 4 * place)
      guard index < UInt32(space.dimension), kept.last.map({ $0 < index }) ?? true else {
        throw IndexDefect(offset: start + 4 * place)
      }
      kept.append(index)
    }
    return space.keeping(kept)
  }

  /// Makes sure that every node has a row of its own, which has that node, and that no other row
  /// has a node: so no row is found twice, and none that is there is passed over.
  func checkRows(
    _ rows: Int, at rowStart: Int, _ nodes: Int, at nodeStart: Int
  ) throws(IndexDefect) {
    for node in 0..<nodes {
      let row = Int(get(UInt32.self, rowStart + 4 * node))
      guard row < rows, get(UInt32.self, nodeStart + 4 * row) == UInt32(node) else {
        throw IndexDefect(offset: rowStart + 4 * node)
      }
    }
    // As many rows as nodes are accounted for, so that a further one makes too many.
    var count = 0
    for row in 0..<rows where get(UInt32.self, nodeStart + 4 * row) != GraphView.none {
      count += 1
      guard count <= nodes else { throw IndexDefect(offset: nodeStart + 4 * row) }
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
