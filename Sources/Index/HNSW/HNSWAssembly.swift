internal import RoostKernels

extension HNSWIndex {
  /// Builds a graph over rows and measures how well it finds them; the bytes of its image.
  ///
  /// - Parameters:
  ///   - numbers: the numbers of the rows in their segment, which has `segmentRows` of them.
  ///   - coding: what stands for rows; nil when what suits them does.
  ///   - earlier: a graph whose links the new one begins with, if it suits.
  package static func build(
    over source: some RowSource, numbered numbers: [UInt32], of segmentRows: Int,
    dimension: Int, measure: IndexMetric, _ options: HNSWOptions, coding: RowCoding? = nil,
    from earlier: EarlierGraph? = nil, _ workers: any Workers, _ watch: JobWatch = JobWatch()
  ) throws -> AlignedMemory {
    var random = SeededStream(seed: options.seed)
    let order = (0..<UInt32(source.count)).shuffled(using: &random)
    let beginning = earlier.flatMap {
      GraphBeginning($0, of: order, dimension: dimension, measure: measure, options)
    }
    let assembly = try HNSWAssembly(
      source, numbers, segmentRows, order, beginning, dimension, measure, options, coding, workers)
    return try assembly.build(watch)
  }
}

extension HNSWIndex {
  /// About how many bytes of memory building takes for each row: the seven-bit codes that graphs
  /// are built by, what the graph is walked by, links before and after they are cut back, and what
  /// else is kept of a row.
  package static func buildingBytes(
    dimension: Int, _ options: HNSWOptions, _ coding: RowCoding?
  ) -> Int {
    CodeWidth.seven.bytes(dimension) + coding.mostBytes(dimension)
      + 4 * (3 * options.m + 2 * options.m) + 64
  }
}

/// The way from rows to the image of a graph.
private struct HNSWAssembly<Source: RowSource> {
  let source: Source
  let numbers: [UInt32]
  let segmentRows: Int
  let options: HNSWOptions
  let coding: RowCoding?
  let workers: any Workers
  let space: CodeSpace
  /// The row of each node, while the graph is built: by chance, so that the first are a sample.
  let rowOfNode: [UInt32]
  let beginning: GraphBeginning?
  let codes: AlignedMemory
  let inverseLengths: [Float]

  private var count: Int { rowOfNode.count }

  /// Rows are read in portions of this many.
  private static var portion: Int { 1_024 }

  init(
    _ source: Source, _ numbers: [UInt32], _ segmentRows: Int, _ order: [UInt32],
    _ beginning: GraphBeginning?, _ dimension: Int, _ measure: IndexMetric,
    _ options: HNSWOptions, _ coding: RowCoding?, _ workers: any Workers
  ) throws {
    self.coding = coding
    precondition(source.count == numbers.count)
    self.source = source
    self.numbers = numbers
    self.segmentRows = segmentRows
    self.options = options
    self.workers = workers
    let order = beginning?.order ?? order
    rowOfNode = order
    self.beginning = beginning
    space = CodeSpace(
      measure: measure, dimension: dimension, coding: coding ?? .four, seed: options.seed,
      sample: try Self.sample(source, dimension))
    (codes, inverseLengths) = try Self.encode(source, order, space, workers)
  }

  /// Some rows from all over.
  private static func sample(_ source: Source, _ dimension: Int) throws -> [Float] {
    let wanted = min(source.count, max(256, 1_000_000 / max(1, dimension)))
    var sample: [Float] = []
    var numbers: [Float] = []
    // Runs of rows, since rows are read in runs.
    let run = 16
    let runs = (wanted + run - 1) / run
    for number in 0..<runs {
      let start = source.count * number / runs
      try source.read(start..<min(start + run, source.count), into: &numbers)
      sample += numbers
    }
    return sample
  }

  private static func encode(
    _ source: Source, _ order: [UInt32], _ space: CodeSpace, _ workers: any Workers
  ) throws -> (codes: AlignedMemory, inverseLengths: [Float]) {
    var nodeOfRow = [UInt32](repeating: 0, count: order.count)
    for (node, row) in order.enumerated() { nodeOfRow[Int(row)] = UInt32(node) }
    let nodes = nodeOfRow
    let stride = space.stride(.seven)
    let memory = AlignedMemory(count: order.count * stride)
    var lengths = [Float](repeating: 0, count: order.count)
    try unsafe lengths.withUnsafeMutableBufferPointer { lengths in
      let lengths = unsafe SharedSlots(lengths)
      try unsafe workers.read(source, by: portion) { rows, numbers in
        let codes = unsafe memory.numbers(UInt8.self)
        for row in rows {
          let values = unsafe numbers + (row - rows.lowerBound) * space.dimension
          let node = Int(nodes[row])
          unsafe space.encode(values, .seven, into: codes + node * stride)
          lengths.change(node) { $0 = unsafe Kernel.inverseLength(values, space.dimension) }
        }
      }
    }
    return (memory, lengths)
  }

  func build(_ watch: JobWatch) throws -> AlignedMemory {
    let rows = unsafe CodeRows(space, .seven, at: UnsafePointer(codes.numbers(UInt8.self)))
    let builder = HNSWBuilder(
      rows, count: count, keptBy: codes, options, workers, beginning: beginning)
    try builder.build(watch)
    let order = builder.orderForWalking()
    return try space.suited(coding) { try image(builder, order, $0, $1, watch) }
  }

