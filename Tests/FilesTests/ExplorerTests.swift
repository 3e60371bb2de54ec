import RoostFiles
import Testing

@Suite("Interleavings")
struct ExplorerTests {
  /// Two threads add one to a number; `body` decides how.
  private func adders(
    _ scheduler: Scheduler, _ body: @escaping @Sendable (Monitor<Int>) -> Void
  ) -> Scenario {
    let number = Monitor(0, scheduler: scheduler)
    return Scenario([{ body(number) }, { body(number) }]) {
      let sum = number.withLock { $0 }
      return sum == 2 ? [] : ["the sum is \(sum)"]
    }
  }

  private static let racing: @Sendable (Monitor<Int>) -> Void = { number in
    let old = number.withLock { $0 }
    number.withLock { $0 = old + 1 }
  }

  @Test("a race between two locks is found, and can be replayed")
  func race() throws {
    let explorer = Explorer(preemptionsMax: 1)
    let exploration = try explorer.run { adders($0, Self.racing) }
    let finding = try #require(exploration.finding)
    #expect(finding.sentences == ["the sum is 1"])
    #expect(finding.trace.contains("thread 0 locks"))
    let again = try explorer.replay(finding.choices) { adders($0, Self.racing) }
    #expect(again?.sentences == finding.sentences)
    #expect(again?.trace == finding.trace)
  }

  @Test("a race is found by lot as well, the same for the same seed")
  func raceByLot() throws {
    let explorer = Explorer(schedulesMax: 200, order: .random(seed: 5))
    let finding = try #require(try explorer.run { adders($0, Self.racing) }.finding)
    #expect(try explorer.run { adders($0, Self.racing) }.finding?.choices == finding.choices)
    #expect(try explorer.replay(finding.choices) { adders($0, Self.racing) } != nil)
  }

  @Test("without interruptions the race does not show")
  func unbounded() throws {
    let exploration = try Explorer(preemptionsMax: 0).run { adders($0, Self.racing) }
    #expect(exploration.finding == nil && exploration.isComplete)
    #expect(exploration.schedules == 2)
  }

  @Test("what is right is right in every order, and every order is tried")
  func noRace() throws {
    let exploration = try Explorer(preemptionsMax: 4).run { scheduler in
      adders(scheduler) { number in number.withLock { $0 += 1 } }
    }
    #expect(exploration.finding == nil && exploration.isComplete)
    #expect(exploration.schedules > 10)
  }

  @Test("every order of the steps of two threads is seen")
  func orders() throws {
    let seen = Monitor(Set<String>())
    let exploration = try Explorer(preemptionsMax: 10).run { scheduler in
      let text = Monitor("")
      let body = { @Sendable (letter: String) in
        for _ in 0..<3 {
          text.withLock { $0 += letter }
          scheduler.yield()
        }
      }
      return Scenario([{ body("a") }, { body("b") }]) {
        let order = text.withLock { $0 }
        seen.withLock { _ = $0.insert(order) }
        return []
      }
    }
    #expect(exploration.isComplete)
    #expect(seen.withLock { $0.count } == 20)
  }

