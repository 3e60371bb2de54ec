internal import RoostContract
internal import RoostFiles
internal import RoostStorage

// Group commit. A writer puts its request in the queue. Who finds that nobody leads, and that as
// many are there as wrote together lately, becomes the leader, takes all that wait, and logs, syncs
// and publishes for them; who comes sooner sleeps until it is done, and leads when its patience
// ends. A lone writer never switches threads; under load one sync serves everybody, and each thread
// sleeps once for each of its writes. A leader lets go of the lead before it wakes those whose
// writes it did.

extension StoreCore {
  /// Does a write and waits until it is acknowledged.
  func commit(_ request: WriteRequest) throws -> Int {
    try checkWritable()
    if !request.onlyFrees { try waitForMemory() }
    let turn = Monitor(WriteRequest.Turn.waits, scheduler: fileSystem.scheduler)
    request.turn = turn
    let (mayLead, patience) = queue.withLock { queue -> (Bool, Duration?) in
      queue.requests.append(request)
      if queue.isLed || queue.strangers > 0 {
        if queue.requests.count == queue.wanted { self.queue.wakeAll() }
        return (false, nil)
      }
      if queue.patience > .zero, queue.requests.count < queue.company {
        // The first to come that waits sees to it that somebody leads: the thread that leads for
        // those that do not wait may itself be waiting for memory.
        let isFirst = queue.requests.first { $0.turn != nil } === request
        return (false, isFirst ? queue.patience : nil)
      }
      queue.isLed = true
      return (true, nil)
    }
    if mayLead || patience.map({ !isTaken(request, within: $0) }) ?? false { leadOneGroup() }
    while true {
      let found = turn.waiting(until: { if case .waits = $0 { false } else { true } }) { turn in
        defer { if case .leads = turn { turn = .waits } }
        return turn
      }
      switch found {
      case .isDone(let outcome):
        maintain()
        return try outcome.get()
      case .leads:
        waitForCompany()
        leadOneGroup()
      case .waits, nil: break
      }
    }
  }

  /// Waits until somebody does a write or asks its writer to lead; false when nobody came in time,
  /// and its writer has the lead.
  private func isTaken(_ request: WriteRequest, within patience: Duration) -> Bool {
    let isTaken: Void? = request.turn?.waiting(
      until: { if case .waits = $0 { false } else { true } }, timeout: patience
    ) { _ in }
    if isTaken != nil { return true }
    return queue.withLock { queue in
      // It may be in the hands of a leader who let go of the lead.
      if queue.isLed || queue.strangers > 0 || !queue.requests.contains(where: { $0 === request }) {
        return true
      }
      queue.isLed = true
      return false
    }
  }

  /// Hands a write to the store's own thread.
  func submit(_ request: WriteRequest) throws {
    try checkWritable()
    try startCommitterThread()
    queue.withLock { queue in
      queue.requests.append(request)
      self.queue.wakeAll()
    }
  }

  /// Takes the next group and acknowledges it; who calls this leads, and does not afterwards.
  ///
  /// - Parameter shortage: why nothing can be done that needs memory; nil when there is some.
  func leadOneGroup(shortage: (any Error)? = nil) {
    let group = queue.withLock { queue -> [WriteRequest] in
      // A request that must be alone ends the group before it.
      let alone = queue.requests.firstIndex(where: \.isAlone) ?? queue.requests.count
      let group = Array(queue.requests.prefix(max(alone, 1)))
      queue.requests.removeFirst(group.count)
      return group
    }
    let outcomes = process(group, shortage)
    queue.withLock { queue in
      (queue.company, queue.patience) = company(after: group.count + queue.requests.count)
    }
    passOn()
    for (request, outcome) in zip(group, outcomes) { request.finish(outcome) }
  }

  /// How many the next sync should serve, and how long it is worth waiting for them, when so many
  /// have just written at about the same time.
  private func company(after count: Int) -> (Int, Duration) {
    switch options.durability {
    // A whole sync is soon won back when there is one fewer to wait for.
    case .sync: (count, .nanoseconds(Int64(min(syncTime, 1_000_000))))
    case .group(let delay): (64, delay)
    case .buffered, .bulk: (0, .zero)
    }
  }

  /// Lets those come who wrote lately, so that one sync serves all of them; the caller leads.
  func waitForCompany() {
    let patience = queue.withLock { queue in
      queue.wanted = queue.company
      return queue.patience
    }
    _ = queue.waiting(
      until: { $0.requests.count >= $0.wanted || $0.isClosing }, timeout: patience
    ) { _ in }
    queue.withLock { $0.wanted = 0 }
  }

