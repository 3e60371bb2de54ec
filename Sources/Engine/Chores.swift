internal import RoostContract
internal import RoostFiles
internal import RoostStorage

// What a store does beside its callers: flushes and merges when memory or segments ask for it,
// syncs what was only buffered, vouches for the last write once it is quiet, and leads for writers
// that do not wait. Without the background option the writers do all of it themselves.

/// What waits to be done beside the callers.
struct Chores {
  var wantsJob = false
  var needsSync = false
  var needsWitness = false
  var isClosing = false
  var hasKeeper = false
  var hasCommitter = false
  var hasIndexer = false
  /// About how much memory rows take that are in no segment.
  var memory = 0
  /// Why the last job failed; nil after one that did not.
  var failure: StoreError?
  /// Why the last index could not be built.
  var indexFailure: StoreError?

  var isIdle: Bool { !wantsJob && !needsSync && !needsWitness }
}

extension StoreCore {
  /// How long it is quiet before the last write is vouched for.
  static let quiet: UInt64 = 50_000_000

  /// Takes note of what a group leaves to do; the caller leads.
  func leaveChores() {
    let memory = tables.memory
    let isLarge =
      memory >= options.memoryLimit
      || (log?.length ?? 0) >= options.memoryLimit + options.memoryLimit / 4
    let isWaiting = chores.withLock { chores in
      let wasIdle = chores.isIdle
      chores.memory = memory
      chores.wantsJob = chores.wantsJob || isLarge
      chores.needsSync = firstUnsynced != nil && options.durability != .bulk
      chores.needsWitness = !isWitnessed && firstUnsynced == nil
      return wasIdle && !chores.isIdle
    }
    if isWaiting { chores.wakeAll() }
  }

  /// Does or starts what the last group left to do.
  func maintain() {
    if options.background {
      let isMissing = chores.withLock { chores in
        defer { chores.hasKeeper = chores.hasKeeper || !chores.isIdle }
        return !chores.isIdle && !chores.hasKeeper && !chores.isClosing
      }
      if isMissing { startKeeper() }
    } else if chores.withLock({ $0.wantsJob && $0.failure == nil }) {
      runJob()
    }
  }

  /// Builds the indexes that are missing, or has them built.
  func maintainIndexes() {
    guard exclusively({ wantsIndex }) else { return }
    guard options.background else { return runIndexing() }
    let isMissing = chores.withLock { chores in
      defer { chores.hasIndexer = true }
      return !chores.hasIndexer && !chores.isClosing
    }
    guard isMissing else { return }
    do throws(FileError) {
      let thread = try fileSystem.startThread("roost-indexer") {
        self.runIndexing()
        self.chores.withLock { $0.hasIndexer = false }
      }
      threads.withLock { $0.append(thread) }
    } catch {
      // No thread can be had now; the next job asks again.
      chores.withLock { $0.hasIndexer = false }
    }
  }

  private func runIndexing() {
    do {
      try buildIndexes()
    } catch {
      // An index is never needed; the next job tries again, and `health` says why it failed.
      let failure = error.asStoreError
      if failure.code != .cancelled { chores.withLock { $0.indexFailure = failure } }
    }
  }

  /// Waits while memory is far beyond its limit; throws when that will not change.
  func waitForMemory() throws {
    let limit = options.memoryLimit * 4
    // Whoever writes does the jobs where nobody else does, also the one that failed before.
    if !options.background,
      chores.withLock({ $0.memory >= limit && $0.failure != nil && !$0.isClosing })
    {
      runJob()
    }
    let failure =
      chores.waiting(
        until: { $0.memory < limit || $0.failure != nil || $0.isClosing || !$0.hasKeeper }
      ) { $0.memory < limit ? nil : $0.failure } ?? nil
    if let failure { throw failure }
  }

  /// Flushes, and merges what is worth it; a failure is kept for `health`.
  private func runJob() {
    chores.withLock { $0.wantsJob = false }
    var failure: StoreError?
    do {
      try asJob { try flush() }
      try compact(.worthwhile)
    } catch {
      failure = error.asStoreError
    }
    let memory = exclusively { tables.memory }
    // What was in the way may be gone next time, unless the store is.
    let isWorthIt = failure != nil && published.withLock { $0.failure == nil }
    chores.withLock { chores in
      chores.failure = failure
      chores.memory = memory
      chores.wantsJob = chores.wantsJob || isWorthIt
    }
    chores.wakeAll()
    if failure == nil { maintainIndexes() }
  }

  // MARK: Threads

  private func startKeeper() {
    do throws(FileError) {
      let thread = try fileSystem.startThread("roost-keeper") { self.keep() }
      threads.withLock { $0.append(thread) }
    } catch {
      // No thread can be had now; the next write asks again.
      chores.withLock { $0.hasKeeper = false }
    }
  }