  @Test("two locks in opposite order: the deadlock is found and told")
  func deadlock() throws {
    let finding = try Explorer().run { scheduler in
      let (one, two) = (Monitor(0, scheduler: scheduler), Monitor(0, scheduler: scheduler))
      return Scenario([
        { one.withLock { _ in two.withLock { $0 += 1 } } },
        { two.withLock { _ in one.withLock { $0 += 1 } } },
      ]) { [] }
    }.finding
    #expect(
      finding?.sentences == ["nobody can go on: thread 0, thread 1 wait for each other"])
    #expect(finding.map { "\($0)".contains("thread 1 locks") } == true)
  }

  @Test("a wake that comes too early is found")
  func lostWake() throws {
    func scenario(_ scheduler: Scheduler, isRight: Bool) -> Scenario {
      let flag = Monitor(false, scheduler: scheduler)
      return Scenario([
        { _ = flag.waiting(until: { $0 }) { _ in } },
        {
          if !isRight { flag.wakeAll() }
          flag.withLock { $0 = true }
          if isRight { flag.wakeAll() }
        },
      ]) { [] }
    }
    #expect(try Explorer().run { scenario($0, isRight: false) }.finding != nil)
    let exploration = try Explorer(preemptionsMax: 4).run { scenario($0, isRight: true) }
    #expect(exploration.finding == nil && exploration.isComplete)
  }

  @Test("those who give and those who take come to an end in every order")
  func queue() throws {
    let exploration = try Explorer(schedulesMax: 3_000).run { scheduler in
      let queue = Monitor([Int](), scheduler: scheduler)
      let taken = Monitor([Int]())
      let give = { @Sendable (item: Int) in
        queue.withLock { $0.append(item) }
        queue.wakeAll()
      }
      let take = { @Sendable in
        let item = queue.waiting(until: { !$0.isEmpty }) { $0.removeFirst() }
        if let item { taken.withLock { $0.append(item) } }
      }
      return Scenario([{ give(1) }, { take() }, { take() }, { give(2) }]) {
        taken.withLock { $0.sorted() } == [1, 2] ? [] : ["something is lost"]
      }
    }
    #expect(exploration.finding == nil)
    #expect(exploration.schedules > 500)
  }

  @Test("a timeout passes when nobody else can run, and not before")
  func timeouts() throws {
    let exploration = try Explorer().run { scheduler in
      let flag = Monitor(false, scheduler: scheduler)
      let times = Monitor([Int]())
      let wait = { @Sendable (seconds: Int) in
        let woken: Void? = flag.waiting(until: { $0 }, timeout: .seconds(seconds)) { _ in }
        if woken == nil { times.withLock { $0.append(seconds) } }
      }
      return Scenario([{ wait(3_000) }, { wait(2_000) }, { scheduler.yield() }]) {
        times.withLock { $0 } == [2_000, 3_000] ? [] : ["out of order"]
      }
    }
    #expect(exploration.finding == nil && exploration.isComplete)
  }

  @Test("a wake counts more than a timeout that could pass")
  func wakeBeforeTimeout() throws {
    let exploration = try Explorer().run { scheduler in
      let flag = Monitor(false, scheduler: scheduler)
      let late = Monitor(false)
      return Scenario([
        {
          let woken: Void? = flag.waiting(until: { $0 }, timeout: .nanoseconds(1)) { _ in }
          if woken == nil { late.withLock { $0 = true } }
        },
        {
          for _ in 0..<5 { scheduler.yield() }
          flag.withLock { $0 = true }
          flag.wakeAll()
        },
      ]) { late.withLock { $0 } ? ["too late"] : [] }
    }
    #expect(exploration.finding == nil && exploration.isComplete)
  }

  @Test("threads may be interrupted at calls to a simulated file system")
  func files() throws {
    let finding = try Explorer().run { scheduler in
      let system = SimulatedFileSystem(scheduler: scheduler)
      let directory = try system.openDirectory("/d", creating: true)
      let errors = Monitor([String]())
      let body = { @Sendable in
        do {
          if try directory.list().isEmpty { _ = try directory.create("a") }
        } catch {
          errors.withLock { $0.append("\(error)") }
        }
      }
      return Scenario([body, body]) { errors.withLock { $0 } }
    }.finding
    #expect(finding?.sentences == ["create: EEXIST (17)"])
    #expect(finding?.trace.contains("thread 0 list /d") == true)
  }

  @Test("a loop without end is told from a long run")
  func livelock() throws {
    let explorer = Explorer(stepsMax: 500)
    let finding = try explorer.run { scheduler in
      Scenario([{ while true { scheduler.yield() } }, {}]) { [] }
    }.finding
    #expect(finding?.sentences == ["the threads do not come to an end"])
  }

  @Test("threads that threads start are scheduled and waited for")
  func startedThreads() throws {
    let exploration = try Explorer().run { scheduler in
      let system = SimulatedFileSystem(scheduler: scheduler)
      let log = Monitor([String](), scheduler: scheduler)
      return Scenario([
        {
          let thread = try? system.startThread("worker") { log.withLock { $0.append("work") } }
          scheduler.yield()
          thread?.join()
          log.withLock { $0.append("joined") }
        }
      ]) { log.withLock { $0 } == ["work", "joined"] ? [] : ["out of order"] }
    }
    #expect(exploration.finding == nil && exploration.isComplete)
    #expect(exploration.schedules > 3)
  }

  @Test("threads that the scheduler does not know just run")
  func strangers() throws {
    let kept = Monitor<Monitor<Int>?>(nil)
    _ = try Explorer(schedulesMax: 1).run { scheduler in
      let number = Monitor(0, scheduler: scheduler)
      number.withLock { $0 += 1 }
      kept.withLock { $0 = number }
      return Scenario([{ number.withLock { $0 += 1 } }]) { [] }
    }
    let number = try #require(kept.withLock { $0 })
    try onThreads(4) { _ in
      for _ in 0..<100 { number.withLock { $0 += 1 } }
      number.wakeAll()
    }
    #expect(number.withLock { $0 } == 402)
    #expect(number.waiting(until: { $0 == 0 }, timeout: .milliseconds(5)) { _ in } == nil)
  }

  @Test("a scenario that is not always the same is noticed")
  func nondeterminism() throws {
    let runs = Monitor(0)
    let finding = try Explorer().run { scheduler in
      let count = runs.withLock { runs in
        runs += 1
        return runs == 1 ? 3 : 2
      }
      return Scenario(Array(repeating: { scheduler.yield() }, count: count)) { [] }
    }.finding
    #expect(finding?.sentences == ["the same decisions led to another run"])
  }

  @Test("an exploration costs little enough to make many")
  func speed() throws {
    let exploration = try Explorer(schedulesMax: 500).run { scheduler in
      let number = Monitor(0, scheduler: scheduler)
      let body = { @Sendable in for _ in 0..<20 { number.withLock { $0 += 1 } } }
      return Scenario([body, body]) { [] }
    }
    #expect(exploration.schedules == 500)
    #expect(exploration.steps > 500 * 80)
  }
}
