import CRoost
import Foundation
import RoostContract
import RoostEngine
import Testing

/// How many cores there are.
enum ProcessCores {
  static var count: Int { ProcessInfo.processInfo.activeProcessorCount }
}

/// What a callback was told.
final class Told {
  var calls: [(completed: UInt64, total: UInt64, phase: String)] = []
  /// The call from which on it cancels; none when nil.
  var cancelsAt: Int?
  /// What it asks for while it is called.
  var asks: (() -> Void)?

  var context: UnsafeMutableRawPointer {
    unsafe Unmanaged.passUnretained(self).toOpaque()
  }

  var isComplete: Bool {
    guard let last = calls.last else { return false }
    return last.total > 0 && last.completed == last.total
  }

  static let function: roost_progress = { context, completed, total, phase in
    guard let context = unsafe context, let phase = unsafe phase else { return 1 }
    let told = unsafe Unmanaged<Told>.fromOpaque(context).takeUnretainedValue()
    told.calls.append((completed, total, unsafe String(cString: phase)))
    told.asks?()
    return told.calls.count > told.cancelsAt ?? .max ? 1 : 0
  }
}

@Suite("Long work tells how far it is, and can be cancelled")
struct LongWorkTests {
  @Test("compaction and backup tell the beginning and the end")
  func complete() throws {
    let bed = try CBed()
    #expect(bed.fill(0..<100) == nil)
    let compaction = Told()
    #expect(
      unsafe failure {
        unsafe roost_compact(bed.store, Told.function, compaction.context, $0)
      } == nil)
    #expect(compaction.calls.first?.completed == 0)
    #expect(compaction.isComplete)
    let backup = Told()
    let target = bed.path + ".backup"
    defer { try? FileManager.default.removeItem(atPath: target) }
    #expect(
      unsafe failure {
        unsafe roost_backup(bed.store, target, Told.function, backup.context, $0)
      } == nil)
    #expect(backup.isComplete)
    #expect(backup.calls.allSatisfy { $0.phase == "backup" })
    let copy = bed.path + ".copy"
    defer { try? FileManager.default.removeItem(atPath: copy) }
    #expect(unsafe roost_restore(target, copy, nil, nil, nil) == ROOST_OK)
    #expect(try Store.open(at: copy).collection("notes").count() == 100)
  }

  @Test("a callback that says so cancels the work, whenever it says so", arguments: 0..<3)
  func cancelled(_ call: Int) throws {
    let bed = try CBed()
    for batch in 0..<3 {
      #expect(bed.fill(batch * 2_000..<(batch + 1) * 2_000) == nil)
      #expect(unsafe roost_checkpoint(bed.store, nil) == ROOST_OK)
    }
    let told = Told()
    told.cancelsAt = call
    let failed = unsafe failure {
      unsafe roost_compact(bed.store, Told.function, told.context, $0)
    }
    #expect(failed?.code == "cancelled")
    #expect(told.calls.count == call + 1)
    // Nothing is lost, and nothing is in the way of the next.
    var count: UInt64 = 0
    #expect(unsafe roost_count(bed.notes, nil, &count, nil) == ROOST_OK)
    #expect(count == 6_000)
    #expect(unsafe roost_compact(bed.store, nil, nil, nil) == ROOST_OK)
    let target = bed.path + ".backup"
    defer { try? FileManager.default.removeItem(atPath: target) }
    told.calls = []
    told.cancelsAt = 0
    #expect(
      unsafe failure {
        unsafe roost_backup(bed.store, target, Told.function, told.context, $0)
      }?.status == Int32(ROOST_CANCELLED))
    #expect(unsafe roost_backup(bed.store, target, nil, nil, nil) == ROOST_OK)
  }

  @Test("a callback may read, and is refused what would wait for the work itself")
  func insideCallback() throws {
    let bed = try CBed()
    #expect(bed.fill(0..<10) == nil)
    let told = Told()
    var counted: [UInt64] = []
    var failures: [CFailure?] = []
    told.asks = {
      var count: UInt64 = 0
      _ = unsafe roost_count(bed.notes, nil, &count, nil)
      counted.append(count)
      failures += unsafe [
        failure { unsafe roost_close(bed.store, $0) },
        failure { unsafe roost_checkpoint(bed.store, $0) },
        failure { unsafe roost_compact(bed.store, nil, nil, $0) },
        failure { unsafe roost_backup(bed.store, "nowhere", nil, nil, $0) },
        failure { unsafe roost_restore("nowhere", "nowhere else", nil, nil, $0) },
        failure { unsafe roost_ensure_index(bed.notes, "{}", nil, nil, $0) },
      ]
    }
    #expect(unsafe roost_compact(bed.store, Told.function, told.context, nil) == ROOST_OK)
    #expect(!counted.isEmpty)
    #expect(counted.allSatisfy { $0 == 10 })
    #expect(failures.allSatisfy { $0?.code == "invalid_argument" })
    #expect(unsafe roost_checkpoint(bed.store, nil) == ROOST_OK)
  }
}
