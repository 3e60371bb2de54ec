/// Chooses links among candidates: the nearest, and after that only those that are nearer to the
/// node than to every link chosen before, so that links lead into different directions.
@safe final class LinkChoice {
  /// The chosen ones, in order.
  private(set) var keys: UnsafeMutablePointer<UInt64>
  private(set) var count = 0

  private let codes: CodeRows
  private let nodes: UnsafeMutablePointer<UInt32>
  /// Those of the chosen ones that had no mark.
  private let unknown: UnsafeMutablePointer<UInt32>
  private let scores: UnsafeMutablePointer<Int32>
  private let query: UnsafeMutablePointer<UInt8>
  private var loaded: [UInt64] = []
  private var scoreRoom: UnsafeMutablePointer<Int32>
  private var scoreCapacity = 512

  /// A choice of `limit` links at most.
  init(_ codes: CodeRows, limit: Int) {
    self.codes = codes
    unsafe keys = UnsafeMutablePointer.allocate(capacity: limit)
    unsafe nodes = UnsafeMutablePointer.allocate(capacity: limit)
    unsafe unknown = UnsafeMutablePointer.allocate(capacity: limit)
    unsafe scores = UnsafeMutablePointer.allocate(capacity: Self.portion)
    unsafe query = UnsafeMutablePointer.allocate(capacity: codes.codeCount)
    unsafe scoreRoom = UnsafeMutablePointer.allocate(capacity: scoreCapacity)
  }

  deinit {
    unsafe keys.deallocate()
    unsafe nodes.deallocate()
    unsafe unknown.deallocate()
    unsafe scores.deallocate()
    unsafe query.deallocate()
    unsafe scoreRoom.deallocate()
  }

  /// Chooses among candidates in order, the nearest first.
  ///
  /// - Parameter areMarked: whether a mark tells candidates that are known to be nearer to the node
  ///   than to each other; they are not compared with each other again.
  func choose(
    _ candidates: UnsafePointer<UInt64>, _ candidateCount: Int, limit: Int, areMarked: Bool = false
  ) {
    count = 0
    var unknownCount = 0
    for index in 0..<candidateCount {
      let candidate = unsafe candidates[index]
      let isKnown = areMarked && candidate & 1 == 1
      let key = candidate & ~1
      guard unsafe isKnown ? isNew(key, unknown, unknownCount) : isNew(key, nodes, count) else {
        continue
      }
      let node = UInt32(NearestPool.node(key))
      unsafe keys[count] = key
      unsafe nodes[count] = node
      count += 1
      if count == limit { return }
      guard !isKnown else { continue }
      unsafe unknown[unknownCount] = node
      unknownCount += 1
    }
  }

  /// Whether a candidate is nearer to the node than to each of some that were chosen.
  @inline(__always)
  private func isNew(_ key: UInt64, _ others: UnsafePointer<UInt32>, _ otherCount: Int) -> Bool {
    guard otherCount > 0 else { return true }
    let score = NearestPool.score(key)
    let query = unsafe codes.query(ofRow: NearestPool.node(key), query)
    var place = 0
    // Most that are not new are seen to be so by the nearest, which come first.
    while place < otherCount {
      let part = min(Self.portion, otherCount - place)
      unsafe codes.score(query, others + place, part, scores)
      for index in 0..<part where unsafe scores[index] < score { return false }
      place += part
    }
    return true
  }

  /// So many are compared with a candidate at once.
  private static let portion = 4

  /// Loads the links of a node as the first candidates; the first `knownCount` of them get a mark.
  func load(
    _ links: UnsafePointer<UInt32>, _ linkCount: Int, knownCount: Int, of node: Int,
    _ space: UnsafeMutablePointer<UInt8>
  ) {
    if linkCount > scoreCapacity {
      unsafe scoreRoom.deallocate()
      scoreCapacity = linkCount
      unsafe scoreRoom = UnsafeMutablePointer.allocate(capacity: linkCount)
    }
    unsafe codes.score(codes.query(ofRow: node, space), links, linkCount, scoreRoom)
    loaded.removeAll(keepingCapacity: true)
    for index in 0..<linkCount {
      let mark: UInt64 = index < knownCount ? 1 : 0
      loaded.append(NearestPool.key(unsafe scoreRoom[index], unsafe links[index]) | mark)
    }
  }

  /// Loads one more candidate.
  func load(_ key: UInt64) { loaded.append(key & ~1) }

  /// Chooses among all that was loaded.
  func chooseLoaded(limit: Int) {
    loaded.sort()
    let candidates = loaded
    unsafe candidates.withUnsafeBufferPointer { buffer in
      if let base = buffer.baseAddress {
        unsafe choose(base, buffer.count, limit: limit, areMarked: true)
      } else {
        count = 0
      }
    }
  }
}
