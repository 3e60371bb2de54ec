internal import RoostContract
internal import RoostFiles
internal import RoostStorage

/// What a write does, resolved against the state that it meets.
struct Effects {
  /// The operations for the log; none when the write changes nothing.
  var operations: [Operation] = []
  /// Their bytes, when the caller has made them already.
  var payload: [UInt8]?
  /// The rows of the `put` operations, in their order, when the caller has made them already.
  var rows: [MemRow]?
  /// What the caller is told.
  var answer = 0

  /// Whether there is only less to keep afterwards, so that it may use the last space of a disk.
  var onlyFrees: Bool {
    operations.allSatisfy { operation in
      switch operation {
      case .delete, .dropCollection, .dropIndex: true
      default: false
      }
    }
  }
}

/// Which ids the writes of a group have put or deleted before the group is in the tables.
struct Overlay {
  private var ids: [UInt64: [BytewiseKey: Bool]] = [:]

  /// Whether a group's writes have said if this id lives.
  subscript(collection: UInt64, id: String) -> Bool? {
    ids[collection].flatMap { $0[BytewiseKey(id)] }
  }

  /// Takes note of what a write does.
  mutating func add(_ operations: [Operation]) {
    for operation in operations {
      switch operation {
      case .put(let number, let record): ids[number, default: [:]][BytewiseKey(record.id)] = true
      case .delete(let number, let id): ids[number, default: [:]][BytewiseKey(id)] = false
      default: break
      }
    }
  }
}

/// A write on its way through the committer.
// Sendable: `turn` is set before anybody else knows the request, all else is never changed.
final class WriteRequest: @unchecked Sendable {
  /// What its writer has to do.
  enum Turn {
    case waits
    case leads
    case isDone(Result<Int, any Error>)
  }

  /// Says what the write does to the state that it meets, or refuses.
  let resolve: (StoreCore, Overlay) throws -> Effects
  /// Whether it must see all other writes in the tables, and so cannot share a group.
  let isAlone: Bool
  /// Whether there will only be less to keep, so that it need not wait until there is memory.
  let onlyFrees: Bool
  /// Where its writer waits; nil when nobody does.
  var turn: Monitor<Turn>?
  /// Whom to tell when nobody waits.
  let whenDone: (@Sendable (Result<Int, any Error>) -> Void)?

  init(
    isAlone: Bool = false, onlyFrees: Bool = false,
    whenDone: (@Sendable (Result<Int, any Error>) -> Void)? = nil,
    resolve: @escaping (StoreCore, Overlay) throws -> Effects
  ) {
    self.isAlone = isAlone
    self.onlyFrees = onlyFrees
    self.whenDone = whenDone
    self.resolve = resolve
  }

  /// Tells its writer what came of it.
  func finish(_ outcome: Result<Int, any Error>) {
    set(.isDone(outcome))
    whenDone?(outcome)
  }

  /// Tells its writer to lead.
  func lead() { set(.leads) }

  private func set(_ state: Turn) {
    turn?.withLock { $0 = state }
    turn?.wakeAll()
  }
}
