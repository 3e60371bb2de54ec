/// A choice between threads that could run.
struct Decision: Sendable, Equatable {
  var options: Int
  var chosen: Int
  /// Whether the first option is the thread that runs already, so that any other interrupts it.
  var isPreemption: Bool
}

/// Makes the choices of one run: the given ones first, then by rule.
struct Decider: Sendable {
  /// Choices to repeat; where the options are known, there must be as many again.
  private let given: [Decision]
  private let bound: Int
  /// Nil lets everybody run as long as they can; otherwise free choices are drawn by lot, and
  /// threads are interrupted at these steps.
  private var lots: (numbers: SeededNumbers, steps: Set<Int>)?
  private(set) var made: [Decision] = []
  private var preemptions = 0
  private var steps = 0

  init(given: [Decision], bound: Int, lots: (numbers: SeededNumbers, steps: Set<Int>)? = nil) {
    self.given = given
    self.bound = bound
    self.lots = lots
  }

  /// One of the options; none of them when the run is not the one that was to be repeated.
  mutating func choose(of options: Int, isPreemption: Bool) -> Int {
    defer { steps += 1 }
    if options == 1 || (isPreemption && preemptions >= bound) { return 0 }
    var chosen = 0
    if made.count < given.count {
      let old = given[made.count]
      if old.options != options && old.options != 0 { return options }
      chosen = old.chosen
    } else if lots != nil {
      if !isPreemption {
        chosen = lots?.numbers.below(options) ?? 0
      } else if lots?.steps.contains(steps) == true {
        chosen = 1 + (lots?.numbers.below(options - 1) ?? 0)
      }
    }
    made.append(Decision(options: options, chosen: chosen, isPreemption: isPreemption))
    if isPreemption && chosen > 0 { preemptions += 1 }
    return chosen
  }

  /// The choices that come after these when all are tried in order; nil after the last.
  static func choices(after decisions: [Decision]) -> [Decision]? {
    var decisions = decisions
    while var last = decisions.popLast() {
      last.chosen += 1
      if last.chosen < last.options { return decisions + [last] }
    }
    return nil
  }
}

/// What is run in every order: new state, the bodies that share it, and what must be true
/// afterwards.
package struct Scenario {
  /// Each runs on a thread of its own.
  package var bodies: [@Sendable () -> Void]
  /// What is wrong once all have finished, in sentences.
  package var check: () -> [String]

  package init(_ bodies: [@Sendable () -> Void], check: @escaping () -> [String]) {
    self.bodies = bodies
    self.check = check
  }
}

/// What an exploration has found out.
package struct Exploration: Sendable {
  /// A run that went wrong.
  package struct Finding: Sendable, CustomStringConvertible {
    /// What is wrong.
    package let sentences: [String]
    /// What `Explorer.replay` needs to make it happen again.
    package let choices: [Int]
    /// What the threads did, in order.
    package let trace: [String]

    package var description: String {
      (sentences + ["choices: \(choices)"] + trace).joined(separator: "\n")
    }
  }

  /// How many runs there were.
  package fileprivate(set) var schedules = 0
  /// How many times a thread could have been interrupted, in all runs.
  package fileprivate(set) var steps = 0
  /// Whether no run within the bound is left.
  package fileprivate(set) var isComplete = false
  /// The first run that went wrong; none followed.
  package fileprivate(set) var finding: Finding?
}

/// Runs a scenario in many orders of its threads, and stops at the first that goes wrong.
///
/// Of two threads that never wait, most mistakes show when one is interrupted once or twice at the
/// wrong place; so runs are bounded in how often a thread is interrupted, not in how long they are.
///
/// After a deadlock the threads stay where they are for the rest of the process.
package struct Explorer: Sendable {
  /// Which runs are made.
  package enum Order: Sendable {
    /// All of them, one after the other, as far as `schedulesMax` goes.
    case exhaustive
    /// Runs drawn by lot.
    case random(seed: UInt64)
  }

  /// How often the threads of one run are interrupted, at most.
  package var preemptionsMax: Int
  package var schedulesMax: Int
  /// After so many steps a run is held to be one that never ends.
  package var stepsMax: Int
  package var order: Order

  package init(
    preemptionsMax: Int = 2, schedulesMax: Int = 10_000, stepsMax: Int = 100_000,
    order: Order = .exhaustive
  ) {
    self.preemptionsMax = preemptionsMax
    self.schedulesMax = schedulesMax
    self.stepsMax = stepsMax
    self.order = order
  }

  /// Runs what `prepare` makes, again and again.
  ///
  /// `prepare` is called before each run and must make everything anew and always the same: a
  /// simulated file system with the scheduler it is given, and monitors with it.
  package func run(_ prepare: (Scheduler) throws -> Scenario) throws -> Exploration {
    var exploration = Exploration()
    var given: [Decision] = []
    var length = 0
    while exploration.schedules < schedulesMax {
      let decider = decider(given: given, schedule: exploration.schedules, length: length)
      let result = try runOnce(decider, prepare)
      exploration.schedules += 1
      exploration.steps += result.steps
      length = max(length, result.steps)
      if let finding = result.finding {
        exploration.finding = finding
        return exploration
      }
      if case .random = order { continue }
      guard let next = Decider.choices(after: result.decisions) else {
        exploration.isComplete = true
        return exploration
      }
      given = next
    }
    return exploration
  }

  /// Makes the choices of a finding again.
  package func replay(
    _ choices: [Int], _ prepare: (Scheduler) throws -> Scenario
  ) throws -> Exploration.Finding? {
    let given = choices.map { Decision(options: 0, chosen: $0, isPreemption: false) }
    return try runOnce(Decider(given: given, bound: preemptionsMax), prepare).finding
  }

  private func decider(given: [Decision], schedule: Int, length: Int) -> Decider {
    guard case .random(let seed) = order else {
      return Decider(given: given, bound: preemptionsMax)
    }
    var numbers = SeededNumbers(seed: seed &+ UInt64(schedule) &* 0x9E37_79B9_7F4A_7C15)
    var steps: Set<Int> = []
    if length > 0 {
      for _ in 0..<preemptionsMax { steps.insert(numbers.below(length)) }
    }
    return Decider(given: [], bound: preemptionsMax, lots: (numbers, steps))
  }

  private func runOnce(
    _ decider: Decider, _ prepare: (Scheduler) throws -> Scenario
  ) throws -> (decisions: [Decision], steps: Int, finding: Exploration.Finding?) {
    let scheduler = Scheduler(decider: decider, stepsMax: stepsMax)
    let scenario = try prepare(scheduler)
    var threads: [PosixThread] = []
    for (index, body) in scenario.bodies.enumerated() {
      threads.append(try scheduler.launch(scheduler.add("thread \(index)"), body))
    }
    scheduler.run()
    let result = scheduler.result
    var sentences: [String] = []
    if let failure = result.failure {
      sentences = [failure]
    } else {
      for thread in threads { thread.join() }
      sentences = scenario.check()
    }
    guard !sentences.isEmpty else { return (result.decisions, result.steps, nil) }
    let finding = Exploration.Finding(
      sentences: sentences, choices: result.decisions.map(\.chosen), trace: scheduler.trace)
    return (result.decisions, result.steps, finding)
  }
}
