import Foundation
import RoostContract
import RoostFiles

// Lane 10: the threads of a store, and other processes, meet in every order that a bounded number
// of interruptions can make. A run that goes wrong goes wrong the same way again.

extension Lane {
  static let schedules = Lane(
    name: "schedules",
    sentence: "threads and processes meet in chosen orders: nothing torn, lost, early or stuck"
  ) { run in
    let search = ScheduleSearch(run)
    let system = PosixFileSystem()
    let threads = try (0..<2).map { number in
      try system.startThread("schedules-\(number)") { search.work() }
    }
    for thread in threads { thread.join() }
    let found = search.found.withLock { $0 }
    var total = 0
    for scene in ScheduleScene.all {
      let tally = found.tallies[scene.name] ?? ScheduleSearch.Tally()
      total += tally.schedules
      run.report(
        scene.name,
        "\(tally.schedules) schedules, \(tally.steps / max(1, tally.schedules)) steps each"
          + (tally.isComplete ? ", complete with one interruption" : ""))
    }
    run.report("schedules", total)
    for sentence in found.sentences { run.violate(sentence) }
    if found.sentences.isEmpty, total < search.least {
      run.violate("\(total) schedules, and \(search.least) were to be explored")
    }
  }
}

/// Explorations that threads take from, and what they found.
private final class ScheduleSearch: Sendable {
  struct Tally {
    var schedules = 0
    var steps = 0
    var isComplete = false
  }

  struct Found {
    var next = 0
    var tallies: [String: Tally] = [:]
    var failed: Set<String> = []
    var sentences: [String] = []
  }

  private let tasks: [(scene: ScheduleScene, explorer: Explorer)]
  /// How many schedules there are to be at least.
  let least: Int
  private let again: String
  let found = Monitor(Found())

  init(_ run: Run) {
    let (inOrder, byLot, portions, bounds) =
      switch run.size {
      case .tiny: (40, 20, 1, [2])
      case .pr: (2_500, 1_000, 2, [2, 3])
      case .nightly: (10_000, 10_000, 8, [2, 3])
      }
    var tasks: [(ScheduleScene, Explorer)] = []
    for scene in ScheduleScene.all {
      tasks.append((scene, Explorer(preemptionsMax: 1, schedulesMax: inOrder)))
      for portion in 0..<portions {
        for bound in bounds {
          let seed = run.seed &+ UInt64(portion) &* 1_000_003
          let explorer = Explorer(
            preemptionsMax: bound, schedulesMax: byLot, order: .random(seed: seed))
          tasks.append((scene, explorer))
        }
      }
    }
    self.tasks = tasks
    least =
      switch run.size {
      case .tiny: 500
      case .pr: 50_000
      case .nightly: 2_000_000
      }
    again = "roost-campaign schedules --size \(run.size.rawValue) --seed \(run.seed)"
  }

  func work() {
    while let (scene, explorer) = take() {
      // Should a schedule end the program, or never end, this says which.
      FileHandle.standardError.write(
        Data("schedules: \(scene.name), \(explorer.preemptionsMax), \(explorer.order)\n".utf8))
      do {
        let exploration = try explorer.run(scene.prepare)
        let sentence = exploration.finding.map { finding in
          """
          \(scene.name), \(explorer.order), \(explorer.preemptionsMax) interruptions, schedule \
          \(exploration.schedules): \(finding.sentences.joined(separator: "; "))
          again: \(again)
          choices: \(finding.choices)
          calls: \(Self.calls(of: finding.trace))
          """
        }
        found.withLock { found in
          found.tallies[scene.name, default: Tally()].schedules += exploration.schedules
          found.tallies[scene.name, default: Tally()].steps += exploration.steps
          if case .exhaustive = explorer.order {
            found.tallies[scene.name, default: Tally()].isComplete = exploration.isComplete
          }
          if let sentence {
            found.sentences.append(sentence)
            found.failed.insert(scene.name)
          }
        }
      } catch {
        found.withLock { found in
          found.sentences.append("\(scene.name): \(error)")
          found.failed.insert(scene.name)
        }
      }
    }
  }

  /// The calls of a run, each thread named where it begins to run.
  private static func calls(of trace: [String]) -> String {
    var last = ""
    var lines: [String] = []
    for step in trace {
      // The threads of a scene have a name and a number.
      let length = step.hasPrefix("thread ") ? 2 : 1
      let words = step.split(separator: " ", maxSplits: length).map(String.init)
      guard words.count > length, !["locks", "unlocks", "wakes"].contains(words[length]) else {
        continue
      }
      let thread = words.prefix(length).joined(separator: " ")
      lines.append(thread == last ? words[length] : "\n  \(thread): \(words[length])")
      last = thread
    }
    return lines.joined(separator: ", ")
  }

  private func take() -> (scene: ScheduleScene, explorer: Explorer)? {
    found.withLock { found in
      while found.next < tasks.count {
        defer { found.next += 1 }
        // One finding of a scene is enough to do.
        if !found.failed.contains(tasks[found.next].scene.name) { return tasks[found.next] }
      }
      return nil
    }
  }
}
