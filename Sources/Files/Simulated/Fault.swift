/// Something that goes wrong in a simulated file system.
package struct Fault: Sendable, Equatable {
  /// How it goes wrong.
  package enum Effect: Sendable, Equatable {
    /// The call does nothing and throws; with `ErrorNumber.interrupted`, it is tried again and
    /// nobody notices.
    case fail(Int32)
    /// The call does its work and throws all the same.
    case failAfterwards(Int32)
    /// A part of the bytes is written, then there is no more.
    case shortWrite(Portion)
    /// The system takes no byte.
    case zeroWrite
    /// The sync succeeds and nothing has become durable; it still may.
    case lostSync
    /// The bytes land this far from where they should, and the call succeeds.
    case misdirectedWrite(by: Int)
    /// The sync throws once, and the system forgets what was to be written: no later sync makes it
    /// durable. Memory shows it on or shows the disk again, as file systems differ.
    case failedSync(Memory)
  }

  /// How much of a write is done.
  package enum Portion: Sendable, CaseIterable {
    case one, half, allButOne

    func count(of total: Int) -> Int {
      switch self {
      case .one: min(1, total)
      case .half: total / 2
      case .allButOne: max(0, total - 1)
      }
    }
  }

  /// What programs read after a failed sync, until the system forgets its cache.
  package enum Memory: Sendable, CaseIterable { case keepsChanges, reverts }

  /// How many calls of these kinds go well first, counted from the injection.
  package var call: Int
  /// The kinds of calls that count and that it may hit; nil for all.
  package var kinds: Set<FileError.Operation>?
  package var effect: Effect
  /// Whether every later call of these kinds is hit as well.
  package var isSticky: Bool

  package init(
    _ effect: Effect, at call: Int, of kinds: Set<FileError.Operation>? = nil,
    isSticky: Bool = false
  ) {
    self.call = call
    self.kinds = kinds
    self.effect = effect
    self.isSticky = isSticky
  }

  /// Whether calls of this kind can go wrong in this way.
  func fits(_ operation: FileError.Operation) -> Bool {
    switch effect {
    case .fail, .failAfterwards: true
    case .shortWrite, .zeroWrite, .misdirectedWrite: operation == .write
    case .lostSync, .failedSync: operation == .sync || operation == .syncDirectory
    }
  }
}

/// A fault that waits for its call.
struct ArmedFault: Sendable {
  private let fault: Fault
  private var passed = 0

  init(_ fault: Fault) { self.fault = fault }

  /// Counts a call; what happens to it, if anything.
  mutating func effect(on operation: FileError.Operation) -> Fault.Effect? {
    if let kinds = fault.kinds, !kinds.contains(operation) { return nil }
    defer { passed += 1 }
    guard passed == fault.call || (fault.isSticky && passed > fault.call) else { return nil }
    return fault.fits(operation) ? fault.effect : nil
  }
}

/// A call to a simulated file system.
package struct CallEvent: Sendable, Equatable, CustomStringConvertible {
  /// How many calls came before it.
  package let index: Int
  package let operation: FileError.Operation
  /// The file or directory that it is about.
  package let name: String
  /// Where in the file, or its new size.
  package let offset: Int
  package let count: Int
  /// Who asks.
  package let process: Int64

  package var description: String {
    let place = operation == .write || operation == .read ? " \(offset)+\(count)" : ""
    return "\(index) \(operation) \(name)\(place)"
  }
}
