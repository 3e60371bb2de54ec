import Foundation
import RoostContract
import RoostFiles

// The model lane: random steps, done by the engine and by dictionaries; the answers are the same.

extension Lane {
  static let model = Lane(
    name: "model", sentence: "random operations, answered as dictionaries would answer them"
  ) { run in
    let seeds =
      switch run.size {
      case .tiny: 24
      case .pr: 4_000
      case .nightly: 100_000
      }
    let search = ModelSearch(first: run.seed, count: seeds)
    let system = PosixFileSystem()
    let threads = try (0..<2).map { number in
      try system.startThread("model-\(number)") { search.work() }
    }
    for thread in threads { thread.join() }
    let found = search.found.withLock { $0 }
    run.report("operations compared", found.operations)
    run.report("seeds", found.seeds)
    let others = Set(found.marks.counts.keys).subtracting(ModelMarks.required).sorted()
    for name in others { run.report(name, found.marks.counts[name] ?? 0) }
    for name in ModelMarks.required {
      let count = found.marks.counts[name] ?? 0
      run.report(name, count)
      if count == 0, run.size != .tiny { run.violate("nothing was met of: \(name)") }
    }
    run.report("differences", found.sentences.count)
    for sentence in found.sentences { run.violate(sentence) }
    if found.seeds < seeds, found.sentences.isEmpty { run.violate("not every seed was run") }
  }
}

/// Seeds that threads take from, and what they found.
private final class ModelSearch: Sendable {
  struct Found {
    var next = 0
    var seeds = 0
    var operations = 0
    var marks = ModelMarks()
    var sentences: [String] = []
  }

  /// Steps of one seed.
  private static let steps = 300
  /// After so many differences there is enough to do.
  private static let enough = 5

  private let first: UInt64
  private let count: Int
  let found = Monitor(Found())

  init(first: UInt64, count: Int) {
    self.first = first
    self.count = count
  }

  func work() {
    while let number = take() {
      let script = ModelScript(seed: first &+ UInt64(number), steps: Self.steps)
      var marks = ModelMarks()
      let disagreement = ModelRun.disagreement(in: script, &marks)
      let sentence = disagreement.map { Self.sentence(about: script, $0) }
      found.withLock { found in
        found.marks.add(marks)
        found.seeds += 1
        found.operations += min(script.steps.count, disagreement?.step ?? Self.steps)
        if let sentence { found.sentences.append(sentence) }
      }
    }
  }

  private func take() -> Int? {
    let number = found.withLock { found -> Int? in
      guard found.next < count, found.sentences.count < Self.enough else { return nil }
      defer { found.next += 1 }
      return found.next
    }
    // Should a seed end the program, this narrows it down.
    if let number, number % 100 == 0 {
      FileHandle.standardError.write(Data("model: seed \(first &+ UInt64(number))\n".utf8))
    }
    return number
  }

  /// The disagreement, the shortest list of steps found that leads to it, and how to see it again.
  private static func sentence(about script: ModelScript, _ disagreement: Disagreement) -> String {
    var script = script
    var last = disagreement
    script.steps = Array(script.steps.prefix(disagreement.step + 1))
    var length = script.steps.count / 2
    var tries = 2_000
    while length > 0 {
      var start = 0
      while start < script.steps.count, tries > 0 {
        var shorter = script
        shorter.steps.removeSubrange(start..<min(start + length, script.steps.count))
        tries -= 1
        if let found = ModelRun.disagreement(in: shorter) {
          script = shorter
          last = found
        } else {
          start += length
        }
      }
      length /= 2
    }
    let steps = script.steps.map { "    \($0)" }.joined(separator: "\n")
    return """
      seed \(script.seed), step \(disagreement.step): \(disagreement.sentence.prefix(2_000))
      again: roost-campaign model --size tiny --seed \(script.seed)
      cut to \(script.steps.count) steps
      with \(script.options), where \(last.sentence.prefix(2_000)):
      \(steps)
      """
  }
}
