internal import RoostContract
internal import RoostFiles
internal import RoostIndex
internal import RoostStorage

// Indexes are built beside everything else: over the rows of one immutable segment, into a file of
// its own, which a manifest then names. Until then, and whenever the file is no good, searches scan
// the segment. Nothing waits for an index, and nothing is lost with one.

/// A segment that is to have an index.
private struct IndexTask {
  let collection: CollectionEntry
  let index: IndexEntry
  let plan: IndexPlan
  let segment: SegmentEntry
  let view: SegmentView
  let ancestry: GraphAncestry?
  let lsn: UInt64
}

/// The living rows of a segment.
private struct SegmentRows: RowSource {
  let reader: SegmentReader
  let rows: [UInt32]

  var count: Int { rows.count }

  func read(_ range: Range<Int>, into numbers: inout [Float]) throws {
    numbers.removeAll(keepingCapacity: true)
    guard let first = range.first, let last = range.last else { return }
    let start = Int(rows[first])
    let end = Int(rows[last]) + 1
    var run: [Float] = []
    if end - start == range.count {
      try reader.vectors(of: start..<end, into: &numbers)
    } else {
      for place in range {
        let row = Int(rows[place])
        try reader.vectors(of: row..<row + 1, into: &run)
        numbers += run
      }
    }
  }
}

extension StoreCore {
  /// Builds the indexes that are missing, one segment after the other.
  func buildIndexes(progress: (@Sendable (Progress) -> Void)? = nil) throws {
    try asIndexing {
      var failed: Set<UInt64> = []
      while let task = exclusively({ nextIndex(besides: failed) }) {
        try checkWritable()
        failed.insert(task.segment.file)
        do {
          try build(task, progress)
        } catch let error as StoreError
          where error.code == .cancelled && isMerging(task.segment.file)
        {
          // Whoever merges the segment asks for an index of what comes of it.
          continue
        }
      }
    }
  }

  /// Brings all rows that are there into the indexes that are declared.
  func completeIndexes(_ progress: (@Sendable (Progress) -> Void)?) throws {
    let isLarge = exclusively {
      tables.collections.values.contains { state in
        state.count >= options.indexedRows
          && state.entry.indexes.contains { $0.plan(of: state.entry) != nil }
      }
    }
    guard isLarge else { return }
    try checkWritable()
    try asJob { try flush() }
    try compact(.oneIndex, progress: progress)
    try buildIndexes(progress: progress)
  }

  /// How many rows an index can be built over within the limit of memory.
  func indexedRowsMax(_ collection: CollectionEntry) -> Int {
    var bytes = 0
    for index in collection.indexes {
      switch index.plan(of: collection) {
      case .graph(let options, let coding):
        bytes = max(
          bytes, HNSWIndex.buildingBytes(dimension: collection.dimension, options, coding))
      case .lists(let options):
        bytes = max(bytes, ListIndex.buildingBytes(dimension: collection.dimension, options))
      case nil: break
      }
    }
    return bytes == 0 ? .max : max(1, options.indexMemoryLimit / bytes)
  }

  /// Whether a segment that is large enough lacks an index; the caller leads.
  func lacksIndex(_ state: CollectionState) -> Bool {
    state.entry.indexes.contains { index in
      guard index.plan(of: state.entry) != nil else { return false }
      let covered = Set(index.files.map(\.segment))
      return state.segments.contains { segment in
        segment.entry.rows - segment.dead >= options.indexedRows
          && (!covered.contains(segment.entry.file) || segment.index?.isBroken ?? false)
      }
    }
  }

  /// Does long work beside the tasks that wait for it.
  func onThread(_ body: @escaping @Sendable (StoreCore) throws -> Void) async throws {
    try await withCheckedThrowingContinuation { (waiter: CheckedContinuation<Void, any Error>) in
      do throws(FileError) {
        let thread = try fileSystem.startThread("roost-work") {
          waiter.resume(with: Result { try body(self) })
        }
        threads.withLock { $0.append(thread) }
      } catch {
        waiter.resume(throwing: StoreError(error, .manifest))
      }
    }
  }

  /// Runs a body when no other builds indexes.
  private func asIndexing<R>(_ body: () throws -> R) rethrows -> R {
    _ = indexing.waiting(until: { !$0 }) { $0 = true }
    defer {
      indexing.withLock { isRunning in
        isRunning = false
        indexing.wakeAll()
      }
    }
    return try body()
  }

  private func isMerging(_ segment: UInt64) -> Bool {
    merging.withLock { $0.contains(segment) }
  }

  /// Whether an index is missing; the caller leads.
  var wantsIndex: Bool { nextIndex(besides: []) != nil }