  /// Ends a lead: the one who waits longest has it next, unless somebody asks for it who does not
  /// write.
  private func passOn() {
    let next = queue.withLock { queue -> WriteRequest? in
      if queue.strangers == 0, let first = queue.requests.first, first.turn != nil { return first }
      queue.isLed = false
      self.queue.wakeAll()
      return nil
    }
    next?.lead()
  }

  /// Runs `body` while nobody else leads.
  func exclusively<R>(_ body: () throws -> R) rethrows -> R {
    queue.withLock { $0.strangers += 1 }
    _ = queue.waiting(until: { !$0.isLed }) { queue in
      queue.isLed = true
      queue.strangers -= 1
    }
    defer { passOn() }
    return try body()
  }

  // MARK: A group

  /// A write that goes into the log.
  private struct Planned {
    let place: Int
    let effects: Effects
    let payload: [UInt8]
    var lsn: UInt64 = 0
  }

  private func process(
    _ group: [WriteRequest], _ shortage: (any Error)?
  ) -> [Result<Int, any Error>] {
    var outcomes = [Result<Int, any Error>?](repeating: nil, count: group.count)
    do {
      try checkWritable()
    } catch {
      return group.map { _ in .failure(error) }
    }
    var overlay = Overlay()
    var plan: [Planned] = []
    for (place, request) in group.enumerated() {
      do {
        if let shortage, !request.onlyFrees { throw shortage }
        let effects = try request.resolve(self, overlay)
        guard !effects.operations.isEmpty else {
          outcomes[place] = .success(effects.answer)
          continue
        }
        let payload = try effects.payload ?? encoded(effects.operations)
        if group.count > 1 { overlay.add(effects.operations) }
        plan.append(Planned(place: place, effects: effects, payload: payload))
      } catch let error as StorageError {
        outcomes[place] = .failure(StoreError(error))
      } catch {
        outcomes[place] = .failure(error)
      }
    }
    if !plan.isEmpty {
      do {
        try write(&plan)
        try apply(plan)
        for write in plan { outcomes[write.place] = .success(write.effects.answer) }
      } catch {
        for write in plan { outcomes[write.place] = .failure(error) }
      }
    }
    return outcomes.map { $0 ?? .failure(StoreError.closed()) }
  }

  private func encoded(_ operations: [Operation]) throws -> [UInt8] {
    var elements: [UInt64: ElementType] = [:]
    for state in tables.collections.values { elements[state.entry.number] = state.entry.element }
    return OperationForm.encode(operations, elements: elements)
  }

  /// Brings a group to where its durability is reached; nothing of it is visible yet.
  private func write(_ plan: inout [Planned]) throws {
    let onlyFrees = plan.allSatisfy(\.effects.onlyFrees)
    if isFull, !onlyFrees { try regainSpace() }
    do throws(StorageError) {
      try append(&plan)
    } catch {
      let cause = StoreError(error)
      guard cause.code == .diskFull, recoverFromFullDisk() else { throw poison(cause) }
      guard onlyFrees else { throw cause }
      // What frees space may use the space that is kept for it.
      do throws(StorageError) {
        try append(&plan)
      } catch {
        let cause = StoreError(error)
        guard cause.code == .diskFull, recoverFromFullDisk() else { throw poison(cause) }
        throw cause
      }
    }
  }

  private func append(_ plan: inout [Planned]) throws(StorageError) {
    let log = try openLog()
    for index in plan.indices {
      plan[index].lsn = log.append(plan[index].payload, durable: durable)
    }
    let now = fileSystem.now()
    lastWrite = now
    isWitnessed = false
    switch options.durability {
    case .sync, .group:
      try log.write()
      try syncLog(log)
    case .buffered(let delay):
      try log.write()
      firstUnsynced = firstUnsynced ?? now
      // The store's own thread does this in time; without one, the writers do.
      if now - (firstUnsynced ?? now) >= delay.nanoseconds { try syncLog(log) }
    case .bulk:
      firstUnsynced = firstUnsynced ?? now
      if log.pendingLength >= 4 << 20 { try log.write() }
    }
  }

  /// Makes all that was appended durable.
  func syncLog(_ log: LogWriter) throws(StorageError) {
    try log.write()
    let start = fileSystem.now()
    try log.sync()
    syncTime = fileSystem.now() &- start
    durable = log.lastLSN
    firstUnsynced = nil
    published.withLock { $0.counters.syncs += 1 }
    writeHint()
    let durable = durable
    feed.withLock { $0.durable = durable }
    feed.wakeAll()
  }

