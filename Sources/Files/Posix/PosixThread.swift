internal import CFiles

#if canImport(Darwin)
  internal import Darwin
#else
  internal import Glibc
#endif

/// A thread of the operating system with a stack of its own size and a name for debuggers.
///
/// Signals of the process are handled by its other threads; faults of this one by itself.
package final class PosixThread: RunningThread {
  /// How far it is; `pthread_join` may be called once.
  private enum Phase {
    case unjoined(pthread_t)
    case joining
    case joined
  }

  private let phase: Monitor<Phase>

  private static let stackSize = 8 << 20

  /// Starts it.
  package init(_ name: String, _ body: @escaping @Sendable () -> Void) throws(FileError) {
    let start = unsafe Unmanaged.passRetained(ThreadStart(name: name, body: body))
    #if canImport(Darwin)
      var thread: pthread_t?
    #else
      var thread = pthread_t()
    #endif
    let result = withSignalsBlocked {
      var attributes = pthread_attr_t()
      unsafe pthread_attr_init(&attributes)
      defer { unsafe _ = pthread_attr_destroy(&attributes) }
      unsafe pthread_attr_setstacksize(&attributes, Self.stackSize)
      return unsafe pthread_create(&thread, &attributes, runThread, start.toOpaque())
    }
    guard result == 0 else {
      unsafe start.release()
      throw FileError(.thread, result)
    }
    #if canImport(Darwin)
      guard let thread else { throw FileError(.thread, ErrorNumber.again) }
    #endif
    phase = Monitor(.unjoined(thread))
  }

  package func join() {
    let thread: pthread_t? = phase.withLock { phase in
      guard case .unjoined(let thread) = phase else { return nil }
      phase = .joining
      return thread
    }
    guard let thread else {
      _ = phase.waiting(until: { if case .joined = $0 { true } else { false } }) { _ in }
      return
    }
    pthread_join(thread, nil)
    phase.withLock { $0 = .joined }
    phase.wakeAll()
  }

  deinit {
    phase.withLock { phase in
      if case .unjoined(let thread) = phase { pthread_detach(thread) }
    }
  }
}

/// What a new thread is handed.
private final class ThreadStart {
  let name: String
  let body: @Sendable () -> Void

  init(name: String, body: @escaping @Sendable () -> Void) {
    self.name = name
    self.body = body
  }
}

#if canImport(Darwin)
  private func runThread(_ argument: UnsafeMutableRawPointer) -> UnsafeMutableRawPointer? {
    let start = unsafe Unmanaged<ThreadStart>.fromOpaque(argument).takeRetainedValue()
    unsafe roost_name_thread(start.name)
    start.body()
    return nil
  }
#else
  private func runThread(_ argument: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    guard let argument = unsafe argument else { return nil }
    let start = unsafe Unmanaged<ThreadStart>.fromOpaque(argument).takeRetainedValue()
    unsafe roost_name_thread(start.name)
    start.body()
    return nil
  }
#endif

/// Runs `body` with the signals blocked that somebody may send the process, so that a thread
/// started in it does not run the handlers of the host.
private func withSignalsBlocked(_ body: () -> Int32) -> Int32 {
  var blocked = sigset_t()
  var before = sigset_t()
  unsafe sigfillset(&blocked)
  for fault in [SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGABRT, SIGSYS] {
    unsafe sigdelset(&blocked, fault)
  }
  unsafe pthread_sigmask(SIG_SETMASK, &blocked, &before)
  defer { unsafe _ = pthread_sigmask(SIG_SETMASK, &before, nil) }
  return body()
}
