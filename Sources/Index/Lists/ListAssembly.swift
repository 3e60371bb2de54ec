internal import RoostKernels

extension ListIndex {
  /// Puts rows into lists and measures how well they are found; the bytes of the image.
  ///
  /// - Parameters:
  ///   - numbers: the numbers of the rows in their segment, which has `segmentRows` of them.
  package static func build(
    over source: some RowSource, numbered numbers: [UInt32], of segmentRows: Int,
    dimension: Int, measure: IndexMetric, _ options: ListOptions, _ workers: any Workers,
    _ watch: JobWatch = JobWatch()
  ) throws -> AlignedMemory {
    try ListAssembly(
      source: source, numbers: numbers, segmentRows: segmentRows, dimension: dimension,
      measure: measure, options: options, workers: workers
    ).build(watch)
  }
}

extension ListIndex {
  /// About how many bytes of memory building takes for each row, besides the middles: what stands
  /// for it, and what else is kept of it.
  package static func buildingBytes(dimension: Int, _ options: ListOptions) -> Int {
    options.coding.mostBytes(dimension) + 64
  }
}

/// The way from rows to the image of lists.
private struct ListAssembly<Source: RowSource> {
  let source: Source
  let numbers: [UInt32]
  let segmentRows: Int
  let dimension: Int
  let measure: IndexMetric
  let options: ListOptions
  let workers: any Workers

  private var count: Int { numbers.count }

  /// Rows are read in portions of this many.
  private static var portion: Int { 4_096 }
  /// Middles are found from so many rows each, as far as they fit into so many bytes.
  private static var sampled: Int { 48 }
  private static var sampleBytes: Int { 64 << 20 }

  func build(_ watch: JobWatch) throws -> AlignedMemory {
    let lists = options.count(of: count)
    let sample = try sample(of: lists)
    guard watch.goOn(0, count) else { throw JobStopped() }
    let middles = Middles(
      lists, of: sample, dimension: dimension, isByDirection: measure == .cosine, workers)
    let space = CodeSpace(
      measure: measure, dimension: dimension, coding: options.coding ?? .four, seed: options.seed,
      sample: sample)
    let list = try assign(middles, watch)
    guard watch.goOn(count, count) else { throw JobStopped() }
    return try space.suited(options.coding) { try image(of: middles, list, $0, $1, watch) }
  }

  /// The image with something that stands for rows, and how well it finds them, unless that is
  /// known.
  private func image(
    of middles: Middles, _ list: [UInt32], _ space: CodeSpace, _ known: RecallCurve?,
    _ watch: JobWatch
  ) throws -> MeasuredImage {
    var image = ListImage(space: space)
    let lists = middles.count
    image.nodes = count
    image.rows = segmentRows
    image.lists = lists
    image.seed = options.seed
    let probes = Self.probes(lists)
    image.points = probes.count
    guard let places = image.places else { throw IndexDefect(offset: 0) }
    let memory = AlignedMemory(count: places.end)
    image.write(to: memory)
    try fill(memory, image, places, middles, list)
    let curve = try known ?? measure(memory, probes, watch)
    memory.put(curve.points, at: places.points)
    return MeasuredImage(memory: memory, curve: curve)
  }

  /// The numbers of lists that are tried, up to all of them.
  private static func probes(_ lists: Int) -> [Int] {
    var probes: [Int] = []
    var next = 1.0
    while Int(next) < lists {
      if Int(next) != probes.last { probes.append(Int(next)) }
      next *= 1.4
    }
    return probes + [lists]
  }

  /// Rows in random order, by direction if that is what counts.
  private func sample(of lists: Int) throws -> [Float] {
    var random = SeededStream(seed: options.seed)
    let most = max(lists, min(lists * Self.sampled, Self.sampleBytes / (4 * dimension)))
    let chosen = (0..<count).shuffled(using: &random).prefix(max(most, min(count, 1_000)))
    var sample: [Float] = []
    sample.reserveCapacity(chosen.count * dimension)
    var row: [Float] = []
    for place in chosen {
      try source.read(place..<place + 1, into: &row)
      sample += row
    }
    direct(&sample)
    return sample
  }

