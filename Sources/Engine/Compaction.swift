internal import RoostContract
internal import RoostFiles
internal import RoostStorage

// Compaction merges segments of one collection and leaves out the dead rows. It reads and writes
// row by row beside the writers; the manifest that names its result is the moment at which it
// happens.

/// Which segments of a collection are to be merged, and the moment of which they are merged.
private struct Merge {
  let entry: CollectionEntry
  let inputs: [SegmentState]
  /// Files of the segments that stay.
  let others: Set<UInt64>
  let lsn: UInt64
}

/// What a compaction is for.
enum MergeGoal {
  /// Space and speed, where they are worth the work.
  case worthwhile
  /// One index over all rows of each collection that is to have one and lacks a part of it.
  case oneIndex
  /// One segment a collection, without dead rows.
  case everything
}

extension StoreCore {
  /// Merges all segments that gain by it, telling how far it has come.
  func compact(
    _ goal: MergeGoal, progress: (@Sendable (Progress) -> Void)? = nil
  ) throws {
    try checkWritable()
    try asJob {
      if goal == .everything { try flush() }
      var tried: Set<UInt64> = []
      while let merge = exclusively({ nextMerge(goal, besides: tried) }) {
        if goal == .everything { tried.insert(merge.entry.number) }
        let inputs = merge.inputs.map(\.entry.file)
        // An index of what is merged away is not worth being built any more.
        merging.withLock { $0.formUnion(inputs) }
        defer { merging.withLock { $0.subtract(inputs) } }
        try withReserve { try run(merge, progress: progress) }
      }
    }
  }

  /// Whether there is something worth merging; the caller leads.
  var wantsCompaction: Bool { nextMerge(.worthwhile, besides: []) != nil }

  private func nextMerge(_ goal: MergeGoal, besides done: Set<UInt64>) -> Merge? {
    for (number, state) in tables.collections.sorted(by: { $0.key < $1.key })
    where !done.contains(number) {
      let chosen =
        switch goal {
        case .worthwhile: worthwhile(of: state)
        case .oneIndex: lacksIndex(state) ? forOneIndex(of: state, atOnce: true) : []
        case .everything: all(of: state)
        }
      guard !chosen.isEmpty else { continue }
      let inputs = chosen.map { state.segments[$0] }
      let files = Set(inputs.map(\.entry.file))
      return Merge(
        entry: state.entry, inputs: inputs,
        others: Set(state.segments.map(\.entry.file)).subtracting(files), lsn: lsn)
    }
    return nil
  }

  private func all(of state: CollectionState) -> [Int] {
    let isClean =
      state.segments.count == 1 && state.segments[0].dead == 0
      && state.segments[0].entry.rows > 0
    return isClean ? [] : Array(state.segments.indices)
  }

  /// The living rows of some segments.
  private func rows(_ segments: [Int], of state: CollectionState) -> Int {
    segments.reduce(0) { $0 + state.segments[$1].entry.rows - state.segments[$1].dead }
  }

  /// The segments that are merged for one index: as many as fit into it, the smallest first.
  ///
  /// None while the largest of them is more than twice as large as the others together; `atOnce`
  /// only if it has an index as well. A search takes about as long in a small index as in a large
  /// one, so that there should be few; and so a row is merged a few times at the most until its
  /// collection is twice as large.
  private func forOneIndex(of state: CollectionState, atOnce: Bool) -> [Int] {
    let limit = indexedRowsMax(state.entry)
    func rows(_ index: Int) -> Int { self.rows([index], of: state) }
    var (sum, chosen) = (0, [Int]())
    for index in state.segments.indices.sorted(by: { (rows($0), $0) < (rows($1), $1) }) {
      guard sum + rows(index) <= limit else { break }
      sum += rows(index)
      chosen.append(index)
    }
    guard chosen.count > 1, sum >= options.indexedRows, let largest = chosen.last else { return [] }
    let isLarge = (sum - rows(largest)) * 2 < rows(largest)
    let isSettled = isLarge && (!atOnce || state.segments[largest].index != nil)
    return isSettled ? [] : chosen.sorted()
  }

  /// What gains by being merged without being asked for: segments of which a fifth is dead, four or
  /// more of about one size, or what should have one index.
  private func worthwhile(of state: CollectionState) -> [Int] {
    let dirty = state.segments.indices.filter { index in
      let segment = state.segments[index]
      return segment.dead > 0 && segment.dead * 5 >= segment.entry.rows
    }
    let limit = indexedRowsMax(state.entry)
    // Too many rows for one index are cleaned one segment after the other.
    if !dirty.isEmpty { return rows(dirty, of: state) <= limit ? dirty : Array(dirty.prefix(1)) }
    var tiers: [Int: [Int]] = [:]
    for (index, segment) in state.segments.enumerated() {
      // Sizes within a factor of four are about one size, and all below a mebibyte.
      let mebibytes = UInt64(clamping: segment.entry.length >> 20)
      tiers[(UInt64.bitWidth - mebibytes.leadingZeroBitCount + 1) / 2, default: []].append(index)
    }
    if let tier = tiers.sorted(by: { $0.key < $1.key }).first(where: {
      $0.value.count >= 4 && rows($0.value, of: state) <= limit
    }) {
      return tier.value
    }
    let isIndexed = state.entry.indexes.contains { $0.plan(of: state.entry) != nil }
    return isIndexed ? forOneIndex(of: state, atOnce: false) : []
  }