  private func keep() {
    while true {
      let (isClosing, wantsJob) =
        chores.waiting(
          until: { $0.isClosing || !$0.isIdle }) { ($0.isClosing, $0.wantsJob) } ?? (true, false)
      if isClosing { return }
      var buffer: UInt64?
      if case .buffered(let delay) = options.durability { buffer = delay.nanoseconds }
      var delay = buffer ?? StoreCore.quiet
      if wantsJob {
        runJob()
        if chores.withLock({ $0.failure == nil }) { continue }
        // A job that failed is not tried again at once; syncs that were promised go on meanwhile.
        delay = max(buffer ?? 1_000_000_000, StoreCore.quiet)
      }
      if sleep(nanoseconds: delay) { return }
      exclusively { settle() }
    }
  }

  /// Waits; true when the store closes meanwhile.
  private func sleep(nanoseconds: UInt64) -> Bool {
    chores.waiting(
      until: { $0.isClosing || $0.wantsJob && $0.failure == nil },
      timeout: .nanoseconds(Int64(clamping: nanoseconds))
    ) { $0.isClosing } ?? false
  }

  /// Syncs what was buffered, and vouches for the last write when it is quiet; the caller leads.
  func settle() {
    guard let log, published.withLock({ $0.failure == nil && !$0.isClosed }) else {
      chores.withLock { chores in
        chores.needsSync = false
        chores.needsWitness = false
      }
      return
    }
    do throws(StorageError) {
      // Under bulk only a checkpoint promises anything; there is nothing to hurry for.
      if firstUnsynced != nil, options.durability != .bulk { try syncLog(log) }
      if !isWitnessed, firstUnsynced == nil, fileSystem.now() &- lastWrite >= StoreCore.quiet {
        _ = log.appendWitness(durable: durable)
        try syncLog(log)
        isWitnessed = true
      }
    } catch {
      poison(StoreError(error))
    }
    leaveChores()
  }

  /// Starts the thread that leads for writers that do not wait, unless it runs.
  func startCommitterThread() throws {
    let isMissing = chores.withLock { chores in
      defer { chores.hasCommitter = true }
      return !chores.hasCommitter
    }
    guard isMissing else { return }
    do throws(FileError) {
      let thread = try fileSystem.startThread("roost-committer") { self.leadForOthers() }
      threads.withLock { $0.append(thread) }
    } catch {
      chores.withLock { $0.hasCommitter = false }
      throw StoreError(error, .lock)
    }
  }

  private func leadForOthers() {
    while true {
      let isOver = queue.waiting(until: { !$0.requests.isEmpty || $0.isClosing }) {
        $0.requests.isEmpty
      }
      if isOver ?? true { return }
      // Who does not wait for a write does not wait for memory either; it is done here.
      var shortage: (any Error)?
      do {
        try waitForMemory()
      } catch {
        shortage = error
      }
      // Whoever asks to lead without writing goes first: this loop alone would never let go.
      let mayLead = queue.waiting(
        until: { !$0.isLed && $0.strangers == 0 || $0.requests.isEmpty }
      ) { queue in
        if queue.requests.isEmpty { return false }
        queue.isLed = true
        return true
      }
      guard mayLead ?? false else { continue }
      waitForCompany()
      leadOneGroup(shortage: shortage)
      maintain()
    }
  }

  // MARK: Closing

  /// Ends the store: its threads, its files and its lock.
  ///
  /// - Parameter flushing: whether what is in memory becomes segments, so that the next open has
  ///   nothing to replay.
  func close(flushing: Bool) throws {
    let isFirst = queue.withLock { queue in
      defer { queue.isClosing = true }
      return !queue.isClosing
    }
    guard isFirst else { return }
    queue.wakeAll()
    chores.withLock { $0.isClosing = true }
    chores.wakeAll()
    feed.withLock { $0.isClosed = true }
    feed.wakeAll()
    for thread in threads.withLock({ $0 }) { thread.join() }
    var failure: (any Error)?
    if flushing, options.access == .readWrite, published.withLock({ $0.failure == nil }) {
      do {
        try asJob { try flush() }
      } catch {
        failure = error
      }
    }
    exclusively {
      published.withLock { published in
        published.isClosed = true
        published.snapshot = Snapshot(lsn: lsn, collections: [:])
      }
      log?.close()
      log = nil
      retired?.close()
      retired = nil
      state?.close()
      state = nil
      tables = Tables()
      lock?.release()
      lockFile?.close()
      directory.close()
    }
    if let failure { throw failure }
  }
}
