import Foundation
import Synchronization

// Ctrl-C ends a command in good order. The two signals are kept from every thread but the first,
// which waits for them: so nothing of the program ever runs inside a handler. The first signal
// cancels the command's task, and the engine stops at the next safe place. A command that does not
// stop soon is left as if it were killed, which a store survives at any moment; so is one that is
// interrupted again.

/// Listens for SIGINT and SIGTERM.
final class Interruption: Sendable {
  /// How long a command may take to stop.
  private static let grace = 5.0

  private let signal = Mutex<Int32?>(nil)
  private let farewell: String

  init(farewell: String) { self.farewell = farewell }

  /// The exit status, once there was a signal.
  var status: Int32? { signal.withLock { $0 }.map { 128 + $0 } }

  /// Keeps the signals from this thread and all that it starts.
  static func holdSignals() {
    var set = signals
    unsafe pthread_sigmask(SIG_BLOCK, &set, nil)
  }

  private static var signals: sigset_t {
    var set = sigset_t()
    unsafe sigemptyset(&set)
    unsafe sigaddset(&set, SIGINT)
    unsafe sigaddset(&set, SIGTERM)
    return set
  }

  /// Ends the process when a signal came before anything was begun.
  func leaveUnlessUndisturbed() {
    var pending = sigset_t()
    guard unsafe sigpending(&pending) == 0 else { return }
    for number in [SIGINT, SIGTERM] where unsafe sigismember(&pending, number) == 1 {
      Terminal.say("roost: interrupted; nothing was begun; run the same command again")
      exit(128 + number)
    }
  }

  /// Waits for signals until the process ends, and cancels by this at the first one.
  func listen(_ cancel: () -> Void) -> Never {
    var set = Self.signals
    while true {
      var number: Int32 = 0
      guard unsafe sigwait(&set, &number) == 0 else { continue }
      let isFirst = signal.withLock { known in
        defer { known = known ?? number }
        return known == nil
      }
      guard isFirst else { leave() }
      cancel()
      Thread.detachNewThread { [self] in
        Thread.sleep(forTimeInterval: Self.grace)
        leave()
      }
    }
  }

  /// Says that the command was interrupted, and how to go on.
  func sayFarewell() { Terminal.say("roost: interrupted; \(farewell)") }

  private func leave() -> Never {
    Terminal.say("roost: interrupted, and ended like a killed process; \(farewell)")
    _exit(status ?? 130)
  }
}
