// The meaning of distance and order, in double precision. Kernels are faster and are compared with
// this; nothing else in the contract depends on how a distance is computed.

extension Metric {
  /// The distance of two vectors of one length, in double precision.
  ///
  /// Under cosine a vector of zeros has no direction: its distance is NaN.
  public func distance(_ a: [Float], _ b: [Float]) -> Double {
    switch self {
    case .l2:
      return zip(a, b).reduce(0) { sum, pair in
        let difference = Double(pair.0) - Double(pair.1)
        return sum + difference * difference
      }.squareRoot()
    case .innerProduct:
      return -zip(a, b).reduce(0) { $0 + Double($1.0) * Double($1.1) }
    case .cosine:
      var (dot, lengthA, lengthB) = (0.0, 0.0, 0.0)
      for (x, y) in zip(a, b) {
        dot += Double(x) * Double(y)
        lengthA += Double(x) * Double(x)
        lengthB += Double(y) * Double(y)
      }
      let cosine = dot / (lengthA * lengthB).squareRoot()
      // Rounding can carry a cosine a little past ±1; NaN passes through unharmed.
      return cosine > 1 ? 0 : cosine < -1 ? 2 : 1 - cosine
    }
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
