internal import RoostKernels

/// What a graph is built by.
package struct HNSWOptions: Sendable, Equatable {
  /// Links a node looks for; at the base it may have twice as many.
  package var m: Int
  /// Candidates kept while looking for links.
  package var efConstruction: Int
  package var seed: UInt64

  package init(m: Int = 16, efConstruction: Int = 64, seed: UInt64 = 1) {
    self.m = m
    self.efConstruction = efConstruction
    self.seed = seed
  }
}

/// Builds a graph over codes, the nodes in the order of their numbers.
///
/// Nodes come in batches. First each node of a batch looks for its links in the graph as it was
/// before the batch, then all of them are linked back. Nothing is read while it is written, so no
/// lock is needed, and the graph is the same whatever number of threads there are.
///
/// The first nodes may begin with the links of an earlier graph (see `GraphBeginning`).
// Sendable: in each step every thread has its own nodes to write, and none reads what is written.
@safe final class HNSWBuilder: @unchecked Sendable {
  private let codes: CodeRows
  private let nodeCount: Int
  private let m: Int
  private let efConstruction: Int
  private let workers: any Workers
  private let owner: AnyObject

  /// The links of a node before they are cut back to `2 * m`: cutting back is much work, so it is
  /// done for many new links at once.
  private let slots: Int
  private let linkMemory: AlignedMemory
  private let degreeMemory: AlignedMemory
  private let chosenMemory: AlignedMemory
  private let links: UnsafeMutablePointer<UInt32>
  private let degrees: UnsafeMutablePointer<UInt32>
  /// How many of the first links of a node were chosen together; what came since stands behind.
  private let chosen: UnsafeMutablePointer<UInt32>
  private let desks: [Desk]
  private let beginning: GraphBeginning?
  /// Whether nodes are linked back to that were in the graph before.
  private var isMending = false

  /// What one thread works on.
  @safe private final class Desk {
    var scratch = WalkScratch()
    let choice: LinkChoice
    /// New links by the thread that writes their targets.
    var found: [[Backlink]]
    var inbox: [Backlink] = []
    var heirs = Heirs()
    let query: UnsafeMutablePointer<UInt8>

    init(_ codes: CodeRows, limit: Int, threads: Int) {
      choice = LinkChoice(codes, limit: limit)
      found = Array(repeating: [], count: threads)
      unsafe query = UnsafeMutablePointer.allocate(capacity: codes.codeCount)
    }

    deinit { unsafe query.deallocate() }
  }

  /// A link to be made from `target` to a node of the batch, which is the key's.
  private struct Backlink {
    var target: UInt32
    var key: UInt64
  }

  init(
    _ codes: CodeRows, count: Int, keptBy owner: AnyObject, _ options: HNSWOptions,
    _ workers: any Workers, beginning: GraphBeginning? = nil
  ) {
    self.beginning = beginning
    self.codes = codes
    nodeCount = count
    m = options.m
    efConstruction = options.efConstruction
    self.workers = workers
    self.owner = owner
    slots = 3 * options.m
    linkMemory = AlignedMemory(count: 4 * slots * count)
    degreeMemory = AlignedMemory(count: 4 * count)
    chosenMemory = AlignedMemory(count: 4 * count)
    unsafe links = linkMemory.numbers(UInt32.self)
    unsafe degrees = degreeMemory.numbers(UInt32.self)
    unsafe chosen = chosenMemory.numbers(UInt32.self)
    let room = 2 * options.m
    let threads = workers.count
    desks = (0..<threads).map { _ in Desk(codes, limit: room, threads: threads) }
  }

  /// How many nodes of the beginning are entries when there are so many nodes.
  ///
  /// Twice as many cost a short walk a tenth of its time; half as many cost some rows their recall.
  static func entries(of count: Int) -> Int {
    min(count, max(16, Int(Double(count).squareRoot())))
  }

  /// Links all nodes.
  func build(_ watch: JobWatch) throws(JobStopped) {
    let begun = try begin(watch)
    var start = max(1, begun)
    while start < nodeCount {
      guard watch.goOn(start, nodeCount) else { throw JobStopped() }
      // The first ones come one by one; later a batch is a small share of those that came. What
      // was there before does not count: the new ones may all be far from it.
      let came = start - begun
      let end = came < 512 ? start + 1 : min(nodeCount, start + max(16, came / 32))
      insert(start..<end)
      start = end
    }
    trimAll()
    _ = watch.goOn(nodeCount, nodeCount)
  }

  /// So many nodes are worth more than one thread.
  private static let shared = 8

  /// Adds nodes to a graph of those before them.
  private func insert(_ batch: Range<Int>) {
    forEach(of: batch.count) { index, desk in
      let node = batch.lowerBound + index
      let place = unsafe self.links + node * self.slots
      self.settle(node, unsafe self.look(node, before: batch.lowerBound, into: place, desk))
    }
    linkBack(batch.count)
  }

