#if canImport(Darwin)
  internal import Darwin
#else
  internal import Glibc
#endif

/// Decides which of the threads of a store runs next, while interleavings are explored.
///
/// The threads that it knows are real ones, but only one of them runs at a time. It may hand over
/// to another at every call to a simulated file system, at every lock, unlock, wait and wake of a
/// monitor that was made with it, and at `yield()`. Threads that it does not know just run; they
/// must not share monitors with the others while these run.
///
/// Time stands still: a wait with a timeout times out when nobody else can run.
package final class Scheduler: Sendable {
  /// Where a thread may be interrupted.
  package enum Point: Sendable, Equatable, CustomStringConvertible {
    case start, finish, lock, unlock, wait, wake, join, release
    case call(FileError.Operation, String)
    case yield(String)

    package var description: String {
      switch self {
      case .start: "starts"
      case .finish: "is done"
      case .lock: "locks"
      case .unlock: "unlocks"
      case .wait: "waits"
      case .wake: "wakes"
      case .join: "joins"
      case .release: "releases a lock"
      case .call(let operation, let name): "\(operation) \(name)"
      case .yield(let name): name
      }
    }
  }

  /// What keeps a thread from running.
  private enum Status: Equatable {
    case ready
    case locking(ObjectIdentifier)
    case waiting(ObjectIdentifier, deadline: UInt64?)
    case joining(Int)
    case finished
  }

  private struct Thread {
    let name: String
    let gate: Gate
    var status = Status.ready
    var hasTimedOut = false
  }

  private struct State {
    var threads: [Thread] = []
    /// The threads by the number that the system gives them.
    var known: [UInt: Int] = [:]
    var running: Int?
    var time: UInt64 = 0
    var decider: Decider
    var steps: [(thread: Int, point: Point)] = []
    var failure: String?
  }

  private let state: Monitor<State>
  private let stepsMax: Int
  private let over = Gate()

  init(decider: Decider, stepsMax: Int) {
    state = Monitor(State(decider: decider))
    self.stepsMax = stepsMax
  }

  // MARK: For those who run

  /// Lets another thread run, if it is its turn.
  package func yield(_ point: Point = .yield("yields")) {
    hand(over: point, status: .ready)
  }

  /// Whether it decides over the thread that asks.
  var knowsCurrentThread: Bool { state.withLock { $0.known[currentThreadNumber()] != nil } }

  /// Waits for somebody to unlock `monitor`.
  func waitForLock(of monitor: ObjectIdentifier) {
    hand(over: .lock, status: .locking(monitor))
  }

  /// Lets those run who wait for a lock.
  func unlocked(_ monitor: ObjectIdentifier) {
    state.withLock { Self.free(monitor, &$0) }
    yield(.unlock)
  }

  private static func free(_ monitor: ObjectIdentifier, _ state: inout State) {
    for index in state.threads.indices where state.threads[index].status == .locking(monitor) {
      state.threads[index].status = .ready
    }
  }

  /// Waits for a wake of `monitor`, whose lock was just let go; false when the time is up.
  ///
  /// Nobody runs between the one and the other, so no wake is lost.
  func waitForWake(of monitor: ObjectIdentifier, timeout: Duration?) -> Bool {
    let deadline = timeout.map { duration in
      let (seconds, attoseconds) = duration.components
      let nanoseconds = Double(max(seconds, 0)) * 1e9 + Double(attoseconds) / 1e9
      return state.withLock { $0.time } &+ UInt64(max(0, min(nanoseconds, 1e18)))
    }
    state.withLock { Self.free(monitor, &$0) }
    hand(over: .wait, status: .waiting(monitor, deadline: deadline))
    return state.withLock { state in
      guard let me = state.known[currentThreadNumber()] else { return true }
      defer { state.threads[me].hasTimedOut = false }
      return !state.threads[me].hasTimedOut
    }
  }

  /// Lets those run who wait for `monitor`.
  func woken(_ monitor: ObjectIdentifier) {
    state.withLock { state in
      for index in state.threads.indices {
        if case .waiting(monitor, _) = state.threads[index].status {
          state.threads[index].status = .ready
        }
      }
    }
    yield(.wake)
  }

  /// Starts a thread that it decides over; nil when it does not decide over the one that asks.
  func start(
    _ name: String, _ body: @escaping @Sendable () -> Void
  ) throws(FileError) -> (any RunningThread)? {
    guard knowsCurrentThread else { return nil }
    let index = add(name)
    let thread = try launch(index, body)
    yield(.start)
    return ScheduledThread(thread: thread, index: index, scheduler: self)
  }

  /// Waits until a thread has finished; false when the caller has to see to that itself.
  fileprivate func join(_ index: Int) -> Bool {
    let isKnown = knowsCurrentThread
    let isDone = state.withLock { $0.threads[index].status == .finished }
    if isKnown && !isDone { hand(over: .join, status: .joining(index)) }
    return isKnown
  }

  // MARK: For the explorer

  /// Adds a thread, which waits for its first turn.
  func add(_ name: String) -> Int {
    state.withLock { state in
      state.threads.append(Thread(name: name, gate: Gate()))
      return state.threads.count - 1
    }
  }

  /// Gives a thread that was added something to do.
  func launch(
    _ index: Int, _ body: @escaping @Sendable () -> Void
  ) throws(FileError) -> PosixThread {
    let (name, gate) = state.withLock { ($0.threads[index].name, $0.threads[index].gate) }
    return try PosixThread(name) { [self] in
      state.withLock { $0.known[currentThreadNumber()] = index }
      gate.pass()
      body()
      hand(over: .finish, status: .finished)
    }
  }

  /// Lets the threads run until all have finished or nobody can go on.
  func run() {
    let first = state.withLock { state in Self.next(of: &state, after: nil) }
    (first ?? over).open()
    over.pass()
  }

  /// What was decided, and what went wrong.
  var result: (decisions: [Decision], failure: String?, steps: Int) {
    state.withLock { ($0.decider.made, $0.failure, $0.steps.count) }
  }

  /// The last steps, for who reads a finding.
  var trace: [String] {
    state.withLock { state in
      state.steps.suffix(2_000).map { "\(state.threads[$0.thread].name) \($0.point)" }
    }
  }

  // MARK: Handing over

  /// Gives the turn away, unless the thread gets it again at once, and waits for the next.
  private func hand(over point: Point, status: Status) {
    let gates: (mine: Gate, next: Gate)? = state.withLock { state in
      guard let me = state.known[currentThreadNumber()], state.running == me else { return nil }
      state.steps.append((me, point))
      state.threads[me].status = status
      if status == .finished {
        state.known[currentThreadNumber()] = nil
        for index in state.threads.indices where state.threads[index].status == .joining(me) {
          state.threads[index].status = .ready
        }
      }
      if state.steps.count > stepsMax {
        state.failure = "the threads do not come to an end"
        state.running = nil
        return (state.threads[me].gate, over)
      }
      let next = Self.next(of: &state, after: me)
      return state.running == me ? nil : (state.threads[me].gate, next ?? over)
    }
    guard let gates else { return }
    gates.next.open()
    if status != .finished { gates.mine.pass() }
  }

  /// Chooses who runs next; nil when nobody can, because all have finished or none can go on.
  private static func next(of state: inout State, after last: Int?) -> Gate? {
    var ready: [Int] = []
    if let last, state.threads[last].status == .ready { ready.append(last) }
    let isPreemption = !ready.isEmpty
    for index in state.threads.indices
    where index != last && state.threads[index].status == .ready { ready.append(index) }
    if ready.isEmpty, let sleeper = wakeSleeper(&state) { ready.append(sleeper) }
    guard !ready.isEmpty else {
      state.running = nil
      let stuck = state.threads.filter { $0.status != .finished }.map(\.name)
      if !stuck.isEmpty {
        state.failure = "nobody can go on: \(stuck.joined(separator: ", ")) wait for each other"
      }
      return nil
    }
    let choice = state.decider.choose(of: ready.count, isPreemption: isPreemption)
    guard ready.indices.contains(choice) else {
      state.failure = "the same decisions led to another run"
      state.running = nil
      return nil
    }
    state.running = ready[choice]
    return state.threads[ready[choice]].gate
  }

  /// Lets time pass until the first timeout.
  private static func wakeSleeper(_ state: inout State) -> Int? {
    var first: (index: Int, deadline: UInt64)?
    for (index, thread) in state.threads.enumerated() {
      guard case .waiting(_, let deadline?) = thread.status else { continue }
      if deadline < first?.deadline ?? .max { first = (index, deadline) }
    }
    guard let first else { return nil }
    state.time = max(state.time, first.deadline)
    state.threads[first.index].status = .ready
    state.threads[first.index].hasTimedOut = true
    return first.index
  }
}

/// Lets one thread through each time it is opened.
private final class Gate: Sendable {
  private let isOpen = Monitor(false)

  func open() {
    isOpen.withLock { $0 = true }
    isOpen.wakeAll()
  }

  func pass() { _ = isOpen.waiting(until: { $0 }) { $0 = false } }
}

/// A thread that the scheduler decides over.
private final class ScheduledThread: RunningThread {
  private let thread: PosixThread
  private let index: Int
  private let scheduler: Scheduler

  init(thread: PosixThread, index: Int, scheduler: Scheduler) {
    self.thread = thread
    self.index = index
    self.scheduler = scheduler
  }

  func join() {
    if !scheduler.join(index) { thread.join() }
  }
}

/// The number that the system has for the thread that asks.
private func currentThreadNumber() -> UInt {
  #if canImport(Darwin)
    UInt(bitPattern: pthread_self())
  #else
    UInt(pthread_self())
  #endif
}
