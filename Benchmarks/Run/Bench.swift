import Foundation
import RoostContract
import RoostEngine

// The benchmark: what durability costs and how fast vectors are scored, each figure beside what it
// is to be compared with, measured in the same run and in turns.
//
//   roost-bench [commits] [writers] [batches] [recovery] [opening] [kernels]
//   roost-bench [levels] [promises] [filters] [damage] --data PATH
//   roost-bench imports        needs the product roost beside it
//     --directory PATH   where to write; on the disk that is to be measured (.build/bench)
//     --rounds N         rounds of each measurement (7)
//     --rows N           records of the large store of `opening`, and of `imports` (1000000)
//     --data PATH        the folder of the real vectors, unpacked (Benchmarks/prove does it)
//     --pairs N          filters and queries that `filters` puts together (10000)
//     --seed N           which filters those are (1)
//
// Ends with 1 when a bar is missed. Nothing else should run on the machine meanwhile.

/// What a run of the benchmark is asked for.
struct BenchPlan {
  var chapters: [String] = []
  var directory = ".build/bench"
  var rounds = 7
  var rows = 1_000_000
  var data: String?
  var pairs = 10_000
  var seed: UInt64 = 1

  /// Where the stores of proofs are.
  var proofs: String { directory + "/proofs" }

  /// Where the real vectors are.
  var neededData: String {
    get throws {
      guard let data else {
        throw BenchFailure("real vectors are needed; name their folder: --data")
      }
      return data
    }
  }
}

/// What a measurement says.
struct BenchReport {
  private(set) var missed = 0

  mutating func line(_ text: String) { print("  " + text) }

  /// Says whether a bar is met.
  mutating func bar(_ name: String, _ figure: Double, atLeast bar: Double) {
    judge(name, figure, isMet: figure >= bar, "at least \(bar)")
  }

  /// Says whether a bar is met from below.
  mutating func bar(_ name: String, _ figure: Double, atMost bar: Double) {
    judge(name, figure, isMet: figure <= bar, "at most \(bar)")
  }

  /// Says how often something happened that must not.
  mutating func check(_ name: String, _ violations: Int) {
    if violations > 0 { missed += 1 }
    print("  \(name): \(violations) (\(violations == 0 ? "met" : "VIOLATED"))")
  }

  private mutating func judge(_ name: String, _ figure: Double, isMet: Bool, _ bar: String) {
    if !isMet { missed += 1 }
    print("  \(name): \(figure.shown) (\(bar): \(isMet ? "met" : "MISSED"))")
  }
}

@main
struct Bench {
  typealias Chapter = @Sendable (BenchPlan, inout BenchReport) throws -> Void

  static let chapters: [(name: String, run: Chapter)] = [
    ("commits", Commits.oneRow), ("writers", Commits.manyWriters), ("batches", Ingest.run),
    ("recovery", Opening.recovery), ("opening", Opening.closed), ("kernels", KernelSpeed.run),
  ]

  /// What is run only when it is named: not how fast, but whether what was promised is so.
  static let proofs: [(name: String, run: Chapter)] = [
    ("levels", LevelProof.run), ("promises", RecallProof.run), ("filters", FilterProof.run),
    ("damage", DamageProof.run), ("imports", Imports.run),
  ]

  static func main() {
    do {
      try run(CommandLine.arguments.dropFirst())
    } catch {
      FileHandle.standardError.write(Data("roost-bench: \(error)\n".utf8))
      exit(1)
    }
  }