  /// Brings rows to length one when only their directions count.
  private func direct(_ rows: inout [Float]) {
    guard measure == .cosine else { return }
    for start in Swift.stride(from: 0, to: rows.count, by: dimension) {
      var squares: Float = 0
      for place in start..<start + dimension { squares += rows[place] * rows[place] }
      guard squares > 0, squares.isFinite else { continue }
      let scale = 1 / squares.squareRoot()
      for place in start..<start + dimension { rows[place] *= scale }
    }
  }

  /// The list of every row.
  private func assign(_ middles: Middles, _ watch: JobWatch) throws -> [UInt32] {
    var lists: [UInt32] = []
    lists.reserveCapacity(count)
    var rows: [Float] = []
    while lists.count < count {
      guard watch.goOn(lists.count, count) else { throw JobStopped() }
      try source.read(lists.count..<min(lists.count + Self.portion, count), into: &rows)
      direct(&rows)
      lists += middles.assign(rows, workers)
    }
    return lists
  }

  /// Writes the sections, the rows by their lists.
  private func fill(
    _ memory: AlignedMemory, _ image: ListImage, _ places: ListImage.Places, _ middles: Middles,
    _ list: [UInt32]
  ) throws {
    for (place, number) in middles.numbers.enumerated() {
      memory.put(number.bitPattern, places.middles + 4 * place)
    }
    let middleCodes = unsafe memory.numbers(UInt8.self, at: places.middleCodes)
    unsafe middles.numbers.withUnsafeBufferPointer { numbers in
      guard let base = numbers.baseAddress else { return }
      for list in 0..<image.lists {
        unsafe image.space.store(
          base + list * dimension, into: middleCodes + list * image.space.rowBytes
        ) { _ in }
      }
    }
    var starts = [Int](repeating: 0, count: image.lists + 1)
    for list in list { starts[Int(list) + 1] += 1 }
    for list in 0..<image.lists { starts[list + 1] += starts[list] }
    for (list, start) in starts.enumerated() {
      memory.put(UInt32(start), places.starts + 4 * list)
    }
    let coded = unsafe CodedSections(
      codes: memory.numbers(UInt8.self, at: places.codes),
      squares: memory.numbers(Float.self, at: places.squares),
      misses: memory.numbers(Float.self, at: places.misses),
      nodes: memory.numbers(UInt32.self, at: places.nodes))
    coded.begin(image.space, rows: segmentRows, memory, kept: places.kept)
    // Within a list the rows keep their order.
    let nodes = list.map { list in
      defer { starts[Int(list)] += 1 }
      return starts[Int(list)]
    }
    let (width, numbers) = (dimension, numbers)
    try unsafe workers.read(source, by: Self.portion) { rows, values in
      for row in rows {
        let node = nodes[row]
        let vector = unsafe values + (row - rows.lowerBound) * width
        unsafe coded.put(vector, of: numbers[row], at: node, image.space)
        memory.put(numbers[row], places.rows + 4 * node)
        memory.put(
          unsafe Kernel.inverseLength(vector, width).bitPattern, places.lengths + 4 * node)
      }
    }
  }

  /// Measures the lists, the points of whose curve were left out so far.
  private func measure(
    _ memory: AlignedMemory, _ probes: [Int], _ watch: JobWatch
  ) throws -> RecallCurve {
    let index = try ListIndex(unmeasured: IndexBytes(memory))
    let rows = try HeldOutRows(
      of: source, numbered: numbers, dimension: dimension, measure: measure, workers, watch)
    let most = ListIndex.kept(for: RecallCurve.limits.last ?? 1)
    let points = rows.points(probes, workers) {
      let finder = ListFinder()
      return { probes, sample in
        index.find(sample.vector, probes: probes, keeping: most + 1, finder)
        // As if it were in no list.
        return finder.rows.filter { $0 != sample.row }
      }
    } counting: { _, limit in
      ListIndex.kept(for: limit)
    }
    return RecallCurve(points: points)
  }
}