  private func nextIndex(besides done: Set<UInt64>) -> IndexTask? {
    for (_, state) in tables.collections.sorted(by: { $0.key < $1.key }) {
      for index in state.entry.indexes {
        guard let plan = index.plan(of: state.entry) else { continue }
        for segment in state.segments
        where segment.entry.rows - segment.dead >= options.indexedRows
          && !done.contains(segment.entry.file) && !isMerging(segment.entry.file)
          && (!index.files.contains { $0.segment == segment.entry.file }
            || segment.index?.isBroken ?? false)
        {
          return IndexTask(
            collection: state.entry, index: index, plan: plan, segment: segment.entry,
            view: segment.view, ancestry: segment.ancestry, lsn: lsn)
        }
      }
    }
    return nil
  }

  private func build(_ task: IndexTask, _ progress: (@Sendable (Progress) -> Void)?) throws {
    let reader = task.view.reader
    var rows: [UInt32] = []
    rows.reserveCapacity(reader.rowCount)
    for row in 0..<reader.rowCount where task.view.isAlive(row, at: task.lsn) {
      rows.append(UInt32(row))
    }
    let start = fileSystem.now()
    // What an earlier graph leaves is there at once, and says nothing about how fast this is.
    let begun = Monitor<Int?>(nil)
    @Sendable func goOn(_ phase: String, _ completed: Int, _ total: Int) -> Bool {
      let elapsed = fileSystem.now() - start
      let first = begun.withLock { begun -> Int in
        begun = begun ?? (completed > 1 ? completed : 0)
        return begun ?? 0
      }
      progress?(
        phase == "index"
          ? Progress(phase: phase, completed: completed, total: total, from: first, after: elapsed)
          : Progress(phase: phase, completed: completed, total: total))
      return !queue.withLock { $0.isClosing } && !Task.isCancelled && !isMerging(task.segment.file)
    }
    let watch = JobWatch {
      goOn("index", $0, $1)
    } goOnMeasuring: {
      goOn("measure", $0, $1)
    }
    let image: AlignedMemory
    do {
      let source = SegmentRows(reader: reader, rows: rows)
      let dimension = task.collection.dimension
      let measure = IndexMetric(task.collection.metric)
      let workers = ThreadWorkers(fileSystem, count: options.indexThreads)
      image =
        switch task.plan {
        case .graph(let options, let coding):
          try HNSWIndex.build(
            over: source, numbered: rows, of: reader.rowCount, dimension: dimension,
            measure: measure, options, coding: coding,
            from: task.ancestry?.earlier(over: rows, of: reader.rowCount), workers, watch)
        case .lists(let options):
          try ListIndex.build(
            over: source, numbered: rows, of: reader.rowCount, dimension: dimension,
            measure: measure, options, workers, watch)
        }
    } catch is JobStopped {
      throw StoreError.cancelled("building an index")
    } catch let error as StorageError {
      throw StoreError(error)
    }
    let number = exclusively { () -> UInt64 in
      defer { nextFile += 1 }
      beingBuilt.insert(nextFile)
      return nextFile
    }
    defer { exclusively { _ = beingBuilt.remove(number) } }
    let header = IndexFileHeader(
      database: base.database, file: number, collection: task.collection.number,
      segment: task.segment.file, segmentRoot: task.segment.root, kind: task.plan.kind,
      imageLength: image.count)
    let entry: IndexFileEntry
    do {
      entry = try IndexFileWriter.write(header, in: directory) { range in
        unsafe Array(
          UnsafeRawBufferPointer(start: image.base + range.lowerBound, count: range.count))
      }
      try syncDirectory()
    } catch {
      removeIndexFile(number)
      throw error.asStoreError
    }
    // A manifest that could not be made durable may name the file all the same, so it stays.
    try exclusively { try install(entry, task) }
  }

  func removeIndexFile(_ number: UInt64) {
    do throws(FileError) {
      try directory.remove(FileName.index(number).name)
    } catch {
      // An orphan: whoever opens the store next to write deletes it.
    }
  }

  /// Names an index in the manifest; the caller leads.
  private func install(_ entry: IndexFileEntry, _ task: IndexTask) throws {
    try checkWritable()
    guard let state = tables.collections[task.collection.number],
      let place = state.entry.indexes.firstIndex(where: {
        Bytewise.equal($0.name, task.index.name) && $0.spec == task.index.spec
      }),
      state.segments.contains(where: { $0.entry.file == task.segment.file }),
      let base = base.collections.firstIndex(where: { $0.number == task.collection.number }),
      let known = self.base.collections[base].indexes.firstIndex(where: {
        Bytewise.equal($0.name, task.index.name) && $0.spec == task.index.spec
      })
    else {
      // It is of something that has gone meanwhile.
      return removeIndexFile(entry.file)
    }
    var manifest = self.base
    func add(_ index: inout IndexEntry) {
      index.files.removeAll { $0.segment == entry.segment }
      index.files.append(entry)
    }
    add(&manifest.collections[base].indexes[known])
    try install(manifest)
    add(&state.entry.indexes[place])
    attachIndexes(to: state)
    state.touch()
    publish()
    sweep()
  }