  private static func run(_ words: ArraySlice<String>) throws {
    var arguments = words
    if let errand = arguments.first, errand.hasPrefix("_") {
      try Errand.run(errand, Array(arguments.dropFirst()))
      return
    }
    var plan = BenchPlan()
    while let argument = arguments.popFirst() {
      switch argument {
      case "--directory": plan.directory = arguments.popFirst() ?? plan.directory
      case "--rounds": plan.rounds = max(1, Int(arguments.popFirst() ?? "") ?? plan.rounds)
      case "--rows": plan.rows = max(1, Int(arguments.popFirst() ?? "") ?? plan.rows)
      case "--data": plan.data = arguments.popFirst()
      case "--pairs": plan.pairs = max(1, Int(arguments.popFirst() ?? "") ?? plan.pairs)
      case "--seed": plan.seed = UInt64(arguments.popFirst() ?? "") ?? plan.seed
      case let name where (chapters + proofs).contains { $0.name == name }:
        plan.chapters.append(name)
      default:
        print("roost-bench knows no \(argument); there are \((chapters + proofs).map(\.name))")
        exit(2)
      }
    }
    try FileManager.default.createDirectory(
      atPath: plan.directory, withIntermediateDirectories: true)
    print("load before: \(load()), rounds: \(plan.rounds), in \(plan.directory)")
    var report = BenchReport()
    for chapter in chapters where plan.chapters.isEmpty || plan.chapters.contains(chapter.name) {
      print("== \(chapter.name)")
      try chapter.run(plan, &report)
    }
    try removeProofs(plan)
    if plan.chapters.contains(where: { name in proofs.contains { $0.name == name } }) {
      try FileManager.default.createDirectory(
        atPath: plan.proofs, withIntermediateDirectories: true)
    }
    for chapter in proofs where plan.chapters.contains(chapter.name) {
      print("== \(chapter.name)")
      try chapter.run(plan, &report)
    }
    try removeProofs(plan)
    print("load after: \(load()), bars missed: \(report.missed)")
    if report.missed > 0 { exit(1) }
  }

  /// Removes the stores of proofs: what an older build made says nothing about this one.
  private static func removeProofs(_ plan: BenchPlan) throws {
    guard FileManager.default.fileExists(atPath: plan.proofs) else { return }
    try FileManager.default.removeItem(atPath: plan.proofs)
  }

  /// What the machine does besides; a measurement on a busy one says nothing.
  private static func load() -> String {
    let text = try? String(contentsOfFile: "/proc/loadavg", encoding: .utf8)
    return text.map { $0.split(separator: " ").prefix(3).joined(separator: " ") } ?? "unknown"
  }
}

// MARK: - Shared by the chapters

/// A directory of one round's own, deleted with it.
func withDirectory<R>(_ plan: BenchPlan, _ name: String, _ body: (String) throws -> R) throws -> R {
  let path = plan.directory + "/" + name
  if FileManager.default.fileExists(atPath: path) {
    try FileManager.default.removeItem(atPath: path)
  }
  let result = try body(path)
  try FileManager.default.removeItem(atPath: path)
  return result
}

/// How many seconds something takes.
func seconds(_ body: () throws -> Void) rethrows -> Double {
  let clock = ContinuousClock()
  let start = clock.now
  try body()
  let (seconds, attoseconds) = start.duration(to: clock.now).components
  return Double(seconds) + Double(attoseconds) / 1e18
}

/// The bytes of a store's files whose names end in this.
func bytes(in directory: String, ending: String) throws -> Int {
  var sum = 0
  for name in try FileManager.default.contentsOfDirectory(atPath: directory)
  where name.hasSuffix(ending) {
    let attributes = try FileManager.default.attributesOfItem(atPath: directory + "/" + name)
    sum += (attributes[.size] as? NSNumber)?.intValue ?? 0
  }
  return sum
}

extension [Double] {
  var median: Double {
    let sorted = sorted()
    guard let middle = sorted.dropFirst((count - 1) / 2).first else { return .nan }
    return count % 2 == 1 ? middle : (middle + sorted[count / 2]) / 2
  }

  /// The median, and between which figures all lie.
  var shown: String {
    "\(median.shown) (\((self.min() ?? .nan).shown)…\((self.max() ?? .nan).shown))"
  }
}

extension Double {
  /// Four places behind the point.
  var places: String { String(format: "%.4f", self) }

  /// Three or more digits that matter.
  var shown: String {
    magnitude >= 100 ? String(format: "%.0f", self) : String(format: "%.3g", self)
  }
}
