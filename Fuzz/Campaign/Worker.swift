import Foundation
import RoostContract
import RoostEngine
import RoostFiles

// The process that is killed, cut off and starved. Before each step it says that it begins, after
// it what came of it, each in one write of the system, so that nothing of it is lost with the
// process.

enum Worker {
  /// Does an order, and ends; an error with a code is one of the things that may come of a step.
  static func run(_ arguments: [String]) -> Never {
    guard let order = WorkOrder(arguments: arguments) else { exit(64) }
    say("begin")
    do {
      let store = try Store.open(
        at: order.directory,
        options: StoreOptions(
          durability: order.durability, memoryLimit: order.memoryLimit,
          background: order.background))
      say("open")
      try work(order, store)
      say("worked")
      if order.closes { try store.close() }
      say("end")
    } catch let error as StoreError {
      say("failed \(error.code) \(error.message)")
    } catch {
      say("unexpected \(error)")
      exit(3)
    }
    // Nothing is tidied up: what the process leaves is what the store must cope with.
    exit(0)
  }

  private static func work(_ order: WorkOrder, _ store: Store) throws {
    guard order.writers > 1 else { return work(order.workload(of: 0), 0, store) }
    let system = PosixFileSystem()
    let threads = try (0..<order.writers).map { writer in
      try system.startThread("writer-\(writer)") {
        work(order.workload(of: writer), writer, store)
      }
    }
    for thread in threads { thread.join() }
  }

  private static func work(_ workload: Workload, _ writer: Int, _ store: Store) {
    for (number, step) in workload.steps.enumerated() {
      say("s \(writer) \(number)")
      do {
        switch step {
        case .write(let write):
          if case .refused(let code) = try store.apply(write) {
            say("f \(writer) \(number) \(code)")
            continue
          }
        case .checkpoint: try store.checkpoint()
        case .compact: try store.compact()
        }
        say("d \(writer) \(number) \(PosixFileSystem().now())")
      } catch let error as StoreError {
        say("f \(writer) \(number) \(error.code)")
      } catch {
        say("unexpected \(error)")
        exit(3)
      }
    }
  }

  private static func say(_ text: String) {
    let bytes = Array((text + "\n").utf8)
    // Whoever reads this has been told all that can be told.
    guard unsafe write(1, bytes, bytes.count) == bytes.count else { exit(65) }
  }
}

/// What a worker has said.
struct WorkerLog {
  /// What came of a step.
  enum Outcome: Equatable {
    case done
    /// It was acknowledged after the power was cut, while the process still ran.
    case late
    case failed(StoreError.Code)
    /// It began, and the process ended.
    case unknown
  }

  /// What came of each step that began, in order, for each writer.
  private(set) var outcomes: [[Outcome]]
  private(set) var isOpened = false
  private(set) var hasEnded = false
  /// Why the store could not be opened or closed.
  private(set) var failure: String?
  /// What no worker may say.
  private(set) var unexpected: [String] = []

  /// - Parameters:
  ///   - cut: when the power was cut, by the clock of the system.
  ///   - isTrapped: whether the process may have ended with words of the language's runtime.
  init(
    of order: WorkOrder, in file: String, cut: UInt64 = .max, isTrapped: Bool = false
  ) throws {
    outcomes = Array(repeating: [], count: order.writers)
    for line in try String(contentsOfFile: file, encoding: .utf8).split(separator: "\n") {
      let words = line.split(separator: " ").map(String.init)
      switch words[0] {
      case "begin", "worked": break
      case "open": isOpened = true
      case "end": hasEnded = true
      case "failed": failure = String(line)
      case "s", "d", "f":
        guard words.count >= 3, let writer = Int(words[1]), let number = Int(words[2]),
          outcomes.indices.contains(writer)
        else { throw CampaignError("a worker said \(line)") }
        if words[0] == "s" {
          guard outcomes[writer].count == number else {
            throw CampaignError("a worker said \(line) after step \(outcomes[writer].count)")
          }
          outcomes[writer].append(.unknown)
        } else {
          guard outcomes[writer].count == number + 1 else {
            throw CampaignError("a worker said \(line) after step \(outcomes[writer].count)")
          }
          let last = words.count > 3 ? words[3] : ""
          let isLate = UInt64(last).map { $0 > cut } ?? false
          outcomes[writer][number] =
            words[0] == "f" ? .failed(StoreError.Code(rawValue: last)) : isLate ? .late : .done
        }
      case "unexpected": unexpected.append(String(line))
      default: if !isTrapped { unexpected.append(String(line)) }
      }
    }
  }

  /// How many steps were acknowledged.
  var acknowledged: Int { outcomes.reduce(0) { $0 + $1.count { $0 == .done } } }
  /// Whether some write was refused.
  var hasFailures: Bool {
    outcomes.contains { $0.contains { if case .failed = $0 { true } else { false } } }
  }
}