  /// Calls `body` with each number below a count, on all threads if there are many.
  private func forEach(of count: Int, _ body: @Sendable (Int, Desk) -> Void) {
    guard count >= Self.shared, desks.count > 1 else {
      for index in 0..<count { body(index, desks[0]) }
      return
    }
    let next = AtomicCounter()
    // Small portions, so that all threads end at about the same time.
    let portion = min(16, max(1, count / (4 * desks.count)))
    workers.run { thread in
      while true {
        let first = next.add(portion)
        guard first < count else { return }
        for index in first..<min(first + portion, count) { body(index, self.desks[thread]) }
      }
    }
  }

  /// Links back to the nodes of a batch of so many.
  private func linkBack(_ count: Int) {
    if count >= Self.shared, desks.count > 1 {
      workers.run { thread in self.linkBack(thread, onDesk: thread) }
    } else {
      for thread in desks.indices { linkBack(thread, onDesk: 0) }
    }
    forget()
  }

  private func forget() {
    for desk in desks {
      for thread in desk.found.indices { desk.found[thread].removeAll(keepingCapacity: true) }
    }
  }

  /// Finds the links of a node among those below a limit, of which it may be one itself; how many
  /// there are.
  private func look(
    _ node: Int, before limit: Int, into place: UnsafeMutablePointer<UInt32>, _ desk: Desk
  ) -> Int {
    let query = unsafe codes.query(ofRow: node, desk.query)
    let graph = unsafe GraphView(
      nodeCount: limit, degree: slots, links: UnsafePointer(links), codes: codes)
    let isThere = node < limit
    unsafe desk.scratch.walk(
      graph, query, effort: efConstruction, without: isThere ? UInt32(node) : nil,
      entries: Self.entries(of: limit), nil, codes)
    unsafe desk.choice.choose(
      desk.scratch.pool.keys, desk.scratch.pool.count, limit: m)
    let count = desk.choice.count
    for index in 0..<count {
      let key = unsafe desk.choice.keys[index]
      let target = UInt32(NearestPool.node(key))
      unsafe place[index] = target
      askBack(key, node, desk)
    }
    return count
  }

  /// Takes note that the node of a key is to be linked back to another node.
  private func askBack(_ key: UInt64, _ node: Int, _ desk: Desk) {
    let target = UInt32(NearestPool.node(key))
    let own = NearestPool.key(NearestPool.score(key), UInt32(node))
    desk.found[Int(target) % desks.count].append(Backlink(target: target, key: own))
  }

  private func isLinked(_ node: Int, to other: Int) -> Bool {
    (0..<degree(of: node)).contains { link(of: node, $0) == UInt32(other) }
  }

  /// Takes note of how many links of a node were chosen.
  private func settle(_ node: Int, _ count: Int) {
    unsafe end(links + node * slots, count)
    unsafe degrees[node] = UInt32(count)
    unsafe chosen[node] = UInt32(count)
  }

  private func end(_ place: UnsafeMutablePointer<UInt32>, _ count: Int) {
    if count < slots { unsafe place[count] = GraphView.none }
  }

  /// Links the targets of one thread back to the nodes of the batch.
  private func linkBack(_ thread: Int, onDesk number: Int) {
    let desk = desks[number]
    desk.inbox.removeAll(keepingCapacity: true)
    for other in desks { desk.inbox += other.found[thread] }
    if isMending {
      desk.inbox.removeAll { isLinked(Int($0.target), to: NearestPool.node($0.key)) }
    }
    desk.inbox.sort { ($0.target, $0.key) < ($1.target, $1.key) }
    var start = 0
    while start < desk.inbox.count {
      let target = desk.inbox[start].target
      var end = start + 1
      while end < desk.inbox.count, desk.inbox[end].target == target { end += 1 }
      add(start..<end, to: Int(target), desk)
      start = end
    }
  }

  private func add(_ range: Range<Int>, to target: Int, _ desk: Desk) {
    let place = unsafe links + target * slots
    let degree = Int(unsafe degrees[target])
    if degree + range.count <= slots {
      for (index, link) in range.enumerated() {
        unsafe place[degree + index] = UInt32(NearestPool.node(desk.inbox[link].key))
      }
      unsafe end(place, degree + range.count)
      unsafe degrees[target] = UInt32(degree + range.count)
      return
    }
    unsafe desk.choice.load(
      place, degree, knownCount: Int(chosen[target]), of: target, desk.query)
    for link in range { desk.choice.load(desk.inbox[link].key) }
    rewrite(target, desk)
  }

  /// Puts the best of the loaded candidates in place of a node's links.
  private func rewrite(_ target: Int, _ desk: Desk) {
    desk.choice.chooseLoaded(limit: 2 * m)
    let place = unsafe links + target * slots
    for index in 0..<desk.choice.count {
      unsafe place[index] = UInt32(NearestPool.node(desk.choice.keys[index]))
    }
    settle(target, desk.choice.count)
  }

