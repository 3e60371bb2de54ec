// The campaign: what the engine promises under crashes, faults and damage, enumerated. Each lane
// prints one line a figure and says `violations`; any of them ends the program with 1.
//
//   roost-campaign LANE… [--size pr|nightly] [--seed N] [--only TEXT]
//   roost-campaign all

import Foundation
import RoostContract

/// How much of a lane is run.
enum Size: String, CaseIterable {
  case tiny, pr, nightly
}

/// What a lane is given, and what it reports.
struct Run {
  let size: Size
  let seed: UInt64
  /// What the name of a case must begin with to be run; nil runs them all.
  let only: String?
  private(set) var lines: [String] = []
  private(set) var violations: [String] = []

  init(size: Size, seed: UInt64, only: String? = nil) {
    self.size = size
    self.seed = seed
    self.only = only
  }

  /// Reports a figure.
  mutating func report(_ name: String, _ figure: some CustomStringConvertible) {
    lines.append("\(name): \(figure)")
  }

  /// Reports that a promise was broken; the sentence says how to see it again.
  mutating func violate(_ sentence: String) { violations.append(sentence) }
}

/// One part of the campaign.
struct Lane: Sendable {
  let name: String
  let sentence: String
  let run: @Sendable (inout Run) throws -> Void
}

@main
struct Campaign {
  static let lanes: [Lane] = [
    .calls,
    .crash,
    .faults,
    .flips,
    .histories,
    .kill,
    .memory,
    .model,
    .power,
    .realFaults,
    .schedules,
    .space,
    .truncation,
  ]

  static func main() {
    // What lanes start this program for once more, to watch, kill or starve it.
    switch CommandLine.arguments.dropFirst().first {
    case "worker": Worker.run(Array(CommandLine.arguments.dropFirst()))
    case "follow": Follower.run(Array(CommandLine.arguments.dropFirst()))
    case "cut-power": Power.run(Array(CommandLine.arguments.dropFirst()))
    case "watch": Watcher.run(Array(CommandLine.arguments.dropFirst()))
    default: break
    }
    var names: [String] = []
    var size = Size.pr
    var seed: UInt64 = 20_261_121
    var only: String?
    var arguments = CommandLine.arguments.dropFirst()
    while let argument = arguments.popFirst() {
      switch argument {
      case "--size":
        guard let value = arguments.popFirst().flatMap(Size.init) else { usage() }
        size = value
      case "--seed":
        guard let value = arguments.popFirst().flatMap({ UInt64($0) }) else { usage() }
        seed = value
      case "--only":
        guard let value = arguments.popFirst() else { usage() }
        only = value
      default: names.append(argument)
      }
    }
    let chosen = names == ["all"] ? lanes : lanes.filter { names.contains($0.name) }
    guard !chosen.isEmpty, names == ["all"] || chosen.count == names.count else { usage() }
    var isGood = true
    for lane in chosen {
      var run = Run(size: size, seed: seed, only: only)
      let clock = ContinuousClock()
      let start = clock.now
      do {
        try lane.run(&run)
      } catch {
        run.violate("the lane ended with \(error)")
      }
      print("== \(lane.name): \(lane.sentence)")
      for line in run.lines { print("  \(line)") }
      for sentence in run.violations.prefix(20) { print("  VIOLATION \(sentence)") }
      print("  violations: \(run.violations.count), \(start.duration(to: clock.now))")
      // Also where the output is a file that somebody follows.
      fflush(nil)
      isGood = isGood && run.violations.isEmpty
    }
    if !isGood { exitBadly() }
  }

  private static func usage() -> Never {
    print("roost-campaign LANE… | all [--size tiny|pr|nightly] [--seed N] [--only TEXT]")
    for lane in lanes { print("  \(lane.name): \(lane.sentence)") }
    exitBadly()
  }

  private static func exitBadly() -> Never { exit(1) }
}