  private func run(_ merge: Merge, progress: (@Sendable (Progress) -> Void)?) throws {
    var rows = 0
    var tombstones: [UInt64: Set<UInt32>] = [:]
    do throws(StorageError) {
      for input in merge.inputs {
        for row in 0..<input.view.reader.rowCount where input.view.isAlive(row, at: merge.lsn) {
          rows += 1
        }
        for list in try input.view.reader.tombstones where merge.others.contains(list.segment) {
          tombstones[list.segment, default: []].formUnion(list.rows)
        }
      }
    } catch {
      throw StoreError(error)
    }
    var written: WrittenSegment?
    if rows > 0 || !tombstones.isEmpty {
      written = try writeSegment(
        for: merge.entry, rows: rows, first: merge.inputs.map(\.entry.firstLSN).min() ?? 0,
        last: merge.inputs.map(\.entry.lastLSN).max() ?? 0,
        tombstones: tombstones.mapValues { $0.sorted() }
      ) { append in
        var done = 0
        for input in merge.inputs {
          var cursor = PayloadCursor()
          var trail = input.view.reader.trailOfVectors
          defer { input.view.reader.letGo() }
          for row in 0..<input.view.reader.rowCount where input.view.isAlive(row, at: merge.lsn) {
            if done % 1_024 == 0 {
              try checkGoingOn()
              progress?(Progress(phase: "compact", completed: done, total: rows))
              input.view.reader.reach(row, &trail)
            }
            try append(try input.view.reader.record(row, using: &cursor))
            done += 1
          }
        }
      }
    }
    var ancestry: GraphAncestry?
    if let file = written?.entry.file, rows >= options.indexedRows, merge.entry.lacksGraph(file) {
      ancestry = GraphAncestry(of: merge.inputs, at: merge.lsn)
    }
    do {
      if written != nil { try syncDirectory() }
      try exclusively { try install(merge, written, ancestry) }
    } catch {
      if let written, !base.references.contains(FileName.segment(written.entry.file).name),
        published.withLock({ $0.failure == nil })
      {
        discard([written.entry.file])
      }
      throw error
    }
    progress?(Progress(phase: "compact", completed: rows, total: rows))
  }

  /// Throws when long work should stop.
  func checkGoingOn() throws {
    if queue.withLock({ $0.isClosing }) || Task.isCancelled {
      throw StoreError.cancelled("the compaction")
    }
  }

  private func install(
    _ merge: Merge, _ written: WrittenSegment?, _ ancestry: GraphAncestry?
  ) throws {
    try checkWritable()
    let inputs = Set(merge.inputs.map(\.entry.file))
    guard let state = tables.collections[merge.entry.number],
      let place = base.collections.firstIndex(where: { $0.number == merge.entry.number })
    else {
      // The collection was dropped meanwhile.
      if let written { discard([written.entry.file]) }
      return
    }
    var manifest = base
    var segments = manifest.collections[place].segments
    let position = segments.firstIndex { inputs.contains($0.file) } ?? segments.count
    segments.removeAll { inputs.contains($0.file) }
    if let written { segments.insert(written.entry, at: min(position, segments.count)) }
    manifest.collections[place].segments = segments
    var added = written.map { SegmentState(reader: $0.reader, entry: $0.entry) }
    added?.ancestry = ancestry
    do throws(StorageError) {
      for segment in state.segments where inputs.contains(segment.entry.file) {
        for row in segment.unsaved {
          guard let death = segment.deaths?.load(Int(row)), death > merge.lsn else { continue }
          let id = try segment.reader.id(of: Int(row))
          if let row = try added?.reader.row(of: id) { added?.kill(row, at: death) }
        }
      }
    } catch {
      throw StoreError(error)
    }
    try install(manifest)
    let index = state.segments.firstIndex { inputs.contains($0.entry.file) } ?? 0
    state.segments.removeAll { inputs.contains($0.entry.file) }
    if let added { state.segments.insert(added, at: min(index, state.segments.count)) }
    attachIndexes(to: state)
    state.touch()
    garbage.formUnion(inputs)
    publish()
    published.withLock { $0.counters.compactions += 1 }
    sweep()
  }
}