  /// Gives each segment the index that it is searched by.
  func attachIndexes(to state: CollectionState) {
    IndexAttachment(
      directory: directory, database: base.database, isMapped: options.reading == .mapped,
      isPreferred: options.prefersIndexes
    ).attach(to: state)
  }
}

/// What is needed to open indexes.
struct IndexAttachment {
  let directory: any Directory
  let database: DatabaseID
  let isMapped: Bool
  let isPreferred: Bool

  /// Gives each segment the index that it is searched by, and forgets files of segments that have
  /// gone.
  func attach(to state: CollectionState) {
    let segments = Set(state.segments.map(\.entry.file))
    for place in state.entry.indexes.indices {
      state.entry.indexes[place].files.removeAll { !segments.contains($0.segment) }
    }
    for place in state.segments.indices {
      let segment = state.segments[place].entry
      let entry = state.entry.indexes.lazy
        .sorted { $0.plan(of: state.entry)?.kind ?? .max < $1.plan(of: state.entry)?.kind ?? .max }
        .filter { $0.plan(of: state.entry) != nil }
        .compactMap { $0.files.first { $0.segment == segment.file } }
        .first
      if !state.entry.lacksGraph(segment.file) { state.segments[place].ancestry = nil }
      guard state.segments[place].index?.entry != entry else { continue }
      state.segments[place].index = entry.map { entry in
        let (directory, database, isMapped) = (directory, database, isMapped)
        let isPreferred = isPreferred
        let collection = state.entry.number
        return SegmentIndex(entry, isPreferred: isPreferred) {
          () throws(StorageError) -> IndexFileReader in
          try IndexFileReader(
            entry, in: directory, database: database, collection: collection,
            segmentRoot: segment.root, mapped: isMapped)
        }
      }
    }
  }
}

/// What an index is built as.
enum IndexPlan {
  case graph(HNSWOptions, RowCoding?)
  case lists(ListOptions)

  /// The kind that stands in the file: graphs come before lists when there are both.
  var kind: UInt32 {
    switch self {
    case .graph: VectorIndex.graphKind
    case .lists: VectorIndex.listsKind
    }
  }
}

extension CollectionEntry {
  /// Whether the rows of a segment are to be in a graph and are in none.
  func lacksGraph(_ segment: UInt64) -> Bool {
    let graphs = indexes.filter { $0.plan(of: self)?.kind == VectorIndex.graphKind }
    return graphs.contains { graph in !graph.files.contains { $0.segment == segment } }
  }
}

extension IndexEntry {
  /// How this index is built; nil when it is no index of vectors by the collection's metric.
  func plan(of collection: CollectionEntry) -> IndexPlan? {
    guard case .vector(let spec) = spec, spec.metric ?? collection.metric == collection.metric
    else { return nil }
    let coding = spec.quantization.coding
    switch spec.method {
    case .hnsw(let m, let efConstruction):
      return .graph(
        HNSWOptions(
          m: m == 0 ? 16 : m, efConstruction: efConstruction == 0 ? 64 : efConstruction, seed: 1),
        coding)
    case .ivfFlat(let lists):
      let isAutomatic = lists == VectorIndexSpec.Method.automaticLists
      return .lists(ListOptions(lists: isAutomatic ? nil : lists, seed: 1, coding: coding))
    }
  }
}

extension Quantization {
  /// What stands for rows in an index; nil when measuring decides.
  var coding: RowCoding? {
    switch self {
    case .auto: nil
    case .none: .numbers
    case .sq8: .seven
    case .sq4: .four
    case .rabitq: .rotated
    }
  }
}

/// Threads of the file system, which work side by side on one job.
struct ThreadWorkers: Workers {
  private let fileSystem: any FileSystem
  let count: Int

  init(_ fileSystem: any FileSystem, count: Int) {
    self.fileSystem = fileSystem
    self.count = max(1, count)
  }

  func run(_ body: @Sendable (Int) -> Void) {
    guard count > 1 else { return body(0) }
    withoutActuallyEscaping(body) { body in
      var threads: [any RunningThread] = []
      var missing: [Int] = []
      for number in 1..<count {
        do throws(FileError) {
          threads.append(try fileSystem.startThread("roost-index") { body(number) })
        } catch {
          missing.append(number)
        }
      }
      body(0)
      // What no thread could be had for is done here.
      for number in missing { body(number) }
      for thread in threads { thread.join() }
    }
  }
}