  /// The image with something that stands for rows, and how well it finds them, unless that is
  /// known.
  private func image(
    _ builder: HNSWBuilder, _ order: [UInt32], _ space: CodeSpace, _ known: RecallCurve?,
    _ watch: JobWatch
  ) throws -> MeasuredImage {
    var image = HNSWImage(space: space)
    image.nodes = count
    image.rows = segmentRows
    image.m = options.m
    image.efConstruction = options.efConstruction
    image.seed = options.seed
    image.entries = HNSWBuilder.entries(of: count)
    image.points = HNSWCalibration<Source>.efforts.count
    guard let places = image.places else { throw IndexDefect(offset: 0) }
    let memory = AlignedMemory(count: places.end)
    image.write(to: memory)
    try fill(memory, image, places, builder, order)
    let curve = try known ?? measure(memory, watch)
    memory.put(curve.points, at: places.points)
    return MeasuredImage(memory: memory, curve: curve)
  }

  /// Measures the graph, the points of whose curve were left out so far.
  private func measure(_ memory: AlignedMemory, _ watch: JobWatch) throws -> RecallCurve {
    let index = try HNSWIndex(unmeasured: IndexBytes(memory))
    return RecallCurve(
      points: try HNSWCalibration(index: index, source: source, numbers: numbers).points(
        workers, watch))
  }

  /// Writes the sections, the nodes in a new order.
  private func fill(
    _ memory: AlignedMemory, _ image: HNSWImage, _ places: HNSWImage.Places,
    _ builder: HNSWBuilder, _ order: [UInt32]
  ) throws {
    let nodeOfRow = nodeOfRow
    let space = image.space
    var newNumber = [UInt32](repeating: 0, count: count)
    for (new, old) in order.enumerated() { newNumber[Int(old)] = UInt32(new) }
    let links = unsafe memory.numbers(UInt32.self, at: places.links)
    let rows = unsafe memory.numbers(UInt32.self, at: places.rows)
    let lengths = unsafe memory.numbers(Float.self, at: places.lengths)
    for (new, old) in order.enumerated() {
      let place = unsafe links + new * image.degree
      let degree = builder.degree(of: Int(old))
      for slot in 0..<image.degree {
        unsafe place[slot] =
          slot < degree
          ? newNumber[Int(builder.link(of: Int(old), slot))].littleEndian : GraphView.none
      }
      unsafe rows[new] = numbers[Int(rowOfNode[Int(old)])].littleEndian
      unsafe lengths[new] = inverseLengths[Int(old)]
    }
    let coded = unsafe CodedSections(
      codes: memory.numbers(UInt8.self, at: places.codes),
      squares: memory.numbers(Float.self, at: places.squares),
      misses: memory.numbers(Float.self, at: places.misses),
      nodes: memory.numbers(UInt32.self, at: places.nodes))
    coded.begin(space, rows: segmentRows, memory, kept: places.kept)
    // What graphs are walked by, shorter than what they are built by as a rule.
    let stride = space.rowBytes
    let walked = unsafe memory.numbers(UInt8.self, at: places.codes)
    let entryCodes = unsafe memory.numbers(UInt8.self, at: places.entryCodes)
    let entryNodes = unsafe memory.numbers(UInt32.self, at: places.entryNodes)
    let (nodes, numbers) = (newNumber, numbers)
    try unsafe workers.read(source, by: Self.portion) { rows, values in
      for row in rows {
        let node = Int(nodes[Int(nodeOfRow[row])])
        unsafe coded.put(
          values + (row - rows.lowerBound) * space.dimension, of: numbers[row], at: node, space)
      }
    }
    for entry in 0..<image.entries {
      let node = newNumber[entry]
      unsafe entryNodes[entry] = node.littleEndian
      unsafe (entryCodes + entry * stride).update(from: walked + Int(node) * stride, count: stride)
    }
  }

  private var nodeOfRow: [UInt32] {
    var nodes = [UInt32](repeating: 0, count: count)
    for (node, row) in rowOfNode.enumerated() { nodes[Int(row)] = UInt32(node) }
    return nodes
  }
}

extension HNSWBuilder {
  /// The nodes as a walk meets them, so that what is needed together lies together; a node that no
  /// link leads to gets one on the way.
  func orderForWalking() -> [UInt32] {
    var order: [UInt32] = []
    order.reserveCapacity(count)
    var isSeen = [Bool](repeating: false, count: count)
    func visit(_ node: UInt32) {
      guard !isSeen[Int(node)] else { return }
      isSeen[Int(node)] = true
      order.append(node)
    }
    var next = 0
    func spread() {
      while next < order.count {
        let node = Int(order[next])
        for slot in 0..<degree(of: node) { visit(link(of: node, slot)) }
        next += 1
      }
    }
    for entry in 0..<UInt32(HNSWBuilder.entries(of: count)) {
      visit(entry)
      spread()
    }
    for node in 0..<UInt32(count) where !isSeen[Int(node)] {
      adopt(Int(node))
      visit(node)
      spread()
    }
    return order
  }
}
