/// Chooses links among candidates: the nearest, and after that only those that are nearer to the
/// node than to every link chosen before, so that links lead into different directions.
@safe final class LinkChoice {
  /// The chosen ones, in order.
  private(set) var keys: UnsafeMutablePointer<UInt64>
  private(set) var count = 0

  private let codes: CodeRows
  private let nodes: UnsafeMutablePointer<UInt32>
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
    unsafe scores = UnsafeMutablePointer.allocate(capacity: limit)
    unsafe query = UnsafeMutablePointer.allocate(capacity: codes.codeCount)
    unsafe scoreRoom = UnsafeMutablePointer.allocate(capacity: scoreCapacity)
  }

  deinit {
    unsafe keys.deallocate()
    unsafe nodes.deallocate()
    unsafe scores.deallocate()
    unsafe query.deallocate()
    unsafe scoreRoom.deallocate()
  }

  /// Chooses among candidates in order, the nearest first.
  func choose(_ candidates: UnsafePointer<UInt64>, _ candidateCount: Int, limit: Int) {
    count = 0
    for index in 0..<candidateCount {
      let key = unsafe candidates[index] & ~1
      let node = NearestPool.node(key)
      if count > 0 {
        let score = NearestPool.score(key)
        unsafe codes.score(codes.query(ofRow: node, query), nodes, count, scores)
        var isNew = true
        for chosen in 0..<count where unsafe scores[chosen] < score { isNew = false }
        guard isNew else { continue }
      }
      unsafe keys[count] = key
      unsafe nodes[count] = UInt32(node)
      count += 1
      if count == limit { return }
    }
  }

  /// Loads the links of a node as the first candidates.
  func load(
    _ links: UnsafePointer<UInt32>, _ linkCount: Int, of node: Int,
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
      loaded.append(NearestPool.key(unsafe scoreRoom[index], unsafe links[index]))
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
        unsafe choose(base, buffer.count, limit: limit)
      } else {
        count = 0
      }
    }
  }
}
