// The meaning of distance and order, in double precision. Kernels are faster and are compared with
// this; nothing else in the contract depends on how a distance is computed.

extension Metric {
  /// The distance of two vectors of one length, in double precision.
  ///
  /// Under cosine a vector of zeros has no direction: its distance is NaN.
  public func distance(_ a: [Float], _ b: [Float]) -> Double {
    switch self {
    case .l2:
      return OrderedSum.of(a, b) { x, y in (x - y) * (x - y) }.squareRoot()
    case .innerProduct: return -OrderedSum.of(a, b) { $0 * $1 }
    case .cosine:
      return cosineDistance(
        product: OrderedSum.of(a, b) { $0 * $1 }, squaresA: OrderedSum.of(a, a) { $0 * $1 },
        squaresB: OrderedSum.of(b, b) { $0 * $1 })
    }
  }

  /// The cosine distance of two vectors, from their product and their products with themselves.
  package func cosineDistance(product: Double, squaresA: Double, squaresB: Double) -> Double {
    let cosine = product / (squaresA * squaresB).squareRoot()
    // Rounding can carry a cosine a little past ±1; NaN passes through unharmed.
    return cosine > 1 ? 0 : cosine < -1 ? 2 : 1 - cosine
  }
}

/// Sums in the one order that distances are defined by, so that whoever keeps to it finds the same
/// bits.
///
/// Number i goes to sum i mod 8; then the upper half of the sums is added to the lower, until one
/// is left. A processor adds eight of them at a time.
package enum OrderedSum {
  /// The sum of the terms of two vectors' numbers, as far as both go.
  @inline(__always)
  package static func of(
    _ a: [Float], _ b: [Float], _ term: (Double, Double) -> Double
  ) -> Double {
    let count = min(a.count, b.count)
    var (s0, s1, s2, s3, s4, s5, s6, s7) = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
    var start = 0
    func at(_ lane: Int) -> Double { term(Double(a[start + lane]), Double(b[start + lane])) }
    while start + 8 <= count {
      s0 += at(0)
      s1 += at(1)
      s2 += at(2)
      s3 += at(3)
      s4 += at(4)
      s5 += at(5)
      s6 += at(6)
      s7 += at(7)
      start += 8
    }
    let rest = count - start
    if rest > 0 { s0 += at(0) }
    if rest > 1 { s1 += at(1) }
    if rest > 2 { s2 += at(2) }
    if rest > 3 { s3 += at(3) }
    if rest > 4 { s4 += at(4) }
    if rest > 5 { s5 += at(5) }
    if rest > 6 { s6 += at(6) }
    return ((s0 + s4) + (s2 + s6)) + ((s1 + s5) + (s3 + s7))
  }
}

extension SearchQuery {
  /// Whether a hit at this distance passes the threshold.
  package func admits(_ distance: Double) -> Bool {
    guard let maximumDistance, !maximumDistance.isNaN else { return true }
    return distance <= maximumDistance
  }
}

extension Hit where Found == Record {
  /// The order of hits: by distance, NaN last, then by id, bytewise.
  package static func isCloser(_ a: Self, _ b: Self) -> Bool {
    if a.distance < b.distance { return true }
    if b.distance < a.distance { return false }
    if a.distance.isNaN != b.distance.isNaN { return b.distance.isNaN }
    return Bytewise.precedes(a.record.id, b.record.id)
  }
}