  /// Cuts all nodes back to `2 * m` links.
  private func trimAll() {
    let next = AtomicCounter()
    workers.run { thread in
      let desk = self.desks[thread]
      while true {
        let first = next.add(256)
        guard first < self.nodeCount else { return }
        for node in first..<min(first + 256, self.nodeCount) {
          let degree = Int(unsafe self.degrees[node])
          guard degree > 2 * self.m else { continue }
          unsafe desk.choice.load(
            self.links + node * self.slots, degree, knownCount: Int(self.chosen[node]), of: node,
            desk.query)
          self.rewrite(node, desk)
        }
      }
    }
  }

  // MARK: What an earlier graph leaves

  /// Gives the first nodes the links that an earlier graph leaves them; how many nodes are in the
  /// graph then.
  private func begin(_ watch: JobWatch) throws(JobStopped) -> Int {
    guard let beginning else { return 0 }
    let begun = beginning.oldNodes.count
    var isPoor = [Bool](repeating: false, count: begun)
    unsafe isPoor.withUnsafeMutableBufferPointer { slots in
      let slots = unsafe SharedSlots(slots)
      forEach(of: begun) { node, desk in
        let isPoorNode = self.inherit(node, beginning, desk)
        slots.change(node) { $0 = isPoorNode }
      }
    }
    guard beginning.isSound() else {
      // Some of the links may be none, so all of them are found anew.
      forget()
      settle(0, 0)
      return 0
    }
    isMending = true
    defer { isMending = false }
    linkBack(begun)
    let poor = (0..<begun).filter { isPoor[$0] }
    let waiting = AlignedMemory(count: 4 * Self.waitingMost * (m + 1))
    var done = 0
    while done < poor.count {
      guard watch.goOn(begun - poor.count + done, nodeCount) else { throw JobStopped() }
      let count = min(Self.waitingMost, poor.count - done)
      insertAgain(poor[done..<done + count], before: begun, waiting)
      done += count
    }
    return begun
  }

  /// So many nodes that are in the graph look for new links at once.
  private static let waitingMost = 16

  /// Gives nodes that are in a graph new links.
  ///
  /// What they find waits until all have looked, since others walk by their links meanwhile.
  private func insertAgain(
    _ nodes: ArraySlice<Int>, before limit: Int, _ waiting: AlignedMemory
  ) {
    let found = unsafe waiting.numbers(UInt32.self)
    let (first, stride) = (nodes.startIndex, m + 1)
    withExtendedLifetime(waiting) {
      forEach(of: nodes.count) { index, desk in
        let place = unsafe waiting.numbers(UInt32.self) + index * stride
        let count = unsafe self.look(nodes[first + index], before: limit, into: place + 1, desk)
        unsafe place[0] = UInt32(count)
      }
      for (index, node) in nodes.enumerated() {
        let place = unsafe found + index * stride
        let count = Int(unsafe place[0])
        unsafe (links + node * slots).update(from: place + 1, count: count)
        settle(node, count)
      }
    }
    linkBack(nodes.count)
  }

  /// Gives a node the links that it had to living ones, and in place of its links to dead ones some
  /// to the heirs of those, which are to link back; whether it needs to look for links itself.
  private func inherit(_ node: Int, _ beginning: GraphBeginning, _ desk: Desk) -> Bool {
    let place = unsafe links + node * slots
    let degree = desk.heirs.find(of: node, beginning)
    let kept = desk.heirs.kept
    if desk.heirs.nodes.count == kept {
      for (slot, heir) in desk.heirs.nodes.enumerated() { unsafe place[slot] = heir }
      settle(node, kept)
    } else {
      unsafe desk.heirs.nodes.withUnsafeBufferPointer { nodes in
        guard let base = nodes.baseAddress else { return }
        unsafe desk.choice.load(base, nodes.count, knownCount: kept, of: node, desk.query)
      }
      rewrite(node, desk)
      let own = desk.heirs.nodes[..<kept]
      for index in 0..<desk.choice.count {
        let key = unsafe desk.choice.keys[index]
        if !own.contains(UInt32(NearestPool.node(key))) { askBack(key, node, desk) }
      }
    }
    // Which of them were chosen together is not known any more.
    unsafe chosen[node] = 0
    let now = self.degree(of: node)
    // One that always had few has no others near it.
    return degree == nil || 2 * now < m && now < degree ?? 0
  }

  // MARK: What was built

  /// How many nodes there are.
  var count: Int { nodeCount }

  /// Lets the nearest neighbour of a node link to it, in place of its last link if need be.
  func adopt(_ node: Int) {
    guard degree(of: node) > 0 else { return }
    let parent = link(of: node, 0)
    let place = unsafe links + Int(parent) * slots
    let degree = Int(unsafe degrees[Int(parent)])
    let slot = min(degree, 2 * m - 1)
    unsafe place[slot] = UInt32(node)
    unsafe end(place, slot + 1)
    unsafe degrees[Int(parent)] = UInt32(slot + 1)
  }

  /// How many links a node has.
  func degree(of node: Int) -> Int { Int(unsafe degrees[node]) }

  /// A link of a node, the first of them the nearest.
  func link(of node: Int, _ slot: Int) -> UInt32 { unsafe links[node * slots + slot] }
}
