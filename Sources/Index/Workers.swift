/// Threads that do the parts of a job side by side.
package protocol Workers: Sendable {
  /// How many parts run at once.
  var count: Int { get }

  /// Calls `body` once with each number below `count`, and returns when all have returned.
  func run(_ body: @Sendable (Int) -> Void)
}

/// The calling thread alone.
package struct OneWorker: Workers {
  package init() {}

  package var count: Int { 1 }

  package func run(_ body: @Sendable (Int) -> Void) { body(0) }
}

/// How a long job tells how far it has come, and hears that it should stop.
package struct JobWatch: Sendable {
  /// Called now and then with what is done of all there is; false ends the job.
  package var goOn: @Sendable (_ completed: Int, _ total: Int) -> Bool
  /// The same while what was built is measured.
  package var goOnMeasuring: @Sendable (_ completed: Int, _ total: Int) -> Bool

  package init(
    goOn: @escaping @Sendable (_ completed: Int, _ total: Int) -> Bool = { _, _ in true },
    goOnMeasuring: @escaping @Sendable (_ completed: Int, _ total: Int) -> Bool = { _, _ in true }
  ) {
    self.goOn = goOn
    self.goOnMeasuring = goOnMeasuring
  }
}

/// The job was told to stop.
package struct JobStopped: Error {
  package init() {}
}
