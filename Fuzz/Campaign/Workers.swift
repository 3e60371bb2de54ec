import RoostFiles

/// Does numbered pieces of work on two threads, and gathers what they find wrong.
final class Workers: Sendable {
  private struct Numbers {
    var next = 0
    var violations: [String] = []
    var counts: [String: Int] = [:]
  }

  private let numbers = Monitor(Numbers())
  /// So many violations are enough.
  private static let enough = 40

  /// Does all pieces; `body` gets the number of each.
  func run(_ count: Int, _ body: @escaping @Sendable (Int) -> Void) throws {
    numbers.withLock { $0.next = 0 }
    let system = PosixFileSystem()
    var threads: [any RunningThread] = []
    for _ in 0..<2 {
      let thread = try system.startThread("campaign") {
        while let index = self.takeNext(count) { body(index) }
      }
      threads.append(thread)
    }
    for thread in threads { thread.join() }
  }

  private func takeNext(_ count: Int) -> Int? {
    numbers.withLock { numbers in
      guard numbers.next < count, numbers.violations.count < Self.enough else { return nil }
      defer { numbers.next += 1 }
      return numbers.next
    }
  }

  /// Counts something.
  func count(_ name: String, _ number: Int = 1) {
    numbers.withLock { $0.counts[name, default: 0] += number }
  }

  func violate(_ sentence: String) { numbers.withLock { $0.violations.append(sentence) } }

  /// Puts counts, by name, and violations into the report.
  func report(to run: inout Run) {
    let (counts, violations) = numbers.withLock { ($0.counts, $0.violations) }
    for (name, count) in counts.sorted(by: { $0.key < $1.key }) { run.report(name, count) }
    for violation in violations { run.violate(violation) }
  }
}
