#if canImport(Darwin)
  internal import Darwin
#else
  internal import Glibc
#endif

/// State behind a lock, with threads that may wait for it to change.
///
/// A lock of pthreads, which ThreadSanitizer sees on every platform. It is not recursive: to lock
/// again what the same thread has locked is a mistake, and traps.
// Sendable: `state` is only touched with the mutex held; mutex and condition never move.
@safe package final class Monitor<State>: @unchecked Sendable {
  private var state: State
  private let mutex: UnsafeMutablePointer<pthread_mutex_t>
  private let condition: UnsafeMutablePointer<pthread_cond_t>
  private let scheduler: Scheduler?

  /// Puts `state` behind a lock; with a scheduler, it decides who gets the lock.
  package init(_ state: sending State, scheduler: Scheduler? = nil) {
    self.state = state
    self.scheduler = scheduler
    unsafe mutex = .allocate(capacity: 1)
    unsafe condition = .allocate(capacity: 1)
    var kind = pthread_mutexattr_t()
    unsafe pthread_mutexattr_init(&kind)
    unsafe pthread_mutexattr_settype(&kind, Int32(PTHREAD_MUTEX_ERRORCHECK))
    unsafe pthread_mutex_init(mutex, &kind)
    unsafe pthread_mutexattr_destroy(&kind)
    var clock = pthread_condattr_t()
    unsafe pthread_condattr_init(&clock)
    #if !canImport(Darwin)
      unsafe pthread_condattr_setclock(&clock, CLOCK_MONOTONIC)
    #endif
    unsafe pthread_cond_init(condition, &clock)
    unsafe pthread_condattr_destroy(&clock)
  }

  deinit {
    unsafe pthread_cond_destroy(condition)
    unsafe pthread_mutex_destroy(mutex)
    unsafe condition.deallocate()
    unsafe mutex.deallocate()
  }

  /// Runs `body` with the lock held; it must not lock the same monitor again.
  package func withLock<R, E: Error>(_ body: (inout State) throws(E) -> R) throws(E) -> R {
    lock()
    defer { unlock() }
    return try body(&state)
  }

  /// Waits until `condition` holds and runs `body` at once, with the lock still held.
  ///
  /// Answers nil when `timeout` passes first. `condition` is asked after every `wakeAll()`, with
  /// the lock held, and on the way in.
  package func waiting<R>(
    until condition: (inout State) -> Bool, timeout: Duration? = nil, _ body: (inout State) -> R
  ) -> R? {
    let deadline = timeout.map { Deadline(after: $0) }
    lock()
    defer { unlock() }
    while !condition(&state) {
      // The last look is after the time is up, for a wake that came just then.
      if !sleep(until: deadline) { return condition(&state) ? body(&state) : nil }
    }
    return body(&state)
  }

  /// Lets everybody who waits look at the state again.
  ///
  /// May be called inside `withLock`, and should be when the waiting thread could let the monitor
  /// go as soon as it sees the change; they look once the lock is free.
  package func wakeAll() {
    unsafe pthread_cond_broadcast(condition)
    scheduler?.woken(ObjectIdentifier(self))
  }

  // MARK: The lock

  /// The scheduler, if it decides over the thread that asks.
  private var decidingScheduler: Scheduler? {
    guard let scheduler, scheduler.knowsCurrentThread else { return nil }
    return scheduler
  }

  private func lock() {
    if let scheduler = decidingScheduler {
      scheduler.yield(.lock)
      return lock(by: scheduler)
    }
    let result = unsafe pthread_mutex_lock(mutex)
    precondition(result == 0, "a monitor is locked twice by one thread")
  }

  /// Takes the lock when it is free, and lets others run until then.
  private func lock(by scheduler: Scheduler) {
    while unsafe pthread_mutex_trylock(mutex) != 0 {
      scheduler.waitForLock(of: ObjectIdentifier(self))
    }
  }

  private func unlock() {
    let result = unsafe pthread_mutex_unlock(mutex)
    precondition(result == 0, "a monitor is unlocked by a thread that does not hold it")
    scheduler?.unlocked(ObjectIdentifier(self))
  }

  /// Lets the lock go until a wake; false when the time is up.
  private func sleep(until deadline: Deadline?) -> Bool {
    if let scheduler = decidingScheduler {
      unsafe pthread_mutex_unlock(mutex)
      let isAwake = scheduler.waitForWake(of: ObjectIdentifier(self), timeout: deadline?.duration)
      lock(by: scheduler)
      return isAwake
    }
    guard let deadline else {
      unsafe pthread_cond_wait(condition, mutex)
      return true
    }
    #if canImport(Darwin)
      guard var time = deadline.remaining() else { return false }
      return unsafe pthread_cond_timedwait_relative_np(condition, mutex, &time) != ETIMEDOUT
    #else
      var time = deadline.time
      return unsafe pthread_cond_timedwait(condition, mutex, &time) != ETIMEDOUT
    #endif
  }
}

/// A time of the clock that never goes back.
private struct Deadline {
  var time = timespec()
  let duration: Duration

  init(after duration: Duration) {
    self.duration = duration
    unsafe clock_gettime(CLOCK_MONOTONIC, &time)
    let (seconds, attoseconds) = duration.components
    let nanoseconds = time.tv_nsec + Int(attoseconds / 1_000_000_000)
    // A century is as good as for ever, and cannot overflow.
    time.tv_sec += Int(min(max(seconds, 0), 3_000_000_000)) + nanoseconds / 1_000_000_000
    time.tv_nsec = max(nanoseconds % 1_000_000_000, 0)
  }

  /// The time that is left; nil when there is none.
  func remaining() -> timespec? {
    var now = timespec()
    unsafe clock_gettime(CLOCK_MONOTONIC, &now)
    var seconds = time.tv_sec - now.tv_sec
    var nanoseconds = time.tv_nsec - now.tv_nsec
    if nanoseconds < 0 {
      seconds -= 1
      nanoseconds += 1_000_000_000
    }
    return seconds < 0 ? nil : timespec(tv_sec: seconds, tv_nsec: nanoseconds)
  }
}