  /// Tells the next process and followers how far the log is durable.
  func writeHint() {
    let hint = StateHint(
      database: base.database, boot: owner.boot, generation: base.generation, durable: durable)
    do throws(StorageError) {
      if state == nil { state = try StateHint.open(in: directory) }
      if let state { try hint.write(to: state) }
    } catch {
      // A hint: without it a lost end of the log may look like one that was never synced.
      state?.close()
      state = nil
    }
  }

  /// The log to append to, made when there is none.
  private func openLog() throws(StorageError) -> LogWriter {
    if let log { return log }
    let header = LogHeader(
      database: base.database, number: nextLog, generation: base.generation,
      salt: fileSystem.random(), firstLSN: lsn + 1, predecessor: predecessor)
    let log = try LogWriter.create(in: directory, header: header)
    self.log = log
    nextLog += 1
    sealRetiredLog()
    return log
  }

  private func sealRetiredLog() {
    do throws(StorageError) {
      try retired?.seal()
    } catch {
      // The next log says where this one ended; the seal only says it once more.
    }
    retired?.close()
    retired = nil
  }

  /// Puts a group into the tables and lets readers see it.
  private func apply(_ plan: [Planned]) throws {
    do throws(StorageError) {
      for write in plan {
        try apply(write.effects, at: write.lsn)
        lsn = write.lsn
      }
    } catch {
      // It is in the log; a damaged segment keeps it from being shown.
      throw poison(StoreError(error))
    }
    garbage.formUnion(tables.dropped)
    tables.dropped = []
    let snapshot = tables.snapshot(at: lsn)
    published.withLock { published in
      published.snapshot = snapshot
      published.counters.commits += plan.count
    }
    leaveChores()
  }

  private func apply(_ effects: Effects, at lsn: UInt64) throws(StorageError) {
    let file = FileName.log(log?.number ?? 0)
    guard let rows = effects.rows else {
      for operation in effects.operations { try tables.apply(operation, at: lsn, from: file) }
      return
    }
    var next = 0
    for operation in effects.operations {
      if case .put(let number, _) = operation, let state = tables.collections[number] {
        try state.put(rows[next], at: lsn)
        next += 1
      } else {
        try tables.apply(operation, at: lsn, from: file)
      }
    }
  }

  // MARK: A full disk

  /// Takes back what was written in part, and frees the space that is kept for this; false when the
  /// log is in doubt.
  private func recoverFromFullDisk() -> Bool {
    isFull = true
    releaseReserve()
    guard let log else {
      // The log itself could not be made; what there is of it must go, its number is used again.
      do throws(FileError) {
        try directory.remove(FileName.log(nextLog).name)
      } catch {
        return error.reason == .notFound
      }
      return true
    }
    do throws(StorageError) {
      try log.abandonTail()
      return true
    } catch {
      return false
    }
  }

  /// Gives the reserved space back to the disk; false when there was none.
  @discardableResult
  func releaseReserve() -> Bool {
    do throws(FileError) {
      try directory.remove(FileName.reserve.name)
      try directory.sync()
      return true
    } catch {
      return false
    }
  }

  /// Does a job that leaves less on the disk than there was; on a full disk once more, with the
  /// space that is kept for it.
  func withReserve(_ job: () throws -> Void) throws {
    do {
      return try job()
    } catch let error as StoreError where error.code == .diskFull {
      let hasMore = exclusively {
        isFull = true
        return releaseReserve()
      }
      guard hasMore else { throw error }
    }
    try job()
  }

  /// Sets space aside for a full disk, if it is not there yet; without space there is none to set
  /// aside.
  func keepReserve() throws(FileError) {
    let name = FileName.reserve.name
    let file: any File
    do throws(FileError) {
      file = try directory.create(name)
    } catch {
      if error.reason == .exists { return }
      throw error
    }
    defer { file.close() }
    do throws(FileError) {
      try file.reserve(options.reserve)
    } catch {
      try directory.remove(name)
      throw error
    }
  }

  /// Throws unless the reserve is whole again, so that puts never eat what deletes need.
  private func regainSpace() throws {
    do throws(FileError) {
      try keepReserve()
      isFull = false
    } catch {
      throw StoreError(error, .reserve)
    }
  }
}

extension Duration {
  /// The whole duration in nanoseconds, for clocks that count them.
  var nanoseconds: UInt64 {
    let (seconds, attoseconds) = components
    guard seconds >= 0, attoseconds >= 0, seconds < 1_000_000_000 else { return 0 }
    return UInt64(seconds) * 1_000_000_000 + UInt64(attoseconds) / 1_000_000_000
  }
}
