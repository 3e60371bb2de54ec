internal import CRoost
internal import RoostContract
internal import RoostEngine
internal import RoostFiles

/// Work that tells a function of C how far it has come, and that the function can cancel.
///
/// The engine stops such work when its task is cancelled. So there is a task, and it runs in the
/// thread that called, which is where the function is called as well.
final class LongWork: Sendable {
  typealias Report = @Sendable (Progress) -> Void

  /// A function of C and what it is given.
  // Sendable: only the thread that called ever calls it.
  @safe private struct Callback: @unchecked Sendable {
    let function: roost_progress
    let context: UnsafeMutableRawPointer?

    func call(_ progress: Progress) -> Bool {
      unsafe progress.phase.withCString { phase in
        unsafe function(
          context, UInt64(clamping: progress.completed), UInt64(clamping: progress.total), phase)
          == 0
      }
    }
  }

  private struct State: Sendable {
    var last: Progress?
    var isCancelled = false
    var result: Result<Void, any Error>?
  }

  /// Whether this thread is inside a function that was told how far work has come.
  @TaskLocal private static var isInCallback = false

  private let phase: String
  private let callback: Callback?
  private let state = Monitor(State())

  init(_ phase: String, _ function: roost_progress?, _ context: UnsafeMutableRawPointer?) {
    self.phase = phase
    callback = unsafe function.map { unsafe Callback(function: $0, context: context) }
  }

  /// Throws when a callback asks for what would wait for the work that called it.
  static func refuseInCallback(_ name: String) throws {
    guard isInCallback else { return }
    throw StoreError(
      .invalidArgument, found: "\(name) was called by a progress callback",
      expected: "a callback only reads", remedy: "Call it when the work has ended")
  }

  /// Runs the work; it has been told of the beginning and of the end once it succeeds.
  func run<Ignored>(_ body: @escaping @Sendable (Report?) throws -> Ignored) throws {
    guard callback != nil else {
      _ = try body(nil)
      return
    }
    let thread = CallingThread()
    let task = Task(executorPreference: thread) { [self] in
      report(Progress(phase: phase, completed: 0, total: 0))
      let result = Result { try perform(body) }
      state.withLock { $0.result = result }
      thread.finish()
    }
    thread.run()
    withExtendedLifetime(task) {}
    try state.withLock { $0.result ?? .success(()) }.get()
  }

  private func perform<Ignored>(_ body: (Report?) throws -> Ignored) throws {
    do {
      try Task.checkCancellation()
      _ = try body { self.report($0) }
    } catch {
      guard state.withLock({ $0.isCancelled }) else { throw error }
      throw StoreError(
        .cancelled, found: "the callback cancelled \(phase)", expected: "it runs to its end",
        remedy: "Start it again; nothing of it was kept")
    }
    let last = state.withLock { $0.last }
    if let last, last.total > 0, last.completed >= last.total { return }
    let total = max(last?.total ?? 0, 1)
    report(Progress(phase: phase, completed: total, total: total))
  }

  private func report(_ progress: Progress) {
    state.withLock { $0.last = progress }
    let goesOn = LongWork.$isInCallback.withValue(true) { callback?.call(progress) ?? true }
    guard !goesOn else { return }
    state.withLock { $0.isCancelled = true }
    unsafe withUnsafeCurrentTask { unsafe $0?.cancel() }
  }
}

/// Runs a task in the thread that waits for it.
private final class CallingThread: TaskExecutor {
  private struct Jobs {
    var waiting: [UnownedJob] = []
    var isDone = false
  }

  private let jobs = Monitor(Jobs())

  func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    jobs.withLock { $0.waiting.append(job) }
    jobs.wakeAll()
  }

  func finish() {
    jobs.withLock { $0.isDone = true }
    jobs.wakeAll()
  }

  func run() {
    while true {
      let next = jobs.waiting(until: { !$0.waiting.isEmpty || $0.isDone }) { jobs in
        jobs.waiting.isEmpty ? nil : jobs.waiting.removeFirst()
      }
      guard case .some(.some(let job)) = next else { return }
      unsafe job.runSynchronously(on: asUnownedTaskExecutor())
    }
  }
}
