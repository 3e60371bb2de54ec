internal import RoostKernels

/// The sections of an image that are about codes, while they are written.
// Sendable: where a row is written nobody else writes or reads, and `begin` comes before the rows.
@safe struct CodedSections: @unchecked Sendable {
  let codes: UnsafeMutablePointer<UInt8>
  let squares: UnsafeMutablePointer<Float>
  let misses: UnsafeMutablePointer<Float>
  let nodes: UnsafeMutablePointer<UInt32>

  /// Writes what does not depend on rows: no row has a node yet.
  func begin(_ space: CodeSpace, rows: Int, _ memory: AlignedMemory, kept: Int) {
    for row in 0..<rows { unsafe nodes[row] = GraphView.none }
    for (place, index) in space.kept.enumerated() { memory.put(index, kept + 4 * place) }
  }

  /// Writes all that there is of a row at a node.
  func put(_ vector: UnsafePointer<Float>, of row: UInt32, at node: Int, _ space: CodeSpace) {
    unsafe nodes[Int(row)] = UInt32(node).littleEndian
    unsafe space.store(vector, into: codes + node * space.rowBytes) { bytes in
      let facts = unsafe space.facts(vector, bytes)
      unsafe squares[node] = facts.squares
      unsafe misses[node] = facts.miss
    }
  }
}

extension CodeSpace {
  /// Writes what stands for a vector as it is kept, and lends its codes one byte each, if there are
  /// any.
  func store(
    _ vector: UnsafePointer<Float>, into place: UnsafeMutablePointer<UInt8>,
    _ body: (UnsafePointer<UInt8>) -> Void
  ) {
    if width == .whole { return unsafe copy(vector, into: place) }
    unsafe withUnsafeTemporaryAllocation(of: UInt8.self, capacity: codeCount) { bytes in
      guard let start = bytes.baseAddress else { return }
      unsafe bytes.initialize(repeating: 0)
      unsafe encode(vector, width, into: start)
      if width == .four {
        unsafe Kernel.pack(start, codeCount, into: place)
      } else {
        unsafe place.update(from: start, count: codeCount)
      }
      unsafe body(start)
    }
  }
}

/// The rows of an index as their codes tell of them, for searches that look at all of some rows.
@safe package struct CodedRows {
  package let space: CodeSpace
  /// How many nodes there are, and how many rows the segment has.
  package let nodeCount, rowCount: Int
  let codes: CodeRows
  let squares: UnsafePointer<Float>
  let misses: UnsafePointer<Float>
  let lengths: UnsafePointer<Float>
  let nodes: UnsafePointer<UInt32>
  let rows: UnsafePointer<UInt32>

  /// Nodes are scored so many at a time.
  package static let portion = 4_096

  /// The node of a row; nil when it has none.
  @inline(__always)
  package func node(of row: UInt32) -> UInt32? {
    guard Int(row) < rowCount else { return nil }
    let node = UInt32(littleEndian: unsafe nodes[Int(row)])
    return Int(node) < nodeCount ? node : nil
  }

  /// The row of a node, which is below the count; nil when the image is damaged.
  @inline(__always)
  package func row(of node: Int) -> UInt32? {
    let row = UInt32(littleEndian: unsafe rows[node])
    return Int(row) < rowCount ? row : nil
  }

  /// One over the length of a node's vector.
  @inline(__always)
  package func inverseLength(of node: Int) -> Float { unsafe lengths[node] }

  /// Estimates nodes whose numbers stand from a place on, or those from a place on without numbers;
  /// the estimates go behind those that are there.
  package func estimate(
    _ query: BoundedQuery, _ numbers: [UInt32]?, from first: Int, count: Int,
    _ products: inout [Int32], into estimates: inout [Float]
  ) {
    if products.count < count { products = [Int32](repeating: 0, count: count) }
    unsafe query.bytes.withUnsafeBufferPointer { query in
      unsafe products.withUnsafeMutableBufferPointer { out in
        guard let query = query.baseAddress, let out = out.baseAddress else { return }
        guard let numbers else {
          let start = unsafe codes.base + first * codes.stride
          return unsafe multiply(query, start, nil, count, out)
        }
        unsafe numbers.withUnsafeBufferPointer { numbers in
          unsafe multiply(
            query, codes.base, numbers.baseAddress.map { unsafe $0 + first }, count, out)
        }
      }
    }
    estimates.reserveCapacity(estimates.count + count)
    if let numbers {
      for place in 0..<count {
        estimates.append(
          query.estimate(products[place], unsafe squares[Int(numbers[first + place])]))
      }
    } else {
      for place in 0..<count {
        estimates.append(query.estimate(products[place], unsafe squares[first + place]))
      }
    }
  }

  /// The products of a query in signed bytes with codes.
  private func multiply(
    _ query: UnsafePointer<UInt8>, _ start: UnsafePointer<UInt8>,
    _ numbers: UnsafePointer<UInt32>?, _ count: Int, _ out: UnsafeMutablePointer<Int32>
  ) {
    if codes.width == .four {
      unsafe Kernel.scoreFour(
        .dot, query, start, stride: codes.stride, numbers, count: count,
        dimension: codes.codeCount, into: out)
    } else {
      unsafe Kernel.scoreSeven(
        .dot, query, start, stride: codes.stride, numbers, count: count,
        dimension: codes.codeCount, into: out)
    }
  }

  /// The places of those nodes that may be within a limit.
  package func admitted(
    _ limit: BoundedLimit, _ numbers: [UInt32]?, from first: Int, _ estimates: [Float],
    into places: inout [UInt32]
  ) {
    places.removeAll(keepingCapacity: true)
    if let numbers {
      for place in estimates.indices
      where limit.admits(estimates[place], unsafe misses[Int(numbers[place])]) {
        places.append(UInt32(truncatingIfNeeded: place))
      }
    } else {
      for place in estimates.indices
      where limit.admits(estimates[place], unsafe misses[first + place]) {
        places.append(UInt32(truncatingIfNeeded: place))
      }
    }
  }
}
